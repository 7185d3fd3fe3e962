//! The parts of a sampling step that are not matrix products, on a CPU. They read f32 or bf16, compute in f32, and round
//! where the operations of libtorch that learning takes do, so that the sampler is the policy that learns.
//!
//! For a small model libtorch spends most of a step here: attention for one new token goes head by head through matrix
//! kernels made for large operands, and each elementwise operation is a pass over memory.

use super::{element::Element, packed};

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
pub(super) struct NewTokens<'a, E> {
    pub qkv: &'a [E],
    /// Tokens of each row, the new one included; 0 for a row that does not exist.
    pub lengths: &'a [i64],
    /// Cosines and signed sines, `[positions, head_dim]` each.
    pub cos: &'a [E],
    pub sin: &'a [E],
}

/// One layer's keys or values, `[rows, shared, columns, head_dim]`; rows end before column `end`.
pub(super) struct Columns<'a, E> {
    pub keys: &'a mut [E],
    pub values: &'a mut [E],
    pub columns: usize,
    pub end: usize,
}

/// Keys or values that are widened at a time, for all queries of their group: with heads of 128 they take half of a cache
/// of 32 KiB.
const TILE: usize = 32;
/// Partial sums of a dot product: one vector register of the widest, or two.
const LANES: usize = 16;

// Loops instead of iterator adaptors below: a closure that is not inlined is compiled without the wider instructions.

/// Compiles a kernel three times, for CPUs with AVX-512, with AVX2 and FMA, and for all others, and picks at run time.
/// The first two give the same numbers.
macro_rules! for_each_cpu {
    ($(#[$doc:meta])* $name:ident => $body:ident($($arg:ident: $type:ty),*)) => {
        $(#[$doc])*
        pub(super) fn $name<E: Element>($($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn widest<E: Element>($($arg: $type),*) {
                    $body::<E, true>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn wide<E: Element>($($arg: $type),*) {
                    $body::<E, true>($($arg),*)
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    if packed::has_kernels() {
                        // SAFETY: the features were just found.
                        return unsafe { widest($($arg),*) };
                    }
                    // SAFETY: the features were just found.
                    return unsafe { wide($($arg),*) };
                }
            }
            $body::<E, false>($($arg),*)
        }
    };
}

for_each_cpu! {
    /// Appends the new keys and values to the cache and attends with the new queries. `out` is `[rows, heads * head_dim]`.
    attend => attend_body(heads: Heads, new: &NewTokens<'_, E>, cache: &mut Columns<'_, E>, out: &mut [E])
}

for_each_cpu! {
    /// `out[row] = x[row] / rms(x[row]) * weight`, rows of `weight.len()`.
    rms_norm => rms_norm_body(x: &[E], weight: &[E], eps: f32, out: &mut [E])
}

for_each_cpu! {
    /// `out = silu(gate) * up`, where each row of `gate_up` is a gate and an up of `width` numbers.
    silu_mul => silu_mul_body(gate_up: &[E], width: usize, out: &mut [E])
}

/// What the attention of one group of heads is computed in.
struct Workplace {
    /// `[group, head_dim]`
    queries: Vec<f32>,
    /// `[TILE, head_dim]`
    tile: Vec<f32>,
    /// `[group, length]`
    scores: Vec<f32>,
    /// `[group]`
    sums: Vec<f32>,
    /// `[group, head_dim]`
    mixed: Vec<f32>,
}

#[inline(always)]
fn attend_body<E: Element, const FMA: bool>(
    heads: Heads,
    new: &NewTokens<'_, E>,
    cache: &mut Columns<'_, E>,
    out: &mut [E],
) {
    let Heads { shared, group, head_dim } = heads;
    let width = (shared * group + 2 * shared) * head_dim;
    let scale = 1.0 / (head_dim as f32).sqrt();
    let zeros = |count: usize| vec![0.0f32; count];
    let mut workplace = Workplace {
        queries: zeros(group * head_dim),
        tile: zeros(TILE * head_dim),
        scores: Vec::new(),
        sums: zeros(group),
        mixed: zeros(group * head_dim),
    };
    let rows = new.qkv.chunks_exact(width).zip(out.chunks_exact_mut(shared * group * head_dim));
    for (row, (qkv, out)) in rows.enumerate() {
        let length = new.lengths[row] as usize;
        if length == 0 {
            out.fill(E::round(0.0));
            continue;
        }
        let angles = (length - 1) * head_dim..length * head_dim;
        let (cos, sin) = (&new.cos[angles.clone()], &new.sin[angles]);
        let (q, kv) = qkv.split_at(shared * group * head_dim);
        let (k, v) = kv.split_at(shared * head_dim);
        workplace.scores.resize(group * length, 0.0);
        for head in 0..shared {
            let place = (row * shared + head) * cache.columns;
            let newest = (place + cache.end - 1) * head_dim..(place + cache.end) * head_dim;
            let own = head * head_dim..(head + 1) * head_dim;
            rotate::<E, FMA>(&k[own.clone()], cos, sin, 1.0, &mut workplace.mixed[..head_dim]);
            round(&workplace.mixed[..head_dim], 1.0, &mut cache.keys[newest.clone()]);
            cache.values[newest].copy_from_slice(&v[own]);
            let own = head * group * head_dim..(head + 1) * group * head_dim;
            let queries = workplace.queries.chunks_exact_mut(head_dim);
            for (q, query) in q[own.clone()].chunks_exact(head_dim).zip(queries) {
                rotate::<E, FMA>(q, cos, sin, scale, query);
            }
            let live = (place + cache.end - length) * head_dim..(place + cache.end) * head_dim;
            mix::<E, FMA>(&mut workplace, &cache.keys[live.clone()], &cache.values[live], &mut out[own]);
        }
    }
}

/// Attends with the queries of a group to their keys and values, `[length, head_dim]`; `out` is `[group, head_dim]`.
#[inline(always)]
fn mix<E: Element, const FMA: bool>(workplace: &mut Workplace, keys: &[E], values: &[E], out: &mut [E]) {
    let Workplace { queries, tile, scores, sums, mixed } = workplace;
    let head_dim = queries.len() / sums.len();
    let length = keys.len() / head_dim;
    for (i, keys) in keys.chunks(TILE * head_dim).enumerate() {
        let keys = E::widened(keys, tile);
        for (query, scores) in queries.chunks_exact(head_dim).zip(scores.chunks_exact_mut(length)) {
            dots::<FMA>(query, keys, &mut scores[i * TILE..]);
        }
    }
    for (scores, sum) in scores.chunks_exact_mut(length).zip(sums.iter_mut()) {
        *sum = softmax_numerators::<FMA>(scores);
    }
    mixed.fill(0.0);
    for (i, values) in values.chunks(TILE * head_dim).enumerate() {
        let values = E::widened(values, tile);
        for (mixed, scores) in mixed.chunks_exact_mut(head_dim).zip(scores.chunks_exact(length)) {
            add_weighted::<FMA>(&scores[i * TILE..], values, mixed);
        }
    }
    for ((out, mixed), sum) in out.chunks_exact_mut(head_dim).zip(mixed.chunks_exact(head_dim)).zip(sums) {
        round(mixed, 1.0 / *sum, out);
    }
}

#[inline(always)]
fn rms_norm_body<E: Element, const FMA: bool>(x: &[E], weight: &[E], eps: f32, out: &mut [E]) {
    let width = weight.len();
    let mut scratch = vec![0.0; width];
    for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        let x = E::widened(x, &mut scratch);
        let mut square = [0.0];
        dots::<FMA>(x, x, &mut square);
        let factor = 1.0 / (square[0] / width as f32 + eps).sqrt();
        for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
            *out = E::round(x * factor * weight.widen());
        }
    }
}

#[inline(always)]
fn silu_mul_body<E: Element, const FMA: bool>(gate_up: &[E], width: usize, out: &mut [E]) {
    for (row, out) in gate_up.chunks_exact(2 * width).zip(out.chunks_exact_mut(width)) {
        let (gate, up) = row.split_at(width);
        for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
            let gate = gate.widen();
            let silu = E::round(gate / (1.0 + exp::<FMA>(-gate)));
            *out = E::round(silu.widen() * up.widen());
        }
    }
}

/// `out = scale * rotated(x)`; see `Rotation::rotate`.
#[inline(always)]
fn rotate<E: Element, const FMA: bool>(x: &[E], cos: &[E], sin: &[E], scale: f32, out: &mut [f32]) {
    let half = x.len() / 2;
    let (first, second) = x.split_at(half);
    let (first_out, second_out) = out.split_at_mut(half);
    turn::<E, FMA>([first, second, &cos[..half], &sin[..half]], scale, first_out);
    turn::<E, FMA>([second, first, &cos[half..], &sin[half..]], scale, second_out);
}

/// `out = scale * (x * cos + swapped * sin)`.
#[inline(always)]
fn turn<E: Element, const FMA: bool>([x, swapped, cos, sin]: [&[E]; 4], scale: f32, out: &mut [f32]) {
    for ((((out, x), swapped), cos), sin) in out.iter_mut().zip(x).zip(swapped).zip(cos).zip(sin) {
        let product = E::round(x.widen() * cos.widen());
        let turned = E::round(multiply_add::<FMA>(swapped.widen(), sin.widen(), product.widen()));
        *out = turned.widen() * scale;
    }
}

/// `out = factor * numbers`.
#[inline(always)]
fn round<E: Element>(numbers: &[f32], factor: f32, out: &mut [E]) {
    for (out, number) in out.iter_mut().zip(numbers) {
        *out = E::round(number * factor);
    }
}

/// `products[i] = a · rows[i]`.
#[inline(always)]
fn dots<const FMA: bool>(a: &[f32], rows: &[f32], products: &mut [f32]) {
    for (rows, products) in rows.chunks(TILE * a.len()).zip(products.chunks_mut(TILE)) {
        // Sums of the lanes go through memory: right after the loop that makes them, the compiler would take pairs of lanes.
        let mut sums = [[0.0f32; LANES]; TILE];
        for (sums, row) in sums.iter_mut().zip(rows.chunks_exact(a.len())) {
            for (a, row) in a.chunks_exact(LANES).zip(row.chunks_exact(LANES)) {
                for i in 0..LANES {
                    sums[i] = multiply_add::<FMA>(a[i], row[i], sums[i]);
                }
            }
        }
        let done = a.len() / LANES * LANES;
        for ((product, sums), row) in products.iter_mut().zip(&sums).zip(rows.chunks_exact(a.len())) {
            let mut half = [0.0f32; LANES / 2];
            for i in 0..LANES / 2 {
                half[i] = sums[i] + sums[i + LANES / 2];
            }
            let [a0, b, c, d, e, f, g, h] = half;
            *product = ((a0 + e) + (b + f)) + ((c + g) + (d + h));
            for (a, number) in a[done..].iter().zip(&row[done..]) {
                *product += a * number;
            }
        }
    }
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

/// Folds with as many accumulators as fit registers, and then these.
#[inline(always)]
fn in_lanes(values: &[f32], start: f32, fold: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [start; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder().iter().fold(start, |a, b| fold(a, *b));
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] = fold(lanes[i], chunk[i]);
        }
    }
    lanes.into_iter().fold(rest, fold)
}

/// `out += Σ weights[i] * rows[i]`.
#[inline(always)]
fn add_weighted<const FMA: bool>(weights: &[f32], rows: &[f32], out: &mut [f32]) {
    let width = out.len();
    // Four rows at a time, or sums would go through memory for each.
    let fours = rows.chunks_exact(4 * width);
    let rest = fours.remainder().chunks_exact(width);
    let done = rows.len() / (4 * width) * 4;
    for (weights, rows) in weights.chunks_exact(4).zip(fours) {
        let (a, rows) = rows.split_at(width);
        let (b, rows) = rows.split_at(width);
        let (c, d) = rows.split_at(width);
        for ((((out, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            let sum = multiply_add::<FMA>(weights[0], *a, *out);
            let sum = multiply_add::<FMA>(weights[1], *b, sum);
            let sum = multiply_add::<FMA>(weights[2], *c, sum);
            *out = multiply_add::<FMA>(weights[3], *d, sum);
        }
    }
    for (&weight, row) in weights[done..].iter().zip(rest) {
        for (out, &value) in out.iter_mut().zip(row) {
            *out = multiply_add::<FMA>(weight, value, *out);
        }
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
    use tch::{Device, Tensor};

    use super::*;
    use crate::{
        element::{Bf16, slice, slice_mut},
        rope::{Rope, RopeTable},
    };

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

    fn random<E: Element>(shape: &[i64]) -> Tensor {
        Tensor::randn(shape, (tch::Kind::Float, Device::Cpu)).to_kind(E::KIND)
    }

    /// bf16 numbers may be neighbours where two ways to add in f32 fall on two sides of a tie.
    fn assert_equal<E: Element>(ours: &Tensor, expected: &Tensor, what: &str) {
        let (place, least) = if E::KIND == tch::Kind::Float { (1e-5, 0.1) } else { (1.0 / 128.0, 0.01) };
        let [ours, expected] = [ours, expected].map(|tensor| tensor.to_kind(tch::Kind::Double).view([-1]));
        let gap = ((&ours - &expected).abs() / (expected.abs() + least)).max().double_value(&[]);
        assert!(gap <= place, "{what} in {:?}: relative difference {gap}", E::KIND);
        let other = ours.ne_tensor(&expected).mean(tch::Kind::Double).double_value(&[]);
        assert!(E::KIND == tch::Kind::Float || other < 0.02, "{what}: {other} of the numbers are not libtorch's");
    }

    fn elementwise_kernels_are_libtorchs<E: Element>() {
        for (rows, width) in [(1, 5), (3, 64), (7, 576), (40, 1000)] {
            let (x, weight) = (random::<E>(&[rows, width]), random::<E>(&[width]));
            let mut out = x.empty_like();
            rms_norm::<E>(slice(&x), slice(&weight), 1e-5, slice_mut(&mut out));
            assert_equal::<E>(&out, &x.rms_norm([width], Some(&weight), 1e-5), "norm");
            let gate_up = random::<E>(&[rows, 2 * width]) * 4.0;
            let both = gate_up.chunk(2, 1);
            silu_mul::<E>(slice(&gate_up), width as usize, slice_mut(&mut out));
            assert_equal::<E>(&out, &(both[0].silu() * &both[1]), "gated");
        }
    }

    /// Rows of many lengths in one cache.
    fn attention_is_libtorchs<E: Element>() {
        const LENGTHS: [i64; 6] = [1, 0, 200, 31, 33, 64];
        let (columns, end, rows) = (230, 210, LENGTHS.len() as i64);
        for (shared, group, head_dim) in [(2, 3, 64), (1, 7, 128), (3, 1, 24)] {
            let rope = Rope { theta: 10_000.0, scaling: None };
            let table = RopeTable::new(&rope, head_dim, 300, (E::KIND, Device::Cpu)).unwrap();
            let [mut keys, mut values] = [0; 2].map(|_| random::<E>(&[rows, shared, columns, head_dim]));
            let qkv = random::<E>(&[rows, 1, (group + 2) * shared, head_dim]);
            let rotation = table.at(&Tensor::from_slice(&LENGTHS.map(|length| (length - 1).max(0)))).unwrap();
            let parts = qkv.split_with_sizes([group * shared, shared, shared], 2);
            let q = rotation.rotate(&parts[0]).unwrap().view([rows, shared, group, head_dim]);
            let newest = [rotation.rotate(&parts[1]).unwrap(), parts[2].shallow_clone()].map(|x| x.transpose(1, 2));
            let heads = Heads { shared: shared as usize, group: group as usize, head_dim: head_dim as usize };
            let mut out = Tensor::ones([rows, shared, group, head_dim], (E::KIND, Device::Cpu));
            let new =
                NewTokens { qkv: slice::<E>(&qkv), lengths: &LENGTHS, cos: slice(&table.cos), sin: slice(&table.sin) };
            let mut cache =
                Columns { keys: slice_mut(&mut keys), values: slice_mut(&mut values), columns: columns as usize, end };
            attend(heads, &new, &mut cache, slice_mut(&mut out));
            for (row, length) in LENGTHS.into_iter().enumerate() {
                let row = row as i64;
                let of_row = |x: &Tensor| x.narrow(0, row, 1);
                if length == 0 {
                    assert_eq!(of_row(&out).abs().max().double_value(&[]), 0.0);
                    continue;
                }
                let live = |x: &Tensor| of_row(x).narrow(2, end as i64 - length, length);
                for (cache, newest) in [&keys, &values].into_iter().zip(&newest) {
                    assert_equal::<E>(&live(cache).narrow(2, length - 1, 1), &of_row(newest), "a new key or value");
                }
                let [q, keys, values] =
                    [of_row(&q), live(&keys), live(&values)].map(|tensor| tensor.to_kind(tch::Kind::Float));
                let none = None::<&Tensor>;
                let mixed = Tensor::scaled_dot_product_attention(&q, &keys, &values, none, 0.0, false, None, false);
                let what = format!("attention to {length} tokens, {group} heads of {head_dim}");
                assert_equal::<E>(&of_row(&out), &mixed.to_kind(E::KIND), &what);
            }
        }
    }

    #[test]
    fn numbers_are_those_of_libtorch() {
        tch::manual_seed(1);
        elementwise_kernels_are_libtorchs::<f32>();
        elementwise_kernels_are_libtorchs::<Bf16>();
        attention_is_libtorchs::<f32>();
        attention_is_libtorchs::<Bf16>();
    }

    /// What CPUs without AVX2 compute.
    #[test]
    fn plain_instructions_give_the_same() {
        let x: Vec<f32> = (0..2 * 50).map(|i| (i as f32).sin() * 3.0).collect();
        let (mut here, mut plain) = ([0.0; 50], [0.0; 50]);
        silu_mul(&x, 50, &mut here);
        silu_mul_body::<f32, false>(&x, 50, &mut plain);
        assert!(here.iter().zip(&plain).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs()), "{here:?}, {plain:?}");
        rms_norm(&x[..50], &x[50..], 1e-5, &mut here);
        rms_norm_body::<f32, false>(&x[..50], &x[50..], 1e-5, &mut plain);
        assert!(here.iter().zip(&plain).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs()), "{here:?}, {plain:?}");
    }
}
