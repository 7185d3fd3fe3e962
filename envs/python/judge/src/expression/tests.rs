//! The evaluator against CPython's `eval`: vectors made by `vectors/make_expressions.py`, and what is refused.

use super::*;
use crate::repr::repr;

/// Each line is a text and what CPython's `repr` prints of its value.
const ORACLE: &str = include_str!("../../vectors/expressions.jsonl");

fn evaluated(text: &str) -> Result<String, String> {
    match arguments(text) {
        None => Err("no expression".into()),
        Some(Err(error)) => Err(error.reason),
        Some(Ok(arguments)) => {
            let keyword = arguments.keyword.iter().map(|(name, value)| format!("{name}={}", repr(value)));
            Ok(arguments.positional.iter().map(repr).chain(keyword).collect::<Vec<_>>().join(", "))
        }
    }
}

#[test]
fn values_are_those_of_cpython() {
    let read = |line| -> [String; 2] { serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")) };
    let vectors: Vec<[String; 2]> = ORACLE.lines().map(read).collect();
    assert!(vectors.len() > 500, "only {} expressions were read", vectors.len());
    let mut different = String::new();
    for [text, expected] in vectors {
        let found = evaluated(&text);
        if found.as_ref() != Ok(&expected) {
            different += &format!("{text}: expected {expected}, found {found:?}\n");
        }
    }
    assert!(different.is_empty(), "\n{different}");
}

#[test]
fn what_is_no_value_is_refused_with_the_reason() {
    for (text, reason) in [
        ("lambda x: x < 2", "a function (lambda) is no plain value"),
        ("[1, 2], (lambda x: x.reverse())", "a function (lambda) is no plain value"),
        ("len", "a function is no plain value"),
        ("[1].copy", "a function is no plain value"),
        ("().__class__", "a function is no plain value"),
        ("list({'a', 'b'})", "it depends on the order of a set"),
        ("str({1, 2})", "it depends on the order of a set"),
        ("[x for x in {1, 2}]", "it depends on the order of a set"),
        ("1 // 0", "division by zero"),
        ("[1][3]", "an index out of range"),
        ("'a' * 10**9", "a sequence that is too long"),
        ("10 ** 5000", "an integer of too many digits"),
        ("2 ** 10**9", "an integer of too many digits"),
        ("range(10**9)", "a range that is too long to be written as a list"),
        ("2.5 ** 0.5", "`**` of floats; write the value"),
        ("1 < 'a'", "a int and a str have no order here"),
        (
            "[[x for x in range(500)] for y in range(500)]",
            "an expression whose value is too large, or takes too long to compute",
        ),
        ("1 is 1", "`is` compares addresses"),
        ("set(range(9000)) & set(range(9000))", "values that are too large to be compared"),
        ("set(range(9000)) == set(range(9000))", "values that are too large to be compared"),
        ("list(range(9000)).count(list(range(9000)))", "values that are too large to be compared"),
        ("('a' * 40000).replace('', 'b' * 40000)", "a text that is too long"),
        ("('a' * 9000).join('b' * 9000)", "a text that is too long"),
        ("'1'.zfill(10**9)", "a text that is too long"),
        ("sum([[1]] * 20000, [])", "a sum of too many lists"),
    ] {
        assert_eq!(evaluated(text), Err(reason.into()), "{text}");
    }
}

#[test]
fn other_texts_are_no_expressions() {
    for text in [
        "x",
        "f(1)",
        "__import__('os')",
        "open('x')",
        "eval('1')",
        "1 +",
        "(1",
        "a=1, a=2",
        "a=1, 2",
        "*[1]",
        "**{}",
        "1; 2",
        "f'{1}'",
        "x := 1",
        "type(1)",
        "print(1)",
        "[].append(1)",
        "1 if 2",
        "[x for x]",
        "import os",
        "globals()",
        "1 2",
        "a = = 1",
    ] {
        assert_eq!(evaluated(text), Err("no expression".into()), "{text}");
    }
    let deep = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
    let signs = format!("{}1", "- ".repeat(20_000));
    let chains = ["1+", "2**", "not ", "1 if 1 else ", "lambda: ", "1 <", "1 and ", "~", "1,"]
        .map(|part| part.repeat(20_000) + "1");
    let trailers = ["[0]", "()", ".x", ".copy()"].map(|trailer| format!("1{}", trailer.repeat(10_000)));
    for text in chains.into_iter().chain(trailers).chain([deep, signs, "[".repeat(60_000), "[1 for x in ".repeat(5000)])
    {
        assert!(evaluated(&text).is_err() || text.contains("1,") || text.contains('<') || text.contains("and"));
    }
}
