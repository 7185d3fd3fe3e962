//! String and bytes literals.

use azr_guest_sdk::value::Value;

use super::{NotAValue, Parser};

/// What the letters before the quotes say.
struct Prefix {
    raw: bool,
    bytes: bool,
}

/// One literal's content: characters, or bytes as characters below 256.
type Content = String;

impl Parser<'_> {
    /// Whether a string literal, with or without prefix, starts here.
    pub(crate) fn at_string(&self) -> bool {
        // No further than the longest prefix: the next quote may be far away, and this is asked at every name.
        let mut ahead = self.rest().bytes().take(3).skip_while(u8::is_ascii_alphabetic);
        matches!(ahead.next(), Some(b'"' | b'\''))
    }

    /// One or more adjacent literals.
    pub(crate) fn string(&mut self) -> Result<Value, NotAValue> {
        let start = self.at;
        let (is_bytes, mut content) = self.one_string()?;
        loop {
            let before_space = self.at;
            self.skip_space();
            if !self.at_string() {
                self.at = before_space;
                break;
            }
            let (next_is_bytes, next) = self.one_string()?;
            if next_is_bytes != is_bytes {
                return Err(self.error_at(start, "bytes and strings cannot be concatenated"));
            }
            content.push_str(&next);
        }
        // Bytes were collected as characters below 256.
        Ok(if is_bytes { Value::Bytes(content.chars().map(|c| c as u32 as u8).collect()) } else { Value::Str(content) })
    }

    fn one_string(&mut self) -> Result<(bool, Content), NotAValue> {
        let start = self.at;
        let letters = self.name().to_ascii_lowercase();
        let prefix = match letters.as_str() {
            "" | "u" => Prefix { raw: false, bytes: false },
            "r" => Prefix { raw: true, bytes: false },
            "b" => Prefix { raw: false, bytes: true },
            "br" | "rb" => Prefix { raw: true, bytes: true },
            "f" | "fr" | "rf" => return Err(self.error_at(start, "an f-string is an expression, not a literal")),
            _ => return Err(self.error_at(start, format!("`{letters}` is not a prefix of a string"))),
        };
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| self.take(quote));
        let quote = quote.ok_or_else(|| self.unexpected("a quote"))?;
        let mut content = Content::new();
        while !self.take(quote) {
            match self.peek() {
                None => return Err(self.error_at(start, "a string that does not end")),
                Some('\n') if quote.len() == 1 => {
                    return Err(self.error_at(start, "a string that does not end on its line"));
                }
                Some('\\') => self.backslash(&prefix, &mut content)?,
                Some(c) if prefix.bytes && !c.is_ascii() => {
                    return Err(self.error("bytes can only contain ASCII characters"));
                }
                Some(c) => {
                    content.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
        Ok((prefix.bytes, content))
    }

    fn backslash(&mut self, prefix: &Prefix, content: &mut Content) -> Result<(), NotAValue> {
        let start = self.at;
        self.at += 1;
        let Some(escape) = self.peek() else {
            return Err(self.error_at(start, "a string that does not end"));
        };
        if prefix.raw {
            // The backslash stays, and a quote after it does not end the string.
            content.extend(['\\', escape]);
            self.at += escape.len_utf8();
            return match (prefix.bytes, escape.is_ascii()) {
                (true, false) => Err(self.error_at(start, "bytes can only contain ASCII characters")),
                _ => Ok(()),
            };
        }
        if let Some(plain) = simple_escape(escape) {
            self.at += 1;
            content.push(plain);
            return Ok(());
        }
        match escape {
            '\n' => self.at += 1,
            '0'..='7' => content.push(self.octal(prefix.bytes)),
            'x' => content.push(self.hexadecimal(2)?),
            'u' if !prefix.bytes => content.push(self.hexadecimal(4)?),
            'U' if !prefix.bytes => content.push(self.hexadecimal(8)?),
            'N' if !prefix.bytes => return Err(self.error_at(start, "characters by name (\\N{...}) are not supported")),
            // An unknown escape stands for itself; the next round takes the character.
            _ => content.push('\\'),
        }
        Ok(())
    }

    fn octal(&mut self, bytes: bool) -> char {
        let mut number = 0_u32;
        for _ in 0..3 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
            number = number * 8 + digit;
            self.at += 1;
        }
        // Three octal digits reach 511: a character, but for bytes only the low eight bits count.
        char::from_u32(if bytes { number & 0xff } else { number }).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn hexadecimal(&mut self, count: usize) -> Result<char, NotAValue> {
        let start = self.at - "\\".len();
        self.at += 1;
        let digits = self.rest().get(..count).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let digits = digits.ok_or_else(|| self.error_at(start, format!("an escape without its {count} digits")))?;
        let number = u32::from_str_radix(digits, 16).unwrap_or(u32::MAX);
        self.at += count;
        let reason = if (0xd800..0xe000).contains(&number) { "a lone surrogate" } else { "not a character" };
        char::from_u32(number).ok_or_else(|| self.error_at(start, reason))
    }
}

fn simple_escape(escape: char) -> Option<char> {
    Some(match escape {
        '\\' | '\'' | '"' => escape,
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        _ => return None,
    })
}
