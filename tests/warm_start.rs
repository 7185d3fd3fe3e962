//! The warm start's languages against CPython, against the engine of `envs/javascript.wasm` and against the tokenizer of
//! the Hugging Face library.

mod demonstrations;
mod held_out;

use std::collections::HashSet;

use azr_config::language::Language::{self, JavaScript, Python};
use azr_core::rng::{Purpose, Stream};
use azr_warm_start::{
    examination,
    grammar::{self, Program, Sample},
    lesson::Mix,
    parse::{self, Parser},
    tokenizer,
};
use tokenizers::Tokenizer;

use crate::javascript::exec;

fn sample(language: Language, seed: u64, index: u64) -> Sample {
    grammar::sample(language, &mut Stream::new(seed, Purpose::Grammar, 0, index).draws(), 1 + index as usize % 6)
}

/// 240 random programs on two inputs each, with the value of every variable from CPython 3.11:
/// ```python
/// import json, sys
/// for line in sys.stdin:
///     program, arguments = json.loads(line)
///     exec(program.replace("\n return ", "\n return locals() #"))
///     values = [repr(value) for value in eval(f"f({arguments})").values()]
///     print(json.dumps([program, arguments, values]))
/// ```
#[test]
fn every_line_has_the_value_that_cpython_gives_it() {
    let parser = Parser::new(Python);
    let mut operations = HashSet::new();
    for line in include_str!("warm_start/cpython.jsonl").lines() {
        let (text, input, values): (String, String, Vec<String>) = serde_json::from_str(line).unwrap();
        let program = parser.program(&text).unwrap_or_else(|| panic!("does not parse: {text}"));
        let case = program.run(&parse::arguments(Python, &input).unwrap()).unwrap_or_else(|| panic!("raises: {line}"));
        let computed: Vec<String> = case.values().iter().map(|value| value.text(Python)).collect();
        assert_eq!(computed, values, "{line}");
        operations.extend(program.lines.iter().map(|line| std::mem::discriminant(&line.operation)));
    }
    // All templates of `Operation`.
    assert_eq!(operations.len(), 42);
}

/// Every program that such a program begins with is one too: so every line is looked at.
#[test]
fn every_line_has_the_value_that_the_javascript_engine_gives_it() {
    let (mut calls, mut expected, mut operations) = (Vec::new(), Vec::new(), HashSet::new());
    for index in 0..360 {
        let Sample { program, cases } = sample(JavaScript, 3, index);
        operations.extend(program.lines.iter().map(|line| std::mem::discriminant(&line.operation)));
        for lines in 0..=program.lines.len() {
            let beginning = Program { lines: program.lines[..lines].to_vec(), ..program.clone() };
            for case in &cases[..2] {
                calls.push((beginning.to_string(), case.input()));
                expected.push(case.values()[program.arity + lines - 1].text(JavaScript));
            }
        }
    }
    let found = exec(calls.iter().map(|(program, input)| (&**program, &**input)));
    for ((call, expected), found) in calls.iter().zip(expected).zip(found) {
        assert_eq!(found, expected, "{call:?}");
    }
    assert_eq!(operations.len(), 42);
}

#[test]
fn the_grammar_depends_on_nothing_but_its_draws() {
    for index in 0..200 {
        assert_eq!(sample(Python, 5, index), sample(Python, 5, index), "program {index}");
    }
    let programs: HashSet<String> = (0..200).map(|index| sample(Python, 5, index).program.to_string()).collect();
    let others: HashSet<String> = (0..200).map(|index| sample(Python, 6, index).program.to_string()).collect();
    // Programs of one line repeat; longer ones hardly do.
    assert!(programs.len() > 180, "{} different programs", programs.len());
    assert!(programs.intersection(&others).count() < 30);
}

#[test]
fn programs_parse_back_and_depend_on_their_input() {
    for language in [Python, JavaScript] {
        let parser = Parser::new(language);
        for index in 0..500 {
            let Sample { program, cases } = sample(language, 7, index);
            assert_eq!(parser.program(&program.to_string()).as_ref(), Some(&program), "{program}");
            let outputs: HashSet<String> = cases.iter().map(|case| case.output_text()).collect();
            assert!(outputs.len() >= 3, "{program}");
            for case in &cases {
                let arguments = parse::arguments(language, &case.input()).unwrap();
                assert_eq!(program.run(&arguments).as_ref(), Some(case), "{program}");
                assert_eq!(program.run(&[]), None, "{program}");
            }
        }
    }
}

#[test]
fn the_tokenizer_gives_back_the_exact_text() {
    for (language, thought) in [(Python, "<think>b=10+3=13</think>[1, -5]"), (JavaScript, "<think>b=10+3=13\nc=13/2")] {
        let json = tokenizer::tokenizer_json(language).to_string();
        let tokenizer = Tokenizer::from_bytes(json.as_bytes()).unwrap();
        let mut tokens = 0;
        let check = |text: &str| {
            let encoding = tokenizer.encode(text, false).unwrap();
            assert_eq!(tokenizer.decode(encoding.get_ids(), false).unwrap(), text);
            encoding.len()
        };
        for index in 0..4000 {
            let lesson = Mix::new(language).draw(&mut Stream::new(9, Purpose::Grammar, 0, index).draws(), 6);
            tokens += check(&(lesson.prompt + &lesson.completion));
        }
        // What a policy's context must hold; a change of the vocabulary that doubles it would be a mistake.
        assert!(tokens < 4000 * 80, "{tokens} tokens");
        check(&(' '..='~').collect::<String>());
        assert_eq!(check(thought), if language == Python { 10 } else { 9 });
    }
}

#[test]
fn no_lesson_is_about_a_held_out_program() {
    let mut held_out = 0;
    for index in 0..3000 {
        let lesson = Mix::new(Python).draw(&mut Stream::new(11, Purpose::Grammar, 0, index).draws(), 6);
        for part in (lesson.prompt + &lesson.completion).split("<program>").skip(1) {
            let program = part.split('<').next().unwrap();
            if program.starts_with("def") {
                assert!(!grammar::is_held_out(program), "{program}");
            }
        }
        held_out += usize::from(grammar::is_held_out(&sample(Python, 11, index).program.to_string()));
    }
    // One program in eight, 375 of 3000; the bounds are five standard deviations away.
    assert!((285..465).contains(&held_out), "{held_out} held out");
}

#[test]
fn held_out_proposals_are_all_different() {
    let lines = examination::held_out_proposals(Python, 50);
    let proposals: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut programs = HashSet::new();
    for proposal in &proposals {
        let text = proposal.get("reference").unwrap_or(&proposal["completion"]).as_str().unwrap();
        let program = text.split("<input>").next().unwrap();
        assert!(grammar::is_held_out(program) && programs.insert(program), "{proposal}");
    }
    assert_eq!(proposals.len(), 150);
}
