//! Finds an answer by going through all of them, those with few operations first.

use crate::Puzzle;

/// How a target is reached.
pub struct Solution {
    pub expression: String,
    /// Each operation with its result, the innermost first.
    pub steps: Vec<String>,
}

/// An expression of as few operations as can be that equals the target. `None` where no combination of the numbers does, as far as all intermediate
/// results are positive; negative ones reach no more.
pub fn solve(Puzzle { numbers, target }: &Puzzle) -> Option<Solution> {
    let pool: Vec<(i64, String)> = numbers.iter().map(|&number| (number, number.to_string())).collect();
    (0..numbers.len()).find_map(|operations| {
        let mut steps = Vec::new();
        let expression = search(pool.clone(), *target, operations, &mut steps)?;
        Some(Solution { expression, steps })
    })
}

/// Numbers with the expressions that lead to them: one is the target, or two are combined to one, at most `operations`
/// times.
fn search(pool: Vec<(i64, String)>, target: i64, operations: usize, steps: &mut Vec<String>) -> Option<String> {
    if let Some((_, expression)) = pool.iter().find(|(value, _)| *value == target) {
        return Some(expression.clone());
    }
    let operations = operations.checked_sub(1)?;
    let pairs = (0..pool.len()).flat_map(|i| (0..pool.len()).map(move |j| (i, j))).filter(|(i, j)| i != j);
    for (i, j) in pairs {
        let ((a, left), (b, right)) = (&pool[i], &pool[j]);
        let combined = [
            ('+', (i < j).then(|| a + b)),
            ('*', (i < j).then(|| a * b)),
            ('-', (a > b).then(|| a - b)),
            ('/', (a % b == 0).then(|| a / b)),
        ];
        for (operator, value) in combined {
            let Some(value) = value else { continue };
            let rest =
                pool.iter().enumerate().filter(|(place, _)| ![i, j].contains(place)).map(|(_, term)| term.clone());
            let pool = rest.chain([(value, format!("({left} {operator} {right})"))]).collect();
            steps.push(format!("{a}{operator}{b}={value}"));
            if let Some(expression) = search(pool, target, operations, steps) {
                return Some(expression);
            }
            steps.pop();
        }
    }
    None
}
