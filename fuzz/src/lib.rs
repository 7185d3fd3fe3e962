//! The bodies of the fuzz targets. `tests/properties.rs` runs the same ones on mutations of valid inputs.

#[cfg(feature = "host")]
pub mod host;
pub mod judge;
