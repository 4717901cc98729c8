//! What can be told about damage before a database is used, at little cost.
//!
//! A look at each page takes as long as reading the whole file, which nobody waits for at each start. So this looks at what a start uses: the
//! write-ahead log, the header and the length of the file, the schema, and the way from each table and index down to its first row. Damage
//! elsewhere shows when it is read.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use rusqlite::Connection;

use super::{OpenError, log};

/// The header of a database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileHeader {
    pub(crate) page_size: usize,
    /// Pages that the file has by its header.
    pub(crate) pages: u64,
    /// Whole pages in the file.
    pub(crate) present: u64,
}

/// Bytes of the header.
const HEADER_BYTES: usize = 100;

/// How each database file begins.
const MAGIC: &[u8] = b"SQLite format 3\0";

impl FileHeader {
    /// Reads the header of a database; `None` when the file is missing or empty. A file that is no database has pages of size 0.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let bytes = file.metadata()?.len();
        if bytes == 0 {
            return Ok(None);
        }
        let mut header = Vec::with_capacity(HEADER_BYTES);
        file.take(HEADER_BYTES as u64).read_to_end(&mut header)?;
        header.resize(HEADER_BYTES, 0);
        let number = |at: usize| header[at..].first_chunk().map_or(0, |word| u32::from_be_bytes(*word));
        let page_size = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size => usize::from(size),
        };
        if !header.starts_with(MAGIC) || !page_size.is_power_of_two() || page_size < 512 {
            return Ok(Some(Self { page_size: 0, pages: 0, present: 0 }));
        }
        // An old version of SQLite leaves the number of pages as it was, and shows that by the other two.
        let is_current = number(24) == number(92);
        let present = bytes / page_size as u64;
        let pages = if is_current { u64::from(number(28)) } else { present };
        Ok(Some(Self { page_size, pages, present }))
    }
}

/// Refuses a database whose files are damaged, before it is opened: opening it changes them.
pub(super) fn check_files(path: &Path) -> Result<(), OpenError> {
    let failed = |error: io::Error| OpenError::File { path: path.to_owned(), source: error.into() };
    let header = FileHeader::read(path).map_err(failed)?;
    if header.is_some_and(|header| header.page_size == 0) {
        // Which SQLite says, in words that all know.
        return Ok(());
    }
    let report = log::check(path, header.map(|header| header.page_size)).map_err(failed)?;
    if let Some(damage) = report.damage {
        return Err(damaged(path, format!("its write-ahead log {damage}")));
    }
    // With a log the missing pages may be in it.
    if let Some(header) = header.filter(|header| report.committed == 0 && header.present < header.pages) {
        let problem = format!(
            "it has {} pages, and {} of them are missing",
            header.pages,
            header.pages - header.present
        );
        return Err(damaged(path, problem));
    }
    Ok(())
}

/// Refuses a database in which the way to a table or an index is damaged.
pub(super) fn check_tables(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| match super::error::is_corrupt(&error) {
        true => damaged(path, error.to_string()),
        false => OpenError::File { path: path.to_owned(), source: error.into() },
    };
    let mut names = connection
        .prepare("SELECT type, name, tbl_name FROM sqlite_schema WHERE type IN ('table', 'index') AND sql IS NOT NULL")
        .map_err(failed)?;
    let found = names
        .query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })
        .map_err(failed)?;
    for found in found {
        let (kind, name, table) = found.map_err(failed)?;
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let by = if kind == "index" { format!(" INDEXED BY {}", quoted(&name)) } else { String::new() };
        // A partial index serves only questions with its condition.
        let Ok(mut first) = connection.prepare(&format!("SELECT 1 FROM {}{by} LIMIT 1", quoted(&table)))
        else {
            continue;
        };
        first.exists([]).map_err(failed)?;
    }
    Ok(())
}

fn damaged(path: &Path, problem: String) -> OpenError {
    OpenError::Damaged { path: path.to_owned(), problem }
}
