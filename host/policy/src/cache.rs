//! Keys and values of the rows that are being sampled.
//!
//! All rows end at one column, so that a step writes one column for all of them. A row begins where its prompt does;
//! columns before that are masked. A new row goes into a free slot without moving others, and when the columns are used
//! up the live window moves back to the front.

use std::ops::Range;

use anyhow::Result;
use tch::{Device, Kind, Tensor};

use super::{
    attention,
    config::ModelConfig,
    cpu::{self, Columns, Heads, NewTokens},
    element::{slice, slice_mut, with_element},
    model::Attend,
    prefix::Prefix,
    rope::{RopeTable, Rotation},
};

/// Columns added at least when the cache grows; arbitrary, a few dozen steps.
const COLUMNS_STEP: i64 = 64;
/// Tokens that rows may become longer at once: the columns that moving the window frees at least.
pub const CHUNK_MAX: i64 = COLUMNS_STEP / 4;

pub struct Cache {
    /// Per layer keys and values, each `[slots, heads, columns, head_dim]`.
    layers: Vec<[Tensor; 2]>,
    /// Tokens of each slot's row; 0 where the slot is free.
    lengths: Vec<i64>,
    /// The column after the last.
    end: i64,
    /// `[slots, 1, 1, columns]`: 0 where a row has a token, −∞ elsewhere. `None` until rebuilt.
    mask: Option<Tensor>,
}

/// Attention of one new token per row, by our own kernel.
pub struct DecodeOnCpu<'a> {
    cache: &'a mut Cache,
    rope: &'a RopeTable,
}

/// Attention of one new token per row, by libtorch.
pub struct Decode<'a> {
    cache: &'a mut Cache,
    rotation: Rotation,
    /// Columns that any row still needs, the new one included.
    window: Range<i64>,
    /// The column of the new tokens, `[1]`, int64.
    newest: Tensor,
    /// `[rows, 1, 1, window]`; `None` where all rows are equally long.
    mask: Option<Tensor>,
}

/// Several tokens for every row, one after another, without a word from the host: no shape changes from one to the next,
/// and what does change is counted on the device.
pub struct DecodeChunk<'a> {
    cache: &'a mut Cache,
    rope: &'a RopeTable,
    /// Columns that any row needs, those of all new tokens included.
    window: Range<i64>,
    /// Their numbers, `[window]`, int64.
    columns: Tensor,
    /// Which of them come before a row's first token, `[rows, 1, 1, window]`.
    before: Tensor,
    /// Of each row's newest token in the row, `[rows]`, int64.
    positions: Tensor,
    /// The column of the newest tokens, `[1]`, int64.
    newest: Tensor,
}

/// Causal attention over whole prompts, kept in the cache.
pub struct Prefill<'a> {
    cache: &'a mut Cache,
    /// Where the rows go, `[rows]`.
    slots: Tensor,
    /// For every row and column the prompt token in the flattened batch, the prefix included, `[rows * columns]`.
    sources: Tensor,
    columns: i64,
    rotation: Rotation,
    /// What all prompts begin with and the batch leaves out, and what the tokens after it see.
    prefix: Option<(&'a Prefix, Tensor)>,
}

impl Cache {
    /// Room for `slots` rows whose prompts have at most `prompt_max` tokens.
    pub fn new(config: &ModelConfig, slots: usize, prompt_max: i64, options: (Kind, Device)) -> Result<Self> {
        let shape = [slots as i64, config.num_key_value_heads, prompt_max + COLUMNS_STEP, config.head_dim];
        // Zeros, not whatever the memory holds: masked columns are multiplied by 0, and 0 times NaN is NaN.
        let layer = |_| Ok([Tensor::f_zeros(shape, options)?, Tensor::f_zeros(shape, options)?]);
        let layers = (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?;
        Ok(Self { layers, lengths: vec![0; slots], end: prompt_max, mask: None })
    }

    pub fn slots(&self) -> usize {
        self.lengths.len()
    }

    /// Frees a slot.
    pub fn release(&mut self, slot: usize) {
        self.lengths[slot] = 0;
        self.mask = None;
    }

    /// Starts a row in each of `slots` with a prompt: `prompts[i]` is the number of the batch's row that holds it and
    /// its length. The batch is `[batch, seq]`, without the prefix that all prompts begin with.
    pub fn prefill<'a>(
        &'a mut self,
        slots: &[usize],
        prompts: &[(usize, i64)],
        (prefix, seq): (Option<&'a Prefix>, i64),
        rope: &RopeTable,
    ) -> Result<Prefill<'a>> {
        let (kind, device) = (self.layers[0][0].kind(), self.layers[0][0].device());
        let before = prefix.map_or(0, |prefix| prefix.tokens.len() as i64);
        let columns = before + seq;
        assert!(columns <= self.end, "the cache was made for prompts of {} tokens, not {columns}", self.end);
        let source = |&(row, length): &(usize, i64)| {
            // Aligned to the right; what lands before the prompt is masked.
            (0..columns).map(move |column| row as i64 * columns + (column - (columns - length)).max(0))
        };
        let sources: Vec<i64> = prompts.iter().flat_map(source).collect();
        for (&slot, &(_, length)) in slots.iter().zip(prompts) {
            self.lengths[slot] = length;
        }
        self.mask = None;
        let slots: Vec<i64> = slots.iter().map(|&slot| slot as i64).collect();
        let slots = Tensor::f_from_slice(&slots)?.f_to_device(device)?;
        let sources = Tensor::f_from_slice(&sources)?.f_to_device(device)?;
        let prefix = match prefix {
            Some(prefix) => Some((prefix, attention::after(before, seq, (kind, device))?)),
            None => None,
        };
        Ok(Prefill { cache: self, slots, sources, columns, rotation: rope.range(before, seq)?, prefix })
    }

    /// Makes every row one token longer, for [`Decode`].
    pub fn decode(&mut self, rope: &RopeTable) -> Result<Decode<'_>> {
        let positions = Tensor::f_from_slice(&self.lengths)?.f_to_device(self.layers[0][0].device())?;
        self.lengthen(1)?;
        let window = self.window();
        let span = window.end - window.start;
        let mask = match self.lengths.iter().all(|&length| length == span) {
            true => None,
            false => Some(self.mask()?.f_narrow(3, window.start, span)?),
        };
        let newest = Tensor::f_from_slice(&[self.end - 1])?.f_to_device(self.layers[0][0].device())?;
        Ok(Decode { cache: self, rotation: rope.at(&positions)?, window, newest, mask })
    }

    /// Makes every row `tokens` longer, for as many calls of [`DecodeChunk::next`].
    pub fn decode_chunk<'a>(&'a mut self, rope: &'a RopeTable, tokens: i64) -> Result<DecodeChunk<'a>> {
        let device = self.layers[0][0].device();
        let positions = Tensor::f_from_slice(&self.lengths)?.f_sub_scalar(1)?.f_to_device(device)?;
        self.lengthen(tokens)?;
        let window = self.window();
        // A free slot looks at everything: a row without any column would be NaN.
        let first = |&length: &i64| if length == 0 { window.start } else { self.end - length };
        let firsts: Vec<i64> = self.lengths.iter().map(first).collect();
        let firsts = Tensor::f_from_slice(&firsts)?.f_view([-1, 1, 1, 1])?.f_to_device(device)?;
        let columns = Tensor::f_arange_start(window.start, window.end, (Kind::Int64, device))?;
        let before = columns.f_lt_tensor(&firsts)?;
        let newest = Tensor::f_full([1], self.end - tokens - 1, (Kind::Int64, device))?;
        Ok(DecodeChunk { cache: self, rope, window, columns, before, positions, newest })
    }

    /// Makes every row one token longer, for [`DecodeOnCpu`].
    pub fn decode_on_cpu<'a>(&'a mut self, rope: &'a RopeTable) -> Result<DecodeOnCpu<'a>> {
        self.lengthen(1)?;
        Ok(DecodeOnCpu { cache: self, rope })
    }

    /// Makes every row `tokens` longer, of which there are at most [`CHUNK_MAX`].
    fn lengthen(&mut self, tokens: i64) -> Result<()> {
        if self.end + tokens > self.columns()? {
            self.make_room()?;
        }
        self.lengths.iter_mut().filter(|length| **length > 0).for_each(|length| *length += tokens);
        self.end += tokens;
        self.mask = None;
        assert!(self.end <= self.columns()?, "there is no room for {tokens} more tokens");
        Ok(())
    }

    /// Columns that any row needs.
    fn window(&self) -> Range<i64> {
        self.end - self.longest()..self.end
    }

    /// Drops all slots from `slots` on, after moving the rows there into free ones. Returns the moves, from and to.
    pub fn shrink(&mut self, slots: usize) -> Result<Vec<(usize, usize)>> {
        let used = (slots..self.slots()).filter(|&slot| self.lengths[slot] > 0);
        let free = (0..slots).filter(|&slot| self.lengths[slot] == 0);
        let moves: Vec<(usize, usize)> = used.zip(free).collect();
        let index = |slots: Vec<i64>, device| Tensor::f_from_slice(&slots)?.f_to_device(device);
        let device = self.layers[0][0].device();
        let from = index(moves.iter().map(|&(from, _)| from as i64).collect(), device)?;
        let to = index(moves.iter().map(|&(_, to)| to as i64).collect(), device)?;
        for tensor in self.layers.iter_mut().flatten() {
            if !moves.is_empty() {
                let rows = tensor.f_index_select(0, &from)?;
                let _ = tensor.f_index_copy_(0, &to, &rows)?;
            }
            *tensor = tensor.f_narrow(0, 0, slots as i64)?;
        }
        for &(from, to) in &moves {
            self.lengths[to] = self.lengths[from];
        }
        self.lengths.truncate(slots);
        self.mask = None;
        Ok(moves)
    }

    fn columns(&self) -> Result<i64> {
        let (_slots, _heads, columns, _head_dim) = self.layers[0][0].size4()?;
        Ok(columns)
    }

    fn longest(&self) -> i64 {
        self.lengths.iter().copied().max().unwrap_or(0)
    }

    /// Moves the live window to the front, into more memory where it fills most of what there is.
    fn make_room(&mut self) -> Result<()> {
        let span = self.longest();
        let columns = self.columns()?;
        // A quarter of the columns must come free, or the next move would follow too soon.
        let wanted = if span <= columns / 4 * 3 { columns } else { columns + (columns / 2).max(COLUMNS_STEP) };
        for tensor in self.layers.iter_mut().flatten() {
            let (slots, heads, _columns, head_dim) = tensor.size4()?;
            let live = tensor.f_narrow(2, self.end - span, span)?;
            let fresh = Tensor::f_zeros([slots, heads, wanted, head_dim], (tensor.kind(), tensor.device()))?;
            fresh.f_narrow(2, 0, span)?.f_copy_(&live)?;
            *tensor = fresh;
        }
        self.end = span;
        self.mask = None;
        Ok(())
    }

    fn mask(&mut self) -> Result<&Tensor> {
        if self.mask.is_none() {
            let columns = self.columns()?;
            let hidden = |column: i64, length: i64| if column < self.end - length { f32::NEG_INFINITY } else { 0.0 };
            // A free slot looks at everything: a row without any column would be NaN.
            let row =
                |&length: &i64| (0..columns).map(move |column| if length == 0 { 0.0 } else { hidden(column, length) });
            let values: Vec<f32> = self.lengths.iter().flat_map(row).collect();
            let (kind, device) = (self.layers[0][0].kind(), self.layers[0][0].device());
            let mask = Tensor::f_from_slice(&values)?.f_view([self.slots() as i64, 1, 1, columns])?;
            self.mask = Some(mask.f_to_device(device)?.f_to_kind(kind)?);
        }
        Ok(self.mask.as_ref().expect("just made"))
    }
}

impl DecodeChunk<'_> {
    /// The next token of every row.
    pub fn next(&mut self) -> Result<Decode<'_>> {
        let _ = self.positions.f_add_scalar_(1)?;
        let _ = self.newest.f_add_scalar_(1)?;
        let hidden = self.before.f_logical_or(&self.columns.f_gt_tensor(&self.newest)?)?;
        let kind = self.cache.layers[0][0].kind();
        let mask = attention::mask(&hidden, kind)?;
        Ok(Decode {
            cache: self.cache,
            rotation: self.rope.at(&self.positions)?,
            window: self.window.clone(),
            newest: self.newest.shallow_clone(),
            mask: Some(mask),
        })
    }
}

impl Attend for DecodeOnCpu<'_> {
    fn rotation(&self) -> Option<&Rotation> {
        None
    }

    fn attend(&mut self, layer: usize, q: Tensor, k: Tensor, _v: Tensor) -> Result<Tensor> {
        let (rows, one, heads, head_dim) = q.size4()?;
        let (_, _, shared, _) = k.size4()?;
        let (_slots, _shared, columns, _head_dim) = self.cache.layers[layer][0].size4()?;
        let width = (heads + 2 * shared) * head_dim;
        assert!(one == 1 && q.stride()[0] == width, "query, key and value are in one tensor");
        let mut out = Tensor::f_empty([rows, 1, heads * head_dim], (q.kind(), q.device()))?;
        let heads = Heads { shared: shared as usize, group: (heads / shared) as usize, head_dim: head_dim as usize };
        let (columns, end) = (columns as usize, self.cache.end as usize);
        let [keys, values] = &mut self.cache.layers[layer];
        with_element!(q.kind(), E => {
            // SAFETY: so the tensor of which `q` is the beginning has `rows * width` numbers.
            let qkv = unsafe { std::slice::from_raw_parts(q.data_ptr().cast::<E>(), (rows * width) as usize) };
            let (cos, sin) = (slice(&self.rope.cos), slice(&self.rope.sin));
            let new = NewTokens { qkv, lengths: &self.cache.lengths, cos, sin };
            let mut cache = Columns { keys: slice_mut(keys), values: slice_mut(values), columns, end };
            cpu::attend::<E>(heads, &new, &mut cache, slice_mut(&mut out));
        });
        Ok(out)
    }
}

impl Attend for Decode<'_> {
    fn rotation(&self) -> Option<&Rotation> {
        Some(&self.rotation)
    }

    fn attend(&mut self, layer: usize, q: Tensor, k: Tensor, v: Tensor) -> Result<Tensor> {
        let (rows, _one, heads, head_dim) = q.size4()?;
        let (_, _, shared, _) = k.size4()?;
        let [keys, values] = &mut self.cache.layers[layer];
        let Range { start, end } = self.window;
        let _ = keys.f_index_copy_(2, &self.newest, &k.f_transpose(1, 2)?)?;
        let _ = values.f_index_copy_(2, &self.newest, &v.f_transpose(1, 2)?)?;
        // The heads of a group share keys: as queries of one head they read them once.
        let mixed = Tensor::f_scaled_dot_product_attention(
            &q.f_view([rows, shared, heads / shared, head_dim])?,
            &keys.f_narrow(2, start, end - start)?,
            &values.f_narrow(2, start, end - start)?,
            self.mask.as_ref(),
            0.0,
            false,
            None,
            false,
        )?;
        Ok(mixed.f_reshape([rows, 1, heads * head_dim])?)
    }
}

impl Attend for Prefill<'_> {
    fn rotation(&self) -> Option<&Rotation> {
        Some(&self.rotation)
    }

    fn attend(&mut self, layer: usize, q: Tensor, k: Tensor, v: Tensor) -> Result<Tensor> {
        let [k, v] = match &self.prefix {
            Some((prefix, _)) => prefix.before(layer, &k, &v)?,
            None => [k, v],
        };
        let (batch, seq, shared, head_dim) = k.size4()?;
        let first = self.cache.end - self.columns;
        for (into, new) in self.cache.layers[layer].iter().zip([&k, &v]) {
            let rows = new.f_reshape([batch * seq, shared * head_dim])?.f_index_select(0, &self.sources)?;
            let rows = rows.f_view([-1, self.columns, shared, head_dim])?.f_transpose(1, 2)?;
            let _ = into.f_narrow(2, first, self.columns)?.f_index_copy_(0, &self.slots, &rows)?;
        }
        attention::dot_product(&q, &k, &v, self.prefix.as_ref().map(|(_, mask)| mask))
    }
}
