//! Room for WASI's adapter in modules whose own allocator cannot give it any.
//!
//! What adapts WASI's preview 1 keeps its state and a stack in the module's memory, from the module's first call of WASI
//! on. It takes both from the module's `cabi_realloc`, or grows the memory. Go's runtime can bear neither: while it starts,
//! which calls WASI, nothing of it can be called, and whatever lies behind its data becomes its heap, without a gap
//! (`osinit` and `sbrk` of Go 1.27). Such a module sets aside a marked part of its data, and gets a function that gives it
//! to the adapter.

use std::convert::Infallible;

use anyhow::{Result, ensure};
use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType,
    Module as Encoded, TypeSection, ValType,
    reencode::{self, Reencode, utils},
};
use wasmparser::{
    CodeSectionReader, DataKind, ExportSectionReader, FunctionSectionReader, GlobalSectionReader, Operator, Parser,
    Payload, TypeRef, TypeSectionReader,
};

/// What the part of the data begins with. The room follows.
const MARK: &[u8] = b"azr:adapter-room";
/// A page of state and a page of stack, each where its alignment has it.
const ROOM_BYTES: i32 = (2 << 16) + 32;
/// What wit-component gives the adapter before it looks for `cabi_realloc`.
const REALLOC: &str = "cabi_realloc_adapter";

/// The module with a `realloc` for the adapter. `None` where it sets no room aside.
pub(super) fn with_realloc(module: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut counts = Counts::default();
    let mut room = None;
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::TypeSection(types) => {
                for group in types {
                    counts.types += u32::try_from(group?.types().len())?;
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    match import?.ty {
                        TypeRef::Func(_) | TypeRef::FuncExact(_) => counts.functions += 1,
                        TypeRef::Global(_) => counts.globals += 1,
                        _ => {}
                    }
                }
            }
            Payload::FunctionSection(functions) => counts.functions += functions.count(),
            Payload::GlobalSection(globals) => counts.globals += globals.count(),
            Payload::DataSection(segments) => {
                for segment in segments {
                    let segment = segment?;
                    let Some(at) = segment.data.windows(MARK.len()).position(|bytes| bytes == MARK) else { continue };
                    let DataKind::Active { memory_index: 0, offset_expr } = segment.kind else { continue };
                    let Operator::I32Const { value } = offset_expr.get_operators_reader().read()? else { continue };
                    ensure!(room.is_none(), "it sets room for the adapter aside twice");
                    let start = i32::try_from(at + MARK.len()).ok().and_then(|at| value.checked_add(at));
                    let end = start.and_then(|start| start.checked_add(ROOM_BYTES));
                    room = start.zip(end);
                    ensure!(room.is_some(), "it sets room for the adapter aside where no memory is");
                }
            }
            _ => {}
        }
    }
    let Some((start, end)) = room else { return Ok(None) };
    let mut encoded = Encoded::new();
    WithRealloc { counts, start, end }.parse_core_module(&mut encoded, Parser::new(0), module)?;
    Ok(Some(encoded.finish()))
}

/// How many there are, which is the index of one more.
#[derive(Clone, Copy, Default)]
struct Counts {
    types: u32,
    functions: u32,
    globals: u32,
}

/// Copies a module and adds the function at the end of each section.
struct WithRealloc {
    counts: Counts,
    /// Where the room begins, and where it ends.
    start: i32,
    end: i32,
}

impl Reencode for WithRealloc {
    type Error = Infallible;

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: TypeSectionReader<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        utils::parse_type_section(self, types, section)?;
        types.ty().function([ValType::I32; 4], [ValType::I32]);
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        utils::parse_function_section(self, functions, section)?;
        functions.function(self.counts.types);
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: GlobalSectionReader<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        utils::parse_global_section(self, globals, section)?;
        let free = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        globals.global(free, &ConstExpr::i32_const(self.start));
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        utils::parse_export_section(self, exports, section)?;
        exports.export(REALLOC, ExportKind::Func, self.counts.functions);
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        utils::parse_code_section(self, code, section)?;
        code.function(&realloc(self.counts.globals, self.end));
        Ok(())
    }
}

/// Gives out what `free`, a global variable, points to, and traps at the end. The adapter never frees and never resizes.
fn realloc(free: u32, end: i32) -> Function {
    const ALIGNMENT: u32 = 2;
    const LENGTH: u32 = 3;
    const GIVEN: u32 = 4;
    let mut body = Function::new([(1, ValType::I32)]);
    let mut code = body.instructions();
    code.global_get(free).local_get(ALIGNMENT).i32_add().i32_const(1).i32_sub();
    code.i32_const(0).local_get(ALIGNMENT).i32_sub().i32_and().local_tee(GIVEN);
    code.local_get(LENGTH).i32_add().global_set(free);
    code.global_get(free).i32_const(end).i32_gt_u().if_(wasm_encoder::BlockType::Empty).unreachable().end();
    code.local_get(GIVEN).end();
    body
}

#[cfg(test)]
mod tests {
    use wasmtime::{Engine, Instance, Module, Store};

    use super::*;

    /// A module with its mark at 100: 32 bytes for alignments, and not a byte more than two pages.
    #[test]
    fn what_is_set_aside_is_given_out_once() {
        let text = r#"(module
            (func $own (export "own") (result i32) (i32.const 7))
            (global i32 (i32.const 1))
            (memory (export "memory") 4)
            (data (i32.const 90) "0123456789azr:adapter-room"))"#;
        let module = with_realloc(&wat::parse_str(text).unwrap()).unwrap().unwrap();
        let engine = Engine::default();
        let module = Module::new(&engine, module).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let own = instance.get_typed_func::<(), i32>(&mut store, "own").unwrap();
        let realloc = instance.get_typed_func::<(i32, i32, i32, i32), i32>(&mut store, REALLOC).unwrap();
        assert_eq!(own.call(&mut store, ()).unwrap(), 7);
        // The room begins at 116.
        assert_eq!(realloc.call(&mut store, (0, 0, 16, 65536)).unwrap(), 128);
        assert_eq!(realloc.call(&mut store, (0, 0, 8, 65536)).unwrap(), 128 + 65536);
        assert_eq!(realloc.call(&mut store, (0, 0, 1, 20)).unwrap(), 128 + 2 * 65536);
        realloc.call(&mut store, (0, 0, 1, 1)).unwrap_err();
    }

    #[test]
    fn other_modules_stay_as_they_are() {
        let without = |text| with_realloc(&wat::parse_str(text).unwrap());
        assert_eq!(without(r#"(module (memory 1) (data (i32.const 0) "azr:adapter"))"#).unwrap(), None);
        assert_eq!(without(r#"(module (memory 1) (data "azr:adapter-room"))"#).unwrap(), None);
        let twice =
            r#"(module (memory 4) (data (i32.const 0) "azr:adapter-room") (data (i32.const 20) "azr:adapter-room"))"#;
        assert_eq!(without(twice).unwrap_err().to_string(), "it sets room for the adapter aside twice");
    }
}
