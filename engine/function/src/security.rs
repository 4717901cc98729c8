//! Puts configured credentials into a request.
//!
//! Promises: of the schemes that an operation names, all that are configured are used, whatever the document says about
//! alternatives, as on `SonataFlow`; every credential is masked. Never: falls back from a propagated token to a
//! configured one, because that would lend the engine's rights to an anonymous client.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use rondo_memory::MemoryBudget;

use crate::encoding::percent_encode;
use crate::error::CallErrorKind;
use crate::headers;
use crate::mask::Mask;
use crate::openapi::operation::{KeyPlace, Scheme, SchemeUse};
use crate::request_builder::RequestBuilder;
use crate::secret::Secret;
use crate::settings::ClientSettings;
use crate::token::{Endpoint, TokenRequest, Tokens};
use crate::transport::Transport;

const AUTHORIZATION: &str = "Authorization";

/// The sources of a request's credentials.
pub(crate) struct Credentials<'a> {
    pub(crate) settings: ClientSettings<'a>,
    /// Headers that the instance was started with.
    pub(crate) incoming: &'a [(String, String)],
    pub(crate) tokens: &'a Tokens,
    pub(crate) transport: &'a Transport,
    pub(crate) memory: &'a MemoryBudget,
}

impl Credentials<'_> {
    /// Adds the credentials of all configured schemes. API keys come last, because a property may make one repeat the
    /// `Authorization` header. Returns the request for the token that the call uses, if it uses one.
    pub(crate) async fn add(
        &self,
        schemes: &[SchemeUse],
        builder: &mut RequestBuilder,
        mask: &mut Mask,
    ) -> Result<Option<TokenRequest>, CallErrorKind> {
        let mut fetched = None;
        for scheme in schemes {
            let value = match &scheme.scheme {
                Scheme::ApiKey { .. } => None,
                _ if self.propagates(scheme) => self.propagated(scheme),
                Scheme::Basic => self.basic(scheme),
                Scheme::Bearer => {
                    self.settings.auth(&scheme.name, "bearer-token").map(|token| bearer(&token))
                }
                Scheme::OAuth2 { .. } | Scheme::OpenId { .. } => match self.token_request(scheme) {
                    // A header that an argument sets wins, so no token is needed.
                    Some(_) if builder.headers.get(AUTHORIZATION).is_some() => None,
                    Some(request) => {
                        let token = self.tokens.get(&request, self.transport, self.memory).await;
                        let token = token.map_err(CallErrorKind::Token)?;
                        fetched = Some(request);
                        Some(bearer(token.expose()))
                    }
                    None => None,
                },
            };
            if let Some(value) = value {
                mask.hide(&value);
                builder.headers.add(AUTHORIZATION, value);
            }
        }
        for scheme in schemes {
            if let Scheme::ApiKey { place, name } = &scheme.scheme {
                self.add_key(scheme, *place, name, builder, mask);
            }
        }
        Ok(fetched)
    }

    fn add_key(
        &self,
        scheme: &SchemeUse,
        place: KeyPlace,
        name: &str,
        builder: &mut RequestBuilder,
        mask: &mut Mask,
    ) {
        let repeat = self.settings.auth(&scheme.name, "use-authorization-header-value");
        let authorization = || {
            let set = builder.headers.get(AUTHORIZATION);
            set.or_else(|| headers::find(self.incoming, AUTHORIZATION)).map(str::to_owned)
        };
        let key = match repeat.as_deref() {
            Some("true") => authorization().or_else(|| self.settings.auth(&scheme.name, "api-key")),
            _ => self.settings.auth(&scheme.name, "api-key"),
        };
        let Some(key) = key else { return };
        mask.hide(&key);
        match place {
            KeyPlace::Header => builder.headers.add(name, key),
            KeyPlace::Query => {
                builder.query.push(format!(
                    "{}={}",
                    percent_encode(name, false),
                    percent_encode(&key, false)
                ));
            }
            KeyPlace::Cookie => {
                let cookie = format!("{name}={key}");
                let cookies = match builder.headers.get("Cookie") {
                    Some(others) => format!("{others}; {cookie}"),
                    None => cookie,
                };
                builder.headers.set("Cookie", cookies);
            }
        }
    }

    fn propagates(&self, scheme: &SchemeUse) -> bool {
        self.settings.auth(&scheme.name, "token-propagation").is_some_and(|value| value.trim() == "true")
    }

    /// The token of the instance, `Bearer ` put before it if lacking.
    fn propagated(&self, scheme: &SchemeUse) -> Option<String> {
        let header = self.settings.auth(&scheme.name, "header-name");
        let value = headers::find(self.incoming, header.as_deref().unwrap_or(AUTHORIZATION).trim())?;
        Some(bearer(value))
    }

    fn basic(&self, scheme: &SchemeUse) -> Option<String> {
        let username = self.settings.auth(&scheme.name, "username");
        let password = self.settings.auth(&scheme.name, "password");
        if username.is_none() && password.is_none() {
            return None;
        }
        Some(basic(&username.unwrap_or_default(), &password.unwrap_or_default()))
    }

    /// The request to a token endpoint; `None` when the scheme is not configured.
    fn token_request(&self, scheme: &SchemeUse) -> Option<TokenRequest> {
        let setting = |name: &str| self.settings.oidc(&scheme.name, name);
        let client_id = setting("client-id")?;
        let server = setting("auth-server-url");
        let discovery = setting("discovery-enabled").is_none_or(|value| value.trim() != "false");
        let endpoint = match (&scheme.scheme, server, setting("token-path")) {
            (_, Some(server), Some(path)) => Endpoint::Known(join(&server, &path)),
            (_, None, Some(path)) if path.contains("://") => Endpoint::Known(path),
            (_, Some(server), None) if discovery => {
                Endpoint::Discovered(join(&server, ".well-known/openid-configuration"))
            }
            (Scheme::OpenId { discovery_url }, ..) => Endpoint::Discovered(discovery_url.clone()),
            (Scheme::OAuth2 { token_url: Some(url) }, ..) => Endpoint::Known(url.clone()),
            _ => return None,
        };
        let secret = setting("credentials.client-secret.value").or_else(|| setting("credentials.secret"));
        let method = setting("credentials.client-secret.method");
        let password_grant = setting("grant.type").is_some_and(|grant| grant.trim() == "password");
        Some(TokenRequest {
            endpoint,
            client_id,
            client_secret: Secret::new(secret.unwrap_or_default()),
            secret_in_body: method.is_some_and(|method| method.trim().starts_with("post")),
            user: password_grant.then(|| {
                let option =
                    |name: &str| setting(&format!("grant-options.password.{name}")).unwrap_or_default();
                (option("username"), Secret::new(option("password")))
            }),
            scopes: match setting("scopes") {
                Some(scopes) => scopes.split(',').map(|scope| scope.trim().to_owned()).collect(),
                None => Vec::new(),
            },
        })
    }
}

/// Value of an `Authorization` header for HTTP basic.
pub(crate) fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

/// Value of an `Authorization` header for a bearer token, which may say `Bearer` already.
pub(crate) fn bearer(token: &str) -> String {
    let token = token.trim();
    let has_scheme = token.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bearer "));
    if has_scheme { token.to_owned() } else { format!("Bearer {token}") }
}

fn join(server: &str, path: &str) -> String {
    if path.contains("://") {
        return path.to_owned();
    }
    format!("{}/{}", server.trim().trim_end_matches('/'), path.trim().trim_start_matches('/'))
}
