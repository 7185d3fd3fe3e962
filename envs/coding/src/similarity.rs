//! How much two texts have in common, as `difflib.SequenceMatcher(None, a, b).ratio()` of Python's library counts it.

use std::collections::HashMap;

/// From so many bytes on, a byte that makes up more than a hundredth of the second text begins no match.
const POPULAR_FROM_BYTES: usize = 200;
/// Comparisons of places in one pair of texts. Trees of programs of a hundred lines take a tenth of it; beyond, nothing
/// more is found in common, so that no pair of texts takes a call of the judge past its fuel.
const COMPARISONS_MAX: usize = 2_000_000;

/// Twice the length of all matches, as a share of both lengths.
pub fn ratio(a: &[u8], b: &[u8]) -> f64 {
    if a.is_empty() && b.is_empty() {
        return 1.0;
    }
    let mut matcher = Matcher { a, b, places: places(b), ends: vec![(0, 0); b.len()], row: 0, comparisons: 0 };
    let (mut matched, mut pending) = (0, vec![(0..a.len(), 0..b.len())]);
    while let Some((in_a, in_b)) = pending.pop() {
        let Match { a, b, length } = matcher.longest(in_a.clone(), in_b.clone());
        if length > 0 {
            matched += length;
            pending.push((in_a.start..a, in_b.start..b));
            pending.push((a + length..in_a.end, b + length..in_b.end));
        }
    }
    2.0 * matched as f64 / (a.len() + b.len()) as f64
}

/// Where each byte stands, except for popular ones.
fn places(text: &[u8]) -> HashMap<u8, Vec<usize>> {
    let mut places: HashMap<u8, Vec<usize>> = HashMap::new();
    for (place, byte) in text.iter().enumerate() {
        places.entry(*byte).or_default().push(place);
    }
    if text.len() >= POPULAR_FROM_BYTES {
        places.retain(|_, places| places.len() <= text.len() / 100 + 1);
    }
    places
}

type Range = std::ops::Range<usize>;

/// Equal stretches of both texts.
struct Match {
    a: usize,
    b: usize,
    length: usize,
}

struct Matcher<'a> {
    a: &'a [u8],
    b: &'a [u8],
    places: HashMap<u8, Vec<usize>>,
    /// For each place in `b`: the last row in which a match ended there, and the length of that match.
    ends: Vec<(usize, usize)>,
    /// Counts the places in `a` that were looked at; never the same twice.
    row: usize,
    comparisons: usize,
}

impl Matcher<'_> {
    /// The longest match within both ranges, the first in `a` and then in `b` of several. Popular bytes only lengthen a
    /// match.
    fn longest(&mut self, in_a: Range, in_b: Range) -> Match {
        let mut best = Match { a: in_a.start, b: in_b.start, length: 0 };
        self.row += 1;
        for place in in_a.clone() {
            self.row += 1;
            let candidates = self.places.get(&self.a[place]).map_or(&[][..], Vec::as_slice);
            let first = candidates.partition_point(|candidate| *candidate < in_b.start);
            let last = candidates.partition_point(|candidate| *candidate < in_b.end);
            let longest_before = best.length;
            // Backwards, so that the place before still says what ended there in the row before.
            for &candidate in candidates[first..last].iter().rev() {
                let length = match candidate.checked_sub(1).map(|before| self.ends[before]) {
                    Some((row, length)) if row + 1 == self.row => length + 1,
                    _ => 1,
                };
                self.ends[candidate] = (self.row, length);
                if length > longest_before && length >= best.length {
                    best = Match { a: place + 1 - length, b: candidate + 1 - length, length };
                }
            }
            self.comparisons += last - first;
            if self.comparisons > COMPARISONS_MAX {
                return Match { length: 0, ..best };
            }
        }
        while best.a > in_a.start && best.b > in_b.start && self.a[best.a - 1] == self.b[best.b - 1] {
            best = Match { a: best.a - 1, b: best.b - 1, length: best.length + 1 };
        }
        let end = |best: &Match| (best.a + best.length, best.b + best.length);
        while let (a, b) = end(&best)
            && a < in_a.end
            && b < in_b.end
            && self.a[a] == self.b[b]
        {
            best.length += 1;
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `difflib.SequenceMatcher(None, a, b).ratio()` of CPython 3.11.
    #[test]
    fn ratios_are_those_of_python() {
        let long = |word: &str| word.repeat(40);
        for (a, b, expected) in [
            ("", "", 1.0),
            ("a", "", 0.0),
            ("abcd", "bcde", 0.75),
            ("qabxcd", "abycdf", 0.6666666666666666),
            ("private Thread currentThread;", "private volatile Thread currentThread;", 0.8656716417910447),
            ("abcdefghij", "jihgfedcba", 0.1),
            (&long("abc"), &long("abd"), 0.6666666666666666),
            (
                &format!("{}Q{}", long("abcdef"), long("xyz")),
                &format!("{}Q{}", long("abdcef"), long("xzy")),
                0.01662049861495845,
            ),
        ] {
            let found = ratio(a.as_bytes(), b.as_bytes());
            assert!((found - expected).abs() < 1e-15, "{a} {b} {found}");
        }
    }

    #[test]
    fn texts_that_would_take_for_ever_have_less_in_common() {
        let mut state = 1_u32;
        let mut noise = |count: usize| -> Vec<u8> {
            let byte = |_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            };
            (0..count).map(byte).collect()
        };
        let (a, b) = (noise(300_000), noise(300_000));
        assert!(ratio(&a, &b) < 0.2);
    }
}
