//! Constant expressions → values, without an interpreter: `range(6)`, `'a' * 13`, `dict(a=1)`, `[int(4.5), 3]`, `-2**31`.
//!
//! Proposers and published files write the arguments of calls so. What is kept of such an argument is the literal of its
//! value. It is computed here, by the judge, and no program can see that it was an expression.
//!
//! Covered: operators, comparisons, conditional expressions, subscripts and slices, comprehensions, displays with `*` and
//! `**`, the builtin functions of `call.rs` and the methods of `method.rs`. What is iterated over without being a value, such
//! as a range, becomes a list. Not covered, and refused: functions and lambdas, names, formatted strings, imports,
//! arithmetic of complex numbers, and whatever depends on the order of a set.

use coding_judge::{Arguments, NotAValue};

mod call;
mod evaluate;
mod iterate;
mod method;
mod operator;
mod parse;
mod quantity;

use evaluate::Evaluator;

/// Reads the arguments of a call, as expressions between its parentheses. None where they are no expressions of this
/// kind at all; an error where they are, but have no value that could be kept.
pub fn arguments(text: &str) -> Option<Result<Arguments, NotAValue>> {
    let parsed = parse::arguments(text)?;
    let mut evaluator = Evaluator::default();
    let mut arguments = Arguments { positional: Vec::new(), keyword: Vec::new() };
    for parse::Argument { name, expression, at } in parsed {
        match evaluator.value(&expression).and_then(quantity::Quantity::into_value) {
            Ok(value) => match name {
                Some(name) => arguments.keyword.push((name, value)),
                None => arguments.positional.push(value),
            },
            Err(evaluate::Stop::Unknown) => return None,
            Err(evaluate::Stop::Because(reason)) => return Some(Err(NotAValue::new(text, at, reason))),
        }
    }
    Some(Ok(arguments))
}

/// Whether a text is the arguments of a call, some of them lambdas.
pub fn have_functions(text: &str) -> bool {
    let is_function = |argument: &parse::Argument| matches!(argument.expression, parse::Expression::Lambda);
    parse::arguments(text).is_some_and(|arguments| arguments.iter().any(is_function))
}

#[cfg(test)]
mod tests;
