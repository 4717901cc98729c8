//! Makes the calls.
//!
//! Owns: [`Caller`], shared by all instances of a process. Promises: a call ends within its deadline; its error holds no
//! secret. Never: retries, or keeps state between calls except access tokens and connections.

use std::time::Duration;

use rondo_definition::{Properties, settings};
use rondo_expression::Val;
use rondo_program::HttpFunction;
use serde_json::Value;
use url::Url;

use crate::answer::{Answer, bad_answer, status_error, to_answer};
use crate::binding::{Binding, OpenApiTarget, Target};
use crate::encoding::percent_decode;
use crate::error::{CallError, CallErrorKind, Site};
use crate::headers::{self, ProcessHeaders};
use crate::mask::{Mask, Secrets};
use crate::openapi;
use crate::request_builder::RequestBuilder;
use crate::rest;
use crate::security::{Credentials, basic};
use crate::settings::{ClientSettings, millis};
use crate::setup::{SetupError, read_setting, transport_options};
use crate::token::Tokens;
use crate::transport::{Incoming, Outgoing, Redirects, Transport};

/// Makes the calls of all workflows of a process.
pub struct Caller {
    transport: Transport,
    tokens: Tokens,
    deadline: Duration,
    secrets: Secrets,
}

/// One call.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Arguments after evaluation: an object, or the whole body; `None` when the action gives none.
    pub arguments: Option<Val>,
    /// State data, which a `rest:post:` without arguments sends.
    pub state_data: &'a Val,
    /// Headers that the instance was started with.
    pub headers: &'a [(String, String)],
    /// The calling instance.
    pub process: ProcessHeaders<'a>,
    /// Sent as `Idempotency-Key`; the same when a call is repeated.
    pub idempotency_key: &'a str,
    /// Value of the function's `configKey`.
    pub config_key: Option<&'a str>,
    /// Where addresses and credentials are looked up.
    pub properties: &'a Properties,
    /// Name of the state, for messages.
    pub state: &'a str,
    /// Name of the action, may be empty; for messages.
    pub action: &'a str,
    /// From 1, for messages.
    pub attempt: u32,
}

/// Longest time to connect where no property says another: a service in the same network answers in milliseconds, and a
/// lost packet is sent again after one and three seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Caller {
    /// A caller with the limits and the trusted certificates that the properties give; `secrets` are masked in its errors.
    /// Fails when a property cannot be used.
    pub fn new(properties: &Properties, secrets: Secrets) -> Result<Self, SetupError> {
        let options = transport_options(properties)?;
        if options.trust_all {
            tracing::warn!("`quarkus.tls.trust-all` is on: certificates of services are not checked");
        }
        Ok(Self {
            transport: Transport::new(options)
                .map_err(|problem| SetupError::new(&settings::CA_FILE, problem))?,
            tokens: Tokens::default(),
            deadline: read_setting(&settings::HTTP_TIMEOUT, settings::HTTP_TIMEOUT.duration(properties))?,
            secrets,
        })
    }

    /// Calls a function.
    pub async fn call(&self, binding: &Binding, request: Request<'_>) -> Result<Answer, CallError> {
        let mut site = Site {
            function: binding.name.clone(),
            state: request.state.to_owned(),
            action: request.action.to_owned(),
            attempt: request.attempt,
            ..Site::default()
        };
        let result = match &binding.target {
            Target::OpenApi(target) => self.call_openapi(target, &request, &mut site).await,
            Target::Http(target) => self.call_http(&binding.name, target, &request, &mut site).await,
            Target::Unusable(reason) => Err(CallErrorKind::Unsupported(reason.clone())),
        };
        let openapi = matches!(binding.target, Target::OpenApi(_));
        result.map_err(|kind| CallError { kind: kind.masked(&self.secrets), site, openapi })
    }

    async fn call_openapi(
        &self,
        target: &OpenApiTarget,
        request: &Request<'_>,
        site: &mut Site,
    ) -> Result<Answer, CallErrorKind> {
        let settings = ClientSettings {
            properties: request.properties,
            key: &target.key,
            choice: request.config_key.filter(|_| target.has_config_key),
        };
        let operation = &target.operation;
        let mut builder =
            openapi::request::build(operation, request.arguments.as_ref().map_or(Value::Null, to_json))
                .map_err(CallErrorKind::InvalidArgument)?;
        let base = base_url(&settings, operation.server.as_deref())?;
        let mut mask = Mask::new(self.secrets.clone());
        let credentials = Credentials {
            settings,
            incoming: request.headers,
            tokens: &self.tokens,
            transport: &self.transport,
        };
        let token = credentials.add(&operation.security, &mut builder, &mut mask).await?;
        builder.headers.add("Accept", operation.answers.accept());
        request.process.add_to(&mut builder.headers);
        builder.headers.add("Idempotency-Key", request.idempotency_key);
        headers::forward(request.headers, |name| operation.declares_header(name), &mut builder.headers);
        hide_credentials(&builder, &mut mask);
        builder.url = builder.address(&base);
        let deadline = settings.timeout("read-timeout").unwrap_or(self.deadline);
        let connect = settings.timeout("connect-timeout").unwrap_or(CONNECT_TIMEOUT);
        let incoming = self.send(builder, connect, deadline, &mut mask, site).await?;
        if incoming.status == 401
            && let Some(token) = token
        {
            self.tokens.forget(&token).await;
        }
        if !incoming.is_success() {
            return Err(status_error(&incoming, &mask));
        }
        let read =
            openapi::answer::read(operation, incoming.status, incoming.content_type(), incoming.text());
        let result = read.map_err(|expected| bad_answer(&incoming, expected, &mask))?;
        Ok(to_answer(result, &incoming))
    }

    async fn call_http(
        &self,
        function: &str,
        target: &HttpFunction,
        request: &Request<'_>,
        site: &mut Site,
    ) -> Result<Answer, CallErrorKind> {
        let mut mask = Mask::new(self.secrets.clone());
        let mut builder = rest::build(
            target,
            function,
            request.arguments.as_ref().map(to_json),
            &|| request.state_data.to_json(),
            request.properties,
            &mut mask,
        )
        .map_err(CallErrorKind::InvalidArgument)?;
        request.process.add_to(&mut builder.headers);
        builder.headers.add("Idempotency-Key", request.idempotency_key);
        hide_credentials(&builder, &mut mask);
        let timeout = millis(request.properties, &format!("kogito.sw.functions.{function}.timeout"));
        builder.url = builder.address("");
        let deadline = timeout.unwrap_or(self.deadline);
        let incoming = self.send(builder, CONNECT_TIMEOUT, deadline, &mut mask, site).await?;
        if target.fails_on_error_status && !incoming.is_success() {
            return Err(status_error(&incoming, &mask));
        }
        let read = rest::read(incoming.text(), incoming.content_type(), !incoming.is_success());
        let result = read.map_err(|expected| bad_answer(&incoming, expected, &mask))?;
        Ok(to_answer(result, &incoming))
    }

    async fn send(
        &self,
        builder: RequestBuilder,
        connect_timeout: Duration,
        deadline: Duration,
        mask: &mut Mask,
        site: &mut Site,
    ) -> Result<Incoming, CallErrorKind> {
        let url =
            Url::parse(&builder.url).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(
                || CallErrorKind::NotConfigured(format!("`{}` is no HTTP address", mask.apply(&builder.url))),
            )?;
        hide_userinfo(&url, mask);
        site.method.clone_from(&builder.method);
        site.url = mask.apply(url.as_str());
        tracing::debug!(function = %site.function, method = %site.method, url = %site.url, "calling");
        let outgoing = Outgoing {
            method: builder.method,
            url,
            headers: builder.headers,
            body: builder.body,
            connect_timeout,
            deadline,
            redirects: Redirects::SameHost,
        };
        self.transport.send(outgoing).await
    }
}

/// The configured address, else the document's. With a choice only the configured one counts.
fn base_url(settings: &ClientSettings<'_>, server: Option<&str>) -> Result<String, CallErrorKind> {
    let configured = settings.base_url().map_err(|error| CallErrorKind::NotConfigured(error.to_string()))?;
    let server = server.filter(|server| settings.choice.is_none() && server.contains("://"));
    configured.or_else(|| server.map(str::to_owned)).ok_or_else(|| {
        let key = settings.full_key();
        let quote = if settings.choice.is_some() { "\"" } else { "" };
        CallErrorKind::NotConfigured(format!(
            "no address is known; set `quarkus.rest-client.{quote}{key}{quote}.url`"
        ))
    })
}

/// Hides the credentials of the engine and of the client that started the instance in messages.
fn hide_credentials(builder: &RequestBuilder, mask: &mut Mask) {
    for (name, value) in builder.headers.iter() {
        let name = name.to_ascii_lowercase();
        if ["authorization", "cookie", "token", "secret", "api-key", "apikey"]
            .iter()
            .any(|word| name.contains(word))
        {
            mask.hide(value);
        }
    }
}

/// Hides user and password of an address, and the header that the HTTP client makes of them: a service may repeat either.
fn hide_userinfo(url: &Url, mask: &mut Mask) {
    let user = percent_decode(url.username());
    let password = url.password().map(percent_decode);
    if user.is_empty() && password.is_none() {
        return;
    }
    mask.hide(&basic(&user, password.as_deref().unwrap_or_default()));
    // A name without a password is a token.
    mask.hide(password.as_deref().unwrap_or(&user));
}

fn to_json(value: &Val) -> Value {
    // Values are JSON, so this cannot fail.
    serde_json::to_value(value).unwrap_or_default()
}
