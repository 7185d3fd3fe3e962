//! From plans to conclusions: whoever is free takes the next judgement, or else the next run.
//!
//! What runs returned waits for its judgement in memory. How much may wait has a limit, counted by what runs may return
//! until it is known what they did; only the runs that the first open conclusion waits for go on beyond it.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    bindings::{Outcome, Report, Run},
    fault::Fault,
    outcome,
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

/// What reports may hold that wait.
#[derive(Clone, Copy)]
pub(super) struct Room {
    /// One, at most.
    pub(super) run_max_bytes: u64,
    /// All.
    pub(super) bytes: u64,
}

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
/// item's conclusion. Where it `stops_at_out_of_fuel`, the first run of each program goes before the item's other runs of it,
/// which are not made and count as out of fuel when the first one is.
pub(super) fn conclude<E: Send, C: Send>(
    workers: &Workers,
    plans: Vec<Planned<E>>,
    (room, stops_at_out_of_fuel): (Room, bool),
    execute: impl Fn(&Run) -> Result<Report, Fault> + Sync,
    judge: impl Fn(usize, Result<Vec<ExecutedRun>, E>) -> Result<C, Fault> + Sync,
) -> Vec<Result<C, Fault>> {
    let (plans, opened): (Vec<_>, Vec<_>) = plans.into_iter().map(opened).unzip();
    let (distinct, numbers) = numbered(plans.iter().flatten());
    let mut numbers = numbers.into_iter();
    let items = plans.iter().zip(opened).map(|(runs, opened)| Item {
        runs: numbers.by_ref().take(runs.len()).collect(),
        firsts: if stops_at_out_of_fuel { firsts(runs) } else { (0..runs.len()).collect() },
        begun: Vec::new(),
        missing: runs.len(),
        opened,
    });
    let mut agenda = Agenda::new(room, items.collect());
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

/// For each run of a plan the place of the first one of the same program.
fn firsts(runs: &[Run]) -> Vec<usize> {
    let mut places = HashMap::new();
    runs.iter().enumerate().map(|(place, run)| *places.entry((run.executor, &run.program)).or_insert(place)).collect()
}

/// What came of planning, beside runs.
enum Opened<E> {
    Runs,
    Rejected(E),
    Failed(Fault),
}

/// For a worker.
enum Work<E> {
    /// A distinct run.
    Execute(usize),
    Judge(usize, Result<Vec<Arc<Report>>, E>),
}

/// Of a worker.
enum Done<C> {
    Executed(Report),
    Judged(C),
}

/// What a worker was given.
#[derive(Clone, Copy)]
enum About {
    Run(usize),
    Item(usize),
}

struct Item<E> {
    /// Numbers of distinct runs.
    runs: Vec<usize>,
    /// For each of them the place of the one that it waits for and is not made after if that is out of fuel; its own where it
    /// waits for none.
    firsts: Vec<usize>,
    /// Those that have begun.
    begun: Vec<usize>,
    /// How many have neither ended nor been left out.
    missing: usize,
    /// Taken when it is judged.
    opened: Opened<E>,
}

/// A distinct run, from when it begins until every item that planned it and has begun is concluded.
#[derive(Default)]
struct Live {
    report: Option<Result<Arc<Report>, Fault>>,
    /// Items, once for each time that they planned it.
    planned_by: Vec<usize>,
    concluded: usize,
    /// Items and the places of their runs that begin when this one has ended and was not out of fuel.
    before: Vec<(usize, usize)>,
}

/// What is to be done, and in which order.
struct Agenda<E, C> {
    room: Room,
    items: Vec<Item<E>>,
    conclusions: Vec<Option<Result<C, Fault>>>,
    /// The first item without a conclusion.
    oldest: usize,
    /// The item that begins, and how many of its runs have begun or wait for others of it.
    beginning: (usize, usize),
    /// Items and the places of their runs that waited and can begin.
    resumed: VecDeque<(usize, usize)>,
    live: HashMap<usize, Live>,
    held_bytes: u64,
    /// Items whose runs have all ended.
    ready: VecDeque<usize>,
}

impl<E, C> Agenda<E, C> {
    fn new(room: Room, items: Vec<Item<E>>) -> Self {
        let conclusions = items.iter().map(|_| None).collect();
        let (live, ready, resumed) = (HashMap::new(), VecDeque::new(), VecDeque::new());
        Self { room, items, conclusions, oldest: 0, beginning: (0, 0), resumed, live, held_bytes: 0, ready }
    }

    /// What a worker can do now: a judgement, which makes room, before a run.
    fn next(&mut self) -> Option<(About, Work<E>)> {
        loop {
            while let Some(item) = self.ready.pop_front() {
                if let Some(work) = self.judge(item) {
                    return Some((About::Item(item), work));
                }
            }
            let can_begin = |&(item, place): &(usize, usize)| self.can_begin(item, self.items[item].runs[place]);
            let next = match self.resumed.iter().position(can_begin) {
                Some(at) => self.resumed.remove(at),
                None => {
                    let (item, begun) = self.beginning;
                    let runs = &self.items.get(item)?.runs;
                    if begun == runs.len() {
                        if runs.is_empty() {
                            self.ready.push_back(item);
                        }
                        self.beginning = (item + 1, 0);
                        continue;
                    }
                    if !can_begin(&self.beginning) {
                        return None;
                    }
                    self.beginning.1 += 1;
                    Some((item, begun))
                }
            };
            if let Some(number) = next.and_then(|(item, place)| self.begin(item, place)) {
                return Some((About::Run(number), Work::Execute(number)));
            }
        }
    }

    /// Whether there is room for what the run returns.
    fn can_begin(&self, item: usize, number: usize) -> bool {
        let room = self.held_bytes.saturating_add(self.room.run_max_bytes) <= self.room.bytes;
        room || item == self.oldest || self.live.contains_key(&number)
    }

    /// The number of an item's run if it is to be executed now.
    fn begin(&mut self, item: usize, place: usize) -> Option<usize> {
        let Item { runs, firsts, begun, .. } = &mut self.items[item];
        let (number, first) = (runs[place], firsts[place]);
        if first != place {
            let first = self.live.get_mut(&runs[first]).expect("it comes before, so it has begun");
            match &first.report {
                None => {
                    first.before.push((item, place));
                    return None;
                }
                Some(report) if is_out_of_fuel(report) => {
                    self.one_less_is_missing(item);
                    return None;
                }
                Some(_) => {}
            }
        }
        begun.push(number);
        let begins = !self.live.contains_key(&number);
        let live = self.live.entry(number).or_default();
        live.planned_by.push(item);
        if begins {
            self.held_bytes += self.room.run_max_bytes;
            return Some(number);
        }
        if live.report.is_some() {
            self.one_less_is_missing(item);
        }
        None
    }

    /// What to judge about an item, unless a fault is its conclusion.
    fn judge(&mut self, item: usize) -> Option<Work<E>> {
        match mem::replace(&mut self.items[item].opened, Opened::Runs) {
            Opened::Rejected(rejection) => return Some(Work::Judge(item, Err(rejection))),
            Opened::Failed(fault) => self.conclude(item, Err(fault)),
            Opened::Runs => {
                let Item { runs, firsts, .. } = &self.items[item];
                let ended = |place: usize| self.live[&runs[place]].report.as_ref().expect("none is missing");
                let report = |(place, &first): (usize, &usize)| match ended(first) {
                    report if first != place && is_out_of_fuel(report) => {
                        Ok(Arc::new(Report { outcomes: vec![Outcome::OutOfFuel], fuel: 0 }))
                    }
                    _ => match ended(place) {
                        Ok(report) => Ok(Arc::clone(report)),
                        Err(fault) => Err(fault.again()),
                    },
                };
                match firsts.iter().enumerate().map(report).collect() {
                    Ok(reports) => return Some(Work::Judge(item, Ok(reports))),
                    Err(fault) => self.conclude(item, Err(fault)),
                }
            }
        }
        None
    }

    fn done(&mut self, about: About, done: Result<Done<C>, Fault>) {
        match (about, done) {
            (About::Item(item), Ok(Done::Judged(conclusion))) => self.conclude(item, Ok(conclusion)),
            (About::Item(item), Err(fault)) => self.conclude(item, Err(fault)),
            (About::Run(number), Ok(Done::Executed(report))) => self.ended(number, Ok(Arc::new(report))),
            (About::Run(number), Err(fault)) => self.ended(number, Err(fault)),
            (About::Run(_), Ok(Done::Judged(_))) | (About::Item(_), Ok(Done::Executed(_))) => {
                unreachable!("workers do what they are given")
            }
        }
    }

    fn ended(&mut self, number: usize, report: Result<Arc<Report>, Fault>) {
        self.held_bytes += bytes(&report);
        self.held_bytes -= self.room.run_max_bytes;
        let live = self.live.get_mut(&number).expect("it has begun");
        let (before, out_of_fuel) = (mem::take(&mut live.before), is_out_of_fuel(&report));
        live.report = Some(report);
        for item in live.planned_by.clone() {
            self.one_less_is_missing(item);
        }
        match out_of_fuel {
            true => before.into_iter().for_each(|(item, _)| self.one_less_is_missing(item)),
            false => self.resumed.extend(before),
        }
    }

    fn one_less_is_missing(&mut self, item: usize) {
        self.items[item].missing -= 1;
        if self.items[item].missing == 0 {
            self.ready.push_back(item);
        }
    }

    fn conclude(&mut self, item: usize, conclusion: Result<C, Fault>) {
        self.conclusions[item] = Some(conclusion);
        while self.conclusions.get(self.oldest).is_some_and(Option::is_some) {
            self.oldest += 1;
        }
        for number in &self.items[item].begun {
            let live = self.live.get_mut(number).expect("it has begun");
            live.concluded += 1;
            if live.concluded == live.planned_by.len() {
                self.held_bytes -= live.report.as_ref().map_or(0, bytes);
                self.live.remove(number);
            }
        }
    }

    fn into_conclusions(self) -> Vec<Result<C, Fault>> {
        self.conclusions.into_iter().map(|conclusion| conclusion.expect("nothing is left to do")).collect()
    }
}

fn is_out_of_fuel(report: &Result<Arc<Report>, Fault>) -> bool {
    report.as_ref().is_ok_and(|report| matches!(report.outcomes.last(), Some(Outcome::OutOfFuel)))
}

fn bytes(report: &Result<Arc<Report>, Fault>) -> u64 {
    report.as_ref().map_or(0, |report| report.outcomes.iter().map(outcome::bytes).sum::<usize>() as u64)
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

    const ROOM: Room = Room { run_max_bytes: 10, bytes: 20 };

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
        for (count, bytes) in [(1, 0), (1, 20), (3, 0), (3, 20), (3, u64::MAX / 2)] {
            let workers = Workers::start(count, 1 << 20).unwrap();
            let conclusions = conclude(&workers, plans(), (Room { bytes, ..ROOM }, false), execute, told);
            let expected = [
                "aba",
                "rejected: no",
                "",
                "environment fault in `plan`: broken",
                "environment fault in `execute`: bad",
                "b",
            ];
            assert_eq!(shown(conclusions), expected, "{count} workers, {bytes} bytes");
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
        assert_eq!(shown(conclude(&workers, plans, (ROOM, false), execute, judge)), names);
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
            let room = Room { bytes, ..ROOM };
            let conclusions = conclude(&workers, plans(), (room, true), execute, ends);
            assert_eq!(shown(conclusions), expected, "{count} workers, {bytes} bytes");
            let mut executed = executed.into_inner().unwrap();
            executed.sort();
            executed.dedup();
            let made = [("endless", 1), ("endless", 2), ("fine", 2), ("some", 1), ("some", 2), ("some", 3)];
            assert_eq!(executed, made.map(|(program, input)| (program.to_owned(), input)));
        }
    }

    /// Twenty items, two each with the same two runs, one of them twice. How many runs were executed, and the most that was
    /// held; all that may begin does before anything ends.
    fn executed_and_held(room: Room, returned: usize) -> (usize, u64) {
        let runs = |n: usize| vec![n / 2 * 2, n / 2 * 2 + 1, n / 2 * 2];
        let item =
            |n| Item { runs: runs(n), firsts: vec![0, 1, 2], begun: vec![], missing: 3, opened: Opened::<()>::Runs };
        let mut agenda = Agenda::<(), usize>::new(room, (0..20).map(item).collect());
        let (mut given, mut executed, mut most) = (VecDeque::new(), 0, 0);
        loop {
            if let Some(next) = agenda.next() {
                given.push_back(next);
                most = most.max(agenda.held_bytes);
                continue;
            }
            match given.pop_front() {
                Some((about, Work::Execute(_))) => {
                    executed += 1;
                    let report = Report { outcomes: vec![Outcome::Value(vec![0; returned])], fuel: 1 };
                    agenda.done(about, Ok(Done::Executed(report)));
                }
                Some((about, Work::Judge(_, reports))) => {
                    agenda.done(about, Ok(Done::Judged(reports.unwrap().len())));
                }
                None => break,
            }
        }
        assert_eq!((agenda.held_bytes, agenda.live.len()), (0, 0));
        assert!(agenda.into_conclusions().into_iter().all(|conclusion| matches!(conclusion, Ok(3))));
        (executed, most)
    }

    #[test]
    fn what_waits_has_its_limit_and_equal_runs_are_executed_once_meanwhile() {
        assert_eq!(executed_and_held(Room { run_max_bytes: 10, bytes: 40 }, 10), (20, 40));
        assert_eq!(executed_and_held(Room { run_max_bytes: 10, bytes: u64::MAX }, 10), (20, 200), "nothing is limited");
        // What they turn out to have returned counts; more than there is room for is held for one item only.
        assert_eq!(executed_and_held(Room { run_max_bytes: 10, bytes: 15 }, 1), (20, 20));
        assert_eq!(executed_and_held(Room { run_max_bytes: 10, bytes: 0 }, 10).1, 20);
    }
}
