//! What the policy is asked.

use azr_guest_sdk::{Prompt, Style};

use crate::Language;
use crate::kind::Kind;
use crate::problem::Problem;
use crate::settings::{Phrasing, Settings};

mod brief;
mod compact;
mod instruct;

pub use instruct::frame;

pub fn propose<L: Language>(style: Style, settings: &Settings, kind: Kind, references: &[Problem]) -> Prompt {
    match style {
        Style::Instruct if settings.wording == Phrasing::Brief => brief::propose::<L>(settings, kind, references),
        Style::Instruct => instruct::propose::<L>(settings, kind, references),
        Style::Compact => compact::propose::<L>(settings, kind, references),
    }
}

pub fn solve<L: Language>(style: Style, settings: &Settings, problem: &Problem) -> Prompt {
    match style {
        Style::Instruct if settings.wording == Phrasing::Brief => brief::solve::<L>(problem),
        Style::Instruct => instruct::solve::<L>(settings, problem),
        Style::Compact => compact::solve(problem),
    }
}
