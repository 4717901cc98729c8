//! What there is before the first story: pools, clusters, a rule, a webhook.

use reqwest::Method;
use rondo_simulator::{KUBERNETES_TOKEN, OPENSTACK_PASSWORD, OPENSTACK_USER, Simulator, WEBHOOK_SECRET};
use serde_json::{Value, json};

use super::desk::Desk;

/// The regions of the clouds.
pub(super) const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];

/// Pools whose events the webhook gets.
pub(super) const POOLS: [&str; 2] = ["acme", "lab"];

/// Sets everything up. The error says what the desk does not want.
pub(super) async fn run(desk: &Desk, services: &Simulator) -> Result<(), String> {
    let put =
        async |path: &str, body: Value| desk.ask("root", Method::PUT, path, Some(&body)).await.map(drop);
    let post =
        async |path: &str, body: Value| desk.ask("root", Method::POST, path, Some(&body)).await.map(drop);
    let everyone =
        json!([{"to": "everyone", "actions": ["create"]}, {"to": "role:reviewer", "actions": ["modify"]}]);
    let quota = json!({"instances": 20, "cpu": 64, "memoryGiB": 256, "storageGiB": 2000});
    put("/pools/acme", json!({"kind": "tenant", "name": "ACME Inc.", "quota": quota, "grants": everyone}))
        .await?;
    let with_approval = json!([{"to": "jane", "actions": ["create_with_approval"]}, {"to": "role:reviewer", "actions": ["modify"]}]);
    put("/pools/lab", json!({"kind": "pool", "name": "Laboratory", "grants": with_approval})).await?;
    put("/pools/AGRI", json!({"kind": "organization", "name": "Ministry of Agriculture", "grants": [{"to": "jane", "actions": ["create"]}]})).await?;
    for cluster in clusters(services) {
        post("/clusters", cluster).await?;
    }
    post("/approval-rules", json!({
        "name": "High-Resource VPS Approval", "priority": 10, "minCpu": 17, "types": ["vps"], "approvers": ["role:reviewer"],
    })).await?;
    let url = format!("{}/hooks/provisioning", services.orders_url());
    for pool in POOLS {
        post("/webhooks", json!({"pool": pool, "url": url, "secret": WEBHOOK_SECRET})).await?;
    }
    Ok(())
}

fn clusters(services: &Simulator) -> Vec<Value> {
    let capacity = json!({"cpu": 200, "memoryGiB": 800, "storageGiB": 10000, "slots": 50});
    let [eu, us] = REGIONS;
    let ports = services.host_ports();
    let cloud = |name: &str, region: &str, near: Value, is_default: bool| {
        json!({
            "name": name, "type": "openstack", "region": region, "near": near, "default": is_default, "enabled": true,
            "apiUrl": format!("{}/v3", services.openstack_url()), "capacity": capacity,
            "credentials": {"user": OPENSTACK_USER, "password": OPENSTACK_PASSWORD, "project": name, "domain": "Default"},
            "settings": {
                "network": "private", "externalNetwork": "public", "volumeType": "nvme",
                "sshPort": ports.map(|ports| ports.ssh), "httpPort": ports.map(|ports| ports.http),
            },
        })
    };
    let kubernetes = |name: &str, region: &str| {
        json!({
            "name": name, "type": "kubernetes", "region": region, "enabled": true, "apiUrl": services.kubernetes_url(),
            "consoleUrl": format!("{}/_sim", services.control_url()), "capacity": capacity,
            "credentials": {"token": KUBERNETES_TOKEN},
        })
    };
    let plain = |name: &str, kind: &str, settings: Value| json!({"name": name, "type": kind, "region": eu, "enabled": true, "capacity": capacity, "settings": settings});
    vec![
        cloud("os-eu", eu, json!([us]), true),
        cloud("os-us", us, json!([eu]), false),
        kubernetes("k8s-eu", eu),
        plain("sim", "simulation", json!({"successRate": 1, "imitate": "openstack", "seed": 7})),
        plain("manual", "manual", json!({})),
        // The clusters of private cloud products: their own region, so that no other request gets them.
        kubernetes("silver", "private"),
        kubernetes("gold", "private"),
    ]
}
