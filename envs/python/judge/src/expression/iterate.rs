//! Items of what can be iterated over, by their order, index or slice.

use num_bigint::{BigInt, Sign};

use super::evaluate::Stop;
use super::quantity::Quantity;

/// What iterating gives. The order of a set is the interpreter's own.
pub fn items_of(of: &Quantity) -> Result<Vec<Quantity>, Stop> {
    match of {
        Quantity::List(items) | Quantity::Tuple(items) => Ok(items.clone()),
        Quantity::Set(items) | Quantity::FrozenSet(items) if items.len() < 2 => Ok(items.clone()),
        Quantity::Set(_) | Quantity::FrozenSet(_) => Err(Stop::order()),
        other => unordered_items_of(other),
    }
}

/// The same where their order does not matter.
pub fn unordered_items_of(of: &Quantity) -> Result<Vec<Quantity>, Stop> {
    Ok(match of {
        Quantity::List(items) | Quantity::Tuple(items) | Quantity::Set(items) | Quantity::FrozenSet(items) => {
            items.clone()
        }
        Quantity::Dict(entries) => entries.iter().map(|(key, _)| key.clone()).collect(),
        Quantity::Str(text) => text.chars().map(|c| Quantity::Str(c.to_string())).collect(),
        Quantity::Bytes(bytes) => bytes.iter().map(|byte| Quantity::int(*byte)).collect(),
        other => return Err(Stop::because(format!("a {} cannot be iterated over", other.type_name()))),
    })
}

/// `of[index]`.
pub fn item(of: &Quantity, index: &Quantity) -> Result<Quantity, Stop> {
    if let Quantity::Dict(entries) = of {
        let found = entries.iter().find(|(key, _)| key.equals(index));
        return found.map(|(_, value)| value.clone()).ok_or_else(|| Stop::because("a key that is not there"));
    }
    let items = sequence(of)?;
    let length = BigInt::from(items.len());
    let index = index.index()?;
    let index = if index.sign() == Sign::Minus { index + length } else { index };
    let place = usize::try_from(index).ok().and_then(|place| items.into_iter().nth(place));
    place.ok_or_else(|| Stop::because("an index out of range"))
}

/// `of[start:stop:step]`.
pub fn slice(of: &Quantity, [start, stop, step]: [Option<BigInt>; 3]) -> Result<Quantity, Stop> {
    let items = sequence(of)?;
    let length = items.len() as i64;
    // Beyond the ends all numbers are alike.
    let clamped = |number: BigInt| {
        i64::try_from(number.clone()).unwrap_or(match number.sign() {
            Sign::Minus => i64::MIN / 4,
            _ => i64::MAX / 4,
        })
    };
    let step = step.map_or(1, clamped);
    let (first, last) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let bound = |bound: Option<BigInt>, missing: i64| match bound.map(clamped) {
        Some(number) => (if number < 0 { number + length } else { number }).clamp(first, last),
        None => missing,
    };
    let (mut at, stop) = match step {
        0 => return Err(Stop::because("a slice whose step is zero")),
        1.. => (bound(start, 0), bound(stop, length)),
        _ => (bound(start, length - 1), bound(stop, -1)),
    };
    let mut kept = Vec::new();
    while if step > 0 { at < stop } else { at > stop } {
        kept.push(items[at as usize].clone());
        at += step;
    }
    rebuilt(of, kept)
}

fn sequence(of: &Quantity) -> Result<Vec<Quantity>, Stop> {
    match of {
        Quantity::List(_) | Quantity::Tuple(_) | Quantity::Str(_) | Quantity::Bytes(_) => items_of(of),
        other => Err(Stop::because(format!("a {} has no items by number", other.type_name()))),
    }
}

/// Items as a sequence of the type of another.
pub fn rebuilt(like: &Quantity, items: Vec<Quantity>) -> Result<Quantity, Stop> {
    Ok(match like {
        Quantity::Tuple(_) => Quantity::Tuple(items),
        Quantity::Str(_) => {
            let text = |item: Quantity| if let Quantity::Str(text) = item { text } else { String::new() };
            Quantity::Str(items.into_iter().map(text).collect())
        }
        Quantity::Bytes(_) => Quantity::Bytes(bytes(&items)?),
        _ => Quantity::List(items),
    })
}

/// Bytes from the numbers that they are.
pub fn bytes(items: &[Quantity]) -> Result<Vec<u8>, Stop> {
    let byte =
        |item: &Quantity| u8::try_from(item.index()?).map_err(|_| Stop::because("bytes must be in range(0, 256)"));
    items.iter().map(byte).collect()
}
