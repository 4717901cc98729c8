//! Converts answers into the form that a document declares, leniently.
//!
//! Promises: keeps values that it does not understand; fails only if memory is not granted or a text holds more than a value may. Unchanged parts
//! are not copied. Source: `SonataFlow` 10.1.0, which passes answers through classes generated from the document. Unlike these classes, it keeps
//! members that no schema declares; like them, it adds declared defaults and omits nulls.

use rondo_expression::{ReadError, ReadLimits, Val};

use super::convert::{object_in_text, scalar};
use super::shape::{Members, Shape, Shapes};

/// Memory of an element of an array, and of a member of an object without its value: its name and its entry in the table.
const ELEMENT_BYTES: usize = size_of::<Val>();
const MEMBER_BYTES: usize = 2 * size_of::<Val>() + 32;

/// The inputs of a conversion.
pub(crate) struct Conversion<'a> {
    pub(crate) shapes: &'a Shapes,
    /// Limits of each object that is parsed from a text.
    pub(crate) limits: ReadLimits,
    /// Is asked for memory before it is allocated.
    pub(crate) grant: &'a mut dyn FnMut(usize) -> bool,
}

/// The converted value; `None` if it stays as it is.
type Changed = Result<Option<Val>, ReadError>;

impl Conversion<'_> {
    /// Converts an answer to the shape: converts scalars, fills in declared defaults, omits null members, and where no member is declared
    /// replaces texts that hold an object by the object.
    pub(crate) fn convert(&mut self, value: Val, shape: &Shape) -> Result<Val, ReadError> {
        Ok(self.declared(&value, shape)?.unwrap_or(value))
    }

    /// Parses a text that holds an object; every other value stays as it is.
    pub(crate) fn parse_object_text(&mut self, value: Val) -> Result<Val, ReadError> {
        Ok(self.object_text(&value)?.unwrap_or(value))
    }

    /// Does the same for each element of a list.
    pub(crate) fn parse_object_texts(&mut self, list: Val) -> Result<Val, ReadError> {
        Ok(self.elements(&list, &mut Self::object_text)?.unwrap_or(list))
    }

    fn declared(&mut self, value: &Val, shape: &Shape) -> Changed {
        let shapes = self.shapes;
        match (shapes.resolve(shape), value) {
            (
                shape @ (Shape::Boolean | Shape::Integer | Shape::Number | Shape::Text | Shape::Binary),
                value,
            ) => Ok(scalar(value, shape).filter(|converted| !is_same(converted, value))),
            (Shape::Array(items), Val::Array(_)) => {
                self.elements(value, &mut |conversion, value| conversion.declared(value, items))
            }
            (Shape::Object(members), Val::Object(_)) if !members.declared.is_empty() => {
                self.members(value, Some(members))
            }
            (_, value) => self.free(value),
        }
    }

    /// Converts a value for which nothing is declared.
    fn free(&mut self, value: &Val) -> Changed {
        match value {
            Val::Text(_) => match self.object_text(value)? {
                Some(object) => Ok(Some(self.free(&object)?.unwrap_or(object))),
                None => Ok(None),
            },
            Val::Array(_) => self.elements(value, &mut Self::free),
            Val::Object(_) => self.members(value, None),
            _ => Ok(None),
        }
    }

    fn object_text(&mut self, value: &Val) -> Changed {
        let Some(text) = object_in_text(value) else { return Ok(None) };
        match Val::read_json(text.as_bytes(), self.limits, self.grant) {
            Ok(object) => Ok(Some(object).filter(Val::is_object)),
            // The text only looks like an object.
            Err(ReadError::Syntax(_) | ReadError::Depth(_)) => Ok(None),
            Err(refused) => Err(refused),
        }
    }

    fn elements(&mut self, list: &Val, convert: &mut dyn FnMut(&mut Self, &Val) -> Changed) -> Changed {
        let elements = list.elements();
        let mut converted: Option<Vec<Val>> = None;
        for (at, element) in elements.iter().enumerate() {
            let changed = convert(self, element)?;
            if changed.is_some() && converted.is_none() {
                self.take(elements.len() * ELEMENT_BYTES)?;
                let mut before = Vec::with_capacity(elements.len());
                before.extend(elements.iter().take(at).cloned());
                converted = Some(before);
            }
            if let Some(converted) = &mut converted {
                converted.push(changed.unwrap_or_else(|| element.clone()));
            }
        }
        Ok(converted.map(Val::array))
    }

    /// Converts the members: omits nulls, converts declared members, and adds defaults of absent ones.
    fn members(&mut self, object: &Val, declared: Option<&Members>) -> Changed {
        let members = object.members();
        let mut is_changed = false;
        let mut converted = Vec::new();
        for (name, value) in members.shared() {
            if value.is_null() {
                is_changed = true;
                continue;
            }
            let changed = match declared.and_then(|members| members.declared.get(&**name)) {
                Some(member) => self.declared(value, &member.shape)?,
                None => self.free(value)?,
            };
            is_changed |= changed.is_some();
            converted.push((name.clone(), changed.unwrap_or_else(|| value.clone())));
        }
        for (name, member) in declared.into_iter().flat_map(|members| &members.declared) {
            if let (None, Some(default)) = (object.get(name), self.shapes.default_of(member)) {
                is_changed = true;
                converted.push((
                    name.as_str().into(),
                    self.declared(default, &member.shape)?.unwrap_or_else(|| default.clone()),
                ));
            }
        }
        if !is_changed {
            return Ok(None);
        }
        self.take(converted.len() * MEMBER_BYTES)?;
        Ok(Some(Val::object(converted)))
    }

    fn take(&mut self, bytes: usize) -> Result<(), ReadError> {
        if (self.grant)(bytes) { Ok(()) } else { Err(ReadError::NoRoom) }
    }
}

/// Whether two scalars have the same type and value.
fn is_same(one: &Val, other: &Val) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other) && one == other
}
