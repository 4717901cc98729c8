//! Checks the part of an answer that an action takes against the answer that the document declares and against what the workflow reads.

use rondo_definition::{codes, did_you_mean};
use rondo_program::CallSite;

use super::Binder;
use crate::openapi::operation::Operation;
use crate::openapi::shape::{Shape, Shapes};

/// A name in a path that the answer does not have.
struct Absent<'a> {
    name: &'a str,
    /// The names that the answer has there; `None` if the answer has a list there.
    known: Option<Vec<&'a str>>,
}

impl Binder<'_> {
    /// Warns of a result that the declared answer does not have, or that is merged elsewhere than the workflow reads it. `operation` is the
    /// operation whose document declares the answer.
    pub(super) fn check_result(&mut self, call: &CallSite, operation: Option<&Operation>) {
        let Some(result) = &call.result else { return };
        let path = result.path.join(".");
        let first = result.path.first().map(String::as_str).unwrap_or_default();
        let form = operation.and_then(|operation| Some((operation, operation.answers.form(200)?)));
        let absent = form.and_then(|(operation, form)| absent(&operation.shapes, &form.shape, &result.path));
        let place = &call.place;
        if let Some(Absent { name, known }) = absent {
            let what = match &known {
                Some(_) => format!("whose document declares no `{name}`; an answer without it is lost"),
                None => format!("which has a list where `{name}` is looked for, so the expression fails"),
            };
            let message = format!(
                "{place}: `results` takes `.{path}` of the answer of function `{}`, {what}",
                call.function
            );
            let help = match known.map(|known| did_you_mean(name, known)) {
                Some(Some(similar)) => format!("did you mean `{similar}`?"),
                None if !result.is_read_in_data => {
                    format!("take it of one element, `.[0].{name}`, or of all, `map(.{name})`")
                }
                _ => to_state_data(first),
            };
            self.warn_at(codes::LOST_RESULT, &result.at, message, help);
        } else if result.is_read_in_data {
            let message = format!(
                "{place}: `results` takes `.{path}` of the answer and merges it into the data as a whole, so it is not at `.{first}`, which the workflow reads"
            );
            self.warn_at(codes::LOST_RESULT, &result.at, message, to_state_data(first));
        }
    }
}

fn to_state_data(name: &str) -> String {
    format!("to put the answer at `.{name}` of the data, write `toStateData: .{name}`")
}

/// The first name of the path that the answer does not have.
fn absent<'a>(shapes: &'a Shapes, answer: &'a Shape, path: &'a [String]) -> Option<Absent<'a>> {
    let mut shape = shapes.resolve(answer);
    for name in path {
        match shape {
            Shape::Array(_) => return Some(Absent { name, known: None }),
            Shape::Object(members) if !members.declared.is_empty() => match members.declared.get(name) {
                Some(member) => shape = shapes.resolve(&member.shape),
                None if members.open => return None,
                None => {
                    let known = members.declared.keys().map(String::as_str).collect();
                    return Some(Absent { name, known: Some(known) });
                }
            },
            _ => return None,
        }
    }
    None
}
