//! What an environment gets is what it asks for and is granted, and no more. `tests/guests/reader` asks for a directory.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use azr_core::task::Task;
use azr_sandbox::{Attempt, Environment, Fault, Grants, Sandbox, SandboxConfig, Style, confine_with, pack};
use tempfile::TempDir;

use crate::program;

/// A granted directory `corpus`, and beside it what is not granted.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(bench.path("corpus/inner")).unwrap();
        fs::write(bench.path("corpus/a.txt"), "alpha").unwrap();
        fs::write(bench.path("corpus/inner/b.txt"), "beta").unwrap();
        fs::write(bench.path("secret.txt"), "secret").unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn granting(&self, grants: &str) -> Result<Environment, String> {
        let file = self.path("reader.wasm");
        fs::write(&file, pack(&reader(), &[] as &[PathBuf]).unwrap()).unwrap();
        self.load(grants, &file)
    }

    fn load(&self, grants: &str, file: &Path) -> Result<Environment, String> {
        let grants_file = self.path("grants.toml");
        fs::write(&grants_file, grants.replace("CORPUS", self.path("corpus").to_str().unwrap())).unwrap();
        let config = SandboxConfig {
            workers: 1,
            cache_dir: Some(self.path("cache")),
            grants: Grants::read(&grants_file).map_err(|error| format!("{error:#}"))?,
            ..SandboxConfig::default()
        };
        // So that judges are in processes, which ask for every file.
        confine_with(Path::new(program::azr_host().get_program())).unwrap();
        Sandbox::new(&config).unwrap().load(file).map_err(|error| format!("{error:#}"))
    }
}

const GRANTED: &str = "[reader.directories]\ncorpus = 'CORPUS'";

fn reader() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("../wasm32-unknown-unknown/guest/azr_test_reader.wasm")
}

fn act(env: &Environment, what: &str) -> Result<String, Fault> {
    let attempt = Attempt { task: Task { kind: "file".into(), body: "{}".into() }, completion: what.into() };
    let ctx = env.context(Style::Compact, &[]).unwrap();
    env.verify(&ctx, &[attempt]).remove(0).map(|judged| judged.conclusion.answer)
}

#[test]
fn a_granted_directory_can_be_read() {
    let bench = Bench::new();
    let env = bench.granting(GRANTED).unwrap();
    assert_eq!(act(&env, "read corpus a.txt").unwrap(), "alpha");
    assert_eq!(act(&env, "read corpus inner/../inner/b.txt").unwrap(), "beta");
    assert_eq!(act(&env, "names corpus .").unwrap(), "a.txt inner");
    let [granted] = env.directories() else { panic!() };
    assert_eq!((granted.name.as_str(), &granted.path), ("corpus", &bench.path("corpus")));
    // The content is part of what verdicts depend on.
    env.check_directories().unwrap();
    fs::write(bench.path("corpus/inner/b.txt"), "gamma").unwrap();
    assert_ne!(bench.granting(GRANTED).unwrap().directories()[0].digest, granted.digest);
    let changed = env.check_directories().unwrap_err().to_string();
    assert!(changed.contains("corpus has changed since its environment was loaded"), "{changed}");
}

#[test]
fn nothing_is_granted_by_default() {
    let bench = Bench::new();
    let others = "[other.directories]\ncorpus = 'CORPUS'";
    for grants in ["", others, "[reader.directories]\nother = 'CORPUS'"] {
        let refusal = bench.granting(grants).err().unwrap();
        let remedy = "wants to read a directory \"corpus\", which is not granted; to grant it, write \
                      `reader.directories.corpus = \"/absolute/path\"` in a file and give it with --grants FILE";
        assert!(refusal.contains(remedy), "{refusal}");
    }
    let missing = bench.granting("[reader.directories]\ncorpus = '/nowhere'").err().unwrap();
    assert!(missing.contains("cannot read /nowhere, which is granted as \"corpus\""), "{missing}");
    // What is granted and not asked for is not given.
    let env = bench.granting(&format!("{GRANTED}\nother = 'CORPUS'")).unwrap();
    assert_eq!(act(&env, "read other a.txt").unwrap(), "refused: other/a.txt: other is not granted");
}

#[test]
fn what_is_outside_of_the_directory_stays_there() {
    let bench = Bench::new();
    symlink(bench.path("secret.txt"), bench.path("corpus/absolute")).unwrap();
    symlink("../secret.txt", bench.path("corpus/relative")).unwrap();
    symlink("..", bench.path("corpus/up")).unwrap();
    symlink("/proc/self", bench.path("corpus/inner/self")).unwrap();
    symlink("a.txt", bench.path("corpus/within")).unwrap();
    let env = bench.granting(GRANTED).unwrap();
    let outside = bench.path("secret.txt").display().to_string();
    for path in [
        "../secret.txt",
        "inner/../../secret.txt",
        "/etc/passwd",
        &outside,
        "absolute",
        "relative",
        "up/secret.txt",
        "inner/self/environ",
        "..",
        "inner",
        "",
    ] {
        for verb in ["read", "names"] {
            let answer = act(&env, &format!("{verb} corpus {path}")).unwrap();
            assert!(answer.starts_with("refused: ") || (verb, path) == ("names", "inner"), "{path}: {answer}");
        }
    }
    assert_eq!(act(&env, "read corpus within").unwrap(), "alpha");
}

#[test]
fn a_judge_cannot_keep_the_disk_busy() {
    let bench = Bench::new();
    let env = bench.granting(GRANTED).unwrap();
    let refusal = act(&env, "flood corpus a.txt").unwrap();
    assert_eq!(refusal, "refused: corpus/a.txt: more than 268435456 bytes read in one call");
}

#[test]
fn pipes_are_not_granted() {
    let bench = Bench::new();
    let pipe = bench.path("corpus/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let refusal = bench.granting(GRANTED).err().unwrap();
    assert!(refusal.contains("pipe is no file, directory or link"), "{refusal}");
    fs::remove_file(&pipe).unwrap();
    // Nor one that comes later.
    let env = bench.granting(GRANTED).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_eq!(act(&env, "read corpus pipe").unwrap(), "refused: corpus/pipe: not a file");
}

#[test]
fn executors_get_no_files_and_nobody_gets_sockets() {
    let bench = Bench::new();
    let file = bench.path("packed.wasm");
    fs::write(&file, pack(&reader(), &[reader()]).unwrap()).unwrap();
    let refusal = bench.load(GRANTED, &file).err().unwrap();
    // What judges import, of which the first is named.
    assert!(refusal.contains("its executor 0 does not fit: it imports azr:env/log@0.1.0"), "{refusal}");
    let import = |name: &str| format!(r#"(import "wasi:{name}@0.2.0" (instance (export "f" (func))))"#);
    let wasi = format!("(component {} {})", import("filesystem/types"), import("sockets/tcp"));
    fs::write(&file, wat::parse_str(wasi).unwrap()).unwrap();
    let refusal = bench.load(GRANTED, &file).err().unwrap();
    let named = "it imports wasi:sockets/tcp@0.2.0, which this azr-host does not have";
    assert!(refusal.contains(named) && refusal.contains("no sockets, HTTP or threads"), "{refusal}");
}

#[test]
fn the_smaller_limit_wins() {
    let bench = Bench::new();
    let limits = |own: &str| {
        let env = bench.granting(&format!("[reader]\n{own}\n{GRANTED}")).unwrap();
        let limits = env.limits();
        (limits.run_fuel, limits.run_memory_max_bytes, limits.run_output_max_bytes)
    };
    assert_eq!(limits(""), (1000, 1000, 1000));
    assert_eq!(limits("run-fuel-max = 5\nrun-memory-max-bytes = 6\nrun-output-max-bytes = 7"), (5, 6, 7));
    assert_eq!(limits("run-fuel-max = 5000"), (1000, 1000, 1000));
}

#[test]
fn grants_that_make_no_sense_are_refused() {
    let bench = Bench::new();
    for (grants, why) in [
        ("[reader.directories]\ncorpus = 'here'", "here is not an absolute path"),
        ("[reader]\nrun-feul-max = 5", "unknown field `run-feul-max`"),
        ("[reader.directories]\ncorpus = 5", "invalid type: integer"),
        ("reader", "grants.toml holds no grants"),
    ] {
        let refusal = bench.granting(grants).err().unwrap();
        assert!(refusal.contains(why), "{refusal}");
    }
}
