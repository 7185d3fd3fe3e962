//! What a step is summed up as: one line of `metrics.jsonl`.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use azr_core::{
    sampling::{Completion, Finish},
    task::Digest,
    training::{Mismatch, UpdateMetrics},
};
use azr_selfplay::{
    env_state::EnvState,
    evaluation::{mean, standard_deviation},
    faults::Tally,
    generate::Seeded,
    step::Step,
    validate::{Conclusion, Novelty, Validated},
    verify::Verified,
};

/// One step in numbers. All but `timing` depend only on seed, configuration, policy and environments.
#[derive(Clone, Debug, Serialize)]
pub struct StepMetrics {
    pub step: u64,
    /// By `<environment>/<kind>/<role>`.
    pub groups: BTreeMap<String, GroupMetrics>,
    /// By `<environment>/<kind>`.
    pub buffer: BTreeMap<String, BufferMetrics>,
    /// Means over the step's optimiser updates.
    pub update: BTreeMap<&'static str, f64>,
    pub sampling: SamplingMetrics,
    pub sandbox: SandboxMetrics,
    /// Calls and faults by environment.
    pub faults: BTreeMap<String, Tally>,
    pub timing: BTreeMap<String, f64>,
}

/// One group's rollouts in one step.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum GroupMetrics {
    Proposer(Flat<ProposalMetrics>),
    Solver(Flat<AttemptMetrics>),
}

/// What all groups have, and what only proposers or only solvers have, side by side in one object.
#[derive(Clone, Debug, Serialize)]
pub struct Flat<M> {
    #[serde(flatten)]
    pub all: RolloutMetrics,
    #[serde(flatten)]
    pub own: M,
}

/// What proposers and solvers have in common.
#[derive(Clone, Debug, Serialize)]
pub struct RolloutMetrics {
    pub completions: usize,
    /// Mean and standard deviation over the rewarded completions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reward_mean: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reward_std: Option<f64>,
    pub completion_tokens_mean: f64,
    /// Share of completions cut at `sampling.completion-max-tokens`.
    pub truncated: f64,
}

/// How the proposals of a kind fared. Shares are of all its proposals.
#[derive(Clone, Debug, Serialize)]
pub struct ProposalMetrics {
    /// Share that are tasks, duplicates included.
    pub valid: f64,
    /// Share that are tasks new to the buffer.
    pub new: f64,
    /// Share that are tasks which the buffer held already.
    pub duplicate: f64,
    /// Share about a subject (for programs: a program) that the kind never had before.
    pub novel: f64,
    /// Different tasks among the valid ones, as a share of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distinct: Option<f64>,
    pub held_out: usize,
    /// Mean solve rate of the tasks, and the share of tasks solved sometimes but not always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solve_rate_mean: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learnable: Option<f64>,
    pub rejections: BTreeMap<String, usize>,
    /// Means over the accepted proposals, by the measure's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub measure: BTreeMap<String, f64>,
}

/// How the attempts at a kind fared. Shares are of the judged attempts.
#[derive(Clone, Debug, Serialize)]
pub struct AttemptMetrics {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solve_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub well_formed: Option<f64>,
    /// Share that reasoned before answering.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub think_share: Option<f64>,
}

/// A buffer after a step.
#[derive(Clone, Debug, Serialize)]
pub struct BufferMetrics {
    pub tasks: usize,
    pub added: usize,
}

/// What was sampled.
#[derive(Clone, Debug, Serialize)]
pub struct SamplingMetrics {
    pub completions: usize,
    pub tokens: usize,
}

/// What ran in the sandbox.
#[derive(Clone, Debug, Serialize)]
pub struct SandboxMetrics {
    pub runs: usize,
    pub fuel: u64,
    pub faults: usize,
}

impl StepMetrics {
    /// Sums a step up.
    pub fn of(envs: &[EnvState], step: &Step) -> Self {
        let proposals = step.validated.iter().map(|validated| &validated.proposed.completion);
        let attempts = step.verified.iter().map(|verified| &verified.attempted.completion);
        let completions: Vec<&Completion> = proposals.chain(attempts).collect();
        let sampling = SamplingMetrics {
            completions: completions.len(),
            tokens: completions.iter().map(|completion| completion.tokens.len()).sum(),
        };
        let runs = step.validated.iter().flat_map(|validated| &validated.runs);
        let runs: Vec<_> = runs.chain(step.verified.iter().flat_map(|verified| &verified.runs)).collect();
        let sandbox = SandboxMetrics {
            runs: runs.len(),
            fuel: runs.iter().map(|run| run.report.fuel).sum(),
            faults: step.faults.values().map(Tally::faults).sum(),
        };
        Self {
            step: step.step,
            groups: groups(envs, step),
            buffer: buffers(envs, step),
            update: update_means(&step.updates, step.mismatch),
            faults: {
                let named = |(&env, tally): (&usize, &Tally)| (envs[env].name().to_owned(), tally.clone());
                step.faults.iter().map(named).collect()
            },
            timing: timing(step, &sampling, &sandbox),
            sampling,
            sandbox,
        }
    }
}

impl StepMetrics {
    /// Every number with its path, as TensorBoard shows it: `python/deduction/solver/reward_mean`, `update/loss`.
    pub fn scalars(&self) -> Vec<(String, f64)> {
        let mut scalars = Vec::new();
        let value = serde_json::to_value(self).expect("metrics are plain data");
        let serde_json::Value::Object(sections) = value else { return scalars };
        for (section, value) in sections {
            let prefix = if section == "groups" { String::new() } else { section };
            collect(&prefix, &value, &mut scalars);
        }
        scalars.retain(|(path, _)| path != "step" && !path.contains("/causes/"));
        scalars
    }
}

fn collect(path: &str, value: &serde_json::Value, scalars: &mut Vec<(String, f64)>) {
    match value {
        serde_json::Value::Number(number) => scalars.extend(number.as_f64().map(|number| (path.to_owned(), number))),
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}/{key}") };
                collect(&path, value, scalars);
            }
        }
        _ => {}
    }
}

fn groups(envs: &[EnvState], step: &Step) -> BTreeMap<String, GroupMetrics> {
    let mut groups = BTreeMap::new();
    for (index, env) in envs.iter().enumerate() {
        for kind in 0..env.kinds().len() {
            let of_kind = |i: &usize| {
                let proposed = &step.validated[*i].proposed;
                (proposed.env, proposed.kind) == (index, kind)
            };
            let proposals: Vec<usize> = (0..step.validated.len()).filter(of_kind).collect();
            if !proposals.is_empty() {
                groups.insert(format!("{}/proposer", env.label(kind)), proposer_group(step, &proposals));
            }
            let of_kind = |i: &usize| {
                let attempted = &step.verified[*i].attempted;
                (attempted.env, attempted.kind) == (index, kind)
            };
            let attempts: Vec<usize> = (0..step.verified.len()).filter(of_kind).collect();
            if !attempts.is_empty() {
                groups.insert(format!("{}/solver", env.label(kind)), solver_group(step, &attempts));
            }
        }
    }
    groups
}

fn proposer_group(step: &Step, members: &[usize]) -> GroupMetrics {
    let validated: Vec<&Validated> = members.iter().map(|&i| &step.validated[i]).collect();
    let completions: Vec<&Completion> = validated.iter().map(|validated| &validated.proposed.completion).collect();
    let rewards = members.iter().filter_map(|&i| step.rewards.proposers[i]).collect::<Vec<_>>();
    let share = |wanted: &dyn Fn(&Conclusion) -> bool| {
        validated.iter().filter(|validated| wanted(&validated.conclusion)).count() as f64 / validated.len() as f64
    };
    let novelty = |wanted: Novelty| share(&|conclusion| conclusion.novelty() == Some(wanted));
    let tasks: Vec<Digest> = validated.iter().filter_map(|v| v.conclusion.task()).map(|task| task.id()).collect();
    let rates: Vec<f64> = members.iter().filter_map(|&i| step.rewards.solve_rates[i]).collect();
    let mut rejections = BTreeMap::new();
    for validated in &validated {
        if let Conclusion::Rejected(rejection) = &validated.conclusion {
            count_code(&mut rejections, &rejection.code);
        }
    }
    let proposals = ProposalMetrics {
        valid: share(&|conclusion| conclusion.task().is_some()),
        new: share(&|conclusion| conclusion.novelty().is_some_and(Novelty::is_new)),
        duplicate: novelty(Novelty::Duplicate),
        novel: novelty(Novelty::Novel),
        distinct: (!tasks.is_empty()).then(|| tasks.iter().collect::<HashSet<_>>().len() as f64 / tasks.len() as f64),
        held_out: validated.iter().filter(|v| v.conclusion.novelty() == Some(Novelty::HeldOut)).count(),
        solve_rate_mean: mean(&rates),
        learnable: mean(&rates.iter().map(|&rate| f64::from(rate > 0.0 && rate < 1.0)).collect::<Vec<_>>()),
        rejections,
        measure: measure_means(&validated),
    };
    GroupMetrics::Proposer(Flat { all: rollout_metrics(&completions, &rewards), own: proposals })
}

fn measure_means(validated: &[&Validated]) -> BTreeMap<String, f64> {
    let mut amounts: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for measured in validated.iter().flat_map(|validated| validated.conclusion.measures()) {
        amounts.entry(&measured.name).or_default().push(measured.amount);
    }
    amounts.into_iter().filter_map(|(name, amounts)| Some((name.to_owned(), mean(&amounts)?))).collect()
}

fn solver_group(step: &Step, members: &[usize]) -> GroupMetrics {
    let verified: Vec<&Verified> = members.iter().map(|&i| &step.verified[i]).collect();
    let completions: Vec<&Completion> = verified.iter().map(|verified| &verified.attempted.completion).collect();
    let rewards = members.iter().filter_map(|&i| step.rewards.solvers[i]).collect::<Vec<_>>();
    let share = |holds: &dyn Fn(&Verified) -> Option<bool>| {
        mean(&verified.iter().filter_map(|verified| holds(verified)).map(f64::from).collect::<Vec<_>>())
    };
    let attempts = AttemptMetrics {
        solve_rate: share(&|verified| verified.solved()),
        well_formed: share(&|verified| Some(verified.verdict.as_ref().ok()?.well_formed)),
        think_share: share(&|verified| Some(verified.attempted.thinks())),
    };
    GroupMetrics::Solver(Flat { all: rollout_metrics(&completions, &rewards), own: attempts })
}

fn rollout_metrics(completions: &[&Completion], rewards: &[f64]) -> RolloutMetrics {
    let count = completions.len();
    RolloutMetrics {
        completions: count,
        reward_mean: mean(rewards),
        reward_std: standard_deviation(rewards),
        completion_tokens_mean: completions.iter().map(|c| c.tokens.len()).sum::<usize>() as f64 / count as f64,
        truncated: completions.iter().filter(|c| c.finish == Finish::Length).count() as f64 / count as f64,
    }
}

fn update_means(updates: &[UpdateMetrics], mismatch: Option<Mismatch>) -> BTreeMap<&'static str, f64> {
    let columns = updates.iter().map(|update| {
        let UpdateMetrics { loss, gradient_norm, clip_fraction, approx_kl, start_kl, entropy, logprob_gap, tokens } =
            *update;
        let tokens = tokens as f64;
        [
            ("loss", loss),
            ("gradient_norm", gradient_norm),
            ("clip_fraction", clip_fraction),
            ("approx_kl", approx_kl),
            ("start_kl", start_kl),
            ("entropy", entropy),
            ("logprob_gap", logprob_gap),
            ("tokens", tokens),
        ]
    });
    let mut sums = BTreeMap::new();
    for (name, value) in columns.flatten() {
        *sums.entry(name).or_insert(0.0) += value / updates.len() as f64;
    }
    if let Some(Mismatch { kl, truncated }) = mismatch {
        sums.extend([("mismatch_kl", kl), ("importance_truncated", truncated)]);
    }
    sums
}

fn buffers(envs: &[EnvState], step: &Step) -> BTreeMap<String, BufferMetrics> {
    let mut buffers = BTreeMap::new();
    for (index, env) in envs.iter().enumerate() {
        for (kind, _) in env.playing() {
            let buffer = &env.buffers[kind];
            let added = |validated: &&Validated| {
                let proposed = &validated.proposed;
                validated.conclusion.novelty().is_some_and(Novelty::is_new)
                    && (proposed.env, proposed.kind) == (index, kind)
            };
            let generated = |given: &&Seeded| given.env == index && *given.task.kind == *env.kinds()[kind].name;
            let added = step.validated.iter().filter(added).count() + step.generated.iter().filter(generated).count();
            buffers.insert(env.label(kind), BufferMetrics { tasks: buffer.len(), added });
        }
    }
    buffers
}

fn timing(step: &Step, sampling: &SamplingMetrics, sandbox: &SandboxMetrics) -> BTreeMap<String, f64> {
    let watch = &step.timing;
    let mut timing: BTreeMap<String, f64> =
        watch.laps().iter().map(|(name, seconds)| (format!("{name}_s"), *seconds)).collect();
    timing.insert("step_s".into(), watch.total_s());
    if step.sent_bytes > 0 {
        timing.insert("sent_bytes".into(), step.sent_bytes as f64);
    }
    timing.insert("tokens_per_s".into(), sampling.tokens as f64 / watch.of(&["propose", "solve"]));
    timing.insert("runs_per_s".into(), sandbox.runs as f64 / watch.of(&["validate", "verify"]));
    timing
}

/// Codes of rejections that are counted apart in a step. An environment can invent any number, and each becomes a column.
const CODES_MAX: usize = 32;
const OTHER_CODES: &str = "other-codes";

fn count_code(codes: &mut BTreeMap<String, usize>, code: &str) {
    let known = codes.contains_key(code) || codes.len() < CODES_MAX;
    *codes.entry(if known { code } else { OTHER_CODES }.to_owned()).or_default() += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_rejections_are_bounded_and_none_is_lost() {
        let mut codes = BTreeMap::new();
        (0..100).for_each(|n| count_code(&mut codes, &format!("code-{n}")));
        (0..5).for_each(|_| count_code(&mut codes, "code-1"));
        assert_eq!((codes.len(), codes["code-1"], codes.values().sum::<usize>()), (CODES_MAX + 1, 6, 105));
    }
}
