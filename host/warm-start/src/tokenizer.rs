//! The tokenizer of the embedded policy and its siblings: a fixed vocabulary of markers, fragments of the task language and characters.
//!
//! Text is cut by the leftmost longest fragment. Separators belong to what follows them (`", 4"`, `"[3"`, `"'p"`):
//! with `", "` as a token of its own a model of this size does not learn to copy lists. Every number of the language is
//! one token, so is every operator with its constant, and the first tokens of a line.

use serde_json::{Value, json};

use super::operation::LETTERS;
use azr_config::language::Language;
use azr_guest_sdk::format::MARKERS;

/// Ends a completion.
pub const END: &str = "<end>";
/// Fills short rows of a batch.
pub const PAD: &str = "<pad>";
const PYTHON: [&str; 35] = [
    "def f(a):",
    "def f(a,b):",
    "\n return ",
    "len(",
    "sum(",
    "max(",
    "min(",
    "abs(",
    "str(",
    "sorted(",
    "list(range(",
    "''.join(sorted(",
    ".upper()",
    ".lower()",
    ".replace(",
    ".count(",
    ".find(",
    "[x",
    " for x in ",
    " if x>",
    " if x%2==0]",
    "1 if ",
    "%2==0 else 0",
    " if ",
    " else 0",
    "[::-1]",
    "[::2]",
    "[1:]",
    "[:-1]",
    "[:2]",
    "[-2:]",
    "[]",
    "''",
    ", ",
    "','",
];

const JAVASCRIPT: [&str; 39] = [
    "function f(a) {",
    "function f(a,b) {",
    "\n return ",
    ";\n return ",
    ";\n}",
    "Math.max(",
    "Math.max(...",
    "Math.min(",
    "Math.min(...",
    "Math.floor(",
    "String(",
    ".repeat(",
    ".length",
    ".length-1",
    ".split(",
    "[...Array(",
    ").keys()]",
    "[...",
    ",...",
    "].sort((x,y)=>x-y)",
    "].sort().join(\"\")",
    "].reverse()",
    ".slice(1)",
    ".slice(0,-1)",
    ".slice(0,2)",
    ".slice(-2)",
    ".at(-1)",
    ".map(x=>x",
    ".filter(x=>x>",
    ".filter(x=>x%2===0)",
    ".filter((_,i)=>i%2===0)",
    ".toUpperCase()",
    ".toLowerCase()",
    ".replaceAll(",
    "%2===0?1:0",
    "[]",
    "\"\"",
    ", ",
    "\",\"",
];

/// The vocabulary in the order of token ids.
pub fn vocabulary(language: Language) -> Vec<String> {
    let characters = (' '..='~').chain(['\n']).map(String::from);
    [PAD, END].into_iter().chain(MARKERS).map(str::to_owned).chain(fragments(language)).chain(characters).collect()
}

/// Every token of more than one character that is not a marker.
fn fragments(language: Language) -> Vec<String> {
    let (expressions, declarations, division): (&[&str], &[&str], _) = match language {
        Language::Python => (&PYTHON, &["\n "], "//"),
        Language::JavaScript => (&JAVASCRIPT, &["\n const ", ";\n const "], "/"),
    };
    let mut fragments: Vec<String> = expressions.iter().map(|text| text.to_string()).collect();
    for variable in 'a'..='h' {
        let befores = declarations.iter().chain(&["\n", ""]);
        fragments.extend(befores.map(|before| format!("{before}{variable}=")));
    }
    fragments.extend((10..=60).map(|number| number.to_string()));
    fragments.extend((1..=15).map(|number| format!("-{number}")));
    fragments.extend((1..=5).map(|number| format!("+{number}")));
    fragments.extend((2..=3).flat_map(|number| [format!("*{number}"), format!("{division}{number}")]));
    fragments.extend((3..=5).map(|number| format!("%{number}")));
    for opening in ["[", ", "] {
        fragments.extend((-5..=20).map(|number| format!("{opening}{number}")));
    }
    for letter in LETTERS.iter().map(|letter| char::from(*letter)) {
        let quote = language.quote();
        fragments.extend([format!("{quote}{letter}"), format!("{quote}{}", letter.to_ascii_uppercase())]);
    }
    fragments
}

/// The tokenizer as Hugging Face's `tokenizer.json`: byte-pair encoding without merges over characters, markers and
/// fragments as added tokens, which that format cuts by the leftmost longest match.
pub fn tokenizer_json(language: Language) -> Value {
    let vocabulary = vocabulary(language);
    let added: Vec<Value> = vocabulary
        .iter()
        .enumerate()
        .filter(|(_, token)| token.chars().count() > 1)
        .map(|(id, token)| {
            json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": (token == PAD || token == END)})
        })
        .collect();
    let ids: serde_json::Map<String, Value> =
        vocabulary.iter().enumerate().map(|(id, token)| (token.clone(), json!(id))).collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": null, "post_processor": null, "decoder": {"type": "Fuse"},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": ids, "merges": []},
    })
}

/// `tokenizer_config.json`, with the chat template of the embedded policy: the contents of the messages, nothing else.
pub fn tokenizer_config_json() -> Value {
    json!({
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END, "pad_token": PAD, "bos_token": null,
        "clean_up_tokenization_spaces": false, "add_bos_token": false, "model_max_length": 256,
        "chat_template": "{% for message in messages %}{{ message['content'] }}{% endfor %}",
    })
}
