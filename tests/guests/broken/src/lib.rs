//! An honest little environment about sums, and dozens of dishonest or broken ones: a test patches the name of a defect
//! into the binary, and `azr-env check` has to find it. Some names are no defects but other honest environments:
//! `generates-only`, `imports-only`, `another-name`, `continues-the-sequence` and `has-few-tasks`.

use std::hint::black_box;

use azr_guest_sdk::{
    Accepted, Attempt, Completed, Context, Demonstration, Description, Environment, Example, Expectation, Kind,
    NO_RUNS, Prompt, Proposal, Rejection, Report, Style, Task, Verdict, format::Tagged, kind, prompt, rejection,
};

static DEFECT: [u8; 32] = *b"defect=none.....................";

fn has(defect: &str) -> bool {
    let text = String::from_utf8_lossy(black_box(&DEFECT)).into_owned();
    text.trim_start_matches("defect=").trim_end_matches('.') == defect
}

struct Sums;

impl Environment for Sums {
    fn describe() -> Description {
        Description {
            name: if has("another-name") { "totals" } else { "sums" }.into(),
            version: "1.0.0".into(),
            kinds: vec![Kind {
                proposable: !has("generates-only") && !has("imports-only"),
                generated: !has("imports-only"),
                references_from: vec!["sum".into()],
                references_max: 2,
                ..kind("sum", "Add two numbers.")
            }],
            settings: Vec::new(),
            limits: NO_RUNS,
            directories: Vec::new(),
        }
    }

    fn generate(_: &Context, _: &str, seed: u64, first: u64, count: u32) -> Vec<Task> {
        let seed = if has("ignores-the-seed") { 0 } else { seed };
        let first = if has("ignores-the-place") { 0 } else { first };
        let count = if has("generates-too-few") { count / 2 } else { count };
        let number = |n: u64| if has("repeats-itself") { n % 3 } else { n };
        if has("has-few-tasks") {
            return (first..first + u64::from(count)).map(|n| task(1000 + (n + seed % 9000) % 600, 1000)).collect();
        }
        (first..first + u64::from(count)).map(|n| task(1000 + number(n) % 9000, 1000 + seed % 9000)).collect()
    }

    fn import_task(_: &Context, line: &str) -> Result<Task, Rejection> {
        match numbers(line) {
            Some((a, b)) => Ok(task(a, b)),
            None if has("imports-anything") => Ok(task(1000, 2000)),
            None => Err(rejection("not-two-numbers", format!("{line:?} is not two numbers"))),
        }
    }

    fn examples(ctx: &Context) -> Vec<Example> {
        if has("ships-no-examples") {
            return Vec::new();
        }
        let attempt = |note: &str, (a, b): (u64, u64), answer: u64, expected| Example {
            note: note.into(),
            completed: Completed::Attempt(Attempt { task: task(a, b), completion: written(ctx, &answer.to_string()) }),
            expected,
        };
        let proposal = |note: &str, completion: &str, expected| {
            let proposal =
                Proposal { kind: "sum".into(), references: Vec::new(), completion: written(ctx, completion) };
            Example { note: note.into(), completed: Completed::Proposal(proposal), expected }
        };
        let pairs = (0..6).map(|n| (1200 + 331 * n, 3100 + 57 * n));
        let mut examples: Vec<Example> =
            pairs.map(|(a, b)| attempt("the sum", (a, b), a + b, Expectation::Right)).collect();
        examples.push(attempt("one too many", (1200, 3100), 4301, Expectation::Wrong));
        examples.push(proposal("two numbers", "1500 2500", Expectation::Right));
        examples.push(proposal("one number", "1500", Expectation::Wrong));
        examples
    }

    fn demonstrate(ctx: &Context, task: &Task) -> Demonstration {
        let (a, b) = read(task);
        if has("traps-demonstrating") && a % 10 == 7 {
            panic!("no sevens");
        }
        let sum = a + b + u64::from(has("demonstrates-wrongly") && a % 10 == 7);
        let a = a + u64::from(has("proposes-another-task"));
        let proposal = (!has("generates-only")).then(|| written(ctx, &format!("{a} {b}")));
        Demonstration { attempt: Some(written(ctx, &sum.to_string())), proposal }
    }

    fn propose_prompt(ctx: &Context, _: &str, references: &[Task]) -> Prompt {
        if has("proposer-prompt-traps") && !references.is_empty() {
            panic!("references");
        }
        asked(ctx, "Write two numbers of four digits, with a space between.".into())
    }

    fn solve_prompt(ctx: &Context, task: &Task) -> Prompt {
        let (a, b) = read(task);
        if has("takes-what-it-cannot-ask") && (a, b) == (1500, 2500) {
            panic!("such a task has no prompt");
        }
        asked(
            ctx,
            match () {
                () if has("same-prompt") => "What is the sum?".into(),
                () if has("blank-prompt") => return prompt::question(" "),
                () if has("endless-prompt") => format!("What is {a} + {b}? {}", "Think well. ".repeat(10_000)),
                () if has("tells-in-the-prompt") => format!("What is {a} + {b}? (Expected: {})", a + b),
                () => format!("What is {a} + {b}?"),
            },
        )
    }

    fn subject(task: &Task) -> String {
        if has("one-subject") { "sums".into() } else { task.body.clone() }
    }

    fn judge_proposal(ctx: &Context, proposal: &Proposal, _: &[Report]) -> Result<Accepted, Rejection> {
        let (text, well_formed) = answer(ctx, &proposal.completion);
        let message = format!("{text:?} is not two numbers of four digits");
        if has("continues-the-sequence")
            && let Some((a, b)) = proposal.references.first().map(read)
        {
            return Ok(Accepted { task: task(1000 + (a - 999) % 9000, b), well_formed: true, measures: Vec::new() });
        }
        match numbers(&text) {
            _ if has("rejects-everything") => Err(rejection("not-today", "come again")),
            Some((a, b)) => Ok(Accepted { task: task(a, b), well_formed, measures: Vec::new() }),
            None if has("accepts-anything") => {
                Ok(Accepted { task: task(1000, 2000), well_formed: true, measures: Vec::new() })
            }
            None if has("rejects-without-reason") => Err(rejection("no", "")),
            None => Err(rejection("not-two-numbers", message)),
        }
    }

    fn judge_answer(ctx: &Context, attempt: &Attempt, _: &[Report]) -> Verdict {
        let (a, b) = read(&attempt.task);
        let gold = (a + b).to_string();
        let (text, well_formed) = answer(ctx, &attempt.completion);
        let long = attempt.completion.len() > 10_000;
        if has("hangs-on-long-answers") && long {
            loop {
                black_box(());
            }
        }
        if has("hoards-on-long-answers") && long {
            black_box(vec![1_u8; 1 << 30]);
        }
        if has("recurses") && depth(&text, 0) > 50_000 {
            unreachable!();
        }
        if has("panics-on-blank") {
            text.chars().next().expect("an answer");
        }
        if has("cuts-characters") && text.len() > 1 {
            black_box(&text[..text.len().min(4)]);
        }
        let value: Option<i64> = text.parse().ok();
        let right = match () {
            () if has("always-right") => true,
            () if has("never-right") => false,
            () if has("any-number-is-right") => value.is_some(),
            () if has("contained-is-right") => attempt.completion.contains(&gold),
            () if has("prefix-is-right") => text.starts_with(&gold),
            () if has("suffix-is-right") => text.ends_with(&gold),
            () if has("first-digit-is-right") => text.chars().next() == gold.chars().next(),
            () if has("beginning-is-right") => !text.is_empty() && gold.starts_with(&text),
            () if has("blank-is-right") => text.is_empty() || text == gold,
            () if has("null-is-right") => text == "null" || text == gold,
            () if has("nearly-is-right") => value.is_some_and(|value| (value - (a + b) as i64).abs() < 2),
            () if has("believes-pleas") => text.contains("correct") || text == gold,
            () if has("fails-instruct") => text == gold && ctx.style == Style::Compact,
            () if has("wraps") => text.parse::<u64>().is_ok_and(|value| value as u16 == (a + b) as u16),
            () => text == gold,
        };
        let floor = match () {
            () if has("half-for-nothing") => 0.5,
            () if has("pays-for-length") => (text.len() as f64 / 100_000.0).min(0.9),
            () if has("not-a-number") => f64::NAN,
            () if has("below-zero") => -1.0,
            () => 0.0,
        };
        let reason = match () {
            () if right => String::new(),
            () if has("tells-in-the-reason") => format!("{gold} was expected"),
            () => format!("{text:?} is not the sum"),
        };
        let score = match () {
            () if right && has("full-is-two") => 2.0,
            () if right => 1.0,
            () => floor,
        };
        Verdict { score, well_formed: well_formed && !has("never-well-formed"), answer: text, reason }
    }
}

azr_guest_sdk::export!(Sums);

fn task(a: u64, b: u64) -> Task {
    let space = if has("spaces-in-bodies") { " " } else { "" };
    Task { kind: "sum".into(), body: format!("[{a},{space}{b}]") }
}

fn read(task: &Task) -> (u64, u64) {
    numbers(task.body.trim_matches(['[', ']'])).expect("this environment wrote the body")
}

/// Two numbers of four digits.
fn numbers(text: &str) -> Option<(u64, u64)> {
    let numbers: Option<Vec<u64>> =
        text.split([' ', ',']).filter(|part| !part.is_empty()).map(|part| part.parse().ok()).collect();
    match *numbers? {
        [a, b] if (1000..10_000).contains(&a) && (1000..10_000).contains(&b) => Some((a, b)),
        _ => None,
    }
}

fn asked(ctx: &Context, question: String) -> Prompt {
    match ctx.style {
        Style::Compact => prompt::question(question),
        Style::Instruct => prompt::reasoned_question(question),
    }
}

fn written(ctx: &Context, answer: &str) -> String {
    match ctx.style {
        Style::Compact => answer.into(),
        Style::Instruct => format!("so</think>\n<answer>{answer}"),
    }
}

fn answer(ctx: &Context, completion: &str) -> (String, bool) {
    match ctx.style {
        Style::Compact => (completion.trim().into(), !completion.trim().is_empty()),
        Style::Instruct => {
            let Tagged { answer, well_formed } = Tagged::read(completion);
            (answer.trim().into(), well_formed)
        }
    }
}

/// Like a parser that recurses without a limit.
fn depth(text: &str, depth: usize) -> usize {
    match text.strip_prefix(['[', '(', '-']) {
        Some(rest) => black_box(self::depth(rest, black_box(depth + 1))),
        None => depth,
    }
}
