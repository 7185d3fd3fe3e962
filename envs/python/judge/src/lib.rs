//! The judge of the Python environment.
