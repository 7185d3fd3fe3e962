//! The values of the task language: what Python's `int`, `list[int]` and `str` hold in it.

use azr_config::language::Language;

/// A value that a variable of the language can have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// A Python `int`.
    Int(i64),
    /// A Python `list` of `int`.
    List(Vec<i64>),
    /// A Python `str` of letters.
    Str(String),
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// `int`.
    Int,
    /// `list[int]`.
    List,
    /// `str`.
    Str,
}

impl Value {
    /// The value's type.
    pub fn kind(&self) -> Type {
        match self {
            Value::Int(_) => Type::Int,
            Value::List(_) => Type::List,
            Value::Str(_) => Type::Str,
        }
    }

    /// Whether the grammar admits the value. The bounds keep every number one token (`tokenizer`) and every value short
    /// enough that a model of half a million weights copies it without slips.
    pub fn is_small(&self) -> bool {
        match self {
            Value::Int(number) => (-5..=20).contains(number),
            Value::List(items) => items.len() <= 5 && items.iter().all(|item| (0..=20).contains(item)),
            Value::Str(text) => text.len() <= 5,
        }
    }
    /// The literal, as the environment of the language prints it.
    pub fn text(&self, language: Language) -> String {
        match self {
            Value::Int(number) => number.to_string(),
            Value::List(items) => format!("{items:?}"),
            Value::Str(text) => format!("{quote}{text}{quote}", quote = language.quote()),
        }
    }
}
