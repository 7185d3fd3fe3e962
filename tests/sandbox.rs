//! The sandbox against guests that misbehave: one property each. A test fails when its enforcement is taken out.
//!
//! `tests/guests` holds a judge and an executor that do what a completion or a program says; `make test` builds them.
//! Guests that a compiler would not make are written in the text format.

mod contract;
mod files;
mod limits;
mod programs;
mod worlds;

use std::path::{Path, PathBuf};

use azr_host::{
    sandbox::{Attempt, Context, Environment, Fault, Judged, Sandbox, SandboxConfig, Style, Verdict, pack},
    task::Task,
};
use tempfile::TempDir;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A sandbox of two workers with limits that guests reach quickly, and a folder for files.
struct Bench {
    folder: TempDir,
    sandbox: Sandbox,
}

impl Bench {
    fn new() -> Self {
        Self::with(SandboxConfig { judge_fuel: 50_000_000, judge_memory_max_bytes: 16 << 20, ..small() })
    }

    fn with(config: SandboxConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = SandboxConfig { cache_dir: Some(folder.path().join("cache")), ..config };
        Self { sandbox: Sandbox::new(&config).unwrap(), folder }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The hostile judge with the hostile executor.
    fn hostile(&self) -> Environment {
        self.sandbox.load(&self.file("hostile.wasm", &hostile())).unwrap()
    }

    /// Why a file is not loaded, as a person reads it.
    fn refusal(&self, bytes: &[u8]) -> String {
        let path = self.file("refused.wasm", bytes);
        format!("{:#}", self.sandbox.load(&path).err().expect("it was loaded"))
    }

    /// The hostile judge with an executor that is written as a core module in the text format.
    fn with_executor(&self, module: &str) -> Result<Environment, String> {
        self.with_component(&component("executor", module))
    }

    fn with_component(&self, executor: &[u8]) -> Result<Environment, String> {
        let executor = self.file("executor.wasm", executor);
        let path = self.file("wat.wasm", &pack(&guest("azr_test_judge"), &[executor]).unwrap());
        self.sandbox.load(&path).map_err(|error| format!("{error:#}"))
    }
}

fn small() -> SandboxConfig {
    SandboxConfig { workers: 2, judge_output_max_bytes: 4 << 20, ..SandboxConfig::default() }
}

fn hostile() -> Vec<u8> {
    pack(&guest("azr_test_judge"), &[guest("azr_test_executor")]).unwrap()
}

/// A guest of `tests/guests`.
fn guest(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = root.join("target/wasm32-unknown-unknown/guest").join(name).with_extension("wasm");
    assert!(path.exists(), "{} is missing; `make guests` builds it", path.display());
    path
}

/// The hostile judge with another behaviour of `describe`.
fn patched(judge: &[u8], behaviour: &str) -> Vec<u8> {
    let honest = b"describe=honest.........";
    let place = judge.windows(honest.len()).position(|window| window == honest).expect("the text is in the binary");
    let mut patched = judge.to_vec();
    let behaviour = format!("{behaviour:.<width$}", width = honest.len());
    patched[place..place + honest.len()].copy_from_slice(behaviour.as_bytes());
    patched
}

/// A component of one of our worlds from a core module in the text format.
fn component(world: &str, module: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = wat::parse_str(module).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

/// An executor in the text format that returns no outcomes; `module` is added to it, `body` runs first in each call.
fn executor(module: &str, body: &str) -> String {
    format!(
        r#"(module
            {module}
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "azr:env/execution@0.1.0#execute") (param i32 i32 i32 i32) (result i32)
                {body} (i32.const 16)))"#
    )
}

fn context(env: &Environment) -> Context {
    env.context(Style::Instruct, &[]).unwrap()
}

/// A context in which seeds and prompts show a behaviour.
fn behaving(env: &Environment, behaviour: &str) -> Context {
    env.context(Style::Instruct, &[("behaviour".into(), behaviour.into())]).unwrap()
}

fn task() -> Task {
    Task { kind: "echo".into(), body: "{}".into() }
}

/// Judges one completion as an answer.
fn verify(env: &Environment, completion: &str) -> Result<Judged<Verdict>, Fault> {
    let attempt = Attempt { task: task(), completion: completion.into() };
    env.verify(&context(env), &[attempt]).pop().unwrap()
}

/// The cause of a fault that must be the environment's.
fn environment_fault<T>(result: Result<T, Fault>) -> String {
    match result {
        Err(Fault::Environment { call, cause }) => format!("{call}: {cause}"),
        Err(Fault::Host(error)) => panic!("a host fault: {error:#}"),
        Ok(_) => panic!("no fault"),
    }
}

/// Whatever went before, an honest attempt is judged.
fn serves(env: &Environment) {
    assert_eq!(verify(env, "echo").unwrap().conclusion.score, 1.0);
}
