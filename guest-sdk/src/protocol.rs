//! Whose words ask a task of a published benchmark.
//!
//! Scores can be compared only where everybody asks and reads answers in the same way. An environment that judges tasks of
//! a benchmark offers the setting [`PROTOCOL`], which `azr-host eval --suite` sets to `published`.

use crate::{Context, OfferedSetting, setting};

/// Who words the prompts, and who says where in a completion the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The environment: reasoning in think tags, the answer in answer tags, as in self-play.
    Azr,
    /// The benchmark that a task comes from.
    Published,
}

/// The name of the setting.
pub const PROTOCOL: &str = "protocol";

impl Protocol {
    /// As the operator writes it, or what is wanted instead.
    pub fn named(name: &str) -> Result<Protocol, &'static str> {
        match name {
            "azr" => Ok(Protocol::Azr),
            "published" => Ok(Protocol::Published),
            _ => Err("`azr` or `published`"),
        }
    }

    /// The protocol of a call.
    ///
    /// Panics where the operator wrote another thing: the call is then a fault, and nobody measures what was not meant.
    pub fn read(ctx: &Context) -> Protocol {
        let written = ctx.settings.iter().find(|setting| setting.name == PROTOCOL);
        written.map_or(Protocol::Azr, |setting| {
            let wanted = |wanted| panic!("setting {PROTOCOL} is {:?}, wanted {wanted}", setting.value);
            Protocol::named(&setting.value).unwrap_or_else(wanted)
        })
    }
}

/// The setting, where an environment offers it. `benchmarks` says whose prompts there are.
pub fn offered(benchmarks: &str) -> OfferedSetting {
    setting(
        PROTOCOL,
        "azr",
        &format!(
            "`azr`: tasks are asked as in self-play, with reasoning and answer in tags. `published`: they are asked, and \
             answers are read, as {benchmarks} do it, whatever the style; what `azr-host eval --suite` measures with."
        ),
    )
}
