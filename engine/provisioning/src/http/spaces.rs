//! Environments, maps of pipelines and codebases of spaces, in the form of JSON:API as the services had it that they come from.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    App,
    answer::{Reply, items},
    caller::{Call, Caller},
    check_manages,
    params::Params,
};
use crate::{
    desk::{Fault, Work},
    model::{Codebase, Environment, PipelineMap},
    refusal::Refusal,
    tables,
};

/// The types of environments: which objects a namespace of each gets.
const TYPES: &str = include_str!("environment_types.yaml");

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/spaces/{space}/environments", get(environments).post(create_environment))
        .route("/environments/{id}", get(show_environment).delete(delete_environment))
        .route("/environment-types", get(types))
        .route("/spaces/{space}/pipeline-environment-maps", get(maps).post(create_map))
        .route("/pipeline-environment-maps/{id}", get(show_map).patch(change_map))
        .route("/spaces/{space}/collaborators/{user}", get(collaborator))
        .route("/spaces/{space}/codebases", post(create_codebase))
}

/// Who manages a space changes what is in it, and flows for them.
fn check_changes(work: &Work<'_, '_>, space: &str) -> Result<(), Fault> {
    work.space(space)?;
    if work.person.is_service() { Ok(()) } else { check_manages(work, space) }
}

fn space_of(space: &str) -> Value {
    json!({"space": {"data": {"id": space, "type": "spaces"}}})
}

fn environment_view(id: &str, space: &str, environment: &Environment) -> Value {
    json!({"id": id, "type": "environments", "attributes": environment, "relationships": space_of(space)})
}

fn map_view(id: &str, space: &str, map: &PipelineMap) -> Value {
    json!({"id": id, "spaceID": space, "name": map.name, "environments": map.environments})
}

fn data(data: impl Into<Value>) -> Value {
    json!({"data": data.into()})
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
}

async fn environments(
    State(app): State<App>,
    _caller: Caller,
    Path(space): Path<String>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Value>, Refusal> {
    let found = app.desk.read(move |connection| {
        if tables::pools::get(connection, &space)?.is_none() {
            return Err(Refusal::not_found("space", &space).into());
        }
        Ok(tables::spaces::environments(connection, &space)?)
    });
    let is = |wanted: &Option<String>, own: &str| wanted.as_ref().is_none_or(|wanted| wanted == own);
    let found = found.await?;
    let listed =
        found.iter().filter(|(_, _, one)| is(&wanted.kind, &one.kind) && is(&wanted.name, &one.name));
    Ok(Json(data(listed.map(|(id, space, one)| environment_view(id, space, one)).collect::<Vec<_>>())))
}

#[derive(Deserialize)]
struct NewEnvironment {
    data: Attributes,
}

#[derive(Deserialize)]
struct Attributes {
    attributes: Environment,
}

async fn create_environment(
    State(app): State<App>,
    Path(space): Path<String>,
    mut call: Call,
) -> Result<Reply, Refusal> {
    let NewEnvironment { data: Attributes { attributes } } = call.read(&app, "createEnvironment")?;
    let made = call.change.make(&app.desk, move |work| {
        check_changes(work, &space)?;
        let id = work.new_environment(&space, &attributes)?;
        Ok(Reply::created(data(environment_view(&id, &space, &attributes))))
    });
    made.await
}

async fn show_environment(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let found = app.desk.read(move |connection| {
        let found = tables::spaces::environment(connection, &id)?;
        Ok(found.ok_or_else(|| Refusal::not_found("environment", &id))?)
    });
    let (id, space, environment) = found.await?;
    Ok(Json(data(environment_view(&id, &space, &environment))))
}

async fn delete_environment(
    State(app): State<App>,
    Path(id): Path<String>,
    call: Call,
) -> Result<Reply, Refusal> {
    let made = call.change.make(&app.desk, move |work| {
        let (space, _) = work.environment(&id)?;
        check_changes(work, &space)?;
        work.delete_environment(&space, &id)?;
        Ok(Reply::gone())
    });
    made.await
}

async fn types(_caller: Caller) -> Json<Value> {
    // A test holds that it can be read.
    let types: Vec<Value> = serde_yaml::from_str(TYPES).unwrap_or_default();
    Json(items(types, None))
}

async fn maps(
    State(app): State<App>,
    _caller: Caller,
    Path(space): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let found = app.desk.read(move |connection| {
        if tables::pools::get(connection, &space)?.is_none() {
            return Err(Refusal::not_found("space", &space).into());
        }
        Ok(tables::spaces::pipeline_maps(connection, &space)?)
    });
    let found = found.await?;
    Ok(Json(data(found.iter().map(|(id, space, map)| map_view(id, space, map)).collect::<Vec<_>>())))
}

#[derive(Deserialize)]
struct NewMap {
    data: PipelineMap,
}

async fn create_map(
    State(app): State<App>,
    Path(space): Path<String>,
    mut call: Call,
) -> Result<Reply, Refusal> {
    let NewMap { data: map } = call.read(&app, "createPipelineMap")?;
    let made = call.change.make(&app.desk, move |work| {
        check_changes(work, &space)?;
        let id = work.put_pipeline_map(&space, None, &map)?;
        Ok(Reply::created(data(map_view(&id, &space, &map))))
    });
    made.await
}

async fn show_map(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let found = app.desk.read(move |connection| {
        let found = tables::spaces::pipeline_map(connection, &id)?;
        Ok(found.ok_or_else(|| Refusal::not_found("map of a pipeline", &id))?)
    });
    let (id, space, map) = found.await?;
    Ok(Json(data(map_view(&id, &space, &map))))
}

async fn change_map(
    State(app): State<App>,
    Path(id): Path<String>,
    mut call: Call,
) -> Result<Reply, Refusal> {
    let NewMap { data: map } = call.read(&app, "changePipelineMap")?;
    let made = call.change.make(&app.desk, move |work| {
        let (space, _) = work.pipeline_map(&id)?;
        check_changes(work, &space)?;
        work.put_pipeline_map(&space, Some(&id), &map)?;
        Ok(Reply::ok(data(map_view(&id, &space, &map))))
    });
    made.await
}

async fn collaborator(
    State(app): State<App>,
    _caller: Caller,
    Path((space, user)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let person = app.desk.0.settings.person(&user);
    let pool = app.desk.read(move |connection| {
        Ok(tables::pools::get(connection, &space)?.ok_or_else(|| Refusal::not_found("space", &space))?)
    });
    let pool = pool.await?;
    let owner = pool.space_owner();
    let owner = owner.as_deref().map(|owner| {
        let name = owner.strip_prefix("user:").unwrap_or(owner);
        name.strip_prefix("default/").unwrap_or(name)
    });
    Ok(Json(json!({"role": pool.collaboration(&person), "owner": owner})))
}

async fn create_codebase(
    State(app): State<App>,
    Path(space): Path<String>,
    mut call: Call,
) -> Result<Reply, Refusal> {
    let codebase: Codebase = call.read(&app, "createCodebase")?;
    let made = call.change.make(&app.desk, move |work| {
        check_changes(work, &space)?;
        let id = work.new_codebase(&space, &codebase)?;
        let mut view = serde_json::to_value(&codebase).unwrap_or_default();
        (view["id"], view["space"]) = (id.into(), space.clone().into());
        Ok(Reply::created(view))
    });
    made.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_objects_with_the_name_of_the_namespace() {
        let types: Vec<Value> = serde_yaml::from_str(TYPES).unwrap();
        let names: Vec<_> = types.iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["user", "che", "build", "dev", "test", "stage", "run", "custom"]);
        for one in &types {
            let template = one["template"].as_array().unwrap();
            assert!(one["version"].is_string() && template.len() > 3, "{one}");
            assert_eq!(template[0]["kind"], "Namespace");
            for object in template {
                assert!(
                    object["apiVersion"].is_string() && object["metadata"]["name"].is_string(),
                    "{object}"
                );
            }
        }
    }
}
