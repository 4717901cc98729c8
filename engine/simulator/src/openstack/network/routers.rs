//! Routers between subnets and the network outside.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::ports::OF_A_ROUTER;
use super::{Kind, Network, optional, text};
use crate::openstack::refusal::Refusal;

impl Network {
    pub(super) fn create_router(&mut self, project: &str, asked: &Value) -> Result<Value, Refusal> {
        let gateway = &asked["external_gateway_info"];
        if let Some(outside) = gateway["network_id"].as_str()
            && self.find(Kind::Network, project, outside)?["router:external"] != true
        {
            let message = format!("Bad router request: Network {outside} is not an external network.");
            return Err(Refusal::network(StatusCode::BAD_REQUEST, "BadRequest", message));
        }
        Ok(self.add(Kind::Router, project, json!({
            "name": optional(asked, "name"), "description": optional(asked, "description"), "status": "ACTIVE",
            "admin_state_up": true, "external_gateway_info": gateway,
        })))
    }

    /// The router that has an interface in a subnet.
    pub(super) fn router_of_subnet(&self, subnet: &Value) -> Option<&Value> {
        let port = self.interfaces().find(|port| port["fixed_ips"][0]["subnet_id"] == *subnet)?;
        self.routers.iter().find(|router| router["id"] == port["device_id"])
    }

    fn interfaces(&self) -> impl Iterator<Item = &Value> {
        self.ports.iter().filter(|port| port["device_owner"] == OF_A_ROUTER)
    }

    /// A router can go when it has no interface.
    pub(super) fn check_router_is_unused(&self, id: &str) -> Result<(), Refusal> {
        if self.interfaces().any(|port| port["device_id"] == id) {
            let message = format!("Router {id} still has ports");
            return Err(Refusal::network(StatusCode::CONFLICT, "RouterInUse", message));
        }
        Ok(())
    }

    /// Connects a subnet: the router gets the subnet's gateway address.
    pub(super) fn add_interface(
        &mut self,
        project: &str,
        router: &str,
        asked: &Value,
    ) -> Result<Value, Refusal> {
        let id = text(asked, "subnet_id")?;
        let subnet = self.find(Kind::Subnet, project, id)?.clone();
        if self.router_of_subnet(&subnet["id"]).is_some() {
            let message = format!("Bad router request: Router already has a port on subnet {id}.");
            return Err(Refusal::network(StatusCode::BAD_REQUEST, "BadRequest", message));
        }
        let at = json!([{ "subnet_id": id, "ip_address": subnet["gateway_ip"] }]);
        let network = subnet["network_id"].as_str().unwrap_or_default();
        let port =
            json!({ "name": "", "device_id": router, "device_owner": OF_A_ROUTER, "security_groups": [] });
        let port = self.add_port(project, network, at, port);
        Ok(interface_view(project, router, &port))
    }

    /// Disconnects a subnet, unless floating IPs lead through it.
    pub(super) fn remove_interface(
        &mut self,
        project: &str,
        router: &str,
        asked: &Value,
    ) -> Result<Value, Refusal> {
        let subnet = text(asked, "subnet_id")?;
        let port = self
            .interfaces()
            .find(|port| port["device_id"] == router && port["fixed_ips"][0]["subnet_id"] == subnet);
        let port = port.cloned().ok_or_else(|| {
            let message = format!("Router {router} has no interface on subnet {subnet}");
            Refusal::network(StatusCode::NOT_FOUND, "RouterInterfaceNotFoundForSubnet", message)
        })?;
        let is_behind = |floating: &Value| {
            let port = self.ports.iter().find(|port| port["id"] == floating["port_id"]);
            port.is_some_and(|port| port["fixed_ips"][0]["subnet_id"] == subnet)
        };
        if self.floating.iter().any(is_behind) {
            let message = format!(
                "Router interface for subnet {subnet} on router {router} cannot be deleted, as it is required by one or \
                 more floating IPs."
            );
            return Err(Refusal::network(StatusCode::CONFLICT, "RouterInterfaceInUseByFloatingIP", message));
        }
        self.forget_port(&port["id"]);
        Ok(interface_view(project, router, &port))
    }
}

fn interface_view(project: &str, router: &str, port: &Value) -> Value {
    let subnet = &port["fixed_ips"][0]["subnet_id"];
    json!({
        "id": router, "subnet_id": subnet, "subnet_ids": [subnet], "port_id": port["id"],
        "network_id": port["network_id"], "project_id": project,
    })
}
