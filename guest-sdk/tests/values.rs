//! The published vectors, and properties of the encoding.

use azr_guest_sdk::value::{Integer, NESTING_MAX, Value};

const VECTORS: &str = include_str!("../vectors/values.txt");

/// Bytes as the vectors write them.
fn bytes(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().expect("split gives one part at least").as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("two hexadecimal digits"));
        bytes.extend(&part.as_bytes()[2..]);
    }
    bytes
}

fn vectors() -> impl Iterator<Item = Vec<&'static str>> {
    VECTORS.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

#[test]
fn published_vectors() {
    let mut count = 0;
    for vector in vectors().filter(|vector| vector[0] != "!") {
        let [text, encoding, canonical] = vector[..] else { panic!("{vector:?} has other than three columns") };
        let value = Value::decode(&bytes(encoding)).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(value.encode(), bytes(encoding), "{text}");
        assert_eq!(value.canonical(), bytes(canonical), "{text}");
        assert_eq!(Value::decode(&bytes(canonical)).as_ref(), Ok(&value), "{text}");
        count += 1;
    }
    assert!(count > 60, "only {count} vectors were read");
}

#[test]
fn malformed_bytes_are_refused() {
    for vector in vectors().filter(|vector| vector[0] == "!") {
        assert!(Value::decode(&bytes(vector[1])).is_err(), "{vector:?}");
    }
}

#[test]
fn types_are_told_apart() {
    let one = [
        Value::Bool(true),
        Value::Int(Integer::from(1)),
        Value::Float(1.0),
        Value::Complex { real: 1.0, imag: 0.0 },
        Value::Str("1".into()),
        Value::Bytes(b"1".into()),
    ];
    for (index, a) in one.iter().enumerate() {
        for (other, b) in one.iter().enumerate() {
            assert_eq!(a == b, index == other, "{a:?} {b:?}");
        }
    }
    let items = || vec![Value::None];
    let containers = [Value::List(items()), Value::Tuple(items()), Value::Set(items()), Value::FrozenSet(items())];
    for (index, a) in containers.iter().enumerate() {
        for (other, b) in containers.iter().enumerate() {
            assert_eq!(a == b, index == other, "{a:?} {b:?}");
        }
    }
}

#[test]
fn order_counts_in_lists_only() {
    let numbers = |order: [i64; 3]| order.map(|number| Value::Int(Integer::from(number))).to_vec();
    assert_ne!(Value::List(numbers([1, 2, 3])), Value::List(numbers([3, 2, 1])));
    assert_eq!(Value::Set(numbers([1, 2, 3])), Value::Set(numbers([3, 2, 1])));
    let dict = |order| Value::Dict(numbers(order).into_iter().map(|key| (key.clone(), key)).collect());
    assert_eq!(dict([1, 2, 3]), dict([2, 3, 1]));
    assert_ne!(dict([1, 2, 3]), dict([1, 2, 4]));
    // Multisets: a NaN may be an element twice.
    let nans = |count| Value::Set(vec![Value::Float(f64::NAN); count]);
    assert_eq!(nans(2), nans(2));
    assert_ne!(nans(1), nans(2));
}

#[test]
fn zeros_and_nans_are_equal() {
    assert_eq!(Value::Float(0.0), Value::Float(-0.0));
    assert_eq!(Value::Float(f64::NAN), Value::Float(-f64::NAN));
    assert_ne!(Value::Float(f64::INFINITY), Value::Float(f64::NEG_INFINITY));
}

#[test]
fn nesting_is_limited() {
    let nested = |depth| [b"l1:".repeat(depth), b"n".to_vec()].concat();
    assert!(Value::decode(&nested(NESTING_MAX)).is_ok());
    assert!(Value::decode(&nested(NESTING_MAX + 1)).is_err());
    assert!(Value::decode(&nested(1_000_000)).is_err());
}

#[test]
fn integers_have_one_spelling() {
    for refused in ["", "-", "+1", "01", "-0", "00", " 1", "1 ", "1_0", "0x1", "１"] {
        assert_eq!(Integer::from_decimal(refused), None, "{refused:?}");
    }
    assert_eq!(Integer::from_decimal("-5"), Some(Integer::from(-5)));
    assert!(Integer::from_decimal(&"9".repeat(4300)).is_some());
    assert_eq!(Integer::from_decimal(&"9".repeat(4301)), None);
}

/// Every truncation and every changed byte of every vector is decoded or refused; what is decoded encodes to itself.
#[test]
fn damaged_bytes_never_panic() {
    for vector in vectors().filter(|vector| vector[0] != "!") {
        let original = bytes(vector[1]);
        for at in 0..original.len() {
            let _ = Value::decode(&original[..at]);
            for replacement in *b"n:;09-lumezsbidc\xff\x00" {
                let mut damaged = original.clone();
                damaged[at] = replacement;
                if let Ok(value) = Value::decode(&damaged) {
                    assert_eq!(value.encode(), damaged);
                }
            }
        }
    }
}
