//! Whose words ask: the benchmark's own, or the environment's.

use anyhow::{Result, ensure};
use azr_config::{RunConfig, Style};
use azr_host::cli::eval::PromptProtocol;
use azr_sandbox::Description;

/// The setting of environments that know how a benchmark asks.
const SETTING: &str = "protocol";

/// Has `environment` ask by the wanted protocol, and says which one it is then. What the configuration says already is left
/// as it is.
pub fn choose(
    config: &mut RunConfig,
    environment: &Description,
    wanted: Option<PromptProtocol>,
    usual: PromptProtocol,
) -> Result<String> {
    let Description { name, settings, .. } = environment;
    let offered = settings.iter().any(|setting| setting.name == SETTING);
    // A policy of the compact style knows its markers and no English.
    let usual = if config.style == Style::Compact { PromptProtocol::Azr } else { usual };
    let chosen = match wanted {
        Some(wanted) => {
            ensure!(
                offered || wanted == PromptProtocol::Azr,
                "environment {name} asks in its own words only; leave --protocol away, or give one that offers the setting \
                 `{SETTING}`, such as envs/codegen.wasm"
            );
            wanted
        }
        None if offered => usual,
        None => PromptProtocol::Azr,
    };
    if !offered {
        return Ok(chosen.name().to_owned());
    }
    let settings = config.environments.entry(name.clone()).or_default();
    Ok(settings.entry(SETTING.to_owned()).or_insert_with(|| chosen.name().to_owned()).clone())
}

/// The longest completion that the protocol of a benchmark allows, in tokens.
pub fn completion_max_tokens(config: &RunConfig, environment: &str, kind: &str) -> Option<usize> {
    let settings = config.environments.get(environment)?;
    let is = |name: &str, value: &str| settings.get(name).is_some_and(|set| set == value);
    if !is(SETTING, PromptProtocol::Published.name()) {
        return None;
    }
    match (environment, kind) {
        // EvalPlus, `DecoderBase.max_new_tokens`.
        ("codegen", "function" | "asserts") => Some(768),
        // LiveCodeBench, `--max_tokens`.
        ("codegen", "method" | "stdin") => Some(2000),
        // CRUXEval, `--max_length_generation` of its scripts with and without `--cot`; prompts count there.
        ("python", "deduction" | "abduction") => Some(if is("reasoning", "cot") { 2048 } else { 1024 }),
        // Qwen2.5-Math, `--max_tokens_per_call`.
        ("math", "problem") => Some(2048),
        _ => None,
    }
}
