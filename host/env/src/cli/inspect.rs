//! `azr-env inspect`: an environment on one screen.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::load::Load;
use azr_core::{task::Digest, terminal};
use azr_sandbox::{Description, Directory, Environment, Kind, OfferedSetting, RunLimits, wasi_gives};

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
            true => println!("{}", terminal::json(&serde_json::to_string_pretty(&Inspected::new(&env))?)),
            // Whoever looks does not trust it yet.
            false => print!("{}", terminal::lines(&page(&file, &env)?)),
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
    executor_imports: &'a [Vec<String>],
    /// What the judge or an executor imports of WASI.
    wasi: Vec<WasiShown<'a>>,
    kinds: Vec<KindShown<'a>>,
    settings: Vec<SettingShown<'a>>,
    asked: LimitsShown,
    granted: LimitsShown,
    effective: LimitsShown,
    reads: Vec<DirectoryShown<'a>>,
}

#[derive(Serialize)]
struct WasiShown<'a> {
    interface: &'a str,
    gives: &'static str,
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
            executor_imports: env.executor_imports(),
            wasi: wasi(env),
            kinds: kinds.iter().map(kind).collect(),
            settings: settings.iter().map(setting).collect(),
            asked: limits.into(),
            granted: env.granted().into(),
            reads: env.directories().iter().map(directory).collect(),
            effective: env.limits().into(),
        }
    }
}

/// By interface, each once.
fn wasi(env: &Environment) -> Vec<WasiShown<'_>> {
    let imports = env.imports().iter().chain(env.executor_imports().iter().flatten());
    let shown = imports.filter_map(|interface| Some((interface.as_str(), wasi_gives(interface)?)));
    let by_name: BTreeMap<_, _> = shown.collect();
    by_name.into_iter().map(|(interface, gives)| WasiShown { interface, gives }).collect()
}

fn page(file: &str, env: &Environment) -> Result<String> {
    let mut page = String::new();
    let Inspected {
        name,
        version,
        digest,
        executors,
        imports,
        executor_imports,
        wasi,
        kinds,
        settings,
        asked,
        granted,
        effective,
        reads,
    } = Inspected::new(env);
    writeln!(page, "{name} {version}  {file}")?;
    writeln!(page, "  digest     {digest}")?;
    for (index, (executor, imports)) in executors.iter().zip(executor_imports).enumerate() {
        let uses = if imports.is_empty() { "" } else { ", imports of WASI what stands below" };
        writeln!(page, "  executor {index} {executor}{uses}")?;
    }
    let ours: Vec<&str> = imports.iter().map(String::as_str).filter(|import| wasi_gives(import).is_none()).collect();
    let of_wasi = if imports.len() > ours.len() { vec!["of WASI what stands below"] } else { Vec::new() };
    let imports = [ours, of_wasi].concat();
    writeln!(page, "  imports    {}", if imports.is_empty() { "nothing".into() } else { imports.join(", ") })?;
    for DirectoryShown { name, path, digest } in reads {
        writeln!(page, "  reads      {name}: {}, content {}", path.display(), digest.short())?;
    }
    writeln!(page, "  asks for   {}", shown(&asked))?;
    writeln!(page, "  granted    {}", shown(&granted))?;
    writeln!(page, "  each run   {}", shown(&effective))?;
    writeln!(page, "\nKinds")?;
    let width = kinds.iter().map(|kind| kind.name.len()).max().unwrap_or(0);
    for KindShown { name, asks, proposable, generated, references_from, references_max } in kinds {
        writeln!(page, "  {name:width$}  {}", terminal::line(asks))?;
        let proposing = match (proposable, references_max) {
            (false, _) => "never proposed by the policy".to_owned(),
            (true, 0) => "proposed without references".to_owned(),
            (true, 1) => format!("proposed with at most one reference, from {}", references_from.join(", ")),
            (true, max) => format!("proposed with up to {max} references from {}", references_from.join(", ")),
        };
        let generating = if generated { "; the environment makes its own" } else { "" };
        writeln!(page, "  {:width$}  {proposing}{generating}", "")?;
    }
    if !wasi.is_empty() {
        writeln!(page, "\nWASI, of which nothing is this machine's")?;
    }
    let width = wasi.iter().map(|shown| shown.interface.len()).max().unwrap_or(0);
    for WasiShown { interface, gives } in wasi {
        writeln!(page, "  {interface:width$}  {gives}")?;
    }
    if !settings.is_empty() {
        writeln!(page, "\nSettings")?;
    }
    let width = settings.iter().map(|setting| setting.name.len() + setting.default.len()).max().unwrap_or(0) + 3;
    for SettingShown { name, default, meaning } in settings {
        writeln!(page, "  {:width$}  {}", terminal::line(&format!("{name} = {default}")), terminal::line(meaning))?;
    }
    Ok(page)
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
