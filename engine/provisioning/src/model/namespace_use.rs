//! What is in a namespace of a product and what it uses, read from the answers of Kubernetes.
//!
//! Promises: what an answer does not say counts as not measured, never as nothing.

use serde_json::{Value, json};

use super::quantity::read_quantity;

/// The namespaces of a product: the name of the environment, and the end of the name of the namespace.
pub(crate) const ENVIRONMENTS: [(&str, &str); 4] =
    [("development", "dev"), ("test", "test"), ("production", "prod"), ("tools", "tools")];

/// Bytes of a GiB.
const GIB: f64 = 1_073_741_824.0;

/// What is used where nothing was measured.
const NOT_MEASURED: f64 = -1.0;

/// The elements of a list.
fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list["items"].as_array().into_iter().flatten()
}

/// How many pods of a list run or are about to.
pub(crate) fn live_pods(pods: &Value) -> usize {
    items(pods).filter(|pod| matches!(pod["status"]["phase"].as_str(), Some("Running" | "Pending"))).count()
}

/// How many things a list has.
pub(crate) fn count(list: &Value) -> usize {
    items(list).count()
}

/// The names of the nodes on which pods of a list run.
pub(crate) fn nodes(pods: &Value) -> Vec<String> {
    let mut nodes: Vec<_> =
        items(pods).filter_map(|pod| pod["spec"]["nodeName"].as_str().map(str::to_owned)).collect();
    nodes.sort();
    nodes.dedup();
    nodes
}

/// The answers about one namespace; `None` for those that there are not.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// Its pods.
    pub(crate) pods: Option<Value>,
    /// What its pods use now, by the metrics service.
    pub(crate) metrics: Option<Value>,
    /// Its claims of volumes.
    pub(crate) claims: Option<Value>,
    /// What the nodes of its pods say about their volumes; `None` if one of them says nothing.
    pub(crate) nodes: Option<Vec<Value>>,
}

impl Measured {
    /// Cores and GiB that are used and asked for in the namespace of this name: `{"cpu": {"usage", "request"}, …}`.
    pub(crate) fn view(&self, namespace: &str) -> Value {
        let used = |resource: &str, unit: f64| {
            let metrics = self.metrics.as_ref()?;
            let containers =
                items(metrics).flat_map(|pod| pod["containers"].as_array().into_iter().flatten());
            sum(containers.map(|container| container["usage"][resource].as_str())).map(|sum| sum / unit)
        };
        let asked = |resource: &str, unit: f64| {
            let pods = items(self.pods.as_ref()?).filter(|pod| pod["status"]["phase"] == "Running");
            let containers = pods.flat_map(|pod| pod["spec"]["containers"].as_array().into_iter().flatten());
            let requests = containers
                .map(|container| container["resources"]["requests"][resource].as_str().or(Some("0")));
            sum(requests).map(|sum| sum / unit)
        };
        let claimed = self.claims.as_ref().and_then(|claims| {
            sum(items(claims).map(|claim| claim["spec"]["resources"]["requests"]["storage"].as_str()))
                .map(|sum| sum / GIB)
        });
        json!({
            "cpu": pair(used("cpu", 1.0), asked("cpu", 1.0)),
            "memory": pair(used("memory", GIB), asked("memory", GIB)),
            "storage": pair(self.stored(namespace), claimed),
        })
    }

    /// GiB that are used of the claims. A claim that no running pod mounts is measured by nobody, so nothing is said then.
    fn stored(&self, namespace: &str) -> Option<f64> {
        let claims = self.claims.as_ref()?;
        let mut sum = 0.0;
        for claim in items(claims) {
            let name = &claim["metadata"]["name"];
            let volumes =
                self.nodes.as_ref()?.iter().flat_map(|node| node["pods"].as_array().into_iter().flatten());
            let mut volumes = volumes.flat_map(|pod| pod["volume"].as_array().into_iter().flatten());
            let volume = volumes.find(|volume| {
                volume["pvcRef"]["name"] == *name && volume["pvcRef"]["namespace"] == namespace
            })?;
            sum += volume["usedBytes"].as_f64()?;
        }
        Some(sum / GIB)
    }
}

fn pair(usage: Option<f64>, request: Option<f64>) -> Value {
    json!({"usage": usage.unwrap_or(NOT_MEASURED), "request": request.unwrap_or(NOT_MEASURED)})
}

/// The sum of quantities; `None` if one of them cannot be read.
fn sum<'t>(quantities: impl Iterator<Item = Option<&'t str>>) -> Option<f64> {
    let sum = quantities.map(|text| read_quantity(text?)).sum::<Option<f64>>()?;
    Some((sum * 1e9).round() / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pods() -> Value {
        let pod = |phase: &str, node: &str, cpu: &str| json!({"spec": {"nodeName": node, "containers": [{"resources": {"requests": {"cpu": cpu}}}, {}]}, "status": {"phase": phase}});
        json!({"items": [pod("Running", "b", "1"), pod("Running", "a", "500m"), pod("Succeeded", "a", "8"), pod("Pending", "a", "1")]})
    }

    #[test]
    fn pods_that_have_ended_do_not_count() {
        assert_eq!((live_pods(&pods()), count(&pods()), live_pods(&json!({}))), (3, 4, 0));
        assert_eq!(nodes(&pods()), ["a", "b"]);
    }

    #[test]
    fn what_is_not_measured_is_told_as_such() {
        let claims = json!({"items": [{"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "10Gi"}}}}]});
        let metrics = json!({"items": [{"containers": [
            {"usage": {"cpu": "350m", "memory": "1Gi"}}, {"usage": {"cpu": "350000000n", "memory": "512Mi"}},
        ]}]});
        let volume = |namespace: &str| json!({"pods": [{"volume": [{"name": "tmp"}, {"pvcRef": {"name": "data", "namespace": namespace}, "usedBytes": 2_147_483_648_u64}]}]});
        let all = Measured {
            pods: Some(pods()),
            metrics: Some(metrics),
            claims: Some(claims.clone()),
            nodes: Some(vec![json!({}), volume("a1b2c3-prod")]),
        };
        let expected = json!({
            "cpu": {"usage": 0.7, "request": 1.5}, "memory": {"usage": 1.5, "request": 0.0}, "storage": {"usage": 2.0, "request": 10.0},
        });
        assert_eq!(all.view("a1b2c3-prod"), expected);
        let nothing = json!({"usage": -1.0, "request": -1.0});
        assert_eq!(
            Measured::default().view("x"),
            json!({"cpu": nothing, "memory": nothing, "storage": nothing})
        );
        // The claim of the same name in another namespace is another claim.
        let foreign =
            Measured { claims: Some(claims), nodes: Some(vec![volume("other")]), ..Measured::default() };
        assert_eq!(foreign.view("a1b2c3-prod")["storage"], json!({"usage": -1.0, "request": 10.0}));
        let empty = Measured { claims: Some(json!({"items": []})), ..Measured::default() };
        assert_eq!(empty.view("x")["storage"], json!({"usage": 0.0, "request": 0.0}));
    }
}
