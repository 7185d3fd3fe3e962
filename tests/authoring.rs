//! A new environment by the commands that the documentation names: `azr-env new`, `build` and `check`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use azr_core::{limits::Limits, task::Task};
use azr_env::check::check;
use azr_sandbox::{Attempt, Environment, Sandbox, SandboxConfig, SequencePart, Style};
use tempfile::TempDir;

/// Kept for the next `cargo test`.
fn compiled_crates() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("authored")
}

fn azr_host(folder: &TempDir, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_azr-host"))
        .args(args)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", compiled_crates())
        // The SDK's dependencies are those of this workspace, and are here.
        .env("CARGO_NET_OFFLINE", "true")
        .env("GOCACHE", compiled_crates().join("go"))
        .output()
        .unwrap()
}

fn succeeds(folder: &TempDir, args: &[&str]) -> String {
    let output = azr_host(folder, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn fails(folder: &TempDir, args: &[&str]) -> String {
    let output = azr_host(folder, args);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

/// With a tenth of the fuel that a judge may use: the templates leave room for work, in Python too.
fn load(file: &Path) -> Environment {
    load_within(file, Limits::default().judge_fuel / 10)
}

fn load_within(file: &Path, judge_fuel: u64) -> Environment {
    let cache_dir = Some(file.with_extension("compiled"));
    let sandbox =
        SandboxConfig { cache_dir, limits: Limits { judge_fuel, ..Limits::default() }, ..SandboxConfig::default() };
    Sandbox::new(&sandbox).unwrap().load(file).unwrap()
}

fn assert_passes(env: &Environment) {
    for check in check(env, 24_000).checks {
        assert!(check.problems.is_empty(), "{check:#?}");
    }
}

/// Of both templates, which draw the same numbers.
const FIRST_TASK: &str = r#"{"numbers":[87,55,3,66,29,12,46,91]}"#;

fn first_task(env: &Environment) -> String {
    let part = SequencePart { kind: env.description().kinds[0].name.clone(), seed: 1, first: 0, count: 1 };
    env.generate(&env.context(Style::Compact, &[]).unwrap(), &part).unwrap().remove(0).body.to_string()
}

#[test]
fn a_new_rust_project_builds_and_passes() {
    let folder = TempDir::new().unwrap();
    succeeds(&folder, &["env", "new", "mine"]);
    let next = succeeds(&folder, &["env", "build", "mine"]);
    assert!(next.contains("azr-env check mine/mine.wasm"), "{next}");
    let env = load(&folder.path().join("mine/mine.wasm"));
    assert_passes(&env);
    assert_eq!(first_task(&env), FIRST_TASK);
    let tests = Command::new("cargo")
        .args(["test", "--offline", "--quiet"])
        .current_dir(folder.path().join("mine"))
        .env("CARGO_TARGET_DIR", compiled_crates())
        .output()
        .unwrap();
    assert!(tests.status.success(), "{}", String::from_utf8_lossy(&tests.stdout));
    // The same sources in another folder, whose name is not part of the file.
    let elsewhere = TempDir::new().unwrap();
    succeeds(&elsewhere, &["env", "new", "mine"]);
    succeeds(&elsewhere, &["env", "build", "mine"]);
    let [one, two] = [&folder, &elsewhere].map(|folder| fs::read(folder.path().join("mine/mine.wasm")).unwrap());
    assert!(one == two, "it depends on where it was built");

    let source = folder.path().join("mine/src/lib.rs");
    let broken = fs::read_to_string(&source).unwrap().replace("numbers.sort();", "numbers.sort_out();");
    fs::write(&source, broken).unwrap();
    let error = fails(&folder, &["env", "build", "mine"]);
    assert!(error.contains("no method named `sort_out`") && error.contains("cargo failed"), "{error}");
}

#[test]
fn a_new_python_project_builds_and_passes() {
    let folder = TempDir::new().unwrap();
    succeeds(&folder, &["env", "new", "mine", "--lang", "python"]);
    let source = folder.path().join("mine/env.py");
    let grade = "def grade(self, task, answer):\n";
    let faulty = format!("{grade}        if answer == 'fault': raise KeyError(answer)\n");
    fs::write(&source, fs::read_to_string(&source).unwrap().replace(grade, &faulty)).unwrap();
    succeeds(&folder, &["env", "build", "mine"]);
    let env = load(&folder.path().join("mine/mine.wasm"));
    assert_passes(&env);
    assert_eq!(first_task(&env), FIRST_TASK);
    let tests = Command::new("python3")
        .args(["-B", "-m", "unittest"])
        .current_dir(folder.path().join("mine"))
        .output()
        .unwrap();
    assert!(tests.status.success(), "{}", String::from_utf8_lossy(&tests.stderr));

    let task = Task { kind: "mine".into(), body: r#"{"numbers":[2,1]}"#.into() };
    let attempt = Attempt { task, completion: "fault".into() };
    env.verify(&env.context(Style::Compact, &[]).unwrap(), &[attempt]).remove(0).unwrap_err();
    let log: Vec<String> = env.take_log().0.iter().map(ToString::to_string).collect();
    assert!(log.concat().contains("KeyError: 'fault' (judge_answer line"), "{log:?}");

    fs::write(&source, "from azr_env import Puzzles\nclass Environment(Puzzles)\n").unwrap();
    let error = fails(&folder, &["env", "build", "mine"]);
    assert!(error.contains("SyntaxError") && error.contains("componentize-py failed"), "{error}");
}

#[test]
fn a_new_javascript_project_builds_and_passes() {
    if Command::new("node").arg("--version").output().is_err() {
        return eprintln!("not tested: projects in JavaScript need Node.js, which is not on this machine");
    }
    let folder = TempDir::new().unwrap();
    succeeds(&folder, &["env", "new", "mine", "--lang", "js"]);
    let source = folder.path().join("mine/env.js");
    let grade = "  grade(task, answer) {\n";
    let faulty = format!("{grade}    if (answer === 'fault') throw new RangeError(Date.now());\n");
    fs::write(&source, fs::read_to_string(&source).unwrap().replace(grade, &faulty)).unwrap();
    succeeds(&folder, &["env", "build", "mine"]);
    // Its engine interprets, and garbage of 64 KiB takes it long to read.
    let env = load_within(&folder.path().join("mine/mine.wasm"), Limits::default().judge_fuel);
    assert_passes(&env);
    assert_eq!(first_task(&env), FIRST_TASK);
    let tests = Command::new("node").args(["--test", "test_env.js"]).current_dir(folder.path().join("mine")).output();
    assert!(tests.unwrap().status.success());

    let task = Task { kind: "mine".into(), body: r#"{"numbers":[2,1]}"#.into() };
    let attempt = Attempt { task, completion: "fault".into() };
    env.verify(&env.context(Style::Compact, &[]).unwrap(), &[attempt]).remove(0).unwrap_err();
    let log: Vec<String> = env.take_log().0.iter().map(ToString::to_string).collect();
    // The clock stands at the beginning.
    assert!(log.concat().contains("RangeError: 0"), "{log:?}");

    fs::write(&source, "export class Environment {").unwrap();
    let error = fails(&folder, &["env", "build", "mine"]);
    assert!(error.contains("componentize-js failed"), "{error}");
}

#[test]
fn a_new_c_project_builds_and_passes() {
    let folder = TempDir::new().unwrap();
    succeeds(&folder, &["env", "new", "mine", "--lang", "c"]);
    let source = folder.path().join("mine/env.c");
    let honest = fs::read_to_string(&source).unwrap();
    let grade = "azr_text *why) {\n";
    let faulty = "azr_text *why) {\n  if (strcmp(answer, \"fault\") == 0) fprintf(stderr, \"at fault\\n\"), abort();\n";
    fs::write(&source, honest.replace(grade, faulty)).unwrap();
    succeeds(&folder, &["env", "build", "mine"]);
    let env = load(&folder.path().join("mine/mine.wasm"));
    assert_passes(&env);
    assert_eq!(first_task(&env), FIRST_TASK);

    let task = Task { kind: "mine".into(), body: r#"{"numbers":[2,1]}"#.into() };
    let attempt = Attempt { task, completion: "fault".into() };
    let fault = env.verify(&env.context(Style::Compact, &[]).unwrap(), &[attempt]).remove(0).unwrap_err();
    assert!(fault.to_string().contains("at fault"), "{fault}");

    fs::write(&source, honest.replace("qsort(", "quicksort(")).unwrap();
    let error = fails(&folder, &["env", "build", "mine"]);
    assert!(error.contains("quicksort") && error.contains("failed"), "{error}");
}

#[test]
fn a_new_go_project_builds_and_passes() {
    let folder = TempDir::new().unwrap();
    succeeds(&folder, &["env", "new", "mine", "--lang", "go"]);
    let source = folder.path().join("mine/env.go");
    let honest = fs::read_to_string(&source).unwrap();
    let grade = "func grade(task Task, answer string) error {\n";
    let faulty = format!("{grade}\tif answer == \"fault\" {{\n\t\tpanic(time.Now().UTC().Year())\n\t}}\n");
    let faulty = honest.replace(grade, &faulty).replace("import (\n", "import (\n\t\"time\"\n");
    fs::write(&source, &faulty).unwrap();
    succeeds(&folder, &["env", "build", "mine"]);
    let env = load(&folder.path().join("mine/mine.wasm"));
    assert_passes(&env);
    assert_eq!(first_task(&env), FIRST_TASK);
    let go = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/go/go/bin/go");
    let tests = Command::new(go)
        .args(["test", "."])
        .current_dir(folder.path().join("mine"))
        .env("GOCACHE", compiled_crates().join("go"))
        .output()
        .unwrap();
    assert!(tests.status.success(), "{}", String::from_utf8_lossy(&tests.stdout));

    let task = Task { kind: "mine".into(), body: r#"{"numbers":[2,1]}"#.into() };
    let attempt = Attempt { task, completion: "fault".into() };
    let fault = env.verify(&env.context(Style::Compact, &[]).unwrap(), &[attempt]).remove(0).unwrap_err();
    // The clock stands at the beginning.
    assert!(fault.to_string().contains("panic: 1970"), "{fault}");

    // The same sources in another folder, whose name is not part of the file.
    let elsewhere = TempDir::new().unwrap();
    succeeds(&elsewhere, &["env", "new", "mine", "--lang", "go"]);
    fs::write(elsewhere.path().join("mine/env.go"), faulty).unwrap();
    succeeds(&elsewhere, &["env", "build", "mine"]);
    let [one, two] = [&folder, &elsewhere].map(|folder| fs::read(folder.path().join("mine/mine.wasm")).unwrap());
    assert!(one == two, "it depends on where it was built");

    fs::write(&source, honest.replace("slices.Sorted", "slices.Ascending")).unwrap();
    let error = fails(&folder, &["env", "build", "mine"]);
    assert!(error.contains("slices.Ascending") && error.contains("failed"), "{error}");
}

#[test]
fn a_new_rust_project_for_wasip2_builds_and_passes() {
    let folder = TempDir::new().unwrap();
    succeeds(&folder, &["env", "new", "mine", "--lang", "rust-wasip2"]);
    let source = folder.path().join("mine/src/lib.rs");
    // The standard library asks for random numbers.
    let sorted = "let mut numbers = task.numbers.clone();";
    let through_a_map =
        "let map: std::collections::HashMap<usize, i64> = task.numbers.iter().copied().enumerate().collect();
    let mut numbers: Vec<i64> = map.into_values().collect();";
    fs::write(&source, fs::read_to_string(&source).unwrap().replace(sorted, through_a_map)).unwrap();
    succeeds(&folder, &["env", "build", "mine"]);
    let env = load(&folder.path().join("mine/mine.wasm"));
    assert!(env.imports().iter().any(|import| import.starts_with("wasi:random/")), "{:?}", env.imports());
    assert_passes(&env);
    assert_eq!(first_task(&env), FIRST_TASK);
}

#[test]
fn mistakes_are_explained() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("taken")).unwrap();
    for (args, why) in [
        (&["env", "new", "taken"][..], "taken already exists"),
        (&["env", "new", "../up"], "lower-case letters, digits and hyphens"),
        (&["env", "new", "Mine"], "lower-case letters, digits and hyphens"),
        (&["env", "new", "mine", "--sdk", "/nowhere"], "there is no guest SDK in /nowhere"),
        (&["env", "build", "taken"], "no Cargo.toml and no env.py, env.js, env.c or env.go"),
        (&["env", "build", "nothing"], "cannot find the project nothing"),
    ] {
        let error = fails(&folder, args);
        assert!(error.contains(why), "{args:?}: {error}");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "something was left behind");
}

/// It knows no folder of the machine that it was built on.
#[test]
fn a_program_that_was_copied_asks_for_the_sdk() {
    let folder = TempDir::new().unwrap();
    let program = folder.path().join("azr-host");
    fs::copy(env!("CARGO_BIN_EXE_azr-host"), &program).unwrap();
    let output = Command::new(program).args(["env", "new", "mine"]).current_dir(&folder).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("not in azr-host's sources") && message.contains("--sdk"), "{message}");
    assert!(!folder.path().join("mine").exists());
}
