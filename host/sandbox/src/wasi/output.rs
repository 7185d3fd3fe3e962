//! What a guest writes to stdout and stderr.

use super::super::guard::{Guard, Guards};

/// Kept of one call. Arbitrary: enough for a traceback.
const BYTES_MAX: usize = 16 << 10;

/// Where a guest writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Stdio {
    Stdout,
    Stderr,
}

/// The beginning of what was written, in order.
pub(in super::super) struct Output {
    written: Vec<(Stdio, Vec<u8>)>,
    left: usize,
}

impl Output {
    pub(super) fn new(guards: Guards) -> Self {
        Self { written: Vec::new(), left: guards.limit(Guard::LogSize, BYTES_MAX) }
    }

    pub(super) fn write(&mut self, channel: Stdio, bytes: &[u8]) {
        let kept = &bytes[..bytes.len().min(self.left)];
        self.left -= kept.len();
        match self.written.last_mut() {
            Some((last, text)) if *last == channel => text.extend(kept),
            _ if kept.is_empty() => {}
            _ => self.written.push((channel, kept.to_vec())),
        }
    }

    /// As lines; what is no UTF-8 is shown with replacements.
    pub(in super::super) fn lines(&self) -> Vec<(Stdio, String)> {
        let lines = |(channel, text): &(Stdio, Vec<u8>)| {
            let text = String::from_utf8_lossy(text).into_owned();
            text.lines().map(|line| (*channel, line.to_owned())).collect::<Vec<_>>()
        };
        self.written.iter().flat_map(lines).filter(|(_, line)| !line.is_empty()).collect()
    }

    /// All of it as one text, of which nothing may be left.
    pub(in super::super) fn text(&self) -> String {
        self.lines().into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n")
    }
}
