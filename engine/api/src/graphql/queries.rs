//! The fields of `Query`, and other lists of instances.

use async_graphql::{
    Error,
    dynamic::{FieldValue, ResolverContext},
};
use rondo_runtime::{Engine, Refusal};
use rondo_store::{Columns, Condition, Field, Filter, Query, State, StoreError};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    condition::{self, Where},
    definitions::{self, Definition},
    filter,
    instances::Instance,
    jobs,
    order::{self, Page},
    resolve::{self, Resolved, wrong},
};

/// Answers the query of this name.
pub(super) async fn run(engine: &Engine, name: &str, context: &ResolverContext<'_>) -> Resolved {
    let argument = |name: &str| {
        let value = context.args.get(name).map(|value| value.as_value().clone());
        value.and_then(|value| value.into_json().ok()).unwrap_or_default()
    };
    let wanted = condition::parse(&argument("where")).map_err(wrong)?;
    let (order, page) = (argument("orderBy"), Page::of(&argument("pagination")));
    match name {
        "ProcessInstances" => {
            let query = Query {
                filter: filter::filter(engine, &wanted).map_err(wrong)?,
                order: order::in_store(&order),
                limit: page.limit,
                offset: page.offset,
                columns: Columns { data: context.look_ahead().field("variables").exists(), frames: false },
            };
            let rows = engine.store().query(query).await.map_err(failed)?;
            Ok(Some(objects(rows.into_iter().map(Instance))))
        }
        "CountProcessInstances" => {
            let filter = filter::filter(engine, &wanted).map_err(wrong)?;
            Ok(resolve::json(json!(engine.store().count(filter).await.map_err(failed)?)))
        }
        "ProcessDefinitions" => {
            let mut found = wanted_definitions(engine, &wanted).await?;
            order::in_memory(&mut found, &order, |(members, _)| members);
            Ok(Some(objects(page.cut(found).into_iter().map(|(_, definition)| definition))))
        }
        "CountProcessDefinitions" => {
            Ok(resolve::json(json!(wanted_definitions(engine, &wanted).await?.len())))
        }
        "Jobs" => {
            let mut found = jobs::find(engine, &wanted).await?;
            order::in_memory(&mut found, &order, |job| job);
            Ok(resolve::json(page.cut(found).into()))
        }
        "CountJobs" => Ok(resolve::json(json!(jobs::find(engine, &wanted).await?.len()))),
        // There are no user tasks.
        "UserTaskInstances" => Ok(resolve::json(json!([]))),
        "CountUserTaskInstances" => Ok(resolve::json(json!(0))),
        other => Err(Error::new(format!("{other} is not supported"))),
    }
}

/// Instances of a workflow that have not ended, oldest first, with their data.
pub(crate) async fn unfinished(
    engine: &Engine,
    workflow: &str,
    limit: usize,
) -> Result<Vec<rondo_store::Instance>, Refusal> {
    let ended = [State::Completed, State::Aborted].map(|state| Value::from(state.as_str()));
    let ended = Filter::Compare { field: Field::State, condition: Condition::In(ended.into()) };
    let of_workflow =
        Filter::Compare { field: Field::Workflow, condition: Condition::Equal(workflow.into()) };
    let query = Query {
        filter: Filter::And(vec![of_workflow, Filter::Not(Box::new(ended))]),
        limit: u64::try_from(limit).ok(),
        columns: Columns { data: true, frames: false },
        ..Query::default()
    };
    engine.store().query(query).await.map_err(|error| Refusal::Store(error.to_string()))
}

/// An instance; `None` when there is none of this id.
pub(super) async fn instance(engine: &Engine, id: Uuid) -> Resolved {
    let row = engine.store().instance(id).await.map_err(failed)?;
    Ok(row.map(|row| FieldValue::owned_any(Instance(row))))
}

/// The subflows of an instance.
pub(super) async fn children(engine: &Engine, parent: Uuid) -> Result<FieldValue<'static>, Error> {
    let ids = engine.store().children(parent).await.map_err(failed)?;
    let rows = engine.store().instances(ids).await.map_err(failed)?;
    Ok(objects(rows.into_iter().map(Instance)))
}

/// The definitions that are wanted, with what filters and orders look at.
async fn wanted_definitions(engine: &Engine, wanted: &Where) -> Result<Vec<(Value, Definition)>, Error> {
    let all = definitions::all(engine).await.map_err(failed)?.into_iter();
    let with_members = all.map(|definition| (definition.members(engine), definition));
    Ok(with_members.filter(|(members, _)| wanted.holds(members)).collect())
}

fn objects<T: Send + Sync + 'static>(objects: impl Iterator<Item = T>) -> FieldValue<'static> {
    FieldValue::list(objects.map(FieldValue::owned_any))
}

#[allow(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
fn failed(error: StoreError) -> Error {
    Error::new(error.to_string())
}
