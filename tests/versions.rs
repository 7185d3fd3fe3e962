//! Environments that were built against earlier versions of `wit/` still load, and still come to the same.
//!
//! A folder of `tests/fixtures` belongs to a version of the package `azr:env`. It has environments, each a judge and its
//! executors as the text of components, and what they answered when the version was new. `make fixtures` prints a
//! version's folder once, from `tests/guests`; it is never printed again.

use std::{
    fs,
    path::{Path, PathBuf},
};

use azr_core::task::Task;
use azr_sandbox::{
    Accepted, Attempt, Context, Environment, ExecutedRun, Judged, Proposal, Rejection, Sandbox, SandboxConfig,
    SequencePart, Style, pack,
};
use serde_json::{Value, json};
use wit_component::ComponentEncoder;

/// The version that is current.
const CURRENT: &str = "azr-env-0.1.0";

/// Answers to everything, right or not; some are programs of the executor in `tests/guests`.
const COMPLETIONS: [&str; 12] = [
    "",
    "4300",
    "<think>short</think><answer>4300</answer>",
    "1500 2500",
    "<think>so</think><answer>1500 2500</answer>",
    "echo",
    "count\nthrow\necho",
    "refuse",
    "unreachable",
    "recurse\ndivide",
    "reject",
    "judge-rejects",
];
const LINES: [&str; 3] = ["{}", "reject", "1234 4321"];

/// What is printed of this version: the name, the judge's guest, the executors'.
const PRINTED: [(&str, &str, &[&str]); 2] =
    [("sums", "azr_test_broken", &[]), ("hostile", "azr_test_judge", &["azr_test_executor"])];

#[test]
fn environments_of_earlier_versions_come_to_the_same() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    if std::env::var_os("PRINT_FIXTURES").is_some() {
        print(&fixtures.join(CURRENT));
    }
    let mut compared = 0;
    for version in folders(&fixtures) {
        for environment in folders(&version) {
            let recorded: Value = serde_json::from_slice(&fs::read(environment.join("answers.json")).unwrap()).unwrap();
            same(&environment.display().to_string(), &recorded, &answers(&load(&environment)));
            compared += 1;
        }
    }
    assert!(compared >= PRINTED.len(), "fixtures are missing");
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn load(folder: &Path) -> Environment {
    let scratch = tempfile::tempdir().unwrap();
    let assembled = |name: &str| {
        let path = scratch.path().join(name);
        fs::write(&path, wat::parse_file(folder.join(name)).unwrap()).unwrap();
        path
    };
    let executors = (0..).map(|index| format!("executor-{index}.wat")).take_while(|name| folder.join(name).exists());
    let executors: Vec<PathBuf> = executors.map(|name| assembled(&name)).collect();
    let file = scratch.path().join("env.wasm");
    fs::write(&file, pack(&assembled("judge.wat"), &executors).unwrap()).unwrap();
    let config = SandboxConfig { cache_dir: Some(scratch.path().join("cache")), ..SandboxConfig::default() };
    Sandbox::new(&config).unwrap().load(&file).unwrap()
}

/// What an environment says of itself and concludes, but for fuel, which differs between engines.
fn answers(env: &Environment) -> Value {
    json!({
        "description": env.description(),
        "imports": env.imports(),
        "compact": answers_in(env, &env.context(Style::Compact, &[]).unwrap()),
        "instruct": answers_in(env, &env.context(Style::Instruct, &[]).unwrap()),
    })
}

fn answers_in(env: &Environment, ctx: &Context) -> Value {
    let mut tasks = env.seeds(ctx).unwrap();
    for kind in env.description().kinds.iter().filter(|kind| kind.generated) {
        let part = SequencePart { kind: kind.name.clone(), seed: 7, first: 3, count: 4 };
        tasks.extend(env.generate(ctx, &part).unwrap());
    }
    let examples = env.examples(ctx).unwrap();
    let mut attempts: Vec<Attempt> = examples.attempts.into_iter().map(|example| example.completed).collect();
    let mut proposals: Vec<Proposal> = examples.proposals.into_iter().map(|example| example.completed).collect();
    for completion in COMPLETIONS {
        attempts.push(Attempt { task: tasks[0].clone(), completion: completion.into() });
        let kind = tasks[0].kind.clone();
        proposals.push(Proposal {
            kind: kind.to_string(),
            references: tasks[1..].to_vec(),
            completion: completion.into(),
        });
    }
    let requests: Vec<(String, Vec<Task>)> =
        env.description().kinds.iter().map(|kind| (kind.name.clone(), tasks.clone())).collect();
    let of_tasks = tasks.iter().zip(env.solve_prompts(ctx, &tasks)).zip(env.demonstrate(ctx, &tasks));
    let of_tasks = of_tasks.zip(env.subjects(&tasks)).map(|(((task, prompt), demonstration), subject)| {
        json!({
            "task": written(task),
            "solve-prompt": prompt.unwrap(),
            "demonstration": demonstration.unwrap(),
            "subject": subject.unwrap(),
        })
    });
    let of_attempts = attempts.iter().zip(env.verify(ctx, &attempts)).map(|(attempt, judged)| {
        let Judged { conclusion, runs } = judged.unwrap();
        let Attempt { task, completion } = attempt;
        json!({ "task": written(task), "completion": completion, "runs": runs_of(&runs), "verdict": conclusion })
    });
    let of_proposals = proposals.iter().zip(env.validate(ctx, &proposals)).map(|(proposal, judged)| {
        let Judged { conclusion, runs } = judged.unwrap();
        let Proposal { kind, references, completion } = proposal;
        let references: Vec<Value> = references.iter().map(written).collect();
        let concluded = accepted_or_not(conclusion);
        json!({
            "kind": kind, "references": references, "completion": completion, "runs": runs_of(&runs), "concluded": concluded,
        })
    });
    let lines = LINES.map(String::from);
    let of_lines = lines.iter().zip(env.import_tasks(ctx, &lines)).map(|(line, imported)| {
        json!({ "line": line, "imported": imported.unwrap().map(|task| written(&task)).map_err(rejected) })
    });
    let prompts = env.propose_prompts(ctx, &requests).into_iter().map(Result::unwrap);
    json!({
        "tasks": of_tasks.collect::<Vec<_>>(),
        "propose-prompts": prompts.map(|prompt| json!(prompt)).collect::<Vec<_>>(),
        "attempts": of_attempts.collect::<Vec<_>>(),
        "proposals": of_proposals.collect::<Vec<_>>(),
        "lines": of_lines.collect::<Vec<_>>(),
    })
}

fn written(Task { kind, body }: &Task) -> Value {
    json!({ "kind": kind, "body": body })
}

fn runs_of(runs: &[ExecutedRun]) -> Vec<Value> {
    runs.iter().map(|ExecutedRun { run, report }| json!({ "run": run, "outcomes": report.outcomes })).collect()
}

fn accepted_or_not(conclusion: Result<Accepted, Rejection>) -> Result<Value, Value> {
    conclusion.map(|accepted| json!(accepted)).map_err(rejected)
}

fn rejected(rejection: Rejection) -> Value {
    json!(rejection)
}

/// A later version may say more, but nothing else.
#[track_caller]
fn same(place: &str, recorded: &Value, now: &Value) {
    match (recorded, now) {
        (Value::Object(recorded), Value::Object(now)) => {
            for (key, value) in recorded {
                same(&format!("{place}: {key}"), value, now.get(key).unwrap_or(&Value::Null));
            }
        }
        (Value::Array(recorded), Value::Array(now)) => {
            assert_eq!(recorded.len(), now.len(), "{place}: another number");
            for (index, (recorded, now)) in recorded.iter().zip(now).enumerate() {
                same(&format!("{place}: {index}"), recorded, now);
            }
        }
        _ => assert_eq!(recorded, now, "{place}"),
    }
}

/// What was printed once is what others have built since, so it is not printed again.
fn print(version: &Path) {
    assert!(!version.exists(), "{} exists; raise the version of wit/ instead", version.display());
    for (name, judge, executors) in PRINTED {
        let folder = version.join(name);
        fs::create_dir_all(&folder).unwrap();
        let component = |guest: &str| {
            let module = fs::read(crate::built::guest(guest)).unwrap();
            ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
        };
        print_component(&component(judge), &folder.join("judge.wat"));
        for (index, executor) in executors.iter().enumerate() {
            print_component(&component(executor), &folder.join(format!("executor-{index}.wat")));
        }
        let answers = serde_json::to_string_pretty(&answers(&load(&folder))).unwrap();
        fs::write(folder.join("answers.json"), answers + "\n").unwrap();
    }
}

fn print_component(component: &[u8], path: &Path) {
    let mut text = String::new();
    let mut printer = wasmprinter::Config::new();
    printer.indent_text("").print(component, &mut wasmprinter::PrintFmtWrite(&mut text)).unwrap();
    fs::write(path, text).unwrap();
}
