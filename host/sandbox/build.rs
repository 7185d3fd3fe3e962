//! Says which wasmtime is built in, because fuel is counted in its instructions.

use std::fs;

const LOCK: &str = "../../Cargo.lock";

fn main() {
    println!("cargo:rerun-if-changed={LOCK}");
    let lock = fs::read_to_string(LOCK).expect("cargo wrote Cargo.lock");
    let (_, package) = lock.split_once("name = \"wasmtime\"\nversion = \"").expect("wasmtime is a dependency");
    let (version, _) = package.split_once('"').expect("a version ends with a quote");
    println!("cargo:rustc-env=WASMTIME_VERSION={version}");
}
