//! Sets of real numbers: unions of intervals, with single points among them.

use std::cmp::Ordering;

use crate::numeric;
use crate::polynomial::Work;
use crate::quotient::Quotient;
use crate::value::Value;

/// Intervals in rising order that do not touch each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Region(Vec<Interval>);

#[derive(Clone, Debug, PartialEq)]
struct Interval {
    low: End,
    high: End,
}

/// A bound, or none on this side.
type End = Option<Bound>;

#[derive(Clone, Debug, PartialEq)]
struct Bound {
    at: Quotient,
    /// Whether the bound itself belongs to the interval.
    closed: bool,
}

/// What a number is said to be, beside a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    Above,
    AtLeast,
    Below,
    AtMost,
    Not,
}

/// Which of two sets something must be in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Combined {
    Both,
    Either,
    OnlyFirst,
}

/// Intervals that one answer may name; each is compared with each.
const INTERVALS_MAX: usize = 30;

impl Region {
    pub fn all() -> Region {
        Region(vec![Interval { low: None, high: None }])
    }

    pub fn beside(beside: Beside, at: &Quotient) -> Region {
        let bound = |closed| Some(Bound { at: at.clone(), closed });
        let above = |closed| Interval { low: bound(closed), high: None };
        let below = |closed| Interval { low: None, high: bound(closed) };
        Region(match beside {
            Beside::Above => vec![above(false)],
            Beside::AtLeast => vec![above(true)],
            Beside::Below => vec![below(false)],
            Beside::AtMost => vec![below(true)],
            Beside::Not => vec![below(false), above(false)],
        })
    }

    pub fn empty() -> Region {
        Region(Vec::new())
    }

    pub fn single(at: &Quotient) -> Region {
        Region(vec![Region::point(at)])
    }

    /// Without its bounds.
    pub fn between(low: Option<&Quotient>, high: Option<&Quotient>) -> Region {
        let open = |at: Option<&Quotient>| at.map(|at| Bound { at: at.clone(), closed: false });
        Region(vec![Interval { low: open(low), high: open(high) }])
    }

    fn point(at: &Quotient) -> Interval {
        let bound = Some(Bound { at: at.clone(), closed: true });
        Interval { low: bound.clone(), high: bound }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The set that an interval, a set of numbers or what is said of a letter is; none where bounds are unknown.
    pub fn of(value: &Value, work: &mut Work) -> Result<Option<Region>, String> {
        Ok(match value {
            Value::Region(region) => Some(region.clone()),
            Value::Named { value, .. } => Region::of(value, work)?,
            Value::Relation { solution: Some((_, region)), .. } => Some(region.clone()),
            Value::Number { value, .. } if is_constant(value) => Some(Region(vec![Region::point(value)])),
            Value::Set(items) => {
                let mut all = Region(Vec::new());
                for item in items {
                    match item {
                        Value::Number { .. } => match Region::of(item, work)? {
                            Some(point) => all = all.combined(&point, Combined::Either, work)?,
                            None => return Ok(None),
                        },
                        _ => return Ok(None),
                    }
                }
                Some(all)
            }
            Value::Tuple { open, close, items } => match (&items[..], bracket(*open, *close)) {
                ([low, high], Some((low_closed, high_closed))) => interval(low, low_closed, high, high_closed, work)?,
                _ => None,
            },
            _ => None,
        })
    }

    pub fn equals(&self, other: &Region, work: &mut Work) -> Result<bool, String> {
        let beyond = self.combined(other, Combined::OnlyFirst, work)?;
        Ok(beyond.is_empty() && other.combined(self, Combined::OnlyFirst, work)?.is_empty())
    }

    /// What is in both, in one of them, or in the first only: every bound is a point, and between them are gaps.
    pub fn combined(&self, other: &Region, combined: Combined, work: &mut Work) -> Result<Region, String> {
        if self.0.len() + other.0.len() > INTERVALS_MAX {
            return Err(format!("more than {INTERVALS_MAX} intervals"));
        }
        let bounds = sorted_bounds(self, other, work)?;
        work.spend((bounds.len() * (self.0.len() + other.0.len())) as u64 / 4)?;
        let [spans, others] = [self, other].map(|region| region.spans(&bounds));
        let mut kept = Vec::new();
        let mut open: Option<End> = None;
        // Gaps have even numbers, bounds odd ones.
        for place in 0..=2 * bounds.len() {
            let inside = |spans: &[(usize, usize)]| spans.iter().any(|(low, high)| (*low..=*high).contains(&place));
            let is_kept = match combined {
                Combined::Both => inside(&spans) && inside(&others),
                Combined::Either => inside(&spans) || inside(&others),
                Combined::OnlyFirst => inside(&spans) && !inside(&others),
            };
            let bound = |closed| {
                let index = if place % 2 == 1 { place / 2 } else { place / 2 - 1 };
                Some(Bound { at: bounds[index].clone(), closed })
            };
            match (&open, is_kept) {
                (None, true) => open = Some(if place == 0 { None } else { bound(place % 2 == 1) }),
                (Some(low), false) => {
                    // It ended with the place before.
                    kept.push(Interval { low: low.clone(), high: bound(place % 2 == 0) });
                    open = None;
                }
                _ => {}
            }
        }
        kept.extend(open.map(|low| Interval { low, high: None }));
        Ok(Region(kept))
    }

    /// The first and last place of each interval. All its bounds are among `bounds`.
    fn spans(&self, bounds: &[Quotient]) -> Vec<(usize, usize)> {
        let place = |bound: &Bound| 2 * bounds.iter().position(|at| *at == bound.at).unwrap_or(0) + 1;
        let span = |Interval { low, high }: &Interval| {
            let first = low.as_ref().map_or(0, |low| place(low) + usize::from(!low.closed));
            let last = high.as_ref().map_or(2 * bounds.len(), |high| place(high) - usize::from(!high.closed));
            (first, last)
        };
        self.0.iter().map(span).collect()
    }
}

/// All bounds in rising order, each once.
fn sorted_bounds(a: &Region, b: &Region, work: &mut Work) -> Result<Vec<Quotient>, String> {
    let mut sorted: Vec<Quotient> = Vec::new();
    let ends = a.0.iter().chain(&b.0).flat_map(|interval| [&interval.low, &interval.high]);
    for Bound { at, .. } in ends.flatten() {
        let (mut low, mut high) = (0, sorted.len());
        let mut known = false;
        while low < high && !known {
            let middle = (low + high) / 2;
            match order(at, &sorted[middle], work)? {
                Ordering::Greater => low = middle + 1,
                Ordering::Less => high = middle,
                Ordering::Equal if *at == sorted[middle] => known = true,
                Ordering::Equal => return Err("bounds that are equal in a way that is hard to see".into()),
            }
        }
        if !known {
            sorted.insert(low, at.clone());
        }
    }
    Ok(sorted)
}

/// Which of two constants is larger.
pub fn order(a: &Quotient, b: &Quotient, work: &mut Work) -> Result<Ordering, String> {
    work.spend(1)?;
    if let (Some(a), Some(b)) = (a.as_rational(), b.as_rational()) {
        return Ok(a.cmp(&b));
    }
    if a.equals(b, work)? {
        return Ok(Ordering::Equal);
    }
    match numeric::sign(&a.minus(b, work)?, work)? {
        Some(sign) => Ok(sign.cmp(&0)),
        None => Err("bounds of which nobody knows which is larger".into()),
    }
}

pub fn is_constant(value: &Quotient) -> bool {
    !value.has_unknowns()
}

fn bracket(open: char, close: char) -> Option<(bool, bool)> {
    Some((
        match open {
            '[' => true,
            '(' => false,
            _ => return None,
        },
        match close {
            ']' => true,
            ')' => false,
            _ => return None,
        },
    ))
}

fn interval(
    low: &Value,
    low_closed: bool,
    high: &Value,
    high_closed: bool,
    work: &mut Work,
) -> Result<Option<Region>, String> {
    let end = |value: &Value, closed: bool, negative: bool| match value {
        // Infinity belongs to no interval of reals.
        Value::Infinity { negative: own } if *own == negative && !closed => Some(None),
        Value::Number { value, .. } if is_constant(value) => Some(Some(Bound { at: value.clone(), closed })),
        _ => None,
    };
    let (Some(low), Some(high)) = (end(low, low_closed, true), end(high, high_closed, false)) else { return Ok(None) };
    if let (Some(low), Some(high)) = (&low, &high) {
        match order(&low.at, &high.at, work)? {
            Ordering::Less => {}
            Ordering::Equal if low_closed && high_closed => return Ok(Some(Region(vec![Region::point(&low.at)]))),
            _ => return Ok(None),
        }
    }
    Ok(Some(Region(vec![Interval { low, high }])))
}
