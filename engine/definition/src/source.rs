//! The text of a document, and the places of its values.
//!
//! Owns: the text, the line and column of every JSON pointer, and the list of files that were read for the document, which are part of its
//! revision. Promises: a pointer without a value gives the place of the nearest enclosing value. Never: reads a file or interprets a
//! value.

use std::{collections::BTreeMap, fmt, ops::Range, sync::Arc};

use parking_lot::Mutex;
use serde::Serialize;

use crate::{
    Pointer,
    positions::{Place, Positions, Style},
};

/// A place in a text, both numbers counted from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Character in the line.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML 1.2.
    Yaml,
    /// JSON.
    Json,
}

impl Format {
    /// The format of a file, by its extension: `.json` is JSON, everything else YAML.
    pub fn of(path: &str) -> Self {
        if path.to_ascii_lowercase().ends_with(".json") { Self::Json } else { Self::Yaml }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yaml => "YAML",
            Self::Json => "JSON",
        })
    }
}

/// A document's text with the places of its values.
#[derive(Debug)]
pub struct Source {
    path: Arc<str>,
    name: Arc<str>,
    /// The whole text of the file.
    text: Arc<str>,
    /// The bytes of it that are the document.
    part: Range<usize>,
    /// The text of the workflow as a document of its own, if the file holds more.
    workflow: Option<Arc<str>>,
    format: Format,
    /// Byte at which each line starts.
    lines: Vec<usize>,
    positions: Positions,
    /// The digests of the files that were read for this document, by name.
    used: Mutex<BTreeMap<String, String>>,
}

impl Source {
    /// A source without the places of values, for showing lines. `path` is the name that users see.
    pub fn unread(path: &str, text: &str) -> Self {
        Self::with_positions(path, &text.into(), 0..text.len(), Positions::default())
    }

    /// The source of a document that is the bytes `part` of the text of a file.
    pub(crate) fn with_positions(
        path: &str,
        text: &Arc<str>,
        part: Range<usize>,
        positions: Positions,
    ) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let path: Arc<str> = path.into();
        Self {
            name: Arc::clone(&path),
            format: Format::of(&path),
            path,
            text: Arc::clone(text),
            part,
            workflow: None,
            lines,
            positions,
            used: Mutex::default(),
        }
    }

    /// The same text as the source of a workflow that is only a part of it: its name, the workflow as a document of its own, and the places
    /// of its values, which are made of the present ones.
    pub(crate) fn into_workflow(
        self,
        name: Arc<str>,
        workflow: Arc<str>,
        places: impl FnOnce(Positions) -> Positions,
    ) -> Self {
        Self { name, workflow: Some(workflow), positions: places(self.positions), ..self }
    }

    /// Name of the file as users see it, relative to the folder of workflows.
    pub fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// The name under which the document is stored and found again: the path of its file, and, if several documents may be in such a file,
    /// `#` and the id of the workflow.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The text of the document. That of a custom resource is its flow with id and version, as JSON: what else the resource says, such as the
    /// variables of its container, is neither shown nor stored.
    pub fn text(&self) -> &str {
        self.workflow.as_deref().unwrap_or_else(|| self.text.get(self.part.clone()).unwrap_or_default())
    }

    /// How it is written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Where the value at a pointer starts.
    pub fn position(&self, at: &Pointer) -> Position {
        self.positions.find(at).map_or(Position { line: 1, column: 1 }, |found| {
            self.position_of_byte(found.place.start as usize)
        })
    }

    /// Where the name of the member at a pointer starts; for other values where the value starts.
    pub fn key_position(&self, at: &Pointer) -> Position {
        match self.positions.find(at) {
            Some(found) => self.position_of_byte(found.key.unwrap_or(found.place.start) as usize),
            None => Position { line: 1, column: 1 },
        }
    }

    /// The position of byte `offset` of the text value at a pointer, for problems inside an expression.
    ///
    /// It is exact in plain and quoted texts on one line and in `|` blocks; in other texts it is the start of the text.
    pub fn position_within(&self, at: &Pointer, offset: usize) -> Position {
        match self.positions.find(at) {
            Some(found) if found.exact => {
                let Place { start, end, style, .. } = found.place;
                let (start, end) = (*start as usize, *end as usize);
                let before = self.text.get(..start).unwrap_or_default();
                let raw = self.text.get(start..end).unwrap_or_default();
                self.position_of_byte(start + raw_offset(*style, before, raw, offset).unwrap_or(0))
            }
            _ => self.position(at),
        }
    }

    /// The scalar at a pointer exactly as written, quotes included; `None` for objects, lists and places that are not there.
    pub fn raw(&self, at: &Pointer) -> Option<&str> {
        let found = self.positions.find(at).filter(|found| found.exact)?;
        let Place { start, end, style, .. } = found.place;
        (*style != Style::Collection).then(|| self.text.get(*start as usize..*end as usize))?
    }

    /// The number of characters on the first line of the value that starts at a position, or of its name; `None` if neither starts there.
    pub(crate) fn width(&self, at: &Pointer, position: Position) -> Option<usize> {
        let found = self.positions.find(at).filter(|found| found.exact)?;
        let (start, end) = (found.place.start as usize, found.place.end as usize);
        let width = if self.position_of_byte(start) == position {
            let value = self.text.get(start..end)?;
            value.lines().next().unwrap_or_default().trim_end().chars().count()
        } else {
            let key = found.key.filter(|key| self.position_of_byte(*key as usize) == position)?;
            let is_quoted = self.text.get(key as usize..)?.starts_with(['"', '\'']);
            at.tokens().last()?.chars().count() + if is_quoted { 2 } else { 0 }
        };
        Some(width.max(1))
    }

    /// Line number `line`, counted from 1, without its line break.
    pub fn line_text(&self, line: usize) -> Option<&str> {
        let start = *self.lines.get(line.checked_sub(1)?)?;
        let end = self.lines.get(line).copied().unwrap_or(self.text.len());
        Some(self.text.get(start..end)?.trim_end_matches(['\n', '\r']))
    }

    /// Line and column of a byte of the text.
    pub fn position_of_byte(&self, byte: usize) -> Position {
        let line = self.lines.partition_point(|start| *start <= byte);
        let start = line.checked_sub(1).and_then(|index| self.lines.get(index)).copied().unwrap_or(0);
        let mut end = byte.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = self.text.get(start..end).unwrap_or_default();
        Position { line: line.max(1), column: before.chars().count() + 1 }
    }

    /// Records that a file was read for this document.
    pub(crate) fn record_used_file(&self, name: &str, digest: String) {
        self.used.lock().insert(name.to_owned(), digest);
    }

    /// The SHA-256 digest (hex) of a file that was read for this document.
    pub fn digest_of(&self, name: &str) -> Option<String> {
        self.used.lock().get(name).cloned()
    }

    /// The names and SHA-256 digests (hex) of the files that were read for this document so far.
    pub fn used_files(&self) -> BTreeMap<String, String> {
        self.used.lock().clone()
    }
}

/// The offset in a raw scalar of byte `offset` of its value. `before` is the text before the scalar.
fn raw_offset(style: Style, before: &str, raw: &str, offset: usize) -> Option<usize> {
    match style {
        Style::Plain if !raw.contains('\n') => Some(offset),
        Style::SingleQuoted | Style::DoubleQuoted if !raw.contains('\n') => {
            let mut value = 0;
            let mut chars = raw.char_indices().skip(1).peekable();
            while let Some((at, c)) = chars.next() {
                if value >= offset {
                    return Some(at);
                }
                if style == Style::SingleQuoted && c == '\'' {
                    chars.next();
                } else if c == '\\' && style == Style::DoubleQuoted {
                    // A two-character escape stands for one byte. Longer escapes are not supported.
                    let (_, escaped) = chars.next()?;
                    if !"\"\\/nrt0abfve ".contains(escaped) {
                        return None;
                    }
                    value += 1;
                    continue;
                }
                value += c.len_utf8();
            }
            None
        }
        Style::Literal => raw_offset_in_block(before, raw, offset),
        _ => None,
    }
}

/// The same for a `|` block. Its lines are those of the value, each after a common indentation; the raw scalar begins after the indentation of
/// its first line that is not empty.
fn raw_offset_in_block(before: &str, raw: &str, offset: usize) -> Option<usize> {
    let (above, indent) = before.rsplit_once('\n')?;
    let empty_lines = above.rsplit('\n').take_while(|line| line.trim().is_empty()).count();
    let mut offset = offset.checked_sub(empty_lines)?;
    let mut at = 0;
    for line in raw.split_inclusive('\n') {
        let skipped = if at == 0 { 0 } else { indent.len().min(line.trim_end_matches(['\n', '\r']).len()) };
        let length = line.len() - skipped;
        if offset < length {
            return Some(at + skipped + offset);
        }
        offset -= length;
        at += line.len();
    }
    None
}
