//! Learning from what environments demonstrate.

use std::{collections::HashSet, fs, path::Path};

use azr_config::{Preset, RunConfig};
use azr_policy::{Device, LoadOptions, Policy, embedded};
use azr_sandbox::{Sandbox, SandboxConfig, SequencePart, Style};
use azr_selfplay::{
    data_set::DataSet,
    env_state::EnvState,
    held_out::{self, Source},
};
use azr_warm_start::environments::{Lessons, given};
use tempfile::TempDir;

use crate::{
    broken,
    program::{run, succeed},
};

fn policy() -> Policy {
    embedded::policy(&LoadOptions { device: Device::Cpu, dtype: None, threads: 1 }).unwrap()
}

/// One of the environments of `tests/guests/broken`, about sums.
fn sums(variant: &str, folder: &Path, config: &RunConfig) -> EnvState {
    let sandbox = SandboxConfig { cache_dir: Some(folder.join("cache")), ..SandboxConfig::default() };
    EnvState::new(broken::load(&Sandbox::new(&sandbox).unwrap(), variant, folder), config).unwrap()
}

fn configuration(preset: Preset) -> RunConfig {
    RunConfig::resolve(preset, None, &["evaluation.generated=100".into()]).unwrap()
}

/// All texts of `count` lessons, as (prompt, completion).
fn texts(policy: &Policy, lessons: &mut Lessons, count: usize) -> Vec<(String, String)> {
    let text = |tokens: &[u32]| policy.decode(tokens).unwrap();
    let lessons = lessons.draw(count).unwrap();
    lessons.iter().map(|lesson| (text(&lesson.prompt), text(&lesson.completion))).collect()
}

#[test]
fn lessons_are_what_the_policy_should_say_in_the_style_of_the_training() {
    let (policy, folder) = (policy(), TempDir::new().unwrap());
    for (preset, beginning, end) in [(Preset::Tiny, "", ""), (Preset::Paper, "so</think>\n<answer>", "</answer>")] {
        let config = configuration(preset);
        let mut envs = [sums("none", folder.path(), &config)];
        let given = given(&mut envs, &[], &config).unwrap();
        let mut lessons = Lessons::new(&policy, &envs, &config, given);
        let (mut attempts, mut proposals) = (0, 0);
        for (prompt, completion) in texts(&policy, &mut lessons, 200) {
            let said = completion.strip_prefix(beginning).unwrap().strip_suffix(end).unwrap();
            if let Some(question) = prompt.split_once("What is ") {
                let (a, b) = question.1.split_once('?').unwrap().0.split_once(" + ").unwrap();
                assert_eq!(said, (a.parse::<u64>().unwrap() + b.parse::<u64>().unwrap()).to_string());
                attempts += 1;
            } else {
                assert!(prompt.contains("Write two numbers"), "{prompt}");
                proposals += 1;
            }
        }
        // Equally many of each; five standard deviations.
        assert!((65..=135).contains(&attempts), "{attempts} attempts, {proposals} proposals");
        assert_eq!(lessons.refused.count, 0, "{:?}", lessons.refused);
    }
}

#[test]
fn no_lesson_is_about_a_task_that_is_measured() {
    let (policy, folder, config) = (policy(), TempDir::new().unwrap(), configuration(Preset::Tiny));
    // 600 tasks in all, so that any two sequences meet.
    let fresh = || [sums("has-few-tasks", folder.path(), &config)];
    let lines = folder.path().join("tasks.jsonl");
    fs::write(&lines, (1000..1600).map(|a| format!("{a} 1000\n")).collect::<String>()).unwrap();
    let mut envs = fresh();
    let data_set = DataSet::named(lines.to_str().unwrap(), &[], &envs).unwrap();
    let held_out =
        held_out::held_out_tasks(&fresh(), 0, Source::Apart(std::slice::from_ref(&data_set)), &config).unwrap();
    assert!(held_out.len() > 100, "{}", held_out.len());
    let given = given(&mut envs, &[data_set], &config).unwrap();
    let mut lessons = Lessons::new(&policy, &envs, &config, given);
    let checked = lessons.checked().unwrap();
    assert!(checked.len() > 20, "{}", checked.len());
    let learned: HashSet<String> = texts(&policy, &mut lessons, 4000).into_iter().map(|(prompt, _)| prompt).collect();
    for task in held_out.iter().chain(&checked) {
        let [a, b] = serde_json::from_str(&task.task.body).unwrap();
        let (a, b): (u64, u64) = (a, b);
        assert!(!learned.contains(&format!("What is {a} + {b}?")), "{a} + {b} is a lesson");
    }
    let rest = 600 - held_out.len() - checked.len();
    // All others are, and the question to the proposer.
    assert_eq!(learned.len(), rest + 1);
}

#[test]
fn wrong_demonstrations_are_counted_and_not_learned() {
    let (policy, folder, config) = (policy(), TempDir::new().unwrap(), configuration(Preset::Tiny));
    for (variant, says) in [
        ("demonstrates-wrongly", "is not the sum"),
        ("proposes-another-task", "gives another task"),
        ("traps-demonstrating", "failed"),
    ] {
        let mut envs = [sums(variant, folder.path(), &config)];
        let given = given(&mut envs, &[], &config).unwrap();
        let mut lessons = Lessons::new(&policy, &envs, &config, given);
        for (prompt, completion) in texts(&policy, &mut lessons, 300) {
            assert!(prompt.contains("What is ") || variant != "proposes-another-task", "{variant}: {completion}");
            assert!(!prompt.contains("7 + ") || variant == "proposes-another-task", "{variant}: {prompt}");
        }
        assert!(lessons.refused.count > 20, "{variant}: {:?}", lessons.refused);
        assert!(lessons.refused.first.as_ref().unwrap().contains(says), "{variant}: {:?}", lessons.refused);
    }
}

#[test]
fn a_policy_learns_from_demonstrations_repeatably() {
    let folder = TempDir::new().unwrap();
    let weights = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        let base = ["warm-start", "--env=envs/countdown.wasm", "--lessons=96", "--threads=1"];
        succeed(&[&base[..], &[&*format!("--out={}", out.display())], more].concat());
        fs::read(out.join("model.safetensors")).unwrap()
    };
    let first = weights("first", &[]);
    assert!(first == weights("again", &[]), "the weights differ");
    assert!(first != weights("other", &["--seed=2"]), "the seed is ignored");
    Policy::load(
        &folder.path().join("first"),
        &LoadOptions { device: Device::Cpu, dtype: None, threads: 1 },
        &azr_trainer::hub::base_model,
    )
    .unwrap();
    // One kind: the policy asks for the preset that is meant for it, and the operator for what is said.
    let policy = format!("--policy={}", folder.path().join("first").display());
    let config = |more: &[&str]| {
        let arguments = [&["--env=envs/countdown.wasm", &*policy, "--print-config"][..], more].concat();
        RunConfig::from_toml(str::from_utf8(&succeed(&arguments).stdout).unwrap()).unwrap()
    };
    assert_eq!(config(&[]), RunConfig::resolve(Preset::Single, None, &[]).unwrap());
    assert_eq!(config(&["--preset=tiny"]), RunConfig::resolve(Preset::Tiny, None, &[]).unwrap());
}

#[test]
fn what_cannot_be_learned_is_refused_with_words() {
    let folder = TempDir::new().unwrap();
    let out = |name: &str| format!("--out={}", folder.path().join(name).display());
    for (arguments, says) in [
        (&["--env=envs/python.wasm"][..], "demonstrates no task"),
        (&["--env=envs/countdown.wasm", "--until-solved=2"], "must be between 0 and 1"),
        (&["--policy=host/policy/policies/tiny"], "--env"),
        (&["--env=envs/countdown.wasm", "--think-share=0.5"], "cannot be used with"),
    ] {
        let output = run(&[&["warm-start", &*out("policy")][..], arguments].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(says), "{arguments:?}: {said}");
    }
}

/// The embedded policy can be asked, and can answer.
#[test]
fn the_compact_style_of_countdown_is_in_the_embedded_policys_vocabulary() {
    let (policy, folder) = (policy(), TempDir::new().unwrap());
    let config = SandboxConfig { cache_dir: Some(folder.path().join("cache")), ..SandboxConfig::default() };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envs/countdown.wasm");
    let countdown = Sandbox::new(&config).unwrap().load(&file).unwrap();
    let ctx = countdown.context(Style::Compact, &[]).unwrap();
    let part = SequencePart { kind: "countdown".into(), seed: 5, first: 0, count: 64 };
    let generated = countdown.generate(&ctx, &part).unwrap();
    let solve = countdown.solve_prompts(&ctx, &generated).into_iter().map(Result::unwrap);
    let propose = countdown.propose_prompts(&ctx, &[("countdown".into(), Vec::new())]).into_iter().map(Result::unwrap);
    for prompt in solve.chain(propose) {
        let text = &prompt.messages[0].content;
        let tokens = policy.encode_text(text).unwrap();
        assert_eq!(policy.decode(&tokens).unwrap(), *text);
        assert!(tokens.len() <= 16, "{text}");
    }
}
