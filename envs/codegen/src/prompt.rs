//! What the policy is asked.

use azr_guest_sdk::{Prompt, Style, prompt};
use coding_judge::prompt::frame;

use crate::problem::{Method, Problem};
use crate::settings::Settings;

pub fn solve(style: Style, settings: &Settings, problem: &Problem) -> Prompt {
    match style {
        Style::Instruct => frame(settings.template, &format!("{}\n\n{}", problem.question(), wanted(problem))),
        Style::Compact => prompt::question(format!("<solve>{}<program>", problem.question())),
    }
}

fn wanted(problem: &Problem) -> String {
    match problem {
        Problem::Function(_) | Problem::Asserts(_) => "Give a complete program with this function in a ```python block, with all \
                                                       imports and all other functions that it needs."
            .into(),
        Problem::Method(Method { starter_code, .. }) => format!(
            "Complete this code, and give the whole program in a ```python block:\n\n```python\n{}\n```",
            starter_code.trim_end()
        ),
        Problem::Stdin(_) => "Write a Python program that reads the input from standard input and prints the answer to standard \
                              output. Do not test it on the examples, and give it in a ```python block:\n\n```python\n# the \
                              program\n```"
            .into(),
    }
}
