//! The messages in mailboxes of instances.
//!
//! A message is a version byte, then JSON: `{"kind":"end","first":UUID}`, where `first` may be absent, or
//! `{"kind":"childEnded","child":UUID,"outcome":…}` with the outcome `{"completed":DATA}`, `{"failed":FAILURE}` or `"aborted"`, or
//! `{"kind":"retrigger"}`, or `{"kind":"skip"}`. Version 1 was `"end"` or `{"child":UUID,"outcome":…}`, without a version byte.

use rondo_expression::Val;
use rondo_program::Failure;
use rondo_store::Message;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::FormatError;

const WHAT: &str = "a message in the mailbox";
const VERSION: u8 = 2;

/// A message in a mailbox.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(crate) enum MailboxMessage {
    /// To a child: the parent does not wait for it any more, so the child must end.
    End {
        /// The first instance of the chain (`continueAs`) that the child continues; the parent waits by this id. `None` for the first itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first: Option<Uuid>,
    },
    /// To a parent: a child that it waits for has ended or failed.
    ChildEnded {
        /// The id by which the parent waits for the child.
        child: Uuid,
        /// How the child ended.
        outcome: ChildOutcome,
    },
    /// To an instance that waits for a place of its concurrency group: it must run its failed step again.
    Retrigger,
    /// To such an instance: it must skip its failed step.
    Skip,
}

/// How a child ended.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChildOutcome {
    /// It completed with these data.
    Completed(Val),
    /// It stands at this error.
    Failed(Failure),
    /// A request aborted it.
    Aborted,
}

#[derive(Deserialize)]
enum Version1 {
    #[serde(rename = "end")]
    End,
    #[serde(untagged)]
    ChildEnded { child: Uuid, outcome: ChildOutcome },
}

impl MailboxMessage {
    /// Encodes the message for the mailbox of `to`.
    pub(crate) fn encode(&self, to: Uuid) -> Result<Message, FormatError> {
        let mut payload = vec![VERSION];
        serde_json::to_writer(&mut payload, self).map_err(FormatError::unwritable(WHAT))?;
        Ok(Message { to, payload })
    }

    /// Decodes a message of any version.
    pub(crate) fn decode(payload: &[u8]) -> Result<Self, FormatError> {
        let damaged = |error| FormatError::damaged(WHAT, error);
        match payload.split_first() {
            Some((&VERSION, json)) => serde_json::from_slice(json).map_err(damaged),
            // JSON begins with no control character, so this is a version byte.
            Some((&version, _)) if version < b' ' => {
                Err(FormatError::Newer { what: WHAT, found: u64::from(version), known: VERSION })
            }
            _ => Ok(match serde_json::from_slice(payload).map_err(damaged)? {
                Version1::End => Self::End { first: None },
                Version1::ChildEnded { child, outcome } => Self::ChildEnded { child, outcome },
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(outcome: ChildOutcome) -> MailboxMessage {
        MailboxMessage::ChildEnded { child: Uuid::from_u128(7), outcome }
    }

    #[test]
    fn messages_come_back() {
        for message in [
            MailboxMessage::End { first: None },
            MailboxMessage::End { first: Some(Uuid::from_u128(8)) },
            MailboxMessage::Retrigger,
            MailboxMessage::Skip,
            ended(ChildOutcome::Aborted),
            ended(ChildOutcome::Completed(serde_json::json!({"a": [1, null]}).into())),
            ended(ChildOutcome::Failed(Failure::runtime("no"))),
        ] {
            let encoded = message.encode(Uuid::nil()).unwrap();
            assert_eq!(MailboxMessage::decode(&encoded.payload).unwrap(), message);
        }
    }

    #[test]
    fn what_version_1_wrote_is_read() {
        let child = r#"{"child":"00000000-0000-0000-0000-000000000007","outcome":"#;
        let failed = r#"{"failed":{"k":"service","c":"503","x":["a.B"],"m":"no","a":"busy"}}"#;
        for (outcome, read) in [
            (r#""aborted""#, ended(ChildOutcome::Aborted)),
            (r#"{"completed":{"a":1}}"#, ended(ChildOutcome::Completed(serde_json::json!({"a": 1}).into()))),
        ] {
            assert_eq!(MailboxMessage::decode(format!("{child}{outcome}}}").as_bytes()).unwrap(), read);
        }
        assert_eq!(MailboxMessage::decode(br#""end""#).unwrap(), MailboxMessage::End { first: None });
        assert_eq!(
            MailboxMessage::decode(b"\x02{\"kind\":\"end\"}").unwrap(),
            MailboxMessage::End { first: None }
        );
        let read = MailboxMessage::decode(format!("{child}{failed}}}").as_bytes()).unwrap();
        let MailboxMessage::ChildEnded { outcome: ChildOutcome::Failed(failure), .. } = read else {
            panic!("{read:?}")
        };
        assert_eq!((failure.message.as_str(), failure.code.as_deref()), ("no", Some("503")));
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for payload in [&b""[..], b"\x03{}", b"\x02{", b"\x02{\"kind\":\"pause\"}", b"nonsense", b"{}"] {
            assert!(MailboxMessage::decode(payload).is_err(), "{payload:?}");
        }
    }
}
