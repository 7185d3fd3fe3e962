//! Suites: files of published benchmarks, of which each line is a task in the format of the environment that judges it.
//!
//! They are measured only. Unlike a data set, a suite may have lines that are no tasks: they are reported, and the rest is
//! measured.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::Value;

use azr_config::RunConfig;
use azr_core::{gather::Gather, sampling::Sampler};
use azr_dataset::{Line, Mapped};

use crate::{
    env_state::EnvState,
    evaluation::{self, Attempts, FirstAttempt, KindScores, Protocol},
    held_out::HeldOutTask,
    stage::Stage,
};

/// Lines that are imported together. A line of LiveCodeBench may have megabytes.
const LINES_AT_ONCE: usize = 64;
/// Tasks that are attempted together, at least; results are written in between.
const TASKS_AT_ONCE: usize = 128;
/// So often the rows that are sampled together are filled again before they run empty at the end of such a part.
const FILLINGS: usize = 4;

/// A file that was imported.
pub struct Suite {
    /// The file's, without its endings.
    pub name: String,
    tasks: Vec<SuiteTask>,
    pub refused: Vec<Refused>,
}

struct SuiteTask {
    /// From 1.
    line: usize,
    id: Option<Value>,
    held_out: HeldOutTask,
}

/// A line that is no task.
#[derive(Serialize)]
pub struct Refused {
    /// From 1.
    pub line: usize,
    /// A stable word.
    pub code: String,
    /// For a person.
    pub message: String,
}

/// What became of one task: a line of the results.
#[derive(Serialize)]
pub struct TaskResult<'a> {
    suite: &'a str,
    line: usize,
    id: Option<&'a Value>,
    kind: &'a str,
    samples: usize,
    right: usize,
    /// What the policy was asked, its chat template included.
    prompt: Option<String>,
    /// The first of the attempts.
    completion: Option<&'a str>,
    reason: &'a str,
}

impl Suite {
    /// Imports the first `limit` lines of a file for the environment at `env`.
    pub fn import(path: &Path, map: &[Mapped], envs: &[EnvState], env: usize, limit: usize) -> Result<Self> {
        let mut suite = Self { name: azr_dataset::name(path), tasks: Vec::new(), refused: Vec::new() };
        let mut lines = Vec::new();
        for line in azr_dataset::open_mapped(path, map)? {
            let Line { number, text } = line?;
            lines.push((number, text));
            if lines.len() == LINES_AT_ONCE {
                suite.add(std::mem::take(&mut lines), envs, env);
            }
            if suite.lines() + lines.len() >= limit {
                break;
            }
        }
        suite.add(lines, envs, env);
        if suite.tasks.is_empty() {
            let name = envs[env].name();
            match suite.refused.first() {
                Some(Refused { line, message, .. }) => {
                    bail!("{}: no line is a task of environment {name}; line {line}: {message}", path.display())
                }
                None => bail!("{} holds no lines", path.display()),
            }
        }
        Ok(suite)
    }

    /// Lines that are not blank.
    pub fn lines(&self) -> usize {
        self.tasks.len() + self.refused.len()
    }

    fn add(&mut self, lines: Vec<(usize, String)>, envs: &[EnvState], env: usize) {
        let (numbers, lines): (Vec<usize>, Vec<String>) = lines.into_iter().unzip();
        let imported = envs[env].import_tasks(&lines);
        for ((line, text), imported) in numbers.into_iter().zip(&lines).zip(imported) {
            match imported {
                Ok(Ok(task)) => {
                    let id = azr_dataset::Fields::read(text).ok().and_then(|fields| fields.ids().into_iter().next());
                    let kind = envs[env].kind_index(&task.kind).expect("the sandbox checked that the kind exists");
                    self.tasks.push(SuiteTask { line, id, held_out: HeldOutTask { env, kind, task } });
                }
                Ok(Err(rejection)) => {
                    self.refused.push(Refused { line, code: rejection.code, message: rejection.message });
                }
                Err(fault) => {
                    self.refused.push(Refused { line, code: "fault".into(), message: fault.to_string() });
                }
            }
        }
    }

    /// Measures the policy, by `<environment>/<kind>`. Results are handed to `report` as they come, in the order of the
    /// lines.
    pub fn measure(
        &self,
        envs: &[EnvState],
        (sampler, gather): (&dyn Sampler, &dyn Gather),
        protocol: Protocol,
        config: &RunConfig,
        mut report: impl FnMut(TaskResult) -> Result<()>,
    ) -> Result<BTreeMap<String, KindScores>> {
        let config = protocol.applied_to(config);
        let mut stage = Stage::new(&config, sampler, gather, 0);
        let mut tallies = Vec::<Attempts>::new();
        let tasks_at_once = TASKS_AT_ONCE.max(FILLINGS * config.sampling.rows_max / protocol.samples.max(1));
        for tasks in self.tasks.chunks(tasks_at_once) {
            let held_out: Vec<&HeldOutTask> = tasks.iter().map(|task| &task.held_out).collect();
            let attempted = evaluation::attempt(envs, &held_out, protocol, tallies.len(), &mut stage)?;
            for (task, tally) in tasks.iter().zip(&attempted) {
                report(self.result(task, tally, protocol.samples, sampler)?)?;
            }
            tallies.extend(attempted);
        }
        evaluation::check(stage.faults.tallies(), envs, &config.faults)?;
        let tasks = self.tasks.iter().map(|task| &task.held_out);
        Ok(evaluation::by_kind(envs, tasks.zip(&tallies), protocol.samples))
    }

    /// Of each task.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.tasks.iter().map(|task| &*task.held_out.task.kind)
    }

    /// Lines that are tasks.
    pub fn tasks(&self) -> usize {
        self.tasks.len()
    }

    fn result<'a>(
        &'a self,
        task: &'a SuiteTask,
        tally: &'a Attempts,
        samples: usize,
        sampler: &dyn Sampler,
    ) -> Result<TaskResult<'a>> {
        let (prompt, completion, reason) = match &tally.first {
            Some(FirstAttempt { prompt, completion, reason }) => {
                (Some(sampler.text(prompt)?), Some(&**completion), &**reason)
            }
            None => (
                None,
                None,
                "not attempted: its prompt is longer than sampling.prompt-max-tokens, or could not be made",
            ),
        };
        let SuiteTask { line, id, held_out } = task;
        Ok(TaskResult {
            suite: &self.name,
            line: *line,
            id: id.as_ref(),
            kind: &held_out.task.kind,
            samples,
            right: tally.right,
            prompt,
            completion,
            reason,
        })
    }
}
