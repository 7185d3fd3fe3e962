//! Finds the answer in a solution.

use crate::token::braced;

/// What a solution gives as its answer:
///
/// 1. the content of the last `\boxed{…}` or `\fbox{…}`,
/// 2. or else what stands behind the last `####`, up to the end of the line,
/// 3. or else what stands behind the last "answer is" or "answer:", up to the end of the sentence,
/// 4. or else what is bold at the end of the last line that is not empty,
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

fn behind_phrase(solution: &str) -> Option<&str> {
    // Of the same length as the solution, so that places are the same.
    let lower = solution.to_ascii_lowercase();
    let behind = |phrase: &str| Some(lower.rfind(phrase)? + phrase.len());
    let start = ["answer is", "answer:", "answer**:", "answer:**"].into_iter().filter_map(behind).max()?;
    let rest = solution[start..].trim_start_matches([':', '*', ' ', '\n']);
    // The phrase stood in braces of its own, as \text{Answer: }.
    let opened = solution[..start].matches('{').count() > solution[..start].matches('}').count();
    let rest = rest.strip_prefix('}').filter(|_| opened).unwrap_or(rest);
    let end = [". ", ".\n", "\n"].into_iter().filter_map(|end| rest.find(end)).min();
    Some(&rest[..end.unwrap_or(rest.len())])
}

/// The last bold part of the last line. Stars between letters or digits are powers in Python.
fn last_bold(solution: &str) -> Option<&str> {
    let line = solution.trim_end().lines().next_back()?;
    let end = line.rfind("**")?;
    let start = line[..end].rfind("**")?;
    let inner = &line[start + 2..end];
    let outside = |c: char| !c.is_alphanumeric() && c != ')' && c != '(';
    let before = line[..start].chars().next_back().is_none_or(outside);
    let after = line[end + 2..].chars().next().is_none_or(outside);
    let padded = inner.starts_with(char::is_whitespace) || inner.ends_with(char::is_whitespace);
    (before && after && !padded && !inner.is_empty()).then_some(inner)
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
        let stripped = ["$$", "$", "`", "**", "__", "*", "_", "\""]
            .iter()
            .fold(stripped, |text, mark| enclosed(text, mark, mark).unwrap_or(text));
        let stripped =
            enclosed(stripped, "\\(", "\\)").or_else(|| enclosed(stripped, "\\[", "\\]")).unwrap_or(stripped);
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
        ] {
            assert_eq!(answer(solution), found.map_err(String::from), "{solution}");
        }
    }
}
