//! Lists and maps as Python writes them, which is how a template that outputs one as it is shows it to the model.

use std::fmt::{self, Write};

use minijinja::{Error, ErrorKind, Output, State, Value, escape_formatter, value::ValueKind};

/// Writes what is between `{{` and `}}`.
pub(super) fn format(out: &mut Output<'_>, state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {
            let mut text = String::new();
            write(&mut text, value)?;
            out.write_str(&text).map_err(|_| Error::from(ErrorKind::WriteFailure))
        }
        _ => escape_formatter(out, state, value),
    }
}

fn write(out: &mut String, value: &Value) -> Result<(), Error> {
    let failed = |_: fmt::Error| Error::from(ErrorKind::WriteFailure);
    match value.kind() {
        ValueKind::String => quote(out, value.as_str().unwrap_or_default()).map_err(failed),
        ValueKind::Map => {
            out.push('{');
            for (i, key) in value.try_iter()?.enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                write(out, &key)?;
                out.push_str(": ");
                write(out, &value.get_item(&key)?)?;
            }
            out.push('}');
            Ok(())
        }
        ValueKind::Seq | ValueKind::Iterable => {
            out.push('[');
            for (i, item) in value.try_iter()?.enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                write(out, &item)?;
            }
            out.push(']');
            Ok(())
        }
        _ => write!(out, "{value}").map_err(failed),
    }
}

fn quote(out: &mut String, text: &str) -> fmt::Result {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => write!(out, "\\{c}")?,
            ' ' => out.push(' '),
            c if c.is_control() || c.is_whitespace() => match u32::from(c) {
                code @ ..=0xff => write!(out, "\\x{code:02x}")?,
                code => write!(out, "\\u{code:04x}")?,
            },
            c => out.push(c),
        }
    }
    out.push(quote);
    Ok(())
}
