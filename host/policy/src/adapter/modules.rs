//! Which linear maps an adapter is for, in the ways in which PEFT's configurations say it.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use fancy_regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use azr_config::{LoraConfig, Projection};

/// Steps back that a pattern may take for one name; protects the host from a configuration's pattern.
const BACKTRACKS_MAX: usize = 10_000;

/// The keys that say it; an adapter that is saved has them as it had when it was loaded.
const KEYS: [&str; 4] = ["target_modules", "exclude_modules", "layers_to_transform", "layers_pattern"];

/// The modules of an adapter.
#[derive(Clone)]
pub(crate) struct Modules {
    target: Matcher,
    exclude: Option<Matcher>,
    /// Only these layers.
    layers: Option<Vec<usize>>,
    written: Map<String, Value>,
}

#[derive(Clone)]
enum Matcher {
    /// A module's whole name, or how it ends after a dot.
    Names(Vec<String>),
    /// The whole name.
    Pattern(Regex),
    AllLinear,
}

impl Matcher {
    fn parse(key: &str, value: &Value) -> Result<Self> {
        match value {
            Value::String(text) if key == "target_modules" && text.eq_ignore_ascii_case("all-linear") => {
                Ok(Self::AllLinear)
            }
            Value::String(pattern) => {
                // Python's fullmatch.
                let whole = RegexBuilder::new(&format!("^(?:{pattern})$")).backtrack_limit(BACKTRACKS_MAX).build();
                Ok(Self::Pattern(whole.with_context(|| format!("{key} is {pattern:?}, which is no pattern"))?))
            }
            Value::Array(names) => {
                let names: Option<Vec<String>> = names.iter().map(|name| name.as_str().map(str::to_owned)).collect();
                names.map(Self::Names).ok_or_else(|| anyhow!("{key} is {value}; supported are lists of names"))
            }
            other => bail!("{key} is {other}; supported are a pattern, a list of names and \"all-linear\""),
        }
    }

    fn matches(&self, module: &str) -> Result<bool> {
        Ok(match self {
            Self::AllLinear => true,
            Self::Pattern(pattern) => {
                pattern.is_match(module).with_context(|| format!("a pattern of the adapter, on {module}"))?
            }
            Self::Names(names) => names.iter().any(|name| {
                module.strip_suffix(name.as_str()).is_some_and(|before| before.is_empty() || before.ends_with('.'))
            }),
        })
    }
}

impl Modules {
    /// Takes the keys that say it out of a configuration.
    pub(super) fn take(config: &mut Map<String, Value>) -> Result<Self> {
        let written: Map<String, Value> = (KEYS.into_iter())
            .filter_map(|key| Some((key.to_owned(), config.remove(key)?)))
            .filter(|(_, value)| !value.is_null())
            .collect();
        let matcher = |key: &str| written.get(key).map(|value| Matcher::parse(key, value)).transpose();
        let target = matcher("target_modules")?.context("target_modules is missing")?;
        let number = |value: &Value| value.as_u64().map(|number| number as usize);
        let layers = match written.get("layers_to_transform") {
            None => None,
            Some(Value::Array(list)) if list.is_empty() => None,
            Some(Value::Array(list)) => list.iter().map(number).collect::<Option<Vec<_>>>(),
            Some(one) => number(one).map(|one| vec![one]),
        };
        let pattern = written.get("layers_pattern").filter(|pattern| **pattern != Value::Array(Vec::new()));
        ensure!(
            pattern.is_none_or(|pattern| *pattern == "layers" || *pattern == serde_json::json!(["layers"])),
            "layers_pattern is {}; supported is \"layers\"",
            written["layers_pattern"]
        );
        Ok(Self { target, exclude: matcher("exclude_modules")?, layers, written })
    }

    /// Those of `lora` in every layer.
    pub(crate) fn everywhere(lora: &LoraConfig) -> Self {
        let names: Vec<String> = lora.targets.iter().map(|target| target.name().to_owned()).collect();
        let written = Map::from_iter([("target_modules".to_owned(), names.clone().into())]);
        Self { target: Matcher::Names(names), exclude: None, layers: None, written }
    }

    /// Whether a layer's linear map has an adapter. A pattern that is matched says of itself which layers it is for, as in
    /// PEFT.
    pub(crate) fn include(&self, layer: usize, projection: Projection) -> Result<bool> {
        let module = format!("model.layers.{layer}.{}", projection.path());
        if self.exclude.as_ref().map_or(Ok(false), |exclude| exclude.matches(&module))? {
            return Ok(false);
        }
        let here = match &self.target {
            Matcher::Pattern(_) => true,
            _ => self.layers.as_ref().is_none_or(|layers| layers.contains(&layer)),
        };
        Ok(here && self.target.matches(&module)?)
    }

    /// The projections that have adapters in some layer.
    pub(super) fn targets(&self) -> Result<BTreeSet<Projection>> {
        // No decoder has more; patterns may name single layers.
        let layers = 0..256;
        let mut targets = BTreeSet::new();
        for projection in Projection::ALL {
            for layer in layers.clone() {
                if self.include(layer, projection)? {
                    targets.insert(projection);
                    break;
                }
            }
        }
        let known = Projection::ALL.map(Projection::name).join(", ");
        ensure!(
            !targets.is_empty(),
            "target_modules is {}, which none of {known} fits",
            self.written.get("target_modules").unwrap_or(&Value::Null)
        );
        Ok(targets)
    }

    /// Adds the keys that say it to a configuration.
    pub(super) fn write(&self, config: &mut Value) {
        for (key, value) in &self.written {
            config[key] = value.clone();
        }
    }
}
