//! A registry in this process: the part of the OCI distribution specification (version 1.1) that publishing and fetching
//! an artifact needs, with its paths, status codes and error codes, and answers that go wrong on demand.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use azr_core::task::Digest;
use serde_json::{Value, json};

use crate::http::{Answer, Fault, Request, Server};

/// Who may use the registry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Everybody,
    /// Requests carry a name and a password.
    Basic,
    /// Requests carry a token, which a name and a password are exchanged for.
    Token,
}

/// `someone:secret`, as HTTP writes it.
pub const CREDENTIALS: &str = "c29tZW9uZTpzZWNyZXQ=";

#[derive(Default)]
struct State {
    blobs: BTreeMap<String, Vec<u8>>,
    /// By name and tag or digest: content type and content.
    manifests: BTreeMap<(String, String), (String, Vec<u8>)>,
    uploads: Vec<Vec<u8>>,
    /// Of the next blobs that are asked for.
    faults: VecDeque<Fault>,
    /// Method and path of every request.
    requests: Vec<String>,
}

pub struct Registry {
    server: Server,
    state: Arc<Mutex<State>>,
}

impl Registry {
    pub fn start(access: Access) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let server = Server::start(move |address, request| {
            let mut state = shared.lock().unwrap();
            state.requests.push(format!("{} {}", request.method, request.path));
            refusal(access, address, request).unwrap_or_else(|| state.answer(request))
        });
        Self { server, state }
    }

    /// `oci://127.0.0.1:port/` with what follows.
    pub fn reference(&self, rest: &str) -> String {
        format!("oci://{}/{rest}", self.server.address)
    }

    /// Host and port, as Docker's configuration names them.
    pub fn host(&self) -> String {
        self.server.address.to_string()
    }

    pub fn fail(&self, faults: &[Fault]) {
        self.state().faults.extend(faults);
    }

    /// Nothing goes wrong any more.
    pub fn forgive(&self) {
        self.state().faults.clear();
    }

    /// What was asked for since the last call.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state().requests)
    }

    pub fn manifest(&self, name: &str, tag: &str) -> Value {
        serde_json::from_slice(&self.state().manifests[&(name.to_owned(), tag.to_owned())].1).unwrap()
    }

    /// Publishes a manifest that nobody would push, and its blobs. Returns its digest.
    pub fn put(&self, name: &str, manifest: &Value, blobs: &[&[u8]]) -> String {
        let mut state = self.state();
        for blob in blobs {
            state.blobs.insert(sha256(blob), blob.to_vec());
        }
        let bytes = manifest.to_string().into_bytes();
        let (digest, content_type) = (sha256(&bytes), manifest["mediaType"].as_str().unwrap().to_owned());
        state.manifests.insert((name.to_owned(), digest.clone()), (content_type, bytes));
        digest
    }

    pub fn blob(&self, digest: &str) -> Vec<u8> {
        self.state().blobs[digest].clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", Digest::of(bytes))
}

fn error(status: &'static str, code: &str) -> Answer {
    let errors = json!({ "errors": [{ "code": code, "message": code.to_lowercase() }] });
    Answer::new(status).body("application/json", errors.to_string().into_bytes())
}

/// The answer to somebody who may not ask.
fn refusal(access: Access, address: SocketAddr, request: &Request) -> Option<Answer> {
    let known = |what: &str| request.headers.get("authorization").is_some_and(|sent| sent == what);
    let basic = known(&format!("Basic {CREDENTIALS}"));
    let challenge = match access {
        Access::Everybody => return None,
        Access::Basic if basic => return None,
        Access::Token if request.path == "/token" => {
            let token = json!({ "token": "of-someone" }).to_string().into_bytes();
            return Some(match basic {
                true => Answer::new("200 OK").body("application/json", token),
                false => error("401 Unauthorized", "UNAUTHORIZED"),
            });
        }
        Access::Token if known("Bearer of-someone") => return None,
        Access::Basic => "Basic realm=\"registry\"".to_owned(),
        Access::Token => format!("Bearer realm=\"http://{}/token\",service=\"registry\"", address),
    };
    Some(error("401 Unauthorized", "UNAUTHORIZED").header("WWW-Authenticate", challenge))
}

impl State {
    fn answer(&mut self, request: &Request) -> Answer {
        let Some(rest) = request.path.strip_prefix("/v2/") else { return error("404 Not Found", "NOT_FOUND") };
        if rest.is_empty() {
            return Answer::new("200 OK");
        }
        // Names have slashes, so what follows them is looked for from the end.
        if let Some((name, upload)) = rest.rsplit_once("/blobs/uploads/") {
            return self.upload(name, upload, request);
        }
        if let Some((_, digest)) = rest.rsplit_once("/blobs/") {
            return self.blob(digest);
        }
        match rest.rsplit_once("/manifests/") {
            Some((name, reference)) => self.manifest(name, reference, request),
            None => error("404 Not Found", "NAME_UNKNOWN"),
        }
    }

    fn blob(&mut self, digest: &str) -> Answer {
        let Some(blob) = self.blobs.get(digest) else { return error("404 Not Found", "BLOB_UNKNOWN") };
        let fault = self.faults.pop_front();
        let answer = Answer::new("200 OK").header("Docker-Content-Digest", digest);
        Answer { fault, ..answer.body("application/octet-stream", blob.clone()) }
    }

    fn upload(&mut self, name: &str, upload: &str, request: &Request) -> Answer {
        let location = |upload: usize| format!("/v2/{name}/blobs/uploads/{upload}");
        if request.method == "POST" {
            self.uploads.push(Vec::new());
            return Answer::new("202 Accepted").header("Location", location(self.uploads.len() - 1));
        }
        let upload: usize = upload.parse().unwrap();
        let received = &mut self.uploads[upload];
        match &*request.method {
            "PATCH" => {
                let first = request.headers["content-range"].split_once('-').unwrap().0;
                if first != received.len().to_string() {
                    return error("416 Range Not Satisfiable", "BLOB_UPLOAD_INVALID");
                }
                received.extend(&request.body);
                let range = format!("0-{}", received.len() - 1);
                Answer::new("202 Accepted").header("Location", location(upload)).header("Range", range)
            }
            "PUT" => {
                received.extend(&request.body);
                let blob = std::mem::take(received);
                let digest = request.query.strip_prefix("digest=").unwrap().replace("%3A", ":");
                if sha256(&blob) != digest {
                    return error("400 Bad Request", "DIGEST_INVALID");
                }
                self.blobs.insert(digest.clone(), blob);
                Answer::new("201 Created").header("Location", format!("/v2/{name}/blobs/{digest}"))
            }
            _ => error("405 Method Not Allowed", "UNSUPPORTED"),
        }
    }

    fn manifest(&mut self, name: &str, reference: &str, request: &Request) -> Answer {
        let key = |reference: &str| (name.to_owned(), reference.to_owned());
        if request.method != "PUT" {
            let Some((content_type, manifest)) = self.manifests.get(&key(reference)) else {
                return error("404 Not Found", "MANIFEST_UNKNOWN");
            };
            let answer = Answer::new("200 OK").header("Docker-Content-Digest", sha256(manifest));
            return answer.body(content_type, manifest.clone());
        }
        let manifest: Value = serde_json::from_slice(&request.body).unwrap();
        let descriptors = manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]);
        for descriptor in descriptors {
            let blob = self.blobs.get(descriptor["digest"].as_str().unwrap());
            if blob.is_none_or(|blob| blob.len() as u64 != descriptor["size"].as_u64().unwrap()) {
                return error("404 Not Found", "MANIFEST_BLOB_UNKNOWN");
            }
        }
        let digest = sha256(&request.body);
        let sent = (request.headers["content-type"].clone(), request.body.clone());
        self.manifests.insert(key(reference), sent.clone());
        self.manifests.insert(key(&digest), sent);
        Answer::new("201 Created")
            .header("Location", format!("/v2/{name}/manifests/{reference}"))
            .header("Docker-Content-Digest", digest)
    }
}
