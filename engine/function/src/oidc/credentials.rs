//! Reads from the properties how a client authenticates itself at a token endpoint.

use super::{Client, OidcProblem};
use crate::assertion::{Algorithm, Assertion, Key};
use crate::token_request::ClientAuthentication;

impl Client<'_> {
    /// How the client authenticates itself at the token endpoint.
    pub(super) fn authentication(&self, client_id: &str) -> Result<ClientAuthentication, OidcProblem> {
        for name in ["credentials.client-secret.provider.", "credentials.jwt.secret-provider."] {
            if !self.family(name)?.is_empty() {
                return self.unusable(
                    &format!("{name}key"),
                    "names a credentials provider, which is Java code; set the secret itself",
                );
            }
        }
        let secret = match self.secret("credentials.client-secret.value")? {
            Some(secret) => Some(secret),
            None => self.secret("credentials.secret")?,
        };
        let method = self.text("credentials.client-secret.method")?.unwrap_or_else(|| "basic".to_owned());
        let method = method.to_ascii_lowercase().replace('_', "-");
        let key = self.signing_key()?;
        let is_secret = match method.as_str() {
            "basic" | "post" | "query" => false,
            "post-jwt" => true,
            _ => {
                return self.unusable(
                    "credentials.client-secret.method",
                    "is none of `basic`, `post`, `post-jwt` and `query`",
                );
            }
        };
        // With `post-jwt`, a JSON Web Token signed with the client's secret replaces the secret.
        let key = key.or_else(|| secret.clone().filter(|_| is_secret).map(Key::Secret));
        if let Some(key) = key {
            let assertion = Box::new(self.assertion(client_id, key)?);
            return Ok(if is_secret {
                ClientAuthentication::SecretAssertion(assertion)
            } else {
                ClientAuthentication::Assertion(assertion)
            });
        }
        Ok(match secret {
            None if is_secret => {
                return self.unusable(
                    "credentials.client-secret.method",
                    "is `post-jwt`, which needs a secret or a key to sign with",
                );
            }
            None => ClientAuthentication::Public,
            Some(secret) if method == "post" => ClientAuthentication::Post(secret),
            Some(secret) if method == "query" => ClientAuthentication::Query(secret),
            Some(secret) => ClientAuthentication::Basic(secret),
        })
    }

    /// The key that the client signs with, if it signs anything.
    fn signing_key(&self) -> Result<Option<Key>, OidcProblem> {
        for name in ["credentials.jwt.key-store-file", "credentials.jwt.token-path"] {
            if self.text(name)?.is_some() {
                return self.unusable(
                    name,
                    "is not supported; set `credentials.jwt.key-file` to the key in PEM form",
                );
            }
        }
        if self.text("credentials.jwt.source")?.is_some_and(|source| !source.eq_ignore_ascii_case("client")) {
            return self.unusable("credentials.jwt.source", "is not supported; the client signs itself");
        }
        if self.flag("credentials.jwt.assertion")? == Some(true) {
            return self.unusable("credentials.jwt.assertion", "is not supported");
        }
        if let Some(secret) = self.secret("credentials.jwt.secret")? {
            return Ok(Some(Key::Secret(secret)));
        }
        if let Some(key) = self.secret("credentials.jwt.key")? {
            return Ok(Some(Key::Pem(key)));
        }
        Ok(self.text("credentials.jwt.key-file")?.map(Key::File))
    }

    fn assertion(&self, client_id: &str, key: Key) -> Result<Assertion, OidcProblem> {
        let text = |name: &str| self.text(&format!("credentials.jwt.{name}"));
        let algorithm = match text("signature-algorithm")? {
            Some(name) => match Algorithm::parse(&name) {
                Some(algorithm) => algorithm,
                None => {
                    return self.unusable(
                        "credentials.jwt.signature-algorithm",
                        &format!("is `{name}`, which is none of {}", Algorithm::names()),
                    );
                }
            },
            None => key.usual_algorithm(),
        };
        let lifespan = match text("lifespan")? {
            Some(seconds) => seconds
                .parse()
                .or_else(|_| self.unusable("credentials.jwt.lifespan", "is not a whole number of seconds"))?,
            None => Assertion::LIFESPAN,
        };
        Ok(Assertion {
            algorithm,
            key,
            key_id: text("token-key-id")?,
            issuer: text("issuer")?.unwrap_or_else(|| client_id.to_owned()),
            subject: text("subject")?.unwrap_or_else(|| client_id.to_owned()),
            audience: text("audience")?,
            lifespan,
            claims: self.family("credentials.jwt.claims.")?,
        })
    }
}
