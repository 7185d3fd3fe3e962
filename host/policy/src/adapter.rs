//! Adapters (LoRA, Hu et al. 2021) in the files of Hugging Face's PEFT: `adapter_config.json`, which names the base model,
//! and `adapter_model.safetensors`.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tch::Tensor;

use super::weights::{self, TensorFile};
use azr_config::LoraConfig;
use azr_core::rng::{Purpose, Stream};
use modules::Modules;

pub(super) mod modules;

pub(super) const CONFIG_FILE: &str = "adapter_config.json";
const TENSORS_FILE: &str = "adapter_model.safetensors";

/// What a policy learns where its weights are frozen.
pub(super) struct Adapter {
    pub(super) lora: LoraConfig,
    /// The base model's directory, or its name on the hub.
    pub(super) base: String,
    pub(super) modules: Modules,
    /// Under PEFT's names, A before B, in the order of the layers.
    pub(super) parameters: Vec<(String, Tensor)>,
}

/// What `adapter_config.json` says, as far as it matters here.
#[derive(Deserialize)]
struct PeftConfig {
    peft_type: String,
    base_model_name_or_path: Option<String>,
    r: usize,
    lora_alpha: f64,
    #[serde(default)]
    use_rslora: bool,
    /// Which modules it adapts, and what must be as if it were not there.
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

/// Settings of PEFT that change nothing in what a finished adapter computes. All others must be off: there are a dozen ways
/// to compute something else, and new ones come.
const IMMATERIAL: [&str; 16] = [
    "task_type",
    "inference_mode",
    "revision",
    "auto_mapping",
    "peft_version",
    "lora_dropout",
    "megatron_core",
    "runtime_config",
    // Of ways to begin, which `init_lora_weights` names.
    "loftq_config",
    "eva_config",
    "corda_config",
    "lora_ga_config",
    // Of a way to compute, which `use_qalora` switches on.
    "qalora_group_size",
    // Of training.
    "velora_config",
    "ensure_weight_tying",
    "bias",
];

/// Ways to begin that leave the weights below the adapter as they are. The others, such as pissa, olora, corda, loftq and
/// lora_ga, take from them what they put into the adapter.
const BEGINNINGS: [&str; 3] = ["gaussian", "orthogonal", "eva"];

/// What an adapter's configuration says: its shape, the base model, and the modules that it is for.
pub(super) struct Announced {
    pub(super) lora: LoraConfig,
    pub(super) base: String,
    pub(super) modules: Modules,
}

/// What the adapter in `dir` is.
pub(super) fn read_config(dir: &Path) -> Result<Announced> {
    let path = dir.join(CONFIG_FILE);
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    parse_config(&bytes).with_context(|| path.display().to_string())
}

fn parse_config(bytes: &[u8]) -> Result<Announced> {
    let config: PeftConfig = serde_json::from_slice(bytes).context("not the configuration of a LoRA adapter")?;
    let PeftConfig { peft_type, base_model_name_or_path, r: rank, lora_alpha: alpha, use_rslora, mut rest } = config;
    ensure!(peft_type == "LORA", "peft_type is {peft_type:?}; supported is LORA");
    ensure!(rest.get("bias").is_none_or(|bias| bias == "none"), "bias is {}; supported is \"none\"", rest["bias"]);
    let init = rest.remove("init_lora_weights").unwrap_or(Value::Bool(true));
    ensure!(
        init.is_boolean() || init.as_str().is_some_and(|init| BEGINNINGS.contains(&&*init.to_lowercase())),
        "init_lora_weights is {init}, which is not supported, because it changes the base model's weights; save the adapter \
         as a plain one (PEFT: path_initial_model_for_weight_conversion), or merge it"
    );
    let modules = Modules::take(&mut rest)?;
    let off = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    if let Some((key, value)) = rest.iter().find(|(key, value)| !IMMATERIAL.contains(&&***key) && !off(value)) {
        bail!("{key} is {value}, which is not supported");
    }
    let base =
        base_model_name_or_path.context("base_model_name_or_path is missing; put the base model's directory there")?;
    let lora = LoraConfig { rank, alpha, rank_stabilized: use_rslora, targets: modules.targets()? };
    lora.check()?;
    ensure!(lora.rank > 0, "r is 0; an adapter has a rank of at least 1");
    Ok(Announced { lora, base, modules })
}

impl Adapter {
    /// Writes the two files.
    pub(super) fn save(&self, dir: &Path) -> Result<()> {
        let LoraConfig { rank, alpha, rank_stabilized, targets: _ } = &self.lora;
        let mut config = json!({
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": self.base,
            "r": rank,
            "lora_alpha": alpha,
            "use_rslora": rank_stabilized,
            "lora_dropout": 0.0,
            "bias": "none",
            "inference_mode": true,
        });
        self.modules.write(&mut config);
        let path = dir.join(CONFIG_FILE);
        std::fs::write(&path, serde_json::to_vec_pretty(&config)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        weights::write(&dir.join(TENSORS_FILE), &self.parameters)
    }
}

/// The tensors of an adapter's directory, until they are taken.
pub(super) struct StoredTensors {
    path: PathBuf,
    tensors: HashMap<String, Tensor>,
}

impl StoredTensors {
    pub(super) fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(TENSORS_FILE);
        let file = TensorFile::open(&path)?;
        let read = |name: String| Ok((name.clone(), file.read(&name)?));
        let tensors = file.names().into_iter().map(read).collect::<Result<_>>()?;
        Ok(Self { path, tensors })
    }

    pub(super) fn take(&mut self, name: &str, shape: &[i64]) -> Result<Tensor> {
        let path = self.path.display();
        let tensor = self.tensors.remove(name).with_context(|| format!("{path} has no tensor {name}"))?;
        let stored = tensor.size();
        ensure!(
            stored == shape,
            "{path}: {name} has shape {stored:?}, not {shape:?}; it was made for another model or another rank"
        );
        Ok(tensor)
    }

    /// Fails on tensors that were not used: the model would compute something else than the adapter was trained for.
    pub(super) fn refuse_others(&self) -> Result<()> {
        match self.tensors.keys().min() {
            None => Ok(()),
            Some(name) => bail!(
                "{} has a tensor {name} that {CONFIG_FILE} does not announce, or that belongs to a module which adapters here \
                 do not have",
                self.path.display()
            ),
        }
    }
}

/// The values of an adapter that adds nothing yet: A uniform within ± 1/√in, as PEFT draws it, and B zero.
pub(super) fn fresh(seed: u64) -> impl FnMut(&str, &[i64]) -> Result<Tensor> {
    let mut drawn = 0;
    move |name: &str, shape: &[i64]| {
        let count: i64 = shape.iter().product();
        if name.contains("lora_B") {
            return Ok(Tensor::f_zeros(shape, (tch::Kind::Float, tch::Device::Cpu))?);
        }
        let stream = Stream::new(seed, Purpose::Adapter, 0, drawn);
        drawn += 1;
        let bound = 1.0 / (shape[1] as f64).sqrt();
        let values: Vec<f32> = (0..count as u64).map(|i| ((2.0 * stream.uniform(i) - 1.0) * bound) as f32).collect();
        Ok(Tensor::f_from_slice(&values)?.f_view(shape)?)
    }
}
