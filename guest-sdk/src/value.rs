//! Values of an untrusted program as bytes: what crosses from an executor to a judge and back.
//!
//! The data model is Python's plain builtin types. An executor for another language uses the part that it has. A value
//! is encoded as an ASCII tag and what the tag calls for, back to back and without white space:
//!
//! | value | encoding | example |
//! |---|---|---|
//! | `None` | `n` | `n` |
//! | `True`, `False` | `t`, `f` | `t` |
//! | integer | `i`, decimal digits, `;` | `i-12;` |
//! | float | `d`, 16 lower-case hexadecimal digits of the IEEE 754 bits | `d3ff8000000000000` |
//! | complex | `c`, the real and the imaginary part as for a float | |
//! | string | `s`, number of UTF-8 bytes, `:`, the bytes | `s2:hi` |
//! | bytes | `b`, number of bytes, `:`, the bytes | `b1:x` |
//! | list | `l`, number of items, `:`, the items | `l2:i1;n` |
//! | tuple | `u`, as for a list | `u0:` |
//! | dict | `m`, number of entries, `:`, key and value of each entry | `m1:s1:ai1;` |
//! | set | `e`, as for a list | `e1:i1;` |
//! | frozen set | `z`, as for a list | `z0:` |
//!
//! Numbers are written without leading zeros or a plus sign, there is no `-0`, and the only NaN is
//! `7ff8000000000000`. Entries of dicts and sets keep the order they had, so that a value can be shown as the language
//! would show it.
//!
//! Equality is by type and content: `True` is not `1` and `1` is not `1.0`. Dicts and sets compare without regard to
//! order, NaN equals itself, and `0.0` equals `-0.0`. [`Value::canonical`] gives equal bytes for equal values.
//!
//! Test vectors are in `vectors/values.txt` of this crate.

use std::fmt;

mod decode;

pub use decode::DecodeError;

/// Containers may be nested so deep. Protects the stack of whoever walks the value.
pub const NESTING_MAX: usize = 100;

/// Longest accepted integer: what CPython itself is willing to print.
pub const INTEGER_MAX_DIGITS: usize = 4300;

/// A plain value.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the module's table says what they are")]
pub enum Value {
    None,
    Bool(bool),
    Int(Integer),
    Float(f64),
    Complex { real: f64, imag: f64 },
    Str(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Tuple(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    Set(Vec<Value>),
    FrozenSet(Vec<Value>),
}

impl Value {
    /// Decodes exactly one value.
    pub fn decode(bytes: &[u8]) -> Result<Value, DecodeError> {
        decode::value(bytes)
    }

    /// The encoding, with dict entries and set elements in the order they have.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(Order::AsIs, &mut out);
        out
    }

    /// A form that equal values share: the encoding with dict entries and set elements sorted by their own canonical
    /// bytes, and with negative zeros made positive.
    pub fn canonical(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(Order::Sorted, &mut out);
        out
    }

    fn write(&self, order: Order, out: &mut Vec<u8>) {
        match self {
            Value::None => out.push(b'n'),
            Value::Bool(true) => out.push(b't'),
            Value::Bool(false) => out.push(b'f'),
            Value::Int(integer) => {
                out.push(b'i');
                out.extend(integer.decimal().as_bytes());
                out.push(b';');
            }
            Value::Float(float) => {
                out.push(b'd');
                write_bits(*float, order, out);
            }
            Value::Complex { real, imag } => {
                out.push(b'c');
                write_bits(*real, order, out);
                write_bits(*imag, order, out);
            }
            Value::Str(text) => {
                write_head(b's', text.len(), out);
                out.extend(text.as_bytes());
            }
            Value::Bytes(bytes) => {
                write_head(b'b', bytes.len(), out);
                out.extend(bytes);
            }
            Value::List(items) => write_items(b'l', items, order, out),
            Value::Tuple(items) => write_items(b'u', items, order, out),
            Value::Dict(entries) => write_unordered(b'm', entries, order, out, |(key, value), out| {
                key.write(order, out);
                value.write(order, out);
            }),
            Value::Set(items) => write_unordered(b'e', items, order, out, |item, out| item.write(order, out)),
            Value::FrozenSet(items) => write_unordered(b'z', items, order, out, |item, out| item.write(order, out)),
        }
    }
}

/// Equality as the module describes it, not Python's `==`. What has no order is compared by its canonical bytes, all else
/// item by item: an untrusted program may choose both values, and a large list must not be written out to be compared.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::None, Value::None) => true,
            (Value::Bool(one), Value::Bool(other)) => one == other,
            (Value::Int(one), Value::Int(other)) => one == other,
            (Value::Float(one), Value::Float(other)) => same_float(*one, *other),
            (Value::Complex { real, imag }, Value::Complex { real: other_real, imag: other_imag }) => {
                same_float(*real, *other_real) && same_float(*imag, *other_imag)
            }
            (Value::Str(one), Value::Str(other)) => one == other,
            (Value::Bytes(one), Value::Bytes(other)) => one == other,
            (Value::List(one), Value::List(other)) | (Value::Tuple(one), Value::Tuple(other)) => one == other,
            (Value::Dict(_), Value::Dict(_))
            | (Value::Set(_), Value::Set(_))
            | (Value::FrozenSet(_), Value::FrozenSet(_)) => self.canonical() == other.canonical(),
            _ => false,
        }
    }
}

impl Eq for Value {}

/// An integer of any size up to [`INTEGER_MAX_DIGITS`], in decimal: nothing here computes with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Integer(String);

impl Integer {
    /// From digits with an optional minus. `None` if there are leading zeros, a negative zero, anything else than
    /// digits, or too many of them.
    pub fn from_decimal(text: &str) -> Option<Integer> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain =
            !digits.is_empty() && digits.len() <= INTEGER_MAX_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
        let canonical =
            if text.starts_with('-') { !digits.starts_with('0') } else { digits == "0" || !digits.starts_with('0') };
        (plain && canonical).then(|| Integer(text.to_owned()))
    }

    /// The only spelling of this number: digits with an optional minus.
    pub fn decimal(&self) -> &str {
        &self.0
    }
}

impl From<i64> for Integer {
    fn from(number: i64) -> Integer {
        Integer(number.to_string())
    }
}

impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How the entries of dicts and sets are written.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    AsIs,
    Sorted,
}

fn write_bits(float: f64, order: Order, out: &mut Vec<u8>) {
    let float = if order == Order::Sorted && float == 0.0 { 0.0 } else { float };
    let bits = if float.is_nan() { NAN_BITS } else { float.to_bits() };
    out.extend(format!("{bits:016x}").as_bytes());
}

fn same_float(one: f64, other: f64) -> bool {
    one == other || one.is_nan() && other.is_nan()
}

const NAN_BITS: u64 = 0x7ff8_0000_0000_0000;

fn write_head(tag: u8, count: usize, out: &mut Vec<u8>) {
    out.push(tag);
    out.extend(count.to_string().as_bytes());
    out.push(b':');
}

fn write_items(tag: u8, items: &[Value], order: Order, out: &mut Vec<u8>) {
    write_head(tag, items.len(), out);
    for item in items {
        item.write(order, out);
    }
}

/// Without a copy of each entry where their order does not matter.
fn write_unordered<T>(tag: u8, entries: &[T], order: Order, out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    write_head(tag, entries.len(), out);
    if order == Order::AsIs || entries.len() < 2 {
        entries.iter().for_each(|entry| write(entry, out));
        return;
    }
    let part = |entry| {
        let mut part = Vec::new();
        write(entry, &mut part);
        part
    };
    let mut parts: Vec<Vec<u8>> = entries.iter().map(part).collect();
    parts.sort_unstable();
    out.extend(parts.concat());
}
