//! Problems that show what the judge must see through.

use crate::Problem;

/// A problem, its reference answer, and the same answer as a policy might write it.
const SAMPLES: [[&str; 3]; 8] = [
    ["What is 12 * 12?", "144", "12 * 12 = 144"],
    ["Simplify the square root of 72.", r"6\sqrt{2}", r"so it is $\boxed{\sqrt{72}}$."],
    ["Solve x^2 = 400.", "-20, 20", r"\boxed{\pm 20}"],
    [
        "A third of a pound costs 1250 cents. What do 9 pounds cost, in dollars?",
        r"\$337.50",
        "The answer is 337.5 dollars.",
    ],
    ["Where is (x - 1)/(x + 11) not positive?", "(-11, 1]", r"x \in \left(-11, 1\right]"],
    ["Expand (x + 1)^3.", "x^3 + 3x^2 + 3x + 1", "(1 + x)(x^2 + 2x + 1)"],
    ["What is 17 in base 3?", "122_3", "122_{3}"],
    ["Which is larger, (A) 2^{100} or (B) 3^{60}?", r"\text{(A)}", r"\boxed{\textbf{A}}"],
];

pub fn problems() -> Vec<Problem> {
    let problem = |[problem, answer, _]: [&str; 3]| Problem { problem: problem.into(), answer: answer.into() };
    SAMPLES.map(problem).into()
}

/// A sample's answer in another form; of any other problem the reference answer itself.
pub fn oracle(problem: &Problem) -> String {
    let sample = SAMPLES.iter().find(|[text, ..]| *text == problem.problem);
    sample.map_or(&*problem.answer, |[_, _, answer]| answer).to_owned()
}

pub fn cheats(Problem { problem, answer }: &Problem) -> Vec<String> {
    vec![
        problem.clone(),
        format!(r"\boxed{{{answer}}} \boxed{{0}}"),
        format!(r"\boxed{{{answer}, 0}}"),
        format!(r"\boxed{{{answer} \text{{ or }} 7}}"),
        format!(r"\boxed{{{answer}"),
        format!("{answer} = {answer} + 1"),
        r"\boxed{}".into(),
        r"\text{any real number}".into(),
        r"x = \frac{0}{0}".into(),
        "10^{10^{10}}".into(),
    ]
}
