//! The service that is called: answers an order with a number.

use std::net::SocketAddr;

use axum::{Json, Router, routing::post};
use serde_json::{Value, json};

use crate::Result;

pub(crate) async fn serve(listen: SocketAddr) -> Result<()> {
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let router = Router::new().route("/orders", post(order));
    Ok(axum::serve(listener, router).await?)
}

async fn order(Json(order): Json<Value>) -> Json<Value> {
    Json(json!({"number": 4711, "name": order["name"]}))
}
