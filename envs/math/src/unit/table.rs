//! Units of measure, by what they are made of.

/// A unit: its names, its symbols, how many of the base units it is, and which.
pub struct Known {
    pub names: &'static [&'static str],
    pub symbols: &'static [&'static str],
    pub over: u64,
    pub under: u64,
    pub dimensions: &'static [(&'static str, i32)],
    /// Whether kilo, centi and so on may stand before it.
    pub prefixed: bool,
}

const fn known(
    names: &'static [&'static str],
    symbols: &'static [&'static str],
    (over, under): (u64, u64),
    dimensions: &'static [(&'static str, i32)],
) -> Known {
    Known { names, symbols, over, under, dimensions, prefixed: false }
}

const fn prefixed(unit: Known) -> Known {
    Known { prefixed: true, ..unit }
}

const LENGTH: &[(&str, i32)] = &[("m", 1)];
const AREA: &[(&str, i32)] = &[("m", 2)];
const VOLUME: &[(&str, i32)] = &[("m", 3)];
const MASS: &[(&str, i32)] = &[("g", 1)];
const TIME: &[(&str, i32)] = &[("s", 1)];
const SPEED: &[(&str, i32)] = &[("m", 1), ("s", -1)];
const ENERGY: &[(&str, i32)] = &[("g", 1), ("m", 2), ("s", -2)];
const PRESSURE: &[(&str, i32)] = &[("g", 1), ("m", -1), ("s", -2)];

/// Units of different dimensions never agree, those of equal ones are converted. The ounce is one of mass, and
/// the pint and its parts are those of the United States; a year is
/// twelve months, and no number of days.
pub const UNITS: [Known; 76] = [
    prefixed(known(&["meter", "metre"], &["m"], (1, 1), LENGTH)),
    known(&["micron"], &[], (1, 1_000_000), LENGTH),
    known(&["inch", "inches"], &["in"], (127, 5000), LENGTH),
    known(&["foot", "feet"], &["ft"], (381, 1250), LENGTH),
    known(&["yard"], &["yd", "yds"], (1143, 1250), LENGTH),
    known(&["mile"], &["mi"], (201_168, 125), LENGTH),
    known(&["nautical mile"], &["nmi"], (1852, 1), LENGTH),
    known(&["light-year", "lightyear"], &["ly"], (9_460_730_472_580_800, 1), LENGTH),
    known(&["hectare"], &["ha"], (10_000, 1), AREA),
    known(&["acre"], &[], (40_468_564_224, 10_000_000), AREA),
    prefixed(known(&["liter", "litre"], &["L", "l"], (1, 1000), VOLUME)),
    known(&[], &["cc", "ccm"], (1, 1_000_000), VOLUME),
    known(&["gallon"], &["gal"], (473_176_473, 125_000_000_000), VOLUME),
    known(&["quart"], &["qt"], (473_176_473, 500_000_000_000), VOLUME),
    known(&["pint"], &["pt"], (473_176_473, 1_000_000_000_000), VOLUME),
    known(&["cup"], &[], (473_176_473, 2_000_000_000_000), VOLUME),
    known(&["tablespoon"], &["tbsp"], (473_176_473, 32_000_000_000_000), VOLUME),
    known(&["teaspoon"], &["tsp"], (473_176_473, 96_000_000_000_000), VOLUME),
    known(&["fluid ounce"], &[], (473_176_473, 16_000_000_000_000), VOLUME),
    prefixed(known(&["gram", "gramme"], &["g"], (1, 1), MASS)),
    prefixed(known(&["ton", "tonne"], &["t"], (1_000_000, 1), MASS)),
    known(&["kilo"], &["kgs"], (1000, 1), MASS),
    known(&["pound"], &["lb", "lbs"], (45_359_237, 100_000), MASS),
    known(&["ounce"], &["oz"], (45_359_237, 1_600_000), MASS),
    known(&["stone"], &[], (45_359_237 * 14, 100_000), MASS),
    prefixed(known(&["second"], &["s", "sec", "secs"], (1, 1), TIME)),
    known(&["minute"], &["min", "mins"], (60, 1), TIME),
    known(&["hour"], &["h", "hr", "hrs"], (3600, 1), TIME),
    known(&["day"], &[], (86_400, 1), TIME),
    known(&["week"], &["wk", "wks"], (604_800, 1), TIME),
    known(&["month"], &[], (1, 1), &[("month", 1)]),
    known(&["year"], &["yr", "yrs"], (12, 1), &[("month", 1)]),
    known(&["decade"], &[], (120, 1), &[("month", 1)]),
    known(&["century", "centuries"], &[], (1200, 1), &[("month", 1)]),
    known(&[], &["mph"], (1397, 3125), SPEED),
    known(&[], &["kph", "kmh", "kmph"], (5, 18), SPEED),
    known(&[], &["mps"], (1, 1), SPEED),
    known(&["knot"], &["kn"], (1852, 3600), SPEED),
    known(&[], &["rpm"], (1, 60), &[("revolution", 1), ("s", -1)]),
    known(&["revolution"], &["rev"], (1, 1), &[("revolution", 1)]),
    prefixed(known(&["hertz"], &["Hz"], (1, 1), &[("s", -1)])),
    prefixed(known(&["newton"], &["N"], (1000, 1), &[("g", 1), ("m", 1), ("s", -2)])),
    prefixed(known(&["joule"], &["J"], (1000, 1), ENERGY)),
    prefixed(known(&["calorie"], &["cal"], (4184, 1), ENERGY)),
    prefixed(known(&["watt-hour"], &["Wh"], (3_600_000, 1), ENERGY)),
    prefixed(known(&["electronvolt"], &["eV"], (1, 1), &[("electronvolt", 1)])),
    prefixed(known(&["watt"], &["W"], (1000, 1), &[("g", 1), ("m", 2), ("s", -3)])),
    prefixed(known(&["pascal"], &["Pa"], (1000, 1), PRESSURE)),
    known(&["bar"], &[], (100_000_000, 1), PRESSURE),
    known(&["atmosphere"], &["atm"], (101_325_000, 1), PRESSURE),
    prefixed(known(&["ampere", "amp"], &["A"], (1, 1), &[("A", 1)])),
    prefixed(known(&["coulomb"], &["C"], (1, 1), &[("A", 1), ("s", 1)])),
    prefixed(known(&["volt"], &["V"], (1000, 1), &[("g", 1), ("m", 2), ("s", -3), ("A", -1)])),
    prefixed(known(&["ohm"], &["Ω"], (1000, 1), &[("g", 1), ("m", 2), ("s", -3), ("A", -2)])),
    prefixed(known(&["farad"], &["F"], (1, 1000), &[("g", -1), ("m", -2), ("s", 4), ("A", 2)])),
    prefixed(known(&["tesla"], &["T"], (1000, 1), &[("g", 1), ("s", -2), ("A", -1)])),
    prefixed(known(&["mole"], &["mol"], (1, 1), &[("mol", 1)])),
    prefixed(known(&["kelvin"], &["K"], (1, 1), &[("kelvin", 1)])),
    known(&["celsius", "centigrade"], &["degC"], (1, 1), &[("celsius", 1)]),
    known(&["fahrenheit"], &["degF"], (1, 1), &[("fahrenheit", 1)]),
    known(&["degree"], &["°", "deg", "degs"], (1, 1), &[("degree", 1)]),
    known(&["arcminute"], &["arcmin"], (1, 60), &[("degree", 1)]),
    known(&["arcsecond"], &["arcsec"], (1, 3600), &[("degree", 1)]),
    known(&["radian"], &["rad", "rads"], (1, 1), &[("radian", 1)]),
    prefixed(known(&["byte"], &["B"], (8, 1), &[("bit", 1)])),
    prefixed(known(&["bit"], &[], (1, 1), &[("bit", 1)])),
    known(&["percent", "percentage"], &["%", "pct"], (1, 1), &[("percent", 1)]),
    known(&["dollar", "buck"], &["$", "USD", "usd"], (1, 1), &[("dollar", 1)]),
    known(&["cent"], &["¢"], (1, 100), &[("dollar", 1)]),
    known(&["euro"], &["€", "EUR"], (1, 1), &[("euro", 1)]),
    known(&["pound sterling"], &["£", "GBP"], (1, 1), &[("sterling", 1)]),
    known(&["pence", "penny"], &[], (1, 100), &[("sterling", 1)]),
    known(&["yen"], &["¥", "JPY"], (1, 1), &[("yen", 1)]),
    known(&["yuan", "rmb"], &["CNY"], (1, 1), &[("yuan", 1)]),
    known(&["rupee"], &["₹", "INR"], (1, 1), &[("rupee", 1)]),
    known(&["decibel"], &["dB"], (1, 1), &[("decibel", 1)]),
];

/// Powers of ten before a unit, by name and by symbol.
pub const PREFIXES: [(&str, &str, i32); 13] = [
    ("tera", "T", 12),
    ("giga", "G", 9),
    ("mega", "M", 6),
    ("kilo", "k", 3),
    ("hecto", "h", 2),
    ("deca", "da", 1),
    ("deci", "d", -1),
    ("centi", "c", -2),
    ("milli", "m", -3),
    ("micro", "μ", -6),
    ("micro", "u", -6),
    ("nano", "n", -9),
    ("pico", "p", -12),
];
