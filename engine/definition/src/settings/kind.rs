//! The kinds of values that properties have.

use std::borrow::Cow;

use url::{Host, Url};

/// The kind of a property's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A text that is never shown.
    Secret,
    /// Secrets separated by commas, at least one.
    Tokens,
    /// `true` or `false`.
    Flag,
    /// A whole number of at least `least` and at most `most`.
    Count {
        /// The smallest value.
        least: u64,
        /// The largest value.
        most: u64,
    },
    /// Milliseconds.
    Millis,
    /// An address, http or https.
    Url,
    /// One of some words; case does not matter.
    Choice(&'static [&'static str]),
    /// A folder, relative to that of the workflows.
    Folder,
    /// Files separated by commas, relative to the working directory.
    Files,
    /// `PREFIX=TARGET` separated by commas.
    Aliases,
    /// Host names separated by commas, without ports; `*.NAME` stands for the names below one, `*` for all.
    Hosts,
}

impl Kind {
    /// Whether a value that is not blank has this kind. Does not look for files. `own`: whether the property is one of Rondo.
    pub(crate) fn allows(self, value: &str, own: bool) -> bool {
        match self {
            Self::Text | Self::Secret | Self::Folder | Self::Files => true,
            Self::Tokens => split_list(value).next().is_some(),
            Self::Flag => parse_flag(value).is_some(),
            Self::Count { .. } | Self::Millis => self.number(value, own).is_some(),
            Self::Url => is_address(value),
            Self::Choice(words) => words.iter().any(|word| word.eq_ignore_ascii_case(value)),
            Self::Aliases => split_list(value).all(|part| part.contains('=')),
            Self::Hosts => split_list(value).all(is_host_pattern),
        }
    }

    /// The value as a whole number within the limits of this kind.
    pub(crate) fn number(self, value: &str, own: bool) -> Option<u64> {
        let (least, most) = self.bounds(own)?;
        value.trim().parse().ok().filter(|number| (least..=most).contains(number))
    }

    fn bounds(self, own: bool) -> Option<(u64, u64)> {
        match self {
            Self::Count { least, most } => Some((least, most)),
            // In Quarkus, 0 means no limit.
            Self::Millis => Some((u64::from(own), u64::MAX)),
            _ => None,
        }
    }

    /// Describes the valid values, for the message `the value is not …`.
    pub(crate) fn expected(self, own: bool) -> Cow<'static, str> {
        match self {
            Self::Text | Self::Secret => "text".into(),
            Self::Tokens => {
                "a token, or several separated by commas; without the property everybody is let in".into()
            }
            Self::Flag => "`true` or `false`".into(),
            Self::Millis if own => "a whole number of milliseconds above 0".into(),
            Self::Millis => "a whole number of milliseconds".into(),
            Self::Count { least, most } if most >= u64::from(u32::MAX) => {
                if least == 0 {
                    "a whole number".into()
                } else {
                    "a whole number above 0".into()
                }
            }
            Self::Count { least, most } => format!("a whole number from {least} to {most}").into(),
            Self::Url => "an http or https address such as `https://host.example/path`".into(),
            Self::Choice(words) => format!("one of `{}`", words.join("`, `")).into(),
            Self::Folder => "a folder below that of the workflows".into(),
            Self::Files => "a list of files".into(),
            Self::Aliases => "a list PREFIX=TARGET,PREFIX=TARGET".into(),
            Self::Hosts => {
                "a list of host names without ports such as `rondo.example.com,*.example.org`".into()
            }
        }
    }
}

/// The elements of a list separated by commas, without blank ones.
pub(super) fn split_list(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Parses a boolean, in any of the words that Quarkus accepts.
pub fn parse_flag(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn is_host_pattern(part: &str) -> bool {
    let name = part.strip_prefix("*.").unwrap_or(part);
    part == "*" || (!name.contains('*') && Host::parse(name).is_ok())
}

fn is_address(value: &str) -> bool {
    Url::parse(value).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
