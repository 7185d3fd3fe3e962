//! Where an environment comes from: a file, or a place in a registry.

use std::{fmt, path::PathBuf, str::FromStr};

use anyhow::{Context as _, Error, Result, bail};
use serde::{Deserialize, Serialize};

use crate::registry::{self, Patience, Reference};
use azr_sandbox::{Environment, Sandbox};

/// An environment as an operator names it: the path of a file, or `oci://host/name@sha256:digest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum EnvSource {
    File(PathBuf),
    Registry(Reference),
}

impl EnvSource {
    /// Loads the environment. Logs the digest that a tag has now.
    pub fn load(&self, sandbox: &Sandbox) -> Result<Environment> {
        let reference = match self {
            Self::File(path) => return sandbox.load(path),
            Self::Registry(reference) if reference.digest().is_some() => reference.clone(),
            Self::Registry(tag) => {
                let pinned = tag.resolve().with_context(|| format!("cannot find out what {tag} is"))?;
                tracing::info!("{tag} is {pinned} today; that name gives the same tomorrow");
                pinned
            }
        };
        let file = registry::pull(&reference, sandbox.cache_folder(), Patience::default())?;
        sandbox.load_bytes(&file, &reference)
    }

    /// Refuses a tag: an experiment that was trained on whatever it named at the time could not be resumed or repeated.
    pub fn ensure_pinned(&self) -> Result<()> {
        match self {
            Self::Registry(tag) if tag.digest().is_none() => match tag.resolve() {
                Ok(pinned) => bail!("{tag} is a tag, which may name something else tomorrow; give --env {pinned}"),
                Err(error) => Err(error.context(format!(
                    "{tag} is a tag, which may name something else tomorrow; give its digest, as in oci://host/name@sha256:…, \
                     which could not be found out"
                ))),
            },
            _ => Ok(()),
        }
    }

    /// The same source, from whatever folder.
    pub fn absolute(&self) -> Result<Self> {
        Ok(match self {
            Self::File(path) => Self::File(path.canonicalize()?),
            Self::Registry(reference) => Self::Registry(reference.clone()),
        })
    }

    /// What a directory for it may be called.
    pub fn stem(&self) -> Result<String> {
        Ok(match self {
            Self::File(path) => {
                let stem = path.file_stem().with_context(|| format!("{self} is not a file name"))?;
                stem.to_string_lossy().into_owned()
            }
            Self::Registry(reference) => reference.stem().to_owned(),
        })
    }
}

impl FromStr for EnvSource {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text.starts_with(Reference::SCHEME) {
            true => Self::Registry(text.parse()?),
            false => Self::File(text.into()),
        })
    }
}

impl TryFrom<String> for EnvSource {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<EnvSource> for String {
    fn from(source: EnvSource) -> Self {
        source.to_string()
    }
}

impl fmt::Display for EnvSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Registry(reference) => write!(f, "{reference}"),
        }
    }
}
