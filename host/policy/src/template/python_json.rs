//! `tojson` as transformers gives it to chat templates: Python's `json.dumps`.

use std::io::{self, Write};

use minijinja::{Error, ErrorKind, Value, value::Kwargs};
use serde::Serialize as _;
use serde_json::{
    Serializer,
    ser::{CharEscape, Formatter},
};

/// How Python lays JSON out.
struct Layout {
    /// Characters beyond ASCII are escaped.
    ascii: bool,
    /// One level's indentation; on one line where there is none.
    indent: Option<String>,
    item_separator: String,
    key_separator: String,
    depth: usize,
    empty: bool,
}

/// The filter: `value | tojson(ensure_ascii=, indent=, separators=, sort_keys=)`.
pub(super) fn tojson(value: Value, options: Kwargs) -> Result<String, Error> {
    let fault = |message: String| Error::new(ErrorKind::InvalidOperation, message);
    let indent = match options.get::<Option<Value>>("indent")?.filter(|indent| !indent.is_none()) {
        None => None,
        Some(indent) => Some(match (indent.as_str(), indent.as_usize()) {
            (Some(text), _) => text.to_owned(),
            (None, Some(width)) if width <= 64 => " ".repeat(width),
            _ => return Err(fault(format!("indent is {indent}; it is a text or a number up to 64"))),
        }),
    };
    let (item_separator, key_separator) = match options.get::<Option<Vec<String>>>("separators")? {
        None => (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned()),
        Some(both) => match <[String; 2]>::try_from(both) {
            Ok([item, key]) => (item, key),
            Err(_) => return Err(fault("separators are two texts".into())),
        },
    };
    let ascii = options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false);
    let sorted = options.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
    options.assert_all_used()?;
    let layout = Layout { ascii, indent, item_separator, key_separator, depth: 0, empty: false };
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, layout);
    let written = match sorted {
        // Keys keep the order in which the template or the message has them.
        false => value.serialize(&mut serializer),
        true => serde_json::to_value(&value).and_then(|mut json| {
            json.sort_all_objects();
            json.serialize(&mut serializer)
        }),
    };
    written.map_err(|error| fault(error.to_string()))?;
    String::from_utf8(out).map_err(|error| fault(error.to_string()))
}

impl Layout {
    fn line<W: ?Sized + Write>(&self, out: &mut W) -> io::Result<()> {
        let Some(indent) = &self.indent else { return Ok(()) };
        out.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| out.write_all(indent.as_bytes()))
    }

    fn open<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        (self.depth, self.empty) = (self.depth + 1, true);
        out.write_all(bracket)
    }

    fn close<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if !self.empty {
            self.line(out)?;
        }
        self.empty = false;
        out.write_all(bracket)
    }

    fn item<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.empty = false;
        if !first {
            out.write_all(self.item_separator.as_bytes())?;
        }
        self.line(out)
    }
}

impl Formatter for Layout {
    /// As Python's `repr` has it: in scientific form below 1e-4 and from 1e16 on.
    fn write_f64<W: ?Sized + Write>(&mut self, out: &mut W, value: f64) -> io::Result<()> {
        let magnitude = value.abs();
        if value == 0.0 || (1e-4..1e16).contains(&magnitude) {
            return write!(out, "{value:?}");
        }
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').expect("written so");
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
        write!(out, "{digits}e{sign}{exponent:0>2}")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        if !self.ascii {
            return out.write_all(fragment.as_bytes());
        }
        for c in fragment.chars() {
            if c.is_ascii() && c != '\x7f' {
                write!(out, "{c}")?;
            } else {
                c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))?;
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, out: &mut W, escape: CharEscape) -> io::Result<()> {
        serde_json::ser::CompactFormatter.write_char_escape(out, escape)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.item(out, first)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.item(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(self.key_separator.as_bytes())
    }
}
