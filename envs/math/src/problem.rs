//! Problems in the formats in which they are published.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::extract;

/// A problem with its reference answer. Its JSON is one of the formats that it is read from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Published")]
pub struct Problem {
    pub problem: String,
    pub answer: String,
}

/// A line of GSM8K (`question`, and `answer` with a solution that ends in `#### 72`), MATH-500 or AIME (`problem` and
/// `answer`), or MATH (`problem` and `solution`, which holds the answer in a box). What else a line has is not looked at.
#[derive(Deserialize)]
struct Published {
    #[serde(alias = "Problem", alias = "question")]
    problem: String,
    #[serde(alias = "Answer")]
    answer: Option<Value>,
    solution: Option<String>,
}

impl TryFrom<Published> for Problem {
    type Error = String;

    fn try_from(Published { problem, answer, solution }: Published) -> Result<Problem, String> {
        let reference = match (answer, solution) {
            (Some(Value::String(answer)), _) => answer,
            (Some(Value::Number(answer)), _) => answer.to_string(),
            (None, Some(solution)) if ["\\boxed", "\\fbox", "####"].iter().any(|mark| solution.contains(mark)) => {
                solution
            }
            (None, Some(_)) => return Err("the solution has no \\boxed{…} that holds the answer".into()),
            (None, None) => return Err("there is neither an answer nor a solution".into()),
            (Some(_), _) => return Err("the answer is neither a text nor a number".into()),
        };
        let answer = extract::answer(&reference).map_err(|reason| format!("no reference answer: {reason}"))?;
        Ok(Problem { problem: problem.trim().into(), answer: answer.into() })
    }
}
