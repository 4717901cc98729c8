//! Tests the clusters that are not online again, so that they get requests as soon as they work.

use std::time::Duration;

use tokio::task::JoinSet;

use super::Desk;
use crate::{model::Health, tables};

/// The pause between two tests.
const INTERVAL: Duration = Duration::from_mins(1);

pub(super) async fn run(desk: Desk) {
    let pause = INTERVAL / desk.0.settings.clock_speed.max(1);
    loop {
        tokio::time::sleep(pause).await;
        let Ok(clusters) = desk.read(|connection| Ok(tables::clusters::all(connection)?)).await else {
            continue;
        };
        let failing =
            clusters.into_iter().filter(|cluster| cluster.enabled && cluster.health != Health::Online);
        let mut tests = JoinSet::new();
        for cluster in failing {
            let desk = desk.clone();
            tests.spawn(async move { desk.test_cluster(cluster.name).await });
        }
        while let Some(tested) = tests.join_next().await {
            if let Ok(Err(refusal)) = tested {
                tracing::warn!(%refusal, "a cluster could not be tested");
            }
        }
    }
}
