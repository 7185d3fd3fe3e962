//! Completions of the brief prompts, which go on where the prompt has begun.

use azr_guest_sdk::Rejection;

use super::{Field, ProposedCall, ProposedExamples, Read, no_input, rejection, tidy};
use crate::problem::Call;
use crate::{Language, Wording};

/// The program up to the first call at the top level, and the arguments of that call.
pub fn proposed_call<L: Language>(completion: &str) -> Result<Read<ProposedCall>, Rejection> {
    let text = begun::<L>(completion);
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let top_level = at > 0 && !line.starts_with(char::is_whitespace) && !line.starts_with(L::COMMENT);
        if let Some(arguments) = Some(line).filter(|_| top_level).and_then(called::<L>) {
            let program = without_last_comments(&text[..at], L::COMMENT);
            let content = ProposedCall { program: tidy(program), input: arguments.trim().to_owned() };
            return Ok(Read { content, well_formed: true });
        }
        at += line.len();
    }
    Err(no_input())
}

/// The arguments of the first `count` calls that are written differently.
pub fn proposed_examples<L: Language>(completion: &str, count: usize) -> Result<Read<ProposedExamples>, Rejection> {
    let text = format!("f({}", until_fence(completion));
    let mut inputs: Vec<String> = Vec::new();
    for input in text.lines().filter_map(called::<L>).map(str::trim) {
        if inputs.len() < count && !inputs.iter().any(|other| other == input) {
            inputs.push(input.to_owned());
        }
    }
    if inputs.len() < count {
        return Err(rejection("too-few-inputs", format!("the proposal has {} inputs, wanted {count}", inputs.len())));
    }
    Ok(Read { content: ProposedExamples { inputs, message: String::new() }, well_formed: true })
}

/// What completes an assertion, of which the prompt has written one side.
pub fn answered_value<L: Language>(call: &Call, completion: &str, field: Field) -> Read<String> {
    let line = completion.lines().next().unwrap_or("").trim().trim_end_matches("```").trim();
    let content = match field {
        Field::Output => line.strip_suffix(';').unwrap_or(line),
        Field::Input => {
            let Wording { equals, .. } = L::WORDING;
            let whole = line.strip_suffix(&*call.output).and_then(|rest| rest.trim_end().strip_suffix(equals));
            let whole = whole.and_then(|rest| rest.trim_end().strip_suffix(')'));
            whole.or_else(|| closed(line)).unwrap_or(line)
        }
    };
    Read { content: content.trim().to_owned(), well_formed: !content.is_empty() }
}

/// A solver's program.
pub fn answered_program<L: Language>(completion: &str) -> Read<String> {
    Read { content: tidy(&begun::<L>(completion)), well_formed: true }
}

/// What the prompt has begun and the completion ends.
fn begun<L: Language>(completion: &str) -> String {
    format!("{}{}", L::WORDING.opening, until_fence(completion))
}

fn until_fence(completion: &str) -> &str {
    completion.split_once("\n```").map_or(completion, |(before, _)| before)
}

/// What stands between the parentheses of a call of `f`, if a line has one and defines nothing.
fn called<L: Language>(line: &str) -> Option<&str> {
    let definition = L::WORDING.opening.split(' ').next().unwrap_or("");
    if line.starts_with(definition) || line.starts_with("class ") {
        return None;
    }
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let starts = line.match_indices("f(").map(|(at, _)| at);
    let start = starts.into_iter().find(|&at| !line[..at].ends_with(is_name))? + "f(".len();
    closed(&line[start..])
}

/// A text up to the parenthesis that closes what was opened before it.
fn closed(text: &str) -> Option<&str> {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')') if depth == 0 => return Some(&text[..at]),
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
    }
    None
}

/// A program without the comments at its end, which speak of the call.
fn without_last_comments<'a>(program: &'a str, comment: &str) -> &'a str {
    let mut program = program.trim_end();
    while let Some(start) = program.rfind('\n')
        && program[start + 1..].starts_with(comment)
    {
        program = program[..start].trim_end();
    }
    program
}
