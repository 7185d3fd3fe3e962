//! Faults are counted and never rewarded; too many of them stop the run or drop the environment.
//!
//! A host fault says nothing about the call that met it, so the call is made again. An environment fault is a
//! property of the call: guests are deterministic and start fresh, so the same call would fail again.

use std::{
    collections::{BTreeMap, VecDeque},
    error::Error,
    fmt,
    iter::Sum,
};

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use azr_config::{BreachAction, FaultsConfig};
use azr_core::gather::Gather;
use azr_sandbox::Fault;

/// How often a call that met a host fault is made again: one for a moment's trouble, one more for a busy machine.
const RETRIES_MAX: usize = 2;
/// Causes that are counted apart; a component can invent any number.
const CAUSES_MAX: usize = 32;
/// Bytes of a cause that are kept.
const CAUSE_MAX_BYTES: usize = 300;
const OTHER_CAUSES: &str = "other causes";

/// A fault as it is logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    pub whose: Whose,
    pub cause: String,
}

impl Cause {
    pub fn is_environments(&self) -> bool {
        self.whose == Whose::Environment
    }
}

impl Error for Cause {}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)
    }
}

/// Who broke a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    Environment,
    Host,
}

impl From<Fault> for Cause {
    fn from(fault: Fault) -> Self {
        let whose = match fault {
            Fault::Environment { .. } => Whose::Environment,
            Fault::Host(_) => Whose::Host,
        };
        let mut cause = fault.to_string();
        cause.truncate(cause.floor_char_boundary(CAUSE_MAX_BYTES));
        Self { whose, cause }
    }
}

/// What became of the calls of one environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub calls: usize,
    /// Calls that the environment failed.
    pub environment: usize,
    /// Calls that the host failed, also when they were made again.
    pub host: usize,
    /// Calls made again after a host fault.
    pub retried: usize,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub causes: BTreeMap<String, usize>,
}

impl Tally {
    fn count(&mut self, Cause { whose, cause }: &Cause) {
        match whose {
            Whose::Environment => self.environment += 1,
            Whose::Host => self.host += 1,
        }
        self.add_cause(cause, 1);
    }

    fn add_cause(&mut self, cause: &str, count: usize) {
        let known = self.causes.contains_key(cause) || self.causes.len() < CAUSES_MAX;
        *self.causes.entry(if known { cause } else { OTHER_CAUSES }.to_owned()).or_default() += count;
    }

    /// Calls without a result.
    pub fn faults(&self) -> usize {
        self.environment + self.host
    }
}

impl<'a> Sum<&'a Tally> for Tally {
    fn sum<I: Iterator<Item = &'a Tally>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |mut sum, Tally { calls, environment, host, retried, causes }| {
            sum.calls += calls;
            sum.environment += environment;
            sum.host += host;
            sum.retried += retried;
            causes.iter().for_each(|(cause, count)| sum.add_cause(cause, *count));
            sum
        })
    }
}

/// What became of the calls of each environment, by its position; one that was not called has none.
pub type Tallies = BTreeMap<usize, Tally>;

/// The faults of one step.
pub struct Faults<'a> {
    tallies: Tallies,
    gather: &'a dyn Gather,
}

impl<'a> Faults<'a> {
    /// None yet, of calls that all ranks share.
    pub fn new(gather: &'a dyn Gather) -> Self {
        Self { tallies: Tallies::new(), gather }
    }

    /// For calls of the same ranks that are not counted.
    pub fn uncounted(&self) -> Self {
        Self::new(self.gather)
    }

    /// Calls the environment at `env` once for every item, and again for items that met a host fault. One result per
    /// item, in order. Each rank makes a shard of the calls, and all get all results: a host fault, which only one of them
    /// meets, means the same to all.
    pub fn calls<T, R: Serialize + DeserializeOwned>(
        &mut self,
        env: usize,
        items: &[T],
        call: impl Fn(&[&T]) -> Vec<Result<R, Fault>>,
    ) -> Result<Vec<Result<R, Cause>>> {
        let tally = self.tallies.entry(env).or_default();
        tally.calls += items.len();
        let (results, retried): (Vec<_>, Vec<_>) =
            self.gather.all_gather(called(self.gather.shard(items), call))?.into_iter().unzip();
        tally.retried += retried.iter().sum::<usize>();
        let results: Vec<Result<R, Cause>> = results.into_iter().flatten().collect();
        results.iter().filter_map(|result| result.as_ref().err()).for_each(|cause| tally.count(cause));
        Ok(results)
    }

    /// Of all calls so far.
    pub fn tallies(&self) -> &Tallies {
        &self.tallies
    }

    /// Of all calls.
    pub fn into_tallies(self) -> Tallies {
        self.tallies
    }
}

/// The results of calls that are not part of a step, one per item: host faults are met with more tries here too.
pub fn with_retries<T, R>(items: &[T], call: impl Fn(&[&T]) -> Vec<Result<R, Fault>>) -> Vec<Result<R, Cause>> {
    called(items, call).0
}

/// The results of calls, and how many of them were made again.
fn called<T, R>(items: &[T], call: impl Fn(&[&T]) -> Vec<Result<R, Fault>>) -> (Vec<Result<R, Cause>>, usize) {
    let mut retried = 0;
    let mut results: Vec<Option<Result<R, Fault>>> = items.iter().map(|_| None).collect();
    let mut stops = vec![0; items.len()];
    for attempt in 0..=RETRIES_MAX {
        let open = |result: &Option<Result<R, Fault>>| matches!(result, None | Some(Err(Fault::Host(_))));
        let pending: Vec<usize> = (0..items.len()).filter(|&i| open(&results[i])).collect();
        if pending.is_empty() {
            break;
        }
        retried += if attempt > 0 { pending.len() } else { 0 };
        let batch: Vec<&T> = pending.iter().map(|&i| &items[i]).collect();
        for (i, result) in pending.into_iter().zip(call(&batch)) {
            stops[i] += usize::from(result.as_ref().is_err_and(|fault| fault.stopped().is_some()));
            results[i] = Some(result);
        }
        blame(&mut results, &stops);
    }
    let results = results.into_iter().map(|result| result.expect("an environment answers for each of its items"));
    (results.map(|result| result.map_err(Cause::from)).collect(), retried)
}

/// A call that the watchdog stopped twice, or that twice took its process with it, while others ended in time, is so by
/// itself: its environment made it so. Where every call is stopped, the machine may be slow.
fn blame<R>(results: &mut [Option<Result<R, Fault>>], stops: &[usize]) {
    let ended = |result: &Option<Result<R, Fault>>| matches!(result, Some(Ok(_) | Err(Fault::Environment { .. })));
    if !results.iter().any(ended) {
        return;
    }
    for (result, &stops) in results.iter_mut().zip(stops) {
        if stops >= 2
            && let Some(Err(fault)) = result
            && let Some(call) = fault.stopped()
        {
            let cause =
                "twice it was stopped by the watchdog or ended its process, and other calls ended in time".to_owned();
            *result = Some(Err(Fault::Environment { call, cause }));
        }
    }
}

/// Watches the share of failed calls over the last steps.
pub struct Breaker {
    config: FaultsConfig,
    /// The steps in the window, each with one tally per environment that was called.
    window: VecDeque<Tallies>,
}

impl Breaker {
    pub fn new(config: &FaultsConfig) -> Self {
        Self { config: config.clone(), window: VecDeque::new() }
    }

    /// With the steps that are in the window already.
    pub fn resumed(config: &FaultsConfig, window: impl IntoIterator<Item = Tallies>) -> Self {
        Self { config: config.clone(), window: window.into_iter().collect() }
    }

    /// The steps in the window, oldest first.
    pub fn window(&self) -> impl Iterator<Item = &Tallies> {
        self.window.iter()
    }

    /// Takes a step in. Returns the environments to go on without; fails where the run must stop: for host faults, for
    /// an environment that may not be dropped, and when none of the environments `in_play` would be left.
    pub fn note(&mut self, step: &Tallies, in_play: &[(usize, &str)]) -> Result<Vec<usize>> {
        if self.window.len() == self.config.window_steps {
            self.window.pop_front();
        }
        self.window.push_back(step.clone());
        let mut dropped = Vec::new();
        for &(env, name) in in_play {
            let tally: Tally = self.window.iter().filter_map(|step| step.get(&env)).sum();
            let breached = |faults: usize| faults as f64 > self.config.share_max * tally.calls as f64;
            if breached(tally.host) || (breached(tally.environment) && self.config.then == BreachAction::Stop) {
                bail!("{}", self.complaint(name, &tally));
            }
            if breached(tally.environment) {
                dropped.push(env);
            }
        }
        if let (Some(last), true) = (in_play.last(), dropped.len() == in_play.len()) {
            let tally: Tally = self.window.iter().filter_map(|step| step.get(&last.0)).sum();
            bail!("{}; no other environment is left", self.complaint(last.1, &tally));
        }
        Ok(dropped)
    }

    fn complaint(&self, name: &str, tally: &Tally) -> String {
        let FaultsConfig { share_max, window_steps, then: _ } = self.config;
        let worst = tally.causes.iter().max_by_key(|(_, count)| **count).map_or("", |(cause, _)| cause);
        format!(
            "{} of {} calls of environment {name} failed in the last {window_steps} steps, more than faults.share-max = \
             {share_max}; most often: {worst}",
            tally.faults(),
            tally.calls,
        )
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use anyhow::anyhow;
    use azr_core::gather::Alone;
    use azr_sandbox::Stopped;

    use super::*;

    fn environment_fault() -> Fault {
        Fault::Environment { call: "judge-answer", cause: "trapped".into() }
    }

    #[test]
    fn host_faults_are_tried_again_and_environment_faults_are_not() {
        let asked = Cell::new(0);
        let mut faults = Faults::new(&Alone);
        // Item n meets n host faults before it is answered, except 9, where the environment is at fault.
        let rounds = Cell::new(0);
        let results = faults.calls(0, &[0, 1, 2, 3, 9], |items| {
            rounds.set(rounds.get() + 1);
            asked.set(asked.get() + items.len());
            let answer = |&&item: &&usize| match item {
                9 => Err(environment_fault()),
                n if n >= rounds.get() => Err(Fault::Host(anyhow!("busy"))),
                n => Ok(n * 10),
            };
            items.iter().map(answer).collect()
        });
        let results = results.unwrap();
        assert_eq!(results[..3], [Ok(0), Ok(10), Ok(20)]);
        assert_eq!(results[3].as_ref().unwrap_err().whose, Whose::Host);
        assert_eq!(results[4].as_ref().unwrap_err().whose, Whose::Environment);
        assert_eq!((rounds.get(), asked.get()), (3, 5 + 3 + 2));
        let tally = &faults.tallies()[&0];
        assert_eq!((tally.calls, tally.environment, tally.host, tally.retried), (5, 1, 1, 5));
        assert_eq!(tally.causes["host fault: busy"], 1);
    }

    #[test]
    fn a_call_that_is_stopped_twice_while_others_end_is_its_environments_fault() {
        let stopped = || Fault::Host(Stopped { call: "judge-answer", deadline_ms: 1 }.into());
        let slow = |asked: &Cell<usize>, all: bool| {
            let mut faults = Faults::new(&Alone);
            let results = faults.calls(0, &[0, 1, 2], |items| {
                asked.set(asked.get() + items.len());
                let answer = |&&item: &&usize| if all || item == 1 { Err(stopped()) } else { Ok(item) };
                items.iter().map(answer).collect()
            });
            results.unwrap()[1].as_ref().unwrap_err().clone()
        };
        let asked = Cell::new(0);
        assert_eq!(slow(&asked, false).whose, Whose::Environment);
        assert_eq!(asked.replace(0), 4, "the stopped one is asked once more");
        assert_eq!(slow(&asked, true).whose, Whose::Host, "nothing ended: the machine may be slow");
    }

    fn config(then: BreachAction) -> FaultsConfig {
        FaultsConfig { share_max: 0.05, window_steps: 3, then }
    }

    fn step(calls: usize, environment: usize, host: usize) -> Tallies {
        let causes = [("trapped".to_owned(), environment + host)].into();
        [(0, Tally { calls, environment, host, retried: 0, causes }), (1, Tally { calls, ..Tally::default() })].into()
    }

    const BOTH: [(usize, &str); 2] = [(0, "shaky"), (1, "sound")];

    #[test]
    fn the_breaker_stops_the_run_at_the_stated_share_of_the_window() {
        let mut breaker = Breaker::new(&config(BreachAction::Stop));
        assert!(breaker.note(&step(100, 5, 0), &BOTH).unwrap().is_empty(), "5 % is not more than 5 %");
        assert!(breaker.note(&step(100, 0, 0), &BOTH).unwrap().is_empty());
        assert!(breaker.note(&step(100, 10, 0), &BOTH).unwrap().is_empty(), "15 of 300");
        let message = breaker.note(&step(100, 6, 0), &BOTH).unwrap_err().to_string();
        assert!(message.contains("16 of 300") && message.contains("shaky") && message.contains("trapped"), "{message}");
    }

    #[test]
    fn the_breaker_drops_an_environment_while_another_is_left_and_never_for_the_hosts_faults() {
        let mut breaker = Breaker::new(&config(BreachAction::Drop));
        assert_eq!(breaker.note(&step(100, 6, 0), &BOTH).unwrap(), [0]);
        assert!(breaker.note(&step(100, 6, 0), &BOTH[1..]).unwrap().is_empty(), "a dropped one is not watched");
        let mut alone = Breaker::new(&config(BreachAction::Drop));
        let message = alone.note(&step(100, 6, 0), &BOTH[..1]).unwrap_err().to_string();
        assert!(message.contains("no other environment"), "{message}");
        let mut host = Breaker::new(&config(BreachAction::Drop));
        assert!(host.note(&step(100, 0, 6), &BOTH).is_err());
    }

    #[test]
    fn causes_are_bounded_and_no_fault_is_lost() {
        let mut tally = Tally::default();
        for n in 0..100 {
            tally.count(&Cause { whose: Whose::Environment, cause: format!("cause {n}") });
        }
        assert_eq!(tally.causes.len(), CAUSES_MAX + 1);
        assert_eq!((tally.faults(), tally.causes.values().sum::<usize>()), (100, 100));
    }
}
