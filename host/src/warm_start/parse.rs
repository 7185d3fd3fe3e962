//! Reads programs and values of the task language back from text, to check what the policy says without an environment.

use std::collections::HashMap;

use super::{
    grammar::{LINES_MAX, Line, Program, name},
    operation::{Constants, Operation},
    value::{Type, Value},
};

/// Variables of the longest program.
const VARIABLES_MAX: usize = LINES_MAX + 2;

/// Larger numbers are refused: the language has none, and `list(range(a))` must stay short.
const NUMBER_MAX: i64 = 1000;

/// Knows every expression of the language.
pub struct Parser {
    lines: HashMap<String, Line>,
}

impl Default for Parser {
    /// Writes down all expressions: a few thousand, because constants and variables are few.
    fn default() -> Self {
        let mut lines = HashMap::new();
        let constants: Vec<Constants> = (0..Constants::COMBINATIONS).map(Constants::nth).collect();
        for operand_type in [Type::Int, Type::List, Type::Str] {
            for operation in constants.iter().flat_map(|constants| Operation::choices(operand_type, constants)) {
                for operand in 0..VARIABLES_MAX {
                    let others: Vec<Option<usize>> = match operation.other_operand(operand_type) {
                        Some(_) => (0..VARIABLES_MAX).map(Some).collect(),
                        None => vec![None],
                    };
                    for other in others {
                        let line = Line { operation, operand, other };
                        lines.entry(line.expression()).or_insert(line);
                    }
                }
            }
        }
        Self { lines }
    }
}

impl Parser {
    /// The program that `text` is, or none where it is not of the language.
    pub fn program(&self, text: &str) -> Option<Program> {
        let mut lines = text.split('\n');
        let arity = match lines.next()? {
            "def f(a):" => 1,
            "def f(a,b):" => 2,
            _ => return None,
        };
        let mut program = Program { arity, lines: Vec::new() };
        loop {
            let variables = arity + program.lines.len();
            let line = lines.next()?;
            if line == format!(" return {}", name(variables - 1)) {
                return lines.next().is_none().then_some(program);
            }
            let expression = line.strip_prefix(&format!(" {}=", name(variables)))?;
            let line = self.lines.get(expression)?;
            if line.operand >= variables || line.other.is_some_and(|other| other >= variables) {
                return None;
            }
            program.lines.push(line.clone());
            if program.lines.len() > LINES_MAX {
                return None;
            }
        }
    }
}

/// The arguments that `text` lists, or none where it is not a list of values.
pub fn arguments(text: &str) -> Option<Vec<Value>> {
    let (value, rest) = value(text)?;
    let mut values = vec![value];
    match rest.strip_prefix(", ") {
        Some(rest) => values.extend(arguments(rest)?),
        None if rest.is_empty() => {}
        None => return None,
    }
    Some(values)
}

/// The value that `text` begins with, and the rest.
fn value(text: &str) -> Option<(Value, &str)> {
    if let Some(text) = text.strip_prefix('\'') {
        let (letters, rest) = text.split_once('\'')?;
        return Some((Value::Str(letters.to_owned()), rest));
    }
    if let Some(text) = text.strip_prefix('[') {
        let (items, rest) = text.split_once(']')?;
        let items = items.split(", ").filter(|item| !item.is_empty()).map(number);
        return Some((Value::List(items.collect::<Option<Vec<i64>>>()?), rest));
    }
    let end = text.find(',').unwrap_or(text.len());
    Some((Value::Int(number(&text[..end])?), &text[end..]))
}

fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number| (-NUMBER_MAX..=NUMBER_MAX).contains(number))
}
