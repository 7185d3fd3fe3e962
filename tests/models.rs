//! The integration tests that compute with libtorch: one binary, because linking it is slow.

mod broken;
mod experiment;
mod javascript;
mod program;

mod policy;
mod ranks;
mod warm_start;
