//! Write verifiable environments for `azr-host`.
//!
//! An environment poses problems, and decides which proposed problems are tasks and which attempts at a task are right.
//! It is one WebAssembly component, the *judge*, optionally packed with executors that run untrusted programs. A judge
//! never runs a program itself: it *plans* runs, the host executes each in a fresh executor, and the judge is called
//! again with what came out.
//!
//! Implement [`Environment`] on an empty type, hand it to [`export!`], and build for `wasm32-unknown-unknown`:
//!
//! ```
//! use azr_guest_sdk::{Attempt, Context, Description, Environment, NO_RUNS, Prompt, Report, Task, Verdict, kind, prompt};
//!
//! struct Doubling;
//!
//! impl Environment for Doubling {
//!     fn describe() -> Description {
//!         Description {
//!             name: "doubling".into(),
//!             version: "0.1.0".into(),
//!             kinds: vec![kind("double", "Double a number.")],
//!             settings: vec![],
//!             limits: NO_RUNS,
//!             directories: vec![],
//!         }
//!     }
//!
//!     fn seeds(_: &Context) -> Vec<Task> {
//!         (1..100).map(|number| Task { kind: "double".into(), body: number.to_string() }).collect()
//!     }
//!
//!     fn solve_prompt(_: &Context, task: &Task) -> Prompt {
//!         prompt::question(format!("What is twice {}? Answer with the number.", task.body))
//!     }
//!
//!     fn judge_answer(_: &Context, attempt: &Attempt, _: &[Report]) -> Verdict {
//!         let answer = attempt.completion.trim().to_owned();
//!         let right = answer.parse::<i64>().ok() == attempt.task.body.parse::<i64>().ok().map(|number| number * 2);
//!         Verdict { score: f64::from(u8::from(right)), well_formed: true, answer, reason: String::new() }
//!     }
//! }
//!
//! azr_guest_sdk::export!(Doubling);
//! # fn main() {
//! # let task = Task { kind: "double".into(), body: "4".into() };
//! # let ctx = Context { style: azr_guest_sdk::Style::Compact, settings: vec![] };
//! # let right = Attempt { task: task.clone(), completion: " 8\n".into() };
//! # assert_eq!(Doubling::judge_answer(&ctx, &right, &[]).score, 1.0);
//! # let wrong = Attempt { task, completion: "9".into() };
//! # assert_eq!(Doubling::judge_answer(&ctx, &wrong, &[]).score, 0.0);
//! # }
//! ```
//!
//! A judge is pure: every call happens in a fresh instance and depends on its arguments only. A panic is a fault of the
//! environment, never a verdict; a wrong answer or a proposal that is not a task is data.

#![deny(missing_docs)]

pub mod environment;
pub mod files;
pub mod format;
pub mod prompt;
mod puzzles;
mod rng;
pub mod value;

pub use environment::{Environment, NO_RUNS, kind, log, rejection, setting};
pub use puzzles::{Puzzles, Wrong};
pub use rng::Rng;

pub use bindings::azr::env::log::Level;
pub use bindings::azr::env::types::{
    Accepted, Attempt, Context, Message, Outcome, Prompt, Proposal, Rejection, Report, Run, Setting, Speaker, Style,
    Task, Thrown, Verdict,
};
pub use bindings::exports::azr::env::judge::{
    Completed, Description, Example, Expectation, Kind, Limits, OfferedSetting,
};

/// The guest side of `wit/env.wit`, generated. Authors use the re-exports instead.
#[doc(hidden)]
#[allow(missing_docs)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "environment",
        pub_export_macro: true,
        export_macro_name: "export_environment",
        default_bindings_module: "azr_guest_sdk::bindings",
        additional_derives: [PartialEq],
    });
}

/// Makes an [`Environment`] the component that is being built. Once per crate. Outside of wasm, where tests run, it only
/// checks the type: native linkers refuse the names of the exports.
#[macro_export]
macro_rules! export {
    ($environment:ty) => {
        #[allow(dead_code)]
        type AzrExportedEnvironment = $crate::environment::Exported<$environment>;
        #[cfg(target_family = "wasm")]
        $crate::bindings::export_environment!(AzrExportedEnvironment with_types_in $crate::bindings);
    };
}
