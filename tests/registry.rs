//! Environments in OCI registries, with the program as its users run it and a registry on this machine.

mod server;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};

use azr_env::registry::{Patience, Reference, pull};
use azr_sandbox::FILE_MAX_BYTES;
use serde_json::{Value, json};
use tempfile::TempDir;

use self::server::{Access, CREDENTIALS, Registry, sha256};
use crate::{http::Fault, program::azr_host};

const ENVIRONMENT: &str = "envs/countdown.wasm";

/// One user of a registry: a cache and Docker's configuration.
struct User {
    folder: TempDir,
}

impl User {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Who did what `docker login` does.
    fn logged_in(registry: &Registry) -> Self {
        let user = Self::new();
        let config = json!({ "auths": { registry.host(): { "auth": CREDENTIALS } } });
        fs::write(user.folder.path().join("config.json"), config.to_string()).unwrap();
        user
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// The file in the cache that holds what has this digest.
    fn kept(&self, digest: &str) -> PathBuf {
        self.cache().join("blobs/sha256").join(digest.strip_prefix("sha256:").unwrap())
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = azr_host();
        command.args(args).arg("--cache-dir").arg(self.cache()).env("DOCKER_CONFIG", self.folder.path());
        command.output().expect("azr-host starts")
    }

    #[track_caller]
    fn says(&self, args: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.run(args);
        assert!(status.success(), "{args:?}\n{}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }

    #[track_caller]
    fn refuses(&self, args: &[&str], words: &[&str]) {
        let Output { status, stderr, .. } = self.run(args);
        let message = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(1), "{args:?}: {message}");
        for word in words {
            assert!(message.contains(word), "{args:?} does not mention {word}: {message}");
        }
    }

    /// Publishes countdown and returns the pinned reference.
    #[track_caller]
    fn pushed(&self, to: &str) -> String {
        self.says(&["env", "push", ENVIRONMENT, to]).trim_end().to_owned()
    }

    /// The digest of the environment that a reference loads.
    #[track_caller]
    fn digest(&self, reference: &str) -> String {
        let inspected: Value = serde_json::from_str(&self.says(&["env", "inspect", reference, "--json"])).unwrap();
        format!("sha256:{}", inspected["digest"].as_str().unwrap())
    }
}

fn environment() -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(ENVIRONMENT)).expect("`make test` packs it")
}

fn manifest_digest(pinned: &str) -> &str {
    pinned.split_once('@').expect("it is pinned").1
}

#[test]
fn what_is_published_is_loaded_by_its_digest() {
    let registry = Registry::start(Access::Everybody);
    let (author, user) = (User::new(), User::new());
    let pinned = author.pushed(&registry.reference("someone/countdown:1.0"));
    assert!(pinned.starts_with(&registry.reference("someone/countdown@sha256:")), "{pinned}");
    assert_eq!(user.digest(&pinned), sha256(&environment()));
    // The same file gives the same reference, under another tag too.
    assert_eq!(User::new().pushed(&registry.reference("someone/countdown")), pinned);
    assert_eq!(registry.manifest("someone/countdown", "latest"), registry.manifest("someone/countdown", "1.0"));
}

/// https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/
#[test]
fn what_is_published_is_laid_out_as_other_components_are() {
    let registry = Registry::start(Access::Everybody);
    User::new().pushed(&registry.reference("countdown:1.0"));
    let manifest = registry.manifest("countdown", "1.0");
    assert_eq!(manifest["schemaVersion"], 2);
    assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    let [layer] = &**manifest["layers"].as_array().unwrap() else { panic!("{manifest}") };
    assert_eq!(layer["mediaType"], "application/wasm");
    assert_eq!(registry.blob(layer["digest"].as_str().unwrap()), environment());
    let config: Value = serde_json::from_slice(&registry.blob(manifest["config"]["digest"].as_str().unwrap())).unwrap();
    assert_eq!((&config["architecture"], &config["os"]), (&json!("wasm"), &json!("wasip2")));
    assert_eq!(config["layerDigests"], json!([layer["digest"]]));
    assert_eq!(config["component"]["exports"], json!(["azr:env/judge@0.1.0"]));
    assert!(config["created"].is_string() && config["component"]["imports"].is_array(), "{config}");
}

#[test]
fn what_was_fetched_once_needs_no_registry() {
    let registry = Registry::start(Access::Everybody);
    let (pinned, user) = (User::new().pushed(&registry.reference("countdown")), User::new());
    user.digest(&pinned);
    registry.requests();
    user.digest(&pinned);
    assert_eq!(registry.requests(), [] as [&str; 0]);
    drop(registry);
    assert_eq!(user.digest(&pinned), sha256(&environment()));
    User::new().refuses(&["env", "inspect", &pinned], &["cannot get", "cannot reach 127.0.0.1:"]);
}

#[test]
fn a_file_that_changed_in_the_cache_is_fetched_again() {
    let registry = Registry::start(Access::Everybody);
    let (pinned, user) = (User::new().pushed(&registry.reference("countdown")), User::new());
    user.digest(&pinned);
    let kept = [user.kept(manifest_digest(&pinned)), user.kept(&sha256(&environment()))];
    for file in &kept {
        let sound = fs::read(file).unwrap();
        let mut changed = sound.clone();
        *changed.last_mut().unwrap() ^= 1;
        for damaged in [&changed[..], &sound[..sound.len() / 2], b""] {
            fs::write(file, damaged).unwrap();
            assert_eq!(user.digest(&pinned), sha256(&environment()));
            assert!(fs::read(file).unwrap() == sound, "it was not mended");
        }
    }
    fs::write(&kept[1], b"something else").unwrap();
    drop(registry);
    user.refuses(&["env", "inspect", &pinned], &["cannot reach"]);
}

#[test]
fn other_bytes_than_the_digest_names_are_refused_and_not_kept() {
    let registry = Registry::start(Access::Everybody);
    let (pinned, user) = (User::new().pushed(&registry.reference("countdown")), User::new());
    for fault in [Fault::OtherBytes, Fault::TooMuch] {
        registry.fail(&[fault; 3]);
        user.refuses(&["env", "inspect", &pinned], &["cannot get", &pinned]);
        assert!(!user.kept(&sha256(&environment())).exists());
        registry.forgive();
    }
}

#[test]
fn what_may_pass_is_tried_again() {
    let registry = Registry::start(Access::Everybody);
    let pinned = User::new().pushed(&registry.reference("countdown"));
    for faults in [[Fault::ServerError, Fault::Truncated], [Fault::Truncated, Fault::ServerError]] {
        registry.fail(&faults);
        assert_eq!(User::new().digest(&pinned), sha256(&environment()));
    }
    registry.fail(&[Fault::ServerError; 3]);
    User::new().refuses(&["env", "inspect", &pinned], &["cannot get", "500"]);
    registry.fail(&[Fault::Truncated; 3]);
    User::new().refuses(&["env", "inspect", &pinned], &["cannot get", "broke off"]);
}

#[test]
fn a_registry_that_falls_silent_is_given_up() {
    let registry = Registry::start(Access::Everybody);
    let (pinned, user) = (User::new().pushed(&registry.reference("countdown")), User::new());
    let reference: Reference = pinned.parse().unwrap();
    let soon = Duration::from_millis(100);
    for (patience, words) in [
        (Patience { silence: soon, ..Patience::default() }, "fell silent"),
        (Patience { whole: soon, ..Patience::default() }, "took longer than 100ms"),
    ] {
        registry.fail(&[Fault::Silent; 3]);
        let error = format!("{:#}", pull(&reference, &user.cache(), patience).unwrap_err());
        assert!(error.contains(words), "{error}");
        registry.forgive();
    }
}

#[test]
fn what_is_no_environment_is_refused_with_words() {
    let registry = Registry::start(Access::Everybody);
    let layer = |media_type: &str, bytes: &[u8]| json!({ "mediaType": media_type, "digest": sha256(bytes), "size": bytes.len() });
    let image = |layers: Value| {
        json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": layer("application/vnd.wasm.config.v0+json", b"{}"),
            "layers": layers,
        })
    };
    let wasm = "application/wasm";
    let index = json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [] });
    let mut huge = layer(wasm, b"text");
    huge["size"] = json!(FILE_MAX_BYTES + 1);
    let cases = [
        (image(json!([])), "it has 0 layers"),
        (image(json!([layer(wasm, b"a"), layer(wasm, b"b")])), "it has 2 layers"),
        (image(json!([layer("application/vnd.oci.image.layer.v1.tar+gzip", b"a")])), "is it a container image?"),
        (image(json!([huge])), "bytes; at most 536870912 are fetched"),
        (image(json!([layer(wasm, b"text")])), "is not an environment"),
        (index, "an index of several images"),
    ];
    for (manifest, words) in cases {
        let digest = registry.put("other", &manifest, &[b"text"]);
        User::new().refuses(&["env", "inspect", &registry.reference(&format!("other@{digest}"))], &[words]);
    }
}

/// Whoever answers decides how much there is to read, before any digest can be compared.
#[test]
fn no_more_of_a_manifest_is_read_than_manifests_have() {
    let registry = Registry::start(Access::Everybody);
    let padding = "x".repeat(2 << 20);
    let manifest = json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "padding": padding });
    let digest = registry.put("other", &manifest, &[]);
    let words = ["it sends more than 1048576 bytes"];
    User::new().refuses(&["env", "inspect", &registry.reference(&format!("other@{digest}"))], &words);
}

#[test]
fn a_tag_is_resolved_and_said_and_not_trained_on() {
    let registry = Registry::start(Access::Everybody);
    let (tag, user) = (registry.reference("countdown:1.0"), User::new());
    let pinned = User::new().pushed(&tag);
    let inspected = user.run(&["env", "inspect", &tag]);
    let (said, why) = (String::from_utf8_lossy(&inspected.stdout), String::from_utf8_lossy(&inspected.stderr));
    assert!(said.contains("countdown") && why.contains(&format!("{tag} is {pinned} today")), "{said}{why}");
    let out = user.folder.path().join("run");
    user.refuses(&["--env", &tag, "--out", out.to_str().unwrap()], &["may name something else", &pinned]);
    assert!(!out.exists());
    user.refuses(&["--env", &registry.reference("countdown:2.0")], &["could not be found out", "does not have it"]);
}

#[test]
fn who_may_not_is_told_to_log_in() {
    for access in [Access::Basic, Access::Token] {
        let registry = Registry::start(access);
        let (known, stranger) = (User::logged_in(&registry), User::new());
        let to = registry.reference("private/countdown:1.0");
        let login = format!("docker login {}", registry.host());
        stranger.refuses(&["env", "push", ENVIRONMENT, &to], &["refuses access", &login]);
        let pinned = known.pushed(&to);
        assert_eq!(known.digest(&pinned), sha256(&environment()));
        stranger.refuses(&["env", "inspect", &pinned], &["refuses access", &login]);
        stranger.refuses(&["env", "inspect", &to], &["refuses access", &login]);
    }
}

#[test]
fn what_cannot_be_published_is_refused_with_words() {
    let registry = Registry::start(Access::Everybody);
    let (user, to) = (User::new(), registry.reference("countdown:1.0"));
    let text = user.folder.path().join("text.wasm");
    fs::write(&text, "hello").unwrap();
    user.refuses(&["env", "push", text.to_str().unwrap(), &to], &["text.wasm is not an environment"]);
    user.refuses(&["env", "push", "nowhere.wasm", &to], &["cannot read nowhere.wasm"]);
    let pinned = format!("{to}@{}", sha256(b"abc"));
    user.refuses(&["env", "push", ENVIRONMENT, &pinned], &["follows from what is published"]);
    assert_eq!(registry.requests(), [] as [&str; 0]);
    user.refuses(&["env", "push", ENVIRONMENT, "oci://no-such-host.invalid/a"], &["cannot reach no-such-host.invalid"]);
    user.refuses(&["env", "inspect", &registry.reference("nothing:1.0")], &["does not have it"]);
    let absent = registry.reference(&format!("nothing@{}", sha256(b"abc")));
    user.refuses(&["env", "inspect", &absent], &["cannot get", "does not have it"]);
}

#[test]
fn an_experiment_with_a_reference_is_resumed_and_replayed_without_the_registry() {
    let registry = Registry::start(Access::Everybody);
    let (pinned, user) = (User::new().pushed(&registry.reference("someone/countdown")), User::new());
    let out = user.folder.path().join("run");
    let out = out.to_str().unwrap();
    let small = [
        "--steps=1",
        "--set=solve.batch=4",
        "--set=propose.batch=2",
        "--set=seeding.tasks=4",
        "--set=generate.batch=4",
    ];
    let small = [&small[..], &["--set=learnability.samples=1", "--set=evaluation.generated=4"]].concat();
    user.says(&[&["--env", &pinned, "--out", out], &small[..]].concat());
    let experiment: Value = serde_json::from_slice(&fs::read(format!("{out}/experiment.json")).unwrap()).unwrap();
    assert_eq!(experiment["environments"][0]["source"], *pinned);
    drop(registry);
    let ledger = fs::read(format!("{out}/ledger.jsonl")).unwrap();
    assert!(!ledger.is_empty());
    let found: Value = serde_json::from_str(&user.says(&["replay", out, "--json"])).unwrap();
    assert_eq!(found["mismatched_rows"], 0, "{found}");
    // What a kill in the last step leaves.
    fs::remove_dir_all(format!("{out}/checkpoints/step-000001")).unwrap();
    user.says(&["--resume", out]);
    assert!(fs::read(format!("{out}/ledger.jsonl")).unwrap() == ledger);
}
