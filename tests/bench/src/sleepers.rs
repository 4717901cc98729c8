//! Sleeping instances: what each costs in memory and on disk, and how long a restart takes with all of them.

use std::{fs, time::Duration};

use crate::{
    Options, Result, compare,
    load::{self, Until},
    process::Server,
};

pub(crate) async fn run(options: &Options) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = folder.path().join("rondo.db");
    let workflows = compare::workflows("sleep");
    let engine = Server::engine(&options.engine, &workflows, &store, &[]).await?;
    let idle = engine.memory()?;
    // 1 KiB of data.
    let body = format!(r#"{{"name":"team-a","text":"{}"}}"#, "x".repeat(999));
    let each = options.sleepers.div_ceil(options.clients);
    let count = each * options.clients;
    let seen = load::post(engine.address, "/sleep", &body, options.clients, Until::Done(each)).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = engine.memory()?;
    engine.stop()?;
    let bytes = fs::metadata(&store)?.len();
    let engine = Server::engine(&options.engine, &workflows, &store, &[]).await?;
    let ready = engine.ready_after.as_secs_f64() * 1000.0;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let restarted = engine.memory()?;
    println!("{count} instances that sleep for 30 days, with 1 KiB of data each");
    println!("started      {:.0} a second, p99 {:.2} ms", seen.rate, seen.p99);
    println!("on disk      {} bytes each (goal 1638)", bytes / u64::try_from(count)?);
    println!("memory       {idle:.0} MiB before, {after:.0} MiB after, {restarted:.0} MiB after a restart");
    println!("restart      ready after {ready:.0} ms (goal 200)\n");
    Ok(())
}
