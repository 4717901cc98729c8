//! What goes wrong with secrets in it: calls that the platform refuses, and services that repeat in their errors what they were sent.

use reqwest::{Client, Method};
use rondo_simulator::{Failure, Service};
use rondo_tests::until;
use serde_json::{Value, json};

use crate::platform::{Platform, canary};

impl Platform {
    /// Clouds and clusters that repeat in their errors what they were sent.
    pub(crate) async fn fail_with_repeated_secrets(&self) {
        self.cloud.repeat_headers();
        let repeated = |service: Service, path: &str, secret: &str| Failure {
            service: Some(service),
            method: None,
            path_prefix: path.to_owned(),
            status: 403,
            times: 100,
            body: Some(
                json!({"kind": "Status", "reason": "Forbidden", "message": format!("not with {secret}")}),
            ),
            after_effect: false,
            hangs_up: false,
            hangs: false,
            skips: 0,
        };
        self.services.fail(repeated(Service::Kubernetes, "/", &canary("kubernetes")));
        for (name, provider) in [("unlucky", "openstack"), ("locked", "kubernetes")] {
            let id = self.request(name, provider).await;
            let mut last = Value::Null;
            until(&format!("{name} fails"), async || {
                last = self.desk("root", Method::GET, &format!("/requests/{id}"), Value::Null).await;
                ["Failed", "Rolled Back"].iter().any(|state| last["state"] == **state)
            })
            .await;
            // That it was refused is told, without what it was refused with.
            assert!(last["failure"].to_string().contains("not with"), "{last}");
        }
        let tested = self.desk("root", Method::POST, "/clusters/k8s/test", Value::Null).await;
        assert_eq!(tested["ok"], false, "{tested}");
    }

    /// Calls that the platform refuses, with secrets in them.
    pub(crate) async fn call_wrongly(&self) {
        let refused = canary("refused-password");
        let address =
            format!("https://user:{}@cloud.example/v3", canary("address-password").replace('/', "%2F"));
        let credentials = json!({"user": "desk", "password": refused, "project": "os", "domain": "Default"});
        for (person, method, path, body) in [
            ("stranger", Method::GET, "/desk/v1/requests", Value::Null),
            ("stranger", Method::POST, "/desk/v1/requests", json!({})),
            (
                "jane",
                Method::POST,
                "/desk/v1/clusters",
                json!({"name": "x", "type": "openstack", "region": "eu", "credentials": credentials}),
            ),
            (
                "root",
                Method::POST,
                "/desk/v1/clusters",
                json!({"name": 7, "type": "openstack", "credentials": credentials}),
            ),
            (
                "root",
                Method::POST,
                "/desk/v1/clusters",
                json!({"name": "y", "type": "openstack", "region": "eu", "credentials": refused}),
            ),
            (
                "root",
                Method::POST,
                "/desk/v1/clusters",
                json!({"name": "z", "type": "openstack", "region": "eu", "apiUrl": address, "credentials": credentials}),
            ),
            ("root", Method::POST, "/desk/v1/clusters/z/test", Value::Null),
            ("root", Method::GET, "/desk/v1/clusters", Value::Null),
            (
                "root",
                Method::POST,
                "/desk/v1/webhooks",
                json!({"pool": "acme", "url": address, "secret": refused}),
            ),
            (
                "root",
                Method::POST,
                "/desk/v1/webhooks",
                json!({"pool": "acme", "url": 1, "secret": refused, "password": refused}),
            ),
            (
                "root",
                Method::POST,
                "/desk/v1/webhooks",
                json!({"pool": "none", "url": "https://a.example", "secret": refused}),
            ),
            (
                "jane",
                Method::PUT,
                "/desk/v1/requests/none/credentials",
                json!({"kind": "vm", "user": "admin", "cloudInit": {"password": refused}}),
            ),
            ("engine", Method::GET, "/desk/v1/clusters/os/gateway/compute/none", Value::Null),
            ("engine", Method::GET, "/desk/v1/users/jane/gateway/github/user", Value::Null),
            ("jane", Method::POST, "/launch-with-approval", json!({"pool": 1})),
            ("jane", Method::GET, "/management/processes/none", Value::Null),
        ] {
            self.ask(person, method, path, body).await;
        }
        let form =
            Client::new().post(self.engine.url("/desk/sign-in")).form(&[("token", canary("stranger"))]);
        assert_eq!(self.hear("signing in with a token of nobody", form).await.0, 401);
        let broken = format!("{{\"name\": \"x\", \"credentials\": {{\"password\": \"{refused}\"}}");
        let request =
            Client::new().post(self.engine.url("/desk/v1/clusters")).bearer_auth(canary("root")).body(broken);
        self.hear("a body that breaks off", request.header("content-type", "application/json")).await;
    }
}
