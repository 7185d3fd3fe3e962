//! Self-play: one policy proposes tasks and solves them, an environment decides.
//!
//! Start at [`step`]: the training step on one screen. There is no model here: sampling and learning are behind
//! the traits of `azr_core`.

pub mod step;

pub mod stage;
pub mod generate;
pub mod data_set;
pub mod seeding;
pub mod propose;
pub mod validate;
pub mod assign;
pub mod solve;
pub mod verify;
pub mod reward;
pub mod advantage;
pub mod held_out;
pub mod evaluation;
pub mod suite;

pub mod env_state;
pub mod buffer;
pub mod faults;
pub mod fingerprint;
pub mod measures;
pub mod saved_state;
