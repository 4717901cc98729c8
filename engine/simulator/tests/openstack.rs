//! The simulated `OpenStack` over real HTTP: every captured exchange, and the rules of servers.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use common::cloud::{CLOUD_INIT, Cloud, IMAGE, NONE, building, credentials, server};
use common::wire::{Captures, none};
use reqwest::header::HeaderValue;
use rondo_simulator::Service::Openstack;
use rondo_simulator::{CloudFailure, CloudOptions};
use serde_json::{Value, json};

#[tokio::test]
async fn each_captured_exchange_has_its_status_and_shape() {
    let mut cloud = Cloud::with(building(), CloudOptions::default()).await;
    let mut captured = Captures::read(Openstack, include_str!("wire/openstack.json"));
    captured.stands_for(&json!(IMAGE), "70a599e0");
    captured.stands_for(&json!(CLOUD_INIT), "credential:0198c0de:cloud-init");
    captured.stands_for(&json!(cloud.project), "a6944d76");
    captured.stands_for(&cloud.network("private").await, "net1");
    captured.stands_for(&cloud.network("public").await, "ext1");
    let network = cloud.make("POST /v2.0/networks", "network", json!({ "name": "alone" })).await;
    let subnet = json!({ "network_id": network["id"], "cidr": "192.168.0.0/24", "ip_version": 4 });
    cloud.make("POST /v2.0/subnets", "subnet", subnet).await;
    let alone = json!({ "network_id": network["id"] });
    let alone = cloud.make("POST /v2.0/ports", "port", alone).await["id"].clone();
    let outside = cloud.network("public").await;

    macro_rules! play {
        ($name:expr) => {
            play!($name, none())
        };
        ($name:expr, $body:expr) => {
            captured.play(&cloud.world, $name, $body, &cloud.headers).await.1
        };
    }

    play!("token");
    play!("token refused", credentials("wrong", "acme"));
    cloud.advance(3601);
    play!("any call with a token that has expired");
    cloud.sign_in("acme").await;

    let group = play!("security group");
    captured.stands_for(&group["security_group"]["id"], "sg1");
    play!("rule");
    play!("rule again");
    cloud.control("POST /_sim/openstack/quota", json!({ "security_groups": 2 })).await;
    play!("security group over quota", json!({ "security_group": { "name": "rq-2" } }));
    play!("networks");
    let port = play!("port");
    captured.stands_for(&port["port"]["id"], "p1");
    play!("security group in use");
    let body = json!({ "floatingip": { "floating_network_id": outside, "port_id": alone } });
    play!("floating IP, no router", body.clone());
    cloud.control("POST /_sim/openstack/failures", json!({ "fail": "pool-empty" })).await;
    play!("floating IP, pool empty", json!({ "floatingip": { "floating_network_id": outside } }));
    play!("floating IP");

    play!("flavors");
    play!("images");
    let made = play!("server");
    captured.stands_for(&made["server"]["id"], "9e5476bd");
    play!("server BUILD");
    play!("server, port in use", json!({ "server": server(&port["port"]["id"]) }));
    let mut unknown = server(&alone);
    unknown["flavorRef"] = "99".into();
    play!("server, bad reference", json!({ "server": unknown }));
    cloud.control("POST /_sim/openstack/quota", json!({ "instances": 1 })).await;
    play!("server over quota", json!({ "server": server(&alone) }));
    cloud.advance(10);
    let active = play!("server ACTIVE");
    play!("find by name");
    let volume = &active["server"]["os-extended-volumes:volumes_attached"][0]["id"];
    captured.stands_for(volume, "v1");
    play!("volume");
    play!("volume in use");
    cloud.control("POST /_sim/openstack/quota", json!({ "gigabytes": 100 })).await;
    play!("volume over quota");
    play!("stop");
    cloud.advance(5);
    play!("stop again");
    play!("start");
    cloud.advance(5);
    play!("delete");
    cloud.advance(5);
    play!("gone");
    play!("volume gone");

    cloud.control("POST /_sim/openstack/failures", json!({ "fail": "no-host" })).await;
    let failing = cloud.server(&port["port"]["id"]).await;
    captured.stands_for(&json!(failing), "9e5476bd");
    cloud.advance(10);
    let failed = play!("server ERROR, no host");
    assert_eq!(failed["server"]["fault"]["message"], "No valid host was found. ");
    cloud.control("POST /_sim/openstack/quota", json!({ "instances": 10, "volumes": 0 })).await;
    let failing = cloud.server(&alone).await;
    captured.stands_for(&json!(failing), "9e5476bd");
    cloud.advance(10);
    play!("server ERROR, volume quota");
    captured.all_were_played();
}

#[tokio::test]
async fn what_is_sent_twice_is_made_twice_also_with_a_key() {
    let cloud = Cloud::new().await;
    let mut headers = cloud.headers.clone();
    headers.insert("idempotency-key", HeaderValue::from_static("instance-1/7"));
    let group = json!({ "security_group": { "name": "rq-1" } });
    for _ in 0..2 {
        let request = ("POST /v2.0/security-groups", group.clone());
        assert_eq!(cloud.world.ask_with(Openstack, request, headers.clone()).await.0, 201);
    }
    let found = json!({ "security_groups": [{ "name": "rq-1" }, { "name": "rq-1" }] });
    cloud.expect("GET /v2.0/security-groups?name=rq-1", NONE, 200, found).await;
}

#[tokio::test]
async fn an_answer_can_be_lost_after_the_server_was_made() {
    let cloud = Cloud::new().await;
    let port = cloud.port().await;
    let lost = json!({ "service": "openstack", "method": "POST", "path_prefix": "/v2.1/servers", "status": 502, "after_effect": true });
    cloud.control("POST /_sim/failures", lost).await;
    let body = json!({ "server": server(&port) });
    cloud.expect("POST /v2.1/servers", body, 502, json!({ "computeFault": { "code": 502 } })).await;
    cloud
        .expect(
            "GET /v2.1/servers/detail?name=^rq-1$",
            NONE,
            200,
            json!({ "servers": [{ "status": "ACTIVE" }] }),
        )
        .await;
    cloud.expect("GET /v2.1/servers/detail?name=^rq$", NONE, 200, json!({ "servers": [] })).await;
    cloud.expect("GET /v2.1/servers?name=rq", NONE, 200, json!({ "servers": [{ "status": null }] })).await;
}

#[tokio::test]
async fn a_failure_has_the_form_of_the_service_that_was_asked() {
    let cloud = Cloud::new().await;
    for (path, expected) in [
        ("/v2.0/ports", json!({ "NeutronError": { "message": "simulated failure" } })),
        ("/v2.1/servers", json!({ "serviceUnavailable": { "code": 503 } })),
        ("/v3/auth/tokens", json!({ "error": { "code": 503, "title": "Service Unavailable" } })),
        ("/v3/p/volumes/v", json!({ "serviceUnavailable": { "code": 503 } })),
        ("/v2/images", json!({ "code": 503 })),
    ] {
        cloud.control("POST /_sim/failures", json!({ "path_prefix": path, "status": 503 })).await;
        cloud.expect(&format!("GET {path}"), NONE, 503, expected).await;
    }
}

#[tokio::test]
async fn a_server_that_is_gone_leaves_what_others_made() {
    let cloud = Cloud::new().await;
    let port = cloud.port().await;
    let outside = cloud.network("public").await;
    let floating = json!({ "floating_network_id": outside, "port_id": port, "description": "rq-1" });
    let floating = cloud.make("POST /v2.0/floatingips", "floatingip", floating).await;
    let id = cloud.server(&port).await;
    let network = cloud.network("private").await;
    let mut body = server(&port);
    body["networks"] = json!([{ "uuid": network }]);
    body["block_device_mapping_v2"][0]["delete_on_termination"] = false.into();
    let other = cloud.make("POST /v2.1/servers", "server", body).await;
    let address = floating["floating_ip_address"].as_str().unwrap();
    let up = json!({ "floatingips": [{ "status": "ACTIVE", "floating_ip_address": address }] });
    cloud.expect("GET /v2.0/floatingips?description=rq-1", NONE, 200, up).await;

    for id in [&id, other["id"].as_str().unwrap()] {
        cloud.expect(&format!("DELETE /v2.1/servers/{id}"), NONE, 204, json!("")).await;
        cloud
            .expect(&format!("GET /v2.1/servers/{id}"), NONE, 404, json!({ "itemNotFound": { "code": 404 } }))
            .await;
    }
    let free = json!({ "ports": [{ "name": "rq-1", "device_id": "", "status": "DOWN" }] });
    let path = format!("GET /v2.0/ports?project_id={}", cloud.project);
    cloud.expect(&path, NONE, 200, free).await;
    let left = json!({ "volumes": [{ "status": "available", "name": "" }] });
    cloud.expect(&format!("GET /v3/{}/volumes/detail", cloud.project), NONE, 200, left).await;

    cloud.expect(&format!("DELETE /v2.0/ports/{}", port.as_str().unwrap()), NONE, 204, json!("")).await;
    let down = json!({ "floatingip": { "status": "DOWN", "port_id": null, "fixed_ip_address": null } });
    let path = format!("/v2.0/floatingips/{}", floating["id"].as_str().unwrap());
    cloud.expect(&format!("GET {path}"), NONE, 200, down).await;
    cloud.expect(&format!("DELETE {path}"), NONE, 204, json!("")).await;
    cloud
        .expect(
            &format!("DELETE {path}"),
            NONE,
            404,
            json!({ "NeutronError": { "type": "FloatingIPNotFound" } }),
        )
        .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_server_is_said_at_once() {
    let cloud = Cloud::new().await;
    let port = cloud.port().await;
    let check = |change: fn(&mut Value), status: u16, kind: &'static str| {
        let mut body = server(&port);
        change(&mut body);
        let cloud = &cloud;
        async move {
            let expected = json!({ kind: { "code": status } });
            cloud.expect("POST /v2.1/servers", json!({ "server": body }), status, expected).await;
        }
    };
    check(|server| server["name"] = "".into(), 400, "badRequest").await;
    check(|server| server["user_data"] = "credential:1:cloud-init".into(), 400, "badRequest").await;
    check(|server| server["networks"] = NONE, 400, "badRequest").await;
    check(|server| server["networks"][0]["port"] = "none".into(), 400, "badRequest").await;
    check(|server| server["metadata"]["n"] = 1.into(), 400, "badRequest").await;
    check(|server| server["block_device_mapping_v2"][0]["uuid"] = "none".into(), 400, "badRequest").await;
    check(|server| server["block_device_mapping_v2"][0]["volume_type"] = "none".into(), 400, "badRequest")
        .await;
    check(|server| server["block_device_mapping_v2"][0]["volume_size"] = 0.into(), 400, "badRequest").await;
    check(|server| server["block_device_mapping_v2"] = json!([]), 400, "badRequest").await;
    cloud.expect("POST /v2.1/servers", json!({}), 400, json!({ "badRequest": {} })).await;
    let mut old = cloud.headers.clone();
    old.remove("openstack-api-version");
    let request = ("POST /v2.1/servers", json!({ "server": server(&port) }));
    let (status, answer) = cloud.world.ask_with(Openstack, request, old).await;
    assert_eq!(status, 400, "volume_type needs a newer version: {answer}");
    cloud.expect("GET /v2.1/servers/detail", NONE, 200, json!({ "servers": [] })).await;
}

#[tokio::test]
async fn a_failure_of_the_cloud_is_over_after_its_times() {
    let cloud = Cloud::new().await;
    cloud.world.simulator.fail_cloud(CloudFailure::NoHost, 1);
    let mut states = Vec::new();
    for _ in 0..2 {
        let port = cloud.port().await;
        let id = cloud.server(&port).await;
        let (_, answer) = cloud.ask(&format!("GET /v2.1/servers/{id}"), NONE).await;
        states.push(answer["server"]["status"].as_str().unwrap().to_owned());
    }
    assert_eq!(states, ["ERROR", "ACTIVE"]);
}

#[tokio::test]
async fn a_resize_must_be_confirmed() {
    let cloud = Cloud::with(building(), CloudOptions::default()).await;
    let port = cloud.port().await;
    let id = cloud.server(&port).await;
    let [get, act] = [format!("GET /v2.1/servers/{id}"), format!("POST /v2.1/servers/{id}/action")];
    let resize = json!({ "resize": { "flavorRef": "4" } });
    cloud.expect(&act, resize.clone(), 409, json!({ "conflictingRequest": {} })).await;
    cloud.advance(10);
    cloud.expect(&act, resize, 202, json!("")).await;
    cloud.expect(&act, json!({ "os-stop": null }), 409, json!({ "conflictingRequest": {} })).await;
    cloud.advance(5);
    let resized = json!({ "server": { "status": "VERIFY_RESIZE", "flavor": { "vcpus": 8 } } });
    cloud.expect(&get, NONE, 200, resized).await;
    cloud.expect(&act, json!({ "confirmResize": null }), 204, json!("")).await;
    cloud
        .expect(
            &format!("GET /v2.1/servers/{id}/diagnostics"),
            NONE,
            200,
            json!({ "num_cpus": 8, "state": "running" }),
        )
        .await;
    cloud.expect(&act, json!({ "dance": null }), 400, json!({ "badRequest": {} })).await;
}
