//! The places of all values of a loaded document, as byte offsets.
//!
//! Owns: a tree with the shape of the document and the place of every value and key. The values of an alias have the places of its anchor.
//! Never: contains values or lines; [`crate::Source`] counts lines.

use crate::Pointer;

/// Number of a place within its [`Positions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlaceId(u32);

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// An object or a list.
    Collection,
    /// Text without quotes, on one line or several.
    Plain,
    /// `'…'`.
    SingleQuoted,
    /// `"…"`.
    DoubleQuoted,
    /// A `|` block.
    Literal,
    /// A `>` block.
    Folded,
}

/// The place of one value: bytes `start..end` of the text.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) style: Style,
    children: Children,
}

#[derive(Debug)]
enum Children {
    None,
    List(Vec<PlaceId>),
    Map(Vec<Member>),
}

/// One member of an object.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: Box<str>,
    /// The byte offset of the name.
    pub(crate) key: u32,
    pub(crate) place: PlaceId,
}

/// The places of all values of a document; empty if the text was not loaded.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    all: Vec<Place>,
    root: Option<PlaceId>,
}

/// The result of following a pointer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'s> {
    /// The value; if it does not exist, the nearest enclosing value.
    pub(crate) place: &'s Place,
    /// The byte offset of the name of the value; absent for the root and for elements of a list.
    pub(crate) key: Option<u32>,
    /// Whether the value of the pointer exists.
    pub(crate) exact: bool,
}

impl Positions {
    pub(crate) fn scalar(&mut self, start: u32, end: u32, style: Style) -> PlaceId {
        self.push(Place { start, end, style, children: Children::None })
    }

    pub(crate) fn list(&mut self, start: u32, end: u32, children: Vec<PlaceId>) -> PlaceId {
        self.push(Place { start, end, style: Style::Collection, children: Children::List(children) })
    }

    pub(crate) fn map(&mut self, start: u32, end: u32, children: Vec<Member>) -> PlaceId {
        self.push(Place { start, end, style: Style::Collection, children: Children::Map(children) })
    }

    pub(crate) fn set_root(&mut self, root: PlaceId) {
        self.root = Some(root);
    }

    /// The root; `None` if the text was not loaded.
    pub(crate) fn root(&self) -> Option<PlaceId> {
        self.root
    }

    /// Moves all places by `bytes`: the text is a part of a longer one, which has that many bytes before it.
    pub(crate) fn shift(&mut self, bytes: usize) {
        // The length of the longer text fits.
        let Ok(bytes) = u32::try_from(bytes) else { return };
        if bytes == 0 {
            return;
        }
        for place in &mut self.all {
            place.start += bytes;
            place.end += bytes;
            if let Children::Map(members) = &mut place.children {
                for member in members {
                    member.key += bytes;
                }
            }
        }
    }

    /// The bytes `start..end` of a value.
    pub(crate) fn bytes(&self, id: PlaceId) -> (u32, u32) {
        self.get(id).map_or((0, 0), |place| (place.start, place.end))
    }

    /// A member of an object.
    pub(crate) fn member(&self, id: PlaceId, name: &str) -> Option<&Member> {
        self.members(id).iter().find(|member| *member.name == *name)
    }

    /// The members of an object, in order; empty for other values.
    pub(crate) fn members(&self, id: PlaceId) -> &[Member] {
        match self.get(id).map(|place| &place.children) {
            Some(Children::Map(members)) => members,
            _ => &[],
        }
    }

    /// The elements of a list; empty for other values.
    pub(crate) fn elements(&self, id: PlaceId) -> &[PlaceId] {
        match self.get(id).map(|place| &place.children) {
            Some(Children::List(elements)) => elements,
            _ => &[],
        }
    }

    /// Follows a pointer as far as possible; `None` if the text was not loaded.
    pub(crate) fn find(&self, at: &Pointer) -> Option<Found<'_>> {
        let mut found = Found { place: self.get(self.root?)?, key: None, exact: true };
        for token in at.tokens() {
            let (id, key) = match &found.place.children {
                Children::None => return Some(Found { exact: false, ..found }),
                Children::List(elements) => {
                    (token.parse::<usize>().ok().and_then(|index| elements.get(index)).copied(), None)
                }
                Children::Map(members) => {
                    let member = members.iter().find(|member| *member.name == *token);
                    (member.map(|member| member.place), member.map(|member| member.key))
                }
            };
            let Some(place) = id.and_then(|id| self.get(id)) else {
                return Some(Found { exact: false, ..found });
            };
            found = Found { place, key, exact: true };
        }
        Some(found)
    }

    fn get(&self, id: PlaceId) -> Option<&Place> {
        self.all.get(id.0 as usize)
    }

    fn push(&mut self, place: Place) -> PlaceId {
        // A document has at most `u32::MAX` bytes, so the number of its values fits.
        let id = PlaceId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(place);
        id
    }
}
