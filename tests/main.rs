//! The integration tests: one binary, because linking libtorch is slow.

mod report;
mod sandbox;
