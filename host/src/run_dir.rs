//! run_dir.
