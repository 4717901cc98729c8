//! Runs the simulated services on ports 8930 to 8935 until Ctrl-C, and prints the environment that our workflows need
//! to talk to them.

#![allow(clippy::print_stdout, reason = "an example talks to a person")]

use std::time::Duration;

use rondo_simulator::{
    BACKSTAGE_TOKEN, Delays, GITLAB_TOKEN, KUBERNETES_TOKEN, OPENSTACK_PASSWORD, OPENSTACK_USER, Options,
    Simulator,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let delays = Delays {
        template: Duration::from_secs(5),
        vm_provisioning: Duration::from_secs(5),
        vm_starting: Duration::from_secs(5),
        server_build: Duration::from_secs(5),
        provisioner: Duration::from_secs(5),
        ..Delays::default()
    };
    let options = Options { listen: ([127, 0, 0, 1], 8930).into(), delays, ..Options::default() };
    let simulator = Simulator::start(options).await?;
    println!("export GITLAB_URL={} GITLAB_TOKEN={GITLAB_TOKEN}", simulator.gitlab_url());
    println!("export BACKSTAGE_URL={} BACKSTAGE_TOKEN={BACKSTAGE_TOKEN}", simulator.backstage_url());
    println!("export KUBERNETES_URL={} KUBERNETES_TOKEN={KUBERNETES_TOKEN}", simulator.kubernetes_url());
    println!("export CONSOLE_URL={}", simulator.kubernetes_url());
    println!(
        "# Keystone {}/v3, user {OPENSTACK_USER}, password {OPENSTACK_PASSWORD}",
        simulator.openstack_url()
    );
    println!("# mail {}, orders {}", simulator.mail_url(), simulator.orders_url());
    println!("# approve requests at {}/_sim/", simulator.control_url());
    tokio::signal::ctrl_c().await?;
    simulator.stop().await;
    Ok(())
}
