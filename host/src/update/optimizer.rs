//! AdamW and Muon over the policy's parameters, with gradient clipping.

use std::{collections::HashMap, path::Path};

use anyhow::{Context as _, Result, ensure};
use tch::{Device, Kind, Tensor};

use super::moments::{Maps, Moments, QUANTIZED_MIN};
use crate::{
    config::{MomentsKind, OptimizerKind, UpdateConfig},
    policy::{
        libtorch::{self, AdamwState, AdamwStep},
        weights,
    },
};

/// The optimiser's state: masters, moments and a step count.
pub(super) struct Optimizer {
    config: UpdateConfig,
    steps: u64,
    parameters: Vec<Tensor>,
    names: Vec<String>,
    /// f32 copies of bf16 parameters, in which small steps are not lost; the parameters themselves where they are f32.
    masters: Vec<Tensor>,
    rules: Vec<Rule>,
    maps: Maps,
}

/// What moves one parameter.
enum Rule {
    AdamW { exp_avg: Tensor, exp_avg_sq: Tensor },
    AdamW8Bit(Moments),
    Muon { momentum: Tensor },
}

impl Optimizer {
    pub(super) fn new(parameters: &[(String, Tensor)], config: &UpdateConfig) -> Result<Self> {
        let (names, tensors): (Vec<String>, Vec<Tensor>) =
            parameters.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).unzip();
        let master = |tensor: &Tensor| match tensor.kind() {
            Kind::Float => Ok(tensor.shallow_clone()),
            _ => tensor.f_detach()?.f_to_kind(Kind::Float),
        };
        let masters: Vec<Tensor> = tensors.iter().map(master).collect::<Result<_, _>>()?;
        let rule = |(name, master): (&String, &Tensor)| -> Result<Rule> {
            let zeros = || master.f_detach()?.f_zeros_like();
            // Muon is for the matrices inside the decoder; embeddings and head are tables.
            let matrix = name.contains(".layers.") && master.dim() == 2;
            match config.optimizer {
                OptimizerKind::Muon if matrix => Ok(Rule::Muon { momentum: zeros()? }),
                _ if config.moments == MomentsKind::EightBit && master.numel() >= QUANTIZED_MIN => {
                    Ok(Rule::AdamW8Bit(Moments::zeros(master.numel(), master.device())?))
                }
                _ => Ok(Rule::AdamW { exp_avg: zeros()?, exp_avg_sq: zeros()? }),
            }
        };
        let rules = names.iter().zip(&masters).map(rule).collect::<Result<_>>()?;
        let maps = Maps::new(tensors.first().map_or(Device::Cpu, Tensor::device))?;
        Ok(Self { config: config.clone(), steps: 0, parameters: tensors, names, masters, rules, maps })
    }

    /// Clips `gradients`, one per parameter, to the configured norm and takes a step. Returns the norm before; where it
    /// is not finite nothing changes. The schedule of `learning_rate` applies to Muon's own rate too.
    pub(super) fn step(&mut self, gradients: Vec<Tensor>, learning_rate: f64) -> Result<f64> {
        let _no_grad = tch::no_grad_guard();
        let norm = libtorch::norm(&gradients)?;
        ensure!(norm.is_finite(), "the gradient's norm is {norm}; the weights were left as they are");
        self.steps += 1;
        let UpdateConfig { beta1, beta2, epsilon: eps, weight_decay, gradient_norm_max, .. } = self.config;
        // As torch.nn.utils.clip_grad_norm_ has it.
        let gradient_scale = (gradient_norm_max / (norm + 1e-6)).min(1.0);
        let coefficients =
            AdamwStep { step: self.steps, learning_rate, beta1, beta2, weight_decay, eps, gradient_scale };
        let base = self.config.learning_rate;
        let muon_rate = if base > 0.0 { self.config.muon_learning_rate * learning_rate / base } else { 0.0 };
        for (i, gradient) in gradients.into_iter().enumerate() {
            let (parameter, master) = (&self.parameters[i], &self.masters[i]);
            match &self.rules[i] {
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

    pub(super) fn save(&self, path: &Path) -> Result<()> {
        let mut tensors = vec![("steps".to_owned(), Tensor::f_from_slice(&[self.steps as i64])?)];
        for (i, name) in self.names.iter().enumerate() {
            let state = self.state(i).into_iter();
            tensors.extend(state.map(|(what, tensor)| (format!("{what}.{name}"), tensor.shallow_clone())));
        }
        weights::write(path, &tensors)
    }

    pub(super) fn load(&mut self, path: &Path) -> Result<()> {
        let _no_grad = tch::no_grad_guard();
        let saved: HashMap<String, Tensor> = weights::read(path)?.into_iter().collect();
        let find = |key: &str| {
            saved.get(key).with_context(|| format!("{} has no {key}; it belongs to another setting", path.display()))
        };
        for (i, name) in self.names.iter().enumerate() {
            for (what, tensor) in self.state(i) {
                let found = find(&format!("{what}.{name}"))?;
                let (stored, wanted) = (found.size(), tensor.size());
                ensure!(stored == wanted, "{}: {what}.{name} has shape {stored:?}, not {wanted:?}", path.display());
                tensor.shallow_clone().f_copy_(found)?;
            }
        }
        self.steps = find("steps")?.f_int64_value(&[0])? as u64;
        Ok(())
    }

    /// What is saved of a parameter beyond its weight.
    fn state(&self, i: usize) -> Vec<(&'static str, &Tensor)> {
        let mut state = match &self.rules[i] {
            Rule::AdamW { exp_avg, exp_avg_sq } => vec![("exp_avg", exp_avg), ("exp_avg_sq", exp_avg_sq)],
            Rule::AdamW8Bit(Moments { exp_avg, exp_avg_sq }) => vec![
                ("exp_avg", &exp_avg.codes),
                ("exp_avg_scale", &exp_avg.scales),
                ("exp_avg_sq", &exp_avg_sq.codes),
                ("exp_avg_sq_scale", &exp_avg_sq.scales),
            ],
            Rule::Muon { momentum } => vec![("momentum", momentum)],
        };
        if self.parameters[i].kind() != Kind::Float {
            state.push(("master", &self.masters[i]));
        }
        state
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
