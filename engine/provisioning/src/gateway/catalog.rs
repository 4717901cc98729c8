//! The addresses of `OpenStack`'s services: from the catalog of a token, or from the settings of the cluster.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::model::Cluster;

/// The setting that names the region of the catalog, where the desk calls it otherwise.
const REGION: &str = "regionName";

/// The address of each service that there is one of. `settings.endpoints` go before the catalog.
pub(super) fn endpoints<'s>(
    cluster: &Cluster,
    catalog: &Value,
    services: impl Iterator<Item = &'s str>,
) -> BTreeMap<String, String> {
    let configured = cluster.settings.get("endpoints").and_then(Value::as_object);
    let region = cluster.settings.get(REGION).and_then(Value::as_str).unwrap_or(&cluster.region);
    let found = services.filter_map(|service| {
        let own = configured.and_then(|endpoints| endpoints.get(service)).and_then(Value::as_str);
        let url = own.or_else(|| of_catalog(catalog, service, region))?;
        Some((service.to_owned(), url.to_owned()))
    });
    found.collect()
}

/// The public endpoint of a service: in the region, or the first one where the catalog has only others.
fn of_catalog<'c>(catalog: &'c Value, service: &str, region: &str) -> Option<&'c str> {
    let is_type = |kind: &Value| kind == service || (service == "volumev3" && kind == "block-storage");
    let entries = catalog.as_array()?.iter().filter(|entry| is_type(&entry["type"]));
    let endpoints: Vec<&Map<String, Value>> = entries
        .flat_map(|entry| entry["endpoints"].as_array().into_iter().flatten())
        .filter_map(Value::as_object)
        .collect();
    let text = |endpoint: &'c Map<String, Value>, name: &str| endpoint.get(name).and_then(Value::as_str);
    let mut public = endpoints.into_iter().filter(|endpoint| text(endpoint, "interface") == Some("public"));
    let is_here = |endpoint: &&Map<String, Value>| {
        ["region_id", "region"].iter().any(|name| endpoint.get(*name).and_then(Value::as_str) == Some(region))
    };
    let all: Vec<_> = public.by_ref().collect();
    let chosen = all.iter().copied().find(is_here).or_else(|| all.first().copied())?;
    text(chosen, "url").filter(|url| !url.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::gateway::tests::place;

    #[test]
    fn the_endpoint_is_public_and_of_the_region() {
        let endpoint = |interface: &str, region: &str, url: &str| json!({"interface": interface, "region": region, "region_id": region, "url": url});
        let catalog = json!([
            {"type": "compute", "endpoints": [
                endpoint("internal", "eu", "http://internal"), endpoint("public", "us", "http://us"), endpoint("public", "eu", "http://eu"),
            ]},
            {"type": "block-storage", "endpoints": [endpoint("public", "RegionOne", "http://volumes")]},
            {"type": "image", "endpoints": [endpoint("admin", "eu", "http://admin")]},
        ]);
        let services = ["compute", "network", "image", "volumev3"];
        let found = |settings: Value| {
            endpoints(&place("openstack", settings, json!({})).cluster, &catalog, services.into_iter())
        };
        let plain = found(json!({}));
        assert_eq!(
            plain,
            BTreeMap::from(
                [("compute", "http://eu"), ("volumev3", "http://volumes")]
                    .map(|(a, b)| (a.to_owned(), b.to_owned()))
            )
        );
        assert_eq!(found(json!({"regionName": "us"}))["compute"], "http://us");
        let own = found(
            json!({"endpoints": {"compute": "http://own", "network": "http://net", "other": "http://x"}}),
        );
        assert_eq!(
            (own["compute"].as_str(), own["network"].as_str(), own.len()),
            ("http://own", "http://net", 3)
        );
    }
}
