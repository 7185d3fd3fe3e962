//! The programs as somebody finds them who has no libtorch, closes a pipe, or asks a shell to complete.

use std::{
    fs,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::program::azr_host;

/// A copy of `azr-host` where nothing is beside it, in an environment without variables.
fn alone(folder: &TempDir) -> Command {
    let copy = folder.path().join("azr-host");
    fs::copy(azr_host().get_program(), &copy).unwrap();
    let mut command = Command::new(copy);
    command.env_clear();
    command
}

#[test]
fn whoever_needs_no_policy_needs_no_libtorch() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["--version"][..], &["--help"], &["env", "inspect", "--help"], &["completions", "zsh"]] {
        let output = alone(&folder).args(args).output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn a_missing_libtorch_is_said_with_where_it_was_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let says = |command: &mut Command| {
        let output = command.args(["policy", "memory", "."]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let no_trainer = says(&mut alone(&folder));
    assert!(no_trainer.contains("azr-trainer is not beside azr-host"), "{no_trainer}");
    fs::write(folder.path().join("azr-trainer"), "").unwrap();
    let nowhere = says(&mut alone(&folder));
    for words in ["needs libtorch 2.11.0", "pip install torch==2.11.0", "LIBTORCH", "libtorch/lib (beside the program)"]
    {
        assert!(nowhere.contains(words), "{words:?} is not in {nowhere}");
    }
    let lib = folder.path().join("other/lib");
    fs::create_dir_all(&lib).unwrap();
    fs::write(lib.join("libtorch_cpu.so"), "").unwrap();
    fs::write(folder.path().join("other/version.py"), "__version__ = '2.9.1+cpu'\n").unwrap();
    let other = says(alone(&folder).env("LIBTORCH", folder.path().join("other")));
    assert!(other.contains("other/lib has 2.9.1"), "{other}");
}

#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    let mut child = azr_host()
        .args(["env", "inspect", "envs/countdown.wasm"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn an_error_ends_with_its_last_word() {
    let output = azr_host().args(["--env", "envs/countdown.wasm", "--set", "stepz=3"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("unknown field `stepz`"), "{said}");
    assert_eq!(said.trim_end(), &said[..said.len() - 1], "an empty line follows");
}

#[test]
fn man_pages_are_written_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let output = azr_host().arg("man").arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for page in ["azr-host.1", "azr-host-train.1", "azr-host-env-check.1"] {
        assert!(fs::read_to_string(folder.path().join(page)).unwrap().contains(".TH"), "{page}");
    }
}
