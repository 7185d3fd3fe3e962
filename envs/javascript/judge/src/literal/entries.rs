//! What objects, maps and sets do with equal keys.

use std::collections::HashMap;

use azr_guest_sdk::value::Value;

/// Entries in the order of their first keys, each with its last value.
#[derive(Default)]
pub struct Entries {
    kept: Vec<(Value, Value)>,
    /// Where the entry of a key is, by its canonical bytes.
    places: HashMap<Vec<u8>, usize>,
}

impl Entries {
    /// Keys are equal as in ECMAScript 2025, 7.2.10 SameValueZero: every object is a key of its own.
    pub fn insert(&mut self, key: Value, value: Value) {
        let is_object = match &key {
            Value::List(_) | Value::Dict(_) | Value::Set(_) => true,
            // A map; `undefined` is empty.
            Value::Tuple(items) => !items.is_empty(),
            _ => false,
        };
        if !is_object {
            let place = *self.places.entry(key.canonical()).or_insert(self.kept.len());
            if let Some(entry) = self.kept.get_mut(place) {
                entry.1 = value;
                return;
            }
        }
        self.kept.push((key, value));
    }

    pub fn into_vec(self) -> Vec<(Value, Value)> {
        self.kept
    }
}
