//! A field of an answer under its name, in the spellings that policies use.

use azr_guest_sdk::format::fences;

/// The field called `label`: its last fence, else what follows its heading, stands in its tags or in a call of its
/// name, or follows "the … is"; else the whole answer.
pub fn labelled<'a>(answer: &'a str, label: &str) -> &'a str {
    let fence = fences(answer).into_iter().rfind(|fence| fence.label.eq_ignore_ascii_case(label));
    fence
        .map(|fence| fence.content)
        .or_else(|| after_heading(answer, label))
        .or_else(|| between_tags(answer, label))
        .or_else(|| inside_call(answer, label))
        .or_else(|| after_sentence_start(answer, label))
        .unwrap_or(answer)
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
