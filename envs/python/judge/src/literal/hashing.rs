//! What Python's hashing does to literals: equal keys become one, and some values cannot be keys.

use std::collections::HashMap;

use azr_guest_sdk::value::{Integer, Value};

/// Entries as a dict display leaves them: the first of equal keys, with the last value.
pub fn dict(entries: Vec<(Value, Value)>) -> Result<Vec<(Value, Value)>, String> {
    let mut places = HashMap::new();
    let mut kept: Vec<(Value, Value)> = Vec::new();
    for (key, value) in entries {
        match identity(&key)? {
            None => kept.push((key, value)),
            Some(identity) => match places.get(&identity) {
                Some(place) => {
                    let place: usize = *place;
                    kept[place].1 = value;
                }
                None => {
                    places.insert(identity, kept.len());
                    kept.push((key, value));
                }
            },
        }
    }
    Ok(kept)
}

/// Elements as a set keeps them: the first of equal ones.
pub fn set(items: Vec<Value>) -> Result<Vec<Value>, String> {
    let entries = items.into_iter().map(|item| (item, Value::None)).collect();
    Ok(dict(entries)?.into_iter().map(|(item, _)| item).collect())
}

/// What iterating over the argument of `set(...)` gives.
pub fn elements(argument: Value) -> Result<Vec<Value>, String> {
    match argument {
        Value::List(items) | Value::Tuple(items) | Value::Set(items) | Value::FrozenSet(items) => Ok(items),
        _ => Err("a set is written with a list, tuple or set of its elements".to_owned()),
    }
}

/// Bytes that are equal where Python's `==` on keys is true: `1`, `1.0` and `True` are one key. `None` for a key that
/// equals no other, which is what a NaN makes it.
fn identity(key: &Value) -> Result<Option<Vec<u8>>, String> {
    let unhashable = |name: &str| Err(format!("a {name} cannot be a key or an element of a set"));
    match key {
        Value::List(_) => unhashable("list"),
        Value::Dict(_) => unhashable("dict"),
        Value::Set(_) => unhashable("set"),
        Value::Bool(flag) => Ok(Some(Value::Int(Integer::from(i64::from(*flag))).canonical())),
        Value::Float(float) => Ok(real_identity(*float)),
        Value::Complex { real, imag } if *imag == 0.0 => Ok(real_identity(*real)),
        Value::Complex { real, imag } if real.is_nan() || imag.is_nan() => Ok(None),
        Value::Tuple(items) => Ok(joined(b"u", identities(items)?)),
        Value::FrozenSet(items) => Ok(identities(items)?.and_then(|mut parts| {
            parts.sort_unstable();
            joined(b"z", Some(parts))
        })),
        _ => Ok(Some(key.canonical())),
    }
}

fn real_identity(float: f64) -> Option<Vec<u8>> {
    if float.is_nan() {
        return None;
    }
    if float == 0.0 {
        return Some(Value::Int(Integer::from(0)).canonical());
    }
    // Integral floats print all their digits, and there are at most 309 of them.
    let integer = (float.fract() == 0.0).then(|| Integer::from_decimal(&format!("{float:.0}"))).flatten();
    Some(match integer {
        Some(integer) => Value::Int(integer).canonical(),
        None => Value::Float(float).canonical(),
    })
}

fn identities(items: &[Value]) -> Result<Option<Vec<Vec<u8>>>, String> {
    items.iter().map(identity).collect()
}

fn joined(tag: &[u8], parts: Option<Vec<Vec<u8>>>) -> Option<Vec<u8>> {
    let parts = parts?;
    let mut whole = tag.to_vec();
    for part in parts {
        whole.extend(part.len().to_string().bytes());
        whole.push(b':');
        whole.extend(part);
    }
    Some(whole)
}
