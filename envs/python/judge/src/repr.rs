//! Values as CPython's `repr` prints them.

use azr_guest_sdk::value::Value;

mod printable;

use printable::is_printable;

/// What `repr` prints.
pub fn repr(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::None => out.push_str("None"),
        Value::Bool(flag) => out.push_str(if *flag { "True" } else { "False" }),
        Value::Int(integer) => out.push_str(integer.decimal()),
        Value::Float(float) => out.push_str(&with_point(float_repr(*float))),
        Value::Complex { real, imag } => write_complex(*real, *imag, out),
        Value::Str(text) => write_str(text, out),
        Value::Bytes(bytes) => write_bytes(bytes, out),
        Value::List(items) => write_items("[", items, "]", out),
        Value::Tuple(items) if items.len() == 1 => write_items("(", items, ",)", out),
        Value::Tuple(items) => write_items("(", items, ")", out),
        Value::Dict(entries) => write_dict(entries, out),
        Value::Set(items) if items.is_empty() => out.push_str("set()"),
        Value::Set(items) => write_items("{", items, "}", out),
        Value::FrozenSet(items) if items.is_empty() => out.push_str("frozenset()"),
        Value::FrozenSet(items) => write_items("frozenset({", items, "})", out),
    }
}

fn write_items(open: &str, items: &[Value], close: &str, out: &mut String) {
    out.push_str(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(item, out);
    }
    out.push_str(close);
}

fn write_dict(entries: &[(Value, Value)], out: &mut String) {
    out.push('{');
    for (index, (key, value)) in entries.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(key, out);
        out.push_str(": ");
        write(value, out);
    }
    out.push('}');
}

/// The shortest digits that read back as the same float, in positional notation for exponents from -4 to 15.
fn float_repr(float: f64) -> String {
    if float.is_nan() {
        return "nan".to_owned();
    }
    if float.is_infinite() {
        return if float < 0.0 { "-inf" } else { "inf" }.to_owned();
    }
    let scientific = format!("{float:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("the format has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is a small integer");
    if (-4..16).contains(&exponent) {
        return format!("{float}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// A float is told from an integer by its point.
fn with_point(digits: String) -> String {
    let is_integral = digits.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if is_integral { digits + ".0" } else { digits }
}

fn write_complex(real: f64, imag: f64, out: &mut String) {
    if real == 0.0 && real.is_sign_positive() {
        out.push_str(&format!("{}j", float_repr(imag)));
        return;
    }
    let plus = if imag.is_nan() || imag.is_sign_positive() { "+" } else { "" };
    out.push_str(&format!("({}{plus}{}j)", float_repr(real), float_repr(imag)));
}

/// Single quotes, unless that would need a backslash and double quotes would not.
fn quote_for(has_single: bool, has_double: bool) -> char {
    if has_single && !has_double { '"' } else { '\'' }
}

fn write_str(text: &str, out: &mut String) {
    let quote = quote_for(text.contains('\''), text.contains('"'));
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if is_printable(c) => out.push(c),
            c => match c as u32 {
                code @ ..=0xff => out.push_str(&format!("\\x{code:02x}")),
                code @ ..=0xffff => out.push_str(&format!("\\u{code:04x}")),
                code => out.push_str(&format!("\\U{code:08x}")),
            },
        }
    }
    out.push(quote);
}

fn write_bytes(bytes: &[u8], out: &mut String) {
    let quote = quote_for(bytes.contains(&b'\''), bytes.contains(&b'"'));
    out.push('b');
    out.push(quote);
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte if char::from(*byte) == quote => out.extend(['\\', quote]),
            b' '..=b'~' => out.push(char::from(*byte)),
            byte => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push(quote);
}

#[cfg(test)]
mod tests;
