//! Completions whose worth is known: what `azr-env check` holds the judge to.

use azr_guest_sdk::{Attempt, Completed, Context, Example, Expectation, Style};

use crate::form::Form;
use crate::problem::{Asserts, Function, Method, Problem, Stdin};
use crate::published::PublishedTests;

/// What is added to a number: 1, 10, 100 and so on, so that no answer to one task is right for another.
const STEPS: [u32; 4] = [1, 10, 100, 1000];

pub fn examples(ctx: &Context) -> Vec<Example> {
    STEPS.iter().flat_map(|step| tasks(*step)).flat_map(|samples| samples.examples(ctx)).collect()
}

/// A task with programs of known worth.
struct Samples {
    problem: Problem,
    right: String,
    /// With what they try.
    wrong: Vec<(&'static str, String)>,
}

impl Samples {
    fn examples(self, ctx: &Context) -> impl Iterator<Item = Example> {
        let form = Form::of(ctx, &self.problem);
        let task = self.problem.task();
        let right = (Expectation::Right, "a solution", self.right);
        let wrong = self.wrong.into_iter().map(|(note, program)| (Expectation::Wrong, note, program));
        std::iter::once(right).chain(wrong).map(move |(expected, note, program)| Example {
            note: note.into(),
            completed: Completed::Attempt(Attempt { task: task.clone(), completion: completion(form, &program) }),
            expected,
        })
    }
}

fn completion(form: Form, program: &str) -> String {
    match form {
        Form::Own(Style::Instruct) => format!("Let me see.</think>\n<answer>\n```python\n{program}\n```\n"),
        Form::LiveCodeBench => format!("```python\n{program}\n```"),
        Form::Own(Style::Compact) | Form::EvalPlusChat | Form::EvalPlusBase => program.into(),
    }
}

fn tasks(step: u32) -> [Samples; 4] {
    let question = format!("Add {step} to a number.");
    let (one, two) = (1 + step, 2 + step);
    let tests = PublishedTests {
        public: format!(r#"[{{"input":"1","output":"{one}"}}]"#),
        private: format!(r#"[{{"input":"2","output":"{two}"}}]"#),
    };
    let definition = format!("def add(number):\n    return number + {step}");
    let lying = "class Lie(int):\n    def __eq__(self, other):\n        return True\n\ndef add(number):\n    return Lie(number)";
    let method = |body: &str| format!("class Solution:\n    def add(self, number):\n        {body}");
    let function = Function {
        atol: 0.0,
        base_count: None,
        entry_point: "add".into(),
        inputs: vec!["[1]".into(), "[2]".into()],
        question: question.clone(),
        reference: definition.clone(),
        task_id: "example".into(),
    };
    let asserts =
        Asserts { question: question.clone(), tests: format!("assert add(1) == {one}\nassert add(2) == {two}") };
    [
        Samples {
            problem: Problem::Function(function),
            right: definition.clone(),
            wrong: vec![
                ("another result", "def add(number):\n    return number".into()),
                ("right for one input", format!("def add(number):\n    return {one}")),
                ("a result that equals everything", lying.into()),
                ("an end without an answer", "import sys\nsys.exit(0)".into()),
            ],
        },
        Samples {
            problem: Problem::Method(Method {
                entry_point: "add".into(),
                question: question.clone(),
                starter_code: "class Solution:\n    def add(self, number: int) -> int:\n        ".into(),
                tests: tests.clone(),
            }),
            right: method(&format!("return number + {step}")),
            wrong: vec![
                ("another result", method("return number")),
                ("right for one test", method(&format!("return {one}"))),
                ("an exception", method("raise SystemExit(0)")),
            ],
        },
        Samples {
            problem: Problem::Stdin(Stdin { question, tests }),
            right: format!("number = int(input())\nprint(number + {step})"),
            wrong: vec![
                ("another output", "print(int(input()))\nexit()".into()),
                ("right for one test", format!("number = input()\nprint({one})")),
                ("both outputs", format!("number = input()\nprint({one})\nprint({two})")),
            ],
        },
        Samples {
            problem: Problem::Asserts(asserts),
            right: definition,
            wrong: vec![
                ("another result", "def add(number):\n    return number".into()),
                ("an end without an answer", "import sys\nsys.exit(0)".into()),
            ],
        },
    ]
}
