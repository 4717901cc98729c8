//! Clusters, and which of them a request gets.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Amount, Resources};

/// A place where things are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cluster {
    /// Name; nothing else is called so.
    pub(crate) name: String,
    /// The provider: `openstack`, `kubernetes`, `simulation`, …
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Where it is.
    pub(crate) region: String,
    /// Regions that it serves as second choice, the nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) near: Vec<String>,
    /// Where its interface is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) api_url: Option<String>,
    /// Where its console is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) console_url: Option<String>,
    /// Whether it may get anything new.
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    /// Whether it is the first choice of its region.
    #[serde(default)]
    pub(crate) default: bool,
    /// Whether it answers.
    #[serde(default)]
    pub(crate) health: Health,
    /// How much fits in; what is absent is unlimited.
    #[serde(default)]
    pub(crate) capacity: Capacity,
    /// What its provider needs to know: external network, volume type, node, template, …
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) settings: Map<String, Value>,
}

fn yes() -> bool {
    true
}

/// Whether a cluster answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Health {
    /// It does, as far as is known.
    #[default]
    Online,
    /// It answers with errors.
    Degraded,
    /// It does not answer.
    Offline,
}

/// How much fits into a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Capacity {
    /// Cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<Amount>,
    /// Memory in GiB.
    #[serde(default, rename = "memoryGiB", skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<Amount>,
    /// Storage in GiB.
    #[serde(default, rename = "storageGiB", skip_serializing_if = "Option::is_none")]
    pub(crate) storage: Option<Amount>,
    /// Machines, namespaces, databases, stores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) slots: Option<u32>,
}

/// What a cluster is chosen for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'r> {
    /// Its type.
    pub(crate) provider: &'r str,
    /// Where; `None` for anywhere.
    pub(crate) region: Option<&'r str>,
    /// The one that is asked for by name.
    pub(crate) cluster: Option<&'r str>,
    /// Those that are not wanted.
    pub(crate) except: &'r [String],
    /// How much.
    pub(crate) resources: &'r Resources,
}

/// A cluster that was not chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Rejected {
    /// Its name.
    pub(crate) cluster: String,
    /// Why.
    pub(crate) why: String,
}

impl Cluster {
    /// Whether the cluster can be chosen at all, whatever its health and room: by type, region, name, and that it is enabled.
    pub(crate) fn suits(&self, wanted: &Wanted<'_>) -> bool {
        self.unsuitable(wanted).is_none() && self.enabled
    }

    /// How near the cluster is to a region: 0 in it, then by its place among those near; `None` when it does not serve it.
    fn distance(&self, region: Option<&str>) -> Option<usize> {
        match region {
            None => Some(0),
            Some(region) if self.region == region => Some(0),
            Some(region) => self.near.iter().position(|near| near == region).map(|place| place + 1),
        }
    }

    fn unsuitable(&self, wanted: &Wanted<'_>) -> Option<String> {
        if self.kind != wanted.provider {
            return Some(format!("is of the type {}", self.kind));
        }
        if wanted.cluster.is_some_and(|name| name != self.name) {
            return Some("another one is asked for by name".to_owned());
        }
        if wanted.except.contains(&self.name) {
            return Some("is not wanted".to_owned());
        }
        match self.distance(wanted.region) {
            None => Some(format!("serves the region {}", self.region)),
            Some(_) => None,
        }
    }

    /// What it can have at most, in the order of [`Resources::each`].
    fn limits(&self) -> [Option<Amount>; 4] {
        let Capacity { cpu, memory, storage, slots } = self.capacity;
        [slots.map(Amount::whole), cpu, memory, storage]
    }

    /// What it has room for.
    fn room(&self, used: &Resources) -> [Option<Amount>; 4] {
        let used = used.each().map(|(_, used)| used);
        let limits = self.limits();
        std::array::from_fn(|resource| limits[resource].map(|limit| limit - used[resource]))
    }

    /// Why the cluster cannot be chosen now.
    fn refuses(&self, used: &Resources, wanted: &Wanted<'_>) -> Option<String> {
        if let Some(why) = self.unsuitable(wanted) {
            return Some(why);
        }
        if !self.enabled {
            return Some("is not enabled".to_owned());
        }
        match self.health {
            Health::Online => {}
            Health::Degraded => return Some("answers with errors".to_owned()),
            Health::Offline => return Some("does not answer".to_owned()),
        }
        let each = self.limits().into_iter().zip(used.each()).zip(wanted.resources.each());
        let full: Vec<_> = each
            .filter_map(|((capacity, (resource, used)), (_, asked))| {
                let capacity = capacity?;
                (used + asked > capacity).then(|| format!("{resource}: {used} of {capacity} used"))
            })
            .collect();
        (!full.is_empty()).then(|| format!("has no room ({})", full.join(", ")))
    }
}

/// The cluster that a request gets, and why the others do not: of those that suit, are online and have room the nearest, then the
/// default one, then the first by name. `clusters` has each with what is used of it.
pub(crate) fn choose<'c>(
    clusters: &'c [(Cluster, Resources)],
    wanted: &Wanted<'_>,
) -> (Option<&'c Cluster>, Vec<Rejected>) {
    let mut rejected = Vec::new();
    let mut fitting = Vec::new();
    for (cluster, used) in clusters {
        match cluster.refuses(used, wanted) {
            Some(why) => rejected.push(Rejected { cluster: cluster.name.clone(), why }),
            None => fitting.push(cluster),
        }
    }
    fitting.sort_by_key(|cluster| {
        (cluster.distance(wanted.region), Reverse(cluster.default), cluster.name.clone())
    });
    let mut fitting = fitting.into_iter();
    let chosen = fitting.next();
    rejected.extend(fitting.map(|cluster| Rejected {
        cluster: cluster.name.clone(),
        why: "comes behind the chosen one: farther, not the default, or later by name".to_owned(),
    }));
    (chosen, rejected)
}

/// The most of each resource that one of the clusters of a provider has room for, each by itself: what wants more fits nowhere. `None` when
/// none can be chosen. What has no limit is `None`.
pub(crate) fn most_room(clusters: &[(Cluster, Resources)], provider: &str) -> Option<[Option<Amount>; 4]> {
    let open = clusters.iter().filter(|(cluster, _)| {
        cluster.kind == provider && cluster.enabled && cluster.health == Health::Online
    });
    open.map(|(cluster, used)| cluster.room(used)).reduce(|one, other| {
        std::array::from_fn(|resource| match (one[resource], other[resource]) {
            (Some(one), Some(other)) => Some(one.max(other)),
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cluster(name: &str, more: Value) -> (Cluster, Resources) {
        let mut all = json!({"name": name, "type": "kubernetes", "region": "eu"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        (serde_json::from_value(all).unwrap(), Resources::NONE)
    }

    #[test]
    fn the_order_of_the_choice() {
        let resources: Resources = serde_json::from_value(json!({"cpu": 2})).unwrap();
        let except = ["i-tried".to_owned()];
        let wanted = Wanted {
            provider: "kubernetes",
            region: Some("eu"),
            cluster: None,
            except: &except,
            resources: &resources,
        };
        let all = [
            cluster("b", json!({})),
            cluster("a-near", json!({"region": "us", "near": ["ap", "eu"]})),
            cluster("c-default", json!({"default": true})),
            cluster("d-full", json!({"default": true, "capacity": {"cpu": 1}})),
            cluster("e-off", json!({"default": true, "enabled": false})),
            cluster("f-ill", json!({"default": true, "health": "degraded"})),
            cluster("g-us", json!({"region": "us", "default": true})),
            cluster("h-other", json!({"type": "openstack", "default": true})),
            cluster("i-tried", json!({"default": true})),
        ];
        let order = ["c-default", "b", "a-near"];
        let mut left = all.to_vec();
        for expected in order {
            let (chosen, rejected) = choose(&left, &wanted);
            let name = chosen.unwrap().name.clone();
            assert_eq!(name, expected);
            assert_eq!(rejected.len(), left.len() - 1);
            left.retain(|(cluster, _)| cluster.name != name);
        }
        let (none, rejected) = choose(&left, &wanted);
        assert!(none.is_none());
        let why: Vec<_> = rejected.iter().map(|one| format!("{} {}", one.cluster, one.why)).collect();
        assert_eq!(
            why,
            [
                "d-full has no room (cpu: 0 of 1 used)",
                "e-off is not enabled",
                "f-ill answers with errors",
                "g-us serves the region us",
                "h-other is of the type openstack",
                "i-tried is not wanted",
            ]
        );
    }
}
