use super::*;

#[test]
fn logits_are_those_of_transformers_alone_and_in_a_ragged_batch() {
    let reference = reference();
    let sequences: Vec<Vec<u32>> = reference["sequences"].as_array().unwrap().iter().map(tokens).collect();
    for (name, case) in reference["models"].as_object().unwrap() {
        let policy = policy(&case["config"]);
        let expected: Vec<Vec<f32>> = case["logits"].as_array().unwrap().iter().map(floats).collect();
        for (sequence, expected) in sequences.iter().zip(&expected) {
            assert_close(&logits(&policy, std::slice::from_ref(sequence)), expected, 1e-4, name);
        }
        assert_close(&logits(&policy, &sequences), &expected.concat(), 1e-4, name);
    }
}

#[test]
fn saving_what_was_loaded_changes_nothing() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in ["qwen2-tied-grouped", "llama-untied-scaled"] {
        model(name).save(first.path()).unwrap();
        load(first.path()).save(second.path()).unwrap();
        for file in ["model.safetensors", "config.json", "tokenizer.json"] {
            let read = |dir: &Path| std::fs::read(dir.join(file)).unwrap();
            assert!(read(first.path()) == read(second.path()), "{name}: {file} differs");
        }
        let (original, loaded) = (model(name), load(second.path()));
        for ((name, a), (_, b)) in original.parameters().iter().zip(loaded.parameters()) {
            assert!(a.equal(b), "{name}");
        }
        let bytes = std::fs::read(second.path().join("model.safetensors")).unwrap();
        let tied = !String::from_utf8_lossy(&bytes[..4000]).contains("lm_head");
        assert_eq!(tied, name.contains("-tied"));
    }
}

#[test]
fn a_directory_that_cannot_be_a_policy_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let refusal = || format!("{:#}", Policy::load(dir.path(), &OPTIONS, &base_model).err().expect("refused"));
    assert!(refusal().contains("has no model.safetensors"), "{}", refusal());
    model("qwen2-untied").save(dir.path()).unwrap();

    let config = std::fs::read_to_string(dir.path().join("config.json")).unwrap();
    let write = |text: String| std::fs::write(dir.path().join("config.json"), text).unwrap();
    write(config.replace("qwen2", "gpt2"));
    assert!(refusal().contains("model_type is \"gpt2\"; supported are qwen2, qwen3 and llama"), "{}", refusal());
    write(config.replace("\"intermediate_size\":48", "\"intermediate_size\":64"));
    assert!(refusal().contains("mlp.gate_proj.weight has shape [48, 32]"), "{}", refusal());
    write(config.replace("\"num_hidden_layers\":2", "\"num_hidden_layers\":1"));
    assert!(refusal().contains("has a tensor model.layers.1."), "{}", refusal());

    write(config);
    let weights = std::fs::read(dir.path().join("model.safetensors")).unwrap();
    std::fs::write(dir.path().join("model.safetensors"), &weights[..weights.len() / 2]).unwrap();
    assert!(refusal().contains("is not a whole safetensors file"), "{}", refusal());
}
