//! No secret is in the database, in the log, or in what anybody is answered.

use std::{
    io,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde_json::{Value, json};

use super::{
    bench::Bench,
    cloud::{PASSWORD, Planned, TOKEN},
};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn secrets_are_nowhere() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _log = tracing::subscriber::set_default(subscriber);

    let bench = Bench::new().await;
    let mut answers = String::new();
    let (id, instance) = bench.request().await;
    let made = bench
        .ask(
            "PUT",
            &format!("/requests/{id}/credentials"),
            &[("Authorization", "Bearer engine-token")],
            json!({"kind": "vm"}),
        )
        .await;
    answers += &made.text;
    let body = json!({"server": {
        "name": "rq-1", "user_data": format!("credential:{id}:cloud-init"), "password": format!("credential:{id}:password"), "token": "token:jane:github",
    }});
    bench.cloud.plan("POST", "/v2.1/servers", Planned { acts: true, is_lost: true, ..Planned::default() });
    for _ in 0..2 {
        answers += &bench.call_of(instance, "POST", "/compute/servers", body.clone()).await.text;
    }
    bench.cloud.plan(
        "GET",
        "/v2.1/flavors/detail",
        Planned { status: 500, body: format!("{{\"token\":\"{TOKEN}-1\"}}"), ..Planned::default() },
    );
    answers += &bench.call("GET", "/compute/flavors/detail", Value::Null).await.text;
    let session = bench
        .ask("POST", "/clusters/os-eu/session", &[("Authorization", "Bearer engine-token")], Value::Null)
        .await;
    assert_eq!(session.json["endpoints"]["compute"], format!("{}/v2.1", bench.cloud.address));
    assert!(session.json["expiresAt"].is_string());
    answers += &session.text;
    bench.cloud.revoke();
    bench.admin("PUT", "/clusters/os-eu", bench.cluster("wrong-password-canary")).await;
    answers += &bench.call("GET", "/compute/flavors/detail", Value::Null).await.text;
    answers += &bench.admin("POST", "/clusters/os-eu/test", Value::Null).await.text;
    for path in ["/clusters", "/clusters/os-eu", "/requests", &format!("/requests/{id}"), "/events"] {
        answers += &bench.admin("GET", path, Value::Null).await.text;
    }

    let sent = bench
        .cloud
        .got()
        .into_iter()
        .find(|got| got.method == "POST" && got.path == "/v2.1/servers")
        .unwrap();
    let password = sent.body["server"]["password"].as_str().unwrap().to_owned();
    let cloud_init = sent.body["server"]["user_data"].as_str().unwrap().to_owned();
    assert_eq!(sent.body["server"]["token"], "github-token-canary");
    let stored: Vec<u8> = std::fs::read_dir(bench.folder.path())
        .unwrap()
        .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    let log = log.0.lock().unwrap().clone();
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    // The places were looked at: they hold what they should.
    assert!(
        holds(&stored, &id)
            && holds(&log, "a call of a cluster")
            && answers.contains("X-Desk") | answers.contains("rq-1")
    );
    let secrets = [
        PASSWORD,
        "wrong-password-canary",
        TOKEN,
        "github-token-canary",
        "admin-password-canary",
        password.as_str(),
        &cloud_init[..60],
    ];
    for secret in secrets {
        for form in [secret.to_owned(), STANDARD_NO_PAD.encode(secret)] {
            assert!(!holds(&stored, &form), "the database holds `{form}`");
            assert!(!holds(&log, &form), "the log holds `{form}`");
            assert!(!answers.contains(&form), "an answer holds `{form}`");
        }
    }
}
