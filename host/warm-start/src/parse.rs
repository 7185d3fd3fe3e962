//! Reads programs and values of the task language back from text, to check what the policy says without an environment.

use azr_config::language::Language;
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

/// Knows every expression of a language.
pub struct Parser {
    language: Language,
    lines: HashMap<String, Line>,
}

impl Parser {
    /// Writes down all expressions: a few thousand, because constants and variables are few.
    pub fn new(language: Language) -> Self {
        let mut lines = HashMap::new();
        let constants: Vec<Constants> = (0..Constants::COMBINATIONS).map(Constants::nth).collect();
        for operand_type in [Type::Int, Type::List, Type::Str] {
            for operation in
                constants.iter().flat_map(|constants| Operation::choices(language, operand_type, constants))
            {
                for operand in 0..VARIABLES_MAX {
                    let others: Vec<Option<usize>> = match operation.other_operand(operand_type) {
                        Some(_) => (0..VARIABLES_MAX).map(Some).collect(),
                        None => vec![None],
                    };
                    for other in others {
                        let line = Line { operation, operand, other };
                        lines.entry(line.expression(language)).or_insert(line);
                    }
                }
            }
        }
        Self { language, lines }
    }

    /// The program that `text` is, or none where it is not of the language.
    pub fn program(&self, text: &str) -> Option<Program> {
        let (declaration, end) = self.language.statement();
        let mut lines = text.strip_suffix(self.language.tail())?.split('\n');
        let head = lines.next()?;
        let arity = ["a", "a,b"].iter().position(|arguments| head == self.language.head(arguments))? + 1;
        let mut program = Program { language: self.language, arity, lines: Vec::new() };
        loop {
            let variables = arity + program.lines.len();
            let line = lines.next()?.strip_suffix(end)?;
            if line == format!(" return {}", name(variables - 1)) {
                return lines.next().is_none().then_some(program);
            }
            let expression = line.strip_prefix(&format!(" {declaration}{}=", name(variables)))?;
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
pub fn arguments(language: Language, text: &str) -> Option<Vec<Value>> {
    let (value, rest) = value(language, text)?;
    let mut values = vec![value];
    match rest.strip_prefix(", ") {
        Some(rest) => values.extend(arguments(language, rest)?),
        None if rest.is_empty() => {}
        None => return None,
    }
    Some(values)
}

/// The value that `text` begins with, and the rest.
fn value(language: Language, text: &str) -> Option<(Value, &str)> {
    let quote = language.quote();
    if let Some(text) = text.strip_prefix(quote) {
        let (letters, rest) = text.split_once(quote)?;
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
