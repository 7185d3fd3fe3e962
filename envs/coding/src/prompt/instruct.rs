//! Prompts in English.

use azr_guest_sdk::{Prompt, Style, prompt};

use crate::composite;
use crate::kind::Kind;
use crate::problem::{Call, Examples, NO_ERROR, Problem};
use crate::settings::{Settings, Template};
use crate::{Language, Wording};

pub fn propose<L: Language>(settings: &Settings, kind: Kind, references: &[Problem]) -> Prompt {
    let question = match kind {
        Kind::Deduction | Kind::Abduction | Kind::ErrorDeduction => {
            let given = composite::given::<L>(Style::Instruct, settings, references);
            propose_call(&L::WORDING, kind, references, &given)
        }
        Kind::Induction => {
            let program = references.first().map_or(L::identity(Style::Instruct), Problem::program);
            propose_examples(&L::WORDING, program, settings.induction_inputs)
        }
    };
    frame(settings.template, &question)
}

pub fn solve<L: Language>(settings: &Settings, problem: &Problem) -> Prompt {
    let question = match problem {
        Problem::Deduction(call) => solve_deduction(&L::WORDING, call),
        Problem::Abduction(call) => solve_abduction(&L::WORDING, call),
        Problem::Induction(examples) => solve_induction(&L::WORDING, examples),
        Problem::ErrorDeduction(call) => solve_error_deduction(&L::WORDING, call),
    };
    frame(settings.template, &question)
}

const FORMAT: &str = "First reason about the question inside <think> </think> tags, then give the answer inside <answer> \
                      </answer> tags: <think> reasoning </think> <answer> answer </answer>";

/// A question that is answered by reasoning in think tags and an answer in answer tags.
pub fn frame(template: Template, question: &str) -> Prompt {
    match template {
        Template::Chat => prompt::reasoned_question(format!("{question}\n\n{FORMAT}")),
        Template::Base => prompt::reasoned_question(format!(
            "A conversation between User and Assistant. The User asks a question and the Assistant answers it. The \
             Assistant thinks the question through privately before giving the User the answer. {FORMAT}\n\
             User: {question}\nAssistant: "
        )),
    }
}

fn propose_call(wording: &Wording, kind: Kind, references: &[Problem], functions: &[String]) -> String {
    let (subject, given, wanted) = match kind {
        Kind::Abduction => {
            ("find an input", "the code and its output", "an input that leads to that output; any such input is right")
        }
        Kind::Deduction | Kind::Induction => ("work out the output", "the code and its input", "the exact output"),
        Kind::ErrorDeduction => (
            "see which exception escapes, if any",
            "the code and its input",
            "the name of the exception that the call ends in, or that there is none",
        ),
    };
    let Wording { language, label, code_rules, exceptions, .. } = wording;
    let references = references_text(label, references);
    let functions = functions_text(label, functions);
    let runs = match kind {
        Kind::ErrorDeduction => format!(
            "It can be run: the call returns a value, or ends in {exceptions}, which the program lets escape. Other \
             exceptions, its own among them, it catches."
        ),
        Kind::Deduction | Kind::Abduction | Kind::Induction => {
            "It runs: code and input work together without an error.".to_owned()
        }
    };
    format!(
        "## Task: write a {language} program from whose text it is hard to {subject}

Write a new {language} program with a function `f`, together with one input for it. A test subject will be given {given} and must \
give {wanted}, without running anything. Treat it as an intelligence test: the way to the answer should take careful reasoning \
in many steps, and the answer should not be open to guessing.{novelty}

### Rules for the code
{code_rules}
- Let the program carry state through several transformations of its data, so that following it takes several steps.
{functions}
### Rules for the input
- Exactly one test input: the text that would stand between the parentheses of the call `f(...)`.
- Separate several arguments by commas, put strings in quotes, and write values only, no expressions.

### Format of the answer
Put the program in a ```{label} block and the input in an ```input block:
```{label}
(the program, with the function f)
```
```input
(the arguments)
```

### What counts
- {runs}
- It is hard to {subject}: use algorithms and data structures such as trees, heaps, stacks, queues and graphs, dynamic \
programming, recursion, divide and conquer, greedy choices, backtracking, or state machines, but keep the result short.
- It is new: {new}.

Think first: plan what the program does and why that makes it hard to {subject}, then write it.{references}",
        new = if references.is_empty() { "do something out of the ordinary" } else { "do something that the references do not" },
        novelty = if references.is_empty() { "" } else { " It must differ clearly from the reference programs below." },
    )
}

fn functions_text(label: &str, functions: &[String]) -> String {
    if functions.is_empty() {
        return String::new();
    }
    let names: Vec<String> = (0..functions.len()).map(|number| format!("`g_{number}`")).collect();
    format!(
        "- It builds on the code below, which will stand before it: `f` must call {names}, each with a parameter or variable of \
         its own in the arguments. Do not repeat this code, and define no other {names}.
```{label}
{}
```
",
        functions.join("\n"),
        names = names.join(", "),
    )
}

fn references_text(label: &str, references: &[Problem]) -> String {
    let calls = references.iter().filter_map(|reference| match reference {
        Problem::Deduction(call) | Problem::Abduction(call) | Problem::ErrorDeduction(call) => Some(call),
        Problem::Induction(_) => None,
    });
    let snippets: Vec<String> = calls
        .enumerate()
        .map(|(index, Call { input, output, program })| {
            format!(
                "<snippet_{index}>\n```{label}\n{program}\n```\n```input\n{input}\n```\n```output\n{output}\n```\n\
                 </snippet_{index}>"
            )
        })
        .collect();
    if snippets.is_empty() { String::new() } else { format!("\n\n### Reference programs\n{}", snippets.join("\n")) }
}

fn propose_examples(wording: &Wording, program: &str, count: usize) -> String {
    let Wording { label, .. } = wording;
    format!(
        "## Task: give {count} inputs for a program, and a message about it

Find {count} inputs for the function `f` below that lead to outputs as different from each other as possible. A test subject will see \
some of the inputs with their outputs and your message, and must write a program that does the same for inputs it has not seen. \
Treat it as an intelligence test: the program should be hard to find, but possible.

### Rules for the inputs
- Each is the text that would stand between the parentheses of the call `f(...)`.
- Separate several arguments by commas, put strings in quotes, and write values only, no expressions.
- No input twice. Together they should cover what the program can do, special cases included.

### Rules for the message
- A hint, a story, a puzzle or a description of what the program is for. It must not contain the program or lines of it.

### Format of the answer
Put every input in an ```input block of its own and the message in a ```message block:
```input
(the arguments of the first call)
```
```input
(the arguments of the second call, and so on)
```
```message
(the message)
```

### What counts
- The program runs with every input without an error.
- The inputs cover it well and differ from each other.
- Inputs, outputs and message together make the program hard to find, but possible.

Think first: what does the program do, and which inputs show it? Then give exactly {count} inputs and the message.

### The program
```{label}
{program}
```"
    )
}

fn solve_deduction(wording: &Wording, Call { input, program, .. }: &Call) -> String {
    let Wording { language, label, how_to_print, .. } = wording;
    format!(
        "## Task: work out the output of a {language} program

Below are a {language} program and the arguments of a call of its function `f`. Work out step by step what the call returns. \
Give the result {how_to_print}.

```{label}
{program}
```
```input
{input}
```"
    )
}

fn solve_error_deduction(wording: &Wording, Call { input, program, .. }: &Call) -> String {
    let Wording { language, label, exceptions, .. } = wording;
    format!(
        "## Task: find out how a call of a {language} program ends

Below are a {language} program and the arguments of a call of its function `f`. Work out step by step whether the call returns, \
or which exception escapes from it. Give the name of the exception, without its message, in an ```output block: {exceptions}. \
Where none escapes, give {NO_ERROR}.

```{label}
{program}
```
```input
{input}
```"
    )
}

fn solve_abduction(wording: &Wording, Call { output, program, .. }: &Call) -> String {
    let Wording { language, label, .. } = wording;
    format!(
        "## Task: find an input of a {language} program

Below are a {language} program and what a call of its function `f` returned. Find arguments with which `f` returns exactly this. \
Several answers may be right; give one: the text that stands between the parentheses of the call, in an ```input block, values \
only, separated by commas, strings in quotes.

```{label}
{program}
```
```output
{output}
```"
    )
}

fn solve_induction(wording: &Wording, examples: &Examples) -> String {
    let Wording { language, label, code_rules, frame, .. } = wording;
    let pairs: String = examples
        .shown()
        .enumerate()
        .map(|(index, (input, output))| format!("```input_{index}\n{input}\n```\n```output_{index}\n{output}\n```\n"))
        .collect();
    let message = match examples.message.as_str() {
        "" => String::new(),
        message => format!("\nThis message may help:\n```message\n{message}\n```\n"),
    };
    format!(
        "## Task: find the program

Below are inputs of an unknown {language} function `f`, each the text between the parentheses of a call, with their outputs. Write a \
program that gives the right output for these and for further inputs that you are not shown: find the general rule, do not list \
cases. Check your program by working through the pairs.

### Rules for the code
{code_rules}
- It stands in a ```{label} block, with the entry function named `f`:
```{label}
{frame}
```

### Inputs and outputs
{pairs}{message}"
    )
}
