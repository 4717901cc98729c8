//! The engine beside the bare server, taking turns.

use std::{path::PathBuf, time::Duration};

use crate::{
    Options, Result,
    load::{self, Seen, Until},
    process::Server,
};

/// start → switch → inject → end.
pub(crate) async fn starts(options: &Options) -> Result<()> {
    let body = r#"{"name":"team-a","size":"large","requester":"user:default/jdoe"}"#;
    println!("start → switch → inject → end, {} clients, durable before the answer", options.clients);
    compare(options, "switch", body, None, 0.60).await
}

/// start → call → end.
pub(crate) async fn calls(options: &Options) -> Result<()> {
    let service = Server::own("service", &[]).await?;
    let url = format!("http://{}", service.address);
    println!("one durable HTTP call, {} clients", options.clients);
    compare(options, "call", r#"{"name":"team-a","size":"large"}"#, Some(url), 0.40).await
}

async fn compare(
    options: &Options,
    workflow: &str,
    body: &str,
    service: Option<String>,
    goal: f64,
) -> Result<()> {
    let path = format!("/{workflow}");
    let until = Until::Passed(Duration::from_secs(options.seconds));
    let mut ratios = Vec::new();
    let mut memory = 0.0_f64;
    println!("{:>8} {:>12} {:>10} {:>10}", "", "answers/s", "median ms", "p99 ms");
    for _ in 0..options.rounds {
        let folder = tempfile::tempdir()?;
        let store = format!("sqlite://{}", folder.path().join("bare.db").display());
        let mut arguments = vec!["--store", store.as_str()];
        if let Some(service) = &service {
            arguments.extend(["--service", service.as_str()]);
        }
        let bare = Server::own("bare", &arguments).await?;
        let seen_of_bare = load::post(bare.address, &path, body, options.clients, until).await?;
        drop(bare);
        tell("bare", &seen_of_bare);
        let environment: Vec<_> = service.iter().map(|url| ("SERVICE_URL", url.clone())).collect();
        let store = folder.path().join("rondo.db");
        let engine = Server::engine(&options.engine, &workflows(workflow), &store, &environment).await?;
        let seen = load::post(engine.address, &path, body, options.clients, until).await?;
        tell("rondo", &seen);
        memory = memory.max(engine.memory()?);
        ratios.push(seen.rate / seen_of_bare.rate);
    }
    ratios.sort_by(f64::total_cmp);
    let (least, most) =
        (ratios.first().copied().unwrap_or_default(), ratios.last().copied().unwrap_or_default());
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or_default();
    println!(
        "ratio to the bare server {median:.2} ({least:.2} to {most:.2}), goal {goal:.2}; memory under load {memory:.0} MiB\n"
    );
    Ok(())
}

fn tell(who: &str, seen: &Seen) {
    println!("{who:>8} {:>12.0} {:>10.2} {:>10.2}", seen.rate, seen.median, seen.p99);
}

/// The folder of a workflow of the benchmarks.
pub(crate) fn workflows(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("workflows").join(name)
}
