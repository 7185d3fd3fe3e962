//! Chat templates: Jinja as transformers sets it up for them.
//!
//! A template comes with the policy and is a program: it gets so many instructions, so much memory and time, and may write so
//! much beyond what the messages say.

use std::{
    ffi::CString,
    fmt::Display,
    io,
    mem::MaybeUninit,
    str,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, anyhow};
use azr_core::sampling::Message;
use minijinja::{Environment, Error, ErrorKind, Value, context, value::ValueKind};
use serde_json::Value as Json;

use super::metered::{self, Allowance};

mod python_json;
mod python_repr;
mod python_str;

/// Instructions of one rendering. The longest published templates take a few thousand for a conversation of two messages.
const FUEL: u64 = 1_000_000;
/// What a rendering may write beyond the messages' own text; a thousandfold of what published templates write.
const OWN_MAX_BYTES: usize = 1 << 20;
/// Of one rendering, beside its instructions. Published templates hold less than a megabyte beyond the messages and take
/// milliseconds; some instructions go through all that was made before. Values may be nested as deeply as instructions can
/// nest them, and are freed one inside the other.
const ALLOWANCE: Allowance =
    Allowance { memory_bytes: 64 << 20, stack_bytes: 256 << 20, time: Duration::from_secs(60) };

/// The names of special tokens that templates see, as transformers has them.
const SPECIAL_TOKENS: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// A chat template and the special tokens that it may write.
pub(super) struct Template {
    jinja: Arc<Environment<'static>>,
    tokens: SpecialTokens,
    source: String,
    allowance: Allowance,
    /// Which allowance was too little, once one was. What a rendering held then is not given back.
    given_up: OnceLock<String>,
}

/// Texts of special tokens by their names.
#[derive(Clone, Default)]
pub(super) struct SpecialTokens(Vec<(&'static str, String)>);

impl SpecialTokens {
    /// From `tokenizer_config.json`, and from the `special_tokens_map.json` that older versions of transformers write:
    /// where the former does not list all added tokens the latter comes first.
    pub(super) fn new(config: &Json, map: &Json) -> Self {
        let first = if config["added_tokens_decoder"].is_object() { [config, map] } else { [map, config] };
        let text = |name: &str| first.into_iter().find_map(|source| token_text(&source[name]));
        Self(SPECIAL_TOKENS.into_iter().filter_map(|name| Some((name, text(name)?))).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, text)| &**text)
    }
}

/// A token is a string or an object with `content`.
fn token_text(value: &Json) -> Option<String> {
    value.as_str().or_else(|| value["content"].as_str()).map(str::to_owned)
}

/// The template of the two files that may hold it: `chat_template.jinja` comes first, and of a list the one called
/// `default`.
pub(super) fn source(file: Option<&[u8]>, config: &Json) -> Result<Option<String>> {
    if let Some(bytes) = file {
        return Ok(Some(str::from_utf8(bytes).context("chat_template.jinja is not UTF-8")?.to_owned()));
    }
    match &config["chat_template"] {
        Json::Null => Ok(None),
        Json::String(source) => Ok(Some(source.clone())),
        named => {
            let default = match named {
                Json::Array(list) => {
                    list.iter().find(|entry| entry["name"] == "default").map(|entry| &entry["template"])
                }
                named => named.get("default"),
            };
            let default = default.and_then(Json::as_str).with_context(|| {
                format!("chat_template in tokenizer_config.json is {named}; of several one must be called \"default\"")
            })?;
            Ok(Some(default.to_owned()))
        }
    }
}

impl Template {
    pub(super) fn new(source: String, tokens: SpecialTokens) -> Result<Self> {
        let mut jinja = Environment::new();
        jinja.set_trim_blocks(true);
        jinja.set_lstrip_blocks(true);
        jinja.set_fuel(Some(FUEL));
        jinja.set_unknown_method_callback(|state, value, method, args| match value.kind() {
            ValueKind::String => python_str::call(value.as_str().unwrap_or_default(), method, args),
            _ => minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args),
        });
        jinja.set_formatter(python_repr::format);
        jinja.add_filter("tojson", python_json::tojson);
        jinja.add_function("raise_exception", |message: String| -> Result<String, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message))
        });
        let loaded = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as libc::time_t);
        jinja.add_function("strftime_now", move |format: &str| {
            strftime(format, &local(loaded)).map_err(|error| Error::new(ErrorKind::InvalidOperation, error))
        });
        let text = without_generation(&source);
        // Whatever is constant is computed here.
        let loaded = metered::within(ALLOWANCE, || jinja.add_template_owned("chat", text).map(|()| jinja));
        let jinja = loaded.map_err(wanting)?.context("the chat template is not valid")?;
        Ok(Self { jinja: Arc::new(jinja), tokens, source, allowance: ALLOWANCE, given_up: OnceLock::new() })
    }

    /// Whether the template itself writes `token`.
    pub(super) fn mentions(&self, token: &str) -> bool {
        self.source.contains(token)
    }

    ///
    /// Templates without a system role, such as Gemma's, refuse one: its text then goes before the first question.
    pub(super) fn render(&self, messages: &[Message<'_>]) -> Result<String> {
        match (self.rendered(messages), messages) {
            (Err(_), [Message { role: "system", content: system }, first, rest @ ..]) => {
                let content = format!("{system}\n\n{}", first.content);
                self.rendered(&[&[Message { content: &content, ..*first }], rest].concat())
            }
            (rendered, _) => rendered,
        }
    }

    fn rendered(&self, messages: &[Message<'_>]) -> Result<String> {
        let contents: usize = messages.iter().map(|message| message.content.len()).sum();
        let (messages, tokens) = (Value::from_serialize(messages), self.tokens.0.clone());
        let jinja = Arc::clone(&self.jinja);
        // Some templates write a message twice, as in a system message and in the conversation.
        let mut out = Bounded { text: Vec::new(), max: OWN_MAX_BYTES + 4 * contents };
        let memory_bytes = self.allowance.memory_bytes + 16 * contents;
        let allowance = Allowance { memory_bytes, ..self.allowance };
        let render = move || {
            let template = jinja.get_template("chat")?;
            let tokens: Value = tokens.iter().map(|(name, text)| (*name, Value::from(text))).collect();
            // Given and none, as where transformers gets no tools.
            let none = Value::from(());
            let context =
                context! { messages, tools => none, documents => none, add_generation_prompt => true, ..tokens };
            template.render_captured_to(context, &mut out)?;
            Ok(out.text)
        };
        let within =
            || metered::within(allowance, render).map_err(|error| self.given_up.get_or_init(|| error.to_string()));
        let text = match self.given_up.get() {
            None => within(),
            Some(too_little) => Err(too_little),
        };
        let text: Result<Vec<u8>, Error> = text.map_err(wanting)?;
        let text = text.context("the chat template does not accept these messages")?;
        String::from_utf8(text).context("the chat template writes no UTF-8")
    }
}

fn wanting(too_little: impl Display) -> anyhow::Error {
    anyhow!("the chat template wants {too_little}")
}

/// A text that gets no longer than `max`.
struct Bounded {
    text: Vec<u8>,
    max: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.text.len() + bytes.len() > self.max {
            return Err(io::Error::other(format!("the chat template writes more than {} bytes", self.max)));
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `{% generation %}` marks what an assistant wrote, for masks that we make otherwise: to us it is a block like any other,
/// and names that are set within end with it.
fn without_generation(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = ["{%", "{{", "{#"].iter().filter_map(|open| rest.find(open)).min() {
        let close = match &rest[at..at + 2] {
            "{%" => "%}",
            "{{" => "}}",
            _ => "#}",
        };
        let Some(length) = (if close == "#}" { rest[at..].find(close) } else { tag_length(&rest[at..], close) }) else {
            break;
        };
        let end = at + length + 2;
        let inner = &rest[at + 2..end - 2];
        let trims = |c: char| c == '-' || c == '+';
        let name = inner.trim_start_matches(trims).trim_end_matches(trims).trim();
        out.push_str(&rest[..at + 2]);
        match (close, name) {
            ("%}", "generation") => out.push_str(&inner.replace("generation", "with")),
            ("%}", "endgeneration") => out.push_str(&inner.replace("endgeneration", "endwith")),
            _ => out.push_str(inner),
        }
        out.push_str(close);
        rest = &rest[end..];
        if (close, name) == ("%}", "raw") {
            let raw = rest.find("endraw").unwrap_or(rest.len());
            out.push_str(&rest[..raw]);
            rest = &rest[raw..];
        }
    }
    out + rest
}

/// Where a tag that begins `text` ends with `close`; strings within may hold anything.
fn tag_length(text: &str, close: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(2) {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None if text[at..].starts_with(close) => return Some(at),
            None => {}
        }
    }
    None
}

/// The local time. Templates see that of loading, so that a prompt does not change within a run.
fn local(seconds: libc::time_t) -> libc::tm {
    let mut broken_down = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are to live values of these types, and a zeroed `tm` is one.
    unsafe {
        libc::localtime_r(&raw const seconds, broken_down.as_mut_ptr());
        broken_down.assume_init()
    }
}

/// As `datetime.strftime` in the C locale.
fn strftime(format: &str, time: &libc::tm) -> Result<String, String> {
    if format.len() > 1000 {
        return Err(format!("the format of strftime_now has {} bytes, at most are 1000", format.len()));
    }
    let format = CString::new(format).map_err(|_| "the format of strftime_now has a zero byte")?;
    // No conversion writes a hundred times what it is written with.
    let mut out = vec![0u8; 100 * format.as_bytes().len() + 1];
    // SAFETY: the buffer has the length that is given, the format ends with a zero, and the time is initialised.
    let length = unsafe { libc::strftime(out.as_mut_ptr().cast(), out.len(), format.as_ptr(), time) };
    out.truncate(length);
    String::from_utf8(out).map_err(|_| "strftime_now gives no UTF-8".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> SpecialTokens {
        SpecialTokens(vec![("bos_token", "<s>".into()), ("eos_token", "</s>".into())])
    }

    fn template(source: &str) -> Template {
        Template::new(source.to_owned(), tokens()).unwrap()
    }

    fn user(content: &str) -> [Message<'_>; 1] {
        [Message { role: "user", content }]
    }

    fn rendered(source: &str) -> String {
        template(source).render(&user("Hi")).unwrap()
    }

    fn refusal(source: &str) -> String {
        refusal_of(&template(source))
    }

    fn refusal_of(template: &Template) -> String {
        format!("{:#}", template.render(&user("Hi")).unwrap_err())
    }

    /// `tests/policy/reference.py`, `templates`: rendered by transformers.
    #[test]
    fn chat_templates_render_as_in_transformers() {
        let reference: Json = serde_json::from_str(include_str!("../../../tests/policy/reference.json")).unwrap();
        for case in reference["templates"].as_array().unwrap() {
            let template = template(case["template"].as_str().unwrap());
            let conversations = case["conversations"].as_array().unwrap().iter();
            for (conversation, rendered) in conversations.zip(case["rendered"].as_array().unwrap()) {
                let messages: Vec<Message<'_>> = (conversation.as_array().unwrap().iter())
                    .map(|m| Message { role: m["role"].as_str().unwrap(), content: m["content"].as_str().unwrap() })
                    .collect();
                assert_eq!(template.render(&messages).unwrap(), rendered.as_str().unwrap());
            }
        }
    }

    /// `tests/policy/template_reference.py`: expressions and statements, and what transformers made of them.
    #[test]
    fn expressions_give_what_transformers_gives() {
        // MiniJinja writes tuples as lists, does not format by `%`, and sums numbers only.
        const DIFFERENT: [&str; 3] = [
            "{{ {'a': 1}.items() | list }}",
            "{{ '%s is %d' % ('x', 3) }}",
            "{{ [[1, 2], [3]] | sum(start=[]) | length }}",
        ];
        let reference: Json =
            serde_json::from_str(include_str!("../../../tests/policy/template_reference.json")).unwrap();
        let mut wrong = Vec::new();
        for case in reference.as_array().unwrap() {
            let (source, expected) = (case["template"].as_str().unwrap(), case["rendered"].as_str());
            if DIFFERENT.contains(&source) {
                continue;
            }
            let actual = Template::new(source.to_owned(), tokens()).and_then(|template| template.render(&user("Hi")));
            if actual.as_deref().ok() != expected {
                wrong.push(format!("{source}\n  gives {actual:?}\n  instead of {expected:?}"));
            }
        }
        assert!(reference.as_array().unwrap().len() > 200 && wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn a_template_that_refuses_says_why() {
        let said = refusal("{{ raise_exception('roles must alternate') }}");
        assert!(said.contains("roles must alternate"), "{said}");
    }

    #[test]
    fn what_looks_like_a_generation_tag_within_texts_stays() {
        let source = "{# {% generation %} #}{{ '{% generation %}' }}{% raw %}{% generation %}{% endraw %}{%- generation -%} a {% endgeneration %}";
        assert_eq!(rendered(source), "{% generation %}{% generation %}a ");
    }

    #[test]
    fn the_clock_is_that_of_the_machine() {
        assert_eq!(rendered("{{ strftime_now('%Y')[:2] }}"), "20");
        let time = libc::tm { tm_year: 124, tm_mon: 6, tm_mday: 26, ..local(0) };
        assert_eq!(strftime("%d %b %Y é", &time).unwrap(), "26 Jul 2024 é");
    }

    #[test]
    fn of_several_templates_the_one_called_default_is_taken() {
        let config = |templates: Json| serde_json::json!({ "chat_template": templates });
        let [one, other] =
            ["default", "tool_use"].map(|name| serde_json::json!({"name": name, "template": format!("is {name}")}));
        let listed = source(None, &config(serde_json::json!([other, one]))).unwrap();
        assert_eq!(listed.as_deref(), Some("is default"));
        let file = source(Some(b"from the file"), &config(serde_json::json!([other]))).unwrap();
        assert_eq!(file.as_deref(), Some("from the file"));
        let said = source(None, &config(serde_json::json!([other]))).unwrap_err().to_string();
        assert!(said.contains("must be called \"default\""), "{said}");
    }

    #[test]
    fn special_tokens_come_from_the_file_that_transformers_reads() {
        let config = serde_json::json!({"eos_token": {"content": "<end>"}, "bos_token": null});
        let map = serde_json::json!({"eos_token": "<stop>", "bos_token": "<s>"});
        let of = |config: &Json| {
            let tokens = SpecialTokens::new(config, &map);
            (tokens.get("bos_token").map(str::to_owned), tokens.get("eos_token").map(str::to_owned))
        };
        assert_eq!(of(&config), (Some("<s>".into()), Some("<stop>".into())));
        let listed = serde_json::json!({"eos_token": "<end>", "added_tokens_decoder": {}});
        assert_eq!(of(&listed).1.as_deref(), Some("<end>"));
    }

    #[test]
    fn a_template_has_limits() {
        let said = refusal("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}");
        assert!(said.contains("fuel"), "{said}");
        let said = refusal("{% for i in range(3000) %}{{ 'x' * 1000 }}{% endfor %}");
        assert!(said.contains("writes more than 1048584 bytes"), "{said}");
        let said = refusal("{{ 'x'.center(10**9) }}");
        assert!(said.contains("a width of 1000000000"), "{said}");
    }

    /// Ways to hold much by few instructions. Unbounded, they would take from a hundred megabytes to all there is.
    #[test]
    fn the_memory_of_a_template_has_a_limit() {
        let doubled = |set: &str| {
            format!("{{% set ns = namespace(x='ab', l=[1]) %}}{{% for i in range(40) %}}{{% {set} %}}{{% endfor %}}")
        };
        let too_much = [
            "{% set x = [0] * 10 ** 9 %}{% set y = x | list %}".to_owned(),
            "{% set ns = namespace(n=10 ** 8) %}{% set x = 'a' * ns.n %}".into(),
            "{% set x = ([0] * 10 ** 9) | sort %}".into(),
            "{% set x = ([0] * 10 ** 9) | join %}".into(),
            "{% set x = ('a' * 10 ** 7).replace('a', 'b' * 10 ** 7) %}".into(),
            "{% set x = ('a' * 10 ** 7) | replace('a', 'b' * 10 ** 7) %}".into(),
            "{% set x = range(100000) | join('a' * 10 ** 7) %}".into(),
            "{% set x = ('a' * 10 ** 7).join(range(100000) | map('string')) %}".into(),
            "{% set x = [1] | batch(10 ** 9, 0) | list %}".into(),
            "{% set x = ('\n' * 10 ** 6) | indent(10 ** 6, true, true) %}".into(),
            "{% set x = '%1000000000d' | format(1) %}".into(),
            "{% set x = ('a' * 10 ** 7) | list %}".into(),
            "{% set x = ('a,' * 10 ** 7).split(',') %}".into(),
            "{% set ns = namespace(x=[]) %}{% for i in range(9000) %}{% set ns.x = ns.x + ['a' * (10 ** 5 + i)] %}{% endfor %}".into(),
            "{% set x %}{% for i in range(9000) %}{{ 'a' * 10 ** 5 }}{% endfor %}{% endset %}".into(),
            "{% macro m() %}{% for i in range(9000) %}{{ 'a' * 10 ** 5 }}{% endfor %}{% endmacro %}{% set x = m() %}".into(),
            "{% filter upper %}{% for i in range(9000) %}{{ 'a' * 10 ** 5 }}{% endfor %}{% endfilter %}".into(),
            doubled("set ns.x = ns.x ~ ns.x"),
            doubled("set ns.x = ns.x + ns.x"),
            doubled("set ns.x = ns.x * 2"),
            doubled("set ns.x = ns.x | replace('a', 'aa')"),
            doubled("set ns.x = [ns.x, ns.x] | join"),
            doubled("set ns.x = [ns.x, ns.x] | string"),
            doubled("set ns.x = {'a': ns.x, 'b': ns.x} | tojson"),
            doubled("set ns.l = (ns.l + ns.l) | list"),
        ];
        let mut passed = Vec::new();
        for source in too_much {
            let said = given_up(&source, Allowance { memory_bytes: 1 << 20, ..ALLOWANCE });
            if said != "the chat template wants more than 1048608 bytes of memory" {
                passed.push(format!("{source}: {said}"));
            }
        }
        assert!(passed.is_empty(), "{}", passed.join("\n"));
        let without = Allowance { memory_bytes: isize::MAX as usize / 2, ..ALLOWANCE };
        let said = given_up("{% set ns = namespace(n=10 ** 8) %}{% set x = 'a' * ns.n %}.", without);
        assert_eq!(said, ".", "the limit is another one");
    }

    #[test]
    fn what_is_computed_when_a_template_is_loaded_has_limits_too() {
        let load = |source: &str| Template::new(source.to_owned(), tokens());
        let said = load("{% if false %}{{ 'a' * 10 ** 8 }}{% endif %}").err().expect("it was loaded").to_string();
        assert_eq!(said, "the chat template wants more than 67108864 bytes of memory");
    }

    /// A long list of zeros is searched by one instruction, which takes no memory.
    #[test]
    fn the_time_of_a_template_has_a_limit() {
        let brief = Allowance { time: Duration::from_millis(20), ..ALLOWANCE };
        let said = given_up("{% set ns = namespace(n=10 ** 15) %}{{ 1 in [0] * ns.n }}", brief);
        assert_eq!(said, "the chat template wants more than 0.02 s");
    }

    /// What comes of a rendering with another allowance.
    fn given_up(source: &str, allowance: Allowance) -> String {
        let rendered = Template { allowance, ..template(source) }.render(&user("Hi"));
        rendered.unwrap_or_else(|error| format!("{error:#}"))
    }

    #[test]
    fn a_template_that_was_given_up_is_not_rendered_again() {
        let source = "{% if messages[0]['content'] == 'Hi' %}{% set x = ([0] * 10 ** 12) | list %}{% endif %}.";
        let template = template(source);
        assert_eq!(template.render(&user("Ho")).unwrap(), ".");
        let said = refusal_of(&template);
        assert!(said.contains("bytes of memory"), "{said}");
        assert_eq!(format!("{:#}", template.render(&user("Ho")).unwrap_err()), said);
    }

    #[test]
    fn deep_values_end_as_they_began() {
        for make in ["[ns.x]", "{'a': ns.x}"] {
            let source = format!(
                "{{% set ns = namespace(x=[]) %}}{{% for i in range(99999) %}}{{% set ns.x = {make} %}}{{% endfor %}}ok"
            );
            assert_eq!(rendered(&source), "ok", "{make}");
        }
    }

    // Gemma's template begins with this refusal.
    #[test]
    fn a_template_without_a_system_role_gets_its_words_before_the_question() {
        let source = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}\
                      {% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}{% endfor %}";
        let template = template(source);
        let message = |role, content| Message { role, content };
        let messages = [message("system", "S"), message("user", "Q"), message("assistant", "A")];
        assert_eq!(template.render(&messages).unwrap(), "<user>S\n\nQ<assistant>A");
        assert_eq!(template.render(&messages[1..]).unwrap(), "<user>Q<assistant>A");
        assert!(template.render(&messages[..1]).is_err());
    }
}
