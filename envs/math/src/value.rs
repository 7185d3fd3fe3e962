//! What an answer says, and when two say the same.

mod names;

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use crate::evaluate::seconds;
use crate::polynomial::{Atom, Rational, Work};
use crate::quotient::Quotient;
use crate::region::{Region, is_constant};
use crate::tree::Date;
use crate::unit::Unit;
use names::Names;

/// What an answer says.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Number {
        value: Quotient,
        unit: Unit,
    },
    Infinity {
        negative: bool,
    },
    /// Digits with the base that they are written in. 11_2 is not 3: the base was asked for.
    Based {
        digits: String,
        base: String,
    },
    /// Words, in lower case.
    Words(String),
    /// A point, a vector, an interval, or numbers with colons between them.
    Tuple {
        open: char,
        close: char,
        items: Vec<Value>,
    },
    /// A time of day in seconds, and as it is shown by a clock of twelve hours.
    Clock {
        seconds: Rational,
        shown: Rational,
    },
    Date(Date),
    /// A set, or answers in no order.
    Set(Vec<Value>),
    /// Real numbers between known bounds.
    Region(Region),
    Union(Vec<Value>),
    Matrix(Vec<Vec<Value>>),
    /// Values, each with its condition.
    Cases(Vec<Vec<Value>>),
    /// Something that is said of a name: `x = 5`, `f(x) = 2x`, `x \in [0, 1)`. `equation` is the difference of both
    /// sides.
    Named {
        name: String,
        value: Box<Value>,
        equation: Option<Quotient>,
    },
    /// An equation or inequality between `difference` and 0. `solution` is what it says of a letter.
    Relation {
        sign: Sign,
        difference: Quotient,
        solution: Option<(String, Region)>,
    },
    /// A whole number up to multiples of another, as it is written.
    Congruent {
        name: Option<String>,
        residue: BigInt,
        modulus: BigInt,
    },
    /// A letter of a multiple choice, and what stands behind it.
    Choice {
        letter: char,
        value: Box<Value>,
    },
    /// What can be read in two ways.
    Either(Box<Value>, Box<Value>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Equal,
    Unequal,
    Positive,
    NotNegative,
}

impl Value {
    pub fn number(value: Quotient) -> Value {
        Value::Number { value, unit: Unit::default() }
    }

    /// Whether an answer says what the reference does. An error is a reason why nobody knows.
    pub fn equals(&self, other: &Value, work: &mut Work) -> Result<bool, String> {
        work.spend(1)?;
        match (self, other) {
            (Value::Either(one, another), value) | (value, Value::Either(one, another)) => {
                Ok(one.equals(value, work)? || another.equals(value, work)?)
            }
            (Value::Choice { letter, value }, other) | (other, Value::Choice { letter, value }) => {
                same_choice(*letter, value, other, work)
            }
            (Value::Number { value: a, unit: u }, Value::Number { value: b, unit: v }) => same_amount(a, u, b, v, work),
            (Value::Congruent { .. }, _) | (_, Value::Congruent { .. }) => Ok(same_residue(self, other)),
            (Value::Union(a), Value::Union(b)) => same_set(a, b, work),
            (Value::Set(a), Value::Set(b)) => same_answers(a, b, work),
            (
                Value::Tuple { open, close, items },
                Value::Tuple { open: other_open, close: other_close, items: others },
            ) => {
                let same = (open, close) == (other_open, other_close);
                Ok(same && (same_items(items, others, work)? || *open == ':' && same_time(items, others)))
            }
            (Value::Clock { .. }, _) | (_, Value::Clock { .. }) => Ok(same_clock(self, other)),
            (Value::Matrix(a), Value::Matrix(b)) => same_rows(a, b, work),
            (Value::Matrix(rows), Value::Tuple { open, items, .. })
            | (Value::Tuple { open, items, .. }, Value::Matrix(rows)) => same_vector(rows, *open, items, work),
            (Value::Cases(a), Value::Cases(b)) => same_set(&as_tuples(a), &as_tuples(b), work),
            (Value::Set(answers), Value::Tuple { open: '(', close: ')', items })
            | (Value::Tuple { open: '(', close: ')', items }, Value::Set(answers)) => match Names::of(answers) {
                // "x = 2, y = 3" is the pair (2, 3).
                Names::Different { sorted, .. } => same_parts(&sorted, items, work),
                _ => Ok(false),
            },
            (Value::Region(_), _) | (_, Value::Region(_)) => same_region(self, other, work),
            (Value::Named { .. } | Value::Relation { .. }, _) | (_, Value::Named { .. } | Value::Relation { .. }) => {
                same_statement(self, other, work)
            }
            (Value::Set(items), value) | (value, Value::Set(items)) => same_alone(items, value, work),
            _ => Ok(self == other),
        }
    }

    /// The one letter of a list of answers that is said to stand for whole numbers.
    pub fn parameter(&self) -> Option<char> {
        let Value::Set(items) = self else { return None };
        let mut parameters = items.iter().filter_map(|item| match item {
            Value::Named { name, value, .. } if matches!(**value, Value::Words(_)) => name.parse::<char>().ok(),
            _ => None,
        });
        parameters.next().filter(|_| parameters.next().is_none())
    }

    fn named(&self) -> Option<(&str, &Value)> {
        match self {
            Value::Named { name, value, .. } => Some((name, value)),
            _ => None,
        }
    }

    /// The letter or name that something is said of.
    pub fn about(&self) -> Option<String> {
        match self {
            Value::Named { name, .. } => Some(name.clone()),
            Value::Relation { solution: Some((name, _)), .. } => Some(name.clone()),
            _ => None,
        }
    }

    fn relation(&self) -> Option<(Sign, &Quotient)> {
        match self {
            Value::Named { equation: Some(difference), .. } => Some((Sign::Equal, difference)),
            Value::Relation { sign, difference, .. } => Some((*sign, difference)),
            _ => None,
        }
    }

    /// What is said of a name, where the name can be left out.
    fn said(&self) -> Option<Value> {
        match self {
            Value::Named { name, value, .. } => Some(names::in_order(name, value)),
            Value::Relation { solution, .. } => solution.as_ref().map(|(_, region)| Value::Region(region.clone())),
            value => Some(value.clone()),
        }
    }

    /// The letter that an answer to a multiple choice consists of.
    fn letter(&self) -> Option<char> {
        let name = match self {
            Value::Number { value, unit } if unit.is_none() => value.as_symbol()?.to_owned(),
            Value::Words(words) => words.to_uppercase(),
            _ => return None,
        };
        let mut letters = name.chars();
        letters.next().filter(|letter| letters.next().is_none() && letter.is_ascii_alphabetic())
    }
}

/// The letters must be the same where both have one, and the values where both have one.
fn same_choice(letter: char, value: &Value, other: &Value, work: &mut Work) -> Result<bool, String> {
    if let Value::Choice { letter: other, value: others } = other {
        return Ok(letter == *other && value.equals(others, work)?);
    }
    match other.letter() {
        Some(other) => Ok(other == letter),
        None => value.equals(other, work),
    }
}

/// Whole numbers that differ by a multiple of the same number; or the least of them, without what it is up to.
fn same_residue(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (
            Value::Congruent { name, residue, modulus },
            Value::Congruent { name: other_name, residue: other, modulus: other_modulus },
        ) => {
            let named = name.is_none() || other_name.is_none() || name == other_name;
            named && modulus == other_modulus && ((residue - other) % modulus).is_zero()
        }
        (Value::Congruent { residue, modulus, .. }, Value::Number { value, unit })
        | (Value::Number { value, unit }, Value::Congruent { residue, modulus, .. }) => {
            let least = !residue.is_negative() && residue < modulus;
            least && unit.is_none() && value.as_rational() == Some(Rational::from(residue.clone()))
        }
        _ => false,
    }
}

/// Numbers in units that agree. 10 % is 10, as in benchmarks, and a tenth; 180° is 180, and π.
fn same_amount(a: &Quotient, u: &Unit, b: &Quotient, v: &Unit, work: &mut Work) -> Result<bool, String> {
    if u.is_none() && v.is_none() {
        return a.equals(b, work);
    }
    if u.is_degrees() && v.is_radians() {
        return in_radians(a, work)?.equals(b, work);
    }
    if v.is_degrees() && u.is_radians() {
        return in_radians(b, work)?.equals(a, work);
    }
    let Some(factor) = u.conversion(v) else { return Ok(false) };
    // π/6 degrees are not π/6, which is an angle in radians.
    let in_turns = |value: &Quotient| value.atoms().any(|atom| matches!(atom, Atom::Symbol(name) if &**name == "π"));
    let is_left_out = u.is_degrees() && v.is_none() && in_turns(a) || v.is_degrees() && u.is_none() && in_turns(b);
    let converted = if factor.is_one() { a.clone() } else { a.times(&Quotient::rational(factor), work)? };
    if !is_left_out && converted.equals(b, work)? {
        return Ok(true);
    }
    for (amount, unit, bare, other) in [(a, u, b, v), (b, v, a, u)] {
        if !other.is_none() {
            continue;
        }
        let hundredth = Quotient::rational(Rational::new(BigInt::one(), BigInt::from(100)));
        let other = match unit.letter {
            _ if unit.is_percent() => amount.times(&hundredth, work)?,
            _ if unit.is_degrees() => in_radians(amount, work)?,
            // "9m" for 9 metres
            Some(letter) => amount.times(&Quotient::symbol(&letter.to_string()), work)?,
            None => continue,
        };
        if other.equals(bare, work)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn in_radians(degrees: &Quotient, work: &mut Work) -> Result<Quotient, String> {
    let turn = Quotient::rational(Rational::new(BigInt::one(), BigInt::from(180)));
    degrees.times(&turn, work)?.times(&Quotient::symbol("π"), work)
}

fn same_items(a: &[Value], b: &[Value], work: &mut Work) -> Result<bool, String> {
    same_parts(&a.iter().collect::<Vec<_>>(), b, work)
}

fn same_parts(a: &[&Value], b: &[Value], work: &mut Work) -> Result<bool, String> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for (a, b) in a.iter().zip(b) {
        if !a.equals(b, work)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn same_rows(a: &[Vec<Value>], b: &[Vec<Value>], work: &mut Work) -> Result<bool, String> {
    for (a, b) in a.iter().zip(b) {
        if !same_items(a, b, work)? {
            return Ok(false);
        }
    }
    Ok(a.len() == b.len())
}

/// A column and its numbers in parentheses; rows and lists of their numbers in square brackets.
fn same_vector(rows: &[Vec<Value>], open: char, items: &[Value], work: &mut Work) -> Result<bool, String> {
    let row = |item: &Value| match item {
        Value::Tuple { open: '[', close: ']', items } => Some(items.clone()),
        _ => None,
    };
    match open {
        '(' if rows.len() > 1 && rows.iter().all(|row| row.len() == 1) => same_items(&rows.concat(), items, work),
        '[' => match items.iter().map(row).collect::<Option<Vec<Vec<Value>>>>() {
            Some(others) => same_rows(rows, &others, work),
            None => Ok(false),
        },
        _ => Ok(false),
    }
}

fn as_tuples(rows: &[Vec<Value>]) -> Vec<Value> {
    rows.iter().map(|row| Value::Tuple { open: '&', close: '&', items: row.clone() }).collect()
}

/// A set of one number, point or numeral is as good as what is in it.
fn same_alone(items: &[Value], value: &Value, work: &mut Work) -> Result<bool, String> {
    match (items, value) {
        ([item], Value::Number { .. } | Value::Tuple { .. } | Value::Based { .. }) => item.equals(value, work),
        _ => Ok(false),
    }
}

/// Each of both is in the other.
fn same_set(a: &[Value], b: &[Value], work: &mut Work) -> Result<bool, String> {
    for (some, others) in [(a, b), (b, a)] {
        for one in some {
            let mut found = false;
            for other in others {
                found = found || one.equals(other, work)?;
            }
            if !found {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Answers in no order, unless names on one side only say which is which.
fn same_answers(a: &[Value], b: &[Value], work: &mut Work) -> Result<bool, String> {
    let owned = |values: Vec<&Value>| -> Vec<Value> { values.into_iter().cloned().collect() };
    match (Names::of(a), Names::of(b)) {
        (Names::Different { written, .. }, Names::None) => same_parts(&written, b, work),
        (Names::None, Names::Different { written, .. }) => same_parts(&written, a, work),
        (Names::Roots(name, x), Names::Roots(other, y)) => Ok(name == other && same_set(&owned(x), &owned(y), work)?),
        (Names::Roots(_, values), Names::None) => same_set(&owned(values), b, work),
        (Names::None, Names::Roots(_, values)) => same_set(a, &owned(values), work),
        (Names::Roots(..), Names::Different { .. }) | (Names::Different { .. }, Names::Roots(..)) => Ok(false),
        _ => same_set(a, b, work),
    }
}

fn same_region(a: &Value, b: &Value, work: &mut Work) -> Result<bool, String> {
    if let (Some((name, _)), Some((other, _))) = (a.named(), b.named())
        && name != other
    {
        return Ok(false);
    }
    match (Region::of(a, work)?, Region::of(b, work)?) {
        (Some(a), Some(b)) => a.equals(&b, work),
        _ => Ok(false),
    }
}

/// Statements that are equal as such, or that say the same of a name.
fn same_statement(a: &Value, b: &Value, work: &mut Work) -> Result<bool, String> {
    if let (Some((sign, a)), Some((other, b))) = (a.relation(), b.relation())
        && sign == other
        // "y'(0) = 2" read as a product is "0 = 2", and so is "y'(0) = 3".
        && !is_constant(a)
        && let Some(ratio) = a.ratio_to(b, work)?
        && (ratio.is_positive() || matches!(sign, Sign::Equal | Sign::Unequal))
    {
        return Ok(true);
    }
    if let (Some(name), Some(other)) = (a.about(), b.about())
        && name != other
        && !names::is_function_of(&name, &other)
    {
        return Ok(false);
    }
    match (a.said(), b.said()) {
        (Some(a), Some(b)) if !matches!(a, Value::Named { .. }) => a.equals(&b, work),
        _ => Ok(false),
    }
}

/// Hours and minutes, with or without seconds that are zero.
fn same_time(a: &[Value], b: &[Value]) -> bool {
    let time = |items: &[Value]| time_of(items).filter(|_| items.len() < 4);
    a.len() != b.len() && time(a).is_some() && time(a) == time(b)
}

/// The time of day that numbers with colons show.
fn time_of(items: &[Value]) -> Option<Rational> {
    let below = [24, 60, 60].map(|below| Rational::from(BigInt::from(below)));
    let mut numbers = Vec::new();
    for (item, below) in items.iter().zip(below) {
        let Value::Number { value, unit } = item else { return None };
        numbers.push(value.as_rational().filter(|number| unit.is_none() && number.is_integer() && *number < below)?);
    }
    (items.len() > 1 && items.len() < 4 && !numbers.iter().any(Rational::is_negative)).then(|| seconds(&numbers))
}

/// A time of day, with or without the half of the day, and by a clock of 12 or 24 hours.
fn same_clock(a: &Value, b: &Value) -> bool {
    let times = |value: &Value| match value {
        Value::Clock { seconds, shown } => Some((seconds.clone(), shown.clone(), true)),
        Value::Tuple { open: ':', items, .. } => time_of(items).map(|time| (time.clone(), time, false)),
        Value::Number { value, unit } if unit.is_none() => {
            let hours = value.as_rational().filter(|hours| !hours.is_zero())? * BigInt::from(3600);
            Some((hours.clone(), hours, false))
        }
        _ => None,
    };
    match (times(a), times(b)) {
        (Some((one, _, true)), Some((other, _, true))) => one == other,
        (Some((one, shown, _)), Some((other, other_shown, _))) => one == other || shown == other_shown,
        _ => false,
    }
}
