//! Determinants of matrices that are written out.

use super::Evaluator;
use super::vector::Linear;
use crate::quotient::Quotient;
use crate::tree::Tree;

/// Matrices may have so many rows: each doubles the minors, which take a thousand products here. Protects the fuel.
const ROWS_MAX: usize = 8;

impl Evaluator<'_> {
    /// By minors, so that nothing is divided by.
    pub(super) fn determinant(&mut self, of: &Tree) -> Result<Quotient, String> {
        let Linear::Matrix(rows) = self.linear_part(of)? else {
            return Err("a determinant of what is no matrix".into());
        };
        let size = rows.len();
        if size == 0 || rows.iter().any(|row| row.len() != size) {
            return Err("a determinant of a matrix that is not square".into());
        }
        if size > ROWS_MAX {
            return Err(format!("a determinant of more than {ROWS_MAX} rows"));
        }
        // Those of the first rows and as many columns. The binary digits of the place say which columns.
        let mut minors = vec![Quotient::integer(1)];
        for columns in 1..1_usize << size {
            let row = &rows[columns.count_ones() as usize - 1];
            let mut minor = Quotient::integer(0);
            for column in (0..size).filter(|column| columns >> column & 1 == 1) {
                let rest = &minors[columns ^ 1 << column];
                if row[column].over().is_zero() || rest.over().is_zero() {
                    continue;
                }
                let part = row[column].times(rest, self.work)?;
                let is_turned = (columns >> column).count_ones() % 2 == 0;
                minor = if is_turned { minor.minus(&part, self.work)? } else { minor.plus(&part, self.work)? };
            }
            minors.push(minor);
        }
        minors.pop().ok_or_else(|| "a determinant of nothing".into())
    }
}
