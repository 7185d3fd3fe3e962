//! Completions of shells, and man pages.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, Command};
use clap_complete::Shell;

/// Print what a shell needs to complete this program's commands.
#[derive(Args)]
pub struct Completions {
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub fn run(&self, mut command: Command) {
        let name = command.get_name().to_owned();
        clap_complete::generate(self.shell, &mut command, name, &mut std::io::stdout());
    }
}

/// Write the man pages of this program and its commands.
#[derive(Args)]
pub struct Man {
    /// Where to write them, as in /usr/local/share/man/man1.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Man {
    pub fn run(&self, command: Command) -> Result<()> {
        std::fs::create_dir_all(&self.folder).with_context(|| format!("cannot create {}", self.folder.display()))?;
        let unwritable = || format!("cannot write into {}", self.folder.display());
        clap_mangen::generate_to(command, Path::new(&self.folder)).with_context(unwritable)
    }
}
