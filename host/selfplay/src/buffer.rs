//! The tasks that self-play has found: one buffer per environment and kind.

use std::collections::{HashSet, VecDeque};

use azr_config::{SolveConfig, SolveStrategy};
use azr_core::{
    rng::Draws,
    task::{Digest, Task},
};

/// A task and when it was found.
#[derive(Clone, Debug)]
struct Entry {
    /// Of the task, which may have megabytes: found once.
    id: Digest,
    task: Task,
    /// The step that proposed it; 0 for seeds.
    step: u64,
}

/// Distinct tasks in the order they were found; the oldest make room.
#[derive(Clone, Debug)]
pub struct Buffer {
    entries: VecDeque<Entry>,
    ids: HashSet<Digest>,
    capacity: usize,
}

impl Buffer {
    /// An empty buffer for at most `capacity` tasks.
    pub fn new(capacity: usize) -> Self {
        Self { entries: VecDeque::new(), ids: HashSet::new(), capacity }
    }

    /// Adds a task found at `step`. Returns false for one that is there already.
    pub fn add(&mut self, task: Task, step: u64) -> bool {
        let id = task.id();
        if self.ids.contains(&id) {
            return false;
        }
        if self.entries.len() == self.capacity
            && let Some(oldest) = self.entries.pop_front()
        {
            self.ids.remove(&oldest.id);
        }
        self.ids.insert(id);
        self.entries.push_back(Entry { id, task, step });
        true
    }

    /// Number of tasks.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The tasks, oldest first.
    pub fn tasks(&self) -> impl ExactSizeIterator<Item = &Task> {
        self.entries.iter().map(|entry| &entry.task)
    }

    /// Tasks for the solver at `step`, fewer than asked for only when the buffer is smaller.
    ///
    /// Recent tasks are those of the last `recent_steps` steps, `step` included. The uniform rest is drawn from the
    /// whole buffer and may repeat recent ones, as in the reference.
    pub fn draw(&self, config: &SolveConfig, step: u64, draws: &mut Draws) -> Vec<Task> {
        let recent = self.entries.iter().rev().take_while(|entry| entry.step + config.recent_steps > step).count();
        let quota = match config.strategy {
            SolveStrategy::MaxNew => config.batch,
            SolveStrategy::HalfNew => config.batch / 2,
            SolveStrategy::Uniform => 0,
        };
        let first_recent = self.len() - recent;
        let mut drawn: Vec<usize> = draws.distinct(quota, recent).into_iter().map(|i| first_recent + i).collect();
        drawn.extend(draws.distinct(config.batch - drawn.len(), self.len()));
        drawn.into_iter().map(|i| self.entries[i].task.clone()).collect()
    }

    /// At most `count` tasks from the whole buffer that are not among `tried`.
    pub fn draw_others(&self, count: usize, tried: &HashSet<Digest>, draws: &mut Draws) -> Vec<Task> {
        if count == 0 {
            return Vec::new();
        }
        let others: Vec<&Entry> = self.entries.iter().filter(|entry| !tried.contains(&entry.id)).collect();
        draws.distinct(count, others.len()).into_iter().map(|i| others[i].task.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use azr_core::rng::{Purpose, Stream};

    fn task(name: &str) -> Task {
        Task { kind: "deduction".into(), body: name.into() }
    }

    fn filled(capacity: usize, count: u64) -> Buffer {
        let mut buffer = Buffer::new(capacity);
        for step in 0..count {
            assert!(buffer.add(task(&format!("t{step}")), step));
        }
        buffer
    }

    fn draw(buffer: &Buffer, strategy: SolveStrategy, batch: usize, step: u64) -> Vec<String> {
        let config = SolveConfig { batch, samples: 1, rounds_max: 1, strategy, recent_steps: 1, kl_coefficient: 0.0 };
        let mut draws = Stream::new(3, Purpose::SolverTasks, step, 0).draws();
        buffer.draw(&config, step, &mut draws).into_iter().map(|task| task.body.to_string()).collect()
    }

    #[test]
    fn duplicates_are_refused_and_the_newest_are_kept() {
        let mut buffer = filled(3, 5);
        assert_eq!(buffer.tasks().map(|t| &*t.body).collect::<Vec<_>>(), ["t2", "t3", "t4"]);
        assert!(!buffer.add(task("t3"), 9));
        assert!(buffer.add(task("t0"), 9), "a forgotten task may come back");
    }

    #[test]
    fn recent_tasks_come_first() {
        let mut buffer = filled(100, 20);
        for name in ["new1", "new2", "new3"] {
            buffer.add(task(name), 20);
        }
        let mut drawn = draw(&buffer, SolveStrategy::MaxNew, 5, 20);
        drawn[..3].sort();
        assert_eq!(drawn[..3], ["new1", "new2", "new3"]);
        assert_eq!(drawn.len(), 5);
        let half = draw(&buffer, SolveStrategy::HalfNew, 4, 20);
        assert!(half[..2].iter().all(|name| name.starts_with("new")));
    }

    #[test]
    fn scarcity_gives_what_there_is() {
        assert!(draw(&Buffer::new(4), SolveStrategy::MaxNew, 8, 1).is_empty());
        let few = draw(&filled(4, 2), SolveStrategy::Uniform, 8, 1);
        assert_eq!(few.len(), 2);
    }
}
