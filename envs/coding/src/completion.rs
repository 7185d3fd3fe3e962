//! Reading completions: what the policy proposes or answers, and whether it kept the format.

use azr_guest_sdk::format::{Fence, Tagged, after_thinking, fences, has_marker, until_marker};
use azr_guest_sdk::{Rejection, Style};

use crate::Language;

pub mod brief;
mod labelled;

use labelled::labelled;

/// Something read from a completion.
pub struct Read<T> {
    pub content: T,
    pub well_formed: bool,
}

/// A program and the text of its arguments.
pub struct ProposedCall {
    pub program: String,
    pub input: String,
}

/// Texts of arguments, and the message for the solver.
pub struct ProposedExamples {
    pub inputs: Vec<String>,
    pub message: String,
}

pub fn proposed_call<L: Language>(style: Style, completion: &str) -> Result<Read<ProposedCall>, Rejection> {
    match style {
        Style::Instruct => {
            let tagged = Tagged::read(completion);
            let found = fences(tagged.answer);
            let code = preferred(found.iter(), L::PROGRAM_LABELS).ok_or_else(no_program::<L>)?;
            let input = found.iter().find(|fence| is_labelled(fence, "input")).map(|fence| fence.content);
            let input = input.or_else(|| labelled::after_heading(tagged.answer, "input")).ok_or_else(no_input)?;
            let content = ProposedCall { program: tidy(&code.dedented()), input: input.trim().to_owned() };
            Ok(Read { content, well_formed: tagged.well_formed })
        }
        Style::Compact => {
            let fields = after_thinking(completion);
            let (program, input) = fields.split_once("<input>").ok_or_else(no_input)?;
            let well_formed = !has_marker(program) && !has_marker(input);
            let content = ProposedCall { program: tidy(program), input: until_marker(input).trim().to_owned() };
            Ok(Read { content, well_formed })
        }
    }
}

/// Reads exactly `count` inputs: of more the last ones in the instruct style, where the first may be drafts; in the
/// compact style there must be no more.
pub fn proposed_examples(style: Style, completion: &str, count: usize) -> Result<Read<ProposedExamples>, Rejection> {
    let examples = match style {
        Style::Instruct => {
            let tagged = Tagged::read(completion);
            let found = fences(tagged.answer);
            let inputs: Vec<String> = found
                .iter()
                .filter(|fence| is_labelled(fence, "input"))
                .map(|fence| fence.content.trim().to_owned())
                .collect();
            let message = found.iter().find(|fence| is_labelled(fence, "message")).map(|fence| fence.content);
            let message = message
                .or_else(|| labelled::between_tags(tagged.answer, "message"))
                .or_else(|| labelled::after_heading(tagged.answer, "message"))
                .ok_or_else(|| rejection("no-message", "the answer has no ```message block"))?;
            let surplus = inputs.len().saturating_sub(count);
            let content = ProposedExamples { inputs: inputs[surplus..].to_vec(), message: message.trim().to_owned() };
            Read { content, well_formed: tagged.well_formed }
        }
        Style::Compact => {
            let fields = after_thinking(completion);
            let inputs: Vec<String> = fields.split("<input>").map(|input| input.trim().to_owned()).collect();
            let well_formed = !inputs.iter().any(|input| has_marker(input));
            Read { content: ProposedExamples { inputs, message: String::new() }, well_formed }
        }
    };
    match examples.content.inputs.len() {
        given if given < count => {
            Err(rejection("too-few-inputs", format!("the proposal has {given} inputs, wanted {count}")))
        }
        given if given > count => {
            Err(rejection("too-many-inputs", format!("the proposal has {given} inputs, wanted {count}")))
        }
        _ => Ok(examples),
    }
}

/// The field that a value answers.
#[derive(Clone, Copy)]
pub enum Field {
    Input,
    Output,
}

/// A solver's value. Always something: in the worst case the whole completion.
pub fn answered_value(style: Style, completion: &str, field: Field) -> Read<String> {
    match style {
        Style::Instruct => {
            let tagged = Tagged::read(completion);
            let label = match field {
                Field::Input => "input",
                Field::Output => "output",
            };
            Read { content: labelled(tagged.answer, label).trim().to_owned(), well_formed: tagged.well_formed }
        }
        Style::Compact => compact_answer(completion, str::trim),
    }
}

/// A solver's program; empty if there is none.
pub fn answered_program<L: Language>(style: Style, completion: &str) -> Read<String> {
    program_in(style, completion, L::PROGRAM_LABELS)
}

/// A solver's program in a language whose fences have these labels, or none; empty if there is none.
pub fn program_in(style: Style, completion: &str, labels: &[&str]) -> Read<String> {
    match style {
        Style::Instruct => {
            let tagged = Tagged::read(completion);
            let found = fences(tagged.answer);
            let code = preferred(found.iter().rev(), labels);
            let well_formed = tagged.well_formed && code.is_some();
            let content = match code {
                Some(code) => tidy(&code.dedented()),
                // Perhaps a program without a fence. Anything else does not compile.
                None if found.is_empty() => tidy(tagged.answer.rsplit("</think>").next().unwrap_or("")),
                None => String::new(),
            };
            Read { content, well_formed }
        }
        Style::Compact => compact_answer(completion, |text| text.trim_end()),
    }
}

fn compact_answer(completion: &str, trim: fn(&str) -> &str) -> Read<String> {
    let answer = after_thinking(completion);
    Read { content: trim(until_marker(answer)).to_owned(), well_formed: !has_marker(answer) }
}

/// The first of the fences with one of these labels, else the first without a label: an example of what a program prints
/// often stands in a bare fence beside it.
fn preferred<'a, 'b: 'a>(
    mut found: impl Iterator<Item = &'a Fence<'b>> + Clone,
    labels: &[&str],
) -> Option<&'a Fence<'b>> {
    let labelled = |fence: &&Fence| labels.iter().any(|label| is_labelled(fence, label));
    found.clone().find(labelled).or_else(|| found.find(|fence| fence.label.is_empty()))
}

fn is_labelled(fence: &Fence, label: &str) -> bool {
    fence.label.eq_ignore_ascii_case(label)
}

/// A program without blank lines around it, so that equal programs are equal tasks.
fn tidy(program: &str) -> String {
    let mut program = program.trim_end();
    while let Some((first, rest)) = program.split_once('\n')
        && first.trim().is_empty()
    {
        program = rest;
    }
    program.replace("\r\n", "\n")
}

fn rejection(code: &str, message: impl Into<String>) -> Rejection {
    Rejection { code: code.into(), message: message.into() }
}

fn no_program<L: Language>() -> Rejection {
    rejection("no-program", format!("the answer has no ```{} block", L::WORDING.label))
}

fn no_input() -> Rejection {
    rejection("no-input", "the answer has no input")
}
