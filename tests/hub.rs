//! Policies from the Hugging Face hub, with the program as its users run it and a hub on this machine.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    path::{Path, PathBuf},
    process::Output,
    sync::{Arc, Mutex},
};

use azr_core::task::Digest;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    http::{Answer, Fault, Request, Server},
    program::azr_host,
};

const COMMIT: &str = "9217f5db79a29953eb74d5343926648285ec7e67";
const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../policy/policies/tiny");

/// The part of the hub that clients fetch models from: a model's commit and files, and their contents by ranges.
struct Hub {
    server: Server,
    state: Arc<Mutex<State>>,
}

struct State {
    files: BTreeMap<String, Vec<u8>>,
    /// Of the next answers with more of a file than its first byte.
    faults: VecDeque<Fault>,
    /// Path and range of every request.
    requests: Vec<String>,
    lie: Lie,
}

/// What a hostile hub says instead of the truth; a part of a path each.
#[derive(Default)]
struct Lie {
    commit: Option<String>,
    commit_of_file: Option<String>,
    /// From the so manyeth request for a file on.
    etag: Option<(usize, String)>,
}

impl Hub {
    /// Has the embedded policy as `someone/tiny`, beside files that are not for us.
    fn start() -> Self {
        let mut files: BTreeMap<String, Vec<u8>> = fs::read_dir(POLICY)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
            .collect();
        files.insert("pytorch_model.bin".into(), b"the same in another format".to_vec());
        let state =
            Arc::new(Mutex::new(State { files, faults: VecDeque::new(), requests: Vec::new(), lie: Lie::default() }));
        let shared = Arc::clone(&state);
        let server = Server::start(move |_, request| shared.lock().unwrap().answer(request));
        Self { server, state }
    }

    fn fail(&self, faults: &[Fault]) {
        self.state.lock().unwrap().faults.extend(faults);
    }

    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Answer {
        let range = request.headers.get("range").map_or("", |range| range);
        self.requests.push(format!("{} {range}", request.path));
        if request.path == "/api/models/someone/tiny/revision/main" {
            let siblings: Vec<_> = self.files.keys().map(|name| json!({ "rfilename": name })).collect();
            let info = json!({ "sha": self.lie.commit.as_deref().unwrap_or(COMMIT), "siblings": siblings });
            return Answer::new("200 OK").body("application/json", info.to_string().into_bytes());
        }
        if request.path.starts_with("/api/models/someone/gated") {
            return Answer::new("401 Unauthorized");
        }
        let file = request.path.strip_prefix(&format!("/someone/tiny/resolve/{COMMIT}/"));
        let Some((name, content)) = file.and_then(|file| self.files.get_key_value(file)) else {
            return Answer::new("404 Not Found");
        };
        let (first, last) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
        let first: usize = first.parse().unwrap();
        let end = last.parse().map_or(content.len(), |last: usize| last + 1);
        let etag = match name.ends_with(".safetensors") {
            true => Digest::of(content).to_string(),
            // As git names it; nobody compares.
            false => format!("{:040x}", content.len()),
        };
        let asked = self.requests.iter().filter(|request| request.contains(&format!("/{name} "))).count();
        let etag = match &self.lie.etag {
            Some((from, etag)) if asked >= *from => etag.clone(),
            _ => etag,
        };
        let answer = Answer::new("206 Partial Content")
            .header("Content-Range", format!("bytes {first}-{}/{}", end - 1, content.len()))
            .header("ETag", format!("\"{etag}\""))
            .header("X-Repo-Commit", self.lie.commit_of_file.as_deref().unwrap_or(COMMIT))
            .body("application/octet-stream", content[first..end].to_vec());
        let fault = if end - first > 1 && name.ends_with(".safetensors") { self.faults.pop_front() } else { None };
        Answer { fault, ..answer }
    }
}

/// A user of the hub, with a cache.
struct User {
    home: TempDir,
}

impl User {
    fn new() -> Self {
        Self { home: TempDir::new().unwrap() }
    }

    fn policy(&self) -> PathBuf {
        self.home.path().join("hub/models--someone--tiny/snapshots").join(COMMIT)
    }

    fn command(&self, endpoint: &str, policy: &str) -> std::process::Command {
        let mut command = azr_host();
        command.args(["--env=envs/countdown.wasm", "--print-config", "--policy", policy]);
        command.env("HF_HOME", self.home.path()).env("HF_ENDPOINT", endpoint);
        for name in ["HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE"] {
            command.env_remove(name);
        }
        command
    }

    fn asks(&self, hub: &Hub, policy: &str) -> Output {
        self.command(&format!("http://{}", hub.server.address), policy).output().unwrap()
    }

    #[track_caller]
    fn gets(&self, hub: &Hub) {
        let output = self.asks(hub, "someone/tiny");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // The preset that the policy's own file names.
        assert!(String::from_utf8_lossy(&output.stdout).contains("style = \"compact\""));
        for file in ["config.json", "tokenizer.json", "model.safetensors", "azr-host.toml"] {
            assert!(
                fs::read(self.policy().join(file)).unwrap() == fs::read(format!("{POLICY}/{file}")).unwrap(),
                "{file}"
            );
        }
    }

    #[track_caller]
    fn is_refused(&self, hub: &Hub, policy: &str, why: &str) {
        let output = self.asks(hub, policy);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(why), "{said}");
    }
}

#[test]
fn a_policy_is_fetched_once_and_only_what_is_for_us() {
    let (hub, user) = (Hub::start(), User::new());
    user.gets(&hub);
    let asked = hub.requests();
    assert!(!asked.iter().any(|request| request.contains("pytorch_model") || request.contains("README")), "{asked:?}");
    user.gets(&hub);
    assert_eq!(hub.requests(), ["/api/models/someone/tiny/revision/main "]);
}

#[test]
fn a_download_that_was_cut_off_goes_on_where_it_stopped() {
    let (hub, user) = (Hub::start(), User::new());
    hub.fail(&[Fault::Truncated]);
    user.gets(&hub);
    let size = fs::metadata(format!("{POLICY}/model.safetensors")).unwrap().len();
    let rest = format!("/someone/tiny/resolve/{COMMIT}/model.safetensors bytes={}-", size / 2);
    assert!(hub.requests().contains(&rest));
}

#[test]
fn weights_that_are_not_what_the_hub_says_are_thrown_away() {
    let (hub, user) = (Hub::start(), User::new());
    hub.fail(&[Fault::OtherBytes]);
    user.is_refused(&hub, "someone/tiny", "its SHA-256 is");
    assert!(!user.policy().join("model.safetensors").exists());
    user.gets(&hub);
}

#[test]
fn without_a_network_the_cache_is_enough() {
    let (hub, user) = (Hub::start(), User::new());
    user.gets(&hub);
    let gone = format!("http://{}", hub.server.address);
    drop(hub);
    let output = user.command(&gone, "someone/tiny").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("cannot reach") && said.contains(COMMIT), "{said}");

    let output = User::new().command(&gone, "someone/tiny").env("HF_HUB_OFFLINE", "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("HF_HUB_OFFLINE is set, and someone/tiny is neither a directory here nor in the cache"),
        "{said}"
    );
    assert!(said.contains("hf download someone/tiny"), "{said}");
}

#[test]
fn names_that_give_nothing_say_why() {
    let (hub, user) = (Hub::start(), User::new());
    user.is_refused(&hub, "someone/nothing", "has no someone/nothing@main");
    user.is_refused(&hub, "someone/gated", "hf auth login");
    user.is_refused(&hub, "no-such-directory", "neither a directory nor the name of a model");
    hub.state.lock().unwrap().files.remove("model.safetensors");
    user.is_refused(&hub, "someone/tiny", "has neither model.safetensors nor");
}

/// Everything under the user's home that is no directory, by its path.
fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

/// A hub that says `lie`, and which files it has, writes nothing beside the cache, and nothing under a name of its choice.
#[track_caller]
fn tells(lie: impl Fn(&Path) -> Lie, file: Option<&str>, why: &str) {
    let (hub, user) = (Hub::start(), User::new());
    let precious = user.home.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    {
        let mut state = hub.state.lock().unwrap();
        state.lie = lie(&precious);
        if let Some(file) = file {
            let index = json!({"weight_map": {"model.norm.weight": file}}).to_string();
            let weights = state.files.remove("model.safetensors").unwrap();
            state.files.insert("model.safetensors.index.json".into(), index.into_bytes());
            state.files.insert(file.into(), weights);
        }
    }
    user.is_refused(&hub, "someone/tiny", why);
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    let cache = user.home.path().join("hub/models--someone--tiny");
    let names = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    let strange: Vec<PathBuf> = (files_below(user.home.path()).into_iter())
        .filter(|path| *path != precious && (!path.starts_with(&cache) || names(path).contains("evil")))
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
}

#[test]
fn a_hostile_hub_chooses_no_path() {
    let evil = |path: &str| format!("../../../{path}-evil");
    tells(|precious| Lie { etag: Some((0, precious.display().to_string())), ..Lie::default() }, None, "a digest is");
    tells(|_| Lie { etag: Some((0, evil("digest"))), ..Lie::default() }, None, "a digest is");
    tells(|_| Lie { etag: Some((0, "x".repeat(129))), ..Lie::default() }, None, "a digest is");
    tells(|_| Lie { commit: Some(evil("commit")), ..Lie::default() }, None, "a commit is 40 hexadecimal digits");
    tells(|_| Lie { commit_of_file: Some(evil("commit")), ..Lie::default() }, None, "not of 9217f5db79a2");
    tells(|_| Lie::default(), Some("model-/../../../../x-evil.safetensors"), "a file of the directory");
    tells(|_| Lie::default(), Some("/model-evil.safetensors"), "a file of the directory");
}

/// What the first answer says counts, whatever later ones say.
#[test]
fn a_hub_that_changes_its_mind_chooses_no_path_either() {
    let (hub, user) = (Hub::start(), User::new());
    let precious = user.home.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    hub.state.lock().unwrap().lie.etag = Some((2, precious.display().to_string()));
    user.gets(&hub);
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
}

#[test]
fn the_index_says_which_files_are_fetched() {
    let (hub, user) = (Hub::start(), User::new());
    {
        let mut state = hub.state.lock().unwrap();
        let index = json!({"weight_map": {"model.norm.weight": "consolidated-1.safetensors"}}).to_string();
        let weights = state.files.remove("model.safetensors").unwrap();
        state.files.insert("model.safetensors.index.json".into(), index.into_bytes());
        state.files.insert("model-00001-of-00003.safetensors".into(), b"of another time".to_vec());
        state.files.insert("consolidated-1.safetensors".into(), weights);
    }
    let output = user.asks(&hub, "someone/tiny");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let there = |file: &str| user.policy().join(file).exists();
    assert!(there("consolidated-1.safetensors") && !there("model-00001-of-00003.safetensors"));
    user.is_refused(&hub, "runs/one", "there is no directory runs/one here");
}
