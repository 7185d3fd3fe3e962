//! Brackets, sets and arrays.

use super::Parser;
use crate::token::{Array, Kind, Token};
use crate::tree::{Joined, Tree};

impl Parser<'_> {
    pub(super) fn bracket(&mut self, open: char) -> Result<Tree, String> {
        if open == '⦃' {
            return self.set();
        }
        let closing: &[char] = match open {
            '(' => &[')', ']', '['],
            '[' | ']' => &[')', ']', '['],
            '{' => &['}'],
            _ => &['⟩'],
        };
        let start = self.at - 1;
        let outside = (std::mem::take(&mut self.arrays), std::mem::take(&mut self.bars));
        if open == '{'
            && self.is_at_builder()
            && let Some(builder) = self.builder()?
        {
            (self.arrays, self.bars) = outside;
            self.expects('}')?;
            return Ok(builder);
        }
        let mut items = vec![self.item()?];
        while self.separator().is_some() {
            items.push(self.item()?);
        }
        (self.arrays, self.bars) = outside;
        let close = closing.iter().copied().find(|close| self.takes(*close)).ok_or("a bracket is not closed")?;
        let single = items.len() == 1;
        Ok(match (open, close) {
            ('{', _) if !single => Tree::Set(items),
            ('(', ')') if single && !matches!(items[0], Tree::Number { .. } | Tree::Symbol(_)) => items.remove(0),
            ('(', ')') if single => self.behind_digits(items.remove(0))?,
            ('{', '}') if single => items.remove(0),
            ('[', ']') if single && matches!(items[0], Tree::Matrix(_)) => items.remove(0),
            ('[', ']') if single && (self.functions > 0 || !self.is_alone(start)) => items.remove(0),
            ('⟨', _) => Tree::Bracket { open: '(', close: ')', items },
            // In France, brackets of open ends are turned outwards.
            (open, close) => Tree::Bracket {
                open: if open == ']' { '(' } else { open },
                close: if close == '[' { ')' } else { close },
                items,
            },
        })
    }

    /// Whether what began there and ends here is an item, and no part of a formula.
    fn is_alone(&self, start: usize) -> bool {
        let opens = |before: &Token| {
            matches!(before.kind, Kind::Sign('(' | '[' | '{' | '⦃' | ',' | ';' | '=' | '∈' | '≈' | '∪' | '∩' | ':'))
        };
        let first = start.checked_sub(1).is_none_or(|before| opens(&self.tokens[before]));
        first && !matches!(self.peek(), Some(Kind::Sign('^' | '+' | '-' | '*' | '/')))
    }

    /// Whether a square bracket that stands here holds one thing only, as a pair of parentheses may.
    pub(super) fn is_square_group(&self) -> bool {
        let mut open = 0usize;
        for token in &self.tokens[self.at..] {
            match token.kind {
                Kind::Sign('(' | '[' | '{' | '⦃') => open += 1,
                Kind::Sign(close @ (')' | ']' | '}' | '⦄')) => match open {
                    0 => return false,
                    1 => return close == ']',
                    _ => open -= 1,
                },
                Kind::Sign(',' | ';') if open == 1 => return false,
                _ => {}
            }
        }
        false
    }

    /// `(1101)_2` are digits.
    fn behind_digits(&mut self, item: Tree) -> Result<Tree, String> {
        if let Tree::Number { digits, .. } = &item
            && let Some(based) = self.based(digits)?
        {
            return Ok(based);
        }
        Ok(item)
    }

    fn set(&mut self) -> Result<Tree, String> {
        if self.takes('⦄') {
            return Ok(Tree::Set(Vec::new()));
        }
        if self.peek() == Some(&Kind::Begin(Array::Matrix)) {
            // A brace before lines, which nothing closes.
            self.at += 1;
            let lines = self.array(Array::Cases)?;
            self.takes('⦄');
            return Ok(lines);
        }
        let outside = (std::mem::take(&mut self.arrays), std::mem::take(&mut self.bars));
        let set = match self.builder()? {
            Some(builder) => builder,
            None => match self.list()? {
                Tree::List { items, .. } => Tree::Set(items),
                item => Tree::Set(vec![item]),
            },
        };
        (self.arrays, self.bars) = outside;
        if self.takes('⦄') { Ok(set) } else { Err("a bracket is not closed".into()) }
    }

    /// Whether braces that were opened hold a letter and a condition, so that they are those of a set, and no group.
    fn is_at_builder(&self) -> bool {
        let parts = matches!(self.ahead(1), Some(Kind::Sign('|' | ':' | '∈')));
        let mut open = 0usize;
        let inside = self.tokens[self.at..].iter().take_while(|token| {
            match token.kind {
                Kind::Sign('{') => open += 1,
                Kind::Sign('}') if open == 0 => return false,
                Kind::Sign('}') => open -= 1,
                _ => {}
            }
            true
        });
        let compares = |token: &Token| matches!(token.kind, Kind::Sign('<' | '>' | '≤' | '≥' | '≠' | '='));
        parts && matches!(self.peek(), Some(Kind::Letter(_) | Kind::Name(_))) && { inside }.any(compares)
    }

    /// A letter, perhaps where it is taken from, and a condition.
    fn builder(&mut self) -> Result<Option<Tree>, String> {
        let start = self.at;
        let name = match self.peek() {
            Some(Kind::Letter(letter)) => letter.to_string(),
            Some(Kind::Name(name)) if crate::word::GREEK.contains(&&**name) => format!("\\{name}"),
            _ => return Ok(None),
        };
        self.at += 1;
        let domain = if self.takes('∈') { Some(Box::new(self.factor()?)) } else { None };
        if !self.takes('|') && !self.takes(':') {
            self.at = start;
            return Ok(None);
        }
        let condition = Box::new(self.list()?);
        Ok(Some(Tree::Builder { name, domain, condition }))
    }

    pub(super) fn array(&mut self, array: Array) -> Result<Tree, String> {
        let outside = (self.arrays, std::mem::take(&mut self.bars));
        self.arrays += 1;
        let rows = self.rows(array);
        (self.arrays, self.bars) = outside;
        let rows = rows?;
        Ok(match array {
            Array::Matrix => Tree::Matrix(rows),
            Array::Determinant => Tree::call("det", vec![Tree::Matrix(rows)]),
            _ if rows.iter().any(|row| row.len() > 1) => Tree::Cases(rows),
            _ => {
                let mut items: Vec<Tree> = rows.into_iter().flatten().collect();
                match items.len() {
                    1 => items.remove(0),
                    _ => Tree::List { items, joined: Joined::Comma },
                }
            }
        })
    }

    /// "if", "for" and the like before a condition.
    fn skip_condition_words(&mut self) {
        while ["if", "for", "when", "where", "whenever", "all"].contains(&&*self.word().to_lowercase()) {
            self.at += self.word_length(&self.word());
        }
    }

    /// A condition and others with "and" or "or" between them.
    fn joined_conditions(&mut self, first: Tree) -> Result<Tree, String> {
        let (mut items, mut joined) = (vec![first], Joined::Comma);
        while self.is_at_conjunction() {
            joined = self.separator().unwrap_or(joined);
            items.push(self.item()?);
        }
        Ok(if items.len() == 1 { items.remove(0) } else { Tree::List { items, joined } })
    }

    fn rows(&mut self, array: Array) -> Result<Vec<Vec<Tree>>, String> {
        let mut rows = vec![Vec::new()];
        let has_columns = matches!(array, Array::Matrix | Array::Determinant);
        loop {
            if self.peek() == Some(&Kind::End) {
                self.at += 1;
                rows.retain(|row| !row.is_empty());
                return Ok(rows);
            }
            if !has_columns && self.takes('&') {
                continue;
            }
            if array == Array::Cases {
                self.skip_condition_words();
            }
            let item = self.item()?;
            let item = if array == Array::Cases { self.joined_conditions(item)? } else { item };
            rows.last_mut().expect("there is a first row").push(item);
            if !has_columns {
                // A comma at the end of a line, or before the condition.
                let _ = self.takes(',') || self.takes(';');
            }
            let parted = self.takes('&') || !has_columns;
            if self.takes('⏎') {
                rows.push(Vec::new());
            } else if !parted && self.peek() != Some(&Kind::End) || self.peek().is_none() {
                return Err("a matrix is not closed".into());
            }
        }
    }
}
