//! A judge that does what the completion says. The first word of a completion names the behaviour; anything that is
//! not a behaviour of the called export is played straight: each line is a program for executor 0.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU32, Ordering},
};

wit_bindgen::generate!({ path: "../../../wit", world: "environment" });

use azr::env::{
    log::{self, Level},
    types::{
        Accepted, Amount, Attempt, Context, Measure, Message, Outcome, Prompt, Proposal, Rejection, Report, Run,
        Speaker, Task, Verdict,
    },
};
use exports::azr::env::judge::{
    Completed, Demonstration, Description, Example, Expectation, Guest, Kind, Limits, OfferedSetting,
};

struct Judge;

/// Calls in this instance: state that must not survive it.
static CALLS: AtomicU32 = AtomicU32::new(0);

/// `describe` takes no argument, so a test chooses its behaviour by patching this text in the binary.
static DESCRIBE: [u8; 24] = *b"describe=honest.........";

impl Guest for Judge {
    fn describe() -> Description {
        let behaviour = String::from_utf8_lossy(black_box(&DESCRIBE)).into_owned();
        let behaviour = behaviour.trim_start_matches("describe=").trim_end_matches('.');
        misbehave(behaviour);
        let kind = |name: &str| Kind {
            name: name.into(),
            asks: "Whatever the test wants.".into(),
            proposable: true,
            generated: true,
            references_from: vec!["echo".into()],
            references_max: 4,
        };
        let kinds = match behaviour {
            "no-kinds" => Vec::new(),
            "twice" => vec![kind("echo"), kind("echo")],
            "bad-name" => vec![kind("echo"), kind("a\u{1b}[2J")],
            _ => vec![kind("echo"), kind("other")],
        };
        Description {
            name: "hostile".into(),
            version: "1.2.3".into(),
            kinds,
            settings: vec![OfferedSetting {
                name: "behaviour".into(),
                meaning: "What prompts and seeds do.".into(),
                default: "honest".into(),
            }],
            limits: Limits {
                run_fuel: if behaviour == "unlimited" { u64::MAX } else { 50_000_000 },
                run_memory_max_bytes: 16 << 20,
                run_output_max_bytes: 1000,
            },
            directories: Vec::new(),
        }
    }

    fn seeds(ctx: Context) -> Vec<Task> {
        let behaviour = behaviour(&ctx);
        misbehave(&behaviour);
        let kind = if behaviour == "unknown-kind" { "nowhere" } else { "echo" };
        vec![Task { kind: kind.into(), body: "{\"seed\":1}".into() }]
    }

    fn generate(ctx: Context, kind: String, seed: u64, first: u64, count: u32) -> Vec<Task> {
        let behaviour = behaviour(&ctx);
        misbehave(&behaviour);
        let kind = if behaviour == "another-kind" { "other".into() } else { kind };
        let count = if behaviour == "one-short" { count - 1 } else { count };
        let task = |number| Task { kind: kind.clone(), body: format!("{{\"number\":{number},\"seed\":{seed}}}") };
        (first..first + u64::from(count)).map(task).collect()
    }

    fn import_task(ctx: Context, line: String) -> Result<Task, Rejection> {
        misbehave(&behaviour(&ctx));
        match line.as_str() {
            "reject" => Err(rejection("not-a-task")),
            "bad-code" => Err(rejection("not a task\n")),
            "unknown-kind" => Ok(Task { kind: "nowhere".into(), body: line }),
            _ => Ok(Task { kind: "echo".into(), body: line }),
        }
    }

    fn examples(ctx: Context) -> Vec<Example> {
        let behaviour = behaviour(&ctx);
        misbehave(&behaviour);
        let kind = if behaviour == "unknown-kind" { "nowhere" } else { "echo" };
        let task = Task { kind: kind.into(), body: "{}".into() };
        let example = Example {
            note: "an honest program".into(),
            completed: Completed::Attempt(Attempt { task, completion: "echo".into() }),
            expected: Expectation::Right,
        };
        vec![example; if behaviour == "many-examples" { 10_000 } else { 1 }]
    }

    fn demonstrate(ctx: Context, task: Task) -> Demonstration {
        let behaviour = behaviour(&ctx);
        misbehave(&behaviour);
        let proposal = (behaviour == "long-demonstration").then(|| "x".repeat(2 << 20));
        Demonstration { attempt: Some(task.body), proposal }
    }

    fn propose_prompt(ctx: Context, kind: String, references: Vec<Task>) -> Prompt {
        misbehave(&behaviour(&ctx));
        prompt(&ctx, format!("{:?} {kind} {}", ctx.style, references.len()))
    }

    fn solve_prompt(ctx: Context, task: Task) -> Prompt {
        misbehave(&behaviour(&ctx));
        prompt(&ctx, format!("{:?} {} {}", ctx.style, task.kind, task.body))
    }

    fn subject(task: Task) -> String {
        misbehave(&task.body);
        task.body
    }

    fn plan_proposal(_: Context, Proposal { completion, .. }: Proposal) -> Result<Vec<Run>, Rejection> {
        match completion.as_str() {
            "reject" => Err(rejection("no-program")),
            "bad-code" => Err(rejection("no program\n")),
            _ => Ok(plan(&completion)),
        }
    }

    fn judge_proposal(_: Context, proposal: Proposal, reports: Vec<Report>) -> Result<Accepted, Rejection> {
        let Proposal { kind, references: _, completion } = proposal;
        match completion.as_str() {
            "judge-rejects" => Err(rejection("not-deterministic")),
            "judge-loops" => spin(),
            "judge-invents-a-kind" => Ok(accepted("nowhere", &reports)),
            "measure-nan" => Ok(measured(&kind, vec![number("size", f64::NAN)])),
            "measure-negative" => Ok(measured(&kind, vec![number("size", -1.0)])),
            "measure-twice" => Ok(measured(&kind, vec![number("size", 1.0); 2])),
            "measure-name" => Ok(measured(&kind, vec![number("a size", 1.0)])),
            "measures" => Ok(measured(&kind, vec![number("size", 1.0); 1000])),
            _ => Ok(accepted(&kind, &reports)),
        }
    }

    fn plan_answer(_: Context, Attempt { completion, .. }: Attempt) -> Vec<Run> {
        plan(&completion)
    }

    fn judge_answer(ctx: Context, Attempt { completion, .. }: Attempt, reports: Vec<Report>) -> Verdict {
        if behaviour(&ctx) == "trap-on-short-answers" && completion.len() < 4 {
            std::process::abort();
        }
        let score = match completion.as_str() {
            "score-nan" => f64::NAN,
            "score-two" => 2.0,
            "score-negative" => -0.001,
            "score-infinite" => f64::INFINITY,
            "judge-loops" => spin(),
            _ => reports.iter().flat_map(|report| &report.outcomes).all(is_value).into(),
        };
        let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        Verdict { score, well_formed: true, answer: completion, reason: format!("call {calls}: {}", shown(&reports)) }
    }

    fn plan_exec(program: String, input: String) -> Result<Run, Rejection> {
        misbehave(&program);
        match input.as_str() {
            "reject" => Err(rejection("not-arguments")),
            _ => Ok(Run { executor: 0, program, inputs: vec![input.into_bytes()] }),
        }
    }

    fn show_value(value: Vec<u8>) -> String {
        let shown = String::from_utf8_lossy(&value).into_owned();
        misbehave(&shown);
        shown
    }
}

fn plan(completion: &str) -> Vec<Run> {
    misbehave(completion);
    let run = |executor, program: &str| Run { executor, program: program.into(), inputs: vec![b"7".to_vec(); 2] };
    match completion {
        "many-runs" => vec![run(0, "echo"); 1000],
        "executor-9" => vec![run(9, "echo")],
        "huge-program" => vec![run(0, &"x".repeat(2 << 20))],
        "score-nan" | "score-two" | "score-negative" | "score-infinite" => Vec::new(),
        "judge-loops" | "judge-rejects" | "judge-invents-a-kind" => Vec::new(),
        measured if measured.starts_with("measure") => Vec::new(),
        programs => programs.lines().map(|program| run(0, program)).collect(),
    }
}

/// What any export can do to a host.
fn misbehave(behaviour: &str) {
    match behaviour {
        "spin" => spin(),
        "trap" => std::process::abort(),
        "recurse" => {
            recurse(0);
        }
        "hoard" => hoard(),
        "flood" => (0..100_000).for_each(|_| log::emit(Level::Warn, "flood")),
        "escape" => log::emit(Level::Info, "\u{1b}[2Jforged\nwarn: line"),
        "log-huge" => log::emit(Level::Info, &"x".repeat(40 << 20)),
        _ => {}
    }
}

fn spin() -> ! {
    loop {
        black_box(());
    }
}

#[expect(unconditional_recursion, reason = "that is the attack")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth) + 1)) + 1
}

fn hoard() {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

fn prompt(ctx: &Context, content: String) -> Prompt {
    let message = |content| Message { speaker: Speaker::User, content };
    let messages = match behaviour(ctx).as_str() {
        "no-messages" => Vec::new(),
        "many-messages" => (0..10_000).map(|_| message(String::new())).collect(),
        // 32 messages of 1 MiB: more than may cross in one call.
        "huge-prompt" => (0..32).map(|_| message("x".repeat(1 << 20))).collect(),
        _ => vec![message(content)],
    };
    Prompt { messages, prefill: String::new(), stop: vec!["\n".into()] }
}

fn behaviour(ctx: &Context) -> String {
    ctx.settings.iter().find(|setting| setting.name == "behaviour").map_or_else(String::new, |s| s.value.clone())
}

fn accepted(kind: &str, reports: &[Report]) -> Accepted {
    let task = Task { kind: kind.into(), body: format!("{{\"saw\":{:?}}}", shown(reports)) };
    Accepted { task, well_formed: true, measures: Vec::new() }
}

fn measured(kind: &str, measures: Vec<Measure>) -> Accepted {
    Accepted { measures, ..accepted(kind, &[]) }
}

fn number(name: &str, number: f64) -> Measure {
    Measure { name: name.into(), amount: Amount::Number(number) }
}

fn rejection(code: &str) -> Rejection {
    Rejection { code: code.into(), message: "as the test wanted".into() }
}

fn is_value(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Value(_))
}

/// The reports in a line: what the judge saw.
fn shown(reports: &[Report]) -> String {
    let outcome = |outcome: &Outcome| match outcome {
        Outcome::Value(value) => format!("value {}", String::from_utf8_lossy(value)),
        Outcome::Thrown(thrown) => format!("thrown {}", thrown.name),
        Outcome::Refused(reason) => format!("refused {reason}"),
        Outcome::Unsupported(reason) => format!("unsupported {reason}"),
        Outcome::OutOfFuel => "out-of-fuel".into(),
        Outcome::OutOfMemory => "out-of-memory".into(),
        Outcome::StackOverflow => "stack-overflow".into(),
        Outcome::Crashed(name) => format!("crashed {name}"),
    };
    let report = |report: &Report| report.outcomes.iter().map(outcome).collect::<Vec<_>>().join(", ");
    reports.iter().map(report).collect::<Vec<_>>().join(" | ")
}

export!(Judge);
