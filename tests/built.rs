//! The guests of `tests/guests`, as `make guests` built them.

use std::path::{Path, PathBuf};

/// A guest of `tests/guests`.
pub fn guest(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("target/wasm32-unknown-unknown/guest").join(name).with_extension("wasm");
    assert!(path.exists(), "{} is missing; `make guests` builds it", path.display());
    path
}
