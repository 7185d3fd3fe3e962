//! `azr-env serve`: what its clients and its operators rely on.

use std::{
    fs,
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

use azr_experiment::ledger::LedgerRow;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};

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
        Self::of("codegen", args)
    }

    fn of(env: &str, args: &[&str]) -> Self {
        let mut process = azr_env()
            .args(["serve", "--listen=127.0.0.1:0", &format!("--env=envs/{env}.wasm")])
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
        self.post(&serde_json::json!({ "code": code, "language": "python", "run_timeout": 30 }).to_string(), headers)
    }

    fn post(&self, body: &str, headers: &str) -> TcpStream {
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
        while !self.metrics().contains(&format!("azr_waiting_items {count}\n")) {}
    }

    fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        answer(stream)
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
    let output = Command::new("python3")
        .arg("-B")
        .arg(script)
        .arg(&server.url)
        .env("AZR_ENV", azr_env().get_program())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A client's batches while its server is killed and started again: each item gets one verdict, the right one.
#[test]
fn a_killed_server_loses_and_doubles_no_verdict() {
    let program = "import sys; sys.path.insert(0, 'tests/soak'); import serve; serve.killed(2)";
    let output = Command::new("python3")
        .args(["-B", "-c", program])
        .current_dir(azr_env().get_current_dir().expect("the program starts in the root"))
        .env("AZR_ENV", azr_env().get_program())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The client of the Python package, killed with its server at work.
#[test]
fn a_server_ends_with_the_client_that_started_it() {
    let program = "import sys; sys.path.insert(0, 'host/env/python')
import azr_env
server = azr_env.Server(['envs/codegen.wasm'])
print(server.url, flush=True)
sys.stdin.read()";
    let root = azr_env().get_current_dir().expect("the program starts in the root").to_owned();
    let mut client = Command::new("python3")
        .args(["-B", "-c", program])
        .current_dir(root)
        .env("AZR_ENV", azr_env().get_program())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(client.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
    let mut stream = TcpStream::connect(url.trim().strip_prefix("http://").unwrap()).unwrap();
    client.kill().unwrap();
    client.wait().unwrap();
    // When the server stops, connections without a request are closed, and those that it has not accepted yet are reset.
    let ended = stream.read(&mut [0]);
    let reset = ended.as_ref().is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
    assert!(reset || ended.as_ref().is_ok_and(|read| *read == 0), "{ended:?}");
}

#[test]
fn one_connection_carries_512_requests_at_once() {
    let server = Server::start(&[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
        let (client, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut asked = tokio::task::JoinSet::new();
        for n in 0..512_u32 {
            let mut client = client.clone();
            let body = serde_json::json!({ "code": format!("print({n} ** 2)"), "language": "python" }).to_string();
            let request = hyper::Request::post(format!("{}/run_code", server.url))
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from(body)))
                .unwrap();
            asked.spawn(async move {
                let answer = client.send_request(request).await.unwrap();
                let status = answer.status().as_u16();
                let body = answer.into_body().collect().await.unwrap().to_bytes();
                let answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
                (n, status, answer["run_result"]["stdout"].clone())
            });
        }
        let mut answers = asked.join_all().await;
        answers.sort_by_key(|(n, ..)| *n);
        for (place, (n, status, stdout)) in (0..).zip(&answers) {
            assert_eq!((*n, *status, stdout), (place, 200, &serde_json::json!(format!("{}\n", place * place))));
        }
        assert_eq!(answers.len(), 512);
    });
}

/// The environment `python` has functions only, which its name does not tell.
#[test]
fn who_serves_another_environment_is_told_which_one_runs_programs() {
    let server = Server::of("python", &[]);
    let text = answer(server.send("x = 1", ""));
    assert!(text.starts_with("HTTP/1.1 422") && text.contains("start it with --env codegen.wasm as well"), "{text}");
}

#[test]
fn a_server_that_cannot_start_says_why_and_what_helps() {
    let running = Server::of("countdown", &[]);
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "zwölf Wörter oder mehr").unwrap();
    let token = format!("--token-file={}", token.display());
    let busy = format!("--listen={}", running.address());
    for (args, words) in [
        (&["--listen=8080"][..], "give an IP address and a port, such as 127.0.0.1:8080"),
        (&["--listen=somewhere:8080"][..], "give an IP address and a port"),
        // Before anything is compiled.
        (&[&*busy, "--env=nothing.wasm"][..], "another program does"),
        (&["--listen=localhost:0", "--env=nothing.wasm"][..], "cannot read nothing.wasm"),
        (&[&*token][..], "is not one word"),
        (&["--queue-max=0"][..], "'--queue-max <N>'"),
        (&["--run-timeout-max=0"][..], "'--run-timeout-max <SECONDS>'"),
        (&["--run-memory-max-bytes=1000"][..], "67108864"),
    ] {
        let output = azr_env().args(["serve", "--env=envs/countdown.wasm"]).args(args).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && message.contains(words), "{args:?}: {message}");
    }
}

/// A verdict's row is one of a ledger, but for what only an experiment has.
#[test]
fn rows_are_those_of_a_ledger() {
    let server = Server::start(&["--env=envs/countdown.wasm"]);
    let ask = |path: &str, body: serde_json::Value| -> serde_json::Value {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let body = body.to_string();
        let length = body.len();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: \
             {length}\r\n\r\n{body}"
        )
        .unwrap();
        serde_json::from_str(answer(stream).split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    let envs = "/v1/envs/countdown/";
    let generated = ask(&format!("{envs}generate"), serde_json::json!({ "kind": "countdown", "seed": 3, "count": 1 }));
    let attempt = serde_json::json!({ "task": generated["tasks"][0], "completion": "no" });
    let proposal = serde_json::json!({ "kind": "countdown", "completion": "no" });
    for (call, request, purpose) in [("verify", attempt, "solve"), ("validate", proposal, "propose")] {
        let judged = ask(&format!("{envs}{call}?ledger=true"), request);
        let mut row = judged["row"].clone();
        for (key, value) in [("step", 1.into()), ("terms", "0123456789ab".into()), ("purpose", purpose.into())] {
            row[key] = value;
        }
        let read: LedgerRow = serde_json::from_value(row.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), row);
    }
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
    assert!(answer(server.send("x = 1", "")).contains("brings no token"));
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

/// Runs of hours, one alone and three in a batch, whose clients go: the server has nothing to do any more, and nothing that
/// it would call a fault.
#[test]
fn what_nobody_waits_for_any_more_ends() {
    let server = Server::start(&["--run-timeout-max=100000", "--workers=2"]);
    let endless = serde_json::json!({ "code": "while True: pass", "language": "python", "run_timeout": 100_000 });
    for (body, count) in [(endless.clone(), 1), (serde_json::json!([endless, endless, endless]), 3)] {
        let stream = server.post(&body.to_string(), "");
        server.wait_until_waiting(count);
        drop(stream);
        server.wait_until_waiting(0);
    }
    let text = answer(server.send("print(6 * 7)", ""));
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("42\\n"), "{text}");
    assert!(server.metrics().contains("azr_faults_total 0\n"), "{}", server.metrics());
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
