//! Where everything goes in the linked module, and its encoding.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
};

use anyhow::{Context as _, Result, bail};
use wasm_encoder::{
    CodeSection, DataCountSection, DataSection, ElementSection, ExportKind, ExportSection, FunctionSection,
    GlobalSection, Instruction, MemorySection, Module as Encoded, TableSection, TypeSection,
    reencode::{self, Reencode, utils},
};
use wasmparser::{CanonicalOption, DataSectionReader, ElementSectionReader, Operator};

use super::{
    EXECUTE,
    wiring::{Definition, Space, Wiring},
};

/// Where everything is in the linked module.
pub(super) struct Layout {
    /// One for each instance of a module, in their order.
    relocations: Vec<(usize, Relocation)>,
    exports: Vec<(String, ExportKind, u32)>,
}

/// What the indices of one module become.
#[derive(Default)]
struct Relocation {
    types_base: u32,
    functions: Vec<u32>,
    tables: Vec<u32>,
    memories: Vec<u32>,
    globals: Vec<Place>,
    elements_base: u32,
    data_base: u32,
}

/// What becomes of a global.
#[derive(Clone, Copy)]
enum Place {
    Global(u32),
    /// Nothing ever sets it.
    Constant(i32),
}

impl Layout {
    pub(super) fn of(wiring: &Wiring<'_>) -> Result<Self> {
        let numbers = |space| {
            let definitions = wiring.instantiated().flat_map(move |(instance, module)| {
                (0..module.count_of(space)).map(move |index| Definition { instance, index })
            });
            definitions.zip(0_u32..).collect::<HashMap<_, _>>()
        };
        let (functions, tables) = (numbers(Space::Functions), numbers(Space::Tables));
        let memories = numbers(Space::Memories);
        let globals = place_globals(wiring)?;
        let mut relocations: Vec<(usize, Relocation)> = Vec::new();
        let (mut types_base, mut elements_base, mut data_base) = (0, 0, 0);
        for (instance, module) in wiring.instantiated() {
            let resolved = |space, numbers: &HashMap<Definition, u32>| {
                let count = module.imports_of(space).count() + module.count_of(space);
                (0..count).map(|index| found(numbers, wiring.defined(space, instance, index)?)).collect::<Result<_>>()
            };
            let globals_count = module.imports_of(Space::Globals).count() + module.globals.len();
            let place = |index| found(&globals, wiring.defined(Space::Globals, instance, index)?);
            let relocation = Relocation {
                types_base,
                functions: resolved(Space::Functions, &functions)?,
                tables: resolved(Space::Tables, &tables)?,
                memories: resolved(Space::Memories, &memories)?,
                globals: (0..globals_count).map(place).collect::<Result<_>>()?,
                elements_base,
                data_base,
            };
            relocations.push((instance, relocation));
            for group in module.types.iter().flat_map(|types| types.clone()) {
                types_base += u32::try_from(group?.types().len())?;
            }
            elements_base += module.elements.as_ref().map_or(0, ElementSectionReader::count);
            data_base += module.data.as_ref().map_or(0, DataSectionReader::count);
        }
        let exports = exports(wiring, &functions, &memories)?;
        Ok(Self { relocations, exports })
    }

    pub(super) fn encode(mut self, wiring: &Wiring<'_>) -> Result<Vec<u8>> {
        let (mut types, mut functions, mut tables) = <(TypeSection, FunctionSection, TableSection)>::default();
        let (mut memories, mut globals, mut elements) = <(MemorySection, GlobalSection, ElementSection)>::default();
        let (mut code, mut data) = <(CodeSection, DataSection)>::default();
        for (instance, to) in &mut self.relocations {
            let module = wiring.module(*instance).expect("only instances of modules are laid out");
            if let Some(section) = module.types.clone() {
                to.parse_type_section(&mut types, section)?;
            }
            if let Some(section) = module.functions.clone() {
                to.parse_function_section(&mut functions, section)?;
            }
            if let Some(section) = module.tables.clone() {
                to.parse_table_section(&mut tables, section)?;
            }
            if let Some(section) = module.memories.clone() {
                to.parse_memory_section(&mut memories, section)?;
            }
            let own_globals = to.globals.split_off(to.globals.len() - module.globals.len());
            to.globals.extend(&own_globals);
            for (global, place) in module.globals.iter().zip(own_globals) {
                if matches!(place, Place::Global(_)) {
                    to.parse_global(&mut globals, global.clone())?;
                }
            }
            if let Some(section) = module.elements.clone() {
                to.parse_element_section(&mut elements, section)?;
            }
            for body in &module.bodies {
                to.parse_function_body(&mut code, body.clone())?;
            }
            if let Some(section) = module.data.clone() {
                to.parse_data_section(&mut data, section)?;
            }
        }
        let mut exports = ExportSection::new();
        for (name, kind, index) in &self.exports {
            exports.export(name, *kind, *index);
        }
        let mut linked = Encoded::new();
        linked.section(&types).section(&functions).section(&tables).section(&memories).section(&globals);
        linked.section(&exports).section(&elements).section(&DataCountSection { count: data.len() });
        linked.section(&code).section(&data);
        Ok(linked.finish())
    }
}

/// The exports that a component of this world is made from, found through the one that it lifts today.
fn exports(
    wiring: &Wiring<'_>,
    functions: &HashMap<Definition, u32>,
    memories: &HashMap<Definition, u32>,
) -> Result<Vec<(String, ExportKind, u32)>> {
    let named = |(function, _): &&(u32, _)| {
        wiring.functions.get(*function as usize).copied().flatten().is_some_and(|alias| alias.name == EXECUTE)
    };
    let (execute, options) = wiring.lifted.iter().find(named).with_context(|| format!("it does not lift {EXECUTE}"))?;
    let function = |index| found(functions, wiring.aliased(Space::Functions, index)?);
    let mut exports = vec![(EXECUTE.to_owned(), ExportKind::Func, function(*execute)?)];
    for option in options {
        exports.push(match *option {
            CanonicalOption::UTF8 => continue,
            CanonicalOption::Memory(index) => {
                ("memory".into(), ExportKind::Memory, found(memories, wiring.aliased(Space::Memories, index)?)?)
            }
            CanonicalOption::Realloc(index) => ("cabi_realloc".into(), ExportKind::Func, function(index)?),
            CanonicalOption::PostReturn(index) => (format!("cabi_post_{EXECUTE}"), ExportKind::Func, function(index)?),
            _ => bail!("it lifts {EXECUTE} with {option:?}"),
        });
    }
    Ok(exports)
}

/// What became of a definition. One of a module that is never instantiated is nowhere.
fn found<T: Copy>(places: &HashMap<Definition, T>, definition: Definition) -> Result<T> {
    places.get(&definition).copied().context("it uses what no instance defines")
}

/// Decides which globals are constants: 32-bit ones that start from a constant and that no code sets.
fn place_globals(wiring: &Wiring<'_>) -> Result<HashMap<Definition, Place>> {
    let mut set = HashSet::new();
    for (instance, module) in wiring.instantiated() {
        for body in &module.bodies {
            for operator in body.get_operators_reader()? {
                if let Operator::GlobalSet { global_index } = operator? {
                    set.insert(wiring.defined(Space::Globals, instance, global_index as usize)?);
                }
            }
        }
    }
    let mut places: HashMap<Definition, Place> = HashMap::new();
    let mut count = 0;
    for (instance, module) in wiring.instantiated() {
        for (index, global) in module.globals.iter().enumerate() {
            let definition = Definition { instance, index };
            let mut operators = global.init_expr.get_operators_reader();
            let constant = match (operators.read()?, operators.read()?) {
                (Operator::I32Const { value }, Operator::End) => Some(value),
                (Operator::GlobalGet { global_index }, Operator::End) => {
                    match places.get(&wiring.defined(Space::Globals, instance, global_index as usize)?) {
                        Some(Place::Constant(value)) => Some(*value),
                        _ => None,
                    }
                }
                _ => None,
            };
            let place = match constant {
                Some(value) if !set.contains(&definition) => Place::Constant(value),
                _ => {
                    count += 1;
                    Place::Global(count - 1)
                }
            };
            places.insert(definition, place);
        }
    }
    Ok(places)
}

type Reencoded<T> = Result<T, reencode::Error<Infallible>>;

impl Reencode for Relocation {
    type Error = Infallible;

    fn type_index(&mut self, index: u32) -> Reencoded<u32> {
        Ok(self.types_base + index)
    }

    fn function_index(&mut self, index: u32) -> Reencoded<u32> {
        Ok(self.functions[index as usize])
    }

    fn table_index(&mut self, index: u32) -> Reencoded<u32> {
        Ok(self.tables[index as usize])
    }

    fn memory_index(&mut self, index: u32) -> Reencoded<u32> {
        Ok(self.memories[index as usize])
    }

    fn global_index(&mut self, index: u32) -> Reencoded<u32> {
        match self.globals[index as usize] {
            Place::Global(index) => Ok(index),
            Place::Constant(_) => unreachable!("constants are neither set nor exported, and reading them is replaced"),
        }
    }

    fn element_index(&mut self, index: u32) -> Reencoded<u32> {
        Ok(self.elements_base + index)
    }

    fn data_index(&mut self, index: u32) -> Reencoded<u32> {
        Ok(self.data_base + index)
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Reencoded<Instruction<'a>> {
        if let Operator::GlobalGet { global_index } = operator
            && let Place::Constant(value) = self.globals[global_index as usize]
        {
            return Ok(Instruction::I32Const(value));
        }
        utils::instruction(self, operator)
    }
}
