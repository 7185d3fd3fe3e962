//! Sums and products over whole numbers, and integrals.

use super::Parser;
use crate::token::Kind;
use crate::tree::{Series, Tree};
use crate::word::GREEK;

impl Parser<'_> {
    /// `\sum_{k=1}^{n}` of the product behind it.
    pub(super) fn series(&mut self, kind: Series) -> Result<Tree, String> {
        self.bound('_')?;
        self.expects('{')?;
        let name = self.letter().ok_or("a sum over what is no letter")?;
        self.expects('=')?;
        let from = Box::new(self.sum()?);
        self.expects('}')?;
        self.bound('^')?;
        let to = Box::new(self.argument()?);
        let of = Box::new(self.nested(Self::product)?);
        Ok(Tree::Series { kind, name, from, to, of })
    }

    /// `\int_a^b` of what stands before `dx`.
    pub(super) fn integral(&mut self) -> Result<Tree, String> {
        self.bound('_')?;
        let from = Box::new(self.limit()?);
        self.bound('^')?;
        let to = Box::new(self.limit()?);
        let end = self.differential().ok_or("an integral without its differential")?;
        let mut inner = Parser { tokens: &self.tokens[..end], ..Parser { at: self.at, ..*self } };
        let of = if inner.at == end { Tree::integer(1) } else { inner.nested(Self::sum)? };
        if inner.at != end {
            return Err("an integral of what is not understood".into());
        }
        self.at = end + 1;
        let name = self.letter().ok_or("an integral without its differential")?;
        Ok(Tree::Series { kind: Series::Integral, name, from, to, of: Box::new(of) })
    }

    /// A bound may be negative without braces around it in plain text.
    fn limit(&mut self) -> Result<Tree, String> {
        let negative = self.takes('-');
        let limit = self.argument()?;
        Ok(if negative { limit.negated() } else { limit })
    }

    fn bound(&mut self, sign: char) -> Result<(), String> {
        if self.takes(sign) { Ok(()) } else { Err("a sum or an integral without bounds".into()) }
    }

    /// A letter of a formula without a subscript that a sum or an integral can bind; i as well, but not e.
    fn letter(&mut self) -> Option<String> {
        let name = match self.peek()? {
            Kind::Letter(letter) if *letter != 'e' => letter.to_string(),
            Kind::Name(name) if GREEK.contains(&&**name) => format!("\\{name}"),
            _ => return None,
        };
        self.at += 1;
        Some(name)
    }

    /// Where the `d` of the differential stands that ends the integral here: the first outside of brackets with a letter
    /// behind it.
    fn differential(&self) -> Option<usize> {
        let mut open = 0usize;
        for (place, token) in self.tokens.iter().enumerate().skip(self.at) {
            match &token.kind {
                Kind::Sign('(' | '[' | '{' | '⦃') => open += 1,
                Kind::Sign(')' | ']' | '}' | '⦄') => open = open.checked_sub(1)?,
                Kind::Letter('d') if open == 0 => {}
                Kind::Text(word) if open == 0 && word == "d" => {}
                _ => continue,
            }
            let is_d = !matches!(token.kind, Kind::Sign(_));
            let behind = self.tokens.get(place + 1).map(|token| &token.kind);
            if is_d && matches!(behind, Some(Kind::Letter(_) | Kind::Name(_))) {
                return Some(place);
            }
        }
        None
    }
}
