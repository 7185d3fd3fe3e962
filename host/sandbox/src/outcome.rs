//! What outcomes weigh, and outcomes as logs keep them.

use super::bindings::{Outcome, Thrown};
use azr_core::task::Digest;

/// Of a text or an encoded value. Beyond, there is a beginning, the length and the digest, which tell it from others.
const KEPT_BYTES: usize = 1000;

/// What an outcome carries.
pub(super) fn bytes(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Value(value) => value.len(),
        Outcome::Thrown(Thrown { name, message }) => name.len() + message.len(),
        Outcome::Refused(text) | Outcome::Unsupported(text) | Outcome::Crashed(text) => text.len(),
        Outcome::OutOfFuel | Outcome::OutOfMemory | Outcome::StackOverflow => 0,
    }
}

/// Shortens what an outcome carries. Shortening again changes nothing.
pub(super) fn shorten(outcome: &mut Outcome) {
    match outcome {
        Outcome::Value(value) if value.len() > KEPT_BYTES => {
            *value = match std::str::from_utf8(value) {
                Ok(text) => shortened(text).into_bytes(),
                // Not an encoded value any more, and still told from others.
                Err(_) => [&value[..KEPT_BYTES / 2], &Digest::of(&*value).0].concat(),
            };
        }
        Outcome::Thrown(Thrown { name, message }) => {
            *name = shortened(name);
            *message = shortened(message);
        }
        Outcome::Refused(text) | Outcome::Unsupported(text) | Outcome::Crashed(text) => *text = shortened(text),
        Outcome::Value(_) | Outcome::OutOfFuel | Outcome::OutOfMemory | Outcome::StackOverflow => {}
    }
}

/// A text of a thousand bytes at most, of which the last name the digest of a longer one.
pub fn shortened(text: &str) -> String {
    if text.len() <= KEPT_BYTES {
        return text.to_owned();
    }
    let digest = format!("… [{} bytes, sha256 {}]", text.len(), Digest::of(text));
    // The beginning leaves room, so that what was shortened is short.
    let beginning = &text[..text.floor_char_boundary(KEPT_BYTES - digest.len())];
    format!("{beginning}{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(outcome: &Outcome) -> Outcome {
        let mut outcome = outcome.clone();
        shorten(&mut outcome);
        outcome
    }

    #[test]
    fn long_outcomes_become_short_and_stay_different() {
        let text = |end: &str| Outcome::Value(format!("{}{end}", "é".repeat(1_000_000)).into_bytes());
        let bytes = |end: u8| Outcome::Value([vec![0xff; 1_000_000], vec![end]].concat());
        let crash = |end: &str| Outcome::Crashed(format!("{}{end}", "x".repeat(1_000_000)));
        for (one, other) in [(text("a"), text("b")), (bytes(1), bytes(2)), (crash("a"), crash("b"))] {
            assert_ne!(short(&one), short(&other));
            for outcome in [&one, &other] {
                let once = short(outcome);
                assert!(serde_json::to_string(&once).unwrap().len() < 5000);
                assert_eq!(short(&once), once);
            }
        }
        let honest = Outcome::Value(b"l1:i3;".to_vec());
        assert_eq!(short(&honest), honest);
    }
}
