//! Prompts of markers and bare fields, for the small embedded policy.

use azr_guest_sdk::{Prompt, Style, prompt};

use crate::Language;
use crate::composite;
use crate::kind::Kind;
use crate::problem::Problem;
use crate::settings::Settings;

pub fn propose<L: Language>(settings: &Settings, kind: Kind, references: &[Problem]) -> Prompt {
    let mut text = format!("<propose><{}>", kind.name());
    if kind == Kind::Induction {
        let program = references.first().map_or(L::identity(Style::Compact), Problem::program);
        return prompt::question(format!("{text}<program>{program}<input>"));
    }
    for reference in references {
        if let Problem::Deduction(call) | Problem::Abduction(call) | Problem::ErrorDeduction(call) = reference {
            text += &format!("<program>{}<input>{}", call.program, call.input);
        }
    }
    prompt::question(
        text + "<program>" + &composite::composed(&composite::given::<L>(Style::Compact, settings, references), ""),
    )
}

pub fn solve(problem: &Problem) -> Prompt {
    prompt::question(match problem {
        Problem::Deduction(call) => {
            format!("<solve><deduction><program>{}<input>{}<output>", call.program, call.input)
        }
        Problem::ErrorDeduction(call) => {
            format!("<solve><error-deduction><program>{}<input>{}<output>", call.program, call.input)
        }
        Problem::Abduction(call) => {
            format!("<solve><abduction><program>{}<output>{}<input>", call.program, call.output)
        }
        Problem::Induction(examples) => {
            let pairs = examples.shown().map(|(input, output)| format!("<input>{input}<output>{output}"));
            format!("<solve><induction>{}<program>", pairs.collect::<String>())
        }
    })
}
