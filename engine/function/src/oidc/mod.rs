//! The `OpenID` Connect client of a security scheme, as the properties describe it.
//!
//! Owns: the names of those properties. Promises: a configured client gets a token or is an error; a setting that this engine does not support is
//! never ignored silently. Never: sends anything. Source: `quarkusio/quarkus` 3.15, `OidcClientConfig`, `OidcCommonConfig` and
//! `OidcClientRecorder`.

mod credentials;

use rondo_definition::settings::parse_flag;
use rondo_definition::{Properties, PropertyError, did_you_mean};
use url::Url;

use crate::openapi::operation::{Scheme, SchemeUse};
use crate::proxy::{ProxyServer, Proxying};
use crate::secret::Secret;
use crate::settings::OIDC_CLIENT;
use crate::token_request::{ClientAuthentication, Endpoint, TokenRequest};

/// Why a client cannot get a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OidcProblem {
    /// A property refers to one that has no value.
    #[error(transparent)]
    NoValue(#[from] PropertyError),
    /// A property is missing, wrong, or asks for something that this engine does not do.
    #[error("{message}")]
    Unusable {
        /// The property.
        key: String,
        /// What is wrong with it.
        message: String,
    },
}

impl OidcProblem {
    /// The property to correct.
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::NoValue(error) => error.key(),
            Self::Unusable { key, .. } => key,
        }
    }
}

/// The request for the token of a security scheme; `None` if its client is not configured, or is switched off.
pub(crate) fn token_request(
    properties: &Properties,
    scheme: &SchemeUse,
) -> Result<Option<TokenRequest>, OidcProblem> {
    let client = Client { properties, name: &scheme.name };
    if client.flag("client-enabled")? == Some(false) {
        return Ok(None);
    }
    let Some(client_id) = client.text("client-id")? else {
        return match client.first_set(&["auth-server-url", "token-path", "credentials.secret"])? {
            Some(set) => {
                let message = format!("`{}` is not set, although `{set}` is", client.key("client-id"));
                Err(OidcProblem::Unusable { key: set, message })
            }
            None => Ok(None),
        };
    };
    Ok(Some(TokenRequest {
        endpoint: client.endpoint(&scheme.scheme)?,
        authentication: client.authentication(&client_id)?,
        client_id,
        form: client.form()?,
        headers: client.family("headers.")?,
        proxying: client.proxying()?,
    }))
}

/// Checks the client of a security scheme, including the key that it signs with.
pub(crate) fn check_client(properties: &Properties, scheme: &SchemeUse) -> Result<(), OidcProblem> {
    use ClientAuthentication::{Assertion, SecretAssertion};
    let request = token_request(properties, scheme)?;
    let Some(Assertion(assertion) | SecretAssertion(assertion)) =
        request.map(|request| request.authentication)
    else {
        return Ok(());
    };
    assertion.check().map_err(|problem| {
        let client = Client { properties, name: &scheme.name };
        let names = ["key-file", "key", "secret"].map(|name| client.key(&format!("credentials.jwt.{name}")));
        let set = names.iter().find(|key| properties.get(key).is_some());
        let key = set.unwrap_or(&client.key("credentials.client-secret.value")).clone();
        OidcProblem::Unusable { message: format!("`{key}` {problem}"), key }
    })
}

/// The properties of one client.
struct Client<'a> {
    properties: &'a Properties,
    name: &'a str,
}

impl Client<'_> {
    fn key(&self, name: &str) -> String {
        format!("{OIDC_CLIENT}{}.{name}", self.name)
    }

    /// A value without surrounding blanks; a blank one is absent.
    fn text(&self, name: &str) -> Result<Option<String>, OidcProblem> {
        let value = self.properties.resolve(&self.key(name))?.map(|value| value.trim().to_owned());
        Ok(value.filter(|value| !value.is_empty()))
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, OidcProblem> {
        let Some(value) = self.text(name)? else { return Ok(None) };
        match parse_flag(&value) {
            Some(flag) => Ok(Some(flag)),
            None => self.unusable(name, "is not `true` or `false`"),
        }
    }

    fn secret(&self, name: &str) -> Result<Option<Secret>, OidcProblem> {
        let value = self.properties.resolve(&self.key(name))?;
        Ok(value.filter(|value| !value.trim().is_empty()).map(Secret::new))
    }

    fn list(&self, name: &str) -> Result<Vec<String>, OidcProblem> {
        let text = self.text(name)?.unwrap_or_default();
        Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    /// The properties whose names have this prefix, by the rest of their names.
    fn family(&self, beginning: &str) -> Result<Vec<(String, Secret)>, OidcProblem> {
        let mut found = Vec::new();
        for prefix in [self.key(beginning), format!("{OIDC_CLIENT}\"{}\".{beginning}", self.name)] {
            for key in self.properties.keys_with_prefix(&prefix) {
                let name = key.strip_prefix(&prefix).unwrap_or_default().replace('"', "");
                let value = self.properties.resolve(key)?.filter(|value| !value.trim().is_empty());
                if let Some(value) = value.filter(|_| !name.is_empty()) {
                    found.push((name, Secret::new(value)));
                }
            }
        }
        Ok(found)
    }

    /// The key of the first of these properties that is set.
    fn first_set(&self, names: &[&str]) -> Result<Option<String>, OidcProblem> {
        for name in names {
            if self.text(name)?.is_some() {
                return Ok(Some(self.key(name)));
            }
        }
        Ok(None)
    }

    fn unusable<T>(&self, name: &str, problem: &str) -> Result<T, OidcProblem> {
        let key = self.key(name);
        Err(OidcProblem::Unusable { message: format!("`{key}` {problem}"), key })
    }

    /// The token endpoint: from the properties, else from the document.
    fn endpoint(&self, scheme: &Scheme) -> Result<Endpoint, OidcProblem> {
        let server = self.text("auth-server-url")?;
        let path = self.text("token-path")?;
        let discovery = self.flag("discovery-enabled")?.unwrap_or(true);
        let endpoint = match (scheme, server, path) {
            (_, Some(server), Some(path)) => Endpoint::Known(join(&server, &path)),
            (_, None, Some(path)) if path.contains("://") => Endpoint::Known(path),
            (_, Some(server), None) if discovery => {
                Endpoint::Discovered(join(&server, ".well-known/openid-configuration"))
            }
            (Scheme::OpenId { discovery_url }, ..) => Endpoint::Discovered(discovery_url.clone()),
            (Scheme::OAuth2 { token_url: Some(url) }, ..) => Endpoint::Known(url.clone()),
            _ => {
                let message = format!(
                    "the token endpoint is not known: `{}` is not set",
                    self.key(if discovery { "auth-server-url" } else { "token-path" }),
                );
                return Err(OidcProblem::Unusable { key: self.key("client-id"), message });
            }
        };
        let (Endpoint::Known(address) | Endpoint::Discovered(address)) = &endpoint;
        match Url::parse(address) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(endpoint),
            // A document may name a bare path, but its host would be the one from which the document was fetched.
            _ => Err(OidcProblem::Unusable {
                key: self.key("client-id"),
                message: format!(
                    "the token endpoint `{address}` is no http or https address; set `{}` and `{}`",
                    self.key("auth-server-url"),
                    self.key("token-path"),
                ),
            }),
        }
    }

    /// The fields of the form, except for those that identify the client.
    fn form(&self) -> Result<Vec<(String, Secret)>, OidcProblem> {
        let grant = self.text("grant.type")?.unwrap_or_else(|| "client".to_owned()).to_ascii_lowercase();
        let grant_type = match grant.as_str() {
            "client" => "client_credentials",
            "password" => "password",
            "code" | "exchange" | "jwt" | "refresh" | "ciba" | "device" => {
                return self.unusable(
                    "grant.type",
                    &format!("is `{grant}`, which is not supported; `client` and `password` are"),
                );
            }
            other => {
                let near = did_you_mean(other, ["client", "password"]);
                let help =
                    near.map_or_else(|| "`client` and `password`".to_owned(), |near| format!("`{near}`"));
                return self
                    .unusable("grant.type", &format!("is `{other}`, which is no grant; there is {help}"));
            }
        };
        let mut form = vec![("grant_type".to_owned(), Secret::new(grant_type))];
        if grant == "password" {
            for name in ["username", "password"] {
                let value = self.secret(&format!("grant-options.password.{name}"))?;
                form.push((name.to_owned(), value.unwrap_or_else(|| Secret::new(""))));
            }
        }
        let scopes = self.list("scopes")?;
        if !scopes.is_empty() {
            form.push(("scope".to_owned(), Secret::new(scopes.join(" "))));
        }
        for audience in self.list("audience")? {
            form.push(("audience".to_owned(), Secret::new(audience)));
        }
        for (name, value) in self.family(&format!("grant-options.{grant}."))? {
            if !form.iter().any(|(known, _)| *known == name) {
                form.push((name, value));
            }
        }
        Ok(form)
    }

    fn proxying(&self) -> Result<Proxying, OidcProblem> {
        let Some(host) = self.text("proxy.host")? else { return Ok(Proxying::default()) };
        let port = self.text("proxy.port")?.unwrap_or_else(|| "80".to_owned());
        let password = self.secret("proxy.password")?;
        let user = self.text("proxy.username")?;
        let credentials = user.map(|user| (user, password.unwrap_or_else(|| Secret::new(""))));
        match ProxyServer::parse(&format!("{host}:{port}"), credentials) {
            Some(proxy) => Ok(Proxying::through(proxy, "")),
            None => self.unusable("proxy.host", "and `proxy.port` are no host and port"),
        }
    }
}

fn join(server: &str, path: &str) -> String {
    if path.contains("://") {
        return path.to_owned();
    }
    format!("{}/{}", server.trim().trim_end_matches('/'), path.trim().trim_start_matches('/'))
}
