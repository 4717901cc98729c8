//! Calls that are made again with their Idempotency-Key.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Body, Web, id};
use crate::tables;

async fn order(web: &Web, person: &str, key: &str, body: &Value) -> super::Answered {
    web.send(person, "POST", "/requests", &[("Idempotency-Key", key)], Body::from(body.to_string())).await
}

#[tokio::test]
async fn the_same_call_is_made_once_and_another_one_is_refused() {
    let web = Web::new().await;
    let body = Web::order(&json!({}));
    let first = order(&web, "jane", "k1", &body).await;
    let again = order(&web, "jane", "k1", &body).await;
    assert_eq!((first.status, &first.text), (201, &again.text));
    assert_eq!(web.usage().await["instances"], 1);
    let other = order(&web, "jane", "k1", &Web::order(&json!({"name": "other"}))).await;
    assert_eq!((other.status, other.code()), (422, "INVALID"));
    // The key of another person is another key.
    assert_eq!(order(&web, "root", "k1", &body).await.status, 201);
    assert_ne!(id(&order(&web, "jane", "k2", &body).await.json), id(&first.json));
    assert_eq!(web.usage().await["instances"], 3);
    for key in ["", &"k".repeat(256), "ä"] {
        let refused = order(&web, "jane", key, &body).await;
        assert_eq!((refused.status, refused.code()), (400, "BAD_REQUEST"), "{key}");
    }
}

#[tokio::test]
async fn the_query_is_part_of_a_call() {
    let web = Web::new().await;
    let plate = web.done("flow", "POST", "/products/plates", json!({})).await["licencePlate"]
        .as_str()
        .unwrap()
        .to_owned();
    let unlock = async |request: &str| {
        let path = format!("/products/{plate}/lock?request={request}");
        web.send("flow", "DELETE", &path, &[("Idempotency-Key", "k")], Body::empty()).await.status
    };
    assert_eq!((unlock("one").await, unlock("one").await, unlock("two").await), (204, 204, 422));
}

#[tokio::test]
async fn a_refusal_changes_nothing_and_may_be_tried_again() {
    let web = Web::new().await;
    let body = Web::order(&json!({"pool": "later", "requester": "root"}));
    assert_eq!(order(&web, "root", "k", &body).await.status, 422);
    web.done("root", "PUT", "/pools/later", json!({"grants": [{"to": "root", "actions": ["create"]}]})).await;
    assert_eq!(order(&web, "root", "k", &body).await.status, 201);
}

#[tokio::test]
async fn an_answer_is_forgotten_after_a_day() {
    let web = Web::new().await;
    let body = Web::order(&json!({}));
    let first = order(&web, "jane", "k", &body).await;
    let kept = async |hours: i64| {
        let at = Timestamp::now() + SignedDuration::from_hours(hours);
        let found = web
            .desk
            .read(move |connection| Ok(tables::answers::get(connection, "k", "user:default/jane", at)?));
        found.await.unwrap().map(|given| given.body)
    };
    assert_eq!(kept(23).await.map(|body| serde_json::from_str::<Value>(&body).unwrap()), Some(first.json));
    assert_eq!(kept(25).await, None);
}
