//! The log: to standard error, so that standard output stays for answers.
//!
//! Promises: a record is one line, whatever a workflow or a service put into it, and no value in it is longer than [`MOST`].

use std::{
    fmt::{self, Write},
    io,
};

use rondo_definition::is_control;
use serde_json::Value;
use tracing_subscriber::{
    EnvFilter,
    field::MakeExt as _,
    fmt::format::{self, Writer},
};

use crate::output;

/// Bytes of a value that are written: enough for an error with the beginning of a body.
const MOST: usize = 8 * 1024;

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
    let wanted = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let filter = match wanted.trim() {
        "" => EnvFilter::new(default),
        wanted => EnvFilter::try_new(wanted).unwrap_or_else(|error| {
            output::error_line(&format!("RUST_LOG is not understood ({error}); `{default}` is used"));
            EnvFilter::new(default)
        }),
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A logger that is there already (in tests) stays.
    let _ = match format {
        Format::Text => {
            let fields = format::debug_fn(|out, field, value| write_field(out, field.name(), value));
            let log = log.fmt_fields(fields.delimited(" "));
            log.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).try_init()
        }
        Format::Json => log.json().with_writer(|| Shortening(io::stderr())).try_init(),
    };
}

/// Writes `name=value`, or the value alone if it is the message.
fn write_field(out: &mut Writer<'_>, name: &str, value: &dyn fmt::Debug) -> fmt::Result {
    match name {
        "message" => {}
        // What other libraries' records say about their own place.
        name if name.starts_with("log.") => return Ok(()),
        name if out.has_ansi_escapes() => write!(out, "\u{1b}[3m{name}\u{1b}[0m\u{1b}[2m=\u{1b}[0m")?,
        name => write!(out, "{name}=")?,
    }
    let mut line = OneLine { out, left: MOST, cut: 0 };
    write!(line, "{value:?}")?;
    match line.cut {
        0 => Ok(()),
        cut => out.write_str(&mark(cut)),
    }
}

/// Writes control characters out, and no more than there is room for.
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

/// Writes records of JSON, each of which comes as a whole, and shortens the texts in those that are long.
struct Shortening<W>(W);

impl<W: io::Write> io::Write for Shortening<W> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let value = if record.len() > MOST { serde_json::from_slice(record).ok() } else { None };
        match value {
            Some(mut value) => {
                shorten(&mut value);
                writeln!(self.0, "{value}")?;
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
        Value::String(text) if text.len() > MOST => {
            let end = text.floor_char_boundary(MOST);
            let cut = text.len() - end;
            text.truncate(end);
            text.push_str(&mark(cut));
        }
        Value::Object(members) => members.values_mut().for_each(shorten),
        Value::Array(items) => items.iter_mut().for_each(shorten),
        _ => {}
    }
}

/// Says that a text was cut.
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
        let long = "ä".repeat(MOST);
        let text = written("message", &format_args!("a{long}"));
        assert_eq!(text, format!("a{}… ({} bytes more)", "ä".repeat(MOST / 2 - 1), MOST + 2));
        let text = written("message", &format_args!("{}{}", "b".repeat(MOST), long));
        assert!(text.ends_with(&format!("b… ({} bytes more)", 2 * MOST)), "{}", text.len());
    }

    #[test]
    fn a_long_record_of_json_is_shortened() {
        let record = |message: &str| format!("{}\n", serde_json::json!({"fields": {"message": message}}));
        let long = "ä".repeat(MOST);
        let expected = format!("{}… ({MOST} bytes more)", "ä".repeat(MOST / 2));
        for (message, expected) in [("short\n", "short\n"), (long.as_str(), expected.as_str())] {
            let mut written = Shortening(Vec::new());
            io::Write::write_all(&mut written, record(message).as_bytes()).unwrap();
            assert_eq!(String::from_utf8(written.0).unwrap(), record(expected));
        }
    }
}
