//! In which form a problem is asked, and a solution read: this environment's own, or that of the benchmark.
//!
//! | form | asked | read | source |
//! |---|---|---|---|
//! | EvalPlus, chat models | its instruction, and an answer begun with an open fence | up to the closing fence | evalplus 0.3: `provider/utility.py`, `codegen.py` |
//! | EvalPlus, base models | the beginning of the program, without a chat template | the beginning and what continues it | the same |
//! | LiveCodeBench | its generic prompt, with a system message | the last two fences and what is between | `lcb_runner`: `prompts/code_generation.py`, `utils/extraction_utils.py` |
//!
//! Prompts of benchmarks are word for word theirs. EvalPlus allows 768 tokens, LiveCodeBench 2000; both are measured
//! greedily. Of a program EvalPlus runs the imports and what the function needs, and not, for instance, the model's own
//! tests; so it is here (`executor/evalplus.py`, `definitions`). Benchmarks in which assertions are shown are asked as
//! EvalPlus asks.

use azr_guest_sdk::{Context, Message, Prompt, Protocol, Speaker, Style, prompt};
use coding_judge::completion::{Read, program_in};
use coding_judge::settings::Template;

use crate::problem::{Method, Problem};
use crate::settings::Settings;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Own(Style),
    EvalPlusChat,
    EvalPlusBase,
    LiveCodeBench,
}

const LABELS: &[&str] = &["python", "python3", "py"];

const INSTRUCTION: &str =
    "Please provide a self-contained Python script that solves the following problem in a markdown code block:";
const RESPONSE: &str =
    "Below is a Python script with a self-contained function that solves the problem and passes corresponding tests:";
const STOP: [&str; 6] = ["<|endoftext|>", "<|endofmask|>", "</s>", "\nif __name__", "\ndef main(", "\nprint("];
const STOP_HUMAN_EVAL_BASE: [&str; 5] = ["\ndef ", "\nclass ", "\nimport ", "\nfrom ", "\nassert "];
const STOP_MBPP_BASE: [&str; 2] = ["\n\"\"\"", "\nassert"];

const SYSTEM: &str = "You are an expert Python programmer. You will be given a question (problem specification) and will generate \
                      a correct Python program that matches the specification and passes all tests.";
const WITH_STARTER_CODE: &str = "You will use the following starter code to write the solution to the problem and enclose your code within delimiters.";
const WITHOUT_STARTER_CODE: &str = "Read the inputs from stdin solve the problem and write the answer to stdout (do not directly \
                                    test on the sample inputs). Enclose your code within delimiters as follows. Ensure that \
                                    when the python program runs, it reads the inputs, runs the algorithm and writes output \
                                    to STDOUT.";

impl Form {
    /// The form of a call about a problem.
    pub fn of(ctx: &Context, problem: &Problem) -> Form {
        let Settings { protocol, template, .. } = Settings::read(ctx);
        match (protocol, problem, template) {
            (Protocol::Azr, ..) => Form::Own(ctx.style),
            (Protocol::Published, Problem::Function(_) | Problem::Asserts(_), Template::Chat) => Form::EvalPlusChat,
            (Protocol::Published, Problem::Function(_) | Problem::Asserts(_), Template::Base) => Form::EvalPlusBase,
            (Protocol::Published, Problem::Method(_) | Problem::Stdin(_), _) => Form::LiveCodeBench,
        }
    }

    /// The prompt of a benchmark; none of this environment's own forms.
    pub fn published_prompt(self, problem: &Problem) -> Option<Prompt> {
        let stop = |strings: &[&str]| strings.iter().map(|stop| (*stop).to_owned()).collect();
        match self {
            Form::Own(_) => None,
            Form::EvalPlusChat => Some(Prompt {
                prefill: format!("{RESPONSE}\n```python\n"),
                stop: stop(&[&STOP[..], &["\n```\n"]].concat()),
                ..prompt::question(format!("{INSTRUCTION}\n```\n{}\n```\n", published_text(problem)))
            }),
            Form::EvalPlusBase => {
                let of_data_set = if published_text(problem).starts_with("\"\"\"") {
                    &STOP_MBPP_BASE[..]
                } else {
                    &STOP_HUMAN_EVAL_BASE
                };
                let strings = [&STOP[..], of_data_set].concat();
                Some(Prompt { stop: stop(&strings), ..prompt::text(format!("{}\n", published_text(problem))) })
            }
            Form::LiveCodeBench => Some(live_code_bench(problem)),
        }
    }

    /// The solution in a completion; empty if there is none.
    pub fn solution(self, problem: &Problem, completion: &str) -> Read<String> {
        let content = match self {
            Form::Own(style) => return program_in(style, completion, LABELS),
            Form::EvalPlusChat => fenced(&completion.replace('\t', "    ")),
            Form::EvalPlusBase => format!("{}\n{}", published_text(problem), completion.replace('\t', "    ")),
            Form::LiveCodeBench => between_last_fences(completion),
        };
        let well_formed = !content.is_empty();
        Read { content, well_formed }
    }
}

/// The problem as its data set puts it, which the question of this environment has in a fence.
fn published_text(problem: &Problem) -> &str {
    let question = problem.question();
    let fenced =
        question.strip_prefix("Write a Python function `").and_then(|rest| rest.split_once("`:\n\n```python\n"));
    fenced.and_then(|(_, rest)| rest.strip_suffix("\n```")).unwrap_or(question)
}

fn live_code_bench(problem: &Problem) -> Prompt {
    let (format, code) = match problem {
        Problem::Method(Method { starter_code, .. }) => (WITH_STARTER_CODE, &**starter_code),
        Problem::Function(_) | Problem::Stdin(_) | Problem::Asserts(_) => (WITHOUT_STARTER_CODE, "# YOUR CODE HERE"),
    };
    let question = format!(
        "### Question:\n{}\n\n### Format: {format}\n```python\n{code}\n```\n\n### Answer: (use the provided format with \
         backticks)\n\n",
        problem.question()
    );
    let mut asked = prompt::question(question);
    asked.messages.insert(0, Message { speaker: Speaker::System, content: SYSTEM.into() });
    asked
}

/// What continues an open fence, up to where it is closed. Some models open it once more.
fn fenced(completion: &str) -> String {
    let is_fence = |line: &&str| line.trim_start().starts_with("```");
    let mut lines = completion.lines().skip_while(|line| line.trim().is_empty()).peekable();
    lines.next_if(is_fence);
    let program: Vec<&str> = lines.take_while(|line| !is_fence(line)).collect();
    program.join("\n").trim_end().to_owned()
}

/// What stands between the last two lines with a fence in them.
fn between_last_fences(completion: &str) -> String {
    let lines: Vec<&str> = completion.split('\n').collect();
    let fences: Vec<usize> = (0..lines.len()).filter(|&line| lines[line].contains("```")).collect();
    match fences[..] {
        [.., open, close] => lines[open + 1..close].join("\n"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_that_the_prompt_opened_ends_where_it_is_closed() {
        for (completion, program) in [
            ("def f():\n    return 1", "def f():\n    return 1"),
            ("def f():\n    return 1\n```\nIt works like this:\n```python\nf()\n```", "def f():\n    return 1"),
            ("\n```python\nx = 1\n```", "x = 1"),
            ("```\n```", ""),
            ("", ""),
        ] {
            assert_eq!(fenced(completion), program, "{completion:?}");
        }
    }

    // lcb_runner.utils.extraction_utils.extract_code(text, LMStyle.OpenAIChat) in Python.
    #[test]
    fn the_last_two_fences_hold_the_program() {
        for (completion, program) in [
            ("```python\nx = 1\n```", "x = 1"),
            ("```python\nx = 1\n```\nand\n```python\nx = 2\n```\n", "x = 2"),
            ("```python\nx = 1\n```\nas in\n```", "as in"),
            ("```python\nx = 1", ""),
            ("x = 1", ""),
        ] {
            assert_eq!(between_last_fences(completion), program, "{completion:?}");
        }
    }
}
