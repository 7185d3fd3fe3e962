//! Short prompts for small models of the instruct style. What is asked for stands last, nothing in them can be copied as
//! an answer, and the answer is begun: what is left to write is the rest of a program, or of an assertion.

use azr_guest_sdk::{Prompt, Style, prompt};

use crate::composite;
use crate::kind::Kind;
use crate::problem::{Call, Examples, NO_ERROR, Problem};
use crate::settings::Settings;
use crate::{Language, Wording};

pub fn propose<L: Language>(settings: &Settings, kind: Kind, references: &[Problem]) -> Prompt {
    let Wording { language, label, opening, .. } = L::WORDING;
    if kind == Kind::Induction {
        let program = references.first().map_or(L::identity(Style::Instruct), Problem::program);
        let question = format!(
            "```{label}\n{program}\n```\nCall this {language} function {} times, each time with other arguments, so that \
             the results show what it does. Arguments are literal values. One call on each line, and nothing else.",
            settings.induction_inputs
        );
        return begun(question, format!("```{label}\nf("));
    }
    let shown: String = references.iter().filter_map(Problem::call).map(|call| reference(label, call)).collect();
    let given = composite::given::<L>(Style::Instruct, settings, references);
    let functions = match given.is_empty() {
        true => String::new(),
        false => format!(
            "```{label}\n{}\n```\nThese functions are there. Your function calls each of them.\n",
            given.join("\n")
        ),
    };
    let (another, hard) = (if shown.is_empty() { "a" } else { "another" }, hard(kind));
    let question = format!(
        "{shown}{functions}Write {another} {language} function `f` with 3 to 15 lines that does something new, and after it one \
         call of it. {hard} The function returns a value that depends on its arguments alone. The call has literal values as \
         arguments, as in the form\n```{label}\n<function f>\n\n<call of f>\n```"
    );
    begun(question, format!("```{label}\n{opening}"))
}

pub fn solve<L: Language>(problem: &Problem) -> Prompt {
    let Wording { language, label, opening, assertion, equals, exceptions, .. } = L::WORDING;
    let line = |question: String, line: String| Prompt {
        stop: vec!["\n".into()],
        ..begun(question, format!("```{label}\n{assertion}{line}"))
    };
    match problem {
        Problem::Deduction(Call { input, program, .. }) => line(
            format!(
                "```{label}\n{program}\n```\nComplete the line with the value that the call returns, as a {language} literal."
            ),
            format!("f({input}) {equals}"),
        ),
        Problem::Abduction(Call { output, program, .. }) => line(
            format!(
                "```{label}\n{program}\n```\nFind literal arguments with which `f` returns `{output}`, and complete the line \
                 with them: {assertion}f(…) {equals} {output}"
            ),
            "f(".into(),
        ),
        Problem::Induction(examples) => begun(pairs(&L::WORDING, examples), format!("```{label}\n{opening}")),
        Problem::ErrorDeduction(Call { input, program, .. }) => Prompt {
            stop: vec!["\n".into()],
            ..begun(
                format!(
                    "```{label}\n{program}\n```\nThe call `f({input})` ends in {exceptions}, or returns a value. Which exception \
                     is it? Say {NO_ERROR} if there is none."
                ),
                "The call ends in:".into(),
            )
        },
    }
}

/// A question whose answer is begun, and ends with the fence that it is in.
fn begun(question: String, beginning: String) -> Prompt {
    Prompt { prefill: beginning, stop: vec!["\n```".into()], ..prompt::question(question) }
}

/// In the form in which a new one is wanted.
fn reference(label: &str, Call { input, program, .. }: &Call) -> String {
    format!("```{label}\n{}\n\nf({input})\n```\n", program.trim_end())
}

fn hard(kind: Kind) -> &'static str {
    match kind {
        Kind::Deduction | Kind::Induction => {
            "What the call returns should be hard to guess, but possible to work out by hand."
        }
        Kind::Abduction => {
            "Whoever knows only the function and what the call returns should find it hard, but possible, to find arguments \
             that lead to it."
        }
        Kind::ErrorDeduction => {
            "Whether the call returns, or which exception it ends in, should be hard to guess, but possible to work out by hand."
        }
    }
}

fn pairs(wording: &Wording, examples: &Examples) -> String {
    let Wording { language, label, assertion, equals, .. } = wording;
    let lines: String =
        examples.shown().map(|(input, output)| format!("{assertion}f({input}) {equals} {output}\n")).collect();
    let message = match examples.message.as_str() {
        "" => String::new(),
        message => format!("A hint: {message}\n"),
    };
    format!(
        "```{label}\n{lines}```\n{message}Write the {language} function `f` for which this holds, and holds for other arguments \
         by the same rule."
    )
}
