//! Directories that are written otherwise than we write them: `variants.py` and `control_tokens.py` have what
//! transformers and PEFT make of them.

use std::fs;

use azr_core::sampling::{Message, Sampler as _};
use safetensors::{SafeTensors, serialize_to_file};
use tempfile::TempDir;

use super::{adapters::written_by_peft, *};

fn variants() -> Value {
    serde_json::from_str(include_str!("variants.json")).unwrap()
}

fn assert_logits(policy: &Policy, expected: &Value, what: &str) {
    let sequences: Vec<Vec<u32>> = reference()["sequences"].as_array().unwrap().iter().map(tokens).collect();
    let expected: Vec<f32> = expected.as_array().unwrap().iter().flat_map(floats).collect();
    assert_close(&logits(policy, &sequences), &expected, 1e-4, what);
}

#[track_caller]
fn refusal(dir: &Path) -> String {
    format!("{:#}", Policy::load(dir, &OPTIONS, &base_model).err().expect("refused"))
}

fn saved(name: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    model(name).save(dir.path()).unwrap();
    dir
}

/// Writes tensors of `bytes` into a file: those that `keep` names otherwise, and not those that it does not name.
fn rewrite(bytes: &[u8], path: &Path, keep: impl Fn(&str) -> Option<String>) {
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    let kept = tensors.tensors().into_iter().filter_map(|(name, view)| Some((keep(&name)?, view)));
    serialize_to_file(kept, None, path).unwrap();
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

#[test]
fn positions_are_turned_as_the_configuration_says() {
    for (name, case) in variants()["models"].as_object().unwrap() {
        assert_logits(&policy(&case["config"]), &case["logits"], name);
    }
}

#[test]
fn configurations_of_other_models_are_refused_by_name() {
    let dir = saved("qwen2-tied-grouped");
    let config = dir.path().join("config.json");
    let original = fs::read(&config).unwrap();
    for (key, value, said) in [
        ("rope_scaling", json!({"type": "dynamic", "factor": 2.0}), "rope_type is \"dynamic\""),
        ("rope_scaling", json!({"rope_type": "longrope"}), "rope_type is \"longrope\""),
        ("rope_scaling", json!({"rope_type": "linear"}), "has no factor"),
        ("partial_rotary_factor", json!(0.5), "partial_rotary_factor is 0.5"),
        ("quantization_config", json!({"quant_method": "gptq"}), "quantization_config has \"gptq\""),
        ("use_sliding_window", json!(true), "has no num_hidden_layers"),
        ("layer_types", json!(["full_attention", "sliding_attention"]), "layer_types has \"sliding_attention\""),
        ("hidden_act", json!("gelu"), "hidden_act is \"gelu\""),
    ] {
        fs::write(&config, &original).unwrap();
        edit(&config, |config| {
            config[key] = value;
            if key == "use_sliding_window" {
                config["max_window_layers"] = json!(1);
            }
        });
        let said = if key == "use_sliding_window" { "use_sliding_window is true for some layers" } else { said };
        assert!(refusal(dir.path()).contains(said), "{}", refusal(dir.path()));
    }
}

#[test]
fn the_index_decides_which_files_are_the_model() {
    for stem in ["model", "consolidated"] {
        let dir = saved("qwen2-untied");
        let path = |name: &str| dir.path().join(name);
        let whole = fs::read(path("model.safetensors")).unwrap();
        fs::remove_file(path("model.safetensors")).unwrap();
        let file = |name: &str| format!("{stem}-0000{}-of-00002.safetensors", 1 + u8::from(name.contains("layers.1")));
        for part in [file("layers.0"), file("layers.1")] {
            rewrite(&whole, &path(&part), |name| (file(name) == part).then(|| name.to_owned()));
        }
        assert!(refusal(dir.path()).contains("has no model.safetensors and no model.safetensors.index.json"));
        let names: Vec<String> =
            SafeTensors::deserialize(&whole).unwrap().names().iter().map(|n| (*n).to_owned()).collect();
        let map: serde_json::Map<String, Value> = names.iter().map(|name| (name.clone(), file(name).into())).collect();
        let index = path("model.safetensors.index.json");
        fs::write(&index, json!({"weight_map": map}).to_string()).unwrap();
        // Of an earlier save: the same names with other numbers.
        let other = saved("llama-untied-scaled");
        fs::copy(other.path().join("model.safetensors"), path("model-00001-of-00003.safetensors")).unwrap();
        assert_logits(&load(dir.path()), &reference()["models"]["qwen2-untied"]["logits"], stem);

        fs::remove_file(path(&file("layers.1"))).unwrap();
        assert!(refusal(dir.path()).contains("which model.safetensors.index.json names"), "{}", refusal(dir.path()));
        edit(&index, |index| index["weight_map"]["lm_head.weight"] = "../model.safetensors".into());
        assert!(refusal(dir.path()).contains("puts lm_head.weight into"), "{}", refusal(dir.path()));
    }
}

#[test]
fn a_stored_head_counts() {
    let variants = variants();
    let whole = fs::read(saved("qwen2-tied-grouped").path().join("model.safetensors")).unwrap();
    let (embedding, head) = ("model.embed_tokens.weight", "lm_head.weight");
    let dir = saved("qwen2-tied-grouped");
    let file = dir.path().join("model.safetensors");
    rewrite(&whole, &file, |name| Some(if name == embedding { head } else { name }.to_owned()));
    assert_logits(&load(dir.path()), &variants["head-only"], "head only");

    // −x is x with another highest bit.
    let tensors = SafeTensors::deserialize(&whole).unwrap();
    for (sign, what) in [(0x80, "two-heads"), (0, "equal-heads")] {
        let view = tensors.tensor(embedding).unwrap();
        let bytes: Vec<u8> =
            view.data().iter().enumerate().map(|(i, byte)| if i % 4 == 3 { byte ^ sign } else { *byte }).collect();
        let own = safetensors::tensor::TensorView::new(view.dtype(), view.shape().to_vec(), &bytes).unwrap();
        let both = tensors.tensors().into_iter().chain([(head.to_owned(), own)]);
        serialize_to_file(both, None, &file).unwrap();
        assert_logits(&load(dir.path()), &variants[what], what);
        let again = tempfile::tempdir().unwrap();
        load(dir.path()).save(again.path()).unwrap();
        assert_logits(&load(again.path()), &variants[what], what);
        let (shape, _) = Policy::shape(Some(dir.path()), &base_model).unwrap();
        assert_eq!(shape.tie_word_embeddings, sign == 0);
    }
}

#[test]
fn adapters_are_for_the_modules_that_peft_finds() {
    for (name, case) in variants()["adapters"].as_object().unwrap() {
        let [_base, adapter] = written_by_peft("qwen2-tied-grouped", case);
        let policy = load(adapter.path());
        assert_logits(&policy, &case["logits"], name);
        let again = tempfile::tempdir().unwrap();
        policy.save(again.path()).unwrap();
        assert_logits(&load(again.path()), &case["logits"], name);
    }
}

#[test]
fn adapters_of_other_kinds_are_refused_by_name() {
    let variants = variants();
    let case = &variants["adapters"]["paths"];
    for (key, value) in [
        ("init_lora_weights", json!("pissa")),
        ("init_lora_weights", json!("pissa_niter_16")),
        ("init_lora_weights", json!("olora")),
        ("init_lora_weights", json!("corda")),
        ("init_lora_weights", json!("loftq")),
        ("alora_invocation_tokens", json!([5, 6, 7])),
        ("use_dora", json!(true)),
        ("use_qalora", json!(true)),
        ("rank_pattern", json!({"q_proj": 2})),
        ("alpha_pattern", json!({"q_proj": 2})),
        ("modules_to_save", json!(["lm_head"])),
        ("trainable_token_indices", json!([1])),
        ("arrow_config", json!({"top_k": 1})),
        ("a_way_of_tomorrow", json!(1)),
        ("layers_pattern", json!("blocks")),
        ("target_modules", json!(".*(")),
        ("target_modules", json!(["lm_head"])),
    ] {
        let [_base, adapter] = written_by_peft("qwen2-tied-grouped", case);
        edit(&adapter.path().join("adapter_config.json"), |config| config[key] = value.clone());
        let said = refusal(adapter.path());
        assert!(said.contains(&format!("{key} is")), "{key}: {value}: {said}");
    }
}

/// As `sanitize_control_tokens` has it; `careless` is what transformers gives without.
#[test]
fn control_tokens_in_messages_are_text() {
    const MARKS: [char; 2] = ['\u{F8F0}', '\u{F8F1}'];
    let rows: Value = serde_json::from_str(include_str!("control_tokens.json")).unwrap();
    for row in rows.as_array().unwrap() {
        let mut config = reference()["models"]["qwen2-tied-grouped"]["config"].clone();
        config["vocab_size"] = 512.into();
        config.as_object_mut().unwrap().remove("eos_token_id");
        let [config, tokenizer, tokenizer_config] =
            [&config, &row["tokenizer"], &row["config"]].map(|value| value.to_string());
        let files = [
            ("config.json", config.as_bytes()),
            ("tokenizer.json", tokenizer.as_bytes()),
            ("tokenizer_config.json", tokenizer_config.as_bytes()),
        ];
        let policy = Policy::initialise(&files, &OPTIONS, value).unwrap();
        for case in row["cases"].as_array().unwrap() {
            let messages: Vec<Message<'_>> = (case["messages"].as_array().unwrap().iter())
                .map(|m| Message { role: m["role"].as_str().unwrap(), content: m["content"].as_str().unwrap() })
                .collect();
            let encoded = policy.encode(&messages, "").unwrap();
            // The characters that mark control tokens while a prompt is made are private to it; messages lose them.
            if messages.iter().any(|message| message.content.contains(MARKS)) {
                let without: Vec<String> = messages.iter().map(|message| message.content.replace(MARKS, "")).collect();
                let without: Vec<Message<'_>> = (messages.iter().zip(&without))
                    .map(|(message, content)| Message { role: message.role, content })
                    .collect();
                assert_eq!(encoded, policy.encode(&without, "").unwrap(), "{messages:?}");
                continue;
            }
            assert_eq!(encoded, tokens(&case["tokens"]), "{messages:?}");
        }
        // The end of a message, as a prefill: not the token either, unlike what is not special.
        let hello = [Message { role: "user", content: "Hi" }];
        let prompt = |prefill: &str| policy.encode(&hello, prefill).unwrap();
        let (none, ended, called) = (prompt(""), prompt("<|im_end|>"), prompt("<tool_call>"));
        let count = |prompt: &[u32]| prompt.iter().filter(|&&token| token == policy.end_token()).count();
        assert_eq!(count(&ended), count(&none));
        assert!(ended.len() > none.len() + 1, "{ended:?}");
        assert_eq!(called.len(), none.len() + 1);
    }
}
