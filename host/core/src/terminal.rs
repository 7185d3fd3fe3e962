//! Text of strangers on an operator's terminal.
//!
//! Programs, completions, environments, data sets and registries all get their words into messages. A terminal obeys some
//! characters instead of showing them: it would change its title or clipboard, or overwrite the line that warns of it.

use std::fmt::Write as _;

/// Whether a terminal obeys the character instead of showing it: C0, DEL and C1, marks that change the direction of
/// writing, and what takes no room.
fn is_obeyed(c: char) -> bool {
    let unseen = matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    c.is_control() || unseen
}

/// The text as lines that a terminal shows and does not obey.
pub fn lines(text: &str) -> String {
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// The text as one line that a terminal shows and does not obey.
pub fn line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match is_obeyed(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

/// The same JSON in characters that a terminal shows and does not obey. `json` is JSON, whose line feeds are between
/// its tokens.
pub fn json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !is_obeyed(c) {
            shown.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(shown, "\\u{unit:04x}").expect("a string can be written to");
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}]0;OWNED\u{7}\r\u{7f}\u{9b}31m\u{202e}\u{2066}\u{200b}\u{e0041}é\tb";

    fn obeyed(text: &str) -> Vec<char> {
        text.chars().filter(|&c| c != '\n' && is_obeyed(c)).collect()
    }

    #[test]
    fn nothing_is_left_that_a_terminal_obeys() {
        let text = format!("{HOSTILE}\n{HOSTILE}");
        assert_eq!(lines(&text), [line(HOSTILE), line(HOSTILE)].join("\n"));
        assert_eq!(obeyed(&lines(&text)), []);
        assert_eq!(obeyed(&line(&text)), []);
        assert!(!line(&text).contains('\n'));
        assert_eq!(line("a\u{1b}[31m\r\nb\u{202e}é\t"), "a\\u{1b}[31m\\r\\nb\\u{202e}é\\t");
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({ "k\u{85}": [HOSTILE, "\u{e0041}"] });
        let shown = json(&serde_json::to_string_pretty(&value).unwrap());
        assert_eq!(obeyed(&shown), []);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
