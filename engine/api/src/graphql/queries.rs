//! The fields of `Query`, and other lists of instances.

use async_graphql::{
    Error,
    dynamic::{FieldValue, ResolverContext},
};
use rondo_runtime::Engine;
use rondo_store::{Columns, Condition, Direction, Field, Filter, Query, StoreError};
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
    let (order, page) = (argument("orderBy"), Page::of(&argument("pagination")).map_err(wrong)?);
    match name {
        "ProcessInstances" => {
            let query = Query {
                filter: filter::filter(engine, &wanted).map_err(wrong)?,
                order: order::in_store(&order),
                limit: page.limit,
                offset: page.offset,
                columns: columns(context),
                ..Query::default()
            };
            let rows = resolve::allowance(context)?.read(engine, query).await?;
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
            let mut found = jobs::find(engine, &wanted, resolve::allowance(context)?).await?;
            order::in_memory(&mut found, &order, |job| job);
            Ok(resolve::json(page.cut(found).into()))
        }
        "CountJobs" => {
            Ok(resolve::json(json!(jobs::find(engine, &wanted, resolve::allowance(context)?).await?.len())))
        }
        // There are no user tasks.
        "UserTaskInstances" => Ok(resolve::json(json!([]))),
        "CountUserTaskInstances" => Ok(resolve::json(json!(0))),
        other => Err(Error::new(format!("{other} is not supported"))),
    }
}

/// Reads that a selection of instances needs.
fn columns(context: &ResolverContext<'_>) -> Columns {
    Columns { data: context.look_ahead().field("variables").exists(), frames: false }
}

/// The instance that started another one; `None` when it is not there.
pub(super) async fn parent(engine: &Engine, id: Uuid, context: &ResolverContext<'_>) -> Resolved {
    let rows = family(engine, Field::Id, id, context).await?;
    Ok(rows.into_iter().next().map(|row| FieldValue::owned_any(Instance(row))))
}

/// The subflows of an instance.
pub(super) async fn children(
    engine: &Engine,
    parent: Uuid,
    context: &ResolverContext<'_>,
) -> Result<FieldValue<'static>, Error> {
    let rows = family(engine, Field::Parent, parent, context).await?;
    Ok(objects(rows.into_iter().map(Instance)))
}

async fn family(
    engine: &Engine,
    field: Field,
    id: Uuid,
    context: &ResolverContext<'_>,
) -> Result<Vec<rondo_store::Instance>, Error> {
    let query = Query {
        filter: Filter::Compare { field, condition: Condition::Equal(id.to_string().into()) },
        order: vec![(Field::Id, Direction::Ascending)],
        columns: columns(context),
        ..Query::default()
    };
    resolve::allowance(context)?.read(engine, query).await
}

/// The definitions that the filter selects, with the members that filters and orders use.
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
