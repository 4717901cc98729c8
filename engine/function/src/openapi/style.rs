//! Writes parameter values in the styles of `OpenAPI`: `form`, `deepObject`, `matrix` and the others.
//!
//! Promises: names and values are encoded, and the separators that a style adds are not; a value in a cookie cannot add another cookie. Source:
//! `OpenAPI` 3.1.0, "Style Values".

use openapiv3::{PathStyle, QueryStyle};
use rondo_expression::Val;

use super::operation::Parameter;
use crate::encoding::{cookie_encode, path_encode, percent_encode};

/// Writes a value in a path, encoded. `multi_segment` says whether a `/` in it separates segments if the document does not.
pub(crate) fn path(parameter: &Parameter, style: &PathStyle, value: &Val, multi_segment: bool) -> String {
    let keeps_slashes = parameter.multi_segment.unwrap_or(multi_segment);
    let encode = |text: &str| path_encode(text, keeps_slashes);
    let name = percent_encode(&parameter.name, false);
    match style {
        PathStyle::Simple => parts(value, parameter, &encode).join(","),
        PathStyle::Label => {
            let separator = if parameter.explode { "." } else { "," };
            format!(".{}", parts(value, parameter, &encode).join(separator))
        }
        PathStyle::Matrix => match value {
            Val::Object(_) if parameter.explode => {
                parts(value, parameter, &encode).iter().flat_map(|part| [";", part]).collect()
            }
            Val::Array(_) if parameter.explode => {
                parts(value, parameter, &encode).iter().flat_map(|part| [";", &name, "=", part]).collect()
            }
            _ => format!(";{name}={}", parts(value, parameter, &encode).join(",")),
        },
    }
}

/// Writes a value in a query: encoded `name=value` pieces, none for an empty list.
pub(crate) fn query(parameter: &Parameter, style: &QueryStyle, value: &Val) -> Vec<String> {
    let encode = |text: &str| percent_encode(text, parameter.reserved);
    let name = percent_encode(&parameter.name, false);
    if parameter.json {
        return vec![format!("{name}={}", encode(&value.to_json()))];
    }
    let separator = match style {
        QueryStyle::SpaceDelimited => "%20",
        QueryStyle::PipeDelimited => "%7C",
        QueryStyle::Form | QueryStyle::DeepObject => ",",
    };
    let explode = parameter.explode;
    match (style, value) {
        (QueryStyle::DeepObject, Val::Object(_)) => value
            .members()
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(member, value)| {
                format!("{name}[{}]={}", percent_encode(member, false), encode(&text_of(value)))
            })
            .collect(),
        (QueryStyle::Form, Val::Object(_)) if explode => parts(value, parameter, &encode),
        (_, Val::Array(_)) if explode => {
            parts(value, parameter, &encode).iter().map(|part| format!("{name}={part}")).collect()
        }
        (_, Val::Array(_)) if value.elements().is_empty() => Vec::new(),
        _ => vec![format!("{name}={}", parts(value, parameter, &encode).join(separator))],
    }
}

/// Writes a value in a header, without encoding.
pub(crate) fn header(parameter: &Parameter, value: &Val) -> String {
    parts(value, parameter, &str::to_owned).join(",")
}

/// Writes a value in a cookie: `name=value`, with the separators of cookies encoded.
pub(crate) fn cookie(parameter: &Parameter, value: &Val) -> String {
    let name = percent_encode(&parameter.name, false);
    format!("{name}={}", parts(value, parameter, &cookie_encode).join(","))
}

/// A value as text: strings as they are, everything else as JSON.
pub(crate) fn text_of(value: &Val) -> String {
    value.to_text()
}

/// The parts of a value, encoded: the elements of an array; for an object `name=value` when exploded, else names and values in turn.
fn parts(value: &Val, parameter: &Parameter, encode: &dyn Fn(&str) -> String) -> Vec<String> {
    match value {
        _ if parameter.json => vec![encode(&value.to_json())],
        Val::Array(_) => value
            .elements()
            .iter()
            .filter(|element| !element.is_null())
            .map(|element| encode(&text_of(element)))
            .collect(),
        Val::Object(_) => value
            .members()
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .flat_map(|(name, value)| {
                let (name, value) = (encode(name), encode(&text_of(value)));
                if parameter.explode { vec![format!("{name}={value}")] } else { vec![name, value] }
            })
            .collect(),
        other => vec![encode(&text_of(other))],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::openapi::operation::Place;
    use crate::openapi::shape::Shape;

    fn parameter(explode: bool) -> Parameter {
        Parameter {
            name: "color".to_owned(),
            place: Place::Header,
            explode,
            reserved: false,
            json: false,
            required: false,
            multi_segment: None,
            shape: Shape::Any,
            default: None,
        }
    }

    /// The examples of the specification's table "Style Examples", with a blank in one value.
    #[test]
    fn styles_are_those_of_the_specification() {
        use {PathStyle as P, QueryStyle as Q};
        let text = json!("blue");
        let list = json!(["blue", "bl ack"]);
        let object = json!({"R": 100, "G": 200});
        for (style, explode, value, expected) in [
            (P::Matrix, false, &text, ";color=blue"),
            (P::Matrix, false, &list, ";color=blue,bl%20ack"),
            (P::Matrix, false, &object, ";color=R,100,G,200"),
            (P::Matrix, true, &list, ";color=blue;color=bl%20ack"),
            (P::Matrix, true, &object, ";R=100;G=200"),
            (P::Label, false, &text, ".blue"),
            (P::Label, true, &list, ".blue.bl%20ack"),
            (P::Label, true, &object, ".R=100.G=200"),
            (P::Simple, false, &list, "blue,bl%20ack"),
            (P::Simple, false, &object, "R,100,G,200"),
            (P::Simple, true, &object, "R=100,G=200"),
        ] {
            assert_eq!(
                path(&parameter(explode), &style, &value.clone().into(), true),
                expected,
                "{style:?} {explode} {value}"
            );
        }
        for (style, explode, value, expected) in [
            (Q::Form, true, &text, "color=blue"),
            (Q::Form, true, &list, "color=blue&color=bl%20ack"),
            (Q::Form, false, &list, "color=blue,bl%20ack"),
            (Q::Form, true, &object, "R=100&G=200"),
            (Q::Form, false, &object, "color=R,100,G,200"),
            (Q::SpaceDelimited, false, &list, "color=blue%20bl%20ack"),
            (Q::PipeDelimited, false, &list, "color=blue%7Cbl%20ack"),
            (Q::DeepObject, true, &object, "color[R]=100&color[G]=200"),
            (Q::Form, true, &json!([]), ""),
            (Q::Form, false, &json!([]), ""),
        ] {
            let pieces = query(&parameter(explode), &style, &value.clone().into());
            assert_eq!(pieces.join("&"), expected, "{style:?} {explode} {value}");
        }
    }
}
