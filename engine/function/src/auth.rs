//! `auth` definitions of a workflow: access to the documents that its functions name, not to the services.
//!
//! Promises: no message holds a credential. Source: Serverless Workflow 0.8, "Auth Definition".

use rondo_definition::Properties;
use serde_json::Value;

use crate::security;
use crate::settings::lookup;

/// The `Authorization` header that a definition asks for, or what is wrong with the definition.
pub(crate) fn authorization(auth: &Value, properties: &Properties) -> Result<String, String> {
    let scheme = auth.get("scheme").and_then(Value::as_str).unwrap_or("basic");
    let property = |name: &str| {
        let value = auth.get("properties").and_then(|properties| properties.get(name));
        let text = value.and_then(Value::as_str).ok_or_else(|| format!("has no property `{name}`"))?;
        secret(text, properties)
    };
    match scheme {
        "basic" => Ok(security::basic(&property("username")?, &property("password")?)),
        "bearer" => Ok(security::bearer(&property("token")?)),
        other => Err(format!("is of the scheme `{other}`; basic and bearer can be used to fetch a document")),
    }
}

/// The value of `${ $SECRETS.NAME }`, or the text itself.
fn secret(text: &str, properties: &Properties) -> Result<String, String> {
    let Some(expression) = text.trim().strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        return Ok(text.to_owned());
    };
    let expression = expression.trim();
    let name = expression.strip_prefix("$SECRETS.").or_else(|| expression.strip_prefix("$SECRET."));
    match name {
        Some(name) => {
            lookup(properties, name).ok_or_else(|| format!("needs the secret `{name}`, which has no value"))
        }
        None => Err(format!("has the expression `{expression}`; only `$SECRETS.<name>` can be used there")),
    }
}
