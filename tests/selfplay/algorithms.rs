//! How rewards become an update, by name.

use super::{
    sources::{rows, sums, train_on},
    *,
};

/// Attempts to learn from at a step, by task.
pub fn attempts(dir: &Path, step: u64) -> BTreeMap<String, usize> {
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
fn every_algorithm_trains() {
    for algorithm in ["trr++", "grpo", "dr-grpo", "dapo", "rloo", "reinforce++"] {
        let (dir, run, _) = scratch();
        let env = sums(dir.path(), "pays-for-length");
        let more =
            ["update.importance-max=2.0", "solve.batch=6", "solve.samples=3", "solve.strategy=uniform", "steps=2"];
        let more: Vec<&str> = more.iter().flat_map(|pair| ["--set", pair]).collect();
        train_on(&[&env], &run, &[&["--algorithm", algorithm], &more[..]].concat());
        for metrics in rows(&run, "metrics.jsonl") {
            let update = &metrics["update"];
            assert!(update["gradient_norm"].as_f64() > Some(0.0), "{algorithm}: {update}");
            assert!(update["mismatch_kl"].as_f64() < Some(1e-6), "{algorithm}: {update}");
        }
        succeed(&["replay", run.to_str().unwrap()]);
    }
}
