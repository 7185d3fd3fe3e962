//! The warm start: what a policy learns before self-play, so that self-play finds something to strengthen.
//!
//! The embedded policy learns, from random weights, to propose and to solve programs of a grammar. No human data takes
//! part. It is left with a skill that it seldom uses. It is taught single steps until they are reliable: completions
//! that first work through the program line by line in a `<think>` block. But the decision to begin such a block counts
//! so little in the loss that the policy takes it about once in ten attempts and else answers at once, which is often
//! wrong for programs of several lines. Self-play can find out that thinking pays.
//!
//! Any policy can learn from what environments demonstrate, until it solves some of their tasks.

pub mod environments;
pub mod examination;
pub mod grammar;
pub mod lesson;
pub mod operation;
pub mod parse;
pub mod scratch;
pub mod tokenizer;
pub mod training;
pub mod value;
