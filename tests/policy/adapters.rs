//! Low-rank adapters against PEFT: `reference.py`, `adapters`.

use azr_config::{LoraConfig, Projection, UpdateConfig};
use azr_core::sampling::Sampler as _;
use azr_core::training::Trainer as _;
use azr_trainer::hub::base_model;

use super::{
    learning::{assert_gradient, config, learner_for, probe, resumes_exactly, rollouts},
    sampling::{GREEDY, request},
    *,
};

/// The base models and what PEFT made of them.
fn cases() -> Vec<(String, Value)> {
    reference()["adapters"].as_object().unwrap().iter().map(|(name, case)| (name.clone(), case.clone())).collect()
}

fn lora(case: &Value) -> LoraConfig {
    let PeftKeys { r: rank, lora_alpha: alpha, use_rslora: rank_stabilized, target_modules: targets } =
        serde_json::from_value(case["config"].clone()).unwrap();
    LoraConfig { rank, alpha, rank_stabilized, targets: targets.into_iter().collect() }
}

#[derive(serde::Deserialize)]
struct PeftKeys {
    r: usize,
    lora_alpha: f64,
    use_rslora: bool,
    target_modules: Vec<Projection>,
}

fn tensor(name: &str, shape: &[i64]) -> tch::Tensor {
    tch::Tensor::from_slice(&value(name, shape)).view(shape)
}

fn adapted(name: &str, case: &Value) -> Policy {
    model(name).with_adapter(&lora(case), "somewhere".into(), |name, shape| Ok(tensor(name, shape))).unwrap()
}

/// A base model's directory and the adapter's, as PEFT writes it.
pub fn written_by_peft(name: &str, case: &Value) -> [tempfile::TempDir; 2] {
    let [base, adapter] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    model(name).save(base.path()).unwrap();
    let mut config = case["config"].clone();
    config["base_model_name_or_path"] = base.path().to_str().into();
    std::fs::write(adapter.path().join("adapter_config.json"), config.to_string()).unwrap();
    let tensors = case["tensors"].as_object().unwrap().iter().map(|(name, shape)| {
        let shape: Vec<i64> = serde_json::from_value(shape.clone()).unwrap();
        (name, tensor(name, &shape))
    });
    let tensors: Vec<(&String, tch::Tensor)> = tensors.collect();
    tch::Tensor::write_safetensors(&tensors, adapter.path().join("adapter_model.safetensors")).unwrap();
    [base, adapter]
}

fn assert_logits(policy: &Policy, case: &Value, what: &str) {
    let sequences: Vec<Vec<u32>> = reference()["sequences"].as_array().unwrap().iter().map(tokens).collect();
    let expected: Vec<f32> = case["logits"].as_array().unwrap().iter().flat_map(floats).collect();
    assert_close(&logits(policy, &sequences), &expected, 1e-4, what);
}

#[test]
fn logits_and_greedy_completions_are_those_of_peft() {
    for (name, case) in cases() {
        let policy = adapted(&name, &case);
        assert_logits(&policy, &case, &name);
        let sequences = reference()["sequences"].as_array().unwrap().clone();
        let requests: Vec<_> = sequences.iter().map(|sequence| request(&tokens(sequence), 0)).collect();
        let greedy = case["greedy"].as_array().unwrap();
        for (completion, expected) in policy.sample(&requests, &GREEDY).unwrap().iter().zip(greedy) {
            assert_eq!(completion.tokens, tokens(expected), "{name}");
        }
    }
}

#[test]
fn a_step_moves_the_adapter_as_in_pytorch_and_nothing_else() {
    for (name, case) in cases() {
        for tokens_max in [1000, 1] {
            let policy = adapted(&name, &case);
            let mut learner = learner_for(&policy, &config(tokens_max));
            let (gradients, loss) = learner.gradient(&policy, &rollouts()).unwrap();
            assert!((loss - case["loss"].as_f64().unwrap()).abs() < 1e-5, "{name}: {loss}");
            assert_gradient(&policy, &gradients, &case["gradient"]);
            learner.update(&policy, &rollouts(), 0.01).unwrap();
            for (parameter, expected) in case["weights"].as_object().unwrap() {
                let expected = floats(expected);
                assert_close(&probe(&policy, parameter)[..expected.len()], &expected, 2e-5, parameter);
            }
            let merged = adapted(&name, &case).merged().unwrap();
            let untouched = model(&name);
            let frozen = |name: &str| name.contains("norm") || name.contains("embed") || name.contains("bias");
            for ((name, a), (_, b)) in merged.parameters().iter().zip(untouched.parameters()) {
                assert!(!frozen(name) || a.equal(b), "{name}");
            }
        }
    }
}

#[test]
fn what_peft_wrote_is_read_and_what_is_written_has_its_names() {
    for (name, case) in cases() {
        let [_base, adapter] = written_by_peft(&name, &case);
        let policy = load(adapter.path());
        assert_logits(&policy, &case, &name);
        let again = tempfile::tempdir().unwrap();
        policy.save(again.path()).unwrap();
        let read = |dir: &Path| {
            let mut tensors = tch::Tensor::read_safetensors(dir.join("adapter_model.safetensors")).unwrap();
            tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
            tensors
        };
        for ((a, there), (b, back)) in read(adapter.path()).iter().zip(read(again.path())) {
            assert!(*a == b && there.equal(&back), "{a}, {b}");
        }
        assert_eq!(read(again.path()).len(), case["tensors"].as_object().unwrap().len());
        let config: Value =
            serde_json::from_slice(&std::fs::read(again.path().join("adapter_config.json")).unwrap()).unwrap();
        for (key, value) in config.as_object().unwrap() {
            let peft = &case["config"][key];
            let same = value == peft || value.as_f64().is_some_and(|number| Some(number) == peft.as_f64());
            assert!(same || key == "base_model_name_or_path" || key == "target_modules", "{key}: {value}, not {peft}");
        }
        assert_logits(&load(again.path()), &case, &name);
    }
}

#[test]
fn a_merged_policy_is_a_policy_without_an_adapter() {
    for (name, case) in cases() {
        let dir = tempfile::tempdir().unwrap();
        adapted(&name, &case).merged().unwrap().save(dir.path()).unwrap();
        let merged = load(dir.path());
        assert_eq!(merged.parameters().len(), model(&name).parameters().len());
        assert_logits(&merged, &case, &name);
    }
}

/// Hu et al. 2021, section 4.1: B is zero at first, so ΔW is.
#[test]
fn a_fresh_adapter_changes_nothing_until_it_learns() {
    let (name, case) = cases().remove(0);
    let policy = |seed| model(&name).with_fresh_adapter(&lora(&case), "somewhere".into(), seed).unwrap();
    let sequence = [vec![3, 1, 4, 1, 5]];
    let adapted = policy(1);
    assert_eq!(logits(&adapted, &sequence), logits(&model(&name), &sequence));
    let (_, a) = &adapted.parameters()[0];
    assert!(a.equal(&policy(1).parameters()[0].1) && !a.equal(&policy(2).parameters()[0].1));
    let bound = 1.0 / 32f64.sqrt();
    let (low, high) = (a.min().double_value(&[]), a.max().double_value(&[]));
    assert!(-bound <= low && low < -0.8 * bound && 0.8 * bound < high && high <= bound, "{low} to {high}");
    learner_for(&adapted, &config(1000)).update(&adapted, &rollouts(), 0.01).unwrap();
    assert_ne!(logits(&adapted, &sequence), logits(&model(&name), &sequence));
}

#[test]
fn a_resumed_adapter_takes_the_same_steps() {
    let (name, case) = cases().remove(0);
    let [_base, dir] = written_by_peft(&name, &case);
    resumes_exactly(&load(dir.path()), &UpdateConfig { gradient_norm_max: 0.3, ..config(8) }, dir.path());
}

#[test]
fn adapters_that_mean_something_else_are_refused_by_name() {
    let (name, case) = cases().remove(0);
    let [base, adapter] = written_by_peft(&name, &case);
    let path = adapter.path().join("adapter_config.json");
    let config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let refusal = |key: &str, value: Value| {
        let mut config = config.clone();
        config[key] = value;
        std::fs::write(&path, config.to_string()).unwrap();
        format!("{:#}", Policy::load(adapter.path(), &OPTIONS, &base_model).err().expect("refused"))
    };
    for (key, value, words) in [
        ("use_dora", json!(true), "use_dora is true, which is not supported"),
        ("rank_pattern", json!({"q_proj": 8}), "rank_pattern is"),
        ("bias", json!("all"), "bias is \"all\"; supported is \"none\""),
        ("peft_type", json!("IA3"), "peft_type is \"IA3\"; supported is LORA"),
        ("r", json!(8), "it was made for another model or another rank"),
        ("target_modules", json!(["q_proj"]), "does not announce"),
        ("base_model_name_or_path", json!("/nowhere"), "correct adapter_config.json"),
    ] {
        let message = refusal(key, value);
        assert!(message.contains(words), "{message}");
    }
    drop(base);
}
