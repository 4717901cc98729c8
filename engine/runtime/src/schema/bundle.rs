//! Bundles a schema and the files that it refers to into one document.
//!
//! Promises: for a reference to a part of a file, the bundle gets that part and the parts that it refers to, not the whole file. So a schema
//! may refer to a part of an OpenAPI document. A part is in the bundle once, also if files refer to each other.

use std::collections::HashMap;
use std::rc::Rc;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use rondo_definition::{Resources, Source, find_anchor};
use serde_json::{Map, Value};

/// How many files may refer to each other in a row.
const DEEPEST: usize = 32;

/// Keywords whose value is data, in which `$ref` is an ordinary member.
const DATA: [&str; 5] = ["const", "enum", "default", "example", "examples"];

/// Reads the file of a reference. Takes the name of the file with the reference, and the URI. Returns the name of the file that was read,
/// for its own references, and its content.
type Read<'a> = dyn Fn(&str, &str) -> Result<(String, Value), String> + 'a;

/// Makes one document of a schema and the files that it refers to.
///
/// The error names the reference that cannot be followed.
pub(crate) struct Bundler<'a> {
    read: &'a Read<'a>,
    /// Names in `$defs` of the parts of the bundle, by file and JSON pointer.
    names: HashMap<(Rc<str>, String), String>,
    /// Parts that have a name, and whose references are not resolved yet.
    pending: Vec<Pending>,
    definitions: Map<String, Value>,
}

/// The origin of a part of the bundle.
struct Home {
    /// The file, by its name.
    file: Rc<str>,
    /// Its content; `None` for the schema itself.
    content: Option<Rc<Value>>,
    /// The place of the file in the bundle; `None` if the bundle has only a part of the file.
    place: Option<String>,
    /// How many files, each referring to the next, lead to this one.
    depth: usize,
}

/// A part that becomes a definition of the bundle.
struct Pending {
    definition: String,
    value: Value,
    home: Home,
}

impl<'a> Bundler<'a> {
    /// Bundles the schema of the file `name`.
    pub(crate) fn bundle(name: &str, schema: Value, read: &'a Read<'a>) -> Result<Value, String> {
        let (names, pending, definitions) = (HashMap::new(), Vec::new(), Map::new());
        let mut bundler = Self { read, names, pending, definitions };
        let home = Home { file: name.into(), content: None, place: Some("#".to_owned()), depth: 0 };
        let mut schema = bundler.resolve(&home, schema)?;
        while let Some(Pending { definition, value, home }) = bundler.pending.pop() {
            let mut value = bundler.resolve(&home, value)?;
            if let (Some(_), Some(members)) = (&home.place, value.as_object_mut()) {
                members.shift_remove("$id");
                members.shift_remove("$schema");
            }
            bundler.definitions.insert(definition, value);
        }
        if let (Some(members), false) = (schema.as_object_mut(), bundler.definitions.is_empty()) {
            let own = members.entry("$defs").or_insert_with(|| Value::Object(Map::new()));
            if let Some(own) = own.as_object_mut() {
                own.append(&mut bundler.definitions);
            }
        }
        Ok(schema)
    }

    /// Rewrites the references of a schema so that they point into the bundle.
    fn resolve(&mut self, home: &Home, schema: Value) -> Result<Value, String> {
        match schema {
            Value::Array(items) => {
                let items = items.into_iter().map(|item| self.resolve(home, item));
                Ok(Value::Array(items.collect::<Result<_, _>>()?))
            }
            Value::Object(members) => {
                let mut resolved = Map::with_capacity(members.len());
                for (key, value) in members {
                    let value = match (key.as_str(), value) {
                        ("$ref", Value::String(reference)) => {
                            let place = self.reference(home, &reference);
                            let place =
                                place.map_err(|why| format!("`$ref: {reference}` in `{}`: {why}", home.file));
                            Value::String(place?)
                        }
                        (key, value) if DATA.contains(&key) => value,
                        (_, value) => self.resolve(home, value)?,
                    };
                    resolved.insert(key, value);
                }
                Ok(Value::Object(resolved))
            }
            other => Ok(other),
        }
    }

    /// The place in the bundle for a reference. The error says why it cannot be followed.
    fn reference(&mut self, home: &Home, reference: &str) -> Result<String, String> {
        let (target, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        if let (true, Some(place)) = (target.is_empty(), &home.place) {
            return Ok(match &home.content {
                Some(content) if !is_pointer(fragment) => {
                    format!("{place}{}", encoded(&pointer(content, fragment, &home.file)?))
                }
                // The schema itself is the root of the bundle, so its anchors stay valid.
                _ => format!("{place}{fragment}"),
            });
        }
        if home.depth >= DEEPEST {
            return Err(format!("schemas refer to each other more than {DEEPEST} levels deep"));
        }
        let (file, content) = match &home.content {
            Some(content) if target.is_empty() => (Rc::clone(&home.file), Rc::clone(content)),
            _ => {
                let (name, value) = (self.read)(&home.file, target)?;
                (Rc::from(name), Rc::new(value))
            }
        };
        let pointer = pointer(&content, fragment, &file)?;
        if let Some(whole) = self.names.get(&(Rc::clone(&file), String::new())) {
            return Ok(format!("#/$defs/{whole}{}", encoded(&pointer)));
        }
        if let Some(known) = self.names.get(&(Rc::clone(&file), pointer.clone())) {
            return Ok(format!("#/$defs/{known}"));
        }
        let value = content.pointer(&pointer).cloned();
        let value = value.ok_or_else(|| format!("`{file}` has nothing at `{pointer}`"))?;
        let definition = self.name_of(&value, &pointer);
        let place = format!("#/$defs/{definition}");
        self.names.insert((Rc::clone(&file), pointer.clone()), definition.clone());
        let home = Home {
            depth: home.depth + usize::from(file != home.file),
            file,
            content: Some(content),
            place: pointer.is_empty().then(|| place.clone()),
        };
        self.pending.push(Pending { definition, value, home });
        Ok(place)
    }

    /// A name for a part of the bundle: its title, or the last segment of its pointer, and a number.
    fn name_of(&self, value: &Value, pointer: &str) -> String {
        let last = pointer.rsplit('/').next().filter(|last| !last.is_empty()).unwrap_or("schema");
        let title = value.get("title").and_then(Value::as_str).unwrap_or(last);
        let title: String = title
            .chars()
            .map(|character| if character.is_alphanumeric() { character } else { '_' })
            .collect();
        format!("{title}_{}", self.names.len() + 1)
    }
}

/// Whether a fragment is a JSON pointer; else it is an anchor.
fn is_pointer(fragment: &str) -> bool {
    fragment.is_empty() || fragment.starts_with('/')
}

/// The JSON pointer of a fragment, which may be an anchor of the file.
fn pointer(content: &Value, fragment: &str, file: &str) -> Result<String, String> {
    let fragment = percent_decode_str(fragment).decode_utf8_lossy().into_owned();
    if is_pointer(&fragment) {
        return Ok(fragment);
    }
    find_anchor(content, &fragment).ok_or_else(|| format!("`{file}` has no anchor `{fragment}`"))
}

/// A JSON pointer as the fragment of a URI.
fn encoded(pointer: &str) -> String {
    const FRAGMENT: &AsciiSet =
        &CONTROLS.add(b' ').add(b'"').add(b'%').add(b'<').add(b'>').add(b'`').add(b'#');
    utf8_percent_encode(pointer, FRAGMENT).to_string()
}

/// Reads a schema file that a document of the folder refers to.
pub(crate) fn read_file(
    resources: &Resources,
    owner: &Source,
    from: &str,
    uri: &str,
) -> Result<(String, Value), String> {
    let resource = resources.read_from(owner, from, uri).map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&resource.bytes);
    let loaded = rondo_definition::load(&resource.name, &text, rondo_definition::Limits::RESOURCE).map_err(
        |problems| problems.first().map_or_else(|| format!("`{uri}` cannot be read"), ToString::to_string),
    )?;
    Ok((resource.name, loaded.value))
}

#[cfg(test)]
mod tests;
