//! Neutron: networks, subnets, ports, routers, security groups, floating IPs.
//!
//! Promises: each object belongs to a project, and others see of it only what is shared; quotas, addresses and what is in
//! use are checked as Neutron does; names are not unique, so a repeated request makes a second object.

mod addresses;
mod floating;
mod handler;
mod ports;
mod routers;
mod security;
mod topology;

use std::net::Ipv4Addr;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

pub(super) use handler::{act_on_router, create, delete, list, read, update};

use super::cloud::new_id;
use super::refusal::Refusal;
use super::settings::{FloatingAddresses, Quota};

/// The network outside, where floating IPs come from.
const EXTERNAL_NETWORK: &str = "public";
/// The network that all projects may use.
const SHARED_NETWORK: &str = "private";

/// All objects, oldest first, as they are shown but for what is computed.
#[derive(Debug)]
pub(super) struct Network {
    networks: Vec<Value>,
    subnets: Vec<Value>,
    ports: Vec<Value>,
    routers: Vec<Value>,
    groups: Vec<Value>,
    rules: Vec<Value>,
    floating: Vec<Value>,
    floating_addresses: FloatingAddresses,
    /// Ports ever, for hardware addresses.
    ports_ever: u32,
}

/// The kinds of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Network,
    Subnet,
    Port,
    Router,
    Group,
    Rule,
    Floating,
}

impl Kind {
    /// The kind of a path such as `security-groups`.
    fn parse(path: &str) -> Option<Self> {
        Some(match path {
            "networks" => Self::Network,
            "subnets" => Self::Subnet,
            "ports" => Self::Port,
            "routers" => Self::Router,
            "security-groups" => Self::Group,
            "security-group-rules" => Self::Rule,
            "floatingips" => Self::Floating,
            _ => return None,
        })
    }

    /// The member of bodies that holds one.
    fn member(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Subnet => "subnet",
            Self::Port => "port",
            Self::Router => "router",
            Self::Group => "security_group",
            Self::Rule => "security_group_rule",
            Self::Floating => "floatingip",
        }
    }

    /// What Neutron says of one that is not there.
    fn not_found(self, id: &str) -> Refusal {
        let (kind, what) = match self {
            Self::Network => ("NetworkNotFound", "Network"),
            Self::Subnet => ("SubnetNotFound", "Subnet"),
            Self::Port => ("PortNotFound", "Port"),
            Self::Router => ("RouterNotFound", "Router"),
            Self::Group => ("SecurityGroupNotFound", "Security group"),
            Self::Rule => ("SecurityGroupRuleNotFound", "Security group rule"),
            Self::Floating => ("FloatingIPNotFound", "Floating IP"),
        };
        Refusal::network(StatusCode::NOT_FOUND, kind, format!("{what} {id} could not be found."))
    }

    /// What a quota calls it, and how many a project may have.
    fn quota(self, quota: Quota) -> Option<(&'static str, u64)> {
        match self {
            Self::Network => Some(("network", quota.networks)),
            Self::Port => Some(("port", quota.ports)),
            Self::Router => Some(("router", quota.routers)),
            Self::Group => Some(("security_group", quota.security_groups)),
            Self::Floating => Some(("floatingip", quota.floating_ips)),
            Self::Subnet | Self::Rule => None,
        }
    }
}

impl Network {
    /// The networks that are there from the beginning: the one outside, and one for all, with a router between them.
    pub(super) fn new(floating_addresses: FloatingAddresses) -> Self {
        let mut network = Self {
            networks: Vec::new(),
            subnets: Vec::new(),
            ports: Vec::new(),
            routers: Vec::new(),
            groups: Vec::new(),
            rules: Vec::new(),
            floating: Vec::new(),
            floating_addresses,
            ports_ever: 0,
        };
        network.add_networks_of_the_cloud();
        network
    }

    fn all(&self, kind: Kind) -> &Vec<Value> {
        match kind {
            Kind::Network => &self.networks,
            Kind::Subnet => &self.subnets,
            Kind::Port => &self.ports,
            Kind::Router => &self.routers,
            Kind::Group => &self.groups,
            Kind::Rule => &self.rules,
            Kind::Floating => &self.floating,
        }
    }

    fn all_mut(&mut self, kind: Kind) -> &mut Vec<Value> {
        match kind {
            Kind::Network => &mut self.networks,
            Kind::Subnet => &mut self.subnets,
            Kind::Port => &mut self.ports,
            Kind::Router => &mut self.routers,
            Kind::Group => &mut self.groups,
            Kind::Rule => &mut self.rules,
            Kind::Floating => &mut self.floating,
        }
    }

    /// An object that a project sees: its own, or a network of all.
    fn find(&self, kind: Kind, project: &str, id: &str) -> Result<&Value, Refusal> {
        let found = self.all(kind).iter().find(|object| object["id"] == id && is_visible(object, project));
        found.ok_or_else(|| kind.not_found(id))
    }

    /// An object that a project may change.
    fn find_mut(&mut self, kind: Kind, project: &str, id: &str) -> Result<&mut Value, Refusal> {
        self.find(kind, project, id)?;
        let mine = |object: &&mut Value| object["id"] == id && object["project_id"] == project;
        self.all_mut(kind).iter_mut().find(mine).ok_or_else(|| {
            let message = format!("disallowed by policy: {} {id} belongs to another project", kind.member());
            Refusal::network(StatusCode::FORBIDDEN, "PolicyNotAuthorized", message)
        })
    }

    /// Stores an object of a project with a new id and what every object has.
    fn add(&mut self, kind: Kind, project: &str, mut object: Value) -> Value {
        object["id"] = new_id().into();
        object["project_id"] = project.into();
        self.all_mut(kind).push(object.clone());
        object
    }

    fn check_quota(&self, kind: Kind, project: &str, quota: Quota) -> Result<(), Refusal> {
        let Some((name, most)) = kind.quota(quota) else { return Ok(()) };
        let used = self.all(kind).iter().filter(|object| object["project_id"] == project).count() as u64;
        if used < most {
            return Ok(());
        }
        let message = format!("Quota exceeded for resources: ['{name}'].");
        Err(Refusal::network(StatusCode::CONFLICT, "OverQuota", message))
    }

    /// An object with the members that follow from others.
    fn view(&self, kind: Kind, object: &Value) -> Value {
        let mut view = object.clone();
        let ids_of = |kind: Kind, member: &str| -> Vec<Value> {
            let of = self.all(kind).iter().filter(|other| other[member] == object["id"]);
            of.map(|other| other["id"].clone()).collect()
        };
        match kind {
            Kind::Network => view["subnets"] = ids_of(Kind::Subnet, "network_id").into(),
            Kind::Group => {
                let rules = self.rules.iter().filter(|rule| rule["security_group_id"] == object["id"]);
                view["security_group_rules"] = rules.cloned().collect();
            }
            Kind::Floating => {
                let port = self.ports.iter().find(|port| port["id"] == object["port_id"]);
                let is_up = port.is_some_and(|port| port["status"] == "ACTIVE");
                view["status"] = if is_up { "ACTIVE" } else { "DOWN" }.into();
                view["fixed_ip_address"] = port.map(ports::first_address).unwrap_or_default();
            }
            Kind::Port => {
                view.as_object_mut().map(|members| members.remove(ports::MADE_BY_NOVA));
            }
            Kind::Subnet | Kind::Router | Kind::Rule => {}
        }
        view
    }

    /// All that projects made, for people and tests.
    pub(super) fn describe(&self) -> Value {
        let kinds = [Kind::Network, Kind::Subnet, Kind::Port, Kind::Router, Kind::Group, Kind::Floating];
        let made = |kind: Kind| {
            let made = self.all(kind).iter().filter(|object| object["project_id"] != "");
            let made = made.filter(|object| kind != Kind::Group || object["name"] != security::DEFAULT_GROUP);
            let views = made.map(|object| self.view(kind, object)).collect();
            (format!("{}s", kind.member()), Value::Array(views))
        };
        Value::Object(kinds.into_iter().map(made).collect::<Map<_, _>>())
    }

    /// The server whose port has this floating IP.
    pub(super) fn device_of_floating(&self, address: &str) -> Option<String> {
        let floating = self.floating.iter().find(|floating| floating["floating_ip_address"] == address)?;
        let port = self.ports.iter().find(|port| port["id"] == floating["port_id"])?;
        port["device_id"].as_str().map(str::to_owned)
    }

    /// The addresses that are free for floating IPs.
    fn free_floating_address(&self) -> Option<Ipv4Addr> {
        let taken = |address: &Ipv4Addr| {
            let address = address.to_string();
            self.floating.iter().any(|floating| floating["floating_ip_address"] == *address)
        };
        self.floating_addresses.all().find(|address| !taken(address))
    }
}

/// Whether a project sees an object.
fn is_visible(object: &Value, project: &str) -> bool {
    object["project_id"] == project || object["shared"] == true || object["router:external"] == true
        // What is of the cloud itself is of no project: subnets and routers of its networks.
        || object["project_id"] == ""
}

/// A text member of a body.
fn text<'a>(asked: &'a Value, member: &str) -> Result<&'a str, Refusal> {
    let missing = || {
        Refusal::network_input(format!(
            "Failed to parse request. Required attribute '{member}' not specified"
        ))
    };
    asked[member].as_str().filter(|text| !text.is_empty()).ok_or_else(missing)
}

/// A text that may be left out.
fn optional(asked: &Value, member: &str) -> Value {
    json!(asked[member].as_str().unwrap_or_default())
}
