//! Compiling components from strangers, who may have made them to keep a compiler busy.
//!
//! Sizes are checked before anything is compiled, and a compilation that takes too long is given up. It cannot be
//! stopped: its thread goes on until it is done or the process ends, which it does when loading was all it was for.

use std::{
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use wasmparser::{Parser, Payload};
use wasmtime::{Engine, component::Component};

use super::guard::{Guard, Guards};

/// Functions of one component; CPython has 13,500.
const FUNCTIONS_MAX: u32 = 100_000;
/// Bytes of one function, whose compilation does not parallelise; the interpreter's loop in CPython has 555,000.
const FUNCTION_MAX_BYTES: usize = 2 << 20;
/// Bytes of all functions of one component; CPython has 6 MiB.
const CODE_MAX_BYTES: usize = 64 << 20;
/// Instances of nested components. Wasmtime unfolds them, and nesting multiplies: 24 are at most 3^8. Components of our
/// worlds have one per exported interface.
const NESTED_MAX: u32 = 24;

/// Compiles a component within the time.
pub(super) fn compile(engine: &Engine, wasm: &[u8], deadline: Duration, guards: Guards) -> Result<Component> {
    if guards.have(Guard::CompileSize) {
        check_size(wasm)?;
    }
    let (done, compiled) = channel();
    let (engine, wasm) = (engine.clone(), wasm.to_vec());
    thread::Builder::new()
        .name("compiler".into())
        // The receiver is gone if the time is up.
        .spawn(move || drop(done.send(Component::from_binary(&engine, &wasm))))
        .context("no thread to compile on")?;
    let deadline = if guards.have(Guard::CompileTime) { deadline } else { Duration::MAX };
    match compiled.recv_timeout(deadline) {
        Ok(component) => Ok(component?),
        Err(RecvTimeoutError::Timeout) => {
            bail!("it was still compiling after {deadline:?}; raise sandbox.deadline-ms on a slow machine")
        }
        Err(RecvTimeoutError::Disconnected) => bail!("the compiler panicked"),
    }
}

fn check_size(wasm: &[u8]) -> Result<()> {
    let (mut functions, mut code_bytes, mut nested) = (0_u32, 0, 0_u32);
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::CodeSectionEntry(body) => {
                let bytes = body.range().len();
                ensure!(
                    bytes <= FUNCTION_MAX_BYTES,
                    "it has a function of {bytes} bytes; at most {FUNCTION_MAX_BYTES} are compiled"
                );
                functions += 1;
                code_bytes += bytes;
            }
            Payload::ComponentInstanceSection(instances) => nested += instances.count(),
            _ => {}
        }
        ensure!(
            functions <= FUNCTIONS_MAX,
            "it has more than {FUNCTIONS_MAX} functions, which would take long to compile"
        );
        ensure!(code_bytes <= CODE_MAX_BYTES, "it has more than {CODE_MAX_BYTES} bytes of code");
        ensure!(nested <= NESTED_MAX, "it has more than {NESTED_MAX} instances of components");
    }
    Ok(())
}
