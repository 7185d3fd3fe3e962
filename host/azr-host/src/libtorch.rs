//! Finds libtorch, and hands over to the program that is linked with it.
//!
//! `azr-host` itself is not, so that it starts at once and everything that needs no policy works on machines without
//! libtorch. For the rest it becomes `azr-trainer`, which reads the same command line: the same process, by `execve`, so
//! that signals, process numbers and exit codes stay what schedulers expect.

use std::{
    env, fmt, fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, anyhow, ensure};

/// The PyTorch whose libtorch the trainer is linked against.
pub const VERSION: &str = "2.11.0";
/// The program that is linked with libtorch, beside this one.
const TRAINER: &str = "azr-trainer";
/// The library that every libtorch has.
const LIBRARY: &str = "libtorch_cpu.so";

/// Becomes the trainer. Returns only if that fails.
pub fn exec_trainer() -> Result<()> {
    let own = env::current_exe().context("cannot find out where azr-host is")?;
    let trainer = own.with_file_name(TRAINER);
    ensure!(trainer.is_file(), "{TRAINER} is not beside azr-host: there is no {}", trainer.display());
    let lib = find(&own)?;
    let mut paths = vec![lib];
    paths.extend(env::var_os("LD_LIBRARY_PATH").iter().flat_map(env::split_paths));
    let error = Command::new(&trainer)
        .arg0("azr-host")
        .args(env::args_os().skip(1))
        .env("LD_LIBRARY_PATH", env::join_paths(paths)?)
        .exec();
    Err(error).with_context(|| format!("cannot start {}", trainer.display()))
}

/// A folder that may have libtorch, and why it is looked at.
struct Candidate {
    lib: PathBuf,
    why: &'static str,
}

/// The folder of libtorch's libraries: what `LIBTORCH` names, what is beside the program, or what a Python environment has.
pub fn find(program: &Path) -> Result<PathBuf> {
    let candidates = candidates(program);
    let mut others = Vec::new();
    for Candidate { lib, why } in &candidates {
        if !lib.join(LIBRARY).is_file() {
            continue;
        }
        match version(lib) {
            Some(version) if version != VERSION => others.push(format!("{} has {version}", lib.display())),
            _ => return Ok(lib.clone()),
        }
        if *why == "LIBTORCH" {
            break;
        }
    }
    Err(anyhow!(NotFound { candidates, others }.to_string()))
}

/// In the order in which they are tried.
fn candidates(program: &Path) -> Vec<Candidate> {
    let mut all = Vec::new();
    let mut add = |lib: PathBuf, why| all.push(Candidate { lib, why });
    if let Some(root) = env::var_os("LIBTORCH") {
        add(Path::new(&root).join("lib"), "LIBTORCH");
    }
    for folder in program.ancestors().skip(1).take(4) {
        add(folder.join("libtorch/lib"), "beside the program");
        add(folder.join(".libtorch/torch/lib"), "beside the program");
    }
    let prefixes = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(env::var_os).map(PathBuf::from);
    for prefix in prefixes.chain(python_prefixes()) {
        for packages in site_packages(&prefix) {
            add(packages.join("torch/lib"), "in a Python environment");
        }
    }
    all
}

/// Where the `python3` of the search path is installed.
fn python_prefixes() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let pythons = env::split_paths(&path).map(|folder| folder.join("python3")).filter(|python| python.is_file());
    let prefix = |python: PathBuf| Some(python.parent()?.parent()?.to_owned());
    pythons.filter_map(prefix).collect()
}

fn site_packages(prefix: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(prefix.join("lib")).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("python3") {
            found.push(entry.path().join("site-packages"));
            found.push(entry.path().join("dist-packages"));
        }
    }
    found.sort();
    found
}

/// The version of the PyTorch that `lib` belongs to, without its build (`+cpu`); `None` where it does not say.
fn version(lib: &Path) -> Option<String> {
    let text = fs::read_to_string(lib.with_file_name("version.py")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("__version__ = "))?;
    let quoted = line.trim_matches(['\'', '"']);
    Some(quoted.split('+').next()?.to_owned())
}

/// What was looked at in vain.
struct NotFound {
    candidates: Vec<Candidate>,
    others: Vec<String>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this needs libtorch {VERSION}, which was not found")?;
        for other in &self.others {
            write!(f, "; {other}")?;
        }
        write!(
            f,
            "; install it by `pip install torch=={VERSION}` in an active virtual environment, or set LIBTORCH to a folder \
             that has lib/{LIBRARY}. Looked at:"
        )?;
        for Candidate { lib, why } in &self.candidates {
            write!(f, "\n  {} ({why})", lib.display())?;
        }
        Ok(())
    }
}
