//! Compiled regular expressions: their limits, their cache, and one search.
//!
//! Most run on an engine without backtracking. Those with look-around or back references need one that backtracks, for which the text and the
//! number of tries are bounded too.

use std::{cell::RefCell, collections::HashMap, ops::Range, rc::Rc};

use jaq_core::{Error, ValR};

use super::{next_start, work};
use crate::{budget, value::Val};

/// Longest text that is searched, in bytes.
const LONGEST: usize = 1 << 20;

/// Longest text that is searched with backtracking, in bytes: each try can read all of it.
const LONGEST_BACKTRACKED: usize = 16 * 1024;

/// How often a search may backtrack.
const TRIES: usize = 10_000;

/// Most work of a search: bytes of the text times positions of the pattern, of which each can be looked at for each byte. It is 0.5 s where
/// the engine cannot remember the states that it was in, and 50 ms else.
const WORK: usize = 50_000_000;

/// Most work of one try with backtracking: it may be tried at each character.
const WORK_OF_A_TRY: usize = WORK / 250;

/// Longest pattern, in bytes. The tree that one is compiled from takes a thousand times its length and more.
const LONGEST_PATTERN: usize = 4 * 1024;

/// Longest pattern with look-around or back references, in bytes: its parts are compiled one by one, each up to [`SMALL`].
const LONGEST_BACKTRACKED_PATTERN: usize = 1024;

/// Largest compiled pattern, in bytes.
const LARGE: usize = 1 << 20;

/// Largest compiled pattern of which a thread caches many, in bytes.
const SMALL: usize = 128 * 1024;

/// Memory in which a pattern remembers how it searches, in bytes; without enough it searches more slowly.
const SEARCH: usize = 256 * 1024;

/// Steps that compiling any pattern takes, and one with more positions for each of them, up to so many: 10 to 1000 µs of 50 ns. An expression
/// that makes a pattern of each value would compile without end otherwise.
const COMPILING: u64 = 2000;
const COMPILING_A_POSITION: u64 = 200;
const MOST_POSITIONS: usize = 1000;

/// How many compiled patterns a thread caches, small and large ones. Compiling one takes 10 to 1000 µs; together they take 20 MB at most.
const CACHED: [usize; 2] = [32, 2];

enum Engine {
    Linear(regex::Regex),
    Backtracking(fancy_regex::Regex),
}

pub(super) struct Pattern {
    engine: Engine,
    pub(super) names: Vec<Option<String>>,
    pub(super) global: bool,
    skips_empty: bool,
    is_large: bool,
    /// How much of it can be looked at for one byte of text.
    positions: usize,
}

/// Compiled patterns by their text and flags.
type Patterns = HashMap<(String, String), Rc<Pattern>>;

/// Ranges of the whole match and of its groups.
pub(super) type Found = Vec<Option<Range<usize>>>;

thread_local! {
    /// Small and large ones.
    static PATTERNS: RefCell<[Patterns; 2]> = RefCell::default();
}

impl Pattern {
    fn compile(text: &str, flags: &str) -> ValR<Self, Val> {
        if let Some(unknown) = flags.chars().find(|flag| !"gimnpslx".contains(*flag)) {
            return Err(Error::str(format!("{flags} is not a valid modifier string: {unknown}")));
        }
        let has = |flag| flags.contains(flag);
        if text.len() > LONGEST_PATTERN {
            return Err(too_long(text, LONGEST_PATTERN));
        }
        let linear = |size| {
            regex::RegexBuilder::new(text)
                .case_insensitive(has('i'))
                .ignore_whitespace(has('x'))
                .dot_matches_new_line(has('m') || has('p'))
                .size_limit(size)
                .dfa_size_limit(SEARCH)
                .build()
        };
        let (mut compiled, mut is_large) = (linear(SMALL), false);
        if let Err(regex::Error::CompiledTooBig(_)) = compiled {
            (compiled, is_large) = (linear(LARGE), true);
        }
        let (engine, names) = match compiled {
            Ok(regex) => {
                let names = regex.capture_names().map(|name| name.map(str::to_owned)).collect();
                (Engine::Linear(regex), names)
            }
            Err(error @ regex::Error::CompiledTooBig(_)) => {
                return Err(Error::str(format!("invalid regular expression: {error}")));
            }
            Err(_) if text.len() > LONGEST_BACKTRACKED_PATTERN => {
                return Err(too_long(text, LONGEST_BACKTRACKED_PATTERN));
            }
            Err(error) => {
                let trying = fancy_regex::RegexBuilder::new(text)
                    .case_insensitive(has('i'))
                    .ignore_whitespace(has('x'))
                    .dot_matches_new_line(has('m') || has('p'))
                    .backtrack_limit(TRIES)
                    .delegate_size_limit(SMALL)
                    .delegate_dfa_size_limit(SEARCH / 4)
                    .build();
                let regex = trying.map_err(|_| Error::str(format!("invalid regular expression: {error}")))?;
                let names = regex.capture_names().map(|name| name.map(str::to_owned)).collect();
                is_large = true;
                (Engine::Backtracking(regex), names)
            }
        };
        let positions = match engine {
            Engine::Linear(_) => work::positions(text, has('i'), has('x')),
            Engine::Backtracking(_) => work::positions_at_most(text),
        };
        Ok(Self { engine, names, global: has('g'), skips_empty: has('n'), is_large, positions })
    }

    /// The first match at or behind a place.
    pub(super) fn search(&self, text: &str, mut start: usize) -> ValR<Option<(Range<usize>, Found)>, Val> {
        loop {
            // Starting a search takes as long as ten steps; the bytes that it reads are known only afterwards.
            budget::spend(10);
            if start > text.len() {
                return Ok(None);
            }
            let found = self.found(text, start)?;
            let whole = found.first().cloned().flatten();
            let looked_through = whole.as_ref().map_or(text.len(), |whole| whole.end) - start;
            budget::spend_on_bytes(self.slowness() * looked_through);
            let Some(whole) = whole else { return Ok(None) };
            if !(self.skips_empty && whole.is_empty()) {
                return Ok(Some((whole, found)));
            }
            start = next_start(text, &whole);
        }
    }

    /// The time of reading a byte, as a multiple of copying it.
    fn slowness(&self) -> usize {
        match self.engine {
            Engine::Linear(_) => self.positions.max(8),
            Engine::Backtracking(_) => self.positions.max(64),
        }
    }

    /// Longest text that may be searched, in bytes.
    fn longest(&self) -> usize {
        let (longest, work) = match self.engine {
            Engine::Linear(_) => (LONGEST, WORK),
            Engine::Backtracking(_) => (LONGEST_BACKTRACKED, WORK_OF_A_TRY),
        };
        longest.min(work / self.positions.max(1))
    }

    fn found(&self, text: &str, start: usize) -> ValR<Found, Val> {
        match &self.engine {
            Engine::Linear(regex) => {
                let captures = regex.captures_at(text, start);
                Ok(captures.map_or_else(Vec::new, |captures| {
                    captures.iter().map(|group| group.map(|group| group.range())).collect()
                }))
            }
            Engine::Backtracking(regex) => {
                let captures =
                    regex.captures_from_pos(text, start).map_err(|error| Error::str(error.to_string()))?;
                Ok(captures.map_or_else(Vec::new, |captures| {
                    captures.iter().map(|group| group.map(|group| group.range())).collect()
                }))
            }
        }
    }
}

/// The text and the compiled pattern.
pub(super) fn prepared<'a>(text: &'a Val, pattern: &Val, flags: &Val) -> ValR<(&'a str, Rc<Pattern>), Val> {
    let (Some(text), Some(pattern)) = (text.as_str(), pattern.as_str()) else {
        let shown = text.excerpt();
        return Err(Error::str(format!(
            "{shown} ({}) cannot be matched, as it is not a string",
            text.type_name()
        )));
    };
    let flags = match flags {
        Val::Null => "",
        other => other.as_str().ok_or_else(|| Error::str(format!("{} is not a string", other.excerpt())))?,
    };
    let key = (pattern.to_owned(), flags.to_owned());
    let known =
        PATTERNS.with_borrow(|patterns| patterns.iter().find_map(|patterns| patterns.get(&key).cloned()));
    let compiled = if let Some(compiled) = known {
        compiled
    } else {
        let positions = work::positions_at_most(pattern).min(MOST_POSITIONS);
        budget::spend(COMPILING + COMPILING_A_POSITION * positions as u64);
        let compiled = Rc::new(Pattern::compile(pattern, flags)?);
        PATTERNS.with_borrow_mut(|[small, large]| {
            let (patterns, most) = if compiled.is_large { (large, CACHED[1]) } else { (small, CACHED[0]) };
            if patterns.len() >= most {
                patterns.clear();
            }
            patterns.insert(key, Rc::clone(&compiled));
        });
        compiled
    };
    let longest = compiled.longest();
    if text.len() > longest {
        let length = text.len();
        return Err(Error::str(format!(
            "the text has {length} bytes, more than the {longest} that may be matched with this regular expression"
        )));
    }
    Ok((text, compiled))
}

fn too_long(pattern: &str, longest: usize) -> Error<Val> {
    let length = pattern.len();
    Error::str(format!("the regular expression has {length} bytes, more than the {longest} that it may have"))
}
