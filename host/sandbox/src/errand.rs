//! Becoming one of the sandbox's processes.

use std::{
    ffi::{OsStr, OsString},
    process::ExitCode,
};

use super::{
    compiler,
    confined::{self, COMPILE, WORK},
    worker,
};

/// Makes this process one of the sandbox's where it was started as one; then it ends here. To be called first in `main`,
/// while there is one thread. From then on the sandbox starts this program for its processes.
pub fn serve_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if let Some(ended) = arguments.next().and_then(|first| serve(&first, arguments)) {
        return Some(ended);
    }
    confined::confine_with_own();
    None
}

fn serve(errand: &OsStr, arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let arguments: Vec<String> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    let done = match errand.to_str()? {
        COMPILE => compiler::serve(&arguments),
        WORK => worker::serve(&arguments),
        _ => return None,
    };
    Some(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("{error:#}");
            ExitCode::FAILURE
        }
    })
}

/// Becomes one of the sandbox's processes where this test was started as one, and ends with it.
#[cfg(feature = "test-guards")]
pub fn serve_in_test() {
    let mut arguments = std::env::args_os().skip_while(|argument| argument != COMPILE && argument != WORK);
    if let Some(ended) = arguments.next().and_then(|errand| serve(&errand, arguments)) {
        std::process::exit(i32::from(ended != ExitCode::SUCCESS));
    }
}
