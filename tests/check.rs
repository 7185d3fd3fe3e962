//! `azr-env check` against environments that are broken on purpose, and against ours.

use std::path::Path;

use azr_core::limits::Limits;
use azr_env::check::{Check, Findings, check};
use azr_sandbox::{Sandbox, SandboxConfig};

use crate::broken::load;

/// A defect of `tests/guests/broken`, and the check that must find it.
const DEFECTS: [(&str, &str); 45] = [
    ("always-right", "garbage"),
    ("never-right", "examples"),
    ("any-number-is-right", "near misses"),
    ("contained-is-right", "near misses"),
    ("prefix-is-right", "near misses"),
    ("suffix-is-right", "near misses"),
    ("first-digit-is-right", "near misses"),
    ("beginning-is-right", "near misses"),
    ("nearly-is-right", "examples"),
    ("blank-is-right", "garbage"),
    ("null-is-right", "garbage"),
    ("believes-pleas", "garbage"),
    ("half-for-nothing", "garbage"),
    ("pays-for-length", "garbage"),
    ("not-a-number", "garbage"),
    ("below-zero", "garbage"),
    ("full-is-two", "examples"),
    ("never-well-formed", "examples"),
    ("fails-instruct", "examples"),
    ("ships-no-examples", "examples"),
    ("tells-in-the-reason", "garbage"),
    ("tells-in-the-prompt", "prompts"),
    ("same-prompt", "prompts"),
    ("blank-prompt", "prompts"),
    ("endless-prompt", "prompts"),
    ("proposer-prompt-traps", "prompts"),
    ("takes-what-it-cannot-ask", "prompts"),
    ("panics-on-blank", "garbage"),
    ("cuts-characters", "garbage"),
    ("recurses", "garbage"),
    ("hangs-on-long-answers", "garbage"),
    ("hoards-on-long-answers", "garbage"),
    ("accepts-anything", "proposals"),
    ("rejects-everything", "examples"),
    ("rejects-without-reason", "proposals"),
    ("one-subject", "tasks"),
    ("spaces-in-bodies", "tasks"),
    ("imports-anything", "sources"),
    ("repeats-itself", "sources"),
    ("ignores-the-seed", "sources"),
    ("ignores-the-place", "sources"),
    ("generates-too-few", "sources"),
    ("demonstrates-wrongly", "demonstrations"),
    ("proposes-another-task", "demonstrations"),
    ("traps-demonstrating", "demonstrations"),
];

/// Compares sums modulo 65536. No probe knows how a judge computes, and its author's examples do not show it.
const MISSED: &str = "wraps";

fn checked(defect: &str) -> Vec<Check> {
    findings(defect).checks
}

fn findings(defect: &str) -> Findings {
    let folder = tempfile::tempdir().unwrap();
    let cache_dir = Some(folder.path().join("cache"));
    let limits = Limits { judge_fuel: 20_000_000, ..Limits::default() };
    let sandbox = Sandbox::new(&SandboxConfig { cache_dir, limits, ..SandboxConfig::default() }).unwrap().record();
    check(&load(&sandbox, defect, folder.path()), 24_000)
}

#[test]
fn an_honest_environment_passes() {
    for check in checked("none") {
        assert!(check.problems.is_empty(), "{check:#?}");
    }
}

#[test]
fn the_fuel_of_a_judge_is_measured_by_function() {
    let Findings { judge_fuel, judge_fuel_max, .. } = findings("none");
    assert_eq!(judge_fuel_max, 20_000_000);
    assert_eq!(judge_fuel["describe"].len(), 1);
    for (function, fuel) in &judge_fuel {
        let (least, most) = (fuel[0], fuel[fuel.len() - 1]);
        assert!(fuel.is_sorted() && least > 0 && most < judge_fuel_max, "{function}: {least} to {most}");
    }
    let hangs = findings("hangs-on-long-answers");
    assert_eq!(hangs.judge_fuel["judge-answer"].last(), Some(&judge_fuel_max));
}

#[test]
fn our_environments_pass() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cache_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"));
    let sandbox = Sandbox::new(&SandboxConfig { cache_dir, ..SandboxConfig::default() }).unwrap();
    for name in ["python", "javascript", "countdown", "math"] {
        let env = sandbox.load(&root.join("envs").join(name).with_extension("wasm")).unwrap();
        for check in check(&env, 24_000).checks {
            assert!(check.problems.is_empty(), "{name}: {check:#?}");
        }
    }
}

#[test]
fn every_defect_but_one_is_found() {
    for (defect, finds) in DEFECTS {
        let checks = checked(defect);
        let check = checks.iter().find(|check| check.name == finds).unwrap();
        assert!(!check.problems.is_empty(), "{defect} is not found under {finds}: {checks:#?}");
    }
    let missed: Vec<_> = checked(MISSED).into_iter().filter(|check| !check.problems.is_empty()).collect();
    assert!(missed.is_empty(), "now it is found; say so: {missed:#?}");
}
