//! Completions that try to win without being right. None does, and each is refused for the reason that `forgeries.toml`
//! names.

use azr_host::sandbox::{Accepted, Attempt, Context, Judged, Proposal, Rejection, Style, Verdict};
use azr_host::task::Task;
use serde::Deserialize;

use super::{PYTHON, validate};

/// How many inputs the induction tasks of the corpus have.
const INPUTS: &str = "4";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    solver: Vec<Entry>,
    proposer: Vec<Entry>,
    harmless: Vec<Entry>,
    honest: Vec<Entry>,
}

/// `forgeries.toml` says what the fields mean.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    name: String,
    role: Option<String>,
    kind: String,
    style: String,
    program: Option<String>,
    #[serde(default)]
    inputs: Vec<String>,
    completion: String,
    refusal: Option<String>,
    why: Option<String>,
    answer: Option<String>,
}

impl Entry {
    fn context(&self) -> Context {
        let style = match self.style.as_str() {
            "compact" => Style::Compact,
            "instruct" => Style::Instruct,
            other => panic!("{}: style {other:?}", self.name),
        };
        PYTHON.context(style, &[("induction-inputs".into(), INPUTS.into())]).unwrap()
    }

    fn program(&self) -> &str {
        self.program.as_deref().unwrap_or_else(|| panic!("{}: no program", self.name))
    }
}

fn corpus() -> Corpus {
    toml::from_str(include_str!("forgeries.toml")).unwrap()
}

/// `{x×1000}` stands for a thousand `x`.
fn expanded(completion: &str) -> String {
    let expand = || {
        let (before, rest) = completion.split_once('×')?;
        let (text_start, (count, after)) = (before.rfind('{')?, rest.split_once('}')?);
        let repeated = before[text_start + 1..].repeat(count.parse().ok()?);
        Some(format!("{}{repeated}{after}", &before[..text_start]))
    };
    expand().unwrap_or_else(|| completion.to_owned())
}

fn proposals(entries: &[Entry]) -> Vec<Judged<Result<Accepted, Rejection>>> {
    let judged = |entry: &Entry| {
        let references = entry.program.iter().map(|program| {
            let body = serde_json::json!({ "input": "1", "output": "1", "program": program }).to_string();
            Task { kind: "deduction".into(), body }
        });
        let completion = expanded(&entry.completion);
        let proposal = Proposal { kind: entry.kind.clone(), references: references.collect(), completion };
        validate(&entry.context(), &[proposal]).remove(0)
    };
    entries.iter().map(judged).collect()
}

/// The task that an entry is an attempt at, proposed honestly.
fn task(entry: &Entry) -> Task {
    let inputs = entry.inputs.join("<input>");
    let completion = match entry.kind.as_str() {
        "induction" => inputs,
        _ => format!("{}<input>{inputs}", entry.program()),
    };
    let honest = Entry { style: "compact".into(), completion, ..entry.clone() };
    let judged = proposals(&[honest]).remove(0);
    judged.conclusion.unwrap_or_else(|rejection| panic!("{}: {rejection:?}", entry.name)).task.into()
}

fn verdict(entry: &Entry, task: Task, completion: &str) -> Verdict {
    let attempt = Attempt { task, completion: expanded(completion) };
    let judged = PYTHON.verify(&entry.context(), &[attempt]).remove(0);
    judged.unwrap_or_else(|fault| panic!("{}: {fault}", entry.name)).conclusion
}

/// Why a proposal is refused; nothing where it is a task.
fn rejected(judged: &Judged<Result<Accepted, Rejection>>) -> Option<String> {
    match &judged.conclusion {
        Err(Rejection { code, message }) => Some(format!("{code}: {message}")),
        Ok(accepted) => (!accepted.well_formed).then(|| "malformed".to_owned()),
    }
}

/// Why an attempt gets nothing; nothing where it wins. A score between 0 and 1 would be half a win.
fn lost(verdict: Verdict) -> Option<String> {
    match (verdict.score, verdict.well_formed) {
        (0.0, _) => Some(verdict.reason),
        (_, false) => Some("malformed".to_owned()),
        (_, true) => None,
    }
}

/// Compares all, so that one run shows every difference.
fn compare(entries: &[Entry], refusals: Vec<Option<String>>) {
    let mut different = String::new();
    for (Entry { name, kind, style, refusal: expected, .. }, found) in entries.iter().zip(refusals) {
        let same = match (expected, &found) {
            (Some(expected), Some(found)) => match expected.strip_suffix('…') {
                Some(beginning) => found.starts_with(beginning),
                None => found == expected,
            },
            (expected, found) => expected == found,
        };
        if !same {
            different += &format!("{name} ({kind}, {style})\n  expected {expected:?}\n  found    {found:?}\n");
        }
    }
    assert!(different.is_empty(), "\n{different}");
}

#[test]
fn the_corpus_is_large_and_names_each_forgery_once() {
    let Corpus { solver, proposer, harmless, honest } = corpus();
    assert!(solver.len() + proposer.len() >= 80);
    for entries in [&solver, &proposer, &harmless] {
        let mut names: Vec<_> = entries.iter().map(|entry| (&entry.name, &entry.kind)).collect();
        names.sort();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }
    assert!(solver.iter().chain(&proposer).all(|entry| entry.refusal.is_some()));
    assert!(harmless.iter().all(|entry| entry.why.is_some()));
    let mut controls: Vec<_> = honest.iter().map(|e| (&e.role, &e.kind, &e.style)).collect();
    controls.sort();
    controls.dedup();
    assert_eq!(controls.len(), 12, "a control for each role, kind and style");
}

#[test]
fn no_attempt_wins_without_being_right() {
    let entries = corpus().solver;
    let refusals = entries.iter().map(|entry| lost(verdict(entry, task(entry), &entry.completion))).collect();
    compare(&entries, refusals);
}

#[test]
fn no_proposal_is_a_task_that_its_text_is_not() {
    let entries = corpus().proposer;
    let refusals = proposals(&entries).iter().map(rejected).collect();
    compare(&entries, refusals);
}

#[test]
fn tasks_by_the_rules_are_accepted_and_solvable() {
    let entries = corpus().harmless;
    for (entry, judged) in entries.iter().zip(proposals(&entries)) {
        assert_eq!(rejected(&judged), None, "{}", entry.name);
        let task = judged.conclusion.unwrap().task.into();
        let answer = entry.answer.as_deref().unwrap();
        assert_eq!(lost(verdict(entry, task, answer)), None, "{}", entry.name);
    }
}

#[test]
fn honest_completions_win() {
    let (proposer, solver): (Vec<_>, Vec<_>) =
        corpus().honest.into_iter().partition(|entry| entry.role.as_deref() == Some("proposer"));
    compare(&proposer, proposals(&proposer).iter().map(rejected).collect());
    let lost = solver.iter().map(|entry| lost(verdict(entry, task(entry), &entry.completion))).collect();
    compare(&solver, lost);
}
