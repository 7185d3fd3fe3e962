//! `azr-host bench sandbox`: what isolation costs; for Python beside two ways of running programs without it.

use std::{
    fmt, fs,
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::Args;

use azr_core::limits::Limits;
use azr_env::{env_source::EnvSource, sandbox_args::SandboxArgs};
use azr_sandbox::{Environment, Outcome, Run};

/// Three ways of running trivial programs, compared.
#[derive(Args)]
pub struct SandboxBench {
    /// An environment whose programs are Python, JavaScript or SQL.
    file: EnvSource,
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
        let env = file.load(&sandbox.start(&Limits::default())?)?;
        println!("{}", Row::HEADER);
        println!("{}", fresh_sandboxes(&env, runs)?);
        if env.description().name == PYTHON {
            println!("{}", fresh_subprocesses(subprocesses)?);
            println!("{}", one_process(runs)?);
        }
        Ok(())
    }
}

const PYTHON: &str = "python";

/// Each program differs, so that nothing can be shared between runs.
fn program(number: usize) -> String {
    format!("def f(x):\n    return x + {number}")
}

fn program_for(env: &Environment, number: usize) -> String {
    match env.description().name.as_str() {
        PYTHON => program(number),
        "sql" => format!("SELECT ?1 + {number};"),
        _ => format!("function f(x) {{ return x + {number}; }}"),
    }
}

fn fresh_sandboxes(env: &Environment, count: usize) -> Result<Row> {
    let programs: Vec<_> = (0..count).map(|number| (program_for(env, number), "1".to_owned())).collect();
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
        ensure!(matches!(*report.outcomes, [Outcome::Value(_)]), "a trivial program ended in {:?}", report.outcomes);
        walls.push(wall);
    }
    Ok(Row::new("fresh sandbox per program", walls, used))
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

/// What this process and the children that it has waited for have used.
struct Used {
    cpu: Duration,
    /// Minor ones: pages that were mapped or copied on first use.
    page_faults: u64,
}

impl Used {
    fn until_now() -> Result<Self> {
        /// Linux reports these times in hundredths of a second on every machine.
        const TICK_MS: u64 = 10;
        let stat = fs::read_to_string("/proc/self/stat").context("processor time is read from /proc")?;
        // The name, in parentheses, may hold spaces. After it, fields are numbered from 3 in proc_pid_stat(5).
        let (_, fields) = stat.rsplit_once(')').context("/proc/self/stat has no name")?;
        let fields: Vec<_> = fields.split_whitespace().collect();
        let field = |number: usize| -> Result<u64> {
            Ok(fields.get(number - 3).context("/proc/self/stat is too short")?.parse()?)
        };
        let ticks = field(14)? + field(15)? + field(16)? + field(17)?;
        Ok(Self { cpu: Duration::from_millis(ticks * TICK_MS), page_faults: field(10)? + field(11)? })
    }

    fn since(before: &Self) -> Result<Self> {
        let now = Self::until_now()?;
        Ok(Self { cpu: now.cpu - before.cpu, page_faults: now.page_faults - before.page_faults })
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
