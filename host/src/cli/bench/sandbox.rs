//! `azr-host bench sandbox`: what isolation costs, beside two ways of running programs without it.

use std::{
    fmt, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::Args;

use crate::{
    cli::SandboxArgs,
    sandbox::{Environment, Outcome, Run, Sandbox},
};

/// Three ways of running trivial programs, compared.
#[derive(Args)]
pub struct SandboxBench {
    /// An environment whose programs are Python.
    file: PathBuf,
    /// Fresh sandboxes, and programs for the unisolated process.
    #[arg(long, default_value_t = 4000)]
    runs: usize,
    /// Subprocesses; each takes as long as a hundred sandboxes.
    #[arg(long, default_value_t = 60)]
    subprocesses: usize,
    #[command(flatten)]
    sandbox: SandboxArgs,
}

/// The unisolated pool: one interpreter for everything, as fast as Python gets.
const POOL: &str = "import sys
for line in sys.stdin:
    scope = {}
    exec(eval(line), scope)
    print(repr(scope['f'](1)), flush=True)";

impl SandboxBench {
    pub(super) fn run(self) -> Result<()> {
        let Self { file, runs, subprocesses, sandbox } = self;
        let env = Sandbox::new(&sandbox.config()?)?.load(&file)?;
        println!("{}", Row::HEADER);
        println!("{}", fresh_sandboxes(&env, runs)?);
        println!("{}", fresh_subprocesses(subprocesses)?);
        println!("{}", one_process(runs)?);
        Ok(())
    }
}

/// Each program differs, so that nothing can be shared between runs.
fn program(number: usize) -> String {
    format!("def f(x):\n    return x + {number}")
}

fn fresh_sandboxes(env: &Environment, count: usize) -> Result<Row> {
    let programs: Vec<_> = (0..count).map(|number| (program(number), "1".to_owned())).collect();
    let plans = env
        .plan_exec(&programs)
        .into_iter()
        .map(|plan| plan?.map_err(|rejection| anyhow!("the environment does not run Python: {}", rejection.message)));
    let runs = plans.collect::<Result<Vec<Run>>>()?;
    // The first runs fault in code and fill the pool.
    env.exec_timed(&runs[..count.min(64)]);
    let cpu = CpuTime::now()?;
    let executed = env.exec_timed(&runs);
    let cpu = CpuTime::now()?.own - cpu.own;
    let mut walls = Vec::with_capacity(count);
    for executed in executed {
        let (report, wall) = executed?;
        ensure!(matches!(*report.outcomes, [Outcome::Value(_)]), "a trivial program ended in {:?}", report.outcomes);
        walls.push(wall);
    }
    Ok(Row::new("fresh sandbox per program", walls, cpu))
}

fn fresh_subprocesses(count: usize) -> Result<Row> {
    let cpu = CpuTime::now()?;
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
    let after = CpuTime::now()?;
    Ok(Row::new("python3 -I per program", walls, after.own + after.children - cpu.own - cpu.children))
}

fn one_process(count: usize) -> Result<Row> {
    let before = CpuTime::now()?;
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
    let after = CpuTime::now()?;
    let cpu = after.own + after.children - before.own - before.children;
    Ok(Row::new("one python3, no isolation", walls, cpu))
}

fn check(printed: &[u8], number: usize) -> Result<()> {
    let printed = String::from_utf8_lossy(printed);
    ensure!(printed.trim() == (number + 1).to_string(), "python3 printed {printed:?} for program {number}");
    Ok(())
}

/// Processor time of this process and of the children that it has waited for.
struct CpuTime {
    own: Duration,
    children: Duration,
}

impl CpuTime {
    fn now() -> Result<Self> {
        /// Linux reports these times in hundredths of a second on every machine.
        const TICK_MS: u64 = 10;
        let stat = fs::read_to_string("/proc/self/stat").context("processor time is read from /proc")?;
        // The name, in parentheses, may hold spaces; `utime` is the twelfth field after it.
        let (_, fields) = stat.rsplit_once(')').context("/proc/self/stat has no name")?;
        let ticks = fields.split_whitespace().skip(11).take(4).map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        let [user, system, children_user, children_system] = *ticks else {
            return Err(anyhow!("/proc/self/stat is too short"));
        };
        let time = |ticks| Duration::from_millis(ticks * TICK_MS);
        Ok(Self { own: time(user + system), children: time(children_user + children_system) })
    }
}

/// One line of the table.
struct Row {
    way: &'static str,
    /// Sorted.
    walls: Vec<Duration>,
    cpu: Duration,
}

impl Row {
    const HEADER: &str =
        "ms                           programs      p50      p90      p99      max  CPU/program  programs/core-second";

    fn new(way: &'static str, mut walls: Vec<Duration>, cpu: Duration) -> Self {
        walls.sort_unstable();
        Self { way, walls, cpu }
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
            write!(f, " {:>8.3}", self.percentile(percent))?;
        }
        let each = milliseconds(&self.cpu) / count as f64;
        write!(f, " {each:>12.3} {:>21.0}", 1000.0 / each)
    }
}

fn milliseconds(time: &Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
