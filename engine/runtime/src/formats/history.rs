//! The facts of one turn as a row of history: `{"v":2,"facts":[{"f":"started"},…]}`. Version 1 was the bare list.
//!
//! A fact that this build does not know, or that is damaged, becomes [`HistoryEvent::Unknown`]; the other facts of the row are read.

use rondo_machine::Fact;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use super::FormatError;
use crate::views::{HistoryEvent, UnknownEvent};

const WHAT: &str = "a row of history";
const VERSION: u8 = 2;

#[derive(Serialize)]
struct Written<'a> {
    v: u8,
    facts: &'a [Fact],
}

#[derive(Deserialize)]
struct Read<'a> {
    v: u64,
    #[serde(borrow)]
    facts: Vec<&'a RawValue>,
}

/// Encodes the facts of a turn; `None` if there are none.
pub(crate) fn encode(facts: &[Fact]) -> Result<Option<String>, FormatError> {
    if facts.is_empty() {
        return Ok(None);
    }
    let written = Written { v: VERSION, facts };
    serde_json::to_string(&written).map(Some).map_err(FormatError::unwritable(WHAT))
}

/// Decodes a row: its facts, in order.
pub(crate) fn decode(text: &str) -> Result<Vec<HistoryEvent>, FormatError> {
    let damaged = |error| FormatError::damaged(WHAT, error);
    let facts = if text.trim_start().starts_with('[') {
        serde_json::from_str::<Vec<&RawValue>>(text).map_err(damaged)?
    } else {
        let read: Read<'_> = serde_json::from_str(text).map_err(damaged)?;
        FormatError::check_version(WHAT, read.v, VERSION)?;
        read.facts
    };
    Ok(facts.into_iter().map(|fact| event(fact.get())).collect())
}

fn event(fact: &str) -> HistoryEvent {
    let error = match serde_json::from_str(fact) {
        Ok(fact) => return HistoryEvent::Fact(fact),
        Err(error) => error,
    };
    let kind = serde_json::from_str::<Value>(fact).ok();
    let kind = kind.as_ref().and_then(|fact| fact.get("f")).and_then(Value::as_str).unwrap_or("unknown");
    HistoryEvent::Unknown(UnknownEvent {
        kind: kind.to_owned(),
        message: format!("this build cannot read the line: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_back() {
        let facts = [Fact::Started, Fact::Left { visit: 7 }, Fact::Completed];
        let text = encode(&facts).unwrap().unwrap();
        assert_eq!(text, r#"{"v":2,"facts":[{"f":"started"},{"f":"left","v":7},{"f":"completed"}]}"#);
        assert_eq!(decode(&text).unwrap(), facts.map(HistoryEvent::Fact));
        assert_eq!(encode(&[]).unwrap(), None);
    }

    #[test]
    fn what_version_1_wrote_is_read() {
        let text = r#"[{"f":"started"},{"f":"entered","v":1,"state":"Ask","kind":"operation"},{"f":"action","v":2,"target":"ask","kind":"call","within":1},{"f":"retry","v":2,"attempt":1,"until":5,"message":"no"},{"f":"failed","v":2,"message":"no"},{"f":"retriggered","frame":0},{"f":"changed"},{"f":"aborted"}]"#;
        let events = decode(text).unwrap();
        assert_eq!(events.len(), 8);
        assert!(events.iter().all(|event| matches!(event, HistoryEvent::Fact(_))), "{events:?}");
        assert_eq!(
            events[1],
            HistoryEvent::Fact(Fact::Entered { visit: 1, state: "Ask".into(), kind: "operation".into() })
        );
    }

    #[test]
    fn an_unknown_fact_costs_its_line_and_nothing_else() {
        let text =
            r#"{"v":2,"facts":[{"f":"started"},{"f":"paused","by":"ada"},{"f":"left"},7,{"f":"completed"}]}"#;
        let kinds: Vec<String> = decode(text)
            .unwrap()
            .into_iter()
            .map(|event| match event {
                HistoryEvent::Fact(fact) => format!("{fact:?}"),
                HistoryEvent::Unknown(UnknownEvent { kind, .. }) => format!("unknown {kind}"),
            })
            .collect();
        assert_eq!(kinds, ["Started", "unknown paused", "unknown left", "unknown unknown", "Completed"]);
        assert!(decode(r#"{"v":3,"facts":[]}"#).is_err());
        assert!(decode("[").is_err());
    }
}
