//! Counts of samples by kind and role.

use std::{collections::BTreeMap, fmt};

use azr_core::role::Role;
use serde::Serialize;

/// A completion and what came of it.
pub struct Sample<'a> {
    pub prompt: &'a [u32],
    pub completion: &'a str,
    pub tokens: usize,
    /// It reached the longest length.
    pub cut: bool,
    pub well_formed: bool,
    /// A proposal that is a task, an attempt that is right.
    pub right: bool,
    /// A proposed task that some of its attempts solved, and not all.
    pub learnable: bool,
    pub reason: String,
}

/// By kind and role.
#[derive(Default, Serialize)]
#[serde(transparent)]
pub struct Tallies(BTreeMap<String, BTreeMap<Role, Tally>>);

#[derive(Default, Serialize)]
struct Tally {
    samples: usize,
    well_formed: usize,
    right: usize,
    learnable: usize,
    cut: usize,
    tokens: usize,
    /// Of the samples that are not right.
    reasons: BTreeMap<String, usize>,
}

/// Reasons are counted by their first words: the rest names values.
const REASON_MAX_CHARS: usize = 72;

impl Tallies {
    /// Counts a sample, and says how many there were before it.
    pub fn add(&mut self, label: &str, role: Role, sample: &Sample) -> usize {
        let tally = self.0.entry(label.to_owned()).or_default().entry(role).or_default();
        let before = tally.samples;
        tally.samples += 1;
        tally.well_formed += usize::from(sample.well_formed);
        tally.right += usize::from(sample.right);
        tally.learnable += usize::from(sample.learnable);
        tally.cut += usize::from(sample.cut);
        tally.tokens += sample.tokens;
        if !sample.right {
            *tally.reasons.entry(in_short(&sample.reason)).or_default() += 1;
        }
        before
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A reason without digits and quoted values, by which no two would be the same.
fn in_short(reason: &str) -> String {
    let first = reason.lines().next().unwrap_or("");
    let unquoted = first.split(['"', '`']).step_by(2).collect::<Vec<_>>().join("…");
    let numberless: String = unquoted.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
    let short = numberless.replace("##", "#").replace("##", "#");
    match short.char_indices().nth(REASON_MAX_CHARS) {
        Some((end, _)) => format!("{}…", &short[..end]),
        None => short,
    }
}

impl fmt::Display for Tallies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows =
            || self.0.iter().flat_map(|(label, roles)| roles.iter().map(move |(role, tally)| (label, role, tally)));
        let width = rows().map(|(label, role, _)| label.len() + role.to_string().len() + 2).max().unwrap_or(0);
        writeln!(
            f,
            "{:<width$}{:>9}{:>13}{:>14}{:>11}{:>7}{:>9}",
            "", "samples", "well-formed", "valid, right", "learnable", "cut", "tokens"
        )?;
        for (label, role, tally) in rows() {
            let share = |count: usize| format!("{:.0} %", 100.0 * count as f64 / tally.samples as f64);
            let learnable = if *role == Role::Proposer { share(tally.learnable) } else { String::new() };
            writeln!(
                f,
                "{:<width$}{:>9}{:>13}{:>14}{:>11}{:>7}{:>9}",
                format!("{label} {role}"),
                tally.samples,
                share(tally.well_formed),
                share(tally.right),
                learnable,
                share(tally.cut),
                tally.tokens / tally.samples,
            )?;
        }
        for (label, role, Tally { reasons, .. }) in rows() {
            let mut reasons: Vec<(&String, &usize)> = reasons.iter().collect();
            reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            for (reason, count) in reasons.into_iter().take(8) {
                writeln!(f, "  {count:>4}  {label} {role}: {reason}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted_without_their_values() {
        for (reason, short) in [
            ("no-input: the answer has no input", "no-input: the answer has no input"),
            ("hidden input 12: \"abc\" is not 7", "hidden input #: … is not #"),
            ("first\nsecond", "first"),
        ] {
            assert_eq!(in_short(reason), short);
        }
        assert_eq!(in_short(&"x".repeat(100)).chars().count(), REASON_MAX_CHARS + 1);
    }
}
