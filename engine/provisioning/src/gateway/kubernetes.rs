//! Kubernetes and `OpenShift`: a bearer token, and what flows may do in namespaces.
//!
//! Promises: an object that is there already counts as made only if it has the label of the same request and is not about to be gone; the
//! values of Secrets are written and never read.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    call::{Call, Rule},
    provider::{Login, Look, Place, Provider, Seen, Session},
};

pub(super) struct Kubernetes;

/// The label that says for which request an object was made.
const LABEL: &str = "desk.rondo/request";

const RULES: &[Rule] = &[
    Rule("GET POST", "api/v1/namespaces"),
    Rule("GET PUT PATCH DELETE", "api/v1/namespaces/*"),
    Rule(
        "GET POST",
        "api/v1/namespaces/*/resourcequotas|limitranges|serviceaccounts|services|configmaps|persistentvolumeclaims",
    ),
    Rule(
        "GET PUT PATCH DELETE",
        "api/v1/namespaces/*/resourcequotas|limitranges|serviceaccounts|services|configmaps|persistentvolumeclaims/*",
    ),
    Rule("POST", "api/v1/namespaces/*/secrets"),
    Rule("PUT DELETE", "api/v1/namespaces/*/secrets/*"),
    Rule("GET", "api/v1/namespaces/*/pods"),
    Rule("GET DELETE", "api/v1/namespaces/*/pods/*"),
    Rule("GET POST", "apis/rbac.authorization.k8s.io/v1/namespaces/*/roles|rolebindings"),
    Rule("GET PUT PATCH DELETE", "apis/rbac.authorization.k8s.io/v1/namespaces/*/roles|rolebindings/*"),
    Rule("GET POST", "apis/networking.k8s.io/v1/namespaces/*/networkpolicies|ingresses"),
    Rule("GET PUT PATCH DELETE", "apis/networking.k8s.io/v1/namespaces/*/networkpolicies|ingresses/*"),
    // Workloads are scaled while a namespace is suspended.
    Rule("GET", "apis/apps/v1/namespaces/*/deployments|statefulsets|replicasets"),
    Rule("GET PUT PATCH", "apis/apps/v1/namespaces/*/deployments|statefulsets|replicasets/*"),
    Rule("GET PUT PATCH", "apis/apps/v1/namespaces/*/deployments|statefulsets|replicasets/*/scale"),
    Rule("GET", "apis/metrics.k8s.io/v1beta1/namespaces/*/pods"),
    Rule("POST", "apis/project.openshift.io/v1/projectrequests"),
    Rule("GET", "apis/project.openshift.io/v1/projects/**"),
    Rule("GET POST", "apis/build.openshift.io/v1/namespaces/*/buildconfigs"),
    Rule("GET PUT PATCH DELETE", "apis/build.openshift.io/v1/namespaces/*/buildconfigs/*"),
    Rule("POST", "apis/build.openshift.io/v1/namespaces/*/buildconfigs/*/instantiate"),
    Rule("GET", "apis/build.openshift.io/v1/namespaces/*/builds/**"),
    Rule("GET POST", "apis/kubevirt.io/v1/namespaces/*/virtualmachines"),
    Rule("GET PUT PATCH DELETE", "apis/kubevirt.io/v1/namespaces/*/virtualmachines/*"),
    Rule("GET", "apis/kubevirt.io/v1/namespaces/*/virtualmachineinstances/**"),
    Rule("PUT", "apis/subresources.kubevirt.io/v1/namespaces/*/virtualmachines/*/start|stop|restart"),
];

impl Provider for Kubernetes {
    fn services(&self) -> &'static [(&'static str, &'static [Rule])] {
        &[("kubernetes", RULES)]
    }

    fn login(&self, place: &Place) -> Result<Login, String> {
        let token = place.required("token")?;
        let endpoints = BTreeMap::from([("kubernetes".to_owned(), place.api_url()?.to_owned())]);
        let headers = vec![("Authorization".to_owned(), format!("Bearer {token}"))];
        Ok(Login::Ready(Session::new(endpoints, headers, &[token])))
    }

    fn checks(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("kubernetes", "api/v1/namespaces", "limit=1")]
    }

    fn look_after(&self, call: &Call, status: u16, answer: &Value) -> Option<Look> {
        if status != 409 || answer["reason"] != "AlreadyExists" || call.method != "POST" {
            return None;
        }
        let metadata = &call.body.as_ref()?["metadata"];
        let name = metadata["name"].as_str()?;
        let request = metadata["labels"][LABEL].as_str().filter(|request| !request.is_empty())?.to_owned();
        let read = move |known: &Value| {
            let is_ours = known["metadata"]["labels"][LABEL] == request.as_str();
            // One that is about to be gone takes what is made in it along.
            let is_going = !known["metadata"]["deletionTimestamp"].is_null();
            if is_ours && !is_going { Seen::Found(known.clone()) } else { Seen::Nothing }
        };
        Some(Look {
            call: Call::get(&call.service, &format!("{}/{name}", call.path), None),
            read: Box::new(read),
        })
    }

    fn is_out_of_order(&self, status: u16, answer: &Value) -> bool {
        // A refusal of an admission webhook is a `Status` too, and one of its statuses is 500.
        status >= 500 && answer["reason"] != "InternalError"
    }

    fn cleans(&self, call: &Call) -> bool {
        // The answer to a written Secret is the Secret.
        call.path.split('/').any(|segment| segment == "secrets")
    }

    fn clean(&self, answer: &mut Value) -> bool {
        answer.as_object_mut().is_some_and(|members| {
            let values = ["data", "stringData"].map(|name| members.remove(name).is_some());
            // The last applied form is a copy of it.
            let annotations =
                members.get_mut("metadata").and_then(|metadata| metadata["annotations"].as_object_mut());
            let copy = annotations.and_then(|annotations| {
                annotations.remove("kubectl.kubernetes.io/last-applied-configuration")
            });
            values.contains(&true) || copy.is_some()
        })
    }
}

/// The authority that the cluster's certificate is of, in PEM form; kubeconfigs have it in base64.
pub(super) fn authority(place: &Place) -> Option<String> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let given = place.credential("ca").or_else(|| place.setting("ca"))?;
    if given.contains("-----BEGIN") {
        return Some(given.to_owned());
    }
    let decoded = STANDARD.decode(given.split_whitespace().collect::<String>()).ok()?;
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::gateway::{
        call::is_allowed,
        tests::{place, post},
    };

    fn found(sent: Value, known: Value) -> bool {
        let call = post("kubernetes", "api/v1/namespaces", sent);
        let look = Kubernetes.look_after(&call, 409, &json!({"reason": "AlreadyExists"}));
        look.is_some_and(|look| {
            assert_eq!(look.call.path, "api/v1/namespaces/acme-shop");
            matches!((look.read)(&known), Seen::Found(_))
        })
    }

    #[test]
    fn an_object_is_ours_by_its_label_only() {
        let object = |label: Value, going: Value| json!({"metadata": {"name": "acme-shop", "labels": {LABEL: label}, "deletionTimestamp": going}});
        let ours = object("r1".into(), Value::Null);
        assert!(found(ours.clone(), ours.clone()));
        assert!(!found(ours.clone(), object("r2".into(), Value::Null)));
        assert!(!found(ours.clone(), object(Value::Null, Value::Null)));
        assert!(!found(object(Value::Null, Value::Null), object(Value::Null, Value::Null)));
        assert!(!found(ours.clone(), object("r1".into(), "2026-01-05T10:10:00Z".into())));
        let call = post("kubernetes", "api/v1/namespaces", ours);
        assert!(Kubernetes.look_after(&call, 409, &json!({"reason": "Conflict"})).is_none());
        assert!(Kubernetes.look_after(&call, 403, &json!({"reason": "AlreadyExists"})).is_none());
    }

    #[test]
    fn secrets_and_what_belongs_to_the_cluster_are_not_read() {
        let allows = |method: &str, path: &str| {
            is_allowed(RULES, method, &Call::get("kubernetes", path, None).segments().unwrap())
        };
        assert!(
            allows("POST", "api/v1/namespaces/a/secrets") && allows("PUT", "api/v1/namespaces/a/secrets/x")
        );
        assert!(allows("POST", "apis/networking.k8s.io/v1/namespaces/a/networkpolicies"));
        for (method, path) in [
            ("GET", "api/v1/namespaces/a/secrets"),
            ("GET", "api/v1/namespaces/a/secrets/x"),
            ("DELETE", "api/v1/namespaces"),
            ("DELETE", "api/v1/namespaces/a/configmaps"),
            ("GET", "api/v1/nodes"),
            ("POST", "api/v1/namespaces/a/serviceaccounts/x/token"),
            ("POST", "api/v1/namespaces/a/pods/x/exec"),
            ("POST", "apis/rbac.authorization.k8s.io/v1/clusterroles"),
        ] {
            assert!(!allows(method, path), "{method} {path}");
        }
    }

    #[test]
    fn an_answer_has_no_values_of_a_secret() {
        let mut answer = json!({"kind": "Secret", "metadata": {"name": "x", "annotations": {"a": "b"}}, "data": {"password": "cHc="}});
        assert!(
            Kubernetes.cleans(&post("kubernetes", "api/v1/namespaces/a/secrets", json!({})))
                && Kubernetes.clean(&mut answer)
        );
        assert_eq!(answer, json!({"kind": "Secret", "metadata": {"name": "x", "annotations": {"a": "b"}}}));
        assert!(!Kubernetes.cleans(&post("kubernetes", "api/v1/namespaces/a/configmaps", json!({}))));
    }

    #[test]
    fn an_authority_is_taken_as_pem_and_as_kubeconfigs_have_it() {
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let encoded = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBQUEKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";
        for given in [pem, encoded] {
            assert_eq!(
                authority(&place("kubernetes", json!({}), json!({"ca": given}))).as_deref(),
                Some(pem)
            );
        }
        assert_eq!(authority(&place("kubernetes", json!({}), json!({}))), None);
    }
}
