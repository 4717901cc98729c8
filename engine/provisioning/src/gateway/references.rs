//! References to secrets in bodies: found, and replaced right before a body is sent.
//!
//! Owns: their form, `credential:<request>:password | password-hash | cloud-init` and `token:<user>:<service>`. Promises: a text that looks
//! like a reference and is none is refused, because the service would take it for the secret; the values of a Kubernetes Secret are encoded
//! as it wants them. Never: decides who may use one; knows a secret.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

/// A reference to a secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Reference {
    /// Credentials of a request.
    Credential { request: String, form: Form },
    /// The token that a user linked for a service.
    Token { user: String, service: String },
}

/// The form in which credentials are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    Password,
    PasswordHash,
    CloudInit,
}

impl Form {
    const ALL: [Self; 3] = [Self::Password, Self::PasswordHash, Self::CloudInit];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::PasswordHash => "password-hash",
            Self::CloudInit => "cloud-init",
        }
    }
}

/// The references to the credentials of a request, by their forms.
pub(crate) fn of_request(request: &str) -> Value {
    Form::ALL
        .iter()
        .map(|form| (form.name().to_owned(), Value::from(format!("credential:{request}:{}", form.name()))))
        .collect()
}

impl Reference {
    /// Reads a text. `None` if it is none of a reference's form.
    ///
    /// # Errors
    /// It has the form, and refers to nothing; the sentence is for people.
    fn parse(text: &str) -> Option<Result<Self, String>> {
        let (kind, rest) = text.split_once(':')?;
        // Texts for people, `credential: see below`, are data.
        if !matches!(kind, "credential" | "token") || rest.is_empty() || rest.contains(char::is_whitespace) {
            return None;
        }
        let parts: Vec<&str> = rest.split(':').collect();
        let form = |name: &str| Form::ALL.into_iter().find(|form| form.name() == name);
        Some(match (kind, parts.as_slice()) {
            ("credential", [request, name]) if !request.is_empty() && form(name).is_some() => {
                let form = form(name).unwrap_or(Form::Password);
                Ok(Self::Credential { request: (*request).to_owned(), form })
            }
            ("token", [user, service]) if !user.is_empty() && !service.is_empty() => {
                Ok(Self::Token { user: (*user).to_owned(), service: (*service).to_owned() })
            }
            ("credential", _) => Err(
                "it is no reference to credentials; these are `credential:<request>:password`, `…:password-hash` and `…:cloud-init`"
                    .to_owned(),
            ),
            _ => Err("it is no reference to a token; these are `token:<user>:<service>`".to_owned()),
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential { request, form } => write!(formatter, "credential:{request}:{}", form.name()),
            Self::Token { user, service } => write!(formatter, "token:{user}:{service}"),
        }
    }
}

/// Replaces every reference in a body by what `resolve` gives for it. All faults are told, each with its place.
pub(crate) fn replace(
    body: &mut Value,
    resolve: &mut dyn FnMut(&Reference) -> Result<String, String>,
) -> Result<(), Vec<(String, String)>> {
    let is_secret = body["kind"] == "Secret" && body["apiVersion"] == "v1";
    let mut faults = Vec::new();
    walk(body, &mut String::new(), is_secret, resolve, &mut faults);
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// Whether a body has a text of a reference's form.
pub(crate) fn has_any(body: &Value) -> bool {
    match body {
        Value::String(text) => Reference::parse(text).is_some(),
        Value::Array(items) => items.iter().any(has_any),
        Value::Object(members) => members.values().any(has_any),
        _ => false,
    }
}

fn walk(
    value: &mut Value,
    pointer: &mut String,
    is_secret: bool,
    resolve: &mut dyn FnMut(&Reference) -> Result<String, String>,
    faults: &mut Vec<(String, String)>,
) {
    let length = pointer.len();
    match value {
        Value::String(text) => match Reference::parse(text)
            .map(|reference| reference.and_then(|reference| resolve(&reference)))
        {
            None => {}
            // Kubernetes has the values below `data` in base64, those below `stringData` as they are.
            Some(Ok(secret)) if is_secret && pointer.starts_with("/data/") => *text = STANDARD.encode(secret),
            Some(Ok(secret)) => *text = secret,
            Some(Err(fault)) => faults.push((pointer.clone(), fault)),
        },
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                pointer.push_str(&format!("/{index}"));
                walk(item, pointer, is_secret, resolve, faults);
                pointer.truncate(length);
            }
        }
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                walk(member, pointer, is_secret, resolve, faults);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn replaced(mut body: Value) -> Result<Value, Vec<(String, String)>> {
        replace(&mut body, &mut |reference| match reference {
            Reference::Credential { request, .. } if request == "other" => Err("not yours".to_owned()),
            reference => Ok(format!("<{reference}>")),
        })?;
        Ok(body)
    }

    #[test]
    fn whole_members_are_replaced_and_nothing_else() {
        let body = json!({
            "a": "credential:r1:cloud-init", "b": [1, {"c": "token:jane:github"}], "d": "see credential:r1:password",
            "e": "credential: see below", "f": "credentials:r1:password", "credential:r1:password": 1, "g": "token",
        });
        assert!(has_any(&body));
        let expected = json!({
            "a": "<credential:r1:cloud-init>", "b": [1, {"c": "<token:jane:github>"}], "d": "see credential:r1:password",
            "e": "credential: see below", "f": "credentials:r1:password", "credential:r1:password": 1, "g": "token",
        });
        assert!(!has_any(&json!({"d": "see credential:r1:password", "n": [null]})));
        assert_eq!(replaced(body), Ok(expected));
    }

    #[test]
    fn what_looks_like_a_reference_is_never_sent_as_a_secret() {
        let body = json!({
            "a": "credential:r1", "b/c": ["credential:r1:pasword"], "d": "credential::password", "e": "token:jane", "f": "credential:other:password",
        });
        let faults = replaced(body).unwrap_err();
        let places: Vec<_> = faults.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(places, ["/a", "/b~1c/0", "/d", "/e", "/f"]);
        assert_eq!(faults[4].1, "not yours");
    }

    #[test]
    fn values_of_a_kubernetes_secret_are_encoded_where_it_wants_them_encoded() {
        let body = json!({
            "apiVersion": "v1", "kind": "Secret", "data": {"password": "token:jane:github"}, "stringData": {"password": "token:jane:github"},
        });
        let secret = replaced(body).unwrap();
        assert_eq!(secret["data"]["password"], STANDARD.encode("<token:jane:github>"));
        assert_eq!(secret["stringData"]["password"], "<token:jane:github>");
    }
}
