//! Vectors and matrices: sums, multiples and products of them, and points with a name.

use super::Evaluator;
use crate::functions;
use crate::polynomial::Rational;
use crate::quotient::Quotient;
use crate::tree::Tree;
use crate::value::Value;

/// What arithmetic with vectors comes to.
pub(super) enum Linear {
    Number(Quotient),
    Tuple(Vec<Quotient>),
    Matrix(Vec<Vec<Quotient>>),
}

/// Whether a product is a point with its name, a capital letter.
pub(super) fn is_point(factors: &[Tree]) -> bool {
    match factors {
        [Tree::Symbol(name), Tree::Bracket { open: '(', close: ')', items }] => {
            items.len() > 1 && name.starts_with(|c: char| c.is_ascii_uppercase())
        }
        _ => false,
    }
}

/// The numbers of what may be a binomial coefficient: `C(5, 2)`.
pub(super) fn chosen(factors: &[Tree]) -> Option<[&Tree; 2]> {
    match factors {
        [Tree::Symbol(name), Tree::Bracket { open: '(', close: ')', items }] if name == "C" => {
            items[..].as_array::<2>().map(|[of, choose]| [of, choose])
        }
        _ => None,
    }
}

impl Evaluator<'_> {
    pub(super) fn linear(&mut self, tree: &Tree) -> Result<Value, String> {
        let all = |row: Vec<Quotient>| row.into_iter().map(Value::number).collect::<Vec<_>>();
        Ok(match self.linear_part(tree)? {
            Linear::Number(value) => Value::number(value),
            Linear::Tuple(items) => Value::Tuple { open: '(', close: ')', items: all(items) },
            Linear::Matrix(rows) => Value::Matrix(rows.into_iter().map(all).collect()),
        })
    }

    /// `A(1, 2)`: a point with its name. `C(5, 2)` may be a binomial coefficient in an answer, and where a letter is in it.
    pub(super) fn point(&mut self, factors: &[Tree]) -> Result<Value, String> {
        let [Tree::Symbol(name), point] = factors else { return Err("a point without a name".into()) };
        let chosen = self.chosen(factors).ok().filter(|chosen| self.writer.is_policy() || chosen.has_unknowns());
        let point = Value::Named { name: name.clone(), value: Box::new(self.value(point)?), equation: None };
        Ok(match chosen {
            Some(number) => Value::Either(Box::new(point), Box::new(Value::number(number))),
            None => point,
        })
    }

    /// A binomial coefficient of whole numbers or unknowns.
    pub(super) fn chosen(&mut self, factors: &[Tree]) -> Result<Quotient, String> {
        let [of, choose] = chosen(factors).ok_or("no binomial coefficient")?;
        let (of, choose) = (self.exact(of)?, self.exact(choose)?);
        let order = [&of, &choose].map(Quotient::as_rational);
        let is_meant = match &order {
            [Some(of), Some(choose)] => of.is_integer() && choose.is_integer() && of >= choose,
            numbers => {
                numbers.iter().flatten().all(Rational::is_integer) && (of.has_unknowns() || choose.has_unknowns())
            }
        };
        if !is_meant {
            return Err("arithmetic with what is no number".into());
        }
        functions::binomial(&of, &choose, self.work)
    }

    /// What is added up or multiplied, or a number.
    pub(super) fn linear_part(&mut self, tree: &Tree) -> Result<Linear, String> {
        self.work.spend(5)?;
        match tree {
            Tree::Matrix(rows) => {
                let rows: Vec<Vec<Quotient>> = rows.iter().map(|row| self.numbers(row)).collect::<Result<_, _>>()?;
                if rows.iter().any(|row| row.len() != rows[0].len()) {
                    return Err("a matrix whose rows are not of one length".into());
                }
                Ok(Linear::Matrix(rows))
            }
            Tree::Bracket { open: '(', close: ')', items } if items.len() > 1 => {
                Ok(Linear::Tuple(self.numbers(items)?))
            }
            Tree::Negated(of) => {
                let of = self.linear_part(of)?;
                self.scaled(&of, &Quotient::integer(-1))
            }
            Tree::Sum(terms) if tree.is_linear() => {
                let mut sum = self.linear_part(&terms[0])?;
                for term in &terms[1..] {
                    let term = self.linear_part(term)?;
                    sum = self.added(&sum, &term)?;
                }
                Ok(sum)
            }
            Tree::Product(factors) if tree.is_linear() => {
                let mut product = Linear::Number(Quotient::integer(1));
                for factor in factors {
                    let factor = self.linear_part(factor)?;
                    product = self.multiplied(&product, &factor)?;
                }
                Ok(product)
            }
            Tree::Divided(over, under) if tree.is_linear() => {
                let over = self.linear_part(over)?;
                let inverse = Quotient::integer(1).divided_by(&self.exact(under)?, self.work)?;
                self.scaled(&over, &inverse)
            }
            number => Ok(Linear::Number(self.exact(number)?)),
        }
    }

    fn numbers(&mut self, trees: &[Tree]) -> Result<Vec<Quotient>, String> {
        trees.iter().map(|tree| self.exact(tree)).collect()
    }

    fn row_scaled(&mut self, row: &[Quotient], factor: &Quotient) -> Result<Vec<Quotient>, String> {
        row.iter().map(|entry| entry.times(factor, self.work)).collect()
    }

    fn scaled(&mut self, of: &Linear, factor: &Quotient) -> Result<Linear, String> {
        Ok(match of {
            Linear::Number(number) => Linear::Number(number.times(factor, self.work)?),
            Linear::Tuple(items) => Linear::Tuple(self.row_scaled(items, factor)?),
            Linear::Matrix(rows) => {
                Linear::Matrix(rows.iter().map(|row| self.row_scaled(row, factor)).collect::<Result<_, _>>()?)
            }
        })
    }

    fn rows_added(&mut self, one: &[Quotient], other: &[Quotient]) -> Result<Vec<Quotient>, String> {
        if one.len() != other.len() {
            return Err("a sum of vectors of different lengths".into());
        }
        one.iter().zip(other).map(|(a, b)| a.plus(b, self.work)).collect()
    }

    fn added(&mut self, one: &Linear, other: &Linear) -> Result<Linear, String> {
        match (one, other) {
            (Linear::Number(a), Linear::Number(b)) => Ok(Linear::Number(a.plus(b, self.work)?)),
            (Linear::Tuple(a), Linear::Tuple(b)) => Ok(Linear::Tuple(self.rows_added(a, b)?)),
            (Linear::Matrix(a), Linear::Matrix(b)) if a.len() == b.len() => {
                let rows = a.iter().zip(b).map(|(a, b)| self.rows_added(a, b));
                Ok(Linear::Matrix(rows.collect::<Result<_, _>>()?))
            }
            _ => Err("a sum of a number and a vector, or of matrices of different sizes".into()),
        }
    }

    fn multiplied(&mut self, one: &Linear, other: &Linear) -> Result<Linear, String> {
        match (one, other) {
            (Linear::Number(factor), of) | (of, Linear::Number(factor)) => self.scaled(of, factor),
            (Linear::Matrix(a), Linear::Matrix(b)) if a[0].len() == b.len() => {
                let column = |place: usize| b.iter().map(|row| row[place].clone()).collect::<Vec<_>>();
                let columns: Vec<Vec<Quotient>> = (0..b[0].len()).map(column).collect();
                let mut rows = Vec::new();
                for row in a {
                    let entries = columns.iter().map(|column| self.dot(row, column));
                    rows.push(entries.collect::<Result<Vec<_>, _>>()?);
                }
                Ok(Linear::Matrix(rows))
            }
            // Of two vectors there are several products, and none is written side by side.
            _ => Err("a product of vectors".into()),
        }
    }

    fn dot(&mut self, row: &[Quotient], column: &[Quotient]) -> Result<Quotient, String> {
        let mut sum = Quotient::integer(0);
        for (a, b) in row.iter().zip(column) {
            sum = sum.plus(&a.times(b, self.work)?, self.work)?;
        }
        Ok(sum)
    }
}
