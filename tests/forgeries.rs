//! Completions that try to win without being right. None does, and each is refused for the reason that the environment's
//! `forgeries.toml` names.

use azr_core::task::Task;
use azr_sandbox::{Accepted, Attempt, Context, Environment, Judged, Proposal, Rejection, Style, Verdict};
use serde::Deserialize;

/// How many inputs the induction tasks of the corpus have.
const INPUTS: &str = "4";

/// An environment and its corpus.
pub struct Forgeries<'a> {
    env: &'a Environment,
    corpus: Corpus,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    solver: Vec<Entry>,
    proposer: Vec<Entry>,
    harmless: Vec<Entry>,
    honest: Vec<Entry>,
}

/// `python_env/forgeries.toml` says what the fields mean.
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
    fn context(&self, env: &Environment) -> Context {
        let (style, form): (_, &[_]) = match self.style.as_str() {
            "compact" => (Style::Compact, &[]),
            "instruct" => (Style::Instruct, &[]),
            "brief" => (Style::Instruct, &[("wording", "brief")]),
            "published" => (Style::Instruct, &[("protocol", "published")]),
            "published-cot" => (Style::Instruct, &[("protocol", "published"), ("reasoning", "cot")]),
            other => panic!("{}: style {other:?}", self.name),
        };
        let settings = [("induction-inputs", INPUTS)].iter().chain(form);
        let settings: Vec<_> = settings.map(|&(name, value)| (name.into(), value.into())).collect();
        env.context(style, &settings).unwrap()
    }

    fn program(&self) -> &str {
        self.program.as_deref().unwrap_or_else(|| panic!("{}: no program", self.name))
    }
}

/// The tests of a corpus for an environment, which has at least so many forgeries.
macro_rules! corpus_tests {
    ($environment:expr, $corpus:expr, $forgeries:expr) => {
        fn forgeries() -> $crate::forgeries::Forgeries<'static> {
            $crate::forgeries::Forgeries::read(&$environment, $corpus)
        }

        #[test]
        fn the_corpus_is_large_and_names_each_forgery_once() {
            forgeries().are_sound($forgeries);
        }

        #[test]
        fn no_attempt_wins_without_being_right() {
            forgeries().attempts_lose();
        }

        #[test]
        fn no_proposal_is_a_task_that_its_text_is_not() {
            forgeries().proposals_are_rejected();
        }

        #[test]
        fn tasks_by_the_rules_are_accepted_and_solvable() {
            forgeries().harmless_proposals_are_solvable();
        }

        #[test]
        fn honest_completions_win() {
            forgeries().honest_completions_win();
        }
    };
}
pub(crate) use corpus_tests;

impl<'a> Forgeries<'a> {
    pub fn read(env: &'a Environment, corpus: &str) -> Self {
        Self { env, corpus: toml::from_str(corpus).unwrap() }
    }

    /// At least so many forgeries, each named once, and a control for each role, kind and style.
    pub fn are_sound(&self, count: usize) {
        let Corpus { solver, proposer, harmless, honest } = &self.corpus;
        assert!(solver.len() + proposer.len() >= count);
        for entries in [solver, proposer, harmless] {
            let mut names: Vec<_> = entries.iter().map(|entry| (&entry.name, &entry.kind)).collect();
            names.sort();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        }
        assert!(solver.iter().chain(proposer).all(|entry| entry.refusal.is_some()));
        assert!(harmless.iter().all(|entry| entry.why.is_some()));
        let mut controls: Vec<_> = honest.iter().map(|e| (&e.role, &e.kind, &e.style)).collect();
        controls.sort();
        controls.dedup();
        assert_eq!(controls.len(), 16);
    }

    pub fn attempts_lose(&self) {
        let attempts: Vec<&Entry> = self.corpus.solver.iter().collect();
        compare(&attempts, attempts.iter().map(|entry| self.lost(entry)).collect());
    }

    pub fn proposals_are_rejected(&self) {
        let proposals: Vec<&Entry> = self.corpus.proposer.iter().collect();
        compare(&proposals, proposals.iter().map(|entry| rejected(&self.proposed(entry))).collect());
    }

    pub fn harmless_proposals_are_solvable(&self) {
        for entry in &self.corpus.harmless {
            let judged = self.proposed(entry);
            assert_eq!(rejected(&judged), None, "{}", entry.name);
            let answer = entry.answer.as_deref().unwrap();
            assert_eq!(
                lost(self.verdict(entry, judged.conclusion.unwrap().task.into(), answer)),
                None,
                "{}",
                entry.name
            );
        }
    }

    pub fn honest_completions_win(&self) {
        let (proposals, attempts): (Vec<_>, Vec<_>) =
            self.corpus.honest.iter().partition(|entry| entry.role.as_deref() == Some("proposer"));
        compare(&proposals, proposals.iter().map(|entry| rejected(&self.proposed(entry))).collect());
        compare(&attempts, attempts.iter().map(|entry| self.lost(entry)).collect());
    }

    fn proposed(&self, entry: &Entry) -> Judged<Result<Accepted, Rejection>> {
        let references = entry.program.iter().map(|program| {
            let body = serde_json::json!({ "input": "1", "output": "1", "program": program }).to_string();
            Task { kind: "deduction".into(), body: body.into() }
        });
        let completion = expanded(&entry.completion);
        let proposal = Proposal { kind: entry.kind.clone(), references: references.collect(), completion };
        self.env.validate(&entry.context(self.env), &[proposal]).remove(0).unwrap()
    }

    fn lost(&self, entry: &Entry) -> Option<String> {
        lost(self.verdict(entry, self.task(entry), &entry.completion))
    }

    /// The task that an entry is an attempt at, proposed honestly.
    fn task(&self, entry: &Entry) -> Task {
        let inputs = entry.inputs.join("<input>");
        let completion = match entry.kind.as_str() {
            "induction" => inputs,
            _ => format!("{}<input>{inputs}", entry.program()),
        };
        let honest = Entry { style: "compact".into(), completion, ..entry.clone() };
        let conclusion = self.proposed(&honest).conclusion;
        conclusion.unwrap_or_else(|rejection| panic!("{}: {rejection:?}", entry.name)).task.into()
    }

    fn verdict(&self, entry: &Entry, task: Task, completion: &str) -> Verdict {
        let attempt = Attempt { task, completion: expanded(completion) };
        let judged = self.env.verify(&entry.context(self.env), &[attempt]).remove(0);
        judged.unwrap_or_else(|fault| panic!("{}: {fault}", entry.name)).conclusion
    }
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
fn compare(entries: &[&Entry], refusals: Vec<Option<String>>) {
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
