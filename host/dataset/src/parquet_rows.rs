//! Rows of a Parquet file, as lines of JSON.

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
};

use anyhow::{Context as _, Result, anyhow};
use parquet::{
    file::serialized_reader::SerializedFileReader,
    record::{Row, reader::RowIter},
};
use serde_json::Value;

pub(crate) struct ParquetRows {
    rows: RowIter<'static>,
}

impl ParquetRows {
    pub(crate) fn new(file: File) -> Result<Self> {
        let reader = SerializedFileReader::new(file).context("it begins like a Parquet file and is none")?;
        Ok(Self { rows: RowIter::from_file_into(Box::new(reader)) })
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<String>> {
        // The reader takes the metadata at its word and panics where the pages belie it.
        let row = catch_unwind(AssertUnwindSafe(|| self.rows.next()));
        let row: Option<Row> = row.map_err(|_| anyhow!("the Parquet file is damaged"))?.transpose()?;
        Ok(row.map(|row| {
            let mut line = row.to_json_value();
            if let Value::Object(fields) = &mut line {
                // Not there: a column has to be null somewhere where some rows only have the field.
                fields.retain(|_, value| !value.is_null());
            }
            line.to_string()
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, sync::Arc};

    use parquet::{
        basic::{Compression, ZstdLevel},
        data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type},
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

    #[test]
    fn damaged_files_are_errors() {
        let whole = written(Compression::SNAPPY);
        assert!(open(file(&whole[..whole.len() - 9]).path()).is_err());
        let mut torn = whole.clone();
        torn[4..40].fill(0xff);
        assert!(open(file(&torn).path()).unwrap().any(|line| line.is_err()));
    }
}
