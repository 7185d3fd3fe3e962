//! Files of results.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use anyhow::{Context as _, Result, ensure};

/// Begins a file of results, which never takes the place of one that is `read`: by the same name or by another, a suite
/// or what somebody paid for would be gone.
pub fn create<'a>(path: &Path, read: impl IntoIterator<Item = &'a Path>) -> Result<File> {
    for read in read {
        ensure!(
            !is_same_file(path, read),
            "the results would take the place of {}; write them into another file",
            read.display()
        );
    }
    File::create(path).with_context(|| format!("cannot write the results {}", path.display()))
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let file = |path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    file(one).is_some_and(|one| file(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_do_not_take_the_place_of_what_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("samples"), "x").unwrap();
        fs::hard_link(path("samples"), path("link")).unwrap();
        fs::write(path("old"), "x").unwrap();
        for (written, is_written) in [("samples", false), ("link", false), ("old", true), ("new", true)] {
            assert_eq!(create(&path(written), [&*path("samples")]).is_ok(), is_written, "{written}");
        }
        assert_eq!(fs::read_to_string(path("samples")).unwrap(), "x");
    }
}
