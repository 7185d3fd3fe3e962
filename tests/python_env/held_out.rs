//! The held-out tasks of the embedded policy.

use azr_policy::embedded;
use azr_core::task::WrittenTask;
use azr_warm_start::{examination::held_out_proposals, language::Language};
use serde_json::Value;

use super::{induction, task};

/// The file holds what the environment makes of the warm start's proposals; every thirtieth is made again.
#[test]
fn held_out_tasks_are_the_warm_starts_proposals() {
    let proposals = held_out_proposals(Language::Python, 700);
    assert_eq!(proposals.lines().count(), embedded::HELD_OUT.lines().count());
    for (proposal, written) in proposals.lines().zip(embedded::HELD_OUT.lines()).step_by(30) {
        let proposal: Value = serde_json::from_str(proposal).unwrap();
        let text = |key: &str| proposal[key].as_str().unwrap();
        let made = match text("kind") {
            "induction" => {
                let (program, _) = text("reference").split_once("<input>").unwrap();
                induction(program, &text("completion").split("<input>").collect::<Vec<_>>()).unwrap()
            }
            kind => {
                let (program, input) = text("completion").split_once("<input>").unwrap();
                task(kind, program, input)
            }
        };
        let written: WrittenTask = serde_json::from_str(written).unwrap();
        assert_eq!(written.task().unwrap(), made);
        assert_eq!(written.id, Some(made.id()));
    }
}
