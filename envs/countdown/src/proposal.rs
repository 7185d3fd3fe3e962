//! What a proposer writes, and which puzzles can be asked.

use crate::Puzzle;
use crate::expression;
use crate::solver;

pub const QUESTION: &str = "\
Write a new number puzzle: two to five whole numbers from 1 to 100, a target from 1 to 999 that is none of them, and an arithmetic \
expression that equals the target. The expression may use each of the numbers once, and no other numbers, with + - * / and \
parentheses; every division must come out even. Whoever solves the puzzle sees the numbers and the target, and should find \
it hard. Answer with the numbers, the target and the expression, separated by semicolons, like this: 3, 7, 8; 45; (7 + 8) * 3";

/// Two numbers make a puzzle at all; the solver goes through all there is to do with five.
const NUMBERS: std::ops::RangeInclusive<usize> = 2..=5;

/// Whether there is something to find, and a way to find it.
pub fn check(puzzle: &Puzzle) -> Result<(), String> {
    posable(puzzle)?;
    let Puzzle { numbers, target } = puzzle;
    solver::solve(puzzle).map(drop).ok_or_else(|| format!("{target} cannot be reached with {numbers:?}"))
}

/// Whether there is something to find.
pub fn posable(puzzle: &Puzzle) -> Result<(), String> {
    let Puzzle { numbers, target } = puzzle;
    if !NUMBERS.contains(&numbers.len()) {
        return Err(format!("a puzzle has {} to {} numbers, not {}", NUMBERS.start(), NUMBERS.end(), numbers.len()));
    }
    if let Some(number) = numbers.iter().find(|number| !(1..=100).contains(*number)) {
        return Err(format!("{number} is not a number from 1 to 100"));
    }
    if !(1..=999).contains(target) {
        return Err(format!("the target {target} is not a number from 1 to 999"));
    }
    match numbers.contains(target) {
        true => Err(format!("the target {target} is one of the numbers")),
        false => Ok(()),
    }
}

/// Numbers, target and solution, as [`QUESTION`] asks for them.
pub fn read(text: &str) -> Result<Puzzle, String> {
    let [numbers, target, solution] = *text.split(';').collect::<Vec<_>>() else {
        return Err("numbers, target and expression, separated by semicolons, were asked for".into());
    };
    let numbers = numbers.split(',').map(number).collect::<Result<Vec<_>, _>>()?;
    let target = number(target)?;
    let value = expression::value(solution, &numbers)?;
    if value != target {
        return Err(format!("the expression comes to {value}, not to {target}"));
    }
    Ok(Puzzle { numbers, target })
}

/// Numbers as they are written in compact prompts and in proposals.
pub fn list(numbers: &[i64]) -> String {
    numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

fn number(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits => Ok(number),
        _ => Err(format!("{:?} is not a whole number", text.chars().take(20).collect::<String>())),
    }
}
