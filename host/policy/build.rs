//! Compiles the shim over libtorch, and tells the linker of this crate's tests where libtorch is.

use std::{env, path::Path};

fn main() {
    let lib = env::var("DEP_TCH_LIBTORCH_LIB").expect("torch-sys says where libtorch is");
    let include = Path::new(&lib).with_file_name("include");
    let guarded = env::var("DEP_AZR_C10D_INCLUDE").expect("c10d says where its headers are");
    println!("cargo:rerun-if-changed=src/shim.cpp");
    println!("cargo:rerun-if-changed={guarded}/guarded.hpp");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .warnings(false)
        .include(&include)
        .include(guarded)
        .include(include.join("torch/csrc/api/include"))
        .opt_level(2)
        .file("src/shim.cpp")
        .compile("azr_shim");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
}
