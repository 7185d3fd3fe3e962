//! Reading from a registry, and no more of it than was asked for: the client library takes manifests, tokens and errors
//! whole, however long they are.

use std::sync::OnceLock;

use anyhow::Context as _;
use oci_client::{
    errors::{OciDistributionError, OciEnvelope, Result},
    secrets::RegistryAuth,
};
use reqwest::{
    Certificate, Method, RequestBuilder, Response, StatusCode, Url,
    header::{ACCEPT, HeaderMap, WWW_AUTHENTICATE},
};
use serde::Deserialize;

use super::Patience;

/// Of a token, or of what a registry says when it refuses.
const SAID_MAX_BYTES: u64 = 64 << 10;

/// One repository, read.
pub(super) struct Reader {
    http: reqwest::Client,
    /// The repository's, without a slash at the end.
    base: String,
    repository: String,
    auth: RegistryAuth,
    /// What the registry asked for.
    proof: OnceLock<Proof>,
}

/// How the registry is shown who asks.
enum Proof {
    Password,
    Token(String),
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Reader {
    /// Connects when something is asked for.
    pub(super) fn new(
        image: &oci_client::Reference,
        scheme: &str,
        auth: RegistryAuth,
        patience: Patience,
    ) -> anyhow::Result<Self> {
        // Beside those of the machine.
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|root| Certificate::from_der(root));
        let http = reqwest::Client::builder()
            .tls_certs_merge(roots.collect::<reqwest::Result<Vec<_>>>().context("cannot set up TLS")?)
            .connect_timeout(patience.connect)
            .read_timeout(patience.silence)
            .user_agent(concat!("azr-host/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("cannot set up TLS")?;
        let repository = image.repository().to_owned();
        let base = format!("{scheme}://{}/v2/{repository}", image.resolve_registry());
        Ok(Self { http, base, repository, auth, proof: OnceLock::new() })
    }

    /// The headers of what is at a path of the repository.
    pub(super) async fn head(&self, path: &str, accepted: &str) -> Result<HeaderMap> {
        Ok(self.ask(Method::HEAD, path, accepted).await?.headers().clone())
    }

    /// What is at a path of the repository, which is an error where it is longer than `max_bytes`.
    pub(super) async fn get(&self, path: &str, accepted: &str, max_bytes: u64) -> Result<Vec<u8>> {
        bounded(self.ask(Method::GET, path, accepted).await?, max_bytes).await
    }

    async fn ask(&self, method: Method, path: &str, accepted: &str) -> Result<Response> {
        let url = format!("{}/{path}", self.base);
        let request = || self.http.request(method.clone(), &url).header(ACCEPT, accepted);
        let mut answer = self.with_proof(request()).send().await?;
        if answer.status() == StatusCode::UNAUTHORIZED && self.proof.get().is_none() {
            let proof = self.prove(&answer).await?;
            let _ = self.proof.set(proof);
            answer = self.with_proof(request()).send().await?;
        }
        accepted_only(answer, url).await
    }

    fn with_proof(&self, request: RequestBuilder) -> RequestBuilder {
        match (self.proof.get(), &self.auth) {
            (Some(Proof::Token(token)), _) => request.bearer_auth(token),
            (Some(Proof::Password), RegistryAuth::Basic(name, password)) => request.basic_auth(name, Some(password)),
            _ => request,
        }
    }

    /// What the registry's challenge asks for: a name and a password, or a token that another server gives for them.
    async fn prove(&self, refusal: &Response) -> Result<Proof> {
        let challenge = refusal.headers().get(WWW_AUTHENTICATE).and_then(|challenge| challenge.to_str().ok());
        let Some(bearer) = challenge.and_then(|challenge| challenge.strip_prefix("Bearer ")) else {
            return Ok(Proof::Password);
        };
        let unsound = || OciDistributionError::AuthenticationFailure(format!("an unsound challenge: {bearer}"));
        let mut url = parameter(bearer, "realm").and_then(|realm| Url::parse(realm).ok()).ok_or_else(unsound)?;
        if url.scheme() != "https" && !self.base.starts_with("http:") {
            return Err(unsound());
        }
        url.query_pairs_mut().append_pair("scope", &format!("repository:{}:pull", self.repository));
        if let Some(service) = parameter(bearer, "service") {
            url.query_pairs_mut().append_pair("service", service);
        }
        let mut request = self.http.get(url);
        if let RegistryAuth::Basic(name, password) = &self.auth {
            request = request.basic_auth(name, Some(password));
        }
        let answer = request.send().await?;
        if answer.status() != StatusCode::OK {
            let (said, _) = beginning(answer, SAID_MAX_BYTES).await?;
            return Err(OciDistributionError::AuthenticationFailure(String::from_utf8_lossy(&said).into_owned()));
        }
        let said = bounded(answer, SAID_MAX_BYTES).await?;
        let token: Token = serde_json::from_slice(&said)
            .map_err(|error| OciDistributionError::RegistryTokenDecodeError(error.to_string()))?;
        let token = token.token.or(token.access_token);
        token.map(Proof::Token).ok_or_else(|| OciDistributionError::RegistryTokenDecodeError("no token".into()))
    }
}

/// Of `name="value"` in a challenge.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = challenge;
    loop {
        let (key, value) = rest.trim_start_matches([',', ' ']).split_once("=\"")?;
        let (value, others) = value.split_once('"')?;
        if key.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = others;
    }
}

/// The answer, where it is what was asked for.
async fn accepted_only(answer: Response, url: String) -> Result<Response> {
    let status = answer.status();
    if status == StatusCode::OK {
        return Ok(answer);
    }
    if status == StatusCode::UNAUTHORIZED {
        return Err(OciDistributionError::UnauthorizedError { url });
    }
    let (said, _) = beginning(answer, SAID_MAX_BYTES).await?;
    Err(match serde_json::from_slice::<OciEnvelope>(&said) {
        Ok(envelope) if status.is_client_error() => OciDistributionError::RegistryError { envelope, url },
        _ => {
            let message = String::from_utf8_lossy(&said).into_owned();
            OciDistributionError::ServerError { code: status.as_u16(), url, message }
        }
    })
}

async fn bounded(answer: Response, max_bytes: u64) -> Result<Vec<u8>> {
    let (bytes, whole) = beginning(answer, max_bytes).await?;
    if !whole {
        let sent = format!("it sends more than {max_bytes} bytes, which is all that was asked for");
        return Err(OciDistributionError::SpecViolationError(sent));
    }
    Ok(bytes)
}

/// The first bytes of an answer, and whether that is all of it.
async fn beginning(mut answer: Response, max_bytes: u64) -> Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > max_bytes {
            return Ok((bytes, false));
        }
    }
    Ok((bytes, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_was_asked_for() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read = |max_bytes| {
            let answer = Response::from(hyper::Response::new("x".repeat(2 << 20)));
            runtime.block_on(bounded(answer, max_bytes)).map(|bytes| bytes.len())
        };
        let said = read(1 << 20).unwrap_err().to_string();
        assert!(said.contains("it sends more than 1048576 bytes"), "{said}");
        assert_eq!(read(u64::MAX).unwrap(), 2 << 20, "something else than the limit refuses");
    }

    /// As Docker Hub's, and others'.
    #[test]
    fn parameters_of_a_challenge() {
        let challenge = r#"realm="https://auth.docker.io/token",service="registry.docker.io",scope="a:b,c""#;
        assert_eq!(parameter(challenge, "realm"), Some("https://auth.docker.io/token"));
        assert_eq!(parameter(challenge, "service"), Some("registry.docker.io"));
        assert_eq!(parameter(challenge, "Scope"), Some("a:b,c"));
        assert_eq!(parameter(challenge, "error"), None);
        assert_eq!(parameter(r#"service="x", realm="y""#, "realm"), Some("y"));
        assert_eq!(parameter("realm=", "realm"), None);
    }
}
