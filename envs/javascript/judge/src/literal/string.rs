//! Strings, and templates without substitutions.

use super::{Literals, NotAValue};

impl Literals<'_> {
    pub(super) fn string(&mut self) -> Result<String, NotAValue> {
        let start = self.at;
        let quote =
            ["\"", "'", "`"].into_iter().find(|quote| self.take(quote)).ok_or_else(|| self.unexpected("a quote"))?;
        let mut content = Vec::new();
        while !self.take(quote) {
            match self.peek() {
                None => return Err(self.error_at(start, "a string that does not end")),
                Some('\n' | '\r') if quote != "`" => {
                    return Err(self.error_at(start, "a string that does not end on its line"));
                }
                Some('$') if quote == "`" && self.rest().starts_with("${") => {
                    return Err(self.error("a substitution is an expression, not a literal"));
                }
                Some('\r') => self.line_end(&mut content),
                Some('\\') => self.escape(&mut content)?,
                Some(c) => {
                    self.at += c.len_utf8();
                    push(c, &mut content);
                }
            }
        }
        // Two escapes may stand for the halves of one character.
        String::from_utf16(&content).map_err(|_| self.error_at(start, "a string with a lone surrogate"))
    }

    /// In a template, however it is spelled, a line end is one character.
    fn line_end(&mut self, content: &mut Vec<u16>) {
        self.at += if self.rest().starts_with("\r\n") { 2 } else { 1 };
        push('\n', content);
    }

    fn escape(&mut self, content: &mut Vec<u16>) -> Result<(), NotAValue> {
        let start = self.at;
        self.at += 1;
        let Some(c) = self.peek() else { return Err(self.error_at(start, "a string that does not end")) };
        self.at += c.len_utf8();
        match c {
            'b' => push('\u{8}', content),
            'f' => push('\u{c}', content),
            'n' => push('\n', content),
            'r' => push('\r', content),
            't' => push('\t', content),
            'v' => push('\u{b}', content),
            '0' if !self.rest().starts_with(|c: char| c.is_ascii_digit()) => push('\0', content),
            '0'..='9' => return Err(self.error_at(start, "an octal escape")),
            'x' => content.push(self.hexadecimal(start, 2)?),
            'u' if self.take("{") => {
                let (digits, _) = self.rest().split_once('}').unwrap_or(("", ""));
                let code = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'));
                let c = code.and_then(char::from_u32);
                self.at += digits.len() + 1;
                push(c.ok_or_else(|| self.error_at(start, "an escape that is no character"))?, content);
            }
            'u' => content.push(self.hexadecimal(start, 4)?),
            // A line that goes on.
            '\r' => {
                self.take("\n");
            }
            '\n' | '\u{2028}' | '\u{2029}' => {}
            c => push(c, content),
        }
        Ok(())
    }

    fn hexadecimal(&mut self, start: usize, count: usize) -> Result<u16, NotAValue> {
        let digits = self.rest().get(..count).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let digits = digits.ok_or_else(|| self.error_at(start, format!("an escape without its {count} digits")))?;
        self.at += count;
        Ok(u16::from_str_radix(digits, 16).expect("at most four hexadecimal digits"))
    }
}

fn push(c: char, content: &mut Vec<u16>) {
    content.extend_from_slice(c.encode_utf16(&mut [0; 2]));
}
