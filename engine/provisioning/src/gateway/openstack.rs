//! `OpenStack`: Keystone's sessions, and what flows may do in Nova, Neutron, Glance, Cinder and Swift.
//!
//! Promises: the token stays within the gateway; nothing with a name of ours is made twice, although no service of `OpenStack` knows an
//! Idempotency-Key; no answer has a password or user data.

use serde_json::{Map, Value, json};

use super::{
    call::{Call, Rule, query},
    catalog,
    provider::{Create, Login, LoginCall, Look, Place, Provider, Seen, Session, find, is_own_name},
};
use crate::model::{Metrics, Recorded};

pub(super) struct OpenStack;

const COMPUTE: &[Rule] = &[
    Rule("GET", "flavors"),
    Rule("GET", "flavors/*"),
    Rule("GET POST", "servers"),
    // Also `servers/detail`.
    Rule("GET DELETE", "servers/*"),
    Rule("GET", "servers/*/diagnostics|ips|os-volume_attachments"),
    Rule("POST", "servers/*/action"),
    Rule("GET", "limits"),
];

const NETWORK: &[Rule] = &[
    Rule("GET POST", "v2.0/networks"),
    Rule("GET PUT DELETE", "v2.0/networks/*"),
    Rule("GET POST", "v2.0/subnets"),
    Rule("GET DELETE", "v2.0/subnets/*"),
    Rule("GET POST", "v2.0/routers"),
    Rule("GET PUT DELETE", "v2.0/routers/*"),
    Rule("PUT", "v2.0/routers/*/add_router_interface"),
    Rule("PUT", "v2.0/routers/*/remove_router_interface"),
    Rule("GET POST", "v2.0/security-groups"),
    Rule("GET DELETE", "v2.0/security-groups/*"),
    Rule("GET POST", "v2.0/security-group-rules"),
    Rule("GET DELETE", "v2.0/security-group-rules/*"),
    Rule("GET POST", "v2.0/ports"),
    Rule("GET PUT DELETE", "v2.0/ports/*"),
    Rule("GET POST", "v2.0/floatingips"),
    Rule("GET PUT DELETE", "v2.0/floatingips/*"),
];

const IMAGE: &[Rule] = &[Rule("GET", "v2/images"), Rule("GET", "v2/images/*")];

const VOLUME: &[Rule] = &[Rule("GET POST", "volumes"), Rule("GET DELETE", "volumes/*")];

/// Containers only: what is in them belongs to the tenant.
const OBJECT_STORE: &[Rule] = &[Rule("GET HEAD PUT POST DELETE", "*")];

/// Actions of a server. The others answer with passwords and consoles, or leave what was recorded behind.
const ACTIONS: [&str; 6] = ["os-start", "os-stop", "reboot", "resize", "confirmResize", "revertResize"];

/// Kinds of things that are made with a name: service, path, member of one, member of a list, path of the look, member with the name.
const KINDS: [(&str, &str, &str, &str, &str, &str); 8] = [
    ("compute", "servers", "server", "servers", "servers/detail", "name"),
    ("network", "v2.0/ports", "port", "ports", "v2.0/ports", "name"),
    ("network", "v2.0/security-groups", "security_group", "security_groups", "v2.0/security-groups", "name"),
    ("network", "v2.0/networks", "network", "networks", "v2.0/networks", "name"),
    ("network", "v2.0/subnets", "subnet", "subnets", "v2.0/subnets", "name"),
    ("network", "v2.0/routers", "router", "routers", "v2.0/routers", "name"),
    // They have no name.
    ("network", "v2.0/floatingips", "floatingip", "floatingips", "v2.0/floatingips", "description"),
    ("volumev3", "volumes", "volume", "volumes", "volumes/detail", "name"),
];

impl Provider for OpenStack {
    fn services(&self) -> &'static [(&'static str, &'static [Rule])] {
        &[
            ("compute", COMPUTE),
            ("network", NETWORK),
            ("image", IMAGE),
            ("volumev3", VOLUME),
            ("object-store", OBJECT_STORE),
        ]
    }

    fn login(&self, place: &Place) -> Result<Login, String> {
        let body = json!({"auth": authentication(place)?});
        let endpoint = place.api_url()?.to_owned();
        Ok(Login::Call(LoginCall { endpoint, path: "auth/tokens", headers: Vec::new(), body: Some(body) }))
    }

    fn read_login(
        &self,
        place: &Place,
        header: &dyn Fn(&str) -> Option<String>,
        body: &Value,
    ) -> Result<Session, String> {
        let token = header("X-Subject-Token").filter(|token| !token.is_empty());
        let token = token.ok_or("Keystone answered without the header X-Subject-Token")?;
        let services = self.services().iter().map(|(service, _)| *service);
        let endpoints = catalog::endpoints(&place.cluster, &body["token"]["catalog"], services);
        let headers = vec![("X-Auth-Token".to_owned(), token.clone())];
        let expires_at = body["token"]["expires_at"].as_str().and_then(|moment| moment.parse().ok());
        Ok(Session { expires_at, is_renewable: true, ..Session::new(endpoints, headers, &[&token]) })
    }

    fn headers(&self, service: &str) -> &'static [(&'static str, &'static str)] {
        // From 2.67 on a server can be given the type of its volume.
        if service == "compute" { &[("OpenStack-API-Version", "compute 2.67")] } else { &[] }
    }

    fn checks(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[
            ("compute", "flavors/detail", "limit=1"),
            ("network", "v2.0/networks", "limit=1"),
            ("image", "v2/images", "limit=1"),
            ("volumev3", "volumes/detail", "limit=1"),
        ]
    }

    fn check_body(&self, call: &Call) -> Result<(), String> {
        if call.service != "compute" || !call.path.ends_with("/action") {
            return Ok(());
        }
        let actions: Vec<&str> =
            call.body.iter().filter_map(Value::as_object).flat_map(Map::keys).map(String::as_str).collect();
        match actions.as_slice() {
            [action] if ACTIONS.contains(action) => Ok(()),
            other => Err(format!(
                "an action of a server is one of {}; this is `{}`",
                ACTIONS.join(", "),
                other.join(", ")
            )),
        }
    }

    fn create(&self, call: &Call) -> Option<Create> {
        let (service, _, one, many, path, member) = KINDS
            .into_iter()
            .find(|kind| call.method == "POST" && kind.0 == call.service && kind.1 == call.path)?;
        let name = call.body.as_ref()?[one][member].as_str().filter(|name| is_own_name(name))?.to_owned();
        // To Nova a name is a regular expression.
        let filter = if service == "compute" { format!("^{}$", escape(&name)) } else { name.clone() };
        let thing = format!("{service}/{many}/{name}");
        let read = move |answer: &Value| match find(&living(&answer[many]), member, &name) {
            Some(found) => Seen::Found(json!({one: found})),
            None => Seen::Nothing,
        };
        let look =
            Look { call: Call::get(service, path, Some(query(&[(member, &filter)]))), read: Box::new(read) };
        Some(Create { thing, look })
    }

    fn look_after(&self, call: &Call, status: u16, answer: &Value) -> Option<Look> {
        if status != 409
            || call.path != "v2.0/security-group-rules"
            || answer["NeutronError"]["type"] != "SecurityGroupRuleExists"
        {
            return None;
        }
        let rule = call.body.as_ref()?["security_group_rule"].clone();
        let text = |name: &str| rule[name].as_str().unwrap_or_default().to_owned();
        let (group, direction) = (text("security_group_id"), text("direction"));
        let filter = query(&[("security_group_id", &group), ("direction", &direction)]);
        let read = move |answer: &Value| {
            let rules = answer["security_group_rules"].as_array();
            let found = rules.into_iter().flatten().find(|known| is_same_rule(known, &rule));
            found.map_or(Seen::Nothing, |found| Seen::Found(json!({"security_group_rule": found})))
        };
        Some(Look {
            call: Call::get("network", "v2.0/security-group-rules", Some(filter)),
            read: Box::new(read),
        })
    }

    fn cleans(&self, call: &Call) -> bool {
        call.service == "compute"
    }

    fn clean(&self, answer: &mut Value) -> bool {
        remove_passwords(answer)
    }

    fn measure(&self, _place: &Place, recorded: &Recorded) -> Option<(Call, fn(&Value) -> Metrics)> {
        let server = recorded.provider_id.as_ref().filter(|_| recorded.kind == "server")?;
        Some((Call::get("compute", &format!("servers/{server}/diagnostics"), None), super::diagnostics::read))
    }
}

/// The `auth` of Keystone: as it is written in the credentials, or from user and password, or from an application credential.
fn authentication(place: &Place) -> Result<Value, String> {
    if let Some(auth) = place.credential_value("auth").filter(|auth| auth.is_object()) {
        return Ok(auth.clone());
    }
    let application = place.credential_value("applicationCredential");
    let of_application = |name: &str| application.and_then(|application| application[name].as_str());
    if let (Some(id), Some(secret)) = (of_application("id"), of_application("secret")) {
        let credential = json!({"id": id, "secret": secret});
        return Ok(
            json!({"identity": {"methods": ["application_credential"], "application_credential": credential}}),
        );
    }
    let (user, password) = (place.required("user")?, place.required("password")?);
    let domain = place.credential("domain").unwrap_or("Default");
    let in_domain = |name: &str| json!({"name": place.credential(name).unwrap_or(domain)});
    let user = json!({"name": user, "domain": in_domain("userDomain"), "password": password});
    let project = match place.credential("projectId") {
        Some(id) => json!({"id": id}),
        None => json!({"name": place.required("project")?, "domain": in_domain("projectDomain")}),
    };
    Ok(
        json!({"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"project": project}}),
    )
}

/// A list without servers that are about to be gone: Nova shows them for a while after they were deleted.
fn living(items: &Value) -> Value {
    let is_going = |item: &&Value| {
        item["OS-EXT-STS:task_state"] == "deleting"
            || item["status"].as_str().is_some_and(|status| matches!(status, "DELETED" | "SOFT_DELETED"))
    };
    items.as_array().into_iter().flatten().filter(|item| !is_going(item)).cloned().collect()
}

/// A name within a regular expression.
fn escape(name: &str) -> String {
    let mut escaped = String::new();
    for character in name.chars() {
        if !character.is_alphanumeric() && !matches!(character, '-' | '_') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Whether a rule of a group is the one that was sent: all that was sent is in it.
fn is_same_rule(known: &Value, sent: &Value) -> bool {
    let sent = sent.as_object().into_iter().flatten();
    sent.filter(|(name, _)| *name != "description").all(|(name, value)| {
        let known = &known[name.as_str()];
        known == value
            || value
                .as_str()
                .zip(known.as_str())
                .is_some_and(|(value, known)| value.eq_ignore_ascii_case(known))
    })
}

/// Members of Nova's answers that hold passwords: the one that it makes, and user data, which it shows to admins.
const HIDDEN: [&str; 3] = ["adminPass", "OS-EXT-SRV-ATTR:user_data", "user_data"];

fn remove_passwords(value: &mut Value) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().fold(false, |found, item| remove_passwords(item) | found),
        Value::Object(members) => {
            let found = HIDDEN.iter().fold(false, |found, name| members.remove(*name).is_some() | found);
            members.values_mut().fold(found, |found, member| remove_passwords(member) | found)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
