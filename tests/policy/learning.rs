use azr_config::{Activations, Average, MomentsKind, OptimizerKind, Preset, RunConfig, SamplingConfig, UpdateConfig};
use azr_core::training::Rollout;
use azr_core::training::Trainer as _;
use azr_learner::{Example, Learner};
use azr_policy::embedded;

use super::*;

pub fn config(micro_batch_max_tokens: usize) -> UpdateConfig {
    let paper = RunConfig::resolve(Preset::Paper, None, &[]).expect("the preset is valid").update;
    UpdateConfig {
        learning_rate: 0.01,
        beta1: 0.9,
        beta2: 0.99,
        epsilon: 1e-8,
        weight_decay: 0.1,
        gradient_norm_max: 0.5,
        clip_low: 0.2,
        clip_high: 0.28,
        entropy_coefficient: 0.01,
        micro_batch_max_tokens,
        ..paper
    }
}

/// For completions of at most 10 tokens.
pub fn learner_for(policy: &Policy, config: &UpdateConfig) -> Learner {
    let paper = RunConfig::resolve(Preset::Paper, None, &[]).expect("the preset is valid").sampling;
    Learner::new(policy, config, &SamplingConfig { completion_max_tokens: 10, ..paper }).unwrap()
}

pub fn rollouts() -> Vec<Rollout> {
    let of = |row: &Value| Rollout {
        prompt: tokens(&row[0]),
        completion: tokens(&row[1]),
        old_logprobs: floats(&row[2]),
        advantage: row[3].as_f64().unwrap() as f32,
        importance: Vec::new(),
        start_logprobs: Vec::new(),
        kl_coefficient: 0.0,
    };
    reference()["learning"]["rollouts"].as_array().unwrap().iter().map(of).collect()
}

/// The first 40 numbers of the named parameter.
pub fn probe(policy: &Policy, name: &str) -> Vec<f32> {
    let (_, tensor) = policy.parameters().iter().find(|(parameter, _)| parameter == name).expect("a parameter");
    Vec::<f32>::try_from(tensor.detach().flatten(0, -1)).unwrap()[..40.min(tensor.numel())].to_vec()
}

/// `reference.py`, `learning`: three steps of the clipped surrogate with entropy bonus, `clip_grad_norm_` and `AdamW`.
#[test]
fn three_updates_are_those_of_pytorch_however_the_batch_is_cut() {
    let reference = reference();
    for tokens_max in [1000, 8, 1] {
        let policy = model("qwen2-tied-grouped");
        let mut learner = learner_for(&policy, &config(tokens_max));
        for step in reference["learning"]["steps"].as_array().unwrap() {
            let metrics = learner.update(&policy, &rollouts(), 0.01).unwrap();
            let close = |actual: f64, key: &str| {
                let expected = step[key].as_f64().unwrap();
                assert!((actual - expected).abs() < 1e-4 * expected.abs().max(0.1), "{key}: {actual}, not {expected}");
            };
            close(metrics.loss, "loss");
            close(metrics.entropy, "entropy");
            close(metrics.approx_kl, "kl");
            close(metrics.clip_fraction, "clipped");
            close(metrics.gradient_norm, "norm");
            for (name, expected) in step["weights"].as_object().unwrap() {
                assert_close(&probe(&policy, name), &floats(expected), 2e-5, name);
            }
        }
    }
}

/// `reference.py`, `learning`: the gradient of the first step.
#[test]
fn the_gradient_is_that_of_pytorch() {
    let policy = model("qwen2-tied-grouped");
    let (gradients, _) = learner_for(&policy, &config(1000)).gradient(&policy, &rollouts()).unwrap();
    assert_gradient(&policy, &gradients, &reference()["learning"]["steps"][0]["gradient"]);
}

#[test]
fn recomputing_activations_changes_no_bit_of_the_gradient() {
    for name in ["qwen2-tied-grouped", "llama-untied-scaled", "qwen3-tied-grouped", "llama-tied-biased"] {
        let policy = model(name);
        let gradient = |activations| {
            let config = UpdateConfig { activations, ..config(20) };
            learner_for(&policy, &config).gradient(&policy, &rollouts()).unwrap()
        };
        let ((kept, loss), (recomputed, loss_recomputed)) =
            (gradient(Activations::Keep), gradient(Activations::Recompute));
        assert_eq!(loss, loss_recomputed);
        for (((parameter, _), a), b) in policy.parameters().iter().zip(&kept).zip(&recomputed) {
            assert!(a.equal(b), "{name}: {parameter}");
        }
    }
}

pub fn assert_gradient(policy: &Policy, gradients: &[tch::Tensor], expected: &Value) {
    for (name, expected) in expected.as_object().unwrap() {
        let at = policy.parameters().iter().position(|(parameter, _)| parameter == name).unwrap();
        let actual = Vec::<f32>::try_from(gradients[at].flatten(0, -1)).unwrap();
        let expected = floats(expected);
        assert_close(&actual[..expected.len()], &expected, 1e-5, name);
    }
}

/// `reference.py`, `averages`.
#[test]
fn the_loss_is_averaged_as_in_pytorch() {
    let reference = reference();
    for (way, average) in [("sequence", Average::Sequence), ("sum", Average::Sum), ("budget", Average::Budget)] {
        for tokens_max in [1000, 1] {
            let policy = model("qwen2-tied-grouped");
            let config = UpdateConfig { average, ..config(tokens_max) };
            let (gradients, loss) = learner_for(&policy, &config).gradient(&policy, &rollouts()).unwrap();
            let expected = &reference["averages"][way];
            assert!((loss - expected["loss"].as_f64().unwrap()).abs() < 1e-5, "{way}: {loss}");
            assert_gradient(&policy, &gradients, &expected["gradient"]);
        }
    }
}

/// `reference.py`, `truncated`.
#[test]
fn importance_is_truncated_as_in_pytorch() {
    let expected = &reference()["truncated"];
    let policy = model("qwen2-tied-grouped");
    let learner = learner_for(&policy, &UpdateConfig { importance_max: 1.15, ..config(1000) });
    let mut rollouts = rollouts();
    let mismatch = learner.prepare(&policy, &mut rollouts).unwrap().unwrap();
    assert!((mismatch.kl - expected["kl"].as_f64().unwrap()).abs() < 1e-6, "{mismatch:?}");
    assert_eq!(mismatch.truncated, expected["truncated"].as_f64().unwrap());
    let (gradients, loss) = learner.gradient(&policy, &rollouts).unwrap();
    assert!((loss - expected["loss"].as_f64().unwrap()).abs() < 1e-5, "{loss}");
    assert_gradient(&policy, &gradients, &expected["gradient"]);
}

/// `reference.py`, `anchored`: three steps with a divergence to the start policy that counts for two of three rollouts.
#[test]
fn staying_near_the_start_policy_is_as_pytorch_computes_it() {
    let expected = &reference()["anchored"];
    let mut rollouts = rollouts();
    for (rollout, coefficient) in rollouts.iter_mut().zip(floats(&expected["coefficients"])) {
        rollout.kl_coefficient = coefficient;
    }
    for tokens_max in [1000, 1] {
        let policy = model("qwen2-tied-grouped");
        let learner = learner_for(&policy, &config(tokens_max));
        let mut learner = learner.with_start_policy(model("qwen2-tied-grouped"));
        let step = |_| learner.update(&policy, &rollouts, 0.01).unwrap().start_kl as f32;
        let divergences: Vec<f32> = (0..3).map(step).collect();
        assert_close(&divergences, &floats(&expected["divergences"]), 1e-5, "divergence");
        for (name, weights) in expected["weights"].as_object().unwrap() {
            assert_close(&probe(&policy, name), &floats(weights), 2e-5, name);
        }
    }
}

/// Cut to one sequence at a time no prompt is shared.
fn assert_same_gradient_alone(rollouts: &[Rollout]) {
    for name in ["qwen2-tied-grouped", "llama-untied-scaled"] {
        let policy = model(name);
        let gradient = |tokens_max| learner_for(&policy, &config(tokens_max)).gradient(&policy, rollouts).unwrap();
        let ((shared, loss), (alone, loss_alone)) = (gradient(1000), gradient(1));
        assert!((loss - loss_alone).abs() < 1e-6);
        for (((name, _), a), b) in policy.parameters().iter().zip(&shared).zip(&alone) {
            let flat = |tensor: &tch::Tensor| Vec::<f32>::try_from(tensor.flatten(0, -1)).unwrap();
            assert_close(&flat(a), &flat(b), 1e-6, name);
        }
    }
}

/// Five attempts at two prompts.
fn attempts() -> [Rollout; 5] {
    let [first, second] = <[Rollout; 2]>::try_from(rollouts()[..2].to_vec()).unwrap();
    let attempt = |rollout: &Rollout, length: usize, advantage: f32| {
        let tokens = rollout.completion.iter().cycle().map(|token| token ^ length as u32);
        Rollout {
            completion: tokens.take(length).collect(),
            old_logprobs: vec![-3.4; length],
            advantage,
            ..rollout.clone()
        }
    };
    [
        attempt(&first, 3, 1.0),
        attempt(&second, 5, -0.5),
        attempt(&first, 7, -1.0),
        attempt(&second, 1, 0.7),
        attempt(&first, 2, 0.3),
    ]
}

#[test]
fn reading_a_shared_prompt_once_gives_the_same_gradient() {
    assert_same_gradient_alone(&attempts());
}

#[test]
fn reading_what_prompts_begin_with_once_gives_the_same_gradient() {
    let instructions: Vec<u32> = (0..70).map(|i| i * 7 % 31).collect();
    let mut rollouts = attempts();
    rollouts.iter_mut().for_each(|rollout| rollout.prompt.splice(0..0, instructions.iter().copied()).for_each(drop));
    assert_same_gradient_alone(&rollouts);
    // Each prompt once, longer and shorter ones.
    for (i, rollout) in (0..).zip(&mut rollouts) {
        rollout.prompt.extend((0..=i).map(|j| (i + j) % 31));
    }
    assert_same_gradient_alone(&rollouts);
}

/// `reference.py`, `imitation`.
#[test]
fn imitation_is_weighted_cross_entropy() {
    let reference = reference();
    let of = |row: &Value| Example { prompt: tokens(&row[0]), completion: tokens(&row[1]), weights: floats(&row[2]) };
    let examples: Vec<Example> = reference["imitation"]["examples"].as_array().unwrap().iter().map(of).collect();
    let policy = model("qwen2-tied-grouped");
    let mut learner = learner_for(&policy, &config(1000));
    let metrics = learner.imitate(&policy, &examples, 0.01).unwrap();
    assert!((metrics.loss - reference["imitation"]["loss"].as_f64().unwrap()).abs() < 1e-5);
    assert!((metrics.gradient_norm - reference["imitation"]["norm"].as_f64().unwrap()).abs() < 1e-4);
    let better = learner.imitate(&policy, &examples, 0.01).unwrap();
    assert!(better.loss < metrics.loss);
}

/// `reference.py`, `muon`: two steps.
#[test]
fn muon_moves_matrices_as_torch_does_and_adamw_the_rest() {
    let config =
        UpdateConfig { optimizer: OptimizerKind::Muon, muon_learning_rate: 0.02, muon_momentum: 0.95, ..config(1000) };
    let policy = model("qwen2-tied-grouped");
    let mut learner = learner_for(&policy, &config);
    for _ in 0..2 {
        learner.update(&policy, &rollouts(), 0.01).unwrap();
    }
    for (name, expected) in reference()["muon"].as_object().unwrap() {
        let expected = floats(expected);
        assert_close(&probe(&policy, name)[..expected.len()], &expected, 2e-5, name);
    }
}

/// On the embedded policy, whose matrices are large enough to be quantised.
#[test]
fn eight_bit_moments_learn_as_f32_ones_do() {
    let example = |i: u32| Example {
        prompt: (0..8).map(|j| (i * 31 + j * 7) % 200).collect(),
        completion: (0..12).map(|j| (i * 17 + j * 13) % 200).collect(),
        weights: vec![1.0; 12],
    };
    let examples: Vec<Example> = (0..8).map(example).collect();
    let losses = |moments| -> Vec<f64> {
        let policy = embedded::policy(&OPTIONS).unwrap();
        let config = UpdateConfig { moments, weight_decay: 0.0, ..config(1000) };
        let mut learner = learner_for(&policy, &config);
        (0..30).map(|_| learner.imitate(&policy, &examples, 1e-3).unwrap().loss).collect()
    };
    let (plain, eight_bit) = (losses(MomentsKind::F32), losses(MomentsKind::EightBit));
    assert!(plain[29] < plain[0] / 2.0, "{plain:?}");
    for (step, (a, b)) in plain.iter().zip(&eight_bit).enumerate() {
        assert!((a - b).abs() < 0.05 * a, "step {step}: {b}, not {a}");
    }
    assert_ne!(plain, eight_bit);
}

#[test]
fn an_update_that_is_not_a_number_leaves_the_weights() {
    let policy = model("qwen2-untied");
    let before: Vec<tch::Tensor> = policy.parameters().iter().map(|(_, tensor)| tensor.detach().copy()).collect();
    let mut learner = learner_for(&policy, &config(1000));
    let mut rollouts = rollouts();
    rollouts[1].advantage = f32::NAN;
    let error = learner.update(&policy, &rollouts, 0.01).unwrap_err();
    assert!(error.to_string().contains("NaN"), "{error}");
    assert!(policy.parameters().iter().zip(&before).all(|((_, now), before)| now.equal(before)));
}

/// A step after saving to `dir` and loading again is the step without that.
pub fn resumes_exactly(policy: &Policy, config: &UpdateConfig, dir: &Path) {
    let state = dir.join("optimizer.safetensors");
    let mut learner = learner_for(policy, config);
    learner.update(policy, &rollouts(), 0.01).unwrap();
    learner.state().unwrap()(&state).unwrap();
    policy.save(dir).unwrap();
    let resumed_policy = load(dir);
    let mut resumed = learner_for(&resumed_policy, config);
    resumed.load(&state).unwrap();
    learner.update(policy, &rollouts(), 0.01).unwrap();
    resumed.update(&resumed_policy, &rollouts(), 0.01).unwrap();
    for ((name, a), (_, b)) in policy.parameters().iter().zip(resumed_policy.parameters()) {
        assert!(a.equal(b), "{name}");
    }
}

#[test]
fn a_resumed_learner_takes_the_same_steps() {
    let dir = tempfile::tempdir().unwrap();
    for optimizer in [OptimizerKind::Adamw, OptimizerKind::Muon] {
        resumes_exactly(&model("llama-untied-scaled"), &UpdateConfig { optimizer, ..config(8) }, dir.path());
    }
}

#[test]
fn threads_do_not_change_an_update() {
    let update = |threads| {
        let reference = reference();
        let config_json = reference["models"]["qwen2-untied"]["config"].to_string();
        let tokenizer = tokenizer().to_string();
        let files = [("config.json", config_json.as_bytes()), ("tokenizer.json", tokenizer.as_bytes())];
        let options = LoadOptions { threads, ..OPTIONS };
        let policy = Policy::initialise(&files, &options, value).unwrap();
        let mut learner = learner_for(&policy, &config(8));
        let metrics = learner.update(&policy, &rollouts(), 0.01).unwrap();
        (metrics, policy)
    };
    let ((one_metrics, one), (two_metrics, two)) = (update(1), update(2));
    assert_eq!(one_metrics, two_metrics);
    for ((name, a), (_, b)) in one.parameters().iter().zip(two.parameters()) {
        assert!(a.equal(b), "{name}");
    }
}
