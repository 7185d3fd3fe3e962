//! What workers are given: judgements that can be made, or else runs, in the order of what they are planned for.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    mem,
    sync::Arc,
};

use super::{
    bindings::{Outcome, Report},
    fault::Fault,
    outcome,
};

/// How runs are made.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    /// What one may return.
    pub(super) run_max_bytes: u64,
    /// What all may have returned, or return, that no judgement has seen.
    pub(super) waiting_max_bytes: u64,
    /// Whether runs of a program need not be made whose first run in the plan is out of fuel. They count as out of fuel, too.
    pub(super) stops_at_out_of_fuel: bool,
}

/// What came of planning, beside runs.
pub(super) enum Planning<E> {
    Runs,
    Rejected(E),
    Failed(Fault),
}

/// For a worker.
pub(super) enum Work<E> {
    /// A distinct run.
    Execute(usize),
    Judge(usize, Result<Vec<Arc<Report>>, E>),
}

/// Of a worker.
pub(super) enum Done<C> {
    Executed(Report),
    Judged(C),
}

/// What a worker was given.
#[derive(Clone, Copy)]
pub(super) enum About {
    Run(usize),
    Item(usize),
}

pub(super) struct Item<E> {
    /// Numbers of distinct runs.
    pub(super) runs: Vec<usize>,
    /// For each the one that it waits for, by their places in the plan; most wait for themselves.
    pub(super) firsts: Vec<usize>,
    /// How many of its runs have not ended.
    pub(super) missing: usize,
    /// Taken when it is judged.
    pub(super) planning: Planning<E>,
}

/// A distinct run, from when it begins until every item that planned it and has begun it is concluded.
#[derive(Default)]
struct Live {
    report: Option<Result<Arc<Report>, Fault>>,
    /// Items, and the places that it has in their plans.
    planned_by: Vec<(usize, usize)>,
    concluded: usize,
}

/// What is to be done, and in which order.
pub(super) struct Agenda<E, C> {
    rules: Rules,
    items: Vec<Item<E>>,
    conclusions: Vec<Option<Result<C, Fault>>>,
    /// The first item without a conclusion.
    oldest: usize,
    /// The item that begins, and the place of its run that does.
    beginning: (usize, usize),
    /// Runs that waited for the first of their program: items and places.
    resumed: BTreeSet<(usize, usize)>,
    live: HashMap<usize, Live>,
    held_bytes: u64,
    /// Items whose runs have all ended.
    ready: VecDeque<usize>,
}

impl<E, C> Agenda<E, C> {
    pub(super) fn new(rules: Rules, items: Vec<Item<E>>) -> Self {
        let conclusions = items.iter().map(|_| None).collect();
        let (resumed, live, ready) = (BTreeSet::new(), HashMap::new(), VecDeque::new());
        Self { rules, items, conclusions, oldest: 0, beginning: (0, 0), resumed, live, held_bytes: 0, ready }
    }

    /// What a worker can do now: a judgement, which makes room, before a run.
    pub(super) fn next(&mut self) -> Option<(About, Work<E>)> {
        loop {
            while let Some(item) = self.ready.pop_front() {
                if let Some(work) = self.judge(item) {
                    return Some((About::Item(item), work));
                }
            }
            let resumed = self.resumed.first().copied();
            let next = resumed.or_else(|| self.beginning());
            if !self.ready.is_empty() || self.resumed.first().copied() != resumed {
                // Looking for the next run has found an item that waits for none, or a run that goes before it.
                continue;
            }
            let (item, place) = next?;
            let number = self.items[item].runs[place];
            let begins = !self.live.contains_key(&number);
            let held_bytes = self.held_bytes.saturating_add(self.rules.run_max_bytes);
            if begins && held_bytes > self.rules.waiting_max_bytes && item != self.oldest {
                return None;
            }
            if !self.resumed.remove(&(item, place)) {
                self.beginning.1 += 1;
            }
            let live = self.live.entry(number).or_default();
            live.planned_by.push((item, place));
            if begins {
                self.held_bytes = held_bytes;
                return Some((About::Run(number), Work::Execute(number)));
            }
            if live.report.is_some() {
                self.ended_for(item, place);
            }
        }
    }

    /// The next run that waits for none, past those that do, and past items whose runs have all begun.
    fn beginning(&mut self) -> Option<(usize, usize)> {
        loop {
            let (item, place) = self.beginning;
            let Item { runs, firsts, .. } = self.items.get(item)?;
            let Some(&first) = firsts.get(place) else {
                if runs.is_empty() {
                    self.ready.push_back(item);
                }
                self.beginning = (item + 1, 0);
                continue;
            };
            if first == place {
                return Some((item, place));
            }
            self.beginning.1 += 1;
            if self.live.get(&runs[first]).is_some_and(|live| live.report.is_some()) {
                self.follow(item, first, place);
            }
        }
    }

    /// The run at `place`, which waited for another one that has ended.
    fn follow(&mut self, item: usize, first: usize, place: usize) {
        if self.is_out_of_fuel(item, first) {
            self.one_less_is_missing(item);
        } else {
            self.resumed.insert((item, place));
        }
    }

    fn is_out_of_fuel(&self, item: usize, place: usize) -> bool {
        let report = self.live.get(&self.items[item].runs[place]).and_then(|live| live.report.as_ref());
        matches!(report, Some(Ok(report)) if matches!(report.outcomes.last(), Some(Outcome::OutOfFuel)))
    }

    /// Whether the run was not made, because the first of its program is out of fuel.
    fn is_stopped(&self, item: usize, place: usize) -> bool {
        let first = self.items[item].firsts[place];
        first != place && self.is_out_of_fuel(item, first)
    }

    /// What to judge about an item, unless a fault is its conclusion.
    fn judge(&mut self, item: usize) -> Option<Work<E>> {
        match mem::replace(&mut self.items[item].planning, Planning::Runs) {
            Planning::Rejected(rejection) => return Some(Work::Judge(item, Err(rejection))),
            Planning::Failed(fault) => self.conclude(item, Err(fault)),
            Planning::Runs => {
                let report = |(place, number)| {
                    if self.is_stopped(item, place) {
                        return Ok(Arc::new(Report { outcomes: vec![Outcome::OutOfFuel], fuel: 0 }));
                    }
                    match self.live[number].report.as_ref().expect("none is missing") {
                        Ok(report) => Ok(Arc::clone(report)),
                        Err(fault) => Err(fault.again()),
                    }
                };
                match self.items[item].runs.iter().enumerate().map(report).collect() {
                    Ok(reports) => return Some(Work::Judge(item, Ok(reports))),
                    Err(fault) => self.conclude(item, Err(fault)),
                }
            }
        }
        None
    }

    pub(super) fn done(&mut self, about: About, done: Result<Done<C>, Fault>) {
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
        self.held_bytes -= self.rules.run_max_bytes;
        let live = self.live.get_mut(&number).expect("it has begun");
        live.report = Some(report);
        for (item, place) in live.planned_by.clone() {
            self.ended_for(item, place);
        }
    }

    /// Those that waited for the run can go on, as far as their turn has come.
    fn ended_for(&mut self, item: usize, place: usize) {
        let waiting: Vec<usize> = (place + 1..self.items[item].runs.len())
            .filter(|&later| self.items[item].firsts[later] == place && (item, later) < self.beginning)
            .collect();
        waiting.into_iter().for_each(|later| self.follow(item, place, later));
        self.one_less_is_missing(item);
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
        let made = |&place: &usize| !self.is_stopped(item, place);
        let made: Vec<usize> = (0..self.items[item].runs.len()).filter(made).collect();
        for place in made {
            let number = self.items[item].runs[place];
            let live = self.live.get_mut(&number).expect("it has begun");
            live.concluded += 1;
            if live.concluded == live.planned_by.len() {
                self.held_bytes -= live.report.as_ref().map_or(0, bytes);
                self.live.remove(&number);
            }
        }
    }

    pub(super) fn into_conclusions(self) -> Vec<Result<C, Fault>> {
        self.conclusions.into_iter().map(|conclusion| conclusion.expect("nothing is left to do")).collect()
    }
}

fn bytes(report: &Result<Arc<Report>, Fault>) -> u64 {
    report.as_ref().map_or(0, |report| report.outcomes.iter().map(outcome::bytes).sum::<usize>() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first run ends before its follower's turn, which then is left out or made; the item behind has no room.
    #[test]
    fn what_the_first_run_decides_goes_on_also_where_the_next_item_has_no_room() {
        for (outcome, stops) in [(Outcome::OutOfFuel, true), (Outcome::Value(vec![]), false)] {
            let item = |runs: &[usize], firsts: &[usize]| Item {
                runs: runs.to_vec(),
                firsts: firsts.to_vec(),
                missing: runs.len(),
                planning: Planning::<()>::Runs,
            };
            let rules = Rules { run_max_bytes: 10, waiting_max_bytes: 0, stops_at_out_of_fuel: true };
            for items in [vec![item(&[0, 1], &[0, 0])], vec![item(&[0, 1], &[0, 0]), item(&[2], &[0])]] {
                let mut agenda = Agenda::<(), ()>::new(rules, items);
                let Some((about, Work::Execute(0))) = agenda.next() else { panic!("the first run begins") };
                agenda.done(about, Ok(Done::Executed(Report { outcomes: vec![outcome.clone()], fuel: 9 })));
                let next = agenda.next().expect("the first item goes on").1;
                assert_eq!(matches!(&next, Work::Judge(0, Ok(reports)) if reports.len() == 2), stops);
                assert_eq!(matches!(next, Work::Execute(1)), !stops);
            }
        }
    }

    /// Twenty items, two each with the same two runs, one of them twice. How many runs were executed, and the most that was
    /// held; all that may begin does before anything ends.
    fn executed_and_held(waiting_max_bytes: u64, returned: usize) -> (usize, u64) {
        let runs = |n: usize| vec![n / 2 * 2, n / 2 * 2 + 1, n / 2 * 2];
        let item = |n| Item { runs: runs(n), firsts: vec![0, 1, 2], missing: 3, planning: Planning::<()>::Runs };
        let mut agenda = Agenda::<(), usize>::new(
            Rules { run_max_bytes: 10, waiting_max_bytes, stops_at_out_of_fuel: false },
            (0..20).map(item).collect(),
        );
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
        assert_eq!(executed_and_held(40, 10), (20, 40));
        assert_eq!(executed_and_held(u64::MAX, 10), (20, 200), "nothing is limited");
        // What they turn out to have returned counts; more than there is room for is held for one item only.
        assert_eq!(executed_and_held(15, 1), (20, 20));
        assert_eq!(executed_and_held(0, 10).1, 20);
    }
}
