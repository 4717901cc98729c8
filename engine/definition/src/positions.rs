//! Where each value of a loaded document is written, as byte offsets.
//!
//! Owns: a tree in the shape of the document with the place of every value and key. Values reached through an alias
//! share the places of their anchor. Never: keeps values, or knows lines; [`crate::Source`] counts those.

use crate::Pointer;

/// Number of a place within its [`Positions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlaceId(u32);

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// An object or a list.
    Collection,
    /// Text without quotes, of one line or more.
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
    /// Where the name is written.
    pub(crate) key: u32,
    pub(crate) place: PlaceId,
}

/// The places of all values of a document. Empty for a text that was not read as YAML or JSON.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    all: Vec<Place>,
    root: Option<PlaceId>,
}

/// What a pointer leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'s> {
    /// The value, or the nearest value around it that is there.
    pub(crate) place: &'s Place,
    /// Where the last name on the way is written; absent for the root and for elements of a list.
    pub(crate) key: Option<u32>,
    /// Whether the whole pointer was followed.
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

    /// Members of an object, in their order; nothing for other values.
    pub(crate) fn members(&self, id: PlaceId) -> &[Member] {
        match self.get(id).map(|place| &place.children) {
            Some(Children::Map(members)) => members,
            _ => &[],
        }
    }

    /// Elements of a list; nothing for other values.
    pub(crate) fn elements(&self, id: PlaceId) -> &[PlaceId] {
        match self.get(id).map(|place| &place.children) {
            Some(Children::List(elements)) => elements,
            _ => &[],
        }
    }

    /// Follows a pointer as far as the document goes; `None` only without a document.
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
        // Documents are bounded to `u32::MAX` bytes, so they have fewer values than that.
        let id = PlaceId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(place);
        id
    }
}
