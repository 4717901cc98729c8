//! Reads the names of an object's members, and applies the merge key `<<`.

use std::collections::HashMap;

use granit_parser::{Event, ScalarStyle, Span};
use serde_json::{Map, Value};

use super::{
    loader::{Halt, Loader, Node, end, start, style},
    problem::{Message, Problem},
};
use crate::{
    Severity, codes,
    positions::{Member, PlaceId},
};

impl<'t> Loader<'t> {
    /// Reads the name of a member. Returns it, and whether it is the merge key. A name is text, also if it looks like a number.
    pub(super) fn read_member_name(&mut self, event: Event<'t>, span: Span) -> Result<(String, bool), Halt> {
        let named = match event {
            Event::Scalar(text, style, anchor, _) => {
                if anchor != 0 {
                    let place = self.positions.scalar(start(span), end(span), self::style(style));
                    let value = Value::String(text.as_ref().to_owned());
                    self.anchors.insert(anchor, Node { value, place, size: 1 });
                }
                let is_merge_key = style == ScalarStyle::Plain && text == "<<";
                Some((text.into_owned(), is_merge_key))
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor).map(|node| &node.value) {
                Some(Value::String(text)) => Some((text.clone(), false)),
                _ => None,
            },
            _ => None,
        };
        named.ok_or_else(|| {
            self.problems.push(Problem {
                severity: Severity::Error,
                code: codes::SYNTAX,
                byte: start(span) as usize,
                message: Message::Syntax(self.format, "the name of a property must be text".to_owned()),
                help: Some(
                    "quote text that holds `{` or `[`, such as expressions: '${ {a: .b} }'".to_owned(),
                ),
            });
            Halt
        })
    }

    /// Applies a merge key with this value: adds the members that the object does not have.
    pub(super) fn apply_merge_key(
        &mut self,
        node: &Node,
        span: Span,
        values: &mut Map<String, Value>,
        members: &mut Vec<Member>,
    ) {
        let sources: Vec<(&Value, PlaceId)> = match &node.value {
            Value::Array(list) => {
                list.iter().zip(self.positions.elements(node.place).iter().copied()).collect()
            }
            other => vec![(other, node.place)],
        };
        for (value, place) in sources {
            let Value::Object(object) = value else {
                self.report_error(
                    codes::SYNTAX,
                    span,
                    "`<<` needs an object or a list of objects".to_owned(),
                );
                return;
            };
            let places: HashMap<&str, &Member> =
                self.positions.members(place).iter().map(|member| (&*member.name, member)).collect();
            for (name, value) in object {
                if values.contains_key(name) {
                    continue;
                }
                values.insert(name.clone(), value.clone());
                if let Some(member) = places.get(name.as_str()) {
                    members.push(Member { name: name.as_str().into(), key: member.key, place: member.place });
                }
            }
        }
    }
}
