//! A note of the last transaction that was committed, beside the database: how far the log must reach.
//!
//! A checksum tells a damaged frame from a whole one, but not damage from an append that the end of the process cut short. So after each
//! transaction, and before it is answered, the file says how many frames of which generation of the log were synced. It is written into
//! the page cache and never synced: what the process wrote survives its end, and after a power failure some older note is there, which is
//! still true, for the log reached at least that far.
//!
//! Promises: the note never says more than was synced. A note that cannot be written, or read, costs this protection and nothing else.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

use super::{
    super::files::{beside, private_file},
    format::{HEADER_BYTES, Header, Pair, checksum},
};

/// How far the log reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastCommit {
    /// Of the generation of the log.
    pub(crate) salts: Pair,
    /// Number of the last committed frame; 0 when the log was copied into the database.
    pub(crate) frame: u32,
    /// Checksum that this frame stores.
    pub(crate) checksum: Pair,
    /// Number of the database's file.
    pub(crate) inode: u64,
}

/// Bytes of the head of SQLite's index of the log, which names the last committed frame.
/// Source: <https://www.sqlite.org/walformat.html#the_wal_index_header>.
const INDEX_HEAD_BYTES: usize = 48;

/// Bytes of that head that its own checksum covers.
const INDEX_CHECKED_BYTES: usize = 40;

/// The number of the index' format.
const INDEX_VERSION: u32 = 3_007_000;

/// The file of the note.
pub(crate) fn path_of(database: &Path) -> PathBuf {
    beside(database, ".last-commit")
}

/// Writes the note after each transaction.
pub(in super::super) struct LastCommitWriter {
    file: File,
    /// SQLite's index of the log. Closing it gives up all locks that this process has on it, so this is dropped after the connections.
    index: File,
    database: PathBuf,
    inode: u64,
    written: Option<LastCommit>,
}

impl LastCommitWriter {
    /// Opens the note of a database whose log is in use, and writes it.
    pub(in super::super) fn open(database: &Path) -> io::Result<Self> {
        let path = path_of(database);
        let is_new = !path.exists();
        let mut writer = Self {
            file: private_file().open(path)?,
            index: File::open(beside(database, "-shm"))?,
            database: database.to_owned(),
            inode: fs::metadata(database)?.ino(),
            written: None,
        };
        writer.update();
        if is_new {
            // Without a note, damage in the last transaction and a power failure look the same.
            writer.file.sync_all()?;
        }
        Ok(writer)
    }

    /// Notes the last committed transaction, if it is not noted yet.
    pub(in super::super) fn update(&mut self) {
        let mut head = [0; INDEX_HEAD_BYTES];
        let read = self.index.read_exact_at(&mut head, 0);
        let Some(last) = read.ok().and_then(|()| last_commit(&head, self.inode)) else { return };
        if self.written != Some(last) {
            self.write(last);
        }
    }

    /// The log is about to be copied into the database and removed, so nothing must be in it.
    pub(in super::super) fn clear(&mut self) {
        self.write(LastCommit { salts: [0, 0], frame: 0, checksum: [0, 0], inode: self.inode });
    }

    /// Cuts the log behind the last transaction that was committed, and syncs that. What a failed sync leaves is read by the next start as if
    /// it were committed, although it may be in memory only: the system takes pages for written that it could not write.
    pub(in super::super) fn cut_log(&self) -> io::Result<()> {
        let mut head = [0; INDEX_HEAD_BYTES];
        self.index.read_exact_at(&mut head, 0)?;
        let last = last_commit(&head, self.inode)
            .ok_or_else(|| io::Error::other("the index of the log is being written"))?;
        let log = OpenOptions::new().read(true).write(true).open(beside(&self.database, "-wal"))?;
        let length = match last.frame {
            0 => 0,
            frame => {
                let mut header = [0; HEADER_BYTES];
                log.read_exact_at(&mut header, 0)?;
                let header =
                    Header::parse(&header).ok_or_else(|| io::Error::other("the log has no header"))?;
                HEADER_BYTES as u64 + u64::from(frame) * header.frame_bytes() as u64
            }
        };
        if log.metadata()?.len() > length {
            log.set_len(length)?;
        }
        log.sync_all()
    }

    fn write(&mut self, last: LastCommit) {
        // An older note is true too.
        if self.file.write_all_at(last.to_text().as_bytes(), 0).is_ok() {
            self.written = Some(last);
        }
    }
}

/// What the head of the index says; `None` while it is being written, or when this is another version of it.
fn last_commit(head: &[u8; INDEX_HEAD_BYTES], inode: u64) -> Option<LastCommit> {
    let native = |at: usize| head[at..].first_chunk().map_or(0, |word| u32::from_ne_bytes(*word));
    // The salts are there as the log has them.
    let salt = |at: usize| head[at..].first_chunk().map_or(0, |word| u32::from_be_bytes(*word));
    let is_whole = checksum(cfg!(target_endian = "big"), [0, 0], &head[..INDEX_CHECKED_BYTES])
        == [native(INDEX_CHECKED_BYTES), native(INDEX_CHECKED_BYTES + 4)];
    (native(0) == INDEX_VERSION && is_whole).then(|| LastCommit {
        salts: [salt(32), salt(36)],
        frame: native(16),
        checksum: [native(24), native(28)],
        inode,
    })
}

impl LastCommit {
    /// Reads the note of a database; `None` without one, or when it is not what was written.
    pub(crate) fn read(database: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path_of(database)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut text = String::new();
        // A note that is no text is not what was written either.
        Ok(match file.take(1024).read_to_string(&mut text) {
            Ok(_) => Self::parse(&text),
            Err(_) => None,
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let words: Option<Vec<u64>> =
            text.split_whitespace().map(|word| u64::from_str_radix(word, 16).ok()).collect();
        let words = words?;
        let [salt1, salt2, frame, checksum1, checksum2, inode, _] = words[..] else { return None };
        let word = |word: u64| u32::try_from(word).ok();
        let found = Self {
            salts: [word(salt1)?, word(salt2)?],
            frame: word(frame)?,
            checksum: [word(checksum1)?, word(checksum2)?],
            inode,
        };
        (found.to_text() == text).then_some(found)
    }

    /// One line, of the same length for every note. Its last number tells a whole one.
    pub(super) fn to_text(self) -> String {
        let Self { salts: [salt1, salt2], frame, checksum: [checksum1, checksum2], inode } = self;
        let text =
            format!("{salt1:08x} {salt2:08x} {frame:08x} {checksum1:08x} {checksum2:08x} {inode:016x}");
        let mut padded = [0; 64];
        for (place, byte) in padded.iter_mut().zip(text.bytes()) {
            *place = byte;
        }
        let [check, _] = checksum(false, [0, 0], &padded);
        format!("{text} {check:08x}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_a_changed_one_is_none() {
        let note = LastCommit { salts: [1, u32::MAX], frame: 300, checksum: [7, 8], inode: u64::MAX };
        let text = note.to_text();
        assert_eq!(LastCommit::parse(&text), Some(note));
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(LastCommit::parse(&changed), None, "{changed}");
        }
    }
}
