//! Finding answers in completions.
//!
//! Nothing here fails: a completion without the expected format gives what can be found, and says that it is not well
//! formed.

/// A completion of [`crate::prompt::reasoned_question`]: reasoning, the end of the think block, an answer block; or one
/// of the compact style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged<'a> {
    /// What stands in the last answer block, or the whole completion if there is none.
    pub answer: &'a str,
    /// Whether the completion is a think block, optional white space, an answer block, and nothing before. Text after
    /// the answer is tolerated.
    pub well_formed: bool,
}

impl<'a> Tagged<'a> {
    /// Reads a completion that continues an opened think block and may have been stopped before `</answer>`.
    pub fn read(completion: &'a str) -> Tagged<'a> {
        let answer = match completion.rfind("<answer>") {
            Some(at) => until(&completion[at + "<answer>".len()..], "</answer>"),
            None => completion,
        };
        let well_formed = completion
            .find("</think>")
            .is_some_and(|end| completion[end + "</think>".len()..].trim_start().starts_with("<answer>"));
        Tagged { answer, well_formed }
    }

    /// Reads a completion of the compact style: after a think block, if there is one, the answer up to the first of
    /// [`MARKERS`]. It is well formed where there is none.
    pub fn read_compact(completion: &'a str) -> Tagged<'a> {
        let answer = after_thinking(completion);
        Tagged { answer: until_marker(answer), well_formed: !has_marker(answer) }
    }
}

/// The markers of the compact style. A field ends where the next one begins.
pub const MARKERS: [&str; 10] = [
    "<solve>",
    "<propose>",
    "<deduction>",
    "<abduction>",
    "<induction>",
    "<program>",
    "<input>",
    "<output>",
    "<think>",
    "</think>",
];

/// Whether a text contains one of [`MARKERS`].
pub fn has_marker(text: &str) -> bool {
    MARKERS.iter().any(|marker| text.contains(marker))
}

/// A text up to the first of [`MARKERS`].
pub fn until_marker(text: &str) -> &str {
    let end = MARKERS.iter().filter_map(|marker| text.find(marker)).min();
    end.map_or(text, |end| &text[..end])
}

/// A fenced block of Markdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence<'a> {
    /// The first word after the opening fence, such as `python`; empty for a bare fence. Attributes such as
    /// `title="a.py"` are no part of it.
    pub label: &'a str,
    /// The lines between the fences.
    pub content: &'a str,
    /// White space before the opening fence, as in a list.
    pub indentation: &'a str,
}

impl Fence<'_> {
    /// The lines between the fences without the indentation that the whole block has.
    pub fn dedented(&self) -> String {
        let lines = || self.content.split_inclusive('\n');
        let stripped = |line| str::strip_prefix(line, self.indentation);
        let indented = lines().all(|line| line.trim().is_empty() || stripped(line).is_some());
        if indented { lines().map(|line| stripped(line).unwrap_or("\n")).collect() } else { self.content.to_owned() }
    }
}

/// Whether a line opens a fenced block, or closes one.
pub fn opens_fence(line: &str) -> bool {
    MARKS.iter().any(|marks| line.trim_start().starts_with(marks))
}

const MARKS: [&str; 2] = ["```", "~~~"];

/// The fenced blocks of a text, in order. A fence opens with three or more backticks or tildes at the start of a line
/// (after white space) and closes at the next line that starts with as many; the last one may be left open.
pub fn fences(text: &str) -> Vec<Fence<'_>> {
    let mut found = Vec::new();
    let mut open: Option<(&str, Fence<'_>, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        let next = at + line.len();
        match open {
            None => match opening(line) {
                // The whole block is one line: ```input 1, 2```
                Some((marks, rest, _)) if rest.contains(marks) => found.push(one_line(rest, marks)),
                Some((marks, rest, indentation)) => {
                    open = Some((marks, Fence { label: first_word(rest), content: "", indentation }, next));
                }
                None => {}
            },
            Some((marks, fence, start)) if trimmed.starts_with(marks) => {
                found.push(Fence { content: &text[start..at], ..fence });
                open = None;
            }
            Some((marks, fence, start)) if trimmed.ends_with(marks) => {
                let end = at + line.rfind(marks).unwrap_or(0);
                found.push(Fence { content: &text[start..end], ..fence });
                open = None;
            }
            _ => {}
        }
        at = next;
    }
    if let Some((_, fence, start)) = open {
        found.push(Fence { content: &text[start..], ..fence });
    }
    found
}

/// The marks of the fence that a line opens, what follows them, and the white space before them.
fn opening(line: &str) -> Option<(&str, &str, &str)> {
    let unindented = line.trim_start_matches([' ', '\t']);
    let marks = MARKS.iter().find(|marks| unindented.starts_with(*marks))?;
    let rest = unindented.trim_start_matches(&marks[..1]);
    Some((&unindented[..unindented.len() - rest.len()], rest.trim(), &line[..line.len() - unindented.len()]))
}

fn one_line<'a>(rest: &'a str, marks: &str) -> Fence<'a> {
    let inside = rest.split_once(marks).map_or(rest, |(inside, _)| inside);
    let (label, content) = inside.split_once(char::is_whitespace).unwrap_or(("", inside));
    Fence { label, content, indentation: "" }
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| c.is_whitespace() || "{,:=".contains(c)).next().unwrap_or("")
}

/// Removes one think block from the start of a completion of the compact style.
pub fn after_thinking(completion: &str) -> &str {
    let thought = completion.strip_prefix("<think>").and_then(|rest| rest.split_once("</think>"));
    thought.map_or(completion, |(_, answer)| answer)
}

fn until<'a>(text: &'a str, end: &str) -> &'a str {
    text.split_once(end).map_or(text, |(before, _)| before)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(&str, &str)> {
        fences(text).into_iter().map(|fence| (fence.label, fence.content)).collect()
    }

    #[test]
    fn fences_in_order() {
        for (text, expected) in [
            ("", vec![]),
            ("``` not at the end ` of it", vec![("not", "")]),
            ("```python title=\"a.py\"\nx\n```", vec![("python", "x\n")]),
            ("```python{1,3}\nx\n```\n```py:a.py\ny\n```", vec![("python", "x\n"), ("py", "y\n")]),
            ("~~~python\nx = '```'\n~~~\n~~~~\n~~~\n~~~~", vec![("python", "x = '```'\n"), ("", "~~~\n")]),
            ("```python\nx = 1\n~~~\n```", vec![("python", "x = 1\n~~~\n")]),
            ("a\n```python\nx = 1\n\ny\n```\nb\n```\nz\n```", vec![("python", "x = 1\n\ny\n"), ("", "z\n")]),
            ("  ```input\n  1\n  ```", vec![("input", "  1\n")]),
            ("```input 1, 2```", vec![("input", "1, 2")]),
            ("```output\n[1]```\nrest", vec![("output", "[1]")]),
            ("```python\nnever closed", vec![("python", "never closed")]),
            ("````md\n```\ninner\n```\n````", vec![("md", "```\ninner\n```\n")]),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_indentation_of_a_block_is_not_its_contents() {
        for (text, expected) in [
            ("1. so\n   ```python\n   if a:\n       b\n\n   c\n   ```", "if a:\n    b\n\nc\n"),
            ("\t```\n\ta\n\t```", "a\n"),
            ("  ```\na\n  b\n  ```", "a\n  b\n"),
            ("```\n  a\n```", "  a\n"),
        ] {
            assert_eq!(fences(text)[0].dedented(), expected, "{text:?}");
        }
    }

    #[test]
    fn tagged_completions() {
        for (completion, answer, well_formed) in [
            ("why</think><answer>a", "a", true),
            ("why</think>\n <answer>a</answer> bye", "a", true),
            ("why</think> so <answer>a</answer>", "a", false),
            ("<answer>a</answer>", "a", false),
            ("<answer>draft</answer> hm</think><answer>a</answer>", "a", true),
            ("no tags", "no tags", false),
        ] {
            assert_eq!(Tagged::read(completion), Tagged { answer, well_formed }, "{completion}");
        }
    }

    #[test]
    fn compact_completions() {
        for (completion, answer, well_formed) in [
            ("a", "a", true),
            ("", "", true),
            ("<think>why</think>a", "a", true),
            ("<think>a", "", false),
            ("a<output>b", "a", false),
            ("<think>why</think>a<think>b</think>", "a", false),
        ] {
            assert_eq!(Tagged::read_compact(completion), Tagged { answer, well_formed }, "{completion}");
        }
    }

    #[test]
    fn one_think_block_is_removed() {
        for (completion, answer) in
            [("<think>a</think>b", "b"), ("b", "b"), ("<think>a", "<think>a"), ("x<think>", "x<think>")]
        {
            assert_eq!(after_thinking(completion), answer);
        }
    }
}
