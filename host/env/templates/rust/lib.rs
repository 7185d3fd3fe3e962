//! Sort numbers: an example to change into something harder.

use azr_guest_sdk::{Puzzles, Rng, Wrong};
use serde::{Deserialize, Serialize};

/// The environment.
pub struct Sorting;

/// A task. Its JSON is one line of a data set.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    numbers: Vec<i64>,
}

impl Puzzles for Sorting {
    const NAME: &'static str = "@NAME@";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ASKS: &'static str = "Sort numbers.";
    type Task = Numbers;

    fn generate(rng: &mut Rng) -> Option<Numbers> {
        let count = rng.within(4..=8);
        Some(Numbers { numbers: (0..count).map(|_| rng.within(0..=99)).collect() })
    }

    fn question(task: &Numbers) -> String {
        format!("Sort in ascending order: {}. Answer with the numbers, separated by commas.", list(&task.numbers))
    }

    fn compact_question(task: &Numbers) -> String {
        list(&task.numbers)
    }

    fn grade(task: &Numbers, answer: &str) -> Result<(), Wrong> {
        let number = |part: &str| part.trim().parse().map_err(|_| format!("{part:?} is not a number"));
        let answered: Vec<i64> = answer.split(',').map(number).collect::<Result<_, _>>()?;
        if answered == sorted(task) { Ok(()) } else { Err("these are not the numbers in ascending order".into()) }
    }

    fn oracle(task: &Numbers) -> Option<String> {
        Some(list(&sorted(task)))
    }

    fn cheats(task: &Numbers) -> Vec<String> {
        let sorted = sorted(task);
        let descending: Vec<i64> = sorted.iter().rev().copied().collect();
        vec![list(&sorted[1..]), list(&descending)]
    }
}

azr_guest_sdk::export!(Sorting);

fn sorted(task: &Numbers) -> Vec<i64> {
    let mut numbers = task.numbers.clone();
    numbers.sort();
    numbers
}

fn list(numbers: &[i64]) -> String {
    numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_graded() {
        let task = Numbers { numbers: vec![30, 4, 4, 1] };
        for (answer, right) in [
            ("1, 4, 4, 30", true),
            ("1,4,4,30", true),
            ("1, 4, 30", false),
            ("30, 4, 4, 1", false),
            ("1, 4, 4, 3 0", false),
            ("", false),
        ] {
            assert_eq!(Sorting::grade(&task, answer).is_ok(), right, "{answer}");
        }
    }
}
