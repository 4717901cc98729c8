//! Ports: where servers and routers are attached, with their addresses and security groups.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::addresses::Range;
use super::{Kind, Network, optional, text};
use crate::openstack::new_server::Attachment;
use crate::openstack::refusal::Refusal;
use crate::openstack::settings::Quota;

/// `device_owner` of a port that a server has.
const OF_A_SERVER: &str = "compute:nova";
/// `device_owner` of a port that a router has.
pub(super) const OF_A_ROUTER: &str = "network:router_interface";
/// A member that marks the ports that Nova made itself and deletes with their server.
pub(super) const MADE_BY_NOVA: &str = "made_by_nova";

/// The first fixed address of a port; null if it has none.
pub(super) fn first_address(port: &Value) -> Value {
    port["fixed_ips"][0]["ip_address"].clone()
}

impl Network {
    /// A port with the next free address of its network.
    pub(super) fn create_port(&mut self, project: &str, asked: &Value) -> Result<Value, Refusal> {
        let network = text(asked, "network_id")?;
        self.find(Kind::Network, project, network)?;
        let groups = self.groups_of(project, asked)?;
        let fixed = self.free_address(network)?;
        Ok(self.add_port(
            project,
            network,
            fixed,
            json!({
                "name": optional(asked, "name"), "description": optional(asked, "description"),
                "device_id": "", "device_owner": "", "security_groups": groups,
            }),
        ))
    }

    /// Stores a port at an address.
    pub(super) fn add_port(
        &mut self,
        project: &str,
        network: &str,
        fixed_ips: Value,
        mut port: Value,
    ) -> Value {
        self.ports_ever += 1;
        let [_, _, high, low] = self.ports_ever.to_be_bytes();
        port["network_id"] = network.into();
        port["status"] = "DOWN".into();
        port["admin_state_up"] = true.into();
        port["mac_address"] = format!("fa:16:3e:00:{high:02x}:{low:02x}").into();
        port["fixed_ips"] = fixed_ips;
        self.add(Kind::Port, project, port)
    }

    /// `[{"subnet_id", "ip_address"}]` of the first subnet of a network; empty if it has none.
    fn free_address(&self, network: &str) -> Result<Value, Refusal> {
        let Some(subnet) = self.subnets.iter().find(|subnet| subnet["network_id"] == network) else {
            return Ok(json!([]));
        };
        let taken: BTreeSet<&str> =
            self.ports.iter().filter_map(|port| port["fixed_ips"][0]["ip_address"].as_str()).collect();
        let range = Range::parse(subnet["cidr"].as_str().unwrap_or_default());
        let free = range.into_iter().flat_map(Range::hosts).map(|address| address.to_string());
        let free = free.into_iter().find(|address| !taken.contains(address.as_str()));
        let free = free.ok_or_else(|| no_address_left(network))?;
        Ok(json!([{ "subnet_id": subnet["id"], "ip_address": free }]))
    }

    /// The server or router that a port has; empty for none, nothing for no such port.
    pub(in crate::openstack) fn port_device(&self, project: &str, id: &str) -> Option<String> {
        let port = self.find(Kind::Port, project, id).ok()?;
        port["device_id"].as_str().map(str::to_owned)
    }

    /// Gives a server a port.
    pub(in crate::openstack) fn attach(
        &mut self,
        project: &str,
        to: &Attachment,
        server: &str,
        quota: Quota,
    ) -> Result<(), Refusal> {
        let (id, is_novas) = match to {
            Attachment::Port(id) => (id.clone(), false),
            Attachment::Network(network) => {
                self.ensure_default_group(project);
                self.check_quota(Kind::Port, project, quota)?;
                let port = self.create_port(project, &json!({ "network_id": network }))?;
                (port["id"].as_str().unwrap_or_default().to_owned(), true)
            }
        };
        let port = self.find_mut(Kind::Port, project, &id)?;
        port["device_id"] = server.into();
        port["device_owner"] = OF_A_SERVER.into();
        if is_novas {
            port[MADE_BY_NOVA] = true.into();
        }
        Ok(())
    }

    /// A server is gone: ports that Nova made go with it, the others are free again.
    pub(in crate::openstack) fn detach(&mut self, server: &str) {
        let novas =
            self.ports.iter().filter(|port| port["device_id"] == server && port[MADE_BY_NOVA] == true);
        let novas: Vec<Value> = novas.map(|port| port["id"].clone()).collect();
        for id in novas {
            self.forget_port(&id);
        }
        for port in self.ports.iter_mut().filter(|port| port["device_id"] == server) {
            port["device_id"] = "".into();
            port["device_owner"] = "".into();
            port["status"] = "DOWN".into();
        }
    }

    /// The ports of a server are up while it runs.
    pub(in crate::openstack) fn set_active(&mut self, server: &str, is_active: bool) {
        for port in self.ports.iter_mut().filter(|port| port["device_id"] == server) {
            port["status"] = if is_active { "ACTIVE" } else { "DOWN" }.into();
        }
    }

    /// `{"private": [{"addr", "version", "OS-EXT-IPS:type", "OS-EXT-IPS-MAC:mac_addr"}]}` of a server whose ports are up.
    pub(in crate::openstack) fn addresses_of(&self, server: &str) -> Value {
        let mut addresses = json!({});
        for port in self.ports.iter().filter(|port| port["device_id"] == server && port["status"] == "ACTIVE")
        {
            let network = self.networks.iter().find(|network| network["id"] == port["network_id"]);
            let name = network.and_then(|network| network["name"].as_str()).unwrap_or_default();
            let floating = self.floating.iter().filter(|floating| floating["port_id"] == port["id"]);
            let floating = floating.map(|floating| (floating["floating_ip_address"].clone(), "floating"));
            let all = [(first_address(port), "fixed")].into_iter().chain(floating);
            let all = all.filter(|(address, _)| !address.is_null()).map(|(address, kind)| {
                json!({
                    "addr": address, "version": 4, "OS-EXT-IPS:type": kind,
                    "OS-EXT-IPS-MAC:mac_addr": port["mac_address"],
                })
            });
            addresses[name] = all.collect();
        }
        addresses
    }

    /// A port can be deleted while a server has it, but not while a router has it. Its floating IP stays, without a port.
    pub(super) fn remove_port(&mut self, id: &str) -> Result<(), Refusal> {
        let port = self.ports.iter().find(|port| port["id"] == id);
        if port.is_some_and(|port| port["device_owner"] == OF_A_ROUTER) {
            let message = format!(
                "Port {id} cannot be deleted directly via the port API: has device owner {OF_A_ROUTER}."
            );
            return Err(Refusal::network(StatusCode::CONFLICT, "ServicePortInUse", message));
        }
        self.forget_port(&json!(id));
        Ok(())
    }

    pub(super) fn forget_port(&mut self, id: &Value) {
        self.ports.retain(|port| port["id"] != *id);
        for floating in self.floating.iter_mut().filter(|floating| floating["port_id"] == *id) {
            floating["port_id"] = Value::Null;
            floating["router_id"] = Value::Null;
        }
    }
}

/// No address is left in a network.
pub(super) fn no_address_left(network: &str) -> Refusal {
    let message = format!("No more IP addresses available on network {network}.");
    Refusal::network(StatusCode::CONFLICT, "IpAddressGenerationFailure", message)
}
