//! The decoder of the Qwen2, Qwen3 and Llama families. Fields carry the checkpoint's names, so the source is the weight map.

use std::ops::Range;

use anyhow::{Context as _, Result};
use tch::{Device, Kind, Tensor};

use super::{
    adapter::modules::Modules,
    config::ModelConfig,
    cpu,
    element::{slice, slice_mut, with_element},
    linear::{Linear, LowRank, Pass},
    packed::{Packed, is_packed},
    rope::{RopeTable, Rotation},
};
use azr_config::{LoraConfig, Projection};

/// Attention over whatever keys and values a pass has.
pub trait Attend {
    /// How queries and keys are turned to their positions; `None` where [`Self::attend`] wants them as they are.
    fn rotation(&self) -> Option<&Rotation>;

    /// Gets the layer's number and query, key and value, each `[batch, seq, heads, head_dim]`; returns
    /// `[batch, seq, hidden]`.
    fn attend(&mut self, layer: usize, q: Tensor, k: Tensor, v: Tensor) -> Result<Tensor>;
}

/// Weights and shape of a decoder.
pub struct Model {
    pub config: ModelConfig,
    embed_tokens: Tensor,
    layers: Vec<Layer>,
    norm: Tensor,
    lm_head: Tensor,
    /// The head once more, while a call samples on a CPU.
    packed_head: Option<Packed>,
}

struct Layer {
    input_layernorm: Tensor,
    self_attn: Attention,
    post_attention_layernorm: Tensor,
    mlp: Mlp,
}

struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    /// The three projections as one; shares their memory.
    qkv: Linear,
    /// Of queries and keys, `[head_dim]` each; in Qwen3 only.
    norms: Option<[Tensor; 2]>,
}

struct Mlp {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
    /// Gate and up as one; shares their memory.
    gate_up: Linear,
}

/// Makes a model's parameters one by one.
struct Builder<'a> {
    fetch: &'a mut dyn FnMut(&str, &[i64]) -> Result<Tensor>,
    options: (Kind, Device),
    parameters: Vec<(String, Tensor)>,
}

impl Model {
    /// Builds the model from `fetch`, which returns the named tensor in the given shape, in any dtype and on any
    /// device. The parameters come back in the checkpoint's order, as leaves that share the model's memory.
    pub fn build(
        config: ModelConfig,
        options: (Kind, Device),
        fetch: &mut dyn FnMut(&str, &[i64]) -> Result<Tensor>,
    ) -> Result<(Self, Vec<(String, Tensor)>)> {
        let mut builder = Builder { fetch, options, parameters: Vec::new() };
        let (vocab, hidden) = (config.vocab_size, config.hidden_size);
        let embed_tokens = builder.tensor("model.embed_tokens.weight", &[vocab, hidden])?;
        let layers = (0..config.num_hidden_layers).map(|i| Layer::build(&mut builder, &config, i));
        let layers = layers.collect::<Result<_>>()?;
        let norm = builder.tensor("model.norm.weight", &[hidden])?;
        let lm_head = match config.tie_word_embeddings {
            true => embed_tokens.shallow_clone(),
            false => builder.tensor("lm_head.weight", &[vocab, hidden])?,
        };
        let parameters = builder.parameters;
        Ok((Self { config, embed_tokens, layers, norm, lm_head, packed_head: None }, parameters))
    }

    /// Another handle to the same weights, for another thread.
    pub fn handle(&self) -> Self {
        Self {
            config: self.config.clone(),
            embed_tokens: self.embed_tokens.shallow_clone(),
            layers: self.layers.iter().map(Layer::handle).collect(),
            norm: self.norm.shallow_clone(),
            lm_head: self.lm_head.shallow_clone(),
            packed_head: self.packed_head.as_ref().map(Packed::handle),
        }
    }

    /// A handle that samples about `rows` rows at a time, on a CPU from packed copies of the matrices as they are now.
    pub fn for_sampling(&self, rows: usize) -> Result<Self> {
        let mut model = self.handle();
        if is_packed(self.kind_and_device()) {
            for Layer { self_attn, mlp, .. } in &mut model.layers {
                for linear in [&mut self_attn.qkv, &mut self_attn.o_proj, &mut mlp.gate_up, &mut mlp.down_proj] {
                    linear.pack(rows)?;
                }
            }
            model.packed_head = Some(Packed::new(&self.lm_head, rows)?);
        }
        Ok(model)
    }

    /// Gives the targets low-rank adapters whose values `fetch` returns, by PEFT's name and shape, in any dtype and on any
    /// device. The parameters come back in the order of the layers.
    pub(crate) fn adapt(
        &mut self,
        lora: &LoraConfig,
        modules: &Modules,
        fetch: &mut dyn FnMut(&str, &[i64]) -> Result<Tensor>,
    ) -> Result<Vec<(String, Tensor)>> {
        let (kind, device) = self.kind_and_device();
        let mut parameters = Vec::new();
        for (i, layer) in self.layers.iter_mut().enumerate() {
            for target in Projection::ALL {
                if !modules.include(i, target)? {
                    continue;
                }
                let linear = layer.projection_mut(target);
                let (rows, columns) = linear.weight.size2()?;
                let mut parameter = |which: &str, shape: [i64; 2]| -> Result<Tensor> {
                    let name = format!("base_model.model.model.layers.{i}.{}.{which}.weight", target.path());
                    let tensor = fetch(&name, &shape)?.f_to_kind(kind)?.f_to_device(device)?;
                    let tensor = tensor.f_detach()?.f_set_requires_grad(true)?;
                    parameters.push((name, tensor.shallow_clone()));
                    Ok(tensor)
                };
                let rank = lora.rank as i64;
                let (a, b) = (parameter("lora_A", [rank, columns])?, parameter("lora_B", [rows, rank])?);
                linear.adapter = Some(LowRank { a, b, scale: lora.scale() });
            }
        }
        Ok(parameters)
    }

    /// Adds the adapters to the weights and takes them away.
    pub fn merge(&mut self) -> Result<()> {
        let _no_grad = tch::no_grad_guard();
        for layer in &mut self.layers {
            Projection::ALL.into_iter().try_for_each(|target| layer.projection_mut(target).merge())?;
        }
        Ok(())
    }

    /// Dtype and device of the weights.
    pub fn kind_and_device(&self) -> (Kind, Device) {
        (self.norm.kind(), self.norm.device())
    }

    /// Rotary embedding for positions `0..positions`.
    pub fn rope(&self, positions: i64) -> Result<RopeTable> {
        RopeTable::new(&self.config.rope, self.config.head_dim, positions, self.kind_and_device())
    }

    /// The final hidden states, `[n, hidden]`, of `tokens`, `[batch, seq]`, at `indices`, `[n]`, in the flattened batch;
    /// at all of them where that is `None`.
    pub fn hidden(
        &self,
        tokens: &Tensor,
        indices: Option<&Tensor>,
        pass: Pass,
        attend: &mut impl Attend,
    ) -> Result<Tensor> {
        self.layer_range(0..self.layers.len(), None, tokens, indices, pass, attend)
    }

    /// Some of the layers, with the embedding before the first of all and the norm after the last.
    /// `x` is what the layer before them gave, `[batch * seq, hidden]`.
    pub fn layer_range(
        &self,
        layers: Range<usize>,
        x: Option<&Tensor>,
        tokens: &Tensor,
        indices: Option<&Tensor>,
        pass: Pass,
        attend: &mut impl Attend,
    ) -> Result<Tensor> {
        let (batch, seq) = tokens.size2()?;
        let mut x = match x {
            Some(x) => x.shallow_clone(),
            None => Tensor::f_embedding(&self.embed_tokens, &tokens.f_reshape([batch * seq])?, -1, false, false)?,
        };
        let end = layers.end;
        for i in layers {
            let layer = &self.layers[i];
            let normed = self.rms_norm(&x, &layer.input_layernorm, pass)?;
            let (q, k, v) = layer.self_attn.project(&normed, [batch, seq], &self.config, pass, attend.rotation())?;
            let mut mixed = attend.attend(i, q, k, v)?.f_reshape([batch * seq, -1])?;
            // What comes after the last attention is of no use to other tokens.
            if let Some(indices) = indices.filter(|_| i + 1 == self.layers.len()) {
                (x, mixed) = (x.f_index_select(0, indices)?, mixed.f_index_select(0, indices)?);
            }
            x = layer.self_attn.o_proj.add_to(x, &mixed, pass)?;
            let normed = self.rms_norm(&x, &layer.post_attention_layernorm, pass)?;
            x = layer.mlp.add_to(x, &normed, pass)?;
        }
        if end == self.layers.len() { self.rms_norm(&x, &self.norm, pass) } else { Ok(x) }
    }

    /// The matrices of a layer; each has its memory for itself.
    pub fn matrices(&self, layer: usize) -> [&Tensor; 4] {
        let Layer { self_attn, mlp, .. } = &self.layers[layer];
        [&self_attn.qkv, &self_attn.o_proj, &mlp.gate_up, &mlp.down_proj].map(|linear| &linear.weight)
    }

    /// `[vocab, hidden]`
    pub fn lm_head(&self) -> &Tensor {
        &self.lm_head
    }

    /// Scores of every vocabulary entry, `[n, vocab]` in f32, for hidden states `[n, hidden]`.
    pub fn logits(&self, hidden: &Tensor) -> Result<Tensor> {
        let (_n, _hidden) = hidden.size2()?;
        let logits = match &self.packed_head {
            Some(packed) => packed.linear(hidden, None)?,
            None => hidden.f_linear(&self.lm_head, None::<&Tensor>)?,
        };
        Ok(logits.f_to_kind(Kind::Float)?)
    }

    fn rms_norm(&self, x: &Tensor, weight: &Tensor, pass: Pass) -> Result<Tensor> {
        let (eps, hidden) = (self.config.rms_norm_eps, self.config.hidden_size);
        if pass != Pass::SampleOnCpu {
            return Ok(x.f_rms_norm([hidden], Some(weight), eps)?);
        }
        let mut out = x.f_empty_like()?;
        with_element!(x.kind(), E => cpu::rms_norm::<E>(slice(x), slice(weight), eps as f32, slice_mut(&mut out)));
        Ok(out)
    }
}

impl Layer {
    fn build(builder: &mut Builder, config: &ModelConfig, i: usize) -> Result<Self> {
        let name = |rest: &str| format!("model.layers.{i}.{rest}");
        let (d, ff) = (config.hidden_size, config.intermediate_size);
        let (q, kv) = (config.num_attention_heads * config.head_dim, config.num_key_value_heads * config.head_dim);
        let bias = config.bias;
        let names = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"].map(name);
        let (qkv, [q_proj, k_proj, v_proj]) = builder.fused(names, [q, kv, kv], d, bias.qkv)?;
        let norms = match config.qk_norm {
            true => {
                let mut norm = |which| builder.tensor(&name(which), &[config.head_dim]);
                Some([norm("self_attn.q_norm.weight")?, norm("self_attn.k_norm.weight")?])
            }
            false => None,
        };
        let (_, [o_proj]) = builder.fused([name("self_attn.o_proj")], [d], q, bias.o)?;
        let names = ["mlp.gate_proj", "mlp.up_proj"].map(name);
        let (gate_up, [gate_proj, up_proj]) = builder.fused(names, [ff, ff], d, bias.mlp)?;
        let (_, [down_proj]) = builder.fused([name("mlp.down_proj")], [d], ff, bias.mlp)?;
        Ok(Self {
            self_attn: Attention { q_proj, k_proj, v_proj, o_proj, qkv, norms },
            mlp: Mlp { gate_proj, up_proj, down_proj, gate_up },
            input_layernorm: builder.tensor(&name("input_layernorm.weight"), &[d])?,
            post_attention_layernorm: builder.tensor(&name("post_attention_layernorm.weight"), &[d])?,
        })
    }

    fn projection_mut(&mut self, projection: Projection) -> &mut Linear {
        match projection {
            Projection::QProj => &mut self.self_attn.q_proj,
            Projection::KProj => &mut self.self_attn.k_proj,
            Projection::VProj => &mut self.self_attn.v_proj,
            Projection::OProj => &mut self.self_attn.o_proj,
            Projection::GateProj => &mut self.mlp.gate_proj,
            Projection::UpProj => &mut self.mlp.up_proj,
            Projection::DownProj => &mut self.mlp.down_proj,
        }
    }

    fn handle(&self) -> Self {
        let Attention { q_proj, k_proj, v_proj, o_proj, qkv, norms } = &self.self_attn;
        let Mlp { gate_proj, up_proj, down_proj, gate_up } = &self.mlp;
        Self {
            input_layernorm: self.input_layernorm.shallow_clone(),
            self_attn: Attention {
                q_proj: q_proj.handle(),
                k_proj: k_proj.handle(),
                v_proj: v_proj.handle(),
                o_proj: o_proj.handle(),
                qkv: qkv.handle(),
                norms: norms.as_ref().map(|norms| norms.each_ref().map(Tensor::shallow_clone)),
            },
            post_attention_layernorm: self.post_attention_layernorm.shallow_clone(),
            mlp: Mlp {
                gate_proj: gate_proj.handle(),
                up_proj: up_proj.handle(),
                down_proj: down_proj.handle(),
                gate_up: gate_up.handle(),
            },
        }
    }
}

impl Attention {
    /// Query, key and value of `x`, `[batch * seq, hidden]`: each `[batch, seq, heads, head_dim]`. For sampling they lie
    /// in one tensor, one after another for each token.
    fn project(
        &self,
        x: &Tensor,
        [batch, seq]: [i64; 2],
        config: &ModelConfig,
        pass: Pass,
        rotation: Option<&Rotation>,
    ) -> Result<(Tensor, Tensor, Tensor)> {
        let ModelConfig {
            num_attention_heads: heads, num_key_value_heads: shared, head_dim, rms_norm_eps: eps, ..
        } = *config;
        if pass == Pass::Train {
            let split = |x: Tensor| x.f_view([batch, seq, -1, head_dim]);
            let (q, k, v) = (self.q_proj.forward(x)?, self.k_proj.forward(x)?, self.v_proj.forward(x)?);
            let (mut q, mut k, v) = (split(q)?, split(k)?, split(v)?);
            if let Some([of_q, of_k]) = &self.norms {
                let norm = |x: Tensor, weight| x.f_rms_norm([head_dim], Some(weight), eps);
                (q, k) = (norm(q, of_q)?, norm(k, of_k)?);
            }
            return match rotation {
                Some(rotation) => Ok((rotation.rotate(&q)?, rotation.rotate(&k)?, v)),
                None => Ok((q, k, v)),
            };
        }
        let qkv = self.qkv.forward_all(&[&self.q_proj, &self.k_proj, &self.v_proj], x)?;
        let qkv = qkv.f_view([batch, seq, heads + 2 * shared, head_dim])?;
        let part = |start, count| qkv.f_narrow(2, start, count);
        if let Some([of_q, of_k]) = &self.norms {
            for (mut x, weight) in [(part(0, heads)?, of_q), (part(heads, shared)?, of_k)] {
                x.f_copy_(&x.f_rms_norm([head_dim], Some(weight), eps)?)?;
            }
        }
        if let Some(rotation) = rotation {
            // Both at once: on a GPU launching a kernel takes as long as running it.
            rotation.turn_in_place(part(0, heads + shared)?)?;
        }
        Ok((part(0, heads)?, part(heads, shared)?, part(heads + shared, shared)?))
    }
}

impl Mlp {
    /// `residual` + MLP(`x`), all `[n, hidden]`.
    fn add_to(&self, residual: Tensor, x: &Tensor, pass: Pass) -> Result<Tensor> {
        let gated = match pass {
            Pass::Train => self.gate_proj.forward(x)?.f_silu()?.f_mul(&self.up_proj.forward(x)?)?,
            Pass::Sample => {
                let both = self.gate_up.forward_all(&[&self.gate_proj, &self.up_proj], x)?.f_chunk(2, 1)?;
                let [gate, up] = both.as_slice() else { unreachable!("chunk(2) makes two") };
                gate.f_silu()?.f_mul_(up)?
            }
            Pass::SampleOnCpu => {
                let both = self.gate_up.forward_all(&[&self.gate_proj, &self.up_proj], x)?;
                let (n, width) = both.size2()?;
                let mut gated = Tensor::f_empty([n, width / 2], (both.kind(), both.device()))?;
                let half = width as usize / 2;
                with_element!(both.kind(), E => cpu::silu_mul::<E>(slice(&both), half, slice_mut(&mut gated)));
                gated
            }
        };
        self.down_proj.add_to(residual, &gated, pass)
    }
}

impl Builder<'_> {
    fn tensor(&mut self, name: &str, shape: &[i64]) -> Result<Tensor> {
        let into = Tensor::f_empty(shape, self.options)?;
        self.fill(name.to_owned(), into)
    }

    /// Linears of the same input, `[rows[i], columns]`, in one block of memory, and the whole block as one linear.
    fn fused<const N: usize>(
        &mut self,
        names: [String; N],
        rows: [i64; N],
        columns: i64,
        bias: bool,
    ) -> Result<(Linear, [Linear; N])> {
        let total = rows.iter().sum::<i64>();
        let weight = Tensor::f_empty([total, columns], self.options)?;
        let whole_bias = if bias { Some(Tensor::f_empty([total], self.options)?) } else { None };
        let mut start = 0;
        let mut parts = Vec::with_capacity(N);
        for (name, rows) in names.into_iter().zip(rows) {
            let weight = self.fill(format!("{name}.weight"), weight.f_narrow(0, start, rows)?)?;
            let bias = match &whole_bias {
                Some(whole) => Some(self.fill(format!("{name}.bias"), whole.f_narrow(0, start, rows)?)?),
                None => None,
            };
            parts.push(Linear::new(weight, bias));
            start += rows;
        }
        let parts = parts.try_into().unwrap_or_else(|_| unreachable!("one linear per name"));
        Ok((Linear::new(weight, whole_bias), parts))
    }

    /// Fetches a tensor into `into` and makes that a parameter.
    fn fill(&mut self, name: String, mut into: Tensor) -> Result<Tensor> {
        let fetched = (self.fetch)(&name, &into.size())?;
        into.f_copy_(&fetched).with_context(|| format!("placing {name}"))?;
        // Detached from the block, the part is a leaf that autograd and the optimiser take for a tensor of its own.
        let parameter = into.f_detach()?.f_set_requires_grad(true)?;
        self.parameters.push((name, parameter.shallow_clone()));
        Ok(parameter)
    }
}
