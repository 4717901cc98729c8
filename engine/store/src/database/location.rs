//! URLs of databases, and why one cannot be opened.

use std::path::{Path, PathBuf};

/// A place that a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// A file of SQLite.
    File(PathBuf),
    /// Memory of this process.
    Memory,
}

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is not one of a database.
    #[error("`{url}` names no database: {problem}; `sqlite://PATH` does")]
    Url {
        /// The URL, without what may be a password.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Another process has it open.
    #[error(
        "database `{}` is in use by another process{}: stop that one, or give this one a database of its own",
        .path.display(), .process.map(|id| format!(" (process id {id})")).unwrap_or_default()
    )]
    InUse {
        /// The database.
        path: PathBuf,
        /// Id of the process, if it is known.
        process: Option<u32>,
    },
    /// A newer version of this program has changed the schema.
    #[error(
        "database `{}` was written by a newer version (its schema of `{schema}` is number {found}, this version knows up to \
         {known}): use that version again, or a backup", .path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// The component whose schema is newer.
        schema: String,
        /// Number of its schema.
        found: i64,
        /// Number of the newest schema known here.
        known: i64,
    },
    /// It is a database, but of another program.
    #[error("`{}` is the database of another program", .path.display())]
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// Its files are not as they were written, and opening it would lose something. Nothing was changed.
    #[error(
        "database `{path}` is damaged: {problem}. Nothing was changed. Put a backup back, or write what can be read into a new \
         database with `rondo doctor --store sqlite://{path} --salvage NEW.db`, which lists what is lost", path = .path.display()
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is damaged.
        problem: String,
    },
    /// The file or its folder cannot be used.
    #[error("database `{}` cannot be opened: {source}", .path.display())]
    File {
        /// The database.
        path: PathBuf,
        /// What the system or the database library says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Location {
    pub(crate) fn parse(url: &str) -> Result<Self, OpenError> {
        let refused = |problem| Err(OpenError::Url { url: without_password(url), problem });
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return refused("PostgreSQL is not in this build yet");
        }
        let Some(path) = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) else {
            return refused("it does not begin with `sqlite://`");
        };
        if path == ":memory:" {
            return Ok(Self::Memory);
        }
        if path.is_empty() {
            return refused("the path is missing");
        }
        if path.contains(['?', '#']) {
            return refused("options after `?` or `#` are not understood");
        }
        Ok(Self::File(PathBuf::from(path)))
    }

    /// How errors name it.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Memory => Path::new(":memory:"),
        }
    }
}

/// A URL for messages, without passwords. URLs of other databases have them before an `@` or among the parameters, and they can hold any
/// character, so everything that may be part of one is left out.
fn without_password(url: &str) -> String {
    if url.starts_with("sqlite:") {
        return url.to_owned();
    }
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let place = rest.rsplit('@').next().unwrap_or_default();
    let end = place.to_ascii_lowercase().find("password").into_iter().chain(place.find('?')).min();
    let place = match end {
        Some(end) => format!("{}…", place.get(..end).unwrap_or_default()),
        None => place.to_owned(),
    };
    if scheme.is_empty() { place } else { format!("{scheme}://{place}") }
}

/// The file of a database; `None` when there is none.
pub fn file_of(url: &str) -> Option<PathBuf> {
    match Location::parse(url).ok()? {
        Location::File(path) => Some(path),
        Location::Memory => None,
    }
}

/// The folder of a database's file, for other files that belong to it; `None` when there is no file.
pub fn folder_of(url: &str) -> Option<PathBuf> {
    match Location::parse(url).ok()? {
        Location::File(path) => path.parent().map(|folder| match folder.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => folder.to_owned(),
        }),
        Location::Memory => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_places() {
        for (url, place, folder) in [
            ("sqlite://rondo.db", "rondo.db", Some(".")),
            ("sqlite:///var/lib/rondo/rondo.db", "/var/lib/rondo/rondo.db", Some("/var/lib/rondo")),
            ("sqlite:data/rondo.db", "data/rondo.db", Some("data")),
            ("sqlite::memory:", ":memory:", None),
        ] {
            let location = Location::parse(url).unwrap();
            assert_eq!(location.path(), Path::new(place), "{url}");
            assert_eq!(folder_of(url), folder.map(PathBuf::from), "{url}");
        }
    }

    #[test]
    fn other_urls_are_refused_with_a_reason() {
        let refused = |url: &str| Location::parse(url).unwrap_err().to_string();
        insta::assert_snapshot!(refused("postgres://db/rondo"), @"`postgres://db/rondo` names no database: PostgreSQL is not in this build yet; `sqlite://PATH` does");
        insta::assert_snapshot!(refused("postgres://u:secretpw@h/db"), @"`postgres://h/db` names no database: PostgreSQL is not in this build yet; `sqlite://PATH` does");
        insta::assert_snapshot!(refused("rondo.db"), @"`rondo.db` names no database: it does not begin with `sqlite://`; `sqlite://PATH` does");
        insta::assert_snapshot!(refused("sqlite://"), @"`sqlite://` names no database: the path is missing; `sqlite://PATH` does");
        insta::assert_snapshot!(refused("sqlite://rondo.db?mode=rwc"), @"`sqlite://rondo.db?mode=rwc` names no database: options after `?` or `#` are not understood; `sqlite://PATH` does");
    }

    #[test]
    fn no_message_shows_a_password() {
        for (url, expected) in [
            ("postgres://u:secretpw@h/db", "postgres://h/db"),
            ("postgresql://u:secretpw/?@pw@h/db", "postgresql://h/db"),
            ("mysql://u:secretpw@h", "mysql://h"),
            ("postgres://h/db?user=u&password=secretpw", "postgres://h/db…"),
            ("host=h PASSWORD=secretpw", "host=h …"),
            ("u:secretpw@h/db", "h/db"),
            ("sqlite:///data/a@b/rondo.db?x", "sqlite:///data/a@b/rondo.db?x"),
        ] {
            assert_eq!(without_password(url), expected);
            assert!(!Location::parse(url).unwrap_err().to_string().contains("secretpw"), "{url}");
        }
    }
}
