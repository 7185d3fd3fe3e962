//! advantage.
