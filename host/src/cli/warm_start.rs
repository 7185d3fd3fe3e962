//! x
#[derive(clap::Args)]
pub struct WarmStartCommand {}
impl WarmStartCommand {
    pub fn run(self) -> anyhow::Result<()> {
        Ok(())
    }
}
