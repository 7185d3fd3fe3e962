//! The command line of `azr-env`, which is also `azr-host env`.

mod build;
mod calls;
mod check;
mod inspect;
mod lines;
mod new;
mod pack;
mod push;
mod score;

use anyhow::Result;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::{
    logging::{self, Verbosity},
    serve::Serve,
    shell::{Completions, Man},
};

/// Makes, tries, checks and publishes environments: WebAssembly components that judge the answers of language models.
///
/// No model and no libtorch is needed.
#[derive(Parser)]
#[command(name = "azr-env", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    verbosity: Verbosity,
}

#[derive(Subcommand)]
#[expect(clippy::large_enum_variant, reason = "a process has one of them")]
enum Command {
    #[command(flatten)]
    Env(EnvCommand),
    /// Print what a shell needs to complete commands, as in `azr-env completions bash`.
    Completions(Completions),
    /// Write man pages into a folder.
    Man(Man),
}

impl Cli {
    /// Does what the command line asks for.
    pub fn run(self) -> Result<()> {
        self.verbosity.start("azr-env");
        match self.command {
            Command::Env(command) => command.run(),
            Command::Completions(completions) => {
                completions.run(Self::command());
                Ok(())
            }
            Command::Man(man) => man.run(Self::command()),
        }
    }
}

/// Look into an environment, use it and pack it.
#[derive(Subcommand)]
pub enum EnvCommand {
    /// Start a new environment: a folder with an example that builds and passes `check`.
    ///
    /// The documentation of the crate azr-guest-sdk goes on from there.
    ///
    /// Example: azr-env new crossword --lang python
    New(new::New),
    /// Build a project in Rust or Python and pack it: FOLDER/NAME.wasm, where NAME is the folder's.
    ///
    /// Example: azr-env build crossword
    Build(build::Build),
    /// Show what an environment is: kinds, settings, imports, digests, limits.
    ///
    /// Example: azr-env inspect envs/python.wasm
    Inspect(inspect::Inspect),
    /// Run programs: {"program", "input"} lines on stdin, outcome lines on stdout.
    ///
    /// The input is the text between the parentheses of a call. Each program runs in a fresh executor.
    ///
    /// Example: echo '{"program": "def f(x): return x + 1", "input": "41"}' | azr-env exec envs/python.wasm
    ///
    /// prints {"outcome":"value","value":"42","fuel":…}.
    Exec(calls::Exec),
    /// Ask whether completions are tasks: {"kind", "completion", "references"?, "style"?, "settings"?} lines on stdin.
    ///
    /// A line gives {"task", "well_formed", "fuel"} or {"rejection": {"code", "message"}, "fuel"}.
    ///
    /// Example: azr-env validate envs/python.wasm < completions.jsonl > tasks.jsonl
    Validate(calls::Validate),
    /// Judge answers: {"task", "completion", "style"?, "settings"?} lines on stdin, verdict lines on stdout.
    ///
    /// The task is one that `validate` printed.
    ///
    /// Example: azr-env verify envs/python.wasm < attempts.jsonl > verdicts.jsonl
    Verify(calls::Verify),
    /// Show prompts: {"role", "kind" or "task", "references"?, "style"?, "settings"?} lines on stdin.
    ///
    /// Example: echo '{"role": "propose", "kind": "deduction"}' | azr-env prompt envs/python.wasm
    Prompt(calls::Prompts),
    /// Judge what was generated elsewhere: pass@k of a suite, in the sandbox.
    ///
    /// Completions are JSON lines in the format of EvalPlus's samples: {"task_id", "solution"} with a whole program, or
    /// {"task_id", "completion"} with what the model wrote, which for a suite of EvalPlus or HumanEval continues the prompt.
    /// Tasks are called as in the suite's `id`, `task_id`, `unique_id` or `question_id`, else by their line, from 1.
    ///
    /// Example: azr-env score envs/codegen.wasm --suite HumanEvalPlus.jsonl.gz --completions samples.jsonl
    Score(Box<score::Score>),
    /// Serve environments over HTTP: programs as SandboxFusion runs them, and the calls above.
    ///
    /// Fuel decides, so verdicts are the same on a busy machine. Ends after SIGTERM or Ctrl-C, when what was taken in is
    /// answered. The whole interface is at /openapi.json.
    ///
    /// Example: azr-env serve --env envs/codegen.wasm --env envs/javascript.wasm
    ///
    /// Then: curl localhost:8080/run_code --json '{"language": "python", "code": "print(6 * 7)"}'
    Serve(Box<Serve>),
    /// Try to break an environment: right answers must score, garbage and near misses must not.
    ///
    /// No model is needed. The environment's own examples, garbage, and its right examples changed in ways that no judge
    /// may fall for are judged in both styles; prompts, tasks, rejections and generated tasks are looked at. Ends with
    /// exit code 1 when there is a problem.
    ///
    /// Example: azr-env check envs/python.wasm
    Check(check::CheckEnv),
    /// Join a judge and its executors in one environment file.
    ///
    /// Example: azr-env pack --judge judge.wasm --executor executor.wasm --out envs/mine.wasm
    Pack(pack::Pack),
    /// Publish an environment file in an OCI registry, and print the reference that names exactly this file.
    ///
    /// Names and passwords are those that `docker login` stored.
    ///
    /// Example: azr-env push envs/mine.wasm oci://ghcr.io/someone/mine:1.0
    Push(push::Push),
}

impl EnvCommand {
    pub fn run(self) -> Result<()> {
        if !matches!(self, Self::Serve(_)) {
            logging::end_with_the_pipe();
        }
        match self {
            Self::New(new) => new.run(),
            Self::Build(build) => build.run(),
            Self::Inspect(inspect) => inspect.run(),
            Self::Exec(exec) => exec.run(),
            Self::Validate(validate) => validate.run(),
            Self::Verify(verify) => verify.run(),
            Self::Prompt(prompts) => prompts.run(),
            Self::Score(score) => score.run(),
            Self::Serve(serve) => serve.run(),
            Self::Check(check) => check.run(),
            Self::Pack(pack) => pack.run(),
            Self::Push(push) => push.run(),
        }
    }
}
