//! Counter-based random numbers: a draw depends on what it is for, never on what was drawn before.
//!
//! Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). A rollout keeps its stream
//! whatever batch it is sampled in, and a resumed run needs no generator state.

/// What a stream is for, so that two uses never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Which references a proposer is shown.
    References = 1,
    /// A proposer's tokens.
    Propose = 2,
    /// Which tasks the solver gets.
    SolverTasks = 3,
    /// A solver's tokens.
    Solve = 4,
    /// The order of rollouts in an update.
    Update = 6,
    /// `--control shuffle`.
    Shuffle = 7,
    /// Tokens sampled in an evaluation.
    Evaluate = 8,
    /// The grammar of the warm start.
    Grammar = 9,
    /// Initial weights and batch order of the warm start.
    WarmStart = 10,
    /// The sequence of generated tasks that is trained on.
    Generate = 11,
    /// The sequence of generated tasks that are held out.
    HeldOut = 12,
    /// The sequence of generated tasks that a warm start demonstrates.
    Demonstrate = 13,
    /// Initial values of adapters.
    Adapter = 14,
}

/// The random numbers of one step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepRng {
    pub seed: u64,
    /// Counts from 1; 0 is before the first update.
    pub step: u64,
}

impl StepRng {
    /// The stream for one use within the step.
    pub fn stream(&self, purpose: Purpose, index: usize) -> Stream {
        Stream::new(self.seed, purpose, self.step, index as u64)
    }
}

/// Streams for one purpose of a step, from one on.
#[derive(Clone, Copy, Debug)]
pub struct Streams {
    pub rng: StepRng,
    pub purpose: Purpose,
    pub first: usize,
}

impl Streams {
    /// Number `index` of these.
    pub fn nth(&self, index: usize) -> Stream {
        self.rng.stream(self.purpose, self.first + index)
    }
}

/// An unlimited sequence of numbers, addressed by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: [u32; 2],
    step: u32,
    index: u32,
}

impl Stream {
    /// The stream for one purpose at one step; `index` tells apart what happens within the step.
    pub fn new(seed: u64, purpose: Purpose, step: u64, index: u64) -> Self {
        // The seed is spread over the key by one Philox block, so that neighbouring seeds have unrelated keys.
        let spread = philox([seed as u32, (seed >> 32) as u32, purpose as u32, 0], [0x617a_7221, 0x686f_7374]);
        let key = [spread[0], spread[1]];
        Self {
            key,
            step: u32::try_from(step).expect("fewer than 2^32 steps"),
            index: u32::try_from(index).expect("fewer than 2^32 draws of one purpose in a step"),
        }
    }

    /// 64 random bits at `position`.
    pub fn bits(&self, position: u64) -> u64 {
        let block = philox([position as u32, (position >> 32) as u32, self.index, self.step], self.key);
        u64::from(block[0]) | u64::from(block[1]) << 32
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn uniform(&self, position: u64) -> f64 {
        (self.bits(position) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in 0..`bound`. The bias is below `bound` / 2^64.
    pub fn below(&self, position: u64, bound: usize) -> usize {
        assert!(bound > 0, "nothing to draw from");
        ((u128::from(self.bits(position)) * bound as u128) >> 64) as usize
    }

    /// The numbers one after another.
    pub fn draws(self) -> Draws {
        Draws { stream: self, position: 0 }
    }
}

/// A stream read in order.
#[derive(Clone, Debug)]
pub struct Draws {
    stream: Stream,
    position: u64,
}

impl Draws {
    /// The next uniform number in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.position += 1;
        self.stream.uniform(self.position - 1)
    }

    /// The next number in 0..`bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.position += 1;
        self.stream.below(self.position - 1, bound)
    }

    /// `count` distinct numbers of 0..`bound` in random order, or all of them where there are fewer.
    pub fn distinct(&mut self, count: usize, bound: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..bound).collect();
        let count = count.min(bound);
        for i in 0..count {
            let j = i + self.below(bound - i);
            all.swap(i, j);
        }
        all.truncate(count);
        all
    }

    /// Shuffles in place (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// One block of Philox4x32 with ten rounds.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let product0 = u64::from(counter[0]) * 0xD251_1F53;
        let product1 = u64::from(counter[2]) * 0xCD9E_8D57;
        counter = [
            (product1 >> 32) as u32 ^ counter[1] ^ key[0],
            product1 as u32,
            (product0 >> 32) as u32 ^ counter[3] ^ key[1],
            product0 as u32,
        ];
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

    #[test]
    fn streams_of_different_purpose_step_or_index_differ() {
        let base = Stream::new(7, Purpose::Propose, 3, 4).bits(0);
        for other in [
            Stream::new(8, Purpose::Propose, 3, 4),
            Stream::new(7, Purpose::Solve, 3, 4),
            Stream::new(7, Purpose::Propose, 4, 4),
            Stream::new(7, Purpose::Propose, 3, 5),
        ] {
            assert_ne!(other.bits(0), base);
        }
    }

    #[test]
    fn distinct_draws_are_distinct_and_cover_everything() {
        let mut draws = Stream::new(1, Purpose::References, 0, 0).draws();
        let mut all = draws.distinct(10, 6);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4, 5]);
    }
}
