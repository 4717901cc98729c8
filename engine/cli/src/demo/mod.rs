//! `rondo demo`: the main jobs from beginning to end, with simulated services.
//!
//! Promises: it works in any folder, and leaves nothing behind however it ends, `kill -9` aside.

mod namespace;
mod platform;
mod stage;

use std::{process::ExitCode, time::Duration, time::Instant};

/// How often a demo looks what has happened: short enough that lines appear as things happen.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Exit code of a demo that a signal ended before its requests ended: the code of shells for SIGINT.
const INTERRUPTED: u8 = 130;

/// Run two namespace requests from beginning to end, or another demo.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Demo {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    namespace: namespace::Namespace,
}

/// The other demos.
#[derive(Debug, clap::Subcommand)]
enum Other {
    /// Run the provisioning platform: orders, approvals, quotas, clouds, private cloud products, launches.
    Platform(platform::Platform),
}

impl Demo {
    pub(crate) async fn run(self) -> Result<ExitCode, String> {
        match self.other {
            None => self.namespace.run().await,
            Some(Other::Platform(platform)) => platform.run().await,
        }
    }
}

/// The time since the beginning, as lines begin with it.
fn stamp(begin: Instant) -> String {
    format!("{:>7.1}s", begin.elapsed().as_secs_f64())
}
