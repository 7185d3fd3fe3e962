//! Compiles the shim over c10d against the libtorch that torch-sys found.

use std::{env, path::Path};

fn main() {
    let lib = env::var("DEP_TCH_LIBTORCH_LIB").expect("torch-sys says where libtorch is");
    let include = Path::new(&lib).with_file_name("include");
    println!("cargo:rerun-if-changed=src");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .warnings(false)
        .define("USE_C10D_GLOO", None)
        // Gloo is part of libtorch, but its headers are not part of the wheel.
        .include("src")
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        .opt_level(2)
        .file("src/shim.cpp")
        .compile("azr_c10d");
    // The host's shim includes guarded.hpp.
    println!("cargo:include={}/src", env::var("CARGO_MANIFEST_DIR").expect("cargo says where the package is"));
    println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
}
