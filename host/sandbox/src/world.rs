//! Whether a compiled component fits the world it is loaded for, and what to do where it does not.

use anyhow::{Context as _, Error, Result, bail, ensure};
use wasmtime::{
    Engine,
    component::{
        Component, HasSelf, Linker,
        types::{ComponentFunc, ComponentInstance, ComponentItem},
    },
};

use super::{
    bindings::{ExecutorPre, JudgePre, files, log},
    executor::RunGuest,
    guard::{Guard, Guards},
    judge::Guest,
    shape,
    wasi::{self, UsesWasi, wasi_gives},
};

/// The interfaces of this version of `wit/`. The linker alone would accept other versions of them.
const LOG: &str = "azr:env/log@0.1.0";
const FILES: &str = "azr:env/files@0.1.0";
/// What an environment exports.
pub const JUDGE: &str = "azr:env/judge@0.1.0";
const EXECUTION: &str = "azr:env/execution@0.1.0";

/// A judge that is ready to be instantiated. It may import the log, the files that it is granted, and the virtual WASI.
pub(super) fn judge(engine: &Engine, component: &Component, guards: Guards) -> Result<JudgePre<Guest>> {
    check_imports(engine, component, &[LOG, FILES], guards)?;
    check_export(engine, component, JUDGE)?;
    check_functions(engine, component, JUDGE)?;
    check_imported_functions(engine, component)?;
    let mut linker = Linker::new(engine);
    log::add_to_linker::<Guest, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    files::add_to_linker::<Guest, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    link_wasi(engine, component, &mut linker)?;
    let imported = || different(&imports(engine, component).join(" or "));
    let pre = linker.instantiate_pre(component).map_err(Error::from).with_context(imported)?;
    JudgePre::new(pre).map_err(Error::from).with_context(|| different(JUDGE))
}

/// An executor that is ready to be instantiated. It may import the virtual WASI, and nothing else.
pub(super) fn executor(engine: &Engine, component: &Component, guards: Guards) -> Result<ExecutorPre<RunGuest>> {
    check_imports(engine, component, &[], guards)?;
    check_export(engine, component, EXECUTION)?;
    check_functions(engine, component, EXECUTION)?;
    let mut linker = Linker::new(engine);
    link_wasi(engine, component, &mut linker)?;
    let pre = linker.instantiate_pre(component)?;
    ExecutorPre::new(pre).map_err(Error::from).with_context(|| different(EXECUTION))
}

/// The interfaces that a component takes functions from.
pub(super) fn imports(engine: &Engine, component: &Component) -> Vec<String> {
    let component = component.component_type();
    let wanted = component.imports(engine).filter(|(_, import)| match &import.ty {
        ComponentItem::ComponentInstance(instance) => has_code(engine, instance),
        ComponentItem::Type(_) => false,
        _ => true,
    });
    wanted.map(|(name, _)| name.to_owned()).collect()
}

/// Whether any of these interfaces is WASI's.
pub(super) fn uses_wasi(imports: &[String]) -> bool {
    imports.iter().any(|import| wasi_gives(import).is_some())
}

fn link_wasi<T: UsesWasi>(engine: &Engine, component: &Component, linker: &mut Linker<T>) -> Result<()> {
    for import in imports(engine, component) {
        if wasi_gives(&import).is_some() {
            wasi::link(linker, &import)?;
        }
    }
    Ok(())
}

/// Interfaces that only lend their types need nothing from the host.
fn has_code(engine: &Engine, instance: &ComponentInstance) -> bool {
    instance.exports(engine).any(|(_, export)| !matches!(export.ty, ComponentItem::Type(_)))
}

fn check_imports(engine: &Engine, component: &Component, granted: &[&str], guards: Guards) -> Result<()> {
    let imports = imports(engine, component);
    for import in &imports {
        if granted.contains(&&**import) || wasi_gives(import).is_some() || !guards.have(Guard::Imports) {
            continue;
        }
        if let Some(ours) = granted.iter().find(|ours| interface(ours) == interface(import)) {
            bail!("it imports {import}, but this azr-host has {ours}; build it against the wit/ of this azr-host");
        }
        let missing = imports.iter().filter(|import| import.starts_with("wasi:") && wasi_gives(import).is_none());
        let missing: Vec<&str> = missing.map(String::as_str).collect();
        ensure!(
            !import.starts_with("wasi:"),
            "it imports {}, which this azr-host does not have; of WASI there are clocks, random numbers, streams and \
             files of version 0.2, and no sockets, HTTP or threads. A build without them may be possible",
            missing.join(", ")
        );
        bail!("it imports {import}, which this azr-host does not have");
    }
    Ok(())
}

fn check_export(engine: &Engine, component: &Component, wanted: &str) -> Result<()> {
    let component = component.component_type();
    let exports: Vec<&str> = component.exports(engine).map(|(name, _)| name).collect();
    if exports.contains(&wanted) {
        return Ok(());
    }
    if let Some(other) = exports.iter().find(|export| interface(export) == interface(wanted)) {
        bail!("it exports {other}, but this azr-host needs {wanted}; build it against the wit/ of this azr-host");
    }
    ensure!(
        !exports.contains(&EXECUTION),
        "it is an executor and has no judge; `azr-env pack --judge JUDGE --executor THIS --out FILE` joins them"
    );
    let exports = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
    bail!("it exports {exports}, and {wanted} is missing: it was built for another world")
}

/// Every function of ours is there, and of our type. What else there is, is never called.
fn check_functions(engine: &Engine, component: &Component, interface: &str) -> Result<()> {
    let component = component.component_type();
    let export = component.get_export(engine, interface);
    let Some(ComponentItem::ComponentInstance(instance)) = export.map(|export| export.ty) else {
        bail!("its {interface} is not an interface");
    };
    for wanted in shape::functions(interface) {
        let Some(function) = function(engine, &instance, &wanted.name) else {
            bail!("its {interface} has no function {}", shape::declared(wanted));
        };
        if let Some(difference) = shape::difference(&function, wanted) {
            bail!("its {interface} differs: {difference}; build it against the wit/ of this azr-host");
        }
    }
    Ok(())
}

/// Every function that it takes from an interface of ours is one of ours.
fn check_imported_functions(engine: &Engine, component: &Component) -> Result<()> {
    for (interface, import) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(instance) = import.ty else { continue };
        if wasi_gives(interface).is_some() {
            continue;
        }
        for (name, item) in instance.exports(engine) {
            let ComponentItem::ComponentFunc(function) = item.ty else { continue };
            let Some(ours) = shape::functions(interface).find(|ours| ours.name == name) else {
                bail!("it calls the function {name} of {interface}, which this azr-host does not have");
            };
            if let Some(difference) = shape::difference(&function, ours) {
                bail!(
                    "the {interface} that it calls differs: {difference}; build it against the wit/ of this azr-host"
                );
            }
        }
    }
    Ok(())
}

fn function(engine: &Engine, instance: &ComponentInstance, name: &str) -> Option<ComponentFunc> {
    match instance.get_export(engine, name)?.ty {
        ComponentItem::ComponentFunc(function) => Some(function),
        _ => None,
    }
}

/// `azr:env/log@0.1.0` without the version.
fn interface(name: &str) -> &str {
    name.split_once('@').map_or(name, |(interface, _)| interface)
}

fn different(interface: &str) -> String {
    format!("its {interface} differs from this azr-host's; build it against the wit/ of this azr-host")
}
