//! Starts an executor once, when its environment is packed, and keeps the memory that it has then.
//!
//! An executor that is a core module may export a function `initialize`. Each run begins where that returned, instead of
//! building its interpreter anew; componentize-py does the same for CPython. Only the memory is kept. In modules made
//! from Rust that is everything: their tables never change, and their one global variable, the stack pointer, has its
//! first value again whenever a function has returned.

use std::ops::Range;

use anyhow::{Context as _, Error, Result, bail, ensure};
use wasm_encoder::{
    ConstExpr, DataCountSection, DataSection, MemorySection, MemoryType, Module as Encoded, RawSection,
};
use wasmparser::{DataKind, Parser, Payload};
use wasmtime::{Instance, Module, Store};

use super::{compile::check_size, engine::snapshot_engine, guard::Guards, limiter::Limiter};
use azr_core::limits::Limits;

const INITIALIZE: &str = "initialize";
/// Some seconds: packing ends, whatever an executor does.
const INITIALIZE_FUEL: u64 = 10_000_000_000;
/// The name that linkers give to the memory.
const MEMORY: &str = "memory";
const PAGE_BYTES: usize = 64 << 10;
/// Memory is kept where one of so many bytes is not zero. Smaller blocks made the file no smaller.
const BLOCK_BYTES: usize = 256;

/// The core module with the memory that `initialize` leaves. `None` where there is no such function.
pub(super) fn initialized(module: &[u8]) -> Result<Option<Vec<u8>>> {
    let exports_initialize = Parser::new(0).parse_all(module).any(|payload| match payload {
        Ok(Payload::ExportSection(exports)) => exports.into_iter().flatten().any(|export| export.name == INITIALIZE),
        _ => false,
    });
    if !exports_initialize {
        return Ok(None);
    }
    check_size(module)?;
    let engine = snapshot_engine()?;
    let compiled = Module::new(&engine, module)?;
    let mut store = Store::new(&engine, Limiter::new(Limits::default().run_memory_max_bytes, Guards::ALL));
    store.limiter(|limiter| limiter);
    store.set_fuel(INITIALIZE_FUEL)?;
    // Fuel ends it; nothing counts epochs here.
    store.set_epoch_deadline(u64::MAX / 2);
    ensure!(compiled.imports().next().is_none(), "an executor with `{INITIALIZE}` must import nothing");
    let instance = Instance::new(&mut store, &compiled, &[])?;
    let initialize = instance.get_typed_func::<(), ()>(&mut store, INITIALIZE)?;
    initialize.call(&mut store, ()).map_err(Error::from).with_context(|| format!("its `{INITIALIZE}` failed"))?;
    let memory = instance.get_memory(&mut store, MEMORY).context("it exports no memory")?;
    with_memory(module, memory.data(&store)).map(Some)
}

/// All other sections stay as they are.
fn with_memory(module: &[u8], memory: &[u8]) -> Result<Vec<u8>> {
    let blocks = not_zero(memory);
    let mut data = DataSection::new();
    for block in &blocks {
        let offset = ConstExpr::i32_const(u32::try_from(block.start)?.cast_signed());
        data.active(0, &offset, memory[block.clone()].iter().copied());
    }
    let mut encoded = Encoded::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::MemorySection(section) => {
                let maximum = section.into_iter().next().context("it has no memory")??.maximum;
                let minimum = (memory.len() / PAGE_BYTES) as u64;
                let kept = MemoryType { minimum, maximum, memory64: false, shared: false, page_size_log2: None };
                encoded.section(MemorySection::new().memory(kept));
            }
            Payload::DataCountSection { .. } => {
                encoded.section(&DataCountSection { count: u32::try_from(blocks.len())? });
            }
            Payload::DataSection(section) => {
                for segment in section {
                    if matches!(segment?.kind, DataKind::Passive) {
                        bail!("it copies parts of itself to its memory later, which a snapshot would lose");
                    }
                }
                encoded.section(&data);
            }
            payload => {
                if let Some((id, range)) = payload.as_section() {
                    encoded.section(&RawSection { id, data: &module[range] });
                }
            }
        }
    }
    Ok(encoded.finish())
}

/// Adjacent blocks as one.
fn not_zero(memory: &[u8]) -> Vec<Range<usize>> {
    let mut kept: Vec<Range<usize>> = Vec::new();
    for start in (0..memory.len()).step_by(BLOCK_BYTES) {
        let block = start..start + BLOCK_BYTES;
        match kept.last_mut() {
            _ if memory[block.clone()].iter().all(|byte| *byte == 0) => {}
            Some(last) if last.end == start => last.end = block.end,
            _ => kept.push(block),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use wasmtime::Engine;

    use super::*;

    /// A module counts its starts; the snapshot has been started once, and its memory has grown.
    #[test]
    fn runs_begin_where_initialize_returned() {
        let text = r#"(module
            (memory (export "memory") 1)
            (data (i32.const 70) "kept")
            (func (export "initialize")
                (drop (memory.grow (i32.const 1)))
                (i32.store (i32.const 100000) (i32.add (i32.load (i32.const 100000)) (i32.const 7))))
            (func (export "sum") (result i32) (i32.add (i32.load8_u (i32.const 70)) (i32.load (i32.const 100000)))))"#;
        let module = initialized(&wat::parse_str(text).unwrap()).unwrap().unwrap();
        let engine = Engine::default();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &Module::new(&engine, module).unwrap(), &[]).unwrap();
        let sum = instance.get_typed_func::<(), i32>(&mut store, "sum").unwrap();
        assert_eq!(sum.call(&mut store, ()).unwrap(), i32::from(b'k') + 7);
        assert_eq!(instance.get_memory(&mut store, MEMORY).unwrap().size(&store), 2);
    }

    #[test]
    fn modules_that_cannot_be_kept_are_refused() {
        let refused = |text| initialized(&wat::parse_str(text).unwrap()).map(drop).unwrap_err().to_string();
        let memory = r#"(memory (export "memory") 1)"#;
        assert_eq!(initialized(&wat::parse_str(format!("(module {memory})")).unwrap()).unwrap(), None);
        let trap = format!(r#"(module {memory} (func (export "initialize") unreachable))"#);
        assert_eq!(refused(trap), "its `initialize` failed");
        let endless = format!(r#"(module {memory} (func (export "initialize") (loop (br 0))))"#);
        assert_eq!(refused(endless), "its `initialize` failed");
        let hungry = format!(
            r#"(module {memory} (func (export "initialize") (drop (memory.grow (i32.const 60000)))
            (i32.store (i32.const 100000000) (i32.const 1))))"#
        );
        assert_eq!(refused(hungry), "its `initialize` failed");
        assert!(
            refused(r#"(module (memory (export "memory") 60000) (func (export "initialize")))"#.into())
                .contains("memory")
        );
        let passive = format!(r#"(module {memory} (data "later") (func (export "initialize")))"#);
        assert!(refused(passive).contains("a snapshot would lose"));
        let import = r#"(module (import "a" "b" (func)) (func (export "initialize")))"#.to_owned();
        assert_eq!(refused(import), "an executor with `initialize` must import nothing");
    }
}
