//! What Prometheus asks for.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Upper ends of the histogram's buckets, in seconds: from a trivial program to one that waits behind a full queue.
const BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0, 600.0];

#[derive(Default)]
pub(super) struct Metrics {
    routes: Mutex<BTreeMap<&'static str, RouteCounts>>,
    /// Of programs and judges.
    fuel: AtomicU64,
    items: AtomicU64,
    faults: AtomicU64,
}

#[derive(Default)]
struct RouteCounts {
    by_status: BTreeMap<u16, u64>,
    buckets: [u64; BUCKETS.len()],
    seconds: f64,
    count: u64,
}

impl Metrics {
    pub(super) fn answered(&self, route: &'static str, status: u16, took: Duration) {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let route = routes.entry(route).or_default();
        *route.by_status.entry(status).or_default() += 1;
        let seconds = took.as_secs_f64();
        route.seconds += seconds;
        route.count += 1;
        for (bucket, end) in route.buckets.iter_mut().zip(BUCKETS) {
            *bucket += u64::from(seconds <= end);
        }
    }

    pub(super) fn item(&self, fuel: u64) {
        self.items.fetch_add(1, Ordering::Relaxed);
        self.fuel.fetch_add(fuel, Ordering::Relaxed);
    }

    pub(super) fn fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    /// The text format of Prometheus, version 0.0.4.
    pub(super) fn text(&self, waiting: usize) -> String {
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, samples: String| {
            let _infallible = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{samples}");
        };
        let single = |name: &str, value: u64| format!("{name} {value}\n");
        let (mut requests, mut seconds) = (String::new(), String::new());
        for (route, RouteCounts { by_status, buckets, seconds: total, count }) in
            &*self.routes.lock().unwrap_or_else(PoisonError::into_inner)
        {
            for (status, count) in by_status {
                requests += &format!("azr_requests_total{{route=\"{route}\",status=\"{status}\"}} {count}\n");
            }
            for (bucket, end) in buckets.iter().zip(BUCKETS) {
                seconds += &format!("azr_request_seconds_bucket{{route=\"{route}\",le=\"{end}\"}} {bucket}\n");
            }
            seconds += &format!("azr_request_seconds_bucket{{route=\"{route}\",le=\"+Inf\"}} {count}\n");
            seconds += &format!("azr_request_seconds_sum{{route=\"{route}\"}} {total}\n");
            seconds += &format!("azr_request_seconds_count{{route=\"{route}\"}} {count}\n");
        }
        let (items, fuel, faults) = (&self.items, &self.fuel, &self.faults);
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        family("azr_requests_total", "counter", "Requests that were answered.", requests);
        family("azr_request_seconds", "histogram", "From the whole request to its answer.", seconds);
        family("azr_waiting_items", "gauge", "Items that wait or run.", single("azr_waiting_items", waiting as u64));
        family("azr_items_total", "counter", "Items that were answered.", single("azr_items_total", read(items)));
        family("azr_fuel_total", "counter", "Fuel that programs used.", single("azr_fuel_total", read(fuel)));
        family("azr_faults_total", "counter", "Items without a conclusion.", single("azr_faults_total", read(faults)));
        text
    }
}
