//! Tells the linker of this crate's tests where libtorch is. The program itself is told when it starts.

fn main() {
    let libtorch = std::env::var("LIBTORCH").expect(".cargo/config.toml sets LIBTORCH");
    println!("cargo:rustc-link-arg-tests=-Wl,-rpath,{libtorch}/lib");
}
