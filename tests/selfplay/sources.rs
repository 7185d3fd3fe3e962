//! Where tasks come from: environments that make their own, data sets, and several environments at once.

use std::{collections::BTreeSet, sync::atomic::AtomicBool};

use azr_experiment::observer::Silent;
use azr_sandbox::pack;

use super::*;
use crate::{
    broken::broken,
    scripted::{Bench, Run},
};

/// Numbers that tell what came from where: 8 tasks before the first step, 5 at each.
pub const QUICK: &[&str] = &[
    "propose.batch=6",
    "solve.batch=12",
    "solve.strategy=max-new",
    "learnability.samples=2",
    "seeding.tasks=8",
    "generate.batch=5",
    "evaluation.generated=12",
    "checkpoint.every-steps=2",
    "checkpoint.keep=9",
    "steps=4",
];

/// The environment about sums, in one of its honest variants or with a defect.
pub fn sums(dir: &Path, variant: &str) -> String {
    let (judge, file) = (dir.join(format!("{variant}.judge")), dir.join(format!("{variant}.wasm")));
    fs::write(&judge, broken(variant)).unwrap();
    fs::write(&file, pack(&judge, &[] as &[&Path]).unwrap()).unwrap();
    file.display().to_string()
}

fn arguments(envs: &[&str], out: &Path, more: &[&str]) -> Vec<String> {
    let envs = envs.iter().flat_map(|env| ["--env", env]);
    let quick = QUICK.iter().flat_map(|pair| ["--set", pair]);
    let args: Vec<&str> = envs.chain(quick).chain(more.iter().copied()).collect();
    args.into_iter().map(str::to_owned).chain([format!("--out={}", out.display())]).collect()
}

#[track_caller]
pub fn train_on(envs: &[&str], out: &Path, more: &[&str]) -> String {
    let args = arguments(envs, out, more);
    let output = succeed(&args.iter().map(String::as_str).collect::<Vec<_>>());
    [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat()
}

pub fn rows(dir: &Path, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(dir.join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The ids in the rows of a log that are wanted.
fn ids(dir: &Path, name: &str, key: &str, wanted: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let rows = rows(dir, name).into_iter().filter(wanted);
    rows.filter_map(|row| Some(row[key].as_str()?.to_owned())).collect()
}

/// What the solver attempted at a step, without the attempts that measure learnability.
pub fn solved_at(dir: &Path, step: u64) -> BTreeSet<String> {
    ids(dir, "ledger.jsonl", "task", |row| row["step"] == step && row["purpose"] == "solve")
}

/// The proposer continues the sequence that the environment generates, so what is new depends on the order of both.
#[test]
fn generated_training_repeats_through_workers_kills_and_replay() {
    let (dir, one, three) = scratch();
    let env = sums(dir.path(), "continues-the-sequence");
    train_on(&[&env], &one, &["--workers=1"]);
    train_on(&[&env], &three, &["--workers=3"]);
    assert_same(&one, &three);

    let killed = dir.path().join("killed");
    let args = arguments(&[&env], &killed, &[]);
    let mut child = azr_host().args(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("step    3")));
    child.kill().unwrap();
    child.wait().unwrap();
    succeed(&["--resume", killed.to_str().unwrap()]);
    assert_same(&one, &killed);

    let origins = ids(&one, "tasks.jsonl", "origin", |_| true);
    assert_eq!(origins, ["generated", "proposed"].map(str::to_owned).into());
    let standings: BTreeSet<String> = rows(&one, "ledger.jsonl")
        .iter()
        .filter_map(|row| Some(row["conclusion"]["accepted"]["standing"].as_str()?.to_owned()))
        .collect();
    assert_eq!(standings, ["duplicate", "novel"].map(str::to_owned).into());
    succeed(&["replay", one.to_str().unwrap()]);
}

#[test]
fn a_step_gets_its_numbers_of_the_sequence_and_they_are_recent() {
    let bench = Bench::new();
    bench.train("run", Run { envs: &[&bench.sums("generates-only")], set: &[QUICK], ..Run::default() });
    let run = bench.path("run");
    let tasks = rows(&run, "tasks.jsonl");
    let firsts = |step: u64| -> Vec<u64> {
        let of_step = tasks.iter().filter(|row| row["step"] == step);
        let body = |row: &Value| row["body"].as_str().unwrap()[1..5].parse::<u64>().unwrap() - 1000;
        of_step.map(body).collect()
    };
    assert_eq!(firsts(0), (0..8).collect::<Vec<_>>());
    assert_eq!(firsts(1), (8..13).collect::<Vec<_>>());
    assert_eq!(firsts(4), (23..28).collect::<Vec<_>>());
    for step in 1..=4 {
        let recent = ids(&run, "tasks.jsonl", "id", |row| row["step"] == step);
        assert!(recent.len() == 5 && recent.is_subset(&solved_at(&run, step)), "step {step}");
    }
    let held_out = ids(&run, "held-out.jsonl", "id", |_| true);
    assert_eq!(held_out.len(), 12);
    assert!(held_out.is_disjoint(&ids(&run, "tasks.jsonl", "id", |_| true)));
    assert_eq!(rows(&run, "evaluations.jsonl")[0]["kinds"]["sums/sum"]["tasks"], 12);
}

/// This environment has one sequence only, so the held-out tasks are the first of those to train on.
#[test]
fn generated_tasks_that_are_held_out_are_refused() {
    let bench = Bench::new();
    let set = [QUICK, &["propose.batch=0"]];
    bench.train("run", Run { envs: &[&bench.sums("ignores-the-seed")], set: &set, ..Run::default() });
    let run = bench.path("run");
    let bodies = ids(&run, "tasks.jsonl", "body", |row| row["step"].as_u64() < Some(2));
    assert_eq!(bodies, ["[1012,1000]".to_owned()].into());
    assert_eq!(solved_at(&run, 1).len(), 1);
}

#[test]
fn an_environment_without_proposals_trains_like_any_other() {
    let (dir, run, _) = scratch();
    let said = train_on(&[&sums(dir.path(), "generates-only")], &run, &[]);
    assert!(!said.contains("NaN") && !said.contains("propose") && !said.contains("valid"), "{said}");
    assert!(said.contains("solved: sum 0 %") && said.contains("held-out solve rate"), "{said}");
    for metrics in rows(&run, "metrics.jsonl") {
        assert_eq!(metrics["groups"].as_object().unwrap().keys().collect::<Vec<_>>(), ["sums/sum/solver"]);
        assert_eq!(
            (&metrics["groups"]["sums/sum/solver"]["completions"], &metrics["buffer"]["sums/sum"]["added"]),
            (&12.into(), &5.into())
        );
    }
    succeed(&["replay", run.to_str().unwrap()]);
    succeed(&["report", run.to_str().unwrap()]);
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.contains("\"Solver\"") && !page.contains("\"Proposer\""));
}

/// 300 sums with a line in between that is blank, and one that comes twice.
fn data_set(dir: &Path) -> (PathBuf, String) {
    let lines = (0..300).map(|n| format!("{} {}\n", 1000 + n, 2000 + 7 * n));
    let text = lines.collect::<String>() + "\n1000 2000\n";
    let path = dir.join("sums.txt");
    fs::write(&path, &text).unwrap();
    (path, text)
}

#[test]
fn a_data_set_is_split_by_subject_and_trained_on() {
    let bench = Bench::new();
    let (env, (path, text)) = (bench.sums("imports-only"), data_set(&bench.path("")));
    let file = path.display().to_string();
    let quick = Run { envs: &[&env], tasks: &[&file], set: &[QUICK], ..Run::default() };
    bench.train("run", quick);
    let run = bench.path("run");
    let trained = ids(&run, "tasks.jsonl", "id", |row| row["origin"] == "data-set");
    let held_out = ids(&run, "held-out.jsonl", "id", |_| true);
    assert_eq!(trained.len() + held_out.len(), 300);
    assert!(trained.is_disjoint(&held_out) && (15..=45).contains(&held_out.len()), "{}", held_out.len());
    assert!((1..=4).all(|step| solved_at(&run, step).is_subset(&trained)));
    succeed(&["replay", run.to_str().unwrap()]);

    // The same subjects are held out whatever the seed and the order.
    let mut lines: Vec<&str> = text.lines().collect();
    lines.reverse();
    fs::write(&path, lines.join("\n")).unwrap();
    bench.train("other", Run { set: &[QUICK, &["seed=9"]], ..quick });
    assert_eq!(ids(&bench.path("other"), "held-out.jsonl", "id", |_| true), held_out);

    fs::remove_dir_all(run.join("checkpoints/step-000004")).unwrap();
    let resume = || bench.resume("run", &AtomicBool::new(false), &Silent);
    let message = format!("{:#}", resume().unwrap_err());
    assert!(message.contains("sums.txt has changed since"), "{message}");
    fs::write(&path, text).unwrap();
    assert!(resume().unwrap());

    // From before the first checkpoint the file is imported again.
    let whole = bench.essence("run");
    fs::remove_dir_all(run.join("checkpoints")).unwrap();
    fs::create_dir(run.join("checkpoints")).unwrap();
    assert!(resume().unwrap());
    assert!(whole == bench.essence("run"));
}

/// Sums as GSM8K writes problems, in the embedded policy's vocabulary.
#[test]
fn published_problems_are_trained_on_and_held_out() {
    let bench = Bench::new();
    let path = bench.path("sums.jsonl");
    let line = |n: u64| {
        let (a, b) = (10 + n, 90 - n / 2);
        let answer = format!("{a} + {b} = <<{a}+{b}={0}>>{0}\n#### {0}", a + b);
        serde_json::json!({ "question": format!("{a} + {b}"), "answer": answer }).to_string() + "\n"
    };
    fs::write(&path, (0..150).map(line).collect::<String>()).unwrap();
    let file = path.display().to_string();
    bench.train("run", Run { envs: &["envs/math.wasm"], tasks: &[&file], set: &[QUICK], ..Run::default() });
    let run = bench.path("run");
    let trained = ids(&run, "tasks.jsonl", "id", |row| row["origin"] == "data-set");
    let held_out = ids(&run, "held-out.jsonl", "id", |_| true);
    assert_eq!(trained.len() + held_out.len(), 150);
    assert!((5..=30).contains(&held_out.len()), "{}", held_out.len());
    assert_eq!(rows(&run, "evaluations.jsonl")[0]["kinds"]["math/problem"]["tasks"], held_out.len());
    assert!((1..=4).all(|step| solved_at(&run, step).len() == 12 && solved_at(&run, step).is_subset(&trained)));
    let bodies = ids(&run, "tasks.jsonl", "body", |_| true);
    assert!(bodies.iter().all(|body| !body.contains('#') && !body.contains('<')));
    succeed(&["replay", run.to_str().unwrap()]);
}

#[test]
fn what_cannot_be_trained_on_is_refused_with_what_to_do() {
    let bench = Bench::new();
    let (env, totals) = (bench.sums("imports-only"), bench.sums("another-name"));
    let good = data_set(&bench.path("")).0.display().to_string();
    let file = |name: &str, content: &str| {
        fs::write(bench.path(name), content).unwrap();
        bench.path(name).display().to_string()
    };
    let (bad, empty) = (file("bad.txt", "1000 2000\n\n1 2\n3\n"), file("empty.txt", "\n"));
    let (one, both) = ([env.as_str()], [env.as_str(), &totals]);
    let run = Run { envs: &one, set: &[QUICK], ..Run::default() };
    let cases: &[(Run, &[&str])] = &[
        (Run { tasks: &[&bad], ..run }, &["bad.txt, line 3: not-two-numbers: \"1 2\"", "2 of 3 lines"]),
        (Run { tasks: &[&empty], ..run }, &["empty.txt holds no tasks"]),
        (Run { tasks: &["none.txt"], ..run }, &["cannot read the data set none.txt"]),
        (Run { tasks: &[&good], envs: &both, ..run }, &["does not say for which environment", "sums, totals"]),
        (
            Run { tasks: &[&good], set: &[QUICK, &["buffer.capacity=100"]], ..run },
            &["buffer.capacity = 100; set buffer.capacity=2"],
        ),
        (Run { tasks: &[&good], set: &[QUICK, &["env-weights.nobody=2"]], ..run }, &["nobody", "not loaded"]),
        (run, &["environment sums has nothing to train on", "--tasks"]),
    ];
    for (run, words) in cases {
        let message = format!("{:#}", bench.begin("run", *run, &Silent).err().expect("it is refused"));
        for word in *words {
            assert!(message.contains(word), "{message} does not mention {word}");
        }
    }
    assert!(!bench.path("run").exists(), "refused before anything is written");
}

/// Both environments call their kind "sum".
#[test]
fn weights_scale_the_batches_of_an_environment() {
    let (dir, run, _) = scratch();
    let envs = [sums(dir.path(), "continues-the-sequence"), sums(dir.path(), "another-name")];
    let envs = [envs[0].as_str(), &envs[1]];
    let weighted = ["--set=env-weights.totals=2.5"];
    let said = train_on(&envs, &run, &weighted);
    assert!(said.contains("solved: sums/sum 0 %, totals/sum 0 %"), "{said}");
    for metrics in rows(&run, "metrics.jsonl") {
        let completions = |group: &str| metrics["groups"][group]["completions"].as_u64().unwrap();
        assert_eq!((completions("sums/sum/proposer"), completions("totals/sum/proposer")), (6, 15));
        assert_eq!(completions("totals/sum/solver"), 30);
        // 2.5 times 5, rounded.
        assert_eq!(metrics["buffer"]["totals/sum"]["added"], 13);
    }
    succeed(&["replay", run.to_str().unwrap()]);
    succeed(&["report", run.to_str().unwrap()]);
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.contains(r#""kinds":["sums/sum","totals/sum"]"#));
}
