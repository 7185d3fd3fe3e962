//! An executor whose programs are single words: what to do with each input.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU32, Ordering},
};

wit_bindgen::generate!({ path: "../../../wit", world: "executor" });

use azr::env::types::{Outcome, Thrown};
use exports::azr::env::execution::Guest;

struct Executor;

/// Calls in this instance: state that must not survive it.
static CALLS: AtomicU32 = AtomicU32::new(0);

impl Guest for Executor {
    fn execute(program: String, inputs: Vec<Vec<u8>>) -> Vec<Outcome> {
        match program.as_str() {
            "too-many-outcomes" => vec![Outcome::Value(Vec::new()); inputs.len() + 1],
            "too-few-outcomes" => Vec::new(),
            "outcome-of-the-host" => vec![Outcome::OutOfFuel],
            "after-the-end" => vec![Outcome::Refused("first".into()); 2],
            _ => call_each(&program, inputs),
        }
    }
}

/// Up to the first outcome that is not a value.
fn call_each(program: &str, inputs: Vec<Vec<u8>>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for input in inputs {
        let outcome = call(program, input);
        let ended = !matches!(outcome, Outcome::Value(_));
        outcomes.push(outcome);
        if ended {
            break;
        }
    }
    outcomes
}

fn call(program: &str, input: Vec<u8>) -> Outcome {
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    match program {
        "count" => Outcome::Value(calls.to_string().into_bytes()),
        "throw" => Outcome::Thrown(Thrown { name: "ValueError".into(), message: "no".into() }),
        "refuse" => Outcome::Refused("no entry point".into()),
        "loop" => loop {
            black_box(calls);
        },
        "unreachable" => std::process::abort(),
        "divide" => Outcome::Value(vec![(1u64 / black_box(0)) as u8]),
        "recurse" => Outcome::Value(vec![recurse(0) as u8]),
        "ask" => ask(),
        "spy" => spy(),
        "hoard" => hoard(),
        "large" => Outcome::Value(vec![b'x'; String::from_utf8_lossy(&input).parse().unwrap_or(0)]),
        "large-exception" => Outcome::Thrown(Thrown { name: "ValueError".into(), message: "x".repeat(50_000_000) }),
        _ => Outcome::Value(input),
    }
}

/// Asks once for more than there is, and carries on when refused.
fn ask() -> Outcome {
    let refused = black_box(Vec::<u8>::new()).try_reserve_exact(1 << 30).is_err();
    Outcome::Value(if refused { b"refused".to_vec() } else { b"granted".to_vec() })
}

/// How often `CANARY-` stands in the memory of this instance, all of it, as an encoded integer.
#[cfg(target_family = "wasm")]
fn spy() -> Outcome {
    // So that the text which is looked for does not itself stand in memory.
    const MASK: u8 = 0x55;
    const MASKED: [u8; 7] = [b'C' ^ MASK, b'A' ^ MASK, b'N' ^ MASK, b'A' ^ MASK, b'R' ^ MASK, b'Y' ^ MASK, b'-' ^ MASK];
    let (start, end) = (black_box(1), core::arch::wasm32::memory_size::<0>() << 16);
    // SAFETY: the memory is there from its first to its last byte, and nothing writes to it meanwhile.
    let memory = unsafe { std::slice::from_raw_parts(start as *const u8, end - start) };
    let is_canary = |window: &&[u8]| window.iter().zip(MASKED).all(|(byte, masked)| byte ^ MASK == masked);
    Outcome::Value(format!("i{};", memory.windows(MASKED.len()).filter(is_canary).count()).into_bytes())
}

#[cfg(not(target_family = "wasm"))]
fn spy() -> Outcome {
    unreachable!("guests run in wasm")
}

/// Takes memory until there is none, and cannot go on.
fn hoard() -> Outcome {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

#[expect(unconditional_recursion, reason = "that is the attack")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth) + 1)) + 1
}

export!(Executor);
