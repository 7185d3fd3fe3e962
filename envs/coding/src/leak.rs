//! Whether a message gives the program away.
//!
//! A message may describe the program, so no check can tell a hint from a solution in other words or in a code. One that
//! gives everything away earns nothing: its task is always solved. This check refuses the cheapest way to get there.

use unicode_normalization::UnicodeNormalization as _;

/// Runs of so many lines of the program must not stand in a message.
const LINES: usize = 3;
/// A run with fewer letters and digits than this, and than half of the program's, says nothing: three closing brackets,
/// say.
const SIGNIFICANT_CHARS: usize = 24;

/// Whether the message contains the program, several lines of it in a row, or all lines below the first with other words
/// between them, however they are spaced, commented out, quoted or numbered in upper or lower case.
/// A comment begins with `comment` and ends with its line.
pub fn reveals(message: &str, program: &str, comment: &str) -> bool {
    let code = |line| essence(without_comment(line, comment));
    let lines: Vec<String> = program.lines().map(code).filter(|line| !line.is_empty()).collect();
    let messages = [essence(message), message.lines().map(code).collect()];
    let contains = |run: &[String]| {
        let run = run.concat();
        messages.iter().any(|message| message.contains(&run))
    };
    let in_order = |run: &[String]| {
        let mut rest = messages[0].as_str();
        run.iter().all(|line| rest.split_once(line.as_str()).map(|(_, after)| rest = after).is_some())
    };
    let length = |run: &[String]| run.iter().map(String::len).sum::<usize>();
    let long_run = |run: &&[String]| length(run) >= SIGNIFICANT_CHARS.min(length(&lines) / 2);
    !lines.is_empty()
        && (contains(&lines)
            || lines.windows(LINES).filter(long_run).any(contains)
            || lines.len() > LINES && in_order(&lines[1..]))
}

/// Letters, digits and underscores, which survive quoting and reformatting; look-alikes as what Python reads them as.
fn essence(text: &str) -> String {
    text.nfkc().filter(|c| c.is_alphanumeric() || *c == '_').flat_map(char::to_lowercase).collect()
}

/// The line up to its comment. One in a string counts too, on both sides of the comparison alike.
fn without_comment<'a>(line: &'a str, comment: &str) -> &'a str {
    line.split_once(comment).map_or(line, |(code, _)| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = "def f(items):\n    # counts\n    total = 0\n    for item in items:\n        total += item * 2  \
                           # twice\n    return total";

    #[test]
    fn the_program_is_found_in_any_dress() {
        for message in [
            PROGRAM.to_owned(),
            format!("Here you are:\n```python\n{PROGRAM}\n```"),
            PROGRAM.replace("    ", "\t").replace('\n', "\n\n"),
            PROGRAM.lines().map(|line| format!("> # {line}\n")).collect(),
            PROGRAM.replace("    # counts\n", "").replace("  # twice", ""),
            PROGRAM.replace('\n', "  # again\n"),
            PROGRAM.replace("total", "\u{1d42d}\u{1d428}\u{1d42d}\u{1d41a}\u{1d425}"),
            PROGRAM
                .chars()
                .map(|c| if c.is_ascii_lowercase() { char::from_u32(c as u32 + 0xfee0).unwrap_or(c) } else { c })
                .collect(),
            PROGRAM.chars().flat_map(|c| [c, '\u{200b}']).collect(),
            "First total = 0. Then, for item in items, do total += item * 2 and at last return total.".to_owned(),
            "double each: total = 0; for item in items: total += item * 2".to_owned(),
        ] {
            assert!(reveals(&message, PROGRAM, "#"), "{message}");
        }
    }

    #[test]
    fn a_description_is_not_the_program() {
        for message in ["", "Return twice the total of the items.", "f(items) loops; return total", "total = 0"] {
            assert!(!reveals(message, PROGRAM, "#"), "{message}");
        }
        assert!(reveals("b = a + 3; c = b * 2; return c", "def f(a):\n b = a + 3\n c = b * 2\n return c", "#"));
        assert!(!reveals("Return a.", "def f(a):\n return a", "#"));
        assert!(reveals("It is `def f(a): return a`.", "def f(a):\n return a", "#"));
    }
}
