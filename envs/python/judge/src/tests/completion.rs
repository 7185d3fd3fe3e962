use azr_guest_sdk::Style::{Compact, Instruct};
use coding_judge::completion::{Field, answered_program, answered_value, proposed_call, proposed_examples};

use crate::Python;

fn instruct_call(completion: &str) -> Result<(String, String, bool), String> {
    let read = proposed_call::<Python>(Instruct, completion).map_err(|rejection| rejection.code)?;
    Ok((read.content.program, read.content.input, read.well_formed))
}

#[test]
fn a_proposed_call_in_fences() {
    let program = "def f(a):\n    return a".to_owned();
    for answer in [
        "```python\ndef f(a):\n    return a\n```\n```input\n1\n```",
        "```input\n1\n```\nsome text\n```python\n\ndef f(a):\n    return a\n\n```",
        "```\ndef f(a):\n    return a\n```\n```INPUT\n  1\n```",
        "```Python\r\ndef f(a):\r\n    return a\r\n```\n```input 1```",
        "```python\ndef f(a):\n    return a\n```\n# Input:\n1",
        "```python\ndef f(a):\n    return a\n```\n```python\nwrong\n```\n```input\n1\n```\n```input\n2\n```",
    ] {
        let expected = (program.clone(), "1".to_owned(), true);
        assert_eq!(
            instruct_call(&format!("thoughts</think>\n<answer>{answer}\n</answer>")),
            Ok(expected.clone()),
            "{answer}"
        );
        // Stopped before the closing tag; and a format error does not hide what is there.
        assert_eq!(instruct_call(&format!("thoughts</think><answer>{answer}")), Ok(expected.clone()), "{answer}");
        assert_eq!(instruct_call(answer), Ok((expected.0, expected.1, false)), "{answer}");
    }
    assert_eq!(instruct_call("</think><answer>def f(a): return a</answer>"), Err("no-program".into()));
    assert_eq!(instruct_call("</think><answer>```python\ndef f(): 1\n```</answer>"), Err("no-input".into()));
}

#[test]
fn only_the_last_answer_block_counts() {
    let completion = "<answer>```output\n1\n```</answer> no, wait</think> <answer>\n```output\n2\n```";
    let read = answered_value(Instruct, completion, Field::Output);
    assert_eq!((read.content.as_str(), read.well_formed), ("2", true));
    let read = answered_value(Instruct, "</think>well, <answer>2</answer>", Field::Output);
    assert_eq!((read.content.as_str(), read.well_formed), ("2", false));
}

#[test]
fn a_value_is_found_in_the_spellings_that_policies_use() {
    for answer in [
        "```output\n[1, 2]\n```",
        "first\n```output\n0\n```\nthen\n```output\n[1, 2]\n```\ntext",
        "# Output:\n[1, 2]",
        "<output>[1, 2]</output>",
        "output([1, 2])",
        "So the output is [1, 2].",
        "[1, 2]",
    ] {
        let read = answered_value(Instruct, &format!("x</think><answer>{answer}</answer>"), Field::Output);
        assert_eq!((read.content.as_str(), read.well_formed), ("[1, 2]", true), "{answer}");
    }
}

#[test]
fn an_answered_program_is_the_last_code_fence() {
    for (answer, program, well_formed) in [
        ("```python\none\n```\n```py\ntwo\n```", "two", true),
        ("```\none\n```\n```\ntwo\n```", "two", true),
        // What the program prints, often.
        ("```python\none\n```\n```\ntwo\n```", "one", true),
        ("```text\none\n```", "", false),
        (
            "1. It is\n   ```Python title=\"f.py\"\n   def f(a):\n       return a\n   ```",
            "def f(a):\n    return a",
            true,
        ),
        ("~~~python\none\n~~~", "one", true),
        // Perhaps a program; if not, it does not compile.
        ("def f(a): return a", "def f(a): return a", false),
    ] {
        let read = answered_program::<Python>(Instruct, &format!("a</think><answer>{answer}</answer>"));
        assert_eq!((read.content.as_str(), read.well_formed), (program, well_formed), "{answer}");
    }
    let read = answered_program::<Python>(Instruct, "I think.</think>\ndef f(a):\n    return a\n");
    assert_eq!((read.content.as_str(), read.well_formed), ("def f(a):\n    return a", false));
}

#[test]
fn proposed_examples_are_the_last_ones() {
    let input = |number: u32| format!("```input\n{number}\n```\n");
    let completion = format!("x</think><answer>{}{}{}```message\n hi \n```", input(1), input(2), input(3));
    let read = proposed_examples(Instruct, &completion, 2).unwrap_or_else(|rejection| panic!("{rejection:?}"));
    assert_eq!(read.content.inputs, ["2", "3"]);
    assert_eq!(read.content.message, "hi");
    assert!(read.well_formed);
    let code =
        |completion: &str, count| proposed_examples(Instruct, completion, count).err().map(|rejection| rejection.code);
    assert_eq!(code(&completion, 4).as_deref(), Some("too-few-inputs"));
    assert_eq!(code(&input(1), 1).as_deref(), Some("no-message"));
}

#[test]
fn compact_fields() {
    let read = proposed_call::<Python>(Compact, "def f(a):\n return a<input>1, 2")
        .unwrap_or_else(|rejection| panic!("{rejection:?}"));
    assert_eq!((read.content.program.as_str(), read.content.input.as_str()), ("def f(a):\n return a", "1, 2"));
    assert!(read.well_formed);
    let read =
        proposed_call::<Python>(Compact, "p<input>1<output>2").unwrap_or_else(|rejection| panic!("{rejection:?}"));
    assert_eq!((read.content.input.as_str(), read.well_formed), ("1", false));
    assert_eq!(
        proposed_call::<Python>(Compact, "def f(a): 1").err().map(|rejection| rejection.code).as_deref(),
        Some("no-input")
    );

    let inputs = |completion, count| {
        let read = proposed_examples(Compact, completion, count).map_err(|rejection| rejection.code)?;
        Ok((read.content.inputs, read.well_formed))
    };
    assert_eq!(inputs("1<input>'b'", 2), Ok((vec!["1".to_owned(), "'b'".to_owned()], true)));
    assert_eq!(inputs("1<input>2", 3), Err("too-few-inputs".to_owned()));
    assert_eq!(inputs("1<input>2<input>3", 2), Err("too-many-inputs".to_owned()));
}

#[test]
fn compact_answers() {
    for (completion, answer, well_formed) in [
        ("[1, 2]", "[1, 2]", true),
        ("<think>b=4</think>5", "5", true),
        ("5<input>6", "5", false),
        ("<think>never ends", "", false),
        ("<think>a</think><think>b</think>5", "", false),
    ] {
        let read = answered_value(Compact, completion, Field::Output);
        assert_eq!((read.content.as_str(), read.well_formed), (answer, well_formed), "{completion}");
    }
    let read = answered_program::<Python>(Compact, "<think></think>def f(a):\n return a\n");
    assert_eq!((read.content.as_str(), read.well_formed), ("def f(a):\n return a", true));
}
