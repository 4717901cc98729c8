//! A channel of messages, and the message that the arguments of a call make.
//!
//! Owns: where the values of the parameters in the address of a channel come from. Never: sends a message, or knows the kind of the channel.
//! Source: `AsyncAPI` 2.6 and 3.0, "Parameter Object" (`location`).

use rondo_expression::Val;

/// A channel of messages that a function names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its name, by which properties configure it (`mp.messaging.outgoing.<name>.…`), and which is also the type of the event. It may have
    /// parameters, as in `orders/{region}`.
    pub name: String,
    /// Whether a call of the function sends a message; otherwise it waits for one.
    pub sends: bool,
    /// The parameters of the name, in the order in which they stand there.
    pub parameters: Vec<Parameter>,
}

/// A parameter in the address of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, without the braces.
    pub name: String,
    /// The JSON pointer to its value in the payload (`location: $message.payload#/region`). Without one the value is the argument of the
    /// parameter's name, which then is no part of the payload.
    pub pointer: Option<String>,
}

/// What a call sends.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelMessage {
    /// The body.
    pub payload: Val,
    /// The parameters of the address that have a value, by name.
    pub parameters: Vec<(String, String)>,
}

impl Channel {
    /// The message for these arguments. A parameter that has no value in them is left out, for the event that carries the message may have an
    /// attribute of its name.
    pub fn message(&self, arguments: Val) -> ChannelMessage {
        let mut payload = arguments;
        let mut parameters = Vec::new();
        for Parameter { name, pointer } in &self.parameters {
            let value = match pointer {
                Some(pointer) => find(&payload, pointer).cloned(),
                None => payload.remove(name),
            };
            if let Some(value) = value.filter(|value| !value.is_null()) {
                parameters.push((name.clone(), value.to_text()));
            }
        }
        ChannelMessage { payload, parameters }
    }
}

/// The value at a JSON pointer.
fn find<'v>(value: &'v Val, pointer: &str) -> Option<&'v Val> {
    let mut found = value;
    for part in pointer.split('/').skip(1) {
        let name = part.replace("~1", "/").replace("~0", "~");
        found = match found {
            Val::Array(_) => found.elements().get(name.parse::<usize>().ok()?)?,
            _ => found.get(&name)?,
        };
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_come_from_the_payload_or_from_arguments_of_their_name() {
        let parameter = |name: &str, pointer: Option<&str>| Parameter {
            name: name.to_owned(),
            pointer: pointer.map(str::to_owned),
        };
        let channel = Channel {
            name: "orders-{region}-{kind}-{size}-{who}".to_owned(),
            sends: true,
            parameters: vec![
                parameter("region", Some("/place/region")),
                parameter("kind", Some("/tags/1")),
                parameter("size", None),
                parameter("who", None),
            ],
        };
        let arguments = json!({"place": {"region": "eu"}, "tags": ["a", "b"], "size": 3, "n": 1});
        let message = channel.message(arguments.into());
        assert_eq!(
            serde_json::Value::from(message.payload),
            json!({"place": {"region": "eu"}, "tags": ["a", "b"], "n": 1})
        );
        let found: Vec<_> =
            message.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(found, ["region=eu", "kind=b", "size=3"], "nobody said who");
    }
}
