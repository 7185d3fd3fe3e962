//! A registry in this process: the part of the OCI distribution specification (version 1.1) that publishing and fetching
//! an artifact needs, with its paths, status codes and error codes, and answers that go wrong on demand.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread::{self, JoinHandle},
};

use azr_host::task::Digest;
use serde_json::{Value, json};

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

/// How the answer to a request for a blob goes wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends in the middle of the content.
    Truncated,
    /// One bit is another.
    OtherBytes,
    /// More than the manifest says.
    TooMuch,
    /// 500.
    ServerError,
    /// Nothing is sent any more.
    Silent,
}

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
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl Registry {
    pub fn start(access: Access) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, state) = (stream.unwrap(), Arc::clone(&shared));
                // What wakes the listener to end it, and says nothing.
                if stream.peek(&mut [0]).is_ok_and(|bytes| bytes == 0) {
                    return;
                }
                thread::spawn(move || Exchange { stream, state, access, address }.run());
            }
        });
        Self { address, state, thread: Some(thread) }
    }

    /// `oci://127.0.0.1:port/` with what follows.
    pub fn reference(&self, rest: &str) -> String {
        format!("oci://{}/{rest}", self.address)
    }

    /// Host and port, as Docker's configuration names them.
    pub fn host(&self) -> String {
        self.address.to_string()
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

impl Drop for Registry {
    fn drop(&mut self) {
        drop(TcpStream::connect(self.address));
        self.thread.take().unwrap().join().unwrap();
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", Digest::of(bytes))
}

/// One request on a connection of its own.
struct Exchange {
    stream: TcpStream,
    state: Arc<Mutex<State>>,
    access: Access,
    address: SocketAddr,
}

struct Request {
    method: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

struct Answer {
    status: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    fault: Option<Fault>,
}

impl Answer {
    fn new(status: &'static str) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), fault: None }
    }

    fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    fn body(self, content_type: &str, body: Vec<u8>) -> Self {
        Self { body, ..self.header("Content-Type", content_type) }
    }

    fn error(status: &'static str, code: &str) -> Self {
        let errors = json!({ "errors": [{ "code": code, "message": code.to_lowercase() }] });
        Self::new(status).body("application/json", errors.to_string().into_bytes())
    }
}

impl Exchange {
    fn run(mut self) {
        let Some(request) = self.read() else { return };
        let answer = self.answer(&request);
        // A client that has what it wants may be gone.
        let _ = self.write(&request, answer);
    }

    fn read(&mut self) -> Option<Request> {
        let mut reader = BufReader::new(&self.stream);
        let mut line = || {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            Some(line.trim_end().to_owned())
        };
        let first = line()?;
        let (method, target) = first.split_once(' ')?;
        let target = target.split_once(' ')?.0;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
        let mut headers = BTreeMap::new();
        while let Some((name, value)) = line()?.split_once(": ") {
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        Some(Request { method, path, query, headers, body })
    }

    fn write(&mut self, request: &Request, answer: Answer) -> std::io::Result<()> {
        let Answer { status, headers, mut body, fault } = answer;
        match fault {
            Some(Fault::OtherBytes) => body[0] ^= 1,
            Some(Fault::TooMuch) => body.extend([0; 1000]),
            _ => {}
        }
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        write!(self.stream, "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n")?;
        if request.method == "HEAD" {
            return Ok(());
        }
        match fault {
            Some(Fault::Truncated) => self.stream.write_all(&body[..length / 2]),
            Some(Fault::Silent) => {
                self.stream.write_all(&body[..length / 2])?;
                // Until the client gives up.
                self.stream.read(&mut [0]).map(drop)
            }
            _ => self.stream.write_all(&body),
        }
    }

    fn answer(&self, request: &Request) -> Answer {
        let mut state = self.state.lock().unwrap();
        let Request { method, path, .. } = request;
        state.requests.push(format!("{method} {path}"));
        if let Some(answer) = self.refusal(request) {
            return answer;
        }
        let Some(rest) = path.strip_prefix("/v2/") else { return Answer::error("404 Not Found", "NOT_FOUND") };
        if rest.is_empty() {
            return Answer::new("200 OK");
        }
        // Names have slashes, so what follows them is looked for from the end.
        if let Some((name, upload)) = rest.rsplit_once("/blobs/uploads/") {
            return state.upload(name, upload, request);
        }
        if let Some((_, digest)) = rest.rsplit_once("/blobs/") {
            return state.blob(digest);
        }
        match rest.rsplit_once("/manifests/") {
            Some((name, reference)) => state.manifest(name, reference, request),
            None => Answer::error("404 Not Found", "NAME_UNKNOWN"),
        }
    }

    /// The answer to somebody who may not ask.
    fn refusal(&self, request: &Request) -> Option<Answer> {
        let known = |what: &str| request.headers.get("authorization").is_some_and(|sent| sent == what);
        let basic = known(&format!("Basic {CREDENTIALS}"));
        let challenge = match self.access {
            Access::Everybody => return None,
            Access::Basic if basic => return None,
            Access::Token if request.path == "/token" => {
                let token = json!({ "token": "of-someone" }).to_string().into_bytes();
                return Some(match basic {
                    true => Answer::new("200 OK").body("application/json", token),
                    false => Answer::error("401 Unauthorized", "UNAUTHORIZED"),
                });
            }
            Access::Token if known("Bearer of-someone") => return None,
            Access::Basic => "Basic realm=\"registry\"".to_owned(),
            Access::Token => format!("Bearer realm=\"http://{}/token\",service=\"registry\"", self.address),
        };
        Some(Answer::error("401 Unauthorized", "UNAUTHORIZED").header("WWW-Authenticate", challenge))
    }
}

impl State {
    fn blob(&mut self, digest: &str) -> Answer {
        let Some(blob) = self.blobs.get(digest) else { return Answer::error("404 Not Found", "BLOB_UNKNOWN") };
        let fault = self.faults.pop_front();
        if fault == Some(Fault::ServerError) {
            return Answer::error("500 Internal Server Error", "UNKNOWN");
        }
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
                    return Answer::error("416 Range Not Satisfiable", "BLOB_UPLOAD_INVALID");
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
                    return Answer::error("400 Bad Request", "DIGEST_INVALID");
                }
                self.blobs.insert(digest.clone(), blob);
                Answer::new("201 Created").header("Location", format!("/v2/{name}/blobs/{digest}"))
            }
            _ => Answer::error("405 Method Not Allowed", "UNSUPPORTED"),
        }
    }

    fn manifest(&mut self, name: &str, reference: &str, request: &Request) -> Answer {
        let key = |reference: &str| (name.to_owned(), reference.to_owned());
        if request.method != "PUT" {
            let Some((content_type, manifest)) = self.manifests.get(&key(reference)) else {
                return Answer::error("404 Not Found", "MANIFEST_UNKNOWN");
            };
            let answer = Answer::new("200 OK").header("Docker-Content-Digest", sha256(manifest));
            return answer.body(content_type, manifest.clone());
        }
        let manifest: Value = serde_json::from_slice(&request.body).unwrap();
        let descriptors = manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]);
        for descriptor in descriptors {
            let blob = self.blobs.get(descriptor["digest"].as_str().unwrap());
            if blob.is_none_or(|blob| blob.len() as u64 != descriptor["size"].as_u64().unwrap()) {
                return Answer::error("404 Not Found", "MANIFEST_BLOB_UNKNOWN");
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
