//! The status of what runs in a namespace, and the metrics of pods.
//!
//! Nothing runs: a pod is Running, a claim is Bound and a workload has all of its replicas as soon as it exists. What a pod
//! uses is what its annotations `simulated/cpu` and `simulated/memory` say, else what its containers request.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::resource::{CLAIMS, DEPLOYMENTS, POD_METRICS, PODS, Resource, STATEFUL_SETS};
use crate::clock::seconds;

/// The `status` of an object, if it is of a kind that has one.
pub(super) fn status(resource: &Resource, object: &Value) -> Option<Value> {
    if *resource == PODS {
        let containers = object["spec"]["containers"].as_array().into_iter().flatten();
        let ready = containers
            .map(|container| json!({ "name": container["name"], "ready": true, "restartCount": 0 }));
        return Some(json!({ "phase": "Running", "containerStatuses": ready.collect::<Vec<_>>() }));
    }
    if *resource == CLAIMS {
        return Some(json!({ "phase": "Bound", "capacity": object["spec"]["resources"]["requests"] }));
    }
    if *resource == DEPLOYMENTS || *resource == STATEFUL_SETS {
        let replicas = object["spec"]["replicas"].as_u64().unwrap_or(1);
        return Some(
            json!({ "replicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas }),
        );
    }
    None
}

/// The metrics of a pod.
pub(super) fn metrics(pod: &Value, now: Timestamp) -> Value {
    let metadata = &pod["metadata"];
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let usage = |container: &Value, what: &str| {
        let told = &metadata["annotations"][format!("simulated/{what}")];
        let requested = &container["resources"]["requests"][what];
        [told, requested].into_iter().find(|value| value.is_string()).cloned().unwrap_or_else(|| json!("0"))
    };
    let containers = containers.map(|container| {
        let usage = json!({ "cpu": usage(container, "cpu"), "memory": usage(container, "memory") });
        json!({ "name": container["name"], "usage": usage })
    });
    json!({
        "apiVersion": POD_METRICS.api_version(),
        "kind": POD_METRICS.kind,
        "metadata": { "name": metadata["name"], "namespace": metadata["namespace"], "labels": metadata["labels"] },
        "timestamp": seconds(now),
        "window": "30s",
        "containers": containers.collect::<Vec<_>>(),
    })
}
