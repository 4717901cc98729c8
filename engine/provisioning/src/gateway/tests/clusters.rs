//! Tests of clusters, metrics, probes, and other kinds of clusters.

use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpListener};

use super::{
    bench::{Answered, Bench},
    cloud::Planned,
};

async fn test(bench: &Bench, name: &str) -> Answered {
    let tested = bench.admin("POST", &format!("/clusters/{name}/test"), Value::Null).await;
    assert_eq!(tested.status, 200, "{tested:?}");
    assert!(tested.json["latencyMs"].as_f64().is_some());
    tested
}

#[tokio::test]
async fn a_test_says_how_the_cluster_is_and_it_recovers_by_itself() {
    let bench = Bench::new().await;
    assert_eq!(test(&bench, "os-eu").await.json["ok"], true);
    assert_eq!(bench.cloud.count("GET", "/v2.1/flavors/detail"), 1);

    bench.admin("PUT", "/clusters/os-eu", bench.cluster("wrong-password")).await;
    let refused = test(&bench, "os-eu").await;
    assert_eq!(refused.json["ok"], false);
    assert!(refused.json["error"].as_str().unwrap().contains("does not take its credentials"), "{refused:?}");
    assert_eq!(bench.health().await, "degraded");

    bench.admin("PUT", "/clusters/os-eu", bench.cluster(super::cloud::PASSWORD)).await;
    bench.wait_for_health("online").await;

    let mut away = bench.cluster(super::cloud::PASSWORD);
    away["apiUrl"] = "http://127.0.0.1:1/v3".into();
    bench.admin("PUT", "/clusters/os-eu", away).await;
    assert_eq!(test(&bench, "os-eu").await.json["ok"], false);
    assert_eq!(bench.health().await, "offline");
}

#[tokio::test]
async fn a_cluster_without_the_first_service_is_tested_by_the_next() {
    let bench = Bench::new().await;
    let mut cluster = bench.cluster(super::cloud::PASSWORD);
    cluster["settings"] = json!({"endpoints": {"compute": format!("{}/none", bench.cloud.address)}});
    bench.admin("PUT", "/clusters/os-eu", cluster).await;
    bench.cloud.plan("GET", "/none/flavors/detail", Planned { status: 404, ..Planned::default() });
    assert_eq!(test(&bench, "os-eu").await.json["ok"], true);
    assert_eq!(bench.cloud.count("GET", "/v2.0/networks"), 1);
}

#[tokio::test]
async fn clusters_without_an_interface_pass_every_test() {
    let bench = Bench::new().await;
    bench.admin("POST", "/clusters", json!({"name": "sim", "type": "simulation", "region": "eu"})).await;
    assert_eq!(test(&bench, "sim").await.json["ok"], true);
    let session = bench.admin("POST", "/clusters/sim/session", Value::Null).await;
    assert_eq!((session.status, session.json), (200, json!({"endpoints": {}})));
    let call = bench.admin("GET", "/clusters/sim/gateway/compute/servers", Value::Null).await;
    assert_eq!((call.status, &call.json["error"]["code"]), (409, &json!("NOT_SUPPORTED")));
}

#[tokio::test]
async fn metrics_are_those_of_the_recorded_machines() {
    let bench = Bench::new().await;
    let (id, _) = bench.request().await;
    let path = format!("/requests/{id}/metrics");
    assert_eq!(bench.person("jane", "GET", &path).await.status, 409);
    let engine = [("Authorization", "Bearer engine-token")];
    bench.ask("PUT", &format!("/requests/{id}/steps/allocate"), &engine, json!({"status": "Running"})).await;
    for (name, provider_id) in [("rq-1", "a"), ("rq-2", "b")] {
        let body = json!({"status": "Created", "providerId": provider_id});
        let recorded =
            bench.ask("PUT", &format!("/requests/{id}/resources/server/{name}"), &engine, body).await;
        assert_eq!(recorded.status, 200, "{recorded:?}");
        let diagnostics = json!({
            "cpu_details": [{"utilisation": 20}], "memory_details": {"used": 1, "maximum": 2}, "nic_details": [{"rx_octets": 5, "tx_octets": 6}],
        });
        let planned = Planned { status: 200, body: diagnostics.to_string(), ..Planned::default() };
        bench.cloud.plan("GET", &format!("/v2.1/servers/{provider_id}/diagnostics"), planned);
    }
    let measured = bench.person("jane", "GET", &path).await;
    assert_eq!(
        (measured.status, &measured.json["cpuPercent"], &measured.json["memoryBytes"]),
        (200, &json!(20.0), &json!(2.0 * 1024.0 * 1024.0)),
        "{measured:?}"
    );
    assert_eq!(
        (&measured.json["netInBytes"], measured.json.get("diskReadBytes"), measured.json["at"].is_string()),
        (&json!(10.0), None, true)
    );
}

async fn probe(bench: &Bench, body: Value) -> Value {
    let probed = bench.ask("POST", "/probes", &[("Authorization", "Bearer engine-token")], body).await;
    assert_eq!(probed.status, 200, "{probed:?}");
    probed.json
}

/// A server that greets whoever connects.
async fn greeter(greeting: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(greeting.as_bytes()).await;
        }
    });
    port
}

#[tokio::test]
async fn a_probe_sees_what_answers() {
    let bench = Bench::new().await;
    let port = greeter("welcome\r\nSSH-2.0-OpenSSH_9.6\r\n").await;
    let ssh = probe(&bench, json!({"kind": "ssh", "host": "127.0.0.1", "port": port})).await;
    assert_eq!((&ssh["ok"], &ssh["banner"]), (&json!(true), &json!("SSH-2.0-OpenSSH_9.6")), "{ssh}");
    assert_eq!(probe(&bench, json!({"kind": "tcp", "host": "localhost", "port": port})).await["ok"], true);
    let port = greeter("220 mail.test ESMTP\r\n").await;
    let other = probe(&bench, json!({"kind": "ssh", "host": "127.0.0.1", "port": port})).await;
    assert_eq!(
        (&other["ok"], &other["banner"], other["error"].is_string()),
        (&json!(false), &json!("220 mail.test ESMTP"), true),
        "{other}"
    );
    let nobody = probe(&bench, json!({"kind": "tcp", "host": "127.0.0.1", "port": 1})).await;
    assert_eq!((&nobody["ok"], nobody["error"].is_string()), (&json!(false), true));
    for (status, ok) in [(404, true), (503, false), (302, true)] {
        bench.cloud.plan("GET", "/page", Planned { status, ..Planned::default() });
        let page =
            probe(&bench, json!({"kind": "http", "url": format!("{}/page", bench.cloud.address)})).await;
        assert_eq!((&page["ok"], &page["status"]), (&json!(ok), &json!(status)), "{page}");
    }
}

#[tokio::test]
async fn a_probe_goes_to_no_link_local_address_and_is_not_for_people() {
    let bench = Bench::new().await;
    for target in [
        json!({"kind": "tcp", "host": "169.254.169.254", "port": 80}),
        json!({"kind": "ssh", "host": "fe80::1"}),
        json!({"kind": "http", "url": "http://169.254.169.254/latest/meta-data"}),
        json!({"kind": "http", "host": "::ffff:169.254.169.254"}),
    ] {
        let refused = probe(&bench, target.clone()).await;
        assert_eq!(refused["ok"], false, "{target}");
        assert!(refused["error"].as_str().unwrap().contains("is a link-local address"), "{refused}");
    }
    let wrong = bench
        .ask(
            "POST",
            "/probes",
            &[("Authorization", "Bearer engine-token")],
            json!({"kind": "tcp", "host": "h"}),
        )
        .await;
    assert_eq!(
        (wrong.status, &wrong.json["error"]["details"]["faults"][0]["pointer"]),
        (422, &json!("/port"))
    );
    let person = bench
        .ask(
            "POST",
            "/probes",
            &[("Authorization", "Bearer jane-token")],
            json!({"kind": "tcp", "host": "h", "port": 1}),
        )
        .await;
    assert_eq!(person.status, 403);
}

#[tokio::test]
async fn kubernetes_gets_the_token_and_finds_its_own_objects() {
    let bench = Bench::new().await;
    let cluster = json!({
        "name": "k8s", "type": "kubernetes", "region": "eu", "apiUrl": bench.cloud.address, "credentials": {"token": "bearer-canary"},
    });
    assert_eq!(bench.admin("POST", "/clusters", cluster).await.status, 201);
    let call = async |method: &str, path: &str, body: Value| {
        bench
            .ask(
                method,
                &format!("/clusters/k8s/gateway/kubernetes/{path}"),
                &[("Authorization", "Bearer engine-token")],
                body,
            )
            .await
    };
    let object = |request: &str| json!({"kind": "Namespace", "metadata": {"name": "acme-shop", "labels": {"desk.rondo/request": request}}});
    let exists = json!({"kind": "Status", "reason": "AlreadyExists", "code": 409}).to_string();
    for _ in 0..2 {
        bench.cloud.plan(
            "POST",
            "/api/v1/namespaces",
            Planned { status: 409, body: exists.clone(), ..Planned::default() },
        );
        bench.cloud.plan(
            "GET",
            "/api/v1/namespaces/acme-shop",
            Planned { status: 200, body: object("r1").to_string(), ..Planned::default() },
        );
    }
    let ours = call("POST", "api/v1/namespaces", object("r1")).await;
    assert_eq!(
        (ours.status, ours.headers.contains_key("X-Desk-Found"), &ours.json),
        (200, true, &object("r1"))
    );
    let others = call("POST", "api/v1/namespaces", object("r2")).await;
    assert_eq!((others.status, &others.json["reason"]), (409, &json!("AlreadyExists")));
    for got in bench.cloud.got() {
        assert_eq!(got.headers["Authorization"], "Bearer bearer-canary");
    }
    // A token that is not taken is asked for nowhere else.
    bench.cloud.plan("GET", "/api/v1/namespaces", Planned { status: 401, ..Planned::default() });
    assert_eq!(call("GET", "api/v1/namespaces", Value::Null).await.status, 401);
    assert_eq!(bench.cloud.count("GET", "/api/v1/namespaces"), 1);
}

#[tokio::test]
async fn vcenter_opens_a_session_and_deploys_once() {
    let bench = Bench::new().await;
    let cluster = json!({
        "name": "vc", "type": "vmware", "region": "eu", "apiUrl": bench.cloud.address, "credentials": {"username": "desk", "password": "p"},
    });
    assert_eq!(bench.admin("POST", "/clusters", cluster).await.status, 201);
    let call = async |method: &str, path: &str, body: Value| {
        bench
            .ask(
                method,
                &format!("/clusters/vc/gateway/vsphere/{path}"),
                &[("Authorization", "Bearer engine-token")],
                body,
            )
            .await
    };
    let planned = |status: u16, body: Value| Planned { status, body: body.to_string(), ..Planned::default() };
    bench.cloud.plan("POST", "/api/session", planned(201, json!("session-canary")));
    bench.cloud.plan("GET", "/api/vcenter/vm", planned(200, json!([])));
    let item = "/api/vcenter/vm-template/library-items/8b6f";
    bench.cloud.plan("POST", item, planned(202, json!("5f1e:task")));
    bench.cloud.plan("GET", "/api/vcenter/vm", planned(200, json!([{"vm": "vm-42", "name": "rq-1"}])));
    let deploy = format!("{}?action=deploy&vmw-task=true", &item[1..]);
    let first = call("POST", &deploy, json!({"name": "rq-1"})).await;
    assert_eq!((first.status, first.json), (202, json!("5f1e:task")));
    let again = call("POST", &deploy, json!({"name": "rq-1"})).await;
    assert_eq!((again.status, &again.json), (200, &json!("desk-found:vm-42")));
    let task = call("GET", "api/cis/tasks/desk-found:vm-42", Value::Null).await;
    assert_eq!((task.status, &task.json["result"]), (200, &json!("vm-42")));
    assert_eq!((bench.cloud.count("POST", "/api/session"), bench.cloud.count("POST", item)), (1, 1));
    let sent = bench.cloud.got().into_iter().find(|got| got.path == item).unwrap();
    assert_eq!(
        (&sent.headers["vmware-api-session-id"], sent.query.as_str()),
        (&"session-canary".parse().unwrap(), "action=deploy&vmw-task=true")
    );
}

#[tokio::test]
async fn refusals_of_proxmox_with_500_are_no_failures_of_the_cluster() {
    let bench = Bench::new().await;
    let cluster = json!({
        "name": "pve", "type": "proxmox", "region": "eu", "apiUrl": bench.cloud.address, "credentials": {"tokenId": "desk@pve!api", "secret": "s3cret-canary"},
    });
    assert_eq!(bench.admin("POST", "/clusters", cluster).await.status, 201);
    let path = "/api2/json/nodes/pve1/qemu/105/status/current";
    let body = json!({"data": null, "message": "Configuration file does not exist\n"}).to_string();
    for _ in 0..6 {
        bench.cloud.plan("GET", path, Planned { status: 500, body: body.clone(), ..Planned::default() });
    }
    for _ in 0..6 {
        let gone = bench
            .ask(
                "GET",
                &format!("/clusters/pve/gateway/proxmox{path}"),
                &[("Authorization", "Bearer engine-token")],
                Value::Null,
            )
            .await;
        assert_eq!((gone.status, gone.json["message"].is_string()), (500, true));
    }
    assert_eq!(bench.cloud.got()[0].headers["Authorization"], "PVEAPIToken=desk@pve!api=s3cret-canary");
    assert_eq!(bench.admin("GET", "/clusters/pve", Value::Null).await.json["health"], "online");
}
