//! `envs/math.wasm` against the test cases of published graders, pairs worked by hand, and forgeries.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use azr_core::task::Task;
use azr_sandbox::{Attempt, Context, Environment, Sandbox, SandboxConfig, Style, Verdict};
use serde::Deserialize;
use serde_json::{Value, json};

static MATH: LazyLock<Environment> = LazyLock::new(|| {
    let cache_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"));
    let sandbox = Sandbox::new(&SandboxConfig { cache_dir, ..SandboxConfig::default() }).unwrap();
    sandbox.load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envs/math.wasm")).unwrap()
});

fn context(style: Style) -> Context {
    MATH.context(style, &[]).unwrap()
}

/// The tasks of lines of a data set, or why they are none.
fn imported(lines: &[Value]) -> Vec<Result<Task, String>> {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    imported_with(&context(Style::Compact), &lines)
}

fn imported_with(context: &Context, lines: &[String]) -> Vec<Result<Task, String>> {
    let imported = MATH.import_tasks(context, lines).into_iter();
    imported.map(|imported| imported.unwrap().map_err(|rejection| rejection.message)).collect()
}

/// Verdicts on answers to problems with these references.
fn judged<'a>(style: Style, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Verdict> {
    let (lines, answers): (Vec<Value>, Vec<&str>) =
        pairs.into_iter().map(|(reference, answer)| (json!({ "problem": "?", "answer": reference }), answer)).unzip();
    let attempts: Vec<Attempt> = imported(&lines)
        .into_iter()
        .zip(answers)
        .map(|(task, answer)| Attempt { task: task.unwrap(), completion: answer.into() })
        .collect();
    MATH.verify(&context(style), &attempts).into_iter().map(|judged| judged.unwrap().conclusion).collect()
}

#[derive(Deserialize)]
struct Pair {
    source: String,
    reference: String,
    answer: String,
    equal: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Agreement {
    sources: Vec<Source>,
    disagreements: Vec<Reason>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    name: String,
    #[expect(dead_code, reason = "for whoever reads the file")]
    from: String,
    #[expect(dead_code, reason = "for whoever reads the file")]
    licence: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    #[expect(dead_code, reason = "for whoever reads the file")]
    why: String,
    pairs: Vec<[String; 2]>,
}

/// The verdicts differ in exactly the pairs that the table of disagreements explains.
#[test]
fn published_graders_agree_but_for_what_is_explained() {
    let pairs: Vec<Pair> =
        include_str!("math/agreement.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let Agreement { sources, disagreements } = toml::from_str(include_str!("math/agreement.toml")).unwrap();
    let named: BTreeSet<&str> = sources.iter().map(|source| &*source.name).collect();
    assert_eq!(named, pairs.iter().map(|pair| &*pair.source).collect());

    let verdicts = judged(Style::Compact, pairs.iter().map(|pair| (&*pair.reference, &*pair.answer)));
    let differ: BTreeSet<[&str; 2]> = pairs
        .iter()
        .zip(&verdicts)
        .filter(|(pair, verdict)| (verdict.score == 1.0) != pair.equal)
        .map(|(pair, _)| [&*pair.reference, &*pair.answer])
        .collect();
    let explained: BTreeSet<[&str; 2]> = disagreements
        .iter()
        .flat_map(|reason| &reason.pairs)
        .map(|[reference, answer]| [&**reference, &**answer])
        .collect();
    let unexplained: Vec<_> = differ.difference(&explained).collect();
    let agreed: Vec<_> = explained.difference(&differ).collect();
    assert!(
        unexplained.is_empty() && agreed.is_empty(),
        "unexplained: {unexplained:#?}\nno longer differ: {agreed:#?}"
    );
    assert!(pairs.len() - differ.len() > 250, "{} of {} agree", pairs.len() - differ.len(), pairs.len());
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    equal: Vec<[String; 2]>,
    unequal: Vec<[String; 2]>,
}

#[test]
fn pairs_worked_by_hand() {
    let ByHand { equal, unequal } = toml::from_str(include_str!("math/pairs.toml")).unwrap();
    assert!(equal.len() + unequal.len() >= 160, "{} and {}", equal.len(), unequal.len());
    for (pairs, score) in [(equal, 1.0), (unequal, 0.0)] {
        // In both directions.
        let turned: Vec<[String; 2]> = pairs.iter().map(|[one, other]| [other.clone(), one.clone()]).collect();
        for pairs in [pairs, turned] {
            let verdicts = judged(Style::Compact, pairs.iter().map(|[reference, answer]| (&**reference, &**answer)));
            for (pair, verdict) in pairs.iter().zip(verdicts) {
                assert_eq!(verdict.score, score, "{pair:?}: {}", verdict.reason);
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kinds {
    kind: Vec<Kind>,
}

/// A kind of answers that judges got wrong, and pairs of a reference and an answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    name: String,
    #[expect(dead_code, reason = "for whoever reads the file")]
    from: String,
    #[expect(dead_code, reason = "for whoever reads the file")]
    rule: String,
    right: Vec<[String; 2]>,
    wrong: Vec<[String; 2]>,
}

#[test]
fn answers_that_judges_got_wrong_in_the_field() {
    let Kinds { kind } = toml::from_str(include_str!("math/kinds.toml")).unwrap();
    assert!(kind.len() >= 56, "{}", kind.len());
    for Kind { name, right, wrong, .. } in &kind {
        for (pairs, score) in [(right, 1.0), (wrong, 0.0)] {
            let verdicts = judged(Style::Compact, pairs.iter().map(|[reference, answer]| (&**reference, &**answer)));
            for (pair, verdict) in pairs.iter().zip(verdicts) {
                assert_eq!(verdict.score, score, "{name}: {pair:?}: {}", verdict.reason);
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variations {
    class: Vec<Class>,
}

/// An answer, and what is equal to it and what is not.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    answer: String,
    equal: Vec<String>,
    unequal: Vec<String>,
}

#[test]
fn other_instances_of_the_same_kinds() {
    let Variations { class } = toml::from_str(include_str!("math/variations.toml")).unwrap();
    assert!(class.len() >= 180, "{}", class.len());
    let mut pairs = Vec::new();
    for Class { answer, equal, unequal } in &class {
        for (others, score) in [(equal, 1.0), (unequal, 0.0)] {
            pairs.extend(others.iter().flat_map(|other| [(&**answer, &**other, score), (&**other, &**answer, score)]));
        }
    }
    let verdicts = judged(Style::Compact, pairs.iter().map(|(reference, answer, _)| (*reference, *answer)));
    for ((reference, answer, score), verdict) in pairs.iter().zip(verdicts) {
        assert_eq!(verdict.score, *score, "{reference} and {answer}: {}", verdict.reason);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Forgeries {
    forgery: Vec<Forgery>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Forgery {
    name: String,
    reference: String,
    completion: String,
    refusal: String,
}

#[test]
fn forgeries_score_nothing_and_are_told_why() {
    let Forgeries { forgery } = toml::from_str(include_str!("math/forgeries.toml")).unwrap();
    assert!(forgery.len() >= 121, "{}", forgery.len());
    for style in [Style::Compact, Style::Instruct] {
        let completed = |forgery: &Forgery| {
            let text = repeated(&forgery.completion);
            if style == Style::Compact { text } else { format!("hm</think><answer>{text}</answer>") }
        };
        let completions: Vec<String> = forgery.iter().map(completed).collect();
        let pairs = forgery.iter().zip(&completions).map(|(forgery, text)| (&*forgery.reference, &**text));
        for (Forgery { name, refusal, .. }, verdict) in forgery.iter().zip(judged(style, pairs)) {
            assert_eq!((verdict.score, &*verdict.reason), (0.0, &**refusal), "{name}");
        }
    }
}

/// `{x×1000}` stands for a thousand `x`.
fn repeated(text: &str) -> String {
    let Some((before, rest)) = text.split_once("{") else { return text.into() };
    let parts = rest.split_once('}').and_then(|(inside, after)| Some((inside.split_once('×')?, after)));
    match parts {
        Some(((what, count), after)) if count.parse::<usize>().is_ok() => {
            format!("{before}{}{}", what.repeat(count.parse().unwrap()), repeated(after))
        }
        _ => format!("{before}{{{}", repeated(rest)),
    }
}

#[test]
fn published_formats_are_read_and_others_refused() {
    let lines = [
        json!({ "question": "How many?", "answer": "48/2 = <<48/2=24>>24 clips.\n48+24 = <<48+24=72>>72\n#### 1,072" }),
        json!({ "problem": "Solve.", "solution": r"First $\boxed{1}$, then $\boxed{\frac{1}{2}}$.", "level": "Level 5", "type": "Algebra" }),
        json!({ "problem": "Solve.", "solution": r"It is $\boxed{7}$.", "answer": "8", "unique_id": "test/algebra/1.json" }),
        json!({ "problem": " Find it. ", "answer": 204, "year": 2024 }),
        json!({ "answer": "204", "problem": "Find it." }),
    ];
    let bodies: Vec<String> = imported(&lines).into_iter().map(|task| task.unwrap().body.to_string()).collect();
    assert_eq!(
        bodies,
        [
            r#"{"answer":"1,072","problem":"How many?"}"#,
            r#"{"answer":"\\frac{1}{2}","problem":"Solve."}"#,
            r#"{"answer":"8","problem":"Solve."}"#,
            r#"{"answer":"204","problem":"Find it."}"#,
            r#"{"answer":"204","problem":"Find it."}"#,
        ]
    );
    let refused = [
        (json!({ "problem": "Prove it.", "solution": "By induction." }), "the solution has no \\boxed"),
        (json!({ "problem": "Prove it." }), "neither an answer nor a solution"),
        (json!({ "answer": "5" }), "missing field `problem`"),
        (json!({ "problem": "Find it.", "answer": null }), "neither an answer nor a solution"),
        (json!({ "problem": "Find it.", "answer": ["5"] }), "neither a text nor a number"),
        (json!({ "problem": "Find it.", "answer": " $ $ " }), "no reference answer: there is no answer"),
        (json!({ "problem": "Find it.", "answer": "\\boxed{5" }), "the last box is not closed"),
        (json!({ "problem": "", "answer": "5" }), "the problem is empty"),
        (json!({ "problem": "Find it.", "answer": "5".repeat(2001) }), "the reference answer has 2001 bytes"),
    ];
    let lines: Vec<Value> = refused.iter().map(|(line, _)| line.clone()).collect();
    for ((line, why), task) in refused.iter().zip(imported(&lines)) {
        let said = task.unwrap_err();
        assert!(said.contains(why), "{line}: {said}");
    }
}

/// Lines as the evaluation data of AIME, AMC, OlympiadBench and DAPO have them, and what Python writes beside JSON.
#[test]
fn lines_are_read_as_they_are_published() {
    let lines = [
        r#"{"problem": "What is 6 times 7?", "question": "What is 6 times 7?", "answer": "42"}"#,
        r#"{"ID": "1999-3", "Year": 1999, "Question": "What is 6 times 7?", "Answer": "42"}"#,
        r#"{"question": "What is 6 times 7?", "solution": ["Count sevens."], "answer": "42"}"#,
        r#"{"question": "What is 6 times 7?", "solution": [""], "final_answer": ["42"], "unit": null}"#,
        r#"{"problem": "What is 6 times 7?", "answer": "42", "a": NaN, "b": [-Infinity, {"c": Infinity}]}"#,
        r#"{"prompt": [{"content": "What is 6 times 7?"}], "reward_model": {"ground_truth": "42"}}"#,
        r#"{"problem": "What is 6 times 7?", "answer": 42}"#,
        r#"{"problem": "one", "problem": "What is 6 times 7?", "answer": "42"}"#,
    ];
    let lines = lines.map(String::from);
    for (line, task) in lines.iter().zip(imported_with(&context(Style::Compact), &lines)) {
        assert_eq!(*task.unwrap().body, *r#"{"answer":"42","problem":"What is 6 times 7?"}"#, "{line}");
    }
    let digits = [
        r#"{"problem": "?", "answer": 1341068619663964900807}"#.to_owned(),
        r#"{"problem": "?", "answer": 0.9999999999999999}"#.to_owned(),
    ];
    let bodies: Vec<String> = imported_with(&context(Style::Compact), &digits)
        .into_iter()
        .map(|task| task.unwrap().body.to_string())
        .collect();
    assert_eq!(
        bodies,
        [r#"{"answer":"1341068619663964900807","problem":"?"}"#, r#"{"answer":"0.9999999999999999","problem":"?"}"#]
    );
    let mapped = MATH.context(Style::Compact, &[("map".into(), "query=problem, target=answer".into())]).unwrap();
    let lines = [r#"{"query": "What is 6 times 7?", "target": 42, "answer": "six sevens"}"#.to_owned()];
    let body = imported_with(&mapped, &lines).remove(0).unwrap().body;
    assert_eq!(*body, *r#"{"answer":"42","problem":"What is 6 times 7?"}"#);
}

/// A task may come from a file where the answer is a number with more digits than a float has.
#[test]
fn references_keep_their_digits() {
    for (body, answer, score) in [
        (r#"{"answer":1341068619663964900807,"problem":"?"}"#, "1341068619663964900807", 1.0),
        (r#"{"answer":1341068619663964900807,"problem":"?"}"#, "1341068619663964900806", 0.0),
        (r#"{"answer":0.9999999999999999,"problem":"?"}"#, "0.9999999999999999", 1.0),
        (r#"{"answer":0.9999999999999999,"problem":"?"}"#, "1", 0.0),
    ] {
        let task = Task { kind: "problem".into(), body: body.into() };
        let attempt = Attempt { task, completion: answer.into() };
        let verdict = MATH.verify(&context(Style::Compact), &[attempt]).remove(0).unwrap().conclusion;
        assert_eq!(verdict.score, score, "{body} {answer}: {}", verdict.reason);
    }
}

#[test]
fn reasoning_and_answer_are_told_apart() {
    let verdicts = judged(
        Style::Instruct,
        [
            ("72", "48 + 24</think>\n<answer>\\boxed{72}"),
            ("72", "\\boxed{72}</think>\n<answer>\\boxed{71}"),
            ("72", "48 + 24</think>\n<answer>The answer is 72 clips.</answer>"),
            ("72", "no tags, but \\boxed{72}"),
        ],
    );
    let said: Vec<(f64, bool)> = verdicts.iter().map(|verdict| (verdict.score, verdict.well_formed)).collect();
    assert_eq!(said, [(1.0, true), (0.0, true), (1.0, true), (1.0, false)]);
}

/// Sums, integrals and matrices that are as dear as they can be, in a reference as well.
#[test]
fn hard_sums_end_in_a_verdict() {
    let matrix = format!("\\begin{{pmatrix}}{}\\end{{pmatrix}}", ["x+y&x+y&x+y"; 3].join("\\\\"));
    let hard = [
        "\\sum_{k=1}^{999}\\frac1k".into(),
        "\\sum_{a=1}^{999}\\sum_{b=1}^{999}\\sum_{c=1}^{999} abc".into(),
        "\\sum_{k=1}^{999}\\binom{1999}{k}".into(),
        "\\sum_{k=1}^{999}\\arcsin\\frac{1}{k}".into(),
        "\\sum_{k=1}^{999}\\sqrt{k+\\sqrt{k}}".into(),
        "\\sum_{k=1}^{999} k^{k}".into(),
        "\\prod_{k=1}^{999}(x+y+z+k)".into(),
        format!("{}k", "\\sum_{k=1}^{n}".repeat(39)),
        "\\int_0^1 (x+1)^{200} dx".into(),
        "\\int_0^1 (x+y+z+1)^{14} dx".into(),
        format!("{}x{}", "\\int_0^1 ".repeat(39), " dx".repeat(39)),
        matrix.repeat(16),
        format!("{}5'", "[x".repeat(30)),
    ];
    let task = |reference: &str| Task {
        kind: "problem".into(),
        body: json!({ "answer": reference, "problem": "?" }).to_string().into(),
    };
    let as_answers = hard.iter().map(|hard| Attempt { task: task("\\sum_{k=1}^{3} k"), completion: hard.clone() });
    let as_references = hard.iter().map(|hard| Attempt { task: task(hard), completion: "6".into() });
    let attempts: Vec<Attempt> = as_answers.chain(as_references).collect();
    for (attempt, judged) in attempts.iter().zip(MATH.verify(&context(Style::Compact), &attempts)) {
        let verdict = judged.unwrap().conclusion;
        assert_eq!(verdict.score, 0.0, "{:.60}: {}", attempt.completion, verdict.reason);
    }
}

fn determinant(size: usize, entry: impl Fn(usize, usize) -> String) -> String {
    let row = |row| (0..size).map(|column| entry(row, column)).collect::<Vec<_>>().join("&");
    format!("\\begin{{vmatrix}}{}\\end{{vmatrix}}", (0..size).map(row).collect::<Vec<_>>().join("\\\\"))
}

/// Each is worked on for as long as any answer can be; the judge's fuel must be enough, and the answer must not pass.
#[test]
fn hard_work_ends_in_a_verdict() {
    let sum = "(a+b+c+d+e+f+g+h+j+k)";
    let hard = [
        format!("{sum}^{{200}}"),
        format!("\\frac{{{sum}^9}}{{(1+x)^9}}+{}", format!("\\frac{{1}}{{{sum}^3}}+").repeat(30)) + "1",
        "(\\sqrt{1+x}+\\sqrt{1+y}+\\sqrt{1+z})^{40}".into(),
        format!("{}2", "\\sqrt{3+".repeat(38)) + &"}".repeat(38),
        format!("{}1", "9".repeat(900) + "*").repeat(2),
        format!("\\sqrt{{{}}}", "7".repeat(1000)),
        format!("{}1", "\\sqrt{1234577}+".repeat(100)),
        "((x+1)^{200}+(y+1)^{200})\\cdot((x+2)^{200}+(y+2)^{200})".into(),
        format!("\\{{{}1\\}}", "x,".repeat(490)),
        format!("\\sqrt{{{}}}", (0..20).map(|n| format!("\\sqrt{{{n}+\\sqrt{{x+{n}}}}}+")).collect::<String>() + "1"),
        "\\pm".repeat(400) + "1",
        "(\\pm 1,".repeat(30) + &")".repeat(30),
        "(\\sin((x+y+z+1)^{14})+x)^{200}".into(),
        "\\sin((x+y+z+1)^{17})\\cdot".repeat(20) + "1",
        "\\lfloor(x+y+z+1)^{14}\\rfloor\\cdot".repeat(20) + "1",
        "\\frac{(n+m+k+200)!}{(n+m+k)!}".into(),
        format!("{}x{}", "\\sin(".repeat(24), ")".repeat(24)),
        (1..24).map(|n| format!("\\ln({n}+\\pi)+")).collect::<String>() + "1",
        (0..100).map(|n| format!("({},{})\\cup", 2 * n, 2 * n + 1)).collect::<String>() + "(300,301)",
        "1/".repeat(900) + "2",
        determinant(8, |row, column| format!("x_{{{row}{column}}}")),
        determinant(8, |row, column| format!("\\sqrt{{{}}}", 8 * row + column + 2)),
        determinant(6, |row, column| format!("\\frac{{1}}{{x+y+{}}}", row + column)),
        determinant(3, |row, column| format!("(x+y+{})^{{20}}", 3 * row + column)),
        "|\\sin 1+i\\cos 2+\\sqrt{2+\\sqrt3}|+".repeat(40) + "1",
        "5th, ".repeat(240) + "6th",
        "March 5, ".repeat(180) + "March 6",
    ];
    let verdicts = judged(Style::Compact, hard.iter().map(|answer| ("(x+1)^{100}", &**answer)));
    for (answer, verdict) in hard.iter().zip(verdicts) {
        assert_eq!(verdict.score, 0.0, "{answer:.80}: {}", verdict.reason);
    }
}
