//! The traits through which the jq interpreter works on values.

use std::sync::Arc;

use indexmap::IndexMap;
use jaq_core::{
    Error, Exn, ValR, ValT, ValX, ValXs,
    box_iter::{BoxIter, box_once},
    path::Opt,
    val::Range,
};

use super::{
    Numbers, Size, Val, cannot_index, cannot_iterate,
    index::{absolute, bounds, positions, undefined},
    whole,
};
use crate::budget;

/// The largest array that an assignment behind its end may make: `.[1e9] = 1` must not take the memory.
const LONGEST_PADDING: usize = 1 << 20;

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
        let mut collected = Vec::new();
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
        if let Ok(large) = text.parse() {
            return Ok(Self::Large(large));
        }
        text.parse().map(Self::Float).map_err(|_| Error::str(format!("`{text}` is no number")))
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(members: I) -> ValR<Self> {
        let mut collected = IndexMap::new();
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
                budget::spend_on_new_members(object.members.len());
                let pairs: Vec<_> =
                    object.members.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                Box::new(pairs.into_iter().map(|(name, value)| Ok((Self::Text(name), value))))
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
                Ok(Self::from_items(array.items.get(start..end).unwrap_or_default().to_vec()))
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
        let mut this = self.plain();
        match &this {
            Self::Array(_) => {
                let items = this.take_items().into_iter();
                let items = items.map(|item| f(item).next().unwrap_or_else(undefined));
                Ok(Self::from_items(items.collect::<Result<_, _>>()?))
            }
            Self::Object(_) => {
                let members = this.take_members().into_iter();
                let members = members.map(|(name, value)| {
                    f(value).next().unwrap_or_else(undefined).map(|value| (name, value.plain()))
                });
                Ok(Self::from_members(members.collect::<Result<_, _>>()?))
            }
            _ => opt.fail(this, |this| Exn::from(cannot_iterate(&this))),
        }
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        index: &Self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        let mut this = self.plain();
        match (&this, index) {
            (Self::Null | Self::Object(_), Self::Text(name)) => {
                let mut members = this.take_members();
                let value = members.get_mut(name).map(std::mem::take).unwrap_or_default();
                let new = f(value).next().unwrap_or_else(undefined)?;
                members.insert(Arc::clone(name), new.plain());
                Ok(Self::from_members(members))
            }
            (Self::Null | Self::Array(_), Self::Object(range)) => {
                let (start, end) = (range.members.get("start").cloned(), range.members.get("end").cloned());
                this.map_range(start.as_ref()..end.as_ref(), opt, f)
            }
            (Self::Null | Self::Array(_), Self::Int(_) | Self::Large(_) | Self::Float(_)) => {
                let mut items = this.take_items();
                let Some(index) = absolute(index, items.len()) else {
                    let this = Self::from_items(items);
                    return opt.fail(this, |_| Exn::from(Error::str("out of bounds negative array index")));
                };
                let value = items.get_mut(index).map(std::mem::take).unwrap_or_default();
                if index > items.len() + LONGEST_PADDING {
                    return Err(Exn::from(Error::str(format!("array index {index} is too large"))));
                }
                let new = f(value).next().unwrap_or_else(undefined)?;
                if index >= items.len() {
                    items.resize(index + 1, Self::Null);
                }
                if let Some(place) = items.get_mut(index) {
                    *place = new.plain();
                }
                Ok(Self::from_items(items))
            }
            _ => opt.fail(this, |this| Exn::from(cannot_index(&this, index))),
        }
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        range: Range<&Self>,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        let mut this = self.plain();
        if !matches!(this, Self::Array(_) | Self::Null) {
            return opt.fail(this, |this| Exn::from(Error::typ(this, "array")));
        }
        let is_array = this.is_array();
        let mut items = this.take_items();
        let (start, end) = bounds(&range, items.len()).map_err(Exn::from)?;
        let part = match is_array {
            true => Self::from_items(items.get(start..end).unwrap_or_default().to_vec()),
            false => Self::Null,
        };
        let mut new = f(part).next().unwrap_or_else(undefined)?;
        if !new.is_array() {
            return Err(Exn::from(Error::str("A slice of an array can only be assigned another array")));
        }
        items.splice(start..end, new.take_items());
        Ok(Self::from_items(items))
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

impl jaq_std::ValT for Val {
    fn into_seq<S: FromIterator<Self>>(self) -> Result<S, Self> {
        let mut this = self.plain();
        match this {
            Self::Array(_) => Ok(this.take_items().into_iter().collect()),
            other => Err(other),
        }
    }

    fn is_int(&self) -> bool {
        self.as_i64().is_some()
    }

    fn as_isize(&self) -> Option<isize> {
        self.as_i64().and_then(|number| isize::try_from(number).ok())
    }

    fn as_f64(&self) -> Option<f64> {
        self.as_number()
    }

    fn is_utf8_str(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        self.as_str().map(str::as_bytes)
    }

    fn as_sub_str(&self, sub: &[u8]) -> Self {
        Self::text(String::from_utf8_lossy(sub))
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self::text(String::from_utf8_lossy(bytes.as_ref()))
    }
}

impl Val {
    /// The outputs of a native function that has one result.
    pub(crate) fn once<'a>(result: ValR<Self>) -> ValXs<'a, Self> {
        box_once(result.map_err(Exn::from))
    }
}
