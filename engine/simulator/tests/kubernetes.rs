//! The simulated Kubernetes and `KubeVirt` over real HTTP.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::time::Duration;

use common::wire::{Captures, none};
use common::{World, contains, header, machine, namespace};
use reqwest::header::HeaderMap;
use rondo_simulator::Delays;
use rondo_simulator::Service::Kubernetes;
use serde_json::{Value, json};

const NONE: Value = Value::Null;
const MACHINES: &str = "/apis/kubevirt.io/v1/namespaces/vms/virtualmachines";
const WEB: &str = "/apis/kubevirt.io/v1/namespaces/vms/virtualmachines/web";
const INSTANCE: &str = "/apis/kubevirt.io/v1/namespaces/vms/virtualmachineinstances/web";
const ACTIONS: &str = "/apis/subresources.kubevirt.io/v1/namespaces/vms/virtualmachines/web";

async fn world_with_namespace(delays: Delays) -> World {
    let world = World::with(delays).await;
    world.play(Kubernetes, &[("POST /api/v1/namespaces", namespace("vms"), 201, json!({}))]).await;
    world
}

#[tokio::test]
async fn a_machine_is_provisioned_starts_and_runs_and_is_deleted() {
    let delays = Delays {
        vm_provisioning: Duration::from_mins(1),
        vm_starting: Duration::from_mins(1),
        ..Delays::default()
    };
    let world = world_with_namespace(delays).await;
    let halted = machine("web", &json!({ "runStrategy": "Halted" }));
    let status = |word: &str| json!({ "status": { "printableStatus": word } });
    let get = format!("GET {WEB}");
    world
        .play(
            Kubernetes,
            &[
                (&format!("POST {MACHINES}"), halted, 201, json!({ "metadata": { "namespace": "vms" } })),
                (&get, NONE, 200, status("Provisioning")),
                (&format!("PUT {ACTIONS}/start"), NONE, 202, json!("")),
                (&get, NONE, 200, json!({ "spec": { "runStrategy": "Always" } })),
                (&format!("GET {INSTANCE}"), NONE, 404, json!({ "reason": "NotFound" })),
            ],
        )
        .await;
    world.simulator.advance(Duration::from_mins(1));
    world.play(Kubernetes, &[(&get, NONE, 200, status("Starting"))]).await;
    world.simulator.advance(Duration::from_mins(1));
    let conflict = |why: &str| json!({ "reason": "Conflict", "message": format!("Operation cannot be fulfilled on virtualmachines.kubevirt.io \"web\": {why}") });
    world
        .play(
            Kubernetes,
            &[
                (&get, NONE, 200, json!({ "status": { "printableStatus": "Running", "ready": true } })),
                (&format!("GET {INSTANCE}"), NONE, 200, json!({ "status": { "phase": "Running", "interfaces": [{ "ipAddress": "10.128.0.3" }] } })),
                (&format!("PUT {ACTIONS}/start"), NONE, 409, conflict("VM is already running")),
                (&format!("PUT {ACTIONS}/restart"), NONE, 202, json!("")),
                (&get, NONE, 200, status("Starting")),
                (&format!("PUT {ACTIONS}/stop"), NONE, 202, json!("")),
                (&get, NONE, 200, status("Stopped")),
                (&format!("PUT {ACTIONS}/stop"), NONE, 409, conflict("VM is not running")),
                (&format!("DELETE {WEB}"), NONE, 200, json!({ "kind": "Status", "status": "Success", "details": { "name": "web" } })),
                (&get, NONE, 404, json!({ "reason": "NotFound", "message": "virtualmachines.kubevirt.io \"web\" not found" })),
            ],
        )
        .await;
}

#[tokio::test]
async fn a_merge_patch_changes_a_machine_but_not_what_it_is() {
    let world = world_with_namespace(Delays::default()).await;
    let patch = format!("PATCH {WEB}");
    let labelled = json!({ "metadata": { "labels": { "a": "b" }, "name": "web", "uid": "other" } });
    world
        .play(
            Kubernetes,
            &[
                (&format!("POST {MACHINES}"), machine("web", &json!({ "running": false })), 201, json!({})),
                (
                    &patch,
                    json!({ "spec": { "running": true } }),
                    200,
                    json!({ "status": { "printableStatus": "Running" } }),
                ),
                (&patch, labelled, 200, json!({ "metadata": { "labels": { "a": "b" } } })),
                (
                    &format!("GET {MACHINES}?labelSelector=a=b"),
                    NONE,
                    200,
                    json!({ "kind": "VirtualMachineList", "items": [{}] }),
                ),
                (&format!("GET {MACHINES}?labelSelector=a=c"), NONE, 200, json!({ "items": [] })),
                (
                    &patch,
                    json!({ "metadata": { "labels": null } }),
                    200,
                    json!({ "metadata": { "labels": null } }),
                ),
                (&patch, json!({ "metadata": "none" }), 400, json!({ "reason": "BadRequest" })),
                (&patch, json!({ "spec": { "runStrategy": "Always" } }), 422, json!({ "reason": "Invalid" })),
                (&patch, json!([]), 400, json!({ "reason": "BadRequest" })),
            ],
        )
        .await;
    let (status, answer) =
        world.ask_with(Kubernetes, (&patch, json!({})), header("content-type", "application/json")).await;
    assert_eq!((status, &answer["reason"]), (415, &json!("UnsupportedMediaType")));
}

#[tokio::test]
async fn what_is_wrong_is_refused_with_a_status_object() {
    let world = world_with_namespace(Delays::default()).await;
    let post = format!("POST {MACHINES}");
    let spaces = "POST /api/v1/namespaces";
    let elsewhere = "POST /apis/kubevirt.io/v1/namespaces/none/virtualmachines";
    let failure = |code: u16, reason: &str| json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code });
    let mut other = machine("web", &json!({ "running": true }));
    other["metadata"]["namespace"] = "other".into();
    for (line, body, status, reason) in [
        (spaces, namespace("vms"), 409, "AlreadyExists"),
        (spaces, namespace("Not_A_Name"), 422, "Invalid"),
        (spaces, namespace(""), 422, "Invalid"),
        (spaces, namespace("kube-mine"), 403, "Forbidden"),
        (spaces, json!({ "kind": "Pod" }), 400, "BadRequest"),
        (spaces, json!([]), 400, "BadRequest"),
        (spaces, NONE, 400, "BadRequest"),
        ("DELETE /api/v1/namespaces/default", NONE, 403, "Forbidden"),
        ("DELETE /api/v1/namespaces/none", NONE, 404, "NotFound"),
        ("PUT /api/v1/namespaces", namespace("vms"), 405, "MethodNotAllowed"),
        ("PUT /api/v1/namespaces/vms", namespace("other"), 400, "BadRequest"),
        ("PUT /api/v1/namespaces/none", namespace("none"), 404, "NotFound"),
        (elsewhere, machine("web", &json!({ "running": true })), 404, "NotFound"),
        (&post, machine("web", &json!({})), 422, "Invalid"),
        (&post, machine("web", &json!({ "running": true, "runStrategy": "Always" })), 422, "Invalid"),
        (&post, machine("web", &json!({ "running": true, "template": [] })), 422, "Invalid"),
        (&post, other, 400, "BadRequest"),
        (&format!("PUT {ACTIONS}/start"), NONE, 404, "NotFound"),
        (&format!("DELETE {INSTANCE}"), NONE, 405, "MethodNotAllowed"),
        ("GET /api/v1/secrets", NONE, 404, "NotFound"),
    ] {
        let (found, answer) = world.ask(Kubernetes, (line, body.clone())).await;
        assert_eq!(found, status, "{line} {body}: {answer}");
        contains(&answer, &failure(status, reason), line);
    }
    let request = ("GET /api/v1/namespaces", NONE);
    let (status, answer) = world.ask_with(Kubernetes, request, header("authorization", "Bearer no")).await;
    assert_eq!(status, 401);
    contains(&answer, &failure(401, "Unauthorized"), "without a token");
}

#[tokio::test]
async fn a_namespace_takes_what_is_in_it_along() {
    let world = world_with_namespace(Delays::default()).await;
    world
        .play(
            Kubernetes,
            &[
                (&format!("POST {MACHINES}"), machine("web", &json!({ "running": true })), 201, json!({})),
                ("DELETE /api/v1/namespaces/vms", NONE, 200, json!({ "status": { "phase": "Terminating" } })),
                (&format!("GET {WEB}"), NONE, 404, json!({})),
                ("GET /apis/kubevirt.io/v1/virtualmachineinstances", NONE, 200, json!({ "items": [] })),
            ],
        )
        .await;
    assert!(world.simulator.namespaces().is_empty());
}

#[tokio::test]
async fn each_captured_exchange_has_its_status_and_shape() {
    let delays = Delays { namespace_deletion: Duration::from_secs(10), ..Delays::default() };
    let world = World::with(delays).await;
    let mut captured = Captures::read(Kubernetes, include_str!("wire/kubernetes.json"));
    macro_rules! play {
        ($name:expr) => {
            play!($name, none())
        };
        ($name:expr, $body:expr) => {
            captured.play(&world, $name, $body, &HeaderMap::new()).await
        };
    }
    play!("namespace");
    play!("namespace again", namespace("acme-shop"));
    for name in ["quota", "limits", "binding", "policy"] {
        play!(name);
    }
    world.control("POST /_sim/kubernetes/forbidden", json!({ "resources": ["limitranges"] })).await;
    play!("forbidden", json!({ "apiVersion": "v1", "kind": "LimitRange", "metadata": { "name": "more" } }));
    play!("delete");
    play!(
        "into a dying namespace",
        json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "quota" } })
    );
    play!("namespace again", namespace("acme-shop"));
    world.simulator.advance(Duration::from_secs(10));
    play!("gone");
    captured.all_were_played();
}

fn pod(name: &str, cpu: &str) -> Value {
    let container =
        json!({ "name": "main", "image": "x", "resources": { "requests": { "cpu": cpu, "memory": "1Gi" } } });
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name }, "spec": { "containers": [container] } })
}

#[tokio::test]
async fn a_quota_shows_what_is_used_and_is_kept() {
    let world = world_with_namespace(Delays::default()).await;
    let quota = |pods: &str| {
        let hard = json!({ "pods": pods, "requests.cpu": "2", "requests.memory": "8Gi", "requests.storage": "10Gi" });
        json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "quota" }, "spec": { "hard": hard } })
    };
    let claim = |size: &str| {
        let requests = json!({ "requests": { "storage": size } });
        json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": "data" }, "spec": { "resources": requests } })
    };
    let quotas = "/api/v1/namespaces/vms/resourcequotas";
    let [pods, claims] =
        ["pods", "persistentvolumeclaims"].map(|plural| format!("POST /api/v1/namespaces/vms/{plural}"));
    let used = json!({ "status": { "hard": { "pods": "2" }, "used": { "pods": "1", "requests.cpu": "1500m", "requests.memory": "1Gi", "requests.storage": "4Gi" } } });
    let forbidden = json!({ "reason": "Forbidden", "code": 403 });
    world
        .play(
            Kubernetes,
            &[
                (
                    &format!("POST {quotas}"),
                    quota("2"),
                    201,
                    json!({ "status": { "used": { "pods": "0" } } }),
                ),
                (&pods, pod("a", "1500m"), 201, json!({ "status": { "phase": "Running" } })),
                (&claims, claim("4Gi"), 201, json!({ "status": { "phase": "Bound" } })),
                (&format!("GET {quotas}/quota"), NONE, 200, used),
                (&pods, pod("b", "600m"), 403, forbidden.clone()),
                (&pods, pod("b", "500m"), 201, json!({})),
                (&pods, pod("c", "0"), 403, forbidden),
                (
                    &format!("PUT {quotas}/quota"),
                    quota("0"),
                    200,
                    json!({ "status": { "hard": { "pods": "0" } } }),
                ),
                ("DELETE /api/v1/namespaces/vms/pods/a", NONE, 200, json!({ "status": "Success" })),
                (
                    "GET /api/v1/namespaces/vms/pods",
                    NONE,
                    200,
                    json!({ "kind": "PodList", "items": [{ "metadata": { "name": "b" } }] }),
                ),
            ],
        )
        .await;
}

#[tokio::test]
async fn pods_have_metrics_and_workloads_their_replicas() {
    let world = world_with_namespace(Delays::default()).await;
    let mut told = pod("told", "1");
    told["metadata"]["annotations"] = json!({ "simulated/cpu": "700m" });
    let usage = |cpu: &str| json!({ "containers": [{ "usage": { "cpu": cpu, "memory": "1Gi" } }] });
    let deployment = |replicas: u64| json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" }, "spec": { "replicas": replicas } });
    let metrics = "/apis/metrics.k8s.io/v1beta1/namespaces/vms/pods";
    let deployments = "/apis/apps/v1/namespaces/vms/deployments";
    world
        .play(
            Kubernetes,
            &[
                ("POST /api/v1/namespaces/vms/pods", pod("plain", "1"), 201, json!({})),
                ("POST /api/v1/namespaces/vms/pods", told, 201, json!({})),
                (
                    &format!("GET {metrics}"),
                    NONE,
                    200,
                    json!({ "kind": "PodMetricsList", "items": [usage("1"), usage("700m")] }),
                ),
                (&format!("DELETE {metrics}/told"), NONE, 405, json!({})),
                (
                    &format!("POST {deployments}"),
                    deployment(3),
                    201,
                    json!({ "status": { "readyReplicas": 3 } }),
                ),
                (
                    &format!("PATCH {deployments}/web"),
                    json!({ "spec": { "replicas": 0 } }),
                    200,
                    json!({ "status": { "readyReplicas": 0 } }),
                ),
                ("GET /version", NONE, 200, json!({ "major": "1" })),
                ("GET /readyz", NONE, 200, json!("ok")),
            ],
        )
        .await;
}

#[tokio::test]
async fn a_replacement_keeps_the_identity_of_an_object() {
    let world = world_with_namespace(Delays::default()).await;
    let get = "GET /api/v1/namespaces/vms";
    let before = world.ask(Kubernetes, (get, NONE)).await.1;
    let mut labelled = namespace("vms");
    labelled["metadata"]["labels"] = json!({ "a": "b" });
    world
        .play(
            Kubernetes,
            &[(
                "PUT /api/v1/namespaces/vms",
                labelled,
                200,
                json!({ "metadata": { "labels": { "a": "b" } } }),
            )],
        )
        .await;
    let after = world.ask(Kubernetes, (get, NONE)).await.1;
    assert_eq!(before["metadata"]["uid"], after["metadata"]["uid"]);
    assert_ne!(before["metadata"]["resourceVersion"], after["metadata"]["resourceVersion"]);
}
