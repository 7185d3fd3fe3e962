//! What an expression comes to.

use super::call;
use super::iterate::items_of;
use super::method;
use super::operator::{binary, compare, unary};
use super::parse::{Clause, Comprehension, Expression};
use super::quantity::{self, Quantity, SIZE_MAX};

/// Work that may be done for the arguments of one call, in nodes and in items of their values.
const WORK_MAX: usize = 100_000;

/// Why there is no value.
#[derive(Debug)]
pub enum Stop {
    /// A name or a method that is not known here.
    Unknown,
    Because(String),
}

impl Stop {
    pub fn because(reason: impl Into<String>) -> Stop {
        Stop::Because(reason.into())
    }

    pub fn order() -> Stop {
        Stop::because("it depends on the order of a set")
    }

    fn function() -> Stop {
        Stop::because("a function is no plain value")
    }
}

#[derive(Default)]
pub struct Evaluator {
    work: usize,
    /// The names of comprehensions, the innermost last.
    names: Vec<(String, Quantity)>,
}

impl Evaluator {
    pub fn value(&mut self, expression: &Expression) -> Result<Quantity, Stop> {
        let value = self.computed(expression)?;
        let size = value.size();
        self.work += 1 + size;
        if size > SIZE_MAX || self.work > WORK_MAX {
            return Err(Stop::because("an expression whose value is too large, or takes too long to compute"));
        }
        Ok(value)
    }

    fn computed(&mut self, expression: &Expression) -> Result<Quantity, Stop> {
        Ok(match expression {
            Expression::Constant(value) => value.clone(),
            Expression::Name(name) => self.named(name)?,
            Expression::List(items) => Quantity::List(self.items(items)?),
            Expression::Tuple(items) => Quantity::Tuple(self.items(items)?),
            Expression::Set(items) => Quantity::Set(quantity::set(self.items(items)?)?),
            Expression::Dict(entries) => self.dict(entries)?,
            Expression::Unary(operator, operand) => unary(operator, &self.value(operand)?)?,
            Expression::Binary(operator, left, right) => binary(operator, &self.value(left)?, &self.value(right)?)?,
            Expression::Comparison(first, others) => self.comparison(first, others)?,
            Expression::And(parts) => self.first_where(parts, |value| !value.is_true())?,
            Expression::Or(parts) => self.first_where(parts, Quantity::is_true)?,
            Expression::Conditional(parts) => {
                let [value, condition, other] = parts.as_ref();
                let chosen = if self.value(condition)?.is_true() { value } else { other };
                self.value(chosen)?
            }
            Expression::Call(function, arguments) => self.call(function, arguments)?,
            Expression::Subscript(of, index) => self.subscript(of, index)?,
            Expression::Comprehension(comprehension) => self.comprehension(comprehension)?,
            Expression::Attribute(of, _) => {
                self.value(of)?;
                return Err(Stop::function());
            }
            Expression::Lambda => return Err(Stop::because("a function (lambda) is no plain value")),
            Expression::Starred(_) | Expression::Slice(_) => return Err(Stop::Unknown),
        })
    }

    fn named(&self, name: &str) -> Result<Quantity, Stop> {
        match self.names.iter().rev().find(|(known, _)| known == name) {
            Some((_, value)) => Ok(value.clone()),
            None if name == "nan" => Ok(Quantity::Float(f64::NAN)),
            None if name == "inf" => Ok(Quantity::Float(f64::INFINITY)),
            None if call::FUNCTIONS.contains(&name) => Err(Stop::function()),
            None => Err(Stop::Unknown),
        }
    }

    fn items(&mut self, items: &[Expression]) -> Result<Vec<Quantity>, Stop> {
        let mut values = Vec::new();
        for item in items {
            match item {
                Expression::Starred(of) => values.extend(items_of(&self.value(of)?)?),
                item => values.push(self.value(item)?),
            }
        }
        Ok(values)
    }

    fn dict(&mut self, entries: &[(Option<Expression>, Expression)]) -> Result<Quantity, Stop> {
        let mut values = Vec::new();
        for (key, value) in entries {
            match (key, self.value(value)?) {
                (Some(key), value) => values.push((self.value(key)?, value)),
                (None, Quantity::Dict(entries)) => values.extend(entries),
                (None, other) => return Err(Stop::because(format!("`**` before a {}", other.type_name()))),
            }
        }
        quantity::dict(values).map(Quantity::Dict)
    }

    fn comparison(&mut self, first: &Expression, others: &[(&'static str, Expression)]) -> Result<Quantity, Stop> {
        let mut left = self.value(first)?;
        for (operator, right) in others {
            let right = self.value(right)?;
            if !compare(operator, &left, &right)? {
                return Ok(Quantity::Bool(false));
            }
            left = right;
        }
        Ok(Quantity::Bool(true))
    }

    fn first_where(&mut self, parts: &[Expression], found: fn(&Quantity) -> bool) -> Result<Quantity, Stop> {
        let (last, before) = parts.split_last().ok_or(Stop::Unknown)?;
        for part in before {
            let value = self.value(part)?;
            if found(&value) {
                return Ok(value);
            }
        }
        self.value(last)
    }

    fn call(&mut self, function: &Expression, arguments: &[(Option<String>, Expression)]) -> Result<Quantity, Stop> {
        let mut given = call::Given { positional: Vec::new(), keyword: Vec::new() };
        let of = match function {
            Expression::Name(name) if call::FUNCTIONS.contains(&name.as_str()) => None,
            Expression::Attribute(of, _) if !matches!(**of, Expression::Name(_)) || self.is_bound(of) => {
                Some(self.value(of)?)
            }
            _ => return Err(Stop::Unknown),
        };
        for (name, argument) in arguments {
            match (name, argument) {
                (None, Expression::Starred(of)) => given.positional.extend(items_of(&self.value(of)?)?),
                (None, argument) => given.positional.push(self.value(argument)?),
                (Some(name), argument) => given.keyword.push((name.clone(), self.value(argument)?)),
            }
        }
        match (of, function) {
            (Some(of), Expression::Attribute(_, name)) => method::called(&of, name, given),
            (_, Expression::Name(name)) => call::called(name, given),
            _ => Err(Stop::Unknown),
        }
    }

    fn is_bound(&self, expression: &Expression) -> bool {
        matches!(expression, Expression::Name(name) if self.names.iter().any(|(known, _)| known == name))
    }

    fn subscript(&mut self, of: &Expression, index: &Expression) -> Result<Quantity, Stop> {
        let of = self.value(of)?;
        match index {
            Expression::Slice(parts) => {
                let mut bounds = [None, None, None];
                for (bound, part) in bounds.iter_mut().zip(parts) {
                    let value = part.as_ref().map(|part| self.value(part)).transpose()?;
                    *bound = value
                        .filter(|value| !matches!(value, Quantity::None))
                        .map(|value| value.index())
                        .transpose()?;
                }
                super::iterate::slice(&of, bounds)
            }
            index => super::iterate::item(&of, &self.value(index)?),
        }
    }

    fn comprehension(&mut self, comprehension: &Comprehension) -> Result<Quantity, Stop> {
        let mut found = Vec::new();
        self.clauses(&comprehension.clauses, comprehension, &mut found)?;
        match (comprehension.open, &comprehension.value) {
            ('{', Some(_)) => quantity::dict(found).map(Quantity::Dict),
            ('{', None) => quantity::set(found.into_iter().map(|(item, _)| item).collect()).map(Quantity::Set),
            _ => Ok(Quantity::List(found.into_iter().map(|(item, _)| item).collect())),
        }
    }

    fn clauses(
        &mut self,
        clauses: &[Clause],
        of: &Comprehension,
        found: &mut Vec<(Quantity, Quantity)>,
    ) -> Result<(), Stop> {
        match clauses.split_first() {
            None => {
                let key = self.value(&of.element)?;
                let value = of.value.as_ref().map_or(Ok(Quantity::None), |value| self.value(value))?;
                found.push((key, value));
                Ok(())
            }
            Some((Clause::If(condition), rest)) => match self.value(condition)?.is_true() {
                true => self.clauses(rest, of, found),
                false => Ok(()),
            },
            Some((Clause::For(names, over), rest)) => {
                for item in items_of(&self.value(over)?)? {
                    let before = self.names.len();
                    self.bind(names, item)?;
                    self.clauses(rest, of, found)?;
                    self.names.truncate(before);
                }
                Ok(())
            }
        }
    }

    fn bind(&mut self, names: &[String], item: Quantity) -> Result<(), Stop> {
        if let [name] = names {
            self.names.push((name.clone(), item));
            return Ok(());
        }
        let items = items_of(&item)?;
        if items.len() != names.len() {
            return Err(Stop::because(format!("{} values for {} names", items.len(), names.len())));
        }
        self.names.extend(names.iter().cloned().zip(items));
        Ok(())
    }
}
