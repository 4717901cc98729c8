//! Everything that can be seen of the platform: by whoever reads its files, and by whoever asks it.

use std::collections::BTreeSet;

use reqwest::{Client, Method, redirect::Policy};
use serde_json::{Value, json};

use crate::platform::{Platform, canary};

/// All that the Data Index tells of instances, definitions, jobs and tasks.
const QUERIES: [&str; 4] = [
    "{ ProcessInstances { id processId businessKey endpoint serviceUrl state variables identity createdBy updatedBy executionSummary \
     error { nodeDefinitionId message } nodes { name errorMessage } } }",
    "{ ProcessDefinitions { id name source description metadata annotations serviceUrl } }",
    "{ Jobs { id processId nodeInstanceId callbackEndpoint endpoint status } }",
    "{ UserTaskInstances { id name description actualOwner state } }",
];

impl Platform {
    /// Each place with what stands in it. The engine has ended afterwards.
    pub(crate) async fn look_everywhere(&mut self) -> Vec<(String, Vec<u8>)> {
        let mut seen = Vec::new();
        let mut instances = BTreeSet::new();
        for query in QUERIES {
            let answer = self.engine.post("/graphql", &json!({"query": query})).await.body;
            assert!(answer["data"].is_object(), "{query}: {answer}");
            let listed = answer["data"]["ProcessInstances"].as_array().cloned().unwrap_or_default();
            instances.extend(listed.iter().map(|found| (text(found, "processId"), text(found, "id"))));
            seen.push((format!("GraphQL {query}"), answer.to_string().into_bytes()));
        }
        let flows: BTreeSet<&str> = instances.iter().map(|(flow, _)| flow.as_str()).collect();
        for flow in [
            "order-intake",
            "provision-openstack",
            "deprovision-openstack",
            "power-openstack",
            "provision-kubernetes",
            "provision-manual",
            "private-cloud-create",
            "private-cloud-edit",
            "private-cloud-delete",
            "launch-with-approval",
            "create-ocp-namespace",
            "provision-simulation",
        ] {
            assert!(flows.contains(flow), "no instance of {flow} was seen: {flows:?}");
        }
        let mut paths = vec![
            "/q/health".to_owned(),
            "/q/metrics".to_owned(),
            "/rondo/events".to_owned(),
            "/q/openapi".to_owned(),
        ];
        for (flow, id) in &instances {
            paths.push(format!("/rondo/instances/{id}"));
            paths.push(format!("/{flow}/{id}"));
            paths.push(format!("/management/processes/{flow}/instances/{id}/error"));
            paths.push(format!("/management/processes/{flow}/instances/{id}/nodeInstances"));
            paths.push(format!("/management/processes/{flow}/source"));
        }
        paths.extend(self.desk_paths().await);
        for path in paths {
            self.ask("root", Method::GET, &path, Value::Null).await;
        }
        self.look_at_pages().await;
        seen.extend(self.heard());
        let received = serde_json::to_vec(&self.services.received_events()).unwrap();
        assert!(!received.is_empty());
        seen.push(("events at the webhook".to_owned(), received));
        let told = self.services.issues().iter().map(|issue| format!("{issue:?}")).collect::<String>();
        seen.push(("tickets".to_owned(), told.into_bytes()));
        let jobs = serde_json::to_vec(&self.services.provisioner_jobs()).unwrap();
        assert!(jobs.len() > 2);
        seen.push(("messages to the provisioner".to_owned(), jobs));
        // A link is for the one who gets the mail.
        let is_text = |word: &&str| !word.contains("/approvals/links/");
        let mails = self.services.mails();
        let mails = mails
            .iter()
            .map(|mail| mail.body.split_whitespace().filter(is_text).collect::<Vec<_>>().join(" "));
        seen.push(("mails".to_owned(), mails.collect::<String>().into_bytes()));
        seen.push(("the database and its log".to_owned(), self.engine.database()));
        // What is written when the engine ends belongs to it too.
        self.engine.terminate();
        let log = self.engine.log();
        assert!(log.contains(" TRACE ") && !log.contains("records of the log are lost"), "the log tells all");
        seen.push(("the log".to_owned(), log.into_bytes()));
        seen.push(("the database".to_owned(), self.engine.database()));
        seen
    }

    /// Everything that the desk shows to programs.
    async fn desk_paths(&self) -> Vec<String> {
        let lists =
            ["/pools", "/requests", "/clusters", "/approvals", "/approval-rules", "/webhooks", "/events"];
        let mut paths: Vec<String> = Vec::new();
        for list in lists {
            let mut next = Some(String::new());
            while let Some(cursor) = next.take() {
                let answer =
                    self.desk("root", Method::GET, &format!("{list}?limit=200{cursor}"), Value::Null).await;
                for item in answer["items"].as_array().into_iter().flatten() {
                    let key = ["id", "name"].iter().find_map(|name| item[*name].as_str()).unwrap_or_default();
                    paths.push(format!("/desk/v1{list}/{key}"));
                }
                next = answer["next"].as_str().map(|next| format!("&cursor={next}"));
            }
        }
        let of = |list: &str, more: &str| -> Vec<String> {
            paths
                .iter()
                .filter(|path| path.starts_with(&format!("/desk/v1{list}/")))
                .map(|path| format!("{path}{more}"))
                .collect()
        };
        let more =
            [of("/webhooks", "/deliveries"), of("/requests", "/metrics"), of("/clusters", "/usage")].concat();
        [paths, more].concat()
    }

    /// The pages of the desk as its admin sees them, and that of the simulated services.
    async fn look_at_pages(&self) {
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        let signed_in = client
            .post(self.engine.url("/desk/sign-in"))
            .form(&[("token", canary("root"))])
            .send()
            .await
            .unwrap();
        let cookie =
            signed_in.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut pages: Vec<String> = ["requests", "inbox", "products", "clusters", "pools", "webhooks"]
            .map(|page| format!("/desk/{page}"))
            .to_vec();
        let mut known = 0;
        // Pages that others lead to, each once.
        while let Some(page) = pages.get(known).cloned() {
            known += 1;
            let request = client.get(self.engine.url(&page)).header("cookie", &cookie);
            let (status, text) = self.hear(&format!("the page {page}"), request).await;
            assert_eq!(status, 200, "{page}");
            let links = text.split("href=\"").skip(1).filter_map(|link| link.split('"').next());
            for link in links.filter(|link| link.starts_with("/desk/")) {
                if !pages.iter().any(|page| page == link) {
                    pages.push(link.to_owned());
                }
            }
        }
        assert!(pages.len() > 15, "{pages:?}");
        self.hear(
            "the page of the simulated services",
            client.get(format!("{}/_sim/", self.services.control_url())),
        )
        .await;
    }
}

fn text(object: &Value, member: &str) -> String {
    object[member].as_str().unwrap_or_default().to_owned()
}
