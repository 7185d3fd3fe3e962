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

#[test]
fn small_files_with_large_memory_images_are_refused() {
    let module = r#"(memory (export "memory") 2100) (data (i32.const 0) "a") (data (i32.const 134217728) "b")"#;
    refused(Guards::ALL, &component("executor", &executor(module, "")), "its memories begin with more than 134217728");
}

#[test]
fn components_of_very_many_modules_are_refused() {
    let bomb = wat::parse_str(format!("(component {})", "(core module)".repeat(65))).unwrap();
    refused(Guards::ALL, &bomb, "more than 64 core modules");
}

#[test]
fn functions_of_many_locals_and_branches_are_refused() {
    let memory = r#"(memory (export "memory") 1)"#;
    let (locals, loops) = ("i32 ".repeat(2_000), "(loop)".repeat(11_000));
    let module = format!("{memory} (func (local {locals}) {loops})");
    refused(
        Guards::ALL,
        &component("executor", &executor(&module, "")),
        "a function of 2000 locals and 11000 branches",
    );
    let table = format!("{memory} (func (br_table {} (i32.const 0)))", "0 ".repeat(200_001));
    refused(Guards::ALL, &component("executor", &executor(&table, "")), "a function of 200001 branches");
}

#[test]
fn a_file_that_is_refused_leaves_no_compiled_code() {
    let bench = Bench::new();
    let foreign = wat::parse_str(r#"(component (core module (func)) (import "acme:net/sockets" (func)))"#).unwrap();
    assert!(bench.refusal(&foreign).contains("which this azr-host does not have"));
    assert_eq!(std::fs::read_dir(bench.folder.path().join("cache")).unwrap().count(), 0);
    bench.hostile();
    assert_eq!(std::fs::read_dir(bench.folder.path().join("cache")).unwrap().count(), 2);
}
