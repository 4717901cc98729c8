//! Everything that can be had from a write-ahead log, also what SQLite does not read: the frames behind a bad one.
//!
//! Promises: a frame is given out only when its checksum goes on from a neighbour, as it is or with one damaged word put right, and a
//! transaction ends behind it.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufReader, Seek, SeekFrom},
    path::Path,
};

use super::{
    correct::{correct_frame, correct_header},
    format::{FrameHeader, HEADER_BYTES, Header, Pair, read_whole},
};

/// What was found in a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// Frames that were given out.
    pub(crate) frames: u32,
    /// Numbers of those of which a damaged word was put right.
    pub(crate) corrected: Vec<u32>,
    /// Numbers of frames that cannot be read and before which and behind which others can.
    pub(crate) unreadable: BTreeSet<u32>,
    /// Pages of the database after the last transaction; 0 without one.
    pub(crate) pages: u32,
    /// Whether the log has frames, and no header by which they could be read.
    pub(crate) has_no_header: bool,
}

/// Reads a log twice: to find the last transaction that can be had, and to give out the pages up to it, in the order in which they were
/// written.
pub(crate) fn recover(
    log: &Path,
    mut page: impl FnMut(u32, &[u8]) -> io::Result<()>,
) -> io::Result<Recovered> {
    let mut recovered = Recovered::default();
    let file = match File::open(log) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(recovered),
        Err(error) => return Err(error),
    };
    let mut file = BufReader::with_capacity(256 * 1024, file);
    let mut bytes = [0; HEADER_BYTES];
    if !read_whole(&mut file, &mut bytes)? {
        return Ok(recovered);
    }
    let Some(header) = Header::parse(&bytes).or_else(|| correct_header(&bytes)) else {
        recovered.has_no_header = true;
        return Ok(recovered);
    };
    let mut end = 0;
    walk(&mut file, header, |number, frame, state| {
        let ends = FrameHeader::parse(frame).pages_after_commit;
        if state != State::Unreadable && ends != 0 {
            (end, recovered.pages) = (number, ends);
        }
        Ok(())
    })?;
    file.seek(SeekFrom::Start(HEADER_BYTES as u64))?;
    walk(&mut file, header, |number, frame, state| {
        if number > end {
            return Ok(());
        }
        match state {
            State::Unreadable => _ = recovered.unreadable.insert(number),
            State::Sound | State::Corrected => {
                if state == State::Corrected {
                    recovered.corrected.push(number);
                }
                recovered.frames += 1;
                page(FrameHeader::parse(frame).page, &frame[frame.len() - header.page_size..])?;
            }
        }
        Ok(())
    })?;
    Ok(recovered)
}

/// How a frame was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Sound,
    Corrected,
    Unreadable,
}

fn walk(
    file: &mut BufReader<File>,
    header: Header,
    mut visit: impl FnMut(u32, &[u8], State) -> io::Result<()>,
) -> io::Result<()> {
    let mut frame = vec![0; header.frame_bytes()];
    // The checksums at which the next frame may begin: what its predecessor stores, and what it should store.
    let mut before = [header.checksum; 2];
    let mut number = 0;
    while read_whole(file, &mut frame)? {
        number += 1;
        let (state, stored) = state_of(&header, before, &mut frame);
        visit(number, &frame, state)?;
        before = stored;
    }
    Ok(())
}

/// Whether a frame is sound, or can be put right; and the checksums at which the next one may begin.
fn state_of(header: &Header, before: [Pair; 2], frame: &mut [u8]) -> (State, [Pair; 2]) {
    let found = FrameHeader::parse(frame);
    let stored = found.checksum;
    let computed = header.checksum_of(before[0], frame);
    let differing =
        |one: Pair, other: Pair| one.iter().zip(other).filter(|(one, other)| **one != *other).count();
    let strange_salts = differing(found.salts, header.salts);
    if before.iter().any(|before| header.checksum_of(*before, frame) == stored)
        && found.page != 0
        && strange_salts < 2
    {
        return (if strange_salts == 0 { State::Sound } else { State::Corrected }, [stored; 2]);
    }
    if strange_salts != 0 {
        return (State::Unreadable, [stored, computed]);
    }
    if before.iter().any(|before| correct_frame(header, *before, frame, stored))
        && FrameHeader::parse(frame).page != 0
    {
        return (State::Corrected, [stored; 2]);
    }
    if differing(computed, stored) == 1 {
        // One word of the checksum itself.
        return (State::Corrected, [computed; 2]);
    }
    (State::Unreadable, [stored, computed])
}
