//! Security groups and their rules.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Kind, Network, optional, text};
use crate::openstack::refusal::Refusal;

/// The group that every project has, and ports without another one get.
pub(super) const DEFAULT_GROUP: &str = "default";

/// Members that make two rules of a group equal.
const IDENTITY: [&str; 8] = [
    "security_group_id",
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_ip_prefix",
    "remote_group_id",
];

impl Network {
    /// Makes the default group of a project at its first request.
    pub(super) fn ensure_default_group(&mut self, project: &str) {
        let has =
            self.groups.iter().any(|group| group["project_id"] == project && group["name"] == DEFAULT_GROUP);
        if !has {
            self.add_group(project, DEFAULT_GROUP.into(), "Default security group".into());
        }
    }

    /// A group with two rules that let everything out.
    pub(super) fn create_group(&mut self, project: &str, asked: &Value) -> Result<Value, Refusal> {
        let name = text(asked, "name")?;
        if name == DEFAULT_GROUP {
            let message = "Default security group already exists.";
            return Err(Refusal::network(StatusCode::CONFLICT, "SecurityGroupDefaultAlreadyExists", message));
        }
        Ok(self.add_group(project, name.into(), optional(asked, "description")))
    }

    fn add_group(&mut self, project: &str, name: Value, description: Value) -> Value {
        let group = json!({ "name": name, "description": description, "stateful": true });
        let group = self.add(Kind::Group, project, group);
        for ethertype in ["IPv4", "IPv6"] {
            self.add(
                Kind::Rule,
                project,
                json!({
                    "direction": "egress", "ethertype": ethertype, "protocol": null, "port_range_min": null,
                    "port_range_max": null, "remote_ip_prefix": null, "remote_group_id": null,
                    "security_group_id": group["id"],
                }),
            );
        }
        group
    }

    /// A rule; an equal one is refused.
    pub(super) fn create_rule(&mut self, project: &str, asked: &Value) -> Result<Value, Refusal> {
        let group = text(asked, "security_group_id")?;
        self.find(Kind::Group, project, group)?;
        let direction = text(asked, "direction")?;
        if !["ingress", "egress"].contains(&direction) {
            return Err(Refusal::network_input(format!("Invalid input for direction: {direction}")));
        }
        let (least, most) = (&asked["port_range_min"], &asked["port_range_max"]);
        let is_port = |port: &Value| port.is_null() || port.as_u64().is_some_and(|port| port <= 65_535);
        if !is_port(least) || !is_port(most) || least.as_u64() > most.as_u64() {
            let message = "Invalid value for port range";
            return Err(Refusal::network(StatusCode::BAD_REQUEST, "SecurityGroupInvalidPortRange", message));
        }
        if !least.is_null() && asked["protocol"].is_null() {
            let message = "Must also specify protocol if port range is given.";
            return Err(Refusal::network(
                StatusCode::BAD_REQUEST,
                "SecurityGroupProtocolRequiredWithPorts",
                message,
            ));
        }
        let mut rule = json!({ "ethertype": "IPv4" });
        for member in IDENTITY {
            if member != "ethertype" || asked[member].is_string() {
                rule[member] = asked[member].clone();
            }
        }
        let equal =
            self.rules.iter().find(|known| IDENTITY.iter().all(|member| known[member] == rule[member]));
        if let Some(equal) = equal {
            let id = equal["id"].as_str().unwrap_or_default();
            let message = format!("Security group rule already exists. Rule id is {id}.");
            return Err(Refusal::network(StatusCode::CONFLICT, "SecurityGroupRuleExists", message));
        }
        Ok(self.add(Kind::Rule, project, rule))
    }

    /// The groups that a body names, which must exist; the default one if it names none.
    pub(super) fn groups_of(&self, project: &str, asked: &Value) -> Result<Value, Refusal> {
        let Some(named) = asked["security_groups"].as_array() else {
            let default = self
                .groups
                .iter()
                .filter(|group| group["project_id"] == project && group["name"] == DEFAULT_GROUP);
            return Ok(default.map(|group| group["id"].clone()).collect());
        };
        for group in named {
            self.find(Kind::Group, project, group.as_str().unwrap_or_default())?;
        }
        Ok(named.clone().into())
    }

    /// Takes the rules of a group along; a group that a port has stays.
    pub(super) fn remove_group(&mut self, id: &str) -> Result<(), Refusal> {
        let has = |port: &Value| {
            port["security_groups"].as_array().is_some_and(|groups| groups.iter().any(|group| group == id))
        };
        if self.ports.iter().any(has) {
            let message = format!("Security Group {id} in use.");
            return Err(Refusal::network(StatusCode::CONFLICT, "SecurityGroupInUse", message));
        }
        self.rules.retain(|rule| rule["security_group_id"] != id);
        Ok(())
    }
}
