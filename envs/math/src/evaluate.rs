//! What an answer as it is written comes to.

mod approximation;
mod determinant;
mod inequality;
mod relation;
mod series;
mod vector;

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use crate::functions::{self, applied};
use crate::grammar;
use crate::polynomial::{Atom, Rational, Work};
use crate::quotient::Quotient;
use crate::region::{Beside, Combined, Region};
use crate::tree::{Joined, Tree};
use crate::unit::Unit;
use crate::value::{Sign, Value};

/// Who wrote what is read. An answer may say of what it is the value; in a reference that is an equation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    Reference,
    Policy,
    /// Where the reference has a sum or an integral in it. Elsewhere that is the question, and no answer.
    PolicyWithSeries,
}

impl Writer {
    /// Of an answer to a reference.
    pub fn of_answer(reference: &str) -> Writer {
        let has_series = ["\\sum", "\\prod", "\\int", "∑", "∏", "∫"].iter().any(|sign| reference.contains(sign));
        if has_series { Writer::PolicyWithSeries } else { Writer::Policy }
    }

    fn is_policy(self) -> bool {
        self != Writer::Reference
    }
}

/// What a text says.
pub fn read(text: &str, writer: Writer, work: &mut Work) -> Result<Value, String> {
    let tree = grammar::read(text)?;
    let mut evaluator = Evaluator { work, lower: false, writer, bound: Vec::new() };
    evaluator.said(&tree)
}

/// What an answer says in which letters are others.
pub fn read_renamed(text: &str, letters: &[[char; 2]], work: &mut Work) -> Result<Value, String> {
    let tree = grammar::read_renamed(text, letters)?;
    let mut evaluator = Evaluator { work, lower: false, writer: Writer::Policy, bound: Vec::new() };
    evaluator.said(&tree)
}

struct Evaluator<'a> {
    work: &'a mut Work,
    /// Whether ± is minus this time.
    lower: bool,
    writer: Writer,
    /// Letters of sums and integrals around this place, and what they stand for.
    bound: Vec<(String, Quotient)>,
}

impl Evaluator<'_> {
    /// What something comes to: two values where ± is in it.
    fn both(&mut self, tree: &Tree) -> Result<Vec<Value>, String> {
        if !tree.is_twofold() {
            return Ok(vec![self.value(tree)?]);
        }
        let outer = self.lower;
        let mut values = Vec::new();
        for lower in [false, true] {
            self.lower = lower;
            values.push(self.value(tree)?);
        }
        self.lower = outer;
        Ok(values)
    }

    /// What an item comes to, whether ± is in it or not: `x = \pm 1` says one of two things, `x \ne \pm 1` both.
    fn said(&mut self, tree: &Tree) -> Result<Value, String> {
        let mut values = self.both(tree)?;
        if values.len() == 1 {
            return Ok(values.remove(0));
        }
        let excludes = |value: &Value| matches!(value, Value::Relation { sign: Sign::Unequal, .. });
        let both = if values.iter().all(excludes) { self.solutions(&values, Joined::And)? } else { None };
        Ok(both.unwrap_or(Value::Set(values)))
    }

    fn all(&mut self, trees: &[Tree]) -> Result<Vec<Value>, String> {
        let mut values = Vec::new();
        for tree in trees {
            values.extend(self.both(tree)?);
        }
        Ok(values)
    }

    fn each(&mut self, trees: &[Tree]) -> Result<Vec<Value>, String> {
        trees.iter().map(|tree| self.value(tree)).collect()
    }

    fn rows(&mut self, rows: &[Vec<Tree>]) -> Result<Vec<Vec<Value>>, String> {
        rows.iter().map(|row| self.each(row)).collect()
    }

    fn value(&mut self, tree: &Tree) -> Result<Value, String> {
        // Items with ± are worked out twice, and so is what is inside of them.
        self.work.spend(5)?;
        Ok(match tree {
            Tree::Infinity => Value::Infinity { negative: false },
            Tree::Negated(of) if **of == Tree::Infinity => Value::Infinity { negative: true },
            Tree::PlusMinus { of, .. } if **of == Tree::Infinity => return Err("plus or minus infinity".into()),
            Tree::Quantity { value, unit } => {
                let is_needed = self.writer.is_policy() && unit.is_ambiguous();
                let unit = if is_needed { unit.clone().with_needed() } else { unit.clone() };
                Value::Number { value: self.exact(value)?, unit }
            }
            Tree::Compound(parts) => self.compound(parts)?,
            Tree::Ratio(parts) => Value::Tuple { open: ':', close: ':', items: self.each(parts)? },
            Tree::Clock { parts, afternoon } => self.clock(parts, *afternoon)?,
            Tree::Date(date) => Value::Date(date.clone()),
            Tree::Based { digits, base } => {
                Value::Based { digits: digits.trim_start_matches('0').into(), base: base.clone() }
            }
            Tree::Words(words) if words == "noon" || words == "midnight" => {
                self.clock(&[Tree::integer(12)], words == "noon")?
            }
            Tree::Words(words) => self.words(words),
            Tree::Bracket { open, close, items } => {
                Value::Tuple { open: *open, close: *close, items: self.each(items)? }
            }
            Tree::Set(items) => Value::Set(self.all(items)?),
            Tree::Builder { name, domain, condition } => self.builder(name, domain.as_deref(), condition)?,
            Tree::NumberSet('R') => Value::Region(Region::all()),
            Tree::NumberSet(letter) => Value::Words(format!("the set {letter}")),
            Tree::Matrix(rows) => Value::Matrix(self.rows(rows)?),
            Tree::Cases(rows) => self.cases(rows)?,
            Tree::Union(a, b) => self.combined(a, b, Combined::Either)?,
            Tree::Intersection(a, b) => self.combined(a, b, Combined::Both)?,
            Tree::Without(a, b) => self.combined(a, b, Combined::OnlyFirst)?,
            Tree::Name { product: Some(product), .. } => self.value(product)?,
            Tree::Name { text, .. } => return Err(format!("{text:.20?} where a value should be")),
            Tree::Relation { sides, signs } => self.relation(sides, signs)?,
            Tree::List { items, joined } => self.list(items, *joined)?,
            Tree::Congruence { left, of, modulus } => self.congruence(left.as_deref(), of, modulus)?,
            Tree::Choice { letter, value } => Value::Choice { letter: *letter, value: Box::new(self.value(value)?) },
            Tree::Either(one, other) => Value::Either(Box::new(self.value(one)?), Box::new(self.value(other)?)),
            Tree::Product(factors) if vector::is_point(factors) => self.point(factors)?,
            tree if tree.is_linear() && !tree.is_difference_of_intervals() => self.linear(tree)?,
            Tree::Sum(terms) if terms.len() == 2 && terms[0].is_set() && terms[0] != Tree::Infinity => {
                match &terms[1] {
                    Tree::Negated(other) => self.combined(&terms[0], other, Combined::OnlyFirst)?,
                    _ => return Err("arithmetic with what is no number".into()),
                }
            }
            _ => Value::number(self.exact(tree)?),
        })
    }

    /// What is a number, worked out exactly.
    fn exact(&mut self, tree: &Tree) -> Result<Quotient, String> {
        match tree {
            Tree::Number { value, .. } => Ok(Quotient::rational(value.clone())),
            Tree::Symbol(name) if self.bound.iter().any(|(bound, _)| bound == name) => {
                let found = self.bound.iter().rfind(|(bound, _)| bound == name);
                Ok(found.map(|(_, value)| value.clone()).expect("it was found before"))
            }
            Tree::Symbol(name) if name == "i" => Ok(Quotient::atom(Atom::Imaginary)),
            Tree::Symbol(name) if !self.bound.is_empty() => Ok(Quotient::symbol(&self.with_bound_subscript(name))),
            Tree::Symbol(name) => Ok(Quotient::symbol(name)),
            Tree::Sum(terms) if terms.iter().any(is_amount) => Err("a sum of amounts with units".into()),
            Tree::Sum(terms) => {
                let (first, rest) = terms.split_first().ok_or("a sum of nothing")?;
                let first = self.exact(first)?;
                rest.iter().try_fold(first, |sum, term| sum.plus(&self.exact(term)?, self.work))
            }
            Tree::Negated(of) => Ok(self.exact(of)?.negated()),
            Tree::PlusMinus { minus_first, of } => {
                let value = self.exact(of)?;
                Ok(if self.lower == *minus_first { value } else { value.negated() })
            }
            Tree::Product(factors) if vector::chosen(factors).is_some() => self.chosen(factors),
            Tree::Product(factors) => {
                let (first, rest) = factors.split_first().ok_or("a product of nothing")?;
                let first = self.exact(first)?;
                rest.iter().try_fold(first, |product, factor| product.times(&self.exact(factor)?, self.work))
            }
            Tree::Divided(over, under) => self.exact(over)?.divided_by(&self.exact(under)?, self.work),
            Tree::Power(base, exponent) => self.exact(base)?.power(&self.exact(exponent)?, self.work),
            Tree::Root { degree, of } => {
                let exponent = Quotient::integer(1).divided_by(&self.exact(degree)?, self.work)?;
                self.exact(of)?.power(&exponent, self.work)
            }
            Tree::Degrees(of) => {
                let turn = Rational::new(BigInt::one(), BigInt::from(180));
                let radians = Quotient::symbol("π").times(&Quotient::rational(turn), self.work)?;
                self.exact(of)?.times(&radians, self.work)
            }
            Tree::Call { name, base, power, arguments } => {
                self.call(name, base.as_deref(), power.as_deref(), arguments)
            }
            Tree::Series { kind, name, from, to, of } => self.series(*kind, name, [from, to], of),
            Tree::Infinity => Err("arithmetic with infinity".into()),
            Tree::Name { product: Some(product), .. } => self.exact(product),
            Tree::Either(_, product) => self.exact(product),
            Tree::Quantity { unit, .. } if unit.is_percent() || self.writer.is_policy() && unit.is_ambiguous() => {
                Err("a sign behind a number in a formula".into())
            }
            other => match self.value(other)? {
                Value::Number { value, .. } => Ok(value),
                _ => Err("arithmetic with what is no number".into()),
            },
        }
    }

    fn call(
        &mut self,
        name: &str,
        base: Option<&Tree>,
        power: Option<&Tree>,
        arguments: &[Tree],
    ) -> Result<Quotient, String> {
        if let ("det", None, [of]) = (name, base, arguments) {
            let value = self.determinant(of)?;
            return match power {
                Some(power) => value.power(&self.exact(power)?, self.work),
                None => Ok(value),
            };
        }
        let arguments: Vec<Quotient> = arguments.iter().map(|of| self.exact(of)).collect::<Result<_, _>>()?;
        match (name, &arguments[..]) {
            ("binomial", [of, choose]) => return functions::binomial(of, choose, self.work),
            ("permutations", [of, choose]) => return functions::permutations(of, choose, self.work),
            _ => {}
        }
        let base = base.map(|base| self.exact(base)).transpose()?;
        let power = power.map(|power| self.exact(power)).transpose()?;
        let is_inverse = power.as_ref().is_some_and(|power| *power == Quotient::integer(-1));
        if let (true, Some(inverse)) = (is_inverse, functions::inverse(name)) {
            return applied(inverse, base.as_ref(), &arguments, self.work);
        }
        let value = applied(name, base.as_ref(), &arguments, self.work)?;
        match power {
            Some(power) => value.power(&power, self.work),
            None => Ok(value),
        }
    }

    /// An amount in several units, in the first of them.
    fn compound(&mut self, parts: &[Tree]) -> Result<Value, String> {
        let mut sum: Option<(Quotient, Unit)> = None;
        for part in parts {
            let Tree::Quantity { value, unit } = part else { return Err("amounts without units".into()) };
            let value = self.exact(value)?;
            sum = Some(match sum {
                None => (value, unit.clone().with_needed()),
                Some((before, first)) => {
                    let factor = unit.ratio_to(&first);
                    (before.plus(&value.times(&Quotient::rational(factor), self.work)?, self.work)?, first)
                }
            });
        }
        let (value, unit) = sum.ok_or("an amount of nothing")?;
        Ok(Value::Number { value, unit })
    }

    /// What is known of a letter up to multiples. An equation for it that is not solved says no more than the question.
    fn congruence(&mut self, left: Option<&Tree>, of: &Tree, modulus: &Tree) -> Result<Value, String> {
        let name = match left {
            None => None,
            Some(Tree::Symbol(name)) => Some(name.clone()),
            Some(_) => return Err("a congruence that is not solved".into()),
        };
        let mut whole =
            |tree| Ok(self.exact(tree)?.as_rational().filter(Rational::is_integer).map(|of| of.to_integer()));
        let (residue, modulus): (_, Result<_, String>) = (whole(of)?, whole(modulus));
        match (residue, modulus?.filter(|modulus| *modulus > BigInt::zero())) {
            (Some(residue), Some(modulus)) => Ok(Value::Congruent { name, residue, modulus }),
            _ => Err("a congruence of what is no whole number".into()),
        }
    }

    /// A time of day in seconds.
    fn clock(&mut self, parts: &[Tree], afternoon: bool) -> Result<Value, String> {
        let mut numbers = Vec::new();
        for part in parts {
            numbers.push(self.exact(part)?.as_rational().ok_or("a time of day that is no number")?);
        }
        let hour = numbers.first().cloned().unwrap_or_else(Rational::zero);
        let twelve = Rational::from(BigInt::from(12));
        let is_past = |number: &Rational| number.is_integer() && !number.is_negative();
        if numbers.len() > 3 || hour > twelve || !numbers.iter().all(is_past) {
            return Err("a time of day that there is not".into());
        }
        let half = if afternoon { twelve.clone() } else { Rational::zero() };
        let shown = seconds(&numbers);
        let seconds = &shown + (half - if hour == twelve { twelve } else { Rational::zero() }) * BigInt::from(3600);
        Ok(Value::Clock { seconds, shown })
    }

    fn words(&self, words: &str) -> Value {
        const NONE: [&str; 11] = [
            "none",
            "no solution",
            "no solutions",
            "no solution exists",
            "no solutions exist",
            "there is no solution",
            "there are no solutions",
            "no real solution",
            "no real solutions",
            "no real roots",
            "empty set",
        ];
        let words = ["a ", "an ", "the "].iter().find_map(|article| words.strip_prefix(article)).unwrap_or(words);
        if ["infinity", "positive infinity", "negative infinity", "minus infinity"].contains(&words) {
            return Value::Infinity { negative: words.starts_with(['n', 'm']) };
        }
        if grammar::is_all_reals(words) {
            Value::Region(Region::all())
        } else if let Some(beside) = reals_beside_zero(words) {
            Value::Region(Region::beside(beside, &Quotient::integer(0)))
        } else if ["all integers", "integers", "any integer"].contains(&words) {
            Value::Words("the set Z".into())
        } else if NONE.contains(&words) {
            Value::Set(Vec::new())
        } else if words == "dne" {
            Value::Words("does not exist".into())
        } else {
            Value::Words(words.into())
        }
    }

    fn combined(&mut self, a: &Tree, b: &Tree, combined: Combined) -> Result<Value, String> {
        let (a, b) = (self.value(a)?, self.value(b)?);
        if let (Value::Set(a), Value::Set(b), Combined::Either) = (&a, &b, combined) {
            return Ok(Value::Set(a.iter().chain(b).cloned().collect()));
        }
        let regions = (Region::of(&a, self.work)?, Region::of(&b, self.work)?);
        if let (Some(a), Some(b)) = regions {
            return Ok(Value::Region(a.combined(&b, combined, self.work)?));
        }
        if combined != Combined::Either {
            return Err("sets whose bounds are not known".into());
        }
        let parts = |value: Value| match value {
            Value::Union(parts) => parts,
            value => vec![value],
        };
        Ok(Value::Union(parts(a).into_iter().chain(parts(b)).collect()))
    }

    /// The numbers for which a condition holds, within their domain.
    fn builder(&mut self, name: &str, domain: Option<&Tree>, condition: &Tree) -> Result<Value, String> {
        let condition = self.said(condition)?;
        let about = condition.about();
        let region = Region::of(&condition, self.work)?.filter(|_| about.is_some_and(|about| about == name));
        let region = region.ok_or("a set by a condition that is not understood")?;
        let Some(domain) = domain else { return Ok(Value::Region(region)) };
        let domain = self.value(domain)?;
        let domain = Region::of(&domain, self.work)?.ok_or("a set of numbers that are not all real ones")?;
        Ok(Value::Region(region.combined(&domain, Combined::Both, self.work)?))
    }

    fn list(&mut self, items: &[Tree], joined: Joined) -> Result<Value, String> {
        let values = self.all(items)?;
        Ok(self.solutions(&values, joined)?.unwrap_or(Value::Set(values)))
    }
}

/// "all positive real numbers" and the like.
fn reals_beside_zero(words: &str) -> Option<Beside> {
    let rest = words.strip_prefix("all ").unwrap_or(words);
    let (kind, rest) = rest.split_once(' ')?;
    let beside = match kind {
        "positive" => Beside::Above,
        "negative" => Beside::Below,
        "nonnegative" | "non-negative" => Beside::AtLeast,
        "nonpositive" | "non-positive" => Beside::AtMost,
        "nonzero" | "non-zero" => Beside::Not,
        _ => return None,
    };
    ["reals", "real numbers", "real number"].contains(&rest).then_some(beside)
}

/// Whether a term has a unit of measure.
fn is_amount(term: &Tree) -> bool {
    match term {
        Tree::Negated(of) => is_amount(of),
        Tree::Quantity { unit, .. } => unit.is_measured() && !unit.is_degrees(),
        _ => false,
    }
}

/// Hours, minutes and seconds in seconds.
pub fn seconds(parts: &[Rational]) -> Rational {
    let sizes = [3600, 60, 1].map(BigInt::from);
    parts.iter().zip(sizes).map(|(part, size)| part * size).sum()
}
