//! The integration tests: one binary, because linking libtorch is slow.

mod authoring;
mod check;
mod codegen;
mod countdown;
mod forgeries;
mod grants;
mod http;
mod hub;
mod javascript_env;
mod math;
mod policy;
mod python_env;
mod properties;
mod registry;
mod replay;
mod report;
mod sandbox;
mod selfplay;
mod versions;
mod warm_start;
