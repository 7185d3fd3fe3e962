//! `azr-host`: self-play reinforcement learning on verifiable tasks, with WebAssembly environments.
//!
//! This crate has the command line and the commands that need no policy. ARCHITECTURE.md has the map.

pub mod cli;
pub mod libtorch;
