//! Sampling completions for many prompts at once.
//!
//! Requests are sorted by prompt and cut into shards; a shard is sampled in a fixed number of slots, and a slot whose row
//! ends takes the shard's next request. Shards depend on the requests alone, and so do the results: threads and ranks only
//! decide who works on which shard.
//!
//! On a CPU every token is drawn from probabilities in its memory. A GPU would wait for each: there tokens are drawn by
//! the GPU, from the same numbers, and go into the next step without leaving it. The host launches a chunk of steps ahead.
//! Before a chunk the GPU gets each row's newest token, the numbers of its next ones, and its position in the cache; after
//! it the host gets all tokens and their probabilities in one copy, and cuts rows where they end. What a row was given
//! beyond its end is thrown away, so its result does not depend on the chunks.

use std::{cmp::Reverse, collections::VecDeque, sync::Mutex};

use anyhow::{Context as _, Result, ensure};
use tch::{Device, Kind, Tensor};

use super::{
    cache::{CHUNK_MAX, Cache},
    draw::{self, Truncation},
    element::is_element,
    libtorch::InferenceMode,
    linear::Pass,
    model::Model,
    prefix::{self, Prefix},
    rope::RopeTable,
    text::Text,
};
use azr_core::meter::Meter;
use azr_core::sampling::{Completion, Finish, SampleRequest, Sampling};
use azr_ranks::Ranks;

/// Requests of one shard: enough that slots rarely run dry, few enough that threads find shards to take.
const SHARD_MAX: usize = 384;
/// A smaller call is cut into fewer shards, because small ones read every weight for few rows.
const LARGE_CALL: usize = 512;
/// Prompt tokens of one prefill, padding included; bounds its activations.
pub const PREFILL_MAX_TOKENS: usize = 16_384;
/// Tokens of a chunk that a device draws by itself: the wait for one copy becomes a small part of 16 steps, and a row that
/// ends is computed for half of them in vain, where completions have hundreds.
const DECODE_CHUNK: usize = 16;
const _: () = assert!(DECODE_CHUNK as i64 <= CHUNK_MAX, "the cache has no room for a chunk");

/// The requests of one shard: those in slots and those that wait.
struct Shard<'a> {
    model: &'a Model,
    text: &'a Text,
    requests: &'a [SampleRequest],
    /// Of each request the tokens that its prompt begins with like others.
    prefixes: &'a [usize],
    sampling: &'a Sampling,
    pass: Pass,
    /// Tokens that the device draws between two visits to the host; `None` where the host draws each.
    decode_chunk: Option<usize>,
    rope: RopeTable,
    cache: Cache,
    /// What the newest prompts began with.
    prefix: Option<Prefix>,
    /// Which request is in which slot.
    rows: Vec<Option<Row>>,
    waiting: VecDeque<usize>,
    done: Vec<(usize, Completion)>,
    /// Counts every token, where progress is shown.
    meter: Option<&'a Meter>,
}

/// A completion on its way.
struct Row {
    request: usize,
    tokens: Vec<u32>,
    logprobs: Vec<f32>,
}

/// Samples all `requests`, in their order. Threads and ranks take whole shards.
pub(super) fn sample(
    model: &Model,
    text: &Text,
    (workers, ranks, meter): (usize, &Ranks, &Meter),
    requests: &[SampleRequest],
    sampling: &Sampling,
) -> Result<Vec<Completion>> {
    check(requests, sampling)?;
    meter.begin(requests.len());
    let prompts: Vec<&[u32]> = requests.iter().map(|request| request.prompt.as_slice()).collect();
    let prefixes = &prefix::lengths(&prompts);
    let mut order: Vec<usize> = (0..requests.len()).collect();
    // Equal beginnings and equal prompts meet and are read once; similar lengths meet and need little padding.
    order.sort_by_key(|&i| (&prompts[i][..prefixes[i]], Reverse(prompts[i].len()), prompts[i]));
    let size = order.len().max(LARGE_CALL).div_ceil(sampling.shards).min(SHARD_MAX);
    let own: Vec<&[usize]> = ranks.round_robin(order.chunks(size)).collect();
    let decode_chunk = if model.kind_and_device().1 == Device::Cpu { None } else { Some(DECODE_CHUNK) };
    let model = &model.for_sampling(size.min(sampling.rows_max).min(order.len()))?;
    let run = |model: &Model, shard: &[usize]| {
        let _mode = InferenceMode::enter();
        let shard = Shard::new(model, text, (requests, prefixes), sampling, shard, decode_chunk)?;
        Shard { meter: Some(meter), ..shard }.run()
    };
    let done = match workers.min(own.len()) {
        0 | 1 => own.iter().map(|shard| run(model, shard)).collect::<Result<Vec<_>>>()?,
        workers => {
            let queue = Mutex::new(own.into_iter());
            let take = || queue.lock().expect("no thread panics while it takes a shard").next();
            let work =
                |model: Model| std::iter::from_fn(take).map(|shard| run(&model, shard)).collect::<Result<Vec<_>>>();
            let work = &work;
            let threads = std::thread::scope(|scope| {
                let spawn = |_| {
                    let model = model.handle();
                    scope.spawn(move || work(model))
                };
                let threads: Vec<_> = (0..workers).map(spawn).collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().expect("a sampler thread panicked"))
                    .collect::<Result<Vec<_>>>()
            })?;
            threads.concat()
        }
    };
    let done = ranks.as_gather().all_gather(done.concat())?;
    let mut completions: Vec<(usize, Completion)> = done.into_iter().flatten().collect();
    completions.sort_by_key(|(request, _)| *request);
    Ok(completions.into_iter().map(|(_, completion)| completion).collect())
}

fn check(requests: &[SampleRequest], sampling: &Sampling) -> Result<()> {
    let Sampling { temperature, top_p, completion_max_tokens, shards, rows_max, .. } = *sampling;
    ensure!(shards > 0, "shards is 0; it must be at least 1");
    ensure!(temperature >= 0.0 && temperature.is_finite(), "temperature is {temperature}; it must be 0 or above");
    ensure!(top_p > 0.0 && top_p <= 1.0, "top-p is {top_p}; it must be above 0 and at most 1");
    ensure!(completion_max_tokens > 0, "completion-max-tokens is 0; it must be at least 1");
    ensure!(rows_max > 0, "rows-max is 0; it must be at least 1");
    let empty = requests.iter().position(|request| request.prompt.is_empty());
    ensure!(empty.is_none(), "prompt {} is empty; a completion needs something to follow", empty.unwrap_or_default());
    Ok(())
}

impl<'a> Shard<'a> {
    fn new(
        model: &'a Model,
        text: &'a Text,
        (requests, prefixes): (&'a [SampleRequest], &'a [usize]),
        sampling: &'a Sampling,
        shard: &[usize],
        decode_chunk: Option<usize>,
    ) -> Result<Self> {
        let prompt_max = shard.iter().map(|&i| requests[i].prompt.len()).max().unwrap_or(0);
        let slots = shard.len().min(sampling.rows_max);
        // A row goes on to the end of its last chunk.
        let rope = model.rope((prompt_max + sampling.completion_max_tokens + decode_chunk.unwrap_or(0)) as i64)?;
        let cache = Cache::new(&model.config, slots, prompt_max as i64, model.kind_and_device())?;
        let rows = (0..slots).map(|_| None).collect();
        let waiting = shard.iter().copied().collect();
        // One thread does better without libtorch's kernels for what is not a matrix product; more shard only those.
        let (kind, device) = model.kind_and_device();
        let alone = is_element(kind) && device == Device::Cpu && tch::get_num_threads() == 1;
        let pass = if alone && decode_chunk.is_none() { Pass::SampleOnCpu } else { Pass::Sample };
        Ok(Self {
            model,
            text,
            requests,
            prefixes,
            sampling,
            pass,
            decode_chunk,
            rope,
            cache,
            prefix: None,
            rows,
            waiting,
            done: Vec::new(),
            meter: None,
        })
    }

    fn run(mut self) -> Result<Vec<(usize, Completion)>> {
        loop {
            self.admit()?;
            self.shrink()?;
            if self.rows.iter().all(Option::is_none) {
                return Ok(self.done);
            }
            match self.decode_chunk {
                None => self.step()?,
                Some(steps) => self.decode_chunk(steps)?,
            }
        }
    }

    fn free(&self) -> usize {
        self.rows.iter().filter(|row| row.is_none()).count()
    }

    /// Fills free slots, once enough are free that a prefill pays.
    fn admit(&mut self) -> Result<()> {
        while !self.waiting.is_empty() && self.free() >= self.rows.len().div_ceil(8) {
            let free: Vec<usize> = (0..self.rows.len()).filter(|&slot| self.rows[slot].is_none()).collect();
            let group = self.prefill_group(free.len());
            let slots = &free[..group.len()];
            let hidden = self.prefill(slots, &group)?;
            for (&slot, &request) in slots.iter().zip(&group) {
                self.rows[slot] = Some(Row { request, tokens: Vec::new(), logprobs: Vec::new() });
            }
            self.choose(slots, &hidden)?;
        }
        Ok(())
    }

    /// The next at most `count` requests that one prefill can take: their prompts have the same prefix.
    fn prefill_group(&mut self, count: usize) -> Vec<usize> {
        let prefix = |&request: &usize| &self.requests[request].prompt[..self.prefixes[request]];
        let longest = self.waiting.front().map_or(0, |&first| self.requests[first].prompt.len());
        let alike =
            self.waiting.iter().take_while(|next| Some(prefix(next)) == self.waiting.front().map(prefix)).count();
        // At least one, however long.
        let count = count.min(alike).min((PREFILL_MAX_TOKENS / longest.max(1)).max(1));
        self.waiting.drain(..count).collect()
    }

    /// Reads the prompts of `group` into `slots`, what they begin with and each distinct prompt once; returns the hidden
    /// states that the first tokens follow from, `[group, hidden]`.
    fn prefill(&mut self, slots: &[usize], group: &[usize]) -> Result<Tensor> {
        let before = group.first().map_or(0, |&first| self.prefixes[first]);
        self.read_prefix(group, before)?;
        let prompt = |request: usize| &self.requests[request].prompt;
        let mut distinct: Vec<&Vec<u32>> = group.iter().map(|&request| prompt(request)).collect();
        distinct.dedup();
        let mut row = 0;
        let mut prompts = Vec::with_capacity(group.len());
        for &request in group {
            row += usize::from(distinct[row] != prompt(request));
            prompts.push((row, distinct[row].len() as i64));
        }
        let seq = distinct.iter().map(|prompt| prompt.len() - before).max().unwrap_or(0);
        let mut tokens = vec![0i64; distinct.len() * seq];
        for (row, prompt) in distinct.iter().enumerate() {
            let own = &prompt[before..];
            tokens[row * seq..].iter_mut().zip(own).for_each(|(into, &token)| *into = i64::from(token));
        }
        let device = self.model.kind_and_device().1;
        let tokens = Tensor::f_from_slice(&tokens)?.f_view([distinct.len() as i64, seq as i64])?.f_to_device(device)?;
        let last = |&(row, length): &(usize, i64)| (row * seq) as i64 + length - 1 - before as i64;
        let lasts: Vec<i64> = prompts.iter().map(last).collect();
        let lasts = Tensor::f_from_slice(&lasts)?.f_to_device(device)?;
        let mut prefill = self.cache.prefill(slots, &prompts, (self.prefix.as_ref(), seq as i64), &self.rope)?;
        self.model.hidden(&tokens, Some(&lasts), self.pass, &mut prefill)
    }

    /// Reads the `length` tokens that the prompts of `group` begin with, unless those before them began so too.
    fn read_prefix(&mut self, group: &[usize], length: usize) -> Result<()> {
        let tokens = group.first().map_or(&[][..], |&first| &self.requests[first].prompt[..length]);
        if self.prefix.as_ref().map_or(&[][..], |prefix| &prefix.tokens) != tokens {
            let read = || Prefix::read(self.model, tokens, self.pass, &self.rope);
            self.prefix = (length > 0).then(read).transpose()?;
        }
        Ok(())
    }

    /// One token for every row.
    fn step(&mut self) -> Result<()> {
        let tokens = self.newest()?;
        let hidden = match self.pass {
            Pass::SampleOnCpu => {
                self.model.hidden(&tokens, None, self.pass, &mut self.cache.decode_on_cpu(&self.rope)?)?
            }
            _ => self.model.hidden(&tokens, None, self.pass, &mut self.cache.decode(&self.rope)?)?,
        };
        let slots: Vec<usize> = (0..self.rows.len()).collect();
        self.choose(&slots, &hidden)
    }

    /// `steps` tokens for every row, but no more than some row may still get. Between the uploads before the
    /// loop and the copy after it nothing makes the host wait for the device.
    fn decode_chunk(&mut self, steps: usize) -> Result<()> {
        let left = |row: &Row| self.sampling.completion_max_tokens - row.tokens.len();
        let steps = steps.min(self.rows.iter().flatten().map(left).max().unwrap_or(0));
        let slots: Vec<usize> = (0..self.rows.len()).collect();
        let uniforms = self.uniforms(&slots, steps)?;
        let mut tokens = self.newest()?;
        let mut drawn = Vec::with_capacity(steps);
        let mut chunk = self.cache.decode_chunk(&self.rope, steps as i64)?;
        for step in 0..steps {
            let hidden = self.model.hidden(&tokens, None, self.pass, &mut chunk.next()?)?;
            drawn.push(draw(self.model, self.sampling, &hidden, &uniforms.f_get(step as i64)?)?);
            tokens = drawn[step][0].shallow_clone();
        }
        self.append_drawn(&slots, &drawn)
    }

    /// The newest token of every row, `[slots, 1]`. Free slots compute along with token 0 at position 0; nobody reads
    /// their results.
    fn newest(&self) -> Result<Tensor> {
        let newest =
            |row: &Option<Row>| row.as_ref().and_then(|row| row.tokens.last()).map_or(0, |&token| i64::from(token));
        let tokens: Vec<i64> = self.rows.iter().map(newest).collect();
        Ok(Tensor::f_from_slice(&tokens)?.f_unsqueeze(1)?.f_to_device(self.model.kind_and_device().1)?)
    }

    /// The numbers that choose the next `steps` tokens of the rows in `slots`, `[steps, slots]` in f64.
    fn uniforms(&self, slots: &[usize], steps: usize) -> Result<Tensor> {
        let number = |slot: usize, step| match &self.rows[slot] {
            Some(row) => self.requests[row.request].stream.uniform((row.tokens.len() + step) as u64),
            None => 0.0,
        };
        let numbers: Vec<f64> = (0..steps).flat_map(|step| slots.iter().map(move |&slot| number(slot, step))).collect();
        let numbers = Tensor::f_from_slice(&numbers)?.f_view([steps as i64, slots.len() as i64])?;
        Ok(numbers.f_to_device(self.model.kind_and_device().1)?)
    }

    /// Appends a token to the row in each of `slots`; row i of `hidden`, `[slots, hidden]`, is what slot i's follows from.
    fn choose(&mut self, slots: &[usize], hidden: &Tensor) -> Result<()> {
        if self.decode_chunk.is_some() {
            let drawn = draw(self.model, self.sampling, hidden, &self.uniforms(slots, 1)?.f_get(0)?)?;
            return self.append_drawn(slots, &[drawn]);
        }
        let vocab = self.model.config.vocab_size as usize;
        let truncation = Truncation::from(self.sampling);
        let probabilities = probabilities(self.model, self.sampling, hidden)?.f_to_device(Device::Cpu)?.f_view([-1])?;
        let probabilities: Vec<f32> = Vec::try_from(probabilities).context("probabilities")?;
        for (&slot, probabilities) in slots.iter().zip(probabilities.chunks_exact(vocab)) {
            let Some(row) = &self.rows[slot] else { continue };
            let token = match self.sampling.temperature {
                0.0 => draw::most_likely(probabilities),
                _ => {
                    let stream = self.requests[row.request].stream;
                    truncation.draw(probabilities, stream.uniform(row.tokens.len() as u64))
                }
            };
            self.append(slot, token as u32, probabilities[token])?;
        }
        Ok(())
    }

    /// Appends to the row in each of `slots`, as far as it goes, what the device drew: for every step tokens and their
    /// probabilities, `[slots, 1]` each.
    fn append_drawn(&mut self, slots: &[usize], drawn: &[[Tensor; 2]]) -> Result<()> {
        let steps = |which: usize| {
            let each: Vec<&Tensor> = drawn.iter().map(|step| &step[which]).collect();
            // Holds both exactly, so that they can be one copy.
            Tensor::f_cat(&each, 1)?.f_to_kind(Kind::Double)
        };
        let both = Tensor::f_stack(&[steps(0)?, steps(1)?], 2)?.f_to_device(Device::Cpu)?.f_view([-1])?;
        let both: Vec<f64> = Vec::try_from(both).context("drawn tokens")?;
        for (&slot, of_slot) in slots.iter().zip(both.chunks_exact(2 * drawn.len())) {
            for one in of_slot.chunks_exact(2) {
                self.append(slot, one[0] as u32, one[1] as f32)?;
            }
        }
        Ok(())
    }

    /// Appends a token to the row in a slot, if there is one, and takes the row out where that ends it.
    fn append(&mut self, slot: usize, token: u32, probability: f32) -> Result<()> {
        let Some(row) = &mut self.rows[slot] else { return Ok(()) };
        let logprob = probability.ln();
        ensure!(
            logprob.is_finite(),
            "the policy gives no probabilities for request {}; its weights may hold NaN",
            row.request
        );
        row.tokens.push(token);
        self.meter.iter().for_each(|meter| meter.token());
        row.logprobs.push(logprob);
        match finish(self.text, row, &self.requests[row.request], self.sampling.completion_max_tokens)? {
            Some(finish) => self.complete(slot, finish),
            None => Ok(()),
        }
    }

    /// Frees a slot whose row has ended.
    fn complete(&mut self, slot: usize, finish: Finish) -> Result<()> {
        let Some(Row { request, tokens, logprobs }) = self.rows[slot].take() else { return Ok(()) };
        self.cache.release(slot);
        let text = self.text.completion(&tokens, &self.requests[request].stop)?;
        self.meter.iter().for_each(|meter| meter.completed(&text, tokens.len()));
        self.done.push((request, Completion { tokens, logprobs, text, finish }));
        Ok(())
    }

    /// With nobody waiting, lets the batch get smaller as rows end, a quarter at a time.
    fn shrink(&mut self) -> Result<()> {
        let used = self.rows.len() - self.free();
        if !self.waiting.is_empty() || used == 0 || used > self.rows.len() / 4 * 3 {
            return Ok(());
        }
        for (from, to) in self.cache.shrink(used)? {
            self.rows[to] = self.rows[from].take();
        }
        self.rows.truncate(used);
        Ok(())
    }
}

/// Probabilities at the sampling temperature, `[n, vocab]` in f32, of hidden states `[n, hidden]`.
fn probabilities(model: &Model, sampling: &Sampling, hidden: &Tensor) -> Result<Tensor> {
    let mut logits = model.logits(hidden)?;
    if sampling.temperature > 0.0 && sampling.temperature != 1.0 {
        logits = logits.f_div_scalar_(f64::from(sampling.temperature))?;
    }
    Ok(logits.f_softmax(-1, Kind::Float)?)
}

/// Draws on the device: the token that follows each of the hidden states, `[n, hidden]`, at its number in `uniforms`,
/// `[n]`, and the token's probability; `[n, 1]` each.
fn draw(model: &Model, sampling: &Sampling, hidden: &Tensor, uniforms: &Tensor) -> Result<[Tensor; 2]> {
    let probabilities = probabilities(model, sampling, hidden)?;
    let tokens = match sampling.temperature {
        0.0 => probabilities.f_argmax(1, true)?,
        _ => Truncation::from(sampling).draw_rows(&probabilities, uniforms)?,
    };
    let chosen = probabilities.f_gather(1, &tokens, false)?;
    Ok([tokens, chosen])
}

fn finish(text: &Text, row: &Row, request: &SampleRequest, tokens_max: usize) -> Result<Option<Finish>> {
    let ended = row.tokens.last().is_some_and(|token| text.ends.contains(token));
    if ended || text.completes_stop(&row.tokens, &request.stop)? {
        return Ok(Some(Finish::Stop));
    }
    Ok((row.tokens.len() >= tokens_max).then_some(Finish::Length))
}

#[cfg(test)]
mod tests;
