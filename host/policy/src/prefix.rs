//! What the prompts of a call begin with alike: all of a kind have the same instructions. It is read once.

use anyhow::Result;
use tch::Tensor;

use super::{
    attention,
    linear::Pass,
    model::{Attend, Model},
    rope::{RopeTable, Rotation},
};

/// Shorter beginnings are read again with each prompt: a pass of their own would cost as much.
const PREFIX_MIN_TOKENS: usize = 64;

/// How many tokens of each prompt are read once for all that begin with them; 0 where it shares none. Of all ways to give
/// every prompt at most one prefix this reads the fewest tokens. Equal prompts count as one.
pub fn lengths(prompts: &[&[u32]]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..prompts.len()).collect();
    order.sort_by_key(|&i| prompts[i]);
    let mut distinct: Vec<&[u32]> = order.iter().map(|&i| prompts[i]).collect();
    distinct.dedup();
    // Each prompt keeps a token of its own, which its completion follows from.
    let common = |pair: &[&[u32]]| {
        let alike = pair[0].iter().zip(pair[1]).take_while(|(a, b)| a == b).count();
        let common = alike.min(pair[0].len() - 1).min(pair[1].len() - 1);
        if common < PREFIX_MIN_TOKENS { 0 } else { common }
    };
    let commons: Vec<usize> = distinct.windows(2).map(common).collect();
    let mut shared = vec![0; distinct.len()];
    share(&commons, &mut shared);
    let mut lengths = vec![0; prompts.len()];
    let mut row = 0;
    for i in order {
        row += usize::from(distinct[row] != prompts[i]);
        lengths[i] = shared[row];
    }
    lengths
}

/// Decides for neighbours in sorted order, of which `commons` has what each has in common with the next. Where they have
/// least in common they fall into parts; the parts that it saves more than prefixes of their own have that as one prefix.
/// Returns how many tokens need not be read.
fn share(commons: &[usize], mut lengths: &mut [usize]) -> usize {
    let Some(&least) = commons.iter().min() else { return 0 };
    let (mut saved, mut gained, mut joining) = (0, 0, Vec::new());
    for commons in commons.split(|&common| common == least) {
        let (part, rest) = lengths.split_at_mut(commons.len() + 1);
        lengths = rest;
        let apart = share(commons, part);
        saved += apart;
        if least * part.len() >= apart {
            gained += least * part.len() - apart;
            joining.push(part);
        }
    }
    // It is read once.
    if least == 0 || gained < least {
        return saved;
    }
    joining.into_iter().for_each(|part| part.fill(least));
    saved + gained - least
}

/// Keys and values of a prefix.
pub struct Prefix {
    pub tokens: Vec<u32>,
    /// Per layer, each `[1, tokens, heads, head_dim]`.
    layers: Vec<[Tensor; 2]>,
}

impl Prefix {
    /// Reads the prefix.
    pub fn read(model: &Model, tokens: &[u32], pass: Pass, rope: &RopeTable) -> Result<Self> {
        let device = model.kind_and_device().1;
        let ids: Vec<i64> = tokens.iter().map(|&token| i64::from(token)).collect();
        let ids = Tensor::f_from_slice(&ids)?.f_unsqueeze(0)?.f_to_device(device)?;
        let last = Tensor::f_from_slice(&[tokens.len() as i64 - 1])?.f_to_device(device)?;
        let mut kept = Kept { rotation: rope.range(0, tokens.len() as i64)?, layers: Vec::new() };
        let _last = model.hidden(&ids, Some(&last), pass, &mut kept)?;
        Ok(Self { tokens: tokens.to_vec(), layers: kept.layers })
    }

    /// Keys and values of the prefix and what comes after it, `[batch, prefix + seq, heads, head_dim]` each; `k` and `v`
    /// are `[batch, seq, heads, head_dim]`.
    pub fn before(&self, layer: usize, k: &Tensor, v: &Tensor) -> Result<[Tensor; 2]> {
        let [keys, values] = &self.layers[layer];
        let join = |prefix: &Tensor, own: &Tensor| -> Result<Tensor> {
            let (batch, _seq, heads, head_dim) = own.size4()?;
            let prefix = prefix.f_expand([batch, self.tokens.len() as i64, heads, head_dim], false)?;
            Ok(Tensor::f_cat(&[&prefix, own], 1)?)
        };
        Ok([join(keys, k)?, join(values, v)?])
    }
}

/// Causal attention that keeps the keys and values.
struct Kept {
    rotation: Rotation,
    layers: Vec<[Tensor; 2]>,
}

impl Attend for Kept {
    fn rotation(&self) -> Option<&Rotation> {
        Some(&self.rotation)
    }

    fn attend(&mut self, _layer: usize, q: Tensor, k: Tensor, v: Tensor) -> Result<Tensor> {
        let mixed = attention::causal(&q, &k, &v)?;
        // Copies: the projection has them in one tensor with the queries.
        self.layers.push([k.f_contiguous()?, v.f_contiguous()?]);
        Ok(mixed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn prompt(parts: &[(u32, usize)]) -> Vec<u32> {
        parts.iter().flat_map(|&(token, count)| std::iter::repeat_n(token, count)).collect()
    }

    fn shared(prompts: &[Vec<u32>]) -> Vec<usize> {
        lengths(&prompts.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    #[test]
    fn prompts_of_a_kind_share_its_instructions() {
        // Two kinds behind the same system prompt, and one prompt that has nothing in common with them.
        let kind = |kind, task| prompt(&[(1, 70), (kind, 200), (task, 9)]);
        assert_eq!(
            shared(&[kind(2, 7), kind(3, 7), prompt(&[(9, 300)]), kind(2, 8), kind(3, 9)]),
            [270, 270, 0, 270, 270]
        );
        // Where the kinds are short, all share the system prompt: 4 × 70 tokens are more than 3 × 80.
        let kind = |kind, task| prompt(&[(1, 70), (kind, 10), (task, 9)]);
        assert_eq!(shared(&[kind(2, 7), kind(2, 8), kind(2, 9), kind(3, 7), kind(2, 6)]), [70; 5]);
    }

    #[test]
    fn each_prompt_keeps_a_token_and_short_beginnings_are_nothing() {
        assert_eq!(shared(&[]), [0; 0]);
        assert_eq!(shared(&[prompt(&[(1, 500)])]), [0]);
        assert_eq!(shared(&[prompt(&[(1, 500)]), prompt(&[(1, 500)])]), [0, 0], "the same prompt is read once anyway");
        assert_eq!(shared(&[prompt(&[(1, 500)]), prompt(&[(1, 400)])]), [399, 399]);
        assert_eq!(shared(&[prompt(&[(1, 63), (2, 9)]), prompt(&[(1, 63), (3, 9)])]), [0, 0]);
    }

    /// Tokens that are read where prompt `i` has its first `lengths[i]` from one that is read for all.
    fn read(prompts: &[Vec<u32>], lengths: &[usize]) -> usize {
        let prefixes: BTreeSet<&[u32]> =
            prompts.iter().zip(lengths).map(|(prompt, &length)| &prompt[..length]).collect();
        let own = prompts.iter().zip(lengths).map(|(prompt, length)| prompt.len() - length);
        own.sum::<usize>() + prefixes.iter().map(|prefix| prefix.len()).sum::<usize>()
    }

    #[test]
    fn no_other_choice_of_prefixes_reads_fewer_tokens() {
        let mut draw = 1_u64;
        let mut below = |n: u64| {
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (draw >> 33) % n
        };
        for _ in 0..300 {
            let mut prompts: Vec<Vec<u32>> = Vec::new();
            for last in 0..4 {
                // Of equal parts, so that many begin alike, to different lengths.
                let parts = (0..1 + below(3)).map(|_| (below(2) as u32, 40 + 30 * below(2) as usize));
                let parts: Vec<(u32, usize)> = parts.chain([(9 + last, 1)]).collect();
                prompts.push(prompt(&parts));
            }
            let mut candidates = BTreeSet::from([0]);
            for (i, one) in prompts.iter().enumerate() {
                let common = |other: &Vec<u32>| one.iter().zip(other).take_while(|(a, b)| a == b).count();
                candidates.extend(prompts[..i].iter().map(common).filter(|&common| common >= PREFIX_MIN_TOKENS));
            }
            let candidates: Vec<usize> = candidates.into_iter().collect();
            let ours = read(&prompts, &shared(&prompts));
            let mut choice = [0; 4];
            'all: loop {
                let lengths = choice.map(|at: usize| candidates[at]);
                if prompts.iter().zip(lengths).all(|(prompt, length)| length < prompt.len()) {
                    assert!(ours <= read(&prompts, &lengths), "{lengths:?} of {prompts:?}");
                }
                for at in &mut choice {
                    *at += 1;
                    if *at < candidates.len() {
                        continue 'all;
                    }
                    *at = 0;
                }
                break;
            }
        }
    }

    #[test]
    fn a_call_may_have_very_many_prompts() {
        let prompts: Vec<Vec<u32>> = (0..200_000).map(|n| prompt(&[(1, 64), (n + 2, 1)])).collect();
        assert!(shared(&prompts).iter().all(|&length| length == 64));
    }
}
