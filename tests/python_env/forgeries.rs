//! The completions of `forgeries.toml`.

use crate::forgeries::{Forgeries, corpus_tests};

use super::PYTHON;

corpus_tests!(PYTHON, include_str!("forgeries.toml"), 80);

/// Brief prompts, those of benchmarks, and what is read without a fence.
#[test]
fn in_other_forms_no_completion_wins_without_being_right() {
    let forms = Forgeries::read(&PYTHON, include_str!("forms.toml"));
    forms.attempts_lose();
    forms.proposals_are_rejected();
    forms.honest_completions_win();
}
