//! Verify: the environment judges every attempt.

use anyhow::Result;

use crate::{
    env_state::{EnvState, batched},
    faults::{Cause, Faults},
    solve::Attempted,
};
use azr_sandbox::{Attempt, ExecutedRun, Judged, Verdict};

/// An attempt and its verdict.
#[derive(Debug)]
pub struct Verified {
    pub attempted: Attempted,
    /// After a fault it is unknown, and nothing is learned from the attempt.
    pub verdict: Result<Verdict, Cause>,
    pub runs: Vec<ExecutedRun>,
}

impl Verified {
    /// Whether the attempt is wholly right. Format does not matter here.
    pub fn solved(&self) -> Option<bool> {
        self.verdict.as_ref().ok().map(|verdict| verdict.score >= 1.0)
    }
}

/// One verdict per attempt, in order.
pub fn verify(envs: &[EnvState], attempted: Vec<Attempted>, faults: &mut Faults) -> Result<Vec<Verified>> {
    let judged = batched(
        envs,
        &attempted,
        |attempted| attempted.env,
        faults,
        |env, batch| {
            let attempt = |attempted: &&Attempted| Attempt {
                task: attempted.task.clone(),
                completion: attempted.completion.text.clone(),
            };
            env.environment.verify(&env.context, &batch.iter().map(attempt).collect::<Vec<_>>())
        },
    )?;
    let conclude = |(attempted, judged)| match judged {
        Ok(Judged { conclusion, runs }) => Verified { attempted, verdict: Ok(conclusion), runs },
        Err(cause) => Verified { attempted, verdict: Err(cause), runs: Vec::new() },
    };
    Ok(attempted.into_iter().zip(judged).map(conclude).collect())
}
