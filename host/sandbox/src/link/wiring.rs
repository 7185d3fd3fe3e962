//! What a component consists of: its core modules, and how they are wired to each other.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, DataSectionReader, ElementSectionReader, Export, ExternalKind,
    FunctionBody, FunctionSectionReader, Global, Import, Instance, MemorySectionReader, Parser, Payload,
    TableSectionReader, TypeRef, TypeSectionReader,
};

/// How a component wires its core modules.
#[derive(Default)]
pub(super) struct Wiring<'a> {
    pub(super) modules: Vec<Module<'a>>,
    instances: Vec<CoreInstance<'a>>,
    /// Where the items of the component's core index spaces come from; `None` for functions of the host.
    pub(super) functions: Vec<Option<Alias<'a>>>,
    tables: Vec<Option<Alias<'a>>>,
    memories: Vec<Option<Alias<'a>>>,
    globals: Vec<Option<Alias<'a>>>,
    /// The lifted functions: the core function and its options.
    pub(super) lifted: Vec<(u32, Box<[CanonicalOption]>)>,
}

pub(super) enum CoreInstance<'a> {
    Instantiated { module: usize, arguments: HashMap<&'a str, usize> },
    Exports(HashMap<&'a str, Export<'a>>),
}

/// An export of a core instance.
#[derive(Clone, Copy)]
pub(super) struct Alias<'a> {
    instance: usize,
    pub(super) name: &'a str,
}

/// The sections of a core module.
#[derive(Default)]
pub(super) struct Module<'a> {
    pub(super) types: Option<TypeSectionReader<'a>>,
    pub(super) imports: Vec<Import<'a>>,
    pub(super) functions: Option<FunctionSectionReader<'a>>,
    pub(super) tables: Option<TableSectionReader<'a>>,
    pub(super) memories: Option<MemorySectionReader<'a>>,
    pub(super) globals: Vec<Global<'a>>,
    pub(super) exports: HashMap<&'a str, Export<'a>>,
    pub(super) elements: Option<ElementSectionReader<'a>>,
    pub(super) data: Option<DataSectionReader<'a>>,
    pub(super) bodies: Vec<FunctionBody<'a>>,
}

/// The index spaces that modules import from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    Functions,
    Tables,
    Memories,
    Globals,
}

/// An item that a module defines, counted without the module's imports.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Definition {
    pub(super) instance: usize,
    pub(super) index: usize,
}

impl<'a> Wiring<'a> {
    pub(super) fn parse(component: &'a [u8]) -> Result<Self> {
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
    pub(super) fn module(&self, instance: usize) -> Option<&Module<'a>> {
        match self.instances.get(instance)? {
            CoreInstance::Instantiated { module, .. } => self.modules.get(*module),
            CoreInstance::Exports(_) => None,
        }
    }

    /// The instances of modules, in the order of their instantiation.
    pub(super) fn instantiated(&self) -> impl Iterator<Item = (usize, &Module<'a>)> {
        (0..self.instances.len()).filter_map(|instance| Some((instance, self.module(instance)?)))
    }

    /// Where an item of a component's core index space is defined.
    pub(super) fn aliased(&self, space: Space, index: u32) -> Result<Definition> {
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
    pub(super) fn exported(&self, space: Space, instance: usize, name: &str) -> Result<Definition> {
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
    pub(super) fn defined(&self, space: Space, instance: usize, index: usize) -> Result<Definition> {
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
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self> {
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

    pub(super) fn imports_of(&self, space: Space) -> impl Iterator<Item = &Import<'a>> + Clone {
        self.imports.iter().filter(move |import| match import.ty {
            TypeRef::Func(_) | TypeRef::FuncExact(_) => space == Space::Functions,
            TypeRef::Table(_) => space == Space::Tables,
            TypeRef::Memory(_) => space == Space::Memories,
            TypeRef::Global(_) => space == Space::Globals,
            TypeRef::Tag(_) => false,
        })
    }

    pub(super) fn count_of(&self, space: Space) -> usize {
        let count = match space {
            Space::Functions => self.functions.as_ref().map(FunctionSectionReader::count),
            Space::Tables => self.tables.as_ref().map(TableSectionReader::count),
            Space::Memories => self.memories.as_ref().map(MemorySectionReader::count),
            Space::Globals => return self.globals.len(),
        };
        count.unwrap_or(0) as usize
    }
}

pub(super) fn space(kind: ExternalKind) -> Result<Space> {
    Ok(match kind {
        ExternalKind::Func | ExternalKind::FuncExact => Space::Functions,
        ExternalKind::Table => Space::Tables,
        ExternalKind::Memory => Space::Memories,
        ExternalKind::Global => Space::Globals,
        ExternalKind::Tag => bail!("one of its modules has exceptions"),
    })
}
