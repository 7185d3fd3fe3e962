//! The ways to win without being right, and the tasks that nobody could win, which the reference implementation of AZR
//! has. None works here.

use super::{PYTHON, compact, induction, proposal, propose, score, task, validate, value};

const ALWAYS_EQUAL: &str = "class E(int):\n def __eq__(self, other): return True\n __hash__ = int.__hash__\n";

#[test]
fn an_answer_cannot_name_the_gold() {
    let deduction = task("deduction", "def f(a):\n return a + 41", "1");
    for answer in
        ["gold_output", "output", "f(1)", "eval('42')", "42 if 1 else 0", "41 + 1", "__import__('os').getpid()"]
    {
        assert_eq!(score(&deduction, answer), 0.0, "{answer}");
    }
    assert_eq!(score(&deduction, "42"), 1.0);
}

#[test]
fn an_answer_cannot_close_the_call() {
    let abduction = task("abduction", "def f(a):\n return a + 41", "1");
    for answer in ["0) or True or f(0", "1) == f(1", "0), print('42'", "0)\nprint(42", "*[1]", "**{'a': 1}", "a:=1"] {
        assert_eq!(score(&abduction, answer), 0.0, "{answer}");
    }
}

#[test]
fn always_equal_objects_win_nothing() {
    let abduction = task("abduction", "def f(a):\n return a", "[1]");
    assert_eq!(score(&abduction, "type('E', (), {'__eq__': lambda s, o: True})()"), 0.0);
    let induction = induction("def f(a):\n return a * 3", &["1", "2", "3", "4"]).unwrap();
    for program in [
        format!("{ALWAYS_EQUAL}def f(a):\n return E(0)"),
        format!("{ALWAYS_EQUAL}def f(a):\n return [E(0)]"),
        "class M(type):\n def __eq__(s, o): return True\n __hash__ = type.__hash__\nclass E(metaclass=M): pass\ndef f(a):\n return E".into(),
        "class E:\n __class__ = int\n def __int__(s): return 0\ndef f(a):\n return E()".into(),
        "import builtins\ndef f(a):\n return 0".into(),
        "def f(a):\n __builtins__['repr'] = __builtins__['len'] = lambda *x: 9\n return 0".into(),
    ] {
        assert_eq!(score(&induction, &program), 0.0, "{program}");
        assert!(propose("deduction", &program, "1").is_err() || program.contains("return 0"), "{program}");
    }
}

/// Whatever a program does to the interpreter that it has for itself, what leaves it is compared elsewhere.
#[test]
fn walking_frames_finds_no_answer() {
    let program = "def f(a):\n return 'KEY-%05d' % (a * 7919 % 100000)";
    let induction = induction(program, &["1", "2", "3", "4"]).unwrap();
    let search = "import re, sys\ndef f(a):\n frame, found = sys._getframe(), []\n while frame:\n  \
                  found += re.findall('KEY-[0-9]{5}', repr(frame.f_locals) + repr(frame.f_globals))\n  frame = frame.f_back\n \
                  for module in list(sys.modules.values()):\n  found += re.findall('KEY-[0-9]{5}', repr(vars(module)))\n \
                  return found[0] if found else 'nothing'";
    assert_eq!(value(search, "1"), "'nothing'");
    assert_eq!(score(&induction, search), 0.0);
}

#[test]
fn types_are_strict() {
    for (output, wrong) in [
        ("True", "1"),
        ("1", "True"),
        ("1", "1.0"),
        ("1.0", "1"),
        ("(1, 2)", "[1, 2]"),
        ("{1}", "[1]"),
        ("'1'", "1"),
        ("0", "None"),
    ] {
        let deduction = task("deduction", &format!("def f(a):\n return {output}"), "0");
        assert_eq!((score(&deduction, output), score(&deduction, wrong)), (1.0, 0.0), "{output} {wrong}");
        let abduction = task("abduction", "def f(a):\n return a", output);
        assert_eq!((score(&abduction, output), score(&abduction, wrong)), (1.0, 0.0), "{output} {wrong}");
    }
}

#[test]
fn results_without_a_literal_can_be_solved() {
    for (result, answers) in [
        ("float('nan')", ["nan", "float('nan')"]),
        ("float('-inf')", ["-inf", "-float('inf')"]),
        ("{3, 1, 2}", ["{1, 2, 3}", "set([2, 1, 3])"]),
        ("frozenset('a')", ["frozenset({'a'})", "frozenset(['a'])"]),
        ("dict.fromkeys('ba', ())", ["{'a': (), 'b': ()}", "{'b': (), 'a': (),}"]),
    ] {
        let task = task("deduction", &format!("def f(a):\n return {result}"), "0");
        for answer in answers {
            assert_eq!(score(&task, answer), 1.0, "{result} {answer}");
        }
    }
}

#[test]
fn unstable_programs_are_no_tasks() {
    for program in [
        // State between calls.
        "n = [0]\ndef f(a):\n n[0] += 1\n return n[0]",
        "def f(a, seen=[]):\n seen.append(a)\n return len(seen)",
        "def f(a):\n f.n = getattr(f, 'n', 0) + 1\n return f.n > 1",
        "import math\ndef f(a):\n math.pi += 1\n return math.pi",
        "def f(a):\n if hasattr(f, 'x'): raise ValueError\n f.x = 1\n return 1",
        // Hash order.
        "def f(a):\n return list({'alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta'})",
        "def f(a):\n return hash('text')",
        "def f(a):\n return ''.join(set('abcdefgh'))",
        "def f(a):\n return next(iter(frozenset(['one', 'two', 'three', 'four', 'five', 'six'])))",
        // Addresses.
        "def f(a):\n return id([a]) % 1000003",
        "def f(a):\n return repr(object())",
        "class C: pass\ndef f(a):\n return str(C())",
        "class C: pass\ndef f(a):\n return hash(C()) % 4096",
        // Randomness that is not called by its name.
        "import statistics\ndef f(a):\n return statistics.random.random()",
        "import sys\ndef f(a):\n return sys.modules['random'].random()",
    ] {
        assert_eq!(propose("deduction", program, "1").err().as_deref(), Some("not-deterministic"), "{program}");
    }
}

#[test]
fn state_is_caught_across_the_inputs_of_an_induction_proposal() {
    let stateful = "n = []\ndef f(a):\n if a not in n: n.append(a)\n return n.index(a)";
    // Twice with one input is stable, so it passes as a deduction task.
    assert!(propose("deduction", stateful, "1").is_ok());
    assert_eq!(
        induction(stateful, &["1", "2", "3", "4"]).err().map(|rejection| rejection.code).as_deref(),
        Some("not-deterministic")
    );
}

#[test]
fn set_order_within_one_executor_never_changes() {
    let order = "def f(a):\n return list(set(a))";
    let letters = "['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']";
    let first = value(order, letters);
    assert!((0..20).all(|_| value(order, letters) == first));
}

#[test]
fn every_way_to_write_inputs_works() {
    for (input, canonical) in [
        ("[1,\n 2,\n 3]", "[1, 2, 3]"),
        ("[1, 2, 3]  # numbers", "[1, 2, 3]"),
        ("# numbers\n[1, # one\n 2, 3],", "[1, 2, 3]"),
        ("a=[1, 2, 3]", "a=[1, 2, 3]"),
        ("[1, 2,\\\n3]", "[1, 2, 3]"),
    ] {
        let abduction = task("abduction", "def f(a):\n return a[1:]", input);
        assert!(abduction.body.contains(&format!(r#"{{"input":"{canonical}""#)), "{}", abduction.body);
        assert_eq!(score(&abduction, input), 1.0, "{input}");
        assert_eq!(abduction, task("abduction", "def f(a):\n return a[1:]", canonical));
    }
    let induction =
        induction("def f(a):\n return a[1:]", &["[1,\n2]", "'x'", "(1, # c\n)", "\"\"\"a\nb\"\"\""]).unwrap();
    assert_eq!(score(&induction, "def f(a):\n return a[1:]"), 1.0);
}

#[test]
fn every_shape_of_program_works() {
    for (program, output) in [
        ("def g(x):\n return x + 1\ndef f(x):\n return g(x)", "2"),
        ("def f(x):\n def h(y):\n  return y * 2\n return h(x)", "2"),
        ("class A:\n def f(self):\n  return 5\ndef f(x):\n return A().f()", "5"),
        ("async def g(): pass\nimport math\ndef f(x):\n return math.floor(x)\ny = 3", "1"),
        ("def f(x): return 'dead'\ndef f(x): return x", "1"),
        ("if True:\n def f(x):\n  return x\nif __name__ == '__main__':\n raise SystemExit", "1"),
        ("def f(x):\n print('True')\n print('PASS', 99)\n return x", "1"),
        ("# coding: latin-1\n'''doc'''\ndef f(x):\n return \"'''\\\"\\\"\\\"\"", "'\\'\\'\\'\"\"\"'"),
        ("def f(x):\n return '{x} %s {0}'.format('<input')", "'<input'"),
    ] {
        match program.contains("{x}") {
            // A program's own braces are nobody's template.
            true => assert_eq!(propose("deduction", program, "1").err().as_deref(), Some("thrown")),
            false => assert_eq!(value(program, "1"), output, "{program}"),
        }
    }
}

#[test]
fn long_outputs_are_rejected_and_never_cut() {
    let long = |chars: usize| format!("def f(a):\n return 'x' * {chars}");
    let deduction = task("deduction", &long(998), "1");
    assert!(deduction.body.contains(&"x".repeat(998)));
    assert_eq!(score(&deduction, &format!("'{}'", "x".repeat(998))), 1.0);
    assert_eq!(propose("deduction", &long(999), "1").err().as_deref(), Some("too-large"));
    let ctx = compact(&[("value-max-chars", "2000")]);
    let judged = validate(&ctx, &[proposal("deduction", &[], format!("{}<input>1", long(999)))]).remove(0);
    assert!(judged.conclusion.is_ok());
}

#[test]
fn failures_of_any_name_are_failures() {
    for exception in
        ["StopIteration", "SystemExit", "KeyboardInterrupt", "GeneratorExit", "type('Fine', (BaseException,), {})"]
    {
        let program = format!("def f(a):\n raise {exception}");
        assert_eq!(propose("deduction", &program, "1").err().as_deref(), Some("thrown"), "{program}");
    }
}

#[test]
fn a_message_cannot_hold_the_program() {
    let program = "def f(a):\n    b = a + 3\n    c = b * 2\n    return c";
    let reference = task("deduction", program, "1");
    let ctx = PYTHON.context(azr_sandbox::Style::Instruct, &[]).unwrap();
    let inputs: String = (0..10).map(|number| format!("```input\n{number}\n```\n")).collect();
    for (message, code) in [
        (program.to_owned(), Some("message-reveals-program")),
        (program.replace('\n', "\n# "), Some("message-reveals-program")),
        ("b = a + 3; c = b * 2; return c".to_owned(), Some("message-reveals-program")),
        ("Shift, then scale.".to_owned(), None),
    ] {
        let completion = format!("x</think><answer>{inputs}```message\n{message}\n```</answer>");
        let judged = validate(&ctx, &[proposal("induction", std::slice::from_ref(&reference), completion)]).remove(0);
        assert_eq!(judged.conclusion.err().map(|rejection| rejection.code).as_deref(), code, "{message}");
    }
}

/// Nothing that the solver or its program is given tells the hidden outputs.
#[test]
fn hidden_pairs_and_golds_stay_hidden() {
    let induction = induction("def f(a):\n return 'CANARY%d' % a", &["1", "2", "3", "4"]).unwrap();
    let prompt = PYTHON.solve_prompts(&compact(&[]), std::slice::from_ref(&induction)).remove(0).unwrap();
    let text = &prompt.messages[0].content;
    assert!(
        text.contains("CANARY1") && text.contains("CANARY2") && !text.contains("CANARY3") && !text.contains("CANARY4")
    );
    let abduction = task("abduction", "def f(a):\n return chr(67) + 'ANARY%d' % a", "7");
    for (task, completion) in [(&induction, "def f(a):\n return a"), (&abduction, "8")] {
        let judged = super::verify(&compact(&[]), task, completion);
        assert!(!judged.runs.is_empty());
        for executed in &judged.runs {
            let run = &executed.run;
            assert!(!run.program.contains("CANARY"));
            assert!(!run.inputs.iter().any(|input| input.windows(6).any(|window| window == b"CANARY")));
        }
        assert!(!judged.conclusion.reason.contains("CANARY7"), "{}", judged.conclusion.reason);
    }
}
