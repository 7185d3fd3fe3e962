//! The program, as its users run it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
};

/// `azr-host`, which `make test` has built beside what these tests belong to.
static AZR_HOST: LazyLock<PathBuf> = LazyLock::new(|| {
    let built = option_env!("CARGO_BIN_EXE_azr-host").or(option_env!("CARGO_BIN_EXE_azr-trainer"));
    Path::new(built.expect("these are tests of a package with a program")).with_file_name("azr-host")
});

pub fn azr_host() -> Command {
    program(&AZR_HOST)
}

fn program(path: &Path) -> Command {
    let mut command = Command::new(path);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    command
}

pub fn run(args: &[&str]) -> Output {
    azr_host().args(args).output().expect("azr-host starts")
}

#[track_caller]
pub fn succeed(args: &[&str]) -> Output {
    let output = run(args);
    assert!(output.status.success(), "{args:?}\n{}", String::from_utf8_lossy(&output.stderr));
    output
}
