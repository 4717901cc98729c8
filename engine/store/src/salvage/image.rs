//! A copy of a damaged database with the frames of its log in it, as one file that is only read.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};

use super::SalvageError;
use crate::database::{
    FileHeader, LogReport, Pages, Recovered, beside, check_log, private_file, recover_log,
};

/// Page size of a file whose header does not tell it: that of all databases that this program makes.
const PAGE_SIZE: usize = 8192;

/// Fields of the header that are the same in every database of this program, with the journal in place of the log: begin, and bytes.
const CONSTANTS: [(usize, &[u8]); 4] =
    [(0, b"SQLite format 3\0"), (18, &[1, 1, 0, 64, 32, 32]), (44, &[0, 0, 0, 4]), (56, &[0, 0, 0, 1])];

/// Where the log is named in the header, in place of the journal.
const JOURNAL: std::ops::Range<usize> = 18..20;

/// A database to read rows from.
pub(super) struct Image {
    pub(super) connection: Connection,
    /// What is wrong with the files.
    pub(super) problems: Vec<String>,
    copy: Option<PathBuf>,
}

/// Makes the image of a database; at `scratch`, where a copy is needed.
pub(super) fn make(path: &Path, scratch: &Path) -> Result<Image, SalvageError> {
    let failed = |source| SalvageError::File { path: path.to_owned(), source };
    let header = FileHeader::read(path).map_err(failed)?;
    let known_size = header.map(|header| header.page_size).filter(|size| *size > 0);
    let report = check_log(path, known_size).map_err(failed)?;
    let mut problems = Vec::new();
    if header.is_some() && known_size.is_none() {
        problems.push("the header of the file is not that of a database".to_owned());
    }
    if let Some(damage) = &report.damage {
        problems.push(format!("the write-ahead log {damage}"));
    }
    if let Some(header) = header.filter(|header| header.present < header.pages && report.committed == 0) {
        problems.push(format!("the file should have {} pages, and has {}", header.pages, header.present));
    }
    let log_bytes = fs::metadata(beside(path, "-wal")).map_or(0, |log| log.len());
    let needs_copy = log_bytes > 0 || known_size.is_none() || !has_constants(path).map_err(failed)?;
    let copy = needs_copy.then(|| scratch.to_owned());
    if let Some(copy) = &copy {
        let made = copy_with_log(path, known_size, copy, &report, &mut problems);
        if let Err(source) = made {
            let _ = fs::remove_file(copy);
            return Err(SalvageError::File { path: copy.clone(), source });
        }
    }
    let connection = open(copy.as_deref().unwrap_or(path)).map_err(SalvageError::Schema)?;
    Ok(Image { connection, problems, copy })
}

impl Image {
    /// Removes the copy.
    pub(super) fn remove(self) {
        drop(self.connection);
        if let Some(copy) = self.copy {
            // It is of no use to anybody, and does no harm.
            let _ = fs::remove_file(copy);
        }
    }
}

/// Copies the file, and writes the pages of the log over it.
fn copy_with_log(
    path: &Path,
    page_size: Option<usize>,
    copy: &Path,
    report: &LogReport,
    problems: &mut Vec<String>,
) -> io::Result<()> {
    let mut source = File::open(path)?;
    let mut file = private_file().truncate(true).open(copy)?;
    io::copy(&mut source, &mut file)?;
    let mut target = Target { file: &file, page_size: None };
    let recovered = recover_log(&beside(path, "-wal"), page_size, &mut target)?;
    let page_size = page_size.or(target.page_size).unwrap_or(PAGE_SIZE);
    describe(&recovered, report, problems);
    let bytes = page_size as u64;
    if recovered.pages > 0 {
        file.set_len(u64::from(recovered.pages) * bytes)?;
    }
    for (at, constant) in CONSTANTS {
        file.write_all_at(constant, at as u64)?;
    }
    file.write_all_at(&u16::try_from(page_size).unwrap_or(1).to_be_bytes(), 16)?;
    // SQLite refuses pages beyond the number in the header; it goes by the length when that number is out of date.
    let pages = u32::try_from(file.metadata()?.len().div_ceil(bytes)).unwrap_or(u32::MAX);
    file.set_len(u64::from(pages) * bytes)?;
    let mut counter = [0; 4];
    file.read_exact_at(&mut counter, 24)?;
    file.write_all_at(&pages.to_be_bytes(), 28)?;
    file.write_all_at(&counter, 92)
}

/// The copy, which the pages of the log are written into.
struct Target<'file> {
    file: &'file File,
    /// Bytes of a page of the log.
    page_size: Option<usize>,
}

impl Pages for Target<'_> {
    fn bytes(&mut self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read(&mut self, page: u32, size: usize) -> io::Result<Option<Vec<u8>>> {
        let mut content = vec![0; size];
        match self.file.read_exact_at(&mut content, u64::from(page.saturating_sub(1)) * size as u64) {
            Ok(()) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, page: u32, content: &[u8]) -> io::Result<()> {
        self.page_size = Some(content.len());
        self.file.write_all_at(content, u64::from(page.saturating_sub(1)) * content.len() as u64)
    }
}

/// What was found in the log, in sentences.
fn describe(recovered: &Recovered, report: &LogReport, problems: &mut Vec<String>) {
    if recovered.has_no_header {
        problems.push("nothing can be read from the write-ahead log".to_owned());
    }
    let names = |numbers: &BTreeSet<u32>| {
        let shown: Vec<_> = numbers.iter().take(10).map(ToString::to_string).collect();
        let rest = numbers.len().saturating_sub(shown.len());
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        format!("{} {}{rest}", if numbers.len() == 1 { "frame" } else { "frames" }, shown.join(", "))
    };
    if !recovered.corrected.is_empty() && report.damage.is_some() {
        problems.push(format!(
            "{} of the log could be put right by the checksums: nothing of it is lost",
            names(&recovered.corrected)
        ));
    }
    if !recovered.suspect.is_empty() {
        problems.push(format!(
            "a few bytes of {} of the log are damaged, and the checksums do not tell which: the pages are used as they are, so look at \
             the data of instances that were stored then",
            names(&recovered.suspect)
        ));
    }
    if !recovered.unreadable.is_empty() {
        problems.push(format!(
            "{} of the log cannot be read; what other frames and the file hold of these pages is used instead, and an instance that was \
             stored by them alone may leave no trace",
            names(&recovered.unreadable)
        ));
    }
}

/// Whether the header is as this program writes it, so that SQLite can read the file as it is.
fn has_constants(path: &Path) -> io::Result<bool> {
    let mut header = [0; 100];
    File::open(path)?.read_exact_at(&mut header, 0)?;
    header[JOURNAL].fill(1);
    Ok(CONSTANTS.iter().all(|(at, constant)| header[*at..].starts_with(constant)))
}

/// Opens a file that nobody writes: without locks, a log or a journal.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let text = path.to_string_lossy();
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '%' => escaped.push_str("%25"),
            '?' => escaped.push_str("%3f"),
            '#' => escaped.push_str("%23"),
            c => escaped.push(c),
        }
    }
    let absolute = if escaped.starts_with('/') { "//" } else { "" };
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(format!("file:{absolute}{escaped}?immutable=1"), flags)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}
