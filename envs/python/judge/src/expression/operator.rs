//! Operators.

use num_bigint::{BigInt, Sign};

use super::evaluate::Stop;
use super::iterate::{items_of, rebuilt, unordered_items_of};
use super::quantity::{self, BITS_MAX, Quantity, SIZE_MAX};

pub fn unary(operator: &str, operand: &Quantity) -> Result<Quantity, Stop> {
    Ok(match (operator, operand) {
        ("not", operand) => Quantity::Bool(!operand.is_true()),
        ("-", Quantity::Float(float)) => Quantity::Float(-float),
        ("+", Quantity::Float(float)) => Quantity::Float(*float),
        ("-", Quantity::Complex(real, imag)) => Quantity::Complex(-real, -imag),
        ("-", operand) => Quantity::Int(-operand.index()?),
        ("+", operand) => Quantity::Int(operand.index()?),
        (_, operand) => Quantity::Int(-operand.index()? - 1),
    })
}

/// Most comparisons of items that one operator may need. Sets and dicts are compared each item with each.
const COMPARED_MAX: usize = 200_000;

/// Refuses what would be compared for too long.
pub fn comparable(one: &Quantity, other: &Quantity) -> Result<(), Stop> {
    match one.size().saturating_mul(other.size()) {
        0..=COMPARED_MAX => Ok(()),
        _ if matches!((one, other), (Quantity::Str(_), Quantity::Str(_))) => Ok(()),
        _ => Err(Stop::because("values that are too large to be compared")),
    }
}

pub fn compare(operator: &str, left: &Quantity, right: &Quantity) -> Result<bool, Stop> {
    comparable(left, right)?;
    let ordered = || {
        left.compared(right).ok_or_else(|| {
            Stop::because(format!("a {} and a {} have no order here", left.type_name(), right.type_name()))
        })
    };
    Ok(match operator {
        "==" => left.equals(right),
        "!=" => !left.equals(right),
        "<" => ordered()?.is_lt(),
        "<=" => ordered()?.is_le(),
        ">" => ordered()?.is_gt(),
        ">=" => ordered()?.is_ge(),
        "in" => contains(right, left)?,
        "not in" => !contains(right, left)?,
        // Of other values it depends on the interpreter.
        "is" if matches!(right, Quantity::None) => matches!(left, Quantity::None),
        "is not" if matches!(right, Quantity::None) => !matches!(left, Quantity::None),
        _ => return Err(Stop::because("`is` compares addresses")),
    })
}

fn contains(container: &Quantity, item: &Quantity) -> Result<bool, Stop> {
    match (container, item) {
        (Quantity::Str(text), Quantity::Str(part)) => Ok(text.contains(part.as_str())),
        (Quantity::Str(_), _) => Err(Stop::because("only a text can be in a text")),
        _ => Ok(unordered_items_of(container)?.iter().any(|found| found.equals(item))),
    }
}

pub fn binary(operator: &str, left: &Quantity, right: &Quantity) -> Result<Quantity, Stop> {
    let unsupported =
        || Stop::because(format!("`{operator}` between a {} and a {}", left.type_name(), right.type_name()));
    match (operator, left, right) {
        (_, Quantity::Complex(..), _) | (_, _, Quantity::Complex(..)) => {
            Err(Stop::because("arithmetic of complex numbers; write the value"))
        }
        ("+", Quantity::Str(one), Quantity::Str(other)) => Ok(Quantity::Str(format!("{one}{other}"))),
        ("+", Quantity::List(_), Quantity::List(_))
        | ("+", Quantity::Tuple(_), Quantity::Tuple(_))
        | ("+", Quantity::Bytes(_), Quantity::Bytes(_)) => rebuilt(left, [items_of(left)?, items_of(right)?].concat()),
        ("*", sequence, times) | ("*", times, sequence)
            if matches!(sequence, Quantity::Str(_) | Quantity::List(_) | Quantity::Tuple(_) | Quantity::Bytes(_)) =>
        {
            repeated(sequence, &times.index()?)
        }
        ("%", Quantity::Str(_), _) => Err(Stop::because("a formatted text; write the text")),
        ("|", Quantity::Dict(one), Quantity::Dict(other)) => {
            quantity::dict([one.clone(), other.clone()].concat()).map(Quantity::Dict)
        }
        (_, Quantity::Set(one) | Quantity::FrozenSet(one), Quantity::Set(other) | Quantity::FrozenSet(other)) => {
            comparable(left, right)?;
            let items = of_sets(operator, one, other).ok_or_else(unsupported)?;
            let items = quantity::set(items)?;
            Ok(if matches!(left, Quantity::Set(_)) { Quantity::Set(items) } else { Quantity::FrozenSet(items) })
        }
        ("|" | "&" | "^", Quantity::Bool(one), Quantity::Bool(other)) => Ok(Quantity::Bool(match operator {
            "|" => *one || *other,
            "&" => *one && *other,
            _ => one != other,
        })),
        (_, Quantity::Float(_), _) | (_, _, Quantity::Float(_)) => {
            of_floats(operator, left.float().ok_or_else(unsupported)?, right.float().ok_or_else(unsupported)?)
        }
        _ => {
            of_integers(operator, &left.index().map_err(|_| unsupported())?, &right.index().map_err(|_| unsupported())?)
        }
    }
}

fn repeated(sequence: &Quantity, times: &BigInt) -> Result<Quantity, Stop> {
    let times = if times.sign() == Sign::Minus { 0 } else { usize::try_from(times).unwrap_or(usize::MAX) };
    if sequence.size().saturating_mul(times) > 2 * SIZE_MAX {
        return Err(Stop::because("a sequence that is too long"));
    }
    let items = items_of(sequence)?;
    rebuilt(sequence, (0..times).flat_map(|_| items.iter().cloned()).collect())
}

fn of_sets(operator: &str, one: &[Quantity], other: &[Quantity]) -> Option<Vec<Quantity>> {
    let has = |items: &[Quantity], item: &Quantity| items.iter().any(|found| found.equals(item));
    let of = |items: &[Quantity], others: &[Quantity], wanted: bool| -> Vec<Quantity> {
        items.iter().filter(|item| has(others, item) == wanted).cloned().collect()
    };
    Some(match operator {
        "|" => [one, other].concat(),
        "&" => of(one, other, true),
        "-" => of(one, other, false),
        "^" => [of(one, other, false), of(other, one, false)].concat(),
        _ => return None,
    })
}

fn of_floats(operator: &str, left: f64, right: f64) -> Result<Quantity, Stop> {
    let divisor = || if right == 0.0 { Err(Stop::because("division by zero")) } else { Ok(right) };
    let modulo = |divisor: f64| {
        let rest = left % divisor;
        if rest != 0.0 && (rest < 0.0) != (divisor < 0.0) { rest + divisor } else { rest }
    };
    Ok(Quantity::Float(match operator {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" => left / divisor()?,
        "//" => ((left - modulo(divisor()?)) / right).round(),
        "%" => modulo(divisor()?),
        // The last digit is that of the C library.
        _ => return Err(Stop::because(format!("`{operator}` of floats; write the value"))),
    }))
}

fn of_integers(operator: &str, left: &BigInt, right: &BigInt) -> Result<Quantity, Stop> {
    let zero = || right.sign() == Sign::NoSign;
    let within =
        |bits: u64| if bits > BITS_MAX + 64 { Err(Stop::because("an integer of too many digits")) } else { Ok(()) };
    let count = |number: &BigInt| u64::try_from(number).map_err(|_| Stop::because("a negative or too large count"));
    Ok(Quantity::Int(match operator {
        "+" => left + right,
        "-" => left - right,
        "*" => {
            within(left.bits() + right.bits())?;
            left * right
        }
        "/" | "//" | "%" if zero() => return Err(Stop::because("division by zero")),
        "/" => return quotient(left, right),
        "//" => floored(left, right).0,
        "%" => floored(left, right).1,
        "**" if right.sign() == Sign::Minus => {
            let power = integer_power(left, &count(&-right)?, within)?;
            return if power.sign() == Sign::NoSign {
                Err(Stop::because("division by zero"))
            } else {
                quotient(&BigInt::from(1), &power)
            };
        }
        "**" => integer_power(left, &count(right)?, within)?,
        "<<" => {
            within(left.bits().saturating_add(count(right)?))?;
            left << count(right)?
        }
        ">>" => left >> count(right)?.min(BITS_MAX * 2),
        "|" => left | right,
        "&" => left & right,
        _ => left ^ right,
    }))
}

fn integer_power(base: &BigInt, exponent: &u64, within: impl Fn(u64) -> Result<(), Stop>) -> Result<BigInt, Stop> {
    if base.bits() > 1 {
        within((base.bits() - 1).saturating_mul(*exponent))?;
        let exponent = u32::try_from(*exponent).map_err(|_| Stop::because("an integer of too many digits"))?;
        return Ok(base.pow(exponent));
    }
    // 0, 1 and -1.
    let is_odd = exponent % 2 == 1;
    Ok(if *exponent == 0 || !is_odd && base.sign() == Sign::Minus { BigInt::from(1) } else { base.clone() })
}

/// Quotient and remainder, rounded down as Python does.
pub fn floored(left: &BigInt, right: &BigInt) -> (BigInt, BigInt) {
    let (quotient, rest) = (left / right, left % right);
    if rest.sign() != Sign::NoSign && rest.sign() != right.sign() {
        (quotient - 1, rest + right)
    } else {
        (quotient, rest)
    }
}

/// `/` of integers: rounded once, so both must be exact as floats.
fn quotient(left: &BigInt, right: &BigInt) -> Result<Quantity, Stop> {
    if left.bits() > 53 || right.bits() > 53 {
        return Err(Stop::because("`/` of integers over 2**53; write the value"));
    }
    let float = |number: &BigInt| Quantity::Int(number.clone()).float().unwrap_or(f64::NAN);
    Ok(Quantity::Float(float(left) / float(right)))
}
