//! x
#[derive(clap::Subcommand)]
pub enum BenchCommand {}
impl BenchCommand {
    pub fn run(self) -> anyhow::Result<()> {
        match self {}
    }
}
