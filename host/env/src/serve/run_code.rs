//! `POST /run_code` as SandboxFusion has it, decided by fuel.
//!
//! | program | `status` | `run_result.status` | `return_code` |
//! |---|---|---|---|
//! | ends with status 0 | Success | Finished | 0 |
//! | ends with another, or by an exception | Failed | Finished | that, or 1 |
//! | uses up the fuel of its `run_timeout` | Failed | TimeLimitExceeded | null |
//! | exceeds memory, stack or output, crashes the interpreter | Failed | Finished | 137; `stderr` says why |
//! | nobody knows: the fault is this host's | SandboxError | Error | null |
//!
//! Differences: `execution_time` is the fuel in seconds, not the time that passed; what a program printed before its
//! fuel or memory ran out is lost with its interpreter; `compile_timeout` means nothing, for Python and JavaScript are
//! not compiled.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize};

use super::{
    Server,
    programs::{Ended, Program, RunLanguage},
    routes::{Answered, Unanswered},
};
use azr_core::limits::FUEL_PER_SECOND;
use azr_sandbox::{Cancel, RunLimits};

/// An interpreter needs so much to start; who asks for less gets this.
pub(super) const MEMORY_MIN_BYTES: u64 = 64 << 20;

/// The names that SandboxFusion has for the languages that run here, and our own.
const LANGUAGES: [(&str, RunLanguage); 3] =
    [("python", RunLanguage::Python), ("nodejs", RunLanguage::JavaScript), ("javascript", RunLanguage::JavaScript)];

#[derive(Deserialize)]
#[serde(expecting = "an object with code and language")]
pub(super) struct RunCodeRequest {
    code: String,
    language: String,
    #[serde(default)]
    stdin: Option<String>,
    #[serde(default = "ten")]
    run_timeout: f64,
    #[serde(default = "unlimited", rename = "memory_limit_MB")]
    memory_limit_mb: i64,
    /// By path: the content in base64, or nothing, which is no file.
    #[serde(default)]
    files: BTreeMap<String, Option<String>>,
    #[serde(default)]
    fetch_files: Vec<String>,
}

fn ten() -> f64 {
    10.0
}

fn unlimited() -> i64 {
    -1
}

#[derive(Serialize)]
struct RunCodeAnswer {
    status: &'static str,
    message: String,
    compile_result: Option<RunResult>,
    run_result: Option<RunResult>,
    executor_pod_name: Option<String>,
    files: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct RunResult {
    status: &'static str,
    execution_time: f64,
    return_code: Option<u8>,
    stdout: String,
    stderr: String,
}

/// Runs the program of one request.
pub(super) fn run_code(server: &Server, request: RunCodeRequest, cancel: &Cancel) -> Result<Answered, Unanswered> {
    let RunCodeRequest { code, language, stdin, run_timeout, memory_limit_mb, files, fetch_files } = request;
    let invalid = Unanswered::Invalid;
    let Some((_, known)) = LANGUAGES.iter().find(|(name, _)| *name == language) else {
        let known = LANGUAGES.map(|(name, _)| name).join(", ");
        return Err(invalid(format!("language {language:?} is not one of those that run here: {known}")));
    };
    let Some(interpreter) = server.interpreters.of(*known) else {
        let names = server.envs.iter().map(|env| &*env.description().name).collect::<Vec<_>>().join(", ");
        let runs_it = known.environment();
        return Err(invalid(format!(
            "this server runs no {language} programs: of its environments ({names}) none is {runs_it}, which does; start it \
             with --env {runs_it}.wasm as well"
        )));
    };
    if !(run_timeout > 0.0 && run_timeout.is_finite()) {
        return Err(invalid(format!("run_timeout is {run_timeout}; it is a number of seconds above 0")));
    }
    let granted = interpreter.granted();
    let memory_max = u64::try_from(memory_limit_mb).ok().filter(|limit| *limit > 0);
    let limits = RunLimits {
        run_fuel: granted.run_fuel.min((run_timeout * FUEL_PER_SECOND as f64) as u64),
        run_memory_max_bytes: memory_max.map_or(granted.run_memory_max_bytes, |megabytes| {
            granted.run_memory_max_bytes.min(megabytes.saturating_mul(1 << 20).max(MEMORY_MIN_BYTES))
        }),
        run_output_max_bytes: granted.run_output_max_bytes,
    };
    let files = files.into_iter().filter_map(|(path, content)| Some((path, content?)));
    let files = files.map(|(path, content)| match BASE64.decode(&content) {
        Ok(content) => Ok((path, content)),
        Err(error) => Err(invalid(format!("files: the content of {path:?} is not base64: {error}"))),
    });
    let program =
        Program { code, stdin: stdin.unwrap_or_default(), files: files.collect::<Result<_, _>>()?, fetch: fetch_files };
    let digest = interpreter.digest().to_string();
    let (answer, fuel) = match interpreter.run(program, &limits, cancel) {
        Ok((ended, fuel)) => (answer(ended, fuel), fuel),
        Err(fault) => {
            // Not for a client that has gone.
            if !cancel.is_cancelled() {
                server.metrics.fault();
            }
            (sandbox_error(fault.to_string()), 0)
        }
    };
    let headers = vec![("azr-fuel-limit", limits.run_fuel.to_string()), ("azr-executor", digest)];
    Ok(Answered { headers, ..Answered::new(&answer, fuel) })
}

fn answer(ended: Ended, fuel: u64) -> RunCodeAnswer {
    let result = |status, return_code, stdout, stderr| RunResult {
        status,
        execution_time: fuel as f64 / FUEL_PER_SECOND as f64,
        return_code,
        stdout,
        stderr,
    };
    let lossy = |bytes: Vec<u8>| match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    let (status, run_result, files) = match ended {
        Ended::Exited { status, stdout, stderr, files } => {
            let files = files.into_iter().map(|(name, content)| (name, BASE64.encode(content))).collect();
            let result = result("Finished", Some(status), lossy(stdout), lossy(stderr));
            (if status == 0 { "Success" } else { "Failed" }, result, files)
        }
        Ended::OutOfFuel => {
            ("Failed", result("TimeLimitExceeded", None, String::new(), String::new()), BTreeMap::new())
        }
        Ended::Killed(reason) => {
            ("Failed", result("Finished", Some(137), String::new(), reason + "\n"), BTreeMap::new())
        }
    };
    RunCodeAnswer {
        status,
        message: String::new(),
        compile_result: None,
        run_result: Some(run_result),
        executor_pod_name: None,
        files,
    }
}

fn sandbox_error(message: String) -> RunCodeAnswer {
    let run_result = RunResult {
        status: "Error",
        execution_time: 0.0,
        return_code: None,
        stdout: String::new(),
        stderr: message.clone(),
    };
    RunCodeAnswer {
        status: "SandboxError",
        message,
        compile_result: None,
        run_result: Some(run_result),
        executor_pod_name: None,
        files: BTreeMap::new(),
    }
}
