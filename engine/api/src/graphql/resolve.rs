//! The resolver of all fields: from the names of type and field to a value.

use std::sync::Arc;

use async_graphql::{
    Error, Name, Value,
    dynamic::{FieldFuture, FieldValue, ResolverContext},
};
use rondo_runtime::{Engine, Refusal};

use super::{
    allowance::Allowance,
    definitions::Definition,
    instances::{self, Instance},
    mutations, queries,
};
use crate::node_kinds::NodeInstance;

/// What a field resolves to; `None` is null.
pub(super) type Resolved = Result<Option<FieldValue<'static>>, Error>;

/// Resolves a field of an object. A field that fails is null, with an error; the library alone would leave the field out.
pub(super) fn field(owner: Name, name: Name, context: ResolverContext<'_>) -> FieldFuture<'_> {
    // Parts of what was read as a whole. An answer may have a million of them, and none waits for anything.
    if let Some(Value::Object(members)) = context.parent_value.as_value() {
        return at_once(members.get(&name).cloned().and_then(value), &context);
    }
    if let Some(node) = context.parent_value.downcast_ref::<NodeInstance>() {
        return at_once(instances::node_field(node, &name), &context);
    }
    FieldFuture::new(async move {
        let resolved = resolve(&owner, &name, &context).await.unwrap_or_else(|error| {
            let error = error.into_server_error(context.item.pos);
            context.add_error(context.set_error_path(error));
            None
        });
        allowance(&context)?.count(resolved.as_ref()).await;
        Ok(resolved)
    })
}

/// A field that waits for nothing. A value that is too large is an error, which ends the work on its object.
fn at_once<'c>(resolved: Option<FieldValue<'static>>, context: &ResolverContext<'c>) -> FieldFuture<'c> {
    let error = match allowance(context) {
        Ok(allowance) if allowance.count_now(resolved.as_ref()) => return FieldFuture::Value(resolved),
        Ok(allowance) => {
            Error::new(allowance.refusal().map(|refused| refused.to_string()).unwrap_or_default())
        }
        Err(error) => error,
    };
    FieldFuture::new(async move { Err::<Option<FieldValue<'_>>, _>(error) })
}

/// The memory that the answer may still take.
pub(super) fn allowance<'c>(context: &ResolverContext<'c>) -> Result<&'c Allowance, Error> {
    Ok(&**context.ctx.data::<Arc<Allowance>>()?)
}

async fn resolve(owner: &str, name: &str, context: &ResolverContext<'_>) -> Resolved {
    let engine = context.data::<Engine>()?;
    match owner {
        "Query" => return queries::run(engine, name, context).await,
        "Mutation" => return mutations::run(engine, name, context).await,
        _ => {}
    }
    if let Some(instance) = context.parent_value.downcast_ref::<Instance>() {
        return instance.field(engine, name, context).await;
    }
    if let Some(definition) = context.parent_value.downcast_ref::<Definition>() {
        return Ok(definition.field(engine, name));
    }
    Ok(None)
}

/// A `GraphQL` value, null as none.
fn value(value: Value) -> Option<FieldValue<'static>> {
    (value != Value::Null).then(|| FieldValue::value(value))
}

/// A JSON value as what a field resolves to.
pub(super) fn json(json: serde_json::Value) -> Option<FieldValue<'static>> {
    value(Value::from_json(json).unwrap_or_default())
}

/// A text.
pub(super) fn text(text: impl Into<String>) -> FieldValue<'static> {
    FieldValue::value(text.into())
}

/// The query is wrong, although it fits the schema.
pub(super) fn wrong(message: impl Into<String>) -> Error {
    let mut error = Error::new(message);
    error.extensions.get_or_insert_default().set("classification", "ValidationError");
    error
}

/// The engine could not give or do what was asked.
pub(super) fn refused(refusal: &Refusal) -> Error {
    Error::new(refusal.to_string())
}
