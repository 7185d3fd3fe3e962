//! `azr-env pack`.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::Args;
use tempfile::NamedTempFile;

use azr_core::task::Digest;

#[derive(Args)]
pub struct Pack {
    /// The judge: a core module for wasm32-unknown-unknown built with wit-bindgen, or a component.
    #[arg(long)]
    judge: PathBuf,
    /// An executor; may be given several times, and the first is number 0.
    #[arg(long = "executor")]
    executors: Vec<PathBuf>,
    /// An answer is wrong when one of its runs is out of fuel, whatever the others come to. Then no further run of the same
    /// program is made: it counts as out of fuel, too.
    #[arg(long)]
    stop_at_out_of_fuel: bool,
    /// Where the environment goes. It appears whole or not at all.
    #[arg(long)]
    out: PathBuf,
}

impl Pack {
    pub(super) fn run(self) -> Result<()> {
        let Self { judge, executors, stop_at_out_of_fuel, out } = self;
        let file = azr_sandbox::pack(&judge, &executors)?;
        let file = if stop_at_out_of_fuel { azr_sandbox::stopping_at_out_of_fuel(file)? } else { file };
        write(&file, &out)?;
        println!("{}  {}  {} bytes", Digest::of(&file), out.display(), file.len());
        Ok(())
    }
}

/// Writes an environment file whole or not at all.
pub(super) fn write(file: &[u8], out: &Path) -> Result<()> {
    let context = || format!("cannot write {}", out.display());
    let folder = match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => ".".as_ref(),
    };
    let mut whole = NamedTempFile::new_in(folder).with_context(context)?;
    whole.write_all(file).with_context(context)?;
    // A temporary file is private; an environment is meant to be read by others.
    whole.as_file().set_permissions(readable()).with_context(context)?;
    whole.as_file().sync_all().with_context(context)?;
    whole.persist(out).with_context(context)?;
    Ok(())
}

fn readable() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::Permissions::from_mode(0o644)
}
