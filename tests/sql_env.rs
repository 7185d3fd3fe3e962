//! The SQL environment as the host sees it: `envs/sql.wasm`. `make test` builds it.

use std::{path::Path, sync::LazyLock};

use azr_sandbox::{Environment, Outcome, Sandbox, SandboxConfig, Style};

use crate::forgeries::corpus_tests;

static SQL: LazyLock<Environment> = LazyLock::new(|| {
    let cache_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"));
    let sandbox = Sandbox::new(&SandboxConfig { cache_dir, ..SandboxConfig::default() }).unwrap();
    sandbox.load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envs/sql.wasm")).unwrap()
});

/// What calls come to: a value as text, or the outcome in its stead.
fn exec(calls: &[(&str, &str)]) -> Vec<String> {
    let calls: Vec<_> = calls.iter().map(|(program, input)| (program.to_string(), input.to_string())).collect();
    let runs: Vec<_> = SQL.plan_exec(&calls).into_iter().map(|run| run.unwrap().unwrap()).collect();
    let text = |outcome: &Outcome| match outcome {
        Outcome::Value(encoded) => SQL.show_values(std::slice::from_ref(encoded)).remove(0).unwrap(),
        other => format!("{other:?}").trim_start_matches("Outcome::").to_owned(),
    };
    SQL.exec(&runs).into_iter().map(|report| text(&report.unwrap().outcomes[0])).collect()
}

corpus_tests!(SQL, include_str!("sql_env/forgeries.toml"), 45);

/// The samples that the judge hands out are what SQLite makes of them.
#[test]
fn every_check_passes() {
    for check in azr_env::check::check(&SQL, 24_000).checks {
        assert!(check.problems.is_empty(), "{check:#?}");
    }
}

/// Python's `sqlite3` came to the same: `[tuple(row) for row in sqlite3.connect(":memory:").execute(query, arguments)]`.
#[test]
fn values_are_those_of_sqlite() {
    let table = [
        ("SELECT ?1, typeof(?1)", "9223372036854775807", "[(9223372036854775807, 'integer')]"),
        ("SELECT ?1 + 1", "9223372036854775807", "[(9.223372036854776e18)]"),
        ("SELECT 1 / ?1, 1 % ?1", "0", "[(NULL, NULL)]"),
        ("SELECT 7 / ?1, -7 / ?1, 7.0 / ?1", "2", "[(3, -3, 3.5)]"),
        ("SELECT round(?1, 1), sqrt(2)", "2.25", "[(2.3, 1.4142135623730951)]"),
        ("SELECT 0.1 + ?1", "0.2", "[(0.30000000000000004)]"),
        ("SELECT 1e308 * ?1", "10", "[(9e999)]"),
        ("SELECT ?1 || 'x', length(?1), upper(?1)", "'héé'", "[('hééx', 3, 'Héé')]"),
        ("SELECT hex(?1), ?1", "X'00ff'", "[('00FF', X'00ff')]"),
        (
            "SELECT value, type FROM json_each(?1)",
            "[1, 2.5, 'a\"\\b', NULL]",
            "[(1, 'integer'), (2.5, 'real'), ('a\"\\b', 'text'), (NULL, 'null')]",
        ),
        ("SELECT sum(value), group_concat(value, '-') FROM json_each(?1)", "[3, 1, 2]", "[(6, '3-1-2')]"),
        ("SELECT ?2, ?1", "1, 2", "[(2, 1)]"),
        ("SELECT date(?1, 'unixepoch'), strftime('%Y', ?1, 'unixepoch')", "951782400", "[('2000-02-29', '2000')]"),
        ("SELECT 1 WHERE ?1", "0", "[]"),
        (
            "SELECT value, row_number() OVER (ORDER BY value) FROM json_each(?1) ORDER BY 1",
            "['b', 'a']",
            "[('a', 1), ('b', 2)]",
        ),
    ];
    let found = exec(&table.map(|(program, input, _)| (program, input)));
    for ((program, _, expected), found) in table.iter().zip(found) {
        assert_eq!(found, *expected, "{program}");
    }
}

/// A call sees nothing of the one before, and a run nothing of the machine.
#[test]
fn attacks_end_as_outcomes() {
    let table = [
        ("SELECT now FROM (SELECT datetime('now') AS now) WHERE ?1", "1", "[('1970-01-01 00:00:00')]"),
        (
            "SELECT quote(zeroblob(?1))",
            "1000000000000",
            "Thrown(Thrown { name: \"DataError\", message: \"string or blob too big\" })",
        ),
        ("WITH RECURSIVE c(n) AS (VALUES (?1) UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c", "1", "OutOfFuel"),
        ("SELECT count(*) FROM json_each(?1), json_each(?1), json_each(?1)", "[1, 2, 3]", "[(27)]"),
    ];
    let found = exec(&table.map(|(program, input, _)| (program, input)));
    for ((program, _, expected), found) in table.iter().zip(found) {
        assert_eq!(found, *expected, "{program}");
    }
    let context = SQL.context(Style::Compact, &[]).unwrap();
    assert!(!SQL.seeds(&context).unwrap().is_empty());
    assert!(SQL.executor_imports()[0].iter().all(|import| import.starts_with("wasi:")));
}
