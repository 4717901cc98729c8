//! Compares what providers hold with what the desk has recorded, and what it counts with what its requests sum to.

use serde_json::Value;

use crate::stage::Stage;

/// Kind and id of a thing, as flows record them.
pub(crate) type Thing = (String, String);

impl Stage {
    /// Checks that providers hold what is recorded of all requests, each once, and nothing else; and that pool and clusters count what the
    /// live requests sum to.
    pub(crate) async fn check(&self, context: &str) {
        let requests = self.get("/requests").await["items"].as_array().unwrap().clone();
        let recorded = requests.iter().filter(|request| is_outside(request)).flat_map(recorded);
        assert_eq!(
            self.things(),
            sorted(recorded.collect()),
            "what is held, and what is recorded: {context}"
        );
        for request in &requests {
            let things = recorded_of(request);
            let mut once = things.clone();
            once.dedup();
            assert_eq!(things, once, "recorded twice: {context}");
        }
        self.check_sums(&requests, context).await;
    }

    async fn check_sums(&self, requests: &[Value], context: &str) {
        let live = |request: &&Value| match request["state"].as_str().unwrap() {
            "Rolled Back" => false,
            "Failed" => request["recorded"].as_array().is_some_and(|recorded| !recorded.is_empty()),
            _ => true,
        };
        let live: Vec<&Value> = requests.iter().filter(live).collect();
        let pool = self.get("/pools/acme").await;
        assert_eq!(
            amounts(&pool["usage"], "instances"),
            sum(live.iter().copied()),
            "the pool's usage: {context}"
        );
        for cluster in self.get("/clusters").await["items"].as_array().unwrap() {
            let here = live.iter().copied().filter(|request| request["cluster"] == cluster["name"]);
            assert_eq!(
                amounts(&cluster["used"], "slots"),
                sum(here),
                "used of {}: {context}",
                cluster["name"]
            );
        }
    }

    /// All that providers hold.
    pub(crate) fn things(&self) -> Vec<Thing> {
        let state = self.services.state();
        let mut things = things_of_cloud(&state["openstack"]);
        things.extend(things_of_cluster(&state["kubernetes"]));
        sorted(things)
    }
}

/// What is recorded of a request, in order of kinds and ids.
pub(crate) fn recorded_of(request: &Value) -> Vec<Thing> {
    sorted(recorded(request).collect())
}

/// The kinds of what is recorded of a request, in order.
pub(crate) fn kinds_of(request: &Value) -> Vec<String> {
    recorded_of(request).into_iter().map(|(kind, _)| kind).collect()
}

/// Whether its things are at a simulated provider. What the simulation and people make is only recorded.
fn is_outside(request: &Value) -> bool {
    matches!(request["provider"].as_str(), Some("openstack" | "kubernetes"))
}

fn recorded(request: &Value) -> impl Iterator<Item = Thing> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    request["recorded"].as_array().unwrap().iter().map(move |one| {
        assert_eq!(one["status"], "Created", "{request:#}");
        (text(&one["kind"]), text(&one["providerId"]))
    })
}

/// Servers, ports, groups, …; volumes and ports that the cloud itself made belong to a server or router, and must be one's that is there.
fn things_of_cloud(cloud: &Value) -> Vec<Thing> {
    let network = &cloud["network"];
    let list = |list: &Value| list.as_array().unwrap_or_else(|| panic!("{cloud:#}")).clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut things = Vec::new();
    for (kind, all) in [
        ("server", &cloud["servers"]),
        ("security-group", &network["security_groups"]),
        ("floating-ip", &network["floatingips"]),
        ("network", &network["networks"]),
        ("subnet", &network["subnets"]),
        ("router", &network["routers"]),
    ] {
        things.extend(list(all).iter().map(|thing| (kind.to_owned(), text(&thing["id"]))));
    }
    for port in list(&network["ports"]) {
        let thing = match port["device_owner"].as_str().unwrap_or_default() {
            "network:router_interface" => {
                let (router, subnet) = (text(&port["device_id"]), text(&port["fixed_ips"][0]["subnet_id"]));
                ("router-interface".to_owned(), format!("{router}/{subnet}"))
            }
            _ => ("port".to_owned(), text(&port["id"])),
        };
        things.push(thing);
    }
    things.extend(list(&cloud["containers"]).iter().map(|name| ("container".to_owned(), text(name))));
    let mut of_servers: Vec<String> = list(&cloud["servers"])
        .iter()
        .flat_map(|server| list(&server["os-extended-volumes:volumes_attached"]))
        .map(|volume| text(&volume["id"]))
        .collect();
    let mut volumes: Vec<String> = list(&cloud["volumes"]).iter().map(|volume| text(&volume["id"])).collect();
    of_servers.sort();
    volumes.sort();
    assert_eq!(volumes, of_servers, "volumes without a server");
    things
}

/// Namespaces and what flows make in them.
fn things_of_cluster(cluster: &Value) -> Vec<Thing> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut things = Vec::new();
    for (kind, all) in [
        ("namespace", "namespaces"),
        ("resource-quota", "resourcequotas"),
        ("limit-range", "limitranges"),
        ("role-binding", "rolebindings"),
        ("network-policy", "networkpolicies"),
        ("virtual-machine", "virtualmachines"),
    ] {
        for object in cluster[all].as_array().unwrap_or_else(|| panic!("{cluster:#}")) {
            let metadata = &object["metadata"];
            let id = match kind {
                "namespace" | "virtual-machine" => text(&metadata["uid"]),
                _ => format!("{}/{}", text(&metadata["namespace"]), text(&metadata["name"])),
            };
            things.push((kind.to_owned(), id));
        }
    }
    things
}

fn sorted(mut things: Vec<Thing>) -> Vec<Thing> {
    things.sort();
    things
}

/// Instances, cores, GiB of memory and of storage, all of them whole numbers here.
fn amounts(all: &Value, instances: &str) -> [u64; 4] {
    [instances, "cpu", "memoryGiB", "storageGiB"].map(|name| match &all[name] {
        Value::Null => 0,
        amount => amount.as_u64().unwrap_or_else(|| panic!("{all}")),
    })
}

fn sum<'a>(requests: impl Iterator<Item = &'a Value>) -> [u64; 4] {
    requests.fold([0; 4], |sum, request| {
        let more = amounts(&request["resources"], "instances");
        std::array::from_fn(|index| sum[index] + more[index])
    })
}
