//! A field of an answer under its name, in the spellings that policies use.

use azr_guest_sdk::format::fences;

/// The field called `label`: its last fence, else what follows its heading, stands in its tags or in a call of its
/// name, is its side of an assertion, or follows "the … is"; else what the last line says.
pub fn labelled<'a>(answer: &'a str, label: &str) -> &'a str {
    let fence = fences(answer).into_iter().rfind(|fence| fence.label.eq_ignore_ascii_case(label));
    fence
        .map(|fence| fence.content)
        .or_else(|| after_heading(answer, label))
        .or_else(|| between_tags(answer, label))
        .or_else(|| inside_call(answer, label))
        .or_else(|| between(answer, "[ANSWER]", "[/ANSWER]").map(|block| side(block, label).unwrap_or(block)))
        .or_else(|| answer.lines().rev().find_map(|line| side(line, label)))
        .or_else(|| after_sentence_start(answer, label))
        .or_else(|| last_line(answer, label))
        .unwrap_or(answer)
}

/// The text between two marks, of which the second may be missing.
fn between<'a>(answer: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (_, text) = answer.rsplit_once(open)?;
    Some(text.split_once(close).map_or(text, |(inside, _)| inside).trim())
}

/// What `assert f(INPUT) == OUTPUT` says of a field.
fn side<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    let (call, output) = line.trim().strip_prefix("assert ")?.split_once("==")?;
    let input = call.trim().strip_prefix("f(")?.strip_suffix(')')?;
    Some(if label.eq_ignore_ascii_case("input") { input } else { output.trim() })
}

/// The code at the end of the last line of several, or the whole line, without the field's name before it.
fn last_line<'a>(answer: &'a str, label: &str) -> Option<&'a str> {
    let mut lines = answer.lines().map(str::trim).filter(|line| !line.is_empty());
    let last = lines.next_back()?;
    let unmarked = last.trim_end_matches(['.', '*']);
    if let Some(code) = unmarked.strip_suffix('`').and_then(|rest| rest.rsplit_once('`')) {
        return Some(code.1);
    }
    lines.next()?;
    let names = [label, "answer", "result"];
    let named = names.into_iter().find_map(|name| {
        let before = last.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name))?;
        last[before.len()..].strip_prefix(':')
    });
    Some(named.unwrap_or(last).trim())
}

/// The text after a heading such as `# Input:`, to the next heading or the end.
pub fn after_heading<'a>(answer: &'a str, label: &str) -> Option<&'a str> {
    let heading = format!("# {label}:");
    let text = &answer[find_ignoring_case(answer, &heading)? + heading.len()..];
    Some(text.split_once("\n#").map_or(text, |(section, _)| section).trim())
}

/// The text between `<label>` and `</label>`.
pub fn between_tags<'a>(answer: &'a str, label: &str) -> Option<&'a str> {
    let open = format!("<{label}>");
    let text = &answer[find_ignoring_case(answer, &open)? + open.len()..];
    Some(&text[..find_ignoring_case(text, &format!("</{label}>"))?])
}

fn inside_call<'a>(answer: &'a str, label: &str) -> Option<&'a str> {
    let open = format!("{label}(");
    let start = find_ignoring_case(answer, &open)? + open.len();
    Some(&answer[start..start + answer[start..].rfind(')')?])
}

fn after_sentence_start<'a>(answer: &'a str, label: &str) -> Option<&'a str> {
    let opening = format!("the {label} is ");
    let text = &answer[find_ignoring_case(answer, &opening)? + opening.len()..];
    Some(text.trim().trim_end_matches('.'))
}

/// Byte offset of an ASCII needle, whatever its case.
fn find_ignoring_case(text: &str, needle: &str) -> Option<usize> {
    text.as_bytes().windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}
