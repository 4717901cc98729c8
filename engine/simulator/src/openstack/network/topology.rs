//! Networks and their subnets.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::addresses::Range;
use super::ports::OF_A_ROUTER;
use super::{EXTERNAL_NETWORK, Kind, Network, SHARED_NETWORK, optional, text};
use crate::openstack::refusal::Refusal;

/// The addresses of the network that all projects may use.
const SHARED_RANGE: &str = "10.0.0.0/20";

impl Network {
    /// The network outside, the one for all, and the router between them. They are of no project, so nobody changes them.
    pub(super) fn add_networks_of_the_cloud(&mut self) {
        let network = |name: &str, is_external: bool| {
            json!({
                "name": name, "router:external": is_external, "status": "ACTIVE", "shared": !is_external,
                "admin_state_up": true,
            })
        };
        let outside = self.add(Kind::Network, "", network(EXTERNAL_NETWORK, true));
        let first = self.floating_addresses.first.to_string();
        self.add(Kind::Subnet, "", json!({
            "name": "public-subnet", "network_id": outside["id"], "cidr": format!("{first}/24"), "ip_version": 4,
            "gateway_ip": first, "enable_dhcp": false,
        }));
        let inside = self.add(Kind::Network, "", network(SHARED_NETWORK, false));
        let subnet = self.add(
            Kind::Subnet,
            "",
            json!({
                "name": "private-subnet", "network_id": inside["id"], "cidr": SHARED_RANGE, "ip_version": 4,
                "gateway_ip": "10.0.0.1", "enable_dhcp": true,
            }),
        );
        let router = self.add(
            Kind::Router,
            "",
            json!({
                "name": "router", "status": "ACTIVE", "admin_state_up": true,
                "external_gateway_info": { "network_id": outside["id"] },
            }),
        );
        let at = json!([{ "subnet_id": subnet["id"], "ip_address": "10.0.0.1" }]);
        let inside = inside["id"].as_str().unwrap_or_default().to_owned();
        let port = json!({ "name": "", "device_id": router["id"], "device_owner": OF_A_ROUTER, "security_groups": [] });
        self.add_port("", &inside, at, port);
    }

    /// Whether a project can use a network.
    pub(in crate::openstack) fn has_network(&self, project: &str, id: &str) -> bool {
        self.find(Kind::Network, project, id).is_ok()
    }

    pub(super) fn create_network(&mut self, project: &str, asked: &Value) -> Value {
        self.add(Kind::Network, project, json!({
            "name": optional(asked, "name"), "description": optional(asked, "description"), "router:external": false,
            "status": "ACTIVE", "shared": false, "admin_state_up": true,
        }))
    }

    /// A range of addresses for a network of the project's own.
    pub(super) fn create_subnet(&mut self, project: &str, asked: &Value) -> Result<Value, Refusal> {
        let network = text(asked, "network_id")?;
        self.find_mut(Kind::Network, project, network)?;
        let cidr = text(asked, "cidr")?;
        let range = Range::parse(cidr).ok_or_else(|| {
            Refusal::network_input(format!(
                "Invalid input for cidr. Reason: '{cidr}' is not a valid IP subnet."
            ))
        })?;
        let others = self.subnets.iter().filter(|subnet| subnet["network_id"] == network);
        let mut others = others.filter_map(|subnet| Range::parse(subnet["cidr"].as_str()?));
        if others.any(|other| other.overlaps(range)) {
            let message = format!(
                "Requested subnet with cidr: {cidr} for network: {network} overlaps with another subnet."
            );
            return Err(Refusal::network_input(message));
        }
        Ok(self.add(
            Kind::Subnet,
            project,
            json!({
                "name": optional(asked, "name"), "network_id": network, "cidr": cidr,
                "ip_version": 4, "gateway_ip": range.gateway().to_string(), "enable_dhcp": true,
                "dns_nameservers": asked["dns_nameservers"].as_array().cloned().unwrap_or_default(),
            }),
        ))
    }

    /// Takes the subnets of a network along; one with ports stays.
    pub(super) fn remove_network(&mut self, id: &str) -> Result<(), Refusal> {
        if self.ports.iter().any(|port| port["network_id"] == id) {
            let message = format!(
                "Unable to complete operation on network {id}. There are one or more ports still in use on the network."
            );
            return Err(Refusal::network(StatusCode::CONFLICT, "NetworkInUse", message));
        }
        self.subnets.retain(|subnet| subnet["network_id"] != id);
        Ok(())
    }

    pub(super) fn remove_subnet(&mut self, id: &str) -> Result<(), Refusal> {
        if self.ports.iter().any(|port| port["fixed_ips"][0]["subnet_id"] == id) {
            let message = format!(
                "Unable to complete operation on subnet {id}: One or more ports have an IP allocation from this subnet."
            );
            return Err(Refusal::network(StatusCode::CONFLICT, "SubnetInUse", message));
        }
        Ok(())
    }
}
