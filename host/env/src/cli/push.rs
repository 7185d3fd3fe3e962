//! `azr-env push`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::{
    registry::{self, Reference},
    sandbox_args::SandboxArgs,
};
use azr_core::limits::Limits;

#[derive(Args)]
pub struct Push {
    /// The environment: a .wasm file made by `azr-env pack`.
    file: PathBuf,
    /// Where it goes: oci://host[:port]/name[:tag]; without a tag, as `latest`.
    to: Reference,
    #[command(flatten)]
    sandbox: SandboxArgs,
}

impl Push {
    pub(super) fn run(self) -> Result<()> {
        let Self { file, to, sandbox } = self;
        let bytes = azr_sandbox::read(&file)?;
        let env = sandbox.start(&Limits::default())?.load_bytes(&bytes, file.display())?;
        println!("{}", registry::push(&bytes, &env, &to)?);
        Ok(())
    }
}
