//! The experiment: its directory, the ledger of every judgement, metrics, and what is read from them again.

pub mod checkpoint;
pub mod ledger;
pub mod log;
pub mod metrics;
pub mod observer;
pub mod record;
pub mod replay;
pub mod report;
pub mod run_dir;
pub mod session;
mod tensorboard;
