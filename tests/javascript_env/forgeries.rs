//! The completions of `forgeries.toml`.

use crate::forgeries::corpus_tests;

use crate::javascript::JAVASCRIPT;

corpus_tests!(JAVASCRIPT, include_str!("forgeries.toml"), 30);
