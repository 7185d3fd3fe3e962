//! Links the core modules of an executor into one.
//!
//! Interpreters become components as shared libraries: CPython is 38 core modules, which are instantiated and wired to
//! each other whenever a run starts. Linked, they are wired once, when the environment is packed. Calls between modules
//! become direct, base addresses become constants, and because the contents of tables and memories are then known
//! beforehand, wasmtime fills them in only where a run touches them.
//!
//! Only executors of the form that wit-component produces are linked: all core modules at the top level, no imports
//! from the host, no start functions.

mod layout;
mod wiring;

use anyhow::{Context as _, Result};
use wasmparser::Validator;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

use layout::Layout;
use wiring::Wiring;

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
