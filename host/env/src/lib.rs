//! Environments without a model: where they come from, what they promise, and what the program `azr-env` does.

mod calls;
pub mod check;
pub mod cli;
pub mod demonstrate;
pub mod env_source;
pub mod load;
pub mod logging;
pub mod registry;
pub mod results;
pub mod sandbox_args;
pub mod serve;
pub mod shell;
