//! Digits with separators of thousands, a fraction that may repeat, and a power of ten.

use num_bigint::BigInt;
use num_traits::Pow;

use super::{Kind, Lexer, Token, braced};
use crate::polynomial::Rational;

/// Numbers are written with so many digits at most; as an exponent of ten, up to this size.
const DIGITS_MAX: usize = 1000;

pub(super) fn whole_number(number: u32) -> Kind {
    Kind::Number { value: Rational::from(BigInt::from(number)), digits: number.to_string() }
}

impl<'a> Lexer<'a> {
    /// Whether a point is that of a decimal.
    pub(super) fn fraction_follows(&self) -> bool {
        let after = &self.rest[1..];
        after.starts_with(|c: char| c.is_ascii_digit()) || period(after).is_some()
    }

    pub(super) fn number(&mut self) -> Result<(), String> {
        if self.number_with_prefix() {
            return Ok(());
        }
        let start = self.rest;
        let mut digits = self.digits();
        let grouped = (1..=3).contains(&digits.len());
        let mut used = None;
        while let Some(separator) = self.separator(&digits, used).filter(|_| grouped) {
            self.rest = &self.rest[separator.len()..];
            digits += &self.digits();
            used = Some(separator);
        }
        if grouped && used.is_none() {
            self.groups_behind_points(&mut digits);
        }
        let mut value = whole(&digits)?;
        let mut shown = digits.clone();
        let point = if self.rest.starts_with("..") { None } else { self.rest.strip_prefix('.') };
        if let Some(rest) = point.or_else(|| self.decimal_comma()) {
            self.rest = rest;
            let fraction = self.grouped_fraction();
            value += whole(&fraction)? / power_of_ten(fraction.len())?;
            shown = format!("{digits}.{fraction}");
            let repeats = period(self.rest).or_else(|| continued(&fraction, self.rest));
            if let Some((repeated, length)) = repeats.or_else(|| marked(&fraction, self.rest)) {
                let nines = power_of_ten(repeated.len())? - power_of_ten(0)?;
                value += whole(&repeated)? / nines / power_of_ten(fraction.len())?;
                self.rest = &self.rest[length..];
            }
        }
        let mantissa_end = self.rest;
        if let Some(power) = self.exponent()? {
            value *= power;
            shown += &mantissa_end[..mantissa_end.len() - self.rest.len()];
        }
        let bytes = start.len() - self.rest.len();
        self.rest = start;
        self.push(bytes, Kind::Number { value, digits: shown });
        Ok(())
    }

    /// `0b1100`, `0o17` and `0xBE`, as `1100_2` and so on. Whether such a number stands here.
    fn number_with_prefix(&mut self) -> bool {
        let base = match self.rest.as_bytes() {
            [b'0', b'b' | b'B', ..] => 2,
            [b'0', b'o' | b'O', ..] => 8,
            [b'0', b'x' | b'X', ..] => 16,
            _ => return false,
        };
        let run = self.rest[2..].split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
        if run.is_empty() || run.len() > DIGITS_MAX || !run.chars().all(|c| c.is_digit(base)) {
            return false;
        }
        let value = Rational::from(BigInt::parse_bytes(run.as_bytes(), base).unwrap_or_default());
        self.push(2 + run.len(), Kind::Number { value, digits: run.to_ascii_uppercase() });
        self.push(0, Kind::Sign('_'));
        self.push(0, whole_number(base));
        true
    }

    /// 1.234.567, which is no decimal.
    fn groups_behind_points(&mut self, digits: &mut String) {
        let is_group = |group: &&str| group.get(..3).is_some_and(is_digits);
        let groups: Vec<&str> = self.rest.split('.').skip(1).take_while(|group| is_group(group)).collect();
        let (Some(last), true) = (groups.last(), self.rest.starts_with('.')) else { return };
        if groups.len() < 2 || groups[..groups.len() - 1].iter().any(|group| group.len() > 3) {
            return;
        }
        // Each of the groups is a point and three digits.
        let behind = &self.rest[4 * groups.len()..];
        if !last[3..].starts_with(|c: char| c.is_ascii_digit()) && !behind.starts_with('.') {
            groups.iter().for_each(|group| *digits += &group[..3]);
            self.rest = behind;
        }
    }

    /// The digits behind a point, of which each three may have a space behind them.
    fn grouped_fraction(&mut self) -> String {
        const SPACES: [&str; 5] = [" ", "\\,", "{\\,}", "\u{2009}", "\u{202f}"];
        let mut fraction = self.digits();
        while !fraction.is_empty() && fraction.len().is_multiple_of(3) {
            let next = SPACES.iter().find_map(|space| self.rest.strip_prefix(space)).filter(|next| {
                let digits = next.bytes().take_while(u8::is_ascii_digit).count();
                digits == 3 && !next[3..].starts_with(['/', '.'])
            });
            let Some(next) = next else { break };
            self.rest = next;
            fraction += &self.digits();
        }
        fraction
    }

    /// The digits from here on, as ASCII has them.
    fn digits(&mut self) -> String {
        let mut digits = String::new();
        while let Some(character) = self.rest.chars().next() {
            match super::tables::folded(character) {
                digit @ '0'..='9' => digits.push(digit),
                _ => break,
            }
            self.rest = &self.rest[character.len_utf8()..];
        }
        digits
    }

    /// What stands between two groups of three digits: the same between all, if it is a space. A bare comma does only
    /// outside of brackets. Spaces do not where the second group could be that of a mixed number, 3 125/126.
    fn separator(&self, before: &str, used: Option<&str>) -> Option<&'static str> {
        const SEPARATORS: [&str; 9] = ["{,}", ",\\!", ",\\! ", "\\,", "{\\,}", "\\!", "{,}\\!", "'", "’"];
        const SPACES: [&str; 6] = [" ", "\\ ", "~", "\u{a0}", "\u{2009}", "\u{202f}"];
        let bare = (self.brackets == 0).then_some(",");
        // \log_2 256
        let is_script = matches!(self.tokens.last(), Some(Token { kind: Kind::Sign('_' | '^'), .. }));
        let spaces = SPACES.into_iter().filter(|_| !before.starts_with('0') && !is_script);
        let separators = SEPARATORS.into_iter().chain(bare).chain(spaces);
        separators.filter(|text| self.rest.starts_with(text)).find(|text| {
            let is_space = SPACES.contains(text);
            // 0{,}125 is a decimal.
            let is_decimal = *text == "{,}" && before == "0";
            let next = &self.rest.as_bytes()[text.len()..];
            let group = next.len() >= 3 && next[..3].iter().all(u8::is_ascii_digit);
            let ends = !next.get(3).is_some_and(|byte| byte.is_ascii_digit() || is_space && *byte == b'/');
            group
                && ends
                && !is_decimal
                && used.is_none_or(|used| used == *text || !is_space && !SPACES.contains(&used))
        })
    }

    /// What stands behind the comma of `3{,}14`: TeX's braces take the space of a list away.
    fn decimal_comma(&self) -> Option<&'a str> {
        self.rest.strip_prefix("{,}").filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// `e-3` right behind a number.
    fn exponent(&mut self) -> Result<Option<Rational>, String> {
        let after = self.rest.strip_prefix(['e', 'E']).unwrap_or("");
        let sign = &after[..usize::from(after.starts_with(['+', '-']))];
        if !after[sign.len()..].starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(None);
        }
        self.rest = &after[sign.len()..];
        let power = power_of_ten(self.digits().parse().map_err(|_| too_long())?)?;
        Ok(Some(if sign == "-" { power.recip() } else { power }))
    }
}

/// The digits that repeat, as in `0.\overline{3}`, `0.\bar3`, `0.\dot{1}4\dot{2}`, `0.(3)` and `0.333…`, behind the
/// point or behind digits, and the length of what says so.
fn period(text: &str) -> Option<(String, usize)> {
    let (digits, length) = barred(text).or_else(|| dotted(text)).or_else(|| parenthesised(text))?;
    Some((digits, length + dots(&text[length..]).map_or(0, str::len)))
}

/// Points that say that digits go on.
fn dots(text: &str) -> Option<&'static str> {
    ["...", "…", "\\ldots", "\\dots", "\\cdots"].into_iter().find(|dots| text.starts_with(dots))
}

/// The digits that repeat where marks of Unicode stand over each of them: the last before this text, and others in it.
fn marked(digits: &str, text: &str) -> Option<(String, usize)> {
    const MARKS: [char; 3] = ['\u{304}', '\u{305}', '\u{307}'];
    let first = digits.chars().next_back()?;
    let mut rest = text.strip_prefix(MARKS)?;
    let mut repeated = String::new();
    while let Some(digit) = rest.chars().next().filter(char::is_ascii_digit)
        && let Some(after) = rest[1..].strip_prefix(MARKS)
    {
        repeated.push(digit);
        rest = after;
    }
    // The first of them stands before this text already.
    repeated.push(first);
    Some((repeated, text.len() - rest.len()))
}

/// The digits that repeat at the end of some that go on, as in 0.333…: one three times, or several twice.
fn continued(digits: &str, text: &str) -> Option<(String, usize)> {
    let dots = dots(text)?;
    let repeats = |length: &usize| {
        let (start, times) = (digits.len() - length, if *length == 1 { 3 } else { 2 });
        digits.len() >= times * length && digits[..start].ends_with(&digits[start..].repeat(times - 1))
    };
    let length = (1..=digits.len().min(12)).find(repeats)?;
    Some((digits[digits.len() - length..].into(), dots.len()))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn barred(text: &str) -> Option<(String, usize)> {
    let rest = ["\\overline", "\\bar", "\\widebar"].iter().find_map(|command| text.strip_prefix(command))?;
    let (digits, length) = argument(rest)?;
    is_digits(digits).then(|| (digits.into(), text.len() - rest.len() + length))
}

/// Dots stand over the first and the last digit.
fn dotted(text: &str) -> Option<(String, usize)> {
    let rest = text.strip_prefix("\\dot")?;
    let (first, length) = argument(rest).filter(|(first, _)| is_digits(first))?;
    let rest = &rest[length..];
    let between = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let last = rest[between..].strip_prefix("\\dot").and_then(|rest| Some((rest, argument(rest)?)));
    match last.filter(|(_, (last, _))| is_digits(last)) {
        Some((after, (last, length))) => {
            Some((format!("{first}{}{last}", &rest[..between]), text.len() - after.len() + length))
        }
        None => Some((first.into(), text.len() - rest.len())),
    }
}

fn parenthesised(text: &str) -> Option<(String, usize)> {
    let (digits, _) = text.strip_prefix('(')?.split_once(')')?;
    is_digits(digits).then(|| (digits.into(), digits.len() + 2))
}

/// Braces, or one digit.
fn argument(text: &str) -> Option<(&str, usize)> {
    let trimmed = text.trim_start();
    let spaces = text.len() - trimmed.len();
    match braced(trimmed) {
        Some((content, length)) => Some((content, spaces + length)),
        None => trimmed.get(..1).map(|digit| (digit, spaces + 1)),
    }
}

fn too_long() -> String {
    format!("a number with more than {DIGITS_MAX} digits")
}

fn whole(digits: &str) -> Result<Rational, String> {
    if digits.len() > DIGITS_MAX {
        return Err(too_long());
    }
    Ok(Rational::from(BigInt::parse_bytes(digits.as_bytes(), 10).unwrap_or_default()))
}

fn power_of_ten(exponent: usize) -> Result<Rational, String> {
    if exponent > DIGITS_MAX {
        return Err(too_long());
    }
    Ok(Rational::from(Pow::pow(BigInt::from(10), exponent as u32)))
}
