//! Functions `<file>.proto#<service>#<method>`, against a server that speaks gRPC.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, SerializeOptions};
use serde_json::{Value, json};

use rondo_definition::Properties;

use super::support::{binding, call, properties, result};
use crate::CallError;
use crate::binding::Target;
use crate::grpc::{GrpcTarget, find_method};

const PROTO: &str = "syntax = \"proto3\"; package pets;\n\
    message Pet { string name = 1; int32 age = 2; }\n\
    service Pets {\n\
    rpc One(Pet) returns (Pet); rpc Many(Pet) returns (stream Pet); rpc Last(stream Pet) returns (Pet); rpc All(stream Pet) returns (stream Pet);\n\
    }";

fn target(method: &str) -> GrpcTarget {
    let method = find_method("pets.proto", "Pets", method, &|_| Ok(PROTO.to_owned())).unwrap();
    GrpcTarget { service: "Pets".to_owned(), method }
}

/// The server's answer to each call.
#[derive(Clone, Default)]
struct Reply {
    messages: Vec<Value>,
    /// Status and message.
    status: Option<(u32, &'static str)>,
    delay: Duration,
}

/// The requests that the server got: path, metadata and messages.
type Seen = Arc<Mutex<Vec<(String, BTreeMap<String, String>, Vec<Value>)>>>;

/// A server on loopback, and the properties that name it.
async fn serve(reply: Reply) -> (Properties, Seen) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (reply, seen) = (reply.clone(), Arc::clone(&shared));
            let service = service_fn(move |request| answer(request, reply.clone(), Arc::clone(&seen)));
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    });
    let lines = format!("quarkus.grpc.clients.Pets.host=127.0.0.1\nquarkus.grpc.clients.Pets.port={port}");
    (properties("", &lines), seen)
}

async fn answer(
    request: Request<Incoming>,
    reply: Reply,
    seen: Seen,
) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = Infallible>>, Infallible> {
    let descriptor = target("One").method.input();
    let (parts, body) = request.into_parts();
    let mut rest = body.collect().await.unwrap().to_bytes();
    let mut messages = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_be_bytes(rest[1..5].try_into().unwrap()) as usize;
        let message = DynamicMessage::decode(descriptor.clone(), &rest[5..5 + length]).unwrap();
        let options = SerializeOptions::new();
        messages.push(message.serialize_with_options(serde_json::value::Serializer, &options).unwrap());
        rest = rest.slice(5 + length..);
    }
    let metadata = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    seen.lock().unwrap().push((parts.uri.path().to_owned(), metadata.collect(), messages));
    tokio::time::sleep(reply.delay).await;
    let mut bytes = Vec::new();
    for message in &reply.messages {
        let message =
            DynamicMessage::deserialize(descriptor.clone(), message.clone()).unwrap().encode_to_vec();
        bytes.push(0);
        bytes.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        bytes.extend(message);
    }
    let (status, message) = reply.status.unwrap_or((0, ""));
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(status));
    trailers.insert("grpc-message", HeaderValue::from_static(message));
    let body = Full::new(Bytes::from(bytes)).with_trailers(async move { Some(Ok(trailers)) });
    Ok(Response::builder().header("content-type", "application/grpc").body(body).unwrap())
}

async fn ask(method: &str, properties: &Properties, arguments: Value) -> Result<Value, CallError> {
    let answer = call(&binding(Target::Grpc(target(method))), properties, arguments).await?;
    assert_eq!(answer.status, None, "a gRPC call has no HTTP status");
    Ok(result(&answer))
}

#[tokio::test]
async fn messages_go_to_the_method_and_come_back() {
    let (a, b) = (json!({"name": "a"}), json!({"name": "b", "age": 2}));
    for (method, arguments, replied, sent, expected) in [
        ("One", a.clone(), vec![b.clone()], vec![a.clone()], b.clone()),
        ("Many", a.clone(), vec![a.clone(), b.clone()], vec![a.clone()], json!([a, b])),
        ("Many", Value::Null, vec![], vec![json!({})], json!([])),
        ("Last", json!([a, b]), vec![b.clone()], vec![a.clone(), b.clone()], b.clone()),
        ("All", json!([a, b]), vec![b.clone(), a.clone()], vec![a.clone(), b.clone()], json!([b, a])),
    ] {
        let (properties, seen) = serve(Reply { messages: replied, ..Reply::default() }).await;
        assert_eq!(ask(method, &properties, arguments).await.unwrap(), expected, "{method}");
        let (path, metadata, messages) = seen.lock().unwrap().remove(0);
        assert_eq!((path, messages), (format!("/pets.Pets/{method}"), sent));
        for (name, value) in [("kogitoprocinstanceid", "i-1"), ("idempotency-key", "i-1/7")] {
            assert_eq!(metadata.get(name).map(String::as_str), Some(value), "{metadata:?}");
        }
    }
}

#[tokio::test]
async fn a_status_is_the_code_of_the_failure() {
    let (properties, _) = serve(Reply { status: Some((5, "no pet hush-hush")), ..Reply::default() }).await;
    let error = ask("One", &properties, json!({"name": "a"})).await.unwrap_err();
    let failure = error.clone().into_failure();
    assert_eq!(failure.code.as_deref(), Some("NOT_FOUND"));
    let text = error.to_string();
    let shown = text.split_once("/pets").map(|(_, rest)| rest.to_owned());
    insta::assert_snapshot!(shown.unwrap(), @".Pets/One answered with the error `NOT_FOUND`: no pet hush-hush (state `Create issue`, action `create`, attempt 2)");
}

#[tokio::test]
async fn arguments_that_are_no_message_are_not_sent() {
    let (properties, seen) = serve(Reply::default()).await;
    let error = ask("One", &properties, json!({"nam": "a"})).await.unwrap_err().into_failure();
    let detail = error.detail.unwrap();
    assert!(detail.starts_with("the arguments are no `pets.Pet`: ") && detail.contains("nam"), "{detail}");
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_service_that_does_not_answer_or_is_not_there_is_told_apart() {
    let slow = Reply { delay: Duration::from_mins(1), ..Reply::default() };
    let (properties, seen) = serve(slow).await;
    let port = properties.get("quarkus.grpc.clients.Pets.port").unwrap();
    let lines = format!(
        "quarkus.grpc.clients.Pets.host=127.0.0.1\nquarkus.grpc.clients.Pets.port={port}\nkogito.sw.functions.f.timeout=100"
    );
    let properties = super::support::properties("", &lines);
    let error = ask("One", &properties, json!({})).await.unwrap_err();
    assert_eq!(error.kind.to_string(), "gave no answer within 100 ms");
    assert_eq!(seen.lock().unwrap().len(), 1);

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let lines = format!("quarkus.grpc.clients.Pets.host=127.0.0.1\nquarkus.grpc.clients.Pets.port={port}");
    let error = ask("One", &super::support::properties("", &lines), json!({})).await.unwrap_err();
    assert_eq!(error.kind.to_string(), "could not connect: Connection refused");
}

#[tokio::test]
async fn addresses_that_hold_credentials_of_clouds_are_not_called() {
    let lines = "quarkus.grpc.clients.Pets.host=169.254.169.254\nquarkus.grpc.clients.Pets.port=80";
    let error = ask("One", &properties("", lines), json!({})).await.unwrap_err();
    assert!(error.kind.to_string().contains("is a link-local address"), "{error}");
}
