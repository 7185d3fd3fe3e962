//! Reading JSON lines that another process may be writing.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
};

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;

use crate::regular;

/// Calls `visit` with the number and content of every row of `path`, one row in memory at a time. A file that is not
/// there has no rows. A last line without its end is a row being written and is passed over; other rows that cannot be
/// read are passed over with a notice.
pub(super) fn for_each<T: DeserializeOwned>(
    path: &Path,
    notices: &mut Vec<String>,
    mut visit: impl FnMut(u64, T),
) -> Result<()> {
    let (folder, name) = (path.parent().unwrap_or(Path::new(".")), path.file_name().unwrap_or_default());
    let Some(file) = regular::open_if_exists(folder, &name.to_string_lossy())? else { return Ok(()) };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let mut unreadable = Vec::new();
    for number in 1.. {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).with_context(|| format!("cannot read {}", path.display()))?;
        if length == 0 {
            break;
        }
        match serde_json::from_slice(&line) {
            Ok(row) => visit(number, row),
            Err(error) if line.ends_with(b"\n") => unreadable.push((number, error)),
            Err(_) => {}
        }
    }
    if let Some((number, error)) = unreadable.first() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let count = unreadable.len();
        notices.push(format!("{name}: {count} unreadable line(s) left out, the first is line {number} ({error})"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<(u64, u32)>, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("numbers.jsonl");
        std::fs::write(&path, text).unwrap();
        let (mut rows, mut notices) = (Vec::new(), Vec::new());
        for_each(&path, &mut notices, |number, row| rows.push((number, row))).unwrap();
        (rows, notices)
    }

    #[test]
    fn a_torn_last_line_is_passed_over_in_silence() {
        assert_eq!(read("1\n2\n{\"ste"), (vec![(1, 1), (2, 2)], vec![]));
    }

    #[test]
    fn a_broken_row_within_is_passed_over_and_said() {
        let (rows, notices) = read("1\n\"\n3\n4\n");
        assert_eq!(rows, [(1, 1), (3, 3), (4, 4)]);
        assert_eq!(notices.len(), 1);
        assert!(notices[0].starts_with("numbers.jsonl: 1 unreadable line(s) left out, the first is line 2 ("));
    }
}
