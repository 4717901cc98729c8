//! The reasons why bytes are no event.
//!
//! Promises: the text names the wrong attribute and what would be right, without control characters and with at most some hundred bytes of the
//! input.

use rondo_expression::ReadError;

/// The bytes are no acceptable event.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// Attributes that every event must have are missing.
    #[error(
        "it is no CloudEvent: {} missing; an event has `specversion`, `id`, `source` and `type`, as headers `ce-specversion` and so on, or as members of a JSON object",
        List(.0)
    )]
    Missing(Vec<&'static str>),
    /// The event has another version of the specification.
    #[error("its `specversion` is `{0}`; only `1.0` is read")]
    Version(String),
    /// The name of an attribute is invalid.
    #[error("an attribute is called `{0}`; a name has lower-case letters and digits only, and is not `data`")]
    Name(String),
    /// The value of an attribute has forbidden characters.
    #[error("the attribute `{0}` has control characters or is not UTF-8")]
    Characters(String),
    /// The value of an attribute is an object or an array.
    #[error("the attribute `{0}` is {1}; it must be text, a number, `true` or `false`")]
    NotText(String, &'static str),
    /// An attribute is given twice.
    #[error("the attribute `{0}` is given twice")]
    Duplicate(String),
    /// More extensions than the limit.
    #[error("it has more than {0} extension attributes")]
    TooManyExtensions(usize),
    /// The name or value of an attribute is longer than the limit.
    #[error("the attribute `{name}` has more than {limit} bytes")]
    TooLong {
        /// The attribute, or the beginning of its name.
        name: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// `time` is no moment.
    #[error("its `time` is `{0}`, which is no moment such as `2026-04-01T12:30:00Z`")]
    Time(String),
    /// The body has a format that the engine does not read.
    #[error(
        "its content type is `{0}`; events are read as `application/cloudevents+json`, as `application/cloudevents-batch+json`, and with `ce-` headers"
    )]
    ContentType(String),
    /// The content type names an unknown character set.
    #[error("its content type names the character set `{0}`, which is not known; send UTF-8")]
    Charset(String),
    /// The body, the event or its data are not JSON, or exceed a limit.
    #[error("its {part} cannot be read as JSON: {error}")]
    Json {
        /// The part that was read.
        part: &'static str,
        /// Why it cannot be read.
        error: ReadError,
    },
    /// The body is JSON of another type.
    #[error("its body is not {0}")]
    Shape(&'static str),
    /// `data_base64` is not base64, or occurs together with `data`.
    #[error("its `data_base64` {0}")]
    Base64(&'static str),
    /// More events than the limit.
    #[error("the batch has more than {0} events")]
    BatchTooLarge(usize),
    /// The message has no body, although the body must be the event.
    #[error("it has no body")]
    Empty,
    /// There is no memory for it now.
    #[error("there is no memory for it now; send it again later")]
    NoRoom,
}

impl EventError {
    /// The HTTP status to answer the sender with: 400, 413 or 415; 503 when there was no memory.
    pub fn status(&self) -> u16 {
        match self {
            Self::TooManyExtensions(_) | Self::TooLong { .. } | Self::BatchTooLarge(_) => 413,
            Self::Json { error: ReadError::Nodes(_) | ReadError::Memory(_), .. } => 413,
            Self::ContentType(_) | Self::Charset(_) => 415,
            Self::NoRoom => 503,
            _ => 400,
        }
    }

    /// The error for JSON that cannot be read.
    pub(crate) fn json(part: &'static str, error: ReadError) -> Self {
        match error {
            ReadError::NoRoom => Self::NoRoom,
            error => Self::Json { part, error },
        }
    }

    /// The error for text that is not JSON.
    pub(crate) fn syntax(part: &'static str, error: serde_json::Error) -> Self {
        Self::Json { part, error: ReadError::Syntax(error) }
    }
}

/// The beginning of an input text, made safe for a message.
pub(crate) fn excerpt(text: &str) -> String {
    const SHOWN: usize = 100;
    let end = text.floor_char_boundary(SHOWN);
    let (shown, rest) = text.split_at(end);
    let shown = rondo_definition::visible(shown);
    format!("{shown}{}", if rest.is_empty() { "" } else { "…" })
}

/// A list of names in a sentence, with the verb that follows them.
struct List<'a>(&'a [&'static str]);

impl std::fmt::Display for List<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<String> = self.0.iter().map(|name| format!("`{name}`")).collect();
        match names.split_last() {
            None => formatter.write_str("something is"),
            Some((last, [])) => write!(formatter, "{last} is"),
            Some((last, others)) => write!(formatter, "{} and {last} are", others.join(", ")),
        }
    }
}
