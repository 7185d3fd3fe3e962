//! Servers in this process that speak HTTP/1.1, one request per connection, and whose answers go wrong on demand.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread::{self, JoinHandle},
};

/// How an answer goes wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends in the middle of the content.
    Truncated,
    /// One bit is another.
    OtherBytes,
    /// More than was announced elsewhere.
    TooMuch,
    /// 500.
    ServerError,
    /// Nothing is sent any more.
    Silent,
}

pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

pub struct Answer {
    pub status: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub fault: Option<Fault>,
}

impl Answer {
    pub fn new(status: &'static str) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), fault: None }
    }

    pub fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    pub fn body(self, content_type: &str, body: Vec<u8>) -> Self {
        Self { body, ..self.header("Content-Type", content_type) }
    }
}

/// A server on a port of its own, until it is dropped.
pub struct Server {
    pub address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(answer: impl Fn(SocketAddr, &Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(answer);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, answer) = (stream.unwrap(), Arc::clone(&answer));
                // What wakes the listener to end it, and says nothing.
                if stream.peek(&mut [0]).is_ok_and(|bytes| bytes == 0) {
                    return;
                }
                thread::spawn(move || {
                    let Some(request) = read(&stream) else { return };
                    let answer = answer(address, &request);
                    // A client that has what it wants may be gone.
                    let _ = write(&mut stream, &request, answer);
                });
            }
        });
        Self { address, thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(TcpStream::connect(self.address));
        self.thread.take().unwrap().join().unwrap();
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
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

fn write(stream: &mut TcpStream, request: &Request, answer: Answer) -> std::io::Result<()> {
    let Answer { status, headers, mut body, fault } = answer;
    match fault {
        Some(Fault::OtherBytes) => body[0] ^= 1,
        Some(Fault::TooMuch) => body.extend([0; 1000]),
        _ => {}
    }
    let status = if fault == Some(Fault::ServerError) { "500 Internal Server Error" } else { status };
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n")?;
    if request.method == "HEAD" {
        return Ok(());
    }
    match fault {
        Some(Fault::Truncated) => stream.write_all(&body[..length / 2]),
        Some(Fault::Silent) => {
            stream.write_all(&body[..length / 2])?;
            // Until the client gives up.
            stream.read(&mut [0]).map(drop)
        }
        _ => stream.write_all(&body),
    }
}
