//! Benchmarks of the real binary.
//!
//! `cargo run --release -p rondo-bench` runs all of them. Each prints a table: what was measured, the goal, and ratios of figures
//! from one and the same run, because absolute figures tell more about a machine than about a program.
//!
//! * `starts`: start → switch → inject → end over REST, beside a bare server that does the same by hand;
//! * `calls`: the same with one durable HTTP call;
//! * `startup`: from the start of the process to the first answer, and the memory it takes when idle;
//! * `events`: events into many waiting instances, beside a bare server that commits the same rows, and the memory of an instance that waits;
//! * `sleepers`: instances that sleep: memory, disk, and the time of a restart;
//! * `desk`: requests of many tenants at once with the rules of the desk and without them, and pages of long lists.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

mod bare;
mod bare_events;
mod compare;
mod desk;
mod events;
mod load;
mod process;
mod service;
mod sleepers;
mod startup;

use std::{error::Error, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Benchmarks of the real binary.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    options: Options,
}

/// What all benchmarks share.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// The engine's binary; `cargo build --release` makes it.
    #[arg(long, global = true, default_value = "target/release/rondo")]
    engine: PathBuf,
    /// Connections that start instances, each one after the other.
    #[arg(long, global = true, default_value_t = 64)]
    clients: usize,
    /// Seconds that one measurement takes.
    #[arg(long, global = true, default_value_t = 5)]
    seconds: u64,
    /// How often engine and bare server take turns.
    #[arg(long, global = true, default_value_t = 3)]
    rounds: usize,
    /// Instances that wait for an event each.
    #[arg(long, global = true, default_value_t = 100_000)]
    waiting: usize,
    /// Instances that sleep.
    #[arg(long, global = true, default_value_t = 100_000)]
    sleepers: usize,
    /// Requests of the desk that are provisioned at once.
    #[arg(long, global = true, default_value_t = 10_000)]
    requests: usize,
    /// Requests of the desk that lists have.
    #[arg(long, global = true, default_value_t = 100_000)]
    listed: usize,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Instances started a second, beside a bare server.
    Starts,
    /// Instances with one durable call a second, beside a bare server.
    Calls,
    /// Events a second into many waiting instances, beside a bare server.
    Events,
    /// Cold start and idle memory.
    Startup,
    /// Memory, disk and restart with sleeping instances.
    Sleepers,
    /// Requests of many tenants at once, and long lists.
    Desk {
        #[command(subcommand)]
        part: Option<desk::Part>,
    },
    /// The bare server (started by the others).
    #[command(hide = true)]
    Bare {
        #[arg(long)]
        listen: SocketAddr,
        #[arg(long)]
        store: String,
        #[arg(long)]
        service: Option<String>,
        /// Instances to have wait for an event before it is ready.
        #[arg(long, default_value_t = 0)]
        fill: usize,
    },
    /// The service that is called (started by the others).
    #[command(hide = true)]
    Service {
        #[arg(long)]
        listen: SocketAddr,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    // A second installation can only mean that it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Cli { what, options } = Cli::parse();
    let outcome = match what {
        Some(What::Bare { listen, store, service, fill }) => bare::serve(listen, &store, service, fill).await,
        Some(What::Service { listen }) => service::serve(listen).await,
        Some(What::Starts) => compare::starts(&options).await,
        Some(What::Calls) => compare::calls(&options).await,
        Some(What::Events) => events::run(&options).await,
        Some(What::Startup) => startup::run(&options).await,
        Some(What::Sleepers) => sleepers::run(&options).await,
        Some(What::Desk { part }) => desk::run(&options, part).await,
        None => all(&options).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn all(options: &Options) -> Result<()> {
    compare::starts(options).await?;
    compare::calls(options).await?;
    events::run(options).await?;
    startup::run(options).await?;
    sleepers::run(options).await?;
    desk::run(options, None).await
}
