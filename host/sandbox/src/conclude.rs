//! From plans to conclusions: whoever is free takes the next judgement, or else the next run.
//!
//! What runs returned waits for its judgement in memory. How much may wait has a limit, counted by what runs may return
//! until it is known what they did; only the runs that the first open conclusion waits for go on beyond it.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    agenda::{Agenda, Done, Item, Opened, Rules, Work},
    bindings::{Report, Run},
    fault::Fault,
    workers::Workers,
};

/// A run and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutedRun {
    pub run: Run,
    pub report: Report,
}

/// Runs, or why there are none.
pub(super) type Planned<E> = Result<Result<Vec<Run>, E>, Fault>;

/// Numbers equal runs alike: they have equal reports.
pub(super) fn numbered<'a>(runs: impl IntoIterator<Item = &'a Run>) -> (Vec<&'a Run>, Vec<usize>) {
    let mut distinct: Vec<&Run> = Vec::new();
    let mut numbers: HashMap<(u32, &str, &[Vec<u8>]), usize> = HashMap::new();
    let order = runs.into_iter().map(|run| {
        *numbers.entry((run.executor, &run.program, &run.inputs)).or_insert_with(|| {
            distinct.push(run);
            distinct.len() - 1
        })
    });
    let order = order.collect();
    (distinct, order)
}

/// Executes what was planned for each item, and judges it as soon as all of its runs have ended. A plan that is a fault is the
/// item's conclusion.
pub(super) fn conclude<E: Send, C: Send>(
    workers: &Workers,
    plans: Vec<Planned<E>>,
    rules: Rules,
    execute: impl Fn(&Run) -> Result<Report, Fault> + Sync,
    judge: impl Fn(usize, Result<Vec<ExecutedRun>, E>) -> Result<C, Fault> + Sync,
) -> Vec<Result<C, Fault>> {
    let (plans, opened): (Vec<_>, Vec<_>) = plans.into_iter().map(opened).unzip();
    let (distinct, numbers) = numbered(plans.iter().flatten());
    let mut numbers = numbers.into_iter();
    let items = plans.iter().zip(opened).map(|(runs, opened)| Item {
        runs: numbers.by_ref().take(runs.len()).collect(),
        firsts: firsts(runs, rules),
        missing: runs.len(),
        opened,
    });
    let mut agenda = Agenda::new(rules, items.collect());
    let work = |work| match work {
        Work::Execute(number) => execute(distinct[number]).map(Done::Executed),
        Work::Judge(item, reports) => {
            let run = |(run, report): (&Run, Arc<Report>)| ExecutedRun { run: run.clone(), report: (*report).clone() };
            let reports = reports.map(|reports| plans[item].iter().zip(reports).map(run).collect());
            judge(item, reports).map(Done::Judged)
        }
    };
    workers.crew(work, |crew| {
        let mut given = Vec::new();
        loop {
            while let Some((number, done)) = crew.take_ready() {
                agenda.done(given[number], done);
            }
            if let Some((about, work)) = agenda.next() {
                given.push(about);
                crew.give(work);
            } else if let Some((number, done)) = crew.take() {
                agenda.done(given[number], done);
            } else {
                return agenda.into_conclusions();
            }
        }
    })
}

/// The runs of a plan, and what else there is to it.
fn opened<E>(plan: Planned<E>) -> (Vec<Run>, Opened<E>) {
    match plan {
        Ok(Ok(runs)) => (runs, Opened::Runs),
        Ok(Err(rejection)) => (Vec::new(), Opened::Rejected(rejection)),
        Err(fault) => (Vec::new(), Opened::Failed(fault)),
    }
}

/// For each run of a plan the one that it waits for, by their places: itself, but where it is not the first of its program and
/// need not be made.
fn firsts(runs: &[Run], rules: Rules) -> Vec<usize> {
    let same = |one: &Run, run: &Run| (one.executor, &one.program) == (run.executor, &run.program);
    let first = |(place, run): (usize, &Run)| match rules.stops_at_out_of_fuel {
        true => runs[..place].iter().position(|one| same(one, run)).unwrap_or(place),
        false => place,
    };
    runs.iter().enumerate().map(first).collect()
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Mutex, mpsc::channel},
        time::Duration,
    };

    use super::*;
    use crate::bindings::Outcome;

    /// Its program is what it returns.
    fn run(program: &str) -> Run {
        Run { executor: 0, program: program.into(), inputs: Vec::new() }
    }

    fn echo(run: &Run) -> Result<Report, Fault> {
        Ok(Report { outcomes: vec![Outcome::Value(run.program.clone().into_bytes())], fuel: 1 })
    }

    fn told(_: usize, ran: Result<Vec<ExecutedRun>, String>) -> Result<String, Fault> {
        let text = |run: &ExecutedRun| match &run.report.outcomes[0] {
            Outcome::Value(value) => String::from_utf8(value.clone()).unwrap(),
            other => panic!("{other:?}"),
        };
        Ok(ran.map_or_else(|rejection| format!("rejected: {rejection}"), |runs| runs.iter().map(text).collect()))
    }

    fn shown(conclusions: Vec<Result<String, Fault>>) -> Vec<String> {
        conclusions.into_iter().map(|conclusion| conclusion.unwrap_or_else(|fault| fault.to_string())).collect()
    }

    const RULES: Rules = Rules { run_max_bytes: 10, waiting_max_bytes: 20, stops_at_out_of_fuel: false };

    #[test]
    fn conclusions_keep_the_order_of_items_whatever_the_room() {
        let plans = || {
            vec![
                Ok(Ok(vec![run("a"), run("b"), run("a")])),
                Ok(Err("no".to_owned())),
                Ok(Ok(vec![])),
                Err(Fault::environment("plan", "broken")),
                Ok(Ok(vec![run("c"), run("bad"), run("worse")])),
                Ok(Ok(vec![run("b")])),
            ]
        };
        let execute = |run: &Run| match &*run.program {
            bad @ ("bad" | "worse") => Err(Fault::environment("execute", bad)),
            _ => echo(run),
        };
        for (count, waiting_max_bytes) in [(1, 0), (1, 20), (3, 0), (3, 20), (3, u64::MAX / 2)] {
            let workers = Workers::start(count, 1 << 20).unwrap();
            let conclusions = conclude(&workers, plans(), Rules { waiting_max_bytes, ..RULES }, execute, told);
            let expected = [
                "aba",
                "rejected: no",
                "",
                "environment fault in `plan`: broken",
                "environment fault in `execute`: bad",
                "b",
            ];
            assert_eq!(shown(conclusions), expected, "{count} workers, {waiting_max_bytes} bytes");
        }
    }

    /// With room for two runs, the first of which ends after all others were judged.
    #[test]
    fn nobody_waits_for_the_slowest_run() {
        let workers = Workers::start(2, 1 << 20).unwrap();
        let (tell, told_last) = channel();
        let (tell, told_last) = (Mutex::new(tell), Mutex::new(told_last));
        let names: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        let plans = names.iter().map(|name| Ok(Ok(vec![run(name)]))).collect();
        let execute = |run: &Run| {
            if run.program == "0" {
                let last = told_last.lock().unwrap().recv_timeout(Duration::from_secs(60));
                last.expect("the others wait for the first one");
            }
            echo(run)
        };
        let judge = |item: usize, ran| {
            if item == 49 {
                tell.lock().unwrap().send(()).unwrap();
            }
            told(item, ran)
        };
        assert_eq!(shown(conclude(&workers, plans, RULES, execute, judge)), names);
    }

    /// Each program runs out of fuel at "0" if its name says so; the second run of its plan is another item's first.
    #[test]
    fn of_a_program_whose_first_run_is_out_of_fuel_no_other_is_made() {
        let with = |program: &str, input: &str| Run { inputs: vec![input.into()], ..run(program) };
        let made = Mutex::new(Vec::new());
        let execute = |run: &Run| {
            let input = String::from_utf8(run.inputs[0].clone()).unwrap();
            made.lock().unwrap().push(format!("{}({input})", run.program));
            match (&*run.program, &*input) {
                ("slow", "0") => Ok(Report { outcomes: vec![Outcome::OutOfFuel], fuel: 9 }),
                _ => Ok(Report { outcomes: vec![Outcome::Value(input.into_bytes())], fuel: 1 }),
            }
        };
        let told = |_: usize, ran: Result<Vec<ExecutedRun>, String>| {
            let text = |run: &ExecutedRun| match &run.report.outcomes[0] {
                Outcome::Value(value) => String::from_utf8(value.clone()).unwrap(),
                _ => format!("!{}", run.report.fuel),
            };
            Ok(ran.unwrap().iter().map(text).collect::<String>())
        };
        let concluded = |count, waiting_max_bytes, stops_at_out_of_fuel| {
            let plans = vec![
                Ok(Ok(vec![
                    with("slow", "0"),
                    with("slow", "1"),
                    with("fast", "0"),
                    with("fast", "2"),
                    with("slow", "3"),
                ])),
                Ok(Ok(vec![with("slow", "1"), with("slow", "0"), with("slow", "0")])),
                Ok(Ok(vec![with("slow", "0"), with("slow", "0")])),
            ];
            let workers = Workers::start(count, 1 << 20).unwrap();
            let rules = Rules { waiting_max_bytes, stops_at_out_of_fuel, ..RULES };
            made.lock().unwrap().clear();
            let conclusions = shown(conclude(&workers, plans, rules, execute, told));
            (conclusions, made.lock().unwrap().iter().filter(|run| *run == "slow(3)").count())
        };
        for (count, room) in [(1, 0), (1, 20), (3, 0), (3, u64::MAX)] {
            let expected = ["!9!002!0", "1!9!9", "!9!0"].map(str::to_owned).to_vec();
            assert_eq!(concluded(count, room, true), (expected, 0), "{count} workers, {room} bytes");
            let expected = ["!91023", "1!9!9", "!9!9"].map(str::to_owned).to_vec();
            assert_eq!(concluded(count, room, false), (expected, 1), "{count} workers, {room} bytes");
        }
    }
}
