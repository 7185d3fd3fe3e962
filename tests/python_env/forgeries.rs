//! The completions of `forgeries.toml`.

use crate::forgeries::Forgeries;

use super::PYTHON;

fn forgeries() -> Forgeries<'static> {
    Forgeries::read(&PYTHON, include_str!("forgeries.toml"))
}

#[test]
fn the_corpus_is_large_and_names_each_forgery_once() {
    forgeries().are_sound(80);
}

#[test]
fn no_attempt_wins_without_being_right() {
    forgeries().attempts_lose();
}

#[test]
fn no_proposal_is_a_task_that_its_text_is_not() {
    forgeries().proposals_are_rejected();
}

#[test]
fn tasks_by_the_rules_are_accepted_and_solvable() {
    forgeries().harmless_proposals_are_solvable();
}

#[test]
fn honest_completions_win() {
    forgeries().honest_completions_win();
}

/// Brief prompts, those of benchmarks, and what is read without a fence.
#[test]
fn in_other_forms_no_completion_wins_without_being_right() {
    let forms = Forgeries::read(&PYTHON, include_str!("forms.toml"));
    forms.attempts_lose();
    forms.proposals_are_rejected();
    forms.honest_completions_win();
}
