//! The credentials with which the document of a function is fetched.
//!
//! Owns: the meaning of an `auth` definition (spec-0.8, "Auth Definition"). Promises: no message contains a credential.

use rondo_definition::{
    codes,
    model::{self, Workflow},
};
use rondo_program::{Authentication, AuthenticationScheme, Credential};
use serde_json::Value;

use super::Problem;

/// The `auth` definition of a function's `authRef` (spec-0.8, "Auth Definition").
pub(super) fn authentication(
    workflow: &Workflow,
    function: &model::Function,
) -> Result<Option<Authentication>, Problem> {
    let Some(reference) = &function.auth_ref else { return Ok(None) };
    let name = &reference.value;
    let has_name = |auth: &Value| auth.get("name").and_then(Value::as_str) == Some(name);
    // The check of the document reports a missing definition.
    let Some(auth) = workflow.auth.iter().find(|auth| has_name(&auth.value)) else { return Ok(None) };
    match authentication_scheme(&auth.value) {
        Ok(scheme) => Ok(Some(Authentication { name: name.clone(), scheme })),
        Err(problem) => {
            let message = format!("has the auth `{name}`, which {problem}");
            Err(Problem::new(codes::INVALID_AUTH, message, "basic and bearer can be used"))
        }
    }
}

/// The scheme of an `auth` definition. No error message contains a credential.
fn authentication_scheme(auth: &Value) -> Result<AuthenticationScheme, String> {
    let property = |name: &str| {
        let value = auth.get("properties").and_then(|properties| properties.get(name));
        let text = value.and_then(Value::as_str).ok_or_else(|| format!("has no property `{name}`"))?;
        parse_credential(text)
    };
    match auth.get("scheme").and_then(Value::as_str).unwrap_or("basic") {
        "basic" => Ok(AuthenticationScheme::Basic {
            username: property("username")?,
            password: property("password")?,
        }),
        "bearer" => Ok(AuthenticationScheme::Bearer { token: property("token")? }),
        other => Err(format!("is of the scheme `{other}`; basic and bearer can be used to fetch a document")),
    }
}

/// Parses a credential: `${ $SECRETS.NAME }` names a secret, any other text is the credential itself.
fn parse_credential(text: &str) -> Result<Credential, String> {
    let Some(expression) = text.trim().strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        return Ok(Credential::Text(text.to_owned()));
    };
    let expression = expression.trim();
    let name = expression.strip_prefix("$SECRETS.").or_else(|| expression.strip_prefix("$SECRET."));
    match name {
        Some(name) => Ok(Credential::Secret(name.to_owned())),
        None => Err(format!("has the expression `{expression}`; only `$SECRETS.<name>` can be used there")),
    }
}
