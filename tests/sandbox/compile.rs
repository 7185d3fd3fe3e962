//! Components made to keep a compiler busy.

use super::*;

fn refused(guards: Guards, executor: &[u8], why: &str) {
    let bench = Bench::of(guards);
    let refusal = bench.with_component(executor).err().expect("it was compiled");
    assert!(refusal.contains("its executor 0 does not compile") && refusal.contains(why), "{refusal}");
    serves(&bench.hostile());
}

/// Each level instantiates the level below three times: 3^9 instances at the top.
#[test]
fn components_that_multiply_are_refused() {
    let level = |below: String, _| {
        format!("(component {below} (instance (instantiate 0)) (instance (instantiate 0)) (instance (instantiate 0)))")
    };
    let bomb = wat::parse_str((0..9).fold("(component)".to_owned(), level)).unwrap();
    proves(Guard::CompileSize, |guards| refused(guards, &bomb, "more than 24 instances of components"));
}

#[test]
fn components_of_very_many_functions_are_refused() {
    let module = format!(r#"(memory (export "memory") 1) {}"#, "(func)".repeat(100_000));
    refused(Guards::ALL, &component("executor", &executor(&module, "")), "more than 100000 functions");
}

#[test]
fn components_of_very_large_functions_are_refused() {
    let body = "(drop (i32.const 1))".repeat(800_000);
    let bomb = component("executor", &executor(r#"(memory (export "memory") 1)"#, &body));
    refused(Guards::ALL, &bomb, "it has a function of 2400");
}

#[test]
fn compiling_has_a_deadline() {
    proves(Guard::CompileTime, |guards| {
        // 5 ms to compile in, and 100 ms for a call.
        let bench = Bench::guarded(limited(Limits { deadline_ms: 1, ..small_limits() }), guards);
        let refusal = bench.sandbox.load(&bench.file("hostile.wasm", &hostile())).err().expect("it was compiled");
        let refusal = format!("{refusal:#}");
        assert!(refusal.contains("its judge does not compile: it was still compiling after 5ms"), "{refusal}");
    });
}
