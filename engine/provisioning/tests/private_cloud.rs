//! The expressions of the private cloud flows, read from the flows themselves: what they decide, what they send, and that their copies are alike.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use rondo_expression::{Budget, Language, Scope, compile};
use serde_json::{Value, json};

/// The operation of an expression function of a flow.
fn operation(flow: &str, function: &str) -> Option<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../workflows");
    let text = std::fs::read_to_string(format!("{folder}/{flow}/{flow}.sw.yaml")).unwrap();
    let flow: Value = serde_yaml::from_str(&text).unwrap();
    let functions = flow["functions"].as_array().unwrap();
    let found = functions.iter().find(|one| one["name"] == function)?;
    Some(found["operation"].as_str().unwrap().to_owned())
}

fn evaluate(operation: &str, data: Value) -> Value {
    let budget = Budget::default();
    compile(Language::Jq, operation).unwrap().eval(&data.into(), &Scope::bare(&budget)).unwrap().into()
}

#[test]
fn the_system_decides_an_edit_by_what_is_asked_for_and_what_is_used() {
    let decide = operation("private-cloud-edit", "systemDecision").unwrap();
    let cases: Value = serde_json::from_str(include_str!("edit-decision.json")).unwrap();
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 17);
    for case in cases {
        let decided = evaluate(&decide, case.clone());
        assert_eq!(decided["decision"], case["decision"], "{}: {decided}", case["name"]);
    }
}

#[test]
fn a_message_has_what_the_provisioner_reads() {
    let resources =
        |cpu: f64, memory: u32, storage: u32| json!({"cpu": cpu, "memory": memory, "storage": storage});
    let owner = json!({"email": "owner@example.org", "idir": "OWNER", "upn": "owner@example.org"});
    let lead = json!({"email": "lead@example.org", "idir": "LEAD", "upn": "lead@example.org"});
    let product = json!({
        "action": "create", "dataId": "0198c0de", "requestId": "0198c0de", "licencePlate": "a1b2c3", "targetCluster": "silver",
        "name": "Tree Inventory", "description": "Inventory of street trees", "ministry": "AGRI", "cluster": "SILVER", "golddrEnabled": false,
        "isTest": false, "isAgMinistry": false, "original": null, "projectOwner": owner, "primaryTechnicalLead": lead,
        "members": [{"email": "joe@example.org", "roles": ["SUBSCRIBER"]}, {"email": "kim@example.org", "roles": ["EDITOR"]}],
        "resourceRequests": {
            "development": resources(0.5, 2, 1), "test": resources(0.5, 2, 64), "production": resources(4.0, 16, 0), "tools": resources(0.5, 2, 1),
        },
    });
    let namespace = |end: &str,
                     cpu: f64,
                     memory: &str,
                     storage: &str,
                     backup: &str,
                     claims: u32,
                     snapshots: u32| {
        json!({"name": format!("a1b2c3-{end}"), "quotas": {
            "cpu": {"requests": cpu}, "memory": {"requests": memory},
            "storage": {"block": storage, "file": storage, "capacity": storage, "backup": backup, "pvc_count": claims},
            "snapshot": {"count": snapshots},
        }})
    };
    let expected = json!({
        "action": "create", "profile_id": "0198c0de", "licencePlate": "a1b2c3", "isContactChanged": true, "workflow": "silver-a1b2c3-0198c0de",
        "cluster_name": "silver", "golddr_enabled": false, "display_name": "Tree Inventory", "description": "Inventory of street trees",
        "ministry_id": "AGRI", "merge_type": "auto", "project_type": "user", "alliance": "none",
        "namespaces": [
            namespace("dev", 0.5, "2Gi", "1Gi", "1Gi", 60, 5), namespace("test", 0.5, "2Gi", "64Gi", "32Gi", 60, 5),
            namespace("prod", 4.0, "16Gi", "0Gi", "0Gi", 0, 0), namespace("tools", 0.5, "2Gi", "1Gi", "1Gi", 60, 5),
        ],
        "contacts": [
            {"email": "owner@example.org", "idir": "OWNER", "upn": "owner@example.org", "role": "owner"},
            {"email": "lead@example.org", "idir": "LEAD", "upn": "lead@example.org", "role": "lead"},
            {"email": "joe@example.org", "idir": null, "upn": null, "role": "subscriber"},
        ],
    });
    for flow in ["private-cloud-create", "private-cloud-edit", "private-cloud-delete"] {
        assert_eq!(evaluate(&operation(flow, "message").unwrap(), product.clone()), expected, "{flow}");
    }
    let mut second_site = product.clone();
    for (member, value) in [("cluster", "GOLD"), ("targetCluster", "golddr"), ("action", "EDIT")] {
        second_site[member] = value.into();
    }
    (second_site["golddrEnabled"], second_site["isTest"], second_site["isAgMinistry"]) =
        (true.into(), true.into(), true.into());
    second_site["original"] = product.clone();
    let message = evaluate(&operation("private-cloud-edit", "message").unwrap(), second_site);
    let shown = [
        "action",
        "cluster_name",
        "golddr_enabled",
        "workflow",
        "isContactChanged",
        "project_type",
        "alliance",
    ]
    .map(|name| message[name].clone());
    assert_eq!(
        json!(shown),
        json!(["edit", "golddr", false, "golddr-a1b2c3-0198c0de", false, "temporary", "JAG"])
    );
}

#[test]
fn flows_that_share_a_rule_have_it_alike() {
    for function in [
        "message",
        "writeMessages",
        "resendMessages",
        "weighCallback",
        "autoApproved",
        "reviewers",
        "team",
        "text",
    ] {
        let of = |flow| operation(flow, function).unwrap();
        let create = of("private-cloud-create");
        assert_eq!(
            (of("private-cloud-edit"), of("private-cloud-delete")),
            (create.clone(), create),
            "{function}"
        );
    }
}
