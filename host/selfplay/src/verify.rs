//! Verify: the environment judges every attempt.

use anyhow::Result;

use crate::{
    env_state::{EnvState, judged},
    faults::{Cause, Faults},
    solve::Attempted,
};
use azr_sandbox::{Attempt, ExecutedRun, Judged, Verdict, wrong_for_fault};

/// An attempt and its verdict.
#[derive(Debug)]
pub struct Verified {
    pub attempted: Attempted,
    /// After a fault that is not the completion's it is unknown, and nothing is learned from the attempt.
    pub verdict: Result<Verdict, Cause>,
    pub runs: Vec<ExecutedRun>,
}

impl Verified {
    /// Whether the attempt is wholly right. Format does not matter here.
    pub fn solved(&self) -> Option<bool> {
        self.verdict.as_ref().ok().map(|verdict| verdict.score >= 1.0)
    }
}

/// One verdict per attempt, in order. An attempt that the judge fails for is wrong if the judge does not fail for an empty
/// one at the same task: no completion escapes its verdict by breaking the judge. The fault is counted all the same.
pub fn verify(envs: &[EnvState], attempted: Vec<Attempted>, faults: &mut Faults) -> Result<Vec<Verified>> {
    let judged = judged(
        envs,
        &attempted,
        |attempted| (attempted.env, &attempted.completion.text),
        faults,
        |env, batch| {
            let attempt = |(attempted, completion): &&(&Attempted, &str)| Attempt {
                task: attempted.task.clone(),
                completion: (*completion).to_owned(),
            };
            env.environment.verify(&env.context, &batch.iter().map(attempt).collect::<Vec<_>>())
        },
        |cause| Judged { conclusion: wrong_for_fault(cause), runs: Vec::new() },
    )?;
    let conclude = |(attempted, judged)| match judged {
        Ok(Judged { conclusion, runs }) => Verified { attempted, verdict: Ok(conclusion), runs },
        Err(cause) => Verified { attempted, verdict: Err(cause), runs: Vec::new() },
    };
    Ok(attempted.into_iter().zip(judged).map(conclude).collect())
}
