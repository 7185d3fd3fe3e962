//! Data sets and suites as they are published: files of JSON lines, also compressed by gzip, and of Parquet.
//!
//! What a file is follows from its first bytes, not from its name. It is read in a stream: a line at a time is in
//! memory, of Parquet the pages that hold it. A row of Parquet becomes a line of JSON as Python writes it, without the
//! fields that are null in it: binary columns as base64, dates and decimals as text.

mod fields;
mod id;
mod mapped;
mod parquet_rows;

use std::{
    fs::File,
    io::{BufRead, BufReader, Read as _, Seek as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use flate2::read::MultiGzDecoder;

pub use fields::Fields;
pub use mapped::Mapped;
use parquet_rows::ParquetRows;

/// A longer line is none of a data set; LiveCodeBench has some of a hundred megabytes. Protects the reader's memory
/// from a small file that unpacks to one endless line.
const LINE_MAX_BYTES: u64 = 1 << 30;

const GZIP: &[u8] = &[0x1f, 0x8b];
const PARQUET: &[u8] = b"PAR1";
/// How other files begin, and what they are.
const OTHERS: [(&[u8], &str); 11] = [
    (b"PARE", "an encrypted Parquet file; write it without encryption"),
    (b"ARROW1", "an Arrow file; write it as Parquet"),
    (b"\xff\xff\xff\xff", "a stream of Arrow; write it as Parquet"),
    (b"\x28\xb5\x2f\xfd", "compressed by Zstandard; unpack it with `zstd -d`"),
    (b"\xfd7zXZ", "compressed by xz; unpack it with `xz -d`"),
    (b"BZh", "compressed by bzip2; unpack it with `bzip2 -d`"),
    (b"PK\x03\x04", "a zip archive; unpack it"),
    (b"\x89HDF", "an HDF5 file; write it as JSON lines"),
    (b"\xff\xfe", "text in UTF-16 or UTF-32; write it in UTF-8"),
    (b"\xfe\xff", "text in UTF-16; write it in UTF-8"),
    (b"version https://git-lfs", "a pointer to a file; get the file with `git lfs pull`"),
];
/// As much of a file as says what it is.
const FIRST_BYTES: u64 = 32;

/// A line that is not blank, or a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// From 1; blank lines count.
    pub number: usize,
    pub text: String,
}

/// The lines of a file, in order.
pub struct Lines {
    path: PathBuf,
    source: Source,
    map: Vec<Mapped>,
    number: usize,
    line_max_bytes: u64,
    has_begun: bool,
    /// After an error too: what follows it cannot be trusted.
    is_over: bool,
}

enum Source {
    Text(Box<dyn BufRead>),
    Parquet(ParquetRows),
}

/// Opens a file whose fields have the names that their reader expects.
pub fn open(path: &Path) -> Result<Lines> {
    open_mapped(path, &[])
}

/// Opens a file, and gives fields of every line other names as well.
pub fn open_mapped(path: &Path, map: &[Mapped]) -> Result<Lines> {
    let cannot_read = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(cannot_read)?;
    let mut first = Vec::new();
    file.by_ref().take(FIRST_BYTES).read_to_end(&mut first).with_context(cannot_read)?;
    file.rewind()
        .context("it is no plain file, which can be read again; write it into one")
        .with_context(cannot_read)?;
    if let Some((_, what)) = OTHERS.iter().find(|(begins, _)| first.starts_with(begins)) {
        bail!("{}: it is {what}", cannot_read());
    }
    let source = if first.starts_with(PARQUET) {
        Source::Parquet(ParquetRows::new(file, map).with_context(cannot_read)?)
    } else if first.starts_with(GZIP) {
        Source::Text(Box::new(BufReader::new(MultiGzDecoder::new(BufReader::new(file)))))
    } else {
        Source::Text(Box::new(BufReader::new(file)))
    };
    Ok(Lines {
        path: path.to_owned(),
        source,
        map: map.to_vec(),
        number: 0,
        line_max_bytes: LINE_MAX_BYTES,
        has_begun: false,
        is_over: false,
    })
}

/// What a file is called without the endings that say how it is written: `HumanEvalPlus` for `HumanEvalPlus.jsonl.gz`.
pub fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    Path::new(name).file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned())
}

impl Lines {
    fn next_line(&mut self) -> Result<Option<Line>> {
        let text = match &mut self.source {
            Source::Text(reader) => next_text(reader, &mut self.number, self.line_max_bytes),
            Source::Parquet(rows) => {
                self.number += 1;
                rows.next_row()
            }
        };
        let (path, number) = (&self.path, self.number);
        let place = || format!("{}, line {number}", path.display());
        let Some(text) = text.with_context(place)? else { return Ok(None) };
        if !std::mem::replace(&mut self.has_begun, true) {
            begins_lines(&text).with_context(place)?;
        }
        let text = if self.map.is_empty() { text } else { mapped::mapped(&text, &self.map).with_context(place)? };
        Ok(Some(Line { number, text }))
    }
}

/// The next line that is not blank.
fn next_text(reader: &mut dyn BufRead, number: &mut usize, limit: u64) -> Result<Option<String>> {
    loop {
        let mut bytes = Vec::new();
        *number += 1;
        reader.take(limit + 1).read_until(b'\n', &mut bytes)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        ensure!(bytes.len() as u64 <= limit, "a line of more than {limit} bytes");
        let text = String::from_utf8(bytes).context("the line is not UTF-8")?;
        // Windows marks files of text by an invisible character.
        let text = if *number == 1 { text.strip_prefix('\u{feff}').unwrap_or(&text) } else { &text };
        let text = text.trim_end_matches(['\n', '\r']);
        if !text.trim().is_empty() {
            return Ok(Some(text.to_owned()));
        }
    }
}

/// Whether the first line begins lines, and not one value that takes several.
fn begins_lines(first: &str) -> Result<()> {
    match first.trim() {
        "{" => {
            bail!("the line begins an object and does not end it; each must be one line, as `jq -c . FILE` makes them")
        }
        list if list.starts_with('[') => {
            bail!("the file is one JSON list; its items must be lines, as `jq -c .[] FILE` makes them")
        }
        _ => Ok(()),
    }
}

impl Iterator for Lines {
    type Item = Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.next_line().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    const TEXT: &str = "{\"a\": 1}\n\n  \n{\"b\": \"\u{e9}\"}\r\nlast";

    fn read(bytes: &[u8], line_max_bytes: u64) -> Result<Vec<Line>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        Lines { line_max_bytes, ..open(file.path())? }.collect()
    }

    fn packed(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn compressed_lines_are_the_lines() {
        let expected = [(1, "{\"a\": 1}"), (4, "{\"b\": \"\u{e9}\"}"), (5, "last")];
        let expected = expected.map(|(number, text)| Line { number, text: text.into() });
        assert_eq!(read(TEXT.as_bytes(), 100).unwrap(), expected);
        assert_eq!(read(&packed(TEXT), 100).unwrap(), expected);
        // As `cat a.gz b.gz` makes them.
        let two = [packed("{\"a\": 1}\n"), packed("\n  \n{\"b\": \"\u{e9}\"}\nlast")].concat();
        assert_eq!(read(&two, 100).unwrap(), expected);
        assert_eq!(read(b"", 100).unwrap(), []);
        let marked = [b"\xef\xbb\xbf", TEXT.as_bytes()].concat();
        assert_eq!(read(&marked, 100).unwrap(), expected);
        assert_eq!(read(b"\xef\xbb\xbf\n", 100).unwrap(), []);
    }

    #[test]
    fn what_is_no_data_set_is_said_with_its_line() {
        let long = format!("{:#}", read(&packed(&"x".repeat(101)), 100).unwrap_err());
        assert!(long.ends_with("line 1: a line of more than 100 bytes"), "{long}");
        assert!(read(&packed(&"x".repeat(100)), 100).is_ok());
        assert!(read(b"ok\n\xff\n", 100).unwrap_err().to_string().ends_with("line 2"));
        for list in ["[{\"a\": 1}]", "[\n  {\"a\": 1}\n]", "  [{}]"] {
            let said = format!("{:#}", read(list.as_bytes(), 100).unwrap_err());
            assert!(said.contains("line 1: the file is one JSON list; its items must be lines"), "{said}");
        }
        let blank_first = format!("{:#}", read(b"\n\n[{}]", 100).unwrap_err());
        assert!(blank_first.contains("line 3: the file is one JSON list"), "{blank_first}");
        let over_lines = format!("{:#}", read(b"{\n  \"a\": 1\n}\n", 100).unwrap_err());
        assert!(over_lines.contains("line 1: the line begins an object and does not end it"), "{over_lines}");
        // Further on they are lines like others, which their reader refuses.
        assert_eq!(read(b"{}\n{\n[\n", 100).unwrap().len(), 3);
        let mut torn = packed(TEXT);
        torn.truncate(torn.len() - 9);
        assert!(read(&torn, 100).is_err());
    }

    #[test]
    fn other_files_are_called_by_what_they_are() {
        for (bytes, expected) in [
            (&b"\x28\xb5\x2f\xfd\0\0"[..], "it is compressed by Zstandard"),
            (b"PK\x03\x04\x14\0", "it is a zip archive"),
            (b"PARE\0\0", "it is an encrypted Parquet file"),
            (b"ARROW1\0\0", "it is an Arrow file"),
            (b"\xff\xff\xff\xff\x10", "it is a stream of Arrow"),
            (b"\xff\xfe{\0", "it is text in UTF-16"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "get the file with `git lfs pull`"),
        ] {
            let said = read(bytes, 100).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn nothing_is_read_behind_an_error() {
        let mut torn = packed(&TEXT.repeat(1000));
        torn.truncate(torn.len() - 9);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&torn).unwrap();
        let lines = open(file.path()).unwrap();
        assert_eq!(lines.take(10_000).filter(Result::is_err).count(), 1);
    }

    #[test]
    fn names_without_endings() {
        for (path, expected) in [
            ("a/HumanEvalPlus.jsonl.gz", "HumanEvalPlus"),
            ("b.v1.jsonl", "b.v1"),
            ("d/test-00000-of-00001.parquet", "test-00000-of-00001"),
            ("c", "c"),
        ] {
            assert_eq!(name(Path::new(path)), expected);
        }
    }
}
