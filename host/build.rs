//! Compiles the shim over libtorch and tells the linker where libtorch lies, so that the binary runs without
//! environment variables. Says which wasmtime is built in, because fuel is counted in its instructions.

use std::{env, fs, path::Path};

fn main() {
    let lib = env::var("DEP_TCH_LIBTORCH_LIB").expect("torch-sys says where libtorch is");
    let include = Path::new(&lib).with_file_name("include");
    let guarded = env::var("DEP_AZR_C10D_INCLUDE").expect("c10d says where its headers are");
    println!("cargo:rerun-if-changed=src/policy/shim.cpp");
    println!("cargo:rerun-if-changed={guarded}/guarded.hpp");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .warnings(false)
        .include(&include)
        .include(guarded)
        .include(include.join("torch/csrc/api/include"))
        .opt_level(2)
        .file("src/policy/shim.cpp")
        .compile("azr_shim");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");

    println!("cargo:rerun-if-changed=../Cargo.lock");
    let lock = fs::read_to_string("../Cargo.lock").expect("cargo wrote Cargo.lock");
    let (_, package) = lock.split_once("name = \"wasmtime\"\nversion = \"").expect("wasmtime is a dependency");
    let (version, _) = package.split_once('"').expect("a version ends with a quote");
    println!("cargo:rustc-env=WASMTIME_VERSION={version}");
}
