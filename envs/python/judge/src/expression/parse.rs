//! The grammar of expressions: Python's, without what has no value here.

use azr_guest_sdk::value::Value;

use super::quantity::Quantity;
use crate::literal::{Parser, RESERVED, with_unix_lines};

/// Both protect the stack: of brackets in brackets, each of which counts twice, and of operators in a row, each of which nests what stands before it.
const NESTING_MAX: usize = 120;
const STEPS_MAX: usize = 300;

pub struct Argument {
    pub name: Option<String>,
    pub expression: Expression,
    /// Byte offset in the text.
    pub at: usize,
}

#[derive(Clone, Debug)]
pub enum Expression {
    Constant(Quantity),
    Name(String),
    List(Vec<Expression>),
    Tuple(Vec<Expression>),
    Set(Vec<Expression>),
    /// A key that is missing unpacks its value.
    Dict(Vec<(Option<Expression>, Expression)>),
    /// `*` before an item of a display or an argument.
    Starred(Box<Expression>),
    Unary(&'static str, Box<Expression>),
    Binary(&'static str, Box<Expression>, Box<Expression>),
    Comparison(Box<Expression>, Vec<(&'static str, Expression)>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
    /// Value, condition, other value.
    Conditional(Box<[Expression; 3]>),
    Call(Box<Expression>, Vec<(Option<String>, Expression)>),
    Attribute(Box<Expression>, String),
    Subscript(Box<Expression>, Box<Expression>),
    Slice([Option<Box<Expression>>; 3]),
    Comprehension(Box<Comprehension>),
    Lambda,
}

#[derive(Clone, Debug)]
pub struct Comprehension {
    /// `[`, `{` or `(`.
    pub open: char,
    pub element: Expression,
    /// Of a dict; the element is its key.
    pub value: Option<Expression>,
    pub clauses: Vec<Clause>,
}

#[derive(Clone, Debug)]
pub enum Clause {
    For(Vec<String>, Expression),
    If(Expression),
}

/// The arguments of a call; none where the text is no such list.
pub fn arguments(text: &str) -> Option<Vec<Argument>> {
    let text = with_unix_lines(text);
    let mut grammar = Grammar { parser: Parser::new(&text), nesting: 0, steps: 0 };
    let mut arguments: Vec<Argument> = Vec::new();
    loop {
        grammar.parser.skip_space();
        if grammar.parser.rest().is_empty() {
            return Some(arguments);
        }
        let at = grammar.parser.at;
        let name = grammar.keyword_name();
        let repeated = arguments.iter().any(|argument| argument.name == name && name.is_some());
        if repeated || name.is_none() && arguments.iter().any(|argument| argument.name.is_some()) {
            return None;
        }
        arguments.push(Argument { name, expression: grammar.expression()?, at });
        if !grammar.parser.take_token(",") {
            return grammar.parser.rest().is_empty().then_some(arguments);
        }
    }
}

/// From the loosest to the tightest; of one beginning the longest first.
const BINARY: [&[&str]; 6] = [&["|"], &["^"], &["&"], &["<<", ">>"], &["+", "-"], &["//", "*", "/", "%"]];
const COMPARISONS: [&str; 8] = ["==", "!=", "<=", ">=", "<", ">", "in", "is"];

struct Grammar<'a> {
    parser: Parser<'a>,
    nesting: usize,
    steps: usize,
}

impl Grammar<'_> {
    fn keyword_name(&mut self) -> Option<String> {
        let start = self.parser.at;
        let name = self.parser.keyword_name().map(String::from);
        if name.is_some() && self.parser.rest().starts_with('=') {
            self.parser.at = start;
            return None;
        }
        name
    }

    fn step(&mut self) -> Option<()> {
        self.steps += 1;
        (self.steps <= STEPS_MAX).then_some(())
    }

    /// Passes over a word if it comes next.
    fn word(&mut self, word: &str) -> bool {
        self.parser.skip_space();
        let start = self.parser.at;
        let found = self.parser.name() == word;
        self.parser.at = if found { self.parser.at } else { start };
        found
    }

    fn expression(&mut self) -> Option<Expression> {
        self.nested(|grammar| if grammar.word("lambda") { grammar.lambda() } else { grammar.conditional() })
    }

    fn nested(&mut self, inner: impl FnOnce(&mut Self) -> Option<Expression>) -> Option<Expression> {
        self.nesting += 1;
        let expression = if self.nesting > NESTING_MAX { None } else { inner(self) };
        self.nesting -= 1;
        expression
    }

    /// Its parameters and body are passed over, so that it can be named as what it is.
    fn lambda(&mut self) -> Option<Expression> {
        let rest = self.parser.rest();
        self.parser.at += rest.find(':')? + 1;
        self.expression()?;
        Some(Expression::Lambda)
    }

    fn conditional(&mut self) -> Option<Expression> {
        let value = self.disjunction()?;
        if !self.word("if") {
            return Some(value);
        }
        let condition = self.disjunction()?;
        if !self.word("else") {
            return None;
        }
        Some(Expression::Conditional(Box::new([value, condition, self.expression()?])))
    }

    fn disjunction(&mut self) -> Option<Expression> {
        let mut parts = vec![self.conjunction()?];
        while self.word("or") {
            parts.push(self.conjunction()?);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Expression::Or(parts) })
    }

    fn conjunction(&mut self) -> Option<Expression> {
        let mut parts = vec![self.negation()?];
        while self.word("and") {
            parts.push(self.negation()?);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Expression::And(parts) })
    }

    fn negation(&mut self) -> Option<Expression> {
        let mut count = 0;
        while self.word("not") {
            self.step()?;
            count += 1;
        }
        let comparison = self.comparison()?;
        Some((0..count).fold(comparison, |negated, _| Expression::Unary("not", Box::new(negated))))
    }

    fn comparison(&mut self) -> Option<Expression> {
        let first = self.binary(0)?;
        let mut others = Vec::new();
        loop {
            let start = self.parser.at;
            let operator = if self.word("not") {
                self.word("in").then_some("not in")
            } else {
                COMPARISONS.into_iter().find(|operator| match *operator {
                    "in" | "is" => self.word(operator),
                    _ => self.parser.take_token(operator),
                })
            };
            let Some(operator) = operator else {
                self.parser.at = start;
                break;
            };
            let operator = if operator == "is" && self.word("not") { "is not" } else { operator };
            others.push((operator, self.binary(0)?));
        }
        Some(if others.is_empty() { first } else { Expression::Comparison(Box::new(first), others) })
    }

    fn binary(&mut self, level: usize) -> Option<Expression> {
        let Some(operators) = BINARY.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = self.operator(operators) {
            self.step()?;
            left = Expression::Binary(operator, Box::new(left), Box::new(self.binary(level + 1)?));
        }
        Some(left)
    }

    fn operator(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        self.parser.skip_space();
        let rest = self.parser.rest();
        let found = operators.iter().find(|operator| rest.starts_with(**operator) && !rest.starts_with("**"))?;
        self.parser.at += found.len();
        Some(found)
    }

    fn unary(&mut self) -> Option<Expression> {
        self.parser.skip_space();
        let sign = ["-", "+", "~"].into_iter().find(|sign| self.parser.take(sign));
        let Some(sign) = sign else { return self.power() };
        self.step()?;
        Some(Expression::Unary(sign, Box::new(self.unary()?)))
    }

    fn power(&mut self) -> Option<Expression> {
        let base = self.primary()?;
        if !self.parser.take_token("**") {
            return Some(base);
        }
        self.step()?;
        Some(Expression::Binary("**", Box::new(base), Box::new(self.unary()?)))
    }

    fn primary(&mut self) -> Option<Expression> {
        let mut primary = self.atom()?;
        loop {
            if self.parser.take_token("(") {
                primary = Expression::Call(Box::new(primary), self.call_arguments()?);
            } else if self.parser.take_token("[") {
                primary = Expression::Subscript(Box::new(primary), Box::new(self.subscript()?));
            } else if self.parser.take_token(".") {
                let name = self.parser.name().to_owned();
                primary = Expression::Attribute(Box::new(primary), Some(name).filter(|name| !name.is_empty())?);
            } else {
                return Some(primary);
            }
            self.step()?;
        }
    }

    fn call_arguments(&mut self) -> Option<Vec<(Option<String>, Expression)>> {
        let mut arguments = Vec::new();
        loop {
            if self.parser.take_token(")") {
                return Some(arguments);
            }
            let name = self.keyword_name();
            let mut argument = self.item()?;
            if arguments.is_empty() && name.is_none() && self.at_clause() {
                argument = self.comprehension('(', argument, None)?;
            }
            arguments.push((name, argument));
            if !self.parser.take_token(",") {
                return self.parser.take_token(")").then_some(arguments);
            }
        }
    }

    fn subscript(&mut self) -> Option<Expression> {
        let mut parts: [Option<Box<Expression>>; 3] = [None, None, None];
        let mut colons = 0;
        loop {
            if self.parser.take_token("]") {
                break;
            }
            if colons < 2 && self.parser.take_token(":") {
                colons += 1;
            } else if parts[colons].is_none() {
                parts[colons] = Some(Box::new(self.expression()?));
            } else {
                return None;
            }
        }
        if colons == 0 { parts[0].take().map(|index| *index) } else { Some(Expression::Slice(parts)) }
    }

    /// An item of a display or an argument.
    fn item(&mut self) -> Option<Expression> {
        match self.parser.take_token("*") {
            true => Some(Expression::Starred(Box::new(self.binary(0)?))),
            false => self.expression(),
        }
    }

    fn atom(&mut self) -> Option<Expression> {
        self.parser.skip_space();
        match self.parser.peek()? {
            '[' => self.nested(|grammar| grammar.display('[', "]")),
            '(' => self.nested(|grammar| grammar.display('(', ")")),
            '{' => self.nested(Self::braced),
            '0'..='9' | '.' => self.parser.unsigned().ok().map(constant),
            _ if self.parser.at_string() => self.parser.string().ok().map(constant),
            _ => match self.parser.name() {
                "None" => Some(constant(Value::None)),
                "True" => Some(constant(Value::Bool(true))),
                "False" => Some(constant(Value::Bool(false))),
                name if name.is_empty() || RESERVED.contains(&name) => None,
                name => Some(Expression::Name(name.to_owned())),
            },
        }
    }

    fn display(&mut self, open: char, close: &str) -> Option<Expression> {
        self.parser.at += 1;
        if self.parser.take_token(close) {
            return Some(if open == '[' { Expression::List(Vec::new()) } else { Expression::Tuple(Vec::new()) });
        }
        let first = self.item()?;
        if self.at_clause() {
            let comprehension = self.comprehension(open, first, None)?;
            return self.parser.take_token(close).then_some(comprehension);
        }
        let (items, is_single) = self.further_items(first, close)?;
        match open {
            '[' => Some(Expression::List(items)),
            _ if is_single => items.into_iter().next(),
            _ => Some(Expression::Tuple(items)),
        }
    }

    /// All items, and whether there is one without a comma behind it.
    fn further_items(&mut self, first: Expression, close: &str) -> Option<(Vec<Expression>, bool)> {
        let mut items = vec![first];
        loop {
            if self.parser.take_token(close) {
                let is_single = items.len() == 1;
                return Some((items, is_single));
            }
            if !self.parser.take_token(",") {
                return None;
            }
            if self.parser.take_token(close) {
                return Some((items, false));
            }
            items.push(self.item()?);
        }
    }

    fn braced(&mut self) -> Option<Expression> {
        self.parser.at += 1;
        if self.parser.take_token("}") {
            return Some(Expression::Dict(Vec::new()));
        }
        let (key, value) = self.entry()?;
        let Some(value) = value else {
            let first = key?;
            if self.at_clause() {
                let comprehension = self.comprehension('{', first, None)?;
                return self.parser.take_token("}").then_some(comprehension);
            }
            return Some(Expression::Set(self.further_items(first, "}")?.0));
        };
        if self.at_clause() {
            let comprehension = self.comprehension('{', key?, Some(value))?;
            return self.parser.take_token("}").then_some(comprehension);
        }
        let mut entries = vec![(key, value)];
        loop {
            if self.parser.take_token("}") {
                return Some(Expression::Dict(entries));
            }
            if !self.parser.take_token(",") {
                return None;
            }
            if self.parser.take_token("}") {
                return Some(Expression::Dict(entries));
            }
            let (key, value) = self.entry()?;
            entries.push((key, value?));
        }
    }

    /// A key and its value, an unpacked dict without key, or an item of a set without value.
    fn entry(&mut self) -> Option<(Option<Expression>, Option<Expression>)> {
        if self.parser.take_token("**") {
            return Some((None, Some(self.binary(0)?)));
        }
        let key = self.item()?;
        let value = if self.parser.take_token(":") { Some(self.expression()?) } else { None };
        Some((Some(key), value))
    }

    fn at_clause(&mut self) -> bool {
        let start = self.parser.at;
        let found = self.word("for");
        self.parser.at = start;
        found
    }

    fn comprehension(&mut self, open: char, element: Expression, value: Option<Expression>) -> Option<Expression> {
        let mut clauses = Vec::new();
        loop {
            if self.word("for") {
                let names = self.targets()?;
                clauses.push(Clause::For(names, self.disjunction()?));
            } else if self.word("if") {
                clauses.push(Clause::If(self.disjunction()?));
            } else {
                return Some(Expression::Comprehension(Box::new(Comprehension { open, element, value, clauses })));
            }
        }
    }

    fn targets(&mut self) -> Option<Vec<String>> {
        let bracketed = self.parser.take_token("(");
        let mut names = Vec::new();
        loop {
            self.parser.skip_space();
            let name = self.parser.name().to_owned();
            if name.is_empty() || RESERVED.contains(&name.as_str()) {
                return None;
            }
            names.push(name);
            if !self.parser.take_token(",") {
                break;
            }
        }
        let closed = !bracketed || self.parser.take_token(")");
        (closed && self.word("in")).then_some(names)
    }
}

fn constant(value: Value) -> Expression {
    Expression::Constant(Quantity::from(value))
}
