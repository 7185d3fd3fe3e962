//! The numbers of `metrics.jsonl` as columns over steps.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lines;

/// Points of one curve in the page: about two per pixel of a chart's width, and a page of a few megabytes for any
/// number of steps.
pub(super) const POINTS_MAX: usize = 800;

/// The path to a number in a row: `["update", "loss"]`.
pub(super) type NumberPath = Vec<String>;

/// Every number of every row.
pub(super) struct Curves {
    pub steps: Vec<u64>,
    /// One value per step; none where the row has no such number.
    pub columns: BTreeMap<NumberPath, Vec<Option<f64>>>,
    /// How many steps one entry of `steps` covers.
    pub steps_per_point: usize,
}

/// Sums over the whole experiment.
#[derive(Serialize)]
pub(super) struct Totals {
    steps: usize,
    completions: f64,
    tokens: f64,
    runs: f64,
    faults: f64,
    seconds: f64,
}

#[derive(Deserialize)]
struct MetricsRow {
    step: u64,
    #[serde(flatten)]
    numbers: Map<String, Value>,
}

impl Curves {
    /// Reads `metrics.jsonl`. Where a step was written twice, as after a resume, its last row counts.
    pub(super) fn read(path: &Path, notices: &mut Vec<String>) -> Result<Self> {
        let mut rows = BTreeMap::new();
        lines::for_each(path, notices, |_, MetricsRow { step, numbers }| {
            let mut found = Vec::new();
            collect_numbers(&mut Vec::new(), &Value::Object(numbers), &mut found);
            rows.insert(step, found);
        })?;
        let mut columns = BTreeMap::new();
        for (index, row) in rows.values().enumerate() {
            for (path, number) in row {
                let column = columns.entry(path.clone()).or_insert_with(|| vec![None; rows.len()]);
                column[index] = Some(*number);
            }
        }
        Ok(Self { steps: rows.into_keys().collect(), columns, steps_per_point: 1 })
    }

    pub(super) fn totals(&self) -> Totals {
        let sum = |section: &str, metric: &str| {
            let column = self.columns.get([section.to_owned(), metric.to_owned()].as_slice());
            column.into_iter().flatten().flatten().fold(0.0, |sum, number| sum + number)
        };
        Totals {
            steps: self.steps.len(),
            completions: sum("sampling", "completions"),
            tokens: sum("sampling", "tokens"),
            runs: sum("sandbox", "runs"),
            faults: sum("sandbox", "faults"),
            seconds: sum("timing", "step_s"),
        }
    }

    /// The labels of the kinds that have groups.
    pub(super) fn kinds(&self) -> Vec<String> {
        let kinds: BTreeSet<_> = self.group_kinds().map(|kind| self.kind_label(kind)).collect();
        kinds.into_iter().collect()
    }

    /// `python/deduction` is just `deduction` where the experiment has one environment.
    pub(super) fn kind_label(&self, kind: &str) -> String {
        let environments: BTreeSet<_> =
            self.group_kinds().filter_map(|kind| kind.rsplit_once('/')).map(|(env, _)| env).collect();
        match kind.rsplit_once('/') {
            Some((_, name)) if environments.len() < 2 => name.to_owned(),
            _ => kind.to_owned(),
        }
    }

    /// The `env/kind` of every group, repeated.
    fn group_kinds(&self) -> impl Iterator<Item = &str> {
        let groups = self.columns.keys().filter(|path| path[0] == "groups" && path.len() > 2);
        groups.filter_map(|path| path[1].rsplit_once('/')).map(|(kind, _role)| kind)
    }

    /// At most `points_max` points: each is the mean of as many neighbouring steps as that takes, at the last of them.
    pub(super) fn thinned(self, points_max: usize) -> Self {
        let width = self.steps.len().div_ceil(points_max).max(1);
        let mean = |values: &[Option<f64>]| {
            let present: Vec<f64> = values.iter().copied().flatten().collect();
            (!present.is_empty()).then(|| present.iter().sum::<f64>() / present.len() as f64)
        };
        let columns = self.columns.into_iter();
        Self {
            steps: self.steps.chunks(width).map(|steps| steps[steps.len() - 1]).collect(),
            columns: columns.map(|(path, column)| (path, column.chunks(width).map(mean).collect())).collect(),
            steps_per_point: width,
        }
    }
}

/// Appends the path and value of every number under `value`.
fn collect_numbers(path: &mut NumberPath, value: &Value, found: &mut Vec<(NumberPath, f64)>) {
    match value {
        Value::Number(number) => found.extend(number.as_f64().map(|number| (path.clone(), number))),
        Value::Object(entries) => {
            for (key, value) in entries {
                path.push(key.clone());
                collect_numbers(path, value, found);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curves(rows: &str) -> Curves {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        std::fs::write(&path, rows).unwrap();
        Curves::read(&path, &mut Vec::new()).unwrap()
    }

    #[test]
    fn numbers_at_any_depth_become_columns_and_gaps_stay_gaps() {
        let curves =
            curves("{\"step\":2,\"a\":{\"b\":{\"c\":7}}}\n{\"step\":1,\"a\":{\"d\":-0.5,\"e\":null,\"f\":\"x\"}}\n");
        assert_eq!(curves.steps, [1, 2]);
        let columns: Vec<_> = curves.columns.iter().map(|(path, column)| (path.join("/"), column.clone())).collect();
        assert_eq!(columns, [("a/b/c".into(), vec![None, Some(7.0)]), ("a/d".into(), vec![Some(-0.5), None])]);
    }

    #[test]
    fn a_step_written_again_replaces_the_first() {
        let curves = curves("{\"step\":1,\"a\":1}\n{\"step\":2,\"a\":2,\"b\":1}\n{\"step\":2,\"a\":3}\n");
        assert_eq!(curves.columns[&vec!["a".to_owned()]], [Some(1.0), Some(3.0)]);
        assert_eq!(curves.columns.len(), 1);
    }

    #[test]
    fn thinning_takes_the_mean_of_neighbours() {
        let rows: String = (1..=5).map(|step| format!("{{\"step\":{step},\"a\":{}}}\n", step * step)).collect();
        let thinned = curves(&rows).thinned(3);
        assert_eq!(thinned.steps, [2, 4, 5]);
        assert_eq!(thinned.columns[&vec!["a".to_owned()]], [Some(2.5), Some(12.5), Some(25.0)]);
        assert_eq!(thinned.steps_per_point, 2);
    }

    #[test]
    fn the_environment_is_named_only_where_there_are_several() {
        let one = curves("{\"step\":1,\"groups\":{\"python/deduction/solver\":{\"rollouts\":4}}}\n");
        assert_eq!(one.kinds(), ["deduction"]);
        let two =
            curves("{\"step\":1,\"groups\":{\"python/deduction/solver\":{\"n\":4},\"sql/query/solver\":{\"n\":4}}}\n");
        assert_eq!(two.kinds(), ["python/deduction", "sql/query"]);
    }
}
