//! Functions that read the claims of a JSON Web Token.
//!
//! Owns: reading the claims out of a token. Promises: no error holds a part of the token. Never: checks the signature, which whoever admits the
//! token must do. Source: `apache/incubator-kie-kogito-runtimes`, the add-on `jwt-parser`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rondo_expression::Val;
use rondo_program::JwtOperation;

/// The claims that identify a user.
const USER_CLAIMS: [&str; 6] = ["sub", "preferred_username", "email", "name", "given_name", "family_name"];

/// The result of a call. The error names the argument at fault.
pub(crate) fn read(operation: Option<JwtOperation>, arguments: Option<&Val>) -> Result<Val, String> {
    let argument = |name: &str| {
        let given = arguments.and_then(|arguments| arguments.get(name)).and_then(Val::as_str);
        given.map(str::trim).filter(|text| !text.is_empty())
    };
    let operation = match (operation, argument("operation")) {
        (Some(operation), _) => operation,
        (None, None) => JwtOperation::Parse,
        (None, Some(name)) => JwtOperation::parse(name)
            .ok_or_else(|| format!("there is no operation `{name}` of `jwt-parser`"))?,
    };
    let claims = claims(argument("token").ok_or("missing parameter token")?)?;
    Ok(match operation {
        JwtOperation::Parse => claims,
        JwtOperation::ExtractUser => {
            let found = USER_CLAIMS.into_iter().filter_map(|name| Some((name, claims.get(name)?.clone())));
            Val::object(found.collect::<Vec<_>>())
        }
        JwtOperation::ExtractClaim => {
            let name = argument("claim").ok_or("missing parameter claim")?;
            claims.get(name).cloned().unwrap_or_default()
        }
    })
}

/// The claims of a token, with or without `Bearer` before it.
fn claims(token: &str) -> Result<Val, String> {
    let token = token.strip_prefix("Bearer ").unwrap_or(token).trim();
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("the token is no JSON Web Token: it has not three parts".to_owned());
    };
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('='));
    let bytes = bytes.map_err(|_| "the claims of the token are not in base64".to_owned())?;
    Val::from_json(&bytes).map_err(|_| "the claims of the token are no JSON".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::tests::support::val;

    #[test]
    fn claims_are_read_without_the_key() {
        let payload = json!({"sub": "7", "email": "a@b.test", "role": ["x"]});
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload.to_string()));
        let bearer = format!("Bearer {token}");
        let parse = Some(JwtOperation::Parse);
        for (operation, arguments, expected) in [
            (None, json!({"token": token}), Ok(payload.clone())),
            (parse, json!({"token": bearer, "operation": "extractUser"}), Ok(payload.clone())),
            (
                None,
                json!({"token": token, "operation": "extractUser"}),
                Ok(json!({"sub": "7", "email": "a@b.test"})),
            ),
            (Some(JwtOperation::ExtractClaim), json!({"token": token, "claim": "role"}), Ok(json!(["x"]))),
            (Some(JwtOperation::ExtractClaim), json!({"token": token, "claim": "none"}), Ok(Value::Null)),
            (Some(JwtOperation::ExtractClaim), json!({"token": token}), Err("missing parameter claim")),
            (
                None,
                json!({"token": token, "operation": "verify"}),
                Err("there is no operation `verify` of `jwt-parser`"),
            ),
            (None, json!({}), Err("missing parameter token")),
            (None, json!({"token": "a.b"}), Err("the token is no JSON Web Token: it has not three parts")),
            (None, json!({"token": "a.!.c"}), Err("the claims of the token are not in base64")),
            (None, json!({"token": "a.YQ.c"}), Err("the claims of the token are no JSON")),
        ] {
            let got = read(operation, Some(&val(arguments)))
                .map(|value| serde_json::to_value(value).unwrap_or_default());
            assert_eq!(got, expected.map_err(str::to_owned));
        }
    }
}
