//! Whether a message gives the program or hidden outputs away.
//!
//! A message may describe the program, so no check can tell a hint from a solution in other words or in a code. One that
//! gives everything away earns nothing: its task is always solved. This check refuses the cheapest way to get there.

use std::collections::{HashMap, HashSet};

use unicode_normalization::UnicodeNormalization as _;

use crate::problem::Examples;

/// Runs of so many lines of the program must not stand in a message.
const LINES: usize = 3;
/// A run with fewer letters and digits than this, and than half of the program's, says nothing: three closing brackets,
/// say.
const SIGNIFICANT_CHARS: usize = 24;
/// Shorter texts of outputs stand in many honest messages.
const OUTPUT_CHARS: usize = 3;

/// Whether the message contains the program, several lines of it in a row, or all lines below the first with other words
/// between them, however they are spaced, commented out, quoted or numbered in upper or lower case.
/// A comment begins with `comment` and ends with its line.
pub fn reveals(message: &str, program: &str, comment: &str) -> bool {
    let code = |line| essence(without_comment(line, comment));
    let lines: Vec<String> = program.lines().map(code).filter(|line| !line.is_empty()).collect();
    let messages = [essence(message), message.lines().map(code).collect()];
    let contains = |run: &str| messages.iter().any(|message| message.contains(run));
    let in_order = |run: &[String]| {
        let mut rest = messages[0].as_str();
        run.iter().all(|line| rest.split_once(line.as_str()).map(|(_, after)| rest = after).is_some())
    };
    let significant = SIGNIFICANT_CHARS.min(lines.iter().map(String::len).sum::<usize>() / 2);
    let runs = lines.windows(LINES).map(<[String]>::concat).filter(|run| run.len() >= significant);
    !lines.is_empty()
        && (contains(&lines.concat())
            || likely_contained(runs, &messages).any(|run| contains(&run))
            || lines.len() > LINES && in_order(&lines[1..]))
}

/// Those runs that stand in one of the messages, and by chance others: a search for each of many runs would take too long.
fn likely_contained<'a>(
    runs: impl Iterator<Item = String> + 'a,
    messages: &'a [String],
) -> impl Iterator<Item = String> + 'a {
    let mut hashes_by_length: HashMap<usize, HashSet<u64>> = HashMap::new();
    runs.filter(move |run| {
        let of_length = |length| messages.iter().flat_map(|message| hashes(message.as_bytes(), length)).collect();
        let hashes_here = hashes_by_length.entry(run.len()).or_insert_with_key(|length| of_length(*length));
        hashes(run.as_bytes(), run.len()).any(|hash| hashes_here.contains(&hash))
    })
}

/// A hash of every part of this length, after Karp and Rabin: from one to the next in one step.
fn hashes(text: &[u8], length: usize) -> impl Iterator<Item = u64> {
    // Arbitrary and odd. A run that only has the hash of a part is found out by the search for it.
    const BASE: u64 = 0x9e37_79b9_7f4a_7c15;
    let add = |hash: u64, byte: u8| hash.wrapping_mul(BASE).wrapping_add(u64::from(byte) + 1);
    let leaving = (0..length).fold(1_u64, |power, _| power.wrapping_mul(BASE));
    let first = text.get(..length).map(|part| part.iter().fold(0, |hash, byte| add(hash, *byte)));
    let steps = text.iter().zip(text.get(length..).unwrap_or_default());
    let following = steps.scan(first.unwrap_or(0), move |hash, (left, entered)| {
        *hash = add(*hash, *entered).wrapping_sub(leaving.wrapping_mul(u64::from(*left) + 1));
        Some(*hash)
    });
    first.into_iter().chain(following)
}

/// The first hidden output whose text stands in the message: with it a list of pairs replaces the program. Truth values
/// and the like stand in many messages, so they count beside their input only.
pub fn reveals_output(examples: &Examples) -> Option<&str> {
    let message = essence(&examples.message);
    let words = words(&examples.message);
    let listed = |input: &str, output: &str| {
        let input = self::words(input);
        words.contains(&output.to_lowercase())
            && (input.is_empty() || words.windows(input.len()).any(|part| part == input))
    };
    let revealed = |(input, output): &(&str, &str)| match *output {
        "True" | "False" | "None" | "true" | "false" | "null" | "undefined" => listed(input, output),
        output => {
            let output = essence(output);
            output.chars().count() >= OUTPUT_CHARS && message.contains(&output)
        }
    };
    examples.hidden().find(revealed).map(|(_, output)| output)
}

fn words(text: &str) -> Vec<String> {
    let text: String = text.nfkc().flat_map(char::to_lowercase).collect();
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).map(String::from).collect()
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

    /// More lines than could be searched for one by one. `a` is what stands in every window of them.
    #[test]
    fn a_long_program_is_looked_through_in_time() {
        let line = |number: usize| format!("{}{number}\n", "a".repeat(8));
        let program: String = (0..6000).map(line).collect();
        let message = "a".repeat(20_000);
        assert!(!reveals(&message, &program, "#"));
        assert!(reveals(&format!("{message} {}", [line(4711), line(4712), line(4713)].concat()), &program, "#"));
        assert!(!reveals(&format!("{message} {}", [line(4711), line(4713)].concat()), &program, "#"));
    }

    fn hidden(message: &str, pairs: &[(&str, &str)]) -> Option<String> {
        // As many shown ones before them, which may be told.
        let shown = pairs.iter().map(|_| ("0", "0"));
        let (inputs, outputs) = shown.chain(pairs.iter().copied()).map(|(i, o)| (i.to_owned(), o.to_owned())).unzip();
        let examples = Examples { inputs, outputs, message: message.into(), program: String::new() };
        reveals_output(&examples).map(String::from)
    }

    #[test]
    fn hidden_outputs_do_not_stand_in_the_message() {
        let number = [("5", "3832917797"), ("6", "12")];
        for message in [
            "5 gives 3832917797; 6 gives 12",
            "3,832,917,797",
            "3832917797",
            "a lookup: {5: '38329', '17797'}",
            "３８３２９１７７９７",
        ] {
            assert_eq!(hidden(message, &number).as_deref(), Some("3832917797"), "{message}");
        }
        assert_eq!(hidden("take 12 of them", &number), None);
        assert_eq!(hidden("the 'Red Fox' comes out", &[("1", "'red fox'")]).as_deref(), Some("'red fox'"));
        assert_eq!(hidden("returns [1, 2, 3]", &[("1", "[1, 2, 3]")]).as_deref(), Some("[1, 2, 3]"));
        assert_eq!(hidden("whether the number is odd: True or False", &[("7", "True")]), None);
        assert_eq!(hidden("7 is True, 8 is False", &[("7", "True")]).as_deref(), Some("True"));
        assert_eq!(hidden("", &[("7", "True"), ("8", "'abc'")]), None);
    }
}
