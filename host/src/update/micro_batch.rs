//! How sequences of different length share forward passes.

/// Groups of sequences: longest first, at most `tokens_max` per group with padding. A sequence that is longer alone is a
/// group of its own. Equal `lengths` make equal groups.
pub(super) fn groups(lengths: &[usize], tokens_max: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(lengths[i]));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for i in order {
        match groups.last_mut() {
            Some(group) if (group.len() + 1) * lengths[group[0]] <= tokens_max => group.push(i),
            _ => groups.push(vec![i]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::groups;

    #[test]
    fn every_sequence_is_in_one_group_and_groups_keep_the_budget() {
        let lengths = [3, 9, 1, 4, 4, 30, 2];
        let groups = groups(&lengths, 12);
        let mut all: Vec<usize> = groups.concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(groups, [vec![5], vec![1], vec![3, 4, 0], vec![6, 2]]);
    }
}
