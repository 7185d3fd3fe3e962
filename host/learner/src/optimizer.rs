//! AdamW and Muon over the policy's parameters, with gradient clipping.

use azr_core::gather::Gather as _;
use std::path::Path;

use anyhow::{Result, ensure};
use tch::{Device, Kind, Tensor};

use super::{
    moments::{Maps, Moments, QUANTIZED_MIN},
    shards::Shards,
};
use azr_config::{MomentsKind, OptimizerKind, UpdateConfig};
use azr_policy::{
    Policy,
    libtorch::{self, AdamwState, AdamwStep},
    weights::{self, TensorFile},
};

/// The optimiser: which rank updates which parameter, and the state of those of this one.
pub(super) struct Optimizer {
    config: UpdateConfig,
    steps: u64,
    parameters: Vec<(String, Tensor)>,
    pub shards: Shards,
    /// In the order of the parameters that this rank updates.
    own: Vec<State>,
    maps: Maps,
}

/// What an optimiser continues from, by name.
pub struct OptimizerState(Vec<(String, Tensor)>);

impl OptimizerState {
    /// Writes a safetensors file.
    pub fn save(&self, path: &Path) -> Result<()> {
        weights::write(path, &self.0)
    }
}

/// What is kept of one parameter from step to step.
struct State {
    /// An f32 copy of a bf16 parameter, in which small steps are not lost; the parameter itself where it is f32.
    master: Tensor,
    rule: Rule,
}

/// What moves one parameter.
enum Rule {
    AdamW { exp_avg: Tensor, exp_avg_sq: Tensor },
    AdamW8Bit(Moments),
    Muon { momentum: Tensor },
}

impl State {
    fn new(name: &str, parameter: &Tensor, config: &UpdateConfig) -> Result<Self> {
        let master = match parameter.kind() {
            Kind::Float => parameter.shallow_clone(),
            _ => parameter.f_detach()?.f_to_kind(Kind::Float)?,
        };
        let zeros = || master.f_detach()?.f_zeros_like();
        // Muon is for the matrices inside the decoder; embeddings and head are tables.
        let matrix = name.contains(".layers.") && master.dim() == 2;
        let rule = match config.optimizer {
            OptimizerKind::Muon if matrix => Rule::Muon { momentum: zeros()? },
            _ if config.moments == MomentsKind::EightBit && master.numel() >= QUANTIZED_MIN => {
                Rule::AdamW8Bit(Moments::zeros(master.numel(), master.device())?)
            }
            _ => Rule::AdamW { exp_avg: zeros()?, exp_avg_sq: zeros()? },
        };
        Ok(Self { master, rule })
    }

    /// What is saved of it beyond the weight.
    fn saved(&self, parameter: &Tensor) -> Vec<(&'static str, &Tensor)> {
        let mut saved = match &self.rule {
            Rule::AdamW { exp_avg, exp_avg_sq } => vec![("exp_avg", exp_avg), ("exp_avg_sq", exp_avg_sq)],
            Rule::AdamW8Bit(Moments { exp_avg, exp_avg_sq }) => vec![
                ("exp_avg", &exp_avg.codes),
                ("exp_avg_scale", &exp_avg.scales),
                ("exp_avg_sq", &exp_avg_sq.codes),
                ("exp_avg_sq_scale", &exp_avg_sq.scales),
            ],
            Rule::Muon { momentum } => vec![("momentum", momentum)],
        };
        if parameter.kind() != Kind::Float {
            saved.push(("master", &self.master));
        }
        saved
    }
}

impl Optimizer {
    pub(super) fn new(policy: &Policy, config: &UpdateConfig) -> Result<Self> {
        let parameters: Vec<(String, Tensor)> =
            policy.parameters().iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect();
        let shards = Shards::new(&parameters, policy.ranks());
        let own = shards.own().into_iter().map(|i| State::new(&parameters[i].0, &parameters[i].1, config));
        let own = own.collect::<Result<_>>()?;
        let maps = Maps::new(parameters.first().map_or(Device::Cpu, |(_, tensor)| tensor.device()))?;
        Ok(Self { config: config.clone(), steps: 0, parameters, shards, own, maps })
    }

    /// Clips `gradients`, one per parameter of this rank, to the configured norm of all ranks' together, takes a step and
    /// shares the new weights. Returns the norm before; where it is not finite nothing changes. The schedule of
    /// `learning_rate` applies to Muon's own rate too.
    pub(super) fn step(&mut self, gradients: Vec<Tensor>, learning_rate: f64) -> Result<f64> {
        let _no_grad = tch::no_grad_guard();
        let norm = self.shards.norm(&gradients)?;
        ensure!(norm.is_finite(), "the gradient's norm is {norm}; the weights were left as they are");
        self.steps += 1;
        let UpdateConfig { beta1, beta2, epsilon: eps, weight_decay, gradient_norm_max, .. } = self.config;
        // As torch.nn.utils.clip_grad_norm_ has it.
        let gradient_scale = (gradient_norm_max / (norm + 1e-6)).min(1.0);
        let coefficients =
            AdamwStep { step: self.steps, learning_rate, beta1, beta2, weight_decay, eps, gradient_scale };
        let base = self.config.learning_rate;
        let muon_rate = if base > 0.0 { self.config.muon_learning_rate * learning_rate / base } else { 0.0 };
        for ((i, State { master, rule }), gradient) in self.shards.own().into_iter().zip(&self.own).zip(gradients) {
            let parameter = &self.parameters[i].1;
            match rule {
                Rule::AdamW { exp_avg, exp_avg_sq } => {
                    libtorch::adamw(&AdamwState { parameter, master, exp_avg, exp_avg_sq }, gradient, &coefficients)?;
                }
                Rule::AdamW8Bit(moments) => moments.step(&self.maps, parameter, master, &gradient, &coefficients)?,
                Rule::Muon { momentum } => {
                    let gradient = gradient.f_to_kind(Kind::Float)?.f_mul_scalar(gradient_scale)?;
                    self.muon(master, momentum, &gradient, muon_rate)?;
                    parameter.shallow_clone().f_copy_(master)?;
                }
            }
        }
        self.shards.publish()?;
        Ok(norm)
    }

    /// One step of Muon (Jordan et al. 2024) as in `torch.optim.Muon`, but with the iteration in f32.
    fn muon(&self, master: &Tensor, momentum: &Tensor, gradient: &Tensor, rate: f64) -> Result<()> {
        let UpdateConfig { muon_momentum, weight_decay, .. } = self.config;
        let _ = momentum.shallow_clone().f_lerp_(gradient, 1.0 - muon_momentum)?;
        let update = orthogonal(&gradient.f_lerp(momentum, muon_momentum)?)?;
        let (rows, columns) = master.size2()?;
        let step = rate * (rows as f64 / columns as f64).max(1.0).sqrt();
        let _ =
            master.shallow_clone().f_mul_scalar_(1.0 - rate * weight_decay)?.f_add_(&update.f_mul_scalar(-step)?)?;
        Ok(())
    }

    pub(super) fn state(&self) -> Result<OptimizerState> {
        let _no_grad = tch::no_grad_guard();
        let Shards { ranks, owners, .. } = &self.shards;
        let mut tensors = vec![("steps".to_owned(), Tensor::f_from_slice(&[self.steps as i64])?)];
        let mut own = self.own.iter();
        for ((name, parameter), &owner) in self.parameters.iter().zip(owners) {
            let received;
            let state = if owner == ranks.rank() {
                own.next().expect("a state for each of this rank's parameters")
            } else {
                received = State::new(name, parameter, &self.config)?;
                &received
            };
            for (what, tensor) in state.saved(parameter) {
                ranks.broadcast(tensor, owner)?;
                if ranks.rank() == 0 {
                    tensors.push((format!("{what}.{name}"), tensor.f_to_device(Device::Cpu)?));
                }
            }
        }
        Ok(OptimizerState(tensors))
    }

    pub(super) fn load(&mut self, path: &Path) -> Result<()> {
        let _no_grad = tch::no_grad_guard();
        // Of all ranks' state this one reads its own.
        let saved = TensorFile::open(path)?;
        for (i, state) in self.shards.own().into_iter().zip(&self.own) {
            let (name, parameter) = &self.parameters[i];
            for (what, tensor) in state.saved(parameter) {
                saved.copy_into(&format!("{what}.{name}"), tensor)?;
            }
        }
        self.steps = saved.read("steps")?.f_int64_value(&[0])? as u64;
        Ok(())
    }
}

/// Roughly the nearest matrix with orthonormal rows or columns, by five quintic Newton–Schulz steps. `g` is
/// `[rows, columns]`.
fn orthogonal(g: &Tensor) -> Result<Tensor> {
    // The coefficients of torch.optim.Muon, which trade exactness for speed of convergence.
    const A: f64 = 3.4445;
    const B: f64 = -4.7750;
    const C: f64 = 2.0315;
    let (rows, columns) = g.size2()?;
    // The Gram matrix is smaller on the short side.
    let wide = if rows > columns { g.f_transpose(0, 1)? } else { g.shallow_clone() };
    let mut x = wide.f_div(&wide.f_norm()?.f_clamp_min(1e-7)?)?;
    for _ in 0..5 {
        let gram = x.f_matmul(&x.f_transpose(0, 1)?)?;
        let poly = gram.f_mul_scalar(B)?.f_add(&gram.f_matmul(&gram)?.f_mul_scalar(C)?)?;
        x = x.f_mul_scalar(A)?.f_add(&poly.f_matmul(&x)?)?;
    }
    Ok(if rows > columns { x.f_transpose(0, 1)? } else { x })
}
