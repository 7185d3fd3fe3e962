//! An executor whose programs are scripts of WASI calls. What came of them is its outcome.

#[path = "../../wasi/src/script.rs"]
mod script;

wit_bindgen::generate!({ path: "../../../wit", world: "executor" });

use azr::env::types::Outcome;
use exports::azr::env::execution::Guest;

struct Executor;

impl Guest for Executor {
    fn execute(program: String, inputs: Vec<Vec<u8>>) -> Vec<Outcome> {
        inputs.iter().map(|_| Outcome::Value(script::run(&program).into_bytes())).collect()
    }
}

export!(Executor);
