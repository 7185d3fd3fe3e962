//! What the operator grants to single environments. An environment gets what it asks for and is granted.

use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use cap_std::{ambient_authority, fs::Dir};
use serde::{Deserialize, Serialize};

use super::{
    bindings::{Description, RunLimits},
    files::{self, Files},
};
use azr_core::task::Digest;

/// A file of grants, by environment name. What it does not name is not granted.
///
/// ```toml
/// [python]
/// run-fuel-max = 500_000_000
///
/// [puzzles.directories]
/// corpus = "/data/corpus"
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grants(BTreeMap<String, EnvironmentGrants>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct EnvironmentGrants {
    /// At most, beside the limits for all environments.
    run_fuel_max: Option<u64>,
    run_memory_max_bytes: Option<u64>,
    run_output_max_bytes: Option<u32>,
    /// Absolute paths by the names that the judge knows. Read-only.
    directories: BTreeMap<String, PathBuf>,
}

/// A directory that a judge may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// What the judge calls it.
    pub name: String,
    pub path: PathBuf,
    /// Of all names and contents: verdicts may depend on them.
    pub digest: Digest,
}

impl Grants {
    /// Reads a file of grants.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read the grants {}", path.display()))?;
        let grants: Self = toml::from_str(&text).with_context(|| format!("{} holds no grants", path.display()))?;
        for granted in grants.0.values().flat_map(|grants| grants.directories.values()) {
            ensure!(granted.is_absolute(), "{}: {} is not an absolute path", path.display(), granted.display());
        }
        Ok(grants)
    }

    /// The smaller of `limits` and what is granted to this environment.
    pub(super) fn limits(&self, environment: &str, limits: &RunLimits) -> RunLimits {
        let none = EnvironmentGrants::default();
        let grants = self.0.get(environment).unwrap_or(&none);
        let granted = RunLimits {
            run_fuel: grants.run_fuel_max.unwrap_or(u64::MAX),
            run_memory_max_bytes: grants.run_memory_max_bytes.unwrap_or(u64::MAX),
            run_output_max_bytes: grants.run_output_max_bytes.unwrap_or(u32::MAX),
        };
        smaller(limits, &granted)
    }

    /// The directories that an environment asks for, and the way to read them; each must be granted. What is granted and
    /// not asked for is not given.
    pub(super) fn directories(&self, environment: &Description) -> Result<(Vec<Directory>, Files)> {
        let Description { name: environment, directories, .. } = environment;
        let granted = self.0.get(environment).map(|grants| &grants.directories);
        let grant = |name: &String| {
            let path = granted.and_then(|granted| granted.get(name)).with_context(|| {
                format!(
                    "it wants to read a directory {name:?}, which is not granted; to grant it, write \
                     `{environment}.directories.{name} = \"/absolute/path\"` in a file and give it with --grants FILE"
                )
            })?;
            let unreadable = || format!("cannot read {}, which is granted as {name:?}", path.display());
            let dir = Dir::open_ambient_dir(path, ambient_authority()).with_context(unreadable)?;
            let digest = Digest::of(listing(&dir).with_context(unreadable)?);
            let shown = Directory { name: name.clone(), path: path.clone(), digest };
            Ok((shown, (name.clone(), dir)))
        };
        let (directories, files): (_, BTreeMap<String, Dir>) =
            directories.iter().map(grant).collect::<Result<Vec<_>>>()?.into_iter().unzip();
        Ok((directories, Files::new(files)))
    }
}

/// Fails where a directory is not what it was when its environment was loaded.
pub(super) fn check_unchanged(directories: &[Directory], files: &Files) -> Result<()> {
    for Directory { name, path, digest } in directories {
        let dir = files.directory(name).expect("what is granted is opened");
        let now = Digest::of(listing(dir).with_context(|| format!("cannot read {}", path.display()))?);
        ensure!(
            now == *digest,
            "{} has changed since its environment was loaded, and verdicts depend on it; put back what was there, or begin \
             another experiment",
            path.display()
        );
    }
    Ok(())
}

/// What is asked, but no more than what is granted.
pub(super) fn smaller(asked: &RunLimits, granted: &RunLimits) -> RunLimits {
    let RunLimits { run_fuel, run_memory_max_bytes, run_output_max_bytes } = *asked;
    RunLimits {
        run_fuel: run_fuel.min(granted.run_fuel),
        run_memory_max_bytes: run_memory_max_bytes.min(granted.run_memory_max_bytes),
        run_output_max_bytes: run_output_max_bytes.min(granted.run_output_max_bytes),
    }
}

/// Of a file's content. A file that becomes a pipe meanwhile is not waited for.
fn digest(dir: &Dir, name: &Path) -> Result<Digest> {
    let (mut file, _) = files::open(dir, name)?;
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok(Digest::of(content))
}

/// One line for each entry, sorted by name: the name, what it is and what it holds.
fn listing(dir: &Dir) -> Result<String> {
    let mut lines = Vec::new();
    for entry in dir.entries()? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        let content = if kind.is_dir() {
            format!("directory {}", Digest::of(listing(&entry.open_dir()?)?))
        } else if kind.is_file() {
            format!("file {}", digest(dir, Path::new(&name))?)
        } else if kind.is_symlink() {
            format!("link {:?}", dir.read_link_contents(&name)?)
        } else {
            // Reading a pipe or a device would keep the host waiting.
            bail!("{} is no file, directory or link", Path::new(&name).display());
        };
        lines.push(format!("{name:?} {content}\n"));
    }
    lines.sort();
    Ok(lines.concat())
}
