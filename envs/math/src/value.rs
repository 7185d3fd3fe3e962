//! What an answer says, and when two say the same.

use num_bigint::BigInt;
use num_traits::{One, Signed};

use crate::polynomial::{Rational, Work};
use crate::quotient::Quotient;
use crate::unit::Unit;

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
    /// A set, or answers in no order.
    Set(Vec<Value>),
    Union(Vec<Value>),
    Matrix(Vec<Vec<Value>>),
    /// Something that is said of a name: `x = 5`, `f(x) = 2x`, `x \in [0, 1)`. `equation` is the difference of both sides.
    Named {
        name: String,
        value: Box<Value>,
        equation: Option<Quotient>,
    },
    /// An equation or inequality between `difference` and 0. `solution` is what it says of a letter.
    Relation {
        sign: Sign,
        difference: Quotient,
        solution: Option<Box<Value>>,
    },
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
        Value::Number { value, unit: Unit::None }
    }

    /// Whether an answer says what the reference does. An error is a reason why nobody knows.
    pub fn equals(&self, other: &Value, work: &mut Work) -> Result<bool, String> {
        match (self, other) {
            (Value::Number { value: a, unit: u }, Value::Number { value: b, unit: v }) => {
                Ok(u.agrees(v) && (a.equals(b, work)? || in_percent(a, u, b, v, work)?))
            }
            (Value::Set(a), Value::Set(b)) | (Value::Union(a), Value::Union(b)) => same_set(a, b, work),
            (
                Value::Tuple { open, close, items },
                Value::Tuple { open: other_open, close: other_close, items: others },
            ) => Ok((open, close) == (other_open, other_close) && same_items(items, others, work)?),
            (Value::Matrix(a), Value::Matrix(b)) => {
                for (a, b) in a.iter().zip(b) {
                    if !same_items(a, b, work)? {
                        return Ok(false);
                    }
                }
                Ok(a.len() == b.len())
            }
            (Value::Named { .. } | Value::Relation { .. }, _) | (_, Value::Named { .. } | Value::Relation { .. }) => {
                same_statement(self, other, work)
            }
            _ => Ok(self == other),
        }
    }

    fn named(&self) -> Option<(&str, &Value)> {
        match self {
            Value::Named { name, value, .. } => Some((name, value)),
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
    fn said(&self) -> Option<&Value> {
        match self {
            Value::Named { value, .. } => Some(value),
            Value::Relation { solution, .. } => solution.as_deref(),
            value => Some(value),
        }
    }
}

/// 10 % is 10, as in benchmarks, and a tenth.
fn in_percent(a: &Quotient, u: &Unit, b: &Quotient, v: &Unit, work: &mut Work) -> Result<bool, String> {
    let hundredth = Quotient::rational(Rational::new(BigInt::one(), BigInt::from(100)));
    match (u, v) {
        (Unit::Percent, Unit::None) => a.times(&hundredth, work)?.equals(b, work),
        (Unit::None, Unit::Percent) => b.times(&hundredth, work)?.equals(a, work),
        _ => Ok(false),
    }
}

fn same_items(a: &[Value], b: &[Value], work: &mut Work) -> Result<bool, String> {
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

/// Statements that are equal as such, or that say the same of a name.
fn same_statement(a: &Value, b: &Value, work: &mut Work) -> Result<bool, String> {
    if let (Some((sign, a)), Some((other, b))) = (a.relation(), b.relation())
        && sign == other
        && let Some(ratio) = a.ratio_to(b, work)?
        && (ratio.is_positive() || matches!(sign, Sign::Equal | Sign::Unequal))
    {
        return Ok(true);
    }
    if let (Value::Relation { .. }, Value::Relation { .. }) = (a, b) {
        return Ok(false);
    }
    match (a.named(), b.named(), a.said(), b.said()) {
        (Some((name, a)), Some((other, b)), _, _) => Ok(name == other && a.equals(b, work)?),
        (_, _, Some(a), Some(b)) => a.equals(b, work),
        _ => Ok(false),
    }
}
