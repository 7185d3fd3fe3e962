//! `azr-host`: self-play reinforcement learning on verifiable tasks, with WebAssembly environments.

pub mod cli;
pub mod config;
pub mod selfplay;

pub mod propose;
pub mod validate;
pub mod solve;
pub mod verify;
pub mod reward;
pub mod advantage;
pub mod update;

pub mod buffer;
pub mod rng;
pub mod task;

pub mod ledger;
pub mod metrics;
pub mod report;
pub mod run_dir;
pub mod tensorboard;

pub mod policy;
pub mod sandbox;
pub mod warm_start;
