//! What the policy is asked.

use azr_guest_sdk::{Prompt, Style};

use crate::kind::Kind;
use crate::problem::Problem;
use crate::settings::Settings;

mod compact;
mod instruct;

pub fn propose(style: Style, settings: &Settings, kind: Kind, references: &[Problem]) -> Prompt {
    match style {
        Style::Instruct => instruct::propose(settings, kind, references),
        Style::Compact => compact::propose(kind, references),
    }
}

pub fn solve(style: Style, settings: &Settings, problem: &Problem) -> Prompt {
    match style {
        Style::Instruct => instruct::solve(settings, problem),
        Style::Compact => compact::solve(problem),
    }
}

#[cfg(test)]
mod tests;
