//! Whether an answer means what the reference does.

use crate::parse::read;
use crate::polynomial::Work;

/// An answer has so many bytes at most; the longest in the test set of MATH has 81.
pub const ANSWER_MAX_BYTES: usize = 2000;

/// Whether an answer means what the reference does, or why not.
pub fn compare(reference: &str, answer: &str) -> Result<(), String> {
    if answer.len() > ANSWER_MAX_BYTES {
        return Err(format!("the answer has more than {ANSWER_MAX_BYTES} bytes"));
    }
    if plain(reference) == plain(answer) {
        return Ok(());
    }
    let mut work = Work::new();
    let reference =
        read(reference, &mut work).map_err(|_| "the answer is not the reference, which is compared as text")?;
    let answer = read(answer, &mut work).map_err(|reason| format!("the answer is not understood: {reason}"))?;
    match reference.equals(&answer, &mut work) {
        Ok(true) => Ok(()),
        Ok(false) => Err("the answer is another one".into()),
        Err(reason) => Err(format!("the answer cannot be compared: {reason}")),
    }
}

/// A text without what sets its looks. Spaces stay where they part letters or digits.
fn plain(text: &str) -> String {
    let mut text = text.to_owned();
    for look in ["\\left", "\\right", "\\!", "\\,", "\\;", "\\ ", "$"] {
        text = text.replace(look, " ");
    }
    let text = text.replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac");
    let mut plain = String::new();
    for word in text.split_whitespace() {
        let parts = plain.ends_with(char::is_alphanumeric) && word.starts_with(char::is_alphanumeric);
        plain = plain + if parts { " " } else { "" } + word;
    }
    plain
}
