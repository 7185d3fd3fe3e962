//! The virtual WASI: what it gives, that it gives the same whatever happens around it, and what its abuse costs.

use std::{collections::BTreeSet, os::unix::fs::symlink};

use azr_sandbox::{Grants, LogLine, Outcome, Report, Run, confine_in_test};

use super::*;

/// Every function, in a script in which each finds what it needs. What ends a call stands alone below.
const FUNCTIONS: &str = "get-environment
get-arguments
initial-cwd
terminals
stdin
input-subscribe
stdout
output-subscribe
poll
drop-pollable
drop-pollable
now
wall-now
resolution
wall-resolution
subscribe-duration 2500000000
ready
poll
now
wall-now
ready
subscribe-instant 3000000000
block
now
drop-pollable
random-bytes 5
random-u64
insecure-bytes 5
insecure-u64
insecure-seed
check-write
write a line
blocking-write-and-flush another
flush
blocking-flush
write-zeroes 3
blocking-write-zeroes-and-flush 3
stderr
write a warning
drop-output
blocking-read 10
get-directories
read-directory
read-directory-entry
read-directory-entry
stat
metadata-hash
get-flags
get-type
stat-at corpus/a.txt
metadata-hash-at corpus/a.txt
open-directory corpus
open corpus
read-directory
read-directory-entry
read-directory-entry
read-directory-entry
open a.txt
stat
read-file 3
read-via-stream 1
read 2
skip 1
blocking-read 100
blocking-read 100
blocking-skip 1
read-via-stream 0
splice 2
blocking-splice 100
drop-input
is-same-object
advise 5
sync
sync-data
readlink-at x
write-via-stream 0
append-via-stream
write-file 0
set-size 0
set-times
set-times-at x
create-directory-at x
link-at x
remove-directory-at x
rename-at x
symlink-at x
unlink-file-at x
create x
open-to-write a.txt
drop-file
drop-file";

/// What it gives, worked out by hand from the interfaces' documentation. Random numbers and hashes have a test of their own.
const GIVEN: &[(&str, &str)] = &[
    ("get-environment", "[]"),
    ("get-arguments", "[]"),
    ("initial-cwd", "None"),
    ("terminals", "0"),
    ("poll", "[0, 1]"),
    ("now", "1"),
    ("wall-now", "Datetime { seconds: 0, nanoseconds: 0 }"),
    ("resolution", "1"),
    ("ready", "false"),
    ("poll", "[0]"),
    ("now", "2500000001"),
    ("wall-now", "Datetime { seconds: 2, nanoseconds: 500000000 }"),
    ("ready", "true"),
    ("now", "3000000000"),
    ("check-write", "Ok(65536)"),
    ("blocking-read 10", "Err(StreamError::Closed)"),
    ("get-directories", r#"["/"]"#),
    ("read-directory-entry", r#"Ok(Some(DirectoryEntry { type: DescriptorType::Directory, name: "corpus" }))"#),
    ("read-directory-entry", "Ok(None)"),
    ("get-type", "Ok(DescriptorType::Directory)"),
    ("open-directory corpus", "true"),
    ("read-directory-entry", r#"Ok(Some(DirectoryEntry { type: DescriptorType::RegularFile, name: "a.txt" }))"#),
    ("read-directory-entry", r#"Ok(Some(DirectoryEntry { type: DescriptorType::Unknown, name: "out" }))"#),
    ("read-directory-entry", "Ok(None)"),
    ("read-file 3", "Ok(([98, 99, 100], false))"),
    ("read 2", "Ok([98, 99])"),
    ("skip 1", "Ok(1)"),
    ("blocking-read 100", "Ok([101])"),
    ("blocking-read 100", "Err(StreamError::Closed)"),
    ("splice 2", "Ok(2)"),
    ("blocking-splice 100", "Ok(3)"),
    ("is-same-object", "true"),
    ("advise 5", "Ok(())"),
];

/// A grant of the directory `corpus`, which holds `a.txt` with `abcde` and a link that leads out.
struct Corpus {
    env: Environment,
    /// They live as long.
    _bench: Bench,
    _files: TempDir,
}

impl Corpus {
    fn new() -> Self {
        Self::of(Guards::ALL, 2)
    }

    fn of(guards: Guards, workers: usize) -> Self {
        Self::with(guards, workers, Ring::Off)
    }

    fn with(guards: Guards, workers: usize, ring: Ring) -> Self {
        let files = tempfile::tempdir().unwrap();
        let folder = files.path();
        std::fs::create_dir(folder.join("corpus")).unwrap();
        std::fs::write(folder.join("corpus/a.txt"), "abcde").unwrap();
        std::fs::write(folder.join("secret"), "secret").unwrap();
        symlink("../secret", folder.join("corpus/out")).unwrap();
        let grants = folder.join("grants.toml");
        std::fs::write(&grants, format!("[wasi.directories]\ncorpus = {:?}\n", folder.join("corpus"))).unwrap();
        let grants = Grants::read(&grants).unwrap();
        let limits = Limits { judge_fuel: 50_000_000, judge_memory_max_bytes: 16 << 20, ring, ..small_limits() };
        let bench = Bench::guarded(SandboxConfig { workers, grants, limits, ..SandboxConfig::default() }, guards);
        let packed = pack(&guest("azr_test_wasi"), &[guest("azr_test_wasi_executor")]).unwrap();
        let env = bench.sandbox.load(&bench.file("wasi.wasm", &packed)).unwrap();
        Self { env, _bench: bench, _files: files }
    }

    /// What comes of a script in the judge, and its log.
    fn judge(&self, script: &str) -> Result<(String, Vec<LogLine>), String> {
        let judged = verify(&self.env, script);
        let log = self.env.take_log().0;
        match judged {
            Ok(judged) => Ok((judged.conclusion.answer, log)),
            Err(fault) => Err(environment_fault::<()>(Err(fault))),
        }
    }

    fn lines(&self, script: &str) -> Vec<(String, String)> {
        let answer = self.judge(script).unwrap().0;
        script.lines().map(str::to_owned).zip(answer.lines().map(str::to_owned)).collect()
    }

    /// What comes of it in the executor.
    fn run(&self, script: &str) -> Report {
        self.env.exec(&[run(script)]).pop().unwrap().unwrap()
    }

    fn crash(&self, script: &str) -> String {
        match self.run(script).outcomes.pop().unwrap() {
            Outcome::Crashed(how) => how,
            outcome => panic!("{outcome:?}"),
        }
    }
}

fn run(script: &str) -> Run {
    Run { executor: 0, program: script.into(), inputs: vec![Vec::new()] }
}

#[test]
fn every_interface_is_used_and_shown() {
    let corpus = Corpus::new();
    let wasi = |imports: &[String]| imports.iter().filter(|import| import.starts_with("wasi:")).count();
    // All twenty; an executor's terminals are the same.
    assert_eq!(wasi(corpus.env.imports()), 20, "{:?}", corpus.env.imports());
    assert_eq!(wasi(&corpus.env.executor_imports()[0]), 20);
    assert!(
        corpus
            .env
            .imports()
            .iter()
            .all(|import| !import.starts_with("wasi:") || azr_sandbox::wasi_gives(import).is_some())
    );
}

#[test]
fn it_gives_what_a_machine_would_that_has_nothing() {
    let corpus = Corpus::new();
    let mut lines = corpus.lines(FUNCTIONS).into_iter();
    for (call, given) in GIVEN {
        let (_, came) = lines.by_ref().find(|(line, _)| line == call).unwrap_or_else(|| panic!("no {call}"));
        assert_eq!(came, *given, "{call}");
    }
    let changes = corpus.lines(FUNCTIONS);
    let changes = changes.iter().skip_while(|(line, _)| line != "write-via-stream 0").take(14);
    for (call, came) in changes {
        assert!(came.contains(r#"name: "read-only""#), "{call}: {came}");
    }
}

#[test]
fn paths_do_not_lead_out() {
    let corpus = Corpus::new();
    for (path, why) in [
        ("..", "not-permitted"),
        ("/etc/passwd", "not-permitted"),
        ("corpus/../../secret", "not-permitted"),
        ("corpus/out", "not-permitted"),
        ("corpus//etc/passwd", "no-entry"),
        ("nothing", "no-entry"),
        ("corpus/a.txt/b", "not-directory"),
        ("", "no-entry"),
    ] {
        let lines = corpus.lines(&format!("get-directories\nopen {path}\nstat-at {path}"));
        for (call, came) in &lines[1..] {
            assert!(came.contains(&format!("name: {why:?}")), "{call}: {came}");
        }
    }
    // Within a granted directory too.
    let lines = corpus.lines("get-directories\nopen corpus\nopen ../secret\nopen /etc/passwd");
    assert!(lines[2].1.contains(r#"name: "not-permitted""#), "{lines:?}");
    assert!(lines[3].1.contains(r#"name: "not-permitted""#), "{lines:?}");
}

#[test]
fn an_executor_has_a_root_without_anything() {
    let report = Corpus::new().run("get-directories\nread-directory\nread-directory-entry\nopen corpus");
    let [Outcome::Value(lines)] = &*report.outcomes else { panic!("{report:?}") };
    let lines = String::from_utf8_lossy(lines);
    assert!(lines.starts_with("[\"/\"]\nopened\nOk(None)\n") && lines.contains(r#"name: "no-entry""#), "{lines}");
}

/// Scripts that random numbers make, each in two sandboxes with other workers beside other scripts.
#[test]
fn equal_calls_give_equal_bytes_and_cost_the_same() {
    let seed = 20_261_130;
    let lines: Vec<&str> = FUNCTIONS.lines().collect();
    let mut state: u64 = seed;
    let mut below = |bound: usize| {
        // Knuth's MMIX generator.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let mut called = BTreeSet::new();
    let scripts: Vec<String> = (0..60)
        .map(|_| {
            let drawn: Vec<&str> = (0..40).map(|_| lines[below(lines.len())]).collect();
            called.extend(drawn.iter().copied());
            ["get-directories", "stdin", "stdout", "subscribe-duration 7"]
                .into_iter()
                .chain(drawn)
                .collect::<Vec<_>>()
                .join("\n")
        })
        .chain([FUNCTIONS.to_owned()])
        .collect();
    assert_eq!(called.len(), lines.iter().collect::<BTreeSet<_>>().len(), "every function was drawn");
    let reports = |workers: usize, scripts: Vec<&String>| {
        let corpus = Corpus::of(Guards::ALL, workers);
        let runs: Vec<Run> = scripts.iter().map(|script| run(script)).collect();
        let reports: Vec<Report> = corpus.env.exec(&runs).into_iter().map(Result::unwrap).collect();
        let judged: Vec<_> = scripts.iter().map(|script| corpus.judge(script)).collect();
        (reports, judged)
    };
    let (reports_one, judged_one) = reports(1, scripts.iter().collect());
    let (mut reports_other, mut judged_other) = reports(3, scripts.iter().rev().collect());
    reports_other.reverse();
    judged_other.reverse();
    for (index, script) in scripts.iter().enumerate() {
        assert_eq!(reports_one[index], reports_other[index], "seed {seed}, script {script}");
        assert_eq!(judged_one[index], judged_other[index], "seed {seed}, script {script}");
    }
}

/// A judge in a process of its own asks for files, and finds the same.
#[test]
fn in_a_process_all_is_the_same() {
    confine_in_test(&["--exact", "ring::process", "--nocapture", "--test-threads=1"]);
    let (here, apart) = (Corpus::new(), Corpus::with(Guards::ALL, 2, Ring::Require));
    for script in [
        FUNCTIONS,
        "get-directories\nopen ..\nopen corpus/out\nopen corpus/a.txt/b\nopen nothing",
        "stderr\nwrite why\nexit-with-code 3",
        "get-directories\nforever read-directory",
    ] {
        assert_eq!(here.judge(script), apart.judge(script), "{script}");
        assert_eq!(here.run(script), apart.run(script), "{script}");
    }
    assert_eq!(here.env.executor_imports(), apart.env.executor_imports());
}

#[test]
fn random_bytes_are_those_of_the_call() {
    let corpus = Corpus::new();
    let value = |script: &str| corpus.run(script).outcomes;
    assert_eq!(value("random-u64\nrandom-u64"), value("random-u64\nrandom-u64"));
    assert_ne!(value("random-u64\nrandom-u64 "), value("random-u64\nrandom-u64"));
    let lines = corpus.lines("random-u64\nrandom-u64\ninsecure-u64");
    let distinct: BTreeSet<&str> = lines.iter().map(|(_, came)| came.as_str()).collect();
    assert_eq!(distinct.len(), 3, "{lines:?}");
}

/// The same calls cost less where nothing is paid for them, each at least what a call costs.
#[test]
fn every_function_has_its_price() {
    let [paid, unpaid] = [Guards::ALL, Guards::without(Guard::Prices)].map(|guards| Corpus::of(guards, 1));
    let mut before = String::new();
    let mut difference_before = 0;
    for line in FUNCTIONS.lines() {
        before += line;
        // What is not dropped by a script is when it ends, for the same price.
        if line.starts_with("drop-") {
            before += "\n";
            continue;
        }
        let difference = paid.run(&before).fuel - unpaid.run(&before).fuel;
        assert!(difference >= difference_before + 500, "{line} cost {}", difference - difference_before);
        (difference_before, before) = (difference, before + "\n");
    }
}

/// What goes on for ever ends when its fuel does, and long before the host has done much for it.
#[test]
fn floods_and_loops_end_with_their_fuel() {
    for script in [
        "stdout\nforever flood 60000",
        "stdout\nforever write-zeroes 60000",
        "get-directories\nforever read-directory",
        "get-directories\nforever open-directory .",
        "get-directories\nforever stat-at corpus",
        "forever now",
        "subscribe-duration 1000\nforever ready",
        "subscribe-duration 0\nforever poll",
        "forever random-bytes 60000",
        "stdin\nforever read 1000000",
    ] {
        let corpus = Corpus::new();
        assert_eq!(corpus.run(script).outcomes, [Outcome::OutOfFuel], "{script}");
        let why = corpus.judge(script).unwrap_err();
        assert!(why.contains("the judge used more than 50000000 fuel"), "{script}: {why}");
        assert_eq!(corpus.run("now").outcomes, [Outcome::Value(b"1".to_vec())]);
    }
}

/// Random bytes are paid for before they are made: nobody makes a host fill its memory with them.
#[test]
fn what_would_be_huge_is_not_begun() {
    proves(Guard::Prices, |guards| {
        let corpus = Corpus::of(guards, 1);
        for script in ["random-bytes 18446744073709551615", "insecure-bytes 10000000"] {
            assert_eq!(corpus.run(script).outcomes, [Outcome::OutOfFuel], "{script}");
        }
    });
    let corpus = Corpus::new();
    assert_eq!(corpus.crash("stdout\nwrite-zeroes 1000000"), "the executor broke its contract");
    assert_eq!(corpus.crash("poll"), "the executor broke its contract");
    // As much as is there, at most 64 KiB.
    assert_eq!(corpus.run("stdin\nread 18446744073709551615").outcomes.len(), 1);
}

#[test]
fn hoards_of_handles_end() {
    for (first, hoarded) in [
        ("now", "subscribe-duration 5"),
        ("stdin", "input-subscribe"),
        ("now", "stdout"),
        ("now", "get-directories"),
        ("get-directories", "read-directory"),
        ("get-directories", "open ."),
    ] {
        proves(Guard::Handles, |guards| {
            let script = format!("{first}\nhoard {hoarded}");
            let outcomes = Corpus::of(guards, 1).run(&script).outcomes;
            assert!(matches!(&*outcomes, [Outcome::Crashed(_)]), "{script}: {outcomes:?}");
        });
    }
}

#[test]
fn what_a_judge_writes_is_logged_capped_and_escaped() {
    let (_, log) = Corpus::new().judge("stdout\nwrite one\nwrite  line\nstderr\nwrite and another").unwrap();
    let log: Vec<String> = log.iter().map(ToString::to_string).collect();
    assert_eq!(log, ["info: judge-answer: one line", "warn: judge-answer: and another"]);
    proves(Guard::LogEscapes, |guards| {
        let (_, log) = Corpus::of(guards, 1).judge("stderr\nwrite \\e[2J").unwrap();
        assert!(!log[0].message.contains('\u{1b}'), "{log:?}");
    });
    proves(Guard::LogSize, |guards| {
        let (_, log) = Corpus::of(guards, 1).judge(&"stdout".add_lines("flood 9000", 4)).unwrap();
        let bytes: usize = log.iter().map(|line| line.message.len()).sum();
        assert!(bytes <= 16 << 10, "{bytes} bytes were kept");
    });
}

#[test]
fn what_a_program_wrote_tells_why_it_ended() {
    let corpus = Corpus::new();
    assert_eq!(corpus.crash("panic it is broken"), "unreachable: it is broken");
    assert_eq!(corpus.crash("stdout\nwrite before\nexit-with-code 7"), "exit 7: before");
    assert_eq!(corpus.crash("exit"), "exit 1");
    let flood = corpus.crash(&"stdout".add_lines("flood 9000", 4).add_lines("exit", 1));
    assert!(flood.len() < 1100, "{} bytes", flood.len());
    let why = corpus.judge("panic it is broken").unwrap_err();
    assert!(why.contains("the judge trapped: it is broken"), "{why}");
    assert!(corpus.judge("exit").unwrap_err().contains("the judge exited with 1"));
}

trait AddLines {
    fn add_lines(&self, line: &str, times: usize) -> String;
}

impl<T: AsRef<str>> AddLines for T {
    fn add_lines(&self, line: &str, times: usize) -> String {
        format!("{}{}", self.as_ref(), format!("\n{line}").repeat(times))
    }
}
