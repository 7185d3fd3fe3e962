//! Reads an answer: what is between separators, what a name is said to be, and numbers with their units.

mod arithmetic;
mod statement;

use crate::parse::statement::statement;
use crate::polynomial::Work;
use crate::quotient::Quotient;
use crate::token::{Kind, Token, tokens};
use crate::unit::Unit;
use crate::value::Value;

/// Brackets, roots and fractions may be nested so deep. Protects the stack.
const NESTING_MAX: usize = 40;
/// Answers may have so many parts, which is some times as many as any of the benchmarks has. Protects the fuel.
const TOKENS_MAX: usize = 1000;
/// What an answer says.
pub fn read(text: &str, work: &mut Work) -> Result<Value, String> {
    let tokens = tokens(text)?;
    if tokens.len() > TOKENS_MAX {
        return Err(format!("an answer of more than {TOKENS_MAX} parts"));
    }
    let mut parser = Parser { tokens: &tokens, at: 0, nesting: 0, lower: false, plus_minus: false, work };
    let mut items = parser.items()?;
    match parser.peek() {
        Some(kind) => Err(format!("{} where the answer should end or go on", shown(kind))),
        None if items.len() == 1 => Ok(items.remove(0)),
        None => Ok(Value::Set(items)),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    nesting: usize,
    /// Whether ± is minus this time.
    lower: bool,
    /// Whether there was a ±.
    plus_minus: bool,
    work: &'a mut Work,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn takes(&mut self, sign: char) -> bool {
        let there = self.peek() == Some(&Kind::Sign(sign));
        self.at += usize::from(there);
        there
    }

    fn expects(&mut self, sign: char) -> Result<(), String> {
        if self.takes(sign) { Ok(()) } else { Err(format!("{sign:?} is missing")) }
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        if self.nesting == NESTING_MAX {
            return Err(format!("more than {NESTING_MAX} things inside each other"));
        }
        self.nesting += 1;
        let result = read(self);
        self.nesting -= 1;
        result
    }

    /// Items with commas, semicolons, "and" or "or" between them. One with ± counts twice.
    fn items(&mut self) -> Result<Vec<Value>, String> {
        let mut items = Vec::new();
        let outer = (self.lower, self.plus_minus);
        loop {
            let start = self.at;
            (self.lower, self.plus_minus) = (false, false);
            items.push(self.item()?);
            if self.plus_minus {
                self.at = start;
                self.lower = true;
                items.push(self.item()?);
            }
            if !self.separator() {
                (self.lower, self.plus_minus) = outer;
                return Ok(items);
            }
        }
    }

    fn separator(&mut self) -> bool {
        let punctuation = self.takes(',') || self.takes(';');
        let word = match self.peek() {
            Some(Kind::Text(text)) if is_conjunction(text) => 1,
            Some(Kind::Letter(_)) if is_conjunction(&self.word()) => self.word().len(),
            _ => 0,
        };
        self.at += word;
        punctuation || word > 0
    }

    /// The letters from here on that nothing stands between.
    fn word(&self) -> String {
        let mut word = String::new();
        for token in &self.tokens[self.at..] {
            match token.kind {
                Kind::Letter(letter) if word.is_empty() || !token.spaced => word.push(letter),
                _ => break,
            }
        }
        word
    }

    fn item(&mut self) -> Result<Value, String> {
        // Items with ± are read twice, and so is what is inside of them.
        self.work.spend(10)?;
        if let Some(words) = self.words() {
            return Ok(words);
        }
        let start = self.at;
        if let Some(name) = self.name() {
            return self.named(name, &self.tokens[start..self.at - 1]);
        }
        let first = self.side()?;
        let mut sides = vec![first];
        let mut signs = Vec::new();
        while let Some(Kind::Sign(sign @ ('=' | '<' | '>' | '≤' | '≥' | '≠' | '≈'))) = self.peek() {
            self.at += 1;
            // ">=" and the like.
            let doubled = self.takes('=');
            signs.push(match sign {
                '<' if doubled => '≤',
                '>' if doubled => '≥',
                sign => *sign,
            });
            sides.push(self.side()?);
        }
        statement(sides, &signs, self.work)
    }

    /// Letters and `\text{…}` and nothing else, up to the end of the item: words, unless it could be a product.
    fn words(&mut self) -> Option<Value> {
        let mut words: Vec<String> = Vec::new();
        let (start, mut letters, mut in_text) = (self.at, 0, false);
        while let Some(kind) = self.peek() {
            match kind {
                Kind::Text(text) if !is_conjunction(text) => {
                    words.push(text.to_lowercase());
                    in_text = true;
                    self.at += 1;
                }
                Kind::Letter(_) if !is_conjunction(&self.word()) => {
                    let word = self.word();
                    letters += word.len();
                    self.at += word.len();
                    words.push(word.to_lowercase());
                }
                _ => break,
            }
        }
        let ended =
            matches!(self.peek(), None | Some(Kind::Sign(',' | ';' | ')' | '⦄') | Kind::Text(_) | Kind::Letter(_)));
        let words = words.join(" ");
        if words.is_empty() || !ended || !(in_text || letters > 2 || words == "no") {
            self.at = start;
            return None;
        }
        let choice = words.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).filter(|rest| rest.len() == 1);
        let letter = choice.map(|letter| Value::number(Quotient::symbol(&letter.to_uppercase())));
        Some(letter.unwrap_or(Value::Words(words)))
    }

    /// A name and the sign behind it: letters, subscripts, brackets, but nothing that is computed.
    fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        // Numbers may stand in parentheses and in subscripts: f(2), a_{37}.
        let mut brackets = Vec::new();
        for (length, token) in self.tokens[self.at..].iter().enumerate() {
            let subscript = name.ends_with('_');
            match &token.kind {
                Kind::Sign('=' | '∈' | '≈') if brackets.is_empty() && !name.is_empty() => {
                    self.at += length + 1;
                    return Some(name);
                }
                Kind::Sign(sign @ ('(' | '{')) => {
                    brackets.push(*sign == '(' || subscript);
                    name.push(*sign);
                }
                Kind::Sign(sign @ (')' | '}')) => {
                    brackets.pop()?;
                    name.push(*sign);
                }
                Kind::Sign(sign @ ('_' | ':' | '|' | '/' | '\'')) => name.push(*sign),
                Kind::Sign(',') if !brackets.is_empty() => name.push(','),
                Kind::Number { digits, .. } if subscript || brackets.last() == Some(&true) => name += digits,
                Kind::Letter(letter) => name.push(*letter),
                Kind::Name(command) if command != "sqrt" && command != "pi" => name += command,
                _ => return None,
            }
        }
        None
    }

    /// What is said of a name. Of several sides all must be equal.
    fn named(&mut self, name: String, left: &'a [Token]) -> Result<Value, String> {
        let mut value = self.side()?;
        while self.takes('=') {
            let next = self.side()?;
            if !value.equals(&next, self.work)? {
                return Err("the sides of an equation differ".into());
            }
            value = next;
        }
        self.skip_approximation()?;
        let equation = match (&value, self.product_of_letters(left)) {
            (Value::Number { value, unit: Unit::None }, Some(left)) => Some(left.minus(value, self.work)?),
            _ => None,
        };
        Ok(Value::Named { name, value: Box::new(value), equation })
    }

    /// A name that could also be one side of an equation.
    fn product_of_letters(&mut self, tokens: &'a [Token]) -> Option<Quotient> {
        let mut inner =
            Parser { tokens, at: 0, nesting: self.nesting, lower: false, plus_minus: false, work: self.work };
        match inner.product() {
            Ok(Value::Number { value, .. }) if inner.at == tokens.len() => Some(value),
            _ => None,
        }
    }

    /// "≈ 0.577" behind an exact value.
    fn skip_approximation(&mut self) -> Result<(), String> {
        if self.takes('≈') {
            self.side()?;
        }
        Ok(())
    }

    /// A union of what may stand beside a sign of equality.
    fn side(&mut self) -> Result<Value, String> {
        let mut parts = vec![self.part()?];
        while self.takes('∪') {
            parts.push(self.part()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Value::Union(parts) })
    }

    /// A sum with its unit, or several with colons between them.
    fn part(&mut self) -> Result<Value, String> {
        let start = self.at;
        let negative = self.takes('-');
        if !negative {
            self.takes('+');
        }
        if self.takes('∞') {
            return Ok(Value::Infinity { negative });
        }
        self.at = start;
        let negative = self.takes('-');
        let currency = ['$', '€', '£'].into_iter().find(|sign| self.takes(*sign));
        if currency.is_none() {
            self.at = start;
        }
        let mut first = self.measured(currency)?;
        if let (Value::Number { value, .. }, true, true) = (&mut first, negative, currency.is_some()) {
            *value = value.negated();
        }
        if self.peek() != Some(&Kind::Sign(':')) {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.takes(':') {
            items.push(self.measured(None)?);
        }
        Ok(Value::Tuple { open: ':', close: ':', items })
    }

    fn measured(&mut self, currency: Option<char>) -> Result<Value, String> {
        let value = self.sum()?;
        let Value::Number { value, .. } = value else { return Ok(value) };
        let unit = match (currency, self.unit()?) {
            (Some(currency), Unit::None) => Unit::named(&currency.to_string()),
            (_, unit) => unit,
        };
        Ok(Value::Number { value, unit })
    }

    /// What stands behind a number and is no part of it.
    fn unit(&mut self) -> Result<Unit, String> {
        let mut words = String::new();
        loop {
            let start = self.at;
            match self.peek() {
                Some(Kind::Text(text)) if !is_conjunction(text) => {
                    words = format!("{words} {text}");
                    self.at += 1;
                }
                Some(Kind::Letter(_)) if !is_conjunction(&self.word()) => {
                    let word = self.word();
                    self.at += word.len();
                    words = format!("{words} {word}");
                }
                Some(Kind::Sign(sign @ ('%' | '$' | '€' | '£' | '°'))) => {
                    words.push(*sign);
                    self.at += 1;
                }
                Some(Kind::Sign('^')) => {
                    self.at += 1;
                    let braced = self.takes('{');
                    match self.peek() {
                        Some(Kind::Sign('°')) => words.push('°'),
                        Some(Kind::Number { digits, .. }) if ["2", "3"].contains(&&**digits) && !words.is_empty() => {
                            words += digits;
                        }
                        _ => {
                            self.at = start;
                            return Ok(Unit::named(&words));
                        }
                    }
                    self.at += 1;
                    if braced {
                        self.expects('}')?;
                    }
                }
                Some(Kind::Sign('/')) if !words.is_empty() => {
                    words.push('/');
                    self.at += 1;
                }
                _ => return Ok(Unit::named(&words.replace("/ ", "/"))),
            }
        }
    }
}

fn number(value: Value) -> Result<Quotient, String> {
    match value {
        Value::Number { value, .. } => Ok(value),
        _ => Err("arithmetic with what is no number".into()),
    }
}

fn is_conjunction(word: &str) -> bool {
    ["and", "or"].contains(&word.trim().to_lowercase().as_str())
}

fn shown(kind: &Kind) -> String {
    match kind {
        Kind::Number { .. } => "a number".into(),
        Kind::Letter(letter) => format!("{letter:?}"),
        Kind::Name(name) => format!("\\{name:.20}"),
        Kind::Text(_) => "words".into(),
        Kind::Sign(sign) => format!("{sign:?}"),
        Kind::Begin | Kind::End => "a matrix".into(),
    }
}
