//! Components compiled ahead of time.
//!
//! A cached file is native code that will run with all our rights, so the cache belongs to one user: a folder of mode
//! 0700, files that only we wrote, and whatever looks different is compiled again.

use std::{
    collections::hash_map::DefaultHasher,
    fs::{self, DirBuilder, File},
    hash::{Hash as _, Hasher as _},
    io::{Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context as _, Result, ensure};
use tempfile::NamedTempFile;
use wasmtime::Engine;

use super::{
    compile::{Compiling, compile},
    guard::{Guard, Guards},
};
use azr_core::task::Digest;

/// Anything that others may write or read.
const OTHERS: u32 = 0o077;
/// Of the SHA-256 that a file ends with.
const DIGEST_BYTES: usize = 32;
/// All compiled code that is kept. Arbitrary: that of CPython has 40 MB, and each version of an environment is another.
const KEPT_MAX_BYTES: u64 = 8 << 30;
/// How the names of its files end.
const CODE: &str = "cwasm";

/// The private folder of compiled components.
pub(super) struct Cache {
    folder: PathBuf,
    /// The user that we are.
    owner: u32,
    max_bytes: u64,
    guards: Guards,
}

/// Where a compiled component came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Cache,
    Compiled,
}

impl Cache {
    /// Opens the folder, or makes it where it does not exist.
    pub(super) fn open(folder: &Path, guards: Guards) -> Result<Self> {
        let context = || format!("cannot use {} as the cache of compiled components", folder.display());
        DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(context)?;
        let owner = tempfile::tempfile_in(folder).and_then(|file| file.metadata()).with_context(context)?.uid();
        let found = fs::symlink_metadata(folder).with_context(context)?;
        ensure!(
            found.is_dir() && found.uid() == owner && found.mode() & OTHERS == 0 || !guards.have(Guard::CacheOwner),
            "{} is open to other users, and what it holds is run as native code; `chmod 700` it or name another folder",
            folder.display()
        );
        Ok(Self { folder: folder.to_owned(), owner, max_bytes: KEPT_MAX_BYTES, guards })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The compiled code of `wasm`; `begins` is called before it is compiled.
    pub(super) fn code(
        &self,
        engine: &Engine,
        wasm: &[u8],
        how: Compiling,
        begins: impl FnOnce(),
    ) -> Result<(Vec<u8>, Origin)> {
        if let Some(code) = self.find(&self.path(engine, wasm)) {
            return Ok((code, Origin::Cache));
        }
        begins();
        Ok((compile(engine, wasm, how, self.guards)?, Origin::Compiled))
    }

    /// Keeps compiled code for the next time, in place of what was not used for longest. A cache that cannot be written
    /// costs time, not the run.
    pub(super) fn keep(&self, engine: &Engine, wasm: &[u8], code: &[u8]) {
        let path = self.path(engine, wasm);
        if let Err(error) = self.write(code, &path).and_then(|()| self.make_room(&path)) {
            tracing::warn!("compiled code is not kept for the next time: {error:#}");
        }
    }

    fn path(&self, engine: &Engine, wasm: &[u8]) -> PathBuf {
        // Covers wasmtime's version, the configuration and the features of this CPU. Its hasher is not cryptographic:
        // it tells apart configurations, which nobody attacks, while the wasm itself is named by SHA-256.
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        self.folder.join(format!("{}-{:016x}.{CODE}", Digest::of(wasm), hasher.finish()))
    }

    /// What `keep` wrote: only we can write to the folder and to the file, a file becomes visible whole, and its digest
    /// holds.
    fn find(&self, path: &Path) -> Option<Vec<u8>> {
        let found = fs::symlink_metadata(path).ok()?;
        let ours = found.is_file() && found.uid() == self.owner && found.mode() & OTHERS == 0;
        if !ours && self.guards.have(Guard::CacheOwner) {
            return None;
        }
        let mut file = File::open(path).ok()?;
        // The time of its last use. Where it cannot be written, something else is thrown away first.
        let _ = file.set_modified(SystemTime::now());
        let mut code = Vec::new();
        file.read_to_end(&mut code).ok()?;
        let digest = *code.last_chunk::<DIGEST_BYTES>()?;
        code.truncate(code.len() - DIGEST_BYTES);
        (digest == Digest::of(&code).0 || !self.guards.have(Guard::CacheDigest)).then_some(code)
    }

    /// Throws away what was not used for longest, until what is kept has its size, but not `new`. Whoever uses a file has
    /// it in memory.
    fn make_room(&self, new: &Path) -> Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            // Somebody else may have thrown it away meanwhile.
            if path.extension().is_some_and(|extension| extension == CODE)
                && let Ok(found) = fs::symlink_metadata(&path)
            {
                files.push((found.modified()?, found.len(), path));
            }
        }
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, of_file, path) in files.into_iter().filter(|(_, _, path)| path != new) {
            if bytes <= self.max_bytes {
                break;
            }
            bytes -= of_file;
            let _ = fs::remove_file(path);
        }
        Ok(())
    }

    fn write(&self, code: &[u8], path: &Path) -> Result<()> {
        let mut file = NamedTempFile::new_in(&self.folder)?;
        file.write_all(code)?;
        file.write_all(&Digest::of(code).0)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(&self.folder)?.sync_all()?;
        Ok(())
    }
}

/// `$XDG_CACHE_HOME/azr-host`, or `~/.cache/azr-host`.
pub(super) fn default_folder() -> Result<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    Ok(base.context("no home directory for compiled components; set cache-dir")?.join("azr-host"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use std::time::Duration;

    use azr_core::limits::Ring;

    use super::*;
    use crate::engine::{EngineKind, judge_engine};

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    const HOW: Compiling = Compiling { kind: EngineKind::Judges, ring: Ring::Off, deadline: Duration::MAX };

    /// As a sandbox does with what it accepts.
    fn load(cache: &Cache, engine: &Engine) -> Origin {
        let (code, origin) = cache.code(engine, EMPTY, HOW, || ()).unwrap();
        if origin == Origin::Compiled {
            cache.keep(engine, EMPTY, &code);
        }
        origin
    }

    fn entry(folder: &Path) -> PathBuf {
        fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
    }

    #[test]
    fn a_component_is_compiled_once() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("new/cache");
        let (cache, engine) = (Cache::open(&folder, Guards::ALL).unwrap(), judge_engine(Guards::ALL).unwrap());
        assert_eq!(load(&cache, &engine), Origin::Compiled);
        assert_eq!(load(&cache, &engine), Origin::Cache);
        assert_eq!(fs::metadata(entry(&folder)).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn damaged_or_foreign_entries_are_compiled_again() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let (cache, engine) = (Cache::open(folder.path(), Guards::ALL).unwrap(), judge_engine(Guards::ALL).unwrap());
        let origin = |guards| {
            let cache = Cache::open(folder.path(), guards).unwrap();
            load(&cache, &engine)
        };
        load(&cache, &engine);
        let path = entry(folder.path());
        fs::write(&path, b"not code").unwrap();
        assert_eq!(load(&cache, &engine), Origin::Compiled);
        assert_eq!(load(&cache, &engine), Origin::Cache, "the damaged entry was not replaced");
        // Of the digest, so that even an unguarded cache loads sound code.
        let mut file = fs::read(&path).unwrap();
        *file.last_mut().unwrap() ^= 1;
        fs::write(&path, file).unwrap();
        assert_eq!(origin(Guards::without(Guard::CacheDigest)), Origin::Cache);
        assert_eq!(origin(Guards::ALL), Origin::Compiled, "a changed entry was loaded");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
        assert_eq!(origin(Guards::without(Guard::CacheOwner)), Origin::Cache);
        assert_eq!(origin(Guards::ALL), Origin::Compiled, "an entry that others could write was loaded");
    }

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        assert_eq!(kept_within(250), [true, false, true]);
        assert_eq!(kept_within(u64::MAX), [true; 3], "something else than the limit makes room");
    }

    /// Of three of a hundred bytes, of which the second was not used for longest.
    fn kept_within(max_bytes: u64) -> [bool; 3] {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("cache");
        let cache = Cache { max_bytes, ..Cache::open(&folder, Guards::ALL).unwrap() };
        let engine = judge_engine(Guards::ALL).unwrap();
        let keep = |wasm: &[u8]| cache.keep(&engine, wasm, &[0; 68]);
        let kept = |wasm: &[u8]| cache.find(&cache.path(&engine, wasm)).is_some();
        keep(b"one");
        keep(b"two");
        fs::write(folder.join("not-ours.txt"), [0; 1000]).unwrap();
        let old = SystemTime::now() - Duration::from_secs(60);
        for wasm in [b"one", b"two"] {
            File::options().write(true).open(cache.path(&engine, wasm)).unwrap().set_modified(old).unwrap();
        }
        assert!(kept(b"one"), "using it makes it new");
        keep(b"three");
        assert!(folder.join("not-ours.txt").exists());
        [kept(b"one"), kept(b"two"), kept(b"three")]
    }

    #[test]
    fn a_folder_that_others_may_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o770)).unwrap();
        let error = Cache::open(folder.path(), Guards::ALL).err().expect("an open folder").to_string();
        assert!(error.contains("chmod 700"), "{error}");
    }
}
