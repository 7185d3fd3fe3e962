//! An environment in self-play: the component, its settings and the tasks found so far.

use std::collections::{BTreeMap, HashSet};

use anyhow::Result;
use serde::Serialize;

use crate::{
    buffer::Buffer,
    config::Style,
    rng::Draws,
    sandbox::{self, Context, Environment, Kind},
    task::{Digest, Task},
};

/// Who wrote a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Proposer,
    Solver,
}

/// Rollouts that share a baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// Index of the environment.
    pub arena: usize,
    /// Index of the kind within its environment.
    pub kind: usize,
    pub role: Role,
}

/// One environment and what self-play has found in it.
pub struct Arena {
    pub environment: Environment,
    pub context: Context,
    /// One buffer per kind, in the order of the description.
    pub buffers: Vec<Buffer>,
    /// Subjects of all tasks ever accepted, by kind, for novelty.
    pub subjects: Vec<HashSet<Digest>>,
    /// Subjects of held-out tasks, which must not be learned from.
    pub held_out: HashSet<Digest>,
}

impl Arena {
    /// An arena without tasks. `settings` are the operator's, by name.
    pub fn new(
        environment: Environment,
        style: Style,
        settings: &BTreeMap<String, String>,
        capacity: usize,
    ) -> Result<Self> {
        let style = match style {
            Style::Instruct => sandbox::Style::Instruct,
            Style::Compact => sandbox::Style::Compact,
        };
        let settings: Vec<(String, String)> = settings.clone().into_iter().collect();
        let context = environment.context(style, &settings)?;
        let kinds = environment.description().kinds.len();
        let (buffers, subjects) = (vec![Buffer::new(capacity); kinds], vec![HashSet::new(); kinds]);
        Ok(Self { environment, context, buffers, subjects, held_out: HashSet::new() })
    }

    /// The environment's name.
    pub fn name(&self) -> &str {
        &self.environment.description().name
    }

    /// The environment's kinds.
    pub fn kinds(&self) -> &[Kind] {
        &self.environment.description().kinds
    }

    /// The position of the kind called `name`.
    pub fn kind_index(&self, name: &str) -> Option<usize> {
        self.kinds().iter().position(|kind| kind.name == name)
    }

    /// `<environment>/<kind>`.
    pub fn label(&self, kind: usize) -> String {
        format!("{}/{}", self.name(), self.kinds()[kind].name)
    }

    /// At most `count` distinct tasks to show to a proposer of `kind`, drawn uniformly.
    pub fn references(&self, kind: usize, count: usize, draws: &mut Draws) -> Vec<Task> {
        let kind = &self.kinds()[kind];
        let sources = kind.references_from.iter().filter_map(|name| self.kind_index(name));
        let tasks: Vec<&Task> = sources.flat_map(|source| self.buffers[source].tasks()).collect();
        let chosen = draws.distinct(count.min(kind.references_max as usize), tasks.len());
        chosen.into_iter().map(|i| tasks[i].clone()).collect()
    }
}

/// Hands every item to its environment and gives the results in item order. Each environment gets its items in one
/// batch, so that their runs spread over all workers.
pub fn batched<T, R>(
    arenas: &[Arena],
    items: &[T],
    arena_of: impl Fn(&T) -> usize,
    call: impl Fn(&Arena, Vec<&T>) -> Vec<R>,
) -> Vec<R> {
    let mut results: Vec<Option<R>> = Vec::new();
    results.resize_with(items.len(), || None);
    for (index, arena) in arenas.iter().enumerate() {
        let mine: Vec<usize> = (0..items.len()).filter(|&i| arena_of(&items[i]) == index).collect();
        let batch = mine.iter().map(|&i| &items[i]).collect();
        for (i, result) in mine.into_iter().zip(call(arena, batch)) {
            results[i] = Some(result);
        }
    }
    results.into_iter().map(|result| result.expect("an environment answers for each of its items")).collect()
}
