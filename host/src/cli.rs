//! cli.

pub mod report;
