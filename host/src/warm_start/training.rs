//! The training: random weights, then cross entropy on lessons, each of which is drawn once.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::{
    lesson::{Kind, Lesson, Mix, lines_max},
    tokenizer::{END, PAD, tokenizer_config_json, tokenizer_json, vocabulary},
};
use crate::{
    config::{OptimizerKind, Preset, RunConfig, UpdateConfig},
    policy::{LoadOptions, Policy},
    rng::{Purpose, Stream},
    update::{Example, Learner},
};

/// Lessons of one update. Half as many while the policy learns to copy, which takes a number of updates rather than of
/// lessons.
const LESSONS_PER_UPDATE: usize = 64;
/// Share of the training with half-sized updates.
const COPYING: f64 = 0.12;
/// Share of the training after which the learning rate falls to zero, linearly.
const DECAY_FROM: f64 = 0.6;
/// Updates in which the learning rate rises from zero. Arbitrary.
const RISING: f64 = 50.0;

/// What is trained, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Training {
    /// Decides the initial weights and every lesson.
    pub seed: u64,
    /// Lessons in all.
    pub lessons: u64,
    /// How often the finished policy should think before it answers a deduction or abduction task.
    pub think_share: f64,
}

/// Where the training is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Lessons so far.
    pub lessons: u64,
    /// Updates so far.
    pub updates: u64,
    /// Loss of the newest update: the weighted mean of −log p over the tokens of its completions.
    pub loss: f64,
}

/// Trains a policy; `watch` is called after every update.
pub fn train(training: &Training, options: &LoadOptions, mut watch: impl FnMut(Progress)) -> Result<Policy> {
    let policy = random_policy(training.seed, options)?;
    let (rates, sampling) = (update_config()?, RunConfig::resolve(Preset::Tiny, None, &[])?.sampling);
    let mut learner = Learner::new(&policy, &rates, &sampling)?;
    let mix = Mix::default();
    let weigh = Weights::new(training.think_share, mix.traced_share);
    let (mut lessons, mut updates) = (0, 0);
    while lessons < training.lessons {
        let progress = lessons as f64 / training.lessons as f64;
        let count = if progress < COPYING { LESSONS_PER_UPDATE / 2 } else { LESSONS_PER_UPDATE };
        let examples = (0..count as u64).map(|index| {
            let mut draws = Stream::new(training.seed, Purpose::Grammar, updates, index).draws();
            weigh.example(&policy, &mix.draw(&mut draws, lines_max(progress)))
        });
        let examples = examples.collect::<Result<Vec<Example>>>()?;
        let rate = (updates as f64 / RISING).min(1.0) * ((1.0 - progress) / (1.0 - DECAY_FROM)).min(1.0);
        let metrics = learner
            .imitate(&policy, &examples, rates.learning_rate * rate)
            .with_context(|| format!("update {updates}"))?;
        lessons += count as u64;
        updates += 1;
        watch(Progress { lessons, updates, loss: metrics.loss });
    }
    Ok(policy)
}

/// How much the tokens of a completion count.
struct Weights {
    /// For a `<think>` that begins a completion.
    decision: f32,
}

impl Weights {
    /// The optimum of the weighted cross entropy at a decision is the weighted share of the lessons that think.
    fn new(think_share: f64, traced_share: f64) -> Self {
        let odds = |share: f64| share / (1.0 - share);
        Self { decision: (odds(think_share) / odds(traced_share)) as f32 }
    }

    fn example(&self, policy: &Policy, lesson: &Lesson) -> Result<Example> {
        let mut completion = policy.encode_text(&lesson.completion)?;
        completion.push(policy.end_token());
        // What a proposal or an induced program says is mostly a free choice; at full weight these long completions
        // would take most of the gradient.
        let weight = match lesson.kind {
            Kind::Deduction | Kind::Abduction => 1.0,
            Kind::Induction => 0.5,
            Kind::ProposeProgram | Kind::ProposeInputs => 0.3,
        };
        let mut weights = vec![weight; completion.len()];
        if lesson.thinks {
            weights[0] = self.decision;
        }
        Ok(Example { prompt: policy.encode_text(&lesson.prompt)?, completion, weights })
    }
}

/// The optimisers' settings: those of the presets but for what a training from scratch needs.
fn update_config() -> Result<UpdateConfig> {
    let mut config = RunConfig::resolve(Preset::Tiny, None, &[])?.update;
    config.optimizer = OptimizerKind::Muon;
    config.learning_rate = 3e-3;
    config.muon_learning_rate = 0.015;
    config.muon_momentum = 0.95;
    // A shorter memory than AdamW's usual 0.999, for a few thousand updates.
    (config.beta1, config.beta2) = (0.9, 0.95);
    config.weight_decay = 0.0;
    config.gradient_norm_max = 1.0;
    // So that two threads share an update; one micro-batch is one thread's work.
    config.micro_batch_max_tokens = 2048;
    Ok(config)
}

/// A policy that knows nothing yet.
fn random_policy(seed: u64, options: &LoadOptions) -> Result<Policy> {
    let files = policy_files();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let mut tensors = 0;
    Policy::initialise(&files, options, |name, shape| {
        tensors += 1;
        initial_values(name, shape, Stream::new(seed, Purpose::WarmStart, 0, tensors))
    })
}

/// Normal with variance 1 / inputs for matrices, and a quarter of that where they add to the residual stream. Rows of
/// the embedding have a standard deviation of 0.3: it is the output layer too, whose scores should not start large.
fn initial_values(name: &str, shape: &[i64], stream: Stream) -> Vec<f32> {
    let count = shape.iter().product::<i64>() as usize;
    let deviation = match name {
        _ if name.ends_with("norm.weight") => return vec![1.0; count],
        _ if name.ends_with(".bias") => return vec![0.0; count],
        "model.embed_tokens.weight" => 0.3,
        _ if name.contains("o_proj") || name.contains("down_proj") => 0.5 / (shape[1] as f64).sqrt(),
        _ => 1.0 / (shape[1] as f64).sqrt(),
    };
    let mut draws = stream.draws();
    // Box and Muller 1958.
    let mut normal = || (-2.0 * (1.0 - draws.uniform()).ln()).sqrt() * (std::f64::consts::TAU * draws.uniform()).cos();
    (0..count).map(|_| (normal() * deviation) as f32).collect()
}

/// Everything of a policy directory but the weights.
fn policy_files() -> [(&'static str, String); 4] {
    let id = |token: &str| vocabulary().iter().position(|other| other == token).expect("markers are in the vocabulary");
    let (end, pad) = (id(END), id(PAD));
    let config = json!({
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2",
        // The smallest model of the family that learned to copy and to compute in trials.
        "hidden_size": 96, "intermediate_size": 256, "num_hidden_layers": 4, "num_attention_heads": 6,
        "num_key_value_heads": 6, "hidden_act": "silu", "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
        "max_position_embeddings": 512, "vocab_size": vocabulary().len(), "tie_word_embeddings": true,
        "attention_dropout": 0.0, "use_sliding_window": false, "initializer_range": 0.02,
        "bos_token_id": null, "eos_token_id": end, "pad_token_id": pad, "torch_dtype": "float32",
    });
    let generation = json!({"eos_token_id": end, "pad_token_id": pad, "do_sample": true, "temperature": 1.0});
    let pretty = |value| serde_json::to_string_pretty(&value).expect("plain JSON") + "\n";
    [
        ("config.json", pretty(config)),
        ("generation_config.json", pretty(generation)),
        ("tokenizer.json", pretty(tokenizer_json())),
        ("tokenizer_config.json", pretty(tokenizer_config_json())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinking_lessons_have_the_share_that_was_asked_for() {
        let (think_share, traced_share) = (0.1, 0.85);
        let decision = f64::from(Weights::new(think_share, traced_share).decision);
        let share = traced_share * decision / (traced_share * decision + (1.0 - traced_share));
        assert!((share - think_share).abs() < 1e-6, "{share}");
    }

    #[test]
    fn initial_values_have_the_deviation_of_their_layer() {
        let values = initial_values("model.embed_tokens.weight", &[300, 96], Stream::new(1, Purpose::WarmStart, 0, 0));
        let count = values.len() as f32;
        let mean = values.iter().sum::<f32>() / count;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count;
        // Bounds at five standard errors of 28,800 normal numbers.
        assert!(mean.abs() < 0.009 && (variance.sqrt() - 0.3).abs() < 0.0063, "{mean} {variance}");
    }
}
