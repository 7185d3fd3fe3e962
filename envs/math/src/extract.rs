//! Finds the answer in a solution.

use crate::token::braced;
use crate::unit::turns;
use crate::word::is_conjunction;

/// What a solution gives as its answer:
///
/// 1. the content of the last `\boxed{…}` or `\fbox{…}`,
/// 2. or else what stands behind the last `####`, up to the end of the line,
/// 3. or else what stands behind the last "answer is" or "answer:", up to the end of the sentence, unless it is denied,
/// 4. or else what is bold last in the last line that is not empty, unless its number goes on beside it or it is denied,
/// 5. or else everything.
///
/// White space, dollar signs, marks of bold type and a full stop around it are taken off.
pub fn answer(solution: &str) -> Result<&str, String> {
    let found = match last_box(solution) {
        Some(boxed) => boxed?,
        None => behind_hashes(solution)
            .or_else(|| behind_phrase(solution))
            .or_else(|| last_bold(solution))
            .unwrap_or(solution),
    };
    let bare = bare(found);
    if bare.is_empty() { Err("there is no answer".into()) } else { Ok(bare) }
}

/// The content of the last box, if there is a box. One that is not closed was not finished.
fn last_box(solution: &str) -> Option<Result<&str, String>> {
    let behind = |command: &str| Some(solution.rfind(command)? + command.len());
    let start = behind("\\boxed").max(behind("\\fbox"))?;
    let rest = solution[start..].trim_start();
    Some(match braced(rest) {
        Some((content, _)) => Ok(content),
        // TeX takes one character then.
        None if rest.starts_with(|c: char| c.is_ascii_alphanumeric()) => Ok(&rest[..1]),
        None => Err("the last box is not closed".into()),
    })
}

fn behind_hashes(solution: &str) -> Option<&str> {
    solution.rsplit_once("####")?.1.lines().next()
}

/// Words that may stand between a denial and "answer".
const BETWEEN: [&str; 7] = ["the", "a", "an", "final", "correct", "right", "text"];

fn behind_phrase(solution: &str) -> Option<&str> {
    // Of the same length as the solution, so that places are the same.
    let lower = solution.to_ascii_lowercase();
    let places = |phrase: &str| lower.rfind(phrase).map(|at| (at + phrase.len(), at));
    let (end, start) = ["answer is", "answer:", "answer**:", "answer:**"].into_iter().filter_map(places).max()?;
    // "not the answer: 5"
    let clause = lower[..start].rsplit(['.', ',', ';', ':', '!', '?', '\n']).next().unwrap_or("");
    if words(clause).rev().find(|word| !BETWEEN.contains(word)).is_some_and(denies) {
        return None;
    }
    let rest = solution[end..].trim_start_matches([':', '*', ' ', '\n']);
    // The phrase stood in braces, as \text{Answer: } and \text{Answer: 7}.
    let opened = solution[..end].matches('{').count() > solution[..end].matches('}').count();
    let rest = match closing(rest).filter(|_| opened) {
        Some(0) => &rest[1..],
        Some(close) if rest[close + 1..].trim_matches(['$', '.', ' ', '\n']).is_empty() => &rest[..close],
        _ => rest,
    };
    let end = [". ", ".\n", "\n"].into_iter().filter_map(|end| rest.find(end)).min();
    Some(&rest[..end.unwrap_or(rest.len())])
}

/// Where a brace is closed that was opened before this text.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' => open += 1,
            '}' if open == 0 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

/// The last bold part of the last line, if its number does not go on beside it and the line does not deny it. Stars
/// between letters or digits are powers in Python.
fn last_bold(solution: &str) -> Option<&str> {
    let line = solution.trim_end().lines().next_back()?;
    let end = line.rfind("**")?;
    let start = line[..end].rfind("**")?;
    let inner = &line[start + 2..end];
    let (before, after) = (&line[..start], &line[end + 2..]);
    let outside = |c: char| !c.is_alphanumeric() && c != ')' && c != '(';
    let apart = before.chars().next_back().is_none_or(outside) && after.chars().next().is_none_or(outside);
    let padded = inner.starts_with(char::is_whitespace) || inner.ends_with(char::is_whitespace);
    (apart && !padded && !inner.is_empty() && leads(before) && says_no_more(after)).then_some(inner)
}

/// Whether what stands before the bold part is no part of a formula, of a list or of a denial.
fn leads(before: &str) -> bool {
    let before = before.trim_end();
    let last = words(before).next_back().unwrap_or("");
    !before.ends_with(['+', '-', '−', '*', '/', '^', '<', '>', '≤', '≥', '≠'])
        && !words(before).any(denies)
        && !is_conjunction(last)
}

fn words(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(|c: char| !c.is_alphabetic() && c != '\'' && c != '’').filter(|word| !word.is_empty())
}

fn denies(word: &str) -> bool {
    let word = word.to_lowercase();
    let denials = ["not", "never", "cannot", "wrong", "incorrect", "minus", "negative"];
    denials.contains(&&*word) || word.ends_with("n't") || word.ends_with("n’t")
}

/// Words behind a number that make a proportion, a ratio or a power of it.
const CONTINUES: [&str; 5] = ["out", "in", "to", "squared", "cubed"];

/// Whether what stands behind the bold part does not go on with its number: "**5** million", "**5** out of 6", "**5**/6".
fn says_no_more(after: &str) -> bool {
    let rest = after.trim_start();
    let word = &rest[..rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len())];
    match rest.chars().next() {
        None | Some('!' | '?' | ')' | '"' | '”' | '%' | '$' | '°') => true,
        Some('.' | ',' | ';' | ':') => !rest[1..].trim_start().starts_with(|c: char| c.is_ascii_digit()),
        Some(_) => !word.is_empty() && !turns(word) && !is_conjunction(word) && !CONTINUES.contains(&word),
    }
}

fn bare(text: &str) -> &str {
    let mut text = text.trim();
    loop {
        // Three points are digits that go on.
        let ends: &[char] = if text.ends_with("...") { &[',', ';'] } else { &['.', ',', ';'] };
        let stripped = text.trim_end_matches(ends).trim();
        let stripped = if stripped.starts_with('*') || stripped.ends_with("^*") {
            stripped
        } else {
            stripped.trim_end_matches('*').trim_end()
        };
        let stripped = ["$$", "$", "`", "**", "__", "*", "_", "\"", "'"]
            .iter()
            .fold(stripped, |text, mark| enclosed(text, mark, mark).unwrap_or(text));
        let stripped = [("\\(", "\\)"), ("\\[", "\\]"), ("“", "”")]
            .iter()
            .find_map(|(open, close)| enclosed(stripped, open, close))
            .unwrap_or(stripped);
        if stripped == text {
            return text;
        }
        text = stripped;
    }
}

fn enclosed<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    text.strip_prefix(open)?.strip_suffix(close).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_is_found() {
        for (solution, found) in [
            ("72", Ok("72")),
            (" $72$. ", Ok("72")),
            (r"so \boxed{7} or rather $\boxed{\frac{1}{2}}$.", Ok(r"\frac{1}{2}")),
            (r"\boxed{\boxed{5}}", Ok("5")),
            (r"\fbox{5} and \boxed 3", Ok("3")),
            (r"\boxed{5} but \boxed{6", Err("the last box is not closed")),
            (r"\boxed{ }", Err("there is no answer")),
            ("", Err("there is no answer")),
            ("48/2 = <<48/2=24>>24\n#### 72\n", Ok("72")),
            ("The answer is 3. No: the answer is $4$. I hope it is correct.", Ok("4")),
            ("The answer is: 4.5", Ok("4.5")),
            ("It is 0.333...", Ok("It is 0.333...")),
            ("**73**", Ok("73")),
            ("First **70**.\nSo there are **73**.", Ok("73")),
            ("2**3**2", Ok("2**3**2")),
            (r"\text{Answer: } 8", Ok("8")),
            ("**Final Answer**: \\(x = 5\\)", Ok("x = 5")),
            ("\\[ 9 \\]", Ok("9")),
            ("“9”", Ok("9")),
            (r"$\text{Answer: 7}$.", Ok("7")),
            (r"\text{Answer: 7} \text{ million}", Ok(r"7} \text{ million}")),
            ("That is not the answer: 5", Ok("That is not the answer: 5")),
            ("It is not 5. The answer: 4", Ok("4")),
            ("It takes **5** hours.", Ok("5")),
            ("That makes **5**%.", Ok("5")),
            ("**5** million", Ok("**5** million")),
            ("**5**/6", Ok("**5**/6")),
            ("1/ **6**", Ok("1/ **6")),
            ("**5** or **6**", Ok("5** or **6")),
            ("It can't be **5**.", Ok("It can't be **5")),
            ("**5** out of 6", Ok("**5** out of 6")),
            ("**5**, 000", Ok("**5**, 000")),
        ] {
            assert_eq!(answer(solution), found.map_err(String::from), "{solution}");
        }
    }
}
