//! Calls of builtin functions.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

use super::evaluate::Stop;
use super::iterate::{bytes, items_of, unordered_items_of};
use super::operator::{binary, floored};
use super::quantity::{self, Quantity, SIZE_MAX};

/// The functions that are known.
pub const FUNCTIONS: [&str; 32] = [
    "abs",
    "all",
    "any",
    "bin",
    "bool",
    "bytes",
    "chr",
    "complex",
    "dict",
    "divmod",
    "enumerate",
    "float",
    "frozenset",
    "hex",
    "int",
    "len",
    "list",
    "max",
    "min",
    "oct",
    "ord",
    "pow",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "sorted",
    "str",
    "sum",
    "tuple",
    "zip",
];

/// What is passed in a call.
pub struct Given {
    pub positional: Vec<Quantity>,
    pub keyword: Vec<(String, Quantity)>,
}

impl Given {
    /// The argument of a keyword, if it is passed.
    pub fn named(&mut self, name: &str) -> Option<Quantity> {
        let place = self.keyword.iter().position(|(given, _)| given == name)?;
        Some(self.keyword.remove(place).1)
    }
}

pub fn called(name: &str, mut given: Given) -> Result<Quantity, Stop> {
    if name == "dict" {
        return dict(given);
    }
    let options = Options {
        reverse: given.named("reverse").is_some_and(|reverse| reverse.is_true()),
        default: given.named("default"),
        start: given.named("start"),
        strict: given.named("strict").is_some(),
    };
    if !given.keyword.is_empty() || options.strict {
        return Err(Stop::because(format!("this argument of {name}; write the value")));
    }
    let arguments = given.positional;
    match arguments.as_slice() {
        [] => nothing(name),
        [one] => of_one(name, one, &options),
        [one, other] => of_two(name, one, other).or_else(|stop| match stop {
            Stop::Unknown => of_many(name, &arguments, &options),
            stop => Err(stop),
        }),
        _ => of_many(name, &arguments, &options),
    }
}

struct Options {
    reverse: bool,
    default: Option<Quantity>,
    start: Option<Quantity>,
    strict: bool,
}

fn nothing(name: &str) -> Result<Quantity, Stop> {
    Ok(match name {
        "list" | "zip" => Quantity::List(Vec::new()),
        "tuple" => Quantity::Tuple(Vec::new()),
        "set" => Quantity::Set(Vec::new()),
        "frozenset" => Quantity::FrozenSet(Vec::new()),
        "str" => Quantity::Str(String::new()),
        "int" => Quantity::int(0),
        "float" => Quantity::Float(0.0),
        "bool" => Quantity::Bool(false),
        "bytes" => Quantity::Bytes(Vec::new()),
        "complex" => Quantity::Complex(0.0, 0.0),
        _ => return Err(wrong_count(name)),
    })
}

fn of_one(name: &str, of: &Quantity, options: &Options) -> Result<Quantity, Stop> {
    Ok(match name {
        "list" => Quantity::List(items_of(of)?),
        "tuple" => Quantity::Tuple(items_of(of)?),
        "set" => Quantity::Set(quantity::set(unordered_items_of(of)?)?),
        "frozenset" => Quantity::FrozenSet(quantity::set(unordered_items_of(of)?)?),
        "bool" => Quantity::Bool(of.is_true()),
        "str" => match of {
            Quantity::Str(text) => Quantity::Str(text.clone()),
            of => Quantity::Str(of.printed()?),
        },
        "repr" => Quantity::Str(of.printed()?),
        "int" => integer(of)?,
        "float" => float(of)?,
        "complex" => Quantity::Complex(of.float().ok_or_else(|| unsupported(name, of))?, 0.0),
        "bytes" => match of {
            Quantity::Int(_) => Quantity::Bytes(vec![0; count(of)?]),
            of => Quantity::Bytes(bytes(&items_of(of)?)?),
        },
        "len" => Quantity::int(of.length().ok_or_else(|| unsupported(name, of))?),
        "abs" => match of {
            Quantity::Float(float) => Quantity::Float(float.abs()),
            of => Quantity::Int(magnitude(of.index()?)),
        },
        "sum" => sum(of, options.start.clone())?,
        "sorted" => Quantity::List(sorted(unordered_items_of(of)?, options.reverse)?),
        "reversed" => Quantity::List(items_of(of)?.into_iter().rev().collect()),
        "enumerate" => enumerate(of, options.start.as_ref())?,
        "zip" => Quantity::List(items_of(of)?.into_iter().map(|item| Quantity::Tuple(vec![item])).collect()),
        "min" | "max" => extreme(name, unordered_items_of(of)?, options.default.clone())?,
        "any" => Quantity::Bool(unordered_items_of(of)?.iter().any(Quantity::is_true)),
        "all" => Quantity::Bool(unordered_items_of(of)?.iter().all(Quantity::is_true)),
        "round" => rounded(of)?,
        "range" => range(&[Quantity::int(0), of.clone(), Quantity::int(1)])?,
        "chr" => {
            let code = u32::try_from(of.index()?).ok().and_then(char::from_u32);
            Quantity::Str(code.ok_or_else(|| Stop::because("chr() of no character"))?.into())
        }
        "ord" => match of {
            Quantity::Str(text) if text.chars().count() == 1 => Quantity::int(text.chars().map(u32::from).sum::<u32>()),
            of => return Err(unsupported(name, of)),
        },
        "hex" | "oct" | "bin" => based(name, &of.index()?),
        _ => return Err(wrong_count(name)),
    })
}

fn of_two(name: &str, one: &Quantity, other: &Quantity) -> Result<Quantity, Stop> {
    match name {
        "range" => range(&[one.clone(), other.clone(), Quantity::int(1)]),
        "pow" => binary("**", one, other),
        "divmod" => {
            let zero = Stop::because("division by zero");
            let (one, other) = (one.index()?, other.index()?);
            if other.sign() == Sign::NoSign {
                return Err(zero);
            }
            let (quotient, rest) = floored(&one, &other);
            Ok(Quantity::Tuple(vec![Quantity::Int(quotient), Quantity::Int(rest)]))
        }
        "sum" => sum(one, Some(other.clone())),
        "enumerate" => enumerate(one, Some(other)),
        "complex" => {
            let part = |of: &Quantity| of.float().ok_or_else(|| unsupported(name, of));
            Ok(Quantity::Complex(part(one)?, part(other)?))
        }
        "int" => match one {
            Quantity::Str(text) => {
                let base = u32::try_from(other.index()?).ok().filter(|base| (2..=36).contains(base));
                let digits = text.trim();
                let plain = digits.trim_start_matches(['+', '-']).chars().all(|c| c.is_ascii_alphanumeric());
                let number = base.filter(|_| plain).and_then(|base| BigInt::parse_bytes(digits.as_bytes(), base));
                number.map(Quantity::Int).ok_or_else(|| Stop::because("int() of no number in that base"))
            }
            one => Err(unsupported(name, one)),
        },
        _ => Err(Stop::Unknown),
    }
}

fn of_many(name: &str, arguments: &[Quantity], options: &Options) -> Result<Quantity, Stop> {
    match (name, arguments) {
        ("min" | "max", _) => extreme(name, arguments.to_vec(), options.default.clone()),
        ("range", [_, _, _]) => range(arguments),
        ("zip", _) => {
            let columns = arguments.iter().map(items_of).collect::<Result<Vec<_>, _>>()?;
            let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
            let row = |row: usize| Quantity::Tuple(columns.iter().map(|column| column[row].clone()).collect());
            Ok(Quantity::List((0..rows).map(row).collect()))
        }
        _ => Err(wrong_count(name)),
    }
}

fn wrong_count(name: &str) -> Stop {
    Stop::because(format!("{name}() with so many arguments"))
}

fn unsupported(name: &str, of: &Quantity) -> Stop {
    Stop::because(format!("{name}() of a {}", of.type_name()))
}

fn count(of: &Quantity) -> Result<usize, Stop> {
    let count = usize::try_from(of.index()?).ok().filter(|count| *count <= SIZE_MAX);
    count.ok_or_else(|| Stop::because("a negative or too large count"))
}

fn magnitude(integer: BigInt) -> BigInt {
    if integer.sign() == Sign::Minus { -integer } else { integer }
}

/// `dict(…)`: entries of the argument, then those of the keywords.
fn dict(given: Given) -> Result<Quantity, Stop> {
    let mut entries = match given.positional.as_slice() {
        [] => Vec::new(),
        [Quantity::Dict(entries)] => entries.clone(),
        [pairs] => {
            let pair = |pair: Quantity| match <[Quantity; 2]>::try_from(items_of(&pair)?) {
                Ok([key, value]) => Ok((key, value)),
                Err(_) => Err(Stop::because("dict() of what are no pairs")),
            };
            items_of(pairs)?.into_iter().map(pair).collect::<Result<_, _>>()?
        }
        _ => return Err(wrong_count("dict")),
    };
    entries.extend(given.keyword.into_iter().map(|(name, value)| (Quantity::Str(name), value)));
    quantity::dict(entries).map(Quantity::Dict)
}

fn range(bounds: &[Quantity]) -> Result<Quantity, Stop> {
    let mut numbers = bounds.iter().map(Quantity::index);
    let mut next = || numbers.next().unwrap_or_else(|| Err(wrong_count("range")));
    let (mut at, stop, step) = (next()?, next()?, next()?);
    if step.sign() == Sign::NoSign {
        return Err(Stop::because("a range whose step is zero"));
    }
    let mut items = Vec::new();
    while if step.sign() == Sign::Plus { at < stop } else { at > stop } {
        if items.len() > SIZE_MAX {
            return Err(Stop::because("a range that is too long to be written as a list"));
        }
        items.push(Quantity::Int(at.clone()));
        at += &step;
    }
    Ok(Quantity::List(items))
}

fn integer(of: &Quantity) -> Result<Quantity, Stop> {
    match of {
        Quantity::Float(float) if float.is_finite() => {
            let digits = format!("{:.0}", float.trunc());
            Ok(Quantity::Int(digits.parse().map_err(|_| unsupported("int", of))?))
        }
        Quantity::Str(text) => {
            let digits = text.trim();
            let plain = digits.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit());
            let number = plain.then(|| digits.trim_start_matches('+').parse().ok()).flatten();
            number.map(Quantity::Int).ok_or_else(|| Stop::because("int() of no number"))
        }
        of => of.index().map(Quantity::Int),
    }
}

fn float(of: &Quantity) -> Result<Quantity, Stop> {
    let text = match of {
        Quantity::Str(text) => text.trim(),
        of => return of.float().map(Quantity::Float).ok_or_else(|| unsupported("float", of)),
    };
    let unsigned = text.trim_start_matches(['+', '-']);
    let is_number = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || ["nan", "inf", "infinity"].contains(&unsigned.to_ascii_lowercase().as_str());
    let number = is_number.then(|| text.parse().ok()).flatten();
    number.map(Quantity::Float).ok_or_else(|| Stop::because("float() of no number"))
}

fn sum(of: &Quantity, start: Option<Quantity>) -> Result<Quantity, Stop> {
    let items = unordered_items_of(of)?;
    if items.iter().any(|item| matches!(item, Quantity::Float(_))) {
        // Python adds floats with a correction.
        return Err(Stop::because("a sum of floats; write the value"));
    }
    // Each sum of lists is another list.
    if items.len() > 200 && items.iter().any(|item| item.length().is_some()) {
        return Err(Stop::because("a sum of too many lists"));
    }
    items.iter().try_fold(start.unwrap_or(Quantity::int(0)), |sum, item| binary("+", &sum, item))
}

fn enumerate(of: &Quantity, start: Option<&Quantity>) -> Result<Quantity, Stop> {
    let start = start.map_or(Ok(BigInt::from(0)), Quantity::index)?;
    let numbered = |(number, item)| Quantity::Tuple(vec![Quantity::Int(&start + BigInt::from(number)), item]);
    Ok(Quantity::List((0_u64..).zip(items_of(of)?).map(numbered).collect()))
}

/// In Python's order; equal items keep theirs.
pub fn sorted(mut items: Vec<Quantity>, reverse: bool) -> Result<Vec<Quantity>, Stop> {
    let mut unordered = false;
    items.sort_by(|one, other| {
        let order = one.compared(other).unwrap_or_else(|| {
            unordered = true;
            Ordering::Equal
        });
        if reverse { order.reverse() } else { order }
    });
    if unordered { Err(Stop::because("items without an order")) } else { Ok(items) }
}

fn extreme(name: &str, items: Vec<Quantity>, default: Option<Quantity>) -> Result<Quantity, Stop> {
    let wanted = if name == "min" { Ordering::Less } else { Ordering::Greater };
    let mut items = items.into_iter();
    let Some(mut found) = items.next() else {
        return default.ok_or_else(|| Stop::because(format!("{name}() of nothing")));
    };
    for item in items {
        let order = item.compared(&found).ok_or_else(|| Stop::because("items without an order"))?;
        found = if order == wanted { item } else { found };
    }
    Ok(found)
}

/// To the next integer, halves to the even one.
fn rounded(of: &Quantity) -> Result<Quantity, Stop> {
    match of {
        Quantity::Float(float) => integer(&Quantity::Float(float.round_ties_even())),
        of => of.index().map(Quantity::Int),
    }
}

fn based(name: &str, integer: &BigInt) -> Quantity {
    let (base, prefix) = match name {
        "hex" => (16, "0x"),
        "oct" => (8, "0o"),
        _ => (2, "0b"),
    };
    let sign = if integer.sign() == Sign::Minus { "-" } else { "" };
    Quantity::Str(format!("{sign}{prefix}{}", magnitude(integer.clone()).to_str_radix(base)))
}
