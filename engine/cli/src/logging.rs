//! The log: to standard error, so that standard output stays for answers.
//!
//! Promises: a record is one line, also if a workflow or a service puts line breaks into a value, and no value is longer than
//! [`MAX_VALUE_BYTES`]; logging never waits and never fails ([`LogWriter`]).

use std::{
    fmt::{self, Write},
    io,
    sync::OnceLock,
    time::Duration,
};

use rondo_definition::is_control;
use serde_json::Value;
use tracing_subscriber::{
    EnvFilter,
    field::MakeExt as _,
    fmt::format::{self, Writer},
};

use crate::{log_writer::LogWriter, output};

/// How long the end of the process waits for what takes the log.
const FLUSH: Duration = Duration::from_secs(1);

/// What the log of the process is written with.
static WRITER: OnceLock<LogWriter> = OnceLock::new();

/// Longest value that is written: enough for an error with the beginning of a body.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// One line a record, for people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Starts the log. `RUST_LOG` is the filter, `default` without it.
pub(crate) fn start(format: Format, default: &str) {
    let wanted = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let filter = match wanted.trim() {
        "" => EnvFilter::new(default),
        wanted => EnvFilter::try_new(wanted).unwrap_or_else(|error| {
            output::error_line(&format!("RUST_LOG is not understood ({error}); `{default}` is used"));
            EnvFilter::new(default)
        }),
    };
    let writer = match LogWriter::start(io::stderr(), report_loss) {
        Ok(writer) => WRITER.get_or_init(|| writer),
        Err(error) => return output::error_line(&format!("the log cannot be started: {error}")),
    };
    // An error of writing would be printed to standard error, and that fails again and panics.
    let log = tracing_subscriber::fmt().with_env_filter(filter).log_internal_errors(false);
    let log = log.with_writer(move || writer.clone());
    // In tests a logger may be installed already; it stays.
    let _ = match format {
        Format::Text => {
            let fields = format::debug_fn(|out, field, value| write_field(out, field.name(), value));
            let log = log.fmt_fields(fields.delimited(" "));
            log.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).try_init()
        }
        Format::Json => log.json().with_writer(move || Shortening(writer.clone())).try_init(),
    };
}

/// Waits a moment until the log is written. Called before the process ends.
pub(crate) fn flush() {
    if let Some(writer) = WRITER.get() {
        writer.flush_within(FLUSH);
    }
}

fn report_loss(lost: u64) {
    tracing::warn!(lost, "records of the log are lost: they came faster than standard error took them");
}

/// Writes `name=value`, or the value alone if it is the message.
fn write_field(out: &mut Writer<'_>, name: &str, value: &dyn fmt::Debug) -> fmt::Result {
    match name {
        "message" => {}
        // The `log` bridge adds the place in the library's source.
        name if name.starts_with("log.") => return Ok(()),
        name if out.has_ansi_escapes() => write!(out, "\u{1b}[3m{name}\u{1b}[0m\u{1b}[2m=\u{1b}[0m")?,
        name => write!(out, "{name}=")?,
    }
    let mut line = OneLine { out, left: MAX_VALUE_BYTES, cut: 0 };
    write!(line, "{value:?}")?;
    match line.cut {
        0 => Ok(()),
        cut => out.write_str(&mark(cut)),
    }
}

/// A writer that escapes control characters and stops at a length.
struct OneLine<'o, W> {
    out: &'o mut W,
    left: usize,
    cut: usize,
}

impl<W: Write> Write for OneLine<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (at, c) in text.char_indices() {
            if self.left < c.len_utf8() || self.cut > 0 {
                self.cut += text.len() - at;
                return Ok(());
            }
            self.left -= c.len_utf8();
            if is_control(c) {
                write!(self.out, "{}", c.escape_default())?;
            } else {
                self.out.write_char(c)?;
            }
        }
        Ok(())
    }
}

/// A writer that shortens long texts in JSON records. Each `write` is one record.
struct Shortening<W>(W);

impl<W: io::Write> io::Write for Shortening<W> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let value = if record.len() > MAX_VALUE_BYTES { serde_json::from_slice(record).ok() } else { None };
        match value {
            Some(mut value) => {
                shorten(&mut value);
                self.0.write_all(format!("{value}\n").as_bytes())?;
            }
            None => self.0.write_all(record)?,
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > MAX_VALUE_BYTES => {
            let end = text.floor_char_boundary(MAX_VALUE_BYTES);
            let cut = text.len() - end;
            text.truncate(end);
            text.push_str(&mark(cut));
        }
        Value::Object(members) => members.values_mut().for_each(shorten),
        Value::Array(items) => items.iter_mut().for_each(shorten),
        _ => {}
    }
}

/// The note at the end of a shortened text.
fn mark(bytes: usize) -> String {
    format!("… ({bytes} bytes more)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, value: &dyn fmt::Debug) -> String {
        let mut text = String::new();
        write_field(&mut Writer::new(&mut text), name, value).unwrap();
        text
    }

    #[test]
    fn a_record_is_one_line_whatever_is_in_it() {
        let forged = "done\n2026-01-01T00:00:00Z ERROR forged \u{1b}[2J\r";
        for (name, value, expected) in [
            (
                "message",
                &format_args!("{forged}") as &dyn fmt::Debug,
                "done\\n2026-01-01T00:00:00Z ERROR forged \\u{1b}[2J\\r",
            ),
            ("error", &format_args!("{}", "a\tb"), "error=a\\tb"),
            ("workflow", &"größe", "workflow=\"größe\""),
            ("attempt", &3, "attempt=3"),
            ("log.file", &"x.rs", ""),
        ] {
            assert_eq!(written(name, value), expected);
        }
    }

    #[test]
    fn a_long_value_is_cut_and_says_so() {
        let long = "ä".repeat(MAX_VALUE_BYTES);
        let text = written("message", &format_args!("a{long}"));
        assert_eq!(
            text,
            format!("a{}… ({} bytes more)", "ä".repeat(MAX_VALUE_BYTES / 2 - 1), MAX_VALUE_BYTES + 2)
        );
        let text = written("message", &format_args!("{}{}", "b".repeat(MAX_VALUE_BYTES), long));
        assert!(text.ends_with(&format!("b… ({} bytes more)", 2 * MAX_VALUE_BYTES)), "{}", text.len());
    }

    #[test]
    fn a_long_record_of_json_is_shortened() {
        let record = |message: &str| format!("{}\n", serde_json::json!({"fields": {"message": message}}));
        let long = "ä".repeat(MAX_VALUE_BYTES);
        let expected = format!("{}… ({MAX_VALUE_BYTES} bytes more)", "ä".repeat(MAX_VALUE_BYTES / 2));
        for (message, expected) in [("short\n", "short\n"), (long.as_str(), expected.as_str())] {
            let mut written = Shortening(Vec::new());
            io::Write::write_all(&mut written, record(message).as_bytes()).unwrap();
            assert_eq!(String::from_utf8(written.0).unwrap(), record(expected));
        }
    }
}
