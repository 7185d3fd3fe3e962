//! The judge of the SQL environment: coding tasks over scripts in SQLite's dialect. The executor is SQLite.
//!
//! A program is a script, and `f` calls it: the arguments are its parameters `?1`, `?2` and so on, the result is the list of
//! its last statement's rows. Each call begins with an empty database.

pub mod literal;

use azr_guest_sdk::value::Value;
use azr_guest_sdk::{Limits, Style};
use coding_judge::{Arguments, Judge, Language, NotAValue, Raising, Sample, Wording};

/// The language.
pub struct Sql;

/// The environment.
pub type SqlJudge = Judge<Sql>;

impl Language for Sql {
    const NAME: &'static str = "sql";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const LIMITS: Limits = Limits {
        // About a quarter of a second; a trivial run takes a hundred thousand.
        run_fuel: 1_000_000_000,
        // The database is in memory.
        run_memory_max_bytes: 64 << 20,
        // A dozen values of the largest size that the executor returns.
        run_output_max_bytes: 1 << 20,
    };
    const WORDING: Wording = WORDING;
    const PROGRAM_LABELS: &'static [&'static str] = &["sql", "sqlite"];
    const COMMENT: &'static str = "--";
    /// There is one only: rows have an order that nothing of the machine decides.
    const SECOND_EXECUTOR: u32 = 0;
    const SEED_INPUTS: &'static [&'static str] = &[
        "'Hello world'",
        "1",
        "[3, 1, 2]",
        "2.5",
        "NULL",
        "['a', 'b']",
        "1001101100010001",
        "'a b'",
        "[[1, 0], [0, 0]]",
    ];
    const SAMPLES: &'static [Sample] = SAMPLES;
    const RAISING: &'static [Raising] = &[
        Raising { program: "SELECT abs(?1 - 1);", input: "-9223372036854775807", exception: "OperationalError" },
        Raising {
            program: "CREATE TABLE t (a INTEGER CHECK (a > 0));\nINSERT INTO t VALUES (?1);\nSELECT a FROM t;",
            input: "0",
            exception: "IntegrityError",
        },
    ];
    const MEASURING: Option<&'static str> = None;
    const COMPOSITION: Option<&'static str> = None;
    /// The classes that Python's `sqlite3` has for them.
    const EXCEPTIONS: &'static [&'static str] =
        &["DataError", "IntegrityError", "OperationalError", "ProgrammingError"];

    fn identity(_: Style) -> &'static str {
        "SELECT ?1;"
    }

    fn parse(text: &str) -> Result<Value, NotAValue> {
        literal::parse(text)
    }

    fn parse_arguments(text: &str) -> Result<Arguments, NotAValue> {
        literal::parse_arguments(text)
    }

    /// A script cannot call another.
    fn renamed(_: &str, _: &str) -> Option<String> {
        None
    }

    fn print(value: &Value) -> String {
        literal::print(value)
    }
}

const SAMPLES: &[Sample] = &[
    Sample {
        program: "SELECT ?1 + 41",
        calls: [("1", "[(42)]"), ("2", "[(43)]"), ("10", "[(51)]"), ("100", "[(141)]")],
    },
    Sample {
        program: "-- squares\nSELECT ?1, ?1 * ?1",
        calls: [("3", "[(3, 9)]"), ("4", "[(4, 16)]"), ("10", "[(10, 100)]"), ("12", "[(12, 144)]")],
    },
    Sample {
        program: "CREATE TABLE t (n INTEGER, name TEXT);\nINSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, NULL);\n\
                  SELECT name FROM t WHERE n <= ?1 ORDER BY n DESC",
        calls: [("2", "[('two'), ('one')]"), ("1", "[('one')]"), ("3", "[(NULL), ('two'), ('one')]"), ("0", "[]")],
    },
    Sample {
        program: "WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n + 1 < ?1)\n\
                  SELECT sum(n * n) FROM c",
        calls: [("5", "[(30)]"), ("6", "[(55)]"), ("10", "[(285)]"), ("11", "[(385)]")],
    },
];

const WORDING: Wording = Wording {
    language: "SQL",
    label: "sql",
    code_rules: "\
- A program is a script for SQLite. `f` stands for it: the arguments are its parameters `?1`, `?2` and so on, and the result \
is the list of the rows of its last statement, which is a query. It takes at least one argument and uses every one.
- Each call begins with an empty in-memory database. Create and fill the tables that you query.
- Arguments are NULL, integers, reals, texts, blobs, or lists of such. A list arrives as the text of a JSON array, for \
`json_each(?1)` and the other JSON functions.
- The result depends on the arguments alone: give rows an order with ORDER BY.
- No random numbers, no current date or time, no ATTACH and no PRAGMA.
- It finishes within a second on a modern CPU.",
    opening: "-- f(?1",
    assertion: "",
    equals: "=",
    frame: "CREATE TABLE t (a INTEGER);\nINSERT INTO t SELECT value FROM json_each(?1);\nSELECT a FROM t ORDER BY a;",
    how_to_print: "as a list of rows, in an ```output block: each row in parentheses, texts in single quotes, as in \
                   `[(1, 'a'), (2, NULL)]`",
    exceptions: "the class that Python's sqlite3 would raise, such as IntegrityError or OperationalError",
};

azr_guest_sdk::export!(SqlJudge);
