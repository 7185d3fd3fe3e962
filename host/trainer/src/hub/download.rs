//! One file of the hub into the cache: `blobs/DIGEST`, which a name in `snapshots/COMMIT` points to.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::symlink,
    path::Path,
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use indicatif::ProgressBar;
use sha2::{Digest as _, Sha256};
use ureq::{Agent, Body, http::Response};

/// Times that a broken download goes on before it fails.
const RETRIES: u32 = 5;
/// The first pause before going on, in milliseconds; each is twice the one before, so that a server has time to come back.
const PAUSE_MS: u64 = 200;
/// A hub sends to its storage, and a renamed model to its new name.
const REDIRECTS_MAX: usize = 5;

/// A client of the hub's files.
pub(super) struct Downloads {
    agent: Agent,
    endpoint: String,
    token: Option<String>,
}

/// What the hub says about a file.
struct FileInfo {
    /// Of the content: SHA-256 for large files, another digest for small ones.
    digest: String,
    size: u64,
}

impl Downloads {
    pub(super) fn new(endpoint: String, token: Option<String>) -> Self {
        let config = Agent::config_builder().max_redirects(0).max_redirects_will_error(false);
        Self { agent: config.build().new_agent(), endpoint, token }
    }

    /// Makes `pointer` point to the content of `url`, fetched into `blobs` where it is not there. Where another process is
    /// at it this one waits and takes what that fetched.
    pub(super) fn fetch(&self, url: &str, commit: &str, blobs: &Path, pointer: &Path) -> Result<()> {
        if pointer.exists() {
            return Ok(());
        }
        let FileInfo { digest, size } = self.info(url, commit)?;
        let snapshot = pointer.parent().context("a file is in a directory")?;
        fs::create_dir_all(blobs).and_then(|()| fs::create_dir_all(snapshot)).context("cannot write to the cache")?;
        let lock = File::create(blobs.join(format!("{digest}.lock")))?;
        lock.lock().context("cannot lock the cache")?;
        let blob = blobs.join(&digest);
        if !blob.exists() {
            let part = blobs.join(format!("{digest}.part"));
            self.download(url, size, &part)?;
            check(&part, &digest)?;
            fs::rename(&part, &blob)?;
        }
        if !pointer.exists() {
            symlink(Path::new("../../blobs").join(&digest), pointer)?;
        }
        Ok(())
    }

    /// Asks for the first byte, as the hub's own client does; the answer's headers tell about the file.
    fn info(&self, url: &str, commit: &str) -> Result<FileInfo> {
        let mut said: Option<(String, String)> = None;
        let answer = self.get(url, "bytes=0-0", |answer| {
            let header = |name: &str| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
            let etag = header("x-linked-etag").or_else(|| header("etag"));
            // The storage, which knows no commits, has digests of its own.
            if let (None, Some(commit), Some(etag)) = (&said, header("x-repo-commit"), etag) {
                said = Some((commit, etag));
            }
        })?;
        let (of, etag) = said.context("the hub does not say which content this is, so it is no hub")?;
        let digest = etag.trim_start_matches("W/").trim_matches('"');
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        ensure!(
            (1..=128).contains(&digest.len()) && digest.chars().all(plain),
            "the hub calls the content {etag:?}; a digest is 1 to 128 letters and digits"
        );
        ensure!(of == commit, "the hub says that this file is of the commit {of:?}, not of {commit}");
        let range = answer.headers().get("content-range").and_then(|range| range.to_str().ok()).unwrap_or_default();
        let size = range.rsplit_once('/').and_then(|(_, size)| size.parse().ok());
        let size = size.with_context(|| format!("the hub does not say how long this file is, but {range:?}"))?;
        Ok(FileInfo { digest: digest.to_owned(), size })
    }

    /// Reads what is missing of `part`.
    fn download(&self, url: &str, size: u64, part: &Path) -> Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(part)?;
        let bar = ProgressBar::new(size);
        let mut attempt = 0;
        loop {
            let there = file.metadata()?.len();
            ensure!(there <= size, "there are {there} bytes where the hub says {size}; remove {}", part.display());
            if there == size {
                bar.finish_and_clear();
                return Ok(());
            }
            match self.download_from(url, there, size, &mut file, &bar) {
                Ok(()) if file.metadata()?.len() >= size => {}
                ended => {
                    if attempt == RETRIES {
                        ended?;
                        bail!("the connection ended {} times before the file did", RETRIES + 1);
                    }
                    thread::sleep(Duration::from_millis(PAUSE_MS << attempt));
                    attempt += 1;
                }
            }
        }
    }

    fn download_from(&self, url: &str, there: u64, size: u64, file: &mut File, bar: &ProgressBar) -> Result<()> {
        let answer = self.get(url, &format!("bytes={there}-"), |_| ())?;
        // A server that knows no ranges begins again.
        let there = if answer.status() == 206 { there } else { 0 };
        file.set_len(there)?;
        bar.set_position(there);
        let body = answer.into_body().into_reader().take(size - there);
        io::copy(&mut bar.wrap_read(body), file).context("the connection ended")?;
        Ok(())
    }

    /// Follows redirects, each of which `see` sees; the token goes to the hub only.
    fn get(&self, url: &str, range: &str, mut see: impl FnMut(&Response<Body>)) -> Result<Response<Body>> {
        let mut url = url.to_owned();
        for _ in 0..=REDIRECTS_MAX {
            let mut request = self.agent.get(&url).header("Range", range);
            let own = url.strip_prefix(&self.endpoint).is_some_and(|path| path.starts_with('/'));
            if let Some(token) = self.token.as_ref().filter(|_| own) {
                request = request.header("Authorization", format!("Bearer {token}"));
            }
            let answer = match request.call() {
                Err(ureq::Error::StatusCode(401 | 403)) => {
                    bail!("the hub wants a token: log in with `hf auth login`, or set HF_TOKEN")
                }
                answer => answer?,
            };
            see(&answer);
            if !answer.status().is_redirection() {
                return Ok(answer);
            }
            let to = answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or_default();
            url = match to.strip_prefix('/') {
                Some(path) if !path.starts_with('/') && own => format!("{}/{path}", self.endpoint),
                _ => to.to_owned(),
            };
            let safe =
                url.starts_with("https://") || !self.endpoint.starts_with("https://") && url.starts_with("http://");
            ensure!(safe, "the hub sends to {to:?}, which is no address that this may go to");
        }
        bail!("the hub sends from address to address, more than {REDIRECTS_MAX} times")
    }
}

/// Throws away what is not what the hub says, where it says it by SHA-256.
fn check(part: &Path, digest: &str) -> Result<()> {
    if digest.len() != 64 {
        return Ok(());
    }
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(part)?, &mut hasher)?;
    let actual = format!("{:x}", hasher.finalize());
    if actual != digest {
        fs::remove_file(part)?;
        bail!("its SHA-256 is {actual} instead of {digest}; what came is thrown away, try again");
    }
    Ok(())
}
