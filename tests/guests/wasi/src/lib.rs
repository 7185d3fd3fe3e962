//! A judge that reads the directory `corpus` through WASI. An attempt is a script of calls; what came of them is the
//! answer of the verdict.

mod script;

use azr_guest_sdk::{Attempt, Context, Description, Environment, Limits, Prompt, Report, Task, Verdict, kind, prompt};

struct Caller;

impl Environment for Caller {
    fn describe() -> Description {
        Description {
            name: "wasi".into(),
            version: "0.1.0".into(),
            kinds: vec![kind("script", "What comes of the calls?")],
            settings: Vec::new(),
            limits: Limits { run_fuel: 50_000_000, run_memory_max_bytes: 16 << 20, run_output_max_bytes: 1 << 20 },
            directories: vec!["corpus".into()],
        }
    }

    fn seeds(_: &Context) -> Vec<Task> {
        Vec::new()
    }

    fn solve_prompt(_: &Context, _: &Task) -> Prompt {
        prompt::question("")
    }

    fn plan_exec(program: &str, _: &str) -> Result<azr_guest_sdk::Run, azr_guest_sdk::Rejection> {
        Ok(azr_guest_sdk::Run { executor: 0, program: program.into(), inputs: vec![Vec::new()] })
    }

    fn judge_answer(_: &Context, attempt: &Attempt, _: &[Report]) -> Verdict {
        Verdict { score: 0.0, well_formed: true, answer: script::run(&attempt.completion), reason: String::new() }
    }
}

azr_guest_sdk::export!(Caller);
