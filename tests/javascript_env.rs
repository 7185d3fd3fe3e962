//! The JavaScript environment as the host sees it: `envs/javascript.wasm`. `make test` builds it.

mod attacks;
mod forgeries;
mod values;
mod vectors;

use crate::javascript::exec;

/// Compares all, so that one run shows every difference.
fn all_come_to(table: &[(&str, &str, &str)]) {
    let found = exec(table.iter().map(|(program, input, _)| (*program, *input)));
    let different: String = table
        .iter()
        .zip(&found)
        .filter(|((.., expected), found)| expected != found)
        .map(|((program, _, expected), found)| format!("{program}\n  expected {expected}\n  found    {found}\n"))
        .collect();
    assert!(different.is_empty(), "\n{different}");
}
