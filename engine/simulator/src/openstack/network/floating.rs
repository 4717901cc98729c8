//! Floating IPs: addresses of the external network that lead to a port.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::ports::{first_address, no_address_left};
use super::{Kind, Network, optional, text};
use crate::openstack::refusal::Refusal;

impl Network {
    /// The next free address, on a port if one is named. `is_empty`: there is to be none left.
    pub(super) fn create_floating(
        &mut self,
        project: &str,
        asked: &Value,
        is_empty: bool,
    ) -> Result<Value, Refusal> {
        let outside = text(asked, "floating_network_id")?;
        if self.find(Kind::Network, project, outside)?["router:external"] != true {
            let message = format!("Network {outside} is not a valid external network");
            return Err(Refusal::network(StatusCode::BAD_REQUEST, "BadRequest", message));
        }
        let router = self.router_of_port(project, outside, &asked["port_id"])?;
        let address = self.free_floating_address().filter(|_| !is_empty);
        let address = address.ok_or_else(|| no_address_left(outside))?;
        Ok(self.add(Kind::Floating, project, json!({
            "floating_ip_address": address.to_string(), "floating_network_id": outside, "port_id": asked["port_id"],
            "router_id": router, "description": optional(asked, "description"),
        })))
    }

    /// Leads a floating IP to another port, or to none.
    pub(super) fn associate(&mut self, project: &str, id: &str, port: &Value) -> Result<(), Refusal> {
        let outside = self.find(Kind::Floating, project, id)?["floating_network_id"].clone();
        let router = self.router_of_port(project, outside.as_str().unwrap_or_default(), port)?;
        let floating = self.find_mut(Kind::Floating, project, id)?;
        floating["port_id"] = port.clone();
        floating["router_id"] = router;
        Ok(())
    }

    /// The router between a port and the network outside; null for no port.
    fn router_of_port(&self, project: &str, outside: &str, port: &Value) -> Result<Value, Refusal> {
        let Some(id) = port.as_str() else { return Ok(Value::Null) };
        let port = self.find(Kind::Port, project, id)?;
        let subnet = &port["fixed_ips"][0]["subnet_id"];
        if first_address(port).is_null() {
            let message = format!("Bad floatingip request: port {id} has no fixed IPv4 address");
            return Err(Refusal::network(StatusCode::BAD_REQUEST, "BadRequest", message));
        }
        let router = self
            .router_of_subnet(subnet)
            .filter(|router| router["external_gateway_info"]["network_id"] == outside);
        let router = router.ok_or_else(|| {
            let message = format!(
                "External network {outside} is not reachable from subnet {}.  Therefore, cannot associate Port {id} \
                 with a Floating IP.",
                subnet.as_str().unwrap_or_default()
            );
            Refusal::network(StatusCode::NOT_FOUND, "ExternalGatewayForFloatingIPNotFound", message)
        })?;
        if self.floating.iter().any(|floating| floating["port_id"] == id) {
            let message = format!("Cannot associate a floating IP with port {id}: it has one already");
            return Err(Refusal::network(StatusCode::CONFLICT, "FloatingIPPortAlreadyAssociated", message));
        }
        Ok(router["id"].clone())
    }
}
