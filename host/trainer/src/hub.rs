//! Policies of the Hugging Face hub, in the cache that its other clients share.
//!
//! A name resolves to a commit, looked up at every start, and a commit to its files: what is in the cache already is
//! not fetched again, and a download that was cut off goes on where it stopped. Files that the hub names by their
//! SHA-256, as it does those of weights, are compared with it.
//!
//! Whoever answers may be a stranger: what it says is data. Names, commits and digests become parts of paths only where they
//! are nothing but that, and before anything is written.

use std::{
    env, fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context as _, Error, Result, anyhow, bail, ensure};
use hf_hub::{
    Cache, Repo, RepoType,
    api::{
        RepoInfo,
        sync::{Api, ApiBuilder, ApiError},
    },
};

use azr_policy::weights::{INDEX_FILE, SIDE_FILES, WEIGHTS_FILE, indexed_files};

mod download;

use download::Downloads;

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
    downloads: Downloads,
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
        let token = set("HF_TOKEN").or_else(|| cache.token());
        builder = builder.with_token(token.clone());
        let api = if offline { None } else { Some(builder.build().context("cannot prepare to speak to the hub")?) };
        Ok(Self { api, downloads: Downloads::new(endpoint.clone(), token), cache, endpoint })
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
                "{why}, and {name} is neither a directory here nor in the cache, {}; where there is a network fetch it with `hf download {name}`, and \
                 copy that cache here, or give the directory with --policy DIR",
                self.cache.path().display()
            );
        };
        tracing::warn!("{why}; going on with what {name}@{revision} was when it was fetched: {}", dir.display());
        Ok(dir)
    }

    /// The commit of the name now.
    fn info(&self, model: &ModelId) -> Result<RepoInfo, Refusal> {
        let (ModelId { name, revision }, endpoint) = (model, &self.endpoint);
        let Some(api) = &self.api else { return Err(Refusal::Unreachable("HF_HUB_OFFLINE is set".into())) };
        api.repo(model.at(revision)).info().map_err(|error| match status(&error) {
            Some(401 | 403) => Refusal::Answered(anyhow!(
                "{endpoint} does not give {name}@{revision} to everybody: the name is wrong (a directory {name} is not \
                 here), or its licence must be accepted on \
                 its page; then log in with `hf auth login`, or set HF_TOKEN"
            )),
            Some(404) => {
                Refusal::Answered(anyhow!("{endpoint} has no {name}@{revision}, and there is no directory {name} here"))
            }
            _ => Refusal::Unreachable(format!("cannot reach {endpoint}: {error}")),
        })
    }

    /// Fetches what a policy is made of.
    fn files(&self, model: &ModelId, RepoInfo { sha: commit, siblings }: RepoInfo) -> Result<PathBuf> {
        let (ModelId { name, revision }, endpoint) = (model, &self.endpoint);
        ensure!(
            commit.len() == 40 && commit.bytes().all(|c| c.is_ascii_hexdigit()),
            "{endpoint} says that {name}@{revision} is the commit {commit:?}; a commit is 40 hexadecimal digits"
        );
        let there = |file: &str| siblings.iter().any(|sibling| sibling.rfilename == file);
        let dir = self.cache.repo(model.at(&commit)).pointer_path(&commit);
        let fetch = |file: &str| {
            ensure!(there(file), "{name} has no {file}, which {INDEX_FILE} names");
            let url = format!("{endpoint}/{name}/resolve/{commit}/{file}");
            let blobs = self.cache.repo(model.at(&commit)).blob_path("");
            let fetched = self.downloads.fetch(&url, &commit, &blobs, &dir.join(file));
            fetched.with_context(|| format!("cannot fetch {file} of {name}@{commit}"))
        };
        ensure!(
            there(WEIGHTS_FILE) || there(INDEX_FILE),
            "{name} has neither {WEIGHTS_FILE} nor {INDEX_FILE}, so it is no policy"
        );
        SIDE_FILES.into_iter().filter(|file| there(file)).try_for_each(fetch)?;
        if there(WEIGHTS_FILE) {
            fetch(WEIGHTS_FILE)?;
        } else {
            fetch(INDEX_FILE)?;
            let parts = indexed_files(&fs::read(dir.join(INDEX_FILE))?).with_context(|| name.clone())?;
            parts.iter().try_for_each(|part| fetch(part))?;
        }
        // So that the name resolves to this commit also where the hub cannot be reached.
        self.cache.repo(model.at(revision)).create_ref(&commit)?;
        Ok(dir)
    }

    /// The directory that the name resolved to when it was last fetched, if it is complete.
    fn cached(&self, model: &ModelId) -> Option<PathBuf> {
        let config = self.cache.repo(model.at(&model.revision)).get("config.json")?;
        let dir = config.parent()?.to_owned();
        let parts = || indexed_files(&fs::read(dir.join(INDEX_FILE)).ok()?).ok();
        let whole = dir.join(WEIGHTS_FILE).exists() || parts()?.iter().all(|part| dir.join(part).exists());
        whole.then_some(dir)
    }
}

/// Why a name does not resolve.
enum Refusal {
    /// The hub says so.
    Answered(Error),
    /// The hub says nothing, for this reason.
    Unreachable(String),
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
