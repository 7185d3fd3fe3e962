//! Whether inputs are different calls: `2` and `a=2` are the same one to `def f(a)`, and so are `2` and `2, 5` to
//! `def f(a, b=5)`. A hidden input that is a shown one in other words would test nothing.

use azr_guest_sdk::Rejection;
use azr_guest_sdk::value::Value;

use crate::language::{Parameter, Passing};
use crate::proposal::rejection;
use crate::{Arguments, Language};

/// Refuses inputs of which two bind the same values. Where the parameters cannot be known, all must be written alike.
pub fn all_differ<L: Language>(program: &str, inputs: &[Arguments]) -> Result<(), Rejection> {
    let parameters = L::parameters(program);
    let known: Option<Vec<Value>> =
        parameters.and_then(|parameters| inputs.iter().map(|input| bound(input, &parameters)).collect());
    if known.is_none() {
        all_alike::<L>(inputs)?;
    }
    let known = known.unwrap_or_else(|| inputs.iter().map(Arguments::as_value).collect());
    let mut earlier: Vec<Vec<u8>> = Vec::new();
    for (index, value) in known.iter().enumerate() {
        let canonical = value.canonical();
        if let Some(first) = earlier.iter().position(|earlier| *earlier == canonical) {
            let message =
                format!("inputs {} and {} are the same: {}", first + 1, index + 1, inputs[index].print::<L>());
            return Err(rejection("repeated-input", message));
        }
        earlier.push(canonical);
    }
    Ok(())
}

fn all_alike<L: Language>(inputs: &[Arguments]) -> Result<(), Rejection> {
    let form = |input: &Arguments| {
        let mut names: Vec<String> = input.keyword.iter().map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        (input.positional.len(), names)
    };
    let first = inputs.first().map(form);
    match inputs.iter().position(|input| Some(form(input)) != first) {
        None => Ok(()),
        Some(index) => {
            let (one, other) = (inputs[0].print::<L>(), inputs[index].print::<L>());
            let message = format!(
                "inputs 1 and {} pass their arguments in different ways, {one} and {other}, and the parameters of f cannot be \
                 read from the program; pass them alike",
                index + 1
            );
            Err(rejection("mixed-arguments", message))
        }
    }
}

/// What a call binds, by the names of parameters; none where it does not fit them.
fn bound(input: &Arguments, parameters: &[Parameter]) -> Option<Value> {
    let mut positional = input.positional.iter();
    let mut keyword: Vec<&(String, Value)> = input.keyword.iter().collect();
    let mut entries = Vec::new();
    for Parameter { name, passing, default } in parameters {
        let value = match passing {
            Passing::Rest => Some(Value::Tuple(positional.by_ref().cloned().collect())),
            // What is left over is bound below.
            Passing::OtherKeywords => continue,
            Passing::Position => positional.next().cloned(),
            Passing::PositionOrKeyword | Passing::Keyword => {
                let placed = if *passing == Passing::Keyword { None } else { positional.next().cloned() };
                placed.or_else(|| {
                    let named = keyword.iter().position(|(given, _)| given == name)?;
                    Some(keyword.remove(named).1.clone())
                })
            }
        };
        entries.push((Value::Str(name.clone()), value.or_else(|| default.clone())?));
    }
    let takes_others = parameters.iter().any(|parameter| parameter.passing == Passing::OtherKeywords);
    if positional.next().is_some() || !takes_others && !keyword.is_empty() {
        return None;
    }
    entries.extend(keyword.into_iter().map(|(name, value)| (Value::Str(name.clone()), value.clone())));
    Some(Value::Dict(entries))
}
