//! What can be said about a proposal besides that it is a task: properties of its program, and how rare its answer is.
//!
//! The reference adds such terms to the proposer's reward and leaves them switched off.

use azr_guest_sdk::value::Value;
use azr_guest_sdk::{Amount, Measure, Outcome, Report, Run};

use crate::problem::Problem;
use crate::{Arguments, Language, similarity};

/// The run that measures programs, one call for each: the proposed one, then the references. They are texts in it, and
/// no program of theirs is in the instance. None for a language that has no measuring program.
pub fn run<L: Language>(program: &str, references: &[Problem]) -> Option<Run> {
    let call = |text: &str| Arguments { positional: vec![Value::Str(text.to_owned())], keyword: Vec::new() }.encode();
    let references = references.iter().map(Problem::program);
    let inputs = std::iter::once(program).chain(references).map(call).collect();
    Some(Run { executor: 0, program: L::MEASURING?.to_owned(), inputs })
}

/// The measures of a task, given the report of its measuring run where one was planned.
pub fn of(problem: &Problem, report: Option<&Report>) -> Vec<Measure> {
    let rarity = |name: &str, of: String| Measure { name: name.into(), amount: Amount::Rarity(of) };
    let mut measures = match problem {
        Problem::Deduction(call) | Problem::ErrorDeduction(call) => {
            vec![rarity("answer-diversity", call.output.clone())]
        }
        Problem::Abduction(call) => vec![rarity("answer-diversity", call.input.clone())],
        Problem::Induction(examples) => vec![
            rarity("input-diversity", examples.inputs.join("\n")),
            rarity("output-diversity", examples.outputs.join("\n")),
        ],
    };
    measures.extend(report.into_iter().flat_map(of_program));
    measures
}

/// What the measuring program says about one program.
struct Measured {
    complexity: f64,
    halstead: f64,
    /// The syntax tree as indented JSON.
    tree: String,
}

/// A program that cannot be measured, because it nests too deep or is too large, has nothing of what is measured.
fn of_program(report: &Report) -> Vec<Measure> {
    let mut measured = report.outcomes.iter().map_while(measured);
    let own = measured.next().unwrap_or(Measured { complexity: 0.0, halstead: 0.0, tree: String::new() });
    let distances: Vec<f64> =
        measured.map(|reference| 1.0 - similarity::ratio(own.tree.as_bytes(), reference.tree.as_bytes())).collect();
    let mean_distance = (!distances.is_empty()).then(|| distances.iter().sum::<f64>() / distances.len() as f64);
    let number = |name: &str, amount| Measure { name: name.into(), amount: Amount::Number(amount) };
    let mut measures = vec![number("complexity", own.complexity), number("halstead", own.halstead)];
    measures.extend(mean_distance.map(|distance| number("edit-distance", distance)));
    measures
}

fn measured(outcome: &Outcome) -> Option<Measured> {
    let Outcome::Value(encoded) = outcome else { return None };
    match Value::decode(encoded).ok()? {
        Value::Tuple(fields) => match fields.as_slice() {
            [Value::Float(complexity), Value::Float(halstead), Value::Str(tree)] => {
                Some(Measured { complexity: *complexity, halstead: *halstead, tree: indented(tree) })
            }
            _ => None,
        },
        _ => None,
    }
}

/// Compact JSON as `json.dumps(…, indent=2)` would have written it.
fn indented(json: &str) -> String {
    let (mut text, mut depth, mut in_string) = (String::new(), 0, false);
    let mut characters = json.chars().peekable();
    let new_line = |text: &mut String, depth: usize| {
        text.push('\n');
        text.extend(std::iter::repeat_n(' ', 2 * depth));
    };
    while let Some(character) = characters.next() {
        match character {
            '\\' if in_string => {
                text.push(character);
                text.extend(characters.next());
                continue;
            }
            '"' => in_string = !in_string,
            '}' | ']' if !in_string => {
                depth -= 1;
                new_line(&mut text, depth);
            }
            _ => {}
        }
        text.push(character);
        match character {
            '{' | '[' if !in_string => match characters.next_if(|next| matches!(next, '}' | ']')) {
                Some(end) => text.push(end),
                None => {
                    depth += 1;
                    new_line(&mut text, depth);
                }
            },
            ',' if !in_string => new_line(&mut text, depth),
            ':' if !in_string => text.push(' '),
            _ => {}
        }
    }
    text
}
