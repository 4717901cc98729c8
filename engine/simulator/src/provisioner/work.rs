//! The provisioner at work: a subscription for each cluster, and the jobs that are due.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, Message};
use serde_json::Value;
use tokio::sync::watch;

use super::{CLUSTERS, Job, JobState, ProvisionerOptions};
use crate::clock::later;
use crate::world::Shared;

/// What subjects begin with.
const SUBJECT: &str = "registry_project_provisioning_";

/// Between two attempts to call back, and between two looks for jobs that are due.
const PAUSE: Duration = Duration::from_millis(500);

/// Jobs at most; later messages are not taken.
const MOST: usize = 2000;

/// Takes messages and does them. Ends with the process or the task.
pub(crate) async fn run(
    shared: Arc<Shared>,
    options: ProvisionerOptions,
    nats: Client,
    client: reqwest::Client,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), async_nats::SubscribeError> {
    for cluster in CLUSTERS {
        let mut messages = nats.subscribe(format!("{SUBJECT}{cluster}")).await?;
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Some(message) = next(&mut messages).await {
                take(&shared, cluster, &message);
            }
        });
    }
    // What is published from now on arrives.
    if let Err(error) = nats.flush().await {
        tracing::warn!(%error, "the simulated provisioner is not connected to NATS yet");
    }
    tokio::spawn(async move {
        // The subscriptions end with the client.
        let _nats = nats;
        loop {
            work(&shared, &options, &client).await;
            tokio::select! {
                () = shared.changed.notified() => {}
                () = tokio::time::sleep(PAUSE) => {}
                // A dropped sender means stop as well.
                _ = stopped.wait_for(|stop| *stop) => return,
            }
        }
    });
    Ok(())
}

/// The next message of a subscription; nothing when it has ended.
async fn next(messages: &mut async_nats::Subscriber) -> Option<Message> {
    std::future::poll_fn(|context| {
        futures_util::Stream::poll_next(std::pin::Pin::new(&mut *messages), context)
    })
    .await
}

fn take(shared: &Shared, cluster: &str, message: &Message) {
    let Ok(message) = serde_json::from_slice::<Value>(&message.payload) else {
        tracing::warn!(cluster, "the simulated provisioner got a message that is no JSON");
        return;
    };
    let mut world = shared.world();
    let (received, delay) = (world.clock.now(), world.delays.provisioner);
    let provisioner = &mut world.provisioner;
    if provisioner.jobs.len() >= MOST {
        tracing::warn!(cluster, "the simulated provisioner has too many jobs and takes no more");
        return;
    }
    provisioner.jobs.push(Job {
        number: provisioner.jobs.len() as u64 + 1,
        cluster: cluster.to_owned(),
        message,
        received,
        due: later(received, delay),
        behaviour: provisioner.behaviour,
        state: JobState::Running,
    });
    drop(world);
    shared.changed.notify_waiters();
}

/// Ends the jobs that are due, and calls back for those that have ended.
async fn work(shared: &Shared, options: &ProvisionerOptions, client: &reqwest::Client) {
    let reports: Vec<Job> = {
        let mut world = shared.world();
        let now = world.clock.now();
        let (jobs, cluster) = world.provisioner_and_cluster();
        for job in jobs.iter_mut().filter(|job| job.state == JobState::Running && job.due <= now) {
            job.carry_out(cluster, now);
            job.state = match job.behaviour {
                super::Behaviour::Silent => JobState::Silent,
                _ => JobState::CallingBack,
            };
        }
        jobs.iter().filter(|job| job.state == JobState::CallingBack).cloned().collect()
    };
    for job in reports {
        if let Some(state) = report(&job, options, client).await {
            let mut world = shared.world();
            let known = world.provisioner.jobs.iter_mut().find(|known| known.number == job.number);
            if let Some(known) = known.filter(|known| known.received == job.received) {
                known.state = state;
            }
        }
    }
}

/// Calls back; nothing if that must be tried again.
async fn report(job: &Job, options: &ProvisionerOptions, client: &reqwest::Client) -> Option<JobState> {
    let address = format!("{}/products/{}/provision", options.desk_url, job.plate());
    let request = client.post(address).bearer_auth(&options.token).json(&job.report(options.has_empty_body));
    let why = match request.send().await {
        Ok(response) if response.status().is_success() => return Some(JobState::Reported),
        Ok(response) if response.status().is_client_error() => {
            tracing::warn!(plate = job.plate(), status = %response.status(), "a callback of the simulated provisioner was refused");
            return Some(JobState::Refused);
        }
        Ok(response) => response.status().to_string(),
        Err(error) => error.to_string(),
    };
    tracing::warn!(plate = job.plate(), why, "a callback of the simulated provisioner will be tried again");
    None
}
