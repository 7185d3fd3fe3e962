//! The training: cross entropy on lessons, wherever they come from.

use std::ops::ControlFlow;

use anyhow::{Context as _, Result};

use azr_config::{OptimizerKind, Preset, RunConfig, UpdateConfig};
use azr_learner::{Example, Learner};
use azr_policy::Policy;

/// Lessons of one update. Half as many while the policy learns to copy, which takes a number of updates rather than of
/// lessons.
const LESSONS_PER_UPDATE: usize = 64;
/// Share of the training with half-sized updates.
const COPYING: f64 = 0.12;
/// Share of the training after which the learning rate falls to zero, linearly.
const DECAY_FROM: f64 = 0.6;
/// Updates in which the learning rate rises from zero. Arbitrary.
const RISING: f64 = 50.0;
/// Of AdamW, for a real model: what instruction tuning commonly takes.
const LEARNING_RATE: f64 = 1e-5;

/// The lessons that an update wants.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Counts from 0.
    pub update: u64,
    pub count: usize,
    /// How much of the training is done, from 0 to 1.
    pub progress: f64,
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

/// Trains `policy` on `lessons` lessons that `draw` makes; `watch` is called after every update and may end it.
pub fn train(
    policy: &Policy,
    config: &UpdateConfig,
    lessons: u64,
    mut draw: impl FnMut(Wanted) -> Result<Vec<Example>>,
    mut watch: impl FnMut(Progress) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let mut learner = Learner::new(policy, config, &RunConfig::resolve(Preset::Tiny, None, &[])?.sampling)?;
    let (mut done, mut updates) = (0, 0);
    while done < lessons {
        let progress = done as f64 / lessons as f64;
        let count = if progress < COPYING { LESSONS_PER_UPDATE / 2 } else { LESSONS_PER_UPDATE };
        let examples = draw(Wanted { update: updates, count, progress })?;
        let rate = (updates as f64 / RISING).min(1.0) * ((1.0 - progress) / (1.0 - DECAY_FROM)).min(1.0);
        let metrics = learner
            .imitate(policy, &examples, config.learning_rate * rate)
            .with_context(|| format!("update {updates}"))?;
        done += count as u64;
        updates += 1;
        if watch(Progress { lessons: done, updates, loss: metrics.loss })?.is_break() {
            break;
        }
    }
    Ok(())
}

/// The optimisers' settings: those of the preset but for what imitation needs.
pub fn update_config(preset: Preset) -> Result<UpdateConfig> {
    let mut config = RunConfig::resolve(preset, None, &[])?.update;
    config.gradient_norm_max = 1.0;
    config.weight_decay = 0.0;
    match preset {
        Preset::Paper | Preset::Laptop => config.learning_rate = LEARNING_RATE,
        // What a training from random weights needs.
        Preset::Tiny | Preset::Single => {
            config.optimizer = OptimizerKind::Muon;
            config.learning_rate = 3e-3;
            config.muon_learning_rate = 0.015;
            config.muon_momentum = 0.95;
            // A shorter memory than AdamW's usual 0.999, for a few thousand updates.
            (config.beta1, config.beta2) = (0.9, 0.95);
            // So that two threads share an update; one micro-batch is one thread's work.
            config.micro_batch_max_tokens = 2048;
        }
    }
    Ok(config)
}
