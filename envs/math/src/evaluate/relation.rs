//! Equations and inequalities, and what they say of a letter.

use num_traits::{One, Signed};

use super::inequality::solution;
use super::{Evaluator, Writer};
use crate::polynomial::{Atom, Monomial, Polynomial, Rational};
use crate::quotient::Quotient;
use crate::region::{Beside, Combined, Region, is_constant};
use crate::tree::{Joined, Tree};
use crate::value::{Sign, Value};

impl Evaluator<'_> {
    /// What sides with signs between them say.
    pub(super) fn relation(&mut self, sides: &[Tree], signs: &[char]) -> Result<Value, String> {
        // Behind "≈" stands what an exact value comes to.
        let exact = signs.iter().position(|sign| *sign == '≈').filter(|&place| place > 0 || !is_name(&sides[0]));
        if let Some(place) = exact
            && self.is_far(&sides[place], &sides[place + 1])
        {
            return Err("an approximation of another number".into());
        }
        let (sides, signs) = match exact {
            Some(place) => (&sides[..=place], &signs[..place]),
            None => (sides, signs),
        };
        match (&sides[0], signs) {
            (side, []) => self.value(side),
            (Tree::Name { text, product }, ['=' | '∈' | '≈', more @ ..]) => {
                if more.iter().any(|sign| *sign != '=') {
                    return Err("signs of relation that do not fit together".into());
                }
                match self.letters_alike(text, &sides[1..])? {
                    Some(all) => Ok(all),
                    None => self.named(text, product.as_deref(), &sides[1..]),
                }
            }
            (_, signs) if signs.iter().all(|sign| *sign == '=') => self.equation(sides),
            (_, [sign]) => self.single(&sides[0], *sign, &sides[1]),
            (_, [first, second]) => self.between(sides, *first, *second),
            _ => Err("more than two signs of relation".into()),
        }
    }

    /// `x = y = 4` says of each letter what it is.
    fn letters_alike(&mut self, first: &str, sides: &[Tree]) -> Result<Option<Value>, String> {
        let Some((last, letters @ [_, ..])) = sides.split_last() else { return Ok(None) };
        let letter = |side: &Tree| match side {
            Tree::Symbol(name) if !["e", "i", "π"].contains(&&**name) => Some(name.clone()),
            _ => None,
        };
        let Some(others) = letters.iter().map(letter).collect::<Option<Vec<String>>>() else { return Ok(None) };
        if letter(last).is_some() {
            return Ok(None);
        }
        let value = self.value(last)?;
        let named = |name| Value::Named { name, value: Box::new(value.clone()), equation: None };
        Ok(Some(Value::Set(std::iter::once(first.to_owned()).chain(others).map(named).collect())))
    }

    /// What is said of a name. Of several sides all must be equal.
    fn named(&mut self, name: &str, product: Option<&Tree>, sides: &[Tree]) -> Result<Value, String> {
        let value = self.last_of(sides)?;
        let equation = match (&value, product) {
            // n(A ∪ B) is a name only.
            (Value::Number { value, unit }, Some(left)) if unit.is_none() => match self.exact(left) {
                Ok(left) => Some(left.minus(value, self.work)?),
                Err(_) => None,
            },
            _ => None,
        };
        Ok(Value::Named { name: name.into(), value: Box::new(value), equation })
    }

    fn last_of(&mut self, sides: &[Tree]) -> Result<Value, String> {
        let mut value = self.value(&sides[0])?;
        for side in &sides[1..] {
            let next = self.value(side)?;
            if !value.equals(&next, self.work)? {
                return Err("the sides of an equation differ".into());
            }
            value = next;
        }
        Ok(value)
    }

    /// Sides of which the first is no name.
    fn equation(&mut self, sides: &[Tree]) -> Result<Value, String> {
        let left = self.exact(&sides[0])?;
        if is_constant(&left) {
            // "8 = x"
            if let [_, right @ Tree::Symbol(name)] = sides
                && !is_constant(&self.exact(right)?)
            {
                let equation = Some(self.exact(right)?.minus(&left, self.work)?);
                let value = Box::new(self.value(&sides[0])?);
                return Ok(Value::Named { name: name.clone(), value, equation });
            }
            if self.are_constant(&sides[1..])? {
                return self.last_of(sides);
            }
        }
        let last = self.exact(&sides[sides.len() - 1])?;
        let difference = left.minus(&last, self.work)?;
        let is_asked = self.writer.is_policy() && is_sum_of_letters(&left) || sides.len() > 2;
        if is_constant(&last) && !is_constant(&left) && is_asked {
            // "p + q = 153 + 37 = 190"
            let value = self.last_of(&sides[1..])?;
            return Ok(asked(&left, value, difference));
        }
        let mut equations = Vec::new();
        for pair in sides.windows(2) {
            let difference = self.exact(&pair[0])?.minus(&self.exact(&pair[1])?, self.work)?;
            equations.push(Value::Relation { sign: Sign::Equal, difference, solution: None });
        }
        Ok(if equations.len() == 1 { equations.remove(0) } else { Value::Set(equations) })
    }

    fn are_constant(&mut self, sides: &[Tree]) -> Result<bool, String> {
        for side in sides {
            if self.exact(side)?.has_unknowns() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn single(&mut self, left: &Tree, sign: char, right: &Tree) -> Result<Value, String> {
        let difference = self.exact(left)?.minus(&self.exact(right)?, self.work)?;
        let (sign, difference) = match sign {
            '≠' => (Sign::Unequal, difference),
            '>' => (Sign::Positive, difference),
            '<' => (Sign::Positive, difference.negated()),
            '≥' => (Sign::NotNegative, difference),
            '≤' => (Sign::NotNegative, difference.negated()),
            _ => return Err("a relation that is not known".into()),
        };
        let solution = self.solved(&difference, sign)?;
        Ok(Value::Relation { sign, difference, solution })
    }

    /// What a < x < b says of x.
    fn between(&mut self, sides: &[Tree], first: char, second: char) -> Result<Value, String> {
        let rises = |sign| matches!(sign, '<' | '≤');
        let falls = |sign| matches!(sign, '>' | '≥');
        if !(rises(first) && rises(second) || falls(first) && falls(second)) {
            return Err("two signs of relation that do not fit together".into());
        }
        if let Tree::Symbol(name) = &sides[1] {
            let (low, high) = if rises(first) { ((0, first), (2, second)) } else { ((2, second), (0, first)) };
            let items = vec![self.value(&sides[low.0])?, self.value(&sides[high.0])?];
            let open = if matches!(low.1, '<' | '>') { '(' } else { '[' };
            let close = if matches!(high.1, '<' | '>') { ')' } else { ']' };
            let value = Box::new(Value::Tuple { open, close, items });
            return Ok(Value::Named { name: name.clone(), value, equation: None });
        }
        let parts = [self.single(&sides[0], first, &sides[1])?, self.single(&sides[1], second, &sides[2])?];
        Ok(self.solutions(&parts, Joined::And)?.unwrap_or(Value::Set(parts.into())))
    }

    /// Where an inequality holds that is linear in one letter or in the absolute value of such an expression; in a reference,
    /// also one of higher degree.
    fn solved(&mut self, difference: &Quotient, sign: Sign) -> Result<Option<(String, Region)>, String> {
        let Some((atom, factor, rest)) = linear(difference) else {
            // An answer is solved: where "x² < 4" is asked about, it is no answer.
            return if self.writer == Writer::Reference { solution(difference, sign, self.work) } else { Ok(None) };
        };
        // a·x + b > 0 is x > −b/a, or x < −b/a where a is negative.
        let bound = rest.times(&Quotient::rational(-factor.recip()), self.work)?;
        let beside = match (sign, factor.is_positive()) {
            (Sign::Unequal, _) => Beside::Not,
            (Sign::Positive, true) => Beside::Above,
            (Sign::Positive, false) => Beside::Below,
            (Sign::NotNegative, true) => Beside::AtLeast,
            (Sign::NotNegative, false) => Beside::AtMost,
            (Sign::Equal, _) => return Ok(None),
        };
        match atom {
            Atom::Symbol(name) => Ok(Some((name.clone(), Region::beside(beside, &bound)))),
            Atom::Function("abs", of) => self.solved_absolute(&of[0], beside, &bound),
            _ => Ok(None),
        }
    }

    fn solved_absolute(
        &mut self,
        inner: &Quotient,
        beside: Beside,
        bound: &Quotient,
    ) -> Result<Option<(String, Region)>, String> {
        let (sign, outside) = match beside {
            Beside::Above => (Sign::Positive, true),
            Beside::AtLeast => (Sign::NotNegative, true),
            Beside::Below => (Sign::Positive, false),
            Beside::AtMost => (Sign::NotNegative, false),
            Beside::Not => return Ok(None),
        };
        let mut found: Option<(String, Region)> = None;
        for side in [inner.clone(), inner.negated()] {
            let difference = if outside { side.minus(bound, self.work)? } else { bound.minus(&side, self.work)? };
            let Some((name, region)) = self.solved(&difference, sign)? else { return Ok(None) };
            let combined = if outside { Combined::Either } else { Combined::Both };
            found = Some(match found {
                None => (name, region),
                Some((name, before)) => (name, before.combined(&region, combined, self.work)?),
            });
        }
        Ok(found)
    }

    /// What several inequalities say of one letter: "and" is both, "or" is either, and a comma is what makes sense.
    pub(super) fn solutions(&mut self, values: &[Value], joined: Joined) -> Result<Option<Value>, String> {
        // "x ≠ 2 or 3", but not "x ≠ 2 or x ≠ 3".
        let excludes = matches!(values.first(), Some(Value::Relation { sign: Sign::Unequal, .. }));
        let says_twice = values.iter().all(|value| matches!(value, Value::Relation { .. }));
        let mut name: Option<&str> = None;
        let mut regions = Vec::new();
        let mut is_relation = false;
        for value in values {
            let about = match value {
                Value::Relation { solution: Some((about, _)), .. } => {
                    is_relation = true;
                    about
                }
                Value::Named { name: about, value, .. } => {
                    is_relation |= matches!(**value, Value::Tuple { .. } | Value::Region(_));
                    about
                }
                // "x ≠ 2, 3"
                Value::Number { value, .. } if is_constant(value) && excludes => {
                    regions.push(Region::beside(Beside::Not, value));
                    continue;
                }
                _ => return Ok(None),
            };
            if name.is_some_and(|name| name != about) {
                return Ok(None);
            }
            name = Some(about);
            let Some(region) = Region::of(value, self.work)? else { return Ok(None) };
            regions.push(region);
        }
        let (Some(name), true) = (name, is_relation && values.len() > 1) else { return Ok(None) };
        let region = match if excludes && !(says_twice && joined == Joined::Or) { Joined::And } else { joined } {
            Joined::And => self.fold(&regions, Combined::Both)?,
            Joined::Or => self.fold(&regions, Combined::Either)?,
            Joined::Comma => {
                let both = self.fold(&regions, Combined::Both)?;
                if both.is_empty() { self.fold(&regions, Combined::Either)? } else { both }
            }
        };
        Ok(Some(Value::Named { name: name.into(), value: Box::new(Value::Region(region)), equation: None }))
    }

    /// Values with their conditions, of which the last may be "otherwise": where none of the others holds.
    pub(super) fn cases(&mut self, rows: &[Vec<Tree>]) -> Result<Value, String> {
        let mut rows = self.rows(rows)?;
        let Some(([_, Value::Words(words)], before)) = rows.split_last().map(|(last, before)| (&last[..], before))
        else {
            return Ok(Value::Cases(rows));
        };
        if !["otherwise", "else", "elsewhere"].contains(&&**words) {
            return Ok(Value::Cases(rows));
        }
        let conditions: Vec<Value> = before.iter().filter_map(|row| row.get(1).cloned()).collect();
        let name = conditions.first().and_then(Value::about);
        let alike = conditions.len() == before.len() && conditions.iter().all(|condition| condition.about() == name);
        let mut rest = Region::all();
        for condition in &conditions {
            let Some(region) = Region::of(condition, self.work)? else { return Ok(Value::Cases(rows)) };
            rest = rest.combined(&region, Combined::OnlyFirst, self.work)?;
        }
        if let (Some(name), true, Some(last)) = (name, alike, rows.last_mut()) {
            last[1] = Value::Named { name, value: Box::new(Value::Region(rest)), equation: None };
        }
        Ok(Value::Cases(rows))
    }

    fn fold(&mut self, regions: &[Region], combined: Combined) -> Result<Region, String> {
        let mut all = regions[0].clone();
        for region in &regions[1..] {
            all = all.combined(region, combined, self.work)?;
        }
        Ok(all)
    }
}

fn is_name(side: &Tree) -> bool {
    matches!(side, Tree::Name { .. })
}

/// An expression that is asked for, with its value.
fn asked(of: &Quotient, value: Value, difference: Quotient) -> Value {
    const SHOWN_MAX: u64 = 100;
    let name = if of.weight() > SHOWN_MAX { "an expression".into() } else { format!("{of:?}") };
    Value::Named { name, value: Box::new(value), equation: Some(difference) }
}

/// m + n and the like: several letters, each once.
fn is_sum_of_letters(sum: &Quotient) -> bool {
    let is_letter = |monomial: &Monomial| {
        let mut atoms = monomial.0.iter();
        monomial.0.len() == 1 && atoms.all(|(atom, power)| matches!(atom, Atom::Symbol(_)) && power.is_one())
    };
    let terms = &sum.over().0;
    let whole = sum.under().as_rational().is_some();
    whole && terms.len() > 1 && terms.iter().all(|(monomial, factor)| factor.is_one() && is_letter(monomial))
}

/// The only atom with unknowns, what it is multiplied by, and the constant that is added.
fn linear(difference: &Quotient) -> Option<(&Atom, Rational, Quotient)> {
    let under = difference.under().as_rational()?;
    let mut rest = Polynomial::default();
    let mut found = None;
    for (monomial, factor) in &difference.over().0 {
        let term = Polynomial::term(monomial.clone(), factor / &under);
        if is_constant(&Quotient::of(term)) {
            rest.0.insert(monomial.clone(), factor / &under);
            continue;
        }
        let (atom, power) = monomial.0.first_key_value()?;
        if monomial.0.len() > 1 || !power.is_one() || found.is_some() {
            return None;
        }
        found = Some((atom, factor / &under));
    }
    let (atom, factor) = found?;
    Some((atom, factor, Quotient::of(rest)))
}
