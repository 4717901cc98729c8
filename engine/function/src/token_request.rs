//! The requests to a token endpoint.
//!
//! Owns: [`TokenRequest`] and its form on the wire. Promises: `Debug` shows no secret. Never: sends anything.
//! Source: RFC 6749, sections 2.3, 4.3 and 4.4; RFC 7523, section 2.2.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use url::Url;

use crate::assertion::Assertion;
use crate::large_answer::BeforeLargeAnswer;
use crate::mask::Mask;
use crate::proxy::Proxying;
use crate::redirects::Redirects;
use crate::request_builder::Headers;
use crate::secret::Secret;
use crate::security;
use crate::transport::Outgoing;

/// The request for a token; equal requests share one token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TokenRequest {
    pub(crate) endpoint: Endpoint,
    pub(crate) client_id: String,
    pub(crate) authentication: ClientAuthentication,
    /// The fields of the form, except for those that identify the client.
    pub(crate) form: Vec<(String, Secret)>,
    /// Further headers.
    pub(crate) headers: Vec<(String, Secret)>,
    pub(crate) proxying: Proxying,
}

/// How a client authenticates itself at a token endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum ClientAuthentication {
    /// By its id alone.
    Public,
    /// By id and secret, as HTTP basic.
    Basic(Secret),
    /// By id and secret in the form.
    Post(Secret),
    /// By id and secret in the query of the address.
    Query(Secret),
    /// By a signed token.
    Assertion(Box<Assertion>),
    /// By its id, and a signed token instead of the secret.
    SecretAssertion(Box<Assertion>),
}

/// The address of a token endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Endpoint {
    Known(String),
    /// The address of the discovery document that names it.
    Discovered(String),
}

/// Most bytes of the answer of a token endpoint. Tokens with many claims have some ten thousand.
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;

/// Longest time for an answer of a token endpoint.
const DEADLINE: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl TokenRequest {
    /// Masks the secrets of the request: an endpoint may repeat what it was sent.
    pub(crate) fn hide_in(&self, mask: &mut Mask) {
        use ClientAuthentication::{Assertion, Basic, Post, Public, Query, SecretAssertion};
        match &self.authentication {
            Basic(secret) | Post(secret) | Query(secret) => mask.hide(secret.expose()),
            Public | Assertion(_) | SecretAssertion(_) => {}
        }
        let fields = self.form.iter().filter(|(name, _)| !WITHOUT_SECRET.contains(&name.as_str()));
        for (_, value) in fields.chain(&self.headers) {
            mask.hide(value.expose());
        }
    }
}

/// Fields of a form without secrets, which a message about a refusal may repeat.
const WITHOUT_SECRET: [&str; 4] = ["grant_type", "username", "scope", "audience"];

/// The request for a token to this address. The error says why the client's own token cannot be signed.
pub(crate) fn to_endpoint(request: &TokenRequest, mut address: Url) -> Result<Outgoing, String> {
    let mut headers = Headers::default();
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in &request.form {
        form.append_pair(name, value.expose());
    }
    let client_id = &request.client_id;
    match &request.authentication {
        ClientAuthentication::Public => {
            form.append_pair("client_id", client_id);
        }
        ClientAuthentication::Basic(secret) => {
            headers.set("Authorization", security::basic(client_id, secret.expose()));
        }
        ClientAuthentication::Post(secret) => {
            form.append_pair("client_id", client_id).append_pair("client_secret", secret.expose());
        }
        ClientAuthentication::Query(secret) => {
            let mut query = address.query_pairs_mut();
            query.append_pair("client_id", client_id).append_pair("client_secret", secret.expose());
        }
        ClientAuthentication::Assertion(assertion) => {
            form.append_pair("client_assertion_type", ASSERTION_TYPE);
            form.append_pair("client_assertion", &signed(assertion, &address)?);
        }
        ClientAuthentication::SecretAssertion(assertion) => {
            form.append_pair("client_id", client_id);
            form.append_pair("client_secret", &signed(assertion, &address)?);
        }
    }
    for (name, value) in &request.headers {
        headers.add(name, value.expose());
    }
    Ok(outgoing(request, "POST", address, headers, Some(form.finish())))
}

/// The request for the discovery document.
pub(crate) fn to_discovery(request: &TokenRequest, address: Url) -> Outgoing {
    outgoing(request, "GET", address, Headers::default(), None)
}

/// The type of a signed token. Source: RFC 7523, section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

#[allow(
    clippy::disallowed_methods,
    reason = "the endpoint compares the token with its own clock, not with that of the workflows, which a test moves"
)]
fn signed(assertion: &Assertion, address: &Url) -> Result<String, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let signed = assertion.sign(address.as_str(), now.as_secs());
    signed.map_err(|problem| format!("the key of the client {problem}"))
}

/// The address of an endpoint or a discovery document.
pub(crate) fn parse_address(address: &str) -> Result<Url, String> {
    Url::parse(address).map_err(|error| format!("`{address}` is no address: {error}"))
}

/// A request of the client, with the limits for endpoints.
fn outgoing(
    request: &TokenRequest,
    method: &str,
    url: Url,
    mut headers: Headers,
    form: Option<String>,
) -> Outgoing {
    headers.add("Accept", "application/json");
    Outgoing {
        method: method.to_owned(),
        url,
        headers,
        body: form.map(|form| ("application/x-www-form-urlencoded".to_owned(), form.into())),
        max_answer_bytes: Some(MAX_ANSWER_BYTES),
        cuts_errors: true,
        connect_timeout: CONNECT_TIMEOUT,
        deadline: DEADLINE,
        redirects: Redirects::SameHost,
        proxying: request.proxying.clone(),
        before_large_answer: BeforeLargeAnswer::default(),
    }
}
