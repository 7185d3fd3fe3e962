//! In which form a policy is asked, and its completion read: one of this environment's own, or that of a benchmark.
//!
//! The published form is CRUXEval's (`prompts.py` and `inference/tasks` of facebookresearch/cruxeval), and for functions
//! with a name of their own that of LiveCodeBench's code execution (`lcb_runner/prompts/code_execution.py`). Both write the
//! examples and the task into one text, without a chat template, and stop at `[/ANSWER]`. Prompts are word for word theirs.
//!
//! | | there | here |
//! |---|---|---|
//! | an answer is | evaluated beside the program | a constant expression, which the judge evaluates: no call of `f`. Arguments with a lambda are evaluated in the executor, without the program's names |
//! | `==` in a text of the assertion | ends the answer | belongs to it |
//! | sampling | ten samples at T = 0.2 | greedy |

use azr_guest_sdk::{Context, Prompt, Protocol, Rejection, Style, prompt};

use crate::Language;
use crate::completion::{self, Field, ProposedCall, ProposedExamples, Read, brief};
use crate::problem::{Call, Problem};
use crate::settings::{Phrasing, Reasoning, Settings};

mod published;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Own(Style),
    /// The instruct style in short.
    Brief,
    CruxEval(Reasoning),
}

/// Where an answer ends.
const END: &str = "[/ANSWER]";

impl Form {
    /// The form of a call about a problem. Only deduction and abduction are tasks of benchmarks.
    pub fn of(ctx: &Context, problem: &Problem) -> Form {
        let Settings { protocol, reasoning, .. } = Settings::read(ctx);
        match (protocol, problem) {
            (Protocol::Published, Problem::Deduction(_) | Problem::Abduction(_)) => Form::CruxEval(reasoning),
            (Protocol::Published, Problem::Induction(_) | Problem::ErrorDeduction(_)) | (Protocol::Azr, _) => {
                Form::own(ctx)
            }
        }
    }

    /// This environment's own form of a call, in which proposals always are.
    pub fn own(ctx: &Context) -> Form {
        match (ctx.style, Settings::read(ctx).wording) {
            (Style::Instruct, Phrasing::Brief) => Form::Brief,
            (style, _) => Form::Own(style),
        }
    }

    /// The prompt of a benchmark; none of this environment's own forms.
    pub fn published_prompt(self, problem: &Problem) -> Option<Prompt> {
        let Form::CruxEval(reasoning) = self else { return None };
        let text = match problem {
            Problem::Deduction(call) => published::output(call, reasoning),
            Problem::Abduction(call) => published::input(call, reasoning),
            Problem::Induction(_) | Problem::ErrorDeduction(_) => return None,
        };
        Some(Prompt { stop: vec![END.into()], ..prompt::text(text) })
    }

    /// A proposer's program and input.
    pub fn proposed_call<L: Language>(self, completion: &str) -> Result<Read<ProposedCall>, Rejection> {
        match self {
            Form::Brief => brief::proposed_call::<L>(completion),
            Form::Own(style) => completion::proposed_call::<L>(style, completion),
            Form::CruxEval(_) => panic!("no benchmark asks for proposals"),
        }
    }

    /// Exactly `count` inputs of a proposer.
    pub fn proposed_examples<L: Language>(
        self,
        completion: &str,
        count: usize,
    ) -> Result<Read<ProposedExamples>, Rejection> {
        match self {
            Form::Brief => brief::proposed_examples::<L>(completion, count),
            Form::Own(style) => completion::proposed_examples(style, completion, count),
            Form::CruxEval(_) => panic!("no benchmark asks for proposals"),
        }
    }

    /// A solver's program; empty if there is none.
    pub fn answered_program<L: Language>(self, completion: &str) -> Read<String> {
        match self {
            Form::Brief => brief::answered_program::<L>(completion),
            Form::Own(style) => completion::answered_program::<L>(style, completion),
            Form::CruxEval(_) => panic!("no benchmark asks for programs"),
        }
    }

    /// A solver's value. Always something: in the worst case the whole completion.
    pub fn answered_value<L: Language>(self, call: &Call, completion: &str, field: Field) -> Read<String> {
        match self {
            Form::Own(style) => completion::answered_value(style, completion, field),
            Form::Brief => brief::answered_value::<L>(call, completion, field),
            Form::CruxEval(_) => {
                let answer = published::answer(call, completion, field);
                Read { content: answer.to_owned(), well_formed: !answer.is_empty() }
            }
        }
    }
}
