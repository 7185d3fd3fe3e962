//! Sums, products, powers, and what is applied to their parts.

use super::{Parser, shown};
use crate::token::{Array, Kind, Token};
use crate::tree::{Series, Tree};
use crate::unit::Unit;
use crate::word::{FUNCTIONS, GREEK, OPERATORS, is_conjunction, number};

impl Parser<'_> {
    /// A sum. One sign of a fraction or binomial without commands of their own, as in `{a \over b}`, parts all of it.
    pub(super) fn sum(&mut self) -> Result<Tree, String> {
        let left = self.plain_sum()?;
        if self.takes('⁄') {
            return Ok(left.over(self.plain_sum()?));
        }
        if self.takes('⑃') {
            return Ok(Tree::call("binomial", vec![left, self.plain_sum()?]));
        }
        Ok(left)
    }

    fn plain_sum(&mut self) -> Result<Tree, String> {
        let mut terms = vec![self.signed_product()?];
        while matches!(self.peek(), Some(Kind::Sign('+' | '-' | '±' | '∓'))) {
            terms.push(self.signed_product()?);
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Tree::Sum(terms) })
    }

    /// A product with up to two signs before it.
    fn signed_product(&mut self) -> Result<Tree, String> {
        let mut signs = Vec::new();
        while let Some(Kind::Sign(sign @ ('+' | '-' | '±' | '∓'))) = self.peek()
            && signs.len() < 2
        {
            self.at += 1;
            signs.push(*sign);
        }
        if signs.is_empty() && self.is_at_minus_word() {
            self.takes_minus_word();
            signs.push('-');
        }
        let product = self.product()?;
        Ok(signs.into_iter().rev().fold(product, |product, sign| match sign {
            '+' => product,
            '-' => product.negated(),
            sign => Tree::PlusMinus { minus_first: sign == '∓', of: Box::new(product) },
        }))
    }

    pub(super) fn product(&mut self) -> Result<Tree, String> {
        let start = self.at;
        let mut product = self.power()?;
        if let Some(fraction) = self.mixed_number(start)? {
            product = Tree::Sum(vec![product, fraction]);
        }
        loop {
            let divides = match self.peek() {
                Some(Kind::Sign('*')) => false,
                Some(Kind::Sign('/')) => true,
                // 2.3 x 10^3
                Some(Kind::Letter('x' | 'X')) if self.is_between_numbers() => false,
                Some(_) if self.factor_follows(&product) => {
                    product = multiplied(product, self.power()?);
                    continue;
                }
                _ => return Ok(product),
            };
            self.at += 1;
            let negative = self.takes('-');
            let factor = self.power()?;
            let factor = if negative { factor.negated() } else { factor };
            product = if divides { product.over(factor) } else { multiplied(product, factor) };
        }
    }

    fn is_between_numbers(&self) -> bool {
        let before = self.at.checked_sub(1).map(|at| &self.tokens[at].kind);
        matches!((before, self.ahead(1)), (Some(Kind::Number { .. }), Some(Kind::Number { .. })))
    }

    /// The fraction behind a whole number, as in 1\frac{1}{2} or 1 1/2. Only whole numbers make one: 2\frac{\sqrt4}{5}
    /// is a product.
    fn mixed_number(&mut self, start: usize) -> Result<Option<Tree>, String> {
        let whole = |kind: &Kind| match kind {
            Kind::Number { value, digits } if !digits.contains('.') && value.is_integer() => Some(value.clone()),
            _ => None,
        };
        if self.at != start + 1 || whole(&self.tokens[start].kind).is_none() || self.peek() == Some(&Kind::Sign('}')) {
            return Ok(None);
        }
        let plain = |kind: &&Kind| !matches!(kind, Kind::Sign('{' | '}'));
        let next: Vec<&Kind> =
            self.tokens[self.at..].iter().take(7).map(|token| &token.kind).filter(plain).take(3).collect();
        let (over, under, divided) = match next[..] {
            [over, Kind::Sign('/'), under] => (whole(over), whole(under), true),
            [Kind::Name(name), over, under] if is_fraction(name) => (whole(over), whole(under), false),
            _ => return Ok(None),
        };
        let (Some(over), Some(under)) = (over, under) else { return Ok(None) };
        if over >= under {
            return Err("a mixed number with a fraction that is not below 1".into());
        }
        let mut fraction = self.factor()?;
        if divided {
            self.expects('/')?;
            fraction = fraction.over(self.factor()?);
        }
        Ok(Some(fraction))
    }

    /// Whether what follows multiplies without a sign.
    fn factor_follows(&self, product: &Tree) -> bool {
        let Token { kind, spaced, .. } = &self.tokens[self.at];
        if self.modulus_length().is_some() || self.is_at_parameter() {
            return false;
        }
        if product.is_numeric() && self.ohms().is_some() {
            return false;
        }
        match kind {
            // Two numbers side by side are no product, unless the first is an exponent.
            Kind::Number { .. } => {
                let before = |parts| self.at.checked_sub(parts).map(|at| &self.tokens[at].kind);
                match before(1) {
                    Some(Kind::Number { .. }) => before(2) == Some(&Kind::Sign('^')),
                    // x2 may be meant as x_2, or as a square.
                    Some(Kind::Letter(_)) => *spaced || before(2) == Some(&Kind::Sign('^')),
                    Some(Kind::Text(word)) => word.len() == 1,
                    _ => true,
                }
            }
            Kind::Letter(_) => {
                let word = self.word();
                // (1, 2) U (3, 4)
                let joins = word == "U" && matches!(product, Tree::Bracket { .. });
                if self.is_at_article() || joins {
                    return false;
                }
                // 2hr\pi is a product.
                let goes_on = matches!(self.ahead(word.len()), Some(Kind::Name(name)) if GREEK.contains(&&**name) || name == "pi");
                let is_unit = || self.is_unit(&word, *spaced) && (*spaced || !goes_on) || self.fluid_ounces().is_some();
                !(is_conjunction(&word) || product.is_numeric() && is_unit())
            }
            Kind::Text(word) => {
                word.len() == 1 && !(product.is_numeric() && self.is_unit(word, true)) || self.is_function_at(self.at)
            }
            Kind::Name(name) if name == "mu" && product.is_numeric() => {
                !matches!(self.ahead(1), Some(Kind::Text(word)) if Unit::known(&format!("μ{word}")).is_some())
            }
            Kind::Name(name) => !(is_fraction(name) && product.is_numeric() && self.is_fraction_of_units()),
            Kind::Sign('(') if matches!(self.ahead(1), Some(Kind::Text(word)) if word == "base") => false,
            // 12 (five) says two things.
            Kind::Sign('(') if matches!(self.ahead(1), Some(Kind::Text(word)) if number(&[word]).is_some()) => {
                !product.is_numeric()
            }
            Kind::Sign('(') if product.is_numeric() && self.unit_in_parentheses().is_some() => false,
            Kind::Sign('[') => self.ahead(1) == Some(&Kind::Begin(Array::Matrix)) || self.is_square_group(),
            Kind::Sign('|') => self.bars == 0,
            Kind::Sign(sign) => ['(', '{', '⌊', '⌈'].contains(sign) && !self.is_unit_in_braces(product),
            Kind::Begin(array) => matches!(array, Array::Matrix | Array::Determinant),
            Kind::End => false,
        }
    }

    pub(super) fn power(&mut self) -> Result<Tree, String> {
        let mut base = self.factor()?;
        loop {
            if self.peek() == Some(&Kind::Sign('!')) && !self.is_at_unequal() {
                self.at += 1;
                let is_double = self.peek() == Some(&Kind::Sign('!')) && !self.is_spaced() && !self.is_at_unequal();
                self.at += usize::from(is_double);
                base = Tree::call(if is_double { "double factorial" } else { "factorial" }, vec![base]);
            } else if let Some(length) = self.degrees() {
                let goes_on = matches!(self.ahead(length), Some(Kind::Sign('+' | '-' | '*' | '/' | '±')));
                if self.functions == 0 && !goes_on {
                    return Ok(base);
                }
                self.at += length;
                base = if self.functions > 0 { Tree::Degrees(Box::new(base)) } else { base };
            } else if let Some(length) = self.transposition().filter(|_| base.is_set()) {
                self.at += length;
                base = base.transposed();
            } else if self.takes('^') {
                let negative = self.takes('-');
                let exponent = self.nested(Self::exponent)?;
                let exponent = if negative { exponent.negated() } else { exponent };
                base = Tree::Power(Box::new(base), Box::new(exponent));
            } else {
                return Ok(base);
            }
        }
    }

    /// How many parts a raised T has, if one stands here.
    fn transposition(&self) -> Option<usize> {
        let braced = usize::from(self.ahead(1) == Some(&Kind::Sign('{')));
        let raised = match self.ahead(1 + braced) {
            Some(Kind::Letter(letter)) => *letter == 'T',
            Some(Kind::Text(word)) => word == "T",
            Some(Kind::Name(name)) => name == "top" || name == "intercal",
            _ => false,
        };
        let closed = braced == 0 || self.ahead(3) == Some(&Kind::Sign('}'));
        (self.peek() == Some(&Kind::Sign('^')) && raised && closed).then_some(2 + 2 * braced)
    }

    /// An exponent may have another, from right to left.
    fn exponent(&mut self) -> Result<Tree, String> {
        let exponent = self.argument()?;
        if self.takes('^') {
            let negative = self.takes('-');
            let upper = self.nested(Self::exponent)?;
            let upper = if negative { upper.negated() } else { upper };
            return Ok(Tree::Power(Box::new(exponent), Box::new(upper)));
        }
        Ok(exponent)
    }

    /// How many parts the sign of degrees has that stands here, if it does.
    pub(super) fn degrees(&self) -> Option<usize> {
        let ahead = |parts| self.ahead(parts);
        // A raised o looks like it.
        let is_degree = |kind: Option<&Kind>| match kind {
            Some(Kind::Sign('°') | Kind::Letter('o')) => true,
            Some(Kind::Text(word)) => word == "o",
            _ => false,
        };
        match ahead(0) {
            Some(Kind::Sign('°')) => Some(1),
            Some(Kind::Text(word)) if self.functions > 0 && ["degree", "degrees"].contains(&&**word) => Some(1),
            Some(Kind::Sign('^')) if is_degree(ahead(1)) => Some(2),
            Some(Kind::Sign('^')) => {
                let braced = ahead(1) == Some(&Kind::Sign('{')) && ahead(3) == Some(&Kind::Sign('}'));
                (braced && is_degree(ahead(2))).then_some(4)
            }
            _ => None,
        }
    }

    pub(super) fn factor(&mut self) -> Result<Tree, String> {
        let kind = self.peek().ok_or("the answer ends too early")?;
        if let Some(based) = self.lettered_digits() {
            return Ok(based);
        }
        if let Some(number) = self.number_words() {
            return Ok(number);
        }
        if matches!(kind, Kind::Sign('_' | '^' | '{'))
            && let Some(binomial) = self.chosen_beside()
        {
            return Ok(binomial);
        }
        self.at += 1;
        match kind {
            Kind::Number { value, digits } => match self.based(digits)? {
                Some(based) => Ok(based),
                None => {
                    self.skip_repeated(value, false);
                    Ok(Tree::Number { value: value.clone(), digits: digits.clone() })
                }
            },
            Kind::Letter(letter) => self.symbol(&letter.to_string()),
            Kind::Text(word) if word.len() == 1 => self.symbol(word),
            Kind::Text(word) if self.is_function_at(self.at - 1) => self.nested(|parser| parser.function(word)),
            Kind::Name(name) => self.nested(|parser| parser.command(name)),
            Kind::Begin(array) => self.nested(|parser| parser.array(*array)),
            Kind::Sign(open @ ('(' | '[' | ']' | '{' | '⦃' | '⟨')) => self.nested(|parser| parser.bracket(*open)),
            Kind::Sign('|') => self.nested(Self::absolute),
            Kind::Sign('∞') => Ok(Tree::Infinity),
            Kind::Sign('∅') => Ok(Tree::Set(Vec::new())),
            Kind::Sign('…') => Ok(Tree::Words("…".into())),
            Kind::Sign(open @ ('⌊' | '⌈')) => {
                let inner = self.nested(Self::sum)?;
                self.expects(if *open == '⌊' { '⌋' } else { '⌉' })?;
                Ok(Tree::call(if *open == '⌊' { "floor" } else { "ceil" }, vec![inner]))
            }
            other => Err(format!("{} where something should be", shown(other))),
        }
    }

    fn symbol(&mut self, letter: &str) -> Result<Tree, String> {
        if letter == "C"
            && let Some(binomial) = self.chosen()?
        {
            return Ok(binomial);
        }
        let name = letter.to_owned() + &self.subscript()?;
        let value = self.function_value(letter).unwrap_or_default();
        Ok(Tree::Symbol(name + &value))
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
                    Some(Kind::Sign(sign @ ('+' | '-' | ','))) if braced => name.push(*sign),
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

    fn command(&mut self, name: &str) -> Result<Tree, String> {
        Ok(match name {
            "pi" => self.symbol("π")?,
            "sqrt" | "surd" => {
                let degree = if self.takes('[') {
                    let degree = self.sum()?;
                    self.expects(']')?;
                    degree
                } else {
                    Tree::integer(2)
                };
                Tree::Root { degree: Box::new(degree), of: Box::new(self.argument()?) }
            }
            "cbrt" => Tree::Root { degree: Box::new(Tree::integer(3)), of: Box::new(self.argument()?) },
            name if is_fraction(name) => self.argument()?.over(self.argument()?),
            "sum" => self.series(Series::Sum)?,
            "prod" => self.series(Series::Product)?,
            "int" => self.integral()?,
            "binom" | "dbinom" | "tbinom" => Tree::call("binomial", vec![self.argument()?, self.argument()?]),
            "mathbb" | "Bbb" => return self.number_set(),
            "vec" | "overrightarrow" | "overline" | "bar" | "hat" | "tilde" | "widehat" | "dot" | "ddot" => {
                let of = self.argument()?;
                // \overline{101}_2
                if let Tree::Number { digits, .. } = &of
                    && let Some(based) = self.based(digits)?
                {
                    return Ok(based);
                }
                Tree::call(name, vec![of])
            }
            name if FUNCTIONS.contains(&name) || OPERATORS.contains(&name) => self.function(name)?,
            // Variants only look different.
            name if GREEK.contains(&name) => self.symbol(&format!("\\{}", name.strip_prefix("var").unwrap_or(name)))?,
            "imath" => self.symbol("i")?,
            "jmath" => self.symbol("j")?,
            "lbrack" => return self.bracket('['),
            name => return Err(format!("\\{name} is not known")),
        })
    }

    /// What a command is applied to: braces, or one digit or letter, as in \frac12.
    pub(super) fn argument(&mut self) -> Result<Tree, String> {
        if self.takes('{') {
            let bars = std::mem::take(&mut self.bars);
            let inner = self.sum();
            self.bars = bars;
            let inner = inner?;
            self.expects('}')?;
            return Ok(inner);
        }
        self.factor()
    }
}

pub(super) fn multiplied(left: Tree, right: Tree) -> Tree {
    match left {
        Tree::Product(mut factors) => {
            factors.push(right);
            Tree::Product(factors)
        }
        left => Tree::Product(vec![left, right]),
    }
}

pub(super) fn is_fraction(name: &str) -> bool {
    ["frac", "dfrac", "tfrac", "cfrac", "nicefrac", "sfrac"].contains(&name)
}
