//! Propose: the policy is shown references and asked for new tasks.

use anyhow::Result;

use azr_core::{
    rng::Purpose,
    sampling::{Completion, SampleRequest},
    task::Task,
};
use azr_sandbox::Prompt;

use crate::{
    env_state::EnvState,
    faults::{Cause, Faults},
    stage::Stage,
};

/// How many proposals of one kind are wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// Index of the environment.
    pub env: usize,
    /// Index of the kind within its environment.
    pub kind: usize,
    pub count: usize,
}

/// What a proposer completion says, not yet trusted.
#[derive(Clone, Debug)]
pub struct Proposed {
    /// Index of the environment.
    pub env: usize,
    /// Index of the kind within its environment.
    pub kind: usize,
    /// The tasks that the proposer was shown.
    pub references: Vec<Task>,
    pub prompt: Vec<u32>,
    pub completion: Completion,
}

/// One completion for each proposal wanted, in order. A prompt that is too long is asked with half the references; one
/// that is too long without any is left out.
pub fn propose(envs: &[EnvState], wanted: &[Wanted], stage: &mut Stage) -> Result<Vec<Proposed>> {
    let mut proposed = Vec::new();
    let mut requests = Vec::new();
    let mut draws = stage.rng.stream(Purpose::References, 0).draws();
    for &Wanted { env, kind, count } in wanted {
        let references =
            (0..count).map(|_| envs[env].references(kind, stage.config.propose.references, &mut draws)).collect();
        let prompts = |items: &[&(String, Vec<Task>)]| {
            envs[env].environment.propose_prompts(&envs[env].context, items.iter().copied())
        };
        let ask = |faults: &mut Faults, items: &[(String, Vec<Task>)]| faults.calls(env, items, prompts);
        let name = &envs[env].kinds()[kind].name;
        for (references, prompt) in fitting_prompts(stage, name, references, ask)? {
            let stream = stage.rng.stream(Purpose::Propose, requests.len());
            requests.push(SampleRequest { prompt: prompt.tokens.clone(), stop: prompt.stop, stream });
            proposed.push((env, kind, references, prompt.tokens));
        }
    }
    let completions = stage.sample(&requests)?;
    let with_completion =
        |((env, kind, references, prompt), completion)| Proposed { env, kind, references, prompt, completion };
    Ok(proposed.into_iter().zip(completions).map(with_completion).collect())
}

/// A prompt as the policy reads it.
struct EncodedPrompt {
    tokens: Vec<u32>,
    stop: Vec<String>,
}

/// One prompt for each list of references, halved until it fits.
fn fitting_prompts(
    stage: &mut Stage,
    kind: &str,
    references: Vec<Vec<Task>>,
    ask: impl Fn(&mut Faults, &[(String, Vec<Task>)]) -> Result<Vec<Result<Prompt, Cause>>>,
) -> Result<Vec<(Vec<Task>, EncodedPrompt)>> {
    let mut fitting: Vec<Option<(Vec<Task>, EncodedPrompt)>> = Vec::new();
    fitting.resize_with(references.len(), || None);
    let mut pending: Vec<(usize, Vec<Task>)> = references.into_iter().enumerate().collect();
    while !pending.is_empty() {
        let asked: Vec<(String, Vec<Task>)> =
            pending.iter().map(|(_, references)| (kind.to_owned(), references.clone())).collect();
        let prompts = ask(&mut stage.faults, &asked)?;
        let mut too_long = Vec::new();
        for ((slot, mut references), prompt) in pending.into_iter().zip(prompts) {
            let Ok(prompt) = prompt else { continue };
            if let Some(tokens) = stage.encode(&prompt)? {
                fitting[slot] = Some((references, EncodedPrompt { tokens, stop: prompt.stop }));
            } else if !references.is_empty() {
                references.truncate(references.len() / 2);
                too_long.push((slot, references));
            }
        }
        pending = too_long;
    }
    Ok(fitting.into_iter().flatten().collect())
}
