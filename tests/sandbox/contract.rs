//! What guests return is not believed.

use azr_sandbox::{Outcome, Proposal, Run, SequencePart};

use super::*;

fn cause(completion: &str) -> String {
    cause_of(Guards::ALL, completion)
}

fn cause_of(guards: Guards, completion: &str) -> String {
    let env = Bench::of(guards).hostile();
    let cause = environment_fault(verify(&env, completion));
    serves(&env);
    cause
}

#[test]
fn scores_outside_0_to_1_are_faults() {
    for (completion, score) in
        [("score-nan", "NaN"), ("score-two", "2"), ("score-negative", "-0.001"), ("score-infinite", "inf")]
    {
        let expected = format!("judge-answer: the judge returned a score of {score}; it must be between 0 and 1");
        proves(Guard::Returned, |guards| assert_eq!(cause_of(guards, completion), expected));
    }
}

#[test]
fn measures_that_cannot_be_counted_are_faults() {
    for (completion, what) in [
        ("measure-nan", "NaN as the measure size; it must be finite, from 0"),
        ("measure-negative", "-1 as the measure size; it must be finite, from 0"),
        ("measure-twice", "measure \"size\" twice"),
        ("measure-name", "\"a size\" as the name of a measure; letters, digits and -_.+ are allowed"),
        ("measures", "1000 measures; the limit is 64"),
    ] {
        let proposal = Proposal { kind: "echo".into(), references: Vec::new(), completion: completion.into() };
        proves(Guard::Returned, |guards| {
            let env = Bench::of(guards).hostile();
            let cause = environment_fault(env.validate(&context(&env), std::slice::from_ref(&proposal)).remove(0));
            assert_eq!(cause, format!("judge-proposal: the judge returned {what}"));
        });
    }
}

#[test]
fn a_run_for_an_executor_that_is_not_packed_is_a_fault() {
    assert_eq!(cause("executor-9"), "plan-answer: the judge returned a run for executor 9, but 1 are packed");
}

#[test]
fn a_huge_program_is_a_fault() {
    assert_eq!(
        cause("huge-program"),
        "plan-answer: the judge returned a program of 2097152 bytes; the limit is 1048576"
    );
}

/// The executor's interpreter belongs to the program, so this is what the program did, and no fault.
#[test]
fn programs_that_make_their_executor_miscount_or_speak_for_the_host_have_crashed_it() {
    for (program, what) in [
        ("too-many-outcomes", "3 outcomes for 2 calls"),
        ("too-few-outcomes", "0 outcomes, all of them values, for 2 calls"),
        ("after-the-end", "outcomes after the one that ended the run"),
        ("outcome-of-the-host", "an outcome that only the host may give"),
    ] {
        proves(Guard::Returned, |guards| {
            let Judged { conclusion, runs } = verify(&Bench::of(guards).hostile(), program).unwrap();
            assert_eq!(conclusion.score, 0.0);
            assert_eq!(runs[0].report.outcomes, [Outcome::Crashed(format!("the executor returned {what}"))]);
        });
    }
}

/// The `count` outcomes that an executor in the text format returns: words in its memory, from 4096 on.
fn returning(count: usize, words: &[u32]) -> String {
    let bytes = words.iter().flat_map(|word| word.to_le_bytes());
    let data: String = bytes.map(|byte| format!("\\{byte:02x}")).collect();
    let module = format!(r#"(memory (export "memory") 16) (data (i32.const 4096) "{data}")"#);
    let body = format!("(i32.store (i32.const 16) (i32.const 4096)) (i32.store (i32.const 20) (i32.const {count}))");
    // Arguments go where no outcomes are.
    executor_of(Parts { module: &module, realloc: "(return (i32.const 524288))", body: &body, post_return: "" })
}

/// How the run of such an executor crashed.
fn returned(guards: Guards, count: usize, words: &[u32]) -> String {
    let bench = Bench::of(guards);
    let env = bench.with_executor(&returning(count, words)).unwrap();
    let report =
        env.exec(&[Run { executor: 0, program: String::new(), inputs: vec![vec![]; count] }]).remove(0).unwrap();
    serves(&bench.hostile());
    match &report.outcomes[..] {
        [Outcome::Crashed(how)] => how.clone(),
        other => format!("{other:?}"),
    }
}

#[test]
fn pointers_out_of_memory_are_crashes() {
    for (what, count, words) in [
        ("a value", 1, vec![0, 1 << 20, 1, 0, 0]),
        ("a value around the end of the address space", 1, vec![0, u32::MAX, u32::MAX, 0, 0]),
        ("a list", 1_000_000, vec![]),
    ] {
        assert_eq!(returned(Guards::ALL, count, &words), "the executor broke its contract", "{what}");
    }
}

#[test]
fn what_does_not_fit_its_type_is_a_crash() {
    for (what, words) in [("an outcome of no case", [8, 0, 0, 0, 0]), ("a name that is not UTF-8", [1, 4116, 1, 0, 0])]
    {
        let words = [&words[..], &[0xff]].concat();
        assert_eq!(returned(Guards::ALL, 1, &words), "the executor broke its contract", "{what}");
    }
}

/// A list may name the same bytes again and again: 600 KiB of memory then become 180 MiB in the host.
#[test]
fn a_list_that_repeats_memory_is_a_crash() {
    proves(Guard::Crossing, |guards| {
        let words: Vec<u32> = (0..300).flat_map(|_| [0, 0, 600 << 10, 0, 0]).collect();
        assert_eq!(returned(guards, 300, &words), "the executor broke its contract");
    });
}

#[test]
fn the_judge_sees_what_the_programs_did() {
    let env = Bench::new().hostile();
    let Judged { conclusion, runs } = verify(&env, "echo\nthrow\nloop\nhoard").unwrap();
    assert_eq!(conclusion.reason, "call 1: value 7, value 7 | thrown ValueError | out-of-fuel | out-of-memory");
    assert_eq!(conclusion.score, 0.0);
    assert_eq!(runs.len(), 4);
    assert_eq!(runs[2].report.outcomes, [Outcome::OutOfFuel]);
}

#[test]
fn a_judge_keeps_nothing_from_call_to_call() {
    let env = Bench::new().hostile();
    for _ in 0..8 {
        assert_eq!(verify(&env, "echo").unwrap().conclusion.reason, "call 1: value 7, value 7");
    }
}

#[test]
fn a_fault_stays_with_its_item() {
    let env = Bench::new().hostile();
    let attempt = |completion: &str| Attempt { task: task(), completion: completion.into() };
    let batch: Vec<_> = ["echo", "executor-9", "trap", "echo\ntoo-many-outcomes", "count"].map(attempt).into();
    let scores: Vec<_> = env
        .verify(&context(&env), &batch)
        .into_iter()
        .map(|judged| judged.map(|judged| (judged.conclusion.score, judged.conclusion.reason)).ok())
        .collect();
    let right = |reason: &str| Some((1.0, reason.to_owned()));
    let crashed = "call 1: value 7, value 7 | crashed the executor returned 3 outcomes for 2 calls".to_owned();
    let expected =
        [right("call 1: value 7, value 7"), None, None, Some((0.0, crashed)), right("call 1: value 1, value 2")];
    assert_eq!(scores, expected);
}

#[test]
fn proposals_become_tasks_or_rejections() {
    let env = Bench::new().hostile();
    let validate = |completion: &str| {
        let proposal = Proposal { kind: "other".into(), references: vec![task()], completion: completion.into() };
        env.validate(&context(&env), &[proposal]).remove(0)
    };
    let accepted = validate("echo\nunreachable").unwrap().conclusion.unwrap();
    let task = Task::from(accepted.task);
    assert_eq!(task, Task { kind: "other".into(), body: r#"{"saw":"value 7, value 7 | crashed unreachable"}"#.into() });
    let early = validate("reject").unwrap();
    assert_eq!((early.conclusion.unwrap_err().code.as_str(), early.runs.len()), ("no-program", 0));
    assert_eq!(validate("judge-rejects").unwrap().conclusion.unwrap_err().code, "not-deterministic");
    let unknown = environment_fault(validate("judge-invents-a-kind"));
    assert_eq!(unknown, r#"judge-proposal: the judge returned a kind "nowhere" that it does not describe"#);
    let code = environment_fault(validate("bad-code"));
    assert!(
        code.starts_with(r#"plan-proposal: the judge returned "no program\n" as the name of a rejection code"#),
        "{code}"
    );
}

#[test]
fn prompts_and_seeds_are_checked() {
    let env = Bench::new().hostile();
    let prompt = |behaviour: &str| env.solve_prompts(&behaving(&env, behaviour), &[task()]).remove(0);
    assert_eq!(prompt("x").unwrap().messages[0].content, "Style::Instruct echo {}");
    assert_eq!(
        environment_fault(prompt("no-messages")),
        "solve-prompt: the judge returned a prompt without messages or prefill"
    );
    let many = environment_fault(prompt("many-messages"));
    assert_eq!(many, "solve-prompt: the judge returned 10000 messages; the limit is 64");
    assert_eq!(env.seeds(&context(&env)).unwrap(), [Task { kind: "echo".into(), body: r#"{"seed":1}"#.into() }]);
    let seeds = environment_fault(env.seeds(&behaving(&env, "unknown-kind")));
    assert_eq!(seeds, r#"seeds: the judge returned a kind "nowhere" that it does not describe"#);
}

#[test]
fn settings_are_known_and_defaults_never_arrive() {
    let env = Bench::new().hostile();
    assert_eq!(behaving(&env, "honest"), context(&env));
    let error = env.context(Style::Compact, &[("colour".into(), "red".into())]).unwrap_err().to_string();
    assert_eq!(error, r#"environment hostile has no setting "colour"; it has: behaviour"#);
}

#[test]
fn generated_and_imported_tasks_and_examples_are_checked() {
    let env = Bench::new().hostile();
    let part = |count| SequencePart { kind: "echo".into(), seed: 7, first: 40, count };
    let tasks = env.generate(&context(&env), &part(150)).unwrap();
    assert_eq!(tasks.len(), 150);
    assert_eq!(tasks[149], Task { kind: "echo".into(), body: r#"{"number":189,"seed":7}"#.into() });
    let generated = |behaviour| environment_fault(env.generate(&behaving(&env, behaviour), &part(2)));
    assert_eq!(generated("one-short"), "generate: the judge returned 1 tasks where 2 were wanted");
    let another = r#"generate: the judge returned a task of kind "other" where "echo" was wanted"#;
    assert_eq!(generated("another-kind"), another);
    assert!(generated("spin").contains("fuel"));

    let lines = ["{}", "reject", "bad-code", "unknown-kind"].map(String::from);
    let [task, rejected, bad_code, unknown] = env.import_tasks(&context(&env), &lines).try_into().unwrap();
    assert_eq!(&*task.unwrap().unwrap().body, "{}");
    assert_eq!(rejected.unwrap().unwrap_err().code, "not-a-task");
    assert!(environment_fault(bad_code).contains("as the name of a rejection code"));
    assert!(environment_fault(unknown).contains("that it does not describe"));

    assert_eq!(env.examples(&context(&env)).unwrap().attempts[0].completed.completion, "echo");
    let examples = |behaviour| environment_fault(env.examples(&behaving(&env, behaviour)));
    assert_eq!(examples("many-examples"), "examples: the judge returned 10000 examples; the limit is 1024");
    assert!(examples("unknown-kind").contains("that it does not describe"));
}
