//! One self-contained HTML page about an experiment.
//!
//! Everything an experiment wrote reaches the page as one JSON text, whose characters cannot end the element around
//! it, and the page's script shows all of it as text. Most of that text is a language model's: treat it as hostile. A
//! content security policy that names the page's own script and style is the second defence behind the escaping.

use std::{
    collections::BTreeMap,
    fs::Permissions,
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize, Serializer};

use crate::regular;
use azr_core::task::Digest;

mod charts;
mod curves;
mod lines;
mod sample;

use charts::Section;
use curves::{Curves, Totals};
use sample::Sample;

/// Reads the experiment in `dir` and writes the page to `out`, whole or not at all. Returns what a reader of the page
/// should know about its input, which the page says too.
pub fn write(dir: &Path, out: &Path) -> Result<Vec<String>> {
    let data = PageData::read(dir)?;
    write_atomically(out, &page(&data)?)
        .with_context(|| format!("cannot write {}; name a writable place with --out", out.display()))?;
    Ok(data.notices)
}

/// What the page's script finds in its data element.
#[derive(Serialize)]
struct PageData {
    /// The directory's name.
    name: String,
    experiment: Option<Manifest>,
    /// `config.toml`, as it is.
    config: Option<String>,
    /// The labels of kinds, so that a kind has one colour in all charts.
    kinds: Vec<String>,
    totals: Totals,
    /// The horizontal axis of all charts.
    steps: Vec<u64>,
    /// How many steps a point of a curve covers.
    steps_per_point: usize,
    sections: Vec<Section>,
    evaluations: Vec<Evaluation>,
    #[serde(flatten)]
    sample: Sample,
    notices: Vec<String>,
}

/// `experiment.json`.
#[derive(Serialize, Deserialize)]
struct Manifest {
    version: String,
    /// As text in the page, whose numbers have 53 bits.
    #[serde(serialize_with = "as_text")]
    seed: u64,
    policy: String,
    device: String,
    environments: Vec<ManifestEnvironment>,
    started_unix_s: u64,
}

#[derive(Serialize, Deserialize)]
struct ManifestEnvironment {
    name: String,
    version: String,
    kinds: Vec<String>,
    terms: ManifestTerms,
}

#[derive(Serialize, Deserialize)]
struct ManifestTerms {
    engine: String,
    environment: String,
    executors: Vec<String>,
}

/// A row of `evaluations.jsonl`.
#[derive(Serialize, Deserialize)]
struct Evaluation {
    step: u64,
    name: String,
    temperature: f64,
    /// By `env/kind`.
    kinds: BTreeMap<String, HeldOutRate>,
}

#[derive(Serialize, Deserialize)]
struct HeldOutRate {
    tasks: u64,
    /// Attempts at each task.
    samples: u64,
    solve_rate: f64,
    standard_error: f64,
    /// Against the first evaluation at this temperature, task by task.
    #[serde(skip_serializing_if = "Option::is_none")]
    paired_difference: Option<PairedDifference>,
}

#[derive(Serialize, Deserialize)]
struct PairedDifference {
    mean: f64,
    standard_error: f64,
}

impl PageData {
    fn read(dir: &Path) -> Result<Self> {
        const FILES: [&str; 4] = ["config.toml", "experiment.json", "metrics.jsonl", "ledger.jsonl"];
        ensure!(dir.is_dir(), "{} is not a directory; give an experiment's directory", dir.display());
        if !FILES.iter().any(|name| dir.join(name).exists()) {
            bail!(
                "{} holds no experiment (none of {}); give the directory that training printed",
                dir.display(),
                FILES.join(", ")
            );
        }
        let mut notices = Vec::new();
        let curves = Curves::read(&dir.join("metrics.jsonl"), &mut notices)?;
        let totals = curves.totals();
        let kinds = curves.kinds();
        let curves = curves.thinned(curves::POINTS_MAX);
        let mut evaluations = Vec::new();
        lines::for_each(&dir.join("evaluations.jsonl"), &mut notices, |_, row| evaluations.push(row))?;
        Ok(Self {
            name: dir.canonicalize()?.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            experiment: read_manifest(&dir.join("experiment.json"), &mut notices)?,
            config: read_if_exists(&dir.join("config.toml"))?,
            kinds,
            totals,
            sections: charts::sections(&curves),
            steps_per_point: curves.steps_per_point,
            steps: curves.steps,
            evaluations,
            sample: Sample::read(&dir.join("tasks.jsonl"), &dir.join("ledger.jsonl"), &mut notices)?,
            notices,
        })
    }
}

fn read_manifest(path: &Path, notices: &mut Vec<String>) -> Result<Option<Manifest>> {
    let Some(text) = read_if_exists(path)? else {
        return Ok(None);
    };
    let manifest = serde_json::from_str(&text);
    Ok(manifest.inspect_err(|error| notices.push(format!("experiment.json is not readable: {error}"))).ok())
}

fn as_text<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

/// The text of a file that an experiment may not have written yet.
fn read_if_exists(path: &Path) -> Result<Option<String>> {
    let (folder, name) = (path.parent().unwrap_or(Path::new(".")), path.file_name().unwrap_or_default());
    let Some(mut file) = regular::open_if_exists(folder, &name.to_string_lossy())? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// The page: a template whose places are filled once each, the data last, so that nothing in the data is taken for a
/// place.
fn page(data: &PageData) -> Result<String> {
    const TEMPLATE: &str = include_str!("report/page.html");
    const STYLE: &str = include_str!("report/page.css");
    const SCRIPT: &str = concat!(
        include_str!("report/text.js"),
        include_str!("report/chart.js"),
        include_str!("report/held_out.js"),
        include_str!("report/browser.js"),
        include_str!("report/page.js"),
    );
    let data = inert_json(&serde_json::to_string(data)?);
    // Text inside the data cannot contain the hash of the data, so it cannot name this nonce.
    let nonce = Digest::of(&data).to_string();
    let template = TEMPLATE.replace("{{nonce}}", &nonce);
    let (head, rest) = template.split_once("{{style}}").context("the page's template has no place for the style")?;
    let (middle, rest) = rest.split_once("{{data}}").context("the page's template has no place for the data")?;
    let (tail, end) = rest.split_once("{{script}}").context("the page's template has no place for the script")?;
    Ok([head, STYLE, middle, &data, tail, SCRIPT, end].concat())
}

/// JSON with the characters escaped that HTML could read as markup inside a script element, and the two line
/// separators that editors trip over.
fn inert_json(json: &str) -> String {
    let mut inert = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' | '>' | '&' | '\u{7f}' | '\u{2028}' | '\u{2029}' => {
                inert.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => inert.push(character),
        }
    }
    inert
}

fn write_atomically(path: &Path, text: &str) -> Result<()> {
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    // A page is for sharing: the user's mask decides who reads it, not the privacy of temporary files.
    let mut file =
        tempfile::Builder::new().prefix(".report-").permissions(Permissions::from_mode(0o666)).tempfile_in(dir)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
