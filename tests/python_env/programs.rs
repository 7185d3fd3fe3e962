//! Programs whose results are known from native CPython.

use azr_sandbox::Attempt;
use serde::Deserialize;

use super::{PYTHON, compact, proposal, validate};

/// Made by `make_programs.py`.
const PROGRAMS: &str = include_str!("programs.jsonl");

#[derive(Deserialize)]
struct Row {
    program: String,
    input: String,
    output: Option<String>,
    exception: Option<String>,
}

/// Every program is a task when it returns, whose right answer is what CPython printed, and is refused by the name of
/// its exception when it does not.
#[test]
fn agree_with_native_python() {
    let rows: Vec<Row> = PROGRAMS.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.len() > 130);
    let ctx = compact(&[("value-max-chars", "5000")]);
    let proposals: Vec<_> =
        rows.iter().map(|row| proposal("deduction", &[], format!("{}<input>{}", row.program, row.input))).collect();
    let mut attempts = Vec::new();
    for (row, judged) in rows.iter().zip(validate(&ctx, &proposals)) {
        match (&row.output, &row.exception, judged.conclusion) {
            (Some(output), None, Ok(accepted)) => {
                attempts.push(Attempt { task: accepted.task.into(), completion: output.clone() });
            }
            (None, Some(exception), Err(rejection)) => {
                assert_eq!(rejection.code, "thrown", "{}", row.program);
                let named = format!("the program raised {exception}");
                assert!(rejection.message.starts_with(&named), "{}\n{}", row.program, rejection.message);
            }
            (_, _, conclusion) => panic!("{}\n{}\n{conclusion:?}", row.program, row.input),
        }
    }
    for (attempt, judged) in attempts.iter().zip(PYTHON.verify(&ctx, &attempts)) {
        let verdict = judged.unwrap().conclusion;
        assert_eq!((verdict.score, verdict.well_formed), (1.0, true), "{}\n{}", attempt.task.body, attempt.completion);
    }
}
