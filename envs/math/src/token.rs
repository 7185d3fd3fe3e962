//! The parts of an answer, whether it is written in TeX, in Unicode or in plain text.

mod number;
mod tables;

use crate::polynomial::Rational;
use crate::token::tables::Meaning;
use crate::word::{self, Run};

/// A part of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub kind: Kind,
    /// Whether white space stands before it.
    pub spaced: bool,
    /// Of a letter: how many there are from here on with nothing between them.
    pub run: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Number {
        value: Rational,
        digits: String,
    },
    /// A letter as in a formula.
    Letter(char),
    /// A function or a Greek letter, without its backslash.
    Name(String),
    /// A word, as in `\text{…}`.
    Text(String),
    /// An operator, bracket or separator, by one character.
    Sign(char),
    Begin(Array),
    End,
}

/// What rows and columns mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Array {
    Matrix,
    /// A matrix between upright lines.
    Determinant,
    Cases,
    /// Lines of a formula.
    Lines,
}

/// Commands may stand in the braces of others so deep. Protects the stack.
const NESTING_MAX: usize = 20;
/// Answers may have so many parts, which is some times as many as any of the benchmarks has. Protects the fuel.
const TOKENS_MAX: usize = 1000;

/// The parts of a text, or what is not part of any answer.
pub fn tokens(text: &str) -> Result<Vec<Token>, String> {
    Lexer::new(text, false, 0).all()
}

struct Lexer<'a> {
    rest: &'a str,
    /// Open brackets, inside of which commas separate.
    brackets: usize,
    /// Open matrices, inside of which `\\` ends a row.
    arrays: Vec<Array>,
    tokens: Vec<Token>,
    spaced: bool,
    /// Whether letters are words.
    upright: bool,
    nesting: usize,
}

impl<'a> Lexer<'a> {
    fn new(rest: &'a str, upright: bool, nesting: usize) -> Lexer<'a> {
        Lexer { rest, brackets: 0, arrays: Vec::new(), tokens: Vec::new(), spaced: false, upright, nesting }
    }

    fn all(mut self) -> Result<Vec<Token>, String> {
        while let Some(character) = self.rest.chars().next() {
            self.step(character)?;
            if self.tokens.len() > TOKENS_MAX {
                return Err(format!("an answer of more than {TOKENS_MAX} parts"));
            }
        }
        Ok(self.tokens)
    }

    fn step(&mut self, character: char) -> Result<(), String> {
        let bytes = character.len_utf8();
        match tables::folded(character) {
            c if c.is_whitespace() || c == '~' || c == '$' || tables::is_invisible(c) => self.skip(bytes),
            '\\' => return self.command(),
            '0'..='9' => return self.number(),
            '.' if self.fraction_follows() => return self.number(),
            '.' if self.ellipsis() => self.push(3, Kind::Sign('…')),
            '.' if self.behind_choice() => self.push(1, Kind::Sign(':')),
            // An abbreviation, or the end of the sentence.
            '.' if self.behind_word() => self.skip(1),
            '+' if self.rest.starts_with("+/-") => self.push(3, Kind::Sign('±')),
            '*' if self.rest.starts_with("**") => self.push(2, Kind::Sign('^')),
            // Empty braces, unless something is set below or above them.
            '{' if self.rest.starts_with("{}") && !self.rest[2..].starts_with(['_', '^']) => self.skip(2),
            // Braces that only set the space around a colon.
            '"' | '”' | '″' if self.behind_number() => {
                self.push(bytes, Kind::Sign('\''));
                self.push(0, Kind::Sign('\''));
            }
            '{' if self.rest.starts_with("{:}") => self.push(3, Kind::Sign(':')),
            c if c.is_ascii_alphabetic() => return self.letters(),
            c => return self.special(c, bytes),
        }
        Ok(())
    }

    /// What is neither a digit nor a letter of the alphabet.
    fn special(&mut self, c: char, bytes: usize) -> Result<(), String> {
        if let Some((chinese, word)) = tables::chinese_unit(self.rest) {
            self.push(chinese.len(), Kind::Text(word.into()));
            return Ok(());
        }
        if let Some(letters) = self.micro_unit(c, bytes) {
            self.push(bytes + letters.len(), Kind::Text(format!("μ{letters}")));
            return Ok(());
        }
        if let Some(sign) = tables::sign(c) {
            self.sign(bytes, sign);
        } else if tables::superscript(c).is_some() {
            self.script('^', tables::superscript);
        } else if tables::subscript(c).is_some() {
            self.script('_', tables::subscript);
        } else if let Some((over, under)) = tables::vulgar(c) {
            self.push(bytes, Kind::Name("frac".into()));
            self.push(0, number::whole_number(over));
            self.push(0, number::whole_number(under));
        } else if let Some(name) = tables::greek(c) {
            self.push(bytes, Kind::Name(name.into()));
        } else {
            match c {
                '√' => self.push(bytes, Kind::Name("surd".into())),
                '∑' => self.push(bytes, Kind::Name("sum".into())),
                '∏' => self.push(bytes, Kind::Name("prod".into())),
                '∫' => self.push(bytes, Kind::Name("int".into())),
                '∛' => self.push(bytes, Kind::Name("cbrt".into())),
                '∜' => {
                    self.push(bytes, Kind::Name("sqrt".into()));
                    self.push(0, Kind::Sign('['));
                    self.push(0, number::whole_number(4));
                    self.push(0, Kind::Sign(']'));
                }
                '→' | '⇒' | '⟹' | '∴' | '∎' => self.skip(bytes),
                '℃' | '℉' => {
                    self.push(bytes, Kind::Sign('°'));
                    self.push(0, Kind::Text(if c == '℃' { "C" } else { "F" }.into()));
                }
                '‰' => self.push(bytes, Kind::Text("thousandths".into())),
                'ℝ' | 'ℤ' | 'ℚ' | 'ℕ' | 'ℂ' => {
                    let letter = "RZQNC".as_bytes()["ℝℤℚℕℂ".chars().position(|other| other == c).unwrap_or(0)];
                    self.push(bytes, Kind::Name("mathbb".into()));
                    self.push(0, Kind::Letter(char::from(letter)));
                }
                _ => return Err(format!("{c:?} is not part of a mathematical answer")),
            }
        }
        Ok(())
    }

    /// The unit behind a sign of a millionth that stands behind a number: 5 µm.
    fn micro_unit(&self, c: char, bytes: usize) -> Option<&'a str> {
        const UNITS: [&str; 10] = ["m", "s", "g", "L", "l", "A", "C", "F", "V", "W"];
        let letters = &self.rest[bytes..][..letters_end(&self.rest[bytes..])];
        (matches!(c, 'μ' | 'µ') && self.behind_number() && UNITS.contains(&letters)).then_some(letters)
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
        self.spaced = true;
    }

    fn push(&mut self, bytes: usize, kind: Kind) {
        self.rest = &self.rest[bytes..];
        self.tokens.push(Token { kind, spaced: self.spaced, run: 1 });
        self.spaced = false;
    }

    fn sign(&mut self, bytes: usize, sign: char) {
        let aligns = self.arrays.last() == Some(&Array::Lines) || self.rest[bytes..].trim_start().starts_with('=');
        match sign {
            // Only where a line is set.
            '&' if aligns => return self.skip(bytes),
            '(' | '[' | '{' | '⦃' | '⟨' => self.brackets += 1,
            ')' | ']' | '}' | '⦄' | '⟩' => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
        self.push(bytes, Kind::Sign(sign));
    }

    fn behind_word(&self) -> bool {
        let last = self.tokens.last().map(|token| &token.kind);
        matches!(last, Some(Kind::Letter(_))) && !self.spaced || matches!(last, Some(Kind::Text(_))) || self.upright
    }

    /// Whether the answer begins with one capital letter, as in "D. 24".
    fn behind_choice(&self) -> bool {
        let letter = match &self.tokens[..] {
            [Token { kind: Kind::Letter(letter), .. }] => letter.is_ascii_uppercase(),
            [Token { kind: Kind::Text(word), .. }] => {
                word.len() == 1 && word.starts_with(|c: char| c.is_ascii_uppercase())
            }
            _ => false,
        };
        letter && self.rest.len() > 1
    }

    fn behind_number(&self) -> bool {
        matches!(self.tokens.last(), Some(Token { kind: Kind::Number { .. }, .. }))
    }

    fn ellipsis(&self) -> bool {
        self.rest.starts_with("...")
    }

    /// x² and x₁, as `x^{2}` and `x_{1}`.
    fn script(&mut self, sign: char, read: impl Fn(char) -> Option<char>) {
        let script: String = self.rest.chars().map_while(&read).collect();
        let bytes = self.rest.chars().take(script.chars().count()).map(char::len_utf8).sum();
        self.push(bytes, Kind::Sign(sign));
        self.push(0, Kind::Sign('{'));
        let inner = Lexer::new(&script, false, 0).all().expect("digits, signs and letters are parts of answers");
        self.tokens.extend(inner);
        self.push(0, Kind::Sign('}'));
    }

    /// A run of letters: a word, a name, or a product.
    fn letters(&mut self) -> Result<(), String> {
        if let Some((word, bytes)) = word::half_of_day(self.rest) {
            self.push(bytes, Kind::Text(word.into()));
            return Ok(());
        }
        let folded: String = self.rest.chars().map(tables::folded).take_while(|c| word_character(*c)).collect();
        let end = if self.upright { word_end(&folded) } else { letters_end(&folded) };
        let run = &folded[..end];
        let bytes: usize = self.rest.chars().take(end).map(char::len_utf8).sum();
        let is_applied = word::OPERATORS.contains(&run) && self.rest[bytes..].starts_with('(');
        match if self.upright || is_applied { Run::Word } else { word::run(run) } {
            Run::Word => self.push(bytes, Kind::Text(run.into())),
            Run::Infinity => self.push(bytes, Kind::Sign('∞')),
            Run::Parts(parts) => {
                let mut parts = parts.into_iter();
                self.part(bytes, parts.next().expect("a run has parts"));
                parts.for_each(|part| self.part(0, part));
            }
        }
        Ok(())
    }

    /// A name, or letters that are multiplied.
    fn part(&mut self, bytes: usize, part: &str) {
        if word::is_name(part) {
            return self.push(bytes, Kind::Name(part.into()));
        }
        self.rest = &self.rest[bytes..];
        for (place, letter) in part.chars().enumerate() {
            self.push(0, Kind::Letter(letter));
            self.tokens.last_mut().expect("a token was pushed").run = part.len() - place;
        }
    }

    fn command(&mut self) -> Result<(), String> {
        let after = &self.rest[1..];
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        if after.starts_with('\\') && self.arrays.is_empty() && is_command(&after[1..]) {
            // A backslash that was escaped once too often.
            self.rest = after;
            return Ok(());
        }
        let length = if letters > 0 { letters } else { after.chars().next().map_or(0, char::len_utf8) };
        let name = &after[..length];
        let bytes = 1 + length;
        match (name, tables::meaning(name)) {
            ("", _) => self.skip(1),
            ("begin" | "end", _) => return self.environment(bytes, name == "begin"),
            ("left" | "right", _) if after[length..].starts_with('.') => self.skip(bytes + 1),
            ("prime", _) if self.raised_primes(bytes) => {}
            ("\\", Meaning::Sign(sign)) => {
                self.sign(bytes, sign);
                let length = row_space(self.rest);
                self.rest = &self.rest[length..];
            }
            (_, Meaning::Sign(sign)) => self.sign(bytes, sign),
            (_, Meaning::Look) => self.skip(bytes),
            (_, Meaning::Hidden) => {
                let hidden = braced(self.rest[bytes..].trim_start()).map_or(0, |(_, length)| length);
                let spaces = self.rest[bytes..].len() - self.rest[bytes..].trim_start().len();
                self.skip(bytes + if hidden > 0 { spaces + hidden } else { 0 });
            }
            (_, Meaning::Group) => return self.group(bytes, false),
            (_, Meaning::Words) => return self.group(bytes, true),
            _ if letters > 0 => {
                self.push(bytes, Kind::Name(name.into()));
                self.bare_arguments(name);
            }
            _ => return Err(format!("\\{name} is not part of a mathematical answer")),
        }
        Ok(())
    }

    /// `y^\prime` and `y^{\prime\prime}` are y' and y''. Whether a prime that is raised stands here.
    fn raised_primes(&mut self, bytes: usize) -> bool {
        let kinds: Vec<&Kind> = self.tokens.iter().rev().take(2).map(|token| &token.kind).collect();
        let (parts, count, length) = match kinds[..] {
            [Kind::Sign('^'), ..] => (1, 1, bytes),
            [Kind::Sign('{'), Kind::Sign('^')] => {
                let Some((content, after)) = self.rest.split_once('}') else { return false };
                let primes = content.matches("\\prime").count();
                if !content.replace("\\prime", "").trim().is_empty() {
                    return false;
                }
                (2, primes, self.rest.len() - after.len())
            }
            _ => return false,
        };
        self.tokens.truncate(self.tokens.len() - parts);
        self.brackets = self.brackets.saturating_sub(parts - 1);
        self.spaced = false;
        self.push(length, Kind::Sign('\''));
        (1..count).for_each(|_| self.push(0, Kind::Sign('\'')));
        true
    }

    /// The digits of \frac12 and \sqrt2 are arguments of one digit each.
    fn bare_arguments(&mut self, name: &str) {
        let arguments = match name {
            "frac" | "dfrac" | "tfrac" | "cfrac" | "nicefrac" | "sfrac" | "binom" | "dbinom" | "tbinom" => 2,
            "sqrt" => 1,
            _ => 0,
        };
        for _ in 0..arguments {
            let rest = self.rest.trim_start();
            let Some(digit) = rest.chars().next().and_then(|character| character.to_digit(10)) else { return };
            self.push(self.rest.len() - rest.len() + 1, number::whole_number(digit));
        }
    }

    /// `\begin{pmatrix}`, and the columns of an array.
    fn environment(&mut self, bytes: usize, begins: bool) -> Result<(), String> {
        let (name, mut end) = braced(&self.rest[bytes..]).ok_or("\\begin or \\end without a name")?;
        let array = match name.trim_end_matches('*') {
            "pmatrix" | "bmatrix" | "matrix" | "Bmatrix" | "smallmatrix" | "array" => Array::Matrix,
            "vmatrix" => Array::Determinant,
            "cases" | "dcases" | "rcases" => Array::Cases,
            "aligned" | "align" | "gathered" | "gather" | "split" | "equation" => Array::Lines,
            name => return Err(format!("{name:.20?} is not a kind of matrix")),
        };
        if begins && name == "array" {
            end += braced(&self.rest[bytes + end..]).ok_or("an array without columns")?.1;
        }
        if begins {
            self.arrays.push(array);
        } else {
            self.arrays.pop();
        }
        self.push(bytes + end, if begins { Kind::Begin(array) } else { Kind::End });
        Ok(())
    }

    /// What stands in the braces of a command that sets looks. Several parts stay together.
    fn group(&mut self, bytes: usize, upright: bool) -> Result<(), String> {
        let rest = self.rest[bytes..].trim_start();
        let start = self.rest.len() - rest.len();
        let Some((content, length)) = braced(rest) else {
            self.skip(bytes);
            return Ok(());
        };
        if self.nesting == NESTING_MAX {
            return Err(format!("more than {NESTING_MAX} things inside each other"));
        }
        let mut inner = Lexer::new(content, upright, self.nesting + 1).all()?;
        self.spaced |= content.starts_with(char::is_whitespace) || upright;
        if let Some(first) = inner.first_mut() {
            first.spaced |= self.spaced;
        }
        let parted = !upright && inner.len() > 1;
        if parted {
            self.push(0, Kind::Sign('{'));
        }
        self.tokens.extend(inner);
        if parted {
            self.push(0, Kind::Sign('}'));
        }
        self.rest = &self.rest[start + length..];
        self.spaced = upright || content.ends_with(char::is_whitespace);
        Ok(())
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

/// The length of the space that may be said behind the end of a row, as in `\\\\[4pt]`.
fn row_space(text: &str) -> usize {
    const UNITS: [&str; 8] = ["pt", "em", "ex", "mm", "cm", "in", "mu", "bp"];
    let Some((space, _)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) else { return 0 };
    let size = UNITS.iter().find_map(|unit| space.trim().strip_suffix(unit));
    let is_size = |size: &str| !size.is_empty() && size.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
    if size.is_some_and(|size| is_size(size.trim())) { space.len() + 2 } else { 0 }
}

/// Whether a text begins with the name of a command that is known.
fn is_command(text: &str) -> bool {
    let name = &text[..text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len())];
    let reserved = [
        "begin", "end", "mathbb", "frac", "dfrac", "tfrac", "cfrac", "nicefrac", "sfrac", "binom", "surd", "sum",
        "prod", "int",
    ];
    let known =
        || !matches!(tables::meaning(name), Meaning::Name) || word::is_command_name(name) || reserved.contains(&name);
    name.len() > 1 && known()
}

fn word_character(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '-' | '\'')
}

/// Words may have hyphens and apostrophes inside of them.
fn word_end(text: &str) -> usize {
    text.trim_end_matches(['-', '\'']).len()
}

fn letters_end(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len())
}
