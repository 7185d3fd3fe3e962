//! Several ranks: the same run as one's, whatever their number, and an end with a reason when one of them ends.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use azr_core::task::Digest;
use c10d::{Role, Store};

use crate::{
    experiment::{SMALL, assert_same, pipe, scratch, shim},
    program::azr_host,
};

/// Cut into several micro-batches, so that every rank has some and one has none in the last round.
const CUT: &[&str] = &["--env=envs/python.wasm", "--set=update.micro-batch-max-tokens=700"];

const SHARDED: &[&str] = &["--set=update.weights=sharded", "--set=update.activations=recompute"];

/// One of several ranks, as torchrun would start it.
fn rank(rank: usize, size: usize, port: u16, args: &[String]) -> Command {
    let mut command = azr_host();
    command.args(args).env("RANK", rank.to_string()).env("WORLD_SIZE", size.to_string());
    command.env("LOCAL_RANK", rank.to_string()).env("MASTER_ADDR", "127.0.0.1").env("MASTER_PORT", port.to_string());
    // Memory that is freed or new is overwritten, so that weights which are not there cannot be read by luck.
    command.env("MALLOC_PERTURB_", "165").stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn start(size: usize, args: &[String], more: impl Fn(&mut Command, usize)) -> Vec<Child> {
    start_at(free_port(), size, args, more)
}

fn start_at(port: u16, size: usize, args: &[String], more: impl Fn(&mut Command, usize)) -> Vec<Child> {
    let start = |number: usize| {
        let mut command = rank(number, size, port, args);
        more(&mut command, number);
        command.spawn().expect("azr-host starts")
    };
    (0..size).map(start).collect()
}

/// Exit code and standard error of each.
fn ends(ranks: Vec<Child>) -> Vec<(Option<i32>, String)> {
    let end = |child: Child| {
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    ranks.into_iter().map(end).collect()
}

#[track_caller]
fn all_succeed(size: usize, args: &[String], more: impl Fn(&mut Command, usize)) {
    for (code, message) in ends(start(size, args, more)) {
        assert_eq!(code, Some(0), "{message}");
    }
}

fn as_is(_: &mut Command, _: usize) {}

/// The arguments of a run of so many steps in `dir`.
fn run_of(steps: &str, dir: &Path) -> Vec<String> {
    let own = [format!("--out={}", dir.display()), format!("--steps={steps}")];
    CUT.iter().chain(SMALL).map(|arg| (*arg).to_owned()).chain(own).collect()
}

fn settings(settings: &[&str]) -> Vec<String> {
    settings.iter().map(|&setting| setting.to_owned()).collect()
}

/// The run that all others must equal.
fn alone(dir: &Path) {
    assert!(azr_host().args(run_of("4", dir)).output().unwrap().status.success());
}

/// So many go on from a step before the end of the run of one, and come to the same end.
fn go_on_the_same(size: usize, dir: &Path, one: &Path) {
    let resumed = dir.join("resumed");
    assert!(Command::new("cp").arg("-r").args([one, &resumed]).status().unwrap().success());
    fs::remove_dir_all(resumed.join("checkpoints/step-000004")).unwrap();
    all_succeed(size, &["--resume".to_owned(), resumed.display().to_string()], as_is);
    assert_same(one, &resumed);
}

fn kill(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

/// Reads what a rank prints until its first step is done.
fn first_step(rank: &mut Child) -> impl Iterator<Item = String> + use<> {
    let mut lines = BufReader::new(rank.stderr.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.starts_with("step    1")).expect("a first step");
    lines
}

#[test]
fn two_ranks_and_three_come_to_the_same_as_one_bit_for_bit() {
    let (dir, one, two) = scratch();
    alone(&one);
    all_succeed(2, &run_of("4", &two), as_is);
    assert_same(&one, &two);
    let metrics = fs::read_to_string(two.join("metrics.jsonl")).unwrap();
    assert!(metrics.contains("sent_bytes"), "the ranks talked to each other");
    assert!(fs::read_to_string(two.join("logs/rank-1.txt")).unwrap().contains("step    4"));
    go_on_the_same(3, dir.path(), &one);
}

/// One rank has whole weights whatever the setting says. Five cut matrices unevenly.
#[test]
fn sharded_weights_come_to_the_same_bit_for_bit() {
    let (dir, one, two) = scratch();
    let sharded = |dir: &Path| [&run_of("4", dir), &settings(SHARDED)[..]].concat();
    assert!(azr_host().args(sharded(&one)).output().unwrap().status.success());
    all_succeed(2, &sharded(&two), as_is);
    assert_same(&one, &two);
    go_on_the_same(5, dir.path(), &one);
}

/// The adapter stays whole on every rank, and so does the policy that divergence is measured from.
#[test]
fn an_adapter_over_sharded_weights_comes_to_the_same_bit_for_bit() {
    let (_dir, one, two) = scratch();
    let adapter = ["--set=policy.lora.rank=4", "--set=update.learning-rate=1e-3", "--set=solve.kl-coefficient=0.01"];
    let sharded = |dir: &Path| [&run_of("2", dir), &settings(SHARDED)[..], &settings(&adapter)].concat();
    assert!(azr_host().args(sharded(&one)).output().unwrap().status.success());
    all_succeed(2, &sharded(&two), as_is);
    assert_same(&one, &two);
}

#[test]
fn a_killed_rank_is_named_and_a_restart_goes_on_from_the_last_checkpoint() {
    let (_dir, whole, killed) = scratch();
    alone(&whole);
    let args = run_of("4", &killed);
    let mut ranks = start(2, &args, as_is);
    let rest = first_step(&mut ranks[0]);
    kill(&ranks[1], "-KILL");
    let rest: Vec<String> = rest.collect();
    assert_eq!(ranks[0].wait().unwrap().code(), Some(1), "{rest:?}");
    ranks[1].wait().unwrap();
    assert!(rest.iter().any(|line| line.contains("rank 1 has sent no heartbeat")), "{rest:?}");
    all_succeed(2, &args, |command, _| {
        command.env("TORCHELASTIC_RESTART_COUNT", "1");
    });
    assert_same(&whole, &killed);
}

/// As a kubelet does, which knows nothing of the others. Reached at its old address, they must not wait for each other.
#[test]
fn a_rank_that_is_started_again_alone_stops_the_others_which_then_go_on_together() {
    let (_dir, whole, killed) = scratch();
    alone(&whole);
    let (port, args) = (free_port(), run_of("4", &killed));
    let restarted = |command: &mut Command, _| {
        command.env("TORCHELASTIC_RESTART_COUNT", "1");
    };
    let mut ranks = start_at(port, 2, &args, restarted);
    let rest = first_step(&mut ranks[0]);
    kill(&ranks[1], "-KILL");
    ranks[1].wait().unwrap();
    let mut again = rank(1, 2, port, &args);
    restarted(&mut again, 1);
    let [(code, message)] = &ends(vec![again.spawn().unwrap()])[..] else { unreachable!() };
    assert_eq!(*code, Some(1), "{message}");
    assert!(message.contains("the ranks that were started with an earlier rank 1 still run"), "{message}");
    let rest: Vec<String> = rest.collect();
    assert_eq!(ranks[0].wait().unwrap().code(), Some(1), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("rank 1 was started again")), "{rest:?}");
    all_succeed(2, &args, restarted);
    assert_same(&whole, &killed);
}

/// Rank 0 is held while it writes the last checkpoint. The others, long done, must not fall silent.
#[test]
fn a_rank_that_is_done_gives_signs_of_life_until_the_last_is_done() {
    let (dir, run, _) = scratch();
    let (hold, pipe) = (shim(dir.path(), "hold"), pipe(dir.path()));
    let port = free_port();
    let ranks = start_at(port, 2, &run_of("2", &run), |command, rank| {
        if rank == 0 {
            command.env("LD_PRELOAD", &hold).env("HOLD_AT", ".step-000002/checkpoint.json").env("HOLD_PIPE", &pipe);
        }
    });
    // Opens when rank 0 has come there.
    let held = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    let timeout = Duration::from_secs(60);
    let store = Store::connect("127.0.0.1", port, Role::Client, timeout).unwrap();
    // The name of ranks without a token, at their first start.
    let store = store.prefixed(&format!("azr-host/{}/0", Digest::of("ranks "))).unwrap();
    let begun = Instant::now();
    let mut signs = BTreeSet::new();
    // As many as it would give within the time after which it counts as gone.
    while signs.len() < 11 {
        assert!(begun.elapsed() < timeout, "rank 1 gave {} signs of life", signs.len());
        signs.insert(store.get("sign/1", timeout).unwrap());
    }
    drop((held, store));
    for (code, message) in ends(ranks) {
        assert_eq!(code, Some(0), "{message}");
    }
}

#[test]
fn an_interrupt_of_one_rank_ends_all_with_a_checkpoint() {
    let (_dir, run, _) = scratch();
    let args = [run_of("400", &run), vec!["--stopped-status=75".to_owned()]].concat();
    let mut ranks = start(2, &args, as_is);
    let rest = first_step(&mut ranks[0]);
    kill(&ranks[1], "-TERM");
    let rest: Vec<String> = rest.collect();
    let codes: Vec<_> = ranks.iter_mut().map(|rank| rank.wait().unwrap().code()).collect();
    assert_eq!(codes, [Some(75), Some(75)], "{rest:?}");
    let done = fs::read_to_string(run.join("metrics.jsonl")).unwrap().lines().count();
    assert!(run.join(format!("checkpoints/step-{done:06}")).exists(), "{rest:?}");
}

/// Reading a pipe that nobody writes stands for whatever a rank may hang in.
#[test]
fn a_rank_that_hangs_is_named_after_the_timeout() {
    let (dir, run, _) = scratch();
    let pipe = pipe(dir.path());
    let args = [run_of("4", &run), vec!["--distributed-timeout=15".to_owned()]].concat();
    let hanging = |command: &mut Command, rank| {
        if rank == 1 {
            command.arg("--held-out").arg(&pipe);
        }
    };
    let ended = ends(start(2, &args, hanging));
    let wanted = ["rank 1 lives, but did not take part in time", "rank 1 stops, because rank 0 failed"];
    for ((code, message), wanted) in ended.iter().zip(wanted) {
        assert_eq!(*code, Some(1), "{message}");
        assert!(message.contains(wanted), "{message}");
    }
}

#[test]
fn ranks_that_do_not_fit_are_refused() {
    let (_dir, run, _) = scratch();
    let output = azr_host().args(CUT).env("RANK", "0").output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && message.contains("WORLD_SIZE"), "{message}");
    let seeded = |command: &mut Command, rank: usize| {
        command.arg(format!("--seed={rank}"));
    };
    let ended = ends(start(2, &run_of("4", &run), seeded));
    for (code, message) in ended {
        assert_eq!(code, Some(1), "{message}");
        assert!(message.contains("rank 1 has another configuration"), "{message}");
    }
    assert!(!run.join("experiment.json").exists());
}
