//! An answer as it is written, nothing of it worked out.

use crate::polynomial::Rational;
use crate::unit::Unit;

#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    Number {
        value: Rational,
        digits: String,
    },
    /// A letter with its subscript; i as well.
    Symbol(String),
    Infinity,
    Sum(Vec<Tree>),
    Negated(Box<Tree>),
    /// ± or ∓, which is minus the first time.
    PlusMinus {
        minus_first: bool,
        of: Box<Tree>,
    },
    Product(Vec<Tree>),
    Divided(Box<Tree>, Box<Tree>),
    Power(Box<Tree>, Box<Tree>),
    Root {
        degree: Box<Tree>,
        of: Box<Tree>,
    },
    /// A sum or a product over whole numbers, or an integral.
    Series {
        kind: Series,
        name: String,
        from: Box<Tree>,
        to: Box<Tree>,
        of: Box<Tree>,
    },
    /// An angle inside of a function.
    Degrees(Box<Tree>),
    Call {
        name: String,
        base: Option<Box<Tree>>,
        power: Option<Box<Tree>>,
        arguments: Vec<Tree>,
    },
    Quantity {
        value: Box<Tree>,
        unit: Unit,
    },
    /// 1 hour 45 minutes.
    Compound(Vec<Tree>),
    Ratio(Vec<Tree>),
    /// Hours, minutes, seconds.
    Clock {
        parts: Vec<Tree>,
        afternoon: bool,
    },
    Date(Date),
    Based {
        digits: String,
        base: String,
    },
    Words(String),
    Bracket {
        open: char,
        close: char,
        items: Vec<Tree>,
    },
    Set(Vec<Tree>),
    /// `\{x \in \mathbb{R} \mid x > 3\}`
    Builder {
        name: String,
        domain: Option<Box<Tree>>,
        condition: Box<Tree>,
    },
    /// Real numbers, whole numbers and so on, by their letter.
    NumberSet(char),
    Matrix(Vec<Vec<Tree>>),
    /// Values and when they hold.
    Cases(Vec<Vec<Tree>>),
    Union(Box<Tree>, Box<Tree>),
    Intersection(Box<Tree>, Box<Tree>),
    Without(Box<Tree>, Box<Tree>),
    /// The left side of an equation that is a name, and what it would come to as a product of letters.
    Name {
        text: String,
        product: Option<Box<Tree>>,
    },
    Relation {
        sides: Vec<Tree>,
        signs: Vec<char>,
    },
    /// `x \equiv 3 \pmod 7`, with or without a left side.
    Congruence {
        left: Option<Box<Tree>>,
        of: Box<Tree>,
        modulus: Box<Tree>,
    },
    List {
        items: Vec<Tree>,
        joined: Joined,
    },
    /// A letter of a multiple choice with what stands behind it.
    Choice {
        letter: char,
        value: Box<Tree>,
    },
    /// `9 m`: with a unit, or a product.
    Either(Box<Tree>, Box<Tree>),
}

/// A day, with as much as is said of it, or a month of a year. Months and days of the week by their place from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Date {
    pub weekday: Option<usize>,
    pub month: usize,
    pub day: Option<u32>,
    pub year: Option<u32>,
}

/// What is done with the values of an expression between two bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Series {
    Sum,
    Product,
    Integral,
}

/// What stands between the items of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    Comma,
    And,
    Or,
}

impl Tree {
    pub fn integer(number: i64) -> Tree {
        Tree::Number { value: Rational::from(num_bigint::BigInt::from(number)), digits: number.to_string() }
    }

    pub fn negated(self) -> Tree {
        Tree::Negated(Box::new(self))
    }

    pub fn over(self, under: Tree) -> Tree {
        Tree::Divided(Box::new(self), Box::new(under))
    }

    pub fn call(name: &str, arguments: Vec<Tree>) -> Tree {
        Tree::Call { name: name.into(), base: None, power: None, arguments }
    }

    /// Whether vectors or matrices are added up or multiplied in it, and nothing else is.
    pub fn is_linear(&self) -> bool {
        match self {
            Tree::Negated(of) => of.is_array() || of.is_linear(),
            Tree::Sum(parts) => parts.iter().all(|part| part.is_array() || part.is_linear()) && !parts.is_empty(),
            Tree::Product(parts) => parts.iter().filter(|part| part.is_array() || part.is_linear()).count() > 0,
            Tree::Divided(over, _) => over.is_array() || over.is_linear(),
            _ => false,
        }
    }

    fn is_array(&self) -> bool {
        match self {
            Tree::Matrix(_) => true,
            Tree::Bracket { open: '(', close: ')', items } => items.len() > 1,
            _ => false,
        }
    }

    /// `(1, 5) - (2, 3)`, which leaves out the numbers of an interval.
    pub fn is_difference_of_intervals(&self) -> bool {
        let interval = |tree: &Tree| matches!(tree, Tree::Bracket { items, .. } if items.len() == 2);
        match self {
            Tree::Sum(terms) => {
                matches!(&terms[..], [one, Tree::Negated(other)] if interval(one) && (interval(other) || other.is_set()))
            }
            _ => false,
        }
    }

    /// How many parts it has.
    pub fn size(&self) -> u64 {
        let all = |parts: &[Tree]| 1 + parts.iter().map(Tree::size).sum::<u64>();
        match self {
            Tree::Sum(parts) | Tree::Product(parts) | Tree::Call { arguments: parts, .. } => all(parts),
            Tree::Negated(of) | Tree::PlusMinus { of, .. } | Tree::Degrees(of) => 1 + of.size(),
            Tree::Divided(a, b) | Tree::Power(a, b) | Tree::Root { degree: a, of: b } => 1 + a.size() + b.size(),
            Tree::Matrix(rows) => 1 + rows.iter().flatten().map(Tree::size).sum::<u64>(),
            Tree::Series { from, to, of, .. } => 1 + from.size() + to.size() + of.size(),
            _ => 1,
        }
    }

    /// Whether it is a number as far as one sees without working it out, π and roots included.
    pub fn is_numeric(&self) -> bool {
        match self {
            Tree::Number { .. } => true,
            Tree::Symbol(name) => name == "π",
            Tree::Negated(of) | Tree::PlusMinus { of, .. } => of.is_numeric(),
            Tree::Sum(parts) | Tree::Product(parts) => parts.iter().all(Tree::is_numeric),
            Tree::Divided(a, b) | Tree::Power(a, b) => a.is_numeric() && b.is_numeric(),
            Tree::Root { of, .. } => of.is_numeric(),
            Tree::Call { arguments, .. } => arguments.iter().all(Tree::is_numeric),
            Tree::Series { from, to, of, .. } => [from, to, of].into_iter().all(|part| part.is_numeric()),
            Tree::Bracket { open: '(', items, .. } => items.len() == 1 && items[0].is_numeric(),
            _ => false,
        }
    }

    /// Whether it is no number, and nothing is measured in units.
    /// The columns of a matrix as rows; a row of numbers as a column.
    pub fn transposed(self) -> Tree {
        match self {
            Tree::Matrix(rows) if rows.iter().all(|row| row.len() == rows[0].len()) && !rows.is_empty() => {
                let columns = 0..rows[0].len();
                Tree::Matrix(columns.map(|column| rows.iter().map(|row| row[column].clone()).collect()).collect())
            }
            Tree::Bracket { items, .. } => Tree::Matrix(items.into_iter().map(|item| vec![item]).collect()),
            other => other,
        }
    }

    pub fn is_set(&self) -> bool {
        matches!(
            self,
            Tree::Bracket { .. }
                | Tree::Set(_)
                | Tree::Builder { .. }
                | Tree::NumberSet(_)
                | Tree::Matrix(_)
                | Tree::Cases(_)
                | Tree::Words(_)
                | Tree::Infinity
        )
    }

    /// Whether it stands for two: there is a ± in it, and not inside of a list of its own.
    pub fn is_twofold(&self) -> bool {
        match self {
            Tree::PlusMinus { .. } => true,
            Tree::Negated(of) | Tree::Quantity { value: of, .. } | Tree::Degrees(of) => of.is_twofold(),
            Tree::Sum(parts)
            | Tree::Product(parts)
            | Tree::Ratio(parts)
            | Tree::Compound(parts)
            | Tree::Clock { parts, .. } => parts.iter().any(Tree::is_twofold),
            Tree::Bracket { items, .. } | Tree::Relation { sides: items, .. } => items.iter().any(Tree::is_twofold),
            Tree::Matrix(rows) => rows.iter().flatten().any(Tree::is_twofold),
            Tree::Divided(a, b) | Tree::Power(a, b) | Tree::Root { degree: a, of: b } | Tree::Either(a, b) => {
                a.is_twofold() || b.is_twofold()
            }
            Tree::Call { arguments, .. } => arguments.iter().any(Tree::is_twofold),
            Tree::Series { from, to, of, .. } => [from, to, of].into_iter().any(|part| part.is_twofold()),
            Tree::Congruence { of, .. } => of.is_twofold(),
            _ => false,
        }
    }
}
