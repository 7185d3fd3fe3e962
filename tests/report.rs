//! `azr-host report`: what the page holds for a known experiment.

use std::{fs, path::Path};

use azr_experiment::report;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What a hostile policy might write: it closes the script element, opens another, hides and reorders text.
const HOSTILE: &str = "</script><script>alert(1)</script><!--<script>\u{202e}\u{2028}\0\u{1b}[31m\
    {{script}}{{data}}\"\\u003c' onerror=alert(2)";

fn solver_row(step: u64, task: &str, completion: &str, score: f64) -> Value {
    json!({
        "step": step, "env": "python", "kind": "deduction", "role": "solver", "purpose": "solve", "task": task,
        "completion": completion, "reward": score - 0.5,
        "conclusion": { "verdict": { "score": score, "well_formed": true, "answer": completion, "reason": "because" } },
        "runs": [{ "executor": 0, "outcomes": [{ "value": "i2;" }, "out-of-fuel"], "fuel": 1234 }],
    })
}

fn lines(rows: impl IntoIterator<Item = Value>) -> String {
    rows.into_iter().map(|row| format!("{row}\n")).collect()
}

fn metrics_row(step: u64, solve_rate: f64) -> Value {
    json!({
        "step": step,
        "groups": {
            "python/deduction/solver": { "completions": 8, "solve_rate": solve_rate },
            "python/deduction/proposer": {
                "completions": 4, "valid": 0.75, "learnable": 0.25, "rejections": { "no-program": step },
            },
        },
        "update": { "gradient_norm": 0.5 * step as f64, "novelty_of_tomorrow": 7 },
        "sampling": { "tokens": 100, "completions": 12 },
        "sandbox": { "runs": 10, "faults": 0 },
        "timing": { "propose_s": 1.0, "solve_s": 2.0, "step_s": 3.5 },
    })
}

/// Two steps, three verdicts, one task, two evaluations.
fn experiment() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| fs::write(dir.path().join(name), text).unwrap();
    write("config.toml", format!("seed = 7 # {HOSTILE}\n"));
    write("metrics.jsonl", lines([metrics_row(1, 0.25), metrics_row(2, 0.75)]));
    let evaluation = |step: u64, rate: f64| {
        let kind = json!({ "tasks": 500, "samples": 1, "solve_rate": rate, "standard_error": 0.02,
            "paired_difference": { "mean": rate - 0.3, "standard_error": 0.01 } });
        json!({ "step": step, "name": "start", "temperature": 0.0, "kinds": { "python/deduction": kind } })
    };
    write("evaluations.jsonl", lines([evaluation(0, 0.3), evaluation(2, 0.4)]));
    let rejected = json!({
        "step": 1, "env": "python", "kind": "deduction", "role": "proposer", "purpose": "propose", "task": null,
        "completion": HOSTILE, "reward": -1.0, "runs": [],
        "conclusion": { "rejection": { "code": "no-program", "message": HOSTILE } },
    });
    write("ledger.jsonl", lines([rejected, solver_row(1, "t1", HOSTILE, 0.0), solver_row(2, "t1", "4", 1.0)]));
    let body = json!({ "program": HOSTILE }).to_string();
    write("tasks.jsonl", lines([json!({ "id": "t1", "env": "python", "kind": "deduction", "body": body, "step": 1 })]));
    let environment = json!({ "name": "python", "version": "0.1.0", "kinds": ["deduction"],
        "terms": { "engine": "wasmtime 1", "environment": "ab", "executors": ["cd"] } });
    let manifest = json!({ "version": "0.1.0", "seed": u64::MAX, "policy": HOSTILE, "device": "cpu",
        "environments": [environment], "started_unix_s": 1_700_000_000 });
    write("experiment.json", manifest.to_string());
    dir
}

fn page_of(dir: &Path) -> String {
    let out = dir.join("report.html");
    report::write(dir, &out).unwrap();
    fs::read_to_string(out).unwrap()
}

/// The page's data, found as a browser finds it: up to the first end of a script element.
fn data_of(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script").unwrap().0).unwrap()
}

fn chart<'a>(data: &'a Value, section: &str, title: &str) -> &'a Value {
    let titled =
        |list: &'a Value, title: &str| list.as_array().unwrap().iter().find(|entry| entry["title"] == title).unwrap();
    titled(&titled(&data["sections"], section)["charts"], title)
}

#[test]
fn every_number_of_the_metrics_is_on_a_chart() {
    let dir = experiment();
    let data = data_of(&page_of(dir.path()));
    assert_eq!(data["steps"], json!([1, 2]));
    let solve_rate = chart(&data, "Solver", "Solve rate");
    assert_eq!(solve_rate["unit"], "share");
    assert_eq!(solve_rate["series"], json!([{ "name": "deduction", "values": [0.25, 0.75] }]));
    assert_eq!(chart(&data, "Proposer", "Learnability")["series"][0]["values"], json!([0.25, 0.25]));
    let variety = "Validity and diversity of proposals";
    assert_eq!(chart(&data, variety, "Valid proposals")["series"][0]["values"], json!([0.75, 0.75]));
    let rejections = json!([{ "name": "no-program", "values": [1.0, 2.0] }]);
    assert_eq!(chart(&data, variety, "Rejections · deduction")["series"], rejections);
    assert_eq!(chart(&data, "Update", "Gradient norm")["series"][0]["values"], json!([0.5, 1.0]));
    assert_eq!(chart(&data, "Update", "Novelty of tomorrow")["series"][0]["values"], json!([7.0, 7.0]));
    let stages = chart(&data, "Time and throughput", "Step time by stage");
    assert_eq!(stages["stacked"], true);
    assert_eq!(stages["series"][1], json!({ "name": "solve", "values": [2.0, 2.0] }));
    let totals =
        json!({ "steps": 2, "completions": 24.0, "tokens": 200.0, "runs": 20.0, "faults": 0.0, "seconds": 7.0 });
    assert_eq!(data["totals"], totals);
}

#[test]
fn verdicts_tasks_and_evaluations_are_in_the_page() {
    let dir = experiment();
    let data = data_of(&page_of(dir.path()));
    assert_eq!(data["verdict_counts"], json!({ "rejected": 1, "wrong": 1, "right": 1 }));
    let right = &data["verdicts"][2];
    assert_eq!((&right["class"], &right["reward"], &right["answer"]), (&json!("right"), &json!(0.5), &json!("4")));
    let runs = json!([{ "executor": 0, "outcomes": "value: i2;\nout-of-fuel", "fuel": 1234 }]);
    assert_eq!(right["runs"], runs);
    let task = &data["tasks"][0];
    assert_eq!((&task["id"], &task["attempts"], &task["right"]), (&json!("t1"), &json!(2), &json!(1)));
    assert_eq!(data["evaluations"][1]["kinds"]["python/deduction"]["solve_rate"], 0.4);
    assert_eq!(data["experiment"]["environments"][0]["terms"]["environment"], "ab");
    assert_eq!(data["experiment"]["seed"], "18446744073709551615");
    assert_eq!(data["notices"], json!([]));
}

#[test]
fn hostile_text_is_data_and_stays_whole() {
    let dir = experiment();
    let page = page_of(dir.path());
    let data = data_of(&page);
    assert_eq!(data["verdicts"][0]["completion"], HOSTILE);
    assert_eq!(data["verdicts"][0]["reason"], format!("no-program: {HOSTILE}"));
    assert_eq!(data["experiment"]["policy"], HOSTILE);
    assert_eq!(data["config"], format!("seed = 7 # {HOSTILE}\n"));
    // The page's own two script elements, and no comment that could swallow their ends.
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    assert_eq!(page.matches("<!--").count(), 0);
    assert!(!page.contains(['\0', '\u{1b}', '\u{2028}']));
    // The script writes text, never markup.
    for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("] {
        assert!(!page.contains(sink), "the page's script uses {sink}");
    }
}

#[test]
fn the_page_loads_nothing() {
    let dir = experiment();
    let page = page_of(dir.path());
    assert!(page.contains("content=\"default-src 'none'; script-src 'nonce-"));
    for reference in ["src=\"", "<link", "@import", "url(", "fetch(", "import("] {
        assert!(!page.contains(reference), "the page has {reference}");
    }
    // SVG's name is the only address in it.
    assert_eq!(
        page.matches("http").count() - page.matches("http-equiv").count(),
        page.matches("http://www.w3.org/2000/svg").count()
    );
}

#[test]
fn the_same_experiment_gives_the_same_page() {
    let dir = experiment();
    assert_eq!(page_of(dir.path()), page_of(dir.path()));
}

#[test]
fn a_running_experiment_can_be_reported_on() {
    let dir = experiment();
    for name in ["metrics.jsonl", "ledger.jsonl"] {
        let path = dir.path().join(name);
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("{\"step\": 3, \"comple");
        fs::write(path, text).unwrap();
    }
    for name in ["evaluations.jsonl", "tasks.jsonl", "experiment.json"] {
        fs::remove_file(dir.path().join(name)).unwrap();
    }
    let data = data_of(&page_of(dir.path()));
    assert_eq!(data["steps"], json!([1, 2]));
    assert_eq!(data["verdicts"].as_array().unwrap().len(), 3);
    assert_eq!((&data["evaluations"], &data["tasks"], &data["experiment"]), (&json!([]), &json!([]), &Value::Null));
    assert_eq!(data["notices"], json!([]));
}

#[test]
fn a_large_ledger_is_sampled_by_task_and_counted_whole() {
    let dir = experiment();
    let attempts = (0..4000).map(|n| solver_row(n / 40, &format!("task {}", n / 8), "4", f64::from(n % 8 < 2)));
    fs::write(dir.path().join("ledger.jsonl"), lines(attempts)).unwrap();
    let data = data_of(&page_of(dir.path()));
    assert_eq!(data["verdict_counts"], json!({ "right": 1000, "wrong": 3000 }));
    let verdicts = data["verdicts"].as_array().unwrap();
    assert_eq!(verdicts.len(), 200);
    let shown = |class: &str| verdicts.iter().filter(|verdict| verdict["class"] == class).count();
    assert_eq!((shown("right"), shown("wrong")), (100, 100));
    let of_one_task = verdicts.iter().filter(|verdict| verdict["class"] == "wrong").map(|verdict| &verdict["task"]);
    let tasks: std::collections::HashSet<_> = of_one_task.collect();
    assert_eq!(tasks.len(), 17, "100 wrong attempts, six to a task");
}

#[test]
fn errors_name_the_place_and_the_remedy() {
    let empty = tempfile::tempdir().unwrap();
    let refusal = |dir: &Path, out: &Path| format!("{:#}", report::write(dir, out).unwrap_err());
    let message = refusal(empty.path(), &empty.path().join("report.html"));
    assert!(
        message.contains(empty.path().to_str().unwrap())
            && message.contains("give the directory that training printed")
    );
    assert!(refusal(&empty.path().join("gone"), Path::new("x")).contains("is not a directory"));

    let dir = experiment();
    let out = empty.path().join("gone/report.html");
    let message = refusal(dir.path(), &out);
    assert!(message.contains(out.to_str().unwrap()) && message.contains("--out"), "{message}");
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0, "nothing half-written");
}
