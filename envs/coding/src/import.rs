//! Lines of data sets: calls of programs with their outputs, as CRUXEval and LiveCodeBench's code execution have them.

use azr_guest_sdk::{Rejection, rejection};
use serde::Deserialize;

use crate::Language;
use crate::problem::{Call, Problem};
use crate::settings::{ImportedKind, Settings};

/// Further keys are not looked at.
#[derive(Deserialize)]
struct Line {
    code: String,
    /// The name of the function where it is not `f`. The input is then the whole call.
    #[serde(default)]
    function_name: Option<String>,
    input: String,
    output: String,
}

/// The call was run by whoever published it, so it is not run again; but its output must be a value that an answer can be.
pub fn problem<L: Language>(line: &str, settings: &Settings) -> Result<Problem, Rejection> {
    let line = serde_json::from_str(line).map_err(|error| {
        let wanted = "this environment reads lines {\"code\", \"input\", \"output\"} of CRUXEval or LiveCodeBench's code execution";
        rejection("not-a-task", format!("{error}; {wanted}"))
    })?;
    let Line { code, function_name, input, output } = line;
    if let Err(error) = L::parse(&output) {
        return Err(rejection("not-a-value", format!("the output is not a {} literal: {error}", L::WORDING.language)));
    }
    let call = match function_name {
        None => Call { input, output, program: code },
        Some(name) => {
            let arguments = input.trim().strip_prefix(&format!("{name}(")).and_then(|rest| rest.strip_suffix(')'));
            let arguments =
                arguments.ok_or_else(|| rejection("not-a-task", format!("the input is not a call of {name}")))?;
            Call { input: arguments.into(), output, program: format!("{}\n\nf = {name}", code.trim_end()) }
        }
    };
    Ok(match settings.imported_kind {
        ImportedKind::Deduction => Problem::Deduction(call),
        ImportedKind::Abduction => Problem::Abduction(call),
    })
}
