//! The provisioning platform, with everything that it talks to simulated: clouds, a cluster, the provisioner of private clouds, mail, and the
//! order service of a shop, which is also the receiver of the webhook.
//!
//! ```text
//!  stories ──▶ shop, desk, flows          what people do, one story after another
//!  reviewer ──▶ inbox                     decides what waits, with --auto-approve
//!  journal ◀── webhook, mails, provisioner   prints what happens, as it happens
//! ```

mod desk;
mod journal;
mod reviewer;
mod setup;
mod stories;

use std::{fs, net::Ipv4Addr, path::PathBuf, process::ExitCode, time::Duration, time::Instant};

use rondo_simulator::{
    CloudOptions, Delays, FloatingAddresses, HostPorts, Options as Services, ProvisionerOptions, Simulator,
};

use super::{INTERRUPTED, stage::Place};
use crate::{client::Target, flows, logging, output, signals};

/// How much faster than written durations pass: flows look after servers every 5 s, which becomes twice a second.
const SPEED: u32 = 10;

/// How long one thing in the demo may take: many times as long as it does.
const QUICKLY: Duration = Duration::from_mins(3);
/// The same where a person has to decide.
const AT_LEISURE: Duration = Duration::from_hours(4);

/// The addresses of servers, on which the demo answers. Only Linux has all of 127.0.0.0/8; elsewhere there is the one address.
const ADDRESSES: FloatingAddresses = if cfg!(target_os = "linux") {
    FloatingAddresses { first: Ipv4Addr::new(127, 30, 0, 2), count: 12 }
} else {
    FloatingAddresses { first: Ipv4Addr::LOCALHOST, count: 1 }
};

/// The people of the demo: name, token, roles.
const PEOPLE: [(&str, &str, &str); 4] = [
    ("jane", "demo-jane", ""),
    ("rita", "demo-rita", "reviewer,admin"),
    ("root", "demo-root", "admin"),
    ("provisioner", "demo-provisioner", "private-admin"),
];

/// Run the provisioning platform: orders, approvals, quotas, clouds, private cloud products, launches.
#[derive(Debug, clap::Args)]
pub(super) struct Platform {
    /// Decide what waits for approval automatically, after a few seconds.
    #[arg(long)]
    auto_approve: bool,
    /// Address of the engine and the desk.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: std::net::SocketAddr,
    /// Keep everything running when the stories have ended, to look around.
    #[arg(long)]
    keep: bool,
}

impl Platform {
    pub(super) async fn run(self) -> Result<ExitCode, String> {
        logging::start(logging::Format::Text, "error");
        // From here on a signal ends the demo in order, so that the temporary folder is removed.
        let mut interrupted = tokio::spawn(signals::stop());
        let place = Place::find(self.listen).await?;
        let url = place.url.clone();
        let services = Simulator::start(services()).await.map_err(|error| error.to_string())?;
        let provisioner = ProvisionerOptions {
            desk_url: format!("{url}/desk/v1"),
            token: token_of("provisioner").to_owned(),
            nats_url: None,
            has_empty_body: false,
        };
        let nats = services.start_provisioner(provisioner).await.map_err(|error| error.to_string())?;
        services.announce_orders_to(format!("{url}/"));

        let workflows = write_workflows(&place)?;
        let stage = place.open(workflows, environment(&services, nats)).await?;
        output::line(&format!("engine    {url}"));
        output::line(&format!("pages     {url}/desk  (sign in with the token `{}`)", token_of("rita")));
        output::line(&format!("services  {}/_sim/  (simulated)", services.control_url()));
        output::line(&format!("mailbox   {}/", services.mail_url()));

        let begin = Instant::now();
        let target = Target::at(url.clone());
        let desk = desk::Desk::new(&target, if self.auto_approve { QUICKLY } else { AT_LEISURE });
        let told = async {
            setup::run(&desk, &services).await?;
            stories::run(&desk, &services, begin).await
        };
        let reviewer = reviewer::run(&desk, self.auto_approve, &url, begin);
        let outcome = tokio::select! {
            outcome = told => outcome.map(|()| ExitCode::SUCCESS),
            () = journal::run(&desk, &services, begin) => Ok(ExitCode::SUCCESS),
            () = reviewer => Ok(ExitCode::SUCCESS),
            _ = &mut interrupted => Ok(ExitCode::from(INTERRUPTED)),
        };
        if !interrupted.is_finished() {
            output::line("");
            // Also when a story did not end well: that is when one wants to look around.
            if self.keep {
                output::line(&format!("Everything goes on at {url}/desk until Ctrl-C."));
                let _ = interrupted.await;
            } else {
                output::line("Next: `rondo demo platform --keep` leaves it running to look around.");
                if self.auto_approve {
                    output::line("      Without `--auto-approve` you decide yourself, on the page.");
                }
            }
        }
        stage.close().await;
        services.stop().await;
        outcome
    }
}

/// The token of one of [`PEOPLE`].
fn token_of(name: &str) -> &'static str {
    PEOPLE.iter().find(|(known, ..)| *known == name).map_or("", |(_, token, _)| token)
}

/// Options of the simulated services: what takes time takes some seconds, and servers answer on addresses of this machine.
fn services() -> Services {
    let seconds = Duration::from_secs;
    let delays = Delays {
        server_build: seconds(2),
        server_deletion: seconds(1),
        server_power: seconds(1),
        namespace_deletion: seconds(1),
        provisioner: seconds(1),
        ..Delays::default()
    };
    let regions = setup::REGIONS.map(str::to_owned).to_vec();
    Services {
        cloud: CloudOptions { regions, floating_addresses: ADDRESSES, ..CloudOptions::default() },
        hosts: Some(HostPorts { ssh: 0, http: 0 }),
        delays,
        ..Services::default()
    }
}

/// Unpacks the flows of the binary, with the properties of the demo beside those that all flows share.
fn write_workflows(place: &Place) -> Result<PathBuf, String> {
    let folder = place.folder().join("workflows");
    flows::write(flows::SHIPPED, &folder)?;
    let file = folder.join("application.properties");
    let shared = fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let mut lines = vec![
        shared,
        "rondo.desk.webhooks.allow-http=true".to_owned(),
        "rondo.desk.webhooks.allow-loopback=true".to_owned(),
        "rondo.desk.mail.domain=example.org".to_owned(),
    ];
    for (name, token, roles) in PEOPLE {
        lines.push(format!("rondo.desk.users.{name}.token={token}"));
        if !roles.is_empty() {
            lines.push(format!("rondo.desk.users.{name}.roles={roles}"));
        }
    }
    fs::write(&file, lines.join("\n"))
        .map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
    Ok(folder)
}

/// The environment of the engine.
fn environment(services: &Simulator, nats: String) -> [(&'static str, String); 10] {
    let token = |token: &str| token.to_owned();
    [
        ("DESK_ENABLED", token("true")),
        ("NATS_URL", nats),
        ("MAIL_URL", services.mail_url()),
        ("GITLAB_URL", services.gitlab_url()),
        ("GITLAB_TOKEN", token(rondo_simulator::GITLAB_TOKEN)),
        ("BACKSTAGE_URL", services.backstage_url()),
        ("BACKSTAGE_TOKEN", token(rondo_simulator::BACKSTAGE_TOKEN)),
        ("KUBERNETES_URL", services.kubernetes_url()),
        ("KUBERNETES_TOKEN", token(rondo_simulator::KUBERNETES_TOKEN)),
        ("RONDO_CLOCK_SPEED", SPEED.to_string()),
    ]
}
