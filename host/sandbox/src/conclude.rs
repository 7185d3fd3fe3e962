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

    /// Of the first program every run is endless, of the second only those of an argument that comes second.
    #[test]
    fn an_endless_loop_costs_one_run_of_each_item_that_it_comes_first_in() {
        let with = |program: &str, input: u8| Run { inputs: vec![vec![input]], ..run(program) };
        let plans = || -> Vec<Planned<String>> {
            vec![
                Ok(Ok(vec![with("endless", 1), with("endless", 2), with("fine", 2), with("endless", 1)])),
                Ok(Ok(vec![with("some", 1), with("some", 2), with("some", 3)])),
                Ok(Ok(vec![with("endless", 2), with("endless", 3)])),
                Ok(Ok(vec![with("some", 2), with("some", 3)])),
            ]
        };
        let ends = |_, ran: Result<Vec<ExecutedRun>, String>| -> Result<String, Fault> {
            let ended = |run: &ExecutedRun| if run.report.outcomes == [Outcome::OutOfFuel] { '∞' } else { '.' };
            Ok(ran.unwrap().iter().map(ended).collect())
        };
        let expected = ["∞∞.∞", ".∞.", "∞∞", "∞∞"];
        for (count, bytes) in [(1, 0), (1, 20), (3, 0), (3, 20), (3, u64::MAX / 2)] {
            let executed = Mutex::new(Vec::new());
            let execute = |run: &Run| {
                executed.lock().unwrap().push((run.program.clone(), run.inputs[0][0]));
                match (&*run.program, run.inputs[0][0]) {
                    ("endless", _) | ("some", 2) => Ok(Report { outcomes: vec![Outcome::OutOfFuel], fuel: 9 }),
                    _ => echo(run),
                }
            };
            let workers = Workers::start(count, 1 << 20).unwrap();
            let rules = Rules { waiting_max_bytes: bytes, stops_at_out_of_fuel: true, ..RULES };
            let conclusions = conclude(&workers, plans(), rules, execute, ends);
            assert_eq!(shown(conclusions), expected, "{count} workers, {bytes} bytes");
            let mut executed = executed.into_inner().unwrap();
            executed.sort();
            executed.dedup();
            let made = [("endless", 1), ("endless", 2), ("fine", 2), ("some", 1), ("some", 2), ("some", 3)];
            assert_eq!(executed, made.map(|(program, input)| (program.to_owned(), input)));
        }
    }
}
