//! Calls functions.
//!
//! Owns: [`Caller`], shared by all instances of a process. Promises: a call waits for its turn, then for memory, and from there on ends within
//! its deadline; its error holds no secret. Never: repeats a call that a service may have executed, or keeps state between calls except access
//! tokens and connections.

use std::sync::Arc;
use std::time::Duration;

use rondo_definition::Properties;
use rondo_definition::settings::MULTI_SEGMENT_PATHS;
use rondo_expression::Val;
use rondo_memory::{MemoryBudget, Share};
use rondo_program::Origin;
use url::Url;

use crate::answer::{Answer, bad_answer, status_error, to_answer};
use crate::binding::{Binding, OpenApiTarget, Target};
use crate::call_gate::{CallGate, CallLoad};
use crate::client_options::ClientOptions;
use crate::error::{CallError, CallErrorKind, Site};
#[cfg(feature = "grpc")]
use crate::grpc;
use crate::headers::{self, ProcessHeaders};
use crate::jwt;
use crate::large_answer::BeforeLargeAnswer;
use crate::mask::{Mask, Secrets};
use crate::openapi;
use crate::outbound::Outbound;
use crate::python::{self, PythonSettings};
use crate::reading::{ReadOut, Reading};
use crate::secret_names::is_credential_header;
use crate::security::Credentials;
use crate::sending::{Sending, service_of};
use crate::settings::{ClientSettings, millis};
use crate::setup::{CallerSettings, SetupError};
use crate::token::Tokens;
use crate::transport::{Incoming, Transport};

/// Makes the calls of all workflows of a process.
pub struct Caller {
    pub(crate) transport: Transport,
    pub(crate) memory: MemoryBudget,
    tokens: Tokens,
    gate: Arc<CallGate>,
    pub(crate) reading: Reading,
    python: python::Pool,
    #[cfg(feature = "grpc")]
    channels: grpc::Channels,
    pub(crate) deadline: Duration,
    secrets: Secrets,
}

/// One call.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Arguments after evaluation: an object, or the whole body; `None` if the action has none.
    pub arguments: Option<Val>,
    /// State data, which a `rest:post:` without arguments sends.
    pub state_data: &'a Val,
    /// Headers of the request that started the instance.
    pub headers: &'a [(String, String)],
    /// The calling instance.
    pub process: ProcessHeaders<'a>,
    /// Sent as `Idempotency-Key`; the same when the call is repeated.
    pub idempotency_key: &'a str,
    /// Value of the function's `configKey`.
    pub config_key: Option<&'a str>,
    /// The properties with addresses and credentials.
    pub properties: &'a Properties,
    /// Name of the state, for messages.
    pub state: &'a str,
    /// Name of the action, may be empty; for messages.
    pub action: &'a str,
    /// Number of the attempt, from 1; for messages.
    pub attempt: u32,
    /// The state that the last Python script of the instance left ([`Answer::python`]).
    pub python: Option<&'a Val>,
    /// Runs before an answer of more than 64 KiB is read.
    pub before_large_answer: BeforeLargeAnswer,
}

/// Memory of a call without its request and its answer: a connection with TLS has 50 KB of buffers.
pub(crate) const CALL_BYTES: u64 = 64 * 1024;

/// How long a call waits for memory after it got a place. Requests and answers leave memory within a minute, or end at their deadlines.
const PATIENCE_FOR_MEMORY: Duration = Duration::from_mins(1);

/// Longest time to connect if no property sets one: a service in the same network answers in milliseconds, and a lost packet is sent again after
/// one and three seconds.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Request<'_> {
    /// Bytes of memory that making the request takes, at most.
    pub(crate) fn bytes(&self) -> u64 {
        let sent = self.arguments.as_ref().unwrap_or(self.state_data);
        // The converted values, their text, and that text again as the body.
        (sent.memory() + 2 * sent.size().bytes) as u64
    }

    /// The tree of instances to which the call belongs.
    fn tree(&self) -> &str {
        self.process.root_instance_id.unwrap_or(self.process.instance_id)
    }
}

impl Caller {
    /// Creates a caller with the limits and the trusted certificates of the properties. Masks `secrets` in its errors, and claims the memory of
    /// requests and answers from `memory`. Fails if a property cannot be used.
    pub fn new(properties: &Properties, secrets: Secrets, memory: &MemoryBudget) -> Result<Self, SetupError> {
        let settings = CallerSettings::read(properties, memory)?;
        Ok(Self {
            transport: settings.transport(memory)?,
            memory: memory.clone(),
            tokens: Tokens::default(),
            gate: CallGate::new(settings.max_calls, settings.queue_timeout),
            reading: Reading::new(memory.total()),
            python: python::Pool::new(PythonSettings::read(properties)?),
            #[cfg(feature = "grpc")]
            channels: grpc::Channels::default(),
            deadline: settings.deadline,
            secrets,
        })
    }

    /// A client for requests that are no calls of functions, such as sending events: it trusts the same certificates and uses the same proxies
    /// and allowed addresses. It follows no redirects.
    pub fn client(&self) -> Result<reqwest::Client, String> {
        self.transport.client(CONNECT_TIMEOUT)
    }

    /// Sends requests of other components with the trust, the proxies, the allowed addresses and the memory of calls.
    pub fn outbound(&self) -> Result<Outbound, String> {
        Outbound::new(self.transport.options().clone(), &self.memory)
    }

    /// The TLS configuration of calls, for connections that do not use HTTP.
    pub fn tls(&self) -> rustls::ClientConfig {
        self.transport.tls()
    }

    /// How many calls are in flight and how many wait for their turn.
    pub fn load(&self) -> CallLoad {
        self.gate.load()
    }

    /// Calls a function.
    pub async fn call(&self, binding: &Arc<Binding>, request: Request<'_>) -> Result<Answer, CallError> {
        let mut site = Site {
            function: binding.name.clone(),
            state: request.state.to_owned(),
            action: request.action.to_owned(),
            attempt: request.attempt,
            ..Site::default()
        };
        let mut mask = Mask::new(self.secrets.clone());
        let result = self.call_in_turn(binding, &request, &mut site, &mut mask).await;
        let origin = match &binding.target {
            Target::OpenApi(_) => Origin::OpenApi,
            Target::Http(target) => target.origin(),
            Target::Python(_) | Target::JwtParser(_) | Target::Channel(_) => Origin::Rest,
            #[cfg(feature = "grpc")]
            Target::Grpc(_) => Origin::Rest,
            Target::Unusable(_) => Origin::Engine,
        };
        result.map_err(|kind| {
            site.url = mask.apply(&site.url);
            CallError { kind: kind.masked(&mask), site, origin }
        })
    }

    async fn call_in_turn(
        &self,
        binding: &Arc<Binding>,
        request: &Request<'_>,
        site: &mut Site,
        mask: &mut Mask,
    ) -> Result<Answer, CallErrorKind> {
        if let Some(reason) = why_uncallable(&binding.target) {
            return Err(CallErrorKind::Unsupported(reason));
        }
        let service = match &binding.target {
            Target::OpenApi(target) => base_url(&settings_of(target, request), target).unwrap_or_default(),
            Target::Http(target) => target.place(&binding.name, request.properties),
            Target::Python(_) => "python".to_owned(),
            #[cfg(feature = "grpc")]
            Target::Grpc(target) => target.place(request),
            Target::JwtParser(_) | Target::Channel(_) | Target::Unusable(_) => String::new(),
        };
        let place = self.gate.enter(request.tree(), service_of(&service)).await;
        let _place = place.map_err(|refused| CallErrorKind::NoPlace(refused.to_string()))?;
        let share = self.memory.take(CALL_BYTES + request.bytes(), PATIENCE_FOR_MEMORY).await;
        let share = share.map_err(CallErrorKind::NoRoom)?;
        match &binding.target {
            Target::OpenApi(target) => self.call_openapi(binding, target, request, share, site, mask).await,
            Target::Http(target) => self.call_http(binding, target, request, share, site, mask).await,
            Target::Python(target) => {
                mask.hide_members(request.arguments.as_ref().unwrap_or(&Val::Null));
                let timeout = Self::own_timeout(binding, request);
                python::call(&self.python, target, request, timeout, share, mask).await
            }
            Target::JwtParser(operation) => {
                let result = jwt::read(*operation, request.arguments.as_ref());
                let result = result.map_err(CallErrorKind::InvalidArgument)?;
                Ok(Answer::without_response(result, share))
            }
            #[cfg(feature = "grpc")]
            Target::Grpc(target) => {
                let timeout = Self::own_timeout(binding, request);
                let calling = grpc::Calling {
                    channels: &self.channels,
                    options: self.transport.options(),
                    deadline: timeout.unwrap_or(self.deadline),
                };
                mask.hide_members(request.arguments.as_ref().unwrap_or(&Val::Null));
                target.call(&binding.name, request, calling, share, site, mask).await
            }
            target @ (Target::Channel(_) | Target::Unusable(_)) => {
                Err(CallErrorKind::Unsupported(why_uncallable(target).unwrap_or_default()))
            }
        }
    }

    /// The time limit that a property sets for a function.
    pub(crate) fn own_timeout(binding: &Binding, request: &Request<'_>) -> Option<Duration> {
        millis(request.properties, &format!("kogito.sw.functions.{}.timeout", binding.name))
    }

    async fn call_openapi(
        &self,
        binding: &Arc<Binding>,
        target: &OpenApiTarget,
        request: &Request<'_>,
        mut share: Share,
        site: &mut Site,
        mask: &mut Mask,
    ) -> Result<Answer, CallErrorKind> {
        let settings = settings_of(target, request);
        let operation = &target.operation;
        let arguments = request.arguments.as_ref().unwrap_or(&Val::Null);
        let multi_segment = MULTI_SEGMENT_PATHS.flag(request.properties).unwrap_or(true);
        let build = || openapi::request::build(operation, arguments, multi_segment);
        let built = self.reading.build(request.bytes(), build);
        let mut builder = built.await.map_err(CallErrorKind::InvalidArgument)?;
        let base = base_url(&settings, target)?;
        let options = ClientOptions::read(&settings)
            .map_err(|error| CallErrorKind::NotConfigured(error.to_string()))?;
        let credentials = Credentials {
            settings,
            incoming: request.headers,
            tokens: &self.tokens,
            transport: &self.transport,
            memory: &self.memory,
        };
        let token = credentials.add(&operation.security, &mut builder, mask).await?;
        builder.headers.add("Accept", operation.answers.accept());
        request.process.add_to(&mut builder.headers);
        let knows_keys = operation.declares_header("Idempotency-Key");
        builder.headers.add("Idempotency-Key", request.idempotency_key);
        headers::forward(request.headers, |name| operation.declares_header(name), &mut builder.headers);
        builder.url = builder.address(&base);
        let sending = Sending {
            connect_timeout: options.connect_timeout.unwrap_or(CONNECT_TIMEOUT),
            deadline: options.read_timeout.unwrap_or(self.deadline),
            redirects: options.redirects,
            proxying: options.proxying,
            knows_keys,
            cuts_errors: true,
            before_large_answer: request.before_large_answer.clone(),
        };
        let incoming = self.send(builder, sending, &mut share, mask, site).await?;
        if incoming.status == 401
            && let Some(token) = token
        {
            self.tokens.forget(&token).await;
        }
        if !incoming.is_success() {
            hide_what_may_be_repeated(&incoming, request, mask);
            return Err(status_error(&incoming, mask));
        }
        let bound = Arc::clone(binding);
        let read = self.reading.read(incoming, share, move |incoming, limits, grant| {
            // The binding of this call always targets an operation of a document.
            let Target::OpenApi(target) = &bound.target else { return Ok(Val::Null) };
            let (status, content_type) = (incoming.status, incoming.content_type());
            let text = incoming.utf8(grant)?;
            openapi::answer::read(&target.operation, status, content_type, &text, limits, grant)
        });
        outcome(read.await?, binding, request, mask)
    }
}

/// The reason why a target cannot be called.
fn why_uncallable(target: &Target) -> Option<String> {
    match target {
        Target::Channel(channel) => {
            let what = if channel.sends { "sent to" } else { "received from" };
            let name = &channel.name;
            Some(format!("a message is {what} the channel `{name}`, which is not done by a call"))
        }
        Target::Unusable(reason) => Some(reason.clone()),
        _ => None,
    }
}

/// The answer of a call, or the error if it does not have the expected form.
pub(crate) fn outcome(
    read: ReadOut,
    binding: &Binding,
    request: &Request<'_>,
    mask: &mut Mask,
) -> Result<Answer, CallErrorKind> {
    let ReadOut { result, incoming, share } = read;
    let result = result.map_err(|expected| {
        hide_what_may_be_repeated(&incoming, request, mask);
        bad_answer(&incoming, &expected, mask)
    })?;
    Ok(to_answer(result, &incoming, &binding.asked_headers, share))
}

fn settings_of<'a>(target: &'a OpenApiTarget, request: &Request<'a>) -> ClientSettings<'a> {
    ClientSettings {
        properties: request.properties,
        key: &target.key,
        choice: request.config_key.filter(|_| target.has_config_key),
    }
}

/// The configured address, else the document's. If the call chooses a service, only the configured address counts.
fn base_url(settings: &ClientSettings<'_>, target: &OpenApiTarget) -> Result<String, CallErrorKind> {
    let configured = settings.base_url().map_err(|error| CallErrorKind::NotConfigured(error.to_string()))?;
    let server = target.operation.address().filter(|_| settings.choice.is_none());
    configured.or_else(|| server.map(str::to_owned)).ok_or_else(|| {
        let key = settings.full_key();
        let quote = if settings.choice.is_some() { "\"" } else { "" };
        CallErrorKind::NotConfigured(format!(
            "no address is known; set `quarkus.rest-client.{quote}{key}{quote}.url`"
        ))
    })
}

/// Masks what an error of the service may repeat: credentials in the answer itself, and arguments with names of secrets.
pub(crate) fn hide_what_may_be_repeated(incoming: &Incoming, request: &Request<'_>, mask: &mut Mask) {
    for (_, value) in incoming.headers.iter().filter(|(name, _)| is_credential_header(name.as_str())) {
        mask.hide(&String::from_utf8_lossy(value.as_bytes()));
    }
    mask.hide_members(request.arguments.as_ref().unwrap_or(request.state_data));
    if let Some(location) = incoming.location().and_then(|location| Url::parse(location).ok()) {
        mask.hide_query(&location);
        mask.hide_userinfo(&location);
    }
}
