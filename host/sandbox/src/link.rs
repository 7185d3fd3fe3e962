//! Links the core modules of an executor into one.
//!
//! Interpreters become components as shared libraries: CPython is 38 core modules, which are instantiated and wired to
//! each other whenever a run starts. Linked, they are wired once, when the environment is packed. Calls between modules
//! become direct, base addresses become constants, and because the contents of tables and memories are then known
//! beforehand, wasmtime fills them in only where a run touches them.
//!
//! Only executors of the form that wit-component produces are linked: all core modules at the top level, no imports
//! from the host, no start functions.

use std::{collections::HashMap, convert::Infallible};

use anyhow::{Context as _, Result, bail};
use wasm_encoder::{
    CodeSection, DataCountSection, DataSection, ElementSection, ExportKind, ExportSection, FunctionSection,
    GlobalSection, Instruction, MemorySection, Module as Encoded, TableSection, TypeSection,
    reencode::{self, Reencode, utils},
};
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, DataSectionReader, ElementSectionReader, Export, ExternalKind,
    FunctionBody, FunctionSectionReader, Global, Import, Instance, MemorySectionReader, Operator, Parser, Payload,
    TableSectionReader, TypeRef, TypeSectionReader, Validator,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

const WIT: &str = include_str!("../../../wit/env.wit");
pub(super) const WORLD: &str = "executor";
/// The export of the executor's world as core modules know it.
const EXECUTE: &str = "azr:env/execution@0.1.0#execute";

/// The same executor with one core module. `None` where it has one already. Fails where it cannot be linked, with the
/// reason.
pub(super) fn link(component: &[u8]) -> Result<Option<Vec<u8>>> {
    // What follows trusts indices and the order of definitions: of a component that is not valid it would follow an alias
    // of itself for ever.
    Validator::new().validate_all(component).context("it is not valid")?;
    let wiring = Wiring::parse(component)?;
    if wiring.modules.len() < 2 {
        return Ok(None);
    }
    let mut module = Layout::of(&wiring)?.encode(&wiring)?;
    let (resolve, world) = resolved(WORLD)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    let component = ComponentEncoder::default().validate(true).module(&module)?.encode()?;
    Ok(Some(component))
}

/// A world of `wit/`.
pub(super) fn resolved(world: &str) -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("env.wit", WIT).context("wit/env.wit does not parse")?;
    let world = resolve.select_world(&[package], Some(world))?;
    Ok((resolve, world))
}

/// How a component wires its core modules.
#[derive(Default)]
struct Wiring<'a> {
    modules: Vec<Module<'a>>,
    instances: Vec<CoreInstance<'a>>,
    /// Where the items of the component's core index spaces come from; `None` for functions of the host.
    functions: Vec<Option<Alias<'a>>>,
    tables: Vec<Option<Alias<'a>>>,
    memories: Vec<Option<Alias<'a>>>,
    globals: Vec<Option<Alias<'a>>>,
    /// The lifted functions: the core function and its options.
    lifted: Vec<(u32, Box<[CanonicalOption]>)>,
}

enum CoreInstance<'a> {
    Instantiated { module: usize, arguments: HashMap<&'a str, usize> },
    Exports(HashMap<&'a str, Export<'a>>),
}

/// An export of a core instance.
#[derive(Clone, Copy)]
struct Alias<'a> {
    instance: usize,
    name: &'a str,
}

/// The sections of a core module.
#[derive(Default)]
struct Module<'a> {
    types: Option<TypeSectionReader<'a>>,
    imports: Vec<Import<'a>>,
    functions: Option<FunctionSectionReader<'a>>,
    tables: Option<TableSectionReader<'a>>,
    memories: Option<MemorySectionReader<'a>>,
    globals: Vec<Global<'a>>,
    exports: HashMap<&'a str, Export<'a>>,
    elements: Option<ElementSectionReader<'a>>,
    data: Option<DataSectionReader<'a>>,
    bodies: Vec<FunctionBody<'a>>,
}

/// The index spaces that modules import from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Space {
    Functions,
    Tables,
    Memories,
    Globals,
}

/// An item that a module defines, counted without the module's imports.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Definition {
    instance: usize,
    index: usize,
}

impl<'a> Wiring<'a> {
    fn parse(component: &'a [u8]) -> Result<Self> {
        let mut wiring = Self::default();
        // How many nested modules and components enclose what is being parsed.
        let mut nesting = 0_u32;
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ModuleSection { unchecked_range, .. } => {
                    if nesting == 0 {
                        let module = component.get(unchecked_range).context("a module ends behind the file")?;
                        wiring.modules.push(Module::parse(module)?);
                    }
                    nesting += 1;
                }
                Payload::ComponentSection { .. } => nesting += 1,
                Payload::End(_) => nesting = nesting.saturating_sub(1),
                payload if nesting == 0 => wiring.section(payload)?,
                _ => {}
            }
        }
        Ok(wiring)
    }

    fn section(&mut self, payload: Payload<'a>) -> Result<()> {
        match payload {
            Payload::InstanceSection(instances) => {
                for instance in instances {
                    self.instances.push(CoreInstance::from(instance?));
                }
            }
            Payload::ComponentAliasSection(aliases) => {
                for alias in aliases {
                    if let ComponentAlias::CoreInstanceExport { kind, instance_index, name } = alias? {
                        let alias = Alias { instance: instance_index as usize, name };
                        self.aliases(space(kind)?).push(Some(alias));
                    }
                }
            }
            Payload::ComponentCanonicalSection(functions) => {
                for function in functions {
                    match function? {
                        CanonicalFunction::Lift { core_func_index, options, .. } => {
                            self.lifted.push((core_func_index, options));
                        }
                        _ => self.functions.push(None),
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn aliases(&mut self, space: Space) -> &mut Vec<Option<Alias<'a>>> {
        match space {
            Space::Functions => &mut self.functions,
            Space::Tables => &mut self.tables,
            Space::Memories => &mut self.memories,
            Space::Globals => &mut self.globals,
        }
    }

    /// The module of an instance that is one of a module.
    fn module(&self, instance: usize) -> Option<&Module<'a>> {
        match self.instances.get(instance)? {
            CoreInstance::Instantiated { module, .. } => self.modules.get(*module),
            CoreInstance::Exports(_) => None,
        }
    }

    /// The instances of modules, in the order of their instantiation.
    fn instantiated(&self) -> impl Iterator<Item = (usize, &Module<'a>)> {
        (0..self.instances.len()).filter_map(|instance| Some((instance, self.module(instance)?)))
    }

    /// Where an item of a component's core index space is defined.
    fn aliased(&self, space: Space, index: u32) -> Result<Definition> {
        let aliases = match space {
            Space::Functions => &self.functions,
            Space::Tables => &self.tables,
            Space::Memories => &self.memories,
            Space::Globals => &self.globals,
        };
        let alias = aliases.get(index as usize).context("an index out of range")?;
        let Alias { instance, name } = alias.context("it imports from the host")?;
        self.exported(space, instance, name)
    }

    /// Where an export of a core instance is defined.
    fn exported(&self, space: Space, instance: usize, name: &str) -> Result<Definition> {
        let missing = || format!("nothing is exported as {name:?}");
        match self.instances.get(instance).with_context(missing)? {
            CoreInstance::Exports(exports) => self.aliased(space, exports.get(name).with_context(missing)?.index),
            CoreInstance::Instantiated { module, .. } => {
                let module = self.modules.get(*module).with_context(missing)?;
                self.defined(space, instance, module.exports.get(name).with_context(missing)?.index as usize)
            }
        }
    }

    /// Where an item of a module's index space is defined: there, or where its import leads to.
    fn defined(&self, space: Space, instance: usize, index: usize) -> Result<Definition> {
        let Some(CoreInstance::Instantiated { module, arguments }) = self.instances.get(instance) else {
            bail!("instance {instance} has no module");
        };
        let mut imports = self.modules[*module].imports_of(space);
        let Some(import) = imports.clone().nth(index) else {
            return Ok(Definition { instance, index: index - imports.by_ref().count() });
        };
        let from = arguments.get(import.module).with_context(|| format!("nothing is given for {:?}", import.module))?;
        self.exported(space, *from, import.name)
    }
}

impl<'a> From<Instance<'a>> for CoreInstance<'a> {
    fn from(instance: Instance<'a>) -> Self {
        match instance {
            Instance::Instantiate { module_index, args } => Self::Instantiated {
                module: module_index as usize,
                arguments: args.iter().map(|argument| (argument.name, argument.index as usize)).collect(),
            },
            Instance::FromExports(exports) => {
                Self::Exports(exports.iter().map(|export| (export.name, *export)).collect())
            }
        }
    }
}

impl<'a> Module<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut module = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::TypeSection(types) => module.types = Some(types),
                Payload::ImportSection(imports) => {
                    module.imports = imports.into_imports().collect::<Result<_, _>>()?;
                }
                Payload::FunctionSection(functions) => module.functions = Some(functions),
                Payload::TableSection(tables) => module.tables = Some(tables),
                Payload::MemorySection(memories) => module.memories = Some(memories),
                Payload::GlobalSection(globals) => module.globals = globals.into_iter().collect::<Result<_, _>>()?,
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        module.exports.insert(export.name, export);
                    }
                }
                Payload::ElementSection(elements) => module.elements = Some(elements),
                Payload::DataSection(data) => module.data = Some(data),
                Payload::CodeSectionEntry(body) => module.bodies.push(body),
                Payload::StartSection { .. } => bail!("one of its modules has a start function"),
                Payload::TagSection(_) => bail!("one of its modules has exceptions"),
                _ => {}
            }
        }
        Ok(module)
    }

    fn imports_of(&self, space: Space) -> impl Iterator<Item = &Import<'a>> + Clone {
        self.imports.iter().filter(move |import| match import.ty {
            TypeRef::Func(_) | TypeRef::FuncExact(_) => space == Space::Functions,
            TypeRef::Table(_) => space == Space::Tables,
            TypeRef::Memory(_) => space == Space::Memories,
            TypeRef::Global(_) => space == Space::Globals,
            TypeRef::Tag(_) => false,
        })
    }

    fn count_of(&self, space: Space) -> usize {
        let count = match space {
            Space::Functions => self.functions.as_ref().map(FunctionSectionReader::count),
            Space::Tables => self.tables.as_ref().map(TableSectionReader::count),
            Space::Memories => self.memories.as_ref().map(MemorySectionReader::count),
            Space::Globals => return self.globals.len(),
        };
        count.unwrap_or(0) as usize
    }
}

fn space(kind: ExternalKind) -> Result<Space> {
    Ok(match kind {
        ExternalKind::Func | ExternalKind::FuncExact => Space::Functions,
        ExternalKind::Table => Space::Tables,
        ExternalKind::Memory => Space::Memories,
        ExternalKind::Global => Space::Globals,
        ExternalKind::Tag => bail!("one of its modules has exceptions"),
    })
}

/// Where everything is in the linked module.
struct Layout {
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
    fn of(wiring: &Wiring<'_>) -> Result<Self> {
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

    fn encode(mut self, wiring: &Wiring<'_>) -> Result<Vec<u8>> {
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
    let mut set = std::collections::HashSet::new();
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Two modules, whatever they are wired like, and a lifted function.
    fn lifting(wiring: &str) -> Vec<u8> {
        let text = format!(
            r#"(component
                (core module $m (memory (export "memory") 1) (func (export "f") (result i32) (i32.const 7)))
                (core module $n)
                {wiring}
                (func (result s32) (canon lift (core func 0))))"#
        );
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn what_leads_back_to_itself_is_refused() {
        let export = format!(r#"(alias core export 0 "{EXECUTE}" (core func))"#);
        let circle = lifting(&format!(r#"(core instance (export "{EXECUTE}" (func 0))) {export}"#));
        assert!(format!("{:#}", link(&circle).unwrap_err()).contains("it is not valid"));
        let twice = r#"(core instance (instantiate $n (with "x" (instance 1)))) (core instance (instantiate $n (with "x"
            (instance 0)))) (alias core export 0 "f" (core func))"#;
        assert!(format!("{:#}", link(&lifting(twice)).unwrap_err()).contains("it is not valid"));
    }

    #[test]
    fn every_truncation_is_an_error_or_has_one_module() {
        let whole = lifting(r#"(core instance (instantiate $m)) (alias core export 0 "f" (core func))"#);
        assert!(format!("{:#}", link(&whole).unwrap_err()).contains("it does not lift"));
        for length in 0..whole.len() {
            assert!(!matches!(link(&whole[..length]), Ok(Some(_))), "{length}");
        }
    }
}
