//! Whole programs in the interpreters of environments: as a process with standard streams and files, not as a function.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use azr_core::task::Digest;
use azr_guest_sdk::value::Value;
use azr_sandbox::{Cancel, Environment, Fault, Outcome, Report, Run, RunLimits, Thrown};

/// How a request calls a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunLanguage {
    Python,
    JavaScript,
}

/// A program, and what it finds.
#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    pub(super) code: String,
    pub(super) stdin: String,
    /// By path, relative to the folder that the program runs in.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// Files that are wanted back.
    pub(super) fetch: Vec<String>,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ended {
    Exited {
        status: u8,
        stdout: Vec<u8>,
        stderr: Vec<u8>,
        files: BTreeMap<String, Vec<u8>>,
    },
    OutOfFuel,
    /// The interpreter did not survive it, or its result cannot be taken: the reason.
    Killed(String),
}

/// The first environment for each language.
pub(super) struct Interpreters(Vec<Interpreter>);

pub(super) struct Interpreter {
    language: RunLanguage,
    env: Environment,
    /// The first executor of the environment.
    digest: Digest,
}

// What runs programs is in the snapshots of `envs/codegen` and `envs/javascript`, under these names.
const PYTHON: &str = "import run_code\nf = run_code.begin(__builtins__)";
const JAVASCRIPT: &str = "// run_code";

impl RunLanguage {
    const ALL: [Self; 2] = [Self::Python, Self::JavaScript];

    /// The environment that comes with this program and runs whole programs in the language. `envs/python` has functions only.
    pub(super) fn environment(self) -> &'static str {
        match self {
            Self::Python => "codegen",
            Self::JavaScript => "javascript",
        }
    }

    /// A call of what runs a program.
    fn call(self, program: Program) -> Run {
        let Program { code, stdin, files, fetch } = program;
        let fetch = Value::List(fetch.into_iter().map(Value::Str).collect());
        let files = files.into_iter();
        match self {
            Self::Python => {
                let files = dict(files.map(|(name, content)| (name, Value::Bytes(content))));
                call(PYTHON, &[text(code), Value::Bytes(stdin.into()), files, fetch])
            }
            Self::JavaScript => {
                let files = dict(files.map(|(name, content)| (name, text(String::from_utf8_lossy(&content)))));
                call(JAVASCRIPT, &[text(code), text(stdin), files, fetch])
            }
        }
    }
}

impl Interpreters {
    /// Finds out what the first executor of each environment speaks, by an empty program.
    pub(super) fn find(envs: &[Environment]) -> Result<Self> {
        let mut found: Vec<Interpreter> = Vec::new();
        for env in envs {
            let Some(digest) = env.executor_digests().first() else { continue };
            for language in RunLanguage::ALL {
                let report = env.exec_within(language.call(Program::default()), env.granted())?;
                let speaks = matches!(&*report.outcomes, [Outcome::Value(_)]);
                if speaks && found.iter().all(|other| other.language != language) {
                    found.push(Interpreter { language, env: env.clone(), digest: *digest });
                }
            }
        }
        Ok(Self(found))
    }

    pub(super) fn of(&self, language: RunLanguage) -> Option<&Interpreter> {
        self.0.iter().find(|interpreter| interpreter.language == language)
    }
}

impl Interpreter {
    pub(super) fn digest(&self) -> Digest {
        self.digest
    }

    /// What the operator grants to a program.
    pub(super) fn granted(&self) -> &RunLimits {
        self.env.granted()
    }

    /// How the program ended, and the fuel that it used.
    pub(super) fn run(&self, program: Program, limits: &RunLimits, cancel: &Cancel) -> Result<(Ended, u64), Fault> {
        let run = self.language.call(program);
        let Report { outcomes, fuel } = self.env.cancelled_by(cancel).exec_within(run, limits)?;
        Ok((ended(outcomes, limits), fuel))
    }
}

/// A run that calls `f` once.
fn call(program: &str, arguments: &[Value]) -> Run {
    let input = Value::Tuple(vec![Value::Tuple(arguments.to_vec()), Value::Dict(Vec::new())]);
    Run { executor: 0, program: program.to_owned(), inputs: vec![input.encode()] }
}

fn text(text: impl Into<String>) -> Value {
    Value::Str(text.into())
}

fn dict(entries: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::Dict(entries.into_iter().map(|(key, value)| (Value::Str(key), value)).collect())
}

fn ended(mut outcomes: Vec<Outcome>, limits: &RunLimits) -> Ended {
    let Some(outcome) = outcomes.pop() else { return Ended::Killed("the interpreter ended without a result".into()) };
    Ended::Killed(match outcome {
        Outcome::Value(value) => match exited(&value) {
            Ok(exited) => return exited,
            Err(error) => format!("the program changed what tells its result: {error:#}"),
        },
        Outcome::OutOfFuel => return Ended::OutOfFuel,
        Outcome::OutOfMemory => format!("the program wanted more than {} bytes of memory", limits.run_memory_max_bytes),
        Outcome::StackOverflow => "the program exhausted the stack".into(),
        Outcome::Crashed(trap) => format!("the interpreter crashed: {trap}"),
        Outcome::Unsupported(reason) => format!("what the program printed and wrote cannot be taken: {reason}"),
        Outcome::Refused(reason) => reason,
        Outcome::Thrown(Thrown { name, message }) => format!("{name}: {message}"),
    })
}

/// (status, stdout, stderr, files), in which JavaScript has texts and numbers for Python's bytes and integers.
fn exited(value: &[u8]) -> Result<Ended> {
    let (Value::Tuple(parts) | Value::List(parts)) = Value::decode(value).map_err(|error| anyhow!("{error}"))? else {
        bail!("it is no tuple");
    };
    let [status, stdout, stderr, files] =
        <[Value; 4]>::try_from(parts).map_err(|_| anyhow!("it has not four parts"))?;
    let status = match status {
        Value::Int(status) => status.decimal().parse().context("the status is not from 0 to 255")?,
        Value::Float(status) => {
            ensure!((0.0..=255.0).contains(&status) && status.fract() == 0.0, "the status is {status}");
            status as u8
        }
        _ => bail!("the status is no number"),
    };
    let Value::Dict(entries) = files else { bail!("the files are no dictionary") };
    let entries = entries.into_iter().map(|(name, content)| match name {
        Value::Str(name) => Ok((name, bytes(content)?)),
        _ => bail!("the name of a file is no text"),
    });
    Ok(Ended::Exited { status, stdout: bytes(stdout)?, stderr: bytes(stderr)?, files: entries.collect::<Result<_>>()? })
}

fn bytes(value: Value) -> Result<Vec<u8>> {
    match value {
        Value::Bytes(bytes) => Ok(bytes),
        Value::Str(text) => Ok(text.into_bytes()),
        _ => bail!("an output is neither text nor bytes"),
    }
}
