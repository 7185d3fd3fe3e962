//! Programs in `envs/javascript.wasm`. `make test` builds it.

use std::{path::Path, sync::LazyLock};

use azr_sandbox::{Environment, Outcome, Sandbox, SandboxConfig};

pub static JAVASCRIPT: LazyLock<Environment> = LazyLock::new(|| {
    let cache_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"));
    let sandbox = Sandbox::new(&SandboxConfig { cache_dir, ..SandboxConfig::default() }).unwrap();
    sandbox.load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envs/javascript.wasm")).unwrap()
});

/// What one call of each program comes to: its value as text, or the outcome in its stead.
pub fn exec<'a>(calls: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let calls: Vec<_> = calls.into_iter().map(|(program, input)| (program.to_owned(), input.to_owned())).collect();
    let runs: Vec<_> = JAVASCRIPT.plan_exec(&calls).into_iter().map(|run| run.unwrap().unwrap()).collect();
    let reports = JAVASCRIPT.exec(&runs).into_iter().map(|report| report.unwrap());
    let text = |outcome: &Outcome| match outcome {
        Outcome::Value(encoded) => JAVASCRIPT.show_values(std::slice::from_ref(encoded)).remove(0).unwrap(),
        other => format!("{other:?}").trim_start_matches("Outcome::").to_owned(),
    };
    reports.map(|report| text(&report.outcomes[0])).collect()
}
