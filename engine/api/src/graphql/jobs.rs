//! Sleeping instances as `Job`: one scheduled job for each, which is the next moment at which it goes on.
//!
//! Jobs of the past are not kept. A query that names no instances looks at the nearest [`MOST`] moments only, since
//! a million instances may sleep.

use async_graphql::Error;
use rondo_runtime::Engine;
use rondo_store::{Condition, Field, Filter, Instance, Query};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{allowance::Allowance, condition::Where};
use crate::moments::date_time;

/// Most moments that one query looks at.
const MOST: usize = 1000;

/// The jobs that the filter selects, the next one first.
pub(super) async fn find(
    engine: &Engine,
    wanted: &Where,
    allowance: &Allowance,
) -> Result<Vec<Value>, Error> {
    let ids = if let Some(ids) = named(wanted) {
        ids
    } else {
        let due = engine.store().due(i64::MAX, None, MOST).await;
        due.map_err(|error| Error::new(error.to_string()))?.into_iter().map(|(_, id)| id).collect()
    };
    let ids = ids.into_iter().map(|id| id.to_string().into()).collect();
    let query = Query {
        filter: Filter::Compare { field: Field::Id, condition: Condition::In(ids) },
        ..Query::default()
    };
    let mut rows = allowance.read(engine, query).await?;
    rows.sort_by_key(|row| (row.wake_at, row.id));
    let jobs = rows.iter().filter_map(|row| job(engine.service_url(), row));
    Ok(jobs.filter(|job| wanted.holds(job)).collect())
}

/// The instances that a query names, if it is about these only.
fn named(wanted: &Where) -> Option<Vec<Uuid>> {
    match wanted {
        Where::All(all) => all.iter().find_map(named),
        Where::Test(path, condition) if *path == ["processInstanceId"] => {
            let operands = match condition {
                Condition::Equal(operand) => std::slice::from_ref(operand),
                Condition::In(operands) => operands.as_slice(),
                _ => return None,
            };
            Some(operands.iter().filter_map(|id| Uuid::parse_str(id.as_str()?).ok()).collect())
        }
        _ => None,
    }
}

/// The job of an instance, if it sleeps.
fn job(service_url: &str, row: &Instance) -> Option<Value> {
    let wake_at = row.wake_at?;
    Some(json!({
        "id": format!("{}-timer", row.id),
        "processId": row.workflow,
        "processInstanceId": row.id,
        "nodeInstanceId": null,
        "rootProcessInstanceId": row.root,
        "rootProcessId": row.root_workflow,
        "status": "SCHEDULED",
        "expirationTime": date_time(wake_at),
        "priority": null,
        "callbackEndpoint": null,
        "repeatInterval": 0,
        "repeatLimit": 0,
        "scheduledId": null,
        "retries": 0,
        "lastUpdate": date_time(row.updated_at),
        "executionCounter": 0,
        "endpoint": format!("{service_url}/jobs"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::condition::parse;

    #[test]
    fn only_a_question_about_certain_instances_names_them() {
        let id = Uuid::from_u128(7);
        let is = json!({"processInstanceId": {"equal": id}});
        for (filter, expected) in [
            (is.clone(), Some(vec![id])),
            (json!({"status": {"in": ["SCHEDULED"]}, "and": [is.clone()]}), Some(vec![id])),
            (json!({"processInstanceId": {"equal": "nosuch"}}), Some(vec![])),
            (json!({"or": [is.clone(), {"status": {"equal": "ERROR"}}]}), None),
            (json!({"not": is}), None),
            (json!({}), None),
        ] {
            assert_eq!(named(&parse(&filter).unwrap()), expected, "{filter}");
        }
    }

    #[test]
    fn an_instance_that_does_not_sleep_has_no_job() {
        assert_eq!(job("http://h", &Instance::default()), None);
        let sleeping = Instance { wake_at: Some(1000), ..Instance::default() };
        let job = job("http://h", &sleeping).unwrap();
        assert_eq!(
            (&job["status"], &job["expirationTime"]),
            (&json!("SCHEDULED"), &json!("1970-01-01T00:00:01Z"))
        );
    }
}
