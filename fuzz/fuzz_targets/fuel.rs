#![no_main]

use std::sync::atomic::{AtomicU8, Ordering};

/// Steps of fuel in each doubling, and doublings.
const STEPS: usize = 4;
const DOUBLINGS: usize = 34;
/// Judges, and functions of each; two of one number are told apart less well.
const JUDGES: usize = 8;
const FUNCTIONS: usize = 8;

/// libFuzzer takes what becomes other than zero here as it takes new code that was reached: so it keeps what uses more fuel
/// than anything before. The judges themselves are wasm, in which it sees nothing.
// SAFETY: the section holds bytes only, which libFuzzer sets to zero before each input.
#[unsafe(link_section = "__libfuzzer_extra_counters")]
static USED: [[[AtomicU8; STEPS * DOUBLINGS]; FUNCTIONS]; JUDGES] =
    [const { [const { [const { AtomicU8::new(0) }; STEPS * DOUBLINGS] }; FUNCTIONS] }; JUDGES];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // The same readers natively, where it does see.
    azr_fuzz::judge::completion(data);
    azr_fuzz::judge::puzzle(data);
    for (judge, call) in azr_fuzz::host::fuel(data) {
        let function = call.function.bytes().map(usize::from).sum::<usize>() % FUNCTIONS;
        let step = (call.fuel.max(1) as f64).log2() * STEPS as f64;
        USED[judge % JUDGES][function][step as usize % (STEPS * DOUBLINGS)].store(1, Ordering::Relaxed);
    }
});
