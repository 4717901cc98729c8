//! Everything that can be had from a write-ahead log, also what SQLite does not read: the frames behind a bad one.
//!
//! Promises: a page is given out only when the checksum of its frame goes on from a neighbour, or when one word of it is damaged; and when a
//! transaction ends behind it.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufReader, Seek, SeekFrom},
    path::Path,
};

use super::{
    correct::{Correction, correct},
    format::{FrameHeader, HEADER_BYTES, Header, Pair, checksum, read_whole},
};

/// What was found in a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// Numbers of frames of which a damaged word was put right.
    pub(crate) corrected: BTreeSet<u32>,
    /// Numbers of frames of which one word is damaged, and nobody can tell which.
    pub(crate) suspect: BTreeSet<u32>,
    /// Numbers of frames that cannot be read, and behind which others can.
    pub(crate) unreadable: BTreeSet<u32>,
    /// Pages of the database after the last transaction; 0 without one.
    pub(crate) pages: u32,
    /// Whether the log has frames, and no header by which they could be read.
    pub(crate) has_no_header: bool,
}

/// The database that the pages of a log are written into.
pub(crate) trait Pages {
    /// How long its file is until now.
    fn bytes(&mut self) -> io::Result<u64>;

    /// What a page holds until now; `None` when it is not there.
    fn read(&mut self, page: u32, size: usize) -> io::Result<Option<Vec<u8>>>;

    /// Writes a page.
    fn write(&mut self, page: u32, content: &[u8]) -> io::Result<()>;
}

/// How a frame was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Sound,
    Corrected,
    Suspect,
    Unreadable,
}

/// What all frames of a log have in common.
#[derive(Clone, Copy)]
struct Log {
    header: Header,
    /// Pages that the database can have.
    most_pages: u32,
}

/// A frame that waits for its successor, which tells whether the checksum that it stores is right.
struct PendingFrame {
    number: u32,
    bytes: Vec<u8>,
    /// The checksum that it begins with.
    before: Pair,
    /// The checksum that its content has.
    computed: Pair,
}

/// Reads a log twice: to find the last transaction that can be had, and to write the pages up to it, in the order of the log.
pub(crate) fn recover(log: &Path, page_size: Option<usize>, pages: &mut impl Pages) -> io::Result<Recovered> {
    let mut recovered = Recovered::default();
    let file = match File::open(log) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(recovered),
        Err(error) => return Err(error),
    };
    let mut file = BufReader::with_capacity(256 * 1024, file);
    if file.get_ref().metadata()?.len() <= HEADER_BYTES as u64 {
        return Ok(recovered);
    }
    let Some(header) = header_of(&mut file, page_size)? else {
        recovered.has_no_header = true;
        return Ok(recovered);
    };
    // Each frame adds one page at most.
    let most = (pages.bytes()? + file.get_ref().metadata()?.len()) / header.page_size as u64;
    let log = Log { header, most_pages: u32::try_from(most).unwrap_or(u32::MAX) };
    let mut end = 0;
    visit_frames(&mut file, log, &mut |_| Ok(None), &mut |number, frame, state| {
        let ends = FrameHeader::parse(frame).pages_after_commit;
        if state != State::Unreadable && ends != 0 {
            (end, recovered.pages) = (number, ends);
        }
        Ok(())
    })?;
    let pages = std::cell::RefCell::new(pages);
    let mut older = |page| pages.borrow_mut().read(page, header.page_size);
    visit_frames(&mut file, log, &mut older, &mut |number, frame, state| {
        if number > end {
            return Ok(());
        }
        let kind = match state {
            State::Sound => None,
            State::Corrected => Some(&mut recovered.corrected),
            State::Suspect => Some(&mut recovered.suspect),
            State::Unreadable => {
                recovered.unreadable.insert(number);
                return Ok(());
            }
        };
        if let Some(numbers) = kind {
            numbers.insert(number);
        }
        pages.borrow_mut().write(FrameHeader::parse(frame).page, &frame[frame.len() - header.page_size..])
    })?;
    Ok(recovered)
}

/// The header of a log; of a damaged one what its frames tell: one of the first two goes on from it, or from the other.
fn header_of(file: &mut BufReader<File>, page_size: Option<usize>) -> io::Result<Option<Header>> {
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = [0; HEADER_BYTES];
    if !read_whole(file, &mut bytes)? {
        return Ok(None);
    }
    let parsed = Header::parse(&bytes);
    if parsed.is_some() {
        return Ok(parsed);
    }
    let word = |at: usize| bytes[at..].first_chunk().map_or(0, |word| u32::from_be_bytes(*word));
    let page_size = page_size.unwrap_or(word(8) as usize);
    if !page_size.is_power_of_two() || !(512..=65_536).contains(&page_size) {
        return Ok(None);
    }
    for is_big_endian in [false, true] {
        for checksum in [[word(24), word(28)], checksum(is_big_endian, [0, 0], &bytes[..24])] {
            let mut header = Header { is_big_endian, page_size, salts: [0, 0], checksum };
            let (mut first, mut second) = (vec![0; header.frame_bytes()], vec![0; header.frame_bytes()]);
            file.seek(SeekFrom::Start(HEADER_BYTES as u64))?;
            if !read_whole(file, &mut first)? {
                return Ok(None);
            }
            let stored = FrameHeader::parse(&first);
            header.salts = stored.salts;
            let goes_on = header.checksum_of(header.checksum, &first) == stored.checksum
                || read_whole(file, &mut second)?
                    && header.checksum_of(stored.checksum, &second) == FrameHeader::parse(&second).checksum;
            if goes_on {
                return Ok(Some(header));
            }
        }
    }
    Ok(None)
}

/// Visits each frame with what it is. `older` knows what a page pending before.
fn visit_frames(
    file: &mut BufReader<File>,
    log: Log,
    older: &mut dyn FnMut(u32) -> io::Result<Option<Vec<u8>>>,
    visit: &mut dyn FnMut(u32, &[u8], State) -> io::Result<()>,
) -> io::Result<()> {
    let header = log.header;
    file.seek(SeekFrom::Start(HEADER_BYTES as u64))?;
    let mut frame = vec![0; header.frame_bytes()];
    let mut pending: Option<PendingFrame> = None;
    let (mut before, mut number) = (header.checksum, 0);
    while read_whole(file, &mut frame)? {
        number += 1;
        let found = FrameHeader::parse(&frame);
        if let Some(bad) = pending.take() {
            // The content of the one before is right when this frame goes on from its content rather than from what it stores.
            let is_content_right = header.checksum_of(bad.computed, &frame) == found.checksum;
            before = if is_content_right { bad.computed } else { FrameHeader::parse(&bad.bytes).checksum };
            let known_right = is_content_right || header.checksum_of(before, &frame) == found.checksum;
            visit_bad_frame(log, bad, known_right.then_some(is_content_right), older, visit)?;
        }
        let computed = header.checksum_of(before, &frame);
        let strange_salts = differing(found.salts, header.salts);
        if computed == found.checksum && found.page != 0 && strange_salts < 2 {
            let state = if strange_salts == 0 { State::Sound } else { State::Corrected };
            visit(number, &frame, state)?;
            before = found.checksum;
        } else {
            pending = Some(PendingFrame { number, bytes: frame.clone(), before, computed });
        }
    }
    match pending {
        Some(bad) => visit_bad_frame(log, bad, None, older, visit),
        None => Ok(()),
    }
}

/// Visits a frame whose content and checksum do not go together. `is_content_right` is what its successor tells.
fn visit_bad_frame(
    log: Log,
    bad: PendingFrame,
    is_content_right: Option<bool>,
    older: &mut dyn FnMut(u32) -> io::Result<Option<Vec<u8>>>,
    visit: &mut dyn FnMut(u32, &[u8], State) -> io::Result<()>,
) -> io::Result<()> {
    let Log { header, most_pages } = log;
    let PendingFrame { number, mut bytes, before, computed } = bad;
    let found = FrameHeader::parse(&bytes);
    let strange_salts = differing(found.salts, header.salts);
    if strange_salts == 2 {
        // Of an older generation.
        return visit(number, &bytes, State::Unreadable);
    }
    if is_content_right == Some(true) {
        return visit(number, &bytes, State::Corrected);
    }
    let is_checksum_suspect = is_content_right.is_none() && differing(computed, found.checksum) == 1;
    let known = older(found.page)?;
    let is_plausible = |header: &FrameHeader| {
        (1..=most_pages).contains(&header.page) && header.pages_after_commit <= most_pages
    };
    let correction = match correct(&header, before, &mut bytes, known.as_deref(), is_plausible) {
        // It explains the difference as well: the content may be right as it is.
        _ if is_checksum_suspect => Correction::Ambiguous,
        correction => correction,
    };
    let is_page = is_plausible(&FrameHeader::parse(&bytes));
    visit(
        number,
        &bytes,
        match correction {
            Correction::Done if is_page => State::Corrected,
            Correction::Ambiguous if is_page => State::Suspect,
            _ => State::Unreadable,
        },
    )
}

/// How many words of two pairs differ.
fn differing(one: Pair, other: Pair) -> usize {
    one.iter().zip(other).filter(|(one, other)| **one != *other).count()
}
