//! Reads `dataInputSchema` and the extensions of `SonataFlow`: output schema, aliases of URIs, namespaces of functions.

use indexmap::IndexMap;
use serde_json::Value;

use super::{Fields, Reader};
use crate::{
    codes,
    model::{At, SchemaRef, SchemaSource},
};

/// The content of the known extensions.
#[derive(Default)]
pub(super) struct Extensions {
    pub(super) output_schema: Option<SchemaRef>,
    pub(super) uri_definitions: IndexMap<String, String>,
    pub(super) namespaces: Vec<String>,
}

/// `extensions`. An unknown one is a warning.
pub(super) fn read_extensions(reader: &mut Reader, workflow: &mut Fields) -> Extensions {
    let mut extensions = Extensions::default();
    for (at, value) in workflow.list(reader, "extensions") {
        let Some(mut fields) = Fields::open(reader, value, &at, "extensions") else { continue };
        let Some(id) = read_extension_id(reader, &mut fields) else { continue };
        fields.place = format!("extension `{}`", id.value);
        match id.value.as_str() {
            "workflow-output-schema" => {
                if !fields.has("outputSchema") {
                    fields.missing(reader, "outputSchema", "text or an object");
                }
                extensions.output_schema = read_schema(reader, &mut fields, "outputSchema");
            }
            "workflow-uri-definitions" => {
                for (alias, uri) in fields.map(reader, "definitions") {
                    match uri {
                        Value::String(uri) => _ = extensions.uri_definitions.insert(alias, uri),
                        other => fields.mistyped(reader, &alias, "text: a URI", &other),
                    }
                }
            }
            "workflow-function-namespaces" => {
                extensions
                    .namespaces
                    .extend(fields.texts(reader, "namespaces").into_iter().map(|name| name.value));
            }
            "workflow-kpi-extension" | "workflow-ratelimiting-extension" => {
                let message = format!("the extension `{}` has no effect yet", id.value);
                reader.warning(codes::WITHOUT_EFFECT, &id.at, message);
                continue;
            }
            unknown => {
                let message = format!("the extension `{unknown}` is not known and has no effect");
                reader.warning(codes::UNKNOWN_EXTENSION, &id.at, message);
                continue;
            }
        }
        fields.finish(reader);
    }
    extensions
}

/// `extensionid`, which some authors write with a capital.
fn read_extension_id(reader: &mut Reader, fields: &mut Fields) -> Option<At<String>> {
    let spelling = if fields.has("extensionId") { "extensionId" } else { "extensionid" };
    fields.required_text(reader, spelling)
}

/// A schema: its URI, or an object `{schema, failOnValidationErrors}` with the URI or the schema itself.
pub(super) fn read_schema(reader: &mut Reader, fields: &mut Fields, name: &'static str) -> Option<SchemaRef> {
    let value = fields.text_or_object(reader, name)?;
    if let Value::String(uri) = value.value {
        let schema = At { value: SchemaSource::Uri(uri), at: value.at };
        return Some(SchemaRef { schema, fail_on_validation_errors: true });
    }
    let mut inner = fields.object(reader, name)?;
    name.clone_into(&mut inner.place);
    if !inner.has("schema") {
        inner.missing(reader, "schema", "the URI of a JSON schema, or the schema itself");
    }
    let schema = inner.text_or_object(reader, "schema").map(|schema| At {
        value: match schema.value {
            Value::String(uri) => SchemaSource::Uri(uri),
            inline => SchemaSource::Inline(inline),
        },
        at: schema.at,
    });
    let fail_on_validation_errors = inner.flag(reader, "failOnValidationErrors", true);
    inner.finish(reader);
    Some(SchemaRef { schema: schema?, fail_on_validation_errors })
}
