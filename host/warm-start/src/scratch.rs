//! A policy from nothing: random weights, then lessons of the grammar, each of which is drawn once.

use azr_config::language::Language;
use std::ops::ControlFlow;

use anyhow::Result;
use serde_json::json;

use super::{
    lesson::{Kind, Lesson, Mix, lines_max},
    tokenizer::{END, PAD, tokenizer_config_json, tokenizer_json, vocabulary},
    training::{self, Progress, Wanted},
};
use azr_config::Preset;
use azr_core::rng::{Purpose, Stream};
use azr_learner::Example;
use azr_policy::{LoadOptions, Policy};

/// What is trained, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct ScratchTraining {
    /// Of the programs.
    pub language: Language,
    /// Decides the initial weights and every lesson.
    pub seed: u64,
    /// Lessons in all.
    pub lessons: u64,
    /// How often the finished policy should think before it answers a deduction or abduction task.
    pub think_share: f64,
}

/// Trains a policy; `watch` is called after every update.
pub fn train(training: &ScratchTraining, options: &LoadOptions, mut watch: impl FnMut(Progress)) -> Result<Policy> {
    let ScratchTraining { language, seed, lessons, think_share } = *training;
    let policy = random_policy(language, seed, options)?;
    let mix = Mix::new(language);
    let weigh = Weights::new(think_share, mix.traced_share);
    let draw = |Wanted { update, count, progress }| {
        let example = |index| {
            let mut draws = Stream::new(seed, Purpose::Grammar, update, index).draws();
            weigh.example(&policy, &mix.draw(&mut draws, lines_max(progress)))
        };
        (0..count as u64).map(example).collect()
    };
    training::train(&policy, &training::update_config(Preset::Tiny)?, lessons, draw, |progress| {
        watch(progress);
        Ok(ControlFlow::Continue(()))
    })?;
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

/// A policy that knows nothing yet.
fn random_policy(language: Language, seed: u64, options: &LoadOptions) -> Result<Policy> {
    let files = policy_files(language);
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
fn policy_files(language: Language) -> [(&'static str, String); 4] {
    let vocabulary = vocabulary(language);
    let id = |token: &str| vocabulary.iter().position(|other| other == token).expect("markers are in the vocabulary");
    let (end, pad) = (id(END), id(PAD));
    let config = json!({
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2",
        // The smallest model of the family that learned to copy and to compute in trials.
        "hidden_size": 96, "intermediate_size": 256, "num_hidden_layers": 4, "num_attention_heads": 6,
        "num_key_value_heads": 6, "hidden_act": "silu", "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
        "max_position_embeddings": 512, "vocab_size": vocabulary.len(), "tie_word_embeddings": true,
        "attention_dropout": 0.0, "use_sliding_window": false, "initializer_range": 0.02,
        "bos_token_id": null, "eos_token_id": end, "pad_token_id": pad, "torch_dtype": "float32",
    });
    let generation = json!({"eos_token_id": end, "pad_token_id": pad, "do_sample": true, "temperature": 1.0});
    let pretty = |value| serde_json::to_string_pretty(&value).expect("plain JSON") + "\n";
    [
        ("config.json", pretty(config)),
        ("generation_config.json", pretty(generation)),
        ("tokenizer.json", pretty(tokenizer_json(language))),
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
