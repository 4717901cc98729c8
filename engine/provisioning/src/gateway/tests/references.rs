//! Credentials: made, referred to, revealed once.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{bench::Bench, cloud::Planned};

const ENGINE: [(&str, &str); 1] = [("Authorization", "Bearer engine-token")];

async fn make(bench: &Bench, id: &str) -> Value {
    let path = format!("/requests/{id}/credentials");
    let made = bench
        .ask(
            "PUT",
            &path,
            &ENGINE,
            json!({"kind": "vm", "user": "shop", "cloudInit": {"packages": ["curl"]}}),
        )
        .await;
    assert_eq!(made.status, 200, "{made:?}");
    made.json
}

fn server(reference: &str) -> Value {
    json!({"server": {"name": "web", "user_data": reference}})
}

#[tokio::test]
async fn a_reference_becomes_the_secret_for_the_flow_of_its_request_only() {
    let bench = Bench::new().await;
    let (id, instance) = bench.request().await;
    let made = make(&bench, &id).await;
    let references = json!({
        "password": format!("credential:{id}:password"),
        "password-hash": format!("credential:{id}:password-hash"),
        "cloud-init": format!("credential:{id}:cloud-init"),
    });
    assert_eq!(made, json!({"request": id, "kind": "vm", "user": "shop", "references": references}));
    let reference = format!("credential:{id}:cloud-init");
    let below = bench.instance(None, Some(instance)).await;
    let (other, other_instance) = bench.request().await;
    make(&bench, &other).await;
    for foreign in [uuid::Uuid::nil(), other_instance, bench.instance(None, None).await] {
        let answer = bench.call_of(foreign, "POST", "/compute/servers", server(&reference)).await;
        assert_eq!((answer.status, &answer.json["error"]["code"]), (403, &json!("FORBIDDEN")), "{answer:?}");
        assert!(answer.text.contains("/server/user_data"), "{answer:?}");
    }
    let typo = bench
        .call_of(instance, "POST", "/compute/servers", server(&format!("credential:{id}:pasword")))
        .await;
    assert_eq!((typo.status, bench.cloud.got().len()), (422, 0));
    for own in [instance, below] {
        assert_eq!(bench.call_of(own, "POST", "/compute/servers", server(&reference)).await.status, 202);
    }
    let revealed = bench.person("jane", "POST", &format!("/requests/{id}/credentials/reveal")).await;
    let password = revealed.json["password"].as_str().unwrap();
    let sent = bench.cloud.got();
    assert_eq!(sent.len(), 2);
    for got in sent {
        let text =
            String::from_utf8(STANDARD.decode(got.body["server"]["user_data"].as_str().unwrap()).unwrap())
                .unwrap();
        let config: Value = serde_json::from_str(text.strip_prefix("#cloud-config\n").unwrap()).unwrap();
        assert_eq!((&config["users"][1]["name"], &config["packages"]), (&json!("shop"), &json!(["curl"])));
        assert!(config["users"][1]["hashed_passwd"].as_str().unwrap().starts_with("$6$"));
        assert!(!text.contains(password));
    }
}

#[tokio::test]
async fn tokens_of_people_are_for_flows_of_their_requests() {
    let bench = Bench::new().await;
    let (_, instance) = bench.request().await;
    let sent = bench.call_of(instance, "POST", "/compute/servers", server("token:jane:github")).await;
    assert_eq!(sent.status, 202, "{sent:?}");
    assert_eq!(bench.cloud.got()[0].body["server"]["user_data"], "github-token-canary");
    assert!(!sent.text.contains("github-token-canary"), "{sent:?}");
    let missing = bench.call_of(instance, "POST", "/compute/servers", server("token:jane:gitlab")).await;
    assert_eq!(missing.status, 422, "{missing:?}");
    let foreign = bench.call_of(instance, "POST", "/compute/servers", server("token:kim:github")).await;
    assert_eq!((foreign.status, bench.cloud.got().len()), (403, 1));
}

#[tokio::test]
async fn an_answer_that_repeats_a_secret_does_not_show_it() {
    let bench = Bench::new().await;
    let (id, instance) = bench.request().await;
    make(&bench, &id).await;
    let reference = format!("credential:{id}:password");
    let refused = bench.call_of(instance, "POST", "/compute/servers", server(&reference)).await;
    assert_eq!(refused.status, 202);
    let password = bench.cloud.got()[0].body["server"]["user_data"].as_str().unwrap().to_owned();
    let body = format!(
        "{{\"badRequest\":{{\"message\":\"`{password}` and {} are no user data\"}}}}",
        STANDARD.encode(&password)
    );
    bench.cloud.plan("POST", "/v2.1/servers", Planned { status: 400, body, ..Planned::default() });
    let answer = bench.call_of(instance, "POST", "/compute/servers", server(&reference)).await;
    assert_eq!(
        (answer.status, &answer.json["badRequest"]["message"]),
        (400, &json!("`***` and *** are no user data"))
    );
}

#[tokio::test]
async fn credentials_are_made_once_and_revealed_once_to_who_asked() {
    let bench = Bench::new().await;
    let (id, instance) = bench.request().await;
    let path = format!("/requests/{id}/credentials/reveal");
    assert_eq!(bench.person("jane", "POST", &path).await.status, 404);
    let made = make(&bench, &id).await;
    assert_eq!(make(&bench, &id).await, made);
    let by_person = bench
        .ask(
            "PUT",
            &format!("/requests/{id}/credentials"),
            &[("Authorization", "Bearer jane-token")],
            json!({"kind": "vm"}),
        )
        .await;
    assert_eq!(by_person.status, 403);
    for other in ["kim", "admin", "engine"] {
        assert_eq!(bench.person(other, "POST", &path).await.status, 403, "{other}");
    }
    let revealed = bench.person("jane", "POST", &path).await;
    assert_eq!(
        (revealed.status, &revealed.json["user"], &revealed.headers["Cache-Control"]),
        (200, &json!("shop"), &"no-store".parse().unwrap())
    );
    assert_eq!(revealed.json["password"].as_str().unwrap().len(), 24);
    for _ in 0..2 {
        let again = bench.person("jane", "POST", &path).await;
        assert_eq!((again.status, &again.json["error"]["code"]), (410, &json!("GONE")));
    }
    // The flow is still at work and may need them again.
    let sent = bench
        .call_of(instance, "POST", "/compute/servers", server(&format!("credential:{id}:password")))
        .await;
    assert_eq!(sent.status, 202);
    assert_eq!(bench.cloud.got()[0].body["server"]["user_data"], revealed.json["password"]);
}

#[tokio::test]
async fn credentials_are_gone_when_the_flow_is_done_or_what_they_open_is_removed() {
    let bench = Bench::new().await;
    let report = async |id: &str, step: &str, status: &str| {
        let reported = bench
            .ask("PUT", &format!("/requests/{id}/steps/{step}"), &ENGINE, json!({"status": status}))
            .await;
        assert_eq!(reported.status, 200, "{step} {status}: {reported:?}");
    };
    let (done, instance) = bench.request().await;
    make(&bench, &done).await;
    bench.person("jane", "POST", &format!("/requests/{done}/credentials/reveal")).await;
    for step in ["allocate", "configure", "activate", "verify"] {
        report(&done, step, "Running").await;
        report(&done, step, "Completed").await;
    }
    let late = bench
        .call_of(instance, "POST", "/compute/servers", server(&format!("credential:{done}:password")))
        .await;
    assert_eq!((late.status, bench.cloud.got().len()), (422, 0), "{late:?}");

    let (failed, _) = bench.request().await;
    report(&failed, "allocate", "Running").await;
    make(&bench, &failed).await;
    let record = bench
        .ask(
            "PUT",
            &format!("/requests/{failed}/resources/server/rq"),
            &ENGINE,
            json!({"status": "Creating"}),
        )
        .await;
    assert_eq!(record.status, 200, "{record:?}");
    report(&failed, "allocate", "Failed").await;
    let refused =
        bench.ask("PUT", &format!("/requests/{failed}/credentials"), &ENGINE, json!({"kind": "vm"})).await;
    assert_eq!((refused.status, &refused.json["error"]["code"]), (409, &json!("CANCELLED")));
    bench.ask("DELETE", &format!("/requests/{failed}/resources/server/rq"), &ENGINE, Value::Null).await;
    let rolled = bench
        .ask("PUT", &format!("/requests/{failed}/rollback"), &ENGINE, json!({"status": "Completed"}))
        .await;
    assert_eq!(rolled.json["state"], "Rolled Back", "{rolled:?}");
    let gone = bench.person("jane", "POST", &format!("/requests/{failed}/credentials/reveal")).await;
    assert_eq!(gone.status, 410, "{gone:?}");
}

#[tokio::test]
async fn a_wrong_user_is_told_where_it_stands() {
    let bench = Bench::new().await;
    let (id, _) = bench.request().await;
    for (body, pointer) in [
        (json!({"kind": "vm", "user": "Jane Doe"}), "/user"),
        (json!({"kind": "vm", "cloudInit": {"runcmd": ["x".repeat(60_000)]}}), "/cloudInit"),
        (json!({"kind": "car"}), "/kind"),
    ] {
        let refused = bench.ask("PUT", &format!("/requests/{id}/credentials"), &ENGINE, body).await;
        assert_eq!(
            (refused.status, &refused.json["error"]["details"]["faults"][0]["pointer"]),
            (422, &json!(pointer)),
            "{refused:?}"
        );
    }
    let unknown = bench.ask("PUT", "/requests/none/credentials", &ENGINE, json!({"kind": "vm"})).await;
    assert_eq!(unknown.status, 404);
}
