//! Lines of data sets: calls of programs with their outputs, as CRUXEval and LiveCodeBench's code execution have them.

use azr_guest_sdk::{Rejection, rejection};

use crate::Language;
use crate::json::Line;
use crate::problem::{Call, Problem};
use crate::settings::{ImportedKind, Settings};

/// The call was run by whoever published it, so it is not run again; but its output must be a value that an answer can be.
pub fn problem<L: Language>(line: &str, settings: &Settings) -> Result<Problem, Rejection> {
    let wanted = |Rejection { code, message }| {
        let known = "this environment reads lines {\"code\", \"input\", \"output\"} of CRUXEval or LiveCodeBench's code execution";
        Rejection { code, message: format!("{message}; {known}") }
    };
    // Further keys are not looked at. Where the function has another name than `f`, the input is the whole call.
    let line = Line::read(line).map_err(wanted)?;
    let text = |key| line.text(key).map_err(wanted);
    let (code, input, output) = (text("code")?, text("input")?, text("output")?);
    let function_name = line.optional_text("function_name")?;
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
    // An expression is shown as the literal of its value. What cannot be computed stays as it was published.
    let input = match (L::parse_arguments(&call.input), L::evaluate_arguments(&call.input)) {
        (Err(_), Ok(arguments)) => arguments.print::<L>(),
        _ => call.input,
    };
    let call = Call { input, ..call };
    Ok(match settings.imported_kind {
        ImportedKind::Deduction => Problem::Deduction(call),
        ImportedKind::Abduction => Problem::Abduction(call),
    })
}
