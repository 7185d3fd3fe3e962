//! Calls of methods that leave their object as it is.

use num_bigint::BigInt;

use super::call::Given;
use super::evaluate::Stop;
use super::iterate::items_of;
use super::operator::{binary, comparable};
use super::quantity::{Quantity, SIZE_MAX};

pub fn called(of: &Quantity, name: &str, given: Given) -> Result<Quantity, Stop> {
    if !given.keyword.is_empty() {
        return Err(Stop::Unknown);
    }
    let arguments = given.positional;
    if let ("count" | "index" | "get", [wanted, ..]) = (name, arguments.as_slice()) {
        comparable(of, wanted)?;
    }
    match (of, name, arguments.as_slice()) {
        (_, "copy", []) if !matches!(of, Quantity::Str(_) | Quantity::Bytes(_) | Quantity::Tuple(_)) => Ok(of.clone()),
        (Quantity::Str(text), _, _) => of_text(text, name, &arguments),
        (Quantity::Dict(entries), _, _) => of_dict(entries, name, &arguments),
        (Quantity::List(items) | Quantity::Tuple(items), "count", [wanted]) => {
            Ok(Quantity::int(items.iter().filter(|item| item.equals(wanted)).count()))
        }
        (Quantity::List(items) | Quantity::Tuple(items), "index", [wanted]) => {
            let place = items.iter().position(|item| item.equals(wanted));
            place.map(Quantity::int).ok_or_else(|| Stop::because("an item that is not there"))
        }
        (Quantity::Bytes(bytes), "decode", []) => {
            let text = String::from_utf8(bytes.clone());
            text.map(Quantity::Str).map_err(|_| Stop::because("bytes that are no UTF-8"))
        }
        (Quantity::Bytes(bytes), "hex", []) => {
            Ok(Quantity::Str(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
        }
        (Quantity::Set(_) | Quantity::FrozenSet(_), _, [other]) => {
            let operator = match name {
                "union" => "|",
                "intersection" => "&",
                "difference" => "-",
                "symmetric_difference" => "^",
                _ => return Err(Stop::Unknown),
            };
            let other = Quantity::Set(super::iterate::unordered_items_of(other)?);
            binary(operator, of, &other)
        }
        _ => Err(Stop::Unknown),
    }
}

fn of_dict(entries: &[(Quantity, Quantity)], name: &str, arguments: &[Quantity]) -> Result<Quantity, Stop> {
    let values = |part: fn(&(Quantity, Quantity)) -> Quantity| Ok(Quantity::List(entries.iter().map(part).collect()));
    match (name, arguments) {
        ("keys", []) => values(|(key, _)| key.clone()),
        ("values", []) => values(|(_, value)| value.clone()),
        ("items", []) => values(|(key, value)| Quantity::Tuple(vec![key.clone(), value.clone()])),
        ("get", [wanted]) | ("get", [wanted, _]) => {
            let found = entries.iter().find(|(key, _)| key.equals(wanted)).map(|(_, value)| value.clone());
            Ok(found.unwrap_or_else(|| arguments.get(1).cloned().unwrap_or(Quantity::None)))
        }
        _ => Err(Stop::Unknown),
    }
}

fn of_text(text: &str, name: &str, arguments: &[Quantity]) -> Result<Quantity, Stop> {
    let text_of = |argument: &Quantity| match argument {
        Quantity::Str(text) => Ok(text.clone()),
        other => Err(Stop::because(format!("{name}() with a {}", other.type_name()))),
    };
    let texts = |parts: &mut dyn Iterator<Item = &str>| {
        Quantity::List(parts.map(|part| Quantity::Str(part.to_owned())).collect())
    };
    Ok(match (name, arguments) {
        ("upper" | "lower" | "swapcase" | "capitalize" | "title", []) => Quantity::Str(in_case(text, name)?),
        ("strip" | "lstrip" | "rstrip", []) => Quantity::Str(stripped(text, name, is_space).to_owned()),
        ("strip" | "lstrip" | "rstrip", [characters]) => {
            let characters = text_of(characters)?;
            Quantity::Str(stripped(text, name, |c| characters.contains(c)).to_owned())
        }
        ("split", []) => texts(&mut text.split(is_space).filter(|part| !part.is_empty())),
        ("split", [separator]) => {
            let separator = text_of(separator)?;
            if separator.is_empty() {
                return Err(Stop::because("an empty separator"));
            }
            texts(&mut text.split(&separator))
        }
        ("join", [parts]) => {
            let parts = items_of(parts)?.iter().map(text_of).collect::<Result<Vec<_>, _>>()?;
            within(parts.iter().map(|part| part.len() + text.len()).sum())?;
            Quantity::Str(parts.join(text))
        }
        ("replace", [old, new]) => {
            let (old, new) = (text_of(old)?, text_of(new)?);
            within(text.len() + text.matches(&old).count().saturating_mul(new.len()))?;
            Quantity::Str(text.replace(&old, &new))
        }
        ("startswith", [part]) => Quantity::Bool(text.starts_with(&text_of(part)?)),
        ("endswith", [part]) => Quantity::Bool(text.ends_with(&text_of(part)?)),
        ("count", [part]) if text_of(part)?.is_empty() => Quantity::int(text.chars().count() + 1),
        ("count", [part]) => Quantity::int(text.matches(&text_of(part)?).count()),
        ("find", [part]) => match text.find(&text_of(part)?) {
            Some(at) => Quantity::int(text[..at].chars().count()),
            None => Quantity::int(-1),
        },
        ("zfill", [width]) => Quantity::Str(zero_filled(text, width.index()?)?),
        ("encode", []) => Quantity::Bytes(text.as_bytes().to_vec()),
        _ => return Err(Stop::Unknown),
    })
}

fn within(length: usize) -> Result<(), Stop> {
    if length > SIZE_MAX { Err(Stop::because("a text that is too long")) } else { Ok(()) }
}

/// Case has many rules beyond ASCII, which differ between versions of Unicode.
fn in_case(text: &str, name: &str) -> Result<String, Stop> {
    if !text.is_ascii() {
        return Err(Stop::because(format!("{name}() of letters beyond ASCII; write the value")));
    }
    let mut within = false;
    let changed = |c: char| {
        let begins = !within;
        within = name == "capitalize" || c.is_ascii_alphabetic();
        match name {
            "upper" => c.to_ascii_uppercase(),
            "lower" => c.to_ascii_lowercase(),
            "swapcase" if c.is_ascii_uppercase() => c.to_ascii_lowercase(),
            "swapcase" => c.to_ascii_uppercase(),
            _ if begins => c.to_ascii_uppercase(),
            _ => c.to_ascii_lowercase(),
        }
    };
    Ok(text.chars().map(changed).collect())
}

/// What Python takes for white space.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

fn stripped<'a>(text: &'a str, name: &str, is_stripped: impl Fn(char) -> bool) -> &'a str {
    let text = if name == "rstrip" { text } else { text.trim_start_matches(&is_stripped) };
    if name == "lstrip" { text } else { text.trim_end_matches(&is_stripped) }
}

fn zero_filled(text: &str, width: BigInt) -> Result<String, Stop> {
    let width = usize::try_from(width).unwrap_or(0);
    within(width)?;
    let zeros = "0".repeat(width.saturating_sub(text.chars().count()));
    let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
    Ok(format!("{sign}{zeros}{digits}"))
}
