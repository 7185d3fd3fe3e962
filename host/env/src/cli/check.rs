//! `azr-env check`: the adversary in a box.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use crate::{
    check::{Check, Findings, check},
    load::Load,
};
use azr_core::terminal;
use azr_sandbox::{Environment, Sandbox};

#[derive(Args)]
pub struct CheckEnv {
    #[command(flatten)]
    load: Load,
    /// Characters that a policy is assumed to read of a prompt; the default is about 6,000 tokens of English.
    #[arg(long, default_value_t = 24_000)]
    prompt_max_chars: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl CheckEnv {
    pub(super) fn run(self) -> Result<()> {
        let file = self.load.file.to_string();
        let env = self.load.load_into(Sandbox::record)?;
        let findings = check(&env, self.prompt_max_chars);
        match self.json {
            true => println!("{}", terminal::json(&serde_json::to_string_pretty(&as_json(&env, &findings))?)),
            false => print(&file, &env, &findings),
        }
        let problems: usize = findings.checks.iter().map(|check| check.problems.len()).sum();
        match problems {
            0 => Ok(()),
            1 => bail!("{file} has a problem"),
            _ => bail!("{file} has {problems} problems"),
        }
    }
}

fn as_json(env: &Environment, findings: &Findings) -> serde_json::Value {
    let Findings { checks, run_fuel, judge_fuel, judge_fuel_max } = findings;
    let check = |Check { name, seen, problems }: &Check| json!({ "name": name, "seen": seen, "problems": problems });
    let of_function = |(function, fuel): (&&str, &Vec<u64>)| {
        let [p50, p95, max] = JUDGE_PERCENTILES.map(|percent| percentile(fuel, percent));
        ((*function).to_owned(), json!({ "calls": fuel.len(), "p50": p50, "p95": p95, "max": max }))
    };
    let description = env.description();
    json!({
        "name": description.name,
        "version": description.version,
        "digest": env.digest(),
        "imports": env.imports(),
        "directories": description.directories,
        "checks": checks.iter().map(check).collect::<Vec<_>>(),
        "judge-fuel-max": judge_fuel_max,
        "judge-fuel": judge_fuel.iter().map(of_function).collect::<serde_json::Map<_, _>>(),
        "run-fuel": PERCENTILES.map(|percent| json!({ "percentile": percent, "fuel": percentile(run_fuel, percent) })),
    })
}

fn print(file: &str, env: &Environment, findings: &Findings) {
    let Findings { checks, run_fuel, judge_fuel, judge_fuel_max } = findings;
    let description = env.description();
    println!("{} {}  {file}", description.name, description.version);
    println!("  digest       {}", env.digest());
    println!("  imports      {}", listed(env.imports()));
    println!("  reads        {}", listed(&description.directories));
    if !run_fuel.is_empty() {
        let shown = PERCENTILES.map(|percent| format!("p{percent} {}", percentile(run_fuel, percent).unwrap_or(0)));
        println!("  run fuel     {} of {} (n = {})", shown.join(", "), env.limits().run_fuel, run_fuel.len());
    }
    println!("  judge fuel   at most {judge_fuel_max} per call");
    for (function, fuel) in judge_fuel {
        let [p50, p95, max] = JUDGE_PERCENTILES.map(|percent| percentile(fuel, percent).unwrap_or(0));
        println!("    {function:<15} p50 {p50}, p95 {p95}, max {max} (n = {})", fuel.len());
    }
    println!();
    for Check { name, seen, problems } in checks {
        println!("  {}  {name:<11}  {seen}", if problems.is_empty() { "ok  " } else { "FAIL" });
        for problem in problems {
            println!("        {}", terminal::line(problem));
        }
    }
}

const PERCENTILES: [usize; 3] = [50, 99, 100];
const JUDGE_PERCENTILES: [usize; 3] = [50, 95, 100];

/// The value that `percent` of the ascending `values` stay within.
fn percentile(values: &[u64], percent: usize) -> Option<u64> {
    values.get((values.len() * percent).div_ceil(100).saturating_sub(1)).copied()
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}
