//! `$SECRET`: the properties of a project and the environment, by name.
//!
//! Promises: a property that refers to itself is an error where it is read, as on Quarkus. A credential that `$SECRET` has returned is masked
//! in all texts for people from then on. In data it is not masked, because a definition may put it there on purpose.

use std::sync::Arc;

use rondo_definition::{Properties, PropertyError};
use rondo_expression::{Lookup, Val};
use rondo_function::{Secrets, is_confidential};
use rondo_machine::{Effect, Fact, Mask, Turn};
use rondo_program::Failure;

/// The value of `$SECRET`: `$SECRET.a.b` is the property `a.b`, or null if there is none. Adds the credentials that it returns to `shown`.
pub(crate) fn secrets(properties: &Properties, shown: &Secrets) -> Val {
    Val::Lookup(Arc::new(Secret {
        properties: properties.clone(),
        shown: shown.clone(),
        name: String::new(),
    }))
}

/// Masks secrets in all texts for people of a turn, before they are logged, stored or sent to clients.
pub(crate) fn mask(turn: &mut Turn, secrets: &Secrets) {
    for fact in &mut turn.facts {
        if let Fact::Retry { message, .. }
        | Fact::Handled { message, .. }
        | Fact::Failed { message, .. }
        | Fact::AsyncFailed { message, .. } = fact
        {
            *message = secrets.mask(message);
        }
    }
    for effect in &mut turn.effects {
        if let Effect::Log(line) = effect {
            line.message = secrets.mask(&line.message);
        }
    }
    if let Some(failed) = &mut turn.snapshot.failed {
        let Failure { message, detail, match_text, body, .. } = &mut failed.failure;
        *body = body.take().map(|body| secrets.mask(&body).into());
        *message = secrets.mask(message);
        *detail = detail.take().map(|detail| secrets.mask(&detail));
        *match_text = match_text.take().map(|text| secrets.mask(&text).into());
    }
}

/// The mask of secrets in the form that the machine takes.
pub(crate) fn text_mask(secrets: &Secrets) -> Arc<dyn Mask> {
    Arc::new(TextMask(secrets.clone()))
}

struct TextMask(Secrets);

impl std::fmt::Debug for TextMask {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the mask of secrets")
    }
}

impl Mask for TextMask {
    fn mask(&self, text: &str) -> String {
        self.0.mask(text)
    }
}

/// Whether a name is a credential of the engine itself. Workflows must not read it, because they could send it to a service.
fn is_own(name: &str) -> bool {
    let letters = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let variable: String = name.chars().map(letters).collect();
    matches!(variable.as_str(), "RONDO_AUTH_TOKEN" | "RONDO_SECRET_KEY")
}

/// A prefix of property names: the part of a path such as `$SECRET.a.b` that was read so far.
struct Secret {
    properties: Properties,
    shown: Secrets,
    name: String,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "$SECRET.{}", self.name)
    }
}

impl Lookup for Secret {
    fn get(&self, key: &str) -> Result<Val, String> {
        let name = if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) };
        if is_own(&name) {
            return Ok(Val::Null);
        }
        let value = match self.properties.resolve(&name) {
            Ok(value) => value,
            Err(error @ PropertyError::Cycle { .. }) => return Err(error.to_string()),
            Err(_) => None,
        };
        if let Some(value) = value {
            if is_confidential(&name) {
                self.shown.hide(&value);
            }
            return Ok(Val::text(value));
        }
        Ok(Val::Lookup(Arc::new(Self {
            properties: self.properties.clone(),
            shown: self.shown.clone(),
            name,
        })))
    }

    /// A prefix has no value of its own.
    fn value(&self) -> Val {
        Val::Null
    }
}
