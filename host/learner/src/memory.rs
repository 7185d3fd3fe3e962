//! How much memory a run takes, from arithmetic alone, so that too little shows before the first step.
//!
//! With P parameters, T of them trained, e bytes each (2 for bf16, 4 for f32), and the shape of `config.json` (d hidden
//! size, f intermediate size, q and kv widths of all query and of all key heads, L layers, V vocabulary):
//!
//! | part | bytes | |
//! |---|---|---|
//! | weights | e · (P + adapters) | twice where divergence from the start policy counts |
//! | dropped | e · (1 − 1 / N − 2 / L) of the layers' matrices | what N ranks do not have of sharded weights while learning: each has a part, and two layers whole |
//! | optimizer | 8 T, or 2 T + T / 32 in 8 bits, and 4 T for the f32 masters of bf16 weights | AdamW's moments; Muon has 4 bytes for each number in a matrix; of N ranks each has T / N, but at least the largest parameter |
//! | gradients | e · T, and e · V · d where the vocabulary head is trained | summed over micro-batches, the head's also by itself within one; of N ranks each has the sum of T / N, and 4 + N buckets of 25 MiB on their way |
//! | activations | e · t · (L d + a) recomputed, e · t · L a kept, where a = 4 d + 4 q + 2 kv + 4 f | t tokens of a micro-batch, and as much as a again for the layer that goes back |
//! | logits | 16 · r · V | f32 and its derivatives for the r rows that the head takes at a time |
//! | cache | e · 2 kv · L · c · rows | keys and values while sampling; c columns, see [`columns`] |
//! | prefill | e · t · (4 d + 2 q + 3 f) | activations of prompts read into the cache |
//! | packed | e · (matrices of the layers, and V · d) | on a CPU with kernels for bf16: the matrices as these read them |
//! | draw | 32 · rows · V | probabilities of every row's next token, sorted, and their running sums in f64 |
//! | process | 0.5 GiB and a twentieth of all else | the program, libtorch, and what allocators lose |
//!
//! Learning and sampling take turns: the total has the larger of gradients + activations + logits − dropped and cache +
//! prefill + packed + draw. For the optimizer's step, which follows the gradients, weights are whole again.
//! Everything counts at its worst: full micro-batches, and as many rows as there may be, all of full length. Not counted
//! are the pages of a checkpoint's files that are in memory while it is loaded: the system takes them back when it needs them.

use std::fmt;

use anyhow::{Result, bail};
use serde::Serialize;

use azr_config::{Activations, Dtype, LoraConfig, MomentsKind, OptimizerKind, RunConfig, WeightsKind};
use azr_policy::{Device, ModelConfig, memory::MachineMemory};

const GIB: f64 = (1u64 << 30) as f64;

/// Bytes, by what they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    pub weights: u64,
    /// Of the weights, what is not there while learning.
    pub dropped: u64,
    pub optimizer: u64,
    pub gradients: u64,
    pub activations: u64,
    pub logits: u64,
    pub cache: u64,
    pub prefill: u64,
    pub packed: u64,
    pub draw: u64,
    pub process: u64,
}

/// What a run takes, and what there is, if that is known.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub estimate: Estimate,
    pub memory: Option<MachineMemory>,
}

/// What is trained, and how: each method counts the bytes of one row of the table.
struct Sizes<'a> {
    model: &'a ModelConfig,
    config: &'a RunConfig,
    /// Parameters of the adapter, if there is one.
    adapter: Option<i64>,
    ranks: i64,
    device: Device,
    /// Bytes of a number in the weights.
    element: i64,
}

impl Sizes<'_> {
    fn weights(&self) -> i64 {
        let copies = if self.config.needs_start_policy() { 2 } else { 1 };
        self.element * copies * (self.model.parameter_count() + self.adapter.unwrap_or(0))
    }

    fn dropped(&self) -> i64 {
        if self.config.update.weights == WeightsKind::Whole || self.ranks == 1 {
            return 0;
        }
        let matrices = self.model.layer_matrix_count();
        let there = matrices / self.ranks + 2 * matrices / self.layers();
        self.element * (matrices - there).max(0)
    }

    fn optimizer(&self) -> i64 {
        let own = self.own();
        let masters = if self.element == 4 { 0 } else { 4 * own };
        // Moved by Muon, which has one f32 momentum for each.
        let matrices = match (self.config.update.optimizer, self.adapter) {
            (OptimizerKind::Adamw, _) => 0,
            (OptimizerKind::Muon, Some(_)) => own,
            (OptimizerKind::Muon, None) => self.model.layer_matrix_count() / self.ranks,
        };
        let moved = own - matrices;
        let moments = match self.config.update.moments {
            MomentsKind::F32 => 8 * moved,
            MomentsKind::EightBit => 2 * moved + moved / 32,
        };
        masters + 4 * matrices + moments
    }

    fn gradients(&self) -> i64 {
        let head = if self.adapter.is_none() { self.embedding() } else { 0 };
        // One that fills, one that waits, one that is sent, once in pieces and once whole, and what comes from each rank.
        let on_their_way = if self.ranks == 1 { 0 } else { (4 + self.ranks) * crate::BUCKET_BYTES };
        self.element * (self.own() + head) + on_their_way
    }

    fn activations(&self) -> i64 {
        let ModelConfig { hidden_size: d, intermediate_size: f, .. } = *self.model;
        let (q, kv) = self.attention();
        let tokens = (self.config.update.micro_batch_max_tokens as i64).max(self.longest());
        let layer = 4 * d + 4 * q + 2 * kv + 4 * f;
        let kept = match self.config.update.activations {
            Activations::Recompute => self.layers() * d + layer,
            Activations::Keep => self.layers() * layer,
        };
        self.element * tokens * (kept + layer)
    }

    fn logits(&self) -> i64 {
        16 * crate::logit_rows(self.model.vocab_size) * self.model.vocab_size
    }

    fn cache(&self) -> i64 {
        let sampling = &self.config.sampling;
        let (_q, kv) = self.attention();
        let columns = columns(sampling.prompt_max_tokens as i64, sampling.completion_max_tokens as i64);
        self.element * 2 * kv * self.layers() * columns * sampling.rows_max as i64
    }

    fn prefill(&self) -> i64 {
        let ModelConfig { hidden_size: d, intermediate_size: f, .. } = *self.model;
        let (q, _kv) = self.attention();
        let prompt = self.config.sampling.prompt_max_tokens;
        let prompts = azr_policy::PREFILL_MAX_TOKENS.min(self.config.sampling.rows_max * prompt);
        self.element * (prompts.max(prompt) as i64) * (4 * d + 2 * q + 3 * f)
    }

    fn packed(&self) -> i64 {
        if !self.device.packs(self.config.policy.dtype) {
            return 0;
        }
        self.element * (self.model.layer_matrix_count() + self.embedding())
    }

    fn draw(&self) -> i64 {
        32 * self.config.sampling.rows_max as i64 * self.model.vocab_size
    }

    /// Parameters that one rank updates.
    fn own(&self) -> i64 {
        match self.adapter {
            Some(adapter) => self.shard(adapter),
            None => self.shard(self.model.parameter_count()).max(self.embedding()),
        }
    }

    fn shard(&self, parameters: i64) -> i64 {
        (parameters + self.ranks - 1) / self.ranks
    }

    fn embedding(&self) -> i64 {
        self.model.vocab_size * self.model.hidden_size
    }

    /// Widths of all queries and of all keys.
    fn attention(&self) -> (i64, i64) {
        let ModelConfig { num_attention_heads, num_key_value_heads, head_dim, .. } = *self.model;
        (num_attention_heads * head_dim, num_key_value_heads * head_dim)
    }

    fn layers(&self) -> i64 {
        self.model.num_hidden_layers as i64
    }

    /// Tokens of the longest sequence.
    fn longest(&self) -> i64 {
        (self.config.sampling.prompt_max_tokens + self.config.sampling.completion_max_tokens) as i64
    }
}

impl Estimate {
    /// Of training `model` as `config` says, with the adapter `lora`, if there is one: on each of `ranks`.
    pub fn new(
        model: &ModelConfig,
        config: &RunConfig,
        lora: Option<&LoraConfig>,
        ranks: usize,
        device: Device,
    ) -> Self {
        let element = match config.policy.dtype {
            Dtype::F32 => 4,
            Dtype::Bf16 => 2,
        };
        let adapter = lora.map(|lora| model.adapter_parameter_count(lora));
        let sizes = Sizes { model, config, adapter, ranks: ranks as i64, device, element };
        let bytes = |count: i64| u64::try_from(count).expect("sizes are positive");
        let mut estimate = Self {
            weights: bytes(sizes.weights()),
            dropped: bytes(sizes.dropped()),
            optimizer: bytes(sizes.optimizer()),
            gradients: bytes(sizes.gradients()),
            activations: bytes(sizes.activations()),
            logits: bytes(sizes.logits()),
            cache: bytes(sizes.cache()),
            prefill: bytes(sizes.prefill()),
            packed: bytes(sizes.packed()),
            draw: bytes(sizes.draw()),
            process: 0,
        };
        estimate.process = (GIB as u64) / 2 + estimate.total() / 20;
        estimate
    }

    pub fn total(&self) -> u64 {
        self.weights + self.optimizer + self.process + self.learning().max(self.sampling())
    }

    /// What is there only while learning.
    fn learning(&self) -> u64 {
        (self.gradients + self.activations + self.logits).saturating_sub(self.dropped).max(self.gradients)
    }

    /// What is there only while sampling.
    fn sampling(&self) -> u64 {
        self.cache + self.prefill + self.packed + self.draw
    }

    /// Fails where `memory` can never hold this, and says what to change.
    pub fn check(&self, config: &RunConfig, lora: Option<&LoraConfig>, memory: MachineMemory) -> Result<()> {
        if self.total() <= memory.total {
            return Ok(());
        }
        let resident = self.weights + self.optimizer + self.process;
        let mut advice = Vec::new();
        if resident + self.sampling() > memory.total && config.sampling.rows_max > 1 {
            advice.push(format!("sampling.rows-max below {}", config.sampling.rows_max));
        }
        if resident + self.learning() > memory.total {
            let update = &config.update;
            if update.activations == Activations::Keep {
                advice.push("update.activations=recompute".to_owned());
            }
            let longest = config.sampling.prompt_max_tokens + config.sampling.completion_max_tokens;
            if update.micro_batch_max_tokens > longest {
                advice.push(format!("update.micro-batch-max-tokens={longest}"));
            }
        }
        if config.update.moments == MomentsKind::F32 && self.optimizer > memory.total / 8 {
            advice.push("update.moments=8-bit".to_owned());
        }
        if lora.is_none() && resident + self.gradients > memory.total / 2 {
            advice.push("an adapter instead of all weights, policy.lora.rank=32".to_owned());
        }
        advice.push("shorter prompts and completions".to_owned());
        bail!(
            "this run takes {:.1} GiB and there are {:.1}: {self}; try {}",
            gib(self.total()),
            gib(memory.total),
            advice.join(", or ")
        );
    }
}

/// Columns of the cache once rows have their full length: it begins with those of a prompt and grows by half.
fn columns(prompt: i64, completion: i64) -> i64 {
    let mut columns = prompt + 64;
    while columns < prompt + completion {
        columns += (columns / 2).max(64);
    }
    columns
}

pub fn gib(bytes: u64) -> f64 {
    bytes as f64 / GIB
}

/// In GiB, on one line.
impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { weights, dropped, optimizer, gradients, activations, logits, cache, prefill, packed, draw, process } =
            *self;
        write!(
            f,
            "weights {:.1}, optimizer {:.1}, process {:.1}; while learning gradients {:.1}, activations {:.1}, logits \
             {:.1}, {:.1} of the weights dropped; while sampling cache {:.1}, prefill {:.1}, packed {:.1}, \
             draw {:.1}",
            gib(weights),
            gib(optimizer),
            gib(process),
            gib(gradients),
            gib(activations),
            gib(logits),
            gib(dropped),
            gib(cache),
            gib(prefill),
            gib(packed),
            gib(draw)
        )
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let taken = self.estimate.total();
        match self.memory {
            None => write!(f, "at most {:.1} GiB", gib(taken))?,
            Some(MachineMemory { total, .. }) => write!(f, "at most {:.1} of {:.1} GiB", gib(taken), gib(total))?,
        }
        write!(f, ": {}", self.estimate)?;
        match self.memory {
            Some(MachineMemory { free, .. }) if free < taken => write!(f, "; only {:.1} GiB are free now", gib(free)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use azr_config::Preset;

    const GPU: Device = Device::Cuda(0);

    /// Qwen2.5 as published, by its size in billions: hidden size, intermediate size, layers, heads, key and value heads,
    /// whether embedding and head are one.
    fn qwen(size: &str) -> ModelConfig {
        let (d, f, layers, heads, shared, tied, vocab) = match size {
            "0.5" => (896, 4864, 24, 14, 2, true, 151_936),
            "1.5" => (1536, 8960, 28, 12, 2, true, 151_936),
            "3" => (2048, 11008, 36, 16, 2, true, 151_936),
            _ => (3584, 18944, 28, 28, 4, false, 152_064),
        };
        let text = serde_json::json!({
            "model_type": "qwen2", "vocab_size": vocab, "hidden_size": d, "intermediate_size": f,
            "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": shared,
            "max_position_embeddings": 32768, "tie_word_embeddings": tied,
        });
        ModelConfig::parse(text.to_string().as_bytes()).unwrap()
    }

    fn paper(overrides: &[&str]) -> RunConfig {
        let overrides: Vec<String> = overrides.iter().map(|pair| (*pair).to_owned()).collect();
        RunConfig::resolve(Preset::Paper, None, &overrides).unwrap()
    }

    fn estimate(size: &str, overrides: &[&str]) -> Estimate {
        let config = paper(overrides);
        Estimate::new(&qwen(size), &config, config.policy.lora.of_rank(), 1, GPU)
    }

    /// The model cards' counts, and what PEFT prints for rank 16 on all linear layers of the largest.
    #[test]
    fn parameters_are_counted_as_published() {
        for (size, count) in [("0.5", 494_032_768), ("1.5", 1_543_714_304), ("3", 3_085_938_688), ("7", 7_615_616_512)]
        {
            assert_eq!(qwen(size).parameter_count(), count, "{size}");
        }
        let config = paper(&["policy.lora.rank=16"]);
        assert_eq!(qwen("7").adapter_parameter_count(&config.policy.lora), 40_370_176);
    }

    /// bf16: two bytes of weight, twelve of master and moments, two of gradient, and two of the head's in a micro-batch.
    #[test]
    fn every_parameter_takes_sixteen_bytes_to_train() {
        let head = 152_064 * 3584;
        let Estimate { weights, optimizer, gradients, .. } = estimate("7", &[]);
        assert_eq!(weights + optimizer + gradients, 16 * 7_615_616_512 + 2 * head);
        let Estimate { weights, optimizer, gradients, .. } = estimate("7", &["policy.dtype=f32"]);
        assert_eq!(weights + optimizer + gradients, 16 * 7_615_616_512 + 4 * head);
        let lora = estimate("7", &["policy.lora.rank=16"]);
        assert_eq!(lora.weights, 2 * (7_615_616_512 + 40_370_176));
        assert_eq!((lora.optimizer, lora.gradients), (12 * 40_370_176, 2 * 40_370_176));
    }

    /// ZeRO stage 1, and gradients that leave in buckets.
    #[test]
    fn ranks_share_the_optimizer_and_pass_gradients_on() {
        let config = paper(&[]);
        let on = |ranks| Estimate::new(&qwen("7"), &config, None, ranks, GPU);
        assert_eq!(on(4).optimizer, 12 * 7_615_616_512 / 4);
        assert_eq!(on(4).gradients, 2 * 7_615_616_512 / 4 + 2 * 152_064 * 3584 + 8 * 25 * 1_048_576);
        // The embedding is not cut.
        assert_eq!(on(64).optimizer, 12 * 152_064 * 3584);
        assert_eq!((on(4).weights, on(4).activations), (on(1).weights, on(1).activations));
    }

    /// 6,525,288,448 parameters are in the matrices of 28 layers.
    #[test]
    fn sharded_weights_are_dropped_while_learning() {
        let on = |overrides: &[&str], ranks| Estimate::new(&qwen("7"), &paper(overrides), None, ranks, GPU);
        let (sharded, whole) = (on(&["update.weights=sharded"], 4), on(&[], 4));
        assert_eq!(sharded.dropped, 2 * 6_525_288_448 * (28 - 7 - 2) / 28);
        assert_eq!((on(&["update.weights=sharded"], 1).dropped, whole.dropped), (0, 0));
        assert_eq!(sharded.learning(), whole.learning() - sharded.dropped);
        assert_eq!(sharded.sampling(), whole.sampling());
    }

    /// A GPU with 80 GB has 79.6 GiB.
    #[test]
    fn at_the_papers_lengths_three_billion_fit_a_card_and_seven_with_an_adapter() {
        let memory = MachineMemory { total: (79.6 * GIB) as u64, free: 0 };
        let check = |size, overrides: &[&str]| {
            let config = paper(overrides);
            let lora = config.policy.lora.of_rank();
            Estimate::new(&qwen(size), &config, lora, 1, GPU).check(&config, lora, memory)
        };
        check("3", &[]).unwrap();
        check("7", &["policy.lora.rank=32"]).unwrap();
        let message = |size, overrides| check(size, overrides).unwrap_err().to_string();
        assert!(message("7", &[]).contains("policy.lora.rank=32"));
        let kept = message("3", &["update.activations=keep"]);
        assert!(kept.contains("activations=recompute") && kept.contains("micro-batch-max-tokens=14240"), "{kept}");
        assert!(message("7", &["policy.lora.rank=8", "sampling.rows-max=128"]).contains("sampling.rows-max below 128"));
    }

    #[test]
    fn the_cache_grows_by_half_until_the_longest_row_fits() {
        assert_eq!(columns(6144, 8096), 20_952);
        assert_eq!(columns(10, 5), 74);
        // Keys and values of 24 layers and 2 heads of 64 numbers, in bf16.
        let per_column = 2 * 24 * 2 * 64 * 2;
        assert_eq!(estimate("0.5", &["sampling.rows-max=3"]).cache, 3 * 20_952 * per_column);
    }

    /// 357,826,560 parameters are in the matrices of 24 layers.
    #[test]
    fn packed_matrices_are_a_copy_while_sampling() {
        let on = |device, overrides: &[&str]| Estimate::new(&qwen("0.5"), &paper(overrides), None, 1, device);
        assert_eq!((on(GPU, &[]).packed, on(Device::Cpu, &["policy.dtype=f32"]).packed), (0, 0));
        if Device::Cpu.packs(Dtype::Bf16) {
            let packed = on(Device::Cpu, &[]);
            assert_eq!(packed.packed, 2 * (357_826_560 + 151_936 * 896));
            assert_eq!(packed.sampling(), on(GPU, &[]).sampling() + packed.packed);
        }
    }

    #[test]
    fn a_second_copy_of_the_weights_counts() {
        let plain = estimate("3", &[]);
        let with_kl = estimate("3", &["solve.kl-coefficient=0.1"]);
        assert_eq!(with_kl.weights, 2 * plain.weights);
        assert!(estimate("3", &["update.optimizer=muon"]).optimizer < plain.optimizer);
    }
}
