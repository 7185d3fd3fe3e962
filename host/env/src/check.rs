//! What can be known about an environment without a model: that it keeps its promises, that right answers score, and
//! that nothing else does.
//!
//! Completions come from three sources: the environment's own examples, garbage, and right examples changed so that no
//! judge may fall for them. One garbage answer can be right by chance; rules ask what happens to most tasks of a kind.

mod probes;

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::demonstrate::{Demonstrations, demonstrate};
use azr_core::task::Task;
use azr_sandbox::{
    Accepted, Attempt, CallFuel, Context, Environment, Example, Examples, ExecutedRun, Expectation, Fault, Judged,
    Kind, Prompt, Proposal, Rejection, SequencePart, Style, Verdict,
};

/// Tasks of each kind that completions are tried on.
const TASKS_MAX: usize = 16;
/// Tasks of a generated sequence that are looked at.
const GENERATED: usize = 64;
/// With fewer cases than this, "most of them" says nothing.
const CASES_MIN: usize = 4;

/// What was looked at under one heading, and what was wrong.
#[derive(Debug)]
pub struct Check {
    pub name: &'static str,
    /// What there was to look at, and how much of it.
    pub seen: String,
    /// One sentence each.
    pub problems: Vec<String>,
}

/// Everything that was found out.
#[derive(Debug)]
pub struct Findings {
    pub checks: Vec<Check>,
    /// Of each run of a program, ascending.
    pub run_fuel: Vec<u64>,
    /// Of each call of the judge, ascending, by exported function.
    pub judge_fuel: BTreeMap<&'static str, Vec<u64>>,
    /// What one call of the judge may use.
    pub judge_fuel_max: u64,
}

/// Checks an environment in both styles. No prompt may have more than `prompt_max_chars` characters.
pub fn check<'a>(env: &'a Environment, prompt_max_chars: usize) -> Findings {
    let mut examiners = [("compact", Style::Compact), ("instruct", Style::Instruct)]
        .map(|(name, style)| Examiner::new(env, name, style, prompt_max_chars));
    let headings: [(&str, &str, Look<'a>); 8] = [
        ("examples", "completions whose worth the author states", Examiner::examples),
        ("demonstrations", "demonstrated attempts and proposals", Examiner::demonstrations),
        ("tasks", "tasks", Examiner::tasks),
        ("prompts", "prompts", Examiner::prompts),
        ("garbage", "attempts that answer nothing", Examiner::garbage),
        ("near misses", "attempts made from right ones", Examiner::near_misses),
        ("proposals", "proposals that propose nothing", Examiner::proposals),
        ("sources", "generated tasks and lines of data sets", Examiner::sources),
    ];
    let checks = headings.map(|(name, of, look)| {
        let count: usize = examiners.iter_mut().map(look).sum();
        let problems = examiners.iter_mut().flat_map(|examiner| examiner.problems.drain(..)).collect();
        Check { name, seen: format!("{count} {of}"), problems }
    });
    let mut run_fuel: Vec<u64> = examiners.into_iter().flat_map(|examiner| examiner.run_fuel).collect();
    run_fuel.sort_unstable();
    let (calls, judge_fuel_max) = env.take_judge_fuel();
    let mut judge_fuel: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    for CallFuel { function, fuel } in calls {
        judge_fuel.entry(function).or_default().push(fuel);
    }
    judge_fuel.values_mut().for_each(|fuel| fuel.sort_unstable());
    Findings { checks: checks.into(), run_fuel, judge_fuel, judge_fuel_max }
}

/// What is done under a heading. Returns how many things were looked at.
type Look<'a> = fn(&mut Examiner<'a>) -> usize;

/// A right attempt, and the answer that the judge finds in it.
struct Oracle {
    attempt: Attempt,
    answer: String,
}

/// Looks at an environment in one style.
struct Examiner<'a> {
    env: &'a Environment,
    style: &'static str,
    ctx: Context,
    prompt_max_chars: usize,
    examples: Examples,
    /// By kind, as is what follows.
    tasks: BTreeMap<String, Vec<Task>>,
    oracles: BTreeMap<String, Vec<Oracle>>,
    problems: Vec<String>,
    run_fuel: Vec<u64>,
}

impl<'a> Examiner<'a> {
    fn new(env: &'a Environment, style: &'static str, of: Style, prompt_max_chars: usize) -> Self {
        let mut examiner = Self {
            env,
            style,
            ctx: env.context(of, &[]).expect("no setting is no unknown setting"),
            prompt_max_chars,
            examples: Examples::default(),
            tasks: BTreeMap::new(),
            oracles: BTreeMap::new(),
            problems: Vec::new(),
            run_fuel: Vec::new(),
        };
        let examples = env.examples(&examiner.ctx);
        examiner.examples = examiner.ok("examples", examples).unwrap_or_default();
        examiner.gather_tasks();
        examiner.gather_oracles();
        examiner
    }

    fn gather_tasks(&mut self) {
        let seeds = self.env.seeds(&self.ctx);
        let mut tasks: Vec<Task> =
            self.examples.attempts.iter().map(|example| example.completed.task.clone()).collect();
        tasks.extend(self.ok("seeds", seeds).unwrap_or_default());
        for kind in self.kinds(|kind| kind.generated) {
            tasks.extend(self.sequence(&kind.name, 1, 0, TASKS_MAX));
        }
        for task in tasks {
            let of_kind = self.tasks.entry(task.kind.to_string()).or_default();
            if of_kind.len() < TASKS_MAX && !of_kind.contains(&task) {
                of_kind.push(task);
            }
        }
    }

    /// One for each task that the examples hold a right attempt at.
    fn gather_oracles(&mut self) {
        let right = self.examples.attempts.iter().filter(|example| example.expected == Expectation::Right);
        let attempts: Vec<Attempt> = right.map(|example| example.completed.clone()).collect();
        for (attempt, verdict) in attempts.clone().into_iter().zip(self.verify(attempts)) {
            let of_kind = self.oracles.entry(attempt.task.kind.to_string()).or_default();
            if let Some(Verdict { answer, .. }) = verdict
                && !of_kind.iter().any(|oracle| oracle.attempt.task == attempt.task)
            {
                of_kind.push(Oracle { attempt, answer });
            }
        }
    }

    /// The author's own word on what is right and wrong.
    fn examples(&mut self) -> usize {
        let Examples { proposals, attempts } = self.examples.clone();
        for Kind { name, proposable, .. } in self.kinds(|_| true) {
            let right = |expected: &Expectation| *expected == Expectation::Right;
            if !attempts.iter().any(|example| *example.completed.task.kind == *name && right(&example.expected)) {
                self.problem(format!("no example is a right attempt at a task of kind {name}"));
            }
            if proposable && !proposals.iter().any(|example| example.completed.kind == name && right(&example.expected))
            {
                self.problem(format!("no example is a proposal of kind {name} that becomes a task"));
            }
        }
        let judged = self.verify(attempts.iter().map(|example| example.completed.clone()).collect());
        for (Example { note, completed, expected }, judged) in attempts.iter().zip(judged) {
            let Some(verdict) = judged else { continue };
            if !as_expected(*expected, verdict.score, verdict.well_formed) {
                let Verdict { score, well_formed, reason, .. } = verdict;
                let form = if well_formed { "well-formed" } else { "not well-formed" };
                self.problem(format!(
                    "an attempt at {} should be {}, but scores {score} and is {form} ({reason}): {note}",
                    completed.task.kind,
                    named(*expected),
                ));
            }
        }
        let judged = self.validate(proposals.iter().map(|example| example.completed.clone()).collect());
        for (Example { note, completed, expected }, judged) in proposals.iter().zip(judged) {
            let Some(conclusion) = judged else { continue };
            let (score, well_formed, said) = match &conclusion {
                Ok(accepted) => (1.0, accepted.well_formed, "accepted".to_owned()),
                Err(Rejection { code, message }) => (0.0, false, format!("rejected as {code}: {message}")),
            };
            if !as_expected(*expected, score, well_formed) {
                let (kind, expected) = (&completed.kind, named(*expected));
                self.problem(format!("a proposal of kind {kind} should be {expected}, but is {said}: {note}"));
            }
            if let Ok(accepted) = conclusion {
                self.tasks.entry(completed.kind.clone()).or_default().push(accepted.task.into());
            }
        }
        attempts.len() + proposals.len()
    }

    /// What a policy would learn before it trains is right.
    fn demonstrations(&mut self) -> usize {
        let mut tasks = self.tasks.clone();
        for Kind { name: kind, .. } in self.kinds(|kind| kind.generated) {
            let generated = self.sequence(&kind, 1, 0, GENERATED);
            tasks.entry(kind).or_default().extend(generated);
        }
        let mut count = 0;
        for (kind, tasks) in tasks {
            let Demonstrations { right, wrong } = demonstrate(self.env, &self.ctx, &tasks);
            let (bad, all) = (wrong.len(), right.len() + wrong.len());
            if let Some(first) = wrong.into_iter().next() {
                self.problem(format!("{bad} of {all} demonstrations of {kind} tasks are not right: {first}"));
            }
            count += all;
        }
        count
    }

    /// Bodies are canonical, subjects differ.
    fn tasks(&mut self) -> usize {
        for (kind, tasks) in self.tasks.clone() {
            for task in &tasks {
                if !canonical(&task.body) {
                    let shown = shortened(&task.body);
                    self.problem(format!(
                        "the body of a {kind} task is not canonical JSON (sorted keys, no spaces): {shown}"
                    ));
                    break;
                }
            }
            let subjects: Vec<_> =
                self.env.subjects(&tasks).into_iter().filter_map(|subject| self.ok("subject", subject)).collect();
            let distinct: HashSet<_> = subjects.iter().collect();
            if subjects.len() >= CASES_MIN && distinct.len() == 1 {
                self.problem(format!(
                    "all {} tasks of kind {kind} have the same subject, so none could be held out",
                    tasks.len()
                ));
            }
        }
        self.tasks.values().map(Vec::len).sum()
    }

    /// Prompts ask something, each something else, within a policy's reach, and do not answer it.
    fn prompts(&mut self) -> usize {
        let mut count = 0;
        for (kind, tasks) in self.tasks.clone() {
            let prompts: Vec<Option<String>> = self
                .env
                .solve_prompts(&self.ctx, &tasks)
                .into_iter()
                .map(|prompt| self.ok("solve-prompt", prompt).map(|prompt| text(&prompt)))
                .collect();
            count += prompts.len();
            let texts: Vec<&String> = prompts.iter().flatten().collect();
            self.prompt_texts(&kind, &texts);
            if texts.len() >= CASES_MIN && texts.iter().collect::<HashSet<_>>().len() == 1 {
                self.problem(format!("all {kind} tasks have the same prompt"));
            }
            let told = |oracle: &&Oracle| {
                let task = tasks.iter().position(|task| *task == oracle.attempt.task);
                task.and_then(|task| prompts[task].as_ref()).is_some_and(|prompt| says(prompt, &oracle.answer))
            };
            let oracles = self.oracles_of(&kind);
            if most(oracles.iter().filter(told).count(), oracles.len()) {
                self.problem(format!("the prompts of most {kind} tasks contain their answers"));
            }
        }
        for Kind { name, references_from, references_max, .. } in self.kinds(|kind| kind.proposable) {
            let shown: Vec<Task> =
                references_from.iter().flat_map(|kind| self.tasks.get(kind)).flatten().cloned().collect();
            let some = shown.into_iter().take(references_max as usize).collect();
            let requests = [(name.clone(), Vec::new()), (name.clone(), some)];
            let prompts = self.env.propose_prompts(&self.ctx, &requests);
            count += prompts.len();
            let texts: Vec<String> = prompts
                .into_iter()
                .filter_map(|prompt| self.ok("propose-prompt", prompt).map(|prompt| text(&prompt)))
                .collect();
            self.prompt_texts(&name, &texts.iter().collect::<Vec<_>>());
        }
        count
    }

    fn prompt_texts(&mut self, kind: &str, texts: &[&String]) {
        if texts.iter().any(|text| text.trim().is_empty()) {
            self.problem(format!("a prompt of kind {kind} is blank"));
        }
        let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
        if longest > self.prompt_max_chars {
            let max = self.prompt_max_chars;
            self.problem(format!(
                "a prompt of kind {kind} has {longest} characters; policies are assumed to read {max}"
            ));
        }
    }

    /// What says nothing scores nothing, and breaks nothing.
    fn garbage(&mut self) -> usize {
        let mut count = 0;
        for (kind, tasks) in self.tasks.clone() {
            for (what, completion) in probes::garbage() {
                let attempts = tasks.iter().map(|task| Attempt { task: task.clone(), completion: completion.clone() });
                count += tasks.len();
                self.unrewarded(&kind, attempts.collect(), what);
            }
        }
        count
    }

    /// What is nearly right, or right for another task, does not score.
    fn near_misses(&mut self) -> usize {
        let mut count = 0;
        for kind in self.tasks.keys().cloned().collect::<Vec<_>>() {
            for (what, attempts) in probes::near_misses(self.oracles_of(&kind)) {
                count += attempts.len();
                self.unrewarded(&kind, attempts, what);
            }
        }
        count
    }

    /// Nobody is paid for most of these attempts, and no verdict tells the answer.
    fn unrewarded(&mut self, kind: &str, attempts: Vec<Attempt>, what: &str) {
        let verdicts: Vec<Option<Verdict>> = self.verify(attempts.clone());
        let paid = verdicts.iter().flatten().filter(|verdict| verdict.score > 0.0).count();
        if most(paid, attempts.len()) {
            self.problem(format!("{what} scores for {paid} of {} {kind} tasks", attempts.len()));
        }
        let oracles = self.oracles_of(kind);
        let told = |(attempt, verdict): &(&Attempt, &Option<Verdict>)| {
            let oracle = oracles.iter().find(|oracle| oracle.attempt.task == attempt.task);
            let (Some(Oracle { answer, .. }), Some(verdict)) = (oracle, verdict) else { return false };
            verdict.score < 1.0 && !says(&attempt.completion, answer) && says(&verdict.reason, answer)
        };
        if most(attempts.iter().zip(&verdicts).filter(told).count(), oracles.len()) {
            self.problem(format!("the reasons of verdicts on wrong {kind} attempts contain the right answers"));
        }
    }

    /// What proposes nothing is no task, and a rejection says why.
    fn proposals(&mut self) -> usize {
        let garbage = probes::garbage();
        let kinds = self.kinds(|kind| kind.proposable);
        for Kind { name: kind, .. } in &kinds {
            let proposal = |(_, completion): &(_, String)| Proposal {
                kind: kind.clone(),
                references: Vec::new(),
                completion: completion.clone(),
            };
            let judged = self.validate(garbage.iter().map(proposal).collect());
            for ((what, _), conclusion) in garbage.iter().zip(judged) {
                match conclusion {
                    Some(Ok(_)) => self.problem(format!("{what} is accepted as a {kind} task")),
                    Some(Err(Rejection { code, message })) if message.trim().is_empty() => {
                        self.problem(format!("{what} is rejected as {code} without a message"));
                    }
                    _ => {}
                }
            }
        }
        garbage.len() * kinds.len()
    }

    /// Sequences are sequences, and data sets are read with care.
    fn sources(&mut self) -> usize {
        let mut count = 0;
        for Kind { name: kind, .. } in self.kinds(|kind| kind.generated) {
            let whole = self.sequence(&kind, 1, 0, GENERATED);
            let end = self.sequence(&kind, 1, GENERATED / 2, GENERATED / 2);
            count += whole.len();
            if whole.get(GENERATED / 2..).is_some_and(|second_half| second_half != end) {
                self.problem(format!("generated {kind} tasks depend on what is asked for with them"));
            }
            if whole == self.sequence(&kind, 2, 0, GENERATED) {
                self.problem(format!("generated {kind} tasks do not depend on the seed"));
            }
            let distinct = whole.iter().collect::<HashSet<_>>().len();
            if 2 * distinct < whole.len() {
                self.problem(format!("of {} generated {kind} tasks only {distinct} are distinct", whole.len()));
            }
        }
        let lines = probes::dataset_lines();
        let imported = self.env.import_tasks(&self.ctx, &lines);
        for (line, imported) in lines.iter().zip(imported) {
            if let Some(Ok(_)) = self.ok("import-task", imported) {
                self.problem(format!("a line of a data set is taken for a task: {line:?}"));
            }
        }
        count + lines.len()
    }

    fn sequence(&mut self, kind: &str, seed: u64, first: usize, count: usize) -> Vec<Task> {
        let part = SequencePart { kind: kind.into(), seed, first: first as u64, count: count as u32 };
        let tasks = self.env.generate(&self.ctx, &part);
        self.ok("generate", tasks).unwrap_or_default()
    }

    fn kinds(&self, which: impl Fn(&Kind) -> bool) -> Vec<Kind> {
        self.env.description().kinds.iter().filter(|kind| which(kind)).cloned().collect()
    }

    fn oracles_of(&self, kind: &str) -> &[Oracle] {
        self.oracles.get(kind).map_or(&[], |oracles| oracles)
    }

    /// Verdicts, each asked for twice.
    fn verify(&mut self, attempts: Vec<Attempt>) -> Vec<Option<Verdict>> {
        let twice = [attempts.clone(), attempts].concat();
        let judged = self.env.verify(&self.ctx, &twice);
        self.equal_halves("judge-answer", judged)
    }

    /// Conclusions, each asked for twice.
    fn validate(&mut self, proposals: Vec<Proposal>) -> Vec<Option<Result<Accepted, Rejection>>> {
        let twice = [proposals.clone(), proposals].concat();
        let judged = self.env.validate(&self.ctx, &twice);
        self.equal_halves("judge-proposal", judged)
    }

    fn equal_halves<T: PartialEq>(&mut self, call: &str, judged: Vec<Result<Judged<T>, Fault>>) -> Vec<Option<T>> {
        let mut judged: Vec<Option<Judged<T>>> = judged.into_iter().map(|judged| self.ok(call, judged)).collect();
        let again = judged.split_off(judged.len() / 2);
        if judged != again {
            self.problem(format!("two equal calls of `{call}` gave different results"));
        }
        let runs = judged.iter().flatten().flat_map(|judged| &judged.runs);
        self.run_fuel.extend(runs.map(|ExecutedRun { report, .. }| report.fuel));
        judged.into_iter().map(|judged| judged.map(|judged| judged.conclusion)).collect()
    }

    /// A fault is a problem; most happen again and again.
    fn ok<T>(&mut self, call: &str, result: Result<T, Fault>) -> Option<T> {
        let failed = |fault| format!("`{call}` failed: {fault}");
        result.map_err(|fault| self.problem(failed(fault))).ok()
    }

    fn problem(&mut self, what: String) {
        let problem = format!("{}: {what}", self.style);
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

fn as_expected(expected: Expectation, score: f64, well_formed: bool) -> bool {
    match expected {
        Expectation::Right => score == 1.0 && well_formed,
        Expectation::Partial => score > 0.0 && score < 1.0,
        Expectation::Wrong => score == 0.0,
        Expectation::Malformed => !well_formed,
    }
}

fn named(expected: Expectation) -> &'static str {
    match expected {
        Expectation::Right => "right",
        Expectation::Partial => "partly right",
        Expectation::Wrong => "wrong",
        Expectation::Malformed => "malformed",
    }
}

/// More than three quarters: answers of two possible values are right by chance for half of the tasks.
fn most(count: usize, of: usize) -> bool {
    of >= CASES_MIN && 4 * count > 3 * of
}

/// Whether a text contains an answer that is long enough not to be there by chance.
fn says(text: &str, answer: &str) -> bool {
    answer.chars().count() >= 3 && text.contains(answer)
}

/// Whether reading and writing the body gives the same text. `serde_json` sorts keys and adds no spaces.
fn canonical(body: &str) -> bool {
    let written = serde_json::from_str(body).map(|json: Value| json.to_string());
    written.is_ok_and(|written| written == body)
}

fn text(Prompt { messages, prefill, .. }: &Prompt) -> String {
    let contents = messages.iter().map(|message| &*message.content).chain([&**prefill]);
    contents.collect::<Vec<_>>().join("\n")
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
