//! Converts gRPC messages to values of a workflow and back.
//!
//! Owns: the JSON form of Protocol Buffers, in which members have names in camel case and absent members are left out. Source: the guide
//! "`ProtoJSON` Format"; `apache/incubator-kie-kogito-runtimes`, `RPCConverter`.

use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use rondo_expression::Val;
use serde_json::Value;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Writes and reads messages of one method.
#[derive(Clone)]
pub(super) struct MessageCodec {
    pub(super) output: MessageDescriptor,
}

impl Codec for MessageCodec {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        self.clone()
    }

    fn decoder(&mut self) -> Self {
        self.clone()
    }
}

impl Encoder for MessageCodec {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, message: DynamicMessage, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.encode(to).map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for MessageCodec {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let message = DynamicMessage::decode(self.output.clone(), from);
        message.map(Some).map_err(|error| Status::internal(format!("the answer is no message: {error}")))
    }
}

/// Converts a value to a message. The error names the member at fault.
pub(super) fn to_message(value: &Val, descriptor: &MessageDescriptor) -> Result<DynamicMessage, String> {
    let value =
        if value.is_null() { Value::Object(serde_json::Map::new()) } else { Value::from(value.clone()) };
    DynamicMessage::deserialize(descriptor.clone(), value)
        .map_err(|error| format!("the arguments are no `{}`: {error}", descriptor.full_name()))
}

/// Converts a message to a value.
pub(super) fn to_value(message: &DynamicMessage) -> Result<Val, String> {
    let json = message
        .serialize_with_options(serde_json::value::Serializer, &prost_reflect::SerializeOptions::new());
    json.map(Val::from).map_err(|error| format!("the answer has no form in JSON: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use serde_json::json;

    use super::super::proto::find_method;
    use super::*;
    use crate::tests::support::val;

    #[test]
    fn messages_are_written_as_json_of_protocol_buffers() {
        let text = "syntax = \"proto3\"; enum E { NONE = 0; ONE = 1; } \
            message M { int32 small = 1; int64 large_number = 2; E kind = 3; repeated string tags = 4; M inner = 5; bytes raw = 6; } \
            service S { rpc Do(M) returns (M); }";
        let method = find_method("a.proto", "S", "Do", &|_| Ok(text.to_owned())).unwrap();
        let descriptor = method.input();
        for (value, expected) in [
            (json!(null), Ok(json!({}))),
            (json!({"small": 0, "tags": []}), Ok(json!({}))),
            (
                json!({"small": 1, "large_number": 9_007_199_254_740_993_i64, "kind": "ONE", "tags": ["a"], "raw": "AQI="}),
                Ok(
                    json!({"small": 1, "largeNumber": "9007199254740993", "kind": "ONE", "tags": ["a"], "raw": "AQI="}),
                ),
            ),
            (json!({"inner": {"largeNumber": "7"}}), Ok(json!({"inner": {"largeNumber": "7"}}))),
            (json!({"smal": 1}), Err("smal")),
            (json!({"small": "x"}), Err("the arguments are no `M`")),
            (json!([1]), Err("the arguments are no `M`")),
        ] {
            match (to_message(&val(value.clone()), &descriptor), expected) {
                (Ok(message), Ok(expected)) => {
                    let back = serde_json::to_value(to_value(&message).unwrap()).unwrap();
                    assert_eq!(back, expected, "{value}");
                }
                (Err(problem), Err(expected)) => assert!(problem.contains(expected), "{problem}"),
                (got, expected) => panic!("{value}: {got:?} instead of {expected:?}"),
            }
        }
    }
}
