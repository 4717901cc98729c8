//! `/q/metrics`: counters and gauges in the text format of Prometheus.
//!
//! Promises: like health, an answer reads memory only and never waits.

use std::fmt::Write;

use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{app::App, damaged_rows};

/// The route `/q/metrics`.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/q/metrics", get(show))
}

async fn show(State(app): State<App>) -> Response {
    let (memory, connections) = (app.engine.memory(), &app.connections);
    let calls = app.engine.call_load();
    let writes = app.engine.store().health().is_ok();
    let events = app.engine.event_status();
    let oldest = events.oldest_age(app.engine.now()).unwrap_or_default();
    let metrics = [
        ("rondo_memory_used_bytes", "Bytes of the budget that bodies, answers and data hold", memory.used()),
        ("rondo_memory_total_bytes", "Bytes of the budget (rondo.limits.memory)", memory.total()),
        ("rondo_http_connections", "Open connections of clients", connections.count() as u64),
        (
            "rondo_http_connections_max",
            "Connections that may be open (rondo.http.max-connections and the limit of open files)",
            connections.most() as u64,
        ),
        (
            "rondo_instances_in_memory",
            "Instances that are worked on or wait for a call",
            app.engine.active_instances() as u64,
        ),
        ("rondo_calls_in_flight", "Calls of services in flight", calls.in_flight as u64),
        ("rondo_calls_waiting", "Calls of services that wait for their turn", calls.waiting as u64),
        (
            "rondo_calls_max",
            "Calls of services that may be in flight (rondo.http.max-calls)",
            calls.most as u64,
        ),
        (
            "rondo_database_readable",
            "1 while the database gives what is asked for",
            u64::from(app.database.gives()),
        ),
        ("rondo_database_writable", "1 while the database takes what is written", u64::from(writes)),
        (
            "rondo_damaged_instances",
            "Instances that could not be read since the start",
            damaged_rows::count(&app),
        ),
        ("rondo_outbox_rows", "Events that wait to be sent", events.outbox_rows),
        (
            "rondo_outbox_rows_max",
            "Events that may wait to be sent (rondo.events.max-outbox)",
            events.max_outbox,
        ),
        ("rondo_outbox_oldest_seconds", "Time that the oldest event has waited to be sent", oldest.as_secs()),
        ("rondo_kept_events", "Events that are kept until an instance waits for them", events.kept),
        ("rondo_kept_events_max", "Events that may be kept (rondo.events.max-kept)", events.max_kept),
        (
            "rondo_kept_event_bytes",
            "Bytes of the events that are kept or that an instance has not dealt with yet",
            events.kept_bytes,
        ),
        (
            "rondo_kept_event_bytes_max",
            "Bytes that these events may have (rondo.events.max-kept-bytes)",
            events.max_kept_bytes,
        ),
        ("rondo_events_received_total", "Events that came since the start", events.received),
        ("rondo_events_unwanted_total", "Events that nobody wanted since the start", events.unwanted),
    ];
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&metrics)).into_response()
}

/// Writes metrics, each given by name, meaning and value. By the rules of Prometheus, the name of a counter ends with `_total`.
fn text(metrics: &[(&str, &str, u64)]) -> String {
    metrics.iter().fold(String::new(), |mut text, (name, meaning, value)| {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        // Writing into a `String` does not fail.
        let _ = writeln!(text, "# HELP {name} {meaning}\n# TYPE {name} {kind}\n{name} {value}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_has_its_meaning_and_type() {
        let metrics = [("a_bytes", "Bytes of a", 7), ("b", "Whether b", 0), ("c_total", "All c", 1)];
        insta::assert_snapshot!(text(&metrics), @r"
        # HELP a_bytes Bytes of a
        # TYPE a_bytes gauge
        a_bytes 7
        # HELP b Whether b
        # TYPE b gauge
        b 0
        # HELP c_total All c
        # TYPE c_total counter
        c_total 1
        ");
    }
}
