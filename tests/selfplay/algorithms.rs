//! How rewards become an update, by name.

use super::{
    sources::{rows, solved_at, sums, train_on},
    *,
};

const THREE_EACH: &[&str] = &["--set=solve.batch=6", "--set=solve.samples=3", "--set=solve.strategy=uniform"];

fn attempts(dir: &Path, step: u64) -> BTreeMap<String, usize> {
    let mut attempts = BTreeMap::new();
    for row in rows(dir, "ledger.jsonl") {
        if row["step"] == step && row["purpose"] == "solve" {
            *attempts.entry(row["task"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    attempts
}

/// A longer answer is worth more here, so the attempts at a task hardly ever get the same.
#[test]
fn every_algorithm_trains_repeatably() {
    for algorithm in ["trr++", "grpo", "dr-grpo", "dapo", "rloo", "reinforce++"] {
        let (dir, one, three) = scratch();
        let env = sums(dir.path(), "pays-for-length");
        let more = [&["--algorithm", algorithm, "--set=update.importance-max=2.0"], THREE_EACH].concat();
        train_on(&[&env], &one, &[&more[..], &["--workers=1"]].concat());
        train_on(&[&env], &three, &[&more[..], &["--workers=3"]].concat());
        assert_same(&one, &three);
        for metrics in rows(&one, "metrics.jsonl") {
            let update = &metrics["update"];
            assert!(update["gradient_norm"].as_f64() > Some(0.0), "{algorithm}: {update}");
            assert!(update["mismatch_kl"].as_f64() < Some(1e-6), "{algorithm}: {update}");
        }
        assert!(attempts(&one, 2).values().all(|&count| count == 3), "{algorithm}");
        succeed(&["replay", one.to_str().unwrap()]);
    }
}

/// Nobody solves these, so no task teaches anything: four rounds of six others each, while there are others.
#[test]
fn tasks_that_teach_nothing_are_replaced_and_not_learned_from() {
    let (dir, run, _) = scratch();
    let env = sums(dir.path(), "generates-only");
    let more = [&["--algorithm=dapo", "--set=reward.malformed=-0.5"], THREE_EACH].concat();
    train_on(&[&env], &run, &more);
    for (step, tasks) in [(1, 13), (2, 18), (3, 23), (4, 24)] {
        assert_eq!(solved_at(&run, step).len(), tasks, "step {step}");
        assert!(attempts(&run, step).values().all(|&count| count == 3));
    }
    assert!(rows(&run, "metrics.jsonl").iter().all(|metrics| metrics["update"].as_object().unwrap().is_empty()));
}
