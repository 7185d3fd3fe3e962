//! Which charts the page has: every number in the metrics is on one of them, whether this file knows it or not.

use std::collections::BTreeMap;

use serde::Serialize;

use super::curves::Curves;

/// Lines of one chart: as many as there are colours to tell apart. Past that the smallest are summed up.
const SERIES_MAX: usize = 8;

/// A titled grid of charts.
#[derive(Serialize)]
pub(super) struct Section {
    title: String,
    charts: Vec<Chart>,
}

#[derive(Serialize)]
pub(super) struct Chart {
    title: String,
    /// What the number means, where the title leaves that open.
    about: &'static str,
    unit: Unit,
    /// Whether the series are parts of a whole, drawn on top of each other.
    stacked: bool,
    series: Vec<Series>,
}

#[derive(Serialize)]
struct Series {
    /// Empty where the chart has one line.
    name: String,
    /// One per step of the page.
    values: Vec<Option<f64>>,
}

#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Unit {
    /// A number without a unit.
    Number,
    Count,
    /// From 0 to 1, shown in per cent.
    Share,
    Tokens,
    Seconds,
    PerSecond,
}

/// A metric with a title of its own.
struct Known {
    /// `section/metric`, where the section of a group's metric is its role.
    key: &'static str,
    section: &'static str,
    title: &'static str,
    unit: Unit,
    about: &'static str,
}

const fn known(
    key: &'static str,
    section: &'static str,
    title: &'static str,
    unit: Unit,
    about: &'static str,
) -> Known {
    Known { key, section, title, unit, about }
}

const SOLVER: &str = "Solver";
const PROPOSER: &str = "Proposer";
const VARIETY: &str = "Validity and diversity of proposals";
const BUFFER: &str = "Buffers";
const UPDATE: &str = "Update";
const THROUGHPUT: &str = "Time and throughput";

/// In the order of the page.
const SECTIONS: [&str; 6] = [SOLVER, PROPOSER, VARIETY, BUFFER, UPDATE, THROUGHPUT];

/// In the order of the page.
#[rustfmt::skip]
const KNOWN: &[Known] = &[
    known("solver/solve_rate", SOLVER, "Solve rate", Unit::Share, "right attempts at tasks from the buffers; these change with what enters the buffers, so only held-out tasks show learning"),
    known("solver/reward_mean", SOLVER, "Reward", Unit::Number, "mean over the group"),
    known("solver/well_formed", SOLVER, "Well-formed attempts", Unit::Share, "completions that kept the format of the prompt"),
    known("solver/completion_tokens_mean", SOLVER, "Completion length", Unit::Tokens, "mean over the group"),
    known("solver/truncated", SOLVER, "Truncated attempts", Unit::Share, "completions that reached the limit of tokens"),
    known("solver/think_share", SOLVER, "Attempts that think", Unit::Share, "attempts with a thinking block"),
    known("solver/reward_std", SOLVER, "Reward spread", Unit::Number, "standard deviation within the group"),
    known("solver/completions", SOLVER, "Attempts", Unit::Count, "per step"),
    known("proposer/reward_mean", PROPOSER, "Reward", Unit::Number, "mean over the group"),
    known("proposer/learnable", PROPOSER, "Learnability", Unit::Share, "new tasks that were solved sometimes but not always"),
    known("proposer/solve_rate_mean", PROPOSER, "Solve rate of new tasks", Unit::Share, "mean over the attempts that measure learnability"),
    known("proposer/completion_tokens_mean", PROPOSER, "Completion length", Unit::Tokens, "mean over the group"),
    known("proposer/truncated", PROPOSER, "Truncated proposals", Unit::Share, "completions that reached the limit of tokens"),
    known("proposer/reward_std", PROPOSER, "Reward spread", Unit::Number, "standard deviation within the group"),
    known("proposer/completions", PROPOSER, "Proposals", Unit::Count, "per step"),
    known("proposer/valid", VARIETY, "Valid proposals", Unit::Share, "proposals that are tasks, known ones included"),
    known("proposer/new", VARIETY, "New tasks", Unit::Share, "proposals that are tasks new to the buffer"),
    known("proposer/duplicate", VARIETY, "Duplicates", Unit::Share, "proposals that are tasks which the buffer held already"),
    known("proposer/novel", VARIETY, "Novel subjects", Unit::Share, "proposals about something, such as a program, that was never seen before"),
    known("proposer/distinct", VARIETY, "Distinct tasks", Unit::Share, "different tasks among the valid proposals of a step"),
    known("proposer/held_out", VARIETY, "Held-out subjects", Unit::Count, "proposals dropped because they are about a held-out subject"),
    known("proposer/rejections", VARIETY, "Rejections", Unit::Count, "by reason"),
    known("proposer/measure", VARIETY, "Measures", Unit::Number, "what the environment measures of tasks that were proposed: means"),
    known("buffer/tasks", BUFFER, "Tasks in the buffer", Unit::Count, ""),
    known("buffer/added", BUFFER, "Tasks added", Unit::Count, "per step"),
    known("update/gradient_norm", UPDATE, "Gradient norm", Unit::Number, "before clipping"),
    known("update/entropy", UPDATE, "Entropy", Unit::Number, "of the policy's next-token distribution, in nats: falling to 0 means collapse"),
    known("update/loss", UPDATE, "Loss", Unit::Number, "of the clipped objective; not a measure of progress"),
    known("update/clip_fraction", UPDATE, "Clipped tokens", Unit::Share, "tokens whose probability ratio left the clip range"),
    known("update/approx_kl", UPDATE, "KL to the sampling policy", Unit::Number, "estimated, over the step's updates"),
    known("update/start_kl", UPDATE, "KL to the start policy", Unit::Number, "estimated, over rollouts with a KL coefficient"),
    known("update/logprob_gap", UPDATE, "Gap of sampler and learner", Unit::Number, "between log-probabilities of the same weights: numerical mismatch"),
    known("update/mismatch_kl", UPDATE, "KL of sampler to learner", Unit::Number, "estimated, before a step's updates"),
    known("update/importance_truncated", UPDATE, "Truncated importance", Unit::Share, "tokens much likelier to the learner than to the sampler"),
    known("update/tokens", UPDATE, "Tokens trained on", Unit::Tokens, "per update"),
    known("timing/stages", THROUGHPUT, "Step time by stage", Unit::Seconds, "not smoothed"),
    known("timing/step_s", THROUGHPUT, "Step time", Unit::Seconds, ""),
    known("timing/tokens_per_s", THROUGHPUT, "Sampling speed", Unit::PerSecond, "tokens per second"),
    known("timing/runs_per_s", THROUGHPUT, "Sandbox speed", Unit::PerSecond, "fresh program runs per second"),
    known("sampling/tokens", THROUGHPUT, "Tokens sampled", Unit::Tokens, "per step"),
    known("sampling/completions", THROUGHPUT, "Completions sampled", Unit::Count, "per step"),
    known("sandbox/runs", THROUGHPUT, "Program runs", Unit::Count, "per step"),
    known("sandbox/fuel", THROUGHPUT, "Fuel used", Unit::Count, "wasm instructions per step, nearly"),
    known("sandbox/faults", THROUGHPUT, "Faults", Unit::Count, "components that misbehaved; a fault is never a reward"),
];

/// The stages of a step, in their order.
const STAGES: [&str; 6] = ["generate_s", "propose_s", "validate_s", "solve_s", "verify_s", "update_s"];

/// Where a number goes.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Position {
    /// Position among the known metrics, so that they come first and in order.
    rank: usize,
    section: String,
    metric: String,
    /// What the chart is about, where several charts show one metric.
    subject: String,
}

/// The charts of all columns.
pub(super) fn sections(curves: &Curves) -> Vec<Section> {
    let mut places: BTreeMap<Position, Vec<Series>> = BTreeMap::new();
    for (path, values) in &curves.columns {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let (place, name) = place(&path, |kind| curves.kind_label(kind));
        // A code that a step does not count was not seen in it. A measure has no mean where nothing was measured.
        let absent = if path.len() > 3 && path[2] != "measure" { Some(0.0) } else { None };
        let values = values.iter().map(|value| value.or(absent)).collect();
        places.entry(place).or_default().push(Series { name, values });
    }
    let mut sections: Vec<Section> = Vec::new();
    for (place, series) in places {
        let title = section_title(&place);
        let chart = chart(place, series);
        match sections.iter_mut().find(|section| section.title == title) {
            Some(section) => section.charts.push(chart),
            None => sections.push(Section { title, charts: vec![chart] }),
        }
    }
    sections.sort_by_key(|section| SECTIONS.iter().position(|title| *title == section.title).unwrap_or(SECTIONS.len()));
    sections
}

/// The chart of a number, and the name of its line there.
fn place(path: &[&str], kind_label: impl Fn(&str) -> String) -> (Position, String) {
    let (section, metric, subject, name) = match *path {
        ["groups", group, metric, ref rest @ ..] => {
            let (kind, role) = group.rsplit_once('/').unwrap_or(("", group));
            match rest {
                [] => (role, metric, String::new(), kind_label(kind)),
                _ => (role, metric, kind_label(kind), rest.join(" · ")),
            }
        }
        ["timing", stage] if STAGES.contains(&stage) => {
            ("timing", "stages", String::new(), stage.trim_end_matches("_s").to_owned())
        }
        [section, series, metric, ref rest @ ..] => match rest {
            [] => (section, metric, String::new(), kind_label(series)),
            _ => (section, metric, kind_label(series), rest.join(" · ")),
        },
        [section, metric] => (section, metric, String::new(), String::new()),
        [metric] => ("other", metric, String::new(), String::new()),
        [] => unreachable!("a row is an object, so its numbers have keys"),
    };
    let key = format!("{section}/{metric}");
    let rank = KNOWN.iter().position(|known| known.key == key).unwrap_or(KNOWN.len());
    (Position { rank, section: section.to_owned(), metric: metric.to_owned(), subject }, name)
}

fn section_title(place: &Position) -> String {
    if let Some(known) = KNOWN.get(place.rank) {
        return known.section.to_owned();
    }
    match place.section.as_str() {
        "solver" => SOLVER.to_owned(),
        "proposer" => PROPOSER.to_owned(),
        "buffer" => BUFFER.to_owned(),
        "update" => UPDATE.to_owned(),
        "timing" | "sampling" | "sandbox" => THROUGHPUT.to_owned(),
        other => sentence_case(other),
    }
}

fn chart(place: Position, mut series: Vec<Series>) -> Chart {
    let known = KNOWN.get(place.rank);
    let mut title = known.map_or_else(|| sentence_case(&place.metric), |known| known.title.to_owned());
    if !place.subject.is_empty() {
        title = format!("{title} · {}", place.subject);
    }
    let stacked = place.metric == "stages";
    if stacked {
        series.sort_by_key(|series| STAGES.iter().position(|stage| stage.trim_end_matches("_s") == series.name));
    }
    let unit = known.map_or_else(|| guess_unit(&place.metric), |known| known.unit);
    Chart { title, about: known.map_or("", |known| known.about), unit, stacked, series: with_the_rest_summed(series) }
}

/// The unit that a metric's name ends in, by the house's rule that units come last.
fn guess_unit(metric: &str) -> Unit {
    let ends_in = |endings: &[&str]| endings.iter().any(|ending| metric.ends_with(ending));
    if ends_in(&["_per_s"]) {
        Unit::PerSecond
    } else if ends_in(&["_s"]) {
        Unit::Seconds
    } else if ends_in(&["_share", "_rate", "_fraction"]) {
        Unit::Share
    } else if ends_in(&["tokens", "tokens_mean", "tokens_max"]) {
        Unit::Tokens
    } else {
        Unit::Number
    }
}

fn with_the_rest_summed(mut series: Vec<Series>) -> Vec<Series> {
    if series.len() <= SERIES_MAX {
        return series;
    }
    let total = |series: &Series| series.values.iter().flatten().sum::<f64>();
    series.sort_by(|a, b| total(b).total_cmp(&total(a)));
    let rest = series.split_off(SERIES_MAX - 1);
    let sum = |index: usize| rest.iter().filter_map(|series| series.values[index]).reduce(|a, b| a + b);
    let values = (0..rest[0].values.len()).map(sum).collect();
    series.push(Series { name: format!("{} others", rest.len()), values });
    series
}

/// `think_share` → `Think share`.
fn sentence_case(key: &str) -> String {
    let words = key.replace('_', " ");
    let mut characters = words.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(path: &[&str]) -> (String, String, String) {
        let (place, name) = place(path, |kind| kind.to_owned());
        (section_title(&place), chart(place, vec![]).title, name)
    }

    #[test]
    fn known_numbers_have_titles() {
        let placed = |path: &[&str]| placed(path);
        let text = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(
            placed(&["groups", "python/deduction/proposer", "learnable"]),
            text("Proposer", "Learnability", "python/deduction")
        );
        assert_eq!(
            placed(&["groups", "python/deduction/proposer", "rejections", "no-program"]),
            text("Validity and diversity of proposals", "Rejections · python/deduction", "no-program")
        );
        assert_eq!(placed(&["timing", "verify_s"]), text("Time and throughput", "Step time by stage", "verify"));
        assert_eq!(placed(&["update", "gradient_norm"]), text("Update", "Gradient norm", ""));
    }

    #[test]
    fn unknown_numbers_have_a_chart_too() {
        let text = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(placed(&["groups", "e/k/solver", "edit_distance"]), text("Solver", "Edit distance", "e/k"));
        assert_eq!(placed(&["replay", "hit_rate"]), text("Replay", "Hit rate", ""));
        assert_eq!(placed(&["temperature"]), text("Other", "Temperature", ""));
        assert_eq!(guess_unit("hit_rate"), Unit::Share);
        assert_eq!(guess_unit("runs_per_s"), Unit::PerSecond);
    }

    #[test]
    fn the_smallest_series_are_summed() {
        let series = (1..=10).map(|n| Series { name: n.to_string(), values: vec![Some(f64::from(n)), None] }).collect();
        let kept = with_the_rest_summed(series);
        let names: Vec<_> = kept.iter().map(|series| series.name.as_str()).collect();
        assert_eq!(names, ["10", "9", "8", "7", "6", "5", "4", "3 others"]);
        assert_eq!(kept[7].values, [Some(6.0), None]);
    }
}
