//! Tasks and the content hashes that identify things.

use std::{fmt, str::FromStr, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// A problem with a known answer, as an environment wrote it. Only `validate`, an environment's seeds and files that
/// came from them make tasks. Clones share the text, which may have megabytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Task {
    /// One of the environment's kinds.
    pub kind: Arc<str>,
    /// Canonical JSON, opaque to the host.
    pub body: Arc<str>,
}

impl Task {
    /// The task's identity: equal tasks of one kind have equal bodies.
    pub fn id(&self) -> Digest {
        let mut hasher = Sha256::new();
        hasher.update(&*self.kind);
        hasher.update([0]);
        hasher.update(&*self.body);
        Digest(hasher.finalize().into())
    }
}

/// A task as files and lines of JSON hold it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a task, which is an object with kind and body")]
pub struct WrittenTask {
    pub kind: String,
    /// The body as the JSON that it is; as a string where reading and writing JSON would change it.
    pub body: Value,
    #[serde(default)]
    pub id: Option<Digest>,
}

impl WrittenTask {
    /// The task, which must have the id that it came with.
    pub fn task(&self) -> Result<Task> {
        let body = match &self.body {
            Value::String(body) => body.as_str().into(),
            body => body.to_string().into(),
        };
        let task = Task { kind: self.kind.as_str().into(), body };
        if let Some(id) = self.id {
            ensure!(task.id() == id, "the task's id is {}, not {id}: its body was changed", task.id());
        }
        Ok(task)
    }
}

impl From<Task> for WrittenTask {
    fn from(task: Task) -> Self {
        let id = Some(task.id());
        let Task { kind, body } = task;
        // Only a body that reads back to the same text may be shown as JSON: the text is the task's identity.
        let json = serde_json::from_str::<Value>(&body).ok();
        let same = |json: &Value| {
            let text = json.to_string();
            *text == *body
        };
        let body = json.filter(same).unwrap_or_else(|| Value::String(body.to_string()));
        Self { kind: kind.to_string(), body, id }
    }
}

/// A SHA-256 digest, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The first twelve digits, enough for a person to tell digests apart.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        ensure!(text.len() == 64 && text.is_ascii(), "{text:?} is not 64 hexadecimal digits");
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits)?;
            *byte = u8::from_str_radix(digits, 16).with_context(|| format!("{text:?} is not hexadecimal"))?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-2, appendix B.1.
    #[test]
    fn digest_of_abc_is_the_published_one() {
        let digest = Digest::of("abc");
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
    }

    #[test]
    fn kind_and_body_do_not_run_into_each_other() {
        let task = |kind: &str, body: &str| Task { kind: kind.into(), body: body.into() };
        assert_ne!(task("ab", "c").id(), task("a", "bc").id());
    }
}
