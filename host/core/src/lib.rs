//! What the crates of the host share: tasks and digests, limits, random numbers by purpose, and the traits between the loop
//! and what computes: [`sampling`], [`training`] and [`gather`].

pub mod gather;
pub mod launch;
pub mod meter;
pub mod limits;
pub mod rng;
pub mod role;
pub mod sampling;
pub mod stopwatch;
pub mod task;
pub mod terminal;
pub mod training;
