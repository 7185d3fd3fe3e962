//! Policies of the Hugging Face hub, in the cache that its other clients share.
//!
//! A name stands for a commit, found out anew at every start, and a commit for its files: what is in the cache already is
//! not fetched again, and a download that was cut off goes on where it stopped. Files that the hub names by their
//! SHA-256, as it does those of weights, are compared with it.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context as _, Error, Result, anyhow, bail, ensure};
use hf_hub::{
    Cache, Repo, RepoType,
    api::{
        RepoInfo,
        sync::{Api, ApiBuilder, ApiError, ApiRepo},
    },
};
use sha2::{Digest as _, Sha256};

use azr_policy::weights::{SIDE_FILES, WEIGHTS_FILE};

/// Lists the parts where the weights are in several files.
const INDEX_FILE: &str = "model.safetensors.index.json";
/// Times that a broken download goes on before it fails.
const RETRIES: usize = 5;

/// A model of the hub: `owner/name`, or `owner/name@revision` with a branch, a tag or a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelId {
    name: String,
    revision: String,
}

impl FromStr for ModelId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, revision) = text.split_once('@').unwrap_or((text, "main"));
        let plain = |part: &str| {
            !part.starts_with('.')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
                && !part.is_empty()
        };
        let (owner, model) = name.split_once('/').unwrap_or_default();
        ensure!(
            plain(owner) && plain(model) && plain(revision),
            "{text:?} is neither a directory nor the name of a model, as in Qwen/Qwen2.5-Coder-3B"
        );
        Ok(Self { name: name.into(), revision: revision.into() })
    }
}

impl ModelId {
    fn at(&self, revision: &str) -> Repo {
        Repo::with_revision(self.name.clone(), RepoType::Model, revision.to_owned())
    }
}

/// The hub and the cache of what was fetched from it.
pub struct Hub {
    /// None where the network is not to be used.
    api: Option<Api>,
    cache: Cache,
    endpoint: String,
}

impl Hub {
    /// As the variables say that all clients of the hub follow: `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`, `HF_TOKEN` and
    /// `HF_HUB_OFFLINE`.
    pub fn from_env() -> Result<Self> {
        let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let cache = set("HF_HUB_CACHE").map_or_else(Cache::from_env, |folder| Cache::new(folder.into()));
        let endpoint = set("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".into());
        let offline =
            set("HF_HUB_OFFLINE").is_some_and(|value| ["1", "on", "yes", "true"].contains(&&*value.to_lowercase()));
        let mut builder = ApiBuilder::from_cache(cache.clone()).with_endpoint(endpoint.clone()).with_retries(RETRIES);
        if let Some(token) = set("HF_TOKEN") {
            builder = builder.with_token(Some(token));
        }
        let api = if offline { None } else { Some(builder.build().context("cannot prepare to speak to the hub")?) };
        Ok(Self { api, cache, endpoint })
    }

    /// The directory with the model's files, fetched where they are not in the cache.
    pub fn fetch(&self, model: &ModelId) -> Result<PathBuf> {
        let why = match self.info(model) {
            Ok(info) => return self.files(model, info),
            Err(Refusal::Answered(error)) => return Err(error),
            Err(Refusal::Unreachable(why)) => why,
        };
        let ModelId { name, revision } = model;
        let Some(dir) = self.cached(model) else {
            bail!(
                "{why}, and {name} is not in the cache, {}; where there is a network fetch it with `hf download {name}`, and \
                 copy that cache here, or give the directory with --policy DIR",
                self.cache.path().display()
            );
        };
        tracing::warn!("{why}; going on with what {name}@{revision} was when it was fetched: {}", dir.display());
        Ok(dir)
    }

    /// What the name stands for now.
    fn info(&self, model: &ModelId) -> Result<RepoInfo, Refusal> {
        let (ModelId { name, revision }, endpoint) = (model, &self.endpoint);
        let Some(api) = &self.api else { return Err(Refusal::Unreachable("HF_HUB_OFFLINE is set".into())) };
        api.repo(model.at(revision)).info().map_err(|error| match status(&error) {
            Some(401 | 403) => Refusal::Answered(anyhow!(
                "{endpoint} does not give {name}@{revision} to everybody: the name is wrong, or its licence must be accepted on \
                 its page; then log in with `hf auth login`, or set HF_TOKEN"
            )),
            Some(404) => Refusal::Answered(anyhow!("{endpoint} has no {name}@{revision}")),
            _ => Refusal::Unreachable(format!("cannot reach {endpoint}: {error}")),
        })
    }

    /// Fetches what a policy is made of.
    fn files(&self, model: &ModelId, RepoInfo { sha: commit, siblings }: RepoInfo) -> Result<PathBuf> {
        let ModelId { name, revision } = model;
        let files: Vec<&str> = siblings.iter().map(|sibling| &*sibling.rfilename).collect();
        let weights: Vec<&str> = match files.contains(&WEIGHTS_FILE) {
            true => vec![WEIGHTS_FILE],
            false => files.iter().copied().filter(|file| is_part(file)).chain([INDEX_FILE]).collect(),
        };
        ensure!(
            weights.iter().all(|file| files.contains(file)),
            "{name} has neither {WEIGHTS_FILE} nor {INDEX_FILE}, so it is no policy"
        );
        let repo = self.api.as_ref().expect("the hub was asked").repo(model.at(&commit));
        let present = self.cache.repo(model.at(&commit));
        for file in files.into_iter().filter(|file| SIDE_FILES.contains(file)).chain(weights) {
            // Another process may fetch it meanwhile, and have its lock for longer than the client waits for.
            while present.get(file).is_none() {
                fetch(&repo, file).with_context(|| format!("cannot fetch {file} of {name}@{commit}"))?;
            }
        }
        // So that the name stands for this commit where the hub cannot be asked, too.
        self.cache.repo(model.at(revision)).create_ref(&commit)?;
        Ok(present.pointer_path(&commit))
    }

    /// The directory that the name stood for when it was last fetched, if it is complete.
    fn cached(&self, model: &ModelId) -> Option<PathBuf> {
        let config = self.cache.repo(model.at(&model.revision)).get("config.json")?;
        let dir = config.parent()?.to_owned();
        let whole = dir.join(WEIGHTS_FILE).exists() || parts(&dir)?.iter().all(|part| dir.join(part).exists());
        whole.then_some(dir)
    }
}

/// Why a name stands for nothing.
enum Refusal {
    /// The hub says so.
    Answered(Error),
    /// The hub says nothing, for this reason.
    Unreachable(String),
}

/// Fetches one file into the cache, where it gets its name last. Does nothing where another process is at it.
fn fetch(repo: &ApiRepo, file: &str) -> Result<()> {
    let path = match repo.download(file) {
        Ok(path) => path,
        Err(ApiError::LockAcquisition(_)) => return Ok(()),
        Err(error) => match status(&error) {
            Some(401 | 403) => bail!("the hub wants a token: log in with `hf auth login`, or set HF_TOKEN"),
            _ => return Err(error.into()),
        },
    };
    // The cache names a file by what the hub says about its content.
    let blob = path.canonicalize()?;
    let expected = blob.file_name().expect("a file has a name").to_string_lossy();
    if expected.len() != 64 {
        return Ok(());
    }
    let mut digest = Sha256::new();
    std::io::copy(&mut File::open(&blob)?, &mut digest)?;
    let digest = format!("{:x}", digest.finalize());
    if digest != *expected {
        fs::remove_file(&blob)?;
        fs::remove_file(&path)?;
        bail!("its SHA-256 is {digest} instead of {expected}; what came is thrown away, try again");
    }
    Ok(())
}

fn is_part(file: &str) -> bool {
    file.starts_with("model-") && file.ends_with(".safetensors")
}

/// The parts that a directory's index names.
fn parts(dir: &Path) -> Option<Vec<String>> {
    let index: serde_json::Value = serde_json::from_slice(&fs::read(dir.join(INDEX_FILE)).ok()?).ok()?;
    index["weight_map"].as_object()?.values().map(|part| Some(part.as_str()?.to_owned())).collect()
}

/// The status of the hub's answer, if there was one.
fn status(error: &ApiError) -> Option<u16> {
    match error {
        ApiError::RequestError(error) => match **error {
            ureq::Error::StatusCode(status) => Some(status),
            _ => None,
        },
        ApiError::TooManyRetries(error) => status(error),
        _ => None,
    }
}
/// The directory of an adapter's base model: `base` itself, or what that name on the hub is fetched to.
pub fn base_model(base: &str) -> Result<PathBuf> {
    match Path::new(base) {
        dir if dir.is_dir() => Ok(dir.to_owned()),
        _ => Hub::from_env()?.fetch(&base.parse()?),
    }
}
