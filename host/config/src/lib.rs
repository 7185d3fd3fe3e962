//! The configuration of a run: one TOML file, resolved and then checked.
//!
//! `presets/paper.toml` holds every key with its meaning and its default. Another preset, a file and `--set` replace
//! single keys; a key that is not in `paper.toml` is an error. Stages receive only their own struct.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result, bail};
use azr_core::limits::Limits;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

pub mod language;
mod lora;
mod preset;
mod reward;
mod sampling;
mod stages;
mod update;

pub use lora::{LoraConfig, Projection};
pub use preset::{Algorithm, Preset};
pub use reward::{
    AdvantageConfig, AsNew, Baseline, Combination, MeasureReward, RepeatReward, RewardConfig, Scale, Weighting,
};
pub use sampling::{Dtype, PolicyConfig, SamplingConfig};
pub use stages::{
    BreachAction, BufferConfig, CheckpointConfig, EvaluationConfig, FaultsConfig, GenerateConfig, LearnabilityConfig,
    ProposeConfig, SeedingConfig, SolveConfig, SolveStrategy,
};
pub use update::{Activations, Average, MomentsKind, OptimizerKind, Schedule, UpdateConfig, WeightsKind};

/// How many times the configured batches one environment may get.
const ENV_WEIGHT_MAX: f64 = 100.0;

/// A whole run, resolved. The keys are described in `presets/paper.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RunConfig {
    pub seed: u64,
    pub steps: u64,
    pub style: Style,
    pub control: Control,
    pub policy: PolicyConfig,
    pub sampling: SamplingConfig,
    pub generate: GenerateConfig,
    pub propose: ProposeConfig,
    pub learnability: LearnabilityConfig,
    pub solve: SolveConfig,
    pub buffer: BufferConfig,
    pub seeding: SeedingConfig,
    pub reward: RewardConfig,
    pub advantage: AdvantageConfig,
    pub update: UpdateConfig,
    pub evaluation: EvaluationConfig,
    pub checkpoint: CheckpointConfig,
    pub faults: FaultsConfig,
    pub sandbox: Limits,
    /// Settings that environments offer, by environment name and setting name.
    #[serde(default)]
    pub environments: BTreeMap<String, BTreeMap<String, String>>,
    /// Kinds in play, by environment name.
    pub kinds: BTreeMap<String, Vec<String>>,
    /// By environment name.
    pub env_weights: BTreeMap<String, f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    Instruct,
    Compact,
}

/// A deliberately broken run to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// The real thing.
    None,
    /// Rewards are shuffled within their group, so that nothing can be learned from them.
    Shuffle,
}

impl RunConfig {
    /// The preset, then the file, then `KEY=VALUE` pairs; later ones win. The result is checked.
    pub fn resolve(preset: Preset, file: Option<&Path>, overrides: &[String]) -> Result<Self> {
        Self::resolve_with(preset, Algorithm::TrrPlusPlus, file, overrides)
    }

    /// The same with the algorithm's keys on top of the preset's.
    pub fn resolve_with(
        preset: Preset,
        algorithm: Algorithm,
        file: Option<&Path>,
        overrides: &[String],
    ) -> Result<Self> {
        let mut table = Table::new();
        for keys in preset.keys().iter().copied().chain([algorithm.keys()]) {
            lay(&mut table, keys.parse().expect("the presets are valid TOML"))?;
        }
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the configuration {}", path.display()))?;
            let written = text.parse().with_context(|| format!("{} is not TOML", path.display()))?;
            lay(&mut table, written)?;
        }
        for pair in overrides {
            lay(&mut table, parse_override(pair)?)?;
        }
        let source = file.map_or("the configuration".to_owned(), |path| path.display().to_string());
        Self::from_table(table).with_context(|| format!("{source} does not describe a run"))
    }

    /// This configuration with `KEY=VALUE` pairs on top.
    pub fn with(&self, overrides: &[String]) -> Result<Self> {
        let mut table: Table = self.to_toml().parse().expect("a configuration is valid TOML");
        for pair in overrides {
            lay(&mut table, parse_override(pair)?)?;
        }
        Self::from_table(table).context("the keys that replace the experiment's do not describe a run")
    }

    /// Reads a resolved configuration back.
    pub fn from_toml(text: &str) -> Result<Self> {
        Self::from_table(text.parse()?)
    }

    fn from_table(table: Table) -> Result<Self> {
        if let Some(key) = not_finite(&table) {
            bail!("{key} is not a finite number");
        }
        let config: Self = table.try_into()?;
        config.check()?;
        Ok(config)
    }

    /// The whole configuration, every key included.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a configuration is plain data")
    }

    /// Whether some divergence to the start policy counts.
    pub fn needs_start_policy(&self) -> bool {
        self.propose.kl_coefficient > 0.0 || self.solve.kl_coefficient > 0.0
    }

    fn check(&self) -> Result<()> {
        at_least_one(&[("steps", self.steps as usize)])?;
        self.policy.check()?;
        self.sampling.check()?;
        self.generate.check()?;
        self.propose.check()?;
        self.solve.check()?;
        self.buffer.check()?;
        self.seeding.check()?;
        self.advantage.check(&self.solve)?;
        self.update.check()?;
        self.evaluation.check()?;
        self.checkpoint.check()?;
        self.faults.check()?;
        let weights = 0.0..=ENV_WEIGHT_MAX;
        if let Some((name, weight)) = self.env_weights.iter().find(|(_, weight)| !weights.contains(weight)) {
            bail!("env-weights.{name} is {weight}; it must be from 0 to {ENV_WEIGHT_MAX}");
        }
        Ok(())
    }
}

/// Refuses keys that are 0.
fn at_least_one(keys: &[(&str, usize)]) -> Result<()> {
    if let Some((key, _)) = keys.iter().find(|(_, value)| *value == 0) {
        bail!("{key} is 0; it must be at least 1");
    }
    Ok(())
}

/// Refuses keys below 0. That they are finite is known.
fn not_negative(keys: &[(&str, f64)]) -> Result<()> {
    if let Some((key, value)) = keys.iter().find(|(_, value)| *value < 0.0) {
        bail!("{key} is {value}; it must not be negative");
    }
    Ok(())
}

/// The first key whose value is NaN or infinite.
fn not_finite(table: &Table) -> Option<String> {
    table.iter().find_map(|(key, value)| match value {
        Value::Float(number) => (!number.is_finite()).then(|| key.clone()),
        Value::Table(inner) => not_finite(inner).map(|found| format!("{key}.{found}")),
        _ => None,
    })
}

/// Puts a layer on top. One that names a profile of limits begins with all limits of that profile.
fn lay(table: &mut Table, layer: Table) -> Result<()> {
    if let Some(profile) = layer.get("sandbox").and_then(|sandbox| sandbox.get("profile")) {
        let profile = profile.clone().try_into().context("sandbox.profile")?;
        let mut limits = Table::try_from(Limits::of(profile)).expect("limits are plain data");
        // How well the compiler is confined is no matter of how much programs may use.
        limits.remove("ring");
        overlay(table, Table::from_iter([("sandbox".to_owned(), Value::Table(limits))]));
    }
    overlay(table, layer);
    Ok(())
}

/// Puts the keys of `over` into `base`, table by table.
fn overlay(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => overlay(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// `update.learning-rate=1e-4` as a table. The value is TOML; bare words are strings.
fn parse_override(pair: &str) -> Result<Table> {
    let (path, text) =
        pair.split_once('=').with_context(|| format!("--set {pair:?} has no '='; write --set KEY=VALUE"))?;
    let value = format!("v = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("v"))
        .unwrap_or_else(|| Value::String(text.to_owned()));
    let mut keys = path.split('.').rev();
    let last = keys.next().expect("split yields at least one part").to_owned();
    let innermost = Table::from_iter([(last, value)]);
    Ok(keys.fold(innermost, |inner, key| Table::from_iter([(key.to_owned(), Value::Table(inner))])))
}

#[cfg(test)]
mod tests {
    use azr_core::limits::Profile;

    use super::*;

    fn resolve(overrides: &[&str]) -> Result<RunConfig> {
        RunConfig::resolve(Preset::Paper, None, &overrides.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>())
    }

    /// arXiv:2505.03335, table 3.
    #[test]
    fn the_default_is_the_papers_setting() {
        let config = resolve(&[]).unwrap();
        assert_eq!((config.propose.batch, config.solve.batch, config.learnability.samples), (64, 64, 8));
        assert_eq!((config.propose.references, config.buffer.capacity, config.steps), (6, 16384, 500));
        assert_eq!((config.update.learning_rate, config.update.gradient_norm_max), (1e-6, 1.0));
        assert_eq!((config.sampling.prompt_max_tokens, config.sampling.completion_max_tokens), (6144, 8096));
    }

    #[test]
    fn a_resolved_configuration_survives_its_own_toml() {
        for preset in [Preset::Paper, Preset::Laptop, Preset::Tiny, Preset::Single] {
            let config = RunConfig::resolve(preset, None, &["env-weights.python=2".into()]).unwrap();
            assert_eq!(RunConfig::from_toml(&config.to_toml()).unwrap(), config);
        }
    }

    #[test]
    fn later_layers_win_and_leave_the_rest() {
        let config = resolve(&["reward.duplicate=-0.25", "solve.strategy=uniform"]).unwrap();
        assert_eq!(config.reward.duplicate, RepeatReward::Fixed(-0.25));
        assert_eq!(config.solve.strategy, SolveStrategy::Uniform);
        assert_eq!(config.solve.batch, 64);
    }

    /// The preset says what `azr_core::limits` explains, so that its readers see every key.
    #[test]
    fn the_preset_has_the_limits_of_training() {
        let paper: Table = include_str!("../presets/paper.toml").parse().unwrap();
        assert_eq!(paper["sandbox"].clone().try_into::<Limits>().unwrap(), Limits::default());
        assert_eq!(
            paper["sandbox"].as_table().unwrap().keys().collect::<Vec<_>>(),
            limit_keys().keys().collect::<Vec<_>>()
        );
    }

    fn limit_keys() -> Table {
        Table::try_from(Limits::default()).unwrap()
    }

    #[test]
    fn a_profile_sets_every_limit_that_its_layer_does_not_name() {
        let limits = resolve(&["sandbox.profile=benchmark", "sandbox.runs-max=7"]).unwrap().sandbox;
        assert_eq!(limits, Limits { runs_max: 7, ..Limits::of(Profile::Benchmark) });
        let config = resolve(&["sandbox.profile=benchmark", "sandbox.profile=train"]).unwrap();
        assert_eq!(config.sandbox, Limits::of(Profile::Train));
        let changed = resolve(&["sandbox.judge-fuel=7"]).unwrap().with(&["sandbox.profile=benchmark".into()]).unwrap();
        assert_eq!(changed.sandbox, Limits::of(Profile::Benchmark));
        assert!(format!("{:#}", resolve(&["sandbox.profile=fast"]).unwrap_err()).contains("sandbox.profile"));
    }

    /// A key that people are told to set can be set.
    #[test]
    fn every_limit_that_a_document_or_a_message_names_is_a_key() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut texts = vec![root.join("SECURITY.md"), root.join("README.md"), root.join("ARCHITECTURE.md")];
        sources(&root.join("host"), &mut texts);
        let keys = limit_keys();
        let mut named = 0;
        for path in texts {
            let text = std::fs::read_to_string(&path).unwrap();
            // A word with hyphens after `sandbox.` is a key; a method of a sandbox has none.
            for rest in text.split("sandbox.").skip(1) {
                let word =
                    rest.split(|c: char| !c.is_ascii_lowercase() && c != '-').next().unwrap().trim_end_matches('-');
                if word.contains('-') || word == "ring" || word == "profile" {
                    assert!(keys.contains_key(word), "{} names sandbox.{word}", path.display());
                    named += 1;
                }
            }
        }
        assert!(named > keys.len(), "only {named} names were found");
    }

    fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("config/src/lib.rs")
            {
                found.push(path);
            }
        }
    }

    #[test]
    fn wrong_keys_and_values_are_named() {
        let message = |pair: &str| format!("{:#}", resolve(&[pair]).unwrap_err());
        assert!(message("update.lerning-rate=1").contains("lerning-rate"));
        assert!(message("policy.threads=0").contains("policy.threads is 0"));
        assert!(message("evaluation.held-out-share=1.0").contains("evaluation.held-out-share is 1"));
        assert!(message("env-weights.python=-1.0").contains("env-weights.python is -1"));
        assert!(message("generate.batch=10000000000").contains("generate.batch is 10000000000"));
        assert!(message("sampling.top-p=1.5").contains("1.5"));
        assert!(message("nonsense").contains("KEY=VALUE"));
        let kept = resolve(&["update.weights=sharded", "update.activations=keep"]).unwrap_err();
        assert!(kept.root_cause().to_string().contains("set update.activations=recompute"));
        for (pair, complaint) in [
            ("update.muon-learning-rate=-1.0", "update.muon-learning-rate is -1; it must not be negative"),
            ("update.muon-momentum=1.0", "update.muon-momentum is 1; it must be in [0, 1)"),
            ("update.beta1=-0.1", "update.beta1 is -0.1; it must be in [0, 1)"),
            ("update.beta2=1.5", "update.beta2 is 1.5; it must be in [0, 1)"),
            ("update.epsilon=0.0", "update.epsilon is 0; it must be above 0"),
            ("update.gradient-norm-max=-1.0", "update.gradient-norm-max is -1; it must be above 0"),
            ("update.clip-high=-0.2", "update.clip-high is -0.2; it must not be negative"),
            ("advantage.std-min=-0.1", "advantage.std-min is -0.1; it must not be negative"),
            ("propose.weight=-1.0", "propose.weight is -1; it must not be negative"),
        ] {
            assert!(message(pair).contains(complaint), "{}", message(pair));
        }
        assert!(message("reward.malformed=nan").contains("reward.malformed is not a finite number"));
        assert!(message("reward.duplicate=-inf").contains("reward.duplicate is not a finite number"));
    }
}
