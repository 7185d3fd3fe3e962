//! From a request's bytes to the bytes of its answer: single items, and batches of them.

use std::{net::IpAddr, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use azr_sandbox::Cancel;

use super::{Server, admission::Refused, judging, run_code};

/// An answer to one item.
pub(super) struct Answered {
    pub(super) json: Vec<u8>,
    /// Sent with the answer to a single item.
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) fuel: u64,
}

impl Answered {
    pub(super) fn new(answer: &impl Serialize, fuel: u64) -> Self {
        let json = serde_json::to_vec(answer).expect("answers have texts as keys, and writing to memory succeeds");
        Self { json, headers: Vec::new(), fuel }
    }
}

/// Why there is no answer to an item.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The item asks for something that there is not.
    Invalid(String),
    /// The environment's or the host's. Nothing is known about the item.
    Fault(String),
}

/// What HTTP says.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Response {
    pub(super) fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type, headers: Vec::new(), body: body.into() }
    }

    pub(super) fn json(body: &impl Serialize) -> Self {
        Self::new(200, "application/json", serde_json::to_vec(body).expect("writing to memory succeeds"))
    }

    /// A refusal, with `detail` where SandboxFusion's clients look for it.
    pub(super) fn refusal(status: u16, detail: impl Into<String>) -> Self {
        let body = json!({ "detail": detail.into() });
        Self { status, ..Self::json(&body) }
    }
}

impl From<Refused> for Response {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Busy(what) => {
                let mut response = Self::refusal(429, format!("{what}; ask again later"));
                response.headers.push(("retry-after", "1".into()));
                response
            }
            Refused::TooLarge(what) => Self::refusal(413, what),
        }
    }
}

/// What `POST` can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    RunCode,
    /// The environment by its place among those of the server.
    Judge(usize, judging::Call, judging::Detail),
}

/// A body, and the client that sent it.
pub(super) struct Sent {
    pub(super) bytes: Vec<u8>,
    pub(super) place: super::admission::Body,
    pub(super) client: IpAddr,
}

/// Answers a question.
pub(super) async fn answer(server: &Arc<Server>, question: Question, sent: Sent) -> Response {
    use judging::Call::{Exec, Generate, Import, Prompt, Validate, Verify};
    match question {
        Question::RunCode => each(server, sent, run_code::run_code).await,
        Question::Judge(index, call, detail) => {
            let env = move |server: &Server, cancel: &Cancel| server.envs[index].cancelled_by(cancel);
            match call {
                Exec => each(server, sent, move |server, item, cancel| judging::exec(&env(server, cancel), item)).await,
                Validate => {
                    let work =
                        move |server: &_, item, cancel: &_| judging::validate(&env(server, cancel), item, detail);
                    each(server, sent, work).await
                }
                Verify => {
                    let work = move |server: &_, item, cancel: &_| judging::verify(&env(server, cancel), item, detail);
                    each(server, sent, work).await
                }
                Prompt => each(server, sent, move |server, item, _| judging::prompt(&server.envs[index], item)).await,
                Generate => {
                    each(server, sent, move |server, item, _| judging::generate(&server.envs[index], item)).await
                }
                Import => each(server, sent, move |server, item, _| judging::import(&server.envs[index], item)).await,
            }
        }
    }
}

/// Ends runs when it is dropped, as it is with the answer to a client that has gone.
#[derive(Default)]
struct Abandoned(Cancel);

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Answers one item, or a list of them in their order.
async fn each<Item: DeserializeOwned + Send + 'static>(
    server: &Arc<Server>,
    sent: Sent,
    work: impl Fn(&Server, Item, &Cancel) -> Result<Answered, Unanswered> + Clone + Send + 'static,
) -> Response {
    let Sent { bytes, place, client } = sent;
    let batched = bytes.trim_ascii_start().starts_with(b"[");
    let items = match batched {
        true => serde_json::from_slice::<Vec<Item>>(&bytes),
        false => serde_json::from_slice(&bytes).map(|item| vec![item]),
    };
    let items = match items {
        Ok(items) => items,
        Err(error) => {
            let what = match batched {
                true => mistake::<Vec<Item>>(&bytes, &error),
                false => mistake::<Item>(&bytes, &error),
            };
            return Response::refusal(422, format!("the request cannot be read: {what}"));
        }
    };
    drop(bytes);
    let admitted = match server.admission.items(place, items.len(), client) {
        Ok(admitted) => Arc::new(admitted),
        Err(refused) => return refused.into(),
    };
    let abandoned = Abandoned::default();
    let pending: Vec<_> = items
        .into_iter()
        .map(|item| {
            let (own, work, admitted) = (Arc::clone(server), work.clone(), Arc::clone(&admitted));
            let cancel = abandoned.0.clone();
            server.lanes.submit(move || {
                let answer = work(&own, item, &cancel);
                drop(admitted);
                answer
            })
        })
        .collect();
    let mut answers = Vec::with_capacity(pending.len());
    for answer in pending {
        let answer = answer.await.unwrap_or_else(|_| Err(Unanswered::Fault("a thread of the server panicked".into())));
        match &answer {
            Ok(Answered { fuel, .. }) => server.metrics.item(*fuel),
            Err(Unanswered::Fault(_)) => server.metrics.fault(),
            Err(Unanswered::Invalid(_)) => {}
        }
        answers.push(answer);
    }
    match batched {
        true => batch(answers),
        false => single(answers.pop().expect("one answer for one item")),
    }
}

/// What is wrong with a body, and in which field. It is read again for this, which one without a mistake is not.
fn mistake<T: DeserializeOwned>(body: &[u8], error: &serde_json::Error) -> String {
    if body.trim_ascii().is_empty() {
        return "the body is empty; it is the JSON of a request, or a list of them".into();
    }
    let place = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_slice(body));
    let place = place.err().map(|error| error.path().to_string()).filter(|path| path != "." && path != "?");
    let message = error.to_string();
    let message = match message.rsplit_once(", expected ") {
        Some((found, wanted)) => format!("{found}, expected {}", plainly(wanted)),
        None => message,
    };
    place.into_iter().chain([message]).collect::<Vec<_>>().join(": ")
}

/// What was expected, where serde says it in the words of Rust.
fn plainly(wanted: &str) -> String {
    const WORDS: [(&str, &str); 7] = [
        ("f64", "a number"),
        ("i64", "a whole number"),
        ("u64", "a whole number from 0"),
        ("u32", "a whole number from 0"),
        ("a string", "a text"),
        ("a sequence", "a list"),
        ("a map", "an object"),
    ];
    for (rust, word) in WORDS {
        if let Some(rest) = wanted.strip_prefix(rust).filter(|rest| rest.is_empty() || rest.starts_with(' ')) {
            return format!("{word}{rest}");
        }
    }
    wanted.to_owned()
}

fn single(answer: Result<Answered, Unanswered>) -> Response {
    match answer {
        Ok(Answered { json, mut headers, fuel }) => {
            headers.push(("azr-fuel", fuel.to_string()));
            Response { headers, ..Response::new(200, "application/json", json) }
        }
        Err(Unanswered::Invalid(why)) => Response::refusal(422, why),
        Err(Unanswered::Fault(what)) => Response::refusal(500, what),
    }
}

fn batch(answers: Vec<Result<Answered, Unanswered>>) -> Response {
    let mut body = b"[".to_vec();
    for (index, answer) in answers.into_iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend(match answer {
            Ok(Answered { json, .. }) => json,
            Err(Unanswered::Invalid(error)) => Answered::new(&json!({ "error": error, "fault": false }), 0).json,
            Err(Unanswered::Fault(error)) => Answered::new(&json!({ "error": error, "fault": true }), 0).json,
        });
    }
    body.push(b']');
    Response::new(200, "application/json", body)
}
