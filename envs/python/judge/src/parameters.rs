//! The parameters of a program's `f`, read from its text.
//!
//! Only a plain `def f(…)` at the top level is read, and only where nothing else there can bind the name: with a decorator
//! or an assignment the function that is called may be another one.

use azr_guest_sdk::value::Value;
use coding_judge::{Parameter, Passing};

use crate::literal;

/// The parameters, or none where they cannot be known.
pub fn of_f(program: &str) -> Option<Vec<Parameter>> {
    let mut definitions = program.match_indices("def f(").filter(|(at, _)| *at == 0 || program[..*at].ends_with('\n'));
    let (at, head) = definitions.next()?;
    let decorated = program[..at].trim_end().lines().last().is_some_and(|line| line.starts_with('@'));
    let rebinds =
        |line: &str| line.strip_prefix('f').is_some_and(|rest| rest.trim_start().starts_with(['=', ',', ':']));
    if definitions.next().is_some() || decorated || program.lines().any(rebinds) || program.contains("global f") {
        return None;
    }
    parsed(&split(&program[at + head.len()..])?)
}

/// The texts between the commas of a list, up to the parenthesis that closes it.
fn split(text: &str) -> Option<Vec<String>> {
    let (mut parts, mut part, mut depth) = (Vec::new(), String::new(), 0_usize);
    let mut characters = text.chars();
    let mut quote = None;
    while let Some(c) = characters.next() {
        match (c, quote) {
            ('\\', Some(_)) => part.extend([c, characters.next()?]),
            (_, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            ('#', None) => {
                characters.by_ref().find(|c| *c == '\n')?;
                continue;
            }
            ('(' | '[' | '{', None) => depth += 1,
            (')', None) if depth == 0 => {
                parts.extend(Some(part).filter(|part| !part.trim().is_empty()));
                return Some(parts);
            }
            (')' | ']' | '}', None) => depth = depth.checked_sub(1)?,
            (',', None) if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    None
}

fn parsed(parts: &[String]) -> Option<Vec<Parameter>> {
    let mut parameters: Vec<Parameter> = Vec::new();
    let mut passing = Passing::PositionOrKeyword;
    for part in parts.iter().map(|part| part.trim()) {
        let (part, passing_here) = match part {
            "/" => {
                parameters.iter_mut().for_each(|parameter| parameter.passing = Passing::Position);
                continue;
            }
            "*" => {
                passing = Passing::Keyword;
                continue;
            }
            _ => match (part.strip_prefix("**"), part.strip_prefix('*')) {
                (Some(part), _) => (part, Passing::OtherKeywords),
                (None, Some(part)) => {
                    passing = Passing::Keyword;
                    (part, Passing::Rest)
                }
                (None, None) => (part, passing),
            },
        };
        parameters.push(parameter(part, passing_here)?);
    }
    Some(parameters)
}

fn parameter(text: &str, passing: Passing) -> Option<Parameter> {
    let name_end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = (text[..name_end].to_owned(), text[name_end..].trim_start());
    if name.is_empty() {
        return None;
    }
    let default = match rest.strip_prefix(':') {
        // Behind an annotation, which may have brackets and texts of its own.
        Some(annotation) => annotation.rsplit_once('=').map(|(_, default)| default),
        None => rest.strip_prefix('='),
    };
    // An expression stands for its value: whoever leaves the argument out gets the same each time.
    let value =
        |text: &str| literal::parse(text).unwrap_or_else(|_| Value::Tuple(vec![Value::Str(text.trim().to_owned())]));
    Some(Parameter { default: default.map(value), name, passing })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names, with how they are passed and their default as text.
    fn read(program: &str) -> Option<String> {
        let shown = |parameter: Parameter| {
            let passing = match parameter.passing {
                Passing::Position => "/",
                Passing::PositionOrKeyword => "",
                Passing::Keyword => "=",
                Passing::Rest => "*",
                Passing::OtherKeywords => "**",
            };
            let default = parameter.default.map_or(String::new(), |value| format!("={}", crate::repr::repr(&value)));
            format!("{passing}{}{default}", parameter.name)
        };
        Some(of_f(program)?.into_iter().map(shown).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn parameters_are_read() {
        for (program, expected) in [
            ("def f(a):\n return a", "a"),
            ("import math\n\ndef g(x): pass\ndef f(a, b = [1, 2], c='(,'):\n return a", "a b=[1, 2] c='(,'"),
            ("def f(a: dict[str, int], b: int = 5, *c, d=None, **e):\n pass", "a b=5 *c =d=None **e"),
            ("def f(a, /, b, *, c, # so, (\n d=len('x')):\n pass", "/a b =c =d=(\"len('x')\",)"),
            ("def f(\n    a,\n    b,\n):\n pass", "a b"),
            ("def f():\n pass", ""),
        ] {
            assert_eq!(read(program).as_deref(), Some(expected), "{program}");
        }
    }

    #[test]
    fn what_may_be_another_function_is_not_read() {
        for program in [
            "",
            "f = lambda a: a",
            "def f(a):\n pass\nf = g",
            "@wrapped\ndef f(a):\n pass",
            "def f(a):\n pass\ndef f(b):\n pass",
            "class A:\n def f(a):\n  pass",
            "def f(a, (b, c)):\n pass",
            "def f(a",
        ] {
            assert_eq!(of_f(program), None, "{program}");
        }
    }
}
