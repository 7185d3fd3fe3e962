//! Sampling completions for many prompts at once.
//!
//! Requests are sorted by prompt and dealt into shares; a share is sampled in a fixed number of slots, and a slot whose
//! row ends takes the share's next request. The shares depend on nothing but the requests, so neither do the results:
//! threads and ranks only decide who works on which share.

use std::{collections::VecDeque, sync::Mutex};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::{
    cache::Cache,
    draw::{self, Truncation},
    libtorch::InferenceMode,
    model::{Model, Pass},
    rope::RopeTable,
    text::Text,
};
use crate::{ranks::Ranks, rng::Stream};

/// Requests of one share: enough that slots rarely run dry, few enough that threads find shares to take.
const SHARE_MAX: usize = 384;
/// A smaller call is cut into fewer shares, because small ones read every weight for few rows.
const LARGE_CALL: usize = 512;
/// Prompt tokens of one prefill, padding included; bounds its activations.
pub(crate) const PREFILL_MAX_TOKENS: usize = 16_384;

/// One completion to sample.
#[derive(Clone, Debug)]
pub struct SampleRequest {
    pub prompt: Vec<u32>,
    /// The completion ends where the first of these would begin.
    pub stop: Vec<String>,
    /// The number at position t chooses token t.
    pub stream: Stream,
}

/// How tokens are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0 takes the likeliest token.
    pub temperature: f32,
    /// Keep the smallest set of likeliest tokens with at least this probability; 1 keeps all.
    pub top_p: f32,
    /// Keep so many likeliest tokens; 0 keeps all.
    pub top_k: usize,
    pub completion_max_tokens: usize,
    /// Of a large call, at least.
    pub shares: usize,
    /// Completions sampled together.
    pub rows_max: usize,
}

/// What was sampled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// Everything sampled, the end token and stop strings included.
    pub tokens: Vec<u32>,
    /// Of each token in the whole distribution at the sampling temperature (at 1 where that is 0): before top-k and
    /// top-p, so that the learner computes the same.
    pub logprobs: Vec<f32>,
    /// Without end token, and cut where the first stop string begins.
    pub text: String,
    pub finish: Finish,
}

/// Why a completion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finish {
    /// An end token or a stop string.
    Stop,
    /// It has `completion_max_tokens`.
    Length,
}

/// The requests of one share, in slots and in waiting.
struct Share<'a> {
    model: &'a Model,
    text: &'a Text,
    requests: &'a [SampleRequest],
    sampling: &'a Sampling,
    pass: Pass,
    rope: RopeTable,
    cache: Cache,
    /// Which request is in which slot.
    rows: Vec<Option<Row>>,
    waiting: VecDeque<usize>,
    done: Vec<(usize, Completion)>,
}

/// A completion on its way.
struct Row {
    request: usize,
    tokens: Vec<u32>,
    logprobs: Vec<f32>,
}

/// Samples all `requests`, in their order. Threads and ranks take whole shares.
pub(super) fn sample(
    model: &Model,
    text: &Text,
    (workers, ranks): (usize, &Ranks),
    requests: &[SampleRequest],
    sampling: &Sampling,
) -> Result<Vec<Completion>> {
    check(requests, sampling)?;
    let mut order: Vec<usize> = (0..requests.len()).collect();
    // Equal prompts meet and are read once; similar lengths meet and need little padding.
    order.sort_by(|&a, &b| {
        let (a, b) = (&requests[a].prompt, &requests[b].prompt);
        b.len().cmp(&a.len()).then_with(|| a.cmp(b))
    });
    let size = order.len().max(LARGE_CALL).div_ceil(sampling.shares).min(SHARE_MAX);
    let shares: Vec<&[usize]> = ranks.turns(order.chunks(size)).collect();
    let run = |model: &Model, share: &[usize]| {
        let _mode = InferenceMode::enter();
        Share::new(model, text, requests, sampling, share)?.run()
    };
    let done = match workers.min(shares.len()) {
        0 | 1 => shares.iter().map(|share| run(model, share)).collect::<Result<Vec<_>>>()?,
        workers => {
            let queue = Mutex::new(shares.into_iter());
            let take = || queue.lock().expect("no thread panics while it takes a share").next();
            let work =
                |model: Model| std::iter::from_fn(take).map(|share| run(&model, share)).collect::<Result<Vec<_>>>();
            let work = &work;
            let threads = std::thread::scope(|scope| {
                let spawn = |_| {
                    let model = model.share();
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
    let done = ranks.gather(done.concat())?;
    let mut completions: Vec<(usize, Completion)> = done.into_iter().flatten().collect();
    completions.sort_by_key(|(request, _)| *request);
    Ok(completions.into_iter().map(|(_, completion)| completion).collect())
}

fn check(requests: &[SampleRequest], sampling: &Sampling) -> Result<()> {
    let Sampling { temperature, top_p, completion_max_tokens, shares, rows_max, .. } = *sampling;
    ensure!(shares > 0, "shares is 0; it must be at least 1");
    ensure!(temperature >= 0.0 && temperature.is_finite(), "temperature is {temperature}; it must be 0 or above");
    ensure!(top_p > 0.0 && top_p <= 1.0, "top-p is {top_p}; it must be above 0 and at most 1");
    ensure!(completion_max_tokens > 0, "completion-max-tokens is 0; it must be at least 1");
    ensure!(rows_max > 0, "rows-max is 0; it must be at least 1");
    let empty = requests.iter().position(|request| request.prompt.is_empty());
    ensure!(empty.is_none(), "prompt {} is empty; a completion needs something to follow", empty.unwrap_or_default());
    Ok(())
}

impl<'a> Share<'a> {
    fn new(
        model: &'a Model,
        text: &'a Text,
        requests: &'a [SampleRequest],
        sampling: &'a Sampling,
        share: &[usize],
    ) -> Result<Self> {
        let prompt_max = share.iter().map(|&i| requests[i].prompt.len()).max().unwrap_or(0);
        let slots = share.len().min(sampling.rows_max);
        let rope = model.rope((prompt_max + sampling.completion_max_tokens) as i64)?;
        let cache = Cache::new(&model.config, slots, prompt_max as i64, model.place())?;
        let rows = (0..slots).map(|_| None).collect();
        let waiting = share.iter().copied().collect();
        // One thread does better without libtorch's kernels for what is not a matrix product; more share only those.
        let pass = match model.place() == (Kind::Float, Device::Cpu) && tch::get_num_threads() == 1 {
            true => Pass::SampleOnCpu,
            false => Pass::Sample,
        };
        Ok(Self { model, text, requests, sampling, pass, rope, cache, rows, waiting, done: Vec::new() })
    }

    fn run(mut self) -> Result<Vec<(usize, Completion)>> {
        loop {
            self.admit()?;
            self.shrink()?;
            if self.rows.iter().all(Option::is_none) {
                return Ok(self.done);
            }
            self.step()?;
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
            let probabilities = self.prefill(slots, &group)?;
            for (&slot, &request) in slots.iter().zip(&group) {
                self.rows[slot] = Some(Row { request, tokens: Vec::new(), logprobs: Vec::new() });
            }
            self.choose(slots, &probabilities)?;
        }
        Ok(())
    }

    /// The next at most `count` requests that one prefill can take.
    fn prefill_group(&mut self, count: usize) -> Vec<usize> {
        let longest = self.waiting.front().map_or(0, |&first| self.requests[first].prompt.len());
        // At least one, however long.
        let count = count.min(self.waiting.len()).min((PREFILL_MAX_TOKENS / longest.max(1)).max(1));
        self.waiting.drain(..count).collect()
    }

    /// Reads the prompts of `group` into `slots`, each distinct prompt once; returns the probabilities of the first
    /// tokens, `[group, vocab]`.
    fn prefill(&mut self, slots: &[usize], group: &[usize]) -> Result<Vec<f32>> {
        let prompt = |request: usize| &self.requests[request].prompt;
        let mut distinct: Vec<&Vec<u32>> = group.iter().map(|&request| prompt(request)).collect();
        distinct.dedup();
        let mut row = 0;
        let mut prompts = Vec::with_capacity(group.len());
        for &request in group {
            row += usize::from(distinct[row] != prompt(request));
            prompts.push((row, distinct[row].len() as i64));
        }
        let seq = distinct.iter().map(|prompt| prompt.len()).max().unwrap_or(0);
        let mut tokens = vec![0i64; distinct.len() * seq];
        for (row, prompt) in distinct.iter().enumerate() {
            tokens[row * seq..].iter_mut().zip(*prompt).for_each(|(into, &token)| *into = i64::from(token));
        }
        let device = self.model.place().1;
        let tokens = Tensor::f_from_slice(&tokens)?.f_view([distinct.len() as i64, seq as i64])?.f_to_device(device)?;
        let lasts: Vec<i64> = prompts.iter().map(|&(row, length)| (row * seq) as i64 + length - 1).collect();
        let lasts = Tensor::f_from_slice(&lasts)?.f_to_device(device)?;
        let mut prefill = self.cache.prefill(slots, &prompts, seq as i64, &self.rope)?;
        let hidden = self.model.hidden(&tokens, Some(&lasts), self.pass, &mut prefill)?;
        self.probabilities(&hidden)
    }

    /// One token for every row.
    fn step(&mut self) -> Result<()> {
        let device = self.model.place().1;
        // Free slots compute along with token 0 at position 0; nobody reads what they give.
        let newest =
            |row: &Option<Row>| row.as_ref().and_then(|row| row.tokens.last()).map_or(0, |&token| i64::from(token));
        let tokens: Vec<i64> = self.rows.iter().map(newest).collect();
        let tokens = Tensor::f_from_slice(&tokens)?.f_unsqueeze(1)?.f_to_device(device)?;
        let hidden = match self.pass {
            Pass::SampleOnCpu => {
                self.model.hidden(&tokens, None, self.pass, &mut self.cache.decode_on_cpu(&self.rope)?)?
            }
            _ => self.model.hidden(&tokens, None, self.pass, &mut self.cache.decode(&self.rope)?)?,
        };
        let probabilities = self.probabilities(&hidden)?;
        let slots: Vec<usize> = (0..self.rows.len()).collect();
        self.choose(&slots, &probabilities)
    }

    /// Probabilities at the sampling temperature, `[n, vocab]` on the CPU, of hidden states `[n, hidden]`.
    fn probabilities(&self, hidden: &Tensor) -> Result<Vec<f32>> {
        let mut logits = self.model.logits(hidden)?;
        if self.sampling.temperature > 0.0 && self.sampling.temperature != 1.0 {
            logits = logits.f_div_scalar_(f64::from(self.sampling.temperature))?;
        }
        let probabilities = logits.f_softmax(-1, Kind::Float)?.f_to_device(Device::Cpu)?.f_view([-1])?;
        Vec::try_from(probabilities).context("probabilities")
    }

    /// Appends a token to the row in each of `slots`; row i of `probabilities` is the distribution of slot i.
    fn choose(&mut self, slots: &[usize], probabilities: &[f32]) -> Result<()> {
        let vocab = self.model.config.vocab_size as usize;
        let truncation = Truncation { top_p: self.sampling.top_p, top_k: self.sampling.top_k };
        for (&slot, probabilities) in slots.iter().zip(probabilities.chunks_exact(vocab)) {
            let Some(row) = &mut self.rows[slot] else { continue };
            let request = &self.requests[row.request];
            let token = match self.sampling.temperature {
                0.0 => draw::likeliest(probabilities),
                _ => truncation.draw(probabilities, request.stream.uniform(row.tokens.len() as u64)),
            };
            let logprob = probabilities[token].ln();
            ensure!(
                logprob.is_finite(),
                "the policy gives no probabilities for request {}; its weights may hold NaN",
                row.request
            );
            row.tokens.push(token as u32);
            row.logprobs.push(logprob);
            if let Some(finish) = finish(self.text, row, request, self.sampling.completion_max_tokens)? {
                self.complete(slot, finish)?;
            }
        }
        Ok(())
    }

    /// Frees a slot whose row has ended.
    fn complete(&mut self, slot: usize, finish: Finish) -> Result<()> {
        let Some(Row { request, tokens, logprobs }) = self.rows[slot].take() else { return Ok(()) };
        self.cache.release(slot);
        let text = self.text.completion(&tokens, &self.requests[request].stop)?;
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

fn finish(text: &Text, row: &Row, request: &SampleRequest, tokens_max: usize) -> Result<Option<Finish>> {
    let ended = row.tokens.last().is_some_and(|token| text.ends.contains(token));
    if ended || text.completes_stop(&row.tokens, &request.stop)? {
        return Ok(Some(Finish::Stop));
    }
    Ok((row.tokens.len() >= tokens_max).then_some(Finish::Length))
}
