//! Whether SQLite would lose committed transactions when it reads its write-ahead log after a crash.
//!
//! SQLite reads a log up to the first frame whose checksum is wrong, and takes what stands behind it for the rest of an older generation or
//! of a transaction that was cut short. Mostly it is; but when a byte of the log was damaged, everything that was committed behind it is
//! gone without a word, and pages that were copied into the database already are older in the log than there. So the log is read before the
//! database is opened, and an engine does not start on a damaged one.
//!
//! The rule. A log is *damaged* when
//!
//! 1. its header is not one that SQLite wrote, although frames follow it; or its pages have another size than the database's; or the
//!    database is missing, for SQLite removes a log without one;
//! 2. behind the first bad frame, a frame that ends a transaction is followed by one whose checksum goes on from it: a transaction begins
//!    only when the one before it was synced, so that one was lost;
//! 3. the note of the last commit ([`LastCommit`]) is of this generation and names a frame behind the last transaction that can be read: one
//!    that was answered was lost;
//! 4. there is no note, as in a database of an older build, and behind the first bad frame a transaction ends that goes on from it;
//! 5. the note names frames of a generation that is neither in the log nor before it, and the database was not written since: the log
//!    was removed, or is of another database.
//!
//! Everything else is *ordinary*, and the engine starts: a frame that is not whole; frames of a transaction without its end; frames of an older
//! generation; and, where the note does not say that it was answered, a last transaction of which some frames are bad. The latter is what
//! a power failure leaves, for before the sync its pages reach the disk in any order.
//!
//! Owns: nothing; it only reads.

mod correct;
mod format;
mod last_commit;
mod recover;
mod scan;
#[cfg(test)]
mod tests;

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

use super::files::beside;

pub(crate) use last_commit::LastCommit;
pub(super) use last_commit::LastCommitWriter;
pub(crate) use recover::{Pages, Recovered, recover};
use scan::{Frame, Frames, OpenedLog, Standing, open};

/// What a log holds, and whether something of it would be lost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LogReport {
    /// Whole frames in the file.
    pub(crate) frames: u32,
    /// Number of the last frame that SQLite reads.
    pub(crate) committed: u32,
    /// Pages of the database after this frame; 0 without one.
    pub(crate) pages: u32,
    /// The first bad frame, when others follow that go on from it.
    pub(crate) bad_frame: Option<u32>,
    /// What is wrong with the log, in words that go on after "the log"; `None` when it is in order.
    pub(crate) damage: Option<String>,
}

/// Reads the log of a database, whose path has no symbolic link at its end. `page_size` is the database's; `None` when it has no pages yet.
pub(crate) fn check(database: &Path, page_size: Option<usize>) -> io::Result<LogReport> {
    let log = beside(database, "-wal");
    let note = LastCommit::read(database)?;
    match open(&log)? {
        OpenedLog::Empty => {
            let mut report = LogReport::default();
            if let Some(note) = note.filter(|note| note.frame > 0)
                && is_unchanged_since(database, note)?
            {
                report.damage = Some(format!(
                    "has been removed or emptied: {} frames of it were committed and are not in the database",
                    note.frame
                ));
            }
            Ok(report)
        }
        OpenedLog::BadHeader => Ok(LogReport {
            damage: Some("does not begin as one, so that nothing in it would be read".to_owned()),
            ..LogReport::default()
        }),
        OpenedLog::Frames(frames) => check_frames(frames, database, page_size, note),
    }
}

fn check_frames(
    mut frames: Frames,
    database: &Path,
    page_size: Option<usize>,
    note: Option<LastCommit>,
) -> io::Result<LogReport> {
    let (salts, log_page_size) = (frames.header.salts, frames.header.page_size);
    let mut report = LogReport::default();
    let mut first_bad = None;
    let (mut is_noted, mut last_ends, mut has_later_transaction, mut has_end_behind) =
        (false, false, false, false);
    while let Some(Frame { number, header, standing }) = frames.next()? {
        report.frames = number;
        let ends = header.pages_after_commit != 0;
        match standing {
            Standing::Valid if ends => (report.committed, report.pages) = (number, header.pages_after_commit),
            Standing::Valid => {}
            Standing::Bad => first_bad = first_bad.or(Some(number)),
            Standing::Continues => {
                report.bad_frame = first_bad;
                has_later_transaction |= last_ends;
                has_end_behind |= ends;
            }
        }
        is_noted |= note.is_some_and(|note| {
            standing == Standing::Valid && note.frame == number && note.checksum == header.checksum
        });
        last_ends = ends;
    }
    let bad = first_bad.unwrap_or(report.committed + 1);
    report.damage = match note {
        _ if page_size.is_none() && report.committed > 0 => {
            Some("is there, but the database is missing or empty".to_owned())
        }
        _ if page_size.is_some_and(|size| size != log_page_size) => {
            Some(format!("is of another database: its pages have {log_page_size} bytes"))
        }
        _ if has_later_transaction => Some(format!(
            "is damaged at frame {bad} of {}, and committed transactions behind it would be lost",
            report.frames
        )),
        Some(note)
            if note.salts == salts && (note.frame > report.committed || !is_noted) && note.frame > 0 =>
        {
            Some(format!(
                "is damaged at frame {bad} of {}, and what was committed up to frame {} would be lost",
                report.frames, note.frame
            ))
        }
        Some(note) if note.frame > 0 && note.salts != salts && !is_successor(note.salts, salts) => {
            is_unchanged_since(database, note)?
                .then(|| "is not the one that the engine wrote last, or is of another database".to_owned())
        }
        None if has_end_behind => Some(format!(
            "is damaged at frame {bad} of {}, and a transaction that ends behind it would be lost",
            report.frames
        )),
        _ => None,
    };
    Ok(report)
}

/// Whether a log was restarted after the generation of these salts. Each restart adds one to the first.
fn is_successor(before: [u32; 2], now: [u32; 2]) -> bool {
    (1..=u32::from(u16::MAX)).contains(&now[0].wrapping_sub(before[0]))
}

/// Whether the database is the file of the note and was not written after it. Another program that reads the database after a crash copies
/// the log into it, and removes the log.
fn is_unchanged_since(database: &Path, note: LastCommit) -> io::Result<bool> {
    let database_file = match fs::metadata(database) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let note_file = fs::metadata(last_commit::path_of(database))?;
    Ok(database_file.ino() == note.inode && database_file.modified()? <= note_file.modified()?)
}
