//! Mathematical problems from data sets, graded by whether an answer is equal to the reference.
//!
//! # Data sets
//!
//! A line is a problem in one of the formats in which they are published; further keys are not looked at.
//!
//! | keys | reference answer | data sets |
//! |---|---|---|
//! | `problem`, `answer` | the answer, a text or a number | MATH-500, AIME |
//! | `question`, `answer` | what stands behind the last `####` | GSM8K |
//! | `problem`, `solution` | the last `\boxed{…}` of the solution | MATH |
//!
//! # Which answer counts
//!
//! The content of the last `\boxed{…}` or `\fbox{…}` of the answer; or else what stands behind the last `####`; or else
//! behind the last "answer is" or "answer:"; or else all of it. There is one answer: whoever writes several boxes is
//! judged by the last, and a list is equal to a list only. An answer in the midst of a sentence is not looked for.
//!
//! # What is equal
//!
//! | written | equal to | not to |
//! |---|---|---|
//! | whole numbers | `1,000`, `1{,}000`, `1000.0`, `10^3`, `1e3` | `1, 000` (a list) |
//! | decimals | `0.5`, `.5`, `\frac12`, `0.\overline{3}` and `1/3` | `0.33` and `1/3`: a rounded number is another one |
//! | fractions | `\frac{7}{2}`, `7/2`, `3\frac12`, `3 1/2` | |
//! | percent | `10\%` and `10`, as in the benchmarks; `10\%` and `0.1` | |
//! | units | `5 \text{ cm}` and `5`, `\$5` and `5 dollars`; `5 apples` and `5` | `5` cm and `5` m |
//! | roots, powers, π, e, i | `\sqrt{8}` and `2\sqrt2`, `\frac{1}{\sqrt2}` and `\frac{\sqrt2}{2}`, `\sqrt{3+2\sqrt2}` and `1+\sqrt2` | |
//! | unknowns | `(x+1)^2` and `x^2+2x+1`, `\frac{x^2-1}{x-1}` and `x+1`, `2^{x+1}` and `2\cdot2^x` | `x` and `X` |
//! | functions | by what they are applied to; cos² + sin² = 1; logarithms of numbers | addition theorems |
//! | `x = 5`, `f(x) = 2x`, `x \in [0, 1]` | `5`, `2x`, `[0, 1]` | `y = 5` |
//! | equations, inequalities | multiples: `2x = 4y` and `x - 2y = 0`; `x \ge 2` and `[2, \infty)` | what follows from them |
//! | `(1, 2)`, `[1, 2)` | brackets and order count | |
//! | `1, 2`, `1 \text{ and } 2`, `\{2, 1\}`, `\pm 1` | sets: order and repetition do not count | `(1, 2)` |
//! | unions of intervals | in any order | |
//! | matrices | entry by entry, whatever the brackets | |
//! | `11_2` | the same digits in the same base | `3` |
//! | `(B)`, `\text{even}` | `B`, `Even` | |
//! | everything else | the same text, spaces and `\left`, `\right` aside | |
//!
//! Two expressions are compared as fractions of polynomials with exact coefficients. That never makes unequal ones equal;
//! it may miss that two are equal where that takes more than the rules above. An expression that is too long, too deep or
//! has too large numbers is equal to nothing but itself.

mod equivalence;
mod extract;
mod parse;
mod polynomial;
mod problem;
mod published;
mod quotient;
mod samples;
mod token;
mod unit;
mod value;

use azr_guest_sdk::{Puzzles, Wrong};

pub use problem::Problem;

/// The environment.
pub struct Math;

/// A problem is longer than this only by mistake; the longest in the test set of MATH has 2,828 bytes.
const PROBLEM_MAX_BYTES: usize = 20_000;

impl Puzzles for Math {
    const NAME: &'static str = "math";
    const KIND: &'static str = "problem";
    const ASKS: &'static str = "Solve a mathematical problem.";
    type Task = Problem;

    fn samples() -> Vec<Problem> {
        samples::problems()
    }

    fn check(Problem { problem, answer }: &Problem) -> Result<(), String> {
        if problem.is_empty() {
            return Err("the problem is empty".into());
        }
        for (what, text, max) in
            [("problem", problem, PROBLEM_MAX_BYTES), ("reference answer", answer, equivalence::ANSWER_MAX_BYTES)]
        {
            if text.len() > max {
                return Err(format!("the {what} has {} bytes, and {max} are the most", text.len()));
            }
        }
        Ok(())
    }

    fn question(Problem { problem, .. }: &Problem) -> String {
        format!("{problem}\n\nGive the final answer as \\boxed{{answer}}.")
    }

    fn compact_question(Problem { problem, .. }: &Problem) -> String {
        problem.clone()
    }

    fn grade(problem: &Problem, answer: &str) -> Result<(), Wrong> {
        Ok(equivalence::compare(&problem.answer, extract::answer(answer)?)?)
    }

    const BENCHMARK: Option<&'static str> = Some("evaluations of GSM8K and MATH, by a boxed answer,");

    fn published_question(problem: &Problem) -> String {
        published::question(problem)
    }

    fn grade_published(problem: &Problem, completion: &str) -> Result<(), Wrong> {
        published::grade(problem, completion)
    }

    fn subject(Problem { problem, .. }: &Problem) -> String {
        problem.clone()
    }

    fn oracle(problem: &Problem) -> Option<String> {
        Some(samples::oracle(problem))
    }

    fn cheats(problem: &Problem) -> Vec<String> {
        samples::cheats(problem)
    }
}

azr_guest_sdk::export!(Math);
