//! Reads a write-ahead log from its first frame to its last, in one pass and with the memory of one frame.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

use super::format::{FrameHeader, HEADER_BYTES, Header, Pair, read_whole};

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// The beginning of a log.
pub(crate) enum OpenedLog {
    /// There is no log, or it is too short for a frame.
    Empty,
    /// Frames follow, but the header is not one that SQLite wrote. SQLite takes such a log for empty.
    BadHeader,
    /// Frames follow.
    Frames(Frames),
}

/// The frames of a log, one after the other.
pub(crate) struct Frames {
    pub(crate) header: Header,
    file: BufReader<File>,
    bytes: Vec<u8>,
    number: u32,
    /// Whether all frames until now are valid.
    is_valid: bool,
    /// What the last frame stores as its checksum, and what it should store.
    stored: Pair,
    computed: Pair,
}

/// A whole frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Its number, from 1.
    pub(crate) number: u32,
    pub(crate) header: FrameHeader,
    pub(crate) standing: Standing,
}

/// What the place and the checksum of a frame say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is valid, and so are all before it: SQLite reads it.
    Valid,
    /// It is bad, or stands behind a bad one and does not go on from its predecessor.
    Bad,
    /// It stands behind a bad one, is of this generation, and its checksum goes on from its predecessor: it was written right after it, and
    /// SQLite does not read it.
    Continues,
}

/// Opens a log.
pub(crate) fn open(path: &Path) -> io::Result<OpenedLog> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(OpenedLog::Empty),
        Err(error) => return Err(error),
    };
    let mut file = BufReader::with_capacity(BUFFER_BYTES, file);
    let mut bytes = [0; HEADER_BYTES];
    // SQLite writes and syncs the header before the first frame, so one without a frame holds nothing.
    if !read_whole(&mut file, &mut bytes)? || io::Read::by_ref(&mut file).bytes().next().is_none() {
        return Ok(OpenedLog::Empty);
    }
    file.seek_relative(-1)?;
    Ok(match Header::parse(&bytes) {
        None => OpenedLog::BadHeader,
        Some(header) => OpenedLog::Frames(Frames {
            header,
            file,
            bytes: vec![0; header.frame_bytes()],
            number: 0,
            is_valid: true,
            stored: header.checksum,
            computed: header.checksum,
        }),
    })
}

impl Frames {
    /// The next frame; `None` at the end, which a frame that is not whole is too.
    pub(crate) fn next(&mut self) -> io::Result<Option<Frame>> {
        if !read_whole(&mut self.file, &mut self.bytes)? {
            return Ok(None);
        }
        self.number += 1;
        let header = FrameHeader::parse(&self.bytes);
        let is_own = header.salts == self.header.salts;
        let continues_from = |before: Pair| self.header.checksum_of(before, &self.bytes);
        let standing = if self.is_valid {
            self.computed = continues_from(self.stored);
            self.is_valid = is_own && header.page != 0 && self.computed == header.checksum;
            if self.is_valid { Standing::Valid } else { Standing::Bad }
        } else if is_own {
            // The damage of the predecessor is in its page or in the checksum that it stores.
            let from_stored = continues_from(self.stored);
            let is_linked =
                header.checksum == from_stored || header.checksum == continues_from(self.computed);
            self.computed = if is_linked { header.checksum } else { from_stored };
            if is_linked { Standing::Continues } else { Standing::Bad }
        } else {
            self.computed = header.checksum;
            Standing::Bad
        };
        self.stored = header.checksum;
        Ok(Some(Frame { number: self.number, header, standing }))
    }
}
