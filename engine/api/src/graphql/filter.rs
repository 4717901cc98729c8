//! A `where` argument on instances as a filter of the store.
//!
//! Owns: which column an argument stands for. An argument about something that is the same for all instances becomes a constant; one
//! about their definitions becomes a list of workflows.

use rondo_runtime::{Engine, kogito::ADDONS};
use rondo_store::{Condition, Field, Filter};
use serde_json::{Value, json};

use super::{
    condition::{Where, passes},
    definitions::Definition,
};
use crate::moments;

/// Makes the filter. The error says what cannot be searched for.
pub(super) fn filter(engine: &Engine, wanted: &Where) -> Result<Filter, String> {
    let workflows = || -> Vec<(String, Value)> {
        let served = engine.workflows().into_iter();
        served
            .map(|served| (served.program.id.to_string(), Definition::Served(served).members(engine)))
            .collect()
    };
    translate(wanted, &workflows)
}

/// `workflows` gives the served workflows by id, with what filters may ask of each.
fn translate(wanted: &Where, workflows: &dyn Fn() -> Vec<(String, Value)>) -> Result<Filter, String> {
    let many =
        |list: &[Where]| list.iter().map(|one| translate(one, workflows)).collect::<Result<Vec<_>, _>>();
    Ok(match wanted {
        Where::All(all) => Filter::And(many(all)?),
        Where::Any(any) => Filter::Or(many(any)?),
        Where::Not(one) => Filter::Not(Box::new(translate(one, workflows)?)),
        Where::Test(path, condition) => test(path, condition, workflows)?,
    })
}

fn test(
    path: &[String],
    condition: &Condition,
    workflows: &dyn Fn() -> Vec<(String, Value)>,
) -> Result<Filter, String> {
    let constant = |value: Value| translate(&Where::constant(passes(&value, condition)), workflows);
    // Instances of the workflows for which a member of their definition passes.
    let of_definition = |path: &[String]| {
        let wanted = Where::Test(path.to_vec(), condition.clone());
        let found = workflows().into_iter().filter(|(_, members)| wanted.holds(members));
        let ids = found.map(|(id, _)| Value::from(id)).collect();
        Ok(Filter::Compare { field: Field::Workflow, condition: Condition::In(ids) })
    };
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    match *names {
        ["variables", "workflowdatainput", ..] => {
            Err("variables.workflowdatainput cannot be searched; search variables.workflowdata".into())
        }
        ["variables", ..] => {
            let path = path.get(1..).unwrap_or_default().to_vec();
            Ok(Filter::Json { path, condition: condition.clone() })
        }
        ["definition", ..] => of_definition(path.get(1..).unwrap_or_default()),
        ["endpoint"] => of_definition(path),
        ["roles"] => constant(json!([])),
        ["addons"] => constant(json!(ADDONS)),
        ["createdBy" | "updatedBy"] | ["milestones", ..] => constant(Value::Null),
        _ => match field(&names) {
            Some(field) => Ok(Filter::Compare { field, condition: operands(field, condition)? }),
            None => Err(format!("instances cannot be searched by {}", names.join("."))),
        },
    }
}

/// The column that an argument or a key of `orderBy` stands for.
pub(super) fn field(path: &[&str]) -> Option<Field> {
    Some(match path {
        ["id"] => Field::Id,
        ["processId"] => Field::Workflow,
        ["processName"] => Field::Name,
        ["version"] => Field::Version,
        ["state"] => Field::State,
        ["businessKey"] => Field::BusinessKey,
        ["parentProcessInstanceId"] => Field::Parent,
        ["rootProcessInstanceId"] => Field::Root,
        ["rootProcessId"] => Field::RootWorkflow,
        ["start"] => Field::StartedAt,
        ["end"] => Field::EndedAt,
        ["lastUpdate"] => Field::UpdatedAt,
        ["error", "nodeDefinitionId"] => Field::ErrorNode,
        ["error", "message"] => Field::ErrorMessage,
        _ => return None,
    })
}

/// The condition with operands as the column has them: moments are milliseconds.
fn operands(field: Field, condition: &Condition) -> Result<Condition, String> {
    if !matches!(field, Field::StartedAt | Field::EndedAt | Field::UpdatedAt) {
        return Ok(condition.clone());
    }
    let moment = |operand: &Value| {
        let moment = operand.as_str().and_then(moments::parse);
        moment.map(Value::from).ok_or_else(|| {
            format!("{operand} is no date: it must be ISO 8601 with time and zone, such as \"2026-11-23T20:20:07.138Z\"")
        })
    };
    Ok(match condition {
        Condition::Equal(operand) => Condition::Equal(moment(operand)?),
        Condition::Greater(operand) => Condition::Greater(moment(operand)?),
        Condition::GreaterOrEqual(operand) => Condition::GreaterOrEqual(moment(operand)?),
        Condition::Less(operand) => Condition::Less(moment(operand)?),
        Condition::LessOrEqual(operand) => Condition::LessOrEqual(moment(operand)?),
        Condition::Between(from, to) => Condition::Between(moment(from)?, moment(to)?),
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::condition::parse;

    fn workflows() -> Vec<(String, Value)> {
        vec![
            (
                "greeting".into(),
                json!({"id": "greeting", "name": "Greeting", "endpoint": "http://h/greeting"}),
            ),
            ("waiting".into(), json!({"id": "waiting", "name": "Waiting", "endpoint": "http://h/waiting"})),
        ]
    }

    fn made(filter: &Value) -> Result<Filter, String> {
        translate(&parse(filter)?, &workflows)
    }

    #[test]
    fn the_filter_of_the_plugin_becomes_columns_and_json() {
        let filter = made(&json!({"and": [
            {"processId": {"isNull": false}},
            {"processId": {"in": ["greeting", "waiting"]}},
            {"and": {"variables": {"initiatorEntity": {"equal": "user:default/ada"}}, "state": {"equal": "ACTIVE"}}}
        ]}));
        insta::assert_debug_snapshot!(filter.unwrap(), @r#"
        And(
            [
                Compare {
                    field: Workflow,
                    condition: IsNull(
                        false,
                    ),
                },
                Compare {
                    field: Workflow,
                    condition: In(
                        [
                            String("greeting"),
                            String("waiting"),
                        ],
                    ),
                },
                Json {
                    path: [
                        "initiatorEntity",
                    ],
                    condition: Equal(
                        String("user:default/ada"),
                    ),
                },
                Compare {
                    field: State,
                    condition: Equal(
                        String("ACTIVE"),
                    ),
                },
            ],
        )
        "#);
    }

    #[test]
    fn what_an_instance_has_from_elsewhere_is_decided_at_once() {
        let of = |ids: &[&str]| Filter::Compare {
            field: Field::Workflow,
            condition: Condition::In(ids.iter().map(|id| Value::from(*id)).collect()),
        };
        let only = |filter: Filter| Filter::And(vec![filter]);
        for (filter, expected) in [
            (json!({"definition": {"name": {"like": "G*"}}}), only(of(&["greeting"]))),
            (json!({"endpoint": {"equal": "http://h/waiting"}}), only(of(&["waiting"]))),
            (json!({"roles": {"contains": "admin"}}), only(Filter::Or(vec![]))),
            (json!({"addons": {"contains": "source-files"}}), only(Filter::And(vec![]))),
            (json!({"createdBy": {"isNull": true}}), only(Filter::And(vec![]))),
            (json!({"or": {"state": {}}}), only(Filter::Or(vec![]))),
        ] {
            assert_eq!(made(&filter).as_ref(), Ok(&expected), "{filter}");
        }
    }

    #[test]
    fn moments_become_milliseconds() {
        let filter = made(
            &json!({"end": {"between": {"from": "1970-01-01T00:00:01Z", "to": "1970-01-01T02:00:02+02:00"}}}),
        );
        let condition = Condition::Between(json!(1000), json!(2000));
        assert_eq!(filter, Ok(Filter::And(vec![Filter::Compare { field: Field::EndedAt, condition }])));
    }

    #[test]
    fn what_cannot_be_searched_is_told() {
        for filter in [
            json!({"end": {"equal": "2020-01-01"}}),
            json!({"nodes": {"name": {"equal": "x"}}}),
            json!({"variables": {"workflowdatainput": {"a": {"equal": 1}}}}),
        ] {
            assert!(made(&filter).is_err(), "{filter}");
        }
    }
}
