//! `config.json` of the Qwen2, Qwen3 and Llama families, checked: what the model would silently get wrong is refused.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use azr_config::{Dtype, LoraConfig, Projection};

use super::{
    rope::{Llama3, Rope, Scaling, Yarn},
    weights::{Checkpoint, Files},
};

/// The shape of a decoder.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    pub vocab_size: i64,
    pub hidden_size: i64,
    pub intermediate_size: i64,
    pub num_hidden_layers: usize,
    pub num_attention_heads: i64,
    /// Query heads share key and value heads in groups of `num_attention_heads / num_key_value_heads`.
    pub num_key_value_heads: i64,
    pub head_dim: i64,
    pub rms_norm_eps: f64,
    pub rope: Rope,
    /// Positions that the model knows, if the checkpoint says so.
    pub max_position_embeddings: Option<i64>,
    pub tie_word_embeddings: bool,
    pub bias: Biases,
    /// Whether queries and keys are normalised, head by head.
    pub qk_norm: bool,
    /// What the checkpoint says its weights are.
    pub dtype: Option<Dtype>,
}

/// Which projections have a bias.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Biases {
    pub qkv: bool,
    pub o: bool,
    pub mlp: bool,
}

/// `config.json`, read key by key so that an error names the key.
struct Json<'a>(&'a Value);

impl ModelConfig {
    /// Of a policy's files. Weights that hold a head of their own have one, as for transformers, also where
    /// `tie_word_embeddings` is true.
    pub(crate) fn of(files: &Files, checkpoint: Option<&Checkpoint<'_>>) -> Result<Self> {
        let config = Self::parse(files.require("config.json")?).with_context(|| files.origin().to_owned())?;
        let own_head = config.tie_word_embeddings && checkpoint.is_some_and(Checkpoint::has_own_head);
        Ok(Self { tie_word_embeddings: config.tie_word_embeddings && !own_head, ..config })
    }

    /// Reads the text of a `config.json`.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let value: Value = serde_json::from_slice(text).context("config.json is not JSON")?;
        let json = Json(&value);
        let family = json.string("model_type")?.unwrap_or_default();
        let bias = match family {
            "qwen2" => Biases { qkv: true, o: false, mlp: false },
            "llama" | "qwen3" => {
                let attention = json.flag("attention_bias")?;
                Biases { qkv: attention, o: attention, mlp: family == "llama" && json.flag("mlp_bias")? }
            }
            other => bail!("config.json: model_type is {other:?}; supported are qwen2, qwen3 and llama"),
        };
        json.refuse_unsupported(family)?;
        let config = Self {
            vocab_size: json.positive("vocab_size")?,
            hidden_size: json.positive("hidden_size")?,
            intermediate_size: json.positive("intermediate_size")?,
            num_hidden_layers: json.positive("num_hidden_layers")? as usize,
            num_attention_heads: json.positive("num_attention_heads")?,
            num_key_value_heads: match json.0.get("num_key_value_heads") {
                // The families' default.
                None if family != "llama" => 32,
                None | Some(Value::Null) => json.positive("num_attention_heads")?,
                Some(_) => json.positive("num_key_value_heads")?,
            },
            head_dim: match json.0.get("head_dim") {
                // The family's default.
                None if family == "qwen3" => 128,
                None | Some(Value::Null) => json.positive("hidden_size")? / json.positive("num_attention_heads")?,
                Some(_) => json.positive("head_dim")?,
            },
            rms_norm_eps: json.number("rms_norm_eps")?.unwrap_or(1e-6),
            rope: json.rope()?,
            max_position_embeddings: json.positions()?,
            tie_word_embeddings: json.flag("tie_word_embeddings")?,
            bias,
            qk_norm: family == "qwen3",
            dtype: json.dtype()?,
        };
        let (heads, shared) = (config.num_attention_heads, config.num_key_value_heads);
        ensure!(
            heads % shared == 0,
            "config.json: num_attention_heads is {heads}, not a multiple of num_key_value_heads {shared}"
        );
        ensure!(
            config.head_dim % 2 == 0,
            "config.json: head_dim is {}; rotary embedding needs it even",
            config.head_dim
        );
        Ok(config)
    }

    /// The number of parameters.
    pub fn parameter_count(&self) -> i64 {
        let Self { vocab_size, hidden_size: d, intermediate_size: ff, head_dim, bias, qk_norm, .. } = *self;
        let (q, kv) = (self.num_attention_heads * head_dim, self.num_key_value_heads * head_dim);
        let matrices = d * (q + 2 * kv) + q * d + 3 * d * ff;
        let biases = i64::from(bias.qkv) * (q + 2 * kv) + i64::from(bias.o) * d + i64::from(bias.mlp) * (2 * ff + d);
        let embeddings = vocab_size * d * if self.tie_word_embeddings { 1 } else { 2 };
        let norms = 2 * d + if qk_norm { 2 * head_dim } else { 0 };
        embeddings + d + self.num_hidden_layers as i64 * (matrices + biases + norms)
    }
}

impl ModelConfig {
    /// Of a linear map in every layer, `[out, in]`.
    fn linear_size(&self, projection: Projection) -> [i64; 2] {
        let Self { hidden_size: d, intermediate_size: ff, head_dim, .. } = *self;
        let (q, kv) = (self.num_attention_heads * head_dim, self.num_key_value_heads * head_dim);
        match projection {
            Projection::QProj => [q, d],
            Projection::KProj | Projection::VProj => [kv, d],
            Projection::OProj => [d, q],
            Projection::GateProj | Projection::UpProj => [ff, d],
            Projection::DownProj => [d, ff],
        }
    }

    /// The number of parameters in the layers' linear maps, without biases.
    pub fn layer_matrix_count(&self) -> i64 {
        let sizes = Projection::ALL.into_iter().map(|projection| self.linear_size(projection));
        self.num_hidden_layers as i64 * sizes.map(|[rows, columns]| rows * columns).sum::<i64>()
    }

    /// The number of parameters of an adapter.
    pub fn adapter_parameter_count(&self, lora: &LoraConfig) -> i64 {
        let sizes = lora.targets.iter().map(|&target| self.linear_size(target));
        let sums = sizes.map(|[rows, columns]| rows + columns).sum::<i64>();
        (self.num_hidden_layers * lora.rank) as i64 * sums
    }
}

impl<'a> Json<'a> {
    fn string(&self, key: &str) -> Result<Option<&'a str>> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => bail!("config.json: {key} is {other}, not a string"),
        }
    }

    fn number(&self, key: &str) -> Result<Option<f64>> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                value.as_f64().map(Some).with_context(|| format!("config.json: {key} is {value}, not a number"))
            }
        }
    }

    fn required(&self, key: &str) -> Result<f64> {
        self.number(key)?.with_context(|| format!("config.json has no {key}"))
    }

    fn flag(&self, key: &str) -> Result<bool> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(false),
            Some(value) => value.as_bool().with_context(|| format!("config.json: {key} is {value}, not true or false")),
        }
    }

    fn positive(&self, key: &str) -> Result<i64> {
        let value = self.0.get(key).with_context(|| format!("config.json has no {key}"))?;
        let number = value.as_i64().filter(|number| *number > 0);
        number.with_context(|| format!("config.json: {key} is {value}, not a positive integer"))
    }

    fn positions(&self) -> Result<Option<i64>> {
        match self.0.get("max_position_embeddings") {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.positive("max_position_embeddings").map(Some),
        }
    }

    /// Two spellings: `rope_theta` and `rope_scaling` at the top, or both inside `rope_parameters`, there perhaps by
    /// kind of layer.
    fn rope(&self) -> Result<Rope> {
        let nested =
            ["rope_parameters", "rope_scaling"].iter().find_map(|key| self.0.get(key).filter(|v| v.is_object()));
        let nested = nested.map(|nested| nested.get("full_attention").unwrap_or(nested));
        let inner = Json(nested.unwrap_or(&Value::Null));
        let theta = inner.number("rope_theta")?.or(self.number("rope_theta")?);
        let turned = inner.number("partial_rotary_factor")?.or(self.number("partial_rotary_factor")?).unwrap_or(1.0);
        ensure!(turned == 1.0, "config.json: partial_rotary_factor is {turned}; supported is 1");
        // 10000 is the families' default.
        Ok(Rope { theta: theta.unwrap_or(10_000.0), scaling: self.scaling(&inner)? })
    }

    fn scaling(&self, inner: &Json<'_>) -> Result<Option<Scaling>> {
        Ok(Some(match inner.string("rope_type")?.or(inner.string("type")?) {
            None | Some("default") => return Ok(None),
            Some("linear") => Scaling::Linear { factor: inner.required("factor")? },
            Some("llama3") => Scaling::Llama3(Llama3 {
                factor: inner.required("factor")?,
                low_freq_factor: inner.required("low_freq_factor")?,
                high_freq_factor: inner.required("high_freq_factor")?,
                original_max_position_embeddings: inner.required("original_max_position_embeddings")?,
            }),
            Some("yarn") => {
                let original = match inner.number("original_max_position_embeddings")? {
                    Some(original) => original,
                    None => self.required("max_position_embeddings")?,
                };
                let factor = match inner.number("factor")? {
                    Some(factor) => factor,
                    None => self.required("max_position_embeddings")? / original,
                };
                Scaling::Yarn(Yarn {
                    factor,
                    original_max_position_embeddings: original,
                    attention_factor: inner.number("attention_factor")?,
                    mscale: inner.number("mscale")?,
                    mscale_all_dim: inner.number("mscale_all_dim")?,
                    beta_fast: inner.number("beta_fast")?.filter(|beta| *beta != 0.0).unwrap_or(32.0),
                    beta_slow: inner.number("beta_slow")?.filter(|beta| *beta != 0.0).unwrap_or(1.0),
                    truncate: inner.0.get("truncate").is_none_or(|truncate| truncate != false),
                })
            }
            Some(other) => {
                bail!("config.json: rope_type is {other:?}; supported are default, linear, llama3 and yarn")
            }
        }))
    }

    /// Two spellings: `torch_dtype` and `dtype`.
    fn dtype(&self) -> Result<Option<Dtype>> {
        let Some(name) = self.string("dtype")?.or(self.string("torch_dtype")?) else {
            return Ok(None);
        };
        match name {
            "float32" => Ok(Some(Dtype::F32)),
            "bfloat16" => Ok(Some(Dtype::Bf16)),
            // Weights in other dtypes are converted on loading.
            _ => Ok(None),
        }
    }

    fn refuse_unsupported(&self, family: &str) -> Result<()> {
        let act = self.string("hidden_act")?.unwrap_or("silu");
        // Two names of one function.
        ensure!(["silu", "swish"].contains(&act), "config.json: hidden_act is {act:?}; supported is silu");
        if let Some(quantized) = self.0.get("quantization_config").filter(|value| !value.is_null()) {
            let method = quantized.get("quant_method").unwrap_or(quantized);
            bail!("config.json: quantization_config has {method}; supported are weights in f32, bf16 and f16");
        }
        ensure!(
            !self.slides(family)?,
            "config.json: use_sliding_window is true for some layers; supported is full attention"
        );
        if let Some(Value::Array(types)) = self.0.get("layer_types") {
            let odd = types.iter().find(|layer| **layer != "full_attention");
            ensure!(
                odd.is_none(),
                "config.json: layer_types has {}; supported is full_attention",
                odd.unwrap_or(&Value::Null)
            );
        }
        Ok(())
    }

    /// Whether a layer sees a window only: those from `max_window_layers` on, of families that have windows.
    fn slides(&self, family: &str) -> Result<bool> {
        if family == "llama" || !self.flag("use_sliding_window")? {
            return Ok(false);
        }
        let off = self.0.get("sliding_window").is_some_and(Value::is_null);
        // 28 is the families' default.
        let first = self.number("max_window_layers")?.unwrap_or(28.0);
        Ok(!off && first < self.required("num_hidden_layers")?)
    }
}
