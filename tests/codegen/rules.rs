//! When a solution is right: EvalPlus's and LiveCodeBench's rules, case by case.

use azr_sandbox::{Outcome, pack};
use serde_json::json;

use super::*;

/// The reference returns the first of a pair; a solution that returns the other is right or not, as
/// `evalplus/eval/__init__.py` 0.3.1 has it.
#[test]
fn results_are_compared_as_evalplus_does() {
    for (expected, given, right) in [
        ("1", "1.0", true),
        ("1", "True", true),
        ("10**20", "1e20", true),
        ("10**23", "1e23", false), // 1e23 is another integer.
        ("2", "1", false),
        ("'1'", "1", false),
        ("[1, 2]", "(1, 2)", false),
        ("{1, 2}", "frozenset({2, 1})", true),
        ("{'a': 1, 'b': [2.0]}", "{'b': [2], 'a': True}", true),
        ("{'a': 1.0}", "{'a': 1.0000001}", false),
        ("0.3", "0.1 + 0.2", true),
        ("0.3", "0.30001", false),
        ("1e9", "1e9 + 1", true), // The relative tolerance of 1e-7.
        ("1e9", "1e9 + 1000", false),
        ("1.0", "1.0000001", true),
        ("1.0", "True", true),
        ("[0.5, 0.25]", "[0.5, 0.2500001]", true),
        ("[0.5, 0.25]", "(0.5, 0.2500001)", false),
        ("[0.5, 0.25]", "[0.5, 0.25, 0.0]", false),
        ("['a', 0.5]", "['a', 0.5000001]", false), // Not all are floats.
        ("float('inf')", "float('inf')", true),
        ("float('inf')", "1e308", false),
        ("None", "None", true),
        ("None", "0", false),
        ("{'a': 1}", "__import__('collections').Counter('a')", true),
        ("[1, 2]", "__import__('collections').deque([1, 2])", false),
        ("(1, 2)", "__import__('collections').namedtuple('P', 'x y')(1, 2)", true),
    ] {
        let line = eval_plus("HumanEval/7", "def g(a):\n", &format!("    return {expected}"), json!([[0]]));
        let [reason]: [String; 1] = reasons(&line, &[&format!("def g(a):\n    return {given}")]).try_into().unwrap();
        assert_eq!(reason == "right", right, "{expected} and {given}: {reason}");
    }
}

#[test]
fn the_tolerance_of_a_task_holds_for_all_its_numbers() {
    let mut line = eval_plus("HumanEval/7", "def g(a):\n", "    return [a, a + 0.5]", json!([[1]]));
    line["atol"] = json!(0.01);
    let said = reasons(&line, &["def g(a):\n    return [1, 1.505]", "def g(a):\n    return [1, 1.52]"]);
    assert_eq!(said, ["right", "input 1: another result than the reference solution's"]);
}

/// A number of MBPP, an input as it is published, and the arguments that `evalplus/data/mbpp.py` makes of it.
#[test]
fn inputs_of_mbpp_get_back_their_types() {
    for (number, published, arguments) in [
        (11, json!([[1], [2]]), "([1], [2])"),
        (2, json!([[1], [2]]), "((1,), (2,))"),
        (63, json!([[[1], [2]]]), "([(1,), (2,)],)"),
        (75, json!([[[1], [2]], 3]), "([(1,), (2,)], 3)"),
        (106, json!([[1], [2]]), "([1], (2,))"),
        (115, json!([[[1], []]]), "([{1}, {}],)"),
        (124, json!(["1", "1j"]), "(1.0, 1j)"),
        (252, json!(["1+2j"]), "((1+2j),)"),
        (250, json!([[1], 2]), "((1,), 2)"),
        (259, json!([[[1]], [[2]]]), "(((1,),), ((2,),))"),
        (278, json!([[1, [2], "a"]]), "((1, (2,), 'a'),)"),
        (307, json!([[1], 2, [3]]), "((1,), 2, [3])"),
        (580, json!([[1, [2, [3]]]]), "((1, (2, (3,))),)"),
        (722, json!([{ "a": [1] }, 2]), "({'a': (1,)}, 2)"),
    ] {
        let task_id = format!("Mbpp/{number}");
        let line = eval_plus(&task_id, "", "def g(*arguments): return repr(arguments)", json!([published]));
        let solution = format!("def g(*arguments): return {arguments:?}");
        assert_eq!(reasons(&line, &[&solution]), ["right"], "{number}");
        // No other data set has these numbers.
        let line = eval_plus(&format!("HumanEval/{number}"), "", "def g(*arguments): return 1", json!([[0]]));
        assert_eq!(reasons(&line, &["def g(*arguments): return 1"]), ["right"]);
    }
}

#[test]
fn some_tasks_are_compared_in_ways_of_their_own() {
    let renamed = |mut line: Value, name: &str| {
        line["entry_point"] = json!(name);
        line
    };
    // Results of which the order does not count, as sets do not have any.
    let line = renamed(eval_plus("Mbpp/769", "", "def Diff(a): return [1, 2]", json!([[0]])), "Diff");
    let said = reasons(&line, &["def Diff(a): return (2, 1, 1)", "def Diff(a): return [1]", "def Diff(a): return 3"]);
    assert_eq!(said[0], "right");
    assert!(said[1..].iter().all(|reason| reason.starts_with("input 1: ")), "{said:?}");
    // Results that only have to be there.
    let line = renamed(eval_plus("Mbpp/794", "", "def check_str(a): return a or None", json!([[0], [1]])), "check_str");
    let match_object = "import re\ndef check_str(a): return re.match('1', str(a))";
    let said = reasons(&line, &[match_object, "def check_str(a): return a == 1", "def check_str(a): return a"]);
    assert_eq!(said, ["right", "right", "input 1: another result than the reference solution's"]);
    // Results of which there are several.
    let line = eval_plus("Mbpp/295", "", "def g(a): return 7", json!([[0]]));
    assert_eq!(reasons(&line, &["def g(a): return 0"]), ["right"]);
    let mut line = eval_plus("HumanEval/32", "", "def g(xs): return 1.0", json!([[[-1, 0, 1]]]));
    line["atol"] = json!(0.0001);
    let said = reasons(&line, &["def g(xs): return -1.0", "def g(xs): return 0.99999", "def g(xs): return 0.9"]);
    assert_eq!([&*said[0], &*said[1]], ["right", "right"]);
    assert_ne!(said[2], "right");
}

/// As `get_stripped_lines` and `convert_line_to_decimals` of `lcb_runner/evaluation/testing_util.py` have it.
#[test]
fn outputs_are_compared_as_live_code_bench_does() {
    for (output, printed, right) in [
        ("1 2\n3", "1 2\n3\n", true),
        ("1 2\n3", "  1 2  \n3\n\n", true),
        ("1 2\n3", "1 2 3", false),
        ("1 2", "1  2", true),
        ("a b", "a  b", false),
        ("1.50", "1.5", true),
        ("100", "1e2", true),
        ("0", "-0.0", true),
        ("0.1", "0.10000000000000001", false),
        ("50000000000000000", "50000000000000001", false),
        ("Yes", "YES", false),
        ("1", "", false),
        ("x 1.0", "x 1", false),
    ] {
        let line = live_code_bench(None, &[("", output)]);
        let [reason]: [String; 1] = reasons(&line, &[&format!("print({printed:?})")]).try_into().unwrap();
        assert_eq!(reason == "right", right, "{output:?} and {printed:?}: {reason}");
    }
    let line = live_code_bench(None, &[("1", ""), ("2", "2")]);
    assert_eq!(reasons(&line, &["print('2' if input() == '2' else '')"]), ["right"]);
}

#[test]
fn programs_read_and_write_as_they_are_used_to() {
    let line = live_code_bench(None, &[("2\n3 4\n", "2\n7"), ("1\n5", "1\n5"), ("1\né", "1\n0")]);
    let sum = "sum(int(x) for x in rest.split() if x.isdigit())";
    for reading in [
        "first = input()\nrest = input()",
        "import sys\nfirst = sys.stdin.readline().strip()\nrest = sys.stdin.read()",
        "import sys\nfirst, *more = sys.stdin.read().splitlines()\nrest = ' '.join(more)",
        "import sys\ninput = sys.stdin.buffer.readline\nfirst = input().strip().decode()\nrest = input().decode()",
        "import sys\nfirst, rest = [line.strip() for line in sys.stdin]",
        "first, rest = open(0).read().splitlines()",
        "first, rest = list(iter(lambda: stdin.readline().strip(), ''))", // Of LiveCodeBench's imports.
    ] {
        let program = format!("{reading}\nprint(first)\nprint({sum})");
        assert_eq!(reasons(&line, &[&program]), ["right"], "{program}");
    }
    for writing in [
        "if __name__ == '__main__':\n    print(first)\n    print(total)",
        "import sys\nsys.stdout.write(f'{first}\\n{total}\\n')",
        "import sys\nsys.stdout.buffer.write(f'{first}\\n{total}'.encode())",
        "print(first, total, sep='\\n')\nexit()",
        "import sys\nprint(first, total, sep='\\n', file=sys.stdout, flush=True)\nsys.exit(0)",
        "print(first)\nprint(total)\nraise SystemExit",
        "import io, sys\nreal, sys.stdout = sys.stdout, io.StringIO()\nprint(first)\nprint(total)\nreal.write(sys.stdout.getvalue())",
        "def main():\n    global total\n    print(first)\n    print(total)\nmain()",
    ] {
        let program = format!("first = input()\nrest = input()\ntotal = {sum}\n{writing}");
        assert_eq!(reasons(&line, &[&program]), ["right"], "{program}");
    }
}

#[test]
fn calls_are_compared_as_live_code_bench_does() {
    let solution = |result: &str| format!("class Solution:\n    def g(self, a, b):\n        return {result}");
    let line = live_code_bench(Some("g"), &[("[1, 2]\n\"x\"", "[1, 2]"), ("[3]\n\"y\"", "[3]")]);
    let said =
        reasons(&line, &[&solution("a"), &solution("tuple(a)"), &solution("[float(x) for x in a]"), &solution("b")]);
    assert_eq!(said, ["right", "right", "right", "test 1: another result"]);
    let function = "def g(a, b):\n    return a";
    assert_eq!(reasons(&line, &[function]), ["right"]);
    // Typing and the rest stand there already.
    let typed = "class Solution:\n    def g(self, a: List[int], b: str) -> Optional[List[int]]:\n        return list(Counter(a))";
    assert_eq!(reasons(&line, &[typed]), ["right"]);
    let big = live_code_bench(Some("g"), &[("[]\n1", "9007199254740993")]);
    assert_eq!(reasons(&big, &[&solution("9007199254740993")]), ["right"]);
    assert_eq!(reasons(&big, &[&solution("9007199254740992.0")]), ["test 1: another result"]);
}

#[test]
fn modules_of_benchmarks_can_be_imported() {
    let program = |module: &str| format!("import {module}\nprint('ok')");
    let line = live_code_bench(None, &[("", "ok")]);
    let offered = [
        "bisect",
        "calendar",
        "cmath",
        "collections",
        "copy",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "fractions",
        "functools",
        "hashlib",
        "heapq",
        "inspect",
        "io",
        "itertools",
        "json",
        "math",
        "operator",
        "queue",
        "random",
        "re",
        "statistics",
        "string",
        "struct",
        "sys",
        "time",
        "typing",
        "os",
        "threading",
        "unittest",
        "timeit",
        "colorsys",
        "pickle",
    ];
    let programs = offered.map(program);
    let said = reasons(&line, &programs.each_ref().map(String::as_str));
    assert!(said.iter().all(|reason| reason == "right"), "{said:?}");
    for module in ["numpy", "socket", "selectors", "subprocess", "multiprocessing"] {
        let [reason]: [String; 1] = reasons(&line, &[&program(module)]).try_into().unwrap();
        assert!(reason.contains("is not offered"), "{module}: {reason}");
    }
}

/// Clocks, randomness, signals, threads and waiting: what asks for a machine elsewhere.
#[test]
fn modules_do_without_a_machine() {
    let line = live_code_bench(None, &[("", "ok")]);
    let working = [
        "import time, random\nrandom.seed(1)\nrandom.shuffle([1, 2])\ntime.sleep(time.time())\nprint('ok')",
        "from datetime import datetime\nassert datetime.strptime('2020-02-29', '%Y-%m-%d').day == 29\nprint('ok')",
        "import hashlib\nassert hashlib.md5(b'a').hexdigest().startswith('0cc175b9')\nprint('ok')",
        "try:\n    import numpy\nexcept ImportError:\n    print('ok')",
        "import sys\nsys.setrecursionlimit(10**6)\ndef deep(n): return n and deep(n - 1)\ndeep(15000)\nprint('ok')",
        "import signal\nsignal.signal(signal.SIGALRM, print)\nsignal.alarm(3)\nprint('ok')",
        "import asyncio
order = []
async def wait(name, seconds):
    await asyncio.sleep(seconds)
    order.append(name)
    return name
async def main():
    assert await asyncio.gather(wait('a', 0.003), wait('b', 0.001), wait('c', 0.002)) == ['a', 'b', 'c']
    assert order == ['b', 'c', 'a']
    try:
        await asyncio.wait_for(asyncio.sleep(10), 1)
    except TimeoutError:
        return await asyncio.to_thread(pow, 2, 3)
assert asyncio.run(main()) == 8
print('ok')",
        "from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
with ThreadPoolExecutor(max_workers=4) as pool:
    assert sorted(future.result() for future in as_completed([pool.submit(pow, n, 2) for n in range(4)])) == [0, 1, 4, 9]
    assert isinstance(pool.submit(int, 'x').exception(), ValueError)
with ProcessPoolExecutor() as pool:
    assert list(pool.map(len, ['ab', 'c'])) == [2, 1]
print('ok')",
    ];
    assert_eq!(reasons(&line, &working), ["right"; 8]);
}

/// Sixteen inputs share eight runs. Without the stop every one of them would loop for all its fuel.
#[test]
fn an_endless_loop_costs_the_fuel_of_one_run() {
    let inputs: Vec<Vec<u32>> = (0..16).map(|number| vec![number]).collect();
    let line = eval_plus("Mbpp/0", "", "def g(n):\n    return n\n", json!(inputs));
    let solutions = [
        "def g(n):\n    while True: pass",
        "def g(n):\n    while n > 13: pass\n    return n",
        "def g(n):\n    return n",
    ];
    let told = judged(&line, &solutions);
    let limit = CODEGEN.limits().run_fuel;
    let spent = |judged: &Judged<Verdict>| judged.runs.iter().filter(|run| run.report.fuel > limit / 2).count();
    assert_eq!(told.iter().map(spent).collect::<Vec<_>>(), [1, 1, 0]);
    assert_eq!(told[0].runs.iter().filter(|run| run.report.outcomes == [Outcome::OutOfFuel]).count(), 8);

    // The same judge and executor, packed without a word about runs: all are made, and the verdicts are the same.
    let executor = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests/codegen-executor.wasm");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all-runs.wasm");
    std::fs::write(&file, pack(&crate::built::guest("codegen"), &[executor]).unwrap()).unwrap();
    let all_runs = sandbox().load(&file).unwrap();
    let task = imported(&line, &[]).unwrap();
    let attempts = solutions.map(|solution| Attempt {
        task: task.clone(),
        completion: format!("Easy.</think>\n<answer>\n```python\n{solution}\n```\n"),
    });
    let all = all_runs.verify(&context(&[]), &attempts);
    for ((stopped, all), count) in told.iter().zip(all.into_iter().map(Result::unwrap)).zip([8, 1, 0]) {
        assert_eq!(stopped.conclusion, all.conclusion);
        assert_eq!(spent(&all), count);
    }
}

/// What evalplus 0.3.1 leaves of a completion (`evalplus.sanitize.sanitize` in Python), asked as EvalPlus asks.
#[test]
fn evalplus_runs_the_definitions_of_a_completion() {
    let line = eval_plus("HumanEval/0", "def g(a):\n", "    return a + 1", json!([[1], [2]]));
    let task = imported(&line, &[]).unwrap();
    let completions = [
        ("def g(a):\n    return a + 1\n\nassert g(1) == 3", "right"),
        ("one = 1\ndef g(a):\n    return add(a)\ndef add(a):\n    return a + one\nraise SystemExit", "right"),
        ("def g(a):\n    return a + 1\ndef g(a):\n    return a", "right"),
        ("def g(a):\n    return a + 1\nassert g(2) == [3,", "right"),
        ("def g(a):\n    return a\nassert True", "input 1: another result than the reference solution's"),
        (
            "one = 1\none += 1\ndef g(a):\n    return a + one - 1",
            "input 1: another result than the reference solution's",
        ),
    ];
    let attempt = |(completion, _): &(&str, &str)| Attempt { task: task.clone(), completion: (*completion).into() };
    let judged = |settings: &[(&str, &str)]| -> Vec<String> {
        let judged = CODEGEN.verify(&context(settings), &completions.each_ref().map(attempt));
        judged.into_iter().map(|judged| judged.unwrap().conclusion.reason).collect()
    };
    assert_eq!(judged(&[("protocol", "published")]), completions.map(|(_, reason)| reason));
}
