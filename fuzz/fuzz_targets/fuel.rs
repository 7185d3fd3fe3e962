#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| azr_fuzz::host::fuel(data));
