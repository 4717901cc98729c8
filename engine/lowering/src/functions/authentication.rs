//! The credentials with which the document of a function is fetched.
//!
//! Owns: the meaning of an `auth` definition (spec-0.8, "Auth Definition"). Promises: no message contains a credential.

use rondo_definition::{
    codes,
    model::{self, Workflow},
};
use rondo_expression::{Budget, Language, Scope, Val, compile};
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
    match authentication_scheme(&auth.value, &Val::from(workflow.constants.clone())) {
        Ok(scheme) => Ok(Some(Authentication { name: name.clone(), scheme })),
        Err(problem) => {
            let message = format!("has the auth `{name}`, which {problem}");
            Err(Problem::new(codes::INVALID_AUTH, message, "basic and bearer can be used"))
        }
    }
}

/// The scheme of an `auth` definition. No error message contains a credential.
fn authentication_scheme(auth: &Value, constants: &Val) -> Result<AuthenticationScheme, String> {
    let properties = auth.get("properties");
    let property = |name: &str| {
        // One secret holds all properties.
        if let Some(text) = properties.and_then(Value::as_str) {
            let secret = secret_name(text).unwrap_or(text.trim());
            return Ok(Credential::SecretMember { secret: secret.to_owned(), member: name.to_owned() });
        }
        let value = properties.and_then(|properties| properties.get(name));
        let text = value.and_then(Value::as_str).ok_or_else(|| format!("has no property `{name}`"))?;
        parse_credential(text, constants)
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

/// Parses a credential: `${ $SECRETS.NAME }` names a secret, another expression is evaluated on the constants, and any other text is the
/// credential itself.
fn parse_credential(text: &str, constants: &Val) -> Result<Credential, String> {
    if let Some(name) = secret_name(text) {
        return Ok(Credential::Secret(name.to_owned()));
    }
    let Some(expression) = expression_in(text) else { return Ok(Credential::Text(text.to_owned())) };
    let budget = Budget::default();
    let scope = Scope { constants, ..Scope::bare(&budget) };
    // Secrets are not known yet, so one within an expression would be null.
    let compiled = compile(Language::Jq, expression).ok().filter(|_| !expression.contains("$SECRET"));
    let value = compiled.and_then(|compiled| compiled.eval(&Val::Null, &scope).ok());
    match value.as_ref().and_then(Val::as_str) {
        Some(text) => Ok(Credential::Text(text.to_owned())),
        None => Err(format!(
            "has the expression `{expression}`, which gives no text; only `$SECRETS.<name>` and `$CONST` have a value there"
        )),
    }
}

fn expression_in(text: &str) -> Option<&str> {
    text.trim().strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).map(str::trim)
}

/// The name in `${ $SECRETS.NAME }` or `${ $SECRETS["NAME"] }`.
fn secret_name(text: &str) -> Option<&str> {
    let expression = expression_in(text)?;
    let rest = expression.strip_prefix("$SECRETS").or_else(|| expression.strip_prefix("$SECRET"))?;
    let quoted =
        rest.strip_prefix('.').unwrap_or(rest).strip_prefix("[\"").and_then(|rest| rest.strip_suffix("\"]"));
    let name = quoted.or_else(|| rest.strip_prefix('.'))?;
    let is_name = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn credentials_are_texts_secrets_or_expressions_of_constants() {
        let secret = |name: &str| Ok(Credential::Secret(name.to_owned()));
        let text = |text: &str| Ok(Credential::Text(text.to_owned()));
        let constants = Val::from(json!({"user": "ada", "n": 1}));
        for (written, expected) in [
            ("ada", text("ada")),
            ("${ $SECRETS.API_TOKEN }", secret("API_TOKEN")),
            ("${$SECRET.api.token}", secret("api.token")),
            ("${ $SECRETS[\"api-token\"] }", secret("api-token")),
            ("${ $CONST.user }", text("ada")),
            ("${ $CONST.user + \"@x\" }", text("ada@x")),
        ] {
            assert_eq!(parse_credential(written, &constants), expected, "{written}");
        }
        for written in ["${ .user }", "${ $CONST.n }", "${ ( }", "${ $SECRETS.a + \"x\" }"] {
            let problem = parse_credential(written, &constants).unwrap_err();
            assert!(problem.contains("gives no text"), "{written}: {problem}");
        }
    }

    #[test]
    fn one_secret_may_hold_all_properties() {
        let auth = json!({"name": "a", "properties": "${ $SECRETS.all }"});
        let member = |member: &str| Credential::SecretMember { secret: "all".into(), member: member.into() };
        let expected =
            AuthenticationScheme::Basic { username: member("username"), password: member("password") };
        assert_eq!(authentication_scheme(&auth, &Val::Null), Ok(expected));
    }
}
