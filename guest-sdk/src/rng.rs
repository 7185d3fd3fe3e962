//! Random numbers for generated tasks, the same on every machine.

use std::ops::RangeInclusive;

/// The random numbers of one generated task.
///
/// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): the key is the seed, the counter is
/// made of the task's number and of how many draws there were before. No two tasks share numbers, and a task does not
/// depend on those before it.
///
/// ```
/// use azr_guest_sdk::Rng;
///
/// let mut rng = Rng::new(1, 0);
/// let dice: Vec<i64> = (0..5).map(|_| rng.within(1..=6)).collect();
/// assert_eq!(dice, [6, 6, 4, 1, 4]);
/// ```
#[derive(Clone, Debug)]
pub struct Rng {
    key: [u32; 2],
    number: u64,
    draws: u64,
}

impl Rng {
    /// For task `number` of the sequence that `seed` names.
    pub fn new(seed: u64, number: u64) -> Rng {
        Rng { key: halves(seed), number, draws: 0 }
    }

    /// 64 random bits: the first half of a Philox block.
    pub fn bits(&mut self) -> u64 {
        let ([low, high], [number_low, number_high]) = (halves(self.draws), halves(self.number));
        self.draws += 1;
        let block = philox([low, high, number_low, number_high], self.key);
        u64::from(block[0]) | u64::from(block[1]) << 32
    }

    /// A number below `bound`, each as likely as the others up to a bias of `bound` / 2^64.
    ///
    /// Panics where there is no such number.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "there is no number below 0");
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number of a range.
    ///
    /// Panics where the range is empty.
    pub fn within(&mut self, range: RangeInclusive<i64>) -> i64 {
        let (&first, &last) = (range.start(), range.end());
        assert!(first <= last, "there is no number from {first} to {last}");
        let count = i128::from(last) - i128::from(first) + 1;
        let offset = (u128::from(self.bits()) * count.unsigned_abs()) >> 64;
        (i128::from(first) + offset as i128) as i64
    }

    /// One of the items.
    ///
    /// Panics where there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// Brings items into random order (Fisher–Yates, from the end).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end as u64 + 1) as usize);
        }
    }
}

fn halves(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

/// One block of Philox4x32 with ten rounds.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let product0 = u64::from(counter[0]) * 0xD251_1F53;
        let product1 = u64::from(counter[2]) * 0xCD9E_8D57;
        let ([low0, high0], [low1, high1]) = (halves(product0), halves(product1));
        counter = [high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random123's known-answer vectors for philox4x32-10 (`tests/kat_vectors`).
    #[test]
    fn philox_matches_the_published_vectors() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi = philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]);
        assert_eq!(pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    /// The first published vector, and others that keep generated tasks what they are.
    #[test]
    fn draws_are_words_of_blocks() {
        assert_eq!(Rng::new(0, 0).bits(), 0xe169_c58d_6627_e8d5);
        let mut rng = Rng::new(0x0123_4567_89ab_cdef, 42);
        let draws: [u64; 3] = std::array::from_fn(|_| rng.bits());
        assert_eq!(draws, VECTOR);
    }

    /// From `Rng` of `host/templates/python/azr_env.py`.
    const VECTOR: [u64; 3] = [0x3d0d_511d_bbb8_d34b, 0xfd66_5716_6949_a91b, 0x2254_2408_1423_ad26];

    #[test]
    fn ranges_are_covered_to_their_ends() {
        let mut rng = Rng::new(7, 7);
        let mut seen = [0; 5];
        for _ in 0..1000 {
            seen[usize::try_from(rng.within(-2..=2) + 2).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&count| (150..250).contains(&count)), "{seen:?}");
        assert_eq!(rng.within(i64::MAX..=i64::MAX), i64::MAX);
        let anywhere: Vec<i64> = (0..64).map(|_| rng.within(i64::MIN..=i64::MAX)).collect();
        assert!(anywhere.iter().any(|&number| number < 0) && anywhere.iter().any(|&number| number > 0));
    }

    #[test]
    fn shuffling_reaches_every_order_equally() {
        let mut counts = std::collections::BTreeMap::new();
        for number in 0..6000 {
            let mut items = [0, 1, 2];
            Rng::new(3, number).shuffle(&mut items);
            *counts.entry(items).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|count| (850..1150).contains(count)), "{counts:?}");
    }
}
