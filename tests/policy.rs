//! The policy against PyTorch and `transformers`: the numbers are in `policy/reference.json`, the script that made them
//! beside it.

use crate::experiment::{scratch, train};
use azr_trainer::hub::base_model;
use std::path::Path;

use azr_policy::{Device, LoadOptions, Policy, batch::Batch};
use serde_json::{Value, json};

mod adapters;
mod forward;
mod learning;
mod sampling;
mod variants;

const OPTIONS: LoadOptions = LoadOptions { device: Device::Cpu, dtype: None, threads: 1 };

fn reference() -> Value {
    serde_json::from_str(include_str!("policy/reference.json")).expect("the reference is JSON")
}

fn floats(value: &Value) -> Vec<f32> {
    serde_json::from_value(value.clone()).expect("an array of numbers")
}

fn tokens(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).expect("an array of tokens")
}

/// The formula of `reference.py`.
fn value(name: &str, shape: &[i64]) -> Vec<f32> {
    let seed = name.bytes().fold(2_166_136_261u32, |seed, byte| (seed ^ u32::from(byte)).wrapping_mul(16_777_619));
    let base = if name.contains("norm") { 1.0 } else { 0.0 };
    let one = |i: i64| {
        let mut h = (i as u32).wrapping_mul(0x9E37_79B1).wrapping_add(seed);
        h = (h ^ h >> 16).wrapping_mul(0x85EB_CA6B);
        h = (h ^ h >> 13).wrapping_mul(0xC2B2_AE35);
        h ^= h >> 16;
        base + ((h >> 8) as f32 / 33_554_432.0 - 0.25)
    };
    (0..shape.iter().product()).map(one).collect()
}

/// A tokenizer of 32 entries: the letters a to z, space, dot, hash, underscore, and the tokens `<pad>` and `<end>`.
fn tokenizer() -> Value {
    let letters = ('a'..='z').chain([' ', '.', '#', '_']);
    let vocab: serde_json::Map<String, Value> = letters.enumerate().map(|(i, c)| (c.to_string(), json!(i))).collect();
    let added = |id: u32, content: &str| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": false, "special": true})
    };
    json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "pre_tokenizer": null,
        "post_processor": null, "decoder": {"type": "Fuse"},
        "added_tokens": [added(30, "<pad>"), added(31, "<end>")],
        "model": {"type": "BPE", "vocab": vocab, "merges": []},
    })
}

/// A policy of the given configuration whose weights are those of the formula.
fn policy(config: &Value) -> Policy {
    let (config, tokenizer) = (config.to_string(), tokenizer().to_string());
    let files = [("config.json", config.as_bytes()), ("tokenizer.json", tokenizer.as_bytes())];
    Policy::initialise(&files, &OPTIONS, value).expect("the policy loads")
}

pub fn model(name: &str) -> Policy {
    policy(&reference()["models"][name]["config"])
}

fn assert_close(actual: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let gap = actual.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(gap < tolerance, "{what}: max abs difference {gap}, tolerance {tolerance}");
}

/// Logits after every token of every sequence, in one padded batch.
fn logits(policy: &Policy, sequences: &[Vec<u32>]) -> Vec<f32> {
    // The first token is the prompt and one more token follows, so that every real token is a place.
    let longer: Vec<Vec<u32>> = sequences.iter().map(|sequence| [&sequence[..], &[0]].concat()).collect();
    let split: Vec<(&[u32], &[u32])> = longer.iter().map(|sequence| sequence.split_at(1)).collect();
    let batch = Batch::new(&split, tch::Device::Cpu).expect("a batch");
    let logits = policy.logits(&batch).expect("logits").detach().flatten(0, -1);
    Vec::try_from(logits).expect("f32")
}

fn load(dir: &Path) -> Policy {
    Policy::load(dir, &OPTIONS, &base_model).expect("the directory loads")
}

fn rows(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Two layers of random weights and a vocabulary of letters: nothing that it writes is a task or an answer.
#[test]
fn a_policy_of_random_weights_is_refused_everything_and_finishes() {
    let (dir, out, _) = scratch();
    let policy = dir.path().join("random");
    model("llama-untied-scaled").save(&policy).unwrap();
    let policy = policy.display().to_string();
    train(&out, &["--policy", &policy, "--preset=tiny", "--steps=3", "--set=evaluation.generated=0"]);
    let proposals = rows(&out.join("ledger.jsonl")).into_iter().filter(|row| row["purpose"] == "propose");
    let refused: Vec<bool> = proposals.map(|row| row["conclusion"]["rejection"].is_object()).collect();
    assert!(refused.len() >= 3 && refused.iter().all(|&refused| refused), "{refused:?}");
    let steps = rows(&out.join("metrics.jsonl"));
    assert!(steps.len() == 3 && steps.iter().all(|step| step["update"]["gradient_norm"].is_number()), "{steps:?}");
}
