//! The judge of the JavaScript environment: coding tasks over JavaScript programs. The executor is Boa.
//!
//! Which values there are, and how they are encoded, is described in `envs/javascript/executor/src/values.rs`.

pub mod literal;
pub mod print;

use azr_guest_sdk::value::Value;
use azr_guest_sdk::{Limits, Style};
use coding_judge::{Arguments, Judge, Language, NotAValue, Raising, Sample, Wording};

/// The language.
pub struct JavaScript;

/// The environment.
pub type JavaScriptJudge = Judge<JavaScript>;

impl Language for JavaScript {
    const NAME: &'static str = "javascript";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const LIMITS: Limits = Limits {
        // About half a second of work; a trivial run takes 250,000.
        run_fuel: 2_000_000_000,
        // The engine has 20 MiB, most of it stack; the rest is the program's.
        run_memory_max_bytes: 128 << 20,
        // A dozen values of the largest size that the executor returns.
        run_output_max_bytes: 1 << 20,
    };
    const WORDING: Wording = WORDING;
    const PROGRAM_LABELS: &'static [&'static str] = &["javascript", "js"];
    const COMMENT: &'static str = "//";
    /// There is one only: nothing of the engine depends on a seed.
    const SECOND_EXECUTOR: u32 = 0;
    const SEED_INPUTS: &'static [&'static str] = &[
        r#""Hello world""#,
        "1",
        "{a: 1, b: 2}",
        "[1.1, 1.2, 1.3]",
        r#""[[1, 0], [0, 0]]""#,
        "1001101100010001",
        "[3, 1, 2]",
        "null",
        "true",
        "2.5",
        r#""a b""#,
        "new Set([1, 2])",
    ];

    const SAMPLES: &'static [Sample] = SAMPLES;
    const RAISING: &'static [Raising] = &[
        Raising { program: "function f(a) {\n return a + b;\n}", input: "3", exception: "ReferenceError" },
        Raising { program: "function f(a) {\n return JSON.parse(a);\n}", input: "\"{\"", exception: "SyntaxError" },
        Raising { program: "function f(a) {\n return decodeURI(a);\n}", input: "\"%\"", exception: "URIError" },
    ];
    const MEASURING: Option<&'static str> = None;
    const COMPOSITION: Option<&'static str> = None;
    /// By the `name` of what is thrown.
    const EXCEPTIONS: &'static [&'static str] = &[
        "AggregateError",
        "Error",
        "EvalError",
        "RangeError",
        "ReferenceError",
        "SyntaxError",
        "TypeError",
        "URIError",
    ];

    fn identity(style: Style) -> &'static str {
        match style {
            Style::Instruct => "function f(a) {\n  return a;\n}",
            Style::Compact => "function f(a) {\n return a;\n}",
        }
    }

    fn parse(text: &str) -> Result<Value, NotAValue> {
        literal::parse(text)
    }

    fn parse_arguments(text: &str) -> Result<Arguments, NotAValue> {
        literal::parse_arguments(text)
    }

    /// Nothing here reads programs, so no program is given to others.
    fn renamed(_: &str, _: &str) -> Option<String> {
        None
    }

    fn print(value: &Value) -> String {
        print::print(value)
    }
}

const SAMPLES: &[Sample] = &[
    Sample {
        program: "function f(a) {\n return a + 41;\n}",
        calls: [("1", "42"), ("2", "43"), ("10", "51"), ("100", "141")],
    },
    Sample {
        program: "const f = (a) => String(a).repeat(3);",
        calls: [("1", "\"111\""), ("2", "\"222\""), ("10", "\"101010\""), ("45", "\"454545\"")],
    },
    Sample {
        program: "function f(a) {\n // squares\n return [a, a * a];\n}",
        calls: [("3", "[3, 9]"), ("4", "[4, 16]"), ("10", "[10, 100]"), ("12", "[12, 144]")],
    },
    Sample {
        program: "function f(a) {\n return {n: a, even: a % 2 === 0};\n}",
        calls: [
            ("3", "{n: 3, even: false}"),
            ("4", "{n: 4, even: true}"),
            ("9", "{n: 9, even: false}"),
            ("13", "{n: 13, even: false}"),
        ],
    },
    Sample {
        program: "function f(a) {\n let total = 0;\n for (let n = 0; n < a; n++) total += n * n;\n return total;\n}",
        calls: [("5", "30"), ("6", "55"), ("10", "285"), ("11", "385")],
    },
];

const WORDING: Wording = Wording {
    language: "JavaScript",
    label: "javascript",
    code_rules: "\
- The entry function is called `f`, at the top level of a script. It takes at least one argument and returns its result. Helper \
functions, nested functions and classes are welcome.
- Arguments and result are plain values: undefined, null, booleans, numbers, bigints, strings, arrays without holes, object \
literals, Map and Set, in any combination.
- The result depends on the arguments alone: the same call gives the same result every time. Do not rely on anything kept from \
earlier calls, and do not change the arguments for later ones.
- No Math.random, no Date, no timers, no files or network, no printing, no state outside of the program.
- Nothing is awaited: `f` is neither async nor a generator, and returns no promise.
- It finishes within a second on a modern CPU.
- There are no modules: neither `import` nor `require`. The built-in objects of the language are there, those of browsers and \
of Node.js are not.",
    opening: "function f(",
    assertion: "",
    equals: "===",
    frame: "function f(a) {\n  // code\n  return result;\n}",
    how_to_print: "as a JavaScript literal, in an ```output block: strings in quotes, object literals for objects, \
                   `new Map([[key, value]])` and `new Set([item])` for maps and sets",
    exceptions: "a built-in error such as TypeError, RangeError or Error",
};

azr_guest_sdk::export!(JavaScriptJudge);
