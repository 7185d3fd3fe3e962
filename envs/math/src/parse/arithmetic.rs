//! Sums, products, powers, functions, brackets.

use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive};

use super::{Parser, is_conjunction, number, shown};
use crate::polynomial::{Atom, Rational};
use crate::quotient::{Quotient, logarithm};
use crate::token::{Kind, Token};
use crate::unit::Unit;
use crate::value::Value;

/// Factorials and binomial coefficients are taken of numbers up to this one.
const FACTORIAL_MAX: u32 = 300;

const FUNCTIONS: [&str; 17] = [
    "sin", "cos", "tan", "sec", "csc", "cot", "arcsin", "arccos", "arctan", "ln", "log", "exp", "sinh", "cosh", "tanh",
    "gcd", "lcm",
];
const GREEK: [&str; 26] = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "varepsilon",
    "zeta",
    "eta",
    "theta",
    "vartheta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "rho",
    "sigma",
    "tau",
    "phi",
    "varphi",
    "chi",
    "psi",
    "omega",
    "Delta",
    "ell",
];

impl Parser<'_> {
    pub(super) fn sum(&mut self) -> Result<Value, String> {
        let mut negative = self.signs()?;
        let first = self.product()?;
        let more = |kind: Option<&Kind>| matches!(kind, Some(Kind::Sign('+' | '-' | '±' | '∓')));
        if !negative && !more(self.peek()) {
            return Ok(first);
        }
        let mut sum = number(first)?;
        if negative {
            sum = sum.negated();
        }
        while more(self.peek()) {
            negative = self.signs()?;
            let term = number(self.product()?)?;
            sum = if negative { sum.minus(&term, self.work)? } else { sum.plus(&term, self.work)? };
        }
        Ok(Value::number(sum))
    }

    /// Up to two signs, whether they come to minus.
    fn signs(&mut self) -> Result<bool, String> {
        let mut negative = false;
        for _ in 0..2 {
            match self.peek() {
                Some(Kind::Sign('+')) => {}
                Some(Kind::Sign('-')) => negative = !negative,
                Some(Kind::Sign(sign @ ('±' | '∓'))) => {
                    self.plus_minus = true;
                    negative ^= self.lower == (*sign == '±');
                }
                _ => break,
            }
            self.at += 1;
        }
        Ok(negative)
    }

    pub(super) fn product(&mut self) -> Result<Value, String> {
        let start = self.at;
        let first = self.power()?;
        let mut product = match first {
            Value::Number { value, .. } => value,
            // Whatever is not a number stands alone.
            other => return Ok(other),
        };
        if let Some(mixed) = self.mixed_number(start)? {
            product = product.plus(&mixed, self.work)?;
        }
        loop {
            let divides = match self.peek() {
                Some(Kind::Sign('*')) => false,
                Some(Kind::Sign('/')) => true,
                Some(_) if self.factor_follows(&product) => {
                    let factor = number(self.power()?)?;
                    product = product.times(&factor, self.work)?;
                    continue;
                }
                _ => return Ok(Value::number(product)),
            };
            self.at += 1;
            let negative = self.takes('-');
            let mut factor = number(self.power()?)?;
            if negative {
                factor = factor.negated();
            }
            product =
                if divides { product.divided_by(&factor, self.work)? } else { product.times(&factor, self.work)? };
        }
    }

    /// The fraction behind a whole number, as in 1\frac{1}{2} or 1 1/2. Only whole numbers make one: 2\frac{\sqrt4}{5} is a
    /// product.
    fn mixed_number(&mut self, start: usize) -> Result<Option<Quotient>, String> {
        let is_whole = |kind: &Kind| matches!(kind, Kind::Number { digits, .. } if !digits.contains('.'));
        if self.at != start + 1 || !is_whole(&self.tokens[start].kind) {
            return Ok(None);
        }
        let plain = |kind: &&Kind| !matches!(kind, Kind::Sign('{' | '}'));
        let next: Vec<&Kind> =
            self.tokens[self.at..].iter().take(7).map(|token| &token.kind).filter(plain).take(3).collect();
        let fraction = match next[..] {
            [over, Kind::Sign('/'), under] if is_whole(over) && is_whole(under) => {
                let over = number(self.factor()?)?;
                self.expects('/')?;
                over.divided_by(&number(self.factor()?)?, self.work)?
            }
            [Kind::Name(name), over, under] if is_fraction(name) && is_whole(over) && is_whole(under) => {
                number(self.factor()?)?
            }
            _ => return Ok(None),
        };
        match fraction.as_rational() {
            Some(value) if value < Rational::one() => Ok(Some(fraction)),
            _ => Err("a mixed number with a fraction that is not below 1".into()),
        }
    }

    /// Whether what follows multiplies without a sign.
    fn factor_follows(&self, product: &Quotient) -> bool {
        let behind_number = matches!(self.tokens[self.at - 1].kind, Kind::Number { .. });
        let Token { kind, spaced } = &self.tokens[self.at];
        match kind {
            // Two numbers side by side are no product, unless the first is an exponent.
            Kind::Number { .. } => {
                !behind_number
                    || matches!(self.tokens.get(self.at.wrapping_sub(2)), Some(Token { kind: Kind::Sign('^'), .. }))
            }
            Kind::Letter(_) => {
                let word = self.word();
                let known = matches!(Unit::named(&word), Unit::Known(_) | Unit::Percent) && word.len() > 1;
                let unit = (known || *spaced && word.len() > 2) && product.as_rational().is_some();
                !is_conjunction(&word) && !unit
            }
            Kind::Name(_) => true,
            Kind::Sign(sign) => ['(', '{', '⌊', '⌈'].contains(sign),
            Kind::Text(_) | Kind::Begin | Kind::End => false,
        }
    }

    fn power(&mut self) -> Result<Value, String> {
        let base = self.factor()?;
        let Value::Number { mut value, unit } = base else { return Ok(base) };
        while self.takes('!') {
            value = factorial(&value)?;
        }
        let degrees = |rest: &[Token]| {
            let kinds: Vec<&Kind> = rest.iter().take(3).map(|token| &token.kind).collect();
            matches!(
                kinds[..],
                [Kind::Sign('^'), Kind::Sign('°'), ..] | [Kind::Sign('^'), Kind::Sign('{'), Kind::Sign('°')]
            )
        };
        if self.peek() == Some(&Kind::Sign('^')) && !degrees(&self.tokens[self.at..]) {
            self.at += 1;
            let negative = self.takes('-');
            let mut exponent = number(self.nested(Self::power)?)?;
            if negative {
                exponent = exponent.negated();
            }
            value = value.power(&exponent, self.work)?;
        }
        Ok(Value::Number { value, unit })
    }

    fn factor(&mut self) -> Result<Value, String> {
        let kind = self.peek().ok_or("the answer ends too early")?;
        self.at += 1;
        match kind {
            Kind::Number { value, digits } => match self.peek() {
                Some(Kind::Sign('_')) => self.based(digits),
                _ => Ok(Value::number(Quotient::rational(value.clone()))),
            },
            Kind::Letter(letter) => self.letter(*letter).map(Value::number),
            Kind::Name(name) => self.command(name),
            Kind::Begin => self.nested(Self::matrix),
            Kind::Sign(open @ ('(' | '[' | '{' | '⦃' | '⟨')) => self.nested(|parser| parser.bracket(*open)),
            Kind::Sign('|') => {
                let inner = number(self.nested(Self::sum)?)?;
                self.expects('|')?;
                absolute(&inner).map(Value::number)
            }
            Kind::Sign('∅') => Ok(Value::Set(Vec::new())),
            Kind::Sign(open @ ('⌊' | '⌈')) => {
                let inner = number(self.nested(Self::sum)?)?;
                self.expects(if *open == '⌊' { '⌋' } else { '⌉' })?;
                Ok(Value::number(rounded(inner, *open)))
            }
            other => Err(format!("{} where something should be", shown(other))),
        }
    }

    /// Digits and the base behind them.
    fn based(&mut self, digits: &str) -> Result<Value, String> {
        self.expects('_')?;
        let braced = self.takes('{');
        let Some(Kind::Number { digits: base, .. }) = self.peek() else {
            return Err("a base that is no number".into());
        };
        self.at += 1;
        if braced {
            self.expects('}')?;
        }
        Ok(Value::Based { digits: digits.into(), base: base.clone() })
    }

    /// A letter with its subscript; i and e are numbers. `pi` and `sqrt` may come without a backslash.
    fn letter(&mut self, letter: char) -> Result<Quotient, String> {
        self.at -= 1;
        let word = self.word();
        self.at += 1;
        for plain in ["pi", "sqrt"] {
            if word.starts_with(plain) {
                self.at += plain.len() - 1;
                return number(self.command(plain)?);
            }
        }
        if letter == 'i' && self.peek() != Some(&Kind::Sign('_')) {
            return Ok(Quotient::atom(Atom::Imaginary));
        }
        let name = letter.to_string() + &self.subscript()?;
        Ok(Quotient::symbol(&name))
    }

    fn subscript(&mut self) -> Result<String, String> {
        let mut name = String::new();
        if self.takes('_') {
            name.push('_');
            let braced = self.takes('{');
            loop {
                match self.peek() {
                    Some(Kind::Number { digits, .. }) => name += digits,
                    Some(Kind::Letter(letter)) => name.push(*letter),
                    Some(Kind::Name(command)) => name = format!("{name}\\{command} "),
                    Some(Kind::Text(text)) => name += text,
                    _ if name.len() > 1 && (!braced || self.takes('}')) => break,
                    _ => return Err("a subscript that is none".into()),
                }
                self.at += 1;
                if !braced {
                    break;
                }
            }
        }
        while self.takes('\'') {
            name.push('\'');
        }
        Ok(name)
    }

    fn command(&mut self, name: &str) -> Result<Value, String> {
        let value = match name {
            "pi" => Quotient::symbol("π"),
            "sqrt" => self.nested(Self::root)?,
            name if is_fraction(name) => self.nested(|parser| {
                let over = parser.argument()?;
                let under = parser.argument()?;
                over.divided_by(&under, parser.work)
            })?,
            "binom" | "dbinom" | "tbinom" => {
                self.nested(|parser| binomial(&parser.argument()?, &parser.argument()?))?
            }
            "mathbb" | "Bbb" => return self.number_set(),
            name if FUNCTIONS.contains(&name) => self.nested(|parser| parser.function(name))?,
            name if GREEK.contains(&name) => Quotient::symbol(&(format!("\\{name}") + &self.subscript()?)),
            name => return Err(format!("\\{name} is not known")),
        };
        Ok(Value::number(value))
    }

    /// ℝ is an interval; the others are sets by their names.
    fn number_set(&mut self) -> Result<Value, String> {
        let braced = self.takes('{');
        let Some(Kind::Letter(letter)) = self.peek() else { return Err("a set of numbers without a name".into()) };
        self.at += 1;
        if braced {
            self.expects('}')?;
        }
        Ok(match letter {
            'R' => Value::Tuple {
                open: '(',
                close: ')',
                items: vec![Value::Infinity { negative: true }, Value::Infinity { negative: false }],
            },
            letter => Value::Words(format!("the set {letter}")),
        })
    }

    /// What a command is applied to: braces, or one digit or letter, as in \frac12.
    fn argument(&mut self) -> Result<Quotient, String> {
        if self.takes('{') {
            let inner = number(self.sum()?)?;
            self.expects('}')?;
            return Ok(inner);
        }
        match self.peek() {
            Some(Kind::Number { digits, .. }) if digits.len() > 1 => Err("digits where braces should be".into()),
            _ => number(self.factor()?),
        }
    }

    fn root(&mut self) -> Result<Quotient, String> {
        let degree = if self.takes('[') {
            let degree = number(self.sum()?)?;
            self.expects(']')?;
            degree
        } else {
            Quotient::integer(2)
        };
        let exponent = Quotient::integer(1).divided_by(&degree, self.work)?;
        let radicand = self.argument()?;
        radicand.power(&exponent, self.work)
    }

    /// A function of what is in parentheses or of the factors up to the next sign.
    fn function(&mut self, name: &str) -> Result<Quotient, String> {
        let base = if self.takes('_') { Some(self.argument()?) } else { None };
        let power = if self.takes('^') { Some(self.argument()?) } else { None };
        let arguments = if self.peek() == Some(&Kind::Sign('(')) {
            match self.factor()? {
                Value::Tuple { items, .. } => items.into_iter().map(number).collect::<Result<_, _>>()?,
                value => vec![number(value)?],
            }
        } else {
            let mut argument = number(self.power()?)?;
            while matches!(self.peek(), Some(Kind::Letter(_)))
                || matches!(self.peek(), Some(Kind::Name(name)) if !FUNCTIONS.contains(&&**name))
            {
                argument = argument.times(&number(self.power()?)?, self.work)?;
            }
            vec![argument]
        };
        if power.as_ref().and_then(Quotient::as_rational).is_some_and(|power| power.is_negative()) {
            return Err("an inverse function or a power".into());
        }
        let value = self.applied(name, base, arguments)?;
        match power {
            Some(power) => value.power(&power, self.work),
            None => Ok(value),
        }
    }

    fn applied(&mut self, name: &str, base: Option<Quotient>, arguments: Vec<Quotient>) -> Result<Quotient, String> {
        let of = |name: &str| Quotient::function(name, arguments.clone());
        let one = Quotient::integer(1);
        match (name, base) {
            ("tan", None) => of("sin").divided_by(&of("cos"), self.work),
            ("cot", None) => of("cos").divided_by(&of("sin"), self.work),
            ("sec", None) => one.divided_by(&of("cos"), self.work),
            ("csc", None) => one.divided_by(&of("sin"), self.work),
            ("exp", None) if arguments.len() == 1 => Quotient::symbol("e").power(&arguments[0], self.work),
            ("ln", None) if arguments.len() == 1 => logarithm(&arguments[0], self.work),
            ("log", Some(base)) if arguments.len() == 1 => {
                let over = logarithm(&arguments[0], self.work)?;
                over.divided_by(&logarithm(&base, self.work)?, self.work)
            }
            (name, None) => Ok(of(name)),
            (name, Some(_)) => Err(format!("\\{name} with a subscript")),
        }
    }

    fn bracket(&mut self, open: char) -> Result<Value, String> {
        let closing: &[char] = match open {
            '(' | '[' => &[')', ']'],
            '{' => &['}'],
            '⟨' => &['⟩'],
            _ => &['⦄'],
        };
        let is_set = open == '⦃';
        if is_set && self.takes('⦄') {
            return Ok(Value::Set(Vec::new()));
        }
        let mut items = if is_set { self.items()? } else { self.unsplit_items()? };
        let close = closing.iter().copied().find(|close| self.takes(*close)).ok_or("a bracket is not closed")?;
        let single = items.len() == 1;
        Ok(match (open, close) {
            ('⦃', _) => Value::Set(items),
            ('{', _) if !single => Value::Set(items),
            ('(', ')') | ('{', '}') if single => items.remove(0),
            ('[', ']') if single && matches!(items[0], Value::Matrix(_)) => items.remove(0),
            ('⟨', _) => Value::Tuple { open: '(', close: ')', items },
            _ => Value::Tuple { open, close, items },
        })
    }

    /// Items of which ± makes the whole answer count twice.
    fn unsplit_items(&mut self) -> Result<Vec<Value>, String> {
        let mut items = vec![self.item()?];
        while self.separator() {
            items.push(self.item()?);
        }
        Ok(items)
    }

    fn matrix(&mut self) -> Result<Value, String> {
        let mut rows = vec![Vec::new()];
        loop {
            if self.peek() == Some(&Kind::End) {
                self.at += 1;
                rows.retain(|row| !row.is_empty());
                return Ok(Value::Matrix(rows));
            }
            rows.last_mut().expect("there is a first row").push(self.item()?);
            if self.takes('⏎') {
                rows.push(Vec::new());
            } else if !self.takes('&') && self.peek() != Some(&Kind::End) {
                return Err("a matrix is not closed".into());
            }
        }
    }
}

/// The absolute value of a number; that of unknowns is the same for both signs.
fn absolute(value: &Quotient) -> Result<Quotient, String> {
    match value.as_rational() {
        Some(number) => Ok(Quotient::rational(number.abs())),
        None => {
            let negated = value.negated();
            Ok(Quotient::function("abs", vec![value.clone().min(negated)]))
        }
    }
}

fn rounded(value: Quotient, bracket: char) -> Quotient {
    match (value.as_rational(), bracket) {
        (Some(number), '⌊') => Quotient::rational(number.floor()),
        (Some(number), _) => Quotient::rational(number.ceil()),
        (None, '⌊') => Quotient::function("floor", vec![value]),
        (None, _) => Quotient::function("ceil", vec![value]),
    }
}

fn factorial(value: &Quotient) -> Result<Quotient, String> {
    match value.as_rational() {
        None => Ok(Quotient::function("factorial", vec![value.clone()])),
        Some(number) if !number.is_integer() || number.is_negative() => {
            Err("a factorial of what is no whole number".into())
        }
        Some(number) => Ok(match small(&number) {
            Some(count) => Quotient::rational(Rational::from((1..=count).map(BigInt::from).product::<BigInt>())),
            None => Quotient::function("factorial", vec![value.clone()]),
        }),
    }
}

fn binomial(of: &Quotient, choose: &Quotient) -> Result<Quotient, String> {
    match (of.as_rational(), choose.as_rational()) {
        (Some(of), Some(choose)) => {
            let missing = "a binomial coefficient of what are no small whole numbers";
            let (of, choose) = (small(&of).ok_or(missing)?, small(&choose).ok_or(missing)?);
            let steps =
                (0..choose).map(|step| Rational::new((i64::from(of) - i64::from(step)).into(), (step + 1).into()));
            Ok(Quotient::rational(steps.product()))
        }
        _ => Ok(Quotient::function("binomial", vec![of.clone(), choose.clone()])),
    }
}

fn small(number: &Rational) -> Option<u32> {
    number.to_integer().to_u32().filter(|&whole| number.is_integer() && whole <= FACTORIAL_MAX)
}

fn is_fraction(name: &str) -> bool {
    ["frac", "dfrac", "tfrac", "cfrac"].contains(&name)
}
