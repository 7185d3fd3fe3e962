//! How benchmarks of mathematics are asked, and where an answer is looked for, by Qwen2.5-Math's evaluation
//! (`PROMPT_TEMPLATES["qwen-boxed"]` and `extract_answer`), which is also what AZR's figures of coder models were made with.
//!
//! A solution without a box, without `####` and without "the answer is" is judged by its last number. Training must not do
//! that: a policy would learn to end on numbers. Whether two answers are equal is decided as always.

use azr_guest_sdk::Wrong;

use crate::{Problem, equivalence, extract};

pub fn question(Problem { problem, .. }: &Problem) -> String {
    format!("{problem}\nPlease reason step by step, and put your final answer within \\boxed{{}}.")
}

pub fn grade(problem: &Problem, completion: &str) -> Result<(), Wrong> {
    let lower = completion.to_ascii_lowercase();
    let marked = ["\\boxed", "\\fbox", "####", "answer is", "answer:"].iter().any(|mark| lower.contains(mark));
    if marked {
        return Ok(equivalence::compare(&problem.answer, extract::answer(completion)?)?);
    }
    let number = last_number(completion).ok_or("there is no answer")?;
    Ok(equivalence::compare(&problem.answer, &number)?)
}

/// The last match of `-?\d*\.?\d+` when commas are left out, matches taken from the left.
fn last_number(text: &str) -> Option<String> {
    let text = text.replace(',', "");
    let (mut last, mut at) = (None, 0);
    while at < text.len() {
        match number_length(&text.as_bytes()[at..]) {
            0 => at += 1,
            length => {
                last = Some(at..at + length);
                at += length;
            }
        }
    }
    last.map(|range| text[range].to_owned())
}

/// Of the number that begins a text; 0 where none does.
fn number_length(text: &[u8]) -> usize {
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let sign = usize::from(text.first() == Some(&b'-'));
    let whole = sign + digits(sign);
    let fraction = if text.get(whole) == Some(&b'.') { digits(whole + 1) } else { 0 };
    match (fraction, whole) {
        (0, whole) if whole == sign => 0,
        (0, whole) => whole,
        (fraction, whole) => whole + 1 + fraction,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // re.findall(r"-?\d*\.?\d+", text.replace(",", ""))[-1] in Python.
    #[test]
    fn the_last_number_is_found() {
        for (text, number) in [
            ("She makes $18 every day.", Some("18")),
            ("12 eggs, so 1,450 dollars", Some("1450")),
            ("about -0.5", Some("-0.5")),
            ("x = .25.", Some(".25")),
            ("10-3", Some("-3")),
            ("1.2.3", Some(".3")),
            ("none", None),
        ] {
            assert_eq!(last_number(text).as_deref(), number, "{text}");
        }
    }

    #[test]
    fn a_number_counts_only_where_no_answer_is_marked() {
        let problem = Problem { problem: "?".into(), answer: "18".into() };
        for (completion, right) in [
            ("16 - 3 - 4 = 9 and 9 * 2 = $18.", true),
            ("9 times 2: the answer is 18.", true),
            (r"\boxed{18} of 20", true),
            (r"\boxed{20} and not 18", false),
            ("18 at first, then 20", false),
            ("", false),
        ] {
            assert_eq!(grade(&problem, completion).is_ok(), right, "{completion}");
        }
    }
}
