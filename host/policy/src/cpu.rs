//! The parts of a sampling step that are not matrix products, for f32 on a CPU.
//!
//! For a small model libtorch spends most of a step here: attention for one new token goes head by head through matrix
//! kernels made for large operands, and each elementwise operation is a pass over memory.

/// Shape of the attention of one layer.
#[derive(Clone, Copy)]
pub(super) struct Heads {
    /// Key and value heads.
    pub shared: usize,
    /// Query heads to each of them.
    pub group: usize,
    pub head_dim: usize,
}

/// One layer's new queries, keys and values: per row `shared * group` query heads, then `shared` key and `shared` value
/// heads, each of `head_dim` numbers; positions not applied yet.
pub(super) struct NewTokens<'a> {
    pub qkv: &'a [f32],
    /// Tokens of each row, the new one included; 0 for a row that does not exist.
    pub lengths: &'a [i64],
    /// Cosines and signed sines, `[positions, head_dim]` each.
    pub cos: &'a [f32],
    pub sin: &'a [f32],
}

/// One layer's keys or values, `[rows, shared, columns, head_dim]`; rows end before column `end`.
pub(super) struct Columns<'a> {
    pub keys: &'a mut [f32],
    pub values: &'a mut [f32],
    pub columns: usize,
    pub end: usize,
}

// Loops instead of iterator adaptors below: a closure that is not inlined is compiled without the wider instructions.

/// Compiles a kernel twice, for CPUs with AVX2 and FMA and for all others, and picks at run time.
macro_rules! for_each_cpu {
    ($(#[$doc:meta])* $name:ident => $body:ident($($arg:ident: $type:ty),*)) => {
        $(#[$doc])*
        pub(super) fn $name($($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn wide($($arg: $type),*) {
                    $body::<true>($($arg),*)
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: the features were just found.
                    return unsafe { wide($($arg),*) };
                }
            }
            $body::<false>($($arg),*)
        }
    };
}

for_each_cpu! {
    /// Appends the new keys and values to the cache and attends with the new queries. `out` is `[rows, heads * head_dim]`.
    attend => attend_body(heads: Heads, new: &NewTokens<'_>, cache: &mut Columns<'_>, out: &mut [f32])
}

for_each_cpu! {
    /// `out[row] = x[row] / rms(x[row]) * weight`, rows of `weight.len()`.
    rms_norm => rms_norm_body(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32])
}

for_each_cpu! {
    /// `out = silu(gate) * up`, where each row of `gate_up` is a gate and an up of `width` numbers.
    silu_mul => silu_mul_body(gate_up: &[f32], width: usize, out: &mut [f32])
}

#[inline(always)]
fn attend_body<const FMA: bool>(heads: Heads, new: &NewTokens<'_>, cache: &mut Columns<'_>, out: &mut [f32]) {
    let Heads { shared, group, head_dim } = heads;
    let width = (shared * group + 2 * shared) * head_dim;
    let scale = 1.0 / (head_dim as f32).sqrt();
    let (mut query, mut scores) = (vec![0.0; head_dim], Vec::new());
    let rows = new.qkv.chunks_exact(width).zip(out.chunks_exact_mut(shared * group * head_dim));
    for (row, (qkv, out)) in rows.enumerate() {
        let length = new.lengths[row] as usize;
        if length == 0 {
            out.fill(0.0);
            continue;
        }
        let angles = (length - 1) * head_dim..length * head_dim;
        let (cos, sin) = (&new.cos[angles.clone()], &new.sin[angles]);
        let (q, kv) = qkv.split_at(shared * group * head_dim);
        let (k, v) = kv.split_at(shared * head_dim);
        for head in 0..shared {
            let place = (row * shared + head) * cache.columns;
            let newest = (place + cache.end - 1) * head_dim..(place + cache.end) * head_dim;
            let own = head * head_dim..(head + 1) * head_dim;
            rotate::<FMA>(&k[own.clone()], cos, sin, 1.0, &mut cache.keys[newest.clone()]);
            cache.values[newest].copy_from_slice(&v[own]);
            let live = (place + cache.end - length) * head_dim..(place + cache.end) * head_dim;
            let (keys, values) = (&cache.keys[live.clone()], &cache.values[live]);
            for member in head * group..(head + 1) * group {
                let own = member * head_dim..(member + 1) * head_dim;
                rotate::<FMA>(&q[own.clone()], cos, sin, scale, &mut query);
                scores.resize(length, 0.0);
                for (score, key) in scores.iter_mut().zip(keys.chunks_exact(head_dim)) {
                    *score = dot::<FMA>(&query, key);
                }
                let sum = softmax_numerators::<FMA>(&mut scores);
                weighted_sum::<FMA>(&scores, values, 1.0 / sum, &mut out[own]);
            }
        }
    }
}

#[inline(always)]
fn rms_norm_body<const FMA: bool>(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    let width = weight.len();
    for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        let factor = 1.0 / (dot::<FMA>(x, x) / width as f32 + eps).sqrt();
        for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
            *out = x * factor * weight;
        }
    }
}

#[inline(always)]
fn silu_mul_body<const FMA: bool>(gate_up: &[f32], width: usize, out: &mut [f32]) {
    for (row, out) in gate_up.chunks_exact(2 * width).zip(out.chunks_exact_mut(width)) {
        let (gate, up) = row.split_at(width);
        for ((out, &gate), &up) in out.iter_mut().zip(gate).zip(up) {
            *out = gate / (1.0 + exp::<FMA>(-gate)) * up;
        }
    }
}

/// `out = scale * rotated(x)`; see `Rotation::rotate`.
#[inline(always)]
fn rotate<const FMA: bool>(x: &[f32], cos: &[f32], sin: &[f32], scale: f32, out: &mut [f32]) {
    let half = x.len() / 2;
    for i in 0..half {
        out[i] = multiply_add::<FMA>(x[i + half], sin[i], x[i] * cos[i]) * scale;
        out[i + half] = multiply_add::<FMA>(x[i], sin[i + half], x[i + half] * cos[i + half]) * scale;
    }
}

#[inline(always)]
fn dot<const FMA: bool>(a: &[f32], b: &[f32]) -> f32 {
    // Eight partial sums are one vector register; a single one could not be vectorised without reordering.
    let mut sums = [0.0f32; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for i in 0..8 {
            sums[i] = multiply_add::<FMA>(a[i], b[i], sums[i]);
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (b + f)) + ((c + g) + (d + h)) + rest
}

/// Replaces every score by e^(score − max) and returns their sum.
#[inline(always)]
fn softmax_numerators<const FMA: bool>(scores: &mut [f32]) -> f32 {
    let max = in_lanes(scores, f32::NEG_INFINITY, |max, score| if score > max { score } else { max });
    for score in scores.iter_mut() {
        *score = exp::<FMA>(*score - max);
    }
    in_lanes(scores, 0.0, |sum, numerator| sum + numerator)
}

/// Folds with eight accumulators, which fit one vector register, and then these.
#[inline(always)]
fn in_lanes(values: &[f32], start: f32, fold: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [start; 8];
    let chunks = values.chunks_exact(8);
    let rest = chunks.remainder().iter().fold(start, |a, b| fold(a, *b));
    for chunk in chunks {
        for i in 0..8 {
            lanes[i] = fold(lanes[i], chunk[i]);
        }
    }
    lanes.into_iter().fold(rest, fold)
}

/// `out = factor * Σ weights[i] * rows[i]`.
#[inline(always)]
fn weighted_sum<const FMA: bool>(weights: &[f32], rows: &[f32], factor: f32, out: &mut [f32]) {
    out.fill(0.0);
    for (&weight, row) in weights.iter().zip(rows.chunks_exact(out.len())) {
        for (out, &value) in out.iter_mut().zip(row) {
            *out = multiply_add::<FMA>(weight, value, *out);
        }
    }
    for out in out.iter_mut() {
        *out *= factor;
    }
}

#[inline(always)]
fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    // Without the instruction, `mul_add` is a call.
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// e^x to about one unit in the last place, written so that it vectorises: 2^n times a polynomial on ±ln 2 / 2
/// (Cephes, `expf`).
#[inline(always)]
fn exp<const FMA: bool>(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to an integer, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // Beyond these e^x is 0 or infinite in f32.
    let x = x.clamp(-87.0, 88.0);
    let rounded = multiply_add::<FMA>(x, std::f32::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    // ln 2 in two parts, so that the difference keeps its low bits.
    let r = multiply_add::<FMA>(n, 2.121_944_4e-4, multiply_add::<FMA>(n, -0.693_359_4, x));
    let coefficients = [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5];
    let mut polynomial = 1.987_569_1e-4;
    for coefficient in coefficients {
        polynomial = multiply_add::<FMA>(polynomial, r, coefficient);
    }
    let fraction = multiply_add::<FMA>(polynomial, r * r, r) + 1.0;
    let exponent = rounded.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127);
    fraction * f32::from_bits(exponent << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_accurate() {
        for i in -8700..8800 {
            let x = i as f32 / 100.0 + 0.003;
            let exact = f64::from(x.clamp(-87.0, 88.0)).exp();
            for value in [exp::<true>(x), exp::<false>(x)] {
                assert!((f64::from(value) / exact - 1.0).abs() < 2e-7, "exp({x}) = {value}, not {exact}");
            }
        }
    }
}
