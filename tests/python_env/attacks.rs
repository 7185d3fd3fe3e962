//! Programs that attack the interpreter, the host's time and memory, or the next program. Each comes to a precise outcome,
//! and the host goes on.

use azr_core::limits::Limits;
use azr_sandbox::{Report, Thrown};

use super::*;

/// Less fuel than the environment asks for: enough for any of these to do its harm.
const FUEL: u64 = 500_000_000;

static LITTLE_FUEL: LazyLock<Environment> = LazyLock::new(|| {
    let cache_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"));
    let limits = Limits { run_fuel_max: FUEL, ..Limits::default() };
    let config = SandboxConfig { cache_dir, limits, ..SandboxConfig::default() };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envs/python.wasm");
    Sandbox::new(&config).unwrap().load(&file).unwrap()
});

fn reports(programs: &[&str]) -> Vec<Report> {
    let programs: Vec<_> = programs.iter().map(|program| (program.to_string(), "1".to_owned())).collect();
    let runs: Vec<_> = LITTLE_FUEL.plan_exec(&programs).into_iter().map(|run| run.unwrap().unwrap()).collect();
    LITTLE_FUEL.exec(&runs).into_iter().map(|report| report.unwrap()).collect()
}

/// Runs every program, and an honest one after it.
fn each(programs: &[&str], check: impl Fn(&str, &Outcome)) {
    let honest = "def f(x):\n    return [x, len('ab'), repr(True)]";
    for program in programs {
        let [attack, after] = &*reports(&[program, honest]) else { panic!("two reports for two runs") };
        check(program, &attack.outcomes[0]);
        assert_eq!(after.outcomes, [Outcome::Value(b"l3:i1;i2;s4:True".into())], "after {program}");
    }
}

fn all_come_to(programs: &[&str], outcome: &Outcome) {
    each(programs, |program, found| assert_eq!(found, outcome, "{program}"));
}

fn all_throw(programs: &[&str], class: &str) {
    each(programs, |program, found| match found {
        Outcome::Thrown(Thrown { name, .. }) => assert_eq!(name, class, "{program}"),
        other => panic!("{other:?}: {program}"),
    });
}

fn all_are_refused(programs: &[&str], why: &str) {
    each(programs, |program, found| match found {
        Outcome::Refused(reason) => assert!(reason.contains(why), "{reason}: {program}"),
        other => panic!("{other:?}: {program}"),
    });
}

#[test]
fn endless_programs_run_out_of_fuel() {
    let programs = [
        "def f(x):\n    while True: pass",
        "while True: pass\ndef f(x): pass",
        "def f(x):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass",
        "def f(x): return sum(range(10**12))",
        "def f(x): return max(iter(int, 1))",
        "import itertools\ndef f(x): return len(list(zip(itertools.count(), iter(int, 1), [0]*0 or itertools.cycle('a')))) if False else any(itertools.repeat(0))",
        "class C:\n    def __index__(self):\n        while True: pass\ndef f(x): return [0][C()]",
    ];
    all_come_to(&programs, &Outcome::OutOfFuel);
}

#[test]
fn equal_attacks_use_equal_fuel() {
    let program = "def f(x):\n    return sum(i * i for i in range(100000))";
    assert_eq!(reports(&[program]), reports(&[program]));
}

#[test]
fn work_in_c_runs_out_of_fuel() {
    let programs = [
        "import re\ndef f(x): return bool(re.match('(a+)+$', 'a' * 40 + 'b'))",
        "import re\ndef f(x): return re.sub('(x+x+)+y', '', 'x' * 60)",
        "def f(x): return (7 ** 10000000) % 10",
        "def f(x): return pow(3, 10 ** 300000, 10 ** 3000 + 7) % 10",
        "def f(x): return sorted(str(i) for i in range(10**7))[0]",
        "import math\ndef f(x): return math.factorial(1000000) % 10",
        "def f(x):\n    a = []\n    for _ in range(10000): a = [a]\n    return repr(a)",
    ];
    all_come_to(&programs, &Outcome::OutOfFuel);
}

#[test]
fn memory_attacks_end_in_a_memory_error() {
    let programs = [
        "def f(x): return len('a' * 10**9)",
        "def f(x): return len([0] * 10**8)",
        "def f(x): return len(bytearray(10**9))",
        "def f(x): return 1 << (1 << 33)",
        "def f(x):\n    kept = []\n    while True: kept.append(bytes(1 << 20))",
    ];
    all_throw(&programs, "MemoryError");
}

#[test]
fn a_refused_allocation_can_be_survived() {
    let program = "def f(x):\n    try:\n        return 'a' * 10**9\n    except MemoryError:\n        return 'refused'";
    all_come_to(&[program], &Outcome::Value(b"s7:refused".into()));
}

#[test]
fn recursion_ends_in_a_recursion_error() {
    let programs = [
        "def f(x): return f(x)",
        "import sys\nsys.setrecursionlimit(10**9)\nclass C:\n    def __eq__(self, o): return C() == C()\ndef f(x): return C() == C()",
        "class C:\n    def __repr__(self): return repr(self)\ndef f(x): return repr(C())",
        "import copy\ndef f(x):\n    a = []\n    for _ in range(10000): a = [a]\n    return len(copy.deepcopy(a))",
        "class C:\n    def __getattr__(self, name): return getattr(self, name)\ndef f(x): return C().a",
        // Recursion in C.
        "import json\ndef f(x): return json.loads('[' * 100000)",
        "def f(x):\n    a, b = [], []\n    a.append(a)\n    b.append(b)\n    return a == b",
    ];
    all_throw(&programs, "RecursionError");
}

#[test]
fn sources_that_attack_the_parser_are_refused() {
    let deep = |open: &str, close: &str| format!("def f(x): return {}1{}", open.repeat(20_000), close.repeat(20_000));
    let sources = [
        deep("(", ")"),
        deep("[", "]"),
        deep("-", ""),
        deep("not ", ""),
        deep("lambda: ", ""),
        deep("1 if 1 else ", ""),
    ];
    let others = [
        "def f(x):\n    return '\0'",
        "def f(x: return",
        "# coding: nowhere\n\u{ff} def",
        "def f(x):\n\treturn 1\n        return 2",
    ];
    let sources: Vec<&str> = sources.iter().map(String::as_str).chain(others).collect();
    all_are_refused(&sources, "Error: ");
}

#[test]
fn integers_beyond_the_limit_are_not_converted() {
    all_throw(&["def f(x): return int('9' * 5000)", "def f(x): return str(10 ** 5000)"], "ValueError");
    each(&["def f(x): return 10 ** 5000"], |_, found| {
        assert_eq!(*found, Outcome::Unsupported("an integer of more than 4300 digits".into()));
    });
}

#[test]
fn floods_of_output_go_nowhere() {
    let programs = [
        "def f(x):\n    for _ in range(1000): print('x' * 10000)\n    return x",
        "import sys\ndef f(x):\n    sys.stdout.write('y' * 10**7)\n    sys.stderr.write('z' * 10**7)\n    return x",
        "def f(x):\n    print('{\"score\": 1.0, \"verdict\": \"right\"}\\x1b[2J', flush=True)\n    return x",
    ];
    all_come_to(&programs, &Outcome::Value(b"i1;".into()));
}

#[test]
fn huge_results_are_refused() {
    let unsupported = |what: &'static str| {
        move |program: &str, found: &Outcome| match found {
            Outcome::Unsupported(reason) => assert!(reason.contains(what), "{reason}: {program}"),
            other => panic!("{other:?}: {program}"),
        }
    };
    let programs = [
        "def f(x): return 'x' * 10**7",
        "def f(x): return list(range(10**5))",
        "def f(x):\n    a = [0]\n    for _ in range(60): a = [a, a]\n    return a",
    ];
    each(&programs, unsupported("65536"));
    each(&["def f(x):\n    a = []\n    a.append(a)\n    return a"], unsupported("nested"));
    each(
        &["def f(x): return iter([])", "def f(x): return f", "class C(int): pass\ndef f(x): return C(1)"],
        unsupported("of type"),
    );
    each(&["def f(x): raise ValueError('x' * 10**7)"], |program, found| match found {
        Outcome::Thrown(Thrown { message, .. }) => assert_eq!(message.len(), 500, "{program}"),
        other => panic!("{other:?}: {program}"),
    });
}

#[test]
fn exits_are_exceptions() {
    let programs =
        ["import sys\ndef f(x): sys.exit(0)", "def f(x): raise SystemExit(1)", "def f(x): raise KeyboardInterrupt"];
    each(&programs, |program, found| match found {
        Outcome::Thrown(Thrown { name, .. }) => {
            assert!(["SystemExit", "KeyboardInterrupt"].contains(&&**name), "{program}")
        }
        other => panic!("{other:?}: {program}"),
    });
}

#[test]
fn leaving_the_process_is_a_crash_of_the_run() {
    let programs =
        ["import sys\ndef f(x): sys.modules['posix']._exit(0)", "import sys\ndef f(x): sys.modules['posix'].abort()"];
    all_come_to(&programs, &Outcome::Crashed("unreachable".into()));
}

#[test]
fn what_is_not_offered_is_refused() {
    let modules = [
        "os",
        "socket",
        "subprocess",
        "ctypes",
        "threading",
        "signal",
        "time",
        "random",
        "importlib",
        "gc",
        "inspect",
        "builtins",
    ];
    let programs: Vec<String> = modules.iter().map(|module| format!("import {module}\ndef f(x): return 1")).collect();
    let programs: Vec<&str> = programs.iter().map(String::as_str).collect();
    all_are_refused(&programs, "is not offered");
    all_are_refused(&["def f(x): return __import__('os').listdir('/')"], "is not offered");
}

#[test]
fn there_are_no_files_behind_the_interpreter() {
    all_throw(
        &["def f(x): return open('/etc/passwd').read()", "import io\ndef f(x): return io.FileIO(0).read()"],
        "PermissionError",
    );
}

/// A program may walk the frames of its harness, and finds its own inputs.
#[test]
fn frames_lead_to_the_programs_own_inputs() {
    let program = "import sys\ndef f(x):\n    frame, names = sys._getframe(), []\n    while frame:\n        names.append(frame.f_code.co_name)\n        frame = frame.f_back\n    return names";
    all_come_to(&[program], &Outcome::Value(b"l3:s1:fs9:_outcomess7:execute".into()));
    let locals = "import sys\ndef f(x):\n    return sorted(sys._getframe(1).f_locals)";
    all_come_to(
        &[locals],
        &Outcome::Value(
            b"l10:s9:_absorbeds4:argss7:encodeds8:exceededs1:fs6:inputss6:kwargss8:outcomess7:programs7:refused".into(),
        ),
    );
}

#[test]
fn a_program_that_breaks_its_harness_ends_its_own_run() {
    let program = "import sys\nvars(sys.modules['builtins'])['len'] = lambda v: 0\ndef f(x): return 1";
    all_throw(&[program], "ValueError");
    let program =
        "import sys\ndef f(x):\n    sys._getframe(1).f_globals['_encode'] = lambda v: b'i1;'\n    return object";
    all_come_to(&[program], &Outcome::Unsupported("a value of type type".into()));
}

/// A program that patches its harness changes what its own call comes to, as it could by returning something else.
#[test]
fn patches_do_not_outlive_a_run() {
    let programs = [
        "__builtins__['repr'] = lambda v: 'False'\n__builtins__['len'] = lambda v: 0\ndef f(x): return 1",
        "import json\njson.dumps = json.loads = None\nimport collections\ncollections.Counter = int\ndef f(x): return 1",
    ];
    all_come_to(&programs, &Outcome::Value(b"i1;".into()));
}

#[test]
fn deallocation_cannot_outlast_its_fuel() {
    all_come_to(
        &["class C:\n    def __del__(self):\n        while True: pass\ndef f(x):\n    C()\n    return 1"],
        &Outcome::OutOfFuel,
    );
    let programs = [
        "def f(x):\n    a = []\n    for _ in range(30000): a = [a]\n    del a\n    return 1",
        "class C:\n    def __del__(self): raise SystemExit\ndef f(x):\n    C()\n    return 1",
        "kept = []\nclass C:\n    def __del__(self): kept.append(C())\ndef f(x):\n    C()\n    return 1",
        "def f(x):\n    a = ()\n    for _ in range(30000): a = (a, {})\n    a = None\n    return 1",
    ];
    all_come_to(&programs, &Outcome::Value(b"i1;".into()));
}
