//! What the operator may change.

use azr_guest_sdk::protocol::{self, PROTOCOL, Protocol};
use azr_guest_sdk::{Context, Level, OfferedSetting, log, setting};

use crate::Language;

/// The settings of a call, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Inputs of an induction task, shown and hidden together.
    pub induction_inputs: usize,
    /// Longest text of one value, or of the arguments of one call.
    pub value_max_chars: usize,
    pub induction_score: InductionScore,
    pub template: Template,
    pub wording: Phrasing,
    pub imported_kind: ImportedKind,
    pub protocol: Protocol,
    pub reasoning: Reasoning,
    /// Whether proposals are measured.
    pub measures: bool,
    /// Share of proposals that must build on given functions, from 0 to 1.
    pub composite_share: f64,
    /// Most functions that one proposal is given.
    pub composite_functions_max: u64,
}

/// What an induction attempt gets that is right for some hidden inputs only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InductionScore {
    /// Nothing.
    All,
    /// Its share of the hidden inputs.
    Fraction,
}

/// How the instruct style addresses the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// As a message that the policy's own chat template frames.
    Chat,
    /// As a transcript between a user and an assistant, for policies that were never taught to chat.
    Base,
}

/// How much the instruct style says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phrasing {
    /// Rules, criteria and format; reasoning and answer in tags.
    Full,
    /// A few sentences, and the beginning of the answer.
    Brief,
}

/// What is asked about a call from a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportedKind {
    Deduction,
    Abduction,
}

/// Whether a benchmark asks for thoughts before the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reasoning {
    Direct,
    Cot,
}

impl Template {
    /// As the operator writes it, or what is wanted instead.
    pub fn named(name: &str) -> Result<Template, &'static str> {
        match name {
            "chat" => Ok(Template::Chat),
            "base" => Ok(Template::Base),
            _ => Err("`chat` or `base`"),
        }
    }
}

const INDUCTION_INPUTS: &str = "induction-inputs";
const VALUE_MAX_CHARS: &str = "value-max-chars";
const INDUCTION_SCORE: &str = "induction-score";
const TEMPLATE: &str = "template";
const WORDING: &str = "wording";
const IMPORTED_KIND: &str = "imported-kind";
const REASONING: &str = "reasoning";
const MEASURES: &str = "measures";
const COMPOSITE_SHARE: &str = "composite-share";
const COMPOSITE_FUNCTIONS_MAX: &str = "composite-functions-max";

/// Each input takes a run, and all together take one more: the host makes at most 64 for a proposal.
const INDUCTION_INPUTS_MAX: usize = 60;

pub fn offered<L: Language>() -> Vec<OfferedSetting> {
    let mut offered = vec![
        setting(
            INDUCTION_INPUTS,
            "10",
            "Inputs of an induction task, 2 to 60. The first half is shown to the solver, the rest is hidden.",
        ),
        setting(
            VALUE_MAX_CHARS,
            "1000",
            "Longest text of an output or of the arguments of a call. A proposal with a longer one is rejected.",
        ),
        setting(
            INDUCTION_SCORE,
            "all",
            "`all`: an induction attempt scores 1 when it is right for every hidden input, else 0. \
             `fraction`: it scores the share of hidden inputs that it is right for.",
        ),
        setting(
            TEMPLATE,
            "chat",
            "Of the instruct style. `chat`: a message for the policy's chat template. `base`: a transcript between a \
             user and an assistant, for base models.",
        ),
        setting(
            WORDING,
            "full",
            "Of the instruct style. `full`: rules and criteria, and reasoning and answer in tags, for models that follow them. \
             `brief`: a few sentences and the beginning of the answer, without reasoning, for small models.",
        ),
        setting(
            IMPORTED_KIND,
            "deduction",
            "Of a line {\"code\", \"input\", \"output\"} of a data set. `deduction`: the output is asked for, as in CRUXEval-O. \
             `abduction`: the input, as in CRUXEval-I.",
        ),
        setting(
            MEASURES,
            "off",
            "`on`: accepted proposals are measured: how rare their answer is and, where the language has a measuring \
             program, how complex their program is and how far from the references.",
        ),
        setting(
            COMPOSITE_SHARE,
            "0",
            "Share of proposals, from 0 to 1, that must build on functions from their references. Has no effect where the \
             language cannot take functions from programs.",
        ),
        setting(COMPOSITE_FUNCTIONS_MAX, "2", "At most so many functions are given to such a proposal, 1 to 9."),
    ];
    if L::HAS_BENCHMARKS {
        offered.push(protocol::offered("CRUXEval and LiveCodeBench's code execution"));
        offered.push(setting(
            REASONING,
            "direct",
            "Of the published protocol. `direct`: the answer alone is asked for. `cot`: thoughts before it.",
        ));
    }
    offered
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            induction_inputs: 10,
            value_max_chars: 1000,
            induction_score: InductionScore::All,
            template: Template::Chat,
            wording: Phrasing::Full,
            imported_kind: ImportedKind::Deduction,
            protocol: Protocol::Azr,
            reasoning: Reasoning::Direct,
            measures: false,
            composite_share: 0.0,
            composite_functions_max: 2,
        }
    }
}

impl Settings {
    /// Reads the settings of a call.
    pub fn read(ctx: &Context) -> Settings {
        let mut settings = Settings::default();
        apply(ctx, |name, value| settings.set(name, value));
        settings
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        match name {
            INDUCTION_INPUTS => {
                self.induction_inputs = number(value, 2, INDUCTION_INPUTS_MAX).ok_or("a number from 2 to 60")?;
            }
            VALUE_MAX_CHARS => {
                self.value_max_chars = number(value, 1, 20_000).ok_or("a number from 1 to 20000")?;
            }
            INDUCTION_SCORE => {
                self.induction_score = match value {
                    "all" => InductionScore::All,
                    "fraction" => InductionScore::Fraction,
                    _ => return Err("`all` or `fraction`"),
                };
            }
            TEMPLATE => {
                self.template = Template::named(value)?;
            }
            WORDING => {
                self.wording = match value {
                    "full" => Phrasing::Full,
                    "brief" => Phrasing::Brief,
                    _ => return Err("`full` or `brief`"),
                };
            }
            IMPORTED_KIND => {
                self.imported_kind = match value {
                    "deduction" => ImportedKind::Deduction,
                    "abduction" => ImportedKind::Abduction,
                    _ => return Err("`deduction` or `abduction`"),
                };
            }
            PROTOCOL => self.protocol = Protocol::named(value)?,
            REASONING => {
                self.reasoning = match value {
                    "direct" => Reasoning::Direct,
                    "cot" => Reasoning::Cot,
                    _ => return Err("`direct` or `cot`"),
                };
            }
            MEASURES => {
                self.measures = match value {
                    "on" => true,
                    "off" => false,
                    _ => return Err("`on` or `off`"),
                };
            }
            COMPOSITE_SHARE => {
                let share = value.parse().ok().filter(|share| (0.0..=1.0).contains(share));
                self.composite_share = share.ok_or("a number from 0 to 1")?;
            }
            COMPOSITE_FUNCTIONS_MAX => {
                self.composite_functions_max = number(value, 1, 9).ok_or("a number from 1 to 9")? as u64;
            }
            _ => return Err("the name of a setting that is described"),
        }
        Ok(())
    }
}

/// Gives each setting of a call, by name and value, to `set`, which says what it wants where it refuses one. A value that
/// makes no sense is the operator's mistake: it is logged and then a fault, so that nothing is trained with settings that
/// nobody chose.
pub fn apply(ctx: &Context, mut set: impl FnMut(&str, &str) -> Result<(), &'static str>) {
    for setting in &ctx.settings {
        if let Err(wanted) = set(&setting.name, &setting.value) {
            let message = format!("setting {} is {:?}, wanted {wanted}", setting.name, setting.value);
            log(Level::Warn, &message);
            panic!("{message}");
        }
    }
}

fn number(text: &str, least: usize, most: usize) -> Option<usize> {
    text.parse().ok().filter(|number| (least..=most).contains(number))
}
