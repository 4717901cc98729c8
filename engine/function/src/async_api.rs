//! Functions that send or receive a message, as an `AsyncAPI` document describes it.
//!
//! Owns: reading an operation and its channel from documents of versions 2 and 3. Never: sends or receives a message; the runtime does, together
//! with its other events. Source: `apache/incubator-kie-kogito-runtimes`, `AsyncAPIInfoConverter`; the `AsyncAPI` specification, versions 2.6 and
//! 3.0.

use rondo_definition::did_you_mean;
use serde_json::Value;

use crate::bind::first_ids;
use crate::channel::{Channel, Parameter};

/// Why a document gives no channel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ChannelProblem {
    /// The document cannot be used.
    Document(String),
    /// The document has no such operation; the text lists those that it has.
    UnknownOperation(String),
}

/// The suffix that `SonataFlow` adds to the address of a channel for sent messages.
const OUTGOING: &str = "_out";

/// The beginning of the location of a parameter in the payload; a JSON pointer follows.
const PAYLOAD: &str = "$message.payload#";

/// The channel of an operation.
pub(crate) fn find_channel(document: &Value, operation: &str) -> Result<Channel, ChannelProblem> {
    let version = match document.get("asyncapi") {
        Some(Value::String(version)) => version.clone(),
        Some(version @ Value::Number(_)) => version.to_string(),
        _ => {
            return Err(ChannelProblem::Document(
                "it has no `asyncapi`, so it is no AsyncAPI document".to_owned(),
            ));
        }
    };
    let operations = match version.split('.').next() {
        Some("2") => operations_of_version_2(document),
        Some("3") => operations_of_version_3(document),
        _ => {
            let problem = format!("it is of version {version}; versions 2 and 3 can be used");
            return Err(ChannelProblem::Document(problem));
        }
    };
    let ids = || operations.iter().map(|(id, _)| id.as_str());
    match operations.iter().find(|(id, _)| id == operation) {
        Some((_, channel)) => channel.clone().map_err(ChannelProblem::Document),
        None => Err(ChannelProblem::UnknownOperation(match did_you_mean(operation, ids()) {
            Some(other) => format!("there is `{other}`"),
            None => first_ids(ids()),
        })),
    }
}

/// Operations by id, each with its channel, or the reason why it has none.
type Operations = Vec<(String, Result<Channel, String>)>;

/// The channel with this address, as an operation that sends or receives names it. `item` is the channel's description in the document.
fn channel(document: &Value, address: &str, item: &Value, sends: bool) -> Channel {
    let name = if sends { format!("{address}{OUTGOING}") } else { address.to_owned() };
    let names = address.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0));
    let parameters = names.filter_map(|name| parameter(document, item, name)).collect();
    Channel { name, sends, parameters }
}

/// The parameter of this name of a channel; `None` if its value is no part of the payload, but of the headers: then it is an attribute of the event.
fn parameter(document: &Value, item: &Value, name: &str) -> Option<Parameter> {
    let described = item.get("parameters").and_then(|parameters| parameters.get(name));
    let location = described.and_then(|described| referred(document, described).get("location")?.as_str());
    let pointer = location.map(|location| location.strip_prefix(PAYLOAD).map(str::to_owned));
    let name = name.to_owned();
    match pointer {
        None => Some(Parameter { name, pointer: None }),
        Some(pointer) => Some(Parameter { name, pointer: Some(pointer?) }),
    }
}

/// Version 2: a channel has an operation `publish` and an operation `subscribe`.
fn operations_of_version_2(document: &Value) -> Operations {
    let channels = document.get("channels").and_then(Value::as_object).into_iter().flatten();
    let mut operations = Vec::new();
    for (address, item) in channels {
        let item = referred(document, item);
        for (kind, sends) in [("publish", true), ("subscribe", false)] {
            let id = item.get(kind).and_then(|operation| operation.get("operationId")?.as_str());
            operations.extend(id.map(|id| (id.to_owned(), Ok(channel(document, address, item, sends)))));
        }
    }
    operations
}

/// Version 3: an operation has an action and refers to its channel.
fn operations_of_version_3(document: &Value) -> Operations {
    let operations = document.get("operations").and_then(Value::as_object).into_iter().flatten();
    operations
        .map(|(id, operation)| {
            let operation = referred(document, operation);
            let sends = match operation.get("action").and_then(Value::as_str) {
                Some("send") => true,
                Some("receive") => false,
                other => {
                    let action = other.unwrap_or_default();
                    let problem = format!(
                        "its operation `{id}` has the action `{action}`; there are `send` and `receive`"
                    );
                    return (id.clone(), Err(problem));
                }
            };
            (id.clone(), channel_of_version_3(document, operation, id, sends))
        })
        .collect()
}

/// The channel that an operation refers to. Its address is the channel's name if it has none.
fn channel_of_version_3(
    document: &Value,
    operation: &Value,
    id: &str,
    sends: bool,
) -> Result<Channel, String> {
    let reference = operation.get("channel").and_then(|channel| channel.get("$ref")?.as_str());
    let Some(reference) = reference else {
        return Err(format!("its operation `{id}` refers to no channel"));
    };
    let Some(found) = resolve(document, reference) else {
        return Err(format!(
            "its operation `{id}` refers to the channel `{reference}`, which it does not have"
        ));
    };
    let found = referred(document, found);
    let name = || unescape(reference.rsplit('/').next().unwrap_or_default());
    let address = found.get("address").and_then(Value::as_str).map_or_else(name, str::to_owned);
    Ok(channel(document, &address, found, sends))
}

/// What a value stands for: itself, or what its `$ref` points to in the document.
fn referred<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let reference = value.get("$ref").and_then(Value::as_str);
    reference.and_then(|reference| resolve(document, reference)).unwrap_or(value)
}

/// The value that a reference within the document points to.
fn resolve<'d>(document: &'d Value, reference: &str) -> Option<&'d Value> {
    document.pointer(reference.strip_prefix('#')?)
}

/// Decodes a part of a JSON pointer.
fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_operation_sends_to_a_channel_or_receives_from_it() {
        let version_3 = json!({
            "asyncapi": "3.0.0",
            "channels": {
                "wait": {"address": "wait/{id}"}, "a/b": {"address": null}, "other": {"$ref": "#/components/channels/other"},
                "placed": {"address": "to-{region}-{kind}", "parameters": {"region": {"$ref": "#/components/parameters/region"}}},
                "headed": {"address": "to-{region}", "parameters": {"region": {"location": "$message.header#/region"}}},
            },
            "components": {
                "channels": {"other": {"address": "far"}},
                "parameters": {"region": {"location": "$message.payload#/place/region"}},
            },
            "operations": {
                "sendWait": {"action": "send", "channel": {"$ref": "#/channels/wait"}},
                "wait": {"action": "receive", "channel": {"$ref": "#/channels/wait"}},
                "plain": {"action": "receive", "channel": {"$ref": "#/channels/a~1b"}},
                "far": {"action": "send", "channel": {"$ref": "#/channels/other"}},
                "placed": {"action": "send", "channel": {"$ref": "#/channels/placed"}},
                "headed": {"action": "send", "channel": {"$ref": "#/channels/headed"}},
                "lost": {"action": "send", "channel": {"$ref": "#/channels/lost"}},
                "none": {"action": "send"},
                "odd": {"action": "shout", "channel": {"$ref": "#/channels/wait"}},
            },
        });
        let version_2 = json!({
            "asyncapi": "2.6.0",
            "channels": {
                "wait": {"publish": {"operationId": "sendWait"}, "subscribe": {"operationId": "wait"}},
                "ref": {"$ref": "#/components/channels/c"},
            },
            "components": {"channels": {"c": {"publish": {"operationId": "far"}}}},
        });
        let parameter = |name: &str, pointer: Option<&str>| Parameter {
            name: name.to_owned(),
            pointer: pointer.map(str::to_owned),
        };
        let channel = |name: &str, sends: bool, parameters: &[Parameter]| {
            Ok(Channel { name: name.to_owned(), sends, parameters: parameters.to_vec() })
        };
        let sends = |name: &str| channel(name, true, &[]);
        let receives = |name: &str| channel(name, false, &[]);
        let id = [parameter("id", None)];
        let placed = [parameter("region", Some("/place/region")), parameter("kind", None)];
        let document = |problem: &str| Err(ChannelProblem::Document(problem.to_owned()));
        for (api, operation, expected) in [
            (&version_3, "sendWait", channel("wait/{id}_out", true, &id)),
            (&version_3, "wait", channel("wait/{id}", false, &id)),
            (&version_3, "placed", channel("to-{region}-{kind}_out", true, &placed)),
            (&version_3, "headed", sends("to-{region}_out")),
            (&version_3, "plain", receives("a/b")),
            (&version_3, "far", sends("far_out")),
            (
                &version_3,
                "lost",
                document(
                    "its operation `lost` refers to the channel `#/channels/lost`, which it does not have",
                ),
            ),
            (&version_3, "none", document("its operation `none` refers to no channel")),
            (
                &version_3,
                "odd",
                document("its operation `odd` has the action `shout`; there are `send` and `receive`"),
            ),
            (&version_3, "sendWat", Err(ChannelProblem::UnknownOperation("there is `sendWait`".to_owned()))),
            (&version_2, "sendWait", sends("wait_out")),
            (&version_2, "wait", receives("wait")),
            (&version_2, "far", sends("ref_out")),
            (
                &version_2,
                "zzz",
                Err(ChannelProblem::UnknownOperation("it has `far`, `sendWait`, `wait`".to_owned())),
            ),
            (
                &json!({"asyncapi": "1.2.0"}),
                "x",
                document("it is of version 1.2.0; versions 2 and 3 can be used"),
            ),
            (&json!([]), "x", document("it has no `asyncapi`, so it is no AsyncAPI document")),
        ] {
            assert_eq!(find_channel(api, operation), expected, "{operation}");
        }
    }
}
