//! Measures what was made for a request.

use serde_json::Value;

use super::exchange::OWN_TIME;
use crate::{Desk, model::Metrics, refusal::Refusal, tables};

impl Desk {
    /// What is measured now of the machines of a request, all together, with the moment.
    pub(crate) async fn measure(&self, id: &str) -> Result<Value, Refusal> {
        let wanted = id.to_owned();
        let request = self
            .read(move |connection| {
                Ok(tables::requests::get(connection, &wanted)?
                    .ok_or_else(|| Refusal::not_found("request", &wanted))?)
            })
            .await?;
        let unmeasured = || {
            Refusal::not_supported(format!(
                "nothing measures what was made for the request {id} by {}",
                request.asked.provider
            ))
        };
        let cluster = request.cluster.as_deref().ok_or_else(unmeasured)?;
        let reached = match self.reach(cluster).await {
            Err(refusal) if refusal.code == "NOT_SUPPORTED" => return Err(unmeasured()),
            other => other?,
        };
        let mut each = Vec::new();
        for recorded in &request.recorded {
            let Some((call, read)) = reached.provider.measure(&reached.place, recorded) else { continue };
            let answer =
                self.exchange(&reached, &call, OWN_TIME, false).await.map_err(|failed| failed.refusal)?;
            if !answer.is_success() {
                let message = format!(
                    "the cluster `{cluster}` answered {} for {}; a machine that is off cannot be measured",
                    answer.status, recorded.name
                );
                return Err(Refusal::not_supported(message));
            }
            each.push(read(&answer.json()));
        }
        if each.is_empty() {
            return Err(unmeasured());
        }
        let mut view = serde_json::to_value(Metrics::of_all(&each)).unwrap_or_default();
        view["at"] = crate::desk::Clock::now().to_string().into();
        Ok(view)
    }
}
