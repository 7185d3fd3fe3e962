//! What a session needs of environments and data sets.

use anyhow::{Result, bail, ensure};
use azr_config::{Preset, RunConfig};
use azr_core::gather::Gather;
use azr_env::env_source::EnvSource;
use azr_sandbox::{Environment, Sandbox};
use azr_selfplay::{
    buffer::Buffer,
    data_set::DataSet,
    env_state::EnvState,
    faults::Faults,
    generate::{Seeded, generate, seed_tasks},
    step::break_circuit,
};

use super::strict_breaker;

/// Loads the environments, with the operator's settings.
pub fn load_envs(sandbox: &Sandbox, sources: &[EnvSource], config: &RunConfig) -> Result<Vec<EnvState>> {
    env_states(sources.iter().map(|source| source.load(sandbox)).collect::<Result<_>>()?, config)
}

/// The states of environments that are loaded.
pub fn env_states(environments: Vec<Environment>, config: &RunConfig) -> Result<Vec<EnvState>> {
    let mut envs: Vec<EnvState> = Vec::new();
    for environment in environments {
        let env = EnvState::new(environment, config)?;
        let name = env.name();
        let twin = envs.iter().any(|other| other.name() == name);
        ensure!(!twin, "two environments are called {name:?}; give only one of them with --env");
        envs.push(env);
    }
    // The embedded policy's preset has settings for its environment, loaded or not.
    let loaded = |name: &&String| *name == Preset::TINY_ENVIRONMENT || envs.iter().any(|env| env.name() == *name);
    if let Some(unknown) = config.environments.keys().find(|name| !loaded(name)) {
        bail!("the configuration has settings for environment {unknown:?}, which is not loaded");
    }
    if let Some(unknown) = config.env_weights.keys().find(|name| !loaded(name)) {
        bail!("the configuration has a weight for environment {unknown:?}, which is not loaded");
    }
    Ok(envs)
}

/// Puts the environments' own tasks and those of data sets into the buffers.
pub(super) fn first_tasks(
    envs: &mut [EnvState],
    data_sets: &[DataSet],
    config: &RunConfig,
    gather: &dyn Gather,
) -> Result<Vec<Seeded>> {
    let mut faults = Faults::new(gather);
    let mut seeded = seed_tasks(envs)?;
    seeded.extend(generate(envs, config, 0, &mut faults)?);
    break_circuit(&mut strict_breaker(config), envs, faults.tallies())?;
    for data_set in data_sets {
        seeded.extend(data_set.insert_into(envs, config)?);
    }
    for env in envs {
        let tasks: usize = env.buffers.iter().map(Buffer::len).sum();
        ensure!(
            tasks > 0 || env.playing().any(|(_, kind)| kind.proposable),
            "environment {} has nothing to train on: its kinds cannot be proposed, and it has no tasks that are not held \
             out; give some with --tasks FILE, or hold out fewer (evaluation.generated, evaluation.held-out-share)",
            env.name()
        );
    }
    Ok(seeded)
}
