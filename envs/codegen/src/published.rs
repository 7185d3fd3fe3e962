//! The tests of a LiveCodeBench problem, as they are published: some hundred megabytes for the data set when unpacked, so
//! a task keeps them packed.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use serde::{Deserialize, Serialize};

/// Most that the tests of one problem may unpack to. They must fit several times into the judge's memory.
const UNPACKED_MAX_BYTES: usize = 128 << 20;

/// Fields in alphabetical order, which is the canonical order of the body.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedTests {
    /// A list as JSON, or base64 of zlib of a pickled list as JSON.
    pub private: String,
    /// A list as JSON. The question shows these tests.
    pub public: String,
}

#[derive(Debug, PartialEq, Deserialize)]
pub struct Test {
    pub input: String,
    pub output: String,
    /// `stdin` or `functional`.
    pub testtype: Option<String>,
}

impl PublishedTests {
    /// All tests, or why they cannot be read.
    pub fn read(&self) -> Result<Vec<Test>, String> {
        let mut tests = listed("public_test_cases", &self.public)?;
        let private = match self.private.trim_start().starts_with('[') {
            true => listed("private_test_cases", &self.private)?,
            false => listed("private_test_cases", &unpacked(self.private.trim())?)?,
        };
        tests.extend(private);
        Ok(tests)
    }
}

fn listed(key: &str, json: &str) -> Result<Vec<Test>, String> {
    serde_json::from_str(json).map_err(|error| format!("{key}: {error}"))
}

fn unpacked(packed: &str) -> Result<String, String> {
    let wrong = |why: String| format!("private_test_cases are neither JSON nor packed JSON: {why}");
    let zlib = BASE64_STANDARD.decode(packed).map_err(|error| wrong(error.to_string()))?;
    let pickle = decompress_to_vec_zlib_with_limit(&zlib, UNPACKED_MAX_BYTES)
        .map_err(|error| wrong(format!("{error} (at most {UNPACKED_MAX_BYTES} bytes)")))?;
    let text = pickled_text(&pickle).ok_or_else(|| wrong("not a pickled text".into()))?;
    String::from_utf8(text.to_vec()).map_err(|error| wrong(error.to_string()))
}

/// The text of a pickle that holds one text and nothing else (Python's pickletools, protocols 2 to 5).
fn pickled_text(pickle: &[u8]) -> Option<&[u8]> {
    let mut rest = pickle;
    loop {
        let (opcode, after) = rest.split_first()?;
        let (skipped, length_bytes) = match opcode {
            0x80 => (1, None),    // PROTO and the version
            0x95 => (8, None),    // FRAME and its length
            0x8c => (0, Some(1)), // SHORT_BINUNICODE
            b'X' => (0, Some(4)), // BINUNICODE
            0x8d => (0, Some(8)), // BINUNICODE8
            _ => return None,
        };
        rest = after.get(skipped..)?;
        if let Some(length_bytes) = length_bytes {
            let length =
                rest.get(..length_bytes)?.iter().rev().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
            let text = &rest[length_bytes..];
            return text.get(..usize::try_from(length).ok()?);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // base64.b64encode(zlib.compress(pickle.dumps('[{"input": "1\\n", "output": "2"}]', protocol))) in Python.
    #[test]
    fn packed_tests_are_unpacked() {
        for private in PICKLED {
            let tests = PublishedTests { private: (*private).into(), public: "[]".into() };
            assert_eq!(
                tests.read(),
                Ok(vec![Test { input: "1\n".into(), output: "2".into(), testtype: None }]),
                "{private}"
            );
        }
    }

    #[test]
    fn broken_packages_are_refused() {
        let packed = PICKLED[0];
        for private in ["", "x", "AAAA", &packed[..packed.len() - 8], "eJwDAAAAAAE="] {
            let tests = PublishedTests { private: private.into(), public: "[]".into() };
            assert!(tests.read().unwrap_err().contains("private_test_cases"), "{private}");
        }
    }

    const PICKLED: &[&str] = &[
        "eJxrYIpQZGBgiK5WyswrKC1RslJQMozJU9JRUMovLYEKGCnVxhYy6AEA9T8LaQ==",
        "eJxrYI5QZGBgiK5WyswrKC1RslJQMozJU9JRUMovLYEKGCnVxhYy6AEA9WkLag==",
        "eJxrYJmqygABPYrR1UqZeQWlJUpWCkqGMXlKOgpK+aUlUAEjpdrYKXoAFSkMfA==",
        "eJxrYJ2qygABPYrR1UqZeQWlJUpWCkqGMXlKOgpK+aUlUAEjpdrYKXoAFVgMfQ==",
    ];
}
