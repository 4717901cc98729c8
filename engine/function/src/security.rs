//! Puts configured credentials into a request.
//!
//! Promises: all configured schemes of an operation are used, even if the document declares them as alternatives, as on `SonataFlow`; every
//! credential is masked. Never: replaces a missing propagated token by a configured one, because an anonymous client would then act with the
//! engine's rights.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use rondo_memory::MemoryBudget;

use crate::encoding::percent_encode;
use crate::error::CallErrorKind;
use crate::headers;
use crate::mask::Mask;
use crate::oidc;
use crate::openapi::operation::{KeyPlace, Scheme, SchemeUse};
use crate::request_builder::RequestBuilder;
use crate::settings::ClientSettings;
use crate::token::Tokens;
use crate::token_request::TokenRequest;
use crate::transport::Transport;

const AUTHORIZATION: &str = "Authorization";

/// Most bytes of a message about a refused token: some endpoints repeat the whole request.
const LONGEST_PROBLEM: usize = 600;

/// The sources of a request's credentials.
pub(crate) struct Credentials<'a> {
    pub(crate) settings: ClientSettings<'a>,
    /// Headers of the request that started the instance.
    pub(crate) incoming: &'a [(String, String)],
    pub(crate) tokens: &'a Tokens,
    pub(crate) transport: &'a Transport,
    pub(crate) memory: &'a MemoryBudget,
}

impl Credentials<'_> {
    /// Adds the credentials of all configured schemes. API keys come last, because a property may make a key repeat the `Authorization` header.
    /// Returns the request for the token that the call uses, if it uses one.
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
                _ if self.settings.propagates(&scheme.name) => self.propagated(scheme),
                Scheme::Basic => self.basic(scheme),
                Scheme::Bearer => {
                    self.settings.auth(&scheme.name, "bearer-token").map(|token| bearer(&token))
                }
                // A header from an argument takes precedence, so no token is needed.
                Scheme::OAuth2 { .. } | Scheme::OpenId { .. }
                    if builder.headers.get(AUTHORIZATION).is_some() =>
                {
                    None
                }
                Scheme::OAuth2 { .. } | Scheme::OpenId { .. } => {
                    let request = oidc::token_request(self.settings.properties, scheme);
                    match request.map_err(|problem| CallErrorKind::NotConfigured(problem.to_string()))? {
                        Some(request) => {
                            request.hide_in(mask);
                            let token = self.tokens.get(&request, self.transport, self.memory).await;
                            let token = token.map_err(|problem| {
                                CallErrorKind::Token(mask.apply_to_beginning(&problem, LONGEST_PROBLEM))
                            })?;
                            fetched = Some(request);
                            Some(bearer(token.expose()))
                        }
                        None => None,
                    }
                }
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

    /// The token of the request that started the instance, with `Bearer ` added if it is missing.
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
