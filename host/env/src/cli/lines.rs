//! JSON lines in, JSON lines out, in order.

use std::{
    io::{BufRead as _, Write},
    sync::mpsc::{Receiver, sync_channel},
};

use anyhow::{Context as _, Error, Result, ensure};
use serde::{Serialize, de::DeserializeOwned};

use azr_core::terminal;
use azr_sandbox::Environment;

/// Lines that are answered together. A batch is what has arrived, so that a person who types one line gets an answer.
const BATCH_MAX: usize = 256;

/// What takes the place of an answer.
#[derive(Serialize)]
struct Failed {
    error: String,
}

/// Answers the lines of stdin. A line that cannot be answered gets an error line, and the command fails at the end.
pub(super) fn answer<Request, Answer>(
    env: &Environment,
    mut answers: impl FnMut(&[Request]) -> Vec<Result<Answer>>,
) -> Result<()>
where
    Request: DeserializeOwned,
    Answer: Serialize,
{
    let (sender, arrived) = sync_channel(BATCH_MAX);
    std::thread::spawn(move || {
        // A closed channel means that the answering side has failed and said so.
        std::io::stdin()
            .lock()
            .split(b'\n')
            .map(|line| line.context("cannot read stdin"))
            .try_for_each(|line| sender.send(line).ok())
    });
    let (mut total, mut failed) = (0, 0);
    while let Some(batch) = next_batch(&arrived) {
        let (mut requests, mut places) = (Vec::new(), Vec::new());
        for line in batch {
            let line = line?;
            if line.trim_ascii().is_empty() {
                continue;
            }
            places.push(serde_json::from_slice(&line).map(|request| requests.push(request)).map_err(Error::from));
        }
        let mut answered = answers(&requests).into_iter();
        let mut out = std::io::stdout().lock();
        for place in places {
            total += 1;
            let result = place.and_then(|()| answered.next().expect("one answer for each request"));
            match result {
                Ok(answer) => write_json(&mut out, &answer)?,
                Err(error) => {
                    failed += 1;
                    write_json(&mut out, &Failed { error: format!("{error:#}") })?;
                }
            }
            out.write_all(b"\n")?;
        }
        out.flush()?;
        print_log(env);
    }
    ensure!(failed == 0, "{failed} of {total} lines could not be answered; their output lines say why");
    Ok(())
}

/// JSON of strangers' texts may end on a terminal.
fn write_json(out: &mut impl Write, answer: &impl Serialize) -> Result<()> {
    Ok(out.write_all(terminal::json(&serde_json::to_string(answer)?).as_bytes())?)
}

/// Waits for a line and takes along what else has arrived.
fn next_batch<T>(arrived: &Receiver<T>) -> Option<Vec<T>> {
    let first = arrived.recv().ok()?;
    Some(std::iter::once(first).chain(arrived.try_iter().take(BATCH_MAX - 1)).collect())
}

/// What the judge logged, on stderr.
fn print_log(env: &Environment) {
    let name = &env.description().name;
    let (lines, dropped) = env.take_log();
    lines.iter().for_each(|line| eprintln!("{name}: {line}"));
    if dropped > 0 {
        eprintln!("{name}: {dropped} more lines were dropped");
    }
}
