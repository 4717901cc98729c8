//! What `OpenStack` is asked, and what is read of its answers.

use super::*;
use crate::gateway::tests::{place, post};

#[test]
fn keystone_is_asked_in_each_of_its_forms() {
    let auth = |credentials: Value| authentication(&place("openstack", json!({}), credentials));
    let by_password =
        auth(json!({"user": "desk", "password": "p", "project": "acme", "domain": "Default"})).unwrap();
    assert_eq!(
        by_password,
        json!({
            "identity": {"methods": ["password"], "password": {"user": {"name": "desk", "domain": {"name": "Default"}, "password": "p"}}},
            "scope": {"project": {"name": "acme", "domain": {"name": "Default"}}},
        })
    );
    let by_application = auth(json!({"applicationCredential": {"id": "a", "secret": "s"}})).unwrap();
    assert_eq!(by_application["identity"]["methods"], json!(["application_credential"]));
    assert!(by_application.get("scope").is_none());
    assert_eq!(auth(json!({"auth": {"identity": 1}})).unwrap(), json!({"identity": 1}));
    let problem = auth(json!({"user": "desk", "project": "acme"})).unwrap_err();
    assert!(problem.contains("`password`"), "{problem}");
}

#[test]
fn what_has_a_name_of_ours_is_looked_for_as_its_service_filters() {
    for (service, path, body, thing, look) in [
        (
            "compute",
            "servers",
            json!({"server": {"name": "rq-1.a"}}),
            "compute/servers/rq-1.a",
            "servers/detail?name=%5Erq-1%5C.a%24",
        ),
        (
            "network",
            "v2.0/ports",
            json!({"port": {"name": "rq-1"}}),
            "network/ports/rq-1",
            "v2.0/ports?name=rq-1",
        ),
        (
            "network",
            "v2.0/floatingips",
            json!({"floatingip": {"description": "rq-1"}}),
            "network/floatingips/rq-1",
            "v2.0/floatingips?description=rq-1",
        ),
    ] {
        let create = OpenStack.create(&post(service, path, body)).unwrap();
        assert_eq!(create.thing, thing);
        assert_eq!(format!("{}?{}", create.look.call.path, create.look.call.query.unwrap()), look);
    }
    for (service, path, body) in [
        ("compute", "servers", json!({"server": {"name": "web"}})),
        ("compute", "servers/1/action", json!({"os-stop": null})),
        ("network", "v2.0/security-group-rules", json!({"security_group_rule": {"description": "rq-1"}})),
        ("network", "v2.0/ports", json!({"port": {"name": "rq-"}})),
        ("network", "v2.0/ports", json!([1])),
    ] {
        assert!(OpenStack.create(&post(service, path, body)).is_none(), "{path}");
    }
}

#[test]
fn a_look_finds_ours_and_nothing_that_is_deleted_or_of_others() {
    let create = OpenStack.create(&post("compute", "servers", json!({"server": {"name": "rq-1"}}))).unwrap();
    let found = |servers: Value| match (create.look.read)(&json!({"servers": servers})) {
        Seen::Found(answer) => answer["server"]["id"].as_str().map(str::to_owned),
        _ => None,
    };
    assert_eq!(
        found(json!([{"id": "a", "name": "rq-10"}, {"id": "b", "name": "rq-1", "status": "BUILD"}]))
            .as_deref(),
        Some("b")
    );
    assert_eq!(found(json!([{"id": "a", "name": "rq"}])).as_deref(), Some("a"));
    assert_eq!(found(json!([{"id": "a"}])).as_deref(), Some("a"));
    assert_eq!(found(json!([])), None);
    assert_eq!(found(json!([{"id": "a", "name": "web"}])), None);
    assert_eq!(found(json!([{"id": "a", "name": "rq-10"}])), None);
    assert_eq!(found(json!([{"id": "a", "name": "rq-1", "OS-EXT-STS:task_state": "deleting"}])), None);
    assert_eq!(found(json!([{"id": "a", "name": "rq-1", "status": "SOFT_DELETED"}])), None);
}

#[test]
fn an_equal_rule_counts_as_found() {
    let sent = json!({"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "security_group_id": "sg1"});
    let call = post("network", "v2.0/security-group-rules", json!({"security_group_rule": sent}));
    let exists = json!({"NeutronError": {"type": "SecurityGroupRuleExists"}});
    let look = OpenStack.look_after(&call, 409, &exists).unwrap();
    assert_eq!(look.call.query.as_deref(), Some("security_group_id=sg1&direction=ingress"));
    let known = json!({"id": "r80", "direction": "ingress", "protocol": "tcp", "port_range_min": 80, "port_range_max": 80, "security_group_id": "sg1"});
    let same = json!({"id": "r22", "direction": "ingress", "protocol": "TCP", "port_range_min": 22, "port_range_max": 22, "security_group_id": "sg1", "remote_group_id": null});
    let seen = (look.read)(&json!({"security_group_rules": [known, same]}));
    assert!(matches!(seen, Seen::Found(answer) if answer["security_group_rule"]["id"] == "r22"));
    assert!(OpenStack.look_after(&call, 409, &json!({"NeutronError": {"type": "OverQuota"}})).is_none());
}

#[test]
fn only_actions_that_say_no_secret_are_let_through() {
    let check = |body: Value| OpenStack.check_body(&post("compute", "servers/1/action", body));
    assert_eq!(check(json!({"os-stop": null})), Ok(()));
    for body in [
        json!({"changePassword": {}}),
        json!({"os-stop": null, "os-getConsoleOutput": {}}),
        json!({}),
        json!(null),
    ] {
        assert!(check(body.clone()).is_err(), "{body}");
    }
}

#[test]
fn a_password_is_taken_out_wherever_it_is() {
    let mut answer = json!({"server": {"id": "1", "adminPass": "x", "OS-EXT-SRV-ATTR:user_data": "I2Nsb3Vk"}, "more": [{"adminPass": "y", "z": 1}]});
    assert!(OpenStack.cleans(&post("compute", "servers", json!({}))) && OpenStack.clean(&mut answer));
    assert_eq!(answer, json!({"server": {"id": "1"}, "more": [{"z": 1}]}));
}
