//! The integration tests: one binary, because linking libtorch is slow.

mod policy;
mod report;
mod sandbox;
mod selfplay;
