//! The conversation with a registry.

use std::time::Duration;

use anyhow::{Context as _, Error, Result, anyhow, bail};
use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::{
    client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol},
    errors::{OciDistributionError, OciErrorCode},
    manifest::{OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE},
    secrets::RegistryAuth,
};
use tokio::runtime::Runtime;

use super::{Patience, Reference, artifact::Layer, parse_digest, reader::Reader, written_digest};
use azr_core::task::Digest;

/// How often a request is made that fails for a reason that may pass.
const TRIES: u32 = 3;
/// Before the second try; four times as long before the third.
const PAUSE: Duration = Duration::from_millis(200);

/// Of a manifest. One of ours has a kilobyte; those of large images have a hundred.
const MANIFEST_MAX_BYTES: u64 = 1 << 20;

/// A registry, as far as one reference is concerned.
pub(super) struct Client {
    /// Publishes.
    client: oci_client::Client,
    reader: Reader,
    image: oci_client::Reference,
    patience: Patience,
    runtime: Runtime,
}

impl Client {
    /// Connects when something is asked for.
    pub(super) fn new(reference: &Reference, patience: Patience) -> Result<Self> {
        // Fails where there is a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        let config = ClientConfig {
            protocol: if reference.is_loopback() { ClientProtocol::Http } else { ClientProtocol::Https },
            // Beside those of the machine.
            extra_root_certificates: roots
                .map(|root| Certificate { encoding: CertificateEncoding::Der, data: root.to_vec() })
                .collect(),
            connect_timeout: Some(patience.connect),
            read_timeout: Some(patience.silence),
            user_agent: concat!("azr-host/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        let image = reference.image.clone();
        let auth = credentials(&image)?;
        let client = oci_client::Client::try_from(config).context("cannot set up TLS")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(client.store_auth_if_needed(image.resolve_registry(), &auth));
        let scheme = if reference.is_loopback() { "http" } else { "https" };
        let reader = Reader::new(&image, scheme, auth, patience)?;
        Ok(Self { client, reader, image, patience, runtime })
    }

    /// Of the manifest that the tag names.
    pub(super) fn digest(&self) -> Result<Digest> {
        let path = format!("manifests/{}", self.image.tag().unwrap_or("latest"));
        let accepted = format!("{OCI_IMAGE_MEDIA_TYPE}, {OCI_IMAGE_INDEX_MEDIA_TYPE}");
        self.ask(async || {
            let headers = self.reader.head(&path, &accepted).await?;
            let digest = headers.get("docker-content-digest").and_then(|digest| digest.to_str().ok());
            match digest.and_then(|digest| parse_digest(digest).ok()) {
                Some(digest) => Ok(digest),
                None => Ok(Digest::of(self.reader.get(&path, &accepted, MANIFEST_MAX_BYTES).await?)),
            }
        })
    }

    pub(super) fn manifest(&self, digest: Digest) -> Result<Vec<u8>> {
        let path = format!("manifests/{}", written_digest(digest));
        self.ask(async || self.reader.get(&path, OCI_IMAGE_MEDIA_TYPE, MANIFEST_MAX_BYTES).await)
    }

    pub(super) fn blob(&self, layer: &Layer) -> Result<Vec<u8>> {
        let path = format!("blobs/{}", written_digest(layer.digest));
        self.ask(async || self.reader.get(&path, "*/*", layer.bytes).await)
    }

    pub(super) fn push_blob(&self, bytes: &[u8]) -> Result<()> {
        let (bytes, digest) = (bytes.to_vec(), written_digest(Digest::of(bytes)));
        self.ask(async || self.client.push_blob(&self.image, bytes.clone(), &digest).await)?;
        Ok(())
    }

    /// Under the reference's tag.
    pub(super) fn push_manifest(&self, manifest: &[u8]) -> Result<()> {
        let content_type = || OCI_IMAGE_MEDIA_TYPE.parse().expect("a media type is a header");
        self.ask(async || self.client.push_manifest_raw(&self.image, manifest.to_vec(), content_type()).await)?;
        Ok(())
    }

    /// Makes a request, again where the reason of a failure may pass.
    fn ask<T>(&self, request: impl AsyncFn() -> oci_client::errors::Result<T>) -> Result<T> {
        let asked = async {
            let mut pause = PAUSE;
            for _ in 1..TRIES {
                match request().await {
                    Err(error) if may_pass(&error) => tokio::time::sleep(pause).await,
                    result => return result,
                }
                pause *= 4;
            }
            request().await
        };
        let whole = self.patience.whole;
        let answered = self.runtime.block_on(async { tokio::time::timeout(whole, asked).await });
        let answer = answered.map_err(|_| anyhow!("{} took longer than {whole:?}", self.image.registry()))?;
        answer.map_err(|error| explained(error, &self.image))
    }
}

/// What `docker login` stored for the registry.
fn credentials(image: &oci_client::Reference) -> Result<RegistryAuth> {
    let registry = image.registry();
    // Docker's own registry is known by its oldest address.
    let server = if registry == "docker.io" { "https://index.docker.io/v1/" } else { registry };
    match docker_credential::get_credential(server) {
        Ok(DockerCredential::UsernamePassword(user, password)) => Ok(RegistryAuth::Basic(user, password)),
        Ok(DockerCredential::IdentityToken(_)) => {
            bail!("Docker's configuration has an identity token for {registry}; azr-host needs a name and a password")
        }
        Err(
            CredentialRetrievalError::ConfigNotFound
            | CredentialRetrievalError::ConfigReadError
            | CredentialRetrievalError::NoCredentialConfigured,
        ) => Ok(RegistryAuth::Anonymous),
        Err(error) => Err(error).with_context(|| format!("cannot use Docker's credentials for {registry}")),
    }
}

/// Whether the connection failed, or the registry itself.
fn may_pass(error: &OciDistributionError) -> bool {
    match error {
        OciDistributionError::RequestError(_) | OciDistributionError::IoError(_) => true,
        OciDistributionError::ServerError { code, .. } => *code >= 500 || *code == 429,
        _ => false,
    }
}

/// Says what a person can do about it.
fn explained(error: OciDistributionError, image: &oci_client::Reference) -> Error {
    let registry = image.registry();
    let refused = || format!("{registry} refuses access; `docker login {registry}` stores a name and a password");
    let absent = || format!("{registry} does not have it");
    let what = match &error {
        OciDistributionError::RequestError(request) if request.is_connect() => format!("cannot reach {registry}"),
        OciDistributionError::RequestError(_) | OciDistributionError::IoError(_) => {
            format!("the connection to {registry} broke off or fell silent")
        }
        OciDistributionError::UnauthorizedError { .. }
        | OciDistributionError::AuthenticationFailure(_)
        | OciDistributionError::ServerError { code: 401 | 403, .. } => refused(),
        OciDistributionError::ImageManifestNotFoundError(_) | OciDistributionError::ServerError { code: 404, .. } => {
            absent()
        }
        OciDistributionError::RegistryError { envelope, .. } => {
            match envelope.errors.first().map(|error| &error.code) {
                Some(OciErrorCode::Denied | OciErrorCode::Unauthorized) => refused(),
                Some(
                    OciErrorCode::ManifestUnknown
                    | OciErrorCode::NameUnknown
                    | OciErrorCode::BlobUnknown
                    | OciErrorCode::NotFound,
                ) => absent(),
                _ => format!("{registry} refuses the request"),
            }
        }
        _ => format!("{registry} does not answer as a registry does"),
    };
    let cause = match error {
        OciDistributionError::RequestError(error) => Error::from(error),
        OciDistributionError::IoError(error) => Error::from(error),
        error => Error::msg(printable(&error.to_string())),
    };
    cause.context(what)
}

/// What a registry said, without what could drive a terminal, and no more than a person reads.
fn printable(said: &str) -> String {
    const CHARS_MAX: usize = 300;
    said.chars().map(|char| if char.is_control() { ' ' } else { char }).take(CHARS_MAX).collect()
}
