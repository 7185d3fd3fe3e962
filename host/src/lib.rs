//! `azr-host`: self-play reinforcement learning on verifiable tasks, with WebAssembly environments.

pub mod cli;
pub mod config;
pub mod selfplay;

pub mod advantage;
pub mod propose;
pub mod reward;
pub mod solve;
pub mod update;
pub mod validate;
pub mod verify;

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
