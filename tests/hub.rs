//! Policies from the Hugging Face hub, with the program as its users run it and a hub on this machine.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    path::PathBuf,
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
        let state = Arc::new(Mutex::new(State { files, faults: VecDeque::new(), requests: Vec::new() }));
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
            let info = json!({ "sha": COMMIT, "siblings": siblings });
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
        let answer = Answer::new("206 Partial Content")
            .header("Content-Range", format!("bytes {first}-{}/{}", end - 1, content.len()))
            .header("ETag", format!("\"{etag}\""))
            .header("X-Repo-Commit", COMMIT)
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
    assert!(said.contains("HF_HUB_OFFLINE is set, and someone/tiny is not in the cache"), "{said}");
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
