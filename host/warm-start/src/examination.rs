//! What a policy reaches on held-out programs, judged by the grammar's own interpreter: no environment is needed.

use azr_config::language::Language;
use std::{collections::HashSet, fmt};

use anyhow::Result;
use serde_json::json;

use super::{
    grammar::{LINES_MAX, Sample},
    lesson::{self, INDUCTION_INPUTS, Kind},
    parse::{self, Parser},
};
use azr_core::{
    rng::{Purpose, Stream},
    sampling::{SampleRequest, Sampler as _, Sampling},
};
use azr_policy::Policy;

/// The shortest program of the examination; up to [`LINES_MAX`], all lengths equally often.
const LINES_MIN: usize = 2;
/// Longer than the work on six lines of the longest values.
const COMPLETION_MAX_TOKENS: usize = 160;
/// Decides the programs of the examination that `azr-host warm-start` ends with.
pub const SEED: u64 = 1;
/// Decides the programs of `held-out.jsonl`.
const HELD_OUT_SEED: u64 = 2;
const THINK: &str = "<think>";
const THOUGHT_END: &str = "</think>";

/// Whether the policy decides to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinking {
    /// It decides.
    Free,
    /// The `<think>` is written for it.
    Forced,
}

/// Solved tasks of one kind in one manner of asking.
#[derive(Clone, Debug)]
pub struct Score {
    /// Deduction, abduction or induction.
    pub kind: Kind,
    /// Who decides to think.
    pub thinking: Thinking,
    /// 0 is greedy.
    pub temperature: f32,
    /// Attempts, one per program.
    pub attempts: usize,
    /// Of them, those that began with `<think>`.
    pub thought: usize,
    /// Right answers.
    pub solved: usize,
    /// Right answers by number of lines, from two to six, each of `attempts` / 5.
    pub solved_by_lines: [usize; LINES_MAX + 1 - LINES_MIN],
}

/// The program number `index` of the examination.
pub fn program(language: Language, seed: u64, index: usize) -> Sample {
    let mut draws = Stream::new(seed, Purpose::Evaluate, 0, index as u64).draws();
    lesson::held_out(language, &mut draws, LINES_MIN + index % (LINES_MAX + 1 - LINES_MIN))
}

/// Examines `policy` on `count` held-out programs, greedily and sampling, free and made to think.
pub fn examine(policy: &Policy, language: Language, seed: u64, count: usize) -> Result<Vec<Score>> {
    let samples: Vec<Sample> = (0..count).map(|index| program(language, seed, index)).collect();
    let parser = Parser::new(language);
    let mut scores = Vec::new();
    for kind in [Kind::Deduction, Kind::Abduction, Kind::Induction] {
        for temperature in [0.0, 1.0] {
            scores.push(score(policy, &samples, &parser, kind, Thinking::Free, temperature)?);
            if kind != Kind::Induction {
                scores.push(score(policy, &samples, &parser, kind, Thinking::Forced, temperature)?);
            }
        }
    }
    Ok(scores)
}

/// Proposals about held-out programs, one JSON object `{"kind", "completion"}` per line: `count` of each kind, no
/// program twice. An induction proposal is about a program that its prompt shows; the object has it as `"reference"`,
/// in the form of a deduction proposal.
pub fn held_out_proposals(language: Language, count: usize) -> String {
    let mut seen = HashSet::new();
    let mut samples = (0..)
        .map(|index| program(language, HELD_OUT_SEED, index))
        .filter(|sample| seen.insert(sample.program.to_string()));
    let mut lines = String::new();
    for kind in ["deduction", "abduction", "induction"] {
        for sample in samples.by_ref().take(count) {
            let program = lesson::program_and_input(&sample);
            let proposal = match kind {
                "induction" => json!({"kind": kind, "reference": program, "completion": lesson::inputs(&sample)}),
                _ => json!({"kind": kind, "completion": program}),
            };
            lines += &format!("{proposal}\n");
        }
    }
    lines
}

fn score(
    policy: &Policy,
    samples: &[Sample],
    parser: &Parser,
    kind: Kind,
    thinking: Thinking,
    temperature: f32,
) -> Result<Score> {
    let prefix = if thinking == Thinking::Forced { THINK } else { "" };
    let requests = samples.iter().zip(0..).map(|(sample, index)| {
        let prompt = policy.encode_text(&(prompt(kind, sample) + prefix))?;
        Ok(SampleRequest { prompt, stop: Vec::new(), stream: Stream::new(0, Purpose::Evaluate, 1, index) })
    });
    let sampling = Sampling {
        temperature,
        top_p: 1.0,
        top_k: 0,
        completion_max_tokens: COMPLETION_MAX_TOKENS,
        shards: 4,
        rows_max: 128,
    };
    let completions = policy.sample(&requests.collect::<Result<Vec<_>>>()?, &sampling)?;
    let attempts = completions.len();
    let mut score =
        Score { kind, thinking, temperature, attempts, thought: 0, solved: 0, solved_by_lines: Default::default() };
    for (sample, completion) in samples.iter().zip(completions) {
        let text = format!("{prefix}{}", completion.text);
        let answer =
            text.strip_prefix(THINK).and_then(|rest| rest.split_once(THOUGHT_END)).map_or(&*text, |(_, answer)| answer);
        score.thought += usize::from(text.starts_with(THINK));
        if is_right(kind, sample, answer, parser) {
            score.solved += 1;
            score.solved_by_lines[sample.program.lines.len() - LINES_MIN] += 1;
        }
    }
    Ok(score)
}

fn prompt(kind: Kind, Sample { program, cases }: &Sample) -> String {
    match kind {
        Kind::Deduction => lesson::deduction_prompt(program, &cases[0]),
        Kind::Abduction => lesson::abduction_prompt(program, &cases[0]),
        Kind::Induction => lesson::induction_prompt(cases),
        Kind::ProposeProgram | Kind::ProposeInputs => unreachable!("proposals are not examined"),
    }
}

/// An induced program must fit the shown and the hidden cases.
fn is_right(kind: Kind, Sample { program, cases }: &Sample, answer: &str, parser: &Parser) -> bool {
    match kind {
        Kind::Deduction => answer == cases[0].output_text(),
        Kind::Abduction => parse::arguments(program.language, answer)
            .and_then(|arguments| program.run(&arguments))
            .is_some_and(|case| case.output() == cases[0].output()),
        Kind::Induction => parser.program(answer).is_some_and(|induced| {
            cases[..INDUCTION_INPUTS]
                .iter()
                .all(|case| induced.run(case.arguments()).is_some_and(|run| run.output() == case.output()))
        }),
        Kind::ProposeProgram | Kind::ProposeInputs => unreachable!("proposals are not examined"),
    }
}

/// One line of the table that `azr-host warm-start` prints.
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = self.solved as f64 / self.attempts as f64;
        let error = (share * (1.0 - share) / self.attempts as f64).sqrt();
        let kind = match self.kind {
            Kind::Deduction => "deduction",
            Kind::Abduction => "abduction",
            Kind::Induction => "induction",
            Kind::ProposeProgram | Kind::ProposeInputs => "proposal",
        };
        let thinking = match self.thinking {
            Thinking::Free => "free",
            Thinking::Forced => "must think",
        };
        let sampling = if self.temperature == 0.0 { "greedy" } else { "T = 1" };
        let thought = 100.0 * self.thought as f64 / self.attempts as f64;
        write!(
            f,
            "{kind:<10} {thinking:<11} {sampling:<7} {:5.1} ± {:3.1} %   thinks {thought:3.0} %  ",
            100.0 * share,
            100.0 * error
        )?;
        let each = self.attempts as f64 / self.solved_by_lines.len() as f64;
        self.solved_by_lines.iter().try_for_each(|solved| write!(f, " {:3.0}", 100.0 * *solved as f64 / each))
    }
}
