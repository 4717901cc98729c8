//! Events into many waiting instances, beside the bare server: how many a second find their instance and end it, and what an instance that
//! waits costs in memory.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::{
    Options, Result, compare,
    load::{self, Seen, Until},
    process::Server,
    startup::median,
};

/// The ratio to the bare server that is aimed at.
const GOAL: f64 = 0.50;

/// How long the last instances may take to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// Far from its neighbours, so that events that follow each other do not share the pages of their instances. It is a prime.
const STRIDE: usize = 7919;

pub(crate) async fn run(options: &Options) -> Result<()> {
    let each = options.waiting.div_ceil(options.clients);
    let waiting = each * options.clients;
    println!(
        "one event for each of {waiting} waiting instances at random, {} clients, until the instances have ended",
        options.clients
    );
    println!("{:>8} {:>12} {:>10} {:>10}", "", "ended/s", "median ms", "p99 ms");
    let (mut ratios, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let folder = tempfile::tempdir()?;
        let store = format!("sqlite://{}", folder.path().join("bare.db").display());
        let arguments = ["--store", store.as_str(), "--fill", &waiting.to_string()];
        let bare = Server::own("bare", &arguments).await?;
        let seen_of_bare = measure("bare", &bare, waiting, options).await?;
        drop(bare);
        let store = folder.path().join("rondo.db");
        let engine = Server::engine(&options.engine, &compare::workflows("wait"), &store, &[]).await?;
        // What the first instances bring into memory for all does not count.
        let warm = waiting / 10;
        fill(engine.address, 0, warm, options.clients).await?;
        let before = engine.memory()?;
        fill(engine.address, warm, waiting, options.clients).await?;
        let after = engine.memory()?;
        #[allow(clippy::cast_precision_loss, reason = "for people")]
        bytes.push((after - before) * 1024.0 * 1024.0 / (waiting - warm) as f64);
        let seen = measure("rondo", &engine, waiting, options).await?;
        ratios.push(seen / seen_of_bare);
    }
    println!(
        "ratio to the bare server {:.2}, goal {GOAL:.2}; memory {:.0} bytes for each waiting instance (goal: none)\n",
        median(&mut ratios),
        median(&mut bytes)
    );
    Ok(())
}

/// Starts the instances of these numbers, and waits until nothing is going on.
async fn fill(server: SocketAddr, from: usize, to: usize, clients: usize) -> Result<()> {
    let request = move |client: usize, turn: usize| {
        let number = from + turn * clients + client;
        (number < to).then(|| start(server, number))
    };
    load::send(server, clients, Until::Exhausted, 201, request).await?;
    until_idle(server).await
}

/// Sends events for some time; how many instances have ended a second.
async fn measure(who: &str, server: &Server, waiting: usize, options: &Options) -> Result<f64> {
    let (clients, address) = (options.clients, server.address);
    let stride = if waiting.is_multiple_of(STRIDE) { 1 } else { STRIDE };
    let request = move |client: usize, turn: usize| {
        let number = turn * clients + client;
        (number < waiting).then(|| event(address, number * stride % waiting))
    };
    let begin = Instant::now();
    let until = Until::Passed(Duration::from_secs(options.seconds));
    let seen = load::send(address, clients, until, 202, request).await?;
    until_idle(address).await?;
    let Seen { count, median, p99, .. } = seen;
    #[allow(clippy::cast_precision_loss, reason = "for people")]
    let rate = count as f64 / begin.elapsed().as_secs_f64();
    println!("{who:>8} {rate:>12.0} {median:>10.2} {p99:>10.2}");
    Ok(rate)
}

fn start(server: SocketAddr, number: usize) -> String {
    let body = format!(r#"{{"order":{number}}}"#);
    load::request(server, "/wait", "", &body)
}

fn event(server: SocketAddr, number: usize) -> String {
    let head = format!(
        "ce-specversion: 1.0\r\nce-id: {number}\r\nce-source: /desk\r\nce-type: order.approved\r\nce-order: {number}\r\n"
    );
    load::request(
        server,
        "/",
        &head,
        r#"{"by":"user:default/jdoe","level":2,"remark":"as agreed on Monday"}"#,
    )
}

/// Waits until a server works on no instance any more.
async fn until_idle(server: SocketAddr) -> Result<()> {
    let begin = Instant::now();
    while at_work(server).await? > 0 {
        if begin.elapsed() > PATIENCE {
            return Err("the instances do not come to an end".into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

async fn at_work(server: SocketAddr) -> Result<u64> {
    const NAME: &str = "rondo_instances_in_memory ";
    let text = reqwest::get(format!("http://{server}/q/metrics")).await?.text().await?;
    let number = text.lines().find_map(|line| line.strip_prefix(NAME)).ok_or("there is no such figure")?;
    Ok(number.trim().parse()?)
}
