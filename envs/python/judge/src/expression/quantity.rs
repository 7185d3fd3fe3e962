//! Values to compute with.

use std::cmp::Ordering;

use azr_guest_sdk::value::{Integer, Value};
use num_bigint::BigInt;

use super::evaluate::Stop;
use crate::literal;

/// Largest size of a value on the way, in items and characters: some times what a task may keep.
pub const SIZE_MAX: usize = 50_000;
/// Most bits of an integer: what has no more than 4,300 digits.
pub const BITS_MAX: u64 = 14_284;

/// A value with integers that can be computed with.
#[derive(Clone, Debug)]
pub enum Quantity {
    None,
    Bool(bool),
    Int(BigInt),
    Float(f64),
    Complex(f64, f64),
    Str(String),
    Bytes(Vec<u8>),
    List(Vec<Quantity>),
    Tuple(Vec<Quantity>),
    Dict(Vec<(Quantity, Quantity)>),
    Set(Vec<Quantity>),
    FrozenSet(Vec<Quantity>),
}

impl From<Value> for Quantity {
    fn from(value: Value) -> Quantity {
        let all = |items: Vec<Value>| items.into_iter().map(Quantity::from).collect();
        match value {
            Value::None => Quantity::None,
            Value::Bool(truth) => Quantity::Bool(truth),
            Value::Int(integer) => {
                Quantity::Int(integer.decimal().parse().expect("an integer has digits, and perhaps a minus"))
            }
            Value::Float(float) => Quantity::Float(float),
            Value::Complex { real, imag } => Quantity::Complex(real, imag),
            Value::Str(text) => Quantity::Str(text),
            Value::Bytes(bytes) => Quantity::Bytes(bytes),
            Value::List(items) => Quantity::List(all(items)),
            Value::Tuple(items) => Quantity::Tuple(all(items)),
            Value::Set(items) => Quantity::Set(all(items)),
            Value::FrozenSet(items) => Quantity::FrozenSet(all(items)),
            Value::Dict(entries) => {
                Quantity::Dict(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
            }
        }
    }
}

impl Quantity {
    pub fn into_value(self) -> Result<Value, Stop> {
        let all = |items: Vec<Quantity>| items.into_iter().map(Quantity::into_value).collect::<Result<_, _>>();
        Ok(match self {
            Quantity::None => Value::None,
            Quantity::Bool(truth) => Value::Bool(truth),
            Quantity::Int(integer) => Value::Int(
                Integer::from_decimal(&integer.to_string())
                    .ok_or_else(|| Stop::because("an integer of too many digits"))?,
            ),
            Quantity::Float(float) => Value::Float(float),
            Quantity::Complex(real, imag) => Value::Complex { real, imag },
            Quantity::Str(text) => Value::Str(text),
            Quantity::Bytes(bytes) => Value::Bytes(bytes),
            Quantity::List(items) => Value::List(all(items)?),
            Quantity::Tuple(items) => Value::Tuple(all(items)?),
            Quantity::Set(items) => Value::Set(all(items)?),
            Quantity::FrozenSet(items) => Value::FrozenSet(all(items)?),
            Quantity::Dict(entries) => {
                let entry = |(key, value): (Quantity, Quantity)| Ok((key.into_value()?, value.into_value()?));
                Value::Dict(entries.into_iter().map(entry).collect::<Result<_, Stop>>()?)
            }
        })
    }

    pub fn int(number: impl Into<BigInt>) -> Quantity {
        Quantity::Int(number.into())
    }

    pub fn type_name(&self) -> &'static str {
        match self {
            Quantity::None => "NoneType",
            Quantity::Bool(_) => "bool",
            Quantity::Int(_) => "int",
            Quantity::Float(_) => "float",
            Quantity::Complex(..) => "complex",
            Quantity::Str(_) => "str",
            Quantity::Bytes(_) => "bytes",
            Quantity::List(_) => "list",
            Quantity::Tuple(_) => "tuple",
            Quantity::Dict(_) => "dict",
            Quantity::Set(_) => "set",
            Quantity::FrozenSet(_) => "frozenset",
        }
    }

    /// Items and characters.
    pub fn size(&self) -> usize {
        let all = |items: &[Quantity]| 1 + items.iter().map(Quantity::size).sum::<usize>();
        match self {
            Quantity::Str(text) => 1 + text.len(),
            Quantity::Bytes(bytes) => 1 + bytes.len(),
            Quantity::Int(integer) => 1 + integer.bits() as usize / 64,
            Quantity::List(items) | Quantity::Tuple(items) | Quantity::Set(items) | Quantity::FrozenSet(items) => {
                all(items)
            }
            Quantity::Dict(entries) => 1 + entries.iter().map(|(key, value)| key.size() + value.size()).sum::<usize>(),
            _ => 1,
        }
    }

    pub fn is_true(&self) -> bool {
        match self {
            Quantity::None => false,
            Quantity::Bool(truth) => *truth,
            Quantity::Int(integer) => integer.bits() > 0,
            Quantity::Float(float) => *float != 0.0,
            Quantity::Complex(real, imag) => *real != 0.0 || *imag != 0.0,
            _ => self.length().is_some_and(|length| length > 0),
        }
    }

    pub fn length(&self) -> Option<usize> {
        match self {
            Quantity::Str(text) => Some(text.chars().count()),
            Quantity::Bytes(bytes) => Some(bytes.len()),
            Quantity::List(items) | Quantity::Tuple(items) | Quantity::Set(items) | Quantity::FrozenSet(items) => {
                Some(items.len())
            }
            Quantity::Dict(entries) => Some(entries.len()),
            _ => None,
        }
    }

    /// The integer that a number is to `range`, an index and the like.
    pub fn index(&self) -> Result<BigInt, Stop> {
        match self {
            Quantity::Bool(truth) => Ok(BigInt::from(u8::from(*truth))),
            Quantity::Int(integer) => Ok(integer.clone()),
            other => Err(Stop::because(format!("a {} where an integer is wanted", other.type_name()))),
        }
    }

    /// A number as a float, where it is one exactly or nearly.
    pub fn float(&self) -> Option<f64> {
        match self {
            Quantity::Bool(truth) => Some(f64::from(u8::from(*truth))),
            Quantity::Int(integer) => integer.to_string().parse().ok().filter(|float: &f64| float.is_finite()),
            Quantity::Float(float) => Some(*float),
            _ => None,
        }
    }

    /// Python's `==`.
    pub fn equals(&self, other: &Quantity) -> bool {
        let all = |one: &[Quantity], other: &[Quantity]| {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.equals(other))
        };
        let contained = |one: &[Quantity], other: &[Quantity]| {
            one.len() == other.len() && one.iter().all(|item| other.iter().any(|found| found.equals(item)))
        };
        match (self, other) {
            (Quantity::None, Quantity::None) => true,
            (Quantity::Str(one), Quantity::Str(other)) => one == other,
            (Quantity::Bytes(one), Quantity::Bytes(other)) => one == other,
            (Quantity::List(one), Quantity::List(other)) | (Quantity::Tuple(one), Quantity::Tuple(other)) => {
                all(one, other)
            }
            (Quantity::Set(one) | Quantity::FrozenSet(one), Quantity::Set(other) | Quantity::FrozenSet(other)) => {
                contained(one, other)
            }
            (Quantity::Dict(one), Quantity::Dict(other)) => {
                let has = |(key, value): &(Quantity, Quantity)| {
                    other.iter().any(|(found, there)| found.equals(key) && there.equals(value))
                };
                one.len() == other.len() && one.iter().all(has)
            }
            (Quantity::Complex(real, imag), Quantity::Complex(other_real, other_imag)) => {
                real == other_real && imag == other_imag
            }
            _ => self.compared(other) == Some(Ordering::Equal),
        }
    }

    /// Python's `<` and `>` of what has an order.
    pub fn compared(&self, other: &Quantity) -> Option<Ordering> {
        match (self, other) {
            (Quantity::Str(one), Quantity::Str(other)) => Some(one.cmp(other)),
            (Quantity::Bytes(one), Quantity::Bytes(other)) => Some(one.cmp(other)),
            (Quantity::List(one), Quantity::List(other)) | (Quantity::Tuple(one), Quantity::Tuple(other)) => {
                let different = one.iter().zip(other).find(|(one, other)| !one.equals(other));
                different.map_or(Some(one.len().cmp(&other.len())), |(one, other)| one.compared(other))
            }
            (Quantity::Int(_) | Quantity::Bool(_), Quantity::Int(_) | Quantity::Bool(_)) => {
                Some(self.index().ok()?.cmp(&other.index().ok()?))
            }
            _ => self.float()?.partial_cmp(&other.float()?),
        }
    }

    /// As `repr` prints it.
    pub fn printed(&self) -> Result<String, Stop> {
        if let Quantity::Set(items) | Quantity::FrozenSet(items) = self
            && items.len() > 1
        {
            return Err(Stop::order());
        }
        Ok(crate::repr::repr(&self.clone().into_value()?))
    }
}

/// A set or the keys of a dict, without repetitions.
pub fn set(items: Vec<Quantity>) -> Result<Vec<Quantity>, Stop> {
    let entries = items.into_iter().map(|item| (item, Quantity::None)).collect();
    Ok(dict(entries)?.into_iter().map(|(item, _)| item).collect())
}

/// Entries as a dict keeps them.
pub fn dict(entries: Vec<(Quantity, Quantity)>) -> Result<Vec<(Quantity, Quantity)>, Stop> {
    let entries: Vec<(Value, Value)> = entries
        .into_iter()
        .map(|(key, value)| Ok((key.into_value()?, value.into_value()?)))
        .collect::<Result<_, Stop>>()?;
    let kept = literal::dict(entries).map_err(Stop::Because)?;
    Ok(kept.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
}
