//! What stands behind a number: percent, units of measure, things that are counted.

/// The unit of a number.
#[derive(Clone, Debug, PartialEq)]
pub enum Unit {
    None,
    Percent,
    /// One of [`UNITS`], by its first name.
    Known(&'static str),
    /// Anything else, such as "apples" or "square units".
    Other,
}

/// Names of one unit each, the plural with an s left out. Units that are spelt in several ways are told apart; the others
/// are [`Unit::Other`].
const UNITS: [&[&str]; 45] = [
    &["degree", "°", "deg"],
    &["radian", "rad"],
    &["dollar", "$", "usd", "buck"],
    &["cent", "¢"],
    &["euro", "€"],
    &["pound sterling", "£"],
    &["mm", "millimeter", "millimetre"],
    &["cm", "centimeter", "centimetre"],
    &["dm", "decimeter", "decimetre"],
    &["m", "meter", "metre"],
    &["km", "kilometer", "kilometre"],
    &["inch", "in", "inche"],
    &["foot", "ft", "feet"],
    &["yard", "yd"],
    &["mile", "mi"],
    &["mm2", "square millimeter", "square mm"],
    &["cm2", "square centimeter", "square cm", "sq cm"],
    &["m2", "square meter", "square m", "sq m"],
    &["km2", "square kilometer", "square km", "sq km"],
    &["inch2", "in2", "inche2", "square inch", "square inche", "sq in"],
    &["foot2", "ft2", "feet2", "square foot", "square feet", "sq ft"],
    &["yard2", "yd2", "square yard", "sq yd"],
    &["mile2", "mi2", "square mile", "sq mi"],
    &["cm3", "cubic centimeter", "cubic cm", "cc"],
    &["m3", "cubic meter", "cubic m"],
    &["inch3", "in3", "inche3", "cubic inch", "cubic inche"],
    &["foot3", "ft3", "feet3", "cubic foot", "cubic feet"],
    &["g", "gram"],
    &["mg", "milligram"],
    &["kg", "kilogram"],
    &["lb", "pound"],
    &["oz", "ounce"],
    &["ton", "tonne"],
    &["ml", "milliliter", "millilitre"],
    &["l", "liter", "litre"],
    &["gallon", "gal"],
    &["second", "sec", "s"],
    &["minute", "min"],
    &["hour", "hr", "h"],
    &["day"],
    &["week", "wk"],
    &["month"],
    &["year", "yr"],
    &["mile per hour", "mph", "mi/h", "mi/hr", "miles per hour"],
    &["km/h", "kilometer per hour", "kph", "km/hr", "kilometers per hour"],
];

const PERCENT: [&str; 4] = ["%", "percent", "pct", "percentage"];

impl Unit {
    /// The unit that words name, with 2 or 3 behind them for areas and volumes.
    pub fn named(words: &str) -> Unit {
        let words = words.trim().trim_end_matches('.').to_lowercase();
        let singular = words.strip_suffix('s').filter(|rest| !rest.is_empty()).unwrap_or(&words);
        let known = |name: &str| UNITS.iter().find(|names| names.contains(&name)).map(|names| Unit::Known(names[0]));
        match &*words {
            "" => Unit::None,
            words if PERCENT.contains(&words) => Unit::Percent,
            words => known(words).or_else(|| known(singular)).unwrap_or(Unit::Other),
        }
    }

    /// Whether a number with the one can be meant by a number with the other. A unit may be left out, and other words say
    /// nothing.
    pub fn agrees(&self, other: &Unit) -> bool {
        match (self, other) {
            (Unit::Known(one), Unit::Known(other)) => one == other,
            (Unit::Known(_), Unit::Percent) | (Unit::Percent, Unit::Known(_)) => false,
            _ => true,
        }
    }
}
