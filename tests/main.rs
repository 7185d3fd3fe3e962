//! The integration tests of everything that needs no tensors in the test itself: one binary.

mod broken;
mod built;
mod experiment;
mod http;
mod javascript;
mod program;

mod authoring;
mod check;
mod codegen;
mod commands;
mod compiler;
mod countdown;
mod forgeries;
mod grants;
mod hub;
mod javascript_env;
mod math;
mod python_env;
mod properties;
mod registry;
mod replay;
mod report;
mod sample;
mod scripted;
mod selfplay;
mod serve;
mod session;
mod sql_env;
mod tidy;
mod versions;
