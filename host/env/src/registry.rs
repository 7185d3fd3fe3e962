//! Environments in OCI registries, where other programs keep container images.
//!
//! An environment is published as the wasm ecosystem publishes components (the CNCF's "wasm OCI artifact"): a manifest
//! that names a small configuration and one layer, the environment's file. A reference is pinned by the digest of the
//! manifest, and the manifest names the file by its digest, so the same reference gives the same bytes or none,
//! whoever sends them. What was fetched once is kept, and no network is needed again.

mod artifact;
mod blobs;
mod client;
mod reader;

use std::{fmt, net::IpAddr, path::Path, str::FromStr, time::Duration};

use anyhow::{Context as _, Result, ensure};

use self::{blobs::Blobs, client::Client};
use azr_core::task::Digest;
use azr_sandbox::Environment;

/// How long to wait for a registry.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For the next bytes.
    pub silence: Duration,
    /// For one manifest or file, with everything that is tried again.
    pub whole: Duration,
}

impl Default for Patience {
    /// Arbitrary, but a file of the largest size needs the quarter of an hour on a line of 5 Mbit/s.
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), silence: Duration::from_secs(30), whole: Duration::from_secs(15 * 60) }
    }
}

/// A place in a registry: `oci://host[:port]/name[:tag][@sha256:digest]`. Where there is a digest it decides, and the tag
/// is for people; where there is neither, the tag is `latest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    image: oci_client::Reference,
}

impl Reference {
    /// What every reference begins with.
    pub const SCHEME: &str = "oci://";

    /// The digest of the manifest, if the reference is pinned.
    pub fn digest(&self) -> Option<Digest> {
        self.image.digest().map(|digest| parse_digest(digest).expect("references are made with sound digests"))
    }

    /// The last part of the name.
    pub fn stem(&self) -> &str {
        let name = self.image.repository();
        name.rsplit_once('/').map_or(name, |(_, last)| last)
    }

    /// This reference with the digest that its tag has now.
    pub fn resolve(&self) -> Result<Self> {
        let digest = Client::new(self, Patience::default())?.digest()?;
        Ok(self.pinned(digest))
    }

    fn pinned(&self, digest: Digest) -> Self {
        Self { image: self.image.clone_with_digest(written_digest(digest)) }
    }

    /// Registries on this machine speak HTTP, as with other clients; all others TLS.
    fn is_loopback(&self) -> bool {
        let registry = self.image.registry();
        let host = registry.split_once(':').map_or(registry, |(host, _)| host);
        host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

impl FromStr for Reference {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let form = || format!("{text:?} is not of the form oci://host[:port]/name[:tag][@sha256:digest]");
        let rest = text.strip_prefix(Self::SCHEME).with_context(form)?;
        let image: oci_client::Reference = rest.parse().with_context(form)?;
        // Other programs understand a name without a host as one of Docker's.
        ensure!(rest.starts_with(&format!("{}/", image.registry())), "{}: it names no host", form());
        if let Some(digest) = image.digest() {
            parse_digest(digest).with_context(form)?;
        }
        Ok(Self { image })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::SCHEME, self.image)
    }
}

/// The file of the environment at a pinned reference, from below `cache` or from the registry.
pub fn pull(reference: &Reference, cache: &Path, patience: Patience) -> Result<Vec<u8>> {
    let digest = reference.digest().with_context(|| format!("{reference} has no digest"))?;
    let blobs = Blobs::new(cache);
    let fetched = || -> Result<Vec<u8>> {
        let manifest = blobs.get(digest, || Client::new(reference, patience)?.manifest(digest))?;
        let layer = artifact::layer(&manifest)?;
        blobs.get(layer.digest, || Client::new(reference, patience)?.blob(&layer))
    };
    fetched().with_context(|| format!("cannot get {reference}"))
}

/// Publishes the file of `env`. Returns the pinned reference; equal files have equal digests.
pub fn push(file: &[u8], env: &Environment, to: &Reference) -> Result<Reference> {
    ensure!(to.image.digest().is_none(), "{to} has a digest, which follows from what is published; leave it out");
    let artifact = artifact::Artifact::new(file, env);
    let publish = || {
        let client = Client::new(to, Patience::default())?;
        client.push_blob(file)?;
        client.push_blob(&artifact.config)?;
        client.push_manifest(&artifact.manifest)
    };
    publish().with_context(|| format!("cannot publish to {to}"))?;
    Ok(to.pinned(Digest::of(&artifact.manifest)))
}

/// As the OCI writes digests.
fn written_digest(digest: Digest) -> String {
    format!("sha256:{digest}")
}

fn parse_digest(text: &str) -> Result<Digest> {
    text.strip_prefix("sha256:").with_context(|| format!("{text:?} is not a SHA-256 digest"))?.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn reference(text: &str) -> Reference {
        text.parse().unwrap()
    }

    #[test]
    fn references_are_read_and_written() {
        for text in ["oci://ghcr.io/someone/sorting:1.0", &format!("oci://localhost:5000/a/b/c@sha256:{DIGEST}")] {
            assert_eq!(reference(text).to_string(), text);
        }
        assert_eq!(reference("oci://ghcr.io/someone/sorting").to_string(), "oci://ghcr.io/someone/sorting:latest");
        let both = reference(&format!("oci://ghcr.io/someone/sorting:1.0@sha256:{DIGEST}"));
        assert_eq!(both.digest(), Some(Digest::of("abc")));
        assert_eq!(both.stem(), "sorting");
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for (text, why) in [
            ("ghcr.io/someone/sorting", "is not of the form"),
            ("oci://", "is not of the form"),
            ("oci://sorting", "names no host"),
            ("oci://someone/sorting:1.0", "names no host"),
            ("oci://ghcr.io/Upper", "is not of the form"),
            ("oci://ghcr.io/a@sha256:12", "is not of the form"),
            (&format!("oci://ghcr.io/a@sha512:{DIGEST}{DIGEST}"), "is not a SHA-256 digest"),
            ("oci://ghcr.io/../a:1", "is not of the form"),
        ] {
            let error = format!("{:#}", text.parse::<Reference>().unwrap_err());
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        for host in ["localhost", "localhost:5000", "127.0.0.1:80", "127.9.9.9"] {
            assert!(reference(&format!("oci://{host}/a")).is_loopback(), "{host}");
        }
        for host in ["localhost.evil.com", "127.0.0.1.evil.com", "10.0.0.1:5000", "ghcr.io"] {
            assert!(!reference(&format!("oci://{host}/a")).is_loopback(), "{host}");
        }
    }
}
