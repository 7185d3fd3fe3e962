//! What the warm start learns from: prompts and completions of the compact style, drawn from the grammar.

use super::grammar::{self, Case, LINES_MAX, Program, Sample};
use azr_config::language::Language;
use azr_core::rng::Draws;

/// Pairs that an induction task shows.
pub const INDUCTION_SHOWN: usize = 3;
/// Inputs of an induction proposal: as many hidden as shown. The run configuration must ask for the same number.
pub const INDUCTION_INPUTS: usize = 2 * INDUCTION_SHOWN;
/// The most references in a proposer's prompt.
const REFERENCES_MAX: usize = 3;

/// How often which kind of lesson is drawn, and how often a lesson shows its work.
#[derive(Clone, Debug)]
pub struct Mix {
    /// Of the programs.
    pub language: Language,
    /// Relative number of lessons per kind.
    pub weights: [(Kind, f64); 5],
    /// Share of the deduction and abduction completions that think before they answer.
    pub traced_share: f64,
}

/// What a lesson teaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Propose a program with an input, for deduction or abduction.
    ProposeProgram,
    /// Propose inputs for a program, for induction.
    ProposeInputs,
    /// Find the output.
    Deduction,
    /// Find an input.
    Abduction,
    /// Find a program.
    Induction,
}

/// A prompt and what the policy should say to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// What it teaches.
    pub kind: Kind,
    /// The prompt in the compact style.
    pub prompt: String,
    /// The completion, without the end marker.
    pub completion: String,
    /// Whether the completion begins with a `<think>` block although it could begin with the answer.
    pub thinks: bool,
}

impl Mix {
    /// Found by trial. Most deductions and abductions are traced, because single steps are what has to become reliable.
    pub fn new(language: Language) -> Self {
        Self {
            language,
            weights: [
                (Kind::ProposeProgram, 0.13),
                (Kind::ProposeInputs, 0.04),
                (Kind::Deduction, 0.45),
                (Kind::Abduction, 0.25),
                (Kind::Induction, 0.13),
            ],
            traced_share: 0.85,
        }
    }

    /// A random lesson about programs of at most `lines_max` lines that are not held out.
    pub fn draw(&self, draws: &mut Draws, lines_max: usize) -> Lesson {
        let total: f64 = self.weights.iter().map(|(_, weight)| weight).sum();
        let mut left = draws.uniform() * total;
        let kind = self.weights.iter().find(|(_, weight)| {
            left -= weight;
            left < 0.0
        });
        let kind = kind.map_or(Kind::Induction, |(kind, _)| *kind);
        let lines = 1 + draws.below(lines_max);
        let language = self.language;
        match kind {
            Kind::ProposeProgram => propose_program(language, draws, lines, lines_max),
            Kind::ProposeInputs => propose_inputs(&known(language, draws, lines)),
            Kind::Deduction => deduction(&known(language, draws, lines), draws.uniform() < self.traced_share),
            Kind::Abduction => abduction(&known(language, draws, lines), draws.uniform() < self.traced_share),
            Kind::Induction => induction(&known(language, draws, lines)),
        }
    }
}

/// A program of the training split.
fn known(language: Language, draws: &mut Draws, lines: usize) -> Sample {
    loop {
        let sample = grammar::sample(language, draws, lines);
        if !grammar::is_held_out(&sample.program.to_string()) {
            return sample;
        }
    }
}

/// A program of the held-out split.
pub fn held_out(language: Language, draws: &mut Draws, lines: usize) -> Sample {
    loop {
        let sample = grammar::sample(language, draws, lines);
        if grammar::is_held_out(&sample.program.to_string()) {
            return sample;
        }
    }
}

/// `<solve><deduction><program>P<input>I<output>`
pub fn deduction_prompt(program: &Program, case: &Case) -> String {
    format!("<solve><deduction><program>{program}<input>{}<output>", case.input())
}

/// `<solve><abduction><program>P<output>O<input>`
pub fn abduction_prompt(program: &Program, case: &Case) -> String {
    format!("<solve><abduction><program>{program}<output>{}<input>", case.output_text())
}

/// `<solve><induction>`, the shown pairs and `<program>`
pub fn induction_prompt(cases: &[Case]) -> String {
    let pair = |case: &Case| format!("<input>{}<output>{}", case.input(), case.output_text());
    let pairs: String = cases[..INDUCTION_SHOWN].iter().map(pair).collect();
    format!("<solve><induction>{pairs}<program>")
}

/// The output, after all lines with their values where it thinks.
fn deduction(Sample { program, cases }: &Sample, thinks: bool) -> Lesson {
    let thought = if thinks { thought(program.work(&cases[0])) } else { String::new() };
    let completion = format!("{thought}{}", cases[0].output_text());
    Lesson { kind: Kind::Deduction, prompt: deduction_prompt(program, &cases[0]), completion, thinks }
}

/// An input, after the values of all lines, the last one first, where it thinks.
fn abduction(Sample { program, cases }: &Sample, thinks: bool) -> Lesson {
    let thought = if thinks { thought(program.work_backwards(&cases[0])) } else { String::new() };
    let completion = format!("{thought}{}", cases[0].input());
    Lesson { kind: Kind::Abduction, prompt: abduction_prompt(program, &cases[0]), completion, thinks }
}

/// `<think>b=5\nc=10</think>`.
fn thought(steps: impl Iterator<Item = String>) -> String {
    format!("<think>{}</think>", steps.collect::<Vec<String>>().join("\n"))
}

/// A program that fits the shown pairs.
fn induction(Sample { program, cases }: &Sample) -> Lesson {
    Lesson { kind: Kind::Induction, prompt: induction_prompt(cases), completion: program.to_string(), thinks: false }
}

/// `<propose><induction><program>P<input>` → inputs.
fn propose_inputs(sample: &Sample) -> Lesson {
    let prompt = format!("<propose><induction><program>{}<input>", sample.program);
    Lesson { kind: Kind::ProposeInputs, prompt, completion: inputs(sample), thinks: false }
}

/// The inputs of an induction proposal.
pub fn inputs(sample: &Sample) -> String {
    let inputs: Vec<String> = sample.cases[..INDUCTION_INPUTS].iter().map(Case::input).collect();
    inputs.join("<input>")
}

/// `<propose><deduction>` or `<propose><abduction>` with references → a program with an input. Half of the proposals
/// with a reference begin like it.
fn propose_program(language: Language, draws: &mut Draws, lines: usize, lines_max: usize) -> Lesson {
    let kind = ["deduction", "abduction"][draws.below(2)];
    let references: Vec<Sample> = (0..draws.below(REFERENCES_MAX + 1))
        .map(|_| {
            let lines = draws.below(lines_max + 1);
            if lines == 0 { grammar::identity(language, draws) } else { known(language, draws, lines) }
        })
        .collect();
    let edited = references.last().filter(|_| draws.uniform() < 0.5);
    let edited = edited.and_then(|reference| grammar::edit(reference, draws, lines));
    let proposed = edited
        .filter(|sample| !grammar::is_held_out(&sample.program.to_string()))
        .unwrap_or_else(|| known(language, draws, lines));
    let shown: String = references.iter().map(program_and_input).map(|text| format!("<program>{text}")).collect();
    let prompt = format!("<propose><{kind}>{shown}<program>");
    Lesson { kind: Kind::ProposeProgram, prompt, completion: program_and_input(&proposed), thinks: false }
}

/// The text of a deduction or abduction proposal.
pub fn program_and_input(sample: &Sample) -> String {
    format!("{}<input>{}", sample.program, sample.cases[0].input())
}

/// The longest program in lessons when `progress` (0 to 1) of the training is done: short ones first, all lengths in
/// the second half.
pub fn lines_max(progress: f64) -> usize {
    let grown = 1.0 + 2.5 * progress * LINES_MAX as f64;
    (grown as usize).clamp(1, LINES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        grammar::Sample,
        parse::{self, Parser},
    };

    fn sample() -> Sample {
        let program =
            Parser::new(Language::Python).program("def f(a):\n b=a*2\n c=b+a\n return c").expect("of the language");
        let inputs = ["5", "1", "2", "3", "4", "0", "6"];
        let case =
            |input: &&str| program.run(&parse::arguments(Language::Python, input).expect("a number")).expect("runs");
        Sample { cases: inputs.iter().map(case).collect(), program }
    }

    /// The compact style, to the byte.
    #[test]
    fn prompts_and_completions_are_as_the_environment_has_them() {
        let text = "def f(a):\n b=a*2\n c=b+a\n return c";
        let lesson = deduction(&sample(), true);
        assert_eq!(lesson.prompt, format!("<solve><deduction><program>{text}<input>5<output>"));
        assert_eq!(lesson.completion, "<think>b=5*2=10\nc=10+5=15</think>15");
        let lesson = abduction(&sample(), true);
        assert_eq!(lesson.prompt, format!("<solve><abduction><program>{text}<output>15<input>"));
        assert_eq!(lesson.completion, "<think>c=b+a=15\nb=a*2=10</think>5");
        let lesson = induction(&sample());
        assert_eq!(lesson.prompt, "<solve><induction><input>5<output>15<input>1<output>3<input>2<output>6<program>");
        assert_eq!(lesson.completion, text);
        let lesson = propose_inputs(&sample());
        assert_eq!(lesson.prompt, format!("<propose><induction><program>{text}<input>"));
        assert_eq!(lesson.completion, "5<input>1<input>2<input>3<input>4<input>0");
        assert_eq!(program_and_input(&sample()), format!("{text}<input>5"));
    }

    #[test]
    fn programs_grow_to_the_full_length() {
        assert_eq!([0.0, 0.1, 0.4, 1.0].map(lines_max), [1, 2, LINES_MAX, LINES_MAX]);
    }
}
