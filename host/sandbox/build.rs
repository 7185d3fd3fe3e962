//! Says which wasmtime is built in, because fuel is counted in its instructions, and whether it has our changes.

use std::{fs, path::Path};

const LOCK: &str = "../../Cargo.lock";
/// `.cargo/config.toml` takes it where it is there.
const PATCH: &str = "../../.wasmtime/patch.toml";

fn main() {
    println!("cargo:rerun-if-changed={LOCK}");
    let lock = fs::read_to_string(LOCK).expect("cargo wrote Cargo.lock");
    let (_, package) = lock.split_once("name = \"wasmtime\"\nversion = \"").expect("wasmtime is a dependency");
    let (version, _) = package.split_once('"').expect("a version ends with a quote");
    println!("cargo:rustc-env=WASMTIME_VERSION={version}");
    println!("cargo:rerun-if-changed={PATCH}");
    println!("cargo:rustc-check-cfg=cfg(wasmtime_changed)");
    if Path::new(PATCH).exists() {
        println!("cargo:rustc-cfg=wasmtime_changed");
    }
}
