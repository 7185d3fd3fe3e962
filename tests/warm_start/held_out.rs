//! The held-out tasks of the embedded policy.

use std::path::Path;

use azr_config::language::Language;
use azr_core::task::{Task, WrittenTask};
use azr_policy::embedded;
use azr_sandbox::{Environment, Proposal, Sandbox, SandboxConfig, Style};
use azr_warm_start::examination::held_out_proposals;
use serde_json::Value;

/// What the environment makes of a proposal in the compact style.
fn task(python: &Environment, kind: &str, reference: Option<Task>, completion: &str) -> Task {
    let inputs = completion.split("<input>").count().to_string();
    let settings = [("induction-inputs".to_owned(), inputs)];
    let ctx = python.context(Style::Compact, &settings[..usize::from(kind == "induction")]).unwrap();
    let references = reference.into_iter().collect();
    let proposal = Proposal { kind: kind.into(), references, completion: completion.into() };
    python.validate(&ctx, &[proposal]).remove(0).unwrap().conclusion.expect(completion).task.into()
}

/// The file holds what the environment makes of the warm start's proposals; every thirtieth is made again.
#[test]
fn held_out_tasks_are_the_warm_starts_proposals() {
    let cache_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"));
    let sandbox = Sandbox::new(&SandboxConfig { cache_dir, ..SandboxConfig::default() }).unwrap();
    let python = sandbox.load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envs/python.wasm")).unwrap();
    let proposals = held_out_proposals(Language::Python, 700);
    assert_eq!(proposals.lines().count(), embedded::HELD_OUT.lines().count());
    for (proposal, written) in proposals.lines().zip(embedded::HELD_OUT.lines()).step_by(30) {
        let proposal: Value = serde_json::from_str(proposal).unwrap();
        let text = |key: &str| proposal[key].as_str().unwrap();
        let made = match text("kind") {
            "induction" => {
                let (program, _) = text("reference").split_once("<input>").unwrap();
                let first = text("completion").split("<input>").next().unwrap();
                let reference = task(&python, "deduction", None, &format!("{program}<input>{first}"));
                task(&python, "induction", Some(reference), text("completion"))
            }
            kind => task(&python, kind, None, text("completion")),
        };
        let written: WrittenTask = serde_json::from_str(written).unwrap();
        assert_eq!(written.task().unwrap(), made);
        assert_eq!(written.id, Some(made.id()));
    }
}
