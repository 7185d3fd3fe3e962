//! Demonstrate: an environment's author shows how tasks are solved and proposed, and its judge has the last word.

use azr_core::{role::Role, task::Task};
use azr_sandbox::{
    Accepted, Attempt, Context, Demonstration, Environment, Fault, Judged, Proposal, Rejection, Verdict,
};

/// A completion that was judged right.
#[derive(Clone, Debug)]
pub struct Demonstrated {
    pub task: Task,
    /// Who would write it.
    pub role: Role,
    pub completion: String,
}

/// What came of asking for demonstrations.
#[derive(Debug, Default)]
pub struct Demonstrations {
    pub right: Vec<Demonstrated>,
    /// Why others were not judged right, a sentence each.
    pub wrong: Vec<String>,
}

/// The demonstrations of tasks, as far as there are any.
pub fn demonstrate(environment: &Environment, ctx: &Context, tasks: &[Task]) -> Demonstrations {
    let mut found = Demonstrations::default();
    let (mut attempts, mut proposals) = (Vec::new(), Vec::new());
    for (task, demonstration) in tasks.iter().zip(environment.demonstrate(ctx, tasks)) {
        match demonstration {
            Ok(Demonstration { attempt, proposal }) => {
                attempts.extend(attempt.map(|completion| (task, completion)));
                proposals.extend(proposal.map(|completion| (task, completion)));
            }
            Err(fault) => found.wrong.push(format!("demonstrating {} failed: {fault}", task.body)),
        }
    }
    let attempt =
        |(task, completion): &(&Task, String)| Attempt { task: Task::clone(task), completion: completion.clone() };
    let judged = environment.verify(ctx, &attempts.iter().map(attempt).collect::<Vec<_>>());
    for (shown, judged) in attempts.into_iter().zip(judged) {
        found.add(Role::Solver, shown, right_attempt(judged));
    }
    let proposal = |(task, completion): &(&Task, String)| Proposal {
        kind: task.kind.to_string(),
        references: Vec::new(),
        completion: completion.clone(),
    };
    let judged = environment.validate(ctx, &proposals.iter().map(proposal).collect::<Vec<_>>());
    for ((task, completion), judged) in proposals.into_iter().zip(judged) {
        found.add(Role::Proposer, (task, completion), right_proposal(judged, task));
    }
    found
}

impl Demonstrations {
    fn add(&mut self, role: Role, (task, completion): (&Task, String), judged: Result<(), String>) {
        let what = match role {
            Role::Solver => "attempt at",
            Role::Proposer => "proposal of",
        };
        match judged {
            Ok(()) => self.right.push(Demonstrated { task: task.clone(), role, completion }),
            Err(why) => self.wrong.push(format!("the {what} {}, {completion:?}, {why}", task.body)),
        }
    }
}

fn right_attempt(judged: Result<Judged<Verdict>, Fault>) -> Result<(), String> {
    match judged.map(|judged| judged.conclusion) {
        Ok(Verdict { score: 1.0, well_formed: true, .. }) => Ok(()),
        Ok(Verdict { score: 1.0, .. }) => Err("is not well-formed".into()),
        Ok(Verdict { score, reason, .. }) => Err(format!("scores {score} ({reason})")),
        Err(fault) => Err(format!("cannot be judged: {fault}")),
    }
}

fn right_proposal(judged: Result<Judged<Result<Accepted, Rejection>>, Fault>, task: &Task) -> Result<(), String> {
    match judged.map(|judged| judged.conclusion) {
        Ok(Ok(Accepted { well_formed: false, .. })) => Err("is not well-formed".into()),
        Ok(Ok(Accepted { task: proposed, .. })) if Task::from(proposed.clone()) == *task => Ok(()),
        Ok(Ok(Accepted { task: proposed, .. })) => Err(format!("gives another task, {}", proposed.body)),
        Ok(Err(Rejection { code, message })) => Err(format!("is rejected as {code}: {message}")),
        Err(fault) => Err(format!("cannot be judged: {fault}")),
    }
}
