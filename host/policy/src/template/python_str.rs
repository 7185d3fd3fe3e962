//! The methods of Python's texts, which chat templates call: positions count characters, white space and line ends are
//! Python's. `encode` is left out, because templates have no bytes. Which letters and digits beyond ASCII there are is
//! Unicode's word in Rust's library, which is coarser than Python's in `isdecimal`, `isdigit` and `isprintable`.

use minijinja::{
    Error, ErrorKind, FormatStyle, Value, format_filter,
    value::{Kwargs, Rest, ValueKind, from_args},
};

/// Texts that padding may make; protects the host's memory from a template's width.
const PADDED_MAX_CHARS: usize = 1 << 20;

type Result<T> = std::result::Result<T, Error>;

/// The arguments of one call, in the order of the parameters.
struct Arguments(Vec<Option<Value>>);

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

impl Arguments {
    fn bind(args: &[Value], names: &[&'static str]) -> Result<Self> {
        let (Rest(positional), named): (Rest<Value>, Kwargs) = from_args(args)?;
        if positional.len() > names.len() {
            return Err(Error::new(ErrorKind::TooManyArguments, format!("at most {} arguments", names.len())));
        }
        let mut bound: Vec<Option<Value>> = positional.into_iter().map(Some).collect();
        for name in &names[bound.len()..] {
            bound.push(if named.has(name) { Some(named.get::<Value>(name)?) } else { None });
        }
        named.assert_all_used()?;
        Ok(Self(bound.into_iter().map(|value| value.filter(|value| !value.is_none())).collect()))
    }

    fn get(&self, i: usize) -> Option<&Value> {
        self.0.get(i)?.as_ref()
    }

    fn text(&self, i: usize) -> Result<Option<&str>> {
        let text = |value: &'_ Value| value.kind() == ValueKind::String;
        match self.get(i) {
            Some(value) if !text(value) => Err(refused(format!("{value:?} is not a string"))),
            value => Ok(value.and_then(Value::as_str)),
        }
    }

    fn required(&self, i: usize) -> Result<&str> {
        self.text(i)?.ok_or_else(|| Error::new(ErrorKind::MissingArgument, "a string is missing"))
    }

    fn integer(&self, i: usize) -> Result<Option<i64>> {
        let integer = |value: &Value| value.as_i64().ok_or_else(|| refused(format!("{value:?} is not an integer")));
        self.get(i).map(integer).transpose()
    }

    fn width(&self) -> Result<usize> {
        let width = self.integer(0)?.ok_or_else(|| Error::new(ErrorKind::MissingArgument, "the width is missing"))?;
        let width = usize::try_from(width).unwrap_or(0);
        if width > PADDED_MAX_CHARS {
            return Err(refused(format!("a width of {width}; at most {PADDED_MAX_CHARS} characters are padded to")));
        }
        Ok(width)
    }
}

/// Calls `text.method(args)`.
pub(super) fn call(text: &str, method: &str, args: &[Value]) -> Result<Value> {
    let bind = |names: &[&'static str]| Arguments::bind(args, names);
    match method {
        "strip" | "lstrip" | "rstrip" => strip(text, method, &bind(&["chars"])?),
        "split" | "rsplit" => split(text, method, &bind(&["sep", "maxsplit"])?),
        "splitlines" => Ok(list(lines(text, bind(&["keepends"])?.get(0).is_some_and(Value::is_true)))),
        "partition" | "rpartition" => partition(text, method, &bind(&["sep"])?),
        "find" | "rfind" | "index" | "rindex" | "count" => search(text, method, &bind(&["sub", "start", "end"])?),
        "startswith" | "endswith" => affix(text, method, &bind(&["affix", "start", "end"])?),
        "removeprefix" | "removesuffix" => {
            let args = bind(&["affix"])?;
            let affix = args.required(0)?;
            let rest = if method == "removeprefix" { text.strip_prefix(affix) } else { text.strip_suffix(affix) };
            Ok(rest.unwrap_or(text).into())
        }
        "replace" => {
            let args = bind(&["old", "new", "count"])?;
            let (old, new) = (args.required(0)?, args.required(1)?);
            Ok(match usize::try_from(args.integer(2)?.unwrap_or(-1)) {
                Ok(count) => text.replacen(old, new, count),
                Err(_) => text.replace(old, new),
            }
            .into())
        }
        "join" => join(text, &bind(&["iterable"])?),
        "center" | "ljust" | "rjust" | "zfill" => pad(text, method, &bind(&["width", "fillchar"])?),
        "expandtabs" => expand_tabs(text, &bind(&["tabsize"])?),
        "format" => format_filter(FormatStyle::StrFormat, text, args).map(Value::from),
        "format_map" => {
            let (values,): (Value,) = from_args(args)?;
            let named = values.try_iter()?.map(|key| Ok((key.to_string(), values.get_item(&key)?)));
            let named: Kwargs = named.collect::<Result<Vec<_>>>()?.into_iter().collect();
            format_filter(FormatStyle::StrFormat, text, &[named.into()]).map(Value::from)
        }
        "maketrans" => table(&bind(&["x", "y", "z"])?),
        "translate" => translate(text, &bind(&["table"])?),
        _ => {
            bind(&[])?;
            match recased(text, method) {
                Some(recased) => Ok(recased.into()),
                None => is(text, method).map(Value::from).ok_or_else(|| Error::from(ErrorKind::UnknownMethod)),
            }
        }
    }
}

fn list(parts: Vec<&str>) -> Value {
    parts.into_iter().map(Value::from).collect()
}

/// Python's white space: Unicode's, and four separators of ASCII.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

fn strip(text: &str, method: &str, args: &Arguments) -> Result<Value> {
    let chars = args.text(0)?;
    let strips = |c: char| chars.map_or_else(|| is_space(c), |chars| chars.contains(c));
    Ok(match method {
        "lstrip" => text.trim_start_matches(strips),
        "rstrip" => text.trim_end_matches(strips),
        _ => text.trim_matches(strips),
    }
    .into())
}

fn split(text: &str, method: &str, args: &Arguments) -> Result<Value> {
    let parts = usize::try_from(args.integer(1)?.unwrap_or(-1)).map_or(usize::MAX, |splits| splits.saturating_add(1));
    let from_right = method == "rsplit";
    let mut pieces: Vec<&str> = match args.text(0)? {
        Some("") => return Err(refused("empty separator")),
        Some(separator) if from_right => text.rsplitn(parts, separator).collect(),
        Some(separator) => text.splitn(parts, separator).collect(),
        None => words(text, parts, from_right),
    };
    if from_right {
        pieces.reverse();
    }
    Ok(list(pieces))
}

/// Splits at white space into at most `parts` parts; the last has what is left, with its trailing white space.
/// From the right in reverse.
fn words(text: &str, parts: usize, from_right: bool) -> Vec<&str> {
    fn near(text: &str, from_right: bool) -> &str {
        if from_right { text.trim_end_matches(is_space) } else { text.trim_start_matches(is_space) }
    }
    let mut words = Vec::new();
    let mut rest = near(text, from_right);
    while !rest.is_empty() {
        if words.len() + 1 == parts {
            words.push(rest);
            break;
        }
        let (word, others) = if from_right {
            let cut = rest.rfind(is_space).map_or(0, |at| at + rest[at..].chars().next().map_or(0, char::len_utf8));
            (&rest[cut..], &rest[..cut])
        } else {
            rest.split_at(rest.find(is_space).unwrap_or(rest.len()))
        };
        words.push(word);
        rest = near(others, from_right);
    }
    words
}

fn lines(text: &str, keep_ends: bool) -> Vec<&str> {
    let ends = |c: char| matches!(c, '\n'..='\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(ends) {
        let end = match rest[at..].strip_prefix("\r\n") {
            Some(_) => at + 2,
            None => at + rest[at..].chars().next().map_or(0, char::len_utf8),
        };
        lines.push(&rest[..if keep_ends { end } else { at }]);
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

fn partition(text: &str, method: &str, args: &Arguments) -> Result<Value> {
    let separator = args.required(0)?;
    if separator.is_empty() {
        return Err(refused("empty separator"));
    }
    let (found, whole) = match method {
        "partition" => (text.split_once(separator), [text, "", ""]),
        _ => (text.rsplit_once(separator), ["", "", text]),
    };
    Ok(list(match found {
        Some((before, after)) => vec![before, separator, after],
        None => whole.to_vec(),
    }))
}

/// The part of `text` between two positions as slices count them, and where it starts; `None` where they are crossed.
fn slice<'a>(text: &'a str, args: &Arguments) -> Result<Option<(usize, &'a str)>> {
    let length = text.chars().count() as i64;
    let place = |position: i64| if position < 0 { (position + length).max(0) } else { position };
    let start = place(args.integer(1)?.unwrap_or(0));
    let end = place(args.integer(2)?.unwrap_or(length)).min(length);
    if start > end {
        return Ok(None);
    }
    let byte = |position: i64| text.char_indices().nth(position as usize).map_or(text.len(), |(byte, _)| byte);
    Ok(Some((start as usize, &text[byte(start)..byte(end)])))
}

fn search(text: &str, method: &str, args: &Arguments) -> Result<Value> {
    let sub = args.required(0)?;
    let within = slice(text, args)?;
    if method == "count" {
        return Ok(within.map_or(0, |(_, part)| part.matches(sub).count()).into());
    }
    let found = within.and_then(|(start, part)| {
        let byte = if method.starts_with('r') { part.rfind(sub) } else { part.find(sub) };
        byte.map(|byte| start + part[..byte].chars().count())
    });
    match found {
        Some(position) => Ok(position.into()),
        None if method.ends_with("index") => Err(refused("substring not found")),
        None => Ok((-1).into()),
    }
}

fn affix(text: &str, method: &str, args: &Arguments) -> Result<Value> {
    let Some((_, part)) = slice(text, args)? else { return Ok(false.into()) };
    let has = |affix: &str| if method == "startswith" { part.starts_with(affix) } else { part.ends_with(affix) };
    match args.get(0) {
        Some(many) if many.kind() == ValueKind::Seq => {
            let mut any = false;
            for one in many.try_iter()? {
                any |= has(one.as_str().ok_or_else(|| refused(format!("{one:?} is not a string")))?);
            }
            Ok(any.into())
        }
        _ => Ok(has(args.required(0)?).into()),
    }
}

fn join(separator: &str, args: &Arguments) -> Result<Value> {
    let parts = args.get(0).ok_or_else(|| Error::new(ErrorKind::MissingArgument, "what to join is missing"))?;
    let mut joined = String::new();
    for (i, part) in parts.try_iter()?.enumerate() {
        if i > 0 {
            joined.push_str(separator);
        }
        joined.push_str(part.as_str().ok_or_else(|| refused(format!("{part:?} is not a string")))?);
    }
    Ok(joined.into())
}

fn pad(text: &str, method: &str, args: &Arguments) -> Result<Value> {
    let fill = match (method, args.text(1)?) {
        ("zfill", _) => "0",
        (_, None) => " ",
        (_, Some(fill)) if fill.chars().count() == 1 => fill,
        (_, Some(fill)) => return Err(refused(format!("the fill {fill:?} is not one character"))),
    };
    let width = args.width()?;
    let missing = width.saturating_sub(text.chars().count());
    let before = match method {
        "ljust" => 0,
        // CPython puts the odd one on the left where the width is odd.
        "center" => missing / 2 + (missing & width & 1),
        _ => missing,
    };
    let (sign, rest) = match text.chars().next() {
        Some('+' | '-') if method == "zfill" => text.split_at(1),
        _ => ("", text),
    };
    Ok(format!("{sign}{}{rest}{}", fill.repeat(before), fill.repeat(missing - before)).into())
}

fn expand_tabs(text: &str, args: &Arguments) -> Result<Value> {
    let size = usize::try_from(args.integer(0)?.unwrap_or(8)).unwrap_or(0);
    if size > PADDED_MAX_CHARS / text.len().max(1) {
        return Err(refused(format!("a tab of {size} characters is too large for this text")));
    }
    let (mut out, mut column) = (String::new(), 0);
    for c in text.chars() {
        if c == '\t' {
            let spaces = if size == 0 { 0 } else { size - column % size };
            out.push_str(&" ".repeat(spaces));
            column += spaces;
        } else {
            out.push(c);
            column = if c == '\n' || c == '\r' { 0 } else { column + 1 };
        }
    }
    Ok(out.into())
}

/// The table for `translate`: code points to code points, texts or none.
fn table(args: &Arguments) -> Result<Value> {
    if args.get(1).is_none() {
        let given = args.get(0).ok_or_else(|| Error::new(ErrorKind::MissingArgument, "the table is missing"))?;
        let entry = |key: Value| {
            let code = key.as_str().and_then(|text| text.chars().next()).map(|c| Value::from(u32::from(c)));
            Ok((code.unwrap_or_else(|| key.clone()), given.get_item(&key)?))
        };
        return given.try_iter()?.map(entry).collect::<Result<Vec<_>>>().map(Value::from_iter);
    }
    let (from, to) = (args.required(0)?, args.required(1)?);
    if from.chars().count() != to.chars().count() {
        return Err(refused("the first two arguments of maketrans differ in length"));
    }
    let code = |c: char| Value::from(u32::from(c));
    let changed = from.chars().zip(to.chars()).map(|(from, to)| (code(from), code(to)));
    let dropped = args.text(2)?.unwrap_or_default().chars().map(|c| (code(c), Value::from(())));
    Ok(changed.chain(dropped).collect())
}

fn translate(text: &str, args: &Arguments) -> Result<Value> {
    let table = args.get(0).ok_or_else(|| Error::new(ErrorKind::MissingArgument, "the table is missing"))?;
    let mut out = String::new();
    for c in text.chars() {
        let to = table.get_item(&u32::from(c).into())?;
        match (to.as_str(), to.as_i64().and_then(|code| char::from_u32(u32::try_from(code).ok()?))) {
            (Some(to), _) => out.push_str(to),
            (None, Some(to)) => out.push(to),
            (None, None) if to.is_none() => {}
            (None, None) => out.push(c),
        }
    }
    Ok(out.into())
}

fn is_cased(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase() || is_titlecase(c)
}

/// The letters that are two letters in one.
fn is_titlecase(c: char) -> bool {
    matches!(c, 'ǅ' | 'ǈ' | 'ǋ' | 'ǲ')
}

/// As a word begins: of what becomes several letters only the first is upper case.
fn titlecase(c: char) -> String {
    match c {
        'Ǆ'..='ǆ' => "ǅ".to_owned(),
        'Ǉ'..='ǉ' => "ǈ".to_owned(),
        'Ǌ'..='ǌ' => "ǋ".to_owned(),
        'Ǳ'..='ǳ' => "ǲ".to_owned(),
        // Georgian has upper case for whole words only.
        'ა'..='ჿ' => c.to_string(),
        _ => {
            let mut upper = c.to_uppercase();
            let first: String = upper.next().into_iter().collect();
            first + &upper.flat_map(char::to_lowercase).collect::<String>()
        }
    }
}

fn recased(text: &str, method: &str) -> Option<String> {
    Some(match method {
        "upper" => text.to_uppercase(),
        "lower" => text.to_lowercase(),
        // `ı` and `İ` have a fold of their own.
        "casefold" => (text.chars())
            .flat_map(|c| if c == 'ı' { vec![c] } else { c.to_uppercase().flat_map(char::to_lowercase).collect() })
            .collect(),
        "swapcase" => (text.chars())
            .flat_map(
                |c| if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect::<Vec<_>>() },
            )
            .collect(),
        "capitalize" => {
            let mut chars = text.chars();
            let first = chars.next().map(titlecase).unwrap_or_default();
            first + &chars.as_str().to_lowercase()
        }
        "title" => {
            let mut within = false;
            let mut out = String::new();
            for c in text.chars() {
                if within {
                    out.extend(c.to_lowercase())
                } else {
                    out.push_str(&titlecase(c))
                }
                within = is_cased(c);
            }
            out
        }
        _ => return None,
    })
}

fn is(text: &str, method: &str) -> Option<bool> {
    let all = |is: fn(char) -> bool| !text.is_empty() && text.chars().all(is);
    Some(match method {
        "isalnum" => all(char::is_alphanumeric),
        "isalpha" => all(char::is_alphabetic),
        "isascii" => text.is_ascii(),
        "isdecimal" | "isdigit" | "isnumeric" => all(char::is_numeric),
        "isidentifier" => {
            let letter = |c: char| c == '_' || c.is_alphabetic();
            text.chars().next().is_some_and(letter) && text.chars().all(|c| letter(c) || c.is_numeric())
        }
        "islower" => text.chars().any(char::is_lowercase) && !text.chars().any(|c| c.is_uppercase() || is_titlecase(c)),
        "isupper" => text.chars().any(char::is_uppercase) && !text.chars().any(|c| c.is_lowercase() || is_titlecase(c)),
        "isprintable" => text.chars().all(|c| c == ' ' || !(c.is_control() || c.is_whitespace())),
        "isspace" => all(is_space),
        "istitle" => {
            text.chars().any(is_cased) && {
                let mut within = false;
                text.chars().all(|c| {
                    let fits = !is_cased(c) || c.is_lowercase() == within;
                    within = is_cased(c);
                    fits
                })
            }
        }
        _ => return None,
    })
}
