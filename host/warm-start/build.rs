//! Tells the linker of this crate's tests where libtorch is.

fn main() {
    let libtorch = std::env::var("LIBTORCH").expect(".cargo/config.toml sets LIBTORCH");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{libtorch}/lib");
}
