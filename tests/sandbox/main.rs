//! The sandbox against guests that misbehave: one property each. A test fails when its enforcement is taken out.
//!
//! `tests/guests` holds a judge and an executor that do what a completion or a program says; `make test` builds them.
//! Guests that a compiler would not make are written in the text format.

#[path = "../built.rs"]
mod built;
mod compile;
mod contract;
mod files;
mod limits;
mod programs;
mod ring;
mod wasi;
mod worlds;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use azr_core::{
    limits::{Limits, Ring},
    task::Task,
};
use azr_sandbox::{
    Attempt, Context, Environment, Fault, Guard, Guards, Judged, Outcome, Sandbox, SandboxConfig, Style, Verdict, pack,
};
use built::guest;
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
        Self::of(Guards::ALL)
    }

    /// With all guards or without one.
    fn of(guards: Guards) -> Self {
        // Where fuel ends nothing, the watchdog does.
        let deadline_ms = if guards == Guards::without(Guard::Fuel) { 500 } else { 120_000 };
        let (judge_fuel, judge_memory_max_bytes) = (50_000_000, 16 << 20);
        Self::guarded(limited(Limits { judge_fuel, judge_memory_max_bytes, deadline_ms, ..small_limits() }), guards)
    }

    fn with(config: SandboxConfig) -> Self {
        Self::guarded(config, Guards::ALL)
    }

    fn guarded(config: SandboxConfig, guards: Guards) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = SandboxConfig { cache_dir: Some(folder.path().join("cache")), ..config };
        Self { sandbox: Sandbox::guarded(&config, guards).unwrap(), folder }
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

    /// A judge without executors.
    fn judge(&self, component: &[u8]) -> Result<Environment, String> {
        self.sandbox.load(&self.file("judge.wasm", component)).map_err(|error| format!("{error:#}"))
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
    limited(small_limits())
}

fn small_limits() -> Limits {
    // Without processes: what holds there holds in those too, and `ring` shows it.
    Limits { ring: Ring::Off, judge_output_max_bytes: 4 << 20, ..Limits::default() }
}

fn limited(limits: Limits) -> SandboxConfig {
    SandboxConfig { workers: 2, limits, ..SandboxConfig::default() }
}

fn hostile() -> Vec<u8> {
    pack(&guest("azr_test_judge"), &[guest("azr_test_executor")]).unwrap()
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
    let (package, _) = resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = wat::parse_str(module).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

/// An executor in the text format that returns no outcomes; `module` is added to it, `body` runs first in each call.
fn executor(module: &str, body: &str) -> String {
    executor_of(Parts { module, body, ..Parts::default() })
}

fn executor_of(Parts { module, realloc, body, post_return }: Parts<'_>) -> String {
    format!(
        r#"(module
            {module}
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {realloc} (i32.const 1024))
            (func (export "cabi_post_azr:env/execution@0.1.0#execute") (param i32) {post_return})
            (func (export "azr:env/execution@0.1.0#execute") (param i32 i32 i32 i32) (result i32)
                {body} (i32.const 16)))"#
    )
}

/// A judge in the text format with one kind, no seeds and no plans, that finds everything wrong.
fn judge(parts: Parts<'_>) -> Vec<u8> {
    let Parts { module, realloc, body, post_return } = parts;
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let data = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("\\{byte:02x}")).collect::<String>();
    // Name, version, kinds, settings, fuel, memory, output.
    let description = data(words(&[256, 4, 264, 5, 160, 1, 0, 0, 50_000_000, 0, 16 << 20, 0, 1000, 0]));
    // Name, what it asks, neither proposable nor generated, from no kinds, no references.
    let kind = data(words(&[256, 4, 256, 4, 0, 0, 0, 0]));
    let function_of = |name: &str, parameters: &str, result: u32| {
        format!(
            r#"(func (export "azr:env/judge@0.1.0#{name}") (param {parameters}) (result i32) (i32.const {result}))"#
        )
    };
    let function = |name: &str, parameters: usize, result| function_of(name, &"i32 ".repeat(parameters), result);
    let functions: String = [
        function("describe", 0, 64),
        function("seeds", 3, 32),
        function_of("generate", "i32 i32 i32 i32 i32 i64 i64 i32", 32),
        function("import-task", 5, 32),
        function("examples", 3, 32),
        function("demonstrate", 7, 32),
        function("propose-prompt", 7, 32),
        function("solve-prompt", 7, 32),
        function("subject", 4, 32),
        function("plan-proposal", 9, 32),
        function("judge-proposal", 11, 32),
        function("judge-answer", 11, 32),
        function("plan-exec", 4, 32),
        function("show-value", 2, 32),
    ]
    .concat();
    let module = format!(
        r#"(module
            {module}
            (memory (export "memory") 1)
            (data (i32.const 64) "{description}") (data (i32.const 160) "{kind}") (data (i32.const 256) "echo    1.0.0")
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {realloc} (i32.const 2048))
            (func (export "cabi_post_azr:env/judge@0.1.0#plan-answer") (param i32) {post_return})
            (func (export "azr:env/judge@0.1.0#plan-answer") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
                {body} (i32.const 32))
            {functions})"#
    );
    component("environment", &module)
}

/// What a guest in the text format does, and when.
#[derive(Clone, Copy, Default)]
struct Parts<'a> {
    /// Added to the module.
    module: &'a str,
    /// When arguments are lowered.
    realloc: &'a str,
    /// In each call; of a judge, in `plan-answer`.
    body: &'a str,
    /// When the result has been lifted.
    post_return: &'a str,
}

/// Runs a test, and shows that it fails without a guard.
fn proves(guard: Guard, test: impl Fn(Guards)) {
    test(Guards::ALL);
    let unguarded = catch_unwind(AssertUnwindSafe(|| test(Guards::without(guard))));
    assert!(unguarded.is_err(), "the test passes without {guard:?}");
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
