//! Vetted settings to start from.

use std::path::Path;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

const PAPER: &str = include_str!("../presets/paper.toml");
const LAPTOP: &str = include_str!("../presets/laptop.toml");
const TINY: &str = include_str!("../presets/tiny.toml");
const SINGLE: &str = include_str!("../presets/single.toml");
const GRPO: &str = include_str!("../presets/algorithms/grpo.toml");
const DR_GRPO: &str = include_str!("../presets/algorithms/dr-grpo.toml");
const DAPO: &str = include_str!("../presets/algorithms/dapo.toml");
const RLOO: &str = include_str!("../presets/algorithms/rloo.toml");
const REINFORCE_PLUS_PLUS: &str = include_str!("../presets/algorithms/reinforce-plus-plus.toml");

/// A whole setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The paper's setting, for real models.
    Paper,
    /// For real models of up to a billion parameters on a few CPU cores: short prompts and answers, adapters.
    Laptop,
    /// For the embedded policy and its siblings on a laptop CPU.
    Tiny,
    /// The same for one kind of task alone.
    Single,
}

/// What a policy directory says about itself, in the file that this program writes beside the model's own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    preset: Preset,
}

impl Preset {
    /// The environment that the preset for the embedded policy has settings for.
    pub const TINY_ENVIRONMENT: &str = "python";

    /// The file of a policy directory that names the preset to train the policy with.
    pub const POLICY_FILE: &str = "azr-host.toml";

    /// What a policy directory asks for; the paper's setting where it does not say.
    pub fn of_policy(dir: &Path) -> Result<Self> {
        let path = dir.join(Self::POLICY_FILE);
        if !path.exists() {
            return Ok(Self::Paper);
        }
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let About { preset } = toml::from_str(&text).with_context(|| format!("{} names no preset", path.display()))?;
        Ok(preset)
    }

    /// Makes a policy directory ask for this preset.
    pub fn write_into(self, dir: &Path) -> Result<()> {
        let path = dir.join(Self::POLICY_FILE);
        let text = toml::to_string(&About { preset: self }).expect("a name is plain data");
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// TOML texts, of which later ones replace keys of earlier ones.
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Paper => &[PAPER],
            Self::Laptop => &[PAPER, LAPTOP],
            Self::Tiny => &[PAPER, TINY],
            Self::Single => &[PAPER, TINY, SINGLE],
        }
    }
}

/// How advantages and the loss are formed: keys on top of a preset. `presets/algorithms/` has them with their sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    /// Absolute Zero's: rewards normalised within each (environment, kind, role).
    #[value(name = "trr++")]
    TrrPlusPlus,
    /// Several attempts at each task, normalised among themselves.
    Grpo,
    /// GRPO without its biases for long and for easy or hard tasks.
    DrGrpo,
    /// GRPO with a higher upper clip, a mean over tokens, and only tasks that teach something.
    Dapo,
    /// Each attempt against the mean of the others at its task.
    Rloo,
    /// Rewards normalised over the whole step.
    #[value(name = "reinforce++")]
    ReinforcePlusPlus,
}

impl Algorithm {
    pub(super) fn keys(self) -> &'static str {
        match self {
            Self::TrrPlusPlus => "",
            Self::Grpo => GRPO,
            Self::DrGrpo => DR_GRPO,
            Self::Dapo => DAPO,
            Self::Rloo => RLOO,
            Self::ReinforcePlusPlus => REINFORCE_PLUS_PLUS,
        }
    }
}
