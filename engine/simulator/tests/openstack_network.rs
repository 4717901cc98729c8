//! The simulated Neutron and Swift over real HTTP: what belongs to whom, what is in use, and what fits into a quota.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use common::cloud::{Cloud, NONE, server};
use reqwest::header::HeaderValue;
use rondo_simulator::Service::Openstack;
use rondo_simulator::{CloudOptions, Delays, FloatingAddresses};
use serde_json::{Value, json};

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
