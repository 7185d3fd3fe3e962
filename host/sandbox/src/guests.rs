//! Components linked to what they may use, ready to be called: in this process or in one of their own.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use wasmtime::{Engine, component::Component};

use super::{
    engine,
    executor::Executor,
    guard::Guards,
    judge::{Budget, Judge},
    world,
};

/// What a process's guests are.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Role {
    Judge(Budget),
    /// With what memory a run may have at most.
    Executors(u64),
}

impl Role {
    /// An engine for one call at a time, and what it loads.
    pub(super) fn load<C>(self, guards: Guards, load: impl Fn(&Engine) -> Result<C>) -> Result<(Engine, C)> {
        let engine = match self {
            Self::Judge(budget) => {
                // What does not fit in there may well fit without.
                if let Some(engine) = engine::ready_judge_engine(budget.memory_max_bytes, guards)
                    && let Ok(loaded) = load(&engine)
                {
                    return Ok((engine, loaded));
                }
                engine::judge_engine(guards)?
            }
            Self::Executors(memory_max_bytes) => engine::executor_engine(1, memory_max_bytes, guards)?,
        };
        let loaded = load(&engine)?;
        Ok((engine, loaded))
    }
}

/// A judge, and the interfaces that it takes functions from.
pub(super) fn judge(
    engine: &Engine,
    component: &Component,
    budget: Budget,
    guards: Guards,
) -> Result<(Judge, Vec<String>)> {
    let pre = world::judge(engine, component, guards).context("its judge does not fit")?;
    let imports = world::imports(engine, component);
    Ok((Judge::new(pre, world::uses_wasi(&imports), budget), imports))
}

/// Executors, and the interfaces that each takes functions from.
pub(super) fn executors(
    engine: &Engine,
    components: &[Component],
    guards: Guards,
) -> Result<(Vec<Executor>, Vec<Vec<String>>)> {
    let executor = |(index, component)| {
        let pre =
            world::executor(engine, component, guards).with_context(|| format!("its executor {index} does not fit"))?;
        let imports = world::imports(engine, component);
        Ok((Executor::new(pre, world::uses_wasi(&imports), guards), imports))
    };
    let executors = components.iter().enumerate().map(executor).collect::<Result<Vec<_>>>()?;
    Ok(executors.into_iter().unzip())
}
