//! `azr-env serve`: what its clients and its operators rely on.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::program::azr_host;

/// `azr-env`, which lies beside `azr-host`.
fn azr_env() -> Command {
    let host = azr_host();
    let mut command = Command::new(Path::new(host.get_program()).with_file_name("azr-env"));
    command.current_dir(host.get_current_dir().expect("the program starts in the root"));
    command
}

/// A server on a free port; it ends with the test.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(args: &[&str]) -> Self {
        let mut process = azr_env()
            .args(["serve", "--listen=127.0.0.1:0", "--env=envs/codegen.wasm"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("azr-env starts");
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect("the first line says where").to_owned();
        Self { process, url }
    }

    fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// Sends a program and does not wait for the answer.
    fn send(&self, code: &str, headers: &str) -> TcpStream {
        let body = serde_json::json!({ "code": code, "language": "python", "run_timeout": 30 }).to_string();
        let mut stream = TcpStream::connect(self.address()).unwrap();
        let length = body.len();
        write!(
            stream,
            "POST /run_code HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n{headers}\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        stream
    }

    /// Until so many requests have been taken in and are not answered.
    fn wait_until_waiting(&self, count: usize) {
        let waiting = || {
            let mut metrics = TcpStream::connect(self.address()).unwrap();
            write!(metrics, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
            answer(metrics).contains(&format!("azr_waiting_items {count}\n"))
        };
        while !waiting() {}
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        self.process.wait().unwrap();
    }
}

fn answer(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn the_contract_holds() {
    let server = Server::start(&["--env=envs/javascript.wasm", "--env=envs/countdown.wasm"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/serve/contract.py");
    let output = Command::new("python3").arg("-B").arg(script).arg(&server.url).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn other_machines_are_served_with_a_token_only() {
    let output = azr_env().args(["serve", "--listen=0.0.0.0:0", "--env=envs/codegen.wasm"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("--token-file"), "{message}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "sixteen-or-more-characters\n").unwrap();
    let server = Server::start(&[&format!("--token-file={}", path.display())]);
    let status = |headers: &str| answer(server.send("x = 1", headers)).split(' ').nth(1).unwrap().to_owned();
    assert_eq!(status(""), "401");
    assert_eq!(status("Authorization: Bearer sixteen-or-more-characterx\r\n"), "401");
    assert_eq!(status("Authorization: Bearer sixteen-or-more-characters\r\n"), "200");
    // As http://user:TOKEN@host sends it: `printf 'user:sixteen-or-more-characters' | base64`
    assert_eq!(status("Authorization: Basic dXNlcjpzaXh0ZWVuLW9yLW1vcmUtY2hhcmFjdGVycw==\r\n"), "200");
}

/// Keeps an interpreter busy for longer than it takes to ask the server something.
const LONG: &str = "n = 0\nwhile n < 10_000_000: n += 1\nprint(n)";

#[test]
fn what_does_not_fit_is_refused_before_it_begins() {
    let server = Server::start(&["--queue-max=2", "--workers=1"]);
    let taken = [server.send(LONG, ""), server.send(LONG, "")];
    server.wait_until_waiting(2);
    let refused = answer(server.send(LONG, ""));
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    assert!(refused.contains("retry-after: 1\r\n"), "{refused}");
    for stream in taken {
        let text = answer(stream);
        assert!(text.starts_with("HTTP/1.1 200") && text.contains("10000000\\n"), "{text}");
    }
}

#[test]
fn after_sigterm_what_was_taken_in_is_answered() {
    let mut server = Server::start(&[]);
    let stream = server.send(LONG, "");
    server.wait_until_waiting(1);
    Command::new("kill").arg(server.process.id().to_string()).status().unwrap();
    let text = answer(stream);
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("10000000\\n"), "{text}");
    assert!(server.process.wait().unwrap().success());
}
