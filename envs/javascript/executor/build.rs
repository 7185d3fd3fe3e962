//! The stack that Rust code has in wasm memory, below everything else: what outgrows it traps. It is as large as the
//! host's own limit, and holds as many calls of a program as the engine allows. Sources nested some thousand deep, which
//! the engine's parser follows by recursion, end here.

const STACK_BYTES: u32 = 16 << 20;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm") {
        println!("cargo::rustc-link-arg-cdylib=-zstack-size={STACK_BYTES}");
    }
}
