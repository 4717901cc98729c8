//! Functions that call a method of a gRPC service.
//!
//! Owns: the call with its messages, metadata and time limit, and the meaning of its status. Promises: answers have the same limits as other
//! answers. Source: `apache/incubator-kie-kogito-runtimes`, `RPCWorkItemHandler`; spec-0.8, "Using Functions for RPC Service Invocations".

mod codec;
mod connect;
mod proto;

use std::error::Error as StdError;
use std::time::Duration;

use prost_reflect::{DynamicMessage, MethodDescriptor};
use rondo_expression::Val;
use rondo_memory::Share;
use tonic::metadata::{MetadataKey, MetadataValue};
use tonic::transport::{Channel, Uri};
use tonic::{Code, Status};

use crate::answer::Answer;
use crate::caller::Request;
use crate::connections::innermost_cause;
use crate::error::{CallErrorKind, Site};
use crate::mask::Mask;
use crate::request_builder::RequestBuilder;
use crate::rest;
use crate::transport::TransportOptions;

use codec::{MessageCodec, to_message, to_value};
pub(crate) use connect::Channels;
use connect::ServiceAddress;
pub(crate) use proto::{ProtoProblem, find_method};

/// A method of a gRPC service.
#[derive(Debug, Clone)]
pub(crate) struct GrpcTarget {
    /// The service as the operation names it, which is also the name of its settings.
    pub(crate) service: String,
    pub(crate) method: MethodDescriptor,
}

/// The connections and limits of a call.
pub(crate) struct Calling<'a> {
    pub(crate) channels: &'a Channels,
    pub(crate) options: &'a TransportOptions,
    pub(crate) deadline: Duration,
}

impl GrpcTarget {
    /// The address of the service; empty if the properties give no valid one.
    pub(crate) fn place(&self, request: &Request<'_>) -> String {
        ServiceAddress::read(&self.service, request.properties)
            .map(|address| address.url())
            .unwrap_or_default()
    }

    /// Calls the method. The result is the message of the answer, or the list of messages if the method answers with a stream.
    pub(crate) async fn call(
        &self,
        function: &str,
        request: &Request<'_>,
        calling: Calling<'_>,
        mut share: Share,
        site: &mut Site,
        mask: &mut Mask,
    ) -> Result<Answer, CallErrorKind> {
        let address =
            ServiceAddress::read(&self.service, request.properties).map_err(CallErrorKind::NotConfigured)?;
        let path = format!("/{}/{}", self.method.parent_service().full_name(), self.method.name());
        "gRPC".clone_into(&mut site.method);
        site.url = format!("{}{path}", address.url());
        let messages = self.messages(request).map_err(CallErrorKind::InvalidArgument)?;
        let mut outgoing = tonic::Request::new(tokio_stream::iter(messages));
        add_metadata(&mut outgoing, function, request, mask);
        outgoing.set_timeout(calling.deadline);
        let channel = calling.channels.channel(&address, calling.options)?;
        let path = Uri::try_from(path)
            .map_err(|error| CallErrorKind::NotConfigured(format!("no path of a method: {error}")))?;
        let most = calling.options.max_answer_bytes;
        let exchange = self.exchange(channel, path, outgoing, most, &mut share);
        let exchanged = tokio::time::timeout(calling.deadline, exchange).await;
        let mut values = exchanged.map_err(|_| CallErrorKind::Timeout(calling.deadline))?.map_err(
            |failed| match failed {
                Failed::Status(status) => to_call_error(&status, calling.deadline, mask),
                Failed::Other(kind) => kind,
            },
        )?;
        let result = match self.method.is_server_streaming() {
            true => Val::array(values),
            false => values.pop().unwrap_or_default(),
        };
        Ok(Answer::without_response(result, share))
    }

    /// The messages to send: the arguments, or each element of a list if the method takes a stream.
    fn messages(&self, request: &Request<'_>) -> Result<Vec<DynamicMessage>, String> {
        let input = self.method.input();
        let arguments = request.arguments.as_ref().unwrap_or(&Val::Null);
        match arguments {
            Val::Array(_) if self.method.is_client_streaming() => {
                arguments.elements().iter().map(|element| to_message(element, &input)).collect()
            }
            _ => Ok(vec![to_message(arguments, &input)?]),
        }
    }

    /// Sends the messages and reads the messages of the answer.
    async fn exchange(
        &self,
        channel: Channel,
        path: Uri,
        outgoing: tonic::Request<impl tokio_stream::Stream<Item = DynamicMessage> + Send + 'static>,
        most: u64,
        share: &mut Share,
    ) -> Result<Vec<Val>, Failed> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut client = tonic::client::Grpc::new(channel).max_decoding_message_size(most);
        client.ready().await.map_err(|error| Failed::Status(Status::from_error(Box::new(error))))?;
        let Some(path) = path.path_and_query().cloned() else {
            return Err(Failed::Other(CallErrorKind::NotConfigured(format!("`{path}` has no path"))));
        };
        let codec = MessageCodec { output: self.method.output() };
        let mut stream = client.streaming(outgoing, path, codec).await.map_err(Failed::Status)?.into_inner();
        let (mut values, mut bytes) = (Vec::new(), 0_usize);
        while let Some(message) = stream.message().await.map_err(Failed::Status)? {
            let value =
                to_value(&message).map_err(|problem| Failed::Other(CallErrorKind::Interrupted(problem)))?;
            bytes = bytes.saturating_add(value.size().bytes);
            if bytes > most {
                return Err(Failed::Other(CallErrorKind::TooLarge { limit: most as u64 }));
            }
            share
                .grow(value.memory() as u64)
                .map_err(|refused| Failed::Other(CallErrorKind::NoRoom(refused)))?;
            values.push(value);
        }
        Ok(values)
    }
}

/// Why an exchange failed.
enum Failed {
    Status(Status),
    Other(CallErrorKind),
}

/// Adds the metadata of every call: the calling instance, the idempotency key, and the credentials of the function.
fn add_metadata<T>(outgoing: &mut tonic::Request<T>, function: &str, request: &Request<'_>, mask: &mut Mask) {
    let mut builder = RequestBuilder::default();
    request.process.add_to(&mut builder.headers);
    builder.headers.add("idempotency-key", request.idempotency_key);
    rest::add_credentials(&mut builder, function, request.properties, mask);
    for (name, value) in builder.headers.iter() {
        let name = MetadataKey::from_bytes(name.to_ascii_lowercase().as_bytes());
        if let (Ok(name), Ok(value)) = (name, MetadataValue::try_from(value)) {
            outgoing.metadata_mut().insert(name, value);
        }
    }
}

/// Converts the status of a call to an error.
fn to_call_error(status: &Status, deadline: Duration, mask: &Mask) -> CallErrorKind {
    let mut cause: Option<&(dyn StdError + 'static)> = status.source();
    let mut transport = None;
    while let Some(error) = cause {
        if error.is::<tonic::TimeoutExpired>() {
            return CallErrorKind::Timeout(deadline);
        }
        transport = transport.or_else(|| error.downcast_ref::<tonic::transport::Error>());
        cause = error.source();
    }
    if let Some(transport) = transport {
        return CallErrorKind::Connect(innermost_cause(transport));
    }
    if status.code() == Code::DeadlineExceeded {
        return CallErrorKind::Timeout(deadline);
    }
    let code = format!("{:?}", status.code());
    CallErrorKind::Refused { code: Some(upper_snake(&code)), message: mask.apply(status.message()) }
}

/// `NotFound` → `NOT_FOUND`, as gRPC writes its codes.
fn upper_snake(name: &str) -> String {
    let mut written = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !written.is_empty() {
            written.push('_');
        }
        written.push(c.to_ascii_uppercase());
    }
    written
}
