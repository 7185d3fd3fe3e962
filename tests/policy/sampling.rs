use azr_core::{
    rng::{Purpose, Stream},
    sampling::{Completion, Finish, SampleRequest, Sampling},
};

use super::*;
use azr_core::sampling::Sampler as _;

pub const GREEDY: Sampling =
    Sampling { temperature: 0.0, top_p: 1.0, top_k: 0, completion_max_tokens: 12, shards: 4, rows_max: 128 };

pub fn request(prompt: &[u32], index: u64) -> SampleRequest {
    SampleRequest { prompt: prompt.to_vec(), stop: Vec::new(), stream: Stream::new(5, Purpose::Evaluate, 0, index) }
}

/// Ragged prompts, some of them equal.
fn requests(count: u64) -> Vec<SampleRequest> {
    let prompt = |i: u64| (0..1 + i * 7 % 13).map(|j| ((i % 40) * 5 + j * 3) as u32 % 30).collect::<Vec<u32>>();
    (0..count).map(|i| request(&prompt(i), i)).collect()
}

/// Log-probabilities of a completion by the forward pass without cache.
fn uncached(policy: &Policy, prompt: &[u32], completion: &[u32], temperature: f64) -> Vec<f32> {
    let batch = Batch::new(&[(prompt, completion)], tch::Device::Cpu).unwrap();
    Vec::try_from(policy.logprobs(&batch, temperature).unwrap().detach()).unwrap()
}

#[test]
fn greedy_completions_are_those_of_transformers() {
    let reference = reference();
    let requests: Vec<SampleRequest> =
        reference["sequences"].as_array().unwrap().iter().map(|sequence| request(&tokens(sequence), 0)).collect();
    for (name, case) in reference["models"].as_object().unwrap() {
        let policy = policy(&case["config"]);
        let together = policy.sample(&requests, &GREEDY).unwrap();
        for ((request, completion), expected) in requests.iter().zip(&together).zip(case["greedy"].as_array().unwrap())
        {
            assert_eq!(completion.tokens, tokens(expected), "{name}");
            let alone = policy.sample(std::slice::from_ref(request), &GREEDY).unwrap();
            assert_eq!(alone[0].tokens, completion.tokens, "{name}");
        }
    }
}

#[test]
fn logprobs_at_sampling_are_those_of_the_learner() {
    for name in ["qwen2-tied-grouped", "llama-untied-scaled"] {
        let policy = model(name);
        let sampling =
            Sampling { temperature: 0.7, top_p: 0.9, top_k: 20, completion_max_tokens: 25, shards: 4, rows_max: 128 };
        let requests = requests(60);
        for (request, completion) in requests.iter().zip(policy.sample(&requests, &sampling).unwrap()) {
            let expected = uncached(&policy, &request.prompt, &completion.tokens, 0.7);
            assert_close(&completion.logprobs, &expected, 1e-4, name);
        }
    }
}

/// Both round to bf16, and sums in other orders may round to neighbours.
#[test]
fn logprobs_at_sampling_are_those_of_the_learner_in_bf16() {
    for (name, case) in reference()["models"].as_object().unwrap() {
        let files = [("config.json", case["config"].to_string()), ("tokenizer.json", tokenizer().to_string())];
        let files = files.each_ref().map(|(name, text)| (*name, text.as_bytes()));
        let options = LoadOptions { dtype: Some(azr_config::Dtype::Bf16), ..OPTIONS };
        let policy = Policy::initialise(&files, &options, value).unwrap();
        let sampling = Sampling { temperature: 1.0, completion_max_tokens: 25, ..GREEDY };
        let requests = requests(60);
        for (request, completion) in requests.iter().zip(policy.sample(&requests, &sampling).unwrap()) {
            let expected = uncached(&policy, &request.prompt, &completion.tokens, 1.0);
            assert_close(&completion.logprobs, &expected, 0.1, name);
        }
    }
}

/// 500 requests pass through slots that are used again, shrink and move; alone, a request meets none of that.
#[test]
fn a_rollout_is_the_same_alone_and_in_a_batch() {
    let policy = model("qwen2-tied-grouped");
    let sampling =
        Sampling { temperature: 1.0, top_p: 1.0, top_k: 0, completion_max_tokens: 40, shards: 4, rows_max: 128 };
    let requests = requests(500);
    let fewer = policy.sample(&requests, &Sampling { rows_max: 7, ..sampling }).unwrap();
    let together = policy.sample(&requests, &sampling).unwrap();
    assert!(together.iter().any(|completion| completion.finish == Finish::Stop));
    assert!(together.iter().any(|completion| completion.finish == Finish::Length));
    assert!(fewer.iter().zip(&together).all(|(a, b)| a.tokens == b.tokens));
    for i in (0..500).step_by(7) {
        let alone = policy.sample(&requests[i..=i], &sampling).unwrap();
        assert_eq!(alone[0].tokens, together[i].tokens, "request {i}");
        assert_close(&alone[0].logprobs, &together[i].logprobs, 1e-4, "log-probabilities");
        let expected = uncached(&policy, &requests[i].prompt, &together[i].tokens, 1.0);
        assert_close(&together[i].logprobs, &expected, 1e-4, "uncached");
    }
}

/// Three kinds with 70 to 90 tokens of instructions, and prompts that begin otherwise: what is read once for many gives
/// what the forward pass without cache gives of each.
#[test]
fn prompts_that_begin_alike_are_continued_as_if_alone() {
    for name in ["qwen2-tied-grouped", "llama-untied-scaled"] {
        let policy = model(name);
        let sampling =
            Sampling { temperature: 1.0, top_p: 1.0, top_k: 0, completion_max_tokens: 9, shards: 1, rows_max: 11 };
        let instructions = |kind: u64| (0..70 + 10 * kind).map(move |j| ((kind * 5 + j * 3) % 30) as u32);
        let own = |i: u64| (0..1 + i * 7 % 13).map(move |j| ((i % 20) * 5 + j * 3) as u32 % 30);
        let prompt = |i: u64| match i % 4 {
            3 => own(i).chain(own(i)).collect::<Vec<u32>>(),
            kind => instructions(kind).chain(own(i)).collect(),
        };
        let requests: Vec<SampleRequest> = (0..90).map(|i| request(&prompt(i), i)).collect();
        let together = policy.sample(&requests, &sampling).unwrap();
        for (request, completion) in requests.iter().zip(&together) {
            let alone = policy.sample(std::slice::from_ref(request), &sampling).unwrap();
            assert_eq!(alone[0].tokens, completion.tokens, "{name}");
            let expected = uncached(&policy, &request.prompt, &completion.tokens, 1.0);
            assert_close(&completion.logprobs, &expected, 1e-4, name);
        }
    }
}

#[test]
fn threads_do_not_change_a_byte() {
    let sample = |threads| -> Vec<Completion> {
        let config = reference()["models"]["llama-untied-scaled"]["config"].to_string();
        let tokenizer = tokenizer().to_string();
        let files = [("config.json", config.as_bytes()), ("tokenizer.json", tokenizer.as_bytes())];
        let policy = Policy::initialise(&files, &LoadOptions { threads, ..OPTIONS }, value).unwrap();
        policy.sample(&requests(600), &Sampling { temperature: 1.0, ..GREEDY }).unwrap()
    };
    assert_eq!(sample(1), sample(2));
}

/// Pearson's χ² over 32 tokens and 4,000 draws; 61.1 is the 99.9 % quantile for 31 degrees of freedom.
#[test]
fn sampled_tokens_follow_the_distribution() {
    let policy = model("llama-tied-biased");
    let prompt = [3, 1, 4];
    let requests: Vec<SampleRequest> = (0..4000).map(|i| request(&prompt, i)).collect();
    for temperature in [1.0, 0.5] {
        let sampling = Sampling { temperature, completion_max_tokens: 1, ..GREEDY };
        let mut counts = [0.0; 32];
        for completion in policy.sample(&requests, &sampling).unwrap() {
            counts[completion.tokens[0] as usize] += 1.0;
        }
        let expected =
            |token| f64::from(uncached(&policy, &prompt, &[token], f64::from(temperature))[0]).exp() * 4000.0;
        let terms = (0..32).map(|token| (counts[token as usize] - expected(token)).powi(2) / expected(token));
        let chi2: f64 = terms.sum();
        assert!(chi2 < 61.1, "χ² is {chi2} at temperature {temperature}: {counts:?}");
    }
}

#[test]
fn one_likeliest_token_is_greedy() {
    let policy = model("qwen2-untied");
    let requests = requests(40);
    let greedy = policy.sample(&requests, &GREEDY).unwrap();
    for sampling in [Sampling { top_k: 1, ..GREEDY }, Sampling { top_p: 1e-6, ..GREEDY }] {
        let sampled = policy.sample(&requests, &Sampling { temperature: 1.0, ..sampling }).unwrap();
        assert_eq!(sampled, greedy);
    }
}

/// The greedy completion is `auuqzzrrr<end>`.
#[test]
fn completions_end_at_end_tokens_stop_strings_and_the_limit() {
    let policy = model("llama-untied-scaled");
    let complete = |stop: &[&str], completion_max_tokens: usize| {
        let stop = stop.iter().map(|stop| (*stop).to_owned()).collect();
        let request = SampleRequest { stop, ..request(&[27, 18, 28, 18], 0) };
        let completion = policy.sample(&[request], &Sampling { completion_max_tokens, ..GREEDY }).unwrap().remove(0);
        (completion.text, completion.tokens.len(), completion.finish)
    };
    assert_eq!(complete(&[], 12), ("auuqzzrrr".to_owned(), 10, Finish::Stop));
    assert_eq!(complete(&[], 3), ("auu".to_owned(), 3, Finish::Length));
    assert_eq!(complete(&["zz"], 12), ("auuq".to_owned(), 6, Finish::Stop));
    assert_eq!(complete(&["rrrr", "zr", "uq"], 12), ("au".to_owned(), 4, Finish::Stop));
    assert_eq!(complete(&["auuqzzrrr_"], 12), ("auuqzzrrr".to_owned(), 10, Finish::Stop));
}

#[test]
fn messages_become_tokens_by_concatenation_where_there_is_no_template() {
    let policy = model("qwen2-untied");
    let message = |content| azr_core::sampling::Message { role: "user", content };
    // The vocabulary has no brackets; with the token it would be one number, 31.
    let prompt = policy.encode(&[message("ab c"), message("<end>")], "#_").unwrap();
    assert_eq!(prompt, [0, 1, 26, 2, 4, 13, 3, 28, 29]);
    assert_eq!(policy.decode(&prompt).unwrap(), "ab cend#_");
}
