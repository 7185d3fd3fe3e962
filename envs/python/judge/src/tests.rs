//! The judge of coding tasks, tested with this language. The real executors are in the integration tests.

mod attempt;
mod completion;
mod prompt;
mod proposal;
