//! Faults are counted, never rewarded; too many of them stop the run.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use crate::{config::FaultsConfig, sandbox::Fault};

/// The faults of one step.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    calls: usize,
    causes: BTreeMap<String, usize>,
}

impl Faults {
    /// Counts one call of an environment; a fault gives `None`.
    pub fn note<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        self.calls += 1;
        result.map_err(|fault| *self.causes.entry(fault.to_string()).or_default() += 1).ok()
    }

    /// How often each cause was seen.
    pub fn causes(&self) -> &BTreeMap<String, usize> {
        &self.causes
    }

    /// Fails when too large a share of the calls failed.
    pub fn check(&self, config: &FaultsConfig) -> Result<()> {
        let faults: usize = self.causes.values().sum();
        let share = faults as f64 / self.calls.max(1) as f64;
        let worst = self.causes.iter().max_by_key(|(_, count)| **count);
        ensure!(
            share <= config.share_max,
            "{faults} of {} calls of the environments failed, more than faults.share-max = {}; most often: {}",
            self.calls,
            config.share_max,
            worst.map_or("", |(cause, _)| cause)
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault() -> Result<(), Fault> {
        Err(Fault::Environment { call: "judge-answer", cause: "trapped".into() })
    }

    #[test]
    fn faults_are_counted_by_cause_and_stop_the_run_at_the_stated_rate() {
        let mut faults = Faults::default();
        for _ in 0..19 {
            assert_eq!(faults.note(Ok(())), Some(()));
        }
        assert_eq!(faults.note(fault()), None);
        faults.check(&FaultsConfig { share_max: 0.05 }).unwrap();
        faults.note(fault());
        let message = faults.check(&FaultsConfig { share_max: 0.05 }).unwrap_err().to_string();
        assert!(message.contains("2 of 21") && message.contains("trapped"), "{message}");
        assert_eq!(faults.causes().values().sum::<usize>(), 2);
    }
}
