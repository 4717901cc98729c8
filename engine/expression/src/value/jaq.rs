//! The trait through which the jq interpreter works on values.

mod library;
mod update;

use jaq_core::{
    Error, Exn, ValR, ValT, ValX, ValXs,
    box_iter::{BoxIter, box_once},
    path::Opt,
    val::Range,
};

use super::{
    Items, MemberMap, Numbers, Size, Val, cannot_index, cannot_iterate,
    index::{absolute, bounds, positions},
    whole,
};
use crate::budget;

impl From<bool> for Val {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<isize> for Val {
    fn from(value: isize) -> Self {
        i64::try_from(value).map_or(Self::Null, Self::Int)
    }
}

impl From<usize> for Val {
    #[allow(clippy::cast_precision_loss, reason = "beyond i64 numbers are floats")]
    fn from(value: usize) -> Self {
        i64::try_from(value).map_or(Self::Float(value as f64), Self::Int)
    }
}

/// A computed number: without a fraction it is whole.
impl From<f64> for Val {
    fn from(value: f64) -> Self {
        whole(value).map_or(Self::Float(value), Self::Int)
    }
}

impl From<String> for Val {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<Range<Val>> for Val {
    fn from(range: Range<Val>) -> Self {
        Self::object([("start", range.start.unwrap_or_default()), ("end", range.end.unwrap_or_default())])
    }
}

impl FromIterator<Val> for Val {
    fn from_iter<I: IntoIterator<Item = Val>>(items: I) -> Self {
        // Checking while elements arrive ends an endless stream, and bounds the memory that they take.
        const AT_ONCE: usize = 256;
        let items = items.into_iter();
        // Most filters give one value, and say so.
        let mut collected = match items.size_hint().1 {
            Some(most @ 1..=4) => Items::with_capacity(most),
            _ => Items::default(),
        };
        let mut size = Size::default();
        for item in items {
            let item = item.plain();
            size = size.with(&item);
            collected.push(item);
            if collected.len().is_multiple_of(AT_ONCE) {
                budget::check_value(size);
                budget::spend_on_new_elements(AT_ONCE);
            }
        }
        Self::of_size(collected, size)
    }
}

impl ValT for Val {
    fn from_num(text: &str) -> ValR<Self> {
        if let Ok(whole) = text.parse() {
            return Ok(Self::Int(whole));
        }
        if let Ok(large) = text.parse::<u64>() {
            return Ok(Self::from(large));
        }
        text.parse().map(Self::Float).map_err(|_| Error::str(format!("`{text}` is no number")))
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(members: I) -> ValR<Self> {
        let mut collected = MemberMap::default();
        for (name, value) in members {
            match name.plain() {
                Self::Text(name) => collected.insert(name, value.plain()),
                other => return Err(Error::str(format!("Cannot use {} as object key", other.preview()))),
            };
        }
        Ok(Self::from_members(collected))
    }

    fn key_values(self) -> BoxIter<'static, ValR<(Self, Self), Self>> {
        match self.plain() {
            Self::Array(array) => {
                let length = array.items.len();
                Box::new((0..length).map(move |index| {
                    Ok((Self::from(index), array.items.get(index).cloned().unwrap_or_default()))
                }))
            }
            Self::Object(object) => {
                let length = object.members.len();
                Box::new((0..length).map(move |index| {
                    let member = object.members.get_index(index);
                    let member = member.map(|(name, value)| (Self::Text(name.clone()), value.clone()));
                    Ok(member.unwrap_or_default())
                }))
            }
            other => box_once(Err(cannot_iterate(&other))),
        }
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR<Self>>> {
        match self.plain() {
            Self::Array(array) => {
                let length = array.items.len();
                Box::new(
                    (0..length).map(move |index| Ok(array.items.get(index).cloned().unwrap_or_default())),
                )
            }
            Self::Object(object) => {
                let length = object.members.len();
                Box::new((0..length).map(move |index| {
                    let member = object.members.get_index(index);
                    Ok(member.map(|(_, value)| value.clone()).unwrap_or_default())
                }))
            }
            other => box_once(Err(cannot_iterate(&other))),
        }
    }

    fn index(self, index: &Self) -> ValR<Self> {
        match (&self, index) {
            (Self::Lookup(lookup), Self::Text(name)) => lookup.get(name).map_err(Error::str),
            (Self::Lookup(_), _) => self.plain().index(index),
            (_, Self::Lookup(_)) => self.index(&index.clone().plain()),
            (
                Self::Null,
                Self::Text(_) | Self::Int(_) | Self::Large(_) | Self::Float(_) | Self::Object(_),
            ) => Ok(Self::Null),
            (Self::Object(object), Self::Text(name)) => {
                Ok(object.members.get(name).cloned().unwrap_or_default())
            }
            // Between two elements there is none.
            (Self::Array(_), Self::Float(number)) if whole(*number).is_none() => Ok(Self::Null),
            (Self::Array(array), Self::Int(_) | Self::Large(_) | Self::Float(_)) => {
                let found = absolute(index, array.items.len()).and_then(|index| array.items.get(index));
                Ok(found.cloned().unwrap_or_default())
            }
            (Self::Array(_), Self::Object(range)) => {
                let (start, end) = (range.members.get("start"), range.members.get("end"));
                self.range(start..end)
            }
            (Self::Array(array), Self::Array(wanted)) => Ok(positions(&array.items, &wanted.items)),
            _ => Err(cannot_index(&self, index)),
        }
    }

    fn range(self, range: Range<&Self>) -> ValR<Self> {
        match self.plain() {
            Self::Null => Ok(Self::Null),
            Self::Array(array) => {
                let (start, end) = bounds(&range, array.items.len())?;
                Ok(part(&array.items, start, end))
            }
            Self::Text(text) => {
                budget::spend_on_bytes(text.len());
                let (start, end) = bounds(&range, text.chars().count())?;
                Ok(Self::text(text.chars().skip(start).take(end - start).collect::<String>()))
            }
            other => Err(Error::typ(other, "array or string")),
        }
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        update::values(self.plain(), opt, f)
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        index: &Self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        update::index(self.plain(), index, opt, f)
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        range: Range<&Self>,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        update::range(self.plain(), range, opt, f)
    }

    fn as_bool(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
            && !matches!(self, Self::Lookup(lookup) if lookup.value().is_null())
    }

    fn into_string(self) -> Self {
        match self.plain() {
            text @ Self::Text(_) => text,
            other => Self::text(other.printed(Numbers::Java)),
        }
    }
}

/// The elements between two places, as an array.
fn part(items: &[Val], start: usize, end: usize) -> Val {
    let items = items.get(start..end).unwrap_or_default();
    budget::spend_on_new_elements(items.len());
    let mut copied = Items::with_capacity(items.len());
    copied.extend_from_slice(items);
    Val::from_items(copied)
}

impl Val {
    /// The outputs of a native function that has one result.
    pub(crate) fn once<'a>(result: ValR<Self>) -> ValXs<'a, Self> {
        box_once(result.map_err(Exn::from))
    }
}
