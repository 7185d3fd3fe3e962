//! `azr-host policy merge`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args)]
pub struct Merge {
    /// A directory with an adapter, as a checkpoint's policy/ is one, or as PEFT saves it.
    pub adapter: PathBuf,
    /// Where to write the whole policy: a new or empty directory.
    pub out: PathBuf,
}
