//! Composite programs: proposals that must build on functions that they are given.
//!
//! The functions are programs of references under other names. They stand before the proposed program, whose `f` must
//! call each of them with something of its own, and which must not define them anew. A run of the judge's own program
//! checks that by the syntax tree. After the reference, which leaves this switched off.

use azr_guest_sdk::value::Value;
use azr_guest_sdk::{Outcome, Report, Rng, Run, Style};

use crate::outcome::NoValue;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::{Arguments, Language};

/// The functions `g_0`, `g_1` and so on that a proposal must build on, mostly none. They follow from settings and
/// references alone, so that the prompt shows what the judge will ask for. The identity, which is all there is at first, is
/// not given: a policy that cannot build on it would never get another reference.
pub fn given<L: Language>(style: Style, settings: &Settings, references: &[Problem]) -> Vec<String> {
    let mut rng = Rng::new(hash(references), 0);
    if rng.below(SHARES) as f64 >= settings.composite_share * SHARES as f64 {
        return Vec::new();
    }
    let wanted = 1 + rng.below(settings.composite_functions_max) as usize;
    let mut programs: Vec<&str> = Vec::new();
    let mut functions = Vec::new();
    for program in references.iter().map(Problem::program) {
        if functions.len() < wanted
            && program != L::identity(style)
            && !programs.contains(&program)
            && let Some(function) = L::renamed(program, &name(functions.len()))
        {
            programs.push(program);
            functions.push(function);
        }
    }
    functions
}

/// How finely shares are told apart.
const SHARES: u64 = 1 << 20;

fn name(number: usize) -> String {
    format!("g_{number}")
}

/// FNV-1a, of what tells references apart.
fn hash(references: &[Problem]) -> u64 {
    let bodies = references.iter().flat_map(|reference| reference.task().body.into_bytes());
    bodies.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The whole program: what was given, then what was proposed.
pub fn composed(given: &[String], program: &str) -> String {
    given.iter().map(String::as_str).chain([program]).collect::<Vec<_>>().join("\n")
}

/// The run that checks a proposed program; none where nothing was given.
pub fn run<L: Language>(given: &[String], program: &str) -> Option<Run> {
    if given.is_empty() {
        return None;
    }
    let names = (0..given.len()).map(|number| Value::Str(name(number))).collect();
    let positional = vec![Value::Str(program.to_owned()), Value::List(names)];
    let inputs = vec![Arguments { positional, keyword: Vec::new() }.encode()];
    Some(Run { executor: 0, program: L::COMPOSITION?.to_owned(), inputs })
}

/// Whether the program builds on what it was given.
pub fn judge(report: &Report) -> Result<(), NoValue> {
    let found = match report.outcomes.as_slice() {
        [Outcome::Value(encoded)] => Value::decode(encoded).ok(),
        _ => None,
    };
    let Some(Value::Tuple(found)) = found else { return Err(unused("whether f does cannot be seen")) };
    match found.as_slice() {
        [Value::Str(uncalled), Value::Str(redefined)] if uncalled.is_empty() && redefined.is_empty() => Ok(()),
        [Value::Str(_), Value::Str(redefined)] if !redefined.is_empty() => {
            Err(NoValue::new("given-function-redefined", format!("the program defines anew: {redefined}")))
        }
        [Value::Str(uncalled), Value::Str(_)] => Err(unused(uncalled)),
        _ => panic!("the checking program returns two texts"),
    }
}

fn unused(what: &str) -> NoValue {
    let message = format!("f must call what is given with a parameter or variable of its own: {what}");
    NoValue::new("given-function-unused", message)
}
