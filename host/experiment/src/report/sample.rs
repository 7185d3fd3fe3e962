//! The tasks and verdicts that the page shows: all of them, or a bounded sample of a large ledger.
//!
//! The sample is stratified, so that rare things (dropped attempts, say) stay visible, and
//! follows tasks: a row is chosen by the hash of its task, so that the proposal, the measuring attempts and the later
//! attempts of a chosen task come together. It depends on the files alone.

use std::{
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap},
    path::Path,
};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lines;
use azr_core::task::Digest;

/// Verdicts in a page: enough to browse, and a page under 15 MB even where completions are long.
const VERDICTS_MAX: usize = 3000;
/// Of those, verdicts that are alike in environment, kind, purpose and class.
const ALIKE_MAX: usize = 100;
/// Bytes of one text. A page is for looking; the ledger has the whole.
const TEXT_MAX_BYTES: usize = 4000;
/// Runs listed for one verdict.
const RUNS_MAX: usize = 16;

#[derive(Serialize)]
pub(super) struct Sample {
    verdicts: Vec<Shown>,
    /// How many verdicts the ledger has, by class.
    verdict_counts: BTreeMap<Class, u64>,
    tasks: Vec<ShownTask>,
    /// How many tasks entered a buffer.
    task_count: u64,
}

/// A row of `ledger.jsonl`.
#[derive(Deserialize)]
struct SampledRow {
    step: u64,
    env: String,
    kind: String,
    role: String,
    purpose: String,
    task: Option<String>,
    #[serde(default)]
    completion: String,
    reward: Option<f64>,
    conclusion: Value,
    #[serde(default)]
    runs: Vec<RowRun>,
}

#[derive(Deserialize)]
struct RowRun {
    executor: u64,
    outcomes: Vec<Value>,
    fuel: u64,
}

/// A row of `tasks.jsonl`.
#[derive(Deserialize)]
struct SampledTask {
    id: String,
    env: String,
    kind: String,
    body: String,
    step: u64,
}

/// A verdict as the page shows it.
#[derive(Serialize)]
struct Shown {
    step: u64,
    env: String,
    kind: String,
    role: String,
    purpose: String,
    class: Class,
    task: Option<String>,
    completion: String,
    reward: Option<f64>,
    answer: String,
    reason: String,
    runs: Vec<ShownRun>,
    runs_left_out: usize,
}

#[derive(Serialize)]
struct ShownRun {
    executor: u64,
    outcomes: String,
    fuel: u64,
}

#[derive(Serialize)]
struct ShownTask {
    id: String,
    env: String,
    kind: String,
    body: String,
    step: u64,
    attempts: u64,
    right: u64,
}

/// A conclusion in one word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Class {
    Right,
    /// A score between 0 and 1.
    Partial,
    Wrong,
    Malformed,
    Accepted,
    /// Accepted, and known before.
    Duplicate,
    Rejected,
    /// Not judged, or not to be learned from.
    Dropped,
    /// A conclusion that this version does not know.
    Other,
}

#[derive(Default)]
struct Tally {
    attempts: u64,
    right: u64,
}

impl Sample {
    pub(super) fn read(tasks: &Path, ledger: &Path, notices: &mut Vec<String>) -> Result<Self> {
        let mut verdict_counts = BTreeMap::new();
        let mut tallies: HashMap<String, Tally> = HashMap::new();
        let mut strata = Strata::new();
        lines::for_each(ledger, notices, |number, row: SampledRow| {
            let class = Class::of(&row.conclusion);
            *verdict_counts.entry(class).or_default() += 1;
            if let (Some(task), "solver") = (&row.task, row.role.as_str()) {
                let tally = tallies.entry(task.clone()).or_default();
                tally.attempts += 1;
                tally.right += u64::from(class == Class::Right);
            }
            let stratum = (row.env.clone(), row.kind.clone(), row.purpose.clone(), class);
            let group = row.task.clone().unwrap_or_else(|| number.to_string());
            strata.offer(stratum, Priority::of(&group, number), row);
        })?;
        let alike_max = (VERDICTS_MAX / strata.len().max(1)).clamp(1, ALIKE_MAX);
        let verdicts: Vec<Shown> = strata.into_sample(alike_max).into_iter().map(Shown::from).collect();

        let referenced: BTreeSet<String> = verdicts.iter().filter_map(|verdict| verdict.task.clone()).collect();
        let mut task_count = 0;
        let mut kept: Vec<SampledTask> = Vec::new();
        let mut others = Strata::new();
        lines::for_each(tasks, notices, |number, row: SampledTask| {
            task_count += 1;
            if referenced.contains(&row.id) {
                kept.push(row);
            } else {
                others.offer((row.env.clone(), row.kind.clone()), Priority::of(&row.id, number), row);
            }
        })?;
        kept.extend(others.into_sample(alike_max));
        kept.sort_by(|a, b| (a.step, &a.id).cmp(&(b.step, &b.id)));
        let tasks = kept.into_iter().map(|row| ShownTask::new(row, &tallies)).collect();
        Ok(Self { verdicts, verdict_counts, tasks, task_count })
    }
}

impl Class {
    fn of(conclusion: &Value) -> Self {
        if let Some(verdict) = conclusion.get("verdict") {
            let score = verdict["score"].as_f64().unwrap_or(0.0);
            return match verdict["well_formed"].as_bool() {
                Some(false) => Self::Malformed,
                _ if score >= 1.0 => Self::Right,
                _ if score > 0.0 => Self::Partial,
                _ => Self::Wrong,
            };
        }
        let has = |key| conclusion.get(key).is_some();
        match () {
            () if conclusion["accepted"]["standing"] == "duplicate" => Self::Duplicate,
            () if conclusion["accepted"]["standing"] == "held-out" => Self::Dropped,
            () if has("accepted") => Self::Accepted,
            () if has("rejection") => Self::Rejected,
            () if has("fault") => Self::Dropped,
            () => Self::Other,
        }
    }
}

impl From<SampledRow> for Shown {
    fn from(row: SampledRow) -> Self {
        let SampledRow { step, env, kind, role, purpose, task, completion, reward, conclusion, mut runs } = row;
        let class = Class::of(&conclusion);
        let text = |pointer| conclusion.pointer(pointer).and_then(Value::as_str).unwrap_or("");
        let reason = match class {
            Class::Right | Class::Partial | Class::Wrong | Class::Malformed => text("/verdict/reason").to_owned(),
            Class::Rejected => format!("{}: {}", text("/rejection/code"), text("/rejection/message")),
            Class::Dropped if conclusion.get("fault").is_some() => text("/fault/cause").to_owned(),
            Class::Dropped => "its subject is held out".to_owned(),
            Class::Accepted | Class::Duplicate => String::new(),
            Class::Other => conclusion.to_string(),
        };
        let runs_left_out = runs.len().saturating_sub(RUNS_MAX);
        runs.truncate(RUNS_MAX);
        let runs = runs.into_iter().map(ShownRun::from).collect();
        let answer = clipped(text("/verdict/answer").to_owned());
        let (completion, reason) = (clipped(completion), clipped(reason));
        Self { step, env, kind, role, purpose, class, task, completion, reward, answer, reason, runs, runs_left_out }
    }
}

impl From<RowRun> for ShownRun {
    fn from(RowRun { executor, outcomes, fuel }: RowRun) -> Self {
        let outcomes: Vec<String> = outcomes.iter().map(outcome_text).collect();
        Self { executor, outcomes: clipped(outcomes.join("\n")), fuel }
    }
}

/// An outcome in a line: its name and what comes with it.
fn outcome_text(outcome: &Value) -> String {
    let named = outcome.as_object().and_then(|entries| entries.iter().next());
    match (outcome, named) {
        (Value::String(name), _) => name.clone(),
        (_, Some((name, Value::String(text)))) => format!("{name}: {text}"),
        (_, Some((name, Value::Array(texts)))) => {
            let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
            format!("{name}: {}", texts.join(": "))
        }
        _ => outcome.to_string(),
    }
}

impl ShownTask {
    fn new(row: SampledTask, tallies: &HashMap<String, Tally>) -> Self {
        let SampledTask { id, env, kind, body, step } = row;
        let (attempts, right) = tallies.get(&id).map_or((0, 0), |tally| (tally.attempts, tally.right));
        Self { id, env, kind, body: clipped(body), step, attempts, right }
    }
}

/// At most `TEXT_MAX_BYTES` of `text`, and how much was cut.
fn clipped(mut text: String) -> String {
    let end = text.floor_char_boundary(TEXT_MAX_BYTES);
    let cut = text.len() - end;
    if cut > 0 {
        text.truncate(end);
        text.push_str(&format!("… [{cut} more bytes in the ledger]"));
    }
    text
}

/// The order in which rows are kept: as good as random, the same for every row of a group, and in the order of lines
/// within it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Priority {
    group: [u8; 32],
    line: u64,
}

impl Priority {
    fn of(group: &str, line: u64) -> Self {
        Self { group: Digest::of(group).0, line }
    }
}

/// The rows with the smallest priorities of each stratum.
struct Strata<K, T> {
    strata: BTreeMap<K, BinaryHeap<Entry<T>>>,
}

struct Entry<T> {
    priority: Priority,
    row: T,
}

impl<K: Ord, T> Strata<K, T> {
    fn new() -> Self {
        Self { strata: BTreeMap::new() }
    }

    fn len(&self) -> usize {
        self.strata.len()
    }

    fn offer(&mut self, stratum: K, priority: Priority, row: T) {
        let heap = self.strata.entry(stratum).or_default();
        heap.push(Entry { priority, row });
        if heap.len() > ALIKE_MAX {
            heap.pop();
        }
    }

    /// At most `alike_max` rows of each stratum, in the order of their lines.
    fn into_sample(self, alike_max: usize) -> Vec<T> {
        let strata = self.strata.into_values();
        let mut kept: Vec<_> = strata.flat_map(|heap| heap.into_sorted_vec().into_iter().take(alike_max)).collect();
        kept.sort_by_key(|entry| entry.priority.line);
        kept.into_iter().map(|entry| entry.row).collect()
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.priority == other.priority
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.priority.cmp(&other.priority)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conclusions_fall_into_classes() {
        let verdict =
            |score: f64, well_formed: bool| json!({ "verdict": { "score": score, "well_formed": well_formed } });
        assert_eq!(Class::of(&verdict(1.0, true)), Class::Right);
        assert_eq!(Class::of(&verdict(0.5, true)), Class::Partial);
        assert_eq!(Class::of(&verdict(0.0, true)), Class::Wrong);
        assert_eq!(Class::of(&verdict(0.0, false)), Class::Malformed);
        assert_eq!(Class::of(&json!({ "accepted": {} })), Class::Accepted);
        assert_eq!(Class::of(&json!({ "rejection": { "code": "x" } })), Class::Rejected);
        assert_eq!(Class::of(&json!({ "accepted": { "standing": "duplicate" } })), Class::Duplicate);
        assert_eq!(Class::of(&json!({ "accepted": { "standing": "held-out" } })), Class::Dropped);
        assert_eq!(Class::of(&json!({ "fault": { "cause": "x" } })), Class::Dropped);
    }

    #[test]
    fn outcomes_are_said_in_a_line() {
        assert_eq!(outcome_text(&json!("out-of-fuel")), "out-of-fuel");
        assert_eq!(outcome_text(&json!({ "value": "l1:i3;" })), "value: l1:i3;");
        let thrown = json!({ "thrown": ["ValueError", "x"] });
        assert_eq!(outcome_text(&thrown), "thrown: ValueError: x");
    }

    #[test]
    fn long_texts_are_cut_between_characters_and_say_so() {
        let text = clipped("é".repeat(TEXT_MAX_BYTES));
        assert_eq!(text, format!("{}… [{TEXT_MAX_BYTES} more bytes in the ledger]", "é".repeat(TEXT_MAX_BYTES / 2)));
        assert_eq!(clipped("short".into()), "short");
    }

    #[test]
    fn rows_of_a_group_are_kept_together() {
        let mut strata = Strata::new();
        for line in 0..1000 {
            strata.offer((), Priority::of(&format!("task {}", line % 50), line), line);
        }
        let sample = strata.into_sample(40);
        let tasks: BTreeSet<u64> = sample.iter().map(|line| line % 50).collect();
        assert_eq!((sample.len(), tasks.len()), (40, 2));
        assert!(sample.is_sorted());
    }
}
