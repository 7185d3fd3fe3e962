//! Compiling components from strangers, who may have made them to keep a compiler busy.
//!
//! Sizes are checked before anything is compiled, and a compilation that takes too long is given up. Outside of a process
//! of its own it cannot be stopped: its thread goes on until it is done or the process ends.

use std::{
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use wasmparser::{DataKind, DataSectionReader, FunctionBody, Operator, Parser, Payload};
use wasmtime::Engine;

use super::{
    compiler, confined,
    engine::EngineKind,
    guard::{Guard, Guards},
};
use azr_core::limits::Ring;

/// Functions of one component; CPython has 13,500.
const FUNCTIONS_MAX: u32 = 100_000;
/// Bytes of one function, whose compilation does not parallelise; the interpreter's loop in CPython has 555,000.
const FUNCTION_MAX_BYTES: usize = 2 << 20;
/// Bytes of all functions of one component; CPython has 6 MiB.
const CODE_MAX_BYTES: usize = 64 << 20;
/// Instances of nested components. Wasmtime unfolds them, and nesting multiplies: 24 are at most 3^8. Components of our
/// worlds have one per exported interface.
const NESTED_MAX: u32 = 24;

/// Core modules of one component; CPython has 38 before it is linked.
const MODULES_MAX: u32 = 64;
/// Bytes of all memory images of one component, which become part of its compiled code; CPython has 13 MiB.
const IMAGES_MAX_BYTES: u64 = 128 << 20;
/// Branches of one function, and their number times that of its locals: what the compiler's work grows with, beside
/// bytes. Our interpreters are well below both.
const BRANCHES_MAX: u64 = 200_000;
const LOCALS_BY_BRANCHES_MAX: u64 = 20_000_000;

/// What compiles, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compiling {
    pub(super) kind: EngineKind,
    pub(super) ring: Ring,
    pub(super) deadline: Duration,
}

/// The compiled code of a component, made within the time, where possible in a process of its own.
pub(super) fn compile(engine: &Engine, wasm: &[u8], how: Compiling, guards: Guards) -> Result<Vec<u8>> {
    let Compiling { kind, ring, deadline } = how;
    if guards.have(Guard::CompileSize) {
        check_size(wasm)?;
    }
    // A compiler outside has all guards, and code depends on some.
    if confined::compiles(ring)? && guards == Guards::ALL {
        return compiler::compile(kind, ring, wasm, deadline);
    }
    let (done, compiled) = channel();
    let (engine, wasm) = (engine.clone(), wasm.to_vec());
    thread::Builder::new()
        .name("compiler".into())
        // The receiver is gone if the time is up.
        .spawn(move || drop(done.send(engine.precompile_component(&wasm))))
        .context("no thread to compile on")?;
    let deadline = if guards.have(Guard::CompileTime) { deadline } else { Duration::MAX };
    match compiled.recv_timeout(deadline) {
        Ok(code) => Ok(code?),
        Err(RecvTimeoutError::Timeout) => {
            bail!("it was still compiling after {deadline:?}; raise sandbox.deadline-ms on a slow machine")
        }
        Err(RecvTimeoutError::Disconnected) => bail!("the compiler panicked"),
    }
}

/// Refuses what would keep a compiler busy, or would be large when compiled.
pub(super) fn check_size(wasm: &[u8]) -> Result<()> {
    let (mut functions, mut code_bytes, mut nested, mut modules) = (0_u32, 0, 0_u32, 0_u32);
    let mut images_bytes = 0_u64;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::CodeSectionEntry(body) => {
                check_function(&body)?;
                functions += 1;
                code_bytes += body.range().len();
            }
            Payload::ComponentInstanceSection(instances) => nested = nested.saturating_add(instances.count()),
            Payload::ModuleSection { .. } => modules += 1,
            Payload::DataSection(data) => images_bytes = images_bytes.saturating_add(image_bytes(data)?),
            _ => {}
        }
        ensure!(
            functions <= FUNCTIONS_MAX,
            "it has more than {FUNCTIONS_MAX} functions, which would take long to compile"
        );
        ensure!(code_bytes <= CODE_MAX_BYTES, "it has more than {CODE_MAX_BYTES} bytes of code");
        ensure!(nested <= NESTED_MAX, "it has more than {NESTED_MAX} instances of components");
        ensure!(modules <= MODULES_MAX, "it has more than {MODULES_MAX} core modules");
        ensure!(
            images_bytes <= IMAGES_MAX_BYTES,
            "its memories begin with more than {IMAGES_MAX_BYTES} bytes, first to last"
        );
    }
    Ok(())
}

fn check_function(body: &FunctionBody<'_>) -> Result<()> {
    let bytes = body.range().len();
    ensure!(
        bytes <= FUNCTION_MAX_BYTES,
        "it has a function of {bytes} bytes; at most {FUNCTION_MAX_BYTES} are compiled"
    );
    let (locals, branches) = locals_and_branches(body)?;
    let product = locals.saturating_mul(branches);
    ensure!(branches <= BRANCHES_MAX, "it has a function of {branches} branches; at most {BRANCHES_MAX} are compiled");
    ensure!(
        product <= LOCALS_BY_BRANCHES_MAX,
        "it has a function of {locals} locals and {branches} branches; at most {LOCALS_BY_BRANCHES_MAX} of the one times \
         the other are compiled"
    );
    Ok(())
}

fn locals_and_branches(body: &FunctionBody<'_>) -> Result<(u64, u64)> {
    let mut locals = 0_u64;
    for group in body.get_locals_reader()? {
        locals += u64::from(group?.0);
    }
    let mut branches = 0_u64;
    for operator in body.get_operators_reader()? {
        branches += match operator? {
            Operator::Loop { .. } | Operator::If { .. } | Operator::Br { .. } | Operator::BrIf { .. } => 1,
            Operator::BrTable { targets } => u64::from(targets.len()) + 1,
            _ => 0,
        };
    }
    Ok((locals, branches))
}

/// Of the memory image of a module: from the first byte that is not zero to the last. Segments whose place is not
/// written down have no image.
fn image_bytes(data: DataSectionReader<'_>) -> Result<u64> {
    let (mut first, mut last) = (u64::MAX, 0);
    for segment in data {
        let segment = segment?;
        let DataKind::Active { offset_expr, .. } = segment.kind else { continue };
        if segment.data.is_empty() {
            continue;
        }
        let start = match offset_expr.get_operators_reader().read()? {
            Operator::I32Const { value } => u64::from(value.cast_unsigned()),
            Operator::I64Const { value } => value.cast_unsigned(),
            _ => continue,
        };
        first = first.min(start);
        last = last.max(start.saturating_add(segment.data.len() as u64));
    }
    Ok(last.saturating_sub(first))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::package::{Package, read};

    /// Interpreters are the largest honest components; `make test` has built them.
    #[test]
    fn our_interpreters_are_well_within_the_limits() {
        for name in ["python", "javascript", "codegen"] {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envs").join(name).with_extension("wasm");
            let package = Package::parse(&read(&file).unwrap()).unwrap();
            for part in package.executors.iter().chain([&package.judge]) {
                let (mut branches_max, mut product_max) = (0, 0);
                for payload in Parser::new(0).parse_all(part) {
                    if let Payload::CodeSectionEntry(body) = payload.unwrap() {
                        let (locals, branches) = locals_and_branches(&body).unwrap();
                        branches_max = branches_max.max(branches);
                        product_max = product_max.max(locals * branches);
                    }
                }
                println!("{name}: {branches_max} branches, {product_max} locals by branches");
                assert!(2 * branches_max < BRANCHES_MAX && 2 * product_max < LOCALS_BY_BRANCHES_MAX, "{name}");
                check_size(part).unwrap();
            }
        }
    }
}
