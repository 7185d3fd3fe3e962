//! What guests return is checked before anything believes it. The messages complete "it returned …".

use super::bindings::{
    Accepted, Amount, Completed, Demonstration, Description, Example, Measure, Outcome, Prompt, Rejection, Run,
    Verdict, types,
};

/// Names of kinds, settings, codes. They become columns and file names.
const NAME_MAX_BYTES: usize = 64;
/// A sentence for a person.
const SENTENCE_MAX_BYTES: usize = 4 << 10;
/// A prompt's message, a task's body, a program, an answer.
const TEXT_MAX_BYTES: usize = 1 << 20;
/// The body of a task from a data set, which may carry the tests of a program. The operator chose the file.
const IMPORTED_MAX_BYTES: usize = 64 << 20;
/// The text whose rarity a measure asks for.
const SAMPLE_MAX_BYTES: usize = 64 << 10;
/// Of an answer, which may be a program.
const ANSWER_KEPT_BYTES: usize = 64 << 10;
/// Of a reason; the longest honest ones have a thousand characters.
const REASON_KEPT_BYTES: usize = 16 << 10;
/// Kinds and settings of one environment: they are shown on one screen.
const LISTED_MAX: usize = 64;
/// Messages of one prompt, and its stop strings.
const MESSAGES_MAX: usize = 64;
/// Examples of one environment: a person reads them.
const EXAMPLES_MAX: usize = 1024;
/// Calls of one run.
const INPUTS_MAX: usize = 1024;

type Checked = Result<(), String>;

pub(super) fn description(description: &Description, executors: usize) -> Checked {
    let Description { name: environment, version, kinds, settings, limits, directories } = description;
    name("environment", environment)?;
    name("version", version)?;
    if kinds.is_empty() {
        return Err("no kinds of tasks".into());
    }
    count("kinds", kinds.len(), LISTED_MAX)?;
    count("settings", settings.len(), LISTED_MAX)?;
    for (index, kind) in kinds.iter().enumerate() {
        name("kind", &kind.name)?;
        text("what a kind asks", &kind.asks, SENTENCE_MAX_BYTES)?;
        if kinds[..index].iter().any(|other| other.name == kind.name) {
            return Err(format!("kind {:?} twice", kind.name));
        }
        kind.references_from.iter().try_for_each(|from| known(kinds.iter().map(|kind| &*kind.name), from))?;
    }
    for (index, setting) in settings.iter().enumerate() {
        name("setting", &setting.name)?;
        text("a setting's meaning", &setting.meaning, SENTENCE_MAX_BYTES)?;
        text("a setting's default", &setting.default, SENTENCE_MAX_BYTES)?;
        if settings[..index].iter().any(|other| other.name == setting.name) {
            return Err(format!("setting {:?} twice", setting.name));
        }
    }
    count("directories", directories.len(), LISTED_MAX)?;
    directories.iter().try_for_each(|directory| name("directory", directory))?;
    let usable = limits.run_fuel > 0 && limits.run_memory_max_bytes > 0 && limits.run_output_max_bytes > 0;
    match usable || executors == 0 {
        true => Ok(()),
        false => Err("a limit of 0, with which nothing can run".into()),
    }
}

pub(super) fn seeds(tasks: &[types::Task], of: &Description) -> Checked {
    tasks.iter().try_for_each(|seed| task(seed, of))
}

pub(super) fn generated(tasks: &[types::Task], kind: &str, wanted: u32) -> Checked {
    if tasks.len() != wanted as usize {
        return Err(format!("{} tasks where {wanted} were wanted", tasks.len()));
    }
    match tasks.iter().find(|task| task.kind != kind) {
        Some(other) => Err(format!("a task of kind {:?} where {kind:?} was wanted", cut(&other.kind))),
        None => tasks.iter().try_for_each(|task| text("a task", &task.body, TEXT_MAX_BYTES)),
    }
}

pub(super) fn imported(imported: &Result<types::Task, Rejection>, of: &Description) -> Checked {
    match imported {
        Ok(types::Task { kind, body }) => {
            known(of.kinds.iter().map(|kind| &*kind.name), kind)?;
            text("a task", body, IMPORTED_MAX_BYTES)
        }
        Err(refused) => rejection(refused),
    }
}

pub(super) fn examples(examples: &[Example], of: &Description) -> Checked {
    count("examples", examples.len(), EXAMPLES_MAX)?;
    for Example { note, completed, expected: _ } in examples {
        text("a note", note, SENTENCE_MAX_BYTES)?;
        let completion = match completed {
            Completed::Proposal(types::Proposal { kind, references, completion }) => {
                known(of.kinds.iter().map(|kind| &*kind.name), kind)?;
                references.iter().try_for_each(|reference| task(reference, of))?;
                completion
            }
            Completed::Attempt(types::Attempt { task: attempted, completion }) => {
                task(attempted, of)?;
                completion
            }
        };
        text("a completion", completion, TEXT_MAX_BYTES)?;
    }
    Ok(())
}

pub(super) fn demonstration(demonstration: &Demonstration) -> Checked {
    let Demonstration { attempt, proposal } = demonstration;
    [attempt, proposal]
        .into_iter()
        .flatten()
        .try_for_each(|completion| text("a completion", completion, TEXT_MAX_BYTES))
}

pub(super) fn prompt(prompt: &Prompt) -> Checked {
    let Prompt { messages, prefill, stop } = prompt;
    if messages.is_empty() && prefill.is_empty() {
        return Err("a prompt without messages or prefill".into());
    }
    count("messages", messages.len(), MESSAGES_MAX)?;
    count("stop strings", stop.len(), MESSAGES_MAX)?;
    messages.iter().try_for_each(|message| text("a message", &message.content, TEXT_MAX_BYTES))?;
    text("a prefill", prefill, TEXT_MAX_BYTES)?;
    match stop.iter().find(|stop| stop.is_empty() || stop.len() > SENTENCE_MAX_BYTES) {
        Some(stop) => Err(format!("a stop string of {} bytes; 1 to {SENTENCE_MAX_BYTES} are allowed", stop.len())),
        None => Ok(()),
    }
}

pub(super) fn plan(runs: &[Run], runs_max: usize, executors: usize) -> Checked {
    count("runs", runs.len(), runs_max)?;
    for Run { executor, program, inputs } in runs {
        if *executor as usize >= executors {
            return Err(format!("a run for executor {executor}, but {executors} are packed"));
        }
        text("a program", program, TEXT_MAX_BYTES)?;
        count("inputs of a run", inputs.len(), INPUTS_MAX)?;
    }
    Ok(())
}

pub(super) fn rejection(rejection: &Rejection) -> Checked {
    let Rejection { code, message } = rejection;
    name("rejection code", code)?;
    text("a rejection's message", message, TEXT_MAX_BYTES)
}

pub(super) fn accepted(accepted: &Accepted, of: &Description) -> Checked {
    let Accepted { task: proposed, well_formed: _, measures } = accepted;
    task(proposed, of)?;
    count("measures", measures.len(), LISTED_MAX)?;
    for (index, Measure { name: measure, amount }) in measures.iter().enumerate() {
        name("measure", measure)?;
        if measures[..index].iter().any(|other| other.name == *measure) {
            return Err(format!("measure {measure:?} twice"));
        }
        match amount {
            Amount::Number(number) if number.is_finite() && *number >= 0.0 => {}
            Amount::Number(number) => {
                return Err(format!("{number} as the measure {measure}; it must be finite, from 0"));
            }
            Amount::Rarity(sample) => text("a measure's sample", sample, SAMPLE_MAX_BYTES)?,
        }
    }
    Ok(())
}

pub(super) fn verdict(verdict: &Verdict) -> Checked {
    let Verdict { score, well_formed: _, answer, reason } = verdict;
    // Also false for NaN.
    if !(0.0..=1.0).contains(score) {
        return Err(format!("a score of {score}; it must be between 0 and 1"));
    }
    text("an answer", answer, TEXT_MAX_BYTES)?;
    text("a reason", reason, TEXT_MAX_BYTES)
}

/// What is kept of a verdict's texts, which are for people: the completion made them as long as it liked.
pub(super) fn kept_verdict(verdict: Verdict) -> Verdict {
    let Verdict { score, well_formed, answer, reason } = verdict;
    Verdict { score, well_formed, answer: kept(answer, ANSWER_KEPT_BYTES), reason: kept(reason, REASON_KEPT_BYTES) }
}

/// What is kept of a rejection's.
pub(super) fn kept_rejection(rejection: Rejection) -> Rejection {
    let Rejection { code, message } = rejection;
    Rejection { code, message: kept(message, REASON_KEPT_BYTES) }
}

fn kept(mut text: String, max_bytes: usize) -> String {
    if text.len() > max_bytes {
        text.truncate(text.floor_char_boundary(max_bytes));
        text.push('…');
        text.shrink_to_fit();
    }
    text
}

/// What an executor returned for `calls` calls.
pub(super) fn outcomes(outcomes: &[Outcome], calls: usize) -> Checked {
    if outcomes.len() > calls.max(1) {
        return Err(format!("{} outcomes for {calls} calls", outcomes.len()));
    }
    for (index, outcome) in outcomes.iter().enumerate() {
        let last = index + 1 == outcomes.len();
        match outcome {
            Outcome::Value(_) => {}
            Outcome::Thrown(_) | Outcome::Refused(_) | Outcome::Unsupported(_) if last => return Ok(()),
            Outcome::Thrown(_) | Outcome::Refused(_) | Outcome::Unsupported(_) => {
                return Err("outcomes after the one that ended the run".into());
            }
            Outcome::OutOfFuel | Outcome::OutOfMemory | Outcome::StackOverflow | Outcome::Crashed(_) => {
                return Err("an outcome that only the host may give".into());
            }
        }
    }
    match outcomes.len() == calls {
        true => Ok(()),
        false => Err(format!("{} outcomes, all of them values, for {calls} calls", outcomes.len())),
    }
}

fn task(task: &types::Task, of: &Description) -> Checked {
    let types::Task { kind, body } = task;
    known(of.kinds.iter().map(|kind| &*kind.name), kind)?;
    text("a task", body, TEXT_MAX_BYTES)
}

fn known<'a>(mut kinds: impl Iterator<Item = &'a str>, kind: &str) -> Checked {
    match kinds.any(|known| known == kind) {
        true => Ok(()),
        false => Err(format!("a kind {:?} that it does not describe", cut(kind))),
    }
}

/// Names are words, so that they can stand in a file name, a column and a log line.
fn name(of: &str, name: &str) -> Checked {
    let word = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    match !name.is_empty() && name.len() <= NAME_MAX_BYTES && name.chars().all(word) {
        true => Ok(()),
        false => Err(format!("{:?} as the name of a {of}; letters, digits and -_.+ are allowed", cut(name))),
    }
}

fn text(what: &str, text: &str, max_bytes: usize) -> Checked {
    match text.len() <= max_bytes {
        true => Ok(()),
        false => Err(format!("{what} of {} bytes; the limit is {max_bytes}", text.len())),
    }
}

fn count(what: &str, count: usize, max: usize) -> Checked {
    match count <= max {
        true => Ok(()),
        false => Err(format!("{count} {what}; the limit is {max}")),
    }
}

/// The beginning of a text that may be long.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(NAME_MAX_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A completion decides how long its answer is, so a long one must not become a fault.
    #[test]
    fn long_texts_of_conclusions_are_cut_and_no_fault() {
        let long = || "é".repeat(100_000);
        let wrong = Verdict { score: 0.0, well_formed: true, answer: long(), reason: long() };
        verdict(&wrong).unwrap();
        let kept = kept_verdict(wrong);
        assert!(kept.answer.len() <= ANSWER_KEPT_BYTES + 3 && kept.answer.ends_with("é…"));
        assert!(kept.reason.len() <= REASON_KEPT_BYTES + 3);
        let kept = kept_rejection(Rejection { code: "long".into(), message: long() });
        assert!(kept.message.len() <= REASON_KEPT_BYTES + 3);
        let honest = Verdict { score: 1.0, well_formed: true, answer: "42".into(), reason: String::new() };
        assert_eq!(kept_verdict(honest.clone()), honest);
    }
}
