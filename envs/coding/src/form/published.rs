//! The prompts of CRUXEval and of LiveCodeBench's code execution, and where their answers are. The texts beside this file
//! are theirs, under the MIT licence.

use crate::completion::Field;
use crate::form::END;
use crate::problem::Call;
use crate::settings::Reasoning;

const OUTPUT_DIRECT: &str = include_str!("output-direct.txt");
const OUTPUT_COT: &str = include_str!("output-cot.txt");
const INPUT_DIRECT: &str = include_str!("input-direct.txt");
const INPUT_COT: &str = include_str!("input-cot.txt");
const NAMED_DIRECT: &str = include_str!("named-direct.txt");
const NAMED_COT: &str = include_str!("named-cot.txt");

pub fn output(call: &Call, reasoning: Reasoning) -> String {
    let Function { name, code, named } = Function::of(call);
    let examples = match (named, reasoning) {
        (false, Reasoning::Direct) => OUTPUT_DIRECT,
        (false, Reasoning::Cot) => OUTPUT_COT,
        (true, Reasoning::Direct) => NAMED_DIRECT,
        (true, Reasoning::Cot) => NAMED_COT,
    };
    asked(examples, code, &format!("assert {name}({}) == ??", call.input), reasoning)
}

/// LiveCodeBench does not ask for inputs, so CRUXEval's prompt serves for all.
pub fn input(call: &Call, reasoning: Reasoning) -> String {
    let Function { name, code, named: _ } = Function::of(call);
    let examples = match reasoning {
        Reasoning::Direct => INPUT_DIRECT,
        Reasoning::Cot => INPUT_COT,
    };
    asked(examples, code, &format!("assert {name}(??) == {}", call.output), reasoning)
}

fn asked(examples: &str, code: &str, assertion: &str, reasoning: Reasoning) -> String {
    let opened = match reasoning {
        Reasoning::Direct => "[ANSWER]",
        Reasoning::Cot => "[THOUGHT]",
    };
    format!("{examples}[PYTHON]\n{code}\n{assertion}\n[/PYTHON]\n{opened}\n")
}

/// The function that a call calls: a program from LiveCodeBench ends with `f = NAME`.
struct Function<'a> {
    name: &'a str,
    code: &'a str,
    named: bool,
}

impl Function<'_> {
    fn of(call: &Call) -> Function<'_> {
        match call.program.rsplit_once("\n\nf = ") {
            Some((code, name)) if !name.contains('\n') => Function { name, code, named: true },
            _ => Function { name: "f", code: &call.program, named: false },
        }
    }
}

/// The value in a completion: of an assertion the side that was asked for, else all that stands in the answer block.
pub fn answer<'a>(call: &Call, completion: &'a str, field: Field) -> &'a str {
    let block = completion.split_once("[ANSWER]").map_or(completion, |(_, answer)| answer);
    let block = block.split_once(END).map_or(block, |(answer, _)| answer).trim();
    let asserted = block.strip_prefix("assert").map_or(block, str::trim_start);
    match field {
        Field::Output => {
            let given = format!("{}({}) ==", Function::of(call).name, call.input);
            let sides = || asserted.split_once("==").map(|(_, right)| right);
            asserted.strip_prefix(&given).or_else(sides).unwrap_or(asserted).trim()
        }
        Field::Input => {
            let sides = || asserted.split_once("==").map(|(left, _)| left);
            let side = asserted.strip_suffix(&call.output).and_then(|rest| rest.trim_end().strip_suffix("=="));
            let side = side.or_else(sides).unwrap_or(asserted).trim();
            let arguments = side.strip_prefix(Function::of(call).name).map(str::trim_start);
            arguments.and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')')).unwrap_or(side)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(program: &str) -> Call {
        Call { input: "\"a==b\", 2".into(), output: "['==']".into(), program: program.into() }
    }

    // What CRUXEval's `postprocess_generation` leaves of these, apart from `==` in texts.
    #[test]
    fn one_side_of_an_assertion_is_the_answer() {
        let call = call("def f(a, b):\n    return [a[1:3]]");
        for (completion, output, input) in [
            ("assert f(\"a==b\", 2) == ['==']\n", "['==']", "\"a==b\", 2"),
            ("f(\"a==b\", 2) == ['==']", "['==']", "\"a==b\", 2"),
            ("assert f(1) == 2", "2", "1"),
            ("['==']", "']", "['"),
            ("17", "17", "17"),
            ("So it is 3.\n[/THOUGHT]\n[ANSWER]\nassert f(1) == 3\n[/ANSWER]\n[PYTHON]", "3", "1"),
            ("[ANSWER]\n5", "5", "5"),
            ("", "", ""),
        ] {
            assert_eq!(answer(&call, completion, Field::Output), output, "{completion:?}");
            assert_eq!(answer(&call, completion, Field::Input), input, "{completion:?}");
        }
    }

    #[test]
    fn functions_with_a_name_are_asked_about_by_it() {
        let call = call("def cut(a, b):\n    return [a[1:3]]\n\nf = cut");
        let asked = output(&call, Reasoning::Direct);
        assert!(asked.starts_with("You are given a Python function and an assertion"));
        assert!(asked.contains("def repeatNumber(number : int) -> int:"), "{asked}");
        let task = "[/ANSWER]\n\n[PYTHON]\ndef cut(a, b):\n    return [a[1:3]]\nassert cut(\"a==b\", 2) == ??\n[/PYTHON]\n[ANSWER]\n";
        assert!(asked.ends_with(task), "{asked}");
        assert_eq!(answer(&call, "assert cut(\"a==b\", 2) == ['==']", Field::Output), "['==']");
        assert!(input(&call, Reasoning::Cot).ends_with("assert cut(??) == ['==']\n[/PYTHON]\n[THOUGHT]\n"));
    }
}
