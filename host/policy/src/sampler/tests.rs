use super::*;
use crate::{Device, LoadOptions, Policy, embedded};
use azr_core::{
    rng::{Purpose, Stream},
    sampling::{Message, Sampler as _},
};

const ALL: Sampling =
    Sampling { temperature: 1.0, top_p: 1.0, top_k: 0, completion_max_tokens: 19, shards: 1, rows_max: 7 };

/// 40 questions of different lengths, one in eight asked again; every third has stop strings.
fn requests(policy: &Policy) -> Vec<SampleRequest> {
    let request = |i: u64| {
        let content = format!("def f(x):\n    return x{}\n", " + 1".repeat(i as usize % 8));
        let prompt = policy.encode(&[Message { role: "user", content: &content }], "").unwrap();
        let stop = if i.is_multiple_of(3) { vec!["1".to_owned(), "\n".to_owned()] } else { Vec::new() };
        SampleRequest { prompt, stop, stream: Stream::new(5, Purpose::Evaluate, 0, i) }
    };
    (0..40).map(request).collect()
}

fn sampled(
    policy: &Policy,
    requests: &[SampleRequest],
    sampling: &Sampling,
    decode_chunk: Option<usize>,
) -> Vec<Completion> {
    let shard: Vec<usize> = (0..requests.len()).collect();
    let requests = (requests, &vec![0; requests.len()][..]);
    let shard = Shard::new(&policy.model, &policy.text, requests, sampling, &shard, decode_chunk).unwrap();
    let mut done = shard.run().unwrap();
    done.sort_by_key(|(request, _)| *request);
    done.into_iter().map(|(_, completion)| completion).collect()
}

/// Where each step is drawn on the host the kernels between matrix products are others, so sums are rounded otherwise.
fn assert_same(decode_chunk: &[Completion], host: &[Completion], what: &str) {
    assert_eq!(decode_chunk.len(), host.len(), "{what}");
    for (i, (a, b)) in decode_chunk.iter().zip(host).enumerate() {
        assert_eq!((&a.tokens, &a.text, a.finish), (&b.tokens, &b.text, b.finish), "{what}, request {i}");
        let gap = a.logprobs.iter().zip(&b.logprobs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(gap < 1e-4, "{what}, request {i}: log-probabilities differ by {gap}");
    }
}

#[test]
fn stretches_give_what_single_steps_give() {
    let policy = embedded::policy(&LoadOptions { device: Device::Cpu, dtype: None, threads: 1 }).unwrap();
    let _mode = InferenceMode::enter();
    let requests = requests(&policy);
    let settings = [
        ALL,
        Sampling { temperature: 0.0, ..ALL },
        Sampling { temperature: 0.7, top_k: 5, ..ALL },
        Sampling { top_p: 0.8, ..ALL },
        Sampling { rows_max: 64, completion_max_tokens: 97, ..ALL },
        Sampling { completion_max_tokens: 1, ..ALL },
    ];
    for sampling in settings {
        let host = sampled(&policy, &requests, &sampling, None);
        for steps in [1, 5, 16] {
            let stretched = sampled(&policy, &requests, &sampling, Some(steps));
            assert_same(&stretched, &host, &format!("{sampling:?}, stretches of {steps}"));
        }
        if sampling == ALL {
            let ends = |finish| host.iter().filter(|completion| completion.finish == finish).count();
            let ends = [ends(Finish::Stop), ends(Finish::Length)];
            assert!(ends.iter().all(|&count| count > 2), "both ends must occur: {ends:?}");
            let alone = sampled(&policy, &requests[9..10], &sampling, Some(DECODE_CHUNK));
            assert_same(&alone, &host[9..10], "alone");
        }
    }
}

/// Greedily, in bf16: the tokens that libtorch's operations give, up to where two are about equally likely.
#[test]
fn kernels_for_bf16_choose_what_libtorch_chooses() {
    let dtype = Some(azr_config::Dtype::Bf16);
    let policy = embedded::policy(&LoadOptions { device: Device::Cpu, dtype, threads: 1 }).unwrap();
    let _mode = InferenceMode::enter();
    let requests = requests(&policy);
    let greedy = Sampling { temperature: 0.0, ..ALL };
    let [ours, libtorchs] = [None, Some(1)].map(|chunk| sampled(&policy, &requests, &greedy, chunk));
    let mut same = 0;
    for (i, (ours, libtorchs)) in ours.iter().zip(&libtorchs).enumerate() {
        let pairs = ours.tokens.iter().zip(&libtorchs.tokens);
        let alike = pairs.take_while(|(a, b)| a == b).count();
        same += usize::from(ours.tokens == libtorchs.tokens);
        // The first that differ follow from the same tokens. In bf16 logits of 16 and more are multiples of 1/8.
        for (a, b) in ours.logprobs.iter().zip(&libtorchs.logprobs).take(alike + 1) {
            assert!((a - b).abs() < 0.25, "request {i}: {a} and {b}");
        }
    }
    assert!(same > 35, "{same} of 40 are the same");
}
