//! warm_start.
