//! The bodies of the fuzz targets, on mutations of valid inputs. The same numbers are drawn each time.

use std::path::{Path, PathBuf};

use azr_core::rng::{Draws, Purpose, Stream};
use azr_sandbox::pack;

#[path = "../fuzz/src/host.rs"]
mod host;
#[path = "../fuzz/src/judge.rs"]
mod judge;

/// What means something to one of the readers.
const WORDS: [&[u8]; 24] = [
    b"<input>",
    b"<output>",
    b"<think>",
    b"</think>",
    b"<answer>",
    b"</answer>",
    b"```",
    b"```input\n",
    b"```python\n",
    b"frozenset({",
    b"set(",
    b"float('nan')",
    b"-inf",
    b"1e400",
    b"0x",
    b"\\ud800",
    b"'''",
    b"\"",
    b"(",
    b"[",
    b"{",
    b",",
    b"#",
    b"\xff",
];

/// Some of the seed is replaced, removed, doubled, taken from another seed, or a word.
fn mutated(seeds: &[Vec<u8>], draws: &mut Draws) -> Vec<u8> {
    let mut data = seeds[draws.below(seeds.len())].clone();
    for _ in 0..=draws.below(4) {
        let start = draws.below(data.len() + 1);
        let end = start + draws.below((data.len() - start).min(40) + 1);
        let piece = match draws.below(5) {
            0 => Vec::new(),
            1 => (0..draws.below(4)).map(|_| draws.below(256) as u8).collect(),
            2 => data[start..end].repeat(1 + draws.below(3)),
            3 => {
                let other = &seeds[draws.below(seeds.len())];
                let from = draws.below(other.len() + 1);
                other[from..from + draws.below((other.len() - from).min(40) + 1)].to_vec()
            }
            _ => WORDS[draws.below(WORDS.len())].to_vec(),
        };
        data.splice(start..end, piece);
    }
    data
}

/// Every seed, then mutations of them.
fn each(seeds: &[Vec<u8>], count: usize, body: fn(&[u8])) {
    seeds.iter().for_each(|seed| body(seed));
    let mut draws = Stream::new(1, Purpose::Grammar, 0, 0).draws();
    for number in 0..count {
        let data = mutated(seeds, &mut draws);
        let passed = std::panic::catch_unwind(|| body(&data)).is_ok();
        assert!(passed, "mutation {number} of {}: {:?}", seeds.len(), String::from_utf8_lossy(&data));
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

fn rows(path: &str) -> Vec<serde_json::Value> {
    read(path).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn values_and_literals_have_one_meaning() {
    let literals = rows("envs/python/judge/vectors/literals.jsonl");
    let mut seeds: Vec<Vec<u8>> = literals.iter().map(|row| row[0].as_str().unwrap().into()).collect();
    let vectors = read("guest-sdk/vectors/values.txt");
    let plain = vectors.lines().filter(|line| !line.starts_with(['#', '!']) && !line.contains("\\x"));
    seeds.extend(plain.map(|line| line.split('\t').nth(1).unwrap().into()));
    each(&seeds, 50_000, judge::value);
}

#[test]
fn every_answer_to_a_puzzle_is_judged() {
    let pairs: toml::Table = read("tests/math/pairs.toml").parse().unwrap();
    let entries = pairs.values().flat_map(|entries| entries.as_array().unwrap());
    let seed = |entry: &toml::Value| {
        let pair = entry.as_array().unwrap().iter().map(|text| text.as_str().unwrap());
        pair.collect::<Vec<_>>().join("\0").into_bytes()
    };
    let mut seeds: Vec<Vec<u8>> = entries.map(seed).collect();
    seeds.push(b"45\0(7 + 8) * 3".to_vec());
    each(&seeds, 20_000, judge::puzzle);
}

#[test]
fn every_completion_comes_to_a_conclusion() {
    let corpus: toml::Table = read("tests/python_env/forgeries.toml").parse().unwrap();
    let entries = corpus.values().flat_map(|entries| entries.as_array().unwrap());
    let completion = |entry: &toml::Value| entry["completion"].as_str().unwrap().as_bytes().to_vec();
    let mut seeds: Vec<Vec<u8>> = entries.map(completion).collect();
    let returning = |value: &[u8]| [&seeds[0], &b"\xff"[..], value].concat();
    let returned: Vec<_> = [&b"l2:i1;i2;"[..], b"e1:l0:", b"s4:text", b"garbage"].map(returning).into();
    seeds.extend(returned);
    each(&seeds, 5_000, judge::completion);
}

#[test]
fn every_task_can_be_posed_and_hides_its_gold() {
    let programs = rows("tests/python_env/programs.jsonl");
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap().to_owned();
    let seeds: Vec<Vec<u8>> =
        programs.iter().map(|row| format!("{}\0{}", text(row, "program"), text(row, "input")).into()).collect();
    each(&seeds, 5_000, judge::prompt);
}

#[test]
fn configurations_and_grants_are_refused_or_survive_their_text() {
    let grants = "[python]\nrun-fuel-max = 5\n[python.directories]\ncorpus = '/data'\n";
    let seeds = vec![
        read("host/config/presets/paper.toml").into(),
        read("host/config/presets/tiny.toml").into(),
        grants.into(),
    ];
    each(&seeds, 5_000, host::config);
}

#[test]
fn every_file_is_an_environment_or_refused() {
    let guest = |name: &str| {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("../wasm32-unknown-unknown/guest").join(name).with_extension("wasm")
    };
    let packed = |executors: &[PathBuf]| pack(&guest("azr_test_judge"), executors).unwrap();
    let small = wat::parse_str(r#"(component (component $c) (instance (export "x") (instantiate $c)))"#).unwrap();
    let seeds = vec![packed(&[]), packed(&[guest("azr_test_executor")]), small];
    each(&seeds, 150, host::component);
}

/// Also completions that were made to take long.
#[test]
fn judges_read_every_completion_with_little_fuel() {
    let corpus: toml::Table = read("tests/python_env/forgeries.toml").parse().unwrap();
    let entries = corpus.values().flat_map(|entries| entries.as_array().unwrap()).step_by(16);
    let mut seeds: Vec<Vec<u8>> = entries.map(|entry| entry["completion"].as_str().unwrap().into()).collect();
    let nested = format!("<answer>{}1{}</answer>", "frozenset({".repeat(40), "})".repeat(40));
    let long = |piece: &str| format!("<answer>{}</answer>", piece.repeat((60 << 10) / piece.len()));
    seeds.extend(
        [nested, long("nan,"), long("("), long("a\n"), long("```\n"), long("\\boxed{")].map(String::into_bytes),
    );
    seeds.push(br"\boxed{(\sin((x+y+z+1)^{14})+x)^{200}}".to_vec());
    each(&seeds, 40, |data| drop(host::fuel(data)));
}
