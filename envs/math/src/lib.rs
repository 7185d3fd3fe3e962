//! Mathematical problems from data sets, graded by whether an answer is equal to the reference.
//!
//! # Data sets
//!
//! A line is a problem in one of the formats in which they are published. Capitals in keys do not count, further keys
//! are not looked at, and what is `null`, `NaN` or an empty text is not there. Numbers keep their digits.
//!
//! | keys | reference answer | data sets |
//! |---|---|---|
//! | `problem` or `question`, `answer` | the answer, a text or a number | MATH-500, AIME, AMC, Minerva |
//! | `question`, `answer` | what stands behind the last `####` | GSM8K |
//! | `problem`, `solution` | the last `\boxed{…}` of the solution | MATH |
//! | `question`, `final_answer`, `unit` | the answers in the list, with the unit if there is one | OlympiadBench |
//! | `prompt` or `messages`, a chat, and `reward_model`, perhaps as text | its `ground_truth`, or the texts in it where it is a list as text | DAPO, Skywork-OR1 and other rows for veRL |
//!
//! Other names of columns are given by the setting `map`: `query=problem, target=answer`.
//!
//! # Which answer counts
//!
//! The content of the last `\boxed{…}` or `\fbox{…}` of the answer; or else what stands behind the last `####`; or else
//! behind the last "answer is" or "answer:"; or else what is bold in the last line, unless the line denies it or its
//! number goes on beside it, as in `**5** million`; or else all of it. There is one answer: whoever writes several boxes
//! is judged by the last, and a list is equal to a list only. An answer in the midst of a sentence is not looked for.
//!
//! # How it is judged
//!
//! `token` parts a text, whether it is TeX, Unicode or plain; `grammar` makes a `tree` of it; `evaluate` works out what
//! that comes to, a `value`; and `equivalence` compares two of them. Expressions are fractions of polynomials with
//! exact coefficients, over roots of primes, letters and functions. Where those do not decide, `numeric` works both out
//! at several points with verified bounds: bounds that part prove a difference; bounds that stay together for more bits
//! than an expression of this size can come close with are taken for equality. An expression that is too long, too deep
//! or has too large numbers is equal to nothing but itself, and takes no more than a fifth of the judge's fuel.
//!
//! # What is equal
//!
//! | written | equal | not equal |
//! |---|---|---|
//! | whole numbers | `1,000`, `1{,}000`, `1 000`, `1'000`, `1000.0`, `10^3`, `1e3`, `1 x 10^3`, `**1000**` | `1, 000` (a list); `1.000`, but `1.000.000` |
//! | decimals | `.5`, `0{,}5` and `½`; `0,5` where the reference is a number; `0.\overline{3}`, `0.\bar3`, `0.(3)`, `0.333…` and `1/3` | `0.33` and `1/3` |
//! | fractions | `\frac{7}{2}`, `{7 \over 2}`, `7/2`, `3\frac12`, `3 1/2` | `{x+7 \over 2}` and `x+7/2` |
//! | percent | `10\%` and `10`; `10\%` and `0.1` | `10\%` more and `10\%` less; reference `0.1` and `0.1\%` |
//! | words | `seventy-two`, `minus three and a half`, `3 and a half`, `7 million`, `7 mil`, `3 dozen`, `two thirds`, `5 thirteenths`, `9 squared`, `7 (seven)` | `7 million` and `7`, `7 eight` and `7` |
//! | ordinals | `5th`, `5^{\text{th}}`, `fifth` and `5`; `one third` and `1/3` | `third` and `1/3`, `5th` and `5` apples |
//! | so many in so many | `3 out of 4`, `3 in 4` and `3/4` | `3` |
//! | units | by dimension and factor: `36 km/h`, `10 m/s`; may be left out, also of a reference `5 K` | `5` cm and `5` m; `5` dogs and `5` cats; `5` and `5 K`, `5 B`, `5 T`, which may be thousands and so on |
//! | currencies | `USD 5`, `US\$5` and `\$5`; `Rs. 5` and `₹5`; `\$5K` and `5000`; `36元` and `36` yuan | `EUR 5` and `\$5` |
//! | amounts | `1 hour 45 minutes` and `105 minutes` | `1 hour 45 minutes` and `105` |
//! | letters behind | `9 m` and nine metres, `9`, and `9m`, which is a product; `9 m - 2`, which is one only | `9 x`, `9\mathrm{x}` and `9`; `9m` and `9` |
//! | in parentheses | `9 (apples)` and `9`, `9 apples` | `9 (pears)`; `9 (x)`, a product, and `9` |
//! | primes | `30° 15'` and `30.25°`; `6'2"` and `74` inches, or `6` minutes of arc and `2` seconds; `6'` and `6` feet; `y^{\prime}` and `y'` | `30'` and `30°` or `30`; `6'2"` and `74` |
//! | fluid ounces | `8 fl oz`, `8` fluid ounces, a cup | `8 oz` |
//! | times of day | `5 p.m.`, `17:00`, `5:00`, five o'clock; `noon`; half past two and `2:30` | `5 p.m.` and `5 a.m.` |
//! | dates | `March 5, 2020`, `5 March 2020`, `Mar. 5th 2020`; `Jan` and `January` | `March 5`, or with a weekday; `5`; `3/5/2020` |
//! | ratios | `3:4`, `3 to 4` | `4:3`, `6:8` |
//! | roots, powers | `\sqrt{8}` and `2\sqrt2`; `\sqrt{3+2\sqrt2}` and `1+\sqrt2`; `\sqrt2` and `\sqrt2 \approx 1.41` | `\sqrt2` and `1.414`, `\sqrt2 \approx 1.7` |
//! | complex numbers | `e^{i\pi}` and `-1`, `\frac{1}{i}` and `-i`, <code>\|3+4i\|</code> and `5`, `\overline{2+3i}` and `2-3i`, `\operatorname{Re}(2+3i)`, `Re(2+3i)` and `2` | `\overline{z}` and `z` |
//! | unknowns | `(x+1)^2` and `x^2+2x+1`, `(-1)^{n+2}` and `(-1)^n`, `abc` and `bca` | `x` and `X`, `2x` and `x2` |
//! | values of functions | `I(0)` and itself; `y(x)=x^2` and `y=x^2`; `f(x) \equiv 0` and `f(x)=0` | `I(0)` and `0`, `f(2)` and `2f`, `f(g(x))` and `g(f(x))` |
//! | functions | `\sin 2x` and `2\sin x\cos x`, `\tan^{-1} x` and `\arctan x`; <code>2\|x\|</code> and <code>\|2x\|</code> | `\sqrt{x^2}` and `x` |
//! | angles | `\sin 30^\circ` and `\frac12`; `45^\circ`, `45^o`, `45` and `\frac\pi4` | `\sin 30` and `\frac12`; `\frac\pi4` and `\frac\pi4` degrees |
//! | logarithms | `e^{\ln 3}` and `3`, `\lg` and `\log_{10}` | `\log`, whose base is not said, and `\ln` |
//! | factorials | `n!` and `n(n-1)!`, `\binom n2`, `C_n^k` with letters, answer `C(n,2)` and `\frac{n(n-1)}2`, `{}_8P_3` and `336`, `5!!` and `15` | `5!!` and `(5!)!`; reference `C(5,2)`, a point, and `10` |
//! | congruences | `3 \pmod 7`, `x \equiv 10 \pmod 7`; `3`, the least one | `10` |
//! | `x = 5`, `m+n = 2+3 = 5` | `5`, the last side, if all sides agree | `y = 5`; not `x = 5` |
//! | equations | multiples: `2x = 4y` and `x - 2y = 0` | what follows from them |
//! | sets of reals | `x<1 or x>3`, unions, `\setminus`, `x \ne \pm 2`, `]1,2[`, <code>\|x\|<2</code>, `\mathbb{R}_{\ge 0}`, nonnegative reals | `x<1 and x>3`; `x \ne 2` or `x \ne 3`, which is all |
//! | inequalities of higher degree | reference `x^2<4` and answer `(-2,2)` | answer `x^2<4`, which may be the question |
//! | `(1, 2)`, `[1, 2)` | brackets and order count; `(y,x)=(2,1)` and `(1,2)` | `\{1, 2\}`; `[1,\infty)` and `[1,\infty]` |
//! | `1, 2`, `\{2, 1\}`, `\pm 1` | sets: order and repetition do not count | `(1, 2)` |
//! | `x=2, y=3` | `2, 3`; `(2, 3)`; in any order with names | `3, 2` |
//! | `x_1=2, x_2=3` | `x_1=3, x_2=2`; `x=2, x=3`: letters that unknowns have | `a_1=2, a_2=3` turned |
//! | `x=0, y=0` or `x=1, y=1` | `(0,0), (1,1)` | `x=0, y=1` or `x=1, y=0` |
//! | matrices, cases | entry by entry, whatever the brackets; lines of cases in any order, `otherwise` where no other condition holds | a determinant |
//! | determinants | `\begin{vmatrix}a&b\\c&d\end{vmatrix}`, `\det\begin{pmatrix}a&b\\c&d\end{pmatrix}` and `ad-bc` | the matrix |
//! | vectors | a column and `(1,2)`, `\begin{pmatrix}1&2\end{pmatrix}^T`; a matrix and `[[1,2],[3,4]]` | a row |
//! | arithmetic with them | `\frac12\begin{pmatrix}2&4\end{pmatrix}`, sums, products; `(1,2)+t(3,4)` | products of two vectors |
//! | points, inverses | `A(1,2)` and `(1,2)`; `f^{-1}(x)=2x` and `2x` | `B(1,2)`; `g^{-1}(x)=2x` |
//! | `x = y = 4` | `x=4, y=4`, `(4,4)` | `4` |
//! | sums and integrals in the reference | their value, where bounds are whole numbers or there is a rule; else term by term from 0 | other bounds, other letters |
//! | `11_2` | `(11)_2`, `11_{\text{two}}`, `11 base 2`, `0b11`; `BE_{16}` and `be_{16}` | `3`, `11_3` |
//! | letters for whole numbers | `k\pi, k \in \mathbb{Z}`, `n\pi (n \in Z)`, `k\pi` where `k` is an integer | `k\pi`; `2k\pi, k \in \mathbb{Z}` |
//! | letters of functions | reference `f(x)=x^2` and `f(t)=t^2` | `x^2` and `t^2` |
//! | letters for all numbers | `f(x)=x` for all real `x` and `f(x)=x`; `cx` for some constant `c` and `cx` | `f(x)=x` for all `x \in \mathbb{Z}` |
//! | several choices | `ACD` and `A, C, D`; `I and III` and `I, III`; `①③` and `(1)(3)` | `A, C` |
//! | Roman numerals | `IV` and `4` | `IV` and `VI`; `CD` and `400` |
//! | `(B)\ 12`, `\text{even}` | `B`, `12`, `(B)\ 12`; `Even`, `an even` | `(B)\ 13`, `(C)\ 12` |
//! | everything else | the same parts, whatever their looks | |
//!
//! # What other graders do
//!
//! The graders of the field look for one answer among many and read it as sympy can. That is lenient, so that a policy
//! can be trained on what is wrong. Where they accept what is refused here, by Math-Verify 0.9:
//!
//! | kind | accepted there, for another answer | here |
//! |---|---|---|
//! | units | text behind numbers is left out: `5 kJ` for `5 J`, `6 p.m.` for `6 a.m.` | units agree or are left out |
//! | `\over` | `{x+1 \over 2}` for `x+\frac12` | as in TeX |
//! | angles | `\cos 20` for `\cos 20^\circ` | radians, where no degrees are said |
//! | letters | `abc` for `ABC` | capitals are other letters |
//! | names | `2, 1` for `x=1, y=2` | names say which is which |
//! | chains | `m+n = 256+38 = 293` for `293` | all sides agree |
//! | equations | `2x=10` for `10`, `x^2+y=0` for `0` | what is said of one name, or of a sum of letters |
//! | bases | `1101_3` for `1101_2` | the base was asked for |
//! | sets | `\{1,2\}` for `(1,2)`, `x<1 and x>3` for `x<1 or x>3` | as written |
//! | nearness | `3+\sin 3+…` for `\pi` | bounds for more bits than an expression can come close with |
//! | questions | `\sum_{k=1}^{10} k` for `55`, integrals, limits, `x^2<4` for `(-2,2)` | what is worked out only, unless the reference is not |
//!
//! The graders of Hendrycks' MATH compare normalised texts, so order counts in lists, and units are cut off. Decimals
//! agree within a tolerance in MARIO's math_evaluation and in Math-Verify; here a rounded number is another one.
//! `tests/math/agreement.toml` lists every published verdict that is not ours, `tests/math/kinds.toml` what each rule
//! above was made for.

mod extract;
mod json;
mod problem;
mod published;
mod samples;

mod token;
mod word;

mod grammar;
mod tree;
mod unit;

mod evaluate;
mod functions;
mod numeric;
mod polynomial;
mod quotient;
mod region;

mod equivalence;
mod label;
mod value;

use azr_guest_sdk::{OfferedSetting, Puzzles, Settings, Wrong, setting};

pub use problem::Problem;

/// The environment.
pub struct Math;

/// A problem is longer than this only by mistake; the longest in the test set of MATH has 2,828 bytes.
const PROBLEM_MAX_BYTES: usize = 20_000;

impl Puzzles for Math {
    const NAME: &'static str = "math";
    const VERSION: &'static str = "0.4.0";
    const KIND: &'static str = "problem";
    const ASKS: &'static str = "Solve a mathematical problem.";
    type Task = Problem;

    fn settings() -> Vec<OfferedSetting> {
        vec![setting(
            "map",
            "",
            "what columns of a data set are, where they have other names: \"query=problem, target=answer\"",
        )]
    }

    fn import(settings: &Settings, line: &str) -> Result<Problem, String> {
        problem::read(line, &problem::columns(settings.text("map")))
    }

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
