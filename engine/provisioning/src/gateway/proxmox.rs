//! Proxmox VE: an API token, and machines that are cloned from templates.
//!
//! Promises: a clone with a name of ours is made once; what looks like an error of the server and is a refusal, as most of Proxmox' 500 are,
//! does not count as a failure of the cluster.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    call::{Call, Rule, query},
    provider::{Create, Login, Look, Place, Provider, Seen, Session, find, is_own_name},
};
use crate::model::{Metrics, Recorded};

pub(super) struct Proxmox;

const RULES: &[Rule] = &[
    Rule("GET", "api2/json/version"),
    Rule("GET", "api2/json/cluster/nextid|resources"),
    Rule("POST", "api2/json/nodes/*/qemu/*/clone"),
    Rule("GET PUT POST", "api2/json/nodes/*/qemu/*/config"),
    Rule("PUT", "api2/json/nodes/*/qemu/*/resize"),
    Rule("GET", "api2/json/nodes/*/qemu/*/status/current"),
    Rule("POST", "api2/json/nodes/*/qemu/*/status/start|stop|shutdown"),
    Rule("GET", "api2/json/nodes/*/qemu/*/agent/network-get-interfaces"),
    Rule("GET POST", "api2/json/nodes/*/qemu/*/firewall/rules"),
    Rule("GET PUT", "api2/json/nodes/*/qemu/*/firewall/options"),
    Rule("DELETE", "api2/json/nodes/*/qemu/*"),
    Rule("GET", "api2/json/nodes/*/tasks/*/status"),
];

impl Provider for Proxmox {
    fn services(&self) -> &'static [(&'static str, &'static [Rule])] {
        &[("proxmox", RULES)]
    }

    fn login(&self, place: &Place) -> Result<Login, String> {
        // The whole token, `desk@pve!api=<secret>`, or its two parts.
        let token = match place.credential("token") {
            Some(token) => token.to_owned(),
            None => format!("{}={}", place.required("tokenId")?, place.required("secret")?),
        };
        let secret = token.rsplit_once('=').map_or(token.as_str(), |(_, secret)| secret).to_owned();
        let endpoints = BTreeMap::from([("proxmox".to_owned(), place.api_url()?.to_owned())]);
        let headers = vec![("Authorization".to_owned(), format!("PVEAPIToken={token}"))];
        Ok(Login::Ready(Session::new(endpoints, headers, &[&secret])))
    }

    fn checks(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("proxmox", "api2/json/version", ""), ("proxmox", "api2/json/cluster/resources", "type=vm")]
    }

    fn create(&self, call: &Call) -> Option<Create> {
        let segments = call.segments().ok()?;
        let [_, _, _, node, _, _, action] = segments.as_slice() else { return None };
        let name = call.body.as_ref()?["name"].as_str().filter(|name| is_own_name(name))?.to_owned();
        if call.method != "POST" || action != "clone" {
            return None;
        }
        let (thing, node) = (format!("qemu/{name}"), node.clone());
        let read = move |answer: &Value| match find(&answer["data"], "name", &name) {
            Some(guest) => Seen::Look(task_of(guest, &node)),
            None => Seen::Nothing,
        };
        let look = Look {
            call: Call::get("proxmox", "api2/json/cluster/resources", Some(query(&[("type", "vm")]))),
            read: Box::new(read),
        };
        Some(Create { thing, look })
    }

    fn is_out_of_order(&self, status: u16, answer: &Value) -> bool {
        // A missing machine, a running one, an agent that does not answer: all are 500 with a message.
        status >= 500 && !(status == 500 && answer["message"].is_string())
    }

    fn measure(&self, place: &Place, recorded: &Recorded) -> Option<(Call, fn(&Value) -> Metrics)> {
        let machine = recorded
            .provider_id
            .as_deref()
            .filter(|_| matches!(recorded.kind.as_str(), "server" | "vm" | "qemu"))?;
        let node =
            recorded.attributes.get("node").and_then(Value::as_str).or_else(|| place.setting("node"))?;
        Some((
            Call::get("proxmox", &format!("api2/json/nodes/{node}/qemu/{machine}/status/current"), None),
            metrics,
        ))
    }
}

/// The task that cloned a machine, whose name is the answer of the clone. Tasks belong to the node that the call was made at.
fn task_of(guest: &Value, node: &str) -> Look {
    let number = guest["vmid"].clone();
    let filter =
        query(&[("vmid", &number.to_string()), ("typefilter", "qmclone"), ("source", "all"), ("limit", "1")]);
    let read = move |answer: &Value| Seen::Found(json!({"data": answer["data"][0]["upid"], "vmid": number}));
    Look {
        call: Call::get("proxmox", &format!("api2/json/nodes/{node}/tasks"), Some(filter)),
        read: Box::new(read),
    }
}

fn metrics(answer: &Value) -> Metrics {
    let value = |name: &str| answer["data"][name].as_f64();
    Metrics {
        cpu_percent: value("cpu").map(|part| part * 100.0),
        memory_bytes: value("mem"),
        memory_max_bytes: value("maxmem"),
        disk_read_bytes: value("diskread"),
        disk_write_bytes: value("diskwrite"),
        net_in_bytes: value("netin"),
        net_out_bytes: value("netout"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::tests::{place, post};

    #[test]
    fn a_clone_is_found_by_its_name_and_answered_with_its_task() {
        let call =
            post("proxmox", "api2/json/nodes/pve1/qemu/9000/clone", json!({"newid": 105, "name": "rq-1"}));
        let create = Proxmox.create(&call).unwrap();
        assert_eq!(create.thing, "qemu/rq-1");
        let guests = json!({"data": [{"vmid": 9000, "name": "ubuntu", "node": "pve1"}, {"vmid": 105, "name": "rq-1", "node": "pve2"}]});
        let Seen::Look(look) = (create.look.read)(&guests) else { panic!("the machine is not found") };
        assert_eq!(look.call.path, "api2/json/nodes/pve1/tasks");
        assert!(look.call.query.as_deref().unwrap().starts_with("vmid=105&"));
        let seen = (look.read)(&json!({"data": [{"upid": "UPID:pve1:1", "type": "qmclone"}]}));
        assert!(matches!(seen, Seen::Found(answer) if answer == json!({"data": "UPID:pve1:1", "vmid": 105})));
        assert!(matches!((create.look.read)(&json!({"data": []})), Seen::Nothing));
        assert!(
            Proxmox
                .create(&post(
                    "proxmox",
                    "api2/json/nodes/pve1/qemu/105/status/start",
                    json!({"name": "rq-1"})
                ))
                .is_none()
        );
    }

    #[test]
    fn a_refusal_with_status_500_is_no_failure_of_the_cluster() {
        assert!(
            !Proxmox.is_out_of_order(
                500,
                &json!({"data": null, "message": "VM 105 is running - destroy failed\n"})
            )
        );
        assert!(
            Proxmox.is_out_of_order(500, &Value::Null)
                && Proxmox.is_out_of_order(502, &json!({"message": "x"}))
        );
    }

    #[test]
    fn a_token_is_given_whole_or_in_parts() {
        for credentials in [
            json!({"token": "desk@pve!api=s3cret-of-it"}),
            json!({"tokenId": "desk@pve!api", "secret": "s3cret-of-it"}),
        ] {
            let Login::Ready(session) = Proxmox.login(&place("proxmox", json!({}), credentials)).unwrap()
            else {
                panic!()
            };
            assert_eq!(
                session.headers,
                [("Authorization".to_owned(), "PVEAPIToken=desk@pve!api=s3cret-of-it".to_owned())]
            );
            assert_eq!(session.secrets.mask("s3cret-of-it"), "***");
        }
    }

    #[test]
    fn the_use_of_processors_is_a_part_of_one() {
        let read = metrics(&json!({"data": {"cpu": 0.25, "mem": 5, "maxmem": 8, "netin": 1}}));
        assert_eq!((read.cpu_percent, read.memory_bytes, read.net_out_bytes), (Some(25.0), Some(5.0), None));
    }
}
