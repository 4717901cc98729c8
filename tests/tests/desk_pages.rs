//! The pages of the desk: who sees them, what they show and do, and what they do not let in.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use reqwest::{Client, Method, RequestBuilder, header::HeaderMap, redirect::Policy};
use rondo_simulator::{KUBERNETES_TOKEN, Simulator, WEBHOOK_SECRET};
use rondo_tests::{Engine, folder, prepare, services, until};
use serde_json::{Value, json};
use tempfile::TempDir;

const DESK: &str =
    "rondo.desk.enabled=true\nrondo.desk.webhooks.allow-http=true\nrondo.desk.webhooks.allow-loopback=true\n";
const USERS: &str = "rondo.desk.users.rita.token=t-rita\nrondo.desk.users.rita.roles=admin,reviewer\nrondo.desk.users.jane.token=t-jane\n";

/// An engine with a desk, and a browser that does not follow redirects.
struct Desk {
    engine: Engine,
    browser: Client,
    _flows: TempDir,
}

/// An answer: status, headers, text.
struct Page(u16, HeaderMap, String);

impl Page {
    fn header(&self, name: &str) -> &str {
        self.1.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The page without tags, with single blanks.
    fn text(&self) -> String {
        let mut text = String::new();
        let mut is_tag = false;
        for letter in self.2.chars() {
            match letter {
                '<' => is_tag = true,
                '>' => {
                    is_tag = false;
                    text.push(' ');
                }
                letter if !is_tag => text.push(letter),
                _ => {}
            }
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl Desk {
    async fn start(properties: &str) -> Self {
        prepare();
        let flows = folder(&[("application.properties", &format!("{DESK}{properties}"))]);
        let engine = Engine::start(flows.path(), &[]).await;
        let browser = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { engine, browser, _flows: flows }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.browser.request(method, self.engine.url(path))
    }

    async fn page(&self, request: RequestBuilder) -> Page {
        let answer = request.send().await.unwrap();
        Page(answer.status().as_u16(), answer.headers().clone(), answer.text().await.unwrap())
    }

    async fn get(&self, path: &str, cookie: &str) -> Page {
        self.page(self.request(Method::GET, path).header("cookie", cookie)).await
    }

    /// Sends a form as the page of this desk does.
    async fn send(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Page {
        let request =
            self.request(Method::POST, path).header("cookie", cookie).header("sec-fetch-site", "same-origin");
        self.page(request.form(fields)).await
    }

    /// Signs in; gives the cookie.
    async fn sign_in(&self, token: &str) -> String {
        let page = self.send("/desk/sign-in", "", &[("token", token)]).await;
        assert_eq!((page.0, page.header("location")), (303, "/desk/requests"));
        page.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    /// Asks the interface for programs.
    async fn call(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.request(method, &format!("/desk/v1{path}")).bearer_auth("t-rita").json(&body);
        let answer = self.page(request).await;
        assert!(answer.0 < 300, "{path}: {}", answer.2);
        serde_json::from_str(&answer.2).unwrap_or_default()
    }

    /// A pool, a cluster for simulations, and a rule that asks the reviewers about everything.
    async fn with_question(&self) -> String {
        let grants = json!([{"to": "everyone", "actions": ["create"]}]);
        self.call(
            Method::PUT,
            "/pools/acme",
            json!({"name": "<b>ACME</b>", "quota": {"cpu": 8}, "grants": grants}),
        )
        .await;
        self.call(
            Method::POST,
            "/clusters",
            json!({"name": "sim", "type": "simulation", "region": "eu", "capacity": {"cpu": 40}}),
        )
        .await;
        let rule = json!({"name": "All", "priority": 1, "approvers": ["role:reviewer"]});
        self.call(Method::POST, "/approval-rules", rule).await;
        let asked = json!({
            "pool": "acme", "requester": "jane", "type": "vps", "provider": "simulation", "name": "shop",
            "reason": "<script>alert(1)</script>", "resources": {"cpu": 4},
        });
        let made = self.call(Method::POST, "/requests", asked).await;
        made["id"].as_str().unwrap().to_owned()
    }

    async fn state_of(&self, id: &str) -> Value {
        let request = self.request(Method::GET, &format!("/desk/v1/requests/{id}")).bearer_auth("t-rita");
        serde_json::from_str::<Value>(&self.page(request).await.2).unwrap()["state"].clone()
    }
}

#[tokio::test]
async fn without_users_everybody_sees_the_pages() {
    let desk = Desk::start("").await;
    let first = desk.get("/desk", "").await;
    assert_eq!((first.0, first.header("location")), (303, "/desk/requests"));
    for (path, words) in [
        ("/desk/requests", "There are no such requests."),
        ("/desk/inbox", "Nothing waits for you."),
        ("/desk/products", "There are no such products."),
        ("/desk/clusters", "No cluster is registered."),
        ("/desk/pools", "There are no pools."),
        ("/desk/webhooks", "There are no webhooks."),
    ] {
        let page = desk.get(path, "").await;
        assert!(page.0 == 200 && page.text().contains(words), "{path}: {} {}", page.0, page.text());
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(
            (page.header("cache-control"), page.header("x-content-type-options")),
            ("no-store", "nosniff")
        );
        // What the policy forbids would not work.
        assert!(
            !page.2.contains("<style") && !page.2.contains(" style=") && !page.2.contains(" onclick="),
            "{path}"
        );
        let scripts = page.2.matches("<script").count();
        assert_eq!(scripts, page.2.matches(r#"<script defer src="/desk/page.js"></script>"#).count());
    }
    for (path, kind) in [
        ("/desk/page.css", "text/css"),
        ("/desk/page.js", "text/javascript"),
        ("/desk/icon.svg", "image/svg+xml"),
    ] {
        let page = desk.get(path, "").await;
        assert!(page.0 == 200 && page.header("content-type").starts_with(kind), "{path}");
    }
    assert_eq!(desk.get("/desk/requests/none", "").await.0, 404);
    assert_eq!(desk.get("/desk/nothing", "").await.0, 404);
}

#[tokio::test]
async fn a_person_signs_in_with_their_token_and_out_again() {
    let desk = Desk::start(USERS).await;
    for path in ["/desk/requests", "/desk/inbox", "/desk/webhooks/none"] {
        let page = desk.get(path, "").await;
        assert_eq!((page.0, page.header("location")), (303, "/desk/sign-in"), "{path}");
    }
    let wrong = desk.send("/desk/sign-in", "", &[("token", "t-nobody")]).await;
    assert!(
        wrong.0 == 401
            && wrong.text().contains("Nobody has this token.")
            && wrong.header("set-cookie").is_empty()
    );

    let page = desk.send("/desk/sign-in", "", &[("token", " t-jane ")]).await;
    let set = page.header("set-cookie");
    assert!(
        set.contains("; HttpOnly") && set.contains("; SameSite=Strict") && set.contains("; Path=/desk"),
        "{set}"
    );
    assert!(!set.contains("t-jane"), "the token stays at the desk");
    let cookie = set.split(';').next().unwrap().to_owned();
    assert!(desk.get("/desk/requests", &cookie).await.text().contains("jane Sign out"));
    assert_eq!(desk.get("/desk/requests", "rondo_desk=0000").await.0, 303, "a cookie of one's own making");
    assert_eq!(desk.get("/desk/v1/requests", &cookie).await.0, 401, "programs need a token");

    let out = desk.send("/desk/sign-out", &cookie, &[]).await;
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(desk.get("/desk/requests", &cookie).await.0, 303, "the session has ended");
}

#[tokio::test]
async fn an_approver_decides_in_the_inbox_and_nobody_else() {
    let desk = Desk::start(USERS).await;
    let id = desk.with_question().await;
    let [rita, jane] = [desk.sign_in("t-rita").await, desk.sign_in("t-jane").await];
    let inbox = desk.get("/desk/inbox", &rita).await;
    assert!(inbox.text().contains("Waiting for you 1"), "{}", inbox.text());
    let form = inbox.2.split("action=\"").find(|part| part.starts_with("/desk/inbox/")).unwrap();
    let form = form.split('"').next().unwrap().to_owned();
    let others = desk.get("/desk/inbox", &jane).await;
    assert!(others.text().contains("Waiting for others 1") && !others.2.contains(&form), "{}", others.text());

    let refused = desk.send(&form, &jane, &[("decision", "approved")]).await;
    assert_eq!(refused.0, 403, "{}", refused.text());
    let nobody = desk.send(&form, "", &[("decision", "approved")]).await;
    assert_eq!((nobody.0, nobody.header("location")), (303, "/desk/sign-in"));
    let elsewhere =
        desk.request(Method::POST, &form).header("cookie", &rita).header("sec-fetch-site", "cross-site");
    assert_eq!(desk.page(elsewhere.form(&[("decision", "approved")])).await.0, 403, "a page of another site");
    let without = desk.send(&form, &rita, &[("decision", "rejected"), ("reason", " ")]).await;
    assert!(
        without.0 == 422 && without.text().contains("The decision needs a reason."),
        "{}",
        without.text()
    );
    // What was filled in stays, where it is wrong.
    let changes = ("changes", "<b>");
    let wrong = desk.send(&form, &rita, &[("decision", "approved"), ("reason", "<i>fine"), changes]).await;
    assert!(wrong.0 == 422 && wrong.2.contains("value=\"&lt;i&gt;fine\""), "{}", wrong.2);
    let malformed = desk.send(&form, &rita, &[("decision", "perhaps")]).await;
    assert_eq!(malformed.0, 400, "{}", malformed.text());
    assert_eq!(desk.state_of(&id).await, "Pending Approval");

    let decided = desk.send(&form, &rita, &[("decision", "rejected"), ("reason", "<i>too</i> large")]).await;
    let address = decided.header("location");
    assert!(decided.0 == 303 && address.starts_with("/desk/inbox?decided="), "{address}");
    let thanks = "You have rejected “vps `shop` in acme”.";
    assert!(desk.get(address, &rita).await.text().contains(thanks));
    assert!(!desk.get(address, &jane).await.text().contains(thanks), "it was not jane");
    assert_eq!(desk.state_of(&id).await, "Failed");
    let inbox = desk.get("/desk/inbox", &jane).await;
    assert!(inbox.2.contains("&lt;i&gt;too&lt;/i&gt; large") && !inbox.2.contains("<i>too"));
    let again = desk.send(&form, &rita, &[("decision", "approved")]).await;
    assert_eq!(again.0, 409, "{}", again.text());
}

#[tokio::test]
async fn every_text_is_escaped_and_the_steps_are_shown() {
    let desk = Desk::start(USERS).await;
    let id = desk.with_question().await;
    let rita = desk.sign_in("t-rita").await;
    let request = desk.get(&format!("/desk/requests/{id}"), &rita).await;
    assert!(
        request.2.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !request.2.contains("<script>alert")
    );
    let text = request.text();
    for words in [
        "Pending Approval",
        "allocate Pending",
        "verify Pending",
        "Nothing is recorded.",
        "provisioning.started",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let pools = desk.get("/desk/pools", &rita).await;
    assert!(
        pools.2.contains("&lt;b&gt;ACME&lt;/b&gt;") && pools.text().contains("4 of 8"),
        "{}",
        pools.text()
    );
    for (query, count) in [
        ("pool=acme", 1),
        ("pool=other", 0),
        ("state=Pending+Approval&pool=acme", 1),
        ("state=Failed", 0),
        ("pool=&state=", 1),
    ] {
        let page = desk.get(&format!("/desk/requests?{query}"), &rita).await;
        assert!(page.text().contains(&format!("Latest first {count}")), "{query}: {}", page.text());
    }
}

#[tokio::test]
async fn a_cluster_and_a_webhook_are_tried_by_a_button() {
    let desk = Desk::start(USERS).await;
    let (simulated, _): (Simulator, _) = services().await;
    desk.with_question().await;
    let cluster = |name: &str, token: &str| json!({"name": name, "type": "kubernetes", "region": "eu", "apiUrl": simulated.kubernetes_url(), "credentials": {"token": token}});
    desk.call(Method::POST, "/clusters", cluster("right", KUBERNETES_TOKEN)).await;
    desk.call(Method::POST, "/clusters", cluster("wrong", "none")).await;
    let [rita, jane] = [desk.sign_in("t-rita").await, desk.sign_in("t-jane").await];
    let right = desk.send("/desk/clusters/right/test", &rita, &[]).await;
    assert!(
        right.2.contains("notice good") && right.text().contains("right answered within"),
        "{}",
        right.text()
    );
    let wrong = desk.send("/desk/clusters/wrong/test", &rita, &[]).await;
    assert!(wrong.2.contains("notice bad"), "{}", wrong.text());
    assert_eq!(desk.send("/desk/clusters/right/test", &jane, &[]).await.0, 403);
    assert!(!desk.get("/desk/clusters", &jane).await.2.contains("/test\""));

    let url = format!("{}/hooks/provisioning", simulated.orders_url());
    let hook = desk
        .call(Method::POST, "/webhooks", json!({"pool": "acme", "url": url, "secret": WEBHOOK_SECRET}))
        .await;
    let page = format!("/desk/webhooks/{}", hook["id"].as_str().unwrap());
    let tested = desk.send(&format!("{page}/test"), &rita, &[]).await;
    assert!(tested.text().contains("The receiver answered 204."), "{}", tested.text());
    assert_eq!(desk.send(&format!("{page}/test"), &jane, &[]).await.0, 403);
    let id = desk.with_another_request().await;
    until("the event is delivered", async || {
        simulated.received_events().iter().any(|event| event.data["requestId"] == *id)
            && desk.get(&page, &rita).await.text().contains("provisioning.started")
    })
    .await;
    assert!(
        desk.get(&page, &rita).await.text().contains("delivered 204"),
        "{}",
        desk.get(&page, &rita).await.text()
    );
}

impl Desk {
    async fn with_another_request(&self) -> String {
        let asked = json!({
            "pool": "acme", "requester": "jane", "type": "vps", "provider": "simulation", "name": "other", "resources": {"cpu": 1},
        });
        self.call(Method::POST, "/requests", asked).await["id"].as_str().unwrap().to_owned()
    }
}
