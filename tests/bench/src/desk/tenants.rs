//! Many requests of many tenants at once: how many a second are provisioned with the rules of the desk and without them, how many of a tenant
//! run at once, and whether one is left behind.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    client::Desk,
    fairness::{self, Span},
    serve,
};
use crate::{
    Options, Result,
    load::{self, Seen, Until},
    process::Server,
    startup::median,
};

/// Tenants, each with as many requests as the others.
const TENANTS: usize = 50;

/// Approval rules that are looked at for each request and hold none.
const RULES: usize = 10;

/// The share of requests that succeed; the others fail at some step and are rolled back.
const SUCCESS_RATE: f64 = 0.9;

/// The rate with rules beside the rate without them that is aimed at.
const GOAL: f64 = 0.90;

/// Requests of a tenant that run at once at most, as the properties of the flows say.
const AT_ONCE: usize = 5;

/// How long nothing may be done before it counts as stuck.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often it is looked at how far the requests are.
const INTERVAL: Duration = Duration::from_millis(200);

/// Far from its neighbours, so that requests of a tenant come neither together nor in the order of the tenants. It is a prime.
const STRIDE: usize = 7919;

/// What became of the requests of one run.
struct Outcome {
    asked: Seen,
    /// Requests that came to their end a second, from the first question to the last end.
    rate: f64,
    seconds: f64,
    begin: i64,
    /// When requests of each tenant were done, in the order of the log.
    done: BTreeMap<String, Vec<i64>>,
    /// When flows worked on requests of each tenant.
    spans: BTreeMap<String, Vec<Span>>,
    most_memory: f64,
    idle_memory: f64,
    /// Seconds of processors that the engine took.
    cpu: f64,
    bytes: u64,
}

pub(crate) async fn run(options: &Options) -> Result<()> {
    let count = options.requests.div_ceil(TENANTS) * TENANTS;
    println!(
        "{count} requests of {TENANTS} tenants at once, {} clients, provisioned by the flow `provision-simulation`; rules: {AT_ONCE} of a \
         tenant at once, a quota for each, {RULES} approval rules; {:.0} % fail and are rolled back",
        options.clients,
        100.0 * (1.0 - SUCCESS_RATE)
    );
    println!(
        "{:>8} {:>10} {:>10} {:>10} {:>12} {:>12} {:>12} {:>10}",
        "rules", "asked/s", "done/s", "seconds", "CPU ms each", "at once", "memory MiB", "KiB each"
    );
    let (mut rates_beside, mut cpu_beside) = (Vec::new(), Vec::new());
    for round in 0..options.rounds {
        let (mut rates, mut cpu) = ([0.0; 2], [0.0; 2]);
        // Who comes first changes, since the disk may be slower later.
        for has_rules in [round % 2 == 1, round % 2 == 0] {
            let folder = tempfile::tempdir()?;
            let server = serve(options, folder.path(), has_rules).await?;
            let mut outcome = measure(&server, options, count, has_rules).await?;
            server.stop()?;
            outcome.bytes = std::fs::metadata(folder.path().join("rondo.db"))?.len();
            outcome.print(has_rules, count);
            if has_rules {
                outcome.check_tenants()?;
            }
            (rates[usize::from(has_rules)], cpu[usize::from(has_rules)]) = (outcome.rate, outcome.cpu);
        }
        rates_beside.push(rates[1] / rates[0]);
        cpu_beside.push(cpu[1] / cpu[0]);
    }
    println!(
        "with rules beside without: rate {:.2} (goal {GOAL:.2}), time of processors {:.2}\n",
        median(&mut rates_beside),
        median(&mut cpu_beside)
    );
    Ok(())
}

impl Outcome {
    fn print(&self, has_rules: bool, count: usize) {
        let most = self.spans.values().map(|spans| fairness::most_at_once(spans)).max().unwrap_or_default();
        println!(
            "{:>8} {:>10.0} {:>10.0} {:>10.1} {:>12.2} {:>12} {:>12} {:>10.1}",
            if has_rules { "yes" } else { "no" },
            self.asked.rate,
            self.rate,
            self.seconds,
            1000.0 * each(self.cpu, count),
            most,
            format!("{:.0}→{:.0}", self.idle_memory, self.most_memory),
            each(kib(self.bytes), count)
        );
    }

    /// Fails if more of a tenant ran than may, and says how evenly tenants got on.
    fn check_tenants(&self) -> Result<()> {
        for (tenant, spans) in &self.spans {
            let most = fairness::most_at_once(spans);
            if most > AT_ONCE {
                return Err(format!("{most} requests of {tenant} ran at once; {AT_ONCE} may").into());
            }
        }
        let progress = fairness::progress(self.begin, &self.done);
        println!(
            "         each tenant's k-th request was done within {:.1} s of those of the others ({:.0} % of all the time; widest for k = {}); \
             nothing of a tenant was done for {:.1} s at most, {:.2} s on average",
            progress.widest_spread,
            100.0 * progress.widest_spread / self.seconds,
            progress.widest_at,
            progress.longest_gap,
            progress.mean_gap
        );
        Ok(())
    }
}

async fn measure(server: &Server, options: &Options, count: usize, has_rules: bool) -> Result<Outcome> {
    let desk = Desk::of(server);
    desk.make_cluster("simulation", &json!({"successRate": SUCCESS_RATE, "seed": 1})).await?;
    make_pools(&desk, has_rules).await?;
    let (address, clients) = (server.address, options.clients);
    let stride = if count.is_multiple_of(STRIDE) { 1 } else { STRIDE };
    let request = move |client: usize, turn: usize| {
        let number = turn * clients + client;
        let body = request(number * stride % count);
        (number < count).then(|| load::request(address, "/desk/v1/requests", "", &body))
    };
    let (idle_memory, idle_cpu) = (server.memory()?, server.cpu()?);
    let begin = Timestamp::now().as_millisecond();
    let started = Instant::now();
    let asked = load::send(address, clients, Until::Exhausted, 201, request);
    let (asked, (done, most_memory)) = tokio::try_join!(asked, wait_for_all(server, &desk, count))?;
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), server.cpu()? - idle_cpu);
    let rate = 1.0 / each(seconds, count);
    let spans = spans(&desk).await?;
    Ok(Outcome { asked, rate, seconds, begin, done, spans, most_memory, idle_memory, cpu, bytes: 0 })
}

/// One pool a tenant. With rules it has a quota, who asks has a grant, and approval rules are looked at.
async fn make_pools(desk: &Desk, has_rules: bool) -> Result<()> {
    for number in 0..TENANTS {
        let mut pool = json!({"kind": "tenant", "name": tenant(number), "grants": [{"to": "everyone", "actions": ["create"]}]});
        if has_rules {
            pool["quota"] =
                json!({"instances": 100_000, "cpu": 200_000, "memoryGiB": 400_000, "storageGiB": 4_000_000});
        }
        desk.send(Method::PUT, &format!("/pools/{}", tenant(number)), &pool).await?;
    }
    for number in 0..RULES * usize::from(has_rules) {
        let rule = json!({"name": format!("rule {number}"), "priority": number, "minCpu": 16 + number, "types": ["vps"], "approvers": ["role:reviewer"]});
        desk.send(Method::POST, "/approval-rules", &rule).await?;
    }
    Ok(())
}

fn tenant(number: usize) -> String {
    format!("tenant-{number:02}")
}

fn request(number: usize) -> String {
    let asked = json!({
        "pool": tenant(number % TENANTS), "requester": "user:default/jane", "type": "vps", "provider": "simulation",
        "name": format!("shop-{number}"), "region": "eu", "orderId": format!("order-{number}"),
        "resources": {"instances": 1, "cpu": 2, "memoryGiB": 4, "storageGiB": 40},
    });
    asked.to_string()
}

/// Follows the log of events until all requests are done. Answers when those of each tenant were, and the most memory that the engine took.
async fn wait_for_all(
    server: &Server,
    desk: &Desk,
    count: usize,
) -> Result<(BTreeMap<String, Vec<i64>>, f64)> {
    let mut done: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let (mut ended, mut progress, mut memory) = (0, Instant::now(), 0.0_f64);
    let mut last: Option<String> = None;
    while ended < count {
        let after = last.as_ref().map(|id| format!("?after={id}")).unwrap_or_default();
        let page = desk.page(&format!("/events{after}")).await?;
        memory = memory.max(server.memory()?);
        for event in &page.items {
            last = event["id"].as_str().map(str::to_owned).or(last);
            match event["type"].as_str() {
                Some("provisioning.completed" | "provisioning.rolled-back") => {
                    let pool = event["pool"].as_str().unwrap_or_default().to_owned();
                    done.entry(pool).or_default().push(moment(&event["time"])?);
                    (ended, progress) = (ended + 1, Instant::now());
                }
                // Something is recorded of each, so those that fail at a step are rolled back; others would be refused ones.
                Some("provisioning.failed") if event["data"]["failure"]["code"] != "SIMULATED_FAILURE" => {
                    return Err(format!("a request was refused: {event}").into());
                }
                _ => {}
            }
        }
        if progress.elapsed() > PATIENCE {
            return Err(format!("{ended} of {count} requests are done, and no more for a minute").into());
        }
        if page.next.is_none() {
            tokio::time::sleep(INTERVAL).await;
        }
    }
    Ok((done, memory))
}

/// When flows worked on the requests of each tenant: from their first report to their last.
async fn spans(desk: &Desk) -> Result<BTreeMap<String, Vec<Span>>> {
    let mut spans: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = desk.page(&format!("/requests?limit=200{cursor}")).await?;
        for request in &page.items {
            let steps = request["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
            let Some(first) = steps.first() else { continue };
            let pool = request["pool"].as_str().unwrap_or_default().to_owned();
            let span = (moment(&first["startedAt"])?, moment(&request["changedAt"])?);
            spans.entry(pool).or_default().push(span);
        }
        let Some(next) = page.next else { return Ok(spans) };
        cursor = format!("&cursor={next}");
    }
}

fn moment(value: &Value) -> Result<i64> {
    let text = value.as_str().ok_or("a moment is a text")?;
    Ok(text.parse::<Timestamp>()?.as_millisecond())
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn kib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn each(all: f64, count: usize) -> f64 {
    all / count as f64
}
