#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| azr_fuzz::judge::puzzle(data));
