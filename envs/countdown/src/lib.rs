//! Countdown: reach a target with given numbers, each used at most once, by +, -, * and / with whole results.

mod expression;
mod proposal;
mod solver;

use azr_guest_sdk::{OfferedSetting, Puzzles, Rng, Settings, Wrong, setting};
use serde::{Deserialize, Serialize};

/// The environment.
pub struct Countdown;

const NUMBERS_MAX: &str = "numbers-max";
const NUMBER_MAX: &str = "number-max";

/// A task.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Puzzle {
    numbers: Vec<i64>,
    target: i64,
}

impl Puzzles for Countdown {
    const NAME: &'static str = "countdown";
    const ASKS: &'static str = "Reach a target with given numbers.";
    type Task = Puzzle;

    fn settings() -> Vec<OfferedSetting> {
        vec![
            setting(NUMBERS_MAX, "5", "Of a generated puzzle, 2 to 5; it has three at least, where that is possible."),
            setting(NUMBER_MAX, "20", "The largest number of a generated puzzle, 1 to 100."),
        ]
    }

    fn generate_with(settings: &Settings, rng: &mut Rng) -> Option<Puzzle> {
        let count_max = settings.number(NUMBERS_MAX, 2..=5);
        let number_max = settings.number(NUMBER_MAX, 1..=100);
        loop {
            let count = rng.within(count_max.min(3)..=count_max);
            let mut numbers: Vec<i64> = (0..count).map(|_| rng.within(1..=number_max)).collect();
            // Combined somehow, so that there is an answer.
            let target = numbers.iter().copied().reduce(|target, number| match rng.below(4) {
                0 if target % number == 0 => target / number,
                1 if target * number < 1000 => target * number,
                2 if target > number => target - number,
                _ => target + number,
            })?;
            rng.shuffle(&mut numbers);
            let puzzle = Puzzle { numbers, target };
            if proposal::posable(&puzzle).is_ok() {
                return Some(puzzle);
            }
        }
    }

    fn question(Puzzle { numbers, target }: &Puzzle) -> String {
        format!(
            "Write an arithmetic expression that equals {target}. It may use each of the numbers {numbers:?} once, and no \
             other numbers, with + - * / and parentheses. Every division must come out even. Answer with the expression."
        )
    }

    fn grade(puzzle: &Puzzle, answer: &str) -> Result<(), Wrong> {
        match expression::value(answer, &puzzle.numbers)? {
            value if value == puzzle.target => Ok(()),
            value => Err(format!("the expression comes to {value}").into()),
        }
    }

    fn compact_question(Puzzle { numbers, target }: &Puzzle) -> String {
        format!("{}={target}", proposal::list(numbers))
    }

    fn check(puzzle: &Puzzle) -> Result<(), String> {
        proposal::check(puzzle)
    }

    fn oracle(puzzle: &Puzzle) -> Option<String> {
        Some(solver::solve(puzzle)?.expression)
    }

    fn thought(puzzle: &Puzzle) -> Option<String> {
        Some(solver::solve(puzzle)?.steps.join("\n"))
    }

    fn cheats(puzzle: &Puzzle) -> Vec<String> {
        let Puzzle { numbers, target } = puzzle;
        let first = numbers[0];
        // Six times, where five numbers are the most.
        let too_often = format!(" + {first} - {first}").repeat(3);
        let mut cheats: Vec<String> = Self::oracle(puzzle).map(|solution| solution + &too_often).into_iter().collect();
        // The target itself, behind numbers that are not given, and a claim.
        cheats.extend([
            format!("{target} + 1000 - 1000"),
            format!("({first} + {first}) * 0 + {target}"),
            format!("{first} = {target}"),
        ]);
        cheats
    }

    fn proposer_question() -> Option<String> {
        Some(proposal::QUESTION.into())
    }

    fn compact_proposer_question() -> Option<String> {
        Some(String::new())
    }

    fn read_proposal(text: &str) -> Result<Puzzle, String> {
        proposal::read(text)
    }

    fn proposal(puzzle: &Puzzle) -> Option<String> {
        let solution = Self::oracle(puzzle)?;
        Some(format!("{}; {}; {solution}", proposal::list(&puzzle.numbers), puzzle.target))
    }

    fn forged_proposals() -> Vec<String> {
        ["3, 4; 12", "3, 4; 12; 3 + 4", "3, 4; 12; 12", "3; 3; 3", "3, 4; 0; 3 - 3", "3, -4; 7; 3 - -4"]
            .map(String::from)
            .into()
    }
}

azr_guest_sdk::export!(Countdown);
