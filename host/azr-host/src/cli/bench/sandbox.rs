//! `azr-host bench sandbox`: what isolation costs; for Python beside two ways of running programs without it.

use std::{
    fmt, fs,
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::Args;

use azr_env::load::Load;
use azr_sandbox::{Environment, Outcome, Run};

/// Ways of running programs, compared.
#[derive(Args)]
pub struct SandboxBench {
    #[command(flatten)]
    load: Load,
    /// Fresh sandboxes, and programs for the unisolated process.
    #[arg(long, default_value_t = 4000)]
    runs: usize,
    /// Subprocesses; each takes as long as a hundred sandboxes.
    #[arg(long, default_value_t = 60)]
    subprocesses: usize,
}

/// The unisolated pool: one interpreter for everything, as fast as Python gets.
const POOL: &str = "import sys
for line in sys.stdin:
    scope = {}
    exec(eval(line), scope)
    print(repr(scope['f'](1)), flush=True)";

impl SandboxBench {
    pub(super) fn run(self) -> Result<()> {
        let Self { load, runs, subprocesses } = self;
        let env = load.load()?;
        println!("{}", Row::HEADER);
        println!("{}", fresh_sandboxes(&env, Program::Trivial, runs)?);
        println!("{}", fresh_sandboxes(&env, Program::Ordinary, runs)?);
        if env.description().name == PYTHON {
            println!("{}", fresh_subprocesses(subprocesses)?);
            println!("{}", one_process(runs)?);
        }
        if let Some(processes) = Processes::of_the_sandbox()? {
            println!("{processes}");
        }
        Ok(())
    }
}

const PYTHON: &str = "python";
const SQL: &str = "sql";

/// Each program differs, so that nothing can be shared between runs.
fn program(number: usize) -> String {
    format!("def f(x):\n    return x + {number}")
}

/// What a fresh sandbox runs.
#[derive(Clone, Copy)]
enum Program {
    Trivial,
    /// As many steps as programs of tasks take: some thousands.
    Ordinary,
}

fn program_for(env: &Environment, which: Program, number: usize) -> String {
    if env.description().name == SQL {
        return match which {
            Program::Trivial => format!("SELECT ?1 + {number};"),
            Program::Ordinary => format!(
                "WITH RECURSIVE n(v) AS (VALUES (?1) UNION ALL SELECT v + 1 FROM n WHERE v < 500) SELECT sum(v * v) + {number} FROM n;"
            ),
        };
    }
    let python = env.description().name == PYTHON;
    match (which, python) {
        (Program::Trivial, true) => program(number),
        (Program::Trivial, false) => format!("function f(x) {{ return x + {number}; }}"),
        (Program::Ordinary, true) => format!(
            "def f(x):\n    found = []\n    for n in range(2, 500):\n        if all(n % p for p in found if p * p <= n):\n            \
             found.append(n)\n    return sum(found) * x + {number}"
        ),
        (Program::Ordinary, false) => format!(
            "function f(x) {{ const found = []; for (let n = 2; n < 500; n++) {{ if (found.every(p => p * p > n || n % p)) \
             {{ found.push(n); }} }} return found.reduce((a, b) => a + b, 0) * x + {number}; }}"
        ),
    }
}

fn fresh_sandboxes(env: &Environment, which: Program, count: usize) -> Result<Row> {
    let programs: Vec<_> = (0..count).map(|number| (program_for(env, which, number), "1".to_owned())).collect();
    let plans = env
        .plan_exec(&programs)
        .into_iter()
        .map(|plan| plan?.map_err(|rejection| anyhow!("the environment runs no programs: {}", rejection.message)));
    let runs = plans.collect::<Result<Vec<Run>>>()?;
    // The first runs fault in code and fill the pool.
    env.exec_timed(&runs[..count.min(64)]);
    let before = Used::until_now()?;
    let executed = env.exec_timed(&runs);
    let used = Used::since(&before)?;
    let mut walls = Vec::with_capacity(count);
    for executed in executed {
        let (report, wall) = executed?;
        ensure!(matches!(*report.outcomes, [Outcome::Value(_)]), "a program ended in {:?}", report.outcomes);
        walls.push(wall);
    }
    let way = match which {
        Program::Trivial => "fresh sandbox per program",
        Program::Ordinary => "… of some thousand steps",
    };
    Ok(Row::new(way, walls, used))
}

fn fresh_subprocesses(count: usize) -> Result<Row> {
    let before = Used::until_now()?;
    let mut walls = Vec::with_capacity(count);
    for number in 0..count {
        let start = Instant::now();
        let output = Command::new("python3")
            .args(["-I", "-c", &format!("{}\nprint(repr(f(1)))", program(number))])
            .output()
            .context("cannot run python3")?;
        check(&output.stdout, number)?;
        walls.push(start.elapsed());
    }
    Ok(Row::new("python3 -I per program", walls, Used::since(&before)?))
}

fn one_process(count: usize) -> Result<Row> {
    let before = Used::until_now()?;
    let mut python = Command::new("python3")
        .args(["-I", "-c", POOL])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run python3")?;
    let mut programs = python.stdin.take().context("python3 has no stdin")?;
    let mut results = BufReader::new(python.stdout.take().context("python3 has no stdout")?);
    let mut walls = Vec::with_capacity(count);
    let mut result = Vec::new();
    for number in 0..count {
        let start = Instant::now();
        // JSON's strings are Python's, for these programs.
        writeln!(programs, "{}", serde_json::to_string(&program(number))?)?;
        result.clear();
        results.read_until(b'\n', &mut result)?;
        check(&result, number)?;
        walls.push(start.elapsed());
    }
    drop(programs);
    python.wait().context("python3 did not end")?;
    Ok(Row::new("one python3, no isolation", walls, Used::since(&before)?))
}

fn check(printed: &[u8], number: usize) -> Result<()> {
    let printed = String::from_utf8_lossy(printed);
    ensure!(printed.trim() == (number + 1).to_string(), "python3 printed {printed:?} for program {number}");
    Ok(())
}

/// What this process has used, the children that it has waited for, and those that it has.
struct Used {
    cpu: Duration,
    /// Minor ones: pages that were mapped or copied on first use.
    page_faults: u64,
}

impl Used {
    fn until_now() -> Result<Self> {
        /// Linux reports these times in hundredths of a second on every machine.
        const TICK_MS: u64 = 10;
        let own = Stat::read("self").context("processor time is read from /proc")?;
        let (mut ticks, mut page_faults) = (own.fields(&[14, 15, 16, 17])?, own.fields(&[10, 11])?);
        for (_, child) in children()? {
            ticks += child.fields(&[14, 15])?;
            page_faults += child.fields(&[10])?;
        }
        Ok(Self { cpu: Duration::from_millis(ticks * TICK_MS), page_faults })
    }

    fn since(before: &Self) -> Result<Self> {
        let now = Self::until_now()?;
        let cpu = now.cpu.saturating_sub(before.cpu);
        Ok(Self { cpu, page_faults: now.page_faults.saturating_sub(before.page_faults) })
    }
}

/// The numbers of a process in proc_pid_stat(5), where they begin with 1. Those of its name are left out.
struct Stat(Vec<u64>);

impl Stat {
    fn read(process: &str) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        // The name, in parentheses, may hold spaces. The state is a letter, and some numbers are negative.
        let (_, fields) = stat.rsplit_once(')').context("/proc/self/stat has no name")?;
        Ok(Self(fields.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect()))
    }

    fn fields(&self, numbers: &[usize]) -> Result<u64> {
        let field = |&number: &usize| self.0.get(number - 3).copied().context("/proc/self/stat is too short");
        numbers.iter().map(field).sum()
    }
}

fn children() -> Result<Vec<(String, Stat)>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // One that has ended meanwhile is none.
        let Ok(stat) = Stat::read(&name) else { continue };
        if stat.fields(&[4])? == u64::from(std::process::id()) {
            children.push((name, stat));
        }
    }
    Ok(children)
}

/// Memory of the processes that guests are in.
struct Processes {
    count: u64,
    private_kib: u64,
    /// Pages that several have count in equal parts for each.
    proportional_kib: u64,
}

impl Processes {
    fn of_the_sandbox() -> Result<Option<Self>> {
        let mut all = Self { count: 0, private_kib: 0, proportional_kib: 0 };
        for (child, _) in children()? {
            let Ok(rollup) = fs::read_to_string(format!("/proc/{child}/smaps_rollup")) else { continue };
            let kib = |name: &str| -> Result<u64> {
                let line = rollup.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                Ok(line.context("smaps_rollup is too short")?.trim().trim_end_matches(" kB").parse()?)
            };
            all.count += 1;
            all.private_kib += kib("Private_Clean")? + kib("Private_Dirty")?;
            all.proportional_kib += kib("Pss")?;
        }
        Ok((all.count > 0).then_some(all))
    }
}

impl fmt::Display for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, private_kib, proportional_kib } = self;
        let (private, proportional) = (private_kib / count / 1024, proportional_kib / count / 1024);
        write!(
            f,
            "{count} processes of the sandbox, on average {private} MiB of their own, {proportional} MiB with a share of others'"
        )
    }
}

/// One line of the table.
struct Row {
    way: &'static str,
    /// Sorted.
    walls: Vec<Duration>,
    used: Used,
}

impl Row {
    const HEADER: &str = "ms                           programs     p50     p90     p99     max  CPU/program  faults  programs/core-second";

    fn new(way: &'static str, mut walls: Vec<Duration>, used: Used) -> Self {
        walls.sort_unstable();
        Self { way, walls, used }
    }

    /// The wall time that `percent` of the programs stay within.
    fn percentile(&self, percent: usize) -> f64 {
        let index = (self.walls.len() * percent).div_ceil(100).saturating_sub(1);
        self.walls.get(index).map_or(f64::NAN, milliseconds)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.walls.len();
        write!(f, "{:<28} {count:>8}", self.way)?;
        for percent in [50, 90, 99, 100] {
            write!(f, " {:>7.2}", self.percentile(percent))?;
        }
        let each = milliseconds(&self.used.cpu) / count as f64;
        let faults = self.used.page_faults as f64 / count as f64;
        write!(f, " {each:>12.2} {faults:>7.0} {:>21.0}", 1000.0 / each)
    }
}

fn milliseconds(time: &Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
