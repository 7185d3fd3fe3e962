//! How sequences share forward passes: those of similar length in one; what the prompts of a pass begin with alike, and
//! equal prompts, are read once.

use std::{cmp::Reverse, collections::BTreeMap};

use anyhow::Result;
use tch::Device;

use azr_policy::{
    batch::{Batch, Sequence},
    prefix,
};

/// The sequences of one forward pass.
#[derive(Debug, PartialEq)]
pub(super) struct Group {
    /// So many in a row have the same prompt, which is read once.
    pub per_prompt: usize,
    /// So many tokens are the same in all prompts, and read once.
    pub prefix: usize,
    pub sequences: Vec<usize>,
}

impl Group {
    /// This group's part of `all`, padded on the right, without the last tokens, after which nothing is predicted.
    pub(super) fn batch(&self, all: &[Sequence<'_>], device: Device) -> Result<Batch> {
        let sequences: Vec<Sequence<'_>> = self.sequences.iter().map(|&i| all[i]).collect();
        match (self.per_prompt, self.prefix) {
            (1, 0) => Batch::new(&sequences, device),
            (per_prompt, prefix) => Batch::sharing(&sequences, per_prompt, prefix, device),
        }
    }
}

/// A forward pass needs about this many tokens to keep the matrix products large; arbitrary.
const TOKENS_MIN: usize = 1024;

/// A group that is being filled: prompts with `per_prompt` sequences each.
struct Filling<'a> {
    /// What all its prompts begin with.
    prefix: &'a [u32],
    per_prompt: usize,
    prompts: usize,
    /// Tokens of the longest prompt, as far as its sequences share it, the prefix included.
    shared: usize,
    /// Tokens of the longest sequence after these.
    own: usize,
    /// Tokens without padding.
    tokens: usize,
    sequences: Vec<usize>,
}

impl<'a> Filling<'a> {
    /// With padding.
    fn read(&self) -> usize {
        let prefix = self.prefix.len();
        prefix + self.prompts * (self.shared - prefix + self.per_prompt * self.own)
    }

    /// What has keys and values in every layer: of the prefix each prompt has a copy.
    fn kept(&self) -> usize {
        self.prompts * (self.shared + self.per_prompt * self.own)
    }

    /// Both together, unless that is too long or, once there are enough tokens, more than an eighth of it padding.
    fn join(&self, other: &Self, tokens_max: usize) -> Option<Self> {
        let prefix = self.prefix.len();
        let both = Self {
            prefix: self.prefix,
            per_prompt: self.per_prompt,
            prompts: self.prompts + other.prompts,
            shared: self.shared.max(other.shared),
            own: self.own.max(other.own),
            tokens: self.tokens + other.tokens - prefix,
            sequences: [&self.sequences[..], &other.sequences].concat(),
        };
        let read = both.read();
        let worth = self.tokens < TOKENS_MIN || read - both.tokens <= read / 8;
        let alike = (self.prefix, self.per_prompt) == (other.prefix, other.per_prompt);
        (alike && both.kept() <= tokens_max && worth).then_some(both)
    }
}

/// Cuts sequences into groups of at most `tokens_max` tokens with padding, longest first. A sequence that is longer alone
/// is a group of its own. Equal `sequences` make equal groups.
pub(super) fn groups(sequences: &[Sequence<'_>], tokens_max: usize) -> Vec<Group> {
    let mut by_prompt: BTreeMap<&[u32], Vec<usize>> = BTreeMap::new();
    for (i, (prompt, _)) in sequences.iter().enumerate() {
        by_prompt.entry(prompt).or_default().push(i);
    }
    // Without their last tokens, which belong to the completions.
    let prompts: Vec<&[u32]> = by_prompt.keys().map(|prompt| &prompt[..prompt.len() - 1]).collect();
    let prefixes = prefix::lengths(&prompts);
    let mut families: Vec<Filling<'_>> = by_prompt
        .into_iter()
        .zip(prefixes)
        .flat_map(|((prompt, members), prefix)| families((prompt, prefix), members, sequences, tokens_max))
        .collect();
    families.sort_by_key(|family| Reverse((family.prefix, family.per_prompt, family.own, family.shared)));
    let mut groups: Vec<Filling<'_>> = Vec::new();
    for family in families {
        match groups.last_mut().and_then(|group| Some((group.join(&family, tokens_max)?, group))) {
            Some((both, group)) => *group = both,
            None => groups.push(family),
        }
    }
    let group = |Filling { prefix, per_prompt, sequences, .. }| Group { per_prompt, prefix: prefix.len(), sequences };
    groups.into_iter().map(group).collect()
}

/// Parts of the sequences with one prompt: longest first, as long as reading the prompt again would cost more than the
/// padding.
fn families<'a>(
    (prompt, prefix): (&'a [u32], usize),
    mut members: Vec<usize>,
    sequences: &[Sequence<'_>],
    tokens_max: usize,
) -> Vec<Filling<'a>> {
    // A completion's own tokens begin with the last of the prompt, which predicts its first.
    let (shared, own) = (prompt.len() - 1, |i: usize| sequences[i].1.len());
    members.sort_by_key(|&i| Reverse(own(i)));
    let mut parts: Vec<Vec<usize>> = Vec::new();
    for i in members {
        match parts.last_mut() {
            Some(part) if own(part[0]) < shared + own(i) && shared + (part.len() + 1) * own(part[0]) <= tokens_max => {
                part.push(i);
            }
            _ => parts.push(vec![i]),
        }
    }
    let filling = |part: Vec<usize>| {
        let alone = part.len() == 1 && prefix == 0;
        let (shared, own_max) = if alone { (0, shared + own(part[0])) } else { (shared, own(part[0])) };
        let tokens = if alone { own_max } else { shared + part.iter().map(|&i| own(i)).sum::<usize>() };
        let prefix = &prompt[..prefix];
        Filling { prefix, per_prompt: part.len(), prompts: 1, shared, own: own_max, tokens, sequences: part }
    };
    parts.into_iter().map(filling).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups_of(sequences: &[(Vec<u32>, Vec<u32>)], tokens_max: usize) -> Vec<Group> {
        let sequences: Vec<Sequence<'_>> = sequences.iter().map(|(prompt, own)| (&prompt[..], &own[..])).collect();
        groups(&sequences, tokens_max)
    }

    #[test]
    fn every_sequence_is_in_one_group_and_groups_keep_the_budget() {
        let lengths = [3, 9, 1, 4, 4, 30, 2];
        let sequences: Vec<_> = (0..).zip(lengths).map(|(i, length)| (vec![i], vec![0; length])).collect();
        let groups = groups_of(&sequences, 12);
        assert!(groups.iter().all(|group| group.per_prompt == 1));
        let groups: Vec<_> = groups.into_iter().map(|group| group.sequences).collect();
        assert_eq!(groups, [vec![5], vec![1], vec![3, 4, 0], vec![6, 2]]);
    }

    #[test]
    fn equal_prompts_meet_where_that_saves_tokens() {
        let (a, b, c) = (vec![1; 11], vec![2; 11], vec![3; 11]);
        let of = |prompt: &Vec<u32>, length| (prompt.clone(), vec![0; length]);
        let sequences = [of(&a, 2), of(&b, 5), of(&c, 3), of(&a, 4), of(&b, 5), of(&a, 3), of(&b, 16)];
        let group = |per_prompt, sequences| Group { per_prompt, prefix: 0, sequences };
        let expected = [group(3, vec![3, 5, 0]), group(2, vec![1, 4]), group(1, vec![6, 2])];
        assert_eq!(groups_of(&sequences, 52), expected);
        let alone = groups_of(&sequences, 1);
        assert_eq!(alone.len(), 7);
        assert!(alone.iter().all(|group| group.per_prompt == 1));
    }

    #[test]
    fn prompts_that_begin_alike_meet_and_keep_the_budget() {
        let prompt = |kind: u32, i: u32| [vec![kind; 80], vec![i; 5], vec![9]].concat();
        let sequences: Vec<_> = (10..16).map(|i| (prompt(i % 2, i), vec![0; 20])).collect();
        let group = |sequences| Group { per_prompt: 1, prefix: 80, sequences };
        assert_eq!(groups_of(&sequences, 1000), [group(vec![1, 3, 5]), group(vec![0, 2, 4])]);
        // Each has 105 keys of its own.
        assert_eq!(groups_of(&sequences, 210), [group(vec![1, 3]), group(vec![5]), group(vec![0, 2]), group(vec![4])]);
    }

    #[test]
    fn long_and_short_sequences_do_not_meet_once_there_are_enough_tokens() {
        let sequence = |i: u32| (vec![i], vec![0; if i < 8 { 256 } else { 64 }]);
        let sequences: Vec<_> = (0..40).map(sequence).collect();
        let sizes: Vec<usize> = groups_of(&sequences, 100_000).iter().map(|group| group.sequences.len()).collect();
        // A ninth long row may be three quarters padding: that is less than an eighth of all.
        assert_eq!(sizes, [9, 31]);
    }
}
