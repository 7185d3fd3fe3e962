//! Measures of proposals in a run: in its metrics, in its rewards, and again after a crash.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    process::Command,
};

use azr_experiment::observer::Silent;
use serde_json::Value;

use super::{assert_same, scratch, sources::rows, succeed, train};
use crate::scripted::{Bench, Run};

const MEASURING: &[&str] = &[
    "--steps=4",
    "--set=environments.python.measures=on",
    "--set=reward.measures.complexity={weight = 2.0, max = 0.25}",
    "--set=reward.measures.answer-diversity={weight = 0.5, max = 1.0}",
];

#[test]
fn measures_are_rewarded_recorded_and_resumed() {
    let (_dir, whole, died) = scratch();
    train(&whole, MEASURING);
    assert!(Command::new("cp").arg("-r").args([&whole, &died]).status().unwrap().success());
    fs::remove_dir_all(died.join("checkpoints/step-000004")).unwrap();
    succeed(&["--resume", died.to_str().unwrap()]);
    assert_same(&whole, &died);
    succeed(&["replay", whole.to_str().unwrap()]);

    let ledger = rows(&whole, "ledger.jsonl");
    assert_rarities(&ledger);
    assert!(learnable_rewards(&ledger) > 0, "no proposal was learnable");
    let metrics = rows(&whole, "metrics.jsonl");
    let measured = &metrics[0]["groups"]["python/deduction/proposer"]["measure"];
    for name in ["complexity", "halstead", "edit-distance", "answer-diversity"] {
        assert!(measured[name].as_f64().is_some_and(|mean| mean >= 0.0), "{measured}");
    }
    let measured = &metrics[0]["groups"]["python/induction/proposer"]["measure"];
    assert!(measured["complexity"].is_null(), "{measured}");
}

/// Counts again what the host counted: by kind and name, 1 less a text's share of those before it.
#[track_caller]
fn assert_rarities(ledger: &[Value]) {
    let mut seen: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for row in ledger {
        for measure in row["conclusion"]["accepted"]["measures"].as_array().into_iter().flatten() {
            let Some(text) = measure["text"].as_str() else { continue };
            let before = seen.entry((row["kind"].as_str().unwrap(), measure["name"].as_str().unwrap())).or_default();
            let same = before.iter().filter(|other| **other == text).count();
            let rarity = if before.is_empty() { 1.0 } else { 1.0 - same as f64 / before.len() as f64 };
            assert_eq!(measure["amount"].as_f64(), Some(rarity), "{row}");
            before.push(text);
        }
    }
    assert!(seen.values().any(|texts| texts.len() > 20));
}

/// Compares the rewards of learnable novel proposals with the formula; returns how many there are.
#[track_caller]
fn learnable_rewards(ledger: &[Value]) -> usize {
    let mut attempts: HashMap<(u64, u64), Vec<f64>> = HashMap::new();
    for row in ledger.iter().filter(|row| row["purpose"] == "learnability") {
        let proposal = (row["step"].as_u64().unwrap(), row["proposal"].as_u64().unwrap());
        attempts.entry(proposal).or_default().push(row["conclusion"]["verdict"]["score"].as_f64().unwrap());
    }
    let mut count = 0;
    let mut position = HashMap::new();
    for row in ledger.iter().filter(|row| row["purpose"] == "propose") {
        let step = row["step"].as_u64().unwrap();
        let place: &mut u64 = position.entry(step).or_default();
        let scores = attempts.get(&(step, *place));
        *place += 1;
        let accepted = &row["conclusion"]["accepted"];
        let (true, true, Some(scores)) = (accepted["standing"] == "novel", accepted["well_formed"] == true, scores)
        else {
            continue;
        };
        let rate = scores.iter().sum::<f64>() / scores.len() as f64;
        if rate == 0.0 || rate == 1.0 {
            assert_eq!(row["reward"].as_f64(), Some(-0.5));
            continue;
        }
        let amount = |name: &str| {
            let measures = accepted["measures"].as_array().unwrap();
            measures.iter().find(|measure| measure["name"] == name).and_then(|measure| measure["amount"].as_f64())
        };
        let terms = amount("complexity").map_or(0.0, |amount| (2.0 * amount).min(0.25))
            + amount("answer-diversity").map_or(0.0, |amount| (0.5 * amount).min(1.0));
        let reward = row["reward"].as_f64().unwrap();
        assert!((reward - (1.0 - rate + terms)).abs() < 1e-12, "{row}");
        count += 1;
    }
    count
}

#[test]
fn a_kind_is_in_play_when_it_is_named() {
    let bench = Bench::new();
    let kinds = |named: &'static str| ["steps=1", "seeding.batches-max=1", "solve.batch=8", "propose.batch=6", named];
    let (known, unknown) =
        (kinds(r#"kinds.python=["deduction", "error-deduction"]"#), kinds(r#"kinds.python=["seduction"]"#));
    let run = Run { envs: &["envs/python.wasm"], set: &[&known], ..Run::default() };
    bench.train("run", run);
    let metrics = rows(&bench.path("run"), "metrics.jsonl");
    let groups: Vec<&String> = metrics[0]["groups"].as_object().unwrap().keys().collect();
    assert_eq!(
        groups,
        [
            "python/deduction/proposer",
            "python/deduction/solver",
            "python/error-deduction/proposer",
            "python/error-deduction/solver"
        ]
    );
    let refused = bench.begin("other", Run { set: &[&unknown], ..run }, &Silent).err().expect("it is refused");
    assert!(refused.to_string().contains("kinds.python has \"seduction\""), "{refused:#}");
}
