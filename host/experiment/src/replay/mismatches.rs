//! Rows that differ from what was recorded.

use std::{collections::BTreeMap, fmt::Debug};

use serde::Serialize;

use super::Compared;
use crate::ledger::{Concluded, LedgerRow};
use azr_core::task::Digest;
use azr_sandbox::RunRow;
use azr_selfplay::faults::Whose;

/// Examples that are described in words.
const EXAMPLES_MAX: usize = 10;
/// Characters of a text in an example.
const TEXT_MAX_CHARS: usize = 200;

/// What a replay found.
#[derive(Debug, Default, Serialize)]
pub struct Mismatches {
    pub rows: usize,
    pub runs: usize,
    /// Rows in which anything differs.
    pub mismatched_rows: usize,
    /// How many rows differ in what.
    pub differences: BTreeMap<&'static str, usize>,
    /// Rows that the host had failed to judge: they hold nothing to compare with.
    pub not_judged_then: usize,
    /// Rows that the host failed to judge now.
    pub not_judged_now: usize,
    /// The first mismatches in words.
    pub examples: Vec<String>,
}

impl Mismatches {
    /// Takes a row in.
    pub fn add(&mut self, Compared { line, recorded, now }: &Compared) {
        self.rows += 1;
        self.runs += now.runs.len();
        if let Concluded::Fault(cause) = &now.conclusion
            && cause.whose == Whose::Host
        {
            let then = recorded.conclusion == now.conclusion;
            *(if then { &mut self.not_judged_then } else { &mut self.not_judged_now }) += 1;
            return;
        }
        let differences = differences(recorded, now);
        if differences.is_empty() {
            return;
        }
        self.mismatched_rows += 1;
        for (what, _) in &differences {
            *self.differences.entry(what).or_default() += 1;
        }
        if self.examples.len() < EXAMPLES_MAX {
            let LedgerRow { step, env, kind, role, .. } = recorded;
            let what: Vec<String> = differences.into_iter().map(|(what, how)| format!("{what}: {how}")).collect();
            self.examples.push(format!("line {line} (step {step}, {env}/{kind}, {role:?}): {}", what.join("; ")));
        }
    }

    /// Whether every row equals what was recorded.
    pub fn none(&self) -> bool {
        self.mismatched_rows == 0 && self.not_judged_now == 0
    }
}

/// What differs, and how.
fn differences(recorded: &LedgerRow, now: &LedgerRow) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut compare = |what, same: bool, was: &dyn Debug, is: &dyn Debug| {
        if !same {
            found.push((what, format!("recorded {}, now {}", brief(was), brief(is))));
        }
    };
    let written = Digest::of(&recorded.completion);
    compare("completion", recorded.completion_digest == written, &recorded.completion_digest, &written);
    compare("terms", recorded.fingerprint == now.fingerprint, &recorded.fingerprint, &now.fingerprint);
    compare("plan", recorded.plan == now.plan, &recorded.plan, &now.plan);
    let outcomes =
        |row: &LedgerRow| -> Vec<String> { row.runs.iter().map(|run| format!("{:?}", run.outcomes)).collect() };
    let executors = |row: &LedgerRow| -> Vec<u32> { row.runs.iter().map(|run: &RunRow| run.executor).collect() };
    let (was, is) = (outcomes(recorded), outcomes(now));
    compare("outcome", was == is && executors(recorded) == executors(now), &was, &is);
    let fuel = |row: &LedgerRow| -> Vec<u64> { row.runs.iter().map(|run| run.fuel).collect() };
    compare("fuel", fuel(recorded) == fuel(now), &fuel(recorded), &fuel(now));
    let conclusions = (&recorded.conclusion, &now.conclusion);
    compare("verdict", conclusions.0 == conclusions.1, conclusions.0, conclusions.1);
    compare("task", recorded.task == now.task, &recorded.task, &now.task);
    compare("reward", recorded.reward == now.reward, &recorded.reward, &now.reward);
    found
}

/// A value in few characters, none of which means anything to a terminal.
pub(super) fn brief(value: &dyn Debug) -> String {
    let text = format!("{value:?}");
    let cut = text.char_indices().nth(TEXT_MAX_CHARS).map(|(end, _)| end);
    cut.map_or_else(|| text.clone(), |end| format!("{}…", &text[..end]))
}
