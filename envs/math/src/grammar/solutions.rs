//! Solutions of systems, one behind another: `x=0, y=0 or x=1, y=1`.

use std::collections::BTreeSet;

use crate::token::Kind;
use crate::tree::{Joined, Tree};

/// Where a list may part into solutions.
#[derive(Default)]
pub(super) struct Breaks {
    /// Places of items with "or" before them.
    or: Vec<usize>,
    /// Places of items with a semicolon or a line's end before them.
    strong: Vec<usize>,
}

impl Breaks {
    pub(super) fn add(&mut self, place: usize, joined: Joined, sign: &Kind) {
        if joined == Joined::Or {
            self.or.push(place);
        }
        if matches!(sign, Kind::Sign(';' | '⏎')) {
            self.strong.push(place);
        }
    }

    /// The solutions, if there are several that say of the same names what they are.
    pub(super) fn solutions(&self, items: &[Tree]) -> Option<Vec<Tree>> {
        let names: Vec<&str> = items.iter().map(equated).collect::<Option<_>>()?;
        let again = || names.iter().skip(1).position(|name| *name == names[0]).map(|place| place + 1);
        let breaks = if self.or.is_empty() { &self.strong } else { &self.or };
        let length = breaks.first().copied().or_else(again).filter(|length| *length > 1)?;
        let parts = (1..names.len() / length).map(|part| part * length);
        if !names.len().is_multiple_of(length) || !breaks.is_empty() && !parts.eq(breaks.iter().copied()) {
            return None;
        }
        let distinct = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).into()).collect() };
        let first = distinct(&names[..length]);
        let alike = names.chunks(length).all(|names| distinct(names) == first);
        let solution = |items: &[Tree]| Tree::List { items: items.to_vec(), joined: Joined::Comma };
        (alike && first.len() == length).then(|| items.chunks(length).map(solution).collect())
    }
}

/// The name that an item says the value of.
fn equated(item: &Tree) -> Option<&str> {
    match item {
        Tree::Relation { sides, signs } => match (&sides[..], &signs[..]) {
            ([Tree::Name { text, .. }, _], ['=']) => Some(text),
            _ => None,
        },
        _ => None,
    }
}
