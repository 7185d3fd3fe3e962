//! Environments of one kind of task that need no programs: the short way to write one.

use std::ops::RangeInclusive;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::format::Tagged;
use crate::{
    Accepted, Attempt, Completed, Context, Demonstration, Description, Environment, Example, Expectation, Kind,
    NO_RUNS, OfferedSetting, Prompt, Proposal, Protocol, Rejection, Report, Rng, Style, Task, Verdict, kind, prompt,
    protocol, rejection,
};

/// An environment whose tasks are values of one Rust type, and whose answers are judged without running anything.
///
/// What implements this is an [`Environment`]: the two styles of prompts, finding the answer in a completion, task bodies
/// and data sets are taken care of. [The crate's documentation](crate) shows a whole one. [`Puzzles::question`] and
/// [`Puzzles::grade`] are required, and so is at least one source of tasks: [`Puzzles::generate`], [`Puzzles::seeds`],
/// proposals, or a data set whose lines are tasks as JSON.
///
/// An environment with several kinds, programs or directories implements [`Environment`] itself.
pub trait Puzzles {
    /// Of the environment: letters, digits and `-_.+`.
    const NAME: &'static str;
    /// Of the environment, semver. It belongs to what a run can be repeated with: raise it with every change that
    /// changes a verdict.
    const VERSION: &'static str = "0.1.0";
    /// Of the kind of task.
    const KIND: &'static str = Self::NAME;
    /// What a task asks, in a sentence.
    const ASKS: &'static str;

    /// What a task is. Its JSON is the task's body, and the format of data sets: `#[serde(deny_unknown_fields)]` makes
    /// a misspelt field an error there. Floating-point numbers are better left out, for equal tasks should have equal
    /// bodies.
    type Task: Serialize + DeserializeOwned;

    /// A new task, which depends on `rng` only. `None`, the default, says that tasks are not generated.
    fn generate(_rng: &mut Rng) -> Option<Self::Task> {
        None
    }

    /// What the operator may change about generated tasks, such as how hard they are: [`setting`](crate::setting) makes
    /// one.
    fn settings() -> Vec<OfferedSetting> {
        Vec::new()
    }

    /// The same as [`Puzzles::generate`], which need not be there then, by the settings.
    fn generate_with(_settings: &Settings, rng: &mut Rng) -> Option<Self::Task> {
        Self::generate(rng)
    }

    /// Tasks that training starts from.
    fn seeds() -> Vec<Self::Task> {
        Vec::new()
    }

    /// Tasks that only examples are made of, for an environment whose tasks all come from data sets.
    fn samples() -> Vec<Self::Task> {
        Vec::new()
    }

    /// Whether a task of a data set or of a proposer can be asked, or why not. A task that is asked must have an answer.
    fn check(_task: &Self::Task) -> Result<(), String> {
        Ok(())
    }

    /// The task that a line of a data set describes, or why it is none: which key, and what is wrong with it. By default
    /// a line is a task as JSON.
    fn import(_settings: &Settings, line: &str) -> Result<Self::Task, String> {
        serde_json::from_str(line).map_err(|error| error.to_string())
    }

    /// Asks for the answer. Says how it is written, and not what it is.
    fn question(task: &Self::Task) -> String;

    /// The question for the small embedded policy, as short as can be. It stands between `<solve>` and `<output>`.
    fn compact_question(task: &Self::Task) -> String {
        Self::question(task)
    }

    /// Judges an answer: any text at all, white space around it removed.
    fn grade(task: &Self::Task, answer: &str) -> Result<(), Wrong>;

    /// The benchmark whose own words [`Puzzles::published_question`] has. The environment then offers the setting
    /// [`PROTOCOL`](crate::protocol::PROTOCOL).
    const BENCHMARK: Option<&'static str> = None;

    /// Asks for the answer as the benchmark does that the tasks come from. The whole completion is the answer then.
    fn published_question(task: &Self::Task) -> String {
        Self::question(task)
    }

    /// Judges an answer as that benchmark finds it in a completion, which may be where training must not look.
    fn grade_published(task: &Self::Task, completion: &str) -> Result<(), Wrong> {
        Self::grade(task, completion)
    }

    /// What a task is about: tasks of equal subject never stand on both sides of a held-out split. By default every task
    /// is a subject of its own.
    fn subject(task: &Self::Task) -> String {
        body(task)
    }

    /// A right answer, for whoever checks the environment, and for policies that are shown how it is done before they
    /// train. Only some tasks need one.
    fn oracle(_task: &Self::Task) -> Option<String> {
        None
    }

    /// What could be thought before the answer of [`Puzzles::oracle`], for policies that are shown how it is done: a few
    /// steps, each of which follows easily from those before.
    fn thought(_task: &Self::Task) -> Option<String> {
        None
    }

    /// Answers that want to pass for right and must score nothing.
    fn cheats(_task: &Self::Task) -> Vec<String> {
        Vec::new()
    }

    /// Asks for a new task. `None`, the default, says that the policy does not propose tasks.
    fn proposer_question() -> Option<String> {
        None
    }

    /// The same for the small embedded policy. It stands between `<propose>` and `<output>`.
    fn compact_proposer_question() -> Option<String> {
        Self::proposer_question()
    }

    /// The task that a proposer wrote, or why it is none. [`Puzzles::check`] is asked afterwards.
    fn read_proposal(_text: &str) -> Result<Self::Task, String> {
        Err("tasks of this environment are not proposed".into())
    }

    /// How a proposer would write a task, for the same purposes.
    fn proposal(_task: &Self::Task) -> Option<String> {
        None
    }

    /// Proposals that want to pass for tasks and must not.
    fn forged_proposals() -> Vec<String> {
        Vec::new()
    }
}

/// Why an answer does not get the full score. A text, from which `?` and `into` make one, is an answer that gets none.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrong {
    /// From 0 to less than 1.
    pub score: f64,
    /// For a person. Never contains a right answer.
    pub reason: String,
}

impl Wrong {
    /// An answer that is right in part. No completion that anybody could write without having understood the task
    /// should get here, or that is what training finds.
    pub fn partly(score: f64, reason: impl Into<String>) -> Wrong {
        Wrong { score, reason: reason.into() }
    }
}

impl<T: Into<String>> From<T> for Wrong {
    fn from(reason: T) -> Wrong {
        Wrong { score: 0.0, reason: reason.into() }
    }
}

/// The settings of [`Puzzles::settings`], changed or not.
pub struct Settings(Vec<(String, String)>);

impl Settings {
    fn new<P: Puzzles>(ctx: Option<&Context>) -> Settings {
        let changed = ctx.map_or(&[][..], |ctx| &ctx.settings);
        let value = |OfferedSetting { name, default, .. }: OfferedSetting| {
            let value = changed.iter().find(|setting| setting.name == name).map(|setting| setting.value.clone());
            (name, value.unwrap_or(default))
        };
        Settings(P::settings().into_iter().map(value).collect())
    }

    /// A setting as the operator wrote it.
    pub fn text(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(other, _)| other == name);
        &found.unwrap_or_else(|| panic!("there is no setting {name:?}")).1
    }

    /// A whole number.
    ///
    /// Panics where the operator wrote another thing: the call is then a fault, and nobody trains on what was not meant.
    pub fn number(&self, name: &str, range: RangeInclusive<i64>) -> i64 {
        let (text, first, last) = (self.text(name), range.start(), range.end());
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.unwrap_or_else(|| panic!("setting {name} is {text:?}; it must be a whole number from {first} to {last}"))
    }
}

/// Tasks that examples are made of, of each source. `azr-env check` needs a handful to say "most of them".
const EXAMPLES_MAX: usize = 8;

const FORMAT: &str = "First reason about the question inside <think> </think> tags, then give the answer inside <answer> \
                      </answer> tags: <think> reasoning </think> <answer> answer </answer>";

impl<P: Puzzles> Environment for P {
    fn describe() -> Description {
        Description {
            name: P::NAME.into(),
            version: P::VERSION.into(),
            kinds: vec![Kind {
                proposable: P::proposer_question().is_some(),
                generated: generated::<P>(None, 0, 0).next().is_some(),
                ..kind(P::KIND, P::ASKS)
            }],
            settings: P::settings().into_iter().chain(P::BENCHMARK.map(protocol::offered)).collect(),
            limits: NO_RUNS,
            directories: Vec::new(),
        }
    }

    fn seeds(_: &Context) -> Vec<Task> {
        P::seeds().iter().map(written::<P>).collect()
    }

    fn generate(ctx: &Context, _: &str, seed: u64, first: u64, count: u32) -> Vec<Task> {
        generated::<P>(Some(ctx), seed, first).take(count as usize).map(|task| written::<P>(&task)).collect()
    }

    fn import_task(ctx: &Context, line: &str) -> Result<Task, Rejection> {
        let task = P::import(&Settings::new::<P>(Some(ctx)), line);
        checked::<P>(task.map_err(|reason| rejection("not-a-task", reason))?)
    }

    fn examples(ctx: &Context) -> Vec<Example> {
        let attempt = |task: &P::Task, note: &str, answer: String, expected| Example {
            note: format!("{note}: {answer}"),
            completed: Completed::Attempt(Attempt {
                task: written::<P>(task),
                completion: completion(ctx.style, &answer),
            }),
            expected,
        };
        let proposal = |note: &str, text: String, expected| Example {
            note: format!("{note}: {text}"),
            completed: Completed::Proposal(Proposal {
                kind: P::KIND.into(),
                references: Vec::new(),
                completion: completion(ctx.style, &text),
            }),
            expected,
        };
        let stated = [P::samples(), P::seeds()].into_iter().flat_map(|tasks| tasks.into_iter().take(EXAMPLES_MAX));
        let tasks = stated.chain(generated::<P>(Some(ctx), 0, 0).take(EXAMPLES_MAX));
        let mut examples = Vec::new();
        for task in tasks {
            examples.extend(P::oracle(&task).map(|answer| attempt(&task, "an answer", answer, Expectation::Right)));
            let cheats = P::cheats(&task).into_iter();
            examples.extend(cheats.map(|answer| attempt(&task, "a cheat", answer, Expectation::Wrong)));
            examples.extend(P::proposal(&task).map(|text| proposal("a task", text, Expectation::Right)));
        }
        let forged = P::forged_proposals().into_iter();
        examples.extend(forged.map(|text| proposal("a forgery", text, Expectation::Wrong)));
        examples
    }

    fn demonstrate(ctx: &Context, task: &Task) -> Demonstration {
        let task = read::<P>(task);
        Demonstration {
            attempt: P::oracle(&task).map(|answer| thoughtful(ctx.style, P::thought(&task), &answer)),
            proposal: P::proposal(&task).map(|text| completion(ctx.style, &text)),
        }
    }

    fn propose_prompt(ctx: &Context, kind: &str, _: &[Task]) -> Prompt {
        let question = match ctx.style {
            Style::Instruct => P::proposer_question(),
            Style::Compact => P::compact_proposer_question(),
        };
        let question = question.unwrap_or_else(|| panic!("tasks of kind {kind} are not proposed"));
        asked(ctx.style, "<propose>", &question)
    }

    fn solve_prompt(ctx: &Context, task: &Task) -> Prompt {
        let task = read::<P>(task);
        if is_published::<P>(ctx) {
            return prompt::question(P::published_question(&task));
        }
        let question = match ctx.style {
            Style::Instruct => P::question(&task),
            Style::Compact => P::compact_question(&task),
        };
        asked(ctx.style, "<solve>", &question)
    }

    fn subject(task: &Task) -> String {
        P::subject(&read::<P>(task))
    }

    fn judge_proposal(ctx: &Context, proposal: &Proposal, _: &[Report]) -> Result<Accepted, Rejection> {
        let Tagged { answer, well_formed } = found(ctx.style, &proposal.completion);
        let task = P::read_proposal(answer.trim()).map_err(|reason| rejection("not-a-task", reason))?;
        Ok(Accepted { task: checked::<P>(task)?, well_formed, measures: Vec::new() })
    }

    fn judge_answer(ctx: &Context, attempt: &Attempt, _: &[Report]) -> Verdict {
        let task = read::<P>(&attempt.task);
        let Tagged { answer, well_formed } = match is_published::<P>(ctx) {
            true => Tagged { answer: &attempt.completion, well_formed: true },
            false => found(ctx.style, &attempt.completion),
        };
        let answer = answer.trim();
        let graded = if is_published::<P>(ctx) { P::grade_published(&task, answer) } else { P::grade(&task, answer) };
        let (score, reason) = match graded {
            Ok(()) => (1.0, "right".into()),
            Err(Wrong { score, reason }) => (score, reason),
        };
        Verdict { score, well_formed, answer: answer.into(), reason }
    }
}

fn is_published<P: Puzzles>(ctx: &Context) -> bool {
    P::BENCHMARK.is_some() && Protocol::read(ctx) == Protocol::Published
}

/// The endless sequence of generated tasks from number `first`; empty where none are generated.
fn generated<P: Puzzles>(ctx: Option<&Context>, seed: u64, first: u64) -> impl Iterator<Item = P::Task> {
    let settings = Settings::new::<P>(ctx);
    (first..).map_while(move |number| P::generate_with(&settings, &mut Rng::new(seed, number)))
}

fn checked<P: Puzzles>(task: P::Task) -> Result<Task, Rejection> {
    P::check(&task).map_err(|reason| rejection("unfit", reason))?;
    Ok(written::<P>(&task))
}

fn written<P: Puzzles>(task: &P::Task) -> Task {
    Task { kind: P::KIND.into(), body: body(task) }
}

fn read<P: Puzzles>(task: &Task) -> P::Task {
    serde_json::from_str(&task.body)
        .unwrap_or_else(|error| panic!("{} is not the body of a {} task: {error}", task.body, P::KIND))
}

/// Canonical JSON: sorted keys, no white space.
fn body(task: &impl Serialize) -> String {
    let mut json: Value =
        serde_json::to_value(task).unwrap_or_else(|error| panic!("a task cannot be written as JSON: {error}"));
    // They are sorted already, unless the environment asked serde_json to preserve their order.
    json.sort_all_objects();
    json.to_string()
}

fn asked(style: Style, role: &str, question: &str) -> Prompt {
    match style {
        Style::Instruct => prompt::reasoned_question(format!("{question}\n\n{FORMAT}")),
        Style::Compact => prompt::question(format!("{role}{question}<output>")),
    }
}

/// What a policy of this style writes to give an answer.
fn completion(style: Style, answer: &str) -> String {
    match style {
        Style::Instruct => format!("</think>\n<answer>{answer}"),
        Style::Compact => answer.into(),
    }
}

/// The same with what is thought before.
fn thoughtful(style: Style, thought: Option<String>, answer: &str) -> String {
    let answer = completion(style, answer);
    match (style, thought) {
        (_, None) => answer,
        (Style::Instruct, Some(thought)) => thought + &answer,
        (Style::Compact, Some(thought)) => format!("<think>{thought}</think>{answer}"),
    }
}

fn found(style: Style, completion: &str) -> Tagged<'_> {
    match style {
        Style::Instruct => Tagged::read(completion),
        Style::Compact => Tagged::read_compact(completion),
    }
}
