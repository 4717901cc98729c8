//! The `Authorization` header for fetching the documents that functions name. Calls of services use `security` instead.
//!
//! Promises: no message holds a credential.

use rondo_definition::Properties;
use rondo_program::{Authentication, AuthenticationScheme, Credential};

use crate::security;
use crate::settings::lookup;

/// The value of the header that an authentication defines, or which property lacks a value for it.
pub(crate) fn authorization(
    authentication: &Authentication,
    properties: &Properties,
) -> Result<String, String> {
    let secret = |name: &str| {
        lookup(properties, name).ok_or_else(|| format!("needs the secret `{name}`, which has no value"))
    };
    let text = |credential: &Credential| match credential {
        Credential::Text(text) => Ok(text.clone()),
        Credential::Secret(name) => secret(name),
        Credential::SecretMember { secret: name, member } => {
            let value: serde_json::Value = serde_json::from_str(&secret(name)?).unwrap_or_default();
            let found = value.get(member).and_then(serde_json::Value::as_str).map(str::to_owned);
            found.ok_or_else(|| {
                format!("needs the secret `{name}` to be a JSON object with the text `{member}`")
            })
        }
    };
    Ok(match &authentication.scheme {
        AuthenticationScheme::Basic { username, password } => {
            security::basic(&text(username)?, &text(password)?)
        }
        AuthenticationScheme::Bearer { token } => security::bearer(&text(token)?),
    })
}
