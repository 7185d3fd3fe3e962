//! Guests in processes of their own: what got out of one reaches nothing, and a process that fails is replaced.

use std::net::TcpListener;

use azr_sandbox::{Examples, Proposal, Report, Run, confine_in_test, serve_in_test};

use super::*;

/// What this program is when the sandbox starts it. Nothing happens when it is run as a test.
#[test]
fn process() {
    serve_in_test();
}

/// A sandbox whose guests are in processes.
pub(super) fn apart(guards: Guards, limits: Limits) -> Bench {
    confine_in_test(&["--exact", "ring::process", "--nocapture", "--test-threads=1"]);
    Bench::guarded(limited(Limits { ring: Ring::Require, ..limits }), guards)
}

fn run(program: &str) -> Run {
    Run { executor: 0, program: program.into(), inputs: vec![b"7".to_vec()] }
}

fn execute(env: &Environment, program: &str) -> Result<Report, Fault> {
    env.exec(&[run(program)]).pop().unwrap()
}

/// What became of an attack where the judge is, and where programs are.
fn escaped(env: &Environment, attack: &str) -> [bool; 2] {
    let request = format!("escape:{attack}");
    let judge = env.show_values(&[request.clone().into_bytes()]).remove(0).unwrap();
    let Outcome::Value(program) = execute(env, &request).unwrap().outcomes.remove(0) else { panic!("no value") };
    [judge.into_bytes(), program].map(|said| match &*said {
        b"done" => true,
        b"refused" => false,
        other => panic!("{}", String::from_utf8_lossy(other)),
    })
}

/// The attacks that succeed without some of the confinement.
fn successes(guards: Guards) -> Vec<&'static str> {
    let bench = apart(guards, small_limits());
    let env = bench.hostile();
    let made = bench.folder.path().join("made");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mine = 7_u8;
    let attacks = [
        ("read", "/etc/passwd".to_owned()),
        ("fill-the-disk", made.display().to_string()),
        ("connect", listener.local_addr().unwrap().to_string()),
        ("listen", String::new()),
        ("execute", String::new()),
        ("fork", String::new()),
        ("signal-the-parent", String::new()),
        ("trace-the-parent", String::new()),
        ("read-the-parent", (&raw const mine).expose_provenance().to_string()),
        ("take-memory", String::new()),
        ("take-shared-memory", String::new()),
        ("take-stack-memory", String::new()),
        ("make-code", String::new()),
        ("make-file-in-memory", String::new()),
        ("read-the-environment", String::new()),
    ];
    let succeeded = attacks.into_iter().filter(|(attack, target)| {
        let [judge, program] = escaped(&env, &format!("{attack} {target}"));
        assert_eq!(judge, program, "{attack}: judges and programs are confined alike");
        judge
    });
    let succeeded = succeeded.map(|(attack, _)| attack).collect();
    serves(&env);
    succeeded
}

/// Each wall alone holds some attacks, and where there is none, all of them succeed.
#[test]
fn what_got_out_of_a_guest_reaches_nothing() {
    assert_eq!(successes(Guards::ALL), [""; 0]);
    let open = successes(Guards::without(Guard::Confinement));
    // Nobody can take away what was never given.
    assert_eq!(open.len(), 14, "{open:?}");
    assert!(!open.contains(&"read-the-environment"));
    let without_system_calls = successes(Guards::without(Guard::SystemCalls));
    for attack in ["fork", "make-code", "take-shared-memory", "take-stack-memory"] {
        assert!(without_system_calls.contains(&attack), "{attack}: {without_system_calls:?}");
    }
    for attack in ["read", "fill-the-disk", "connect", "trace-the-parent", "take-memory"] {
        assert!(!without_system_calls.contains(&attack), "{attack}: {without_system_calls:?}");
    }
    assert_eq!(successes(Guards::without(Guard::ProcessLimits)), ["take-memory"]);
    // What Landlock refuses is also a system call that seccomp refuses.
    assert_eq!(successes(Guards::without(Guard::Paths)), [""; 0]);
}

#[test]
fn a_process_that_dies_is_a_host_fault_and_is_replaced() {
    let env = apart(Guards::ALL, small_limits()).hostile();
    let died = execute(&env, "escape:die").unwrap_err();
    assert_eq!(died.stopped(), Some("execute"));
    assert!(died.to_string().contains("the sandbox's process ended in `execute`: signal: "), "{died}");
    let died = env.show_values(&[b"escape:die".to_vec()]).remove(0).unwrap_err();
    assert_eq!(died.stopped(), Some("show-value"));
    serves(&env);
}

/// Host code that hangs is reached by no fuel and no epoch.
#[test]
fn a_process_that_hangs_is_killed_and_replaced() {
    let bench = apart(Guards::ALL, small_limits());
    // Compiled in time; loading it again takes it from the cache.
    bench.hostile();
    let limits = Limits { ring: Ring::Require, deadline_ms: 500, ..small_limits() };
    let cache_dir = Some(bench.folder.path().join("cache"));
    let config = SandboxConfig { cache_dir, ..limited(limits) };
    let env = Sandbox::new(&config).unwrap().load(&bench.file("again.wasm", &hostile())).unwrap();
    let hung = execute(&env, "escape:hang").unwrap_err();
    assert!(hung.stopped() == Some("execute") && hung.to_string().contains("after 500 ms"), "{hung}");
    serves(&env);
}

/// Everything that crosses, for well-behaved guests and others: where guests are makes no difference.
#[test]
fn processes_answer_as_threads_do() {
    let programs =
        ["echo", "throw", "refuse", "loop", "unreachable", "divide", "recurse", "ask", "hoard", "count", "large"];
    let words =
        ["echo", "spin", "trap", "recurse", "hoard", "flood", "escape", "log-huge", "reject", "score-nan", "many-runs"];
    let answers = |env: &Environment| {
        let said = |result: Result<String, Fault>| result.unwrap_or_else(|fault| fault.to_string());
        let mut answers: Vec<String> =
            programs.iter().map(|program| said(execute(env, program).map(|r| format!("{r:?}")))).collect();
        for word in words {
            let ctx = behaving(env, word);
            answers.push(said(verify(env, word).map(|judged| format!("{judged:?}"))));
            let proposal = Proposal { kind: "echo".into(), references: vec![task()], completion: word.into() };
            answers.push(said(env.validate(&ctx, &[proposal]).remove(0).map(|judged| format!("{judged:?}"))));
            answers.push(said(env.seeds(&ctx).map(|seeds| format!("{seeds:?}"))));
            answers.push(said(env.import_tasks(&ctx, &[word.into()]).remove(0).map(|task| format!("{task:?}"))));
            answers.push(said(env.solve_prompts(&ctx, &[task()]).remove(0).map(|prompt| format!("{prompt:?}"))));
            answers.push(said(env.demonstrate(&ctx, &[task()]).remove(0).map(|shown| format!("{shown:?}"))));
            answers.push(said(env.show_values(&[word.into()]).remove(0)));
            let examples =
                env.examples(&ctx).map(|Examples { proposals, attempts }| format!("{proposals:?} {attempts:?}"));
            answers.push(said(examples));
            answers.push(format!("{:?}", env.take_log()));
        }
        answers.push(format!("{:?} {:?}", env.description(), env.imports()));
        answers
    };
    let limits = Limits { judge_fuel: 50_000_000, judge_memory_max_bytes: 16 << 20, ..small_limits() };
    let (threads, processes) = (Bench::with(limited(limits.clone())), apart(Guards::ALL, limits));
    let (threads, processes) = (threads.hostile(), processes.hostile());
    for (thread, process) in answers(&threads).into_iter().zip(answers(&processes)) {
        assert_eq!(thread, process);
    }
}

#[test]
fn what_does_not_fit_is_refused_in_the_same_words() {
    for executor in [
        component(
            "executor",
            r#"(module (memory (export "memory") 300) (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)) (func (export "cabi_post_azr:env/execution@0.1.0#execute") (param i32)) (func (export "azr:env/execution@0.1.0#execute") (param i32 i32 i32 i32) (result i32) (i32.const 16)))"#,
        ),
        wat::parse_str(r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance (export "now" (func)))))"#)
            .unwrap(),
    ] {
        let refusal = |bench: Bench| {
            bench
                .with_component(&executor)
                .err()
                .expect("it was loaded")
                .replace(bench.folder.path().to_str().unwrap(), "")
        };
        assert_eq!(refusal(Bench::with(small())), refusal(apart(Guards::ALL, small_limits())));
    }
}

/// A process keeps a judge's memory for the next call, without what was written to it.
#[test]
fn a_judge_begins_afresh_in_every_call() {
    let body = "(if (i32.or (i32.load (i32.const 1536)) (i32.ne (memory.size) (i32.const 1))) (then unreachable))
        (if (i32.ne (memory.grow (i32.const 40)) (i32.const 1)) (then unreachable))
        (if (i32.or (i32.load (i32.const 70000)) (i32.load (i32.const 2600000))) (then unreachable))
        (i32.store (i32.const 1536) (i32.const -1))
        (i32.store (i32.const 70000) (i32.const -1))
        (i32.store (i32.const 2600000) (i32.const -1))";
    let bench = apart(Guards::ALL, small_limits());
    let env = bench.judge(&judge(Parts { body, ..Parts::default() })).unwrap();
    for _ in 0..6 {
        assert_eq!(verify(&env, "echo").unwrap().conclusion.score, 0.0);
    }
}
