//! The policy that is compiled in: tiny, warm-started on programs drawn from a grammar (`azr-host warm-start`).

use anyhow::Result;
use azr_config::Preset;

use super::{LoadOptions, ModelConfig, Policy};

/// Its name where others have a directory.
pub const NAME: &str = "embedded";

/// The environment whose tasks the embedded policy was warm-started for.
pub const ENVIRONMENT: &str = Preset::TINY_ENVIRONMENT;

/// Tasks about programs that the warm start never saw, one JSON object per line.
pub const HELD_OUT: &str = include_str!("../policies/tiny/held-out.jsonl");

const CONFIG: &[u8] = include_bytes!("../policies/tiny/config.json");

/// Its Hugging Face directory.
const FILES: [(&str, &[u8]); 6] = [
    ("azr-host.toml", include_bytes!("../policies/tiny/azr-host.toml")),
    ("config.json", CONFIG),
    ("generation_config.json", include_bytes!("../policies/tiny/generation_config.json")),
    ("tokenizer.json", include_bytes!("../policies/tiny/tokenizer.json")),
    ("tokenizer_config.json", include_bytes!("../policies/tiny/tokenizer_config.json")),
    ("model.safetensors", include_bytes!("../policies/tiny/model.safetensors")),
];

pub(crate) fn shape() -> Result<ModelConfig> {
    ModelConfig::parse(CONFIG)
}

/// Loads the embedded policy.
pub fn policy(options: &LoadOptions) -> Result<Policy> {
    Policy::from_memory("the embedded policy", &FILES, options)
}
