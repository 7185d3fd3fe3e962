//! The integration tests: one binary, because linking libtorch is slow.

mod python_env;
mod report;
