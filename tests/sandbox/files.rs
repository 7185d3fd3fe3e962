//! Files that are not environments, and what a packed one holds.

use std::os::unix::fs::PermissionsExt as _;

use azr_core::task::Digest;

use super::*;

#[test]
fn a_missing_file_is_named() {
    let error = Bench::new().sandbox.load(Path::new("/nowhere/env.wasm")).err().unwrap();
    assert!(format!("{error:#}").starts_with("cannot read /nowhere/env.wasm: "), "{error:#}");
}

#[test]
fn what_is_not_a_component_is_called_what_it_is() {
    let bench = Bench::new();
    assert!(bench.refusal(b"").ends_with("the file is empty"));
    assert!(bench.refusal(b"#!/bin/sh").contains("not a WebAssembly component"));
    assert!(bench.refusal(b"\0asm\x01\0\0\0").contains("core wasm module, not a component; `azr-env pack"));
    let folder = bench.sandbox.load(bench.folder.path()).err().unwrap().to_string();
    assert!(folder.ends_with("is a directory, not a .wasm file"), "{folder}");
}

#[test]
fn truncated_and_damaged_files_are_refused() {
    let bench = Bench::new();
    let file = hostile();
    for length in (8..file.len()).step_by(file.len() / 37) {
        bench.refusal(&file[..length]);
    }
    assert!(bench.refusal(&file[..file.len() - 1]).contains("damaged or incomplete"));
    let mut damaged = file;
    // In the type section of the judge.
    damaged[40] ^= 0xff;
    bench.refusal(&damaged);
}

/// A compiled file is native code: accepting one would give its author this process.
#[test]
fn compiled_files_are_never_accepted() {
    let bench = Bench::new();
    bench.hostile();
    let cached = std::fs::read_dir(bench.folder.path().join("cache")).unwrap().next().unwrap().unwrap().path();
    assert!(bench.refusal(&std::fs::read(&cached).unwrap()).contains("native code, which is never accepted"));
    let packed = pack(&guest("azr_test_judge"), &[cached]).unwrap_err();
    assert!(format!("{packed:#}").contains("native code, which is never accepted"), "{packed:#}");
}

/// The file is read once: what was hashed and checked is what runs.
#[test]
fn a_file_that_is_swapped_after_it_was_read_changes_nothing() {
    let bench = Bench::new();
    let env = bench.hostile();
    bench.file("hostile.wasm", &judge(Parts::default()));
    serves(&env);
    assert_eq!(env.digest(), Digest::of(hostile()));
    let swapped = bench.sandbox.load(&bench.folder.path().join("hostile.wasm")).unwrap();
    assert_eq!(swapped.description().name, "echo");
    serves(&env);
}

#[test]
fn a_cache_open_to_others_is_refused() {
    proves(Guard::CacheOwner, |guards| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let config = SandboxConfig { cache_dir: Some(folder.path().to_owned()), ..small() };
        let error = Sandbox::guarded(&config, guards).err().unwrap().to_string();
        assert!(error.contains("open to other users"), "{error}");
    });
}

#[test]
fn the_digests_are_those_of_the_bytes() {
    let bench = Bench::new();
    let (env, file) = (bench.hostile(), hostile());
    assert_eq!(env.digest(), Digest::of(&file));
    assert_eq!(env.executor_digests(), [Digest::of(&file[executor_start(&env, &file)..])]);
    assert_eq!(env.imports(), ["azr:env/log@0.1.0"]);
}

#[test]
fn a_damaged_executor_is_named() {
    let bench = Bench::new();
    let (env, mut file) = (bench.hostile(), hostile());
    let start = executor_start(&env, &file);
    file[start] = b'X';
    assert!(bench.refusal(&file).contains("its executor 0 is damaged"));
}

/// The executor is the last section, so its bytes end the file.
fn executor_start(env: &Environment, file: &[u8]) -> usize {
    let components = (0..file.len()).filter(|&start| file[start..].starts_with(b"\0asm\x0d\0\x01\0"));
    components.into_iter().find(|&start| [Digest::of(&file[start..])] == env.executor_digests()).unwrap()
}
