//! Random programs of the task language: straight lines of one operation each, with inputs and the value of every line.

use azr_config::language::Language;
use std::{collections::HashSet, fmt};

use super::{
    operation::{LETTERS, Operation},
    value::{Type, Value},
};
use azr_core::{rng::Draws, task::Digest};

/// The most operation lines of a program: with two arguments the variables are then named a to h.
pub const LINES_MAX: usize = 6;
/// Inputs per sampled program. Seven, because an induction task needs six and one more makes the filter stricter.
pub const CASES: usize = 7;
/// A program must have this many different outputs among its cases, or it hardly depends on its input.
const DISTINCT_OUTPUTS_MIN: usize = 3;
/// Operations tried for a line before the program is thrown away. Arbitrary; most lines need one or two.
const TRIES: usize = 12;

/// One line: a new variable gets the value of an operation. Variables are numbered from 0, arguments first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What is computed.
    pub operation: Operation,
    /// The first operand: the variable of the line before, so that every line matters.
    pub operand: usize,
    /// The second operand, where the operation takes one.
    pub other: Option<usize>,
}

/// A program; its `Display` is the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// What it is written in.
    pub language: Language,
    /// Number of arguments.
    pub arity: usize,
    /// The operations in order; the last one's value is returned.
    pub lines: Vec<Line>,
}

/// One execution of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    language: Language,
    arity: usize,
    values: Vec<Value>,
}

/// A program that passed the filters, with its cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The program.
    pub program: Program,
    /// Executions on [`CASES`] random inputs.
    pub cases: Vec<Case>,
}

/// Whether tasks about a program are kept for evaluation: one program in eight, by hash of its text. The warm start
/// never trains on them and self-play refuses to.
pub fn is_held_out(program_text: &str) -> bool {
    Digest::of(program_text).0[0] < 32
}

impl Line {
    /// The text right of the `=`.
    pub fn expression(&self, language: Language) -> String {
        let name = |variable: usize| name(variable).to_string();
        self.operation.text(language, &name(self.operand), &self.other.map_or(String::new(), name))
    }
}

impl Case {
    /// The text between the parentheses of the call.
    pub fn input(&self) -> String {
        let arguments: Vec<String> = self.arguments().iter().map(|value| value.text(self.language)).collect();
        arguments.join(", ")
    }

    /// The arguments of the call.
    pub fn arguments(&self) -> &[Value] {
        &self.values[..self.arity]
    }

    /// The values of all variables: arguments first, then one per line.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// What the program returns.
    pub fn output(&self) -> &Value {
        self.values.last().expect("a program has an argument")
    }

    /// What the program returns, as a literal.
    pub fn output_text(&self) -> String {
        self.output().text(self.language)
    }
}

impl Program {
    /// Executes on `arguments`; none where the language would raise, also over their number.
    pub fn run(&self, arguments: &[Value]) -> Option<Case> {
        if arguments.len() != self.arity {
            return None;
        }
        let mut values = arguments.to_vec();
        for line in &self.lines {
            let other = line.other.map(|other| &values[other]);
            values.push(line.operation.apply(self.language, &values[line.operand], other)?);
        }
        Some(Case { language: self.language, arity: self.arity, values })
    }

    /// Every line as it is in the program, and its result, the last line first: `c=b*2=10`. Each result follows from
    /// the line written before it.
    pub fn work_backwards(&self, case: &Case) -> impl Iterator<Item = String> {
        let lines = self.lines.iter().zip(self.arity..self.arity + self.lines.len()).rev();
        lines.map(|(line, variable)| {
            let value = case.values[variable].text(self.language);
            format!("{}={}={value}", name(variable), line.expression(self.language))
        })
    }

    /// Every line with the values of its operands in place of their names, and its result: `c=5*2=10`.
    pub fn work(&self, case: &Case) -> impl Iterator<Item = String> {
        let value = |variable: usize| case.values[variable].text(self.language);
        self.lines.iter().zip(self.arity..).map(move |(line, variable)| {
            let (operand, other) = (value(line.operand), line.other.map_or(String::new(), value));
            format!("{}={}={}", name(variable), line.operation.text(self.language, &operand, &other), value(variable))
        })
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arguments: Vec<String> = (0..self.arity).map(|argument| name(argument).to_string()).collect();
        let (declaration, end) = self.language.statement();
        write!(f, "{}", self.language.head(&arguments.join(",")))?;
        for (index, line) in self.lines.iter().enumerate() {
            let (name, expression) = (name(self.arity + index), line.expression(self.language));
            write!(f, "\n {declaration}{name}={expression}{end}")?;
        }
        write!(f, "\n return {}{end}{}", name(self.arity + self.lines.len() - 1), self.language.tail())
    }
}

/// A random program of `lines` operations, with its cases.
pub fn sample(language: Language, draws: &mut Draws, lines: usize) -> Sample {
    loop {
        let arity = if draws.uniform() < 0.3 { 2 } else { 1 };
        let types: Vec<Type> = (0..arity).map(|_| [Type::Int, Type::List, Type::Str][draws.below(3)]).collect();
        let mut cases: Vec<Case> = Vec::new();
        while cases.len() < CASES {
            let case = Case { language, arity, values: types.iter().map(|kind| argument(*kind, draws)).collect() };
            if !cases.contains(&case) {
                cases.push(case);
            }
        }
        let start = Sample { program: Program { language, arity, lines: Vec::new() }, cases };
        if let Some(sample) = grow(start, draws, lines) {
            return sample;
        }
    }
}

/// The identity program, from which a run is seeded, on random inputs of one type.
pub fn identity(language: Language, draws: &mut Draws) -> Sample {
    let kind = [Type::Int, Type::List, Type::Str][draws.below(3)];
    Sample {
        program: Program { language, arity: 1, lines: Vec::new() },
        cases: (0..CASES).map(|_| Case { language, arity: 1, values: vec![argument(kind, draws)] }).collect(),
    }
}

/// A program of `lines` operations that begins like `reference` and goes on differently, with its cases; none where
/// the draws do not lead to one.
pub fn edit(reference: &Sample, draws: &mut Draws, lines: usize) -> Option<Sample> {
    let kept = draws.below(reference.program.lines.len().min(lines).max(1));
    let mut start = reference.clone();
    start.program.lines.truncate(kept);
    start.cases.iter_mut().for_each(|case| case.values.truncate(case.arity + kept));
    grow(start, draws, lines).filter(|sample| sample.program != reference.program)
}

/// Adds lines until there are `lines` of them.
fn grow(mut sample: Sample, draws: &mut Draws, lines: usize) -> Option<Sample> {
    while sample.program.lines.len() < lines {
        (0..TRIES).find_map(|_| add_line(&mut sample, draws))?;
    }
    (uses_all_arguments(&sample.program) && depends_on_input(&sample)).then_some(sample)
}

/// Tries one random line.
fn add_line(sample: &mut Sample, draws: &mut Draws) -> Option<()> {
    let (language, values) = (sample.program.language, &sample.cases[0].values);
    let operand = values.len() - 1;
    let operation = Operation::draw(language, values[operand].kind(), draws);
    let other = match operation.other_operand(values[operand].kind()) {
        Some(kind) => {
            let fitting: Vec<usize> = (0..operand).filter(|index| values[*index].kind() == kind).collect();
            (!fitting.is_empty()).then(|| fitting[draws.below(fitting.len())]).map(Some)?
        }
        None => None,
    };
    let results = sample
        .cases
        .iter()
        .map(|case| operation.apply(language, &case.values[operand], other.map(|other| &case.values[other])))
        .map(|value| value.filter(Value::is_small))
        .collect::<Option<Vec<Value>>>()?;
    let changes = sample.cases.iter().zip(&results).any(|(case, result)| case.values[operand] != *result);
    if !changes || results.iter().all(|result| *result == results[0]) {
        return None;
    }
    sample.program.lines.push(Line { operation, operand, other });
    sample.cases.iter_mut().zip(results).for_each(|(case, result)| case.values.push(result));
    Some(())
}

fn uses_all_arguments(program: &Program) -> bool {
    let used: HashSet<usize> =
        program.lines.iter().flat_map(|line| [Some(line.operand), line.other]).flatten().collect();
    (0..program.arity).all(|argument| used.contains(&argument))
}

fn depends_on_input(sample: &Sample) -> bool {
    let outputs: HashSet<&Value> = sample.cases.iter().map(Case::output).collect();
    outputs.len() >= DISTINCT_OUTPUTS_MIN && sample.cases.iter().any(|case| case.arguments() != [case.output().clone()])
}

/// A random argument: smaller than what the lines may compute from it, so that few programs are thrown away.
fn argument(kind: Type, draws: &mut Draws) -> Value {
    match kind {
        Type::Int => Value::Int(draws.below(11) as i64),
        Type::List => Value::List((0..1 + draws.below(4)).map(|_| draws.below(10) as i64).collect()),
        Type::Str => Value::Str((0..1 + draws.below(4)).map(|_| letter(draws)).collect()),
    }
}

/// Mostly lower case, so that `lower()` has something to do now and then.
fn letter(draws: &mut Draws) -> char {
    let letter = char::from(LETTERS[draws.below(LETTERS.len())]);
    if draws.uniform() < 0.15 { letter.to_ascii_uppercase() } else { letter }
}

/// What variable number `variable` is called.
pub fn name(variable: usize) -> char {
    char::from(b'a' + u8::try_from(variable).expect("a program has at most eight variables"))
}
