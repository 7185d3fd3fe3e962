//! What the operator may change.

use azr_guest_sdk::protocol::{self, PROTOCOL, Protocol};
use azr_guest_sdk::{Context, OfferedSetting, setting};
use coding_judge::settings::{self, Template};

/// The settings of a call, read and checked.
pub struct Settings {
    /// Whether lines whose assertions run beside the solution are tasks.
    pub accept_asserts: bool,
    /// Whether the inputs that EvalPlus added are used.
    pub plus_inputs: bool,
    pub template: Template,
    pub protocol: Protocol,
}

const ASSERTS: &str = "asserts";
const INPUTS: &str = "inputs";
const TEMPLATE: &str = "template";

pub fn offered() -> Vec<OfferedSetting> {
    vec![
        setting(
            ASSERTS,
            "refuse",
            "`accept`: lines of HumanEval, MBPP and the like are tasks of kind asserts. Their assertions run in the \
             interpreter of the solution, which can tamper with them: measure with them, but do not train on them. \
             `refuse`: they are no tasks.",
        ),
        setting(
            INPUTS,
            "plus",
            "Of EvalPlus. `plus`: all inputs, as for HumanEval+. `base`: the original ones, as for HumanEval.",
        ),
        setting(
            TEMPLATE,
            "chat",
            "Of the instruct style. `chat`: a message for the policy's chat template. `base`: a transcript between a \
             user and an assistant, for base models, or without any frame where the protocol is published.",
        ),
        protocol::offered("EvalPlus and LiveCodeBench"),
    ]
}

impl Settings {
    /// Reads the settings of a call.
    pub fn read(ctx: &Context) -> Settings {
        let mut settings =
            Settings { accept_asserts: false, plus_inputs: true, template: Template::Chat, protocol: Protocol::Azr };
        settings::apply(ctx, |name, value| settings.set(name, value));
        settings
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        match (name, value) {
            (ASSERTS, "accept") => self.accept_asserts = true,
            (ASSERTS, "refuse") => self.accept_asserts = false,
            (ASSERTS, _) => return Err("`accept` or `refuse`"),
            (INPUTS, "plus") => self.plus_inputs = true,
            (INPUTS, "base") => self.plus_inputs = false,
            (INPUTS, _) => return Err("`plus` or `base`"),
            (PROTOCOL, value) => self.protocol = Protocol::named(value)?,
            (TEMPLATE, value) => self.template = Template::named(value)?,
            _ => return Err("the name of a setting that is described"),
        }
        Ok(())
    }
}
