//! Vectors by hand, with the clauses of ECMAScript 2025 that they follow.

use super::*;
use crate::print::print;

fn read(text: &str) -> String {
    match parse(text) {
        Ok(value) => print(&value),
        Err(error) => error.to_string(),
    }
}

/// What is read prints as on the right, and that reads as the same value.
#[test]
fn literals() {
    for (text, printed) in [
        // 12.9.3 Numeric Literals
        ("1.0", "1"),
        ("0xFF", "255"),
        ("0b101", "5"),
        ("0O17", "15"),
        ("1_000", "1000"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1E+2", "100"),
        ("0x20000000000001", "9007199254740992"),
        ("9007199254740993", "9007199254740992"),
        ("1e400", "Infinity"),
        ("-Infinity", "-Infinity"),
        ("+1", "1"),
        ("- 1", "-1"),
        ("-0", "-0"),
        ("NaN", "NaN"),
        ("-NaN", "NaN"),
        ("10n", "10n"),
        ("-0n", "0n"),
        ("0xffn", "255n"),
        // 12.9.4 String Literals, 12.9.6 Template Literal Lexical Components
        (r"'a'", r#""a""#),
        (r#"'"'"#, r#""\"""#),
        (r"'\x41\u0042\u{1F600}'", "\"AB\u{1F600}\""),
        (r"'\uD83D\uDE00'", "\"\u{1F600}\""),
        (r"'\0\b\v\q'", "\"\\u0000\\b\\u000bq\""),
        ("'a\\\nb'", r#""ab""#),
        ("`a\r\nb`", r#""a\nb""#),
        ("`$ {}`", r#""$ {}""#),
        // 13.2.4 Array Initializer, 13.2.5 Object Initializer
        ("[1, [], 'x',]", r#"[1, [], "x"]"#),
        // 10.1.11.1 OrdinaryOwnPropertyKeys; Node 20 lists them so.
        (
            "{b: 1, 4294967295: 1, 4294967294: 1, 2: 1, a: 1, 1: 1, '01': 1}",
            r#"{1: 1, 2: 1, "4294967294": 1, b: 1, "4294967295": 1, a: 1, "01": 1}"#,
        ),
        ("{a: 1, 'b': 2, 3: 4, 'c d': 5, 1.50: 6, }", r#"{3: 4, a: 1, b: 2, "c d": 5, "1.5": 6}"#),
        ("{a: 1, b: 2, a: 3}", "{a: 3, b: 2}"),
        ("{null: 1, '': 2, '007': 3}", r#"{null: 1, "": 2, "007": 3}"#),
        ("({a: (1)})", "{a: 1}"),
        ("undefined", "undefined"),
        (" /* a */ null // b", "null"),
        // 24.1 Map Objects, 24.2 Set Objects: keys by SameValueZero
        ("new Set([1, 1.0, '1', 0, -0, NaN, NaN, [], []])", r#"new Set([1, "1", 0, NaN, [], []])"#),
        ("new Map([['a', 1], ['b', 2], ['a', 3]])", r#"new Map([["a", 3], ["b", 2]])"#),
        ("new Set( )", "new Set()"),
        ("new Map([])", "new Map()"),
    ] {
        assert_eq!(read(text), printed, "{text}");
        assert_eq!(parse(text), parse(printed), "{text}");
    }
}

#[test]
fn what_is_no_literal_is_refused_with_its_place() {
    for (text, refusal) in [
        ("", "line 1, column 1: expected a value, found the end"),
        ("x", "line 1, column 1: expected a value, found `x`"),
        ("f(1)", "line 1, column 1: expected a value, found `f`"),
        ("1 + 2", "line 1, column 3: expected the end, found `+`"),
        ("1, 2", "line 1, column 2: expected the end, found `,`"),
        ("--1", "line 1, column 1: an operator: write the value, not an expression"),
        ("-x", "line 1, column 1: an operator: write the value, not an expression"),
        ("+1n", "line 1, column 1: a plus sign cannot stand before a bigint"),
        ("010", "line 1, column 1: a number with a leading zero"),
        ("1__0", "line 1, column 1: a separator that is not between two digits"),
        ("0x", "line 1, column 1: a number with a base, without digits or with more than 128 bits"),
        ("1e", "line 1, column 1: digits that make no number"),
        ("3px", "line 1, column 1: digits that make no number"),
        (".", "line 1, column 1: expected a value, found `.`"),
        ("1.5n", "line 1, column 1: digits that make no number"),
        ("'a", "line 1, column 1: a string that does not end"),
        ("'a\nb'", "line 1, column 1: a string that does not end on its line"),
        (r"'\ud800'", "line 1, column 1: a string with a lone surrogate"),
        (r"'\u{110000}'", "line 1, column 2: an escape that is no character"),
        (r"'\u12'", "line 1, column 2: an escape without its 4 digits"),
        (r"'\07'", "line 1, column 2: an octal escape"),
        ("`${1}`", "line 1, column 2: a substitution is an expression, not a literal"),
        ("[1,,2]", "line 1, column 4: expected a value, found `,`"),
        ("[...'ab']", "line 1, column 2: expected a value, found `.`"),
        ("{a}", "line 1, column 3: expected `:`, found `}`"),
        ("{[1]: 2}", "line 1, column 2: expected a key, found `[`"),
        ("{a() {}}", "line 1, column 3: expected `:`, found `(`"),
        ("{\n \"__proto__\": null}", "line 2, column 2: `__proto__` sets the prototype of an object"),
        ("{1n: 2}", "line 1, column 2: a bigint as a key; put it in quotes"),
        ("new Date()", "line 1, column 1: `new` is for Map and Set only"),
        ("new Map([1])", "line 1, column 1: an entry of a Map that is no pair"),
        ("new Set('ab')", "line 1, column 9: expected `)`, found `\\'`"),
        ("/* a", "line 1, column 1: a comment that does not end"),
        ("/a/", "line 1, column 1: expected a value, found `/`"),
        ("１", "line 1, column 1: expected a value, found `１`"),
        ("() => 1", "line 1, column 2: expected a value, found `)`"),
    ] {
        assert_eq!(read(text), refusal, "{text}");
    }
    assert!(read(&"[".repeat(5000)).contains("nested more than"));
}

/// 6.1.6.1.20 Number::toString: the notation follows from the position of the point.
#[test]
fn numbers_print_as_the_language_prints_them() {
    for (text, printed) in [
        ("0", "0"),
        ("123456789", "123456789"),
        ("0.1", "0.1"),
        ("123.456", "123.456"),
        ("1e20", "100000000000000000000"),
        ("123456789012345680000", "123456789012345680000"),
        ("1e21", "1e+21"),
        ("1.5e300", "1.5e+300"),
        ("0.000001", "0.000001"),
        ("0.0000015", "0.0000015"),
        ("0.0000001", "1e-7"),
        ("-1.25e-9", "-1.25e-9"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("4294967296", "4294967296"),
    ] {
        assert_eq!(read(text), printed, "{text}");
    }
}

#[test]
fn arguments() {
    let count = |text| parse_arguments(text).map(|arguments| arguments.positional.len());
    assert_eq!(count(""), Ok(0));
    assert_eq!(count("// nothing"), Ok(0));
    assert_eq!(count("1, {a: 2}, 'x',"), Ok(3));
    for text in [",", "1 2", "a = 1", "...[1]", "1) || (1"] {
        assert!(parse_arguments(text).is_err(), "{text}");
    }
}

/// What no value of JavaScript is encoded as does not read back, so that no task holds it.
#[test]
fn foreign_values_are_no_literals() {
    for encoded in [&b"b1:x"[..], b"z0:", b"c00000000000000000000000000000000", b"u1:n", b"m1:nn", b"u2:nn", b"e2:tt"] {
        let value = Value::decode(encoded).unwrap_or_else(|error| panic!("{error}"));
        assert_ne!(parse(&print(&value)).as_ref(), Ok(&value), "{}", print(&value));
    }
}
