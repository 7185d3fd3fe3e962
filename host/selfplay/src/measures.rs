//! Measures: what an environment says about accepted proposals besides that they are tasks, as numbers from 0.
//!
//! Some of them say how rare a text is among those before it. Checkpoints keep the counts that this needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use azr_core::task::Digest;
use azr_sandbox::{Amount, Measure};

/// A measure of one proposal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    pub name: String,
    pub amount: f64,
    /// Of the text whose rarity the amount is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Digest>,
}

/// Names of measures that are counted apart for one kind. An environment can invent any number, and each becomes a column.
const NAMES_MAX: usize = 64;

/// How often each text was seen under each name, among the proposals of one kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    by_name: BTreeMap<String, Counts>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Counts {
    all: u64,
    each: BTreeMap<Digest, u64>,
}

impl Seen {
    /// The measures of a proposal in numbers; its texts count from the next one on. Measures of a name beyond those that
    /// are counted apart are left out.
    pub fn measure(&mut self, measures: Vec<Measure>) -> Vec<Measured> {
        let measured = |Measure { name, amount }: Measure| {
            if !self.by_name.contains_key(&name) && self.by_name.len() >= NAMES_MAX {
                return None;
            }
            Some(match amount {
                Amount::Number(amount) => {
                    self.by_name.entry(name.clone()).or_default();
                    Measured { name, amount, text: None }
                }
                Amount::Rarity(text) => {
                    let text = Digest::of(text);
                    Measured { amount: self.rarity(&name, text), name, text: Some(text) }
                }
            })
        };
        measures.into_iter().filter_map(measured).collect()
    }

    /// 1 less the share of a text among all before it; 1 for the first of all. Counts it.
    fn rarity(&mut self, name: &str, text: Digest) -> f64 {
        let Counts { all, each } = self.by_name.entry(name.to_owned()).or_default();
        let count = each.entry(text).or_default();
        let rarity = if *all == 0 { 1.0 } else { 1.0 - *count as f64 / *all as f64 };
        *all += 1;
        *count += 1;
        rarity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_rare_as_its_share_of_those_before_it() {
        let mut seen = Seen::default();
        let mut amounts = |name: &str, text: &str| {
            let measure = Measure { name: name.into(), amount: Amount::Rarity(text.into()) };
            seen.measure(vec![measure])[0].amount
        };
        let answers: Vec<f64> = ["1", "1", "2", "1", "2", "3"].map(|text| amounts("answer", text)).into();
        // Before the fourth there are 1, 1, 2; before the fifth 1, 1, 2, 1.
        assert_eq!(answers, [1.0, 0.0, 1.0, 1.0 - 2.0 / 3.0, 0.75, 1.0]);
        assert_eq!(amounts("input", "1"), 1.0, "names are counted apart");
    }

    #[test]
    fn names_are_bounded() {
        let mut seen = Seen::default();
        let number = |n: usize| Measure { name: format!("name-{n}"), amount: Amount::Number(1.0) };
        let kept: usize = (0..100).map(|n| seen.measure(vec![number(n), number(0)]).len()).sum();
        assert_eq!(kept, NAMES_MAX + 100);
    }

    #[test]
    fn counts_survive_being_written_down() {
        let rarity = |text: &str| Measure { name: "answer".into(), amount: Amount::Rarity(text.into()) };
        let mut seen = Seen::default();
        for text in ["1", "2", "1"] {
            seen.measure(vec![rarity(text)]);
        }
        let mut read: Seen = serde_json::from_str(&serde_json::to_string(&seen).unwrap()).unwrap();
        assert_eq!(seen.measure(vec![rarity("1")]), read.measure(vec![rarity("1")]));
    }
}
