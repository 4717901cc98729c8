//! vCenter: a session by user and password, and machines that are deployed from templates.
//!
//! Promises: a machine with a name of ours is deployed once; a busy service or a guest without tools is no failure of the cluster.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    call::{Call, Rule, query},
    provider::{Create, Login, LoginCall, Look, Place, Provider, Seen, Session, find, is_own_name},
};

pub(super) struct VSphere;

const RULES: &[Rule] = &[
    Rule("GET", "api/vcenter/vm"),
    Rule("GET DELETE", "api/vcenter/vm/*"),
    Rule("GET POST", "api/vcenter/vm/*/power"),
    Rule("GET", "api/vcenter/vm/*/guest/identity"),
    Rule("POST", "api/vcenter/vm-template/library-items/*"),
    Rule("GET", "api/cis/tasks/*"),
];

/// What the name of a task begins with that stands for a machine that was found. It is answered here: vCenter does not say which task has
/// deployed a machine.
const FOUND: &str = "desk-found:";

impl Provider for VSphere {
    fn services(&self) -> &'static [(&'static str, &'static [Rule])] {
        &[("vsphere", RULES)]
    }

    fn login(&self, place: &Place) -> Result<Login, String> {
        let user = place.credential("username").or_else(|| place.credential("user"));
        let user = user.ok_or_else(|| {
            format!("the credentials of the cluster `{}` have no `username`", place.cluster.name)
        })?;
        let encoded = STANDARD.encode(format!("{user}:{}", place.required("password")?));
        let headers = vec![("Authorization".to_owned(), format!("Basic {encoded}"))];
        Ok(Login::Call(LoginCall {
            endpoint: place.api_url()?.to_owned(),
            path: "api/session",
            headers,
            body: None,
        }))
    }

    fn read_login(
        &self,
        place: &Place,
        _header: &dyn Fn(&str) -> Option<String>,
        body: &Value,
    ) -> Result<Session, String> {
        let session = body
            .as_str()
            .filter(|session| !session.is_empty())
            .ok_or("vCenter answered without the id of a session")?;
        let endpoints = BTreeMap::from([("vsphere".to_owned(), place.api_url()?.to_owned())]);
        let headers = vec![("vmware-api-session-id".to_owned(), session.to_owned())];
        Ok(Session { is_renewable: true, ..Session::new(endpoints, headers, &[session]) })
    }

    fn checks(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("vsphere", "api/vcenter/vm", "names=rq-")]
    }

    fn create(&self, call: &Call) -> Option<Create> {
        let is_deploy =
            call.method == "POST" && call.path.starts_with("api/vcenter/vm-template/library-items/");
        let name =
            call.body.as_ref().filter(|_| is_deploy)?["name"].as_str().filter(|name| is_own_name(name))?;
        Some(Create { thing: format!("vm/{name}"), look: look(call, name) })
    }

    fn look_after(&self, call: &Call, status: u16, answer: &Value) -> Option<Look> {
        let is_there = status == 400 && answer["error_type"] == "ALREADY_EXISTS";
        self.create(call).filter(|_| is_there).map(|create| create.look)
    }

    fn answer(&self, call: &Call) -> Option<Value> {
        let segments = call.segments().ok()?;
        let machine = segments.last()?.strip_prefix(FOUND)?;
        call.path.starts_with("api/cis/tasks/").then(|| json!({"status": "SUCCEEDED", "result": machine}))
    }

    fn is_out_of_order(&self, status: u16, answer: &Value) -> bool {
        // RESOURCE_BUSY, and SERVICE_UNAVAILABLE of a guest without tools.
        status >= 500 && !(status == 503 && answer["error_type"].is_string())
    }
}

/// A look by name. With `vmw-task` a deployment answers a task, without it the machine.
fn look(call: &Call, name: &str) -> Look {
    let answers_task = call.query.as_deref().is_some_and(|query| {
        url::form_urlencoded::parse(query.as_bytes())
            .any(|(name, value)| name == "vmw-task" && value == "true")
    });
    let wanted = name.to_owned();
    let read =
        move |answer: &Value| match find(answer, "name", &wanted).and_then(|found| found["vm"].as_str()) {
            Some(machine) if answers_task => Seen::Found(format!("{FOUND}{machine}").into()),
            Some(machine) => Seen::Found(machine.into()),
            None => Seen::Nothing,
        };
    Look {
        call: Call::get("vsphere", "api/vcenter/vm", Some(query(&[("names", name)]))),
        read: Box::new(read),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::tests::{place, post};

    #[test]
    fn a_machine_that_was_found_is_a_task_that_has_succeeded() {
        let mut call = post("vsphere", "api/vcenter/vm-template/library-items/8b6f", json!({"name": "rq-1"}));
        let machines = json!([{"vm": "vm-42", "name": "rq-1"}]);
        for (query, expected) in
            [(Some("action=deploy&vmw-task=true"), "desk-found:vm-42"), (Some("action=deploy"), "vm-42")]
        {
            call.query = query.map(str::to_owned);
            let create = VSphere.create(&call).unwrap();
            assert_eq!(
                (create.thing.as_str(), create.look.call.query.as_deref()),
                ("vm/rq-1", Some("names=rq-1"))
            );
            assert!(matches!((create.look.read)(&machines), Seen::Found(answer) if answer == expected));
        }
        let task = VSphere.answer(&Call::get("vsphere", "api/cis/tasks/desk-found%3Avm-42", None));
        assert_eq!(task, Some(json!({"status": "SUCCEEDED", "result": "vm-42"})));
        assert_eq!(VSphere.answer(&Call::get("vsphere", "api/cis/tasks/5f1e:com.vmware", None)), None);
        assert!(VSphere.look_after(&call, 400, &json!({"error_type": "ALREADY_EXISTS"})).is_some());
        assert!(
            VSphere.look_after(&call, 400, &json!({"error_type": "UNABLE_TO_ALLOCATE_RESOURCE"})).is_none()
        );
    }

    #[test]
    fn a_session_is_the_text_that_is_answered() {
        let place = place("vmware", json!({}), json!({"username": "desk", "password": "p"}));
        let Login::Call(call) = VSphere.login(&place).unwrap() else { panic!() };
        assert_eq!(call.headers, [("Authorization".to_owned(), "Basic ZGVzazpw".to_owned())]);
        let session = VSphere.read_login(&place, &|_| None, &json!("cb40d696")).unwrap();
        assert_eq!(session.headers, [("vmware-api-session-id".to_owned(), "cb40d696".to_owned())]);
        assert!(VSphere.read_login(&place, &|_| None, &json!({})).is_err());
    }

    #[test]
    fn a_busy_service_is_no_failure_of_the_cluster() {
        assert!(!VSphere.is_out_of_order(503, &json!({"error_type": "RESOURCE_BUSY"})));
        assert!(
            VSphere.is_out_of_order(503, &Value::Null)
                && VSphere.is_out_of_order(500, &json!({"error_type": "ERROR"}))
        );
    }
}
