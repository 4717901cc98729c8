//! What the people of the demo do, one story after another.
//!
//! A story that does not end as it should is told as such, and the next one begins.

use std::time::Instant;

use reqwest::Method;
use rondo_simulator::{CloudFailure, Simulator};
use serde_json::{Value, json};

use super::{desk::Desk, setup::REGIONS};
use crate::{demo::stamp, output};

/// Tells all stories. The error is that one of them did not end well.
pub(super) async fn run(desk: &Desk, services: &Simulator, begin: Instant) -> Result<(), String> {
    let teller = Teller { desk, services, begin };
    let told = [
        teller.tell("A customer of the shop orders a server", teller.order()).await,
        teller
            .tell("Jane wants a server with 20 cores: a rule asks the reviewers", teller.large_server())
            .await,
        teller.tell("The cloud finds no host: what was made is removed again", teller.no_host()).await,
        teller
            .tell(
                "A ministry gets a private cloud product, makes it smaller, and gives it back",
                teller.product(),
            )
            .await,
        teller.tell("Jane launches in the laboratory, where somebody has to agree", teller.launch()).await,
    ];
    let count = told.len();
    let failed: Vec<&str> = told.into_iter().filter_map(Result::err).collect();
    if failed.is_empty() {
        output::line("");
        output::line(&format!("{} ─── All {count} stories have ended as they should", stamp(begin)));
        Ok(())
    } else {
        Err(format!("these stories did not end as they should: {}", failed.join("; ")))
    }
}

struct Teller<'a> {
    desk: &'a Desk,
    services: &'a Simulator,
    begin: Instant,
}

impl Teller<'_> {
    /// Tells one story. The error is the title of one that does not end as it should.
    async fn tell<'t>(
        &self,
        title: &'t str,
        story: impl Future<Output = Result<(), String>>,
    ) -> Result<(), &'t str> {
        output::line("");
        output::line(&format!("{} ─── {title}", stamp(self.begin)));
        let Err(error) = story.await else { return Ok(()) };
        self.say("story", &error);
        Err(title)
    }

    fn say(&self, who: &str, what: &str) {
        output::line(format!("{} {who:<14} {what}", stamp(self.begin)).trim_end());
    }

    async fn order(&self) -> Result<(), String> {
        let item = json!({
            "ref": "web", "type": "vps", "provider": "openstack", "region": REGIONS[0], "image": "ubuntu-24.04",
            "resources": {"instances": 1, "cpu": 4, "memoryGiB": 8, "storageGiB": 80},
        });
        let order =
            json!({"orderId": "ord-7", "pool": "acme", "customer": "user:default/jane", "items": [item]});
        let shop = crate::client::Target::at(self.services.orders_url());
        shop.request(Method::POST, "/orders", Some(&order)).await?;
        let list = async || self.desk.get("/requests?orderId=ord-7").await;
        let found = self
            .desk
            .wait("the request of the order", list, |found| !found["items"][0]["id"].is_null())
            .await?;
        let request = self.finish(&found["items"][0]).await?;
        expect(&request, "Completed")?;
        let id = request["id"].as_str().unwrap_or_default();
        let revealed =
            self.desk.ask("jane", Method::POST, &format!("/requests/{id}/credentials/reveal"), None).await?;
        let user = revealed["username"].as_str().or(revealed["user"].as_str()).unwrap_or("the user");
        self.say("jane", &format!("sees the password of `{user}`, which the desk shows once"));
        self.give_back(&request).await
    }

    async fn large_server(&self) -> Result<(), String> {
        let asked = server("calculator", 20);
        let made = self.desk.ask("jane", Method::POST, "/requests", Some(&asked)).await?;
        let request = self.finish(&made).await?;
        // A person at the pages may well say no.
        if request["failure"]["code"] == "REJECTED" {
            return Ok(());
        }
        expect(&request, "Completed")?;
        // One server stays to be looked at, unless the next needs its address.
        if super::ADDRESSES.count > 1 { Ok(()) } else { self.give_back(&request).await }
    }

    async fn no_host(&self) -> Result<(), String> {
        self.services.fail_cloud(CloudFailure::NoHost, 1);
        let made = self.desk.ask("jane", Method::POST, "/requests", Some(&server("unlucky", 2))).await?;
        let request = self.finish(&made).await?;
        expect(&request, "Rolled Back")?;
        let name = format!("rq-{}", request["id"].as_str().unwrap_or_default());
        let left = self.services.state()["openstack"].to_string().contains(&name);
        self.say("cloud", if left { "✗ has something left of it" } else { "✓ has nothing left of it" });
        if left { Err(format!("{name} is still in the cloud")) } else { Ok(()) }
    }

    async fn product(&self) -> Result<(), String> {
        let wanted = product(4.0);
        let id = self.desk.start("private-cloud-create", &wanted).await?;
        let created = self.follow("private-cloud-create", &id).await?;
        if created["data"]["decisionStatus"] != "PROVISIONED" {
            return told(&created, "REJECTED");
        }
        let plate = created["data"]["licencePlate"].clone();
        self.say("cluster", &format!("has the namespaces {}", self.services.namespaces().join(", ")));
        let mut smaller = product(2.0);
        smaller["licencePlate"] = plate.clone();
        let id = self.desk.start("private-cloud-edit", &smaller).await?;
        told(&self.follow("private-cloud-edit", &id).await?, "PROVISIONED")?;
        let delete = json!({"requester": "user:default/jane", "licencePlate": plate});
        let id = self.desk.start("private-cloud-delete", &delete).await?;
        let deleted = self.follow("private-cloud-delete", &id).await?;
        told(&deleted, "PROVISIONED")
    }

    async fn launch(&self) -> Result<(), String> {
        let resources = json!({"instances": 1, "cpu": 2, "memoryGiB": 4, "storageGiB": 40});
        let launch = json!({
            "pool": "lab", "requester": "user:default/jane", "name": "experiment", "reason": "a test of the new model",
            "instances": [{"name": "node-1", "provider": "simulation", "resources": resources}],
        });
        let id = self.desk.start("launch-with-approval", &launch).await?;
        let ended = self.desk.wait(
            "the launch",
            async || self.desk.instance(&id).await,
            |instance| {
                let state =
                    instance["data"]["deployment"]["state"].as_str().unwrap_or_default().to_uppercase();
                ["RUNNING", "FAILED"].contains(&state.as_str())
                    || !matches!(instance["state"].as_str(), Some("ACTIVE" | "PENDING"))
            },
        );
        let deployment = ended.await?["data"]["deployment"].take();
        let error = &deployment["lastError"];
        let why = ["code", "by", "note", "message"].iter().filter_map(|name| error[*name].as_str());
        let why = why.map(|text| text.trim_start_matches("user:default/")).collect::<Vec<_>>().join(", ");
        let state = deployment["state"].as_str().unwrap_or("without a state").to_uppercase();
        let outcome = if why.is_empty() { state.clone() } else { format!("{state}: {why}") };
        // A person at the pages may well agree.
        let is_told = state == "RUNNING" || (state == "FAILED" && error["code"] == "REJECTED");
        self.say("launch", &format!("{} {outcome}", if is_told { "✓" } else { "✗" }));
        if is_told { Ok(()) } else { Err(format!("the launch is {outcome}")) }
    }

    /// Waits for the end of a request, and says how it ended.
    async fn finish(&self, request: &Value) -> Result<Value, String> {
        let id = request["id"].as_str().ok_or("the desk has not said which request it is")?;
        let ended = self.desk.wait_for_request(id).await?;
        // The webhook comes a moment later, and is printed first.
        tokio::time::sleep(2 * crate::demo::POLL_INTERVAL).await;
        let name = ended["name"].as_str().unwrap_or(id);
        let state = ended["state"].as_str().unwrap_or_default();
        let more = match (state, ended["failure"]["message"].as_str()) {
            ("Completed", _) => {
                ended["access"]["ip"].as_str().map(|ip| format!(" at {ip}")).unwrap_or_default()
            }
            (_, Some(message)) => format!(": {message}"),
            _ => String::new(),
        };
        let sign = if ["Completed", "Rolled Back"].contains(&state) { "✓" } else { "✗" };
        self.say(name, &format!("{sign} {state}{}", more.trim_end()));
        Ok(ended)
    }

    /// Gives back what a request made.
    async fn give_back(&self, request: &Value) -> Result<(), String> {
        let id = request["id"].as_str().unwrap_or_default();
        let path = format!("/requests/{id}/actions/deprovision");
        self.say("jane", "gives it back");
        let reason = json!({"reason": "not needed any more"});
        self.desk.ask("jane", Method::POST, &path, Some(&reason)).await?;
        expect(&self.finish(request).await?, "Rolled Back")
    }

    /// Waits for the end of an instance, and says how it ended.
    async fn follow(&self, flow: &str, id: &str) -> Result<Value, String> {
        let ended = self.desk.wait_for_instance(id).await?;
        let status = ended["data"]["decisionStatus"].as_str().unwrap_or_default();
        let state = ended["state"].as_str().unwrap_or_default();
        let error = ended.pointer("/error/message").and_then(Value::as_str).unwrap_or_default();
        let sign = if state == "COMPLETED" { "✓" } else { "✗" };
        self.say(flow.trim_start_matches("private-cloud-"), &format!("{sign} {state} {status} {error}"));
        Ok(ended)
    }
}

/// Whether a request is in the state in which it should be.
fn expect(request: &Value, state: &str) -> Result<(), String> {
    let (name, is) =
        (request["name"].as_str().unwrap_or_default(), request["state"].as_str().unwrap_or_default());
    if is == state { Ok(()) } else { Err(format!("{name} is {is}, and should be {state}")) }
}

/// Whether a private cloud request ended so.
fn told(instance: &Value, status: &str) -> Result<(), String> {
    let is = instance["data"]["decisionStatus"].as_str().unwrap_or("without a decision");
    if is == status { Ok(()) } else { Err(format!("the request is {is}, and should be {status}")) }
}

/// A request for a server.
fn server(name: &str, cpu: u32) -> Value {
    json!({
        "pool": "acme", "requester": "user:default/jane", "type": "vps", "provider": "openstack", "name": name,
        "region": REGIONS[0], "image": "ubuntu-24.04",
        "resources": {"instances": 1, "cpu": cpu, "memoryGiB": cpu * 2, "storageGiB": 40},
    })
}

/// A private cloud product with this many cores in production.
fn product(cpu: f64) -> Value {
    let small = json!({"cpu": 0.5, "memory": 2, "storage": 1});
    json!({
        "requester": "user:default/jane", "name": "Tree Inventory", "description": "Inventory of street trees", "ministry": "AGRI",
        "cluster": "SILVER", "golddrEnabled": false, "isTest": false,
        "projectOwner": {"email": "jane@example.org", "idir": "JANE", "ref": "user:default/jane"},
        "primaryTechnicalLead": {"email": "kim@example.org", "idir": "KIM", "ref": "user:default/kim"},
        "resourceRequests": {
            "development": small, "test": small, "tools": small,
            "production": {"cpu": cpu, "memory": 16, "storage": 64},
        },
    })
}
