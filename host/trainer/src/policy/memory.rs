//! `azr-host policy memory`.

use anyhow::Result;
use azr_config::RunConfig;
use azr_host::cli::policy::memory::MemoryPlan;
use azr_learner::memory::{Estimate, gib};
use azr_policy::{Policy, memory::MachineMemory};

use crate::hub;

/// Prints the estimate.
pub fn run(plan: &MemoryPlan) -> Result<()> {
    let config = RunConfig::resolve(plan.preset, plan.config.as_deref(), &plan.overrides)?;
    let (shape, lora) = Policy::shape(Some(&plan.policy), &hub::base_model)?;
    let lora = lora.as_ref().or(config.policy.lora.of_rank());
    let estimate = Estimate::new(&shape, &config, lora, plan.ranks.get(), plan.device.parse()?);
    if plan.json {
        println!("{}", serde_json::to_string(&estimate)?);
    } else {
        print(&estimate);
    }
    match plan.memory {
        Some(total) => estimate.check(&config, lora, MachineMemory { total, free: total }),
        None => Ok(()),
    }
}

fn print(estimate: &Estimate) {
    let &Estimate {
        weights,
        dropped,
        optimizer,
        gradients,
        activations,
        logits,
        cache,
        prefill,
        packed,
        draw,
        process,
    } = estimate;
    let rows = [
        ("weights", weights, "always"),
        ("optimizer", optimizer, "always"),
        ("process", process, "always"),
        ("gradients", gradients, "learning"),
        ("activations", activations, "learning"),
        ("logits", logits, "learning"),
        ("dropped", dropped, "weights that are not there while learning"),
        ("cache", cache, "sampling"),
        ("prefill", prefill, "sampling"),
        ("packed", packed, "sampling"),
        ("draw", draw, "sampling"),
    ];
    for (what, bytes, when) in rows {
        println!("{what:<12}{:>8.2} GiB  {when}", gib(bytes));
    }
    println!("{:<12}{:>8.2} GiB", "at most", gib(estimate.total()));
}
