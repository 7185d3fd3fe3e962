//! `azr-env inspect`: an environment on one screen.

use std::path::Path;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::Load;
use azr_core::task::Digest;
use azr_sandbox::{Description, Directory, Environment, Kind, OfferedSetting, RunLimits};

#[derive(Args)]
pub struct Inspect {
    #[command(flatten)]
    load: Load,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(super) fn run(self) -> Result<()> {
        let file = self.load.file.to_string();
        let env = self.load.load()?;
        match self.json {
            true => println!("{}", serde_json::to_string_pretty(&Inspected::new(&env))?),
            false => print(&file, &env),
        }
        Ok(())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Inspected<'a> {
    name: &'a str,
    version: &'a str,
    digest: Digest,
    executors: &'a [Digest],
    imports: &'a [String],
    kinds: Vec<KindShown<'a>>,
    settings: Vec<SettingShown<'a>>,
    asked: LimitsShown,
    granted: LimitsShown,
    effective: LimitsShown,
    reads: Vec<DirectoryShown<'a>>,
}

#[derive(Serialize)]
struct DirectoryShown<'a> {
    name: &'a str,
    path: &'a Path,
    digest: Digest,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct KindShown<'a> {
    name: &'a str,
    asks: &'a str,
    proposable: bool,
    generated: bool,
    references_from: &'a [String],
    references_max: u32,
}

#[derive(Serialize)]
struct SettingShown<'a> {
    name: &'a str,
    default: &'a str,
    meaning: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct LimitsShown {
    run_fuel: u64,
    run_memory_max_bytes: u64,
    run_output_max_bytes: u32,
}

impl From<&RunLimits> for LimitsShown {
    fn from(RunLimits { run_fuel, run_memory_max_bytes, run_output_max_bytes }: &RunLimits) -> Self {
        let (run_fuel, run_memory_max_bytes) = (*run_fuel, *run_memory_max_bytes);
        Self { run_fuel, run_memory_max_bytes, run_output_max_bytes: *run_output_max_bytes }
    }
}

impl<'a> Inspected<'a> {
    fn new(env: &'a Environment) -> Self {
        let Description { name, version, kinds, settings, limits, directories: _ } = env.description();
        let directory =
            |Directory { name, path, digest }: &'a Directory| DirectoryShown { name, path, digest: *digest };
        let kind = |Kind { name, asks, proposable, generated, references_from, references_max }: &'a Kind| KindShown {
            name,
            asks,
            proposable: *proposable,
            generated: *generated,
            references_from,
            references_max: *references_max,
        };
        let setting =
            |OfferedSetting { name, meaning, default }: &'a OfferedSetting| SettingShown { name, default, meaning };
        Self {
            name,
            version,
            digest: env.digest(),
            executors: env.executor_digests(),
            imports: env.imports(),
            kinds: kinds.iter().map(kind).collect(),
            settings: settings.iter().map(setting).collect(),
            asked: limits.into(),
            granted: env.granted().into(),
            reads: env.directories().iter().map(directory).collect(),
            effective: env.limits().into(),
        }
    }
}

fn print(file: &str, env: &Environment) {
    let Inspected { name, version, digest, executors, imports, kinds, settings, asked, granted, effective, reads } =
        Inspected::new(env);
    println!("{name} {version}  {file}");
    println!("  digest     {digest}");
    for (index, executor) in executors.iter().enumerate() {
        println!("  executor {index} {executor}");
    }
    println!("  imports    {}", if imports.is_empty() { "nothing".into() } else { imports.join(", ") });
    for DirectoryShown { name, path, digest } in reads {
        println!("  reads      {name}: {}, content {}", path.display(), digest.short());
    }
    println!("  asks for   {}", shown(&asked));
    println!("  granted    {}", shown(&granted));
    println!("  each run   {}", shown(&effective));
    println!("\nKinds");
    let width = kinds.iter().map(|kind| kind.name.len()).max().unwrap_or(0);
    for KindShown { name, asks, proposable, generated, references_from, references_max } in kinds {
        println!("  {name:width$}  {asks}");
        let proposing = match (proposable, references_max) {
            (false, _) => "never proposed by the policy".to_owned(),
            (true, 0) => "proposed without references".to_owned(),
            (true, 1) => format!("proposed with at most one reference, from {}", references_from.join(", ")),
            (true, max) => format!("proposed with up to {max} references from {}", references_from.join(", ")),
        };
        let generating = if generated { "; the environment makes its own" } else { "" };
        println!("  {:width$}  {proposing}{generating}", "");
    }
    if !settings.is_empty() {
        println!("\nSettings");
    }
    let width = settings.iter().map(|setting| setting.name.len() + setting.default.len()).max().unwrap_or(0) + 3;
    for SettingShown { name, default, meaning } in settings {
        println!("  {:width$}  {meaning}", format!("{name} = {default}"));
    }
}

fn shown(limits: &LimitsShown) -> String {
    let LimitsShown { run_fuel, run_memory_max_bytes, run_output_max_bytes } = limits;
    format!(
        "{} M fuel, {} MiB of memory, {} KiB returned",
        run_fuel / 1_000_000,
        run_memory_max_bytes >> 20,
        run_output_max_bytes >> 10
    )
}
