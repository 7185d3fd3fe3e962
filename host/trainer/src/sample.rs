//! `azr-host sample`: what a policy answers to an environment's prompts.

mod tally;

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::PathBuf,
};

use anyhow::{Context as _, Result, ensure};
use azr_core::{
    gather::Alone,
    rng::{Purpose, Streams},
    role::Role,
    sampling::{Finish, Sampler as _},
};
use azr_env::results;
use azr_experiment::session::load_envs;
use azr_host::cli::sample::SampleArgs;
use azr_policy::Policy;
use azr_selfplay::{
    data_set::DataSet,
    env_state::EnvState,
    generate::{generate, seed_tasks},
    propose::{Wanted, propose},
    solve::{Aim, Assignment, solve},
    stage::Stage,
    validate::{Conclusion, Validated, validate},
    verify::{Verified, verify},
};

use self::tally::{Sample, Tallies};
use crate::{
    policy_source::{self, PolicySource},
    progress::quoted,
};

/// Samples, shows and counts.
pub fn run(mut args: SampleArgs) -> Result<()> {
    ensure!(args.count > 0, "--count is 0; it must be at least 1");
    policy_source::fetch(&mut args.policy)?;
    let config = args.config.resolve(&args.policy, &[])?;
    let sandbox = args.sandbox.start(&config.sandbox)?;
    let mut envs = load_envs(&sandbox, std::slice::from_ref(&args.env), &config)?;
    if let Some(unknown) = args.kinds.iter().find(|kind| envs[0].kind_index(kind).is_none()) {
        let names: Vec<&str> = envs[0].kinds().iter().map(|kind| &*kind.name).collect();
        anyhow::bail!("--kind {unknown} is none of the environment's kinds: {}", names.join(", "));
    }
    let data_sets =
        args.tasks.iter().map(|argument| DataSet::named(argument, &args.map, &envs)).collect::<Result<Vec<_>>>()?;
    let policy = PolicySource::from(&args.policy).load(&config, None)?;
    let mut stage = Stage::new(&config, &policy, &Alone, 0);
    seed_tasks(&mut envs)?;
    generate(&mut envs, &config, 0, &mut stage.faults)?;
    for data_set in &data_sets {
        data_set.insert_into(&mut envs, &config)?;
    }
    let read: Vec<PathBuf> = data_sets.iter().map(|data_set| data_set.record(&envs).path).collect();
    let results = args.results.as_ref().map(|path| results::create(path, read.iter().map(PathBuf::as_path)));
    let mut shown = Shown {
        args: &args,
        policy: &policy,
        results: results.transpose()?.map(BufWriter::new),
        tallies: Tallies::default(),
    };
    for kind in 0..envs[0].kinds().len() {
        let name = &envs[0].kinds()[kind].name;
        let wanted = if args.kinds.is_empty() {
            envs[0].playing().any(|(playing, _)| playing == kind)
        } else {
            args.kinds.contains(name)
        };
        if wanted {
            of_kind(&mut envs, kind, &mut stage, &mut shown)?;
        }
    }
    shown.finish()
}

/// Proposes, validates and attempts tasks of one kind, and then solves others.
fn of_kind(envs: &mut [EnvState], kind: usize, stage: &mut Stage, shown: &mut Shown) -> Result<()> {
    let label = envs[0].label(kind);
    let SampleArgs { count, attempts, .. } = *shown.args;
    if envs[0].kinds()[kind].proposable {
        let proposed = propose(envs, &[Wanted { env: 0, kind, count }], stage)?;
        let validated = validate(envs, proposed, 0, &mut stage.faults)?;
        let assignment = |(proposal, validated): (usize, &Validated)| {
            let task = validated.conclusion.task()?.clone();
            let aim = Aim::Learnability { proposal };
            Some(Assignment { env: 0, kind, task, aim, number: proposal, samples: attempts })
        };
        let assignments = validated.iter().enumerate().filter_map(assignment).collect();
        let verified = attempt(envs, assignments, stage)?;
        let mut right = vec![0; validated.len()];
        for Verified { attempted, .. } in verified.iter().filter(|verified| verified.solved() == Some(true)) {
            if let Aim::Learnability { proposal } = attempted.aim {
                right[proposal] += 1;
            }
        }
        for (validated, right) in validated.iter().zip(right) {
            shown.add(&label, Role::Proposer, &of_proposal(validated, right, attempts))?;
        }
    }
    // The newest: what was proposed just now.
    let buffer = envs[0].buffers[kind].tasks();
    let skipped = buffer.len().saturating_sub(count);
    let tasks = buffer.skip(skipped).cloned().enumerate();
    let assignment = |(number, task)| {
        let aim = Aim::Evaluation { task: number };
        Assignment { env: 0, kind, task, aim, number, samples: 1 }
    };
    let assignments = tasks.map(assignment).collect();
    for verified in attempt(envs, assignments, stage)? {
        shown.add(&label, Role::Solver, &of_attempt(&verified))?;
    }
    Ok(())
}

fn attempt(envs: &[EnvState], assignments: Vec<Assignment>, stage: &mut Stage) -> Result<Vec<Verified>> {
    let streams = Streams { rng: stage.rng, purpose: Purpose::Solve, first: 0 };
    let attempted = solve(envs, assignments, streams, stage)?;
    verify(envs, attempted, &mut stage.faults)
}

fn of_proposal(Validated { proposed, conclusion, .. }: &Validated, right: usize, attempts: usize) -> Sample<'_> {
    let (well_formed, valid, reason) = match conclusion {
        Conclusion::Accepted { well_formed, .. } => {
            (*well_formed, true, format!("a task, solved in {right} of {attempts} attempts"))
        }
        Conclusion::Rejected(rejection) => (false, false, format!("{}: {}", rejection.code, rejection.message)),
        Conclusion::Fault(cause) => (false, false, format!("fault: {}", cause.cause)),
    };
    Sample {
        prompt: &proposed.prompt,
        completion: &proposed.completion.text,
        tokens: proposed.completion.tokens.len(),
        cut: proposed.completion.finish == Finish::Length,
        well_formed,
        right: valid,
        learnable: valid && right > 0 && right < attempts,
        reason,
    }
}

fn of_attempt(Verified { attempted, verdict, .. }: &Verified) -> Sample<'_> {
    let (well_formed, right, reason) = match verdict {
        Ok(verdict) => (verdict.well_formed, verdict.score >= 1.0, verdict.reason.clone()),
        Err(cause) => (false, false, format!("fault: {}", cause.cause)),
    };
    Sample {
        prompt: &attempted.prompt,
        completion: &attempted.completion.text,
        tokens: attempted.completion.tokens.len(),
        cut: attempted.completion.finish == Finish::Length,
        well_formed,
        right,
        learnable: false,
        reason,
    }
}

/// What a person sees of the samples, and what is kept.
struct Shown<'a> {
    args: &'a SampleArgs,
    policy: &'a Policy,
    results: Option<BufWriter<File>>,
    tallies: Tallies,
}

impl Shown<'_> {
    fn add(&mut self, label: &str, role: Role, sample: &Sample) -> Result<()> {
        let before = self.tallies.add(label, role, sample);
        if let Some(results) = &mut self.results {
            let row = serde_json::json!({
                "kind": label,
                "role": role,
                "prompt": self.policy.text(sample.prompt)?,
                "completion": sample.completion,
                "tokens": sample.tokens,
                "cut": sample.cut,
                "well_formed": sample.well_formed,
                "right": sample.right,
                "reason": sample.reason,
            });
            writeln!(results, "{row}").context("cannot write the samples")?;
        }
        if before < self.args.show && !self.args.json {
            println!("{label}, {role}: {}", sample.reason);
            if self.args.prompts {
                quoted(&self.policy.text(sample.prompt)?, usize::MAX).iter().for_each(|line| println!("{line}"));
                println!("  answer:");
            }
            quoted(sample.completion, usize::MAX).iter().for_each(|line| println!("{line}"));
            println!();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        if let Some(results) = &mut self.results {
            results.flush().context("cannot write the samples")?;
        }
        ensure!(
            !self.tallies.is_empty(),
            "there is nothing to ask: the environment has no tasks of these kinds; give some with --tasks FILE"
        );
        if self.args.json {
            println!("{}", serde_json::to_string(&self.tallies)?);
        } else {
            print!("{}", self.tallies);
        }
        Ok(())
    }
}
