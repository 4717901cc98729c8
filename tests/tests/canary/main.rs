//! Every flow of the platform with a canary for each secret: none of them is found where it does not belong, in whatever form.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
// Servers answer on addresses of this machine that only Linux has.
#![cfg(target_os = "linux")]

mod cloud;
mod platform;
mod receiver;
mod refusals;
mod search;
mod seen;
mod stories;

use rondo_tests::until;

use platform::Platform;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_of_any_flow_is_where_it_does_not_belong() {
    let mut platform = Platform::start().await;
    platform.register().await;
    platform.order_a_server().await;
    platform.make_a_namespace().await;
    platform.set_up_by_hand().await;
    platform.keep_a_private_cloud().await;
    platform.launch_by_link().await;
    platform.ask_by_tickets().await;
    platform.call_wrongly().await;
    platform.fail_with_repeated_secrets().await;
    until("deliveries were refused", async || platform.receiver.count() > 4).await;

    let (tokens, hashes) = (platform.cloud.tokens(), platform.cloud.hashes());
    assert!(!tokens.is_empty() && !hashes.is_empty(), "the cloud was used");
    for (kind, secrets) in [("session of the cloud", tokens), ("hash of a password", hashes)] {
        for (number, secret) in secrets.iter().enumerate() {
            platform.learn(&format!("{kind} {number}"), secret);
        }
    }
    let seen = platform.look_everywhere().await;
    let mut found = Vec::new();
    for secret in platform.secrets() {
        for (place, text) in &seen {
            if let Some(around) = secret.find(text) {
                found.push(format!("{} in {place}: {around}", secret.name));
            }
        }
    }
    assert!(found.is_empty(), "{} secrets are found:\n{}", found.len(), found.join("\n\n"));
}
