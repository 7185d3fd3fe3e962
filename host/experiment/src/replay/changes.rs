//! What another judge, or other settings, would have concluded.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Compared, mismatches::brief};
use crate::ledger::{Concluded, LedgerRow};
use azr_core::role::Role;
use azr_selfplay::validate::Novelty;

/// Examples that are described in words.
const EXAMPLES_MAX: usize = 20;

/// What changes, by `<environment>/<kind>/<role>`.
#[derive(Debug, Default, Serialize)]
pub struct Changes {
    pub rows: usize,
    pub groups: BTreeMap<String, GroupChanges>,
    /// The first changed conclusions in words.
    pub examples: Vec<String>,
}

/// What changes for the rows of one kind and role.
#[derive(Debug, Default, Serialize)]
pub struct GroupChanges {
    pub rows: usize,
    /// Conclusions that changed, as `right → wrong`.
    pub conclusions: BTreeMap<String, usize>,
    /// Rows with the same conclusion but another reason, answer or task.
    pub details: usize,
    /// Rows whose runs were planned or came out otherwise.
    pub runs: usize,
    /// Rows whose reward changed.
    pub rewards: usize,
    /// Rows that had a reward and have one now, the sum of both.
    pub rewarded: usize,
    pub reward_sum_then: f64,
    pub reward_sum_now: f64,
}

impl Changes {
    /// Takes a row in.
    pub fn add(&mut self, Compared { line, recorded, now }: &Compared) {
        self.rows += 1;
        let LedgerRow { step, env, kind, role, .. } = recorded;
        let role = if *role == Role::Proposer { "proposer" } else { "solver" };
        let group = self.groups.entry(format!("{env}/{kind}/{role}")).or_default();
        group.rows += 1;
        let (was, is) = (class(&recorded.conclusion), class(&now.conclusion));
        let changed = was != is;
        if changed {
            *group.conclusions.entry(format!("{was} → {is}")).or_default() += 1;
        } else if recorded.conclusion != now.conclusion || recorded.task != now.task {
            group.details += 1;
        }
        group.runs += usize::from(recorded.plan != now.plan || recorded.runs != now.runs);
        group.rewards += usize::from(recorded.reward != now.reward);
        if let (Some(then), Some(now)) = (recorded.reward, now.reward) {
            group.rewarded += 1;
            group.reward_sum_then += then;
            group.reward_sum_now += now;
        }
        if changed && self.examples.len() < EXAMPLES_MAX {
            let reward = |row: &LedgerRow| row.reward.map_or("none".to_owned(), |reward| format!("{reward:.3}"));
            self.examples.push(format!(
                "line {line} (step {step}, {env}/{kind}/{role}): {was} → {is}, because {}; reward {} → {}; completion {}",
                reason(&now.conclusion),
                reward(recorded),
                reward(now),
                brief(&recorded.completion),
            ));
        }
    }
}

/// A conclusion in a word or two.
fn class(conclusion: &Concluded) -> String {
    match conclusion {
        Concluded::Verdict(verdict) if !verdict.well_formed => format!("malformed ({})", verdict.score),
        Concluded::Verdict(verdict) if verdict.score >= 1.0 => "right".into(),
        Concluded::Verdict(verdict) if verdict.score > 0.0 => format!("{:.2} right", verdict.score),
        Concluded::Verdict(_) => "wrong".into(),
        Concluded::Accepted { well_formed, novelty, measures: _ } => {
            let novelty = match novelty {
                Novelty::Novel | Novelty::Familiar => "task",
                Novelty::Duplicate => "duplicate",
                Novelty::HeldOut => "held-out",
            };
            if *well_formed { novelty.into() } else { format!("malformed {novelty}") }
        }
        Concluded::Rejection(rejection) => format!("rejected ({})", rejection.code),
        Concluded::Fault(_) => "fault".into(),
    }
}

fn reason(conclusion: &Concluded) -> String {
    match conclusion {
        Concluded::Verdict(verdict) => brief(&verdict.reason),
        Concluded::Accepted { .. } => "it is accepted".into(),
        Concluded::Rejection(rejection) => brief(&rejection.message),
        Concluded::Fault(cause) => brief(&cause.cause),
    }
}
