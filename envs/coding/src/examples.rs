//! Completions whose worth is known: what `azr-env check` holds the judge to.

use azr_guest_sdk::{Attempt, Completed, Context, Example, Expectation, Proposal, Style, Task};

use crate::Language;
use crate::kind::Kind;
use crate::problem::{Call, Examples, NO_ERROR, Problem};
use crate::settings::Settings;

/// A program that takes one number, and what its calls come to.
pub struct Sample {
    pub program: &'static str,
    /// Inputs and outputs. All samples together have different first outputs and different last inputs.
    pub calls: [(&'static str, &'static str); 4],
}

/// A call that ends in an exception.
pub struct Raising {
    pub program: &'static str,
    pub input: &'static str,
    pub exception: &'static str,
}

pub fn examples<L: Language>(ctx: &Context) -> Vec<Example> {
    L::SAMPLES
        .iter()
        .flat_map(|sample| [attempts::<L>(ctx.style, sample), proposals::<L>(ctx, sample)].concat())
        .chain(L::RAISING.iter().flat_map(|raising| error_deductions::<L>(ctx.style, raising)))
        .collect()
}

fn attempts<L: Language>(style: Style, sample: &Sample) -> Vec<Example> {
    let [(input, output), (other_input, other_output), _, (last_input, last_output)] = sample.calls;
    let call =
        |input: &str, output: &str| Call { input: input.into(), output: output.into(), program: sample.program.into() };
    let deduction = Problem::Deduction(call(input, output));
    let abduction = Problem::Abduction(call(last_input, last_output));
    let induction = Problem::Induction(Examples {
        inputs: sample.calls.map(|(input, _)| input.into()).into(),
        message: String::new(),
        outputs: sample.calls.map(|(_, output)| output.into()).into(),
        program: sample.program.into(),
    });
    let attempt = |problem: &Problem, label: &str, answer: &str, expected, note: &str| Example {
        note: note.into(),
        completed: Completed::Attempt(Attempt { task: problem.task(), completion: answered(style, label, answer) }),
        expected,
    };
    let label = L::WORDING.label;
    vec![
        attempt(&deduction, "output", output, Expectation::Right, "the output"),
        attempt(&deduction, "output", other_output, Expectation::Wrong, "the output of another call"),
        attempt(&deduction, "output", &format!("f({input})"), Expectation::Wrong, "the call instead of its output"),
        attempt(&abduction, "input", last_input, Expectation::Right, "the input"),
        attempt(&abduction, "input", other_input, Expectation::Wrong, "an input that leads elsewhere"),
        attempt(&abduction, "input", &format!("{last_input} + 0"), Expectation::Wrong, "an expression for a value"),
        attempt(&induction, label, sample.program, Expectation::Right, "the program"),
        attempt(&induction, label, L::identity(style), Expectation::Wrong, "another program"),
    ]
}

fn error_deductions<L: Language>(style: Style, raising: &Raising) -> Vec<Example> {
    let &Raising { program, input, exception } = raising;
    let call = Call { input: input.into(), output: exception.into(), program: program.into() };
    let task = Problem::ErrorDeduction(call).task();
    let kind = task.kind.clone();
    let attempt = |answer: &str, expected, note: &str| Example {
        note: note.into(),
        completed: Completed::Attempt(Attempt { task: task.clone(), completion: answered(style, "output", answer) }),
        expected,
    };
    let completion = proposed_call::<L>(style, program, Some(input));
    vec![
        attempt(exception, Expectation::Right, "the exception"),
        attempt(NO_ERROR, Expectation::Wrong, "that there is none"),
        attempt(&format!("{exception}: it"), Expectation::Wrong, "the exception with a message"),
        Example {
            note: "a program that raises".into(),
            completed: Completed::Proposal(Proposal { kind, references: Vec::new(), completion }),
            expected: Expectation::Right,
        },
    ]
}

fn proposals<L: Language>(ctx: &Context, sample: &Sample) -> Vec<Example> {
    let style = ctx.style;
    let count = Settings::read(ctx).induction_inputs;
    let (input, output) = sample.calls[0];
    let reference =
        Problem::Deduction(Call { input: input.into(), output: output.into(), program: sample.program.into() });
    let proposal = |kind: Kind, references: Vec<Task>, completion, expected, note: &str| Example {
        note: note.into(),
        completed: Completed::Proposal(Proposal { kind: kind.name().into(), references, completion }),
        expected,
    };
    let inputs = |count: usize, message| proposed_inputs(style, (1..=count).map(|number| number.to_string()), message);
    let shown = vec![reference.task()];
    let mut proposals = Vec::new();
    for kind in [Kind::Deduction, Kind::Abduction] {
        let (program, input) = (sample.program, Some(input));
        let (call, bare) = (proposed_call::<L>(style, program, input), proposed_call::<L>(style, program, None));
        proposals.push(proposal(kind, Vec::new(), call, Expectation::Right, "a program and an input"));
        proposals.push(proposal(kind, Vec::new(), bare, Expectation::Wrong, "a program without an input"));
    }
    let induction = |completion, expected, note| proposal(Kind::Induction, shown.clone(), completion, expected, note);
    proposals.push(induction(inputs(count, "Guess."), Expectation::Right, "as many inputs as wanted"));
    proposals.push(induction(inputs(count - 1, "Guess."), Expectation::Wrong, "an input too few"));
    if style == Style::Instruct {
        let told = inputs(count, sample.program);
        proposals.push(induction(told, Expectation::Wrong, "a message that is the program"));
    }
    proposals
}

fn answered(style: Style, label: &str, answer: &str) -> String {
    match style {
        Style::Instruct => thought(&fenced(label, answer)),
        Style::Compact => answer.into(),
    }
}

fn proposed_call<L: Language>(style: Style, program: &str, input: Option<&str>) -> String {
    match style {
        Style::Instruct => {
            let input = input.map_or_else(String::new, |input| fenced("input", input));
            thought(&format!("{}{input}", fenced(L::WORDING.label, program)))
        }
        Style::Compact => input.map_or_else(|| program.into(), |input| format!("{program}<input>{input}")),
    }
}

fn proposed_inputs(style: Style, inputs: impl Iterator<Item = String>, message: &str) -> String {
    match style {
        Style::Instruct => {
            let inputs: String = inputs.map(|input| fenced("input", &input)).collect();
            thought(&format!("{inputs}{}", fenced("message", message)))
        }
        Style::Compact => inputs.collect::<Vec<_>>().join("<input>"),
    }
}

/// The completion continues an opened think block and was stopped before the answer's end.
fn thought(answer: &str) -> String {
    format!("Let me see.</think>\n<answer>\n{answer}")
}

fn fenced(label: &str, content: &str) -> String {
    format!("```{label}\n{content}\n```\n")
}
