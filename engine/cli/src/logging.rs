//! The log: to standard error, so that standard output stays for answers.

use tracing_subscriber::EnvFilter;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// One line a record, for people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Begins to log. `RUST_LOG` chooses what is written; `default` is used without it.
pub(crate) fn start(format: Format, default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A logger that is there already (in tests) stays.
    let _ = match format {
        Format::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        Format::Json => log.json().try_init(),
    };
}
