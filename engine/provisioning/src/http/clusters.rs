//! Clusters and the choice of one.

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
    caller::{Call, Caller, check_admin},
    params::Params,
};
use crate::{
    desk::{NewCluster, cluster_view},
    gateway::Tested,
    model::{Resources, Wanted, choose},
    refusal::Refusal,
    tables,
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/clusters", get(list).post(create))
        .route("/clusters/{cluster}", get(show).put(put).delete(delete))
        .route("/clusters/{cluster}/test", post(test))
        .route("/clusters/{cluster}/session", post(open_session))
        .route("/clusters/select", post(select))
}

#[derive(Deserialize)]
struct ListQuery {
    #[serde(rename = "type")]
    kind: Option<String>,
    region: Option<String>,
}

async fn list(
    State(app): State<App>,
    _caller: Caller,
    Params(query): Params<ListQuery>,
) -> Result<Json<Value>, Refusal> {
    let found = app.desk.read(|connection| Ok(tables::clusters::with_usage(connection)?)).await?;
    let is = |wanted: &Option<String>, own: &str| wanted.as_ref().is_none_or(|wanted| wanted == own);
    let listed = found
        .iter()
        .filter(|(cluster, _)| is(&query.kind, &cluster.kind) && is(&query.region, &cluster.region));
    Ok(Json(items(listed.map(|(cluster, used)| cluster_view(cluster, used)).collect(), None)))
}

async fn show(
    State(app): State<App>,
    _caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let found = app.desk.read(move |connection| {
        let cluster =
            tables::clusters::get(connection, &name)?.ok_or_else(|| Refusal::not_found("cluster", &name))?;
        Ok(cluster_view(&cluster, &tables::usage::of_cluster(connection, &name)?))
    });
    Ok(Json(found.await?))
}

async fn create(State(app): State<App>, mut call: Call) -> Result<Reply, Refusal> {
    check_admin(&call.change.person, "only an admin changes clusters")?;
    let new: NewCluster = call.read(&app, "createCluster")?;
    let made = call.change.make(&app.desk, move |work| {
        let cluster = work.put_cluster(&new, true)?;
        Ok(Reply::created(cluster_view(&cluster, &Resources::NONE)))
    });
    made.await
}

async fn put(State(app): State<App>, Path(name): Path<String>, mut call: Call) -> Result<Reply, Refusal> {
    check_admin(&call.change.person, "only an admin changes clusters")?;
    let new: NewCluster = call.read(&app, "putCluster")?;
    if new.cluster.name != name {
        return Err(Refusal::invalid_at(
            "/name",
            format!("the cluster is called `{name}`, and keeps its name"),
        ));
    }
    let made = call.change.make(&app.desk, move |work| {
        let cluster = work.put_cluster(&new, false)?;
        Ok(Reply::ok(cluster_view(&cluster, &tables::usage::of_cluster(work.connection, &cluster.name)?)))
    });
    made.await
}

async fn delete(State(app): State<App>, Path(name): Path<String>, call: Call) -> Result<Reply, Refusal> {
    check_admin(&call.change.person, "only an admin changes clusters")?;
    let made = call.change.make(&app.desk, move |work| {
        work.delete_cluster(&name)?;
        Ok(Reply::gone())
    });
    made.await
}

async fn test(State(app): State<App>, Path(name): Path<String>, call: Call) -> Result<Json<Tested>, Refusal> {
    check_admin(&call.change.person, "only an admin changes clusters")?;
    app.desk.test_cluster(name).await.map(Json)
}

async fn open_session(
    State(app): State<App>,
    Path(name): Path<String>,
    call: Call,
) -> Result<Json<Value>, Refusal> {
    call.check_service()?;
    app.desk.open_session(&name).await.map(Json)
}

#[derive(Deserialize)]
struct Selection {
    provider: String,
    region: Option<String>,
    #[serde(default)]
    except: Vec<String>,
    #[serde(default)]
    besides: Vec<Taken>,
    resources: Resources,
}

/// What something else is about to take of a cluster.
#[derive(Deserialize)]
struct Taken {
    cluster: String,
    resources: Resources,
}

async fn select(State(app): State<App>, mut call: Call) -> Result<Json<Value>, Refusal> {
    let selection: Selection = call.read(&app, "selectCluster")?;
    let mut clusters = app.desk.read(|connection| Ok(tables::clusters::with_usage(connection)?)).await?;
    for taken in &selection.besides {
        if let Some((_, used)) = clusters.iter_mut().find(|(cluster, _)| cluster.name == taken.cluster) {
            *used = used.plus(&taken.resources);
        }
    }
    let wanted = Wanted {
        provider: &selection.provider,
        region: selection.region.as_deref(),
        cluster: None,
        except: &selection.except,
        resources: &selection.resources,
    };
    let (chosen, rejected) = choose(&clusters, &wanted);
    Ok(Json(json!({"cluster": chosen.map(|cluster| &cluster.name), "rejected": rejected})))
}
