//! The parser against CPython's: vectors made by `vectors/make_literals.py`, and what is accepted beyond it.

use azr_guest_sdk::value::Integer;

use super::*;
use crate::repr::repr;

const ORACLE: &str = include_str!("../../vectors/literals.jsonl");
const VALUES: &str = include_str!("../../../../../guest-sdk/vectors/values.txt");

/// Bytes as the vectors write them.
fn escaped(bytes: &[u8]) -> String {
    let escape = |byte: &u8| match byte {
        b'\\' => "\\x5c".to_owned(),
        33..=126 => char::from(*byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    bytes.iter().map(escape).collect()
}

fn int(number: i64) -> Value {
    Value::Int(Integer::from(number))
}

#[test]
fn agrees_with_literal_eval_and_repr() {
    let (mut accepted, mut refused, mut failures) = (0, 0, Vec::new());
    for line in ORACLE.lines() {
        let row: Vec<Option<String>> = serde_json::from_str(line).expect("each line is a JSON array");
        let text = row[0].as_deref().expect("the text is never null");
        let value = parse(text);
        match (&row[1..], value) {
            ([], Err(_)) => refused += 1,
            ([Some(encoding), printed], Ok(value))
                if escaped(&value.canonical()) == *encoding
                    && printed.as_ref().is_none_or(|printed| repr(&value) == *printed)
                    && parse(&repr(&value)).as_ref() == Ok(&value) =>
            {
                accepted += 1;
            }
            (expected, value) => failures.push(format!("{text:?}: {value:?}, expected {expected:?}")),
        }
    }
    assert!(failures.is_empty(), "{} differ\n{}", failures.len(), failures.join("\n"));
    assert!(accepted > 1300 && refused > 1200, "{accepted} accepted, {refused} refused");
}

#[test]
fn reads_the_published_values() {
    // The remaining expressions are arithmetic, which no literal is.
    let literals = VALUES
        .lines()
        .filter(|line| !line.starts_with(['#', '!']) && !line.contains("**") && !line.contains("complex("));
    for line in literals {
        let [text, encoding, _] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let value = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        // The vectors hold sets in the order of the process that wrote them.
        match text.contains('{') {
            true => assert_eq!(parse(&repr(&value)), Ok(value)),
            false => assert_eq!(escaped(&value.encode()), encoding, "{text}"),
        }
    }
}

#[test]
fn accepts_what_repr_prints_without_being_a_literal() {
    for text in [
        "nan",
        "inf",
        "-inf",
        "infj",
        "(nan+infj)",
        "(-inf-nanj)",
        "frozenset()",
        "frozenset({1, (2,)})",
        "[nan, {nan}]",
    ] {
        let value = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(parse(&repr(&value)), Ok(value), "{text}");
    }
    for (text, same) in [
        ("float('nan')", "nan"),
        ("float( \"-Infinity\" )", "-inf"),
        ("-float('inf')", "-inf"),
        ("set([1, 2, 1])", "{1, 2}"),
        ("frozenset((1,))", "frozenset({1})"),
        ("1,\n2", "(1, 2)"),
        ("1 # one\n, # two", "(1,)"),
        ("--1", "1"),
        ("(1)", "1"),
        ("'a' # first\n'b'", "'ab'"),
        ("\n [\r\n1\r\n]\r\n", "[1]"),
    ] {
        assert_eq!(parse(text), parse(same), "{text}");
        assert!(parse(text).is_ok(), "{text}");
    }
}

#[test]
fn refuses_expressions_with_their_place() {
    for (text, line, column, reason) in [
        ("1 + 2", 1, 3, "an operator"),
        ("[1,\n  x]", 2, 3, "expected a value, found `x`"),
        ("gold_output", 1, 1, "expected a value, found `gold_output`"),
        ("__import__('os')", 1, 1, "`__import__`"),
        ("f'{1}'", 1, 1, "f-string"),
        ("[i for i in (1,)]", 1, 2, "found `i`"),
        ("1 if True else 2", 1, 3, "expected the end, found `if`"),
        ("{[1]: 2}", 1, 2, "a list cannot be a key"),
        ("{{}}", 1, 2, "a dict cannot be"),
        ("'\\ud800'", 1, 2, "a lone surrogate"),
        ("'\\N{DIGIT ONE}'", 1, 2, "not supported"),
        ("float('1.5')", 1, 7, "nan and inf only"),
        ("set({1: 2})", 1, 5, "a set is written"),
        ("*[1]", 1, 1, "expected a value, found `*`"),
        ("1)", 1, 2, "expected the end, found `)`"),
        ("", 1, 1, "expected a value, found the end"),
        ("(1", 1, 3, "`,` or `)`"),
        ("'abc", 1, 1, "does not end"),
        ("lambda: 1", 1, 1, "`lambda`"),
        ("１", 1, 1, "expected a value"),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!((error.line, error.column), (line, column), "{text}: {error}");
        assert!(error.reason.contains(reason), "{text}: {error}");
    }
}

#[test]
fn limits_protect_the_stack_and_the_clock() {
    for open in ["[", "(", "{1:", "((", "-", "frozenset("] {
        let _ = parse(&open.repeat(200_000));
    }
    assert!(parse(&format!("{}{}", "[".repeat(100), "]".repeat(100))).is_ok());
    assert!(parse(&format!("{}{}", "[".repeat(102), "]".repeat(102))).is_err());
    assert!(parse(&"9".repeat(4300)).is_ok());
    assert!(parse(&"9".repeat(4301)).is_err());
    assert!(parse(&format!("0x{}", "f".repeat(100_000))).is_err());
}

#[test]
fn arguments() {
    let keyword = |name: &str, value| (name.to_owned(), value);
    for (text, positional, keywords) in [
        ("", vec![], vec![]),
        (" # nothing\n", vec![], vec![]),
        ("1", vec![int(1)], vec![]),
        ("1,", vec![int(1)], vec![]),
        ("1, # one\n (2,),\n", vec![int(1), Value::Tuple(vec![int(2)])], vec![]),
        ("1, b=2, c = [3]", vec![int(1)], vec![keyword("b", int(2)), keyword("c", Value::List(vec![int(3)]))]),
        ("nan=1", vec![], vec![keyword("nan", int(1))]),
    ] {
        assert_eq!(parse_arguments(text), Ok(Arguments { positional, keyword: keywords }), "{text:?}");
    }
    for refused in [
        "1 2",
        ",",
        "1,,2",
        "a=1, 2",
        "a=1, a=2",
        "if=1",
        "*[1]",
        "**{}",
        "1) or True or (1",
        "1)#",
        "a==1",
        "1=2",
        "x",
    ] {
        assert!(parse_arguments(refused).is_err(), "{refused:?}");
    }
}

#[test]
fn arguments_print_as_they_are_read() {
    for text in ["1, [2, 3], k='v', l=(4,)", "''", "{'a': None}, x={1, 2}", "nan, -0.0, (1+2j)"] {
        let arguments = parse_arguments(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(arguments.print::<crate::Python>(), text);
    }
    let canonical = |text| parse_arguments(text).map(|arguments| arguments.canonical());
    assert_eq!(canonical("1, b=2, a={1, 2}"), canonical("1, a={2, 1}, b=2"));
    assert_ne!(canonical("1, 2"), canonical("2, 1"));
}
