//! The part of `azr-host` that computes with libtorch: training, evaluation, warm starts, and work with policies.

pub mod bench;
pub mod eval;
pub mod plan;
pub mod policy;
pub mod sample;
pub mod train;
pub mod warm_start;

pub mod hub;
pub mod models;
pub mod policy_source;
pub mod progress;
