//! What people and systems do with the platform, each story with the secrets that it needs.

use reqwest::{Client, Method};
use rondo_simulator::Decision;
use rondo_tests::{Answer, until};
use serde_json::{Value, json};

use crate::platform::{Platform, canary};

impl Platform {
    /// An order of a shop becomes a server, whose password is shown once; it is switched off and on, and given back.
    pub(crate) async fn order_a_server(&self) {
        let item = json!({
            "ref": "web", "type": "vps", "provider": "openstack", "region": "eu-west-1", "image": "ubuntu-24.04",
            "resources": {"instances": 1, "cpu": 4, "memoryGiB": 8, "storageGiB": 80},
        });
        let order =
            json!({"orderId": "ord-7", "pool": "acme", "customer": "user:default/jane", "items": [item]});
        let ordered = Client::new()
            .post(format!("{}/orders", self.services.orders_url()))
            .json(&order)
            .send()
            .await
            .unwrap();
        assert_eq!(ordered.status(), 201);
        let mut id = String::new();
        until("the order becomes a request", async || {
            let found = self.desk("root", Method::GET, "/requests?orderId=ord-7", Value::Null).await;
            found["items"][0]["id"].as_str().unwrap_or_default().clone_into(&mut id);
            !id.is_empty()
        })
        .await;
        self.wait_for(&id, "Completed").await;
        // Its answer has the password, and is the only one.
        let path = format!("/desk/v1/requests/{id}/credentials/reveal");
        let revealed = Client::new()
            .post(self.engine.url(&path))
            .bearer_auth(canary("jane"))
            .header("Idempotency-Key", "once");
        let revealed = Answer::to(revealed).await.unwrap();
        self.learn(
            "made password",
            revealed.body["password"].as_str().unwrap_or_else(|| panic!("{revealed:?}")),
        );
        assert_eq!(self.ask("jane", Method::POST, &path, Value::Null).await.0, 410);
        for (action, state) in
            [("suspend", "Suspended"), ("reactivate", "Completed"), ("deprovision", "Rolled Back")]
        {
            self.desk(
                "jane",
                Method::POST,
                &format!("/requests/{id}/actions/{action}"),
                json!({"reason": "a test"}),
            )
            .await;
            self.wait_for(&id, state).await;
        }
    }

    /// Jane asks for something of a provider; gives the request's id.
    pub(crate) async fn request(&self, name: &str, provider: &str) -> String {
        let kind = if provider == "kubernetes" { "namespace" } else { "vps" };
        let asked = json!({
            "pool": "acme", "requester": "user:default/jane", "type": kind, "provider": provider, "name": name, "region": "eu-west-1",
            "image": "ubuntu-24.04", "resources": {"instances": 1, "cpu": 2, "memoryGiB": 4, "storageGiB": 40},
        });
        let made = self.desk("jane", Method::POST, "/requests", asked).await;
        made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    /// A namespace of a tenant.
    pub(crate) async fn make_a_namespace(&self) {
        let id = self.request("team", "kubernetes").await;
        self.wait_for(&id, "Completed").await;
    }

    /// A server that a person sets up.
    pub(crate) async fn set_up_by_hand(&self) {
        let id = self.request("mainframe", "manual").await;
        self.wait_for(&id, "Activating").await;
        let access = json!({"access": {"hostname": "mf.vendor.example", "notes": "ask for the badge"}});
        until("the flow waits for people", async || {
            let path = format!("/desk/v1/requests/{id}/actions/complete-manually");
            self.ask("rita", Method::POST, &path, access.clone()).await.0 == 202
        })
        .await;
        self.wait_for(&id, "Completed").await;
    }

    /// A private cloud product from its creation to its end, through the provisioner.
    pub(crate) async fn keep_a_private_cloud(&self) {
        let mut product = private_cloud();
        let created = self.follow("private-cloud-create", &product).await;
        let plate = created["licencePlate"].clone();
        product["resourceRequests"]["production"]["cpu"] = json!(2);
        product["licencePlate"] = plate.clone();
        self.follow("private-cloud-edit", &product).await;
        self.follow(
            "private-cloud-delete",
            &json!({"requester": "user:default/jane", "licencePlate": plate}),
        )
        .await;
    }

    /// Starts an instance as jane, agrees to what it asks, and waits for its end; gives its data.
    async fn follow(&self, flow: &str, data: &Value) -> Value {
        let (status, started) = self.ask("jane", Method::POST, &format!("/{flow}"), data.clone()).await;
        let id = started["id"].as_str().unwrap_or_else(|| panic!("{flow}: {status} {started}")).to_owned();
        let mut last = Value::Null;
        until(&format!("{flow} ends"), async || {
            for approval in self.pending().await {
                let path = format!("/desk/v1/approvals/{}/decision", approval["id"].as_str().unwrap());
                self.ask("rita", Method::POST, &path, json!({"decision": "approved", "reason": "fine"}))
                    .await;
            }
            last = self.engine.inspect(&id).await;
            last["state"] == "COMPLETED"
        })
        .await;
        assert_eq!(last["data"]["decisionStatus"], "PROVISIONED", "{last}");
        last["data"].take()
    }

    async fn pending(&self) -> Vec<Value> {
        let found = self.desk("rita", Method::GET, "/approvals?state=pending", Value::Null).await;
        found["items"].as_array().cloned().unwrap_or_default()
    }

    /// A launch that a reviewer agrees to by the link in their mail.
    pub(crate) async fn launch_by_link(&self) {
        let resources = json!({"instances": 1, "cpu": 2, "memoryGiB": 4, "storageGiB": 40});
        let launch = json!({
            "pool": "lab", "requester": "user:default/jane", "name": "experiment", "reason": "a test of the new model",
            "instances": [{"name": "node-1", "provider": "simulation", "resources": resources}],
        });
        let (_, started) = self.ask("jane", Method::POST, "/launch-with-approval", launch).await;
        let id = started["id"].as_str().unwrap_or_else(|| panic!("{started}")).to_owned();
        let link = self.link_in_a_mail("Launch experiment").await;
        let client = Client::new();
        self.hear("a link that is looked at", client.get(&link)).await;
        self.hear("a link without a decision", client.post(&link).form(&[("decision", "perhaps")])).await;
        let decision = [("decision", "approved"), ("reason", "ok for the demo")];
        let (status, page) = self.hear("a link that decides", client.post(&link).form(&decision)).await;
        assert_eq!(status, 200, "{page}");
        assert_eq!(self.hear("a link that is used", client.post(&link).form(&decision)).await.0, 410);
        until("the launch runs", async || {
            self.engine.inspect(&id).await["data"]["deployment"]["state"] == "RUNNING"
        })
        .await;
    }

    /// The link in the mail to rita whose subject has these words. Links of all mails must be nowhere else.
    async fn link_in_a_mail(&self, words: &str) -> String {
        let mut link = None;
        until("the mail with the link comes", async || {
            for mail in self.services.mails() {
                let found = mail.body.split_whitespace().find(|word| word.contains("/approvals/links/"));
                let Some(found) = found.map(|word| word.trim_end_matches('.').to_owned()) else { continue };
                self.learn(&format!("link in “{}”", mail.subject), found.rsplit('/').next().unwrap());
                if mail.subject.contains(words) {
                    link = Some(found);
                }
            }
            link.is_some()
        })
        .await;
        link.unwrap()
    }

    /// A question whose ticket is labelled, and the namespace request, whose ticket is too.
    pub(crate) async fn ask_by_tickets(&self) {
        let asked = json!({
            "subject": "instance:0198c0de", "title": "A cluster for the demo", "requester": "jane", "approvers": ["user:default/rita"],
            "details": {"why": "the old one is full"}, "ticket": {},
        });
        let made = self.desk("root", Method::POST, "/approvals", asked).await;
        let path = format!("/approvals/{}", made["id"].as_str().unwrap());
        let mut issue = 0;
        until("the ticket is there", async || {
            issue = self.desk("root", Method::GET, &path, Value::Null).await["ticket"]["issue"]
                .as_u64()
                .unwrap_or_default();
            issue > 0
        })
        .await;
        let project = self.services.issues()[0].project;
        let event = json!({
            "object_kind": "issue", "event_type": "issue", "user": {"username": "rita"},
            "project": {"id": project, "path_with_namespace": rondo_simulator::PROJECT},
            "object_attributes": {"iid": issue, "project_id": project, "state": "opened", "action": "update"}, "labels": [{"id": 2, "title": "approved"}],
        });
        for (token, status) in [(canary("stranger"), 401), (canary("hook"), 204)] {
            let url = self.engine.url("/desk/v1/approvals/hooks/gitlab");
            let request = Client::new().post(url).header("X-Gitlab-Token", token).json(&event);
            assert_eq!(self.hear("the hook of GitLab", request).await.0, status);
        }
        let request = rondo_tests::namespace_request("team-large", "large");
        let (_, started) = self.ask("jane", Method::POST, "/create-ocp-namespace", request).await;
        let id = started["id"].as_str().unwrap_or_else(|| panic!("{started}")).to_owned();
        until("the namespace is made", async || {
            for waiting in self.services.issues().iter().filter(|issue| issue.awaits_decision()) {
                self.services.decide(waiting.project, waiting.iid, Decision::Approve).unwrap();
            }
            self.engine.inspect(&id).await["state"] == "COMPLETED"
        })
        .await;
    }
}

/// A private cloud product.
fn private_cloud() -> Value {
    let small = json!({"cpu": 0.5, "memory": 2, "storage": 1});
    json!({
        "requester": "user:default/jane", "name": "Tree Inventory", "description": "Inventory of street trees", "ministry": "AGRI",
        "cluster": "SILVER", "golddrEnabled": false, "isTest": false,
        "projectOwner": {"email": "jane@example.org", "idir": "JANE", "ref": "user:default/jane"},
        "primaryTechnicalLead": {"email": "kim@example.org", "idir": "KIM", "ref": "user:default/kim"},
        "resourceRequests": {
            "development": small, "test": small, "tools": small, "production": {"cpu": 4, "memory": 16, "storage": 64},
        },
    })
}
