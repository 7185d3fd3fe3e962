//! Rows of a Parquet file, as lines of JSON.

use std::{
    collections::BTreeSet,
    fmt::Debug,
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use parquet::{
    basic::Compression,
    column::reader::ColumnReader,
    errors::ParquetError,
    file::{reader::FileReader as _, serialized_reader::SerializedFileReader},
    record::{Field, reader::RowIter},
};
use serde_json::Value;

use crate::{LINE_MAX_BYTES, fields::shortened, mapped::Mapped};

/// Values of one column inside lists in one group of rows. A value takes some ninety bytes while its row is read, and a
/// file of a kilobyte may say that a list has a billion. Protects the reader's memory; 1,000 rows with
/// lists of 16,000 tokens fit.
const LISTED_MAX: usize = 1 << 24;

pub(crate) struct ParquetRows {
    rows: RowIter<'static>,
    map: Vec<Mapped>,
}

impl ParquetRows {
    /// The rows of a file, of which fields are to be mapped.
    pub(crate) fn new(file: File, map: &[Mapped]) -> Result<Self> {
        let reader = guarded(|| SerializedFileReader::new(file).map_err(said))?;
        let reader = reader.context("it begins like a Parquet file and is none")?;
        guarded(|| check(&reader))??;
        Ok(Self { rows: RowIter::from_file_into(Box::new(reader)), map: map.to_vec() })
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<String>> {
        let Self { rows, map } = self;
        let Some(row) = guarded(|| rows.next())?.transpose().map_err(said)? else { return Ok(None) };
        // Not there: a column has to be null somewhere where some rows only have the field.
        let is_there = |(name, field): &(&String, &Field)| {
            !matches!(field, Field::Null) || map.iter().any(|mapped| mapped.leads_into(name))
        };
        guarded(|| object(row.get_column_iter().filter(is_there))).map(Some)
    }
}

/// The reader takes the metadata at its word and panics where the pages belie it.
fn guarded<T>(read: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|_| anyhow!("the Parquet file is damaged"))
}

/// An error in a few words: some hold the bytes of a whole value.
fn said(error: ParquetError) -> anyhow::Error {
    anyhow!("{}", shortened(&error.to_string(), 200))
}

/// Whether the file can be read, by what it says of itself.
fn check(reader: &SerializedFileReader<File>) -> Result<()> {
    let names = reader.metadata().file_metadata().schema().get_fields().iter().map(|field| field.name());
    let mut distinct = BTreeSet::new();
    for name in names {
        ensure!(distinct.insert(name), "two columns are called {name:?}; write it with one of them");
    }
    for (group, metadata) in reader.metadata().row_groups().iter().enumerate() {
        for (index, column) in metadata.columns().iter().enumerate() {
            let path = column.column_path().string();
            match column.compression() {
                Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_) | Compression::ZSTD(_) => {}
                other => {
                    let codec = other.to_string();
                    let codec = codec.split('(').next().unwrap_or(&codec);
                    bail!("column {path:?} is compressed by {codec}; write the file with snappy, gzip, zstd or none")
                }
            }
            if column.column_descr().max_rep_level() == 0 {
                continue;
            }
            let values = listed(reader, group, index).with_context(|| format!("column {path:?}"))?;
            ensure!(
                values <= LISTED_MAX,
                "column {path:?} has {values} values in lists of one row group, limit is {LISTED_MAX}; write the file without \
                 it, or with smaller row groups"
            );
            let bytes = longest_row(reader, group, index).with_context(|| format!("column {path:?}"))?;
            ensure!(
                bytes <= LINE_MAX_BYTES,
                "column {path:?} has a row with lists of {bytes} bytes, limit is {LINE_MAX_BYTES}; write the file without it"
            );
        }
    }
    Ok(())
}

/// How many values the pages of a column in a group of rows hold.
fn listed(reader: &SerializedFileReader<File>, group: usize, column: usize) -> Result<usize> {
    let mut pages = reader.get_row_group(group)?.get_column_page_reader(column)?;
    let mut values = 0_usize;
    while let Some(page) = pages.peek_next_page()? {
        values = values.saturating_add(page.num_levels.unwrap_or(0));
        pages.skip_next_page()?;
    }
    Ok(values)
}

/// The most bytes that a row has in lists of a column of texts. A list may say a text of a megabyte a million times, which
/// takes no room in the file.
fn longest_row(reader: &SerializedFileReader<File>, group: usize, column: usize) -> Result<u64> {
    const ROWS_AT_ONCE: usize = 1024;
    let group = reader.get_row_group(group)?;
    let ColumnReader::ByteArrayColumnReader(mut texts) = group.get_column_reader(column)? else { return Ok(0) };
    let there = group.metadata().column(column).column_descr().max_def_level();
    let (mut row, mut longest) = (0, 0);
    loop {
        let (mut is_there, mut again, mut values) = (Vec::new(), Vec::new(), Vec::new());
        if texts.read_records(ROWS_AT_ONCE, Some(&mut is_there), Some(&mut again), &mut values)?.0 == 0 {
            return Ok(longest);
        }
        let mut values = values.iter();
        for (level, again) in is_there.into_iter().zip(again) {
            let bytes = if level == there { values.next().map_or(0, |text| text.len() as u64) } else { 0 };
            row = if again == 0 { bytes } else { row + bytes };
            longest = longest.max(row);
        }
    }
}

fn object<'a>(fields: impl Iterator<Item = (&'a String, &'a Field)>) -> String {
    let fields: Vec<String> =
        fields.map(|(name, field)| format!("{}:{}", Value::from(name.as_str()), json(field))).collect();
    format!("{{{}}}", fields.join(","))
}

/// A field as Python writes it: a float that is no number by its word, and one of 32 bits with the digits that it needs.
fn json(field: &Field) -> String {
    match field {
        Field::Float16(half) => float(f64::from(*half), f32::from(*half)),
        Field::Float(single) => float(f64::from(*single), single),
        Field::Double(double) => float(*double, double),
        Field::Date(days) if days.unsigned_abs() > DAYS_MAX => days.to_string(),
        Field::TimestampMillis(ms) if ms.unsigned_abs() > 86_400_000 * u64::from(DAYS_MAX) => ms.to_string(),
        Field::TimestampMicros(us) if us.unsigned_abs() > 86_400_000_000 * u64::from(DAYS_MAX) => us.to_string(),
        Field::Group(row) => object(row.get_column_iter()),
        Field::ListInternal(list) => {
            format!("[{}]", list.elements().iter().map(json).collect::<Vec<_>>().join(","))
        }
        Field::MapInternal(map) => {
            let name = |key: &Field| match key.to_json_value() {
                Value::String(name) => name,
                other => other.to_string(),
            };
            let entries: Vec<(String, &Field)> = map.entries().iter().map(|(key, value)| (name(key), value)).collect();
            object(entries.iter().map(|(name, value)| (name, *value)))
        }
        other => other.to_json_value().to_string(),
    }
}

/// The calendar that dates are written by has no more days on either side of 1970; those beyond are numbers.
const DAYS_MAX: u32 = 95_000_000;

fn float(value: f64, shown: impl Debug) -> String {
    match value {
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        _ => format!("{shown:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, sync::Arc};

    use parquet::{
        basic::{Compression, ZstdLevel},
        data_type::{ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type},
        file::{properties::WriterProperties, writer::SerializedFileWriter},
        schema::parser::parse_message_type,
    };

    use crate::{Line, Mapped, open, open_mapped};

    const SCHEMA: &str = "message rows {
        required binary question (UTF8);
        optional int64 level;
        required group inputs (LIST) { repeated group list { required double element; } }
        required group meta { optional binary source (UTF8); }
    }";

    /// Two row groups: `{"question": "é", "level": 3, "inputs": [1.5, -2.0], "meta": {"source": "s"}}`, and one without a
    /// level, without inputs and without a source.
    fn written(compression: Compression) -> Vec<u8> {
        let properties = WriterProperties::builder().set_compression(compression).build();
        let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
        let bytes = |text: &str| ByteArray::from(text);
        type Rows<'a> =
            (&'a str, (&'a [i64], &'a [i16]), (&'a [f64], &'a [i16], &'a [i16]), (&'a [&'a str], &'a [i16]));
        let groups: [Rows; 2] = [
            ("\u{e9}", (&[3], &[1]), (&[1.5, -2.0], &[1, 1], &[0, 1]), (&["s"], &[1])),
            ("no", (&[], &[0]), (&[], &[0], &[0]), (&[], &[0])),
        ];
        for (question, level, inputs, source) in groups {
            let mut group = writer.next_row_group().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&[bytes(question)], None, None).unwrap();
            column.close().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<Int64Type>().write_batch(level.0, Some(level.1), None).unwrap();
            column.close().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<DoubleType>().write_batch(inputs.0, Some(inputs.1), Some(inputs.2)).unwrap();
            column.close().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            let sources: Vec<ByteArray> = source.0.iter().map(|text| bytes(text)).collect();
            column.typed::<ByteArrayType>().write_batch(&sources, Some(source.1), None).unwrap();
            column.close().unwrap();
            group.close().unwrap();
        }
        writer.into_inner().unwrap()
    }

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn rows_are_lines_whatever_they_are_compressed_by() {
        let zstd = Compression::ZSTD(ZstdLevel::default());
        for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, zstd, Compression::GZIP(Default::default())]
        {
            let file = file(&written(compression));
            let lines: Vec<Line> = open(file.path()).unwrap().collect::<anyhow::Result<_>>().unwrap();
            let parsed: Vec<serde_json::Value> =
                lines.iter().map(|line| serde_json::from_str(&line.text).unwrap()).collect();
            assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 2]);
            let first = r#"{"question": "\u00e9", "level": 3, "inputs": [1.5, -2.0], "meta": {"source": "s"}}"#;
            assert_eq!(parsed[0], serde_json::from_str::<serde_json::Value>(first).unwrap());
            assert_eq!(parsed[1], serde_json::json!({ "question": "no", "inputs": [], "meta": { "source": null } }));
        }
    }

    #[test]
    fn rows_can_be_mapped() {
        let file = file(&written(Compression::SNAPPY));
        let map: Vec<Mapped> = vec!["problem=question".parse().unwrap()];
        let line = open_mapped(file.path(), &map).unwrap().next().unwrap().unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line.text).unwrap()["problem"], "\u{e9}");
    }

    /// A column `x`: a row for each value, or where it is `repeated` all of them in one.
    fn column<T: DataType>(r#type: &str, values: &[T::T]) -> Vec<u8> {
        let schema = Arc::new(parse_message_type(&format!("message rows {{ {type} }}")).unwrap());
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, Default::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let (there, mut again) = (vec![1; values.len()], vec![1; values.len()]);
        again[0] = 0;
        let levels = r#type.starts_with("repeated").then_some((&*there, &*again)).unzip();
        column.typed::<T>().write_batch(values, levels.0, levels.1).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.into_inner().unwrap()
    }

    /// What stands in the rows of a file of one column.
    fn values(bytes: &[u8]) -> Vec<String> {
        let lines = open(file(bytes).path()).unwrap().map(|line| line.unwrap().text);
        lines.map(|line| line.trim_start_matches("{\"x\":").trim_end_matches('}').to_owned()).collect()
    }

    #[test]
    fn numbers_are_what_was_written() {
        let floats =
            column::<DoubleType>("required double x;", &[0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, 2.0]);
        assert_eq!(values(&floats), ["0.1", "NaN", "Infinity", "-Infinity", "1e300", "2.0"]);
        let singles = column::<FloatType>("required float x;", &[0.1, f32::NAN, 1e-10, 3.0]);
        assert_eq!(values(&singles), ["0.1", "NaN", "1e-10", "3.0"]);
        let whole = column::<Int64Type>("required int64 x;", &[i64::MAX, i64::MIN]);
        assert_eq!(values(&whole), ["9223372036854775807", "-9223372036854775808"]);
    }

    /// `datetime.date(1970, 1, 1) + datetime.timedelta(19724)` in Python is 2024-01-02.
    #[test]
    fn dates_beyond_the_calendar_are_numbers() {
        let days = column::<Int32Type>("required int32 x (DATE);", &[19724, i32::MAX, i32::MIN]);
        assert_eq!(values(&days), ["\"2024-01-02\"", "2147483647", "-2147483648"]);
        for unit in ["MILLIS", "MICROS"] {
            let times = column::<Int64Type>(&format!("required int64 x (TIMESTAMP_{unit});"), &[0, i64::MAX, i64::MIN]);
            assert!(values(&times)[0].starts_with("\"1970-01-01 00:00:00.000"), "{:?}", values(&times));
            assert_eq!(values(&times)[1..], ["9223372036854775807", "-9223372036854775808"]);
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_for_people() {
        let said = |bytes: &[u8]| format!("{:#}", open(file(bytes).path()).map(|_| ()).unwrap_err());
        let mut lz4 = column::<Int32Type>("required int32 x;", &[1]);
        // Behind the path of the column, the codec: 7, LZ4_RAW, for 0.
        let path = lz4.windows(6).rposition(|window| window == b"\x19\x18\x01x\x15\0").unwrap();
        lz4[path + 5] = 2 * 7;
        assert!(
            said(&lz4).contains("column \"x\" is compressed by LZ4_RAW; write the file with snappy"),
            "{}",
            said(&lz4)
        );
        let twice = parse_message_type("message rows { required int32 x; required int32 x; }").unwrap();
        let writer = SerializedFileWriter::new(Vec::new(), Arc::new(twice), Default::default()).unwrap();
        let twice = writer.into_inner().unwrap();
        assert!(said(&twice).contains("two columns are called \"x\""), "{}", said(&twice));
        let no_text = column::<ByteArrayType>("required binary x (UTF8);", &[vec![0xff; 10_000].into()]);
        let said = format!("{:#}", open(file(&no_text).path()).unwrap().next().unwrap().unwrap_err());
        assert!(said.len() < 400 && said.contains("line 1"), "{said}");
    }

    #[test]
    fn a_small_file_cannot_fill_the_memory() {
        let ones = vec![1; super::LISTED_MAX + 1];
        let too_many = column::<Int32Type>("repeated int32 x;", &ones);
        assert!(too_many.len() < 100_000, "{}", too_many.len());
        let said = format!("{:#}", open(file(&too_many).path()).map(|_| ()).unwrap_err());
        assert!(said.contains("\"x\" has 16777217 values in lists of one row group, limit is 16777216"), "{said}");
        assert!(open(file(&column::<Int32Type>("repeated int32 x;", &ones[1..])).path()).is_ok());
        let texts = vec![ByteArray::from(vec![b'x'; 1 << 16]); (1 << 14) + 1];
        let too_long = column::<ByteArrayType>("repeated binary x (UTF8);", &texts);
        assert!(too_long.len() < 1_000_000, "{}", too_long.len());
        let said = format!("{:#}", open(file(&too_long).path()).map(|_| ()).unwrap_err());
        assert!(said.contains("\"x\" has a row with lists of 1073807360 bytes, limit is 1073741824"), "{said}");
        assert!(open(file(&column::<ByteArrayType>("repeated binary x (UTF8);", &texts[..100])).path()).is_ok());
    }

    #[test]
    fn damaged_files_are_errors() {
        let whole = written(Compression::SNAPPY);
        assert!(open(file(&whole[..whole.len() - 9]).path()).is_err());
        let mut torn = whole.clone();
        torn[4..40].fill(0xff);
        assert!(open(file(&torn).path()).unwrap().any(|line| line.is_err()));
    }
}
