//! A schema and the files it refers to as one document.

use std::collections::HashMap;

use rondo_definition::{Resources, Source};
use serde_json::{Map, Value};

/// How deep files may refer to files.
const DEEPEST: usize = 32;

/// Makes one document of a schema and the files it refers to.
///
/// `read` gives the parsed file for a reference made in the file named first, with the name under which its own references
/// are resolved. The error names the reference that cannot be followed.
pub(crate) struct Bundler<'a> {
    read: &'a dyn Fn(&str, &str) -> Result<(String, Value), String>,
    /// Names in `$defs` of the files that have been taken in.
    names: HashMap<String, String>,
    definitions: Map<String, Value>,
}

impl<'a> Bundler<'a> {
    /// Bundles the schema that stands in the file `name`.
    pub(crate) fn bundle(
        name: &str,
        schema: Value,
        read: &'a dyn Fn(&str, &str) -> Result<(String, Value), String>,
    ) -> Result<Value, String> {
        let mut bundler = Self { read, names: HashMap::new(), definitions: Map::new() };
        let mut schema = bundler.resolve(name, "#", schema, 0)?;
        if let (Some(members), false) = (schema.as_object_mut(), bundler.definitions.is_empty()) {
            let own = members.entry("$defs").or_insert_with(|| Value::Object(Map::new()));
            if let Some(own) = own.as_object_mut() {
                own.append(&mut bundler.definitions);
            }
        }
        Ok(schema)
    }

    /// Rewrites the references of a schema that stands at `base` of the bundle.
    fn resolve(&mut self, file: &str, base: &str, schema: Value, depth: usize) -> Result<Value, String> {
        match schema {
            Value::Array(items) => {
                let items = items.into_iter().map(|item| self.resolve(file, base, item, depth));
                Ok(Value::Array(items.collect::<Result<_, _>>()?))
            }
            Value::Object(members) => {
                let mut resolved = Map::with_capacity(members.len());
                for (key, value) in members {
                    let value = match (key.as_str(), value) {
                        ("$ref", Value::String(reference)) => {
                            Value::String(self.reference(file, base, &reference, depth)?)
                        }
                        (_, value) => self.resolve(file, base, value, depth)?,
                    };
                    resolved.insert(key, value);
                }
                Ok(Value::Object(resolved))
            }
            other => Ok(other),
        }
    }

    /// Where a reference points in the bundle.
    fn reference(&mut self, file: &str, base: &str, reference: &str, depth: usize) -> Result<String, String> {
        let (target, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        if target.is_empty() {
            return Ok(format!("{base}{fragment}"));
        }
        if depth >= DEEPEST {
            return Err(format!(
                "`{reference}`: schemas refer to each other more than {DEEPEST} levels deep"
            ));
        }
        let (name, schema) = (self.read)(file, target)?;
        if let Some(known) = self.names.get(&name) {
            return Ok(format!("#/$defs/{known}{fragment}"));
        }
        let title = schema.get("title").and_then(Value::as_str).unwrap_or("schema");
        let title: String = title
            .chars()
            .map(|character| if character.is_alphanumeric() { character } else { '_' })
            .collect();
        let definition = format!("{title}_{}", self.names.len() + 1);
        self.names.insert(name.clone(), definition.clone());
        let place = format!("#/$defs/{definition}");
        let mut schema = self.resolve(&name, &place, schema, depth + 1)?;
        if let Some(members) = schema.as_object_mut() {
            members.shift_remove("$id");
            members.shift_remove("$schema");
        }
        self.definitions.insert(definition, schema);
        Ok(format!("{place}{fragment}"))
    }
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
mod tests {
    use super::super::Schema;
    use super::*;
    use serde_json::json;

    #[test]
    fn files_that_a_schema_refers_to_become_definitions_of_it() {
        let read = |_: &str, uri: &str| match uri {
            "item.json" => Ok((
                "s/item.json".to_owned(),
                json!({
                    "title": "An Item", "$id": "classpath:/x", "type": "object",
                    "properties": {"self": {"$ref": "#/definitions/n"}, "next": {"$ref": "item.json"}},
                    "definitions": {"n": {"type": "integer"}}
                }),
            )),
            other => Err(format!("no file {other}")),
        };
        let bundled = Bundler::bundle(
            "s/main.json",
            json!({"properties": {"b": {"$ref": "item.json"}, "a": {"$ref": "#/definitions/t"}}, "definitions": {"t": {"type": "string"}}}),
            &read,
        )
        .unwrap();
        assert_eq!(
            bundled,
            json!({
                "properties": {"b": {"$ref": "#/$defs/An_Item_1"}, "a": {"$ref": "#/definitions/t"}},
                "definitions": {"t": {"type": "string"}},
                "$defs": {"An_Item_1": {
                    "title": "An Item", "type": "object",
                    "properties": {
                        "self": {"$ref": "#/$defs/An_Item_1/definitions/n"}, "next": {"$ref": "#/$defs/An_Item_1"}
                    },
                    "definitions": {"n": {"type": "integer"}}
                }}
            })
        );
        let schema = Schema::new(bundled, true).unwrap();
        assert!(schema.check(&json!({"b": {"next": {"self": 1}}}).into()).is_ok());
        assert!(schema.check(&json!({"b": {"next": {"self": "x"}}}).into()).is_err());
        assert_eq!(
            Bundler::bundle("m", json!({"$ref": "gone.json"}), &read),
            Err("no file gone.json".into())
        );
    }
}
