//! The operations of the task language, one per line of a program: their text and what they compute.

use super::value::{Type, Value};
use azr_config::language::Language;
use azr_core::rng::Draws;

/// The letters of string values. None of them names a variable, so that a letter means one thing to the model.
pub const LETTERS: &[u8] = b"pqrstu";

/// One operation on the variable of the line before and, for some, on another variable; here as Python writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `a+3`
    Add(i64),
    /// `a-3`
    Subtract(i64),
    /// `a%5`
    Modulo(i64),
    /// `a//2`
    FloorDivide(i64),
    /// `max(a,3)`
    AtLeast(i64),
    /// `min(a,3)`
    AtMost(i64),
    /// `a if a>3 else 0`
    ZeroUnlessAbove(i64),
    /// `1 if a%2==0 else 0`
    IsEven,
    /// `max(a,b)`
    Larger,
    /// `min(a,b)`
    Smaller,
    /// `a+b`, for numbers, lists and strings
    Sum,
    /// `str(a)`
    Digits,
    /// `'p'*a`
    Repeat(char),
    /// `list(range(a))`
    Range,
    /// `[a]`
    Singleton,
    /// `[a,b]`
    Pair,
    /// `len(a)`
    Length,
    /// `max(a)`
    Maximum,
    /// `min(a)`
    Minimum,
    /// `a[0]`, `a[1]`, `a[-1]`
    Index(i64),
    /// `a.count('p')`
    CountLetter(char),
    /// `sorted(a)`
    Sorted,
    /// `a[::-1]`
    Reversed,
    /// `a[1:]`
    WithoutFirst,
    /// `a[:-1]`
    WithoutLast,
    /// `a[:2]`
    FirstTwo,
    /// `a[-2:]`
    LastTwo,
    /// `a[::2]`
    EverySecond,
    /// `a*2`, for numbers, lists and strings
    Twice,
    /// `a+[3]`
    AppendNumber(i64),
    /// `[3]+a`
    PrependNumber(i64),
    /// `a+[b]`
    AppendVariable,
    /// `[x+1 for x in a]`
    AddToEach(i64),
    /// `[x*2 for x in a]`
    MultiplyEach(i64),
    /// `[x for x in a if x>3]`
    KeepAbove(i64),
    /// `[x for x in a if x%2==0]`
    KeepEven,
    /// `a+'p'`
    AppendLetter(char),
    /// `'p'+a`
    PrependLetter(char),
    /// `a.upper()`
    Upper,
    /// `a.lower()`
    Lower,
    /// `a.replace('p','q')`
    Replace(char, char),
    /// `''.join(sorted(a))`
    SortedLetters,
}

/// The constants of an operation; each uses one or two of them.
#[derive(Clone, Copy, Debug)]
pub struct Constants {
    digit: i64,
    step: i64,
    bound: i64,
    divisor: i64,
    position: i64,
    letter: char,
    other_letter: char,
}

impl Constants {
    /// Every pair of letters, and with them every other constant.
    pub const COMBINATIONS: usize = LETTERS.len() * LETTERS.len();

    /// The combination of number `n`, below [`Self::COMBINATIONS`].
    pub fn nth(n: usize) -> Self {
        let letter = |n: usize| char::from(LETTERS[n % LETTERS.len()]);
        Self {
            digit: 1 + n as i64 % 3,
            step: 1 + n as i64 % 2,
            bound: 3 + n as i64 % 3,
            divisor: 3 + n as i64 % 2,
            position: [0, 1, -1][n % 3],
            letter: letter(n),
            other_letter: letter(n / LETTERS.len()),
        }
    }
}

impl Operation {
    /// A random operation on a value of type `operand`.
    pub fn draw(language: Language, operand: Type, draws: &mut Draws) -> Self {
        let choices = Self::choices(language, operand, &Constants::nth(draws.below(Constants::COMBINATIONS)));
        choices[draws.below(choices.len())]
    }

    /// The operations on a value of type `operand` with given constants. Those that appear twice are drawn twice as
    /// often: they are facts to learn by heart, which takes a model longer than moving things around.
    pub fn choices(language: Language, operand: Type, constants: &Constants) -> Vec<Self> {
        use Operation::*;
        let Constants { digit, step, bound, divisor, position, letter, other_letter } = *constants;
        #[rustfmt::skip] // One family per line, not one operation.
        let mut choices = match operand {
            Type::Int => vec![
                Add(digit), Add(digit), Subtract(digit), Subtract(digit), Twice, Modulo(divisor), FloorDivide(2),
                AtLeast(bound), AtMost(bound), ZeroUnlessAbove(bound), IsEven, Larger, Smaller, Sum, Digits,
                Repeat(letter), Range, Singleton, Pair, Pair,
            ],
            Type::List => vec![
                Length, Maximum, Minimum, Index(position), Sorted, Reversed, WithoutFirst, WithoutLast, FirstTwo, LastTwo,
                EverySecond, Twice, AppendNumber(digit), PrependNumber(digit), AppendVariable, Sum, AddToEach(step),
                AddToEach(step), MultiplyEach(2), KeepAbove(bound), KeepEven,
            ],
            Type::Str => vec![
                Length, CountLetter(letter), Index(position), Reversed, WithoutFirst, WithoutLast, FirstTwo, LastTwo,
                EverySecond, Twice, AppendLetter(letter), PrependLetter(letter), Sum, Upper, Lower,
                Replace(letter, other_letter), SortedLetters,
            ],
        };
        choices.retain(|operation| operation.is_in(language, operand));
        choices
    }

    /// Whether the text of the operation means the operation for operands of this type: `+` does not join arrays.
    fn is_in(self, language: Language, operand: Type) -> bool {
        use Operation::*;
        match (language, operand) {
            (Language::Python, _) | (Language::JavaScript, Type::Int) => true,
            (Language::JavaScript, Type::List) => !matches!(self, Twice | Sum),
            (Language::JavaScript, Type::Str) => !matches!(self, Twice | Reversed | EverySecond),
        }
    }

    /// The type that the second operand must have, for operations that take one.
    pub fn other_operand(self, operand: Type) -> Option<Type> {
        use Operation::*;
        match self {
            Larger | Smaller | Pair | AppendVariable => Some(Type::Int),
            Sum => Some(operand),
            _ => None,
        }
    }

    /// The expression, with the names of the operands.
    pub fn text(self, language: Language, a: &str, b: &str) -> String {
        match language {
            Language::Python => self.python(a, b),
            Language::JavaScript => self.javascript(a, b),
        }
    }

    fn python(self, a: &str, b: &str) -> String {
        use Operation::*;
        match self {
            Add(k) => format!("{a}+{k}"),
            Subtract(k) => format!("{a}-{k}"),
            Modulo(k) => format!("{a}%{k}"),
            FloorDivide(k) => format!("{a}//{k}"),
            AtLeast(k) => format!("max({a},{k})"),
            AtMost(k) => format!("min({a},{k})"),
            ZeroUnlessAbove(k) => format!("{a} if {a}>{k} else 0"),
            IsEven => format!("1 if {a}%2==0 else 0"),
            Larger => format!("max({a},{b})"),
            Smaller => format!("min({a},{b})"),
            Sum => format!("{a}+{b}"),
            Digits => format!("str({a})"),
            Repeat(c) => format!("'{c}'*{a}"),
            Range => format!("list(range({a}))"),
            Singleton => format!("[{a}]"),
            Pair => format!("[{a},{b}]"),
            Length => format!("len({a})"),
            Maximum => format!("max({a})"),
            Minimum => format!("min({a})"),
            Index(k) => format!("{a}[{k}]"),
            CountLetter(c) => format!("{a}.count('{c}')"),
            Sorted => format!("sorted({a})"),
            Reversed => format!("{a}[::-1]"),
            WithoutFirst => format!("{a}[1:]"),
            WithoutLast => format!("{a}[:-1]"),
            FirstTwo => format!("{a}[:2]"),
            LastTwo => format!("{a}[-2:]"),
            EverySecond => format!("{a}[::2]"),
            Twice => format!("{a}*2"),
            AppendNumber(k) => format!("{a}+[{k}]"),
            PrependNumber(k) => format!("[{k}]+{a}"),
            AppendVariable => format!("{a}+[{b}]"),
            AddToEach(k) => format!("[x+{k} for x in {a}]"),
            MultiplyEach(k) => format!("[x*{k} for x in {a}]"),
            KeepAbove(k) => format!("[x for x in {a} if x>{k}]"),
            KeepEven => format!("[x for x in {a} if x%2==0]"),
            AppendLetter(c) => format!("{a}+'{c}'"),
            PrependLetter(c) => format!("'{c}'+{a}"),
            Upper => format!("{a}.upper()"),
            Lower => format!("{a}.lower()"),
            Replace(c, d) => format!("{a}.replace('{c}','{d}')"),
            SortedLetters => format!("''.join(sorted({a}))"),
        }
    }

    fn javascript(self, a: &str, b: &str) -> String {
        use Operation::*;
        match self {
            Add(k) => format!("{a}+{k}"),
            Subtract(k) => format!("{a}-{k}"),
            Modulo(k) => format!("{a}%{k}"),
            FloorDivide(k) => format!("Math.floor({a}/{k})"),
            AtLeast(k) => format!("Math.max({a},{k})"),
            AtMost(k) => format!("Math.min({a},{k})"),
            ZeroUnlessAbove(k) => format!("{a}>{k}?{a}:0"),
            IsEven => format!("{a}%2===0?1:0"),
            Larger => format!("Math.max({a},{b})"),
            Smaller => format!("Math.min({a},{b})"),
            Sum => format!("{a}+{b}"),
            Digits => format!("String({a})"),
            Repeat(c) => format!("\"{c}\".repeat({a})"),
            Range => format!("[...Array({a}).keys()]"),
            Singleton => format!("[{a}]"),
            Pair => format!("[{a},{b}]"),
            Length => format!("{a}.length"),
            Maximum => format!("Math.max(...{a})"),
            Minimum => format!("Math.min(...{a})"),
            Index(-1) => format!("{a}.at(-1)"),
            Index(k) => format!("{a}[{k}]"),
            CountLetter(c) => format!("{a}.split(\"{c}\").length-1"),
            Sorted => format!("[...{a}].sort((x,y)=>x-y)"),
            Reversed => format!("[...{a}].reverse()"),
            WithoutFirst => format!("{a}.slice(1)"),
            WithoutLast => format!("{a}.slice(0,-1)"),
            FirstTwo => format!("{a}.slice(0,2)"),
            LastTwo => format!("{a}.slice(-2)"),
            EverySecond => format!("{a}.filter((_,i)=>i%2===0)"),
            Twice => format!("{a}*2"),
            AppendNumber(k) => format!("[...{a},{k}]"),
            PrependNumber(k) => format!("[{k},...{a}]"),
            AppendVariable => format!("[...{a},{b}]"),
            AddToEach(k) => format!("{a}.map(x=>x+{k})"),
            MultiplyEach(k) => format!("{a}.map(x=>x*{k})"),
            KeepAbove(k) => format!("{a}.filter(x=>x>{k})"),
            KeepEven => format!("{a}.filter(x=>x%2===0)"),
            AppendLetter(c) => format!("{a}+\"{c}\""),
            PrependLetter(c) => format!("\"{c}\"+{a}"),
            Upper => format!("{a}.toUpperCase()"),
            Lower => format!("{a}.toLowerCase()"),
            Replace(c, d) => format!("{a}.replaceAll(\"{c}\",\"{d}\")"),
            SortedLetters => format!("[...{a}].sort().join(\"\")"),
        }
    }

    /// What the program computes, or none where it raises, the types do not fit or the value is none of the language.
    pub fn apply(self, language: Language, operand: &Value, other: Option<&Value>) -> Option<Value> {
        use Operation::*;
        if let (Language::JavaScript, Value::Int(..0), Modulo(_) | Repeat(_) | Range) = (language, operand, self) {
            // A remainder with the sign of the dividend, -0 among them; a RangeError.
            return None;
        }
        match operand {
            Value::Int(number) => self.apply_to_int(*number, other),
            Value::List(items) => self.apply_to_list(items, other),
            Value::Str(text) => self.apply_to_str(text, other),
        }
    }

    fn apply_to_int(self, a: i64, other: Option<&Value>) -> Option<Value> {
        use Operation::*;
        let other = match other {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        };
        Some(Value::Int(match self {
            Add(k) => a + k,
            Subtract(k) => a - k,
            Twice => a * 2,
            Modulo(k) => a.rem_euclid(k),
            FloorDivide(k) => a.div_euclid(k),
            AtLeast(k) => a.max(k),
            AtMost(k) => a.min(k),
            ZeroUnlessAbove(k) => {
                if a > k {
                    a
                } else {
                    0
                }
            }
            IsEven => i64::from(a % 2 == 0),
            Larger => a.max(other?),
            Smaller => a.min(other?),
            Sum => a + other?,
            Digits => return Some(Value::Str(a.to_string())),
            Repeat(c) => return Some(Value::Str(c.to_string().repeat(usize::try_from(a).unwrap_or(0)))),
            Range => return Some(Value::List((0..a).collect())),
            Singleton => return Some(Value::List(vec![a])),
            Pair => return Some(Value::List(vec![a, other?])),
            _ => return None,
        }))
    }

    fn apply_to_list(self, a: &[i64], other: Option<&Value>) -> Option<Value> {
        use Operation::*;
        let number = match self {
            Length => Some(a.len() as i64),
            Maximum => Some(*a.iter().max()?),
            Minimum => Some(*a.iter().min()?),
            Index(k) => Some(*element(a, k)?),
            _ => None,
        };
        if let Some(number) = number {
            return Some(Value::Int(number));
        }
        Some(Value::List(match (self, other) {
            (Sorted, _) => {
                let mut items = a.to_vec();
                items.sort_unstable();
                items
            }
            (AppendNumber(k), _) | (AppendVariable, Some(&Value::Int(k))) => [a, &[k]].concat(),
            (PrependNumber(k), _) => [&[k], a].concat(),
            (Sum, Some(Value::List(b))) => [a, b].concat(),
            (AddToEach(k), _) => a.iter().map(|item| item + k).collect(),
            (MultiplyEach(k), _) => a.iter().map(|item| item * k).collect(),
            (KeepAbove(k), _) => a.iter().copied().filter(|item| *item > k).collect(),
            (KeepEven, _) => a.iter().copied().filter(|item| item % 2 == 0).collect(),
            _ => self.rearrange(a)?,
        }))
    }

    fn apply_to_str(self, a: &str, other: Option<&Value>) -> Option<Value> {
        use Operation::*;
        let letters: Vec<char> = a.chars().collect();
        let number = match self {
            Length => Some(letters.len() as i64),
            CountLetter(c) => Some(letters.iter().filter(|letter| **letter == c).count() as i64),
            _ => None,
        };
        if let Some(number) = number {
            return Some(Value::Int(number));
        }
        Some(Value::Str(match (self, other) {
            (Index(k), _) => element(&letters, k)?.to_string(),
            (AppendLetter(c), _) => format!("{a}{c}"),
            (PrependLetter(c), _) => format!("{c}{a}"),
            (Sum, Some(Value::Str(b))) => format!("{a}{b}"),
            (Upper, _) => a.to_uppercase(),
            (Lower, _) => a.to_lowercase(),
            (Replace(c, d), _) => a.replace(c, &d.to_string()),
            (SortedLetters, _) => {
                let mut letters = letters;
                letters.sort_unstable();
                letters.into_iter().collect()
            }
            _ => self.rearrange(&letters)?.into_iter().collect(),
        }))
    }

    /// The operations that lists and strings share.
    fn rearrange<T: Copy>(self, a: &[T]) -> Option<Vec<T>> {
        use Operation::*;
        Some(match self {
            Reversed => a.iter().rev().copied().collect(),
            WithoutFirst => a.iter().skip(1).copied().collect(),
            WithoutLast => a[..a.len().saturating_sub(1)].to_vec(),
            FirstTwo => a.iter().take(2).copied().collect(),
            LastTwo => a[a.len().saturating_sub(2)..].to_vec(),
            EverySecond => a.iter().step_by(2).copied().collect(),
            Twice => [a, a].concat(),
            _ => return None,
        })
    }
}

/// Python's `a[k]`.
fn element<T>(a: &[T], k: i64) -> Option<&T> {
    let index = if k < 0 { k + a.len() as i64 } else { k };
    a.get(usize::try_from(index).ok()?)
}
