//! Functions of the types `asyncapi` and `rpc`, and the problems of their documents.

use serde_json::Value;

use super::binding::{Folder, bind_in};
use super::support::{call, client_message, properties};
use crate::Channel;

const ASYNC_API: &str = "asyncapi: 3.0.0\nchannels: {wait: {address: wait}}\noperations:\n  \
    sendWait: {action: send, channel: {$ref: '#/channels/wait'}}\n  \
    wait: {action: receive, channel: {$ref: '#/channels/wait'}}\n";

const PROTO: &str =
    "syntax = \"proto3\"; import \"types.proto\"; service Greeter { rpc Say(Name) returns (Name); }";

#[tokio::test]
async fn operations_of_asyncapi_and_grpc_are_bound() {
    let folder = Folder::new(&[
        ("specs/events.yaml", ASYNC_API),
        ("specs/greet.proto", PROTO),
        ("specs/types.proto", "syntax = \"proto3\"; message Name { string name = 1; }"),
        ("specs/broken.proto", "syntax = \"proto3\"; import \"gone.proto\";"),
        ("specs/none.yaml", "a: 1"),
    ]);
    let functions = "\
functions:
- {name: send, type: asyncapi, operation: specs/events.yaml#sendWait}
- {name: receive, type: asyncapi, operation: specs/events.yaml#wait}
- {name: misspelt, type: asyncapi, operation: specs/events.yaml#sendWat}
- {name: none, type: asyncapi, operation: specs/none.yaml#x}
- {name: gone, type: asyncapi, operation: specs/gone.yaml#x}
- {name: greet, type: rpc, operation: specs/greet.proto#Greeter#Say}
- {name: service, type: rpc, operation: specs/greet.proto#Greter#Say}
- {name: method, type: rpc, operation: specs/greet.proto#Greeter#Sya}
- {name: broken, type: rpc, operation: specs/broken.proto#Greeter#Say}
";
    let (bindings, problems) = bind_in(&folder, functions, &properties("", ""), None);
    insta::assert_snapshot!(problems, @r#"
    flow.sw.yaml:9:47: error[RON0303]: function `misspelt` calls `sendWat`, but `specs/events.yaml` has no such operation
      help: there is `sendWait`
    flow.sw.yaml:10:43: error[RON0302]: function `none` needs the document `specs/none.yaml`: it has no `asyncapi`, so it is no AsyncAPI document
    flow.sw.yaml:11:43: error[RON0302]: function `gone` needs the document `specs/gone.yaml`: the file does not exist; looked for `specs/gone.yaml`, `src/main/resources/specs/gone.yaml`; there is `specs/none.yaml`
    flow.sw.yaml:13:41: error[RON0303]: function `service` calls the service `Greter`, but `specs/greet.proto` has no such service
      help: there is `Greeter`
    flow.sw.yaml:14:40: error[RON0303]: function `method` calls the method `Sya`, but the service `Greeter` has no such method
      help: there is `Say`
    flow.sw.yaml:15:40: error[RON0302]: function `broken` needs the document `specs/broken.proto`: `gone.proto`: the file does not exist; looked for `specs/gone.proto`, `gone.proto`, `src/main/resources/gone.proto`
    "#);
    let channel = |name: &str| bindings.channel_of(name).cloned();
    assert_eq!(
        channel("send"),
        Some(Channel { name: "wait_out".to_owned(), sends: true, parameters: Vec::new() })
    );
    assert_eq!(
        channel("receive"),
        Some(Channel { name: "wait".to_owned(), sends: false, parameters: Vec::new() })
    );
    assert_eq!((channel("misspelt"), channel("greet"), channel("nobody")), (None, None, None));
    let error = call(bindings.get("send").unwrap(), &properties("", ""), Value::Null).await.unwrap_err();
    insta::assert_snapshot!(client_message(&error), @r#"java.lang.UnsupportedOperationException - a message is sent to the channel `wait_out`, which is not done by a call"#);
}
