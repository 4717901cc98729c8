//! The `OpenAPI` documents of our workflows: each flow's folder is complete, copies agree, and the simulator serves what
//! they describe.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;

use common::World;
use rondo_simulator::Service;
use serde_json::{Value, json};

/// File name, text and whose API it describes, of every document of every flow.
fn documents() -> Vec<(PathBuf, String, Service)> {
    let workflows = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../workflows");
    let flows = std::fs::read_dir(workflows).unwrap().map(|entry| entry.unwrap().path().join("specs"));
    let files = flows.filter(|specs| specs.is_dir()).flat_map(|specs| std::fs::read_dir(specs).unwrap());
    let document = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let service = match path.file_name().unwrap().to_str().unwrap() {
            "gitlab.yaml" => Service::Gitlab,
            "kubevirt.yaml" => Service::Kubernetes,
            "mail.yaml" => Service::Mail,
            name if name.starts_with("backstage-") => Service::Backstage,
            // The desk's own, and what is reached through its gateway.
            _ => return None,
        };
        Some((path, text, service))
    };
    files.filter_map(|file| document(file.unwrap().path())).collect()
}

#[test]
fn copies_of_a_document_in_several_flows_agree() {
    let mut first: BTreeMap<_, (PathBuf, String)> = BTreeMap::new();
    for (path, text, _) in documents() {
        let name = path.file_name().unwrap().to_owned();
        let (original, expected) = first.entry(name).or_insert_with(|| (path.clone(), text.clone()));
        assert!(*expected == text, "{} differs from {}", path.display(), original.display());
    }
}

#[tokio::test]
async fn the_simulator_serves_every_operation_with_the_declared_statuses() {
    let world = World::new().await;
    let mut operations = 0;
    for (file, text, service) in documents() {
        let document: Value = serde_yaml::from_str(&text).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            let path = path.replace("{id}", "1").replace("{issue_iid}", "1").replace("{taskId}", "none");
            let path = path.replace("{namespace}", "default").replace("{name}", "none");
            for (method, operation) in
                item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters")
            {
                let line = format!("{} {path}", method.to_uppercase());
                let (status, answer) = world.ask(service, (&line, json!({}))).await;
                // What a path that is not served is answered with.
                let unserved =
                    ["404 Not Found", "Not Found", "the server could not find the requested resource"];
                let texts = [&answer["error"], &answer["error"]["message"], &answer["message"]];
                let served = !texts.iter().any(|text| unserved.iter().any(|words| *text == words));
                assert!(served && status != 405, "{}: {line} is not served: {answer}", file.display());
                let declared = operation["responses"].get(status.to_string()).is_some();
                assert!(declared, "{}: {line} was answered {status}, which is not declared", file.display());
                operations += 1;
            }
        }
    }
    assert!(operations > 10, "the documents were found");
}
