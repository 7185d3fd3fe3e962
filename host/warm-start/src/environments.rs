//! Lessons from environments: their own tasks, with completions that demonstrate how they are solved and proposed.
//!
//! This is supervised fine-tuning as a cold start. Reinforcement learning only strengthens what a policy sometimes does,
//! so a policy that never solves a task learns nothing from it; some lessons give it a foothold. Every demonstration is
//! judged before it is learned.

use azr_core::gather::Alone;
use std::{
    collections::{BTreeMap, HashSet},
    ops::ControlFlow,
};

use anyhow::{Result, ensure};

use super::training::{self, Progress, Wanted};
use azr_config::{RunConfig, SamplingConfig, UpdateConfig};
use azr_core::{
    rng::{Purpose, Stream},
    role::Role,
    task::{Digest, Task},
};
use azr_env::demonstrate::{Demonstrated, Demonstrations, demonstrate};
use azr_learner::Example;
use azr_policy::Policy;
use azr_sandbox::{Prompt, SequencePart};
use azr_selfplay::{
    data_set::DataSet,
    env_state::EnvState,
    evaluation::{self, KindScores, Protocol},
    generate::{Seeded, seed_tasks, sequence},
    held_out::{self, HeldOutTask, Source},
    stage,
};

/// Tasks of each generated kind that are demonstrated at a time, and as many given ones. Large, so that the sandbox's
/// workers share the calls, and the lessons of an update are of all kinds.
const ROUND: usize = 256;
/// Tasks of each kind by which the policy is measured.
const CHECKED_MAX: usize = 256;
/// One subject in ten, by its hash, is measured and not learned from.
const CHECKED_ONE_IN: usize = 10;
/// Updates between measurements. One takes about as long as three updates.
const UPDATES_PER_MEASUREMENT: u64 = 16;
/// How much a token of a proposal counts. What a proposal says is mostly a free choice, whose loss never gets small.
const PROPOSAL_WEIGHT: f32 = 0.3;

/// How long is trained, and how fast.
#[derive(Clone, Debug)]
pub struct Training {
    /// Lessons at most.
    pub lessons: u64,
    /// Ends when this share of the sampled attempts at each kind is right.
    pub until_solved: Option<f64>,
    pub update: UpdateConfig,
}

/// The result of a training.
#[derive(Debug)]
pub struct Trained {
    pub lessons: u64,
    /// By `<environment>/<kind>`, of sampled attempts at tasks that were no lessons.
    pub solved: BTreeMap<String, KindScores>,
    pub refused: Refused,
}

/// Demonstrations that were not learned.
#[derive(Clone, Debug, Default)]
pub struct Refused {
    pub count: usize,
    /// Why the first one was not.
    pub first: Option<String>,
}

/// Sets the held-out tasks of an experiment with this configuration aside, and gathers those that are not generated:
/// the environments' own first tasks and data sets.
pub fn given(envs: &mut [EnvState], data_sets: &[DataSet], config: &RunConfig) -> Result<Vec<Seeded>> {
    let mut held_out = Vec::new();
    for env in 0..envs.len() {
        held_out.extend(held_out::held_out_tasks(envs, env, Source::Apart(data_sets), config)?);
    }
    held_out::hold_out(envs, held_out, 0)?;
    let mut given = seed_tasks(envs)?;
    for data_set in data_sets {
        given.extend(data_set.insert_into(envs, config)?);
    }
    Ok(given)
}

/// Trains `policy`; `watch` is called after every update with the solve rates of the newest measurement.
pub fn train(
    policy: &Policy,
    envs: &[EnvState],
    given: Vec<Seeded>,
    config: &RunConfig,
    training: &Training,
    mut watch: impl FnMut(Progress, &BTreeMap<String, KindScores>),
) -> Result<Trained> {
    let mut lessons = Lessons::new(policy, envs, config, given);
    let checked = lessons.checked()?;
    let measure = || {
        let protocol = Protocol { temperature: config.sampling.temperature, samples: 1 };
        let (scores, faults) = evaluation::evaluate(envs, (policy, &Alone), &checked, protocol, config)?;
        evaluation::check(&faults, envs, &config.faults)?;
        anyhow::Ok(scores)
    };
    let (mut learned, mut solved, mut enough) = (0, BTreeMap::new(), false);
    let draw = |Wanted { count, .. }: Wanted| lessons.draw(count);
    training::train(policy, &training.update, training.lessons, draw, |progress| {
        learned = progress.lessons;
        if let Some(share) = training.until_solved
            && progress.updates.is_multiple_of(UPDATES_PER_MEASUREMENT)
        {
            solved = measure()?;
            enough = solved.values().all(|scores| scores.solve_rate >= share);
        }
        watch(progress, &solved);
        Ok(if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(Trained { lessons: learned, solved: measure()?, refused: lessons.refused })
}

/// Lessons as they are wanted.
pub struct Lessons<'a> {
    policy: &'a Policy,
    envs: &'a [EnvState],
    config: &'a RunConfig,
    given: Vec<Seeded>,
    /// Rounds that were demonstrated.
    round: u64,
    /// Lessons that were not drawn yet.
    ready: Vec<Example>,
    pub refused: Refused,
}

impl<'a> Lessons<'a> {
    /// Lessons about the generated tasks of `envs` and those that are given.
    pub fn new(policy: &'a Policy, envs: &'a [EnvState], config: &'a RunConfig, given: Vec<Seeded>) -> Self {
        Self { policy, envs, config, given, round: 0, ready: Vec::new(), refused: Refused::default() }
    }

    /// The next `count` lessons.
    pub fn draw(&mut self, count: usize) -> Result<Vec<Example>> {
        while self.ready.len() < count {
            let before = self.ready.len();
            for (env, tasks) in self.next_tasks()? {
                let demonstrated = self.demonstrated(env, &tasks);
                self.add(env, demonstrated)?;
            }
            self.round += 1;
            let first = self.refused.first.as_deref().unwrap_or("no task was demonstrated");
            ensure!(self.ready.len() > before, "there is nothing to learn from: {first}");
            let mut draws = Stream::new(self.config.seed, Purpose::WarmStart, self.round, 0).draws();
            draws.shuffle(&mut self.ready);
        }
        Ok(self.ready.drain(..count).collect())
    }

    /// The tasks of this round by environment: the next of each sequence, and of the given ones, which begin again when
    /// they are through.
    fn next_tasks(&self) -> Result<Vec<(usize, Vec<Task>)>> {
        let first = self.round * ROUND as u64;
        let given = self.given.iter().cycle().skip(first as usize % self.given.len().max(1));
        let given: Vec<&Seeded> = given.take(ROUND.min(self.given.len())).collect();
        let of_arena = |(index, env): (usize, &EnvState)| {
            let mut tasks = generated(env, self.config, first, ROUND)?;
            tasks.extend(given.iter().filter(|given| given.env == index).map(|given| given.task.clone()));
            Ok((index, apart(env, tasks, Side::Learned)?))
        };
        self.envs.iter().enumerate().map(of_arena).collect()
    }

    /// The tasks by which the policy is measured: those that it could solve as the author does.
    pub fn checked(&mut self) -> Result<Vec<HeldOutTask>> {
        let mut checked = Vec::new();
        for (index, env) in self.envs.iter().enumerate() {
            let mut tasks = generated(env, self.config, 0, CHECKED_MAX * CHECKED_ONE_IN)?;
            tasks.extend(self.given.iter().filter(|given| given.env == index).map(|given| given.task.clone()));
            let tasks = apart(env, tasks, Side::Checked)?;
            let (mut of_kind, mut seen) = (vec![0; env.kinds().len()], HashSet::new());
            for Demonstrated { task, role, .. } in self.demonstrated(index, &tasks) {
                let kind = env.kind_index(&task.kind).expect("the sandbox checked that the kind exists");
                if role == Role::Solver && of_kind[kind] < CHECKED_MAX && seen.insert(task.id()) {
                    of_kind[kind] += 1;
                    checked.push(HeldOutTask { env: index, kind, task });
                }
            }
            ensure!(
                of_kind.iter().any(|&count| count > 0),
                "environment {} demonstrates no task{}; an environment gives an oracle or implements `demonstrate`",
                env.name(),
                self.refused.first.as_ref().map_or(String::new(), |first| format!(" rightly: {first}"))
            );
        }
        Ok(checked)
    }

    /// Demonstrations that the judge takes for right.
    fn demonstrated(&mut self, env: usize, tasks: &[Task]) -> Vec<Demonstrated> {
        let EnvState { environment, context, .. } = &self.envs[env];
        let Demonstrations { right, wrong } = demonstrate(environment, context, tasks);
        wrong.into_iter().for_each(|why| self.refused.add(why));
        right
    }

    /// Makes lessons of demonstrations.
    fn add(&mut self, env: usize, demonstrated: Vec<Demonstrated>) -> Result<()> {
        let EnvState { environment, context, .. } = &self.envs[env];
        let (attempts, proposals): (Vec<Demonstrated>, Vec<Demonstrated>) =
            demonstrated.into_iter().partition(|demonstrated| demonstrated.role == Role::Solver);
        let tasks: Vec<Task> = attempts.iter().map(|attempt| attempt.task.clone()).collect();
        let solve_prompts = environment.solve_prompts(context, &tasks);
        let asked: Vec<(String, Vec<Task>)> =
            proposals.iter().map(|proposal| (proposal.task.kind.to_string(), Vec::new())).collect();
        let propose_prompts = environment.propose_prompts(context, &asked);
        for (Demonstrated { completion, .. }, prompt) in attempts.into_iter().zip(solve_prompts) {
            self.add_lesson(&prompt?, &completion, 1.0)?;
        }
        for (Demonstrated { completion, .. }, prompt) in proposals.into_iter().zip(propose_prompts) {
            self.add_lesson(&prompt?, &completion, PROPOSAL_WEIGHT)?;
        }
        Ok(())
    }

    /// Makes a lesson of a completion that the policy could write.
    fn add_lesson(&mut self, prompt: &Prompt, completion: &str, weight: f32) -> Result<()> {
        // Where a stop string ends completions, the policy has to write it.
        let stop = prompt.stop.first().map_or("", |stop| stop);
        let mut completion = self.policy.encode_text(&format!("{completion}{stop}"))?;
        completion.push(self.policy.end_token());
        let prompt = stage::encode(self.policy, prompt)?;
        let SamplingConfig { prompt_max_tokens, completion_max_tokens, .. } = self.config.sampling;
        for (what, length, max) in
            [("prompt", prompt.len(), prompt_max_tokens), ("completion", completion.len(), completion_max_tokens)]
        {
            if length > max {
                let why = format!("a {what} has {length} tokens, limit is {max}; raise sampling.{what}-max-tokens");
                self.refused.add(why);
                return Ok(());
            }
        }
        let weights = vec![weight; completion.len()];
        self.ready.push(Example { prompt, completion, weights });
        Ok(())
    }
}

impl Refused {
    fn add(&mut self, why: String) {
        self.count += 1;
        self.first.get_or_insert(why);
    }
}

/// What a task is used for.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Learned,
    Checked,
}

/// The tasks on one side, which depends on their subjects. Those that an experiment holds out are on neither.
fn apart(env: &EnvState, tasks: Vec<Task>, side: Side) -> Result<Vec<Task>> {
    let subjects = env.environment.subjects(&tasks).into_iter().collect::<Result<Vec<_>, _>>()?;
    let of = |subject: &Digest| {
        // The last byte: the first ones decide which subjects of data sets are held out.
        let checked = usize::from(subject.0[31]) * CHECKED_ONE_IN < 256;
        if checked { Side::Checked } else { Side::Learned }
    };
    let kept = tasks.into_iter().zip(subjects);
    let kept = kept.filter(|(_, subject)| !env.held_out.contains(subject) && of(subject) == side);
    Ok(kept.map(|(task, _)| task).collect())
}

/// Tasks number `first` and following of every generated kind, in the sequence that is for this.
fn generated(env: &EnvState, config: &RunConfig, first: u64, count: usize) -> Result<Vec<Task>> {
    let seed = sequence(config, Purpose::Demonstrate);
    let kinds = env.kinds().iter().filter(|kind| kind.generated);
    let parts = kinds.map(|kind| SequencePart { kind: kind.name.clone(), seed, first, count: count as u32 });
    let tasks = parts.map(|part| env.environment.generate(&env.context, &part));
    Ok(tasks.collect::<Result<Vec<_>, _>>()?.concat())
}
