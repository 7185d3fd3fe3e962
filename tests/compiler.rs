//! Compiling in a process of its own: the same code comes of it, and whoever insists on it gets it or an error.

use azr_sandbox::pack;

use crate::{built::guest, program};

/// What inspecting an environment shows, compiled anew.
fn inspected(ring: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (file, cache) = (folder.path().join("hostile.wasm"), folder.path().join("cache"));
    std::fs::write(&file, pack(&guest("azr_test_judge"), &[guest("azr_test_executor")]).unwrap()).unwrap();
    let (file, cache) = (file.to_str().unwrap(), cache.to_str().unwrap());
    let set = format!("sandbox.ring={ring}");
    let output = program::succeed(&["env", "inspect", file, "--json", "--cache-dir", cache, "--set", &set]);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_confined_compiler_gives_what_an_unconfined_one_gives() {
    let confined = inspected("require");
    assert!(confined.contains("\"name\": \"echo\""), "{confined}");
    assert_eq!(confined, inspected("off"));
}

#[test]
fn a_compilation_outside_has_a_deadline_and_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let refusal = |bytes: &[u8], set: &str| {
        let file = folder.path().join("refused.wasm");
        std::fs::write(&file, bytes).unwrap();
        let (file, cache) = (file.to_str().unwrap(), cache.to_str().unwrap());
        let output = program::run(&["env", "inspect", file, "--cache-dir", cache, "--set", set]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let judge = pack(&guest("azr_test_judge"), &[] as &[&str]).unwrap();
    let late = refusal(&judge, "sandbox.deadline-ms=1");
    assert!(late.contains("its judge does not compile: it was still compiling after 5ms"), "{late}");
    let invalid = wat::parse_str("(component (core module (func (result i32))))").unwrap();
    let why = refusal(&invalid, "sandbox.ring=require");
    assert!(why.contains("its judge does not compile") && why.contains("type mismatch"), "{why}");
}

/// An environment that somebody looks at before trusting it.
#[test]
fn no_import_drives_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("loud.wasm");
    let name = "url=<https://a.b/\\1b]0;OWNED\\07\\1b[2J\\c2\\9b31m\\e2\\80\\ae>";
    let written = wat::parse_str(format!("(component (import \"{name}\" (func)))"));
    std::fs::write(&file, written.unwrap()).unwrap();
    let output = program::run(&["env", "inspect", file.to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    let obeyed = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!output.status.success() && !said.contains(obeyed), "{said:?}");
    assert!(said.contains("OWNED"), "{said}");
}
