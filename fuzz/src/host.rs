//! What must hold for any bytes in the files that an operator gives to the host.

use std::{
    path::Path,
    sync::{LazyLock, OnceLock},
};

use azr_config::RunConfig;
use azr_core::{limits::Limits, task::Task};
use azr_sandbox::{Attempt, CallFuel, Context, Environment, Grants, Proposal, Sandbox, SandboxConfig, Style};
use tempfile::TempDir;

/// What a call of a judge may take for a completion of 64 KiB: a fifth of the limit, so that no completion reaches it.
const FUEL_MAX: u64 = 1_000_000_000;
/// Of a completion. Those of a policy have some thousand.
const COMPLETION_MAX_BYTES: usize = 64 << 10;

/// A configuration is refused or survives its own text, and so are grants.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(config) = RunConfig::from_toml(text) {
        let again = RunConfig::from_toml(&config.to_toml()).expect("it is refused at the second time");
        assert_eq!(again, config);
    }
    if let Ok(grants) = toml::from_str::<Grants>(text) {
        let written = toml::to_string(&grants).expect("grants are plain data");
        assert_eq!(toml::from_str::<Grants>(&written).expect("it is refused at the second time"), grants);
    }
}

/// A file is an environment or refused with a reason.
pub fn component(data: &[u8]) {
    static BENCH: LazyLock<(TempDir, Sandbox)> = LazyLock::new(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let cache_dir = Some(folder.path().join("cache"));
        let limits = Limits { judge_fuel: 10_000_000, ..Limits::default() };
        let config = SandboxConfig { workers: 1, cache_dir, limits, ..SandboxConfig::default() };
        (folder, Sandbox::new(&config).expect("a sandbox"))
    });
    let (folder, sandbox) = &*BENCH;
    let file = folder.path().join("env.wasm");
    std::fs::write(&file, data).expect("a file");
    if let Err(error) = sandbox.load(&file) {
        assert!(!format!("{error:#}").is_empty());
    }
}

/// A judge reads every completion, in wasm, with far less fuel than its calls may use: natively nothing counts it. Returns
/// what each call of each judge used.
pub fn fuel(data: &[u8]) -> Vec<(usize, CallFuel)> {
    static JUDGES: OnceLock<Vec<Judge>> = OnceLock::new();
    let completion = String::from_utf8_lossy(&data[..data.len().min(COMPLETION_MAX_BYTES)]).into_owned();
    let mut used = Vec::new();
    for (number, Judge { env, styles, tasks }) in JUDGES.get_or_init(judges).iter().enumerate() {
        let attempts: Vec<Attempt> =
            tasks.iter().map(|task| Attempt { task: task.clone(), completion: completion.clone() }).collect();
        let of_kind = |task: &Task| Proposal {
            kind: task.kind.to_string(),
            references: vec![task.clone()],
            completion: completion.clone(),
        };
        let proposable = tasks
            .iter()
            .filter(|task| env.description().kinds.iter().any(|kind| kind.proposable && *kind.name == *task.kind));
        let proposals: Vec<Proposal> = proposable.map(of_kind).collect();
        for ctx in styles {
            // Whether it is right is not looked at here.
            env.verify(ctx, &attempts);
            env.validate(ctx, &proposals);
        }
        used.extend(env.take_judge_fuel().0.into_iter().map(|call| (number, call)));
    }
    for (number, call) in &used {
        assert!(call.fuel < FUEL_MAX, "{} of judge {number} used {} fuel", call.function, call.fuel);
    }
    used
}

/// A judge with a task of every kind that it has at once.
struct Judge {
    env: Environment,
    styles: [Context; 2],
    tasks: Vec<Task>,
}

/// The judges of `envs`, which `make test` has built.
fn judges() -> Vec<Judge> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let envs = root.ancestors().map(|folder| folder.join("envs")).find(|envs| envs.is_dir()).expect("it is beside");
    // Where the tests keep it, or as programs do.
    let cache_dir = option_env!("CARGO_TARGET_TMPDIR").map(|folder| Path::new(folder).join("compiled"));
    // What programs do is not looked at either.
    let limits = Limits { run_fuel_max: 10_000_000, ..Limits::default() };
    let config = SandboxConfig { cache_dir, limits, ..SandboxConfig::default() };
    let sandbox = Sandbox::new(&config).expect("a sandbox").record();
    let judge = |(name, line): (&str, Option<&str>)| {
        let env = sandbox.load(&envs.join(name).with_extension("wasm")).expect("an environment");
        let styles = [Style::Compact, Style::Instruct].map(|style| env.context(style, &[]).expect("no settings"));
        let mut tasks = match line {
            Some(line) => {
                let imported = env.import_tasks(&styles[0], &[line.to_owned()]).remove(0).expect("a judge");
                vec![imported.expect("a task")]
            }
            None => env.seeds(&styles[0]).expect("a judge"),
        };
        tasks.sort_by(|a, b| a.kind.cmp(&b.kind));
        tasks.dedup_by(|a, b| a.kind == b.kind);
        assert!(!tasks.is_empty(), "{name} has no task");
        Judge { env, styles, tasks }
    };
    let math = r#"{"problem": "What is it?", "answer": "x^2 + \\frac{1}{3}"}"#;
    let countdown = r#"{"numbers": [3, 7, 8, 2], "target": 45}"#;
    let codegen = r#"{"task_id": "HumanEval/0", "prompt": "def f(x):\n", "canonical_solution": "    return x\n",
        "entry_point": "f", "base_input": [[1]], "plus_input": [[[2.5, "a"]]], "atol": 0}"#;
    let envs = [("python", None), ("javascript", None), ("sql", None)];
    let read = [("math", Some(math)), ("countdown", Some(countdown)), ("codegen", Some(codegen))];
    envs.into_iter().chain(read).map(judge).collect()
}
