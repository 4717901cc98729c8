//! What the namespaces of a product hold and use, asked of its cluster.
//!
//! Promises: a cluster that cannot be asked has nothing measured, and no product on it counts as empty.

use serde_json::{Map, Value, json};

use super::Desk;
use crate::{
    model::{ENVIRONMENTS, Measured, Product, count, live_pods, nodes},
    refusal::Refusal,
    tables,
};

/// The setting of a cluster that names the resource of artifact repositories, as `<group>/<version>/<plural>`. Without it there are none.
const ARTIFACTS: &str = "artifactory";

impl Desk {
    /// What is used of a product: `{"development": {"cpu": {"usage", "request"}, "memory", "storage"}, …}` in cores and GiB, -1 where
    /// nothing was measured.
    pub(crate) async fn product_usage(&self, plate: &str) -> Result<Value, Refusal> {
        let (_, mut cluster) = self.product_and_cluster(plate).await?;
        let mut view = Map::new();
        for (environment, end) in ENVIRONMENTS {
            let namespace = format!("{plate}-{end}");
            let measured = match &cluster {
                Some(cluster) => self.measure_namespace(cluster, &namespace).await,
                None => None,
            };
            if measured.is_none() {
                // It is not asked about the other namespaces: each question may take as long as the first.
                cluster = None;
            }
            view.insert(environment.to_owned(), measured.unwrap_or_default().view(&namespace));
        }
        Ok(view.into())
    }

    /// What a namespace holds and uses; `None` if its cluster cannot be asked.
    async fn measure_namespace(&self, cluster: &str, namespace: &str) -> Option<Measured> {
        let pods =
            self.inspect_cluster(cluster, &format!("api/v1/namespaces/{namespace}/pods")).await.ok()?;
        let read = async |path: String| self.inspect_cluster(cluster, &path).await.ok().flatten();
        let metrics = read(format!("apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods")).await;
        let claims = read(format!("api/v1/namespaces/{namespace}/persistentvolumeclaims")).await;
        let mut of_nodes = Some(Vec::new());
        if claims.as_ref().is_some_and(|claims| count(claims) > 0) {
            for node in pods.iter().flat_map(nodes) {
                let summary = read(format!("api/v1/nodes/{node}/proxy/stats/summary")).await;
                of_nodes = of_nodes.zip(summary).map(|(mut all, summary)| {
                    all.push(summary);
                    all
                });
            }
        }
        Some(Measured { pods, metrics, claims, nodes: of_nodes })
    }

    /// Whether a product may be deleted: `{"namespace", "pods", "pvc", "artifactory", "eligible", "reasons"}`. The first four say whether all
    /// namespaces are there, and nothing of the kind is in them.
    pub(crate) async fn check_deletion(&self, plate: &str) -> Result<Value, Refusal> {
        let (product, cluster) = self.product_and_cluster(plate).await?;
        let Some(cluster) = cluster else {
            return Err(Refusal::not_found("cluster", product.text("cluster").unwrap_or_default()));
        };
        let artifacts = self.artifacts_of(&cluster).await?;
        let (mut missing, mut pods, mut claims, mut artifactory) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let note = |list: &mut Vec<String>, count: usize, namespace: &str| {
            if count > 0 {
                list.push(format!("{count} in {namespace}"));
            }
        };
        for (_, end) in ENVIRONMENTS {
            let namespace = format!("{plate}-{end}");
            if self.inspect_cluster(&cluster, &format!("api/v1/namespaces/{namespace}")).await?.is_none() {
                missing.push(format!("{namespace} is missing"));
                continue;
            }
            let list = async |path: String| {
                self.inspect_cluster(&cluster, &path).await.map(Option::unwrap_or_default)
            };
            note(
                &mut pods,
                live_pods(&list(format!("api/v1/namespaces/{namespace}/pods")).await?),
                &namespace,
            );
            note(
                &mut claims,
                count(&list(format!("api/v1/namespaces/{namespace}/persistentvolumeclaims")).await?),
                &namespace,
            );
            if let Some((group, plural)) = &artifacts {
                note(
                    &mut artifactory,
                    count(&list(format!("apis/{group}/namespaces/{namespace}/{plural}")).await?),
                    &namespace,
                );
            }
        }
        let found = [("namespace", missing), ("pods", pods), ("pvc", claims), ("artifactory", artifactory)];
        let is_eligible = found.iter().all(|(_, reasons)| reasons.is_empty());
        let mut view = json!({"eligible": is_eligible, "reasons": {}});
        for (name, reasons) in found {
            view[name] = reasons.is_empty().into();
            if !reasons.is_empty() {
                view["reasons"][name] = reasons.join(", ").into();
            }
        }
        Ok(view)
    }

    /// A product, and the name of the cluster that it is on, if there is one of its name.
    async fn product_and_cluster(&self, plate: &str) -> Result<(Product, Option<String>), Refusal> {
        let plate = plate.to_owned();
        self.read(move |connection| {
            let product = tables::products::get(connection, &plate)?;
            let product = product.ok_or_else(|| Refusal::not_found("product", &plate))?;
            // Products name clusters in upper case, people who register them as they like.
            let wanted = product.text("cluster").unwrap_or_default();
            let clusters = tables::clusters::all(connection)?;
            let cluster = clusters
                .into_iter()
                .map(|cluster| cluster.name)
                .find(|name| name.eq_ignore_ascii_case(wanted));
            Ok((product, cluster))
        })
        .await
    }

    /// Group with version, and plural, of the artifact repositories of a cluster.
    async fn artifacts_of(&self, cluster: &str) -> Result<Option<(String, String)>, Refusal> {
        let name = cluster.to_owned();
        let cluster = self.read(move |connection| Ok(tables::clusters::get(connection, &name)?)).await?;
        let setting =
            cluster.and_then(|cluster| cluster.settings.get(ARTIFACTS)?.as_str().map(str::to_owned));
        Ok(setting.and_then(|setting| {
            setting.rsplit_once('/').map(|(group, plural)| (group.to_owned(), plural.to_owned()))
        }))
    }
}
