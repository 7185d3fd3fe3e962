//! Arithmetic on a stock of numbers, read and computed in one pass.

/// Parentheses may be nested so deep, which is more than any use of so few numbers needs. Protects the stack.
const NESTING_MAX: usize = 16;

/// What an expression comes to, or why to nothing. It takes each of the numbers at most as often as it is in the stock.
pub fn value(text: &str, stock: &[i64]) -> Result<i64, String> {
    let mut parser = Parser { rest: text.trim_start(), stock: stock.to_vec(), nesting: 0 };
    let value = parser.sum()?;
    match parser.rest.chars().next() {
        None => Ok(value),
        Some(unexpected) => Err(format!("{unexpected:?} where the expression should end or go on")),
    }
}

struct Parser<'a> {
    /// What is still to be read; never starts with white space.
    rest: &'a str,
    /// What may still be used.
    stock: Vec<i64>,
    nesting: usize,
}

impl Parser<'_> {
    fn sum(&mut self) -> Result<i64, String> {
        let mut value = self.product()?;
        loop {
            value = match () {
                () if self.takes('+') => value.checked_add(self.product()?),
                () if self.takes('-') => value.checked_sub(self.product()?),
                () => return Ok(value),
            }
            .ok_or("a number grows too large")?;
        }
    }

    fn product(&mut self) -> Result<i64, String> {
        let mut value = self.operand()?;
        loop {
            value = match () {
                () if self.takes('*') => value.checked_mul(self.operand()?).ok_or("a number grows too large")?,
                () if self.takes('/') => {
                    let divisor = self.operand()?;
                    // Also `None` where the divisor is 0.
                    match value.checked_rem(divisor) {
                        Some(0) => value / divisor,
                        _ => return Err(format!("{value} / {divisor} is not a whole number")),
                    }
                }
                () => return Ok(value),
            };
        }
    }

    fn operand(&mut self) -> Result<i64, String> {
        if !self.takes('(') {
            return self.number();
        }
        if self.nesting == NESTING_MAX {
            return Err(format!("more than {NESTING_MAX} parentheses inside each other"));
        }
        self.nesting += 1;
        let value = self.sum()?;
        self.nesting -= 1;
        if self.takes(')') { Ok(value) } else { Err("a parenthesis is not closed".into()) }
    }

    fn number(&mut self) -> Result<i64, String> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let place = self.stock.iter().position(|number| number.to_string() == digits);
        let place = place.ok_or_else(|| match digits {
            "" => "a number or a parenthesis is missing".to_owned(),
            _ => format!("{:.20} is not among the numbers, or is used too often", digits),
        })?;
        self.rest = rest.trim_start();
        Ok(self.stock.swap_remove(place))
    }

    fn takes(&mut self, symbol: char) -> bool {
        let rest = self.rest.strip_prefix(symbol);
        self.rest = rest.map_or(self.rest, str::trim_start);
        rest.is_some()
    }
}
