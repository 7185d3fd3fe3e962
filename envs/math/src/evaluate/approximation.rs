//! What stands behind "≈": digits of the exact value before it.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_traits::Pow;

use super::Evaluator;
use crate::polynomial::Rational;
use crate::quotient::Quotient;
use crate::region::{is_constant, order};
use crate::tree::Tree;

/// Numbers with more digits than this are no approximations.
const DIGITS_MAX: usize = 50;

impl Evaluator<'_> {
    /// Whether digits are further from a number than one of their last place, so that they are those of another one.
    pub(super) fn is_far(&mut self, exact: &Tree, digits: &Tree) -> bool {
        let Some((approximation, place)) = shown(digits) else { return false };
        let Ok(exact) = self.exact(exact) else { return false };
        if !is_constant(&exact) {
            return false;
        }
        let beyond = |bound: Rational, side: Ordering, work: &mut _| {
            let found = order(&exact, &Quotient::rational(bound), work);
            found.is_ok_and(|found| found == side || found == Ordering::Equal)
        };
        beyond(&approximation + &place, Ordering::Greater, self.work)
            || beyond(approximation - place, Ordering::Less, self.work)
    }
}

/// A number in digits, and what one in its last place is worth. The zeros at the end of a whole number may be rounded.
fn shown(tree: &Tree) -> Option<(Rational, Rational)> {
    let (value, digits) = match tree {
        Tree::Number { value, digits } if (1..DIGITS_MAX).contains(&digits.len()) && !digits.contains(['e', 'E']) => {
            (value.clone(), digits)
        }
        Tree::Negated(of) => return shown(of).map(|(value, place)| (-value, place)),
        Tree::Quantity { value, unit } if !unit.is_percent() => return shown(value),
        _ => return None,
    };
    let place = match digits.split_once('.') {
        Some((_, fraction)) => -i32::try_from(fraction.len()).ok()?,
        None => i32::try_from(digits.len() - digits.trim_end_matches('0').len()).ok()?,
    };
    Some((value, Pow::pow(Rational::from(BigInt::from(10)), place)))
}
