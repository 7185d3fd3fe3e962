//! The parts of an answer in TeX or plain text.

use num_bigint::BigInt;
use num_traits::Pow;

use crate::polynomial::Rational;

/// A part of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub kind: Kind,
    /// Whether white space stands before it.
    pub spaced: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Number {
        value: Rational,
        digits: String,
    },
    Letter(char),
    /// A command that is a function or a Greek letter, without its backslash.
    Name(String),
    /// Words, as in `\text{…}`.
    Text(String),
    /// An operator, bracket or separator, by the one character that [`OPERATORS`] names for it.
    Sign(char),
    Begin,
    End,
}

/// Numbers are written with so many digits at most; as an exponent of ten, up to this size.
const DIGITS_MAX: usize = 1000;

/// Commands that are another way to write a sign.
const OPERATORS: [(&str, char); 60] = [
    ("le", '≤'),
    ("leq", '≤'),
    ("leqslant", '≤'),
    ("ge", '≥'),
    ("geq", '≥'),
    ("geqslant", '≥'),
    ("lt", '<'),
    ("gt", '>'),
    ("ne", '≠'),
    ("neq", '≠'),
    ("approx", '≈'),
    ("in", '∈'),
    ("cup", '∪'),
    ("pm", '±'),
    ("mp", '∓'),
    ("infty", '∞'),
    ("emptyset", '∅'),
    ("varnothing", '∅'),
    ("circ", '°'),
    ("degree", '°'),
    ("cdot", '*'),
    ("times", '*'),
    ("ast", '*'),
    ("div", '/'),
    ("over", '/'),
    ("lbrace", '⦃'),
    ("rbrace", '⦄'),
    ("{", '⦃'),
    ("}", '⦄'),
    ("lbrack", '['),
    ("rbrack", ']'),
    ("lparen", '('),
    ("rparen", ')'),
    ("langle", '⟨'),
    ("rangle", '⟩'),
    ("vert", '|'),
    ("lvert", '|'),
    ("rvert", '|'),
    ("mid", '|'),
    ("colon", ':'),
    ("%", '%'),
    ("$", '$'),
    ("#", '#'),
    ("&", '&'),
    ("_", '_'),
    ("\\", '⏎'),
    ("cr", '⏎'),
    ("lfloor", '⌊'),
    ("rfloor", '⌋'),
    ("lceil", '⌈'),
    ("rceil", '⌉'),
    ("prime", '\''),
    ("pounds", '£'),
    ("euro", '€'),
    ("dots", '…'),
    ("ldots", '…'),
    ("cdots", '…'),
    ("setminus", '∖'),
    ("cap", '∩'),
    ("equiv", '≡'),
];

/// Characters that are another way to write a sign.
const CHARACTERS: [(char, char); 8] =
    [('−', '-'), ('–', '-'), ('×', '*'), ('·', '*'), ('∗', '*'), ('÷', '/'), ('√', '√'), ('∶', ':')];

/// Signs that stand for themselves.
const SIGNS: &str = "+-*/^_()[]{}|,;:=<>!&%'≤≥≠≈∈∪±∓∞∅°⌊⌋⌈⌉£€…∖∩≡⟨⟩";

/// Commands that only set how something looks.
const LOOKS: [&str; 24] = [
    "left",
    "right",
    "big",
    "Big",
    "bigg",
    "Bigg",
    "bigl",
    "bigr",
    "Bigl",
    "Bigr",
    "displaystyle",
    "textstyle",
    "quad",
    "qquad",
    "limits",
    ",",
    "!",
    ";",
    ":",
    " ",
    "hspace",
    "boxed",
    "fbox",
    "mathstrut",
];

/// Commands whose content is words. `\mathrm{e}` is a letter all the same.
const WORDS: [&str; 14] = [
    "text",
    "textbf",
    "textit",
    "textrm",
    "textnormal",
    "texttt",
    "textsf",
    "mbox",
    "hbox",
    "mathrm",
    "mathbf",
    "mathit",
    "operatorname",
    "rm",
];

/// The parts of a text, or what is not part of any answer.
pub fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut lexer = Lexer { rest: text, brackets: 0, matrices: 0, tokens: Vec::new(), spaced: false };
    while let Some(character) = lexer.rest.chars().next() {
        lexer.step(character)?;
    }
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    rest: &'a str,
    /// Open brackets, inside of which commas separate.
    brackets: usize,
    /// Open matrices, inside of which `\\` ends a row.
    matrices: usize,
    tokens: Vec<Token>,
    spaced: bool,
}

impl<'a> Lexer<'a> {
    fn step(&mut self, character: char) -> Result<(), String> {
        let digit_follows = |rest: &str| rest[1..].starts_with(|c: char| c.is_ascii_digit());
        match character {
            c if c.is_whitespace() || c == '~' || c == '$' => self.skip(c.len_utf8()),
            '\\' => return self.command(),
            '0'..='9' => return self.number(),
            '.' if digit_follows(self.rest) || self.rest.starts_with(".\\overline{") => return self.number(),
            'π' => self.push(1 + 1, Kind::Name("pi".into())),
            c if c.is_ascii_alphabetic() => self.push(1, Kind::Letter(c)),
            c => {
                let alias = CHARACTERS.iter().find(|(other, _)| *other == c).map(|(_, sign)| *sign);
                match alias.or(SIGNS.contains(c).then_some(c)) {
                    Some('√') => self.push(c.len_utf8(), Kind::Name("sqrt".into())),
                    Some(sign) => self.sign(c.len_utf8(), sign),
                    None => return Err(format!("{c:?} is not part of a mathematical answer")),
                }
            }
        }
        Ok(())
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
        self.spaced = true;
    }

    fn push(&mut self, bytes: usize, kind: Kind) {
        self.rest = &self.rest[bytes..];
        self.tokens.push(Token { kind, spaced: self.spaced });
        self.spaced = false;
    }

    fn sign(&mut self, bytes: usize, sign: char) {
        match sign {
            '(' | '[' | '{' | '⦃' | '⟨' => self.brackets += 1,
            ')' | ']' | '}' | '⦄' | '⟩' => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
        self.push(bytes, Kind::Sign(sign));
    }

    fn command(&mut self) -> Result<(), String> {
        let after = &self.rest[1..];
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        if after.starts_with('\\') && self.matrices == 0 && after[1..].starts_with(|c: char| c.is_ascii_alphabetic()) {
            // A backslash that was escaped once too often.
            self.rest = after;
            return Ok(());
        }
        let length = if letters > 0 { letters } else { after.chars().next().map_or(0, char::len_utf8) };
        let name = &after[..length];
        let bytes = 1 + length;
        match name {
            "" => self.skip(1),
            "begin" | "end" => return self.environment(bytes, name == "begin"),
            "left" | "right" if after[length..].starts_with('.') => self.skip(bytes + 1),
            _ if LOOKS.contains(&name) => self.skip(bytes),
            _ if WORDS.contains(&name) => return self.words(bytes),
            _ => match OPERATORS.iter().find(|(other, _)| *other == name) {
                Some((_, sign)) => self.sign(bytes, *sign),
                None if letters > 0 => {
                    self.push(bytes, Kind::Name(name.into()));
                    self.bare_arguments(name);
                }
                None => return Err(format!("\\{name} is not part of a mathematical answer")),
            },
        }
        Ok(())
    }

    /// The digits of \frac12 and \sqrt2 are arguments of one digit each.
    fn bare_arguments(&mut self, name: &str) {
        let arguments = match name {
            "frac" | "dfrac" | "tfrac" | "cfrac" | "binom" => 2,
            "sqrt" => 1,
            _ => 0,
        };
        for _ in 0..arguments {
            let rest = self.rest.trim_start();
            let Some(digit) = rest.chars().next().and_then(|character| character.to_digit(10)) else { return };
            let value = Rational::from(BigInt::from(digit));
            self.push(self.rest.len() - rest.len() + 1, Kind::Number { value, digits: digit.to_string() });
        }
    }

    /// `\begin{pmatrix}`, and the columns of an array.
    fn environment(&mut self, bytes: usize, begins: bool) -> Result<(), String> {
        let (name, mut end) = braced(&self.rest[bytes..]).ok_or("\\begin or \\end without a name")?;
        if !["pmatrix", "bmatrix", "matrix", "Bmatrix", "smallmatrix", "array"].contains(&name) {
            return Err(format!("{name:?} is not a kind of matrix"));
        }
        if begins && name == "array" {
            end += braced(&self.rest[bytes + end..]).ok_or("an array without columns")?.1;
        }
        self.matrices = if begins { self.matrices + 1 } else { self.matrices.saturating_sub(1) };
        self.push(bytes + end, if begins { Kind::Begin } else { Kind::End });
        Ok(())
    }

    fn words(&mut self, bytes: usize) -> Result<(), String> {
        let rest = self.rest[bytes..].trim_start();
        let start = self.rest.len() - rest.len();
        let Some((content, length)) = braced(rest) else {
            self.skip(bytes);
            return Ok(());
        };
        let mut letters = content.trim().chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) if letter.is_ascii_alphabetic() => self.push(start + length, Kind::Letter(letter)),
            _ if content.contains(|c: char| c.is_alphabetic()) => {
                self.push(start + length, Kind::Text(content.trim().into()));
            }
            _ => {
                // Numbers in words are numbers.
                let inner = tokens(content)?;
                self.tokens.extend(inner);
                self.skip(start + length);
            }
        }
        Ok(())
    }

    /// Digits with separators of thousands, a fraction that may repeat, and a power of ten.
    fn number(&mut self) -> Result<(), String> {
        let start = self.rest;
        let mut digits = self.digits().to_owned();
        let grouped = (1..=3).contains(&digits.len());
        while let Some(length) = self.separator().filter(|_| grouped) {
            self.rest = &self.rest[length..];
            digits += self.digits();
        }
        let mut value = whole(&digits)?;
        let mut shown = digits.clone();
        if self.rest.starts_with('.') && !self.rest.starts_with("..") {
            self.rest = &self.rest[1..];
            let fraction = self.digits().to_owned();
            value += whole(&fraction)? / power_of_ten(fraction.len())?;
            if let Some((period, length)) = self.rest.strip_prefix("\\overline").and_then(braced) {
                if period.is_empty() || !period.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err("a period that is not made of digits".into());
                }
                let nines = power_of_ten(period.len())? - power_of_ten(0)?;
                value += whole(period)? / nines / power_of_ten(fraction.len())?;
                self.rest = &self.rest["\\overline".len() + length..];
            }
            shown.push('.');
        }
        value *= self.exponent()?;
        let bytes = start.len() - self.rest.len();
        self.rest = start;
        self.push(bytes, Kind::Number { value, digits: shown });
        Ok(())
    }

    fn digits(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        digits
    }

    /// The length of what stands between two groups of three digits. A bare comma does only outside of brackets.
    fn separator(&self) -> Option<usize> {
        let separators = ["{,}", ",\\!", ",\\! ", "\\,", "\\!"];
        let bare = (self.brackets == 0).then_some(",");
        let lengths = separators.into_iter().chain(bare).filter(|text| self.rest.starts_with(text)).map(str::len);
        lengths.into_iter().find(|&length| {
            let next = &self.rest.as_bytes()[length..];
            next.len() >= 3 && next[..3].iter().all(u8::is_ascii_digit) && !next.get(3).is_some_and(u8::is_ascii_digit)
        })
    }

    /// `e-3` right behind a number.
    fn exponent(&mut self) -> Result<Rational, String> {
        let after = self.rest.strip_prefix(['e', 'E']).unwrap_or("");
        let sign = &after[..usize::from(after.starts_with(['+', '-']))];
        if !after[sign.len()..].starts_with(|c: char| c.is_ascii_digit()) {
            return power_of_ten(0);
        }
        self.rest = &after[sign.len()..];
        let size = self.digits().parse().map_err(|_| "an exponent is too large")?;
        let power = power_of_ten(size)?;
        Ok(if sign == "-" { power.recip() } else { power })
    }
}

/// The content of braces that a text begins with, and the length with the braces.
pub fn braced(text: &str) -> Option<(&str, usize)> {
    let mut open = 0usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' => open += 1,
            '}' => open = open.checked_sub(1)?,
            _ if open == 0 => return None,
            _ => {}
        }
        if open == 0 {
            return Some((&text[1..at], at + 1));
        }
    }
    None
}

fn whole(digits: &str) -> Result<Rational, String> {
    if digits.len() > DIGITS_MAX {
        return Err(format!("a number with more than {DIGITS_MAX} digits"));
    }
    Ok(Rational::from(BigInt::parse_bytes(digits.as_bytes(), 10).unwrap_or_default()))
}

fn power_of_ten(exponent: usize) -> Result<Rational, String> {
    if exponent > DIGITS_MAX {
        return Err(format!("a number with more than {DIGITS_MAX} digits"));
    }
    Ok(Rational::from(Pow::pow(BigInt::from(10), exponent as u32)))
}
