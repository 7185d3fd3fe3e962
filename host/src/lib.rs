//! `azr-host`: self-play reinforcement learning on verifiable tasks, with WebAssembly environments.
//!
//! Start at [`selfplay`]: the training step on one screen. ARCHITECTURE.md has the map.

pub mod cli;
pub mod config;
pub mod session;
pub mod selfplay;

pub mod prompt;
pub mod generate;
pub mod data_set;
pub mod seeding;
pub mod propose;
pub mod validate;
pub mod solve;
pub mod verify;
pub mod reward;
pub mod advantage;
pub mod update;
pub mod held_out;
pub mod evaluation;
pub mod suite;

pub mod env_source;
pub mod hub;
pub mod registry;

pub mod arena;
pub mod buffer;
pub mod check;
pub mod demonstrate;
pub mod faults;
pub mod ranks;
pub mod rng;
pub mod task;

pub mod ledger;
pub mod memory;
pub mod measures;
pub mod metrics;
pub mod progress;
pub mod replay;
pub mod report;
pub mod run_dir;
pub mod tensorboard;

pub mod policy;
pub mod sandbox;
pub mod warm_start;
