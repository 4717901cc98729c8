//! The simulated OpenStack over real HTTP: every captured exchange, and the rules behind them.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::time::Duration;

use common::wire::{Captures, none};
use common::{World, contains};
use reqwest::header::{HeaderMap, HeaderValue};
use rondo_simulator::Service::Openstack;
use rondo_simulator::{CloudFailure, CloudOptions, Delays, FloatingAddresses, Options};
use serde_json::{Value, json};

const NONE: Value = Value::Null;
const IMAGE: &str = "70a599e0-31e7-49b7-b260-868f441e862b";
/// What the gateway sends in place of a reference.
const CLOUD_INIT: &str = "I2Nsb3VkLWNvbmZpZwo=";

/// A simulator, and a client with a token for a project.
struct Cloud {
    world: World,
    headers: HeaderMap,
    project: String,
}

impl Cloud {
    async fn new() -> Self {
        Self::with(Delays::default(), CloudOptions::default()).await
    }

    async fn with(delays: Delays, cloud: CloudOptions) -> Self {
        let cloud = CloudOptions { password: "secret".to_owned(), ..cloud };
        let world = World::start(Options { delays, cloud, ..Options::default() }).await;
        let mut cloud = Self { world, headers: HeaderMap::new(), project: String::new() };
        cloud.sign_in("acme").await;
        cloud
    }

    /// Takes a new token.
    async fn sign_in(&mut self, project: &str) {
        let body = credentials("secret", project);
        let (status, headers, answer) =
            self.world.exchange(Openstack, ("POST /v3/auth/tokens", body), HeaderMap::new()).await;
        assert_eq!(status, 201, "{answer}");
        self.headers.insert("x-auth-token", headers["x-subject-token"].clone());
        self.headers.insert("openstack-api-version", HeaderValue::from_static("compute 2.67"));
        answer["token"]["project"]["id"].as_str().unwrap().clone_into(&mut self.project);
    }

    async fn ask(&self, line: &str, body: Value) -> (u16, Value) {
        self.world.ask_with(Openstack, (line, body), self.headers.clone()).await
    }

    /// Makes something; gives the member of the answer.
    async fn make(&self, line: &str, member: &str, body: Value) -> Value {
        let (status, mut answer) = self.ask(line, json!({ member: body })).await;
        assert!((200..203).contains(&status), "{line}: {answer}");
        answer[member].take()
    }

    /// Asserts status and a part of the answer.
    async fn expect(&self, line: &str, body: Value, status: u16, expected: Value) {
        let (found, answer) = self.ask(line, body.clone()).await;
        assert_eq!(found, status, "{line} {body} was answered {answer}");
        contains(&answer, &expected, line);
    }

    async fn network(&self, name: &str) -> Value {
        let (_, answer) = self.ask(&format!("GET /v2.0/networks?name={name}"), NONE).await;
        answer["networks"][0]["id"].clone()
    }

    async fn port(&self) -> Value {
        let network = self.network("private").await;
        let port =
            self.make("POST /v2.0/ports", "port", json!({ "network_id": network, "name": "rq-1" })).await;
        port["id"].clone()
    }

    async fn server(&self, port: &Value) -> String {
        let server = self.make("POST /v2.1/servers", "server", server(port)).await;
        server["id"].as_str().unwrap().to_owned()
    }

    async fn control(&self, line: &str, body: Value) {
        let (status, answer) = self.world.control(line, body).await;
        assert_eq!(status, 204, "{answer}");
    }

    fn advance(&self, seconds: u64) {
        self.world.simulator.advance(Duration::from_secs(seconds));
    }
}

fn credentials(password: &str, project: &str) -> Value {
    let domain = json!({ "name": "Default" });
    json!({ "auth": {
        "identity": { "methods": ["password"], "password": { "user": { "name": "desk", "domain": domain, "password": password } } },
        "scope": { "project": { "name": project, "domain": domain } },
    } })
}

fn server(port: &Value) -> Value {
    json!({
        "name": "rq-1", "flavorRef": "3", "networks": [{ "port": port }], "user_data": CLOUD_INIT,
        "metadata": { "requestId": "0198c0de", "orderId": "ord-7", "tenantId": "acme" },
        "block_device_mapping_v2": [{
            "boot_index": 0, "uuid": IMAGE, "source_type": "image", "destination_type": "volume", "volume_size": 80,
            "volume_type": "nvme", "delete_on_termination": true,
        }],
    })
}

fn building() -> Delays {
    let [build, power, deletion] = [10, 5, 5].map(Duration::from_secs);
    Delays { server_build: build, server_power: power, server_deletion: deletion, ..Delays::default() }
}

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
async fn a_project_sees_only_what_is_its_own_or_shared() {
    let mut cloud = Cloud::new().await;
    let port = cloud.port().await;
    let id = cloud.server(&port).await;
    let port = port.as_str().unwrap().to_owned();
    let acme = cloud.project.clone();
    cloud.sign_in("beta").await;
    cloud.expect(&format!("GET /v2.1/servers/{id}"), NONE, 404, json!({})).await;
    cloud.expect(&format!("DELETE /v2.0/ports/{port}"), NONE, 404, json!({})).await;
    cloud.expect(&format!("GET /v3/{acme}/volumes/detail"), NONE, 400, json!({})).await;
    cloud.expect(&format!("PUT /v1/AUTH_{acme}/logs"), NONE, 403, json!("")).await;
    let shared = cloud.network("private").await;
    let path = format!("/v2.0/networks/{}", shared.as_str().unwrap());
    cloud
        .expect(
            &format!("DELETE {path}"),
            NONE,
            403,
            json!({ "NeutronError": { "type": "PolicyNotAuthorized" } }),
        )
        .await;
    cloud
        .expect(
            "GET /v2.0/networks",
            NONE,
            200,
            json!({ "networks": [{ "name": "public" }, { "name": "private" }] }),
        )
        .await;
}

#[tokio::test]
async fn a_network_of_ones_own_is_taken_down_in_the_order_of_its_parts() {
    let cloud = Cloud::new().await;
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    let outside = cloud.network("public").await;
    let network = id(&cloud.make("POST /v2.0/networks", "network", json!({ "name": "rq-1" })).await);
    let subnet = json!({ "network_id": network, "cidr": "192.168.1.0/29", "ip_version": 4 });
    let subnet = id(&cloud.make("POST /v2.0/subnets", "subnet", subnet.clone()).await);
    let overlapping =
        json!({ "subnet": { "network_id": network, "cidr": "192.168.0.0/16", "ip_version": 4 } });
    cloud.expect("POST /v2.0/subnets", overlapping, 400, json!({ "NeutronError": {} })).await;
    let router = json!({ "name": "rq-1", "external_gateway_info": { "network_id": outside } });
    let router = id(&cloud.make("POST /v2.0/routers", "router", router).await);
    let interface = json!({ "subnet_id": subnet });
    let [add, remove] =
        ["add", "remove"].map(|verb| format!("PUT /v2.0/routers/{router}/{verb}_router_interface"));
    cloud.expect(&add, interface.clone(), 200, json!({ "subnet_id": subnet, "id": router })).await;
    cloud.expect(&add, interface.clone(), 400, json!({})).await;

    let mut ports = Vec::new();
    // 192.168.1.0/29 has eight addresses: network, broadcast and router take three.
    for number in 2..7 {
        let port = cloud.make("POST /v2.0/ports", "port", json!({ "network_id": network })).await;
        assert_eq!(port["fixed_ips"][0]["ip_address"], format!("192.168.1.{number}"));
        ports.push(id(&port));
    }
    let one_more = json!({ "port": { "network_id": network } });
    let full = json!({ "NeutronError": { "type": "IpAddressGenerationFailure" } });
    cloud.expect("POST /v2.0/ports", one_more, 409, full).await;
    let floating = json!({ "floating_network_id": outside, "port_id": ports[0] });
    let floating = id(&cloud.make("POST /v2.0/floatingips", "floatingip", floating).await);

    let in_use = |kind: &str| json!({ "NeutronError": { "type": kind } });
    cloud.expect(&format!("DELETE /v2.0/networks/{network}"), NONE, 409, in_use("NetworkInUse")).await;
    cloud.expect(&format!("DELETE /v2.0/subnets/{subnet}"), NONE, 409, in_use("SubnetInUse")).await;
    cloud.expect(&format!("DELETE /v2.0/routers/{router}"), NONE, 409, in_use("RouterInUse")).await;
    cloud.expect(&remove, interface.clone(), 409, in_use("RouterInterfaceInUseByFloatingIP")).await;
    cloud.expect(&format!("DELETE /v2.0/floatingips/{floating}"), NONE, 204, json!("")).await;
    cloud.expect(&remove, interface.clone(), 200, json!({ "subnet_id": subnet })).await;
    cloud.expect(&remove, interface, 404, json!({})).await;
    cloud.expect(&format!("DELETE /v2.0/routers/{router}"), NONE, 204, json!("")).await;
    for port in ports {
        cloud.expect(&format!("DELETE /v2.0/ports/{port}"), NONE, 204, json!("")).await;
    }
    cloud.expect(&format!("DELETE /v2.0/networks/{network}"), NONE, 204, json!("")).await;
    cloud.expect(&format!("GET /v2.0/subnets/{subnet}"), NONE, 404, json!({})).await;
}

#[tokio::test]
async fn quotas_count_what_there_is() {
    let addresses = FloatingAddresses { first: [198, 51, 100, 7].into(), count: 1 };
    let cloud = Cloud::with(
        Delays::default(),
        CloudOptions { floating_addresses: addresses, ..CloudOptions::default() },
    )
    .await;
    let outside = cloud.network("public").await;
    let floating = json!({ "floatingip": { "floating_network_id": outside } });
    cloud
        .expect(
            "POST /v2.0/floatingips",
            floating.clone(),
            201,
            json!({ "floatingip": { "floating_ip_address": "198.51.100.7" } }),
        )
        .await;
    let empty = json!({ "NeutronError": { "type": "IpAddressGenerationFailure" } });
    cloud.expect("POST /v2.0/floatingips", floating, 409, empty).await;

    let port = cloud.port().await;
    cloud.control("POST /_sim/openstack/quota", json!({ "ports": 1, "cores": 3 })).await;
    let network = cloud.network("private").await;
    let over = json!({ "NeutronError": { "type": "OverQuota" } });
    cloud.expect("POST /v2.0/ports", json!({ "port": { "network_id": network } }), 409, over).await;
    cloud
        .expect(
            "POST /v2.1/servers",
            json!({ "server": server(&port) }),
            403,
            json!({ "forbidden": { "code": 403 } }),
        )
        .await;
    let (status, answer) = cloud.world.control("POST /_sim/openstack/quota", json!({ "lunches": 1 })).await;
    assert_eq!(status, 422, "{answer}");
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

#[tokio::test]
async fn a_container_keeps_to_its_quota() {
    let cloud = Cloud::new().await;
    let path = format!("/v1/AUTH_{}/rq-1", cloud.project);
    let mut headers = cloud.headers.clone();
    headers.insert("x-container-meta-quota-bytes", HeaderValue::from_static("10"));
    let put = format!("PUT {path}");
    for status in [201, 202] {
        assert_eq!(cloud.world.ask_with(Openstack, (&put, NONE), headers.clone()).await.0, status);
    }
    cloud.expect(&format!("PUT {path}/large"), json!("12345678"), 201, json!("")).await;
    cloud.expect(&format!("PUT {path}/more"), json!("1"), 413, json!("")).await;
    cloud.expect(&format!("DELETE {path}"), NONE, 409, json!("")).await;
    cloud.expect(&format!("DELETE {path}/large"), NONE, 204, json!("")).await;
    cloud.expect(&format!("DELETE {path}"), NONE, 204, json!("")).await;
    cloud.expect(&format!("DELETE {path}"), NONE, 404, json!("")).await;
}
