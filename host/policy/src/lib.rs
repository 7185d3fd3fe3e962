//! The policy: a decoder of the Qwen2, Qwen3 or Llama family with its tokenizer, loaded from and saved to the directory layout
//! of Hugging Face `transformers`. With the learner and the ranks it is what knows libtorch.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result, ensure};
use tch::{Kind, Tensor};

use crate::memory::MachineMemory;
use azr_config::{Dtype, LoraConfig, Preset};
use azr_core::meter::Meter;
use azr_core::sampling::{Completion, Message, SampleRequest, Sampler, Sampling};
use azr_ranks::Ranks;

mod adapter;
pub mod attention;
pub mod batch;
mod cache;
mod config;
mod cpu;
mod draw;
mod element;
pub mod embedded;
pub mod libtorch;
pub mod linear;
pub mod memory;
pub mod metered;
pub mod model;
mod packed;
pub mod prefix;
mod rope;
mod sampler;
mod template;
mod text;
pub mod weights;

pub use config::ModelConfig;
pub use sampler::PREFILL_MAX_TOKENS;

use adapter::{Adapter, Announced, StoredTensors, modules::Modules};
use attention::{Branching, WholeSequences};
use batch::Batch;
use linear::Pass;
use model::Model;
use text::Text;
use weights::{Files, WEIGHTS_FILE};

/// Below this many parameters one operation is too little work for several threads: they take whole chunks of a batch instead.
const SMALL_PARAMETERS: i64 = 32_000_000;

/// Where and how a policy computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadOptions {
    pub device: Device,
    /// Of the weights in memory; `None` keeps what the checkpoint says.
    pub dtype: Option<Dtype>,
    /// CPU threads.
    pub threads: usize,
}

/// Finds the directory of the base model that an adapter names: a directory, or a model on the hub.
pub type BaseModel = dyn Fn(&str) -> Result<PathBuf>;

/// Where the weights are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    Cpu,
    /// The GPU of that number.
    Cuda(usize),
}

impl Device {
    /// Whether weights of this dtype are packed for sampling here: there is a second copy of them meanwhile.
    pub fn packs(self, dtype: Dtype) -> bool {
        self == Self::Cpu && dtype == Dtype::Bf16 && packed::has_kernels()
    }

    /// The GPU of the rank with that number on its machine.
    pub fn cuda(local_rank: usize) -> Result<Self> {
        libtorch::cuda_number(local_rank).map(Self::Cuda)
    }

    /// How much memory it has; `None` where the system does not say.
    pub fn memory(self) -> Result<Option<MachineMemory>> {
        match self {
            Self::Cpu => Ok(MachineMemory::of_machine()),
            Self::Cuda(number) => libtorch::cuda_memory(number).map(Some),
        }
    }
}

impl std::str::FromStr for Device {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", number)) if number.parse::<usize>().is_ok() => Ok(Self::Cuda(number.parse()?)),
            _ => anyhow::bail!("{text:?} is not a device; write cpu, cuda or cuda:NUMBER"),
        }
    }
}

/// A language model that samples and learns; where there are several ranks, the copy of one of them.
pub struct Policy {
    ranks: Ranks,
    pub model: Model,
    pub text: Text,
    /// Frozen where there is an adapter.
    weights: Vec<(String, Tensor)>,
    adapter: Option<Adapter>,
    side_files: Vec<(String, Arc<[u8]>)>,
    /// Threads that take chunks of a batch. 1 where libtorch uses the threads inside its operations.
    pub workers: usize,
    /// How far its sampling is.
    pub meter: Arc<Meter>,
}

impl Policy {
    /// Loads a directory as `transformers` saves it, or an adapter as PEFT saves it with the base model that it names.
    pub fn load(dir: &Path, options: &LoadOptions, base_model: &BaseModel) -> Result<Self> {
        if !dir.join(adapter::CONFIG_FILE).exists() {
            return Self::from_files(&Files::open(dir)?, options);
        }
        let Announced { lora, base, modules } = adapter::read_config(dir)?;
        let policy = match &*base {
            embedded::NAME => embedded::policy(options)?,
            base => {
                let files = base_model(base).and_then(|dir| Files::open(&dir));
                files.and_then(|files| Self::from_files(&files, options)).with_context(|| {
                    format!("the base model of {}; if it is elsewhere, correct {}", dir.display(), adapter::CONFIG_FILE)
                })?
            }
        };
        let mut stored = StoredTensors::read(dir)?;
        let policy = policy.with_adapter_on(modules, &lora, base, |name, shape| stored.take(name, shape))?;
        stored.refuse_others()?;
        Ok(policy)
    }

    /// The shape of the policy in a directory, and of its adapter; of the embedded policy without one. `config.json` is
    /// enough.
    pub fn shape(dir: Option<&Path>, base_model: &BaseModel) -> Result<(ModelConfig, Option<LoraConfig>)> {
        let Some(dir) = dir else { return Ok((embedded::shape()?, None)) };
        let (lora, base) = match dir.join(adapter::CONFIG_FILE).exists() {
            true => adapter::read_config(dir).map(|announced| (Some(announced.lora), Some(announced.base)))?,
            false => (None, None),
        };
        let config = match base.as_deref() {
            Some(embedded::NAME) => embedded::shape()?,
            base => {
                let files = Files::open(&base.map_or_else(|| Ok(dir.to_owned()), base_model)?)?;
                // There need not be weights, and what is wrong with them is said where they are loaded.
                ModelConfig::of(&files, files.checkpoint().ok().as_ref())?
            }
        };
        Ok((config, lora))
    }

    /// Loads files in memory; `origin` names them in messages.
    pub fn from_memory(origin: &str, files: &[(&str, &[u8])], options: &LoadOptions) -> Result<Self> {
        Self::from_files(&Files::in_memory(origin, files), options)
    }

    /// A policy with new weights: `files` are all but the weights, `init` makes the values of the named tensor.
    pub fn initialise(
        files: &[(&str, &[u8])],
        options: &LoadOptions,
        mut init: impl FnMut(&str, &[i64]) -> Vec<f32>,
    ) -> Result<Self> {
        let files = Files::in_memory("the new policy", files);
        Self::assemble(&files, ModelConfig::of(&files, None)?, options, &mut |name, shape| {
            let values = init(name, shape);
            Ok(Tensor::f_from_slice(&values)?.f_reshape(shape)?)
        })
    }

    fn from_files(files: &Files, options: &LoadOptions) -> Result<Self> {
        let checkpoint = files.checkpoint()?;
        let config = ModelConfig::of(files, Some(&checkpoint))?;
        let tied = config.tie_word_embeddings;
        let mut fetch = |name: &str, shape: &[i64]| match tied {
            true => checkpoint.tied(name, shape),
            false => checkpoint.tensor(name, shape),
        };
        let policy = Self::assemble(files, config, options, &mut fetch)?;
        let known: Vec<String> = policy.weights.iter().map(|(name, _)| name.clone()).collect();
        checkpoint.refuse_others(&known)?;
        Ok(policy)
    }

    fn assemble(
        files: &Files,
        config: ModelConfig,
        options: &LoadOptions,
        fetch: &mut dyn FnMut(&str, &[i64]) -> Result<Tensor>,
    ) -> Result<Self> {
        ensure!(options.threads > 0, "threads is 0; it must be at least 1");
        let device = match options.device {
            Device::Cpu => {
                libtorch::keep_freed_memory();
                tch::Device::Cpu
            }
            Device::Cuda(number) => {
                libtorch::load_cuda()?;
                tch::Device::Cuda(number)
            }
        };
        let kind = match options.dtype.or(config.dtype).unwrap_or(Dtype::F32) {
            Dtype::F32 => Kind::Float,
            Dtype::Bf16 => Kind::BFloat16,
        };
        let threads = options.threads;
        let workers =
            if config.parameter_count() < SMALL_PARAMETERS && device == tch::Device::Cpu { threads } else { 1 };
        tch::set_num_threads(if workers > 1 { 1 } else { threads as i32 });
        let text = Text::load(files)?;
        let (model, weights) = Model::build(config, (kind, device), fetch)?;
        let side_files = files.side_files();
        Ok(Self {
            ranks: Ranks::alone(),
            model,
            text,
            weights,
            adapter: None,
            side_files,
            workers,
            meter: Arc::default(),
        })
    }

    /// The same policy, from now on a copy of the first rank's, with which all ranks sample and learn together.
    pub fn on(self, ranks: &Ranks) -> Result<Self> {
        let adapter = self.adapter.iter().flat_map(|adapter| &adapter.parameters);
        self.weights.iter().chain(adapter).try_for_each(|(_, tensor)| ranks.broadcast(tensor, 0))?;
        Ok(Self { ranks: ranks.clone(), ..self })
    }

    /// Those that have a copy of this policy.
    pub fn ranks(&self) -> &Ranks {
        &self.ranks
    }

    /// Freezes the weights and puts an adapter beside them. `base` is where its files will say that the weights are;
    /// `fetch` returns its tensors by PEFT's names.
    pub fn with_adapter(
        self,
        lora: &LoraConfig,
        base: String,
        fetch: impl FnMut(&str, &[i64]) -> Result<Tensor>,
    ) -> Result<Self> {
        self.with_adapter_on(Modules::everywhere(lora), lora, base, fetch)
    }

    fn with_adapter_on(
        mut self,
        modules: Modules,
        lora: &LoraConfig,
        base: String,
        mut fetch: impl FnMut(&str, &[i64]) -> Result<Tensor>,
    ) -> Result<Self> {
        assert!(self.adapter.is_none(), "a policy has one adapter at most");
        for (_, weight) in &self.weights {
            let _ = weight.f_set_requires_grad(false)?;
        }
        let parameters = self.model.adapt(lora, &modules, &mut fetch)?;
        self.adapter = Some(Adapter { lora: lora.clone(), base, modules, parameters });
        Ok(self)
    }

    /// The same with an adapter that adds nothing yet.
    pub fn with_fresh_adapter(self, lora: &LoraConfig, base: String, seed: u64) -> Result<Self> {
        self.with_adapter(lora, base, adapter::fresh(seed))
    }

    /// The same policy without an adapter, which is added to the weights. They are rounded to their dtype.
    pub fn merged(mut self) -> Result<Self> {
        self.model.merge()?;
        self.adapter = None;
        for (_, weight) in &self.weights {
            let _ = weight.f_set_requires_grad(true)?;
        }
        Ok(self)
    }

    /// The shape of the adapter, if there is one.
    pub fn lora(&self) -> Option<&LoraConfig> {
        self.adapter.as_ref().map(|adapter| &adapter.lora)
    }

    /// Writes a directory that `transformers` loads, or where there is an adapter, that PEFT loads. Saving what was loaded
    /// gives the same tensors, bit for bit.
    pub fn save(&self, dir: &Path) -> Result<()> {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        // The others are beside the weights that the adapter was trained with.
        let own = |name: &str| self.adapter.is_none() || name == Preset::POLICY_FILE;
        for (name, bytes) in self.side_files.iter().filter(|(name, _)| own(name)) {
            let path = dir.join(name);
            let adapted = if name == "config.json" { Some(self.config_json(bytes)?) } else { None };
            let bytes = adapted.as_deref().unwrap_or(bytes);
            std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        }
        match &self.adapter {
            Some(adapter) => adapter.save(dir),
            None => weights::write(&dir.join(WEIGHTS_FILE), &self.weights),
        }
    }

    /// `config.json` with the dtype that the weights now have; unchanged where it says so already.
    fn config_json(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let dtype = if self.model.kind_and_device().0 == Kind::BFloat16 { Dtype::Bf16 } else { Dtype::F32 };
        if self.model.config.dtype == Some(dtype) {
            return Ok(bytes.to_vec());
        }
        let mut config: serde_json::Value = serde_json::from_slice(bytes)?;
        let name = if dtype == Dtype::Bf16 { "bfloat16" } else { "float32" };
        let present = ["dtype", "torch_dtype"].into_iter().find(|key| config.get(*key).is_some());
        config[present.unwrap_or("torch_dtype")] = name.into();
        Ok(serde_json::to_vec_pretty(&config)?)
    }

    /// The tokens of `text` as it is, markers included.
    pub fn encode_text(&self, text: &str) -> Result<Vec<u32>> {
        self.text.encode_text(text, false)
    }

    /// The text of `tokens`, special ones left out.
    pub fn decode(&self, tokens: &[u32]) -> Result<String> {
        self.text.decode(tokens)
    }

    /// The token that ends a completion; the smallest where there are several.
    pub fn end_token(&self) -> u32 {
        *self.text.ends.first().expect("loading refuses a policy without an end token")
    }

    /// What is learned: the adapter, or where there is none all weights. Names and tensors in the order of the checkpoint;
    /// the tensors are the model's own.
    pub fn parameters(&self) -> &[(String, Tensor)] {
        self.adapter.as_ref().map_or(&self.weights, |adapter| &adapter.parameters)
    }

    pub fn parameter_count(&self) -> i64 {
        self.model.config.parameter_count()
    }

    /// Scores of the next token, `[n, vocab]` in f32, at every index of the batch, with gradients.
    pub fn logits(&self, batch: &Batch) -> Result<Tensor> {
        self.model.logits(&self.model.states(batch)?)
    }

    /// Log-probabilities of the targets, `[n]` in f32, at `temperature`, with gradients.
    pub fn logprobs(&self, batch: &Batch, temperature: f64) -> Result<Tensor> {
        let logprobs = self.logits(batch)?.f_div_scalar(temperature)?.f_log_softmax(-1, Kind::Float)?;
        Ok(logprobs.f_gather(1, &batch.targets.f_unsqueeze(1)?, false)?.f_squeeze_dim(1)?)
    }
}

impl Sampler for Policy {
    fn encode(&self, messages: &[Message<'_>], prefill: &str) -> Result<Vec<u32>> {
        self.text.encode(messages, prefill)
    }

    fn text(&self, prompt: &[u32]) -> Result<String> {
        self.text.decode_all(prompt)
    }

    fn sample(&self, requests: &[SampleRequest], sampling: &Sampling) -> Result<Vec<Completion>> {
        sampler::sample(&self.model, &self.text, (self.workers, &self.ranks, &self.meter), requests, sampling)
    }

    fn meter(&self) -> &Meter {
        &self.meter
    }
}

impl Model {
    /// The final hidden states, `[n, hidden]`, at the indices of the batch.
    pub fn states(&self, batch: &Batch) -> Result<Tensor> {
        self.hidden(&batch.tokens, Some(&batch.indices), Pass::Train, &mut self.attention(batch)?)
    }

    /// How the tokens of the batch see each other.
    pub fn attention<'a>(&self, batch: &'a Batch) -> Result<WholeSequences<'a>> {
        match &batch.shared {
            None => {
                let (_batch, seq) = batch.tokens.size2()?;
                Ok(WholeSequences::Causal(self.rope(seq)?.range(0, seq)?))
            }
            Some(layout) => {
                let rope = self.rope(layout.prefix_len + layout.prompt_len + layout.row_len)?;
                Ok(WholeSequences::Branching(Branching::new(layout, &rope, self.kind_and_device().0)?))
            }
        }
    }
}
