//! Which names the answers in a list have.

use super::Value;

/// Names of the answers in a list, and the answers without them.
pub enum Names<'a> {
    None,
    /// One unknown for all, numbered or not: the answers are its values, in no order.
    Roots(&'a str, Vec<&'a Value>),
    /// A name for each: the order of values says which is which, where the names are left out. That of a point's
    /// coordinates is the order of the alphabet.
    Different {
        written: Vec<&'a Value>,
        sorted: Vec<&'a Value>,
    },
    /// Some have names.
    Mixed,
}

/// Letters of unknowns that are looked for. Others, such as a₁ and a₂, are numbered because their order counts.
const UNKNOWNS: [&str; 11] = ["x", "y", "z", "t", "u", "v", "w", "r", "s", "X", "\\lambda"];

impl Names<'_> {
    pub fn of(values: &[Value]) -> Names<'_> {
        let named: Vec<(&str, &Value)> = values.iter().filter_map(Value::named).collect();
        if named.is_empty() {
            return Names::None;
        }
        if named.len() < values.len() {
            // "x = 2, 5"
            let bare = |value: &Value| matches!(value, Value::Number { .. });
            let all = || named.iter().map(|(_, value)| *value).chain(&values[1..]).collect();
            let once = named.len() == 1 && bare(named[0].1) && values[1..].iter().all(bare);
            return if once { Names::Roots(named[0].0, all()) } else { Names::Mixed };
        }
        let said: Vec<&Value> = named.iter().map(|(_, value)| *value).collect();
        let first = stem(named[0].0);
        let numbered = UNKNOWNS.contains(&first) && named.iter().all(|(name, _)| stem(name) == first);
        let same = named.iter().all(|(name, _)| *name == named[0].0);
        let different =
            named.iter().enumerate().all(|(place, (name, _))| named[..place].iter().all(|(other, _)| other != name));
        match () {
            () if same => Names::Roots(named[0].0, said),
            () if numbered => Names::Roots(first, said),
            () if different => {
                let mut named = named;
                named.sort_by_key(|(name, _)| *name);
                Names::Different { written: said, sorted: named.into_iter().map(|(_, value)| value).collect() }
            }
            () => Names::Mixed,
        }
    }
}

/// Whether one name is the other with the letter that it is a function of: `y(x)` and `y`.
pub fn is_function_of(name: &str, other: &str) -> bool {
    let letter = |long: &str, short: &str| {
        let argument = long.strip_prefix(short).and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')'));
        argument.is_some_and(|argument| argument.len() == 1 && argument.starts_with(|c: char| c.is_ascii_alphabetic()))
    };
    letter(name, other) || letter(other, name)
}

/// The coordinates in the order of the alphabet: (3, 2) of `(y, x) = (2, 3)`.
pub fn in_order(name: &str, value: &Value) -> Value {
    let letters = name.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).map(|rest| rest.split(','));
    let letters: Vec<&str> = letters.map(Iterator::collect).unwrap_or_default();
    match value {
        Value::Tuple { open, close, items }
            if items.len() == letters.len() && letters.iter().all(|letter| ["x", "y", "z"].contains(letter)) =>
        {
            let mut named: Vec<(&str, &Value)> = letters.into_iter().zip(items).collect();
            named.sort_by_key(|(letter, _)| *letter);
            let items = named.into_iter().map(|(_, item)| item.clone()).collect();
            Value::Tuple { open: *open, close: *close, items }
        }
        value => value.clone(),
    }
}

impl Value {
    /// The function that an answer defines, and the letters that it is defined with: f and x of `f(x) = x^2`.
    pub fn function(&self) -> Option<(&str, Vec<char>)> {
        let name = match self {
            Value::Named { name, .. } => name,
            Value::Set(items) => {
                let (name, _) = items.first()?.named()?;
                items.iter().all(|item| item.named().is_some_and(|(other, _)| other == name)).then_some(name)?
            }
            _ => return None,
        };
        let (function, arguments) =
            name.strip_suffix(')')?.split_once('(').filter(|(function, _)| !function.is_empty())?;
        let letters = arguments.split(',').map(|argument| argument.parse().ok());
        let letters: Vec<char> = letters.collect::<Option<_>>()?;
        let is_bound = |(place, letter): (usize, &char)| {
            letter.is_ascii_alphabetic() && !['e', 'i'].contains(letter) && !letters[..place].contains(letter)
        };
        letters.iter().enumerate().all(is_bound).then(|| (function, letters.clone()))
    }
}

/// A name without the number that follows it: x of x_1 and x_{2}.
fn stem(name: &str) -> &str {
    let Some((stem, number)) = name.split_once('_') else { return name };
    let number = number.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(number);
    if number.bytes().all(|byte| byte.is_ascii_digit()) { stem } else { name }
}
