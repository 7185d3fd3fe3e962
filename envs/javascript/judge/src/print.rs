//! Values as JavaScript literals.

use azr_guest_sdk::value::Value;

/// The literal of a value: strings as `JSON.stringify` writes them, object literals with bare keys where they are
/// identifiers. What no value of JavaScript is encoded as gets a text that is no literal.
pub fn print(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::None => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Int(integer) => {
            out.push_str(integer.decimal());
            out.push('n');
        }
        Value::Float(number) if *number == 0.0 && number.is_sign_negative() => out.push_str("-0"),
        Value::Float(number) => out.push_str(&number_to_string(*number)),
        Value::Str(text) => write_str(text, out),
        Value::List(items) => write_items(items, out),
        Value::Tuple(items) => match items.as_slice() {
            [] => out.push_str("undefined"),
            [Value::Dict(entries)] => write_map(entries, out),
            _ => out.push_str("<a tuple>"),
        },
        Value::Dict(entries) => write_object(entries, out),
        Value::Set(items) => write_new("Set", items, write, out),
        Value::Complex { .. } => out.push_str("<a complex number>"),
        Value::Bytes(_) => out.push_str("<bytes>"),
        Value::FrozenSet(_) => out.push_str("<a frozen set>"),
    }
}

fn write_separated<T>(parts: &[T], write_part: impl Fn(&T, &mut String), out: &mut String) {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_part(part, out);
    }
}

fn write_items(items: &[Value], out: &mut String) {
    out.push('[');
    write_separated(items, write, out);
    out.push(']');
}

fn write_new<T>(class: &str, parts: &[T], write_part: impl Fn(&T, &mut String), out: &mut String) {
    out.push_str(&format!("new {class}("));
    if !parts.is_empty() {
        out.push('[');
        write_separated(parts, write_part, out);
        out.push(']');
    }
    out.push(')');
}

fn write_map(entries: &[(Value, Value)], out: &mut String) {
    let write_entry = |(key, value): &(Value, Value), out: &mut String| {
        out.push('[');
        write(key, out);
        out.push_str(", ");
        write(value, out);
        out.push(']');
    };
    write_new("Map", entries, write_entry, out);
}

fn write_object(entries: &[(Value, Value)], out: &mut String) {
    let write_entry = |(key, value): &(Value, Value), out: &mut String| {
        match key {
            Value::Str(name) if is_bare(name) => out.push_str(name),
            Value::Str(name) => write_str(name, out),
            _ => out.push_str("<a key that is no string>"),
        }
        out.push_str(": ");
        write(value, out);
    };
    out.push('{');
    write_separated(entries, write_entry, out);
    out.push('}');
}

/// Whether a key needs no quotes: an identifier of ASCII characters, or digits that stand for themselves.
fn is_bare(name: &str) -> bool {
    let identifier = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'$')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    let index = name.bytes().all(|b| b.is_ascii_digit()) && name.len() < 10 && (name == "0" || !name.starts_with('0'));
    !name.is_empty() && (identifier || index)
}

/// ECMAScript 2025, 6.1.6.1.20 Number::toString with radix 10. Rust prints the same shortest digits.
pub fn number_to_string(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number < 0.0 { "-Infinity" } else { "Infinity" }.to_owned();
    }
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').expect("the format has an exponent");
    let digits = mantissa.replace('.', "");
    // The specification's n: the number is 0.digits × 10ⁿ.
    let point = exponent.parse::<i32>().expect("the exponent is a small integer") + 1;
    let count = digits.len() as i32;
    let text = match point {
        _ if number == 0.0 => "0".to_owned(),
        1..=21 if count <= point => digits + &"0".repeat((point - count) as usize),
        1..=21 => format!("{}.{}", &digits[..point as usize], &digits[point as usize..]),
        -5..=0 => format!("0.{}{digits}", "0".repeat(-point as usize)),
        _ => format!("{mantissa}e{:+}", point - 1),
    };
    if number < 0.0 { format!("-{text}") } else { text }
}

fn write_str(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}
