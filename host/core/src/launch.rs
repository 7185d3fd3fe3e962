//! Who is who, as launchers say it in environment variables: those of PyTorch.

use std::{env, str::FromStr};

use anyhow::{Context as _, Result, ensure};

/// One process's place in a launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    pub rank: usize,
    /// Ranks altogether.
    pub size: usize,
    /// Among the ranks of this machine; chooses the GPU.
    pub local_rank: usize,
    /// Where the ranks meet.
    pub address: String,
    pub port: u16,
    /// How often the launcher has started all ranks again.
    pub restarts: usize,
    /// Whether the launcher keeps the store at that address. Otherwise rank 0 does.
    pub launcher_serves: bool,
    /// What the ranks know and strangers on their network do not, from `AZR_RANKS_TOKEN`. Empty where there is none.
    pub token: String,
}

impl Default for Launch {
    fn default() -> Self {
        let address = "127.0.0.1".to_owned();
        Self {
            rank: 0,
            size: 1,
            local_rank: 0,
            address,
            port: 0,
            restarts: 0,
            launcher_serves: false,
            token: String::new(),
        }
    }
}

impl Launch {
    /// What the environment variables say; alone where there is no `RANK`.
    pub fn from_env() -> Result<Self> {
        if env::var_os("RANK").is_none() {
            return Ok(Self::default());
        }
        let launch = Self {
            rank: required("RANK")?,
            size: required("WORLD_SIZE")?,
            local_rank: optional("LOCAL_RANK")?.unwrap_or(0),
            address: required("MASTER_ADDR")?,
            port: required("MASTER_PORT")?,
            restarts: optional("TORCHELASTIC_RESTART_COUNT")?.unwrap_or(0),
            launcher_serves: env::var("TORCHELASTIC_USE_AGENT_STORE").is_ok_and(|value| value == "True"),
            token: optional("AZR_RANKS_TOKEN")?.unwrap_or_default(),
        };
        ensure!(launch.rank < launch.size, "RANK is {}, but WORLD_SIZE is {}", launch.rank, launch.size);
        Ok(launch)
    }
}

/// Ranks that share this machine: what `LOCAL_WORLD_SIZE` says. Without it, all of them where they meet on this machine,
/// and one where they meet elsewhere.
pub fn local_ranks() -> Result<usize> {
    let launch = Launch::from_env()?;
    let here = if LOOPBACK.contains(&&*launch.address) { launch.size } else { 1 };
    Ok(optional("LOCAL_WORLD_SIZE")?.filter(|_| launch.size > 1).unwrap_or(here).max(1))
}

/// Names of this machine that others do not know.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

fn required<T: FromStr>(name: &str) -> Result<T> {
    optional(name)?.with_context(|| format!("RANK is set, but {name} is not; a launcher such as torchrun sets both"))
}

fn optional<T: FromStr>(name: &str) -> Result<Option<T>> {
    let Some(value) = env::var_os(name) else { return Ok(None) };
    let parsed = value.to_str().and_then(|value| value.parse().ok());
    Ok(Some(parsed.with_context(|| format!("the environment variable {name} is {value:?}"))?))
}
