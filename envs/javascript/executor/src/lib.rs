//! The JavaScript executor: loads an untrusted program and calls its `f`.
//!
//! A run has the engine for itself, so nothing here defends itself against the program: whatever it does to the built-in
//! objects, it can only change what its own calls come to.
//!
//! One executor is enough to find results that are not determined by the arguments: there is no entropy that hashes could
//! be seeded from, properties, maps and sets are ordered by insertion, and no address shows in the language.
//!
//! Where Boa differs from other engines, `mended.js` mends what can be mended in the language: `toExponential`,
//! `Math.exp(1)`, `Math.hypot`, `localeCompare` and `toLocaleString` of numbers, as American English has them; numbers
//! refuse other locales and most options, and texts do not look at them. `structuredClone`, which is no part of the
//! language, is there as well. `make setup` changes two places of Boa itself (Makefile, `PATCHED_BOA`): `**` with whole
//! exponents, and the keys that a rest property leaves out. What remains: `Intl` and dates are not there; in assignments,
//! not in declarations, a key that is a number or computed takes neither a pattern nor a default (`({1: [x]} = y)`,
//! `({[k]: x = 0} = y)`), and what is left for a property (`({[k]: x, ...y.rest} = z)`) keeps computed keys; `JSON.parse`
//! refuses numbers that are too large for a double; too deep a recursion ends the run and cannot be caught.
#![cfg(target_family = "wasm")]

mod jobs;
mod values;

use std::cell::Cell;
use std::rc::Rc;

use boa_engine::context::time::FixedClock;
use boa_engine::module::IdleModuleLoader;
use boa_engine::property::PropertyKey;
use boa_engine::{Context, JsError, JsObject, JsString, JsValue, NativeFunction, Script, Source, js_string};

use crate::azr::env::types::{Outcome, Thrown};
use crate::exports::azr::env::execution::Guest;
use crate::jobs::{Microtasks, Rejections, settle};
use crate::values::{Unsupported, decode, encode};

wit_bindgen::generate!({ path: "../../../wit", world: "executor" });

/// Nested calls, about as many as other engines allow. The stack is large enough for so many, also where they lead through
/// built-in functions and back.
const CALLS_MAX: usize = 10_000;
/// Arguments and variables of nested calls.
const STACK_MAX_VALUES: usize = 1_000_000;
/// An exception's text is for a person; longer ones say no more.
const MESSAGE_MAX_CHARS: usize = 500;

thread_local! {
    static FRESH: Cell<Option<Fresh>> = const { Cell::new(None) };
}

/// An engine that has run nothing yet, and the function that runs whole programs.
struct Fresh {
    context: Context,
    run_code: JsObject,
}

/// What `azr-env serve` sends in the place of a program: `f` is the function of `run_code.js`.
const RUN_CODE: &str = "// run_code";

/// Makes the engine of the run. Called once, before the snapshot that each run starts from.
#[unsafe(no_mangle)]
pub extern "C" fn initialize() {
    let mut context = fresh_context();
    let run_code = run_code(&mut context);
    FRESH.set(Some(Fresh { context, run_code }));
}

struct Executor;

export!(Executor);

impl Guest for Executor {
    fn execute(program: String, inputs: Vec<Vec<u8>>) -> Vec<Outcome> {
        let Fresh { mut context, run_code } = FRESH.take().expect("the snapshot has an engine");
        let loaded = if program == RUN_CODE { Ok(run_code) } else { load(&program, &mut context) };
        let outcomes = match loaded {
            Ok(f) => call_each(&f, inputs, &mut context),
            Err(outcome) => vec![outcome],
        };
        // The instance ends with its run: collecting garbage would only cost fuel.
        std::mem::forget(context);
        outcomes
    }
}

fn fresh_context() -> Context {
    let mut context = Context::builder()
        .clock(Rc::new(FixedClock::default()))
        .module_loader(Rc::new(IdleModuleLoader))
        .job_executor(Rc::new(Microtasks::default()))
        .host_hooks(Rc::new(Rejections))
        .build()
        .expect("the engine starts");
    context.eval(Source::from_bytes(include_str!("offered.js"))).expect("the engine's own objects are there");
    context.eval(Source::from_bytes(include_str!("mended.js"))).expect("the engine can do what it is mended with");
    context.runtime_limits_mut().set_recursion_limit(CALLS_MAX);
    context.runtime_limits_mut().set_stack_size_limit(STACK_MAX_VALUES);
    context
}

fn run_code(context: &mut Context) -> JsObject {
    let settle = NativeFunction::from_fn_ptr(settle).to_js_function(context.realm());
    let maker = context.eval(Source::from_bytes(include_str!("run_code.js"))).expect("it is a program");
    let maker = maker.as_callable().expect("it is a function");
    let function = maker.call(&JsValue::undefined(), &[settle.into()], context).expect("it makes a function");
    function.as_callable().expect("it makes a function")
}

/// The program's `f`, or what loading came to instead.
fn load(program: &str, context: &mut Context) -> Result<JsObject, Outcome> {
    let script = Script::parse(Source::from_bytes(program), None, context)
        .map_err(|error| Outcome::Refused(text(thrown(error, context))))?;
    script.evaluate(context).map_err(|error| Outcome::Thrown(thrown(error, context)))?;
    // Functions are properties of the global object, but constants and classes are not.
    let f = context.eval(Source::from_bytes("typeof f === 'undefined' ? undefined : f"));
    match f.map_err(|error| Outcome::Thrown(thrown(error, context)))? {
        f if f.is_undefined() => Err(Outcome::Refused("no function named f at the top level".into())),
        f => f.as_callable().ok_or_else(|| Outcome::Refused("f is not a function".into())),
    }
}

/// Up to the first call that comes to no value.
fn call_each(f: &JsObject, inputs: Vec<Vec<u8>>, context: &mut Context) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for input in inputs {
        let arguments = decode(&input, context);
        let outcome = match f.call(&JsValue::undefined(), &arguments, context) {
            Ok(value) => match encode(&value, context) {
                Ok(encoded) => Outcome::Value(encoded),
                Err(Unsupported(reason)) => Outcome::Unsupported(reason),
            },
            Err(error) => Outcome::Thrown(thrown(error, context)),
        };
        let ended = !matches!(outcome, Outcome::Value(_));
        outcomes.push(outcome);
        if ended {
            break;
        }
    }
    outcomes
}

/// An exception's class and message, read without running anything of the program.
fn thrown(error: JsError, context: &mut Context) -> Thrown {
    let (name, message) = match error.into_opaque(context) {
        Ok(value) => match value.as_object() {
            Some(object) => (
                inherited(&object, js_string!("name")).unwrap_or("Object".into()),
                inherited(&object, js_string!("message")).unwrap_or_default(),
            ),
            None => (value.type_of().to_owned(), value.display().to_string()),
        },
        // The engine's limits, which programs cannot catch.
        Err(_) => ("RangeError".to_owned(), "Maximum call stack size exceeded".to_owned()),
    };
    let shorten = |text: String| text.chars().take(MESSAGE_MAX_CHARS).collect();
    Thrown { name: shorten(name), message: shorten(message) }
}

fn text(Thrown { name, message }: Thrown) -> String {
    format!("{name}: {message}")
}

/// A string that is a property of the object or of one of its prototypes.
fn inherited(object: &JsObject, name: JsString) -> Option<String> {
    let key = PropertyKey::from(name);
    let mut holder = object.clone();
    loop {
        let property = holder.borrow().properties().get(&key);
        if let Some(property) = property {
            return property.value()?.as_string().map(|text| text.to_std_string_lossy());
        }
        holder = holder.prototype()?;
    }
}
