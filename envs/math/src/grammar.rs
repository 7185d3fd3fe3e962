//! Reads the parts of an answer as lists, statements, sets and numbers with their units.

mod absolute;
mod arithmetic;
mod base;
mod binomial;
mod bracket;
mod clock;
mod congruence;
mod date;
mod function;
mod number_set;
mod ordinal;
mod parameter;
mod quantity;
mod ratio;
mod roman;
mod series;
mod solutions;
mod unit;
mod words;

pub use words::is_all_reals;

use solutions::Breaks;

use crate::token::{Kind, Token, tokens};
use crate::tree::{Joined, Tree};
use crate::word::is_conjunction;

/// Brackets, roots and fractions may be nested so deep. Protects the stack.
const NESTING_MAX: usize = 40;

/// An answer as it is written.
pub fn read(text: &str) -> Result<Tree, String> {
    let mut tokens = tokens(text)?;
    let is_identity = |token: &Token| token.kind == Kind::Sign('≡');
    if tokens.iter().any(is_identity) && !has_modulus(&tokens) {
        tokens.iter_mut().filter(|token| is_identity(token)).for_each(|token| token.kind = Kind::Sign('='));
    }
    // "3 m^4 - 2 m" makes no sense in metres.
    let retried = |reason| read_parts(&tokens, Letters::Factors).map_err(|_| reason);
    read_parts(&tokens, Letters::Units).or_else(retried)
}

fn has_modulus(tokens: &[Token]) -> bool {
    let parser = Parser::new(tokens, 0);
    (0..tokens.len()).any(|at| Parser { tokens, at, ..parser }.modulus_length().is_some())
}

/// An answer in which letters are others, which it must not have.
pub fn read_renamed(text: &str, letters: &[[char; 2]]) -> Result<Tree, String> {
    let mut tokens = tokens(text)?;
    let is_free = |other: &char| {
        letters.iter().any(|[letter, _]| letter == other)
            || !tokens.iter().any(|token| token.kind == Kind::Letter(*other))
    };
    if let Some([_, other]) = letters.iter().find(|[_, other]| !is_free(other)) {
        return Err(format!("{other:?} is there already"));
    }
    for token in &mut tokens {
        let renamed = letters.iter().find(|[letter, _]| token.kind == Kind::Letter(*letter));
        if let Some([_, other]) = renamed {
            token.kind = Kind::Letter(*other);
        }
    }
    read_parts(&tokens, Letters::Factors)
}

fn read_parts(tokens: &[Token], letters: Letters) -> Result<Tree, String> {
    let mut parser = Parser { letters, ..Parser::new(tokens, 0) };
    parser.skip_label();
    let tree = parser.list()?;
    match parser.peek() {
        Some(kind) => Err(format!("{} where the answer should end or go on", shown(kind))),
        None => Ok(tree),
    }
}

/// What a single letter behind a number is that could be a unit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Letters {
    Units,
    Factors,
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    nesting: usize,
    /// Functions around this place, in which degrees are converted.
    functions: usize,
    letters: Letters,
    /// Arrays around this place, in which `\\` ends a row.
    arrays: usize,
    /// Absolute values around this place that the next upright line closes.
    bars: usize,
    /// Behind the last sign that a name may stand before.
    names_end: usize,
}

impl<'a> Parser<'a> {
    fn new(tokens: &'a [Token], nesting: usize) -> Parser<'a> {
        let names_end = tokens.iter().rposition(|token| matches!(token.kind, Kind::Sign('=' | '∈' | '≈')));
        Parser {
            tokens,
            at: 0,
            nesting,
            functions: 0,
            letters: Letters::Units,
            arrays: 0,
            bars: 0,
            names_end: names_end.unwrap_or(0),
        }
    }

    fn peek(&self) -> Option<&'a Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    /// What comes that many parts later.
    fn ahead(&self, parts: usize) -> Option<&'a Kind> {
        self.tokens.get(self.at + parts).map(|token| &token.kind)
    }

    fn is_spaced(&self) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.spaced)
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

    /// Items with commas, semicolons, "and" or "or" between them.
    fn list(&mut self) -> Result<Tree, String> {
        let mut items = vec![self.item()?];
        let (mut and, mut or, mut is_logic) = (false, false, false);
        let mut breaks = Breaks::default();
        loop {
            if let Some(parameter) = self.parameter() {
                items.extend(parameter);
                break;
            }
            let sign = self.peek();
            is_logic |= matches!(sign, Some(Kind::Sign('∧' | '∨')));
            let Some(joined) = self.separator() else { break };
            breaks.add(items.len(), joined, sign.expect("a separator stands here"));
            if self.peek().is_none() && self.tokens[self.at - 1].kind == Kind::Sign('⏎') {
                break;
            }
            and |= joined == Joined::And;
            or |= joined == Joined::Or;
            items.push(self.item()?);
        }
        let joined = match (and, or) {
            (true, false) => Joined::And,
            (false, true) => Joined::Or,
            _ => Joined::Comma,
        };
        if is_logic && items.iter().all(|item| matches!(item, Tree::Symbol(_))) {
            return Err("a formula of logic".into());
        }
        if let Some(items) = breaks.solutions(&items) {
            return Ok(Tree::List { items, joined: Joined::Comma });
        }
        Ok(match quantity::compound(&items) {
            _ if items.len() == 1 => items.remove(0),
            true if !or => Tree::Compound(items),
            _ => Tree::List { items, joined },
        })
    }

    fn separator(&mut self) -> Option<Joined> {
        let start = self.at;
        let mut joined = None;
        while self.takes(',') || self.takes(';') || self.arrays == 0 && self.takes('⏎') {
            joined = Some(Joined::Comma);
            if self.tokens[self.at - 1].kind != Kind::Sign('⏎') {
                break;
            }
        }
        let word = self.word();
        if self.takes('∧') || word.eq_ignore_ascii_case("and") {
            joined = Some(Joined::And);
        } else if self.takes('∨') || word.eq_ignore_ascii_case("or") {
            joined = Some(Joined::Or);
        } else {
            return joined.or_else(|| {
                self.at = start;
                None
            });
        }
        self.at += self.word_length(&word);
        joined
    }

    /// The word that stands here, whether it is one or letters with nothing between them.
    fn word(&self) -> String {
        match self.tokens.get(self.at) {
            Some(Token { kind: Kind::Text(word), .. }) => word.clone(),
            // The run may go on behind these tokens, with the differential of an integral.
            Some(Token { kind: Kind::Letter(_), run, .. }) => self.tokens[self.at..]
                .iter()
                .take(*run)
                .filter_map(|token| match token.kind {
                    Kind::Letter(letter) => Some(letter),
                    _ => None,
                })
                .collect(),
            _ => String::new(),
        }
    }

    /// How many parts the word that stands here has.
    fn word_length(&self, word: &str) -> usize {
        match self.peek() {
            Some(Kind::Letter(_)) => word.len(),
            Some(Kind::Text(_)) => 1,
            _ => 0,
        }
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let there = self.word() == word;
        self.at += if there { self.word_length(word) } else { 0 };
        there
    }

    fn is_at_conjunction(&self) -> bool {
        is_conjunction(&self.word())
    }

    fn is_at_end_of_item(&self) -> bool {
        match self.peek() {
            None | Some(Kind::End | Kind::Sign(',' | ';' | ')' | ']' | '}' | '⦄' | '⏎' | '&' | '∧' | '∨')) => {
                true
            }
            _ => self.is_at_conjunction(),
        }
    }

    fn item(&mut self) -> Result<Tree, String> {
        if let Some(choice) = self.choice()? {
            return Ok(choice);
        }
        if let Some(said) =
            self.date().or_else(|| self.ordinal()).or_else(|| self.spoken()).or_else(|| self.roman_numeral())
        {
            return Ok(said);
        }
        if let Some(words) = self.words()? {
            return Ok(words);
        }
        let first = match self.name() {
            Some(name) => name,
            None => self.side()?,
        };
        if self.takes('≡') {
            let of = self.side()?;
            return self.congruences(first, of);
        }
        if self.modulus_length().is_some() {
            return self.congruence(None, first);
        }
        let mut sides = vec![first];
        let mut signs = Vec::new();
        while let Some(sign) = self.relation() {
            signs.push(sign);
            let set = if sign == '∈' { self.set_or_nothing() } else { None };
            sides.push(set.map_or_else(|| self.side(), Ok)?);
        }
        Ok(if signs.is_empty() { sides.remove(0) } else { Tree::Relation { sides, signs } })
    }

    /// Whether "!=" stands here, and no factorial before a sign of equality.
    fn is_at_unequal(&self) -> bool {
        let equal = self.tokens.get(self.at + 1);
        let joined = equal.is_some_and(|token| token.kind == Kind::Sign('=') && !token.spaced);
        joined && self.peek() == Some(&Kind::Sign('!'))
    }

    fn relation(&mut self) -> Option<char> {
        let Some(Kind::Sign(sign @ ('=' | '<' | '>' | '≤' | '≥' | '≠' | '≈' | '∈'))) = self.peek() else {
            if self.is_at_unequal() {
                self.at += 2;
                return Some('≠');
            }
            return None;
        };
        self.at += 1;
        // ">=" and the like.
        let doubled = self.takes('=');
        Some(match sign {
            '<' if doubled => '≤',
            '>' if doubled => '≥',
            sign => *sign,
        })
    }

    /// A name that the next sign of equality is behind: letters, subscripts, brackets, but nothing that is computed.
    fn name(&mut self) -> Option<Tree> {
        let start = self.at;
        if start >= self.names_end {
            return None;
        }
        let mut name = String::new();
        // Numbers may stand in parentheses and in subscripts: f(2), a_{37}.
        let mut brackets = Vec::new();
        for (length, token) in self.tokens[start..].iter().enumerate() {
            let subscript = name.ends_with(['_', '^']);
            match &token.kind {
                // What holds no letter is an amount: (71) = 72.
                Kind::Sign('=' | '∈' | '≈') if brackets.is_empty() && name.contains(char::is_alphabetic) => {
                    if self.is_denied(start + length) {
                        return None;
                    }
                    self.at = start + length;
                    let product = self.product_of(&self.tokens[start..self.at]).map(Box::new);
                    return Some(Tree::Name { text: name, product });
                }
                Kind::Sign(sign @ ('(' | '[' | '{')) => {
                    brackets.push(*sign != '{' || subscript);
                    name.push(*sign);
                }
                Kind::Sign(sign @ (')' | ']' | '}')) => {
                    brackets.pop()?;
                    name.push(*sign);
                }
                Kind::Sign(sign @ ('_' | ':' | '|' | '/' | '\'')) => name.push(*sign),
                // A ∩ B = {1, 2}
                Kind::Sign(sign @ ('∪' | '∩' | '∖')) if brackets.is_empty() => name.push(*sign),
                Kind::Sign('^') if self.is_at_inverse(start + length) => name.push('^'),
                Kind::Sign('-') if name.ends_with("^{") => name.push('-'),
                // P(X = 1), n(A ∪ B)
                Kind::Sign(sign @ (',' | '=' | '<' | '>' | '≤' | '≥' | '∪' | '∩' | '+' | '-'))
                    if brackets.contains(&true) =>
                {
                    name.push(*sign);
                }
                Kind::Number { digits, .. } if subscript || brackets.last() == Some(&true) => name += digits,
                Kind::Letter(letter) => name.push(*letter),
                Kind::Text(word) if !is_conjunction(word) => name = format!("{name} {}", word.to_lowercase()),
                // The expected value, and no set of numbers.
                Kind::Name(command) if command == "mathbb" && self.is_at_expectation(start + length) => {}
                Kind::Name(command) if !["sqrt", "pi", "mathbb", "surd"].contains(&&**command) => name += command,
                _ => return None,
            }
        }
        None
    }

    /// Whether E or P stand there in the type of sets of numbers.
    fn is_at_expectation(&self, at: usize) -> bool {
        let behind = self.tokens[at + 1..].iter().map(|token| &token.kind).find(|kind| **kind != Kind::Sign('{'));
        matches!(behind, Some(Kind::Letter('E' | 'P')))
    }

    /// Whether the sign there makes the inverse of a function or of a matrix: `f^{-1}(x)`, `A^{-1}`.
    fn is_at_inverse(&self, at: usize) -> bool {
        let kind = |place: usize| self.tokens.get(place).map(|token| &token.kind);
        let is_one = matches!(kind(at + 3), Some(Kind::Number { digits, .. }) if digits == "1");
        let raised = kind(at + 1) == Some(&Kind::Sign('{')) && kind(at + 2) == Some(&Kind::Sign('-'));
        let of = at.checked_sub(1).and_then(kind);
        let named = matches!(of, Some(Kind::Letter(letter)) if letter.is_ascii_uppercase())
            || matches!(of, Some(Kind::Letter(_))) && kind(at + 5) == Some(&Kind::Sign('('));
        raised && is_one && kind(at + 4) == Some(&Kind::Sign('}')) && named
    }

    /// A name that could also be one side of an equation.
    fn product_of(&self, tokens: &'a [Token]) -> Option<Tree> {
        let mut inner = Parser { letters: self.letters, ..Parser::new(tokens, self.nesting) };
        inner.product().ok().filter(|_| inner.at == tokens.len())
    }

    /// Sets with unions and so on between them, or one of what may stand beside a sign of equality.
    fn side(&mut self) -> Result<Tree, String> {
        let mut left = self.part()?;
        loop {
            let made: fn(Box<Tree>, Box<Tree>) -> Tree = match self.peek() {
                Some(Kind::Sign('∪')) => Tree::Union,
                Some(Kind::Letter('U')) if left.is_set() => Tree::Union,
                Some(Kind::Sign('∩')) => Tree::Intersection,
                Some(Kind::Sign('∖')) => Tree::Without,
                _ => return Ok(left),
            };
            self.at += 1;
            left = made(Box::new(left), Box::new(self.part()?));
        }
    }
}

fn shown(kind: &Kind) -> String {
    match kind {
        Kind::Number { .. } => "a number".into(),
        Kind::Letter(letter) => format!("{letter:?}"),
        Kind::Name(name) => format!("\\{name:.20}"),
        Kind::Text(_) => "words".into(),
        Kind::Sign('⁄') => "\\over".into(),
        Kind::Sign('⑃') => "\\choose".into(),
        Kind::Sign(sign) => format!("{sign:?}"),
        Kind::Begin(_) | Kind::End => "a matrix".into(),
    }
}
