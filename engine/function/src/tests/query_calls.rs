//! Functions of the types `graphql` and `odata`.

use serde_json::{Value, json};

use rondo_program::{GraphQlFunction, ODataFunction};

use super::support::{Reply, Server, binding, call, properties, result};
use crate::binding::Target;
use crate::http_target::HttpTarget;

fn graph_ql(server: &Server, is_mutation: bool) -> Target {
    let address = format!("{}/graphql", server.url);
    Target::Http(HttpTarget::GraphQl(GraphQlFunction { address, is_mutation, field: "pet".to_owned() }))
}

#[tokio::test]
async fn a_graphql_call_sends_its_document_and_gives_the_data() {
    let data = json!({"data": {"pet": {"id": 1}}, "errors": []});
    let server = Server::start(vec![Reply::json(200, &data)]).await;
    let properties = properties("", "kogito.sw.functions.f.access_token=abc");
    let arguments = json!({"arguments": {"id": 1}, "selectionSet": ["{ id }"]});
    for (is_mutation, word) in [(false, "query"), (true, "mutation")] {
        let function = binding(graph_ql(&server, is_mutation));
        let answer = call(&function, &properties, arguments.clone()).await.unwrap();
        assert_eq!(result(&answer), json!({"pet": {"id": 1}}));
        let seen = server.last();
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/graphql"));
        assert_eq!(seen.header("authorization"), "Bearer abc");
        let body: Value = serde_json::from_str(&seen.body).unwrap();
        assert_eq!(body, json!({"query": format!("{word} {{ pet(id: 1) {{ id }} }}")}));
    }
}

#[tokio::test]
async fn errors_in_an_answer_of_graphql_fail_the_call() {
    let errors = json!({"data": {"pet": null}, "errors": [
        {"message": "no pet 1", "extensions": {"code": "NOT_FOUND"}}, {"message": "token hush-hush is old"},
    ]});
    let server = Server::start(vec![Reply::json(200, &errors)]).await;
    let arguments = json!({"arguments": {"token": "hush-hush"}});
    let function = binding(graph_ql(&server, false));
    let error = call(&function, &properties("", ""), arguments).await.unwrap_err();
    let text = error.to_string().replace(&server.url, "http://service");
    insta::assert_snapshot!(text, @"function `f`: POST http://service/graphql answered with the error `NOT_FOUND`: no pet 1; token *** is old (state `Create issue`, action `create`, attempt 2)");
    assert_eq!(error.into_failure().code.as_deref(), Some("NOT_FOUND"));
}

#[tokio::test]
async fn an_odata_call_reads_what_its_arguments_select() {
    let server = Server::start(vec![Reply::json(200, &json!({"value": [1]}))]).await;
    let target = ODataFunction { address: format!("{}/v4", server.url), entity_set: "Orders".to_owned() };
    let function = binding(Target::Http(HttpTarget::OData(target)));
    let arguments = json!({"queryOptions": {"filter": "Name eq 'a'", "top": 3}});
    let answer = call(&function, &properties("", ""), arguments).await.unwrap();
    assert_eq!(result(&answer), json!({"value": [1]}));
    let seen = server.last();
    assert_eq!((seen.method.as_str(), seen.body.as_str()), ("GET", ""));
    assert_eq!(seen.target, "/v4/Orders?$filter=Name%20eq%20%27a%27&$top=3");
}
