//! From a proposer's completion to a task.

use azr_guest_sdk::format::opens_fence;
use azr_guest_sdk::value::Value;
use azr_guest_sdk::{Accepted, Context, Outcome, Proposal, Rejection, Report, Run, Style};

use crate::binding;
use crate::completion::Read;
use crate::composite;
use crate::form::Form;
use crate::kind::Kind;
use crate::leak;
use crate::measures;
use crate::outcome::{self, Ending, NoValue};
use crate::problem::{Call, Examples, NO_ERROR, Problem};
use crate::settings::Settings;
use crate::{Arguments, Language, NotAValue};

/// A proposal that reads as a task and has still to run.
///
/// Every call must come to the same value three times: twice in one instance, which catches programs that keep state,
/// and once in the second executor, which catches those that depend on hash order or addresses.
pub struct Candidate {
    kind: Kind,
    program: String,
    inputs: Vec<Arguments>,
    message: String,
    well_formed: bool,
    /// The run that checks whether the program builds on what it was given, where something was.
    checking: Option<Run>,
    /// The run that measures the program, where it is to be measured.
    measuring: Option<Run>,
}

impl Candidate {
    pub fn read<L: Language>(ctx: &Context, proposal: &Proposal) -> Result<Candidate, Rejection> {
        let settings = Settings::read(ctx);
        let kind = Kind::named(&proposal.kind);
        if kind == Kind::Induction {
            return Candidate::read_examples::<L>(ctx, &settings, proposal);
        }
        let Read { content: call, well_formed } = Form::own(ctx).proposed_call::<L>(&proposal.completion)?;
        if call.program.trim().is_empty() {
            return Err(rejection("no-program", "the program is empty"));
        }
        without_fences(ctx.style, "the program", &call.program)?;
        let arguments = read_arguments::<L>(&call.input, &settings)?;
        let references: Vec<Problem> = proposal.references.iter().map(Problem::read).collect();
        let given = composite::given::<L>(ctx.style, &settings, &references);
        let checking = composite::run::<L>(&given, &call.program);
        let program = composite::composed(&given, &call.program);
        let measuring = settings.measures.then(|| measures::run::<L>(&program, &references)).flatten();
        Ok(Candidate {
            kind,
            program,
            inputs: vec![arguments],
            message: String::new(),
            well_formed,
            checking,
            measuring,
        })
    }

    fn read_examples<L: Language>(
        ctx: &Context,
        settings: &Settings,
        proposal: &Proposal,
    ) -> Result<Candidate, Rejection> {
        let reference = proposal.references.first().map(Problem::read);
        let program = reference.as_ref().map_or(L::identity(ctx.style), Problem::program).to_owned();
        let Read { content: examples, well_formed } =
            Form::own(ctx).proposed_examples::<L>(&proposal.completion, settings.induction_inputs)?;
        if examples.message.chars().count() > settings.value_max_chars {
            return Err(too_large("the message", examples.message.chars().count(), settings));
        }
        if leak::reveals(&examples.message, &program, L::COMMENT) {
            return Err(rejection("message-reveals-program", "the message contains the program or lines of it"));
        }
        without_fences(ctx.style, "the message", &examples.message)?;
        let inputs: Vec<Arguments> =
            examples.inputs.iter().map(|input| read_arguments::<L>(input, settings)).collect::<Result<_, _>>()?;
        binding::all_differ::<L>(&program, &inputs)?;
        let message = examples.message;
        Ok(Candidate { kind: Kind::Induction, program, inputs, message, well_formed, checking: None, measuring: None })
    }

    /// One run for each input in the first executor, called twice; then all inputs in the second one, last to first, so
    /// that a program which remembers earlier calls is caught as well. At last the runs that
    /// check and measure.
    pub fn runs<L: Language>(&self) -> Vec<Run> {
        let run = |executor, inputs| Run { executor, program: self.program.clone(), inputs };
        let encoded: Vec<Vec<u8>> = self.inputs.iter().map(Arguments::encode).collect();
        let mut runs: Vec<Run> = encoded.iter().map(|input| run(0, vec![input.clone(), input.clone()])).collect();
        runs.push(run(L::SECOND_EXECUTOR, encoded.into_iter().rev().collect()));
        runs.extend(self.checking.clone());
        runs.extend(self.measuring.clone());
        runs
    }

    pub fn judge<L: Language>(self, reports: &[Report], settings: &Settings) -> Result<Accepted, Rejection> {
        let (reports, further) = reports.split_at(self.inputs.len() + 1);
        let (checked, measured) = further.split_at(usize::from(self.checking.is_some()));
        assert_eq!(measured.len(), usize::from(self.measuring.is_some()), "one report for each planned run");
        let outputs: Vec<String> = match self.kind {
            Kind::ErrorDeduction => vec![ending::<L>(reports).map_err(NoValue::rejection)?],
            Kind::Deduction | Kind::Abduction | Kind::Induction => self.outputs::<L>(reports, settings)?,
        };
        checked.first().map_or(Ok(()), composite::judge).map_err(NoValue::rejection)?;
        let (well_formed, problem) = (self.well_formed, self.problem::<L>(outputs));
        if let Problem::Induction(examples) = &problem
            && let Some(output) = leak::reveals_output(examples)
        {
            let message = format!("the message contains {output}, which is the output of a hidden input");
            return Err(rejection("message-reveals-output", message));
        }
        let measures = if settings.measures { measures::of(&problem, measured.first()) } else { Vec::new() };
        Ok(Accepted { task: problem.task(), well_formed, measures })
    }

    /// What every call comes to, wherever and however often it is made. One value after the other is read and let go: all
    /// of them together may be large.
    fn outputs<L: Language>(&self, reports: &[Report], settings: &Settings) -> Result<Vec<String>, Rejection> {
        let (elsewhere, twice) = reports.split_last().expect("there is a report for the second executor");
        let is_value = |outcome: &Outcome| matches!(outcome, Outcome::Value(_));
        if let Some(failed) = twice.iter().find(|report| !report.outcomes.iter().all(is_value)) {
            outcome::called_twice::<L>(failed).map_err(NoValue::rejection)?;
        }
        let of_input = |(index, report)| {
            let here = outcome::called_twice::<L>(report).map_err(NoValue::rejection)?;
            // There they were called last to first.
            let there = called_elsewhere(elsewhere, self.inputs.len() - 1 - index).map_err(NoValue::rejection)?;
            if here != there {
                let both = format!("{} and, elsewhere, {}", L::print(&here), L::print(&there));
                return Err(NoValue::not_deterministic(&both).rejection());
            }
            output_text::<L>(&here, settings)
        };
        twice.iter().enumerate().map(of_input).collect()
    }

    fn problem<L: Language>(self, mut outputs: Vec<String>) -> Problem {
        let mut inputs: Vec<String> = self.inputs.iter().map(Arguments::print::<L>).collect();
        let program = self.program;
        let mut call = |program| Call { input: inputs.remove(0), output: outputs.remove(0), program };
        match self.kind {
            Kind::Deduction => Problem::Deduction(call(program)),
            Kind::Abduction => Problem::Abduction(call(program)),
            Kind::ErrorDeduction => Problem::ErrorDeduction(call(program)),
            Kind::Induction => Problem::Induction(Examples { inputs, message: self.message, outputs, program }),
        }
    }
}

/// The value of one call in the second executor, where a run ends with its first call without a value.
fn called_elsewhere(report: &Report, index: usize) -> Result<Value, NoValue> {
    let ended = || report.outcomes.last().expect("a run has an outcome at least");
    outcome::value(report.outcomes.get(index).unwrap_or_else(ended))
        .map_err(|none| NoValue::not_deterministic(&format!("another interpreter: {}", none.message)))
}

/// How a call ends, wherever and however often it is made.
fn ending<L: Language>(reports: &[Report]) -> Result<String, NoValue> {
    let [twice, elsewhere] = reports else { panic!("two reports for the runs of one call") };
    let (here, there) = (outcome::ending::<L>(twice, 2)?, outcome::ending::<L>(elsewhere, 1)?);
    let text = |ending: &Ending| match ending {
        Ending::Value(value) => L::print(value),
        Ending::Exception(name) => (*name).to_owned(),
    };
    match (here == there, here) {
        (true, Ending::Exception(name)) => Ok(name.to_owned()),
        (true, Ending::Value(_)) => Ok(NO_ERROR.to_owned()),
        (false, here) => Err(NoValue::not_deterministic(&format!("{} and, elsewhere, {}", text(&here), text(&there)))),
    }
}

fn read_arguments<L: Language>(input: &str, settings: &Settings) -> Result<Arguments, Rejection> {
    let arguments = L::evaluate_arguments(input).map_err(|error| not_a_value::<L>(&error))?;
    if arguments.is_empty() {
        return Err(rejection("no-input", "the input is empty; f needs at least one argument"));
    }
    text_within(arguments.print::<L>(), "the input", settings)?;
    Ok(arguments)
}

/// The text that a task keeps of an output. It must read back as the same value, or the task could not be judged: the
/// interpreter belongs to the program, which can make it return a set of lists, say.
fn output_text<L: Language>(value: &Value, settings: &Settings) -> Result<String, Rejection> {
    let text = text_within(L::print(value), "the output", settings)?;
    match L::parse(&text) {
        Ok(read) if read == *value => Ok(text),
        Ok(read) => Err(rejection("unsupported-value", format!("the output {text} reads as {}", L::print(&read)))),
        Err(error) => {
            Err(rejection("unsupported-value", format!("the output {text} does not read as a value: {error}")))
        }
    }
}

/// In the instruct style texts stand between fences, which a line of a text could close.
fn without_fences(style: Style, name: &str, text: &str) -> Result<(), Rejection> {
    match text.lines().find(|line| style == Style::Instruct && opens_fence(line)) {
        Some(line) => {
            let message = format!("{name} has the line {:?}, which is a fence in the solver's prompt", line.trim());
            Err(rejection("fence-in-text", message))
        }
        None => Ok(()),
    }
}

fn text_within(text: String, name: &str, settings: &Settings) -> Result<String, Rejection> {
    let chars = text.chars().count();
    if chars > settings.value_max_chars { Err(too_large(name, chars, settings)) } else { Ok(text) }
}

fn too_large(name: &str, chars: usize, settings: &Settings) -> Rejection {
    rejection("too-large", format!("{name} has {chars} characters, limit is {}", settings.value_max_chars))
}

pub fn not_a_value<L: Language>(error: &NotAValue) -> Rejection {
    rejection("not-a-value", format!("the input is not a list of {} literals: {error}", L::WORDING.language))
}

pub fn rejection(code: &str, message: impl Into<String>) -> Rejection {
    Rejection { code: code.into(), message: message.into() }
}
