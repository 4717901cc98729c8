//! The write-ahead log as bytes: its header, its frames, their checksums.
//!
//! Source: <https://www.sqlite.org/fileformat2.html#walformat>. A log is a header of 32 bytes, and frames of 24 bytes and a page each. A
//! restarted log begins at its first frame again, with other salts, over the frames of its last generation; so what stands behind the end
//! of a generation is older. A checksum covers everything from the header on, so the one that a frame stores is the start of the next one's.

use std::io::{self, Read};

/// Bytes of the header.
pub(crate) const HEADER_BYTES: usize = 32;

/// Bytes before the page of a frame.
pub(crate) const FRAME_HEADER_BYTES: usize = 24;

/// The first number of a log, but for its last bit.
const MAGIC: u32 = 0x377f_0682;

/// The number of the format, which never changed.
const VERSION: u32 = 3_007_000;

/// A checksum, or a pair of salts.
pub(crate) type Pair = [u32; 2];

/// The header of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Whether checksums are made of words that begin with the highest byte.
    pub(crate) is_big_endian: bool,
    pub(crate) page_size: usize,
    /// What all frames of this generation have.
    pub(crate) salts: Pair,
    /// Where the checksum of the first frame begins.
    pub(crate) checksum: Pair,
}

impl Header {
    /// Reads a header; `None` when it is not one that SQLite wrote.
    pub(crate) fn parse(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let (magic, version, page_size) = (word(bytes, 0), word(bytes, 4), word(bytes, 8) as usize);
        let is_size = page_size.is_power_of_two() && (512..=65_536).contains(&page_size);
        if magic & !1 != MAGIC || version != VERSION || !is_size {
            return None;
        }
        let is_big_endian = magic & 1 == 1;
        let stored = pair(bytes, 24);
        let computed = checksum(is_big_endian, [0, 0], &bytes[..24]);
        (stored == computed).then_some(Self {
            is_big_endian,
            page_size,
            salts: pair(bytes, 16),
            checksum: stored,
        })
    }

    /// Bytes of a frame.
    pub(crate) fn frame_bytes(&self) -> usize {
        FRAME_HEADER_BYTES + self.page_size
    }

    /// The checksum of a frame whose predecessor has this one.
    pub(crate) fn checksum_of(&self, before: Pair, frame: &[u8]) -> Pair {
        let head = checksum(self.is_big_endian, before, &frame[..8]);
        checksum(self.is_big_endian, head, &frame[FRAME_HEADER_BYTES..])
    }
}

/// What stands before the page of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) page: u32,
    /// Pages of the database after the transaction that this frame ends; 0 when others of the transaction follow.
    pub(crate) pages_after_commit: u32,
    pub(crate) salts: Pair,
    pub(crate) checksum: Pair,
}

impl FrameHeader {
    /// Reads the header of a frame.
    pub(crate) fn parse(frame: &[u8]) -> Self {
        Self {
            page: word(frame, 0),
            pages_after_commit: word(frame, 4),
            salts: pair(frame, 8),
            checksum: pair(frame, 16),
        }
    }
}

/// Fills a buffer; `false` when the file ends before it is full.
pub(crate) fn read_whole(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// SQLite's checksum of bytes in whole pairs of words.
pub(crate) fn checksum(is_big_endian: bool, start: Pair, bytes: &[u8]) -> Pair {
    let read = if is_big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
    let (words, _) = bytes.as_chunks::<4>();
    let (pairs, _) = words.as_chunks::<2>();
    let [mut first, mut second] = start;
    for [one, two] in pairs {
        first = first.wrapping_add(read(*one)).wrapping_add(second);
        second = second.wrapping_add(read(*two)).wrapping_add(first);
    }
    [first, second]
}

/// The number at a place, highest byte first; 0 beyond the end.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u32::from_be_bytes(*word))
}

fn pair(bytes: &[u8], at: usize) -> Pair {
    [word(bytes, at), word(bytes, at + 4)]
}
