//! The shape of low-rank adapters.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LoraConfig {
    /// 0: no adapter, all weights are trained.
    pub rank: usize,
    pub alpha: f64,
    pub rank_stabilized: bool,
    pub targets: BTreeSet<Projection>,
}

/// The linear maps of a decoder's layer, by the checkpoint's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Projection {
    QProj,
    KProj,
    VProj,
    OProj,
    GateProj,
    UpProj,
    DownProj,
}

impl Projection {
    /// In the order of the layer.
    pub const ALL: [Self; 7] =
        [Self::QProj, Self::KProj, Self::VProj, Self::OProj, Self::GateProj, Self::UpProj, Self::DownProj];

    /// Within the layer.
    pub fn path(self) -> &'static str {
        match self {
            Self::QProj => "self_attn.q_proj",
            Self::KProj => "self_attn.k_proj",
            Self::VProj => "self_attn.v_proj",
            Self::OProj => "self_attn.o_proj",
            Self::GateProj => "mlp.gate_proj",
            Self::UpProj => "mlp.up_proj",
            Self::DownProj => "mlp.down_proj",
        }
    }

    pub fn name(self) -> &'static str {
        let (_, name) = self.path().split_once('.').expect("a path has two parts");
        name
    }
}

impl LoraConfig {
    /// What the product of the two matrices is multiplied by.
    pub fn scale(&self) -> f64 {
        let rank = self.rank as f64;
        self.alpha / if self.rank_stabilized { rank.sqrt() } else { rank }
    }

    /// Itself, if it asks for an adapter.
    pub fn of_rank(&self) -> Option<&Self> {
        (self.rank > 0).then_some(self)
    }

    pub fn check(&self) -> Result<()> {
        ensure!(self.alpha.is_finite(), "alpha is {}; it must be finite", self.alpha);
        ensure!(self.rank == 0 || !self.targets.is_empty(), "targets is empty, so there is nothing to train");
        Ok(())
    }
}
