//! Inputs that are expressions: a task keeps the literal of their value, an answer stays a literal.

use azr_sandbox::Outcome;
use serde_json::json;

use super::*;

fn body(task: &Task) -> serde_json::Value {
    serde_json::from_str(&task.body).unwrap()
}

/// Inputs as proposers write them, and what native CPython makes of the call.
#[test]
fn a_task_keeps_the_literals_of_its_input() {
    for (input, literal, output) in [
        ("range(6)", "[0, 1, 2, 3, 4, 5]", "[0, 1, 2, 3, 4, 5]"),
        ("'a' * 13", "'aaaaaaaaaaaaa'", "'aaaaaaaaaaaaa'"),
        ("dict(a=1)", "{'a': 1}", "{'a': 1}"),
        ("[int(4.5), 3]", "[4, 3]", "[4, 3]"),
        ("-2**31", "-2147483648", "-2147483648"),
        ("float('inf')", "inf", "inf"),
        ("a=[x * x for x in range(3)]", "a=[0, 1, 4]", "[0, 1, 4]"),
        ("1, 2", "1, 2", "1"),
        ("''.join(['A'] * 3)", "'AAA'", "'AAA'"),
    ] {
        let task = task("deduction", "def f(a, b=None):\n return a", input);
        assert_eq!(body(&task)["input"], literal, "{input}");
        assert_eq!(score(&task, output), 1.0, "{input}");
    }
    let induction = induction("def f(a):\n return len(a)", &["range(3)", "'a' * 4", "[0] * 5", "dict(a=1)"]).unwrap();
    assert_eq!(body(&induction)["inputs"], json!(["[0, 1, 2]", "'aaaa'", "[0, 0, 0, 0, 0]", "{'a': 1}"]));
    assert_eq!(score(&induction, "def f(x):\n return len(x)"), 1.0);
}

#[test]
fn what_has_no_value_is_refused_and_told_why() {
    for (input, why) in [
        ("lambda x: x", "a function (lambda) is no plain value"),
        ("len", "a function is no plain value"),
        ("list({'a', 'b'})", "it depends on the order of a set"),
        ("1 / 0", "division by zero"),
        ("'a' * 10**9", "a sequence that is too long"),
        ("__import__('os').getpid()", "expected a value, found `__import__`"),
    ] {
        let proposed = proposal("deduction", &[], format!("def f(a):\n return 1<input>{input}"));
        let rejection = validate(&compact(&[]), &[proposed]).remove(0).conclusion.unwrap_err();
        assert_eq!(rejection.code, "not-a-value", "{input}");
        assert!(rejection.message.contains(why), "{input}: {}", rejection.message);
    }
}

/// An expression could do the work that the solver is asked for.
#[test]
fn answers_stay_literals() {
    let deduction = task("deduction", "def f(a):\n return a * 3", "'ab'");
    assert_eq!([score(&deduction, "'ab' * 3"), score(&deduction, "'ababab'")], [0.0, 1.0]);
    let abduction = task("abduction", "def f(a):\n return sum(a)", "range(4)");
    assert_eq!([score(&abduction, "range(4)"), score(&abduction, "[6]")], [0.0, 1.0]);
}

/// Of published calls what cannot be computed stays as it is: it was run by whoever published it.
#[test]
fn published_calls_keep_literals_where_there_are_some() {
    let imported = |input: &str| {
        let line = json!({ "code": "def f(a, b=1):\n    return 1", "input": input, "output": "1", "score": null });
        // Python writes such lines.
        let line = line.to_string().replace("null", "NaN");
        body(&PYTHON.import_tasks(&compact(&[]), &[line]).remove(0).unwrap().unwrap())["input"].clone()
    };
    for (input, kept) in [
        ("dict(did=0), 'u'", "{'did': 0}, 'u'"),
        ("'b-c'.split('-'), 'n'", "['b', 'c'], 'n'"),
        ("[1,2], b = 3", "[1,2], b = 3"),
        ("[0, 3], lambda x: x < 2", "[0, 3], lambda x: x < 2"),
        ("known[:], 3", "known[:], 3"),
    ] {
        assert_eq!(imported(input), kept, "{input}");
    }
}

/// What a CPython with words of 64 bits says.
#[test]
fn numbers_have_64_bits() {
    for (program, input, expected) in [
        ("import sys\ndef f(a):\n return min(a, sys.maxsize)", "5000000000", "5000000000"),
        ("def f(a):\n return len(range(a))", "3000000000", "3000000000"),
        (
            "from bisect import bisect_left\ndef f(a):\n return bisect_left(range(10**10), a, key=lambda x: x * x)",
            "49",
            "7",
        ),
        (
            "def f(a):\n return hash(a), hash((a, 2)), hash(0.5)",
            "123456789012",
            "(123456789012, 5594374276752767780, 1152921504606846976)",
        ),
        ("from array import array\ndef f(a):\n return array('l', [a])[0]", "3000000000", "3000000000"),
        ("from itertools import islice\nimport sys\ndef f(a):\n return list(islice(a, sys.maxsize))", "[1]", "[1]"),
    ] {
        assert_eq!(value(program, input), expected, "{program}");
    }
    let refused = outcome("def f(a):\n return 'x' * a", "10**12");
    assert!(matches!(&refused, Outcome::Refused(why) if why.contains("32-bit words")), "{refused:?}");
    assert_eq!(propose("deduction", "import sys\ndef f(a):\n return sys.getsizeof(a)", "1").unwrap_err(), "thrown");
}
