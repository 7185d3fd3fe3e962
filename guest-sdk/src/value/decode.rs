//! The strict decoder: every value has one accepted spelling, and no bytes make it panic.

use std::fmt;

use super::{Integer, NAN_BITS, NESTING_MAX, Value};

/// Why bytes are not an encoded value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Offset of the byte that is wrong.
    pub at: usize,
    /// What should have been there.
    pub expected: &'static str,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an encoded value: expected {} at byte {}", self.expected, self.at)
    }
}

impl std::error::Error for DecodeError {}

pub(super) fn value(bytes: &[u8]) -> Result<Value, DecodeError> {
    let mut reader = Reader { bytes, at: 0 };
    let value = reader.value(NESTING_MAX)?;
    if reader.at == bytes.len() { Ok(value) } else { Err(reader.expected("the end")) }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn expected(&self, expected: &'static str) -> DecodeError {
        DecodeError { at: self.at, expected }
    }

    fn value(&mut self, nesting: usize) -> Result<Value, DecodeError> {
        let tag = *self.bytes.get(self.at).ok_or_else(|| self.expected("a tag"))?;
        let value = match tag {
            b'n' => Value::None,
            b't' => Value::Bool(true),
            b'f' => Value::Bool(false),
            _ => return self.tagged(tag, nesting),
        };
        self.at += 1;
        Ok(value)
    }

    fn tagged(&mut self, tag: u8, nesting: usize) -> Result<Value, DecodeError> {
        if !b"idcsblumez".contains(&tag) {
            return Err(self.expected("a tag"));
        }
        if b"lumez".contains(&tag) && nesting == 0 {
            return Err(self.expected("less nesting"));
        }
        self.at += 1;
        Ok(match tag {
            b'i' => Value::Int(self.integer()?),
            b'd' => Value::Float(self.float()?),
            b'c' => Value::Complex { real: self.float()?, imag: self.float()? },
            b's' => {
                let start = self.at;
                let text = String::from_utf8(self.counted_bytes()?.to_vec());
                Value::Str(text.map_err(|_| DecodeError { at: start, expected: "UTF-8" })?)
            }
            b'b' => Value::Bytes(self.counted_bytes()?.to_vec()),
            b'm' => {
                let count = self.count()?;
                Value::Dict(
                    (0..count)
                        .map(|_| Ok((self.value(nesting - 1)?, self.value(nesting - 1)?)))
                        .collect::<Result<_, _>>()?,
                )
            }
            _ => {
                let count = self.count()?;
                let items = (0..count).map(|_| self.value(nesting - 1)).collect::<Result<_, _>>()?;
                match tag {
                    b'l' => Value::List(items),
                    b'u' => Value::Tuple(items),
                    b'e' => Value::Set(items),
                    _ => Value::FrozenSet(items),
                }
            }
        })
    }

    fn integer(&mut self) -> Result<Integer, DecodeError> {
        let text = self.until(b';')?;
        Integer::from_decimal(text).ok_or_else(|| self.expected("an integer before this"))
    }

    fn float(&mut self) -> Result<f64, DecodeError> {
        let digits = self.bytes.get(self.at..self.at + 16).ok_or_else(|| self.expected("16 hexadecimal digits"))?;
        let bits = digits.iter().try_fold(0_u64, |bits, digit| {
            let nibble = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return None,
            };
            Some(bits << 4 | u64::from(nibble))
        });
        let bits = bits.ok_or_else(|| self.expected("16 hexadecimal digits"))?;
        let float = f64::from_bits(bits);
        if float.is_nan() && bits != NAN_BITS {
            return Err(self.expected("the canonical NaN"));
        }
        self.at += 16;
        Ok(float)
    }

    fn counted_bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let count = self.count()?;
        let end = self.at + count;
        let bytes = &self.bytes[self.at..end];
        self.at = end;
        Ok(bytes)
    }

    /// A number of bytes or items. Every item takes a byte at least, so a count beyond the rest is wrong already.
    fn count(&mut self) -> Result<usize, DecodeError> {
        let text = self.until(b':')?;
        let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
        let count = text.parse::<usize>().ok().filter(|count| canonical && *count <= self.bytes.len() - self.at);
        count.ok_or_else(|| self.expected("a count of what follows before this"))
    }

    /// The ASCII text up to `end`, which is passed over.
    fn until(&mut self, end: u8) -> Result<&'a str, DecodeError> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| *byte == end).ok_or_else(|| self.expected("an end mark"))?;
        let text = std::str::from_utf8(&rest[..length]).map_err(|_| self.expected("ASCII"))?;
        self.at += length + 1;
        Ok(text)
    }
}
