//! The judge of the Python environment: coding tasks over Python programs. The executor is CPython.

mod expression;
pub mod literal;
mod parameters;
mod renamed;
pub mod repr;
#[cfg(test)]
mod tests;

use azr_guest_sdk::value::Value;
use azr_guest_sdk::{Limits, Style};
use coding_judge::{Arguments, Judge, Language, NotAValue, Parameter, Raising, Sample, Wording};

/// The language.
pub struct Python;

/// The environment.
pub type PythonJudge = Judge<Python>;

impl Language for Python {
    const NAME: &'static str = "python";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const HAS_BENCHMARKS: bool = true;
    const LIMITS: Limits = Limits {
        // About a second of work; a trivial run takes less than a thousandth of it.
        run_fuel: 1_000_000_000,
        // An idle interpreter has 20 MiB; the rest is the program's.
        run_memory_max_bytes: 128 << 20,
        // A dozen values of the largest size that the executor returns.
        run_output_max_bytes: 1 << 20,
    };
    const WORDING: Wording = WORDING;
    const PROGRAM_LABELS: &'static [&'static str] = &["python", "python3", "py"];
    const COMMENT: &'static str = "#";
    /// It has another hash seed.
    const SECOND_EXECUTOR: u32 = 1;
    const SEED_INPUTS: &'static [&'static str] = &[
        "'Hello world'",
        "1",
        "{'a': 1, 'b': 2}",
        "(1.1, 1.2, 1.3)",
        "'[[1, 0], [0, 0]]'",
        "1001101100010001",
        "[3, 1, 2]",
        "None",
        "True",
        "2.5",
        "'a b'",
        "{1, 2}",
    ];

    const SAMPLES: &'static [Sample] = SAMPLES;
    const RAISING: &'static [Raising] = &[
        Raising { program: "def f(a):\n return {1: 2}[a]", input: "3", exception: "KeyError" },
        Raising { program: "def f(a):\n return a + 'x'", input: "3", exception: "TypeError" },
        Raising { program: "def f(a):\n return a.upper()", input: "3", exception: "AttributeError" },
    ];
    const MEASURING: Option<&'static str> = Some(include_str!("measure.py"));
    const COMPOSITION: Option<&'static str> = Some(include_str!("composition.py"));
    /// The built-in exceptions below `Exception`, without warnings and without those of the operating system, of memory and
    /// nesting, of syntax and of the interpreter itself.
    const EXCEPTIONS: &'static [&'static str] = &[
        "ArithmeticError",
        "AssertionError",
        "AttributeError",
        "BufferError",
        "EOFError",
        "Exception",
        "ExceptionGroup",
        "FloatingPointError",
        "ImportError",
        "IndexError",
        "KeyError",
        "LookupError",
        "ModuleNotFoundError",
        "NameError",
        "NotImplementedError",
        "OverflowError",
        "ReferenceError",
        "RuntimeError",
        "StopAsyncIteration",
        "StopIteration",
        "TypeError",
        "UnboundLocalError",
        "UnicodeDecodeError",
        "UnicodeEncodeError",
        "UnicodeError",
        "UnicodeTranslateError",
        "ValueError",
        "ZeroDivisionError",
    ];

    fn identity(style: Style) -> &'static str {
        match style {
            Style::Instruct => "def f(a):\n    return a",
            Style::Compact => "def f(a):\n return a",
        }
    }

    fn parse(text: &str) -> Result<Value, NotAValue> {
        literal::parse(text)
    }

    fn parse_arguments(text: &str) -> Result<Arguments, NotAValue> {
        literal::parse_arguments(text)
    }

    fn evaluate_arguments(text: &str) -> Result<Arguments, NotAValue> {
        literal::parse_arguments(text).or_else(|not_literal| expression::arguments(text).unwrap_or(Err(not_literal)))
    }

    fn with_functions(program: &str, arguments: &str) -> Option<String> {
        expression::have_functions(arguments).then(|| {
            let text = Value::Str(format!("(lambda *a, **k: (a, k))({arguments})"));
            format!("{program}\n{}", WITH_FUNCTIONS.replace("TEXT", &repr::repr(&text)))
        })
    }

    fn parameters(program: &str) -> Option<Vec<Parameter>> {
        parameters::of_f(program)
    }

    fn renamed(program: &str, name: &str) -> Option<String> {
        renamed::renamed(program, name)
    }

    fn print(value: &Value) -> String {
        repr::repr(value)
    }
}

/// Arguments are evaluated anew for each call, and see no name of the program.
const WITH_FUNCTIONS: &str = "
_program = f
def f(*arguments, **keywords):
    if not arguments and not keywords:
        arguments, keywords = eval(TEXT, {})
    return _program(*arguments, **keywords)";

const SAMPLES: &[Sample] = &[
    Sample { program: "def f(a):\n return a + 41", calls: [("1", "42"), ("2", "43"), ("10", "51"), ("100", "141")] },
    Sample {
        program: "def f(a):\n return str(a) * 3",
        calls: [("1", "'111'"), ("2", "'222'"), ("10", "'101010'"), ("45", "'454545'")],
    },
    Sample {
        program: "def f(a):\n # squares\n return [a, a * a]",
        calls: [("3", "[3, 9]"), ("4", "[4, 16]"), ("10", "[10, 100]"), ("12", "[12, 144]")],
    },
    Sample {
        program: "def f(a):\n return {'n': a, 'even': a % 2 == 0}",
        calls: [
            ("3", "{'n': 3, 'even': False}"),
            ("4", "{'n': 4, 'even': True}"),
            ("9", "{'n': 9, 'even': False}"),
            ("13", "{'n': 13, 'even': False}"),
        ],
    },
    Sample {
        program: "def f(a):\n total = 0\n for n in range(a):\n  total += n * n\n return total",
        calls: [("5", "30"), ("6", "55"), ("10", "285"), ("11", "385")],
    },
];

const WORDING: Wording = Wording {
    language: "Python",
    label: "python",
    code_rules: "\
- The entry function is called `f`. It takes at least one argument and returns its result. Helper functions, nested \
functions and classes are welcome.
- Arguments and result are plain values: None, bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, in any \
combination.
- The result depends on the arguments alone: the same call gives the same result every time, in every process. Do not rely on \
the order of sets of strings, on addresses, or on anything kept from earlier calls.
- No randomness, no date or time, no files or network, no processes or threads, no printing or logging, no state outside \
of the program.
- It finishes within a second on a modern CPU.
- These modules can be imported, others cannot: abc, array, ast, base64, binascii, bisect, cmath, collections, contextlib, \
copy, dataclasses, decimal, difflib, enum, fractions, functools, graphlib, heapq, html, io, itertools, json, math, numbers, operator, \
pprint, re, statistics, string, struct, sys, textwrap, types, typing, unicodedata, zlib. Put imports at the top.",
    opening: "def f(",
    assertion: "assert ",
    equals: "==",
    frame: "def f(a):\n    # code\n    return result",
    how_to_print: "as Python's `repr` would print it, in an ```output block: strings in quotes, several values as a tuple",
    exceptions: "a built-in exception such as ValueError, IndexError or ZeroDivisionError",
};

azr_guest_sdk::export!(PythonJudge);
