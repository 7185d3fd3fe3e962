//! `envs/countdown.wasm` against an evaluator and a solver that share nothing with it, and against forgeries.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::LazyLock;

use azr_core::task::Task;
use azr_env::check::check;
use azr_sandbox::{Attempt, Context, Environment, Proposal, Sandbox, SandboxConfig, SequencePart, Style};
use serde_json::{Value, json};

static COUNTDOWN: LazyLock<Environment> = LazyLock::new(|| {
    let cache_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"));
    let sandbox = Sandbox::new(&SandboxConfig { cache_dir, ..SandboxConfig::default() }).unwrap();
    sandbox.load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envs/countdown.wasm")).unwrap()
});

fn context(style: Style) -> Context {
    COUNTDOWN.context(style, &[]).unwrap()
}

fn imported(numbers: &[i64], target: i64) -> Result<Task, String> {
    let line = json!({ "target": target, "numbers": numbers }).to_string();
    let imported = COUNTDOWN.import_tasks(&context(Style::Compact), &[line]).remove(0).unwrap();
    imported.map_err(|rejection| rejection.message)
}

/// The scores of answers in the compact style.
fn scores(attempts: Vec<(&Task, &str)>) -> Vec<f64> {
    let attempts: Vec<Attempt> =
        attempts.into_iter().map(|(task, answer)| Attempt { task: task.clone(), completion: answer.into() }).collect();
    let judged = COUNTDOWN.verify(&context(Style::Compact), &attempts).into_iter();
    judged.map(|judged| judged.unwrap().conclusion.score).collect()
}

fn generated(count: u32) -> Vec<Task> {
    let part = SequencePart { kind: "countdown".into(), seed: 5, first: 0, count };
    COUNTDOWN.generate(&context(Style::Compact), &part).unwrap()
}

fn parts(task: &Task) -> (Vec<i64>, i64) {
    let body: Value = serde_json::from_str(&task.body).unwrap();
    let numbers = body["numbers"].as_array().unwrap().iter().map(|number| number.as_i64().unwrap()).collect();
    (numbers, body["target"].as_i64().unwrap())
}

#[test]
fn the_adversary_finds_nothing() {
    for check in check(&COUNTDOWN, 24_000).checks {
        assert!(check.problems.is_empty(), "{check:#?}");
    }
}

#[test]
fn the_operator_decides_how_hard_generated_puzzles_are() {
    let part = SequencePart { kind: "countdown".into(), seed: 5, first: 0, count: 200 };
    let generate = |settings: &[(&str, &str)]| {
        let settings: Vec<_> = settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        COUNTDOWN.generate(&COUNTDOWN.context(Style::Compact, &settings).unwrap(), &part)
    };
    assert_eq!(generate(&[("numbers-max", "5"), ("number-max", "20")]).unwrap(), generate(&[]).unwrap());
    for task in generate(&[("numbers-max", "3"), ("number-max", "10")]).unwrap() {
        let (numbers, _) = parts(&task);
        assert!(numbers.len() == 3 && numbers.iter().all(|number| (1..=10).contains(number)), "{numbers:?}");
    }
    for wrong in ["", "-1", "6", "three"] {
        let fault = generate(&[("numbers-max", wrong)]).unwrap_err().to_string();
        let why = format!("setting numbers-max is {wrong:?}; it must be a whole number from 2 to 5");
        assert!(fault.contains(&why), "{fault}");
    }
}

/// Worked by hand.
const VECTORS: [(&[i64], i64, &str, f64); 16] = [
    (&[25, 3, 7, 8], 83, "25 * 3 + 8", 1.0),
    (&[25, 3, 7, 8], 83, "8+3*25", 1.0),
    (&[25, 3, 7, 8], 83, "25\n*\t3+ 8", 1.0),
    (&[25, 3, 7, 8], 83, "((8)) + (25 * 3)", 1.0),
    (&[25, 3, 7, 8], 83, "25 * (3 + 8)", 0.0),
    (&[2, 3, 4], 14, "2 + 3 * 4", 1.0),
    (&[2, 3, 4], 14, "(2 + 3) * 4", 0.0),
    (&[2, 3, 4], 14, "2 * (3 + 4)", 1.0),
    (&[20, 5, 3], 12, "20 - 5 - 3", 1.0),
    (&[20, 5, 3], 12, "20 - (5 - 3)", 0.0),
    (&[24, 4, 3], 2, "24 / 4 / 3", 1.0),
    (&[24, 4, 3], 18, "24 / 4 * 3", 1.0),
    (&[24, 4, 3], 32, "4 / 3 * 24", 0.0),
    (&[2, 9, 11], 4, "2 - 9 + 11", 1.0),
    (&[5, 5, 2], 25, "5 * 5", 1.0),
    (&[5, 4, 2, 1], 25, "5 * 5", 0.0),
];

#[test]
fn right_and_wrong_answers() {
    for (numbers, target, answer, score) in VECTORS {
        assert_eq!(scores(vec![(&imported(numbers, target).unwrap(), answer)]), [score], "{answer} for {target}");
    }
}

/// What must not pass for 83 = 25 * 3 + 8, each in a way of its own.
const FORGERIES: [&str; 32] = [
    "83",
    "25*3+8=83",
    "83 = 25*3+8",
    "25 * 3 + 8 7",
    "25*3+8)",
    "(25*3+8",
    "25**3+8",
    "25x3+8",
    "25×3+8",
    "25∗3＋8",
    "２５*3+8",
    "٢٥*3+8",
    "25*3+8#",
    "25*3+8;",
    "25*3+8\u{0}",
    "25*3+\u{200b}8",
    "025*3+8",
    "25.0*3+8",
    "+25*3+8",
    "--25*3+8",
    "-(-25*3-8)",
    "25*3+8+3-3",
    "25*3+8+0",
    "25*3+8*1",
    "250/10*3+8",
    "25*3+8/(3-3)",
    "9223372036854775807+84",
    "0x19*3+8",
    "2_5*3+8",
    "25 * 3,8",
    "eval('25*3+8')",
    "The answer is 25*3+8",
];

#[test]
fn forgeries_score_nothing() {
    let task = imported(&[25, 3, 7, 8], 83).unwrap();
    let scores = scores(FORGERIES.iter().map(|answer| (&task, *answer)).collect());
    for (answer, score) in FORGERIES.iter().zip(scores) {
        assert_eq!(score, 0.0, "{answer}");
    }
    // Unequal parentheses and products beyond 64 bits come to a verdict, too.
    let large = imported(&[100, 99, 98, 97, 96], 3).unwrap();
    let deep = format!("{}3{}", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(self::scores(vec![(&large, &deep), (&large, "100 - 97")]), [0.0, 1.0]);
}

/// All positive targets that numbers reach, negative results on the way included.
fn reachable(numbers: &[i64]) -> BTreeSet<i64> {
    fn combine(pool: Vec<i64>, reached: &mut BTreeSet<i64>, seen: &mut BTreeSet<Vec<i64>>) {
        if !seen.insert(pool.clone()) {
            return;
        }
        reached.extend(&pool);
        for i in 0..pool.len() {
            for j in (0..pool.len()).filter(|&j| j != i) {
                let (a, b) = (pool[i], pool[j]);
                let quotient = (b != 0 && a % b == 0).then(|| a / b);
                for value in [Some(a + b), Some(a - b), Some(a * b), quotient].into_iter().flatten() {
                    let kept = (0..pool.len()).filter(|&place| place != i && place != j).map(|place| pool[place]);
                    let mut next: Vec<i64> = kept.chain([value]).collect();
                    next.sort_unstable();
                    combine(next, reached, seen);
                }
            }
        }
    }
    let mut reached = BTreeSet::new();
    combine(numbers.to_vec(), &mut reached, &mut BTreeSet::new());
    reached
}

#[test]
fn exactly_the_reachable_targets_are_tasks() {
    for numbers in [vec![3, 3], vec![2, 7, 10], vec![1, 5, 6, 7], vec![4, 4, 4, 9]] {
        let reachable = reachable(&numbers);
        for target in 1..=120 {
            let task = imported(&numbers, target);
            let posable = reachable.contains(&target) && !numbers.contains(&target);
            assert_eq!(task.is_ok(), posable, "{target} from {numbers:?}: {task:?}");
        }
    }
    for task in generated(64) {
        let (numbers, target) = parts(&task);
        assert!(reachable(&numbers).contains(&target) && !numbers.contains(&target) && target < 1000, "{task:?}");
    }
}

/// Another evaluator, by precedence climbing. Knows well-formed expressions without spaces only.
fn evaluate(text: &str) -> Option<i64> {
    fn level(text: &[u8], at: &mut usize, least: u8) -> Option<i64> {
        let mut value = match text.get(*at)? {
            b'(' => {
                *at += 1;
                let inner = level(text, at, 0)?;
                *at += 1;
                inner
            }
            _ => {
                let start = *at;
                while text.get(*at).is_some_and(u8::is_ascii_digit) {
                    *at += 1;
                }
                std::str::from_utf8(&text[start..*at]).ok()?.parse().ok()?
            }
        };
        while let Some(&operator) = text.get(*at).filter(|operator| **operator != b')') {
            let binds = if b"*/".contains(&operator) { 2 } else { 1 };
            if binds <= least {
                break;
            }
            *at += 1;
            let right = level(text, at, binds)?;
            value = match operator {
                b'+' => value + right,
                b'-' => value - right,
                b'*' => value * right,
                _ => (right != 0 && value % right == 0).then(|| value / right)?,
            };
        }
        Some(value)
    }
    level(text.as_bytes(), &mut 0, 0)
}

/// Every expression over three numbers without repetition, judged by both.
#[test]
fn the_judge_agrees_with_another_evaluator() {
    let numbers = [12, 4, 3];
    let mut by_value: HashMap<i64, Vec<String>> = HashMap::new();
    let mut uneven = Vec::new();
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for [a, b, c] in orders.map(|order| order.map(|place| numbers[place])) {
        for first in "+-*/".chars() {
            for second in "+-*/".chars() {
                for text in [
                    format!("{a}{first}{b}{second}{c}"),
                    format!("({a}{first}{b}){second}{c}"),
                    format!("{a}{first}({b}{second}{c})"),
                ] {
                    match evaluate(&text) {
                        Some(value) => by_value.entry(value).or_default().push(text),
                        None => uneven.push(text),
                    }
                }
            }
        }
    }
    let task = |target| Task {
        kind: "countdown".into(),
        body: json!({ "numbers": numbers, "target": target }).to_string().into(),
    };
    for (value, texts) in by_value {
        let right = task(value);
        let wrong = task(value + 1);
        assert!(
            scores(texts.iter().map(|text| (&right, &**text)).collect()).iter().all(|&score| score == 1.0),
            "{value}"
        );
        assert!(
            scores(texts.iter().map(|text| (&wrong, &**text)).collect()).iter().all(|&score| score == 0.0),
            "{value}"
        );
    }
    assert!(uneven.len() > 50);
    for value in [0, 1, 3, 9] {
        let any = task(value);
        assert!(scores(uneven.iter().map(|text| (&any, &**text)).collect()).iter().all(|&score| score == 0.0));
    }
}

#[test]
fn proposals_become_tasks_or_say_why_not() {
    let propose = |completion: &str| {
        let proposal = Proposal { kind: "countdown".into(), references: Vec::new(), completion: completion.into() };
        let judged = COUNTDOWN.validate(&context(Style::Compact), &[proposal]).remove(0).unwrap().conclusion;
        judged.map(|accepted| accepted.task.body).map_err(|rejection| rejection.message)
    };
    assert_eq!(propose(" 3, 7,8 ;45; (7 + 8) * 3\n").unwrap(), r#"{"numbers":[3,7,8],"target":45}"#);
    for (completion, why) in [
        ("3, 7, 8; 45", "separated by semicolons"),
        ("3, 7, 8; 46; (7 + 8) * 3", "comes to 45, not to 46"),
        ("3, 7, 8; 45; 45", "45 is not among the numbers"),
        ("3, 7, 8; 90; (7 + 8) * 3 * (8 - 7 + 1)", "8 is not among the numbers, or is used too often"),
        ("3; 3; 3", "2 to 5 numbers, not 1"),
        ("1, 2, 3, 4, 5, 6; 21; 1+2+3+4+5+6", "2 to 5 numbers, not 6"),
        ("3, 101; 104; 3 + 101", "101 is not a number from 1 to 100"),
        ("100, 99; 9900; 100 * 99", "the target 9900"),
        ("1, 5, 5; 5; 5", "the target 5 is one of the numbers"),
        ("3, 3; 0; 3 - 3", "the target 0"),
        ("3, +7; 10; 3 + 7", "\"+7\" is not a whole number"),
    ] {
        let said = propose(completion).unwrap_err();
        assert!(said.contains(why), "{completion}: {said}");
    }
}
