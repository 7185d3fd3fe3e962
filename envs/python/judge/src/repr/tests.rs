//! Spot checks; the bulk is in `literal::tests`, where CPython's own `repr` is compared.

use azr_guest_sdk::value::Integer;

use super::*;

#[test]
fn floats_switch_notation_where_python_does() {
    // python3 -c "print([1e15, 1e16, 123456789012345680.0, 0.0001, 0.00001, 1.5e-7, -0.0, 5e-324, 1e22, 1.7976931348623157e308])"
    let floats = [1e15, 1e16, 123456789012345680.0, 0.0001, 0.00001, 1.5e-7, -0.0, 5e-324, 1e22, f64::MAX];
    let printed = "[1000000000000000.0, 1e+16, 1.2345678901234568e+17, 0.0001, 1e-05, 1.5e-07, -0.0, 5e-324, 1e+22, \
                   1.7976931348623157e+308]";
    assert_eq!(repr(&Value::List(floats.map(Value::Float).to_vec())), printed);
}

#[test]
fn strings_are_quoted_and_escaped() {
    // python3 -c "print([ascii(s) ...])" agrees for all but the printable ones.
    for (text, printed) in [
        ("it's", "\"it's\""),
        ("\"", "'\"'"),
        ("'\"", "'\\'\"'"),
        ("a\\\n\r\t\0\x7f", "'a\\\\\\n\\r\\t\\x00\\x7f'"),
        ("é\u{a0}\u{ad}€\u{2028}\u{feff}😀\u{e0001}\u{10ffff}", "'é\\xa0\\xad€\\u2028\\ufeff😀\\U000e0001\\U0010ffff'"),
        // Assigned by Unicode 15 and 16: printable to CPython 3.14.
        ("\u{1fae8}\u{1c89}", "'\u{1fae8}\u{1c89}'"),
    ] {
        assert_eq!(repr(&Value::Str(text.into())), printed);
    }
    assert_eq!(repr(&Value::Bytes(b"it's \"\x00\xff\\".to_vec())), "b'it\\'s \"\\x00\\xff\\\\'");
}

#[test]
fn containers() {
    let one = || vec![Value::Int(Integer::from(1))];
    for (value, printed) in [
        (Value::Tuple(vec![]), "()"),
        (Value::Tuple(one()), "(1,)"),
        (Value::Set(vec![]), "set()"),
        (Value::Set(one()), "{1}"),
        (Value::FrozenSet(vec![]), "frozenset()"),
        (Value::FrozenSet(one()), "frozenset({1})"),
        (Value::Dict(vec![(Value::None, Value::Bool(true))]), "{None: True}"),
        (Value::Complex { real: 0.0, imag: -0.0 }, "-0j"),
        (Value::Complex { real: -0.0, imag: f64::NAN }, "(-0+nanj)"),
    ] {
        assert_eq!(repr(&value), printed);
    }
}
