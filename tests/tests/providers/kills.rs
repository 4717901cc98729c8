//! Chooses a call to a provider, and ends the process while it is under way.

use std::time::{Duration, Instant};

use rondo_simulator::{Failure, Service};

use crate::stage::{PATIENCE, Stage};

/// When the process ends, seen from the call that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The call is sent and has no effect.
    Before,
    /// The call has had its effect, and is not answered.
    After,
}

impl Moment {
    pub(crate) const BOTH: [Self; 2] = [Self::Before, Self::After];
}

/// A call that changes something at a provider: the how-manieth of its method.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    service: Service,
    pub(crate) method: String,
    /// Its path without ids.
    pub(crate) path: String,
    pub(crate) number: u32,
}

impl Change {
    /// A call that is held, before or after its effect.
    pub(crate) fn held(&self, moment: Moment) -> Failure {
        Failure {
            service: Some(self.service),
            method: Some(self.method.clone()),
            path_prefix: prefix(self.service, &self.method).to_owned(),
            status: 504,
            times: 1,
            body: None,
            after_effect: moment == Moment::After,
            hangs_up: false,
            hangs: true,
            skips: self.number,
        }
    }

    /// The same, for a call whose answer is lost with its connection.
    pub(crate) fn lost(&self) -> Failure {
        Failure { hangs_up: true, hangs: false, ..self.held(Moment::After) }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// What paths of counted calls begin with. The login to OpenStack, `POST /v3/auth/tokens`, is not among them: how often it is made depends on
/// when the process began.
fn prefix(service: Service, method: &str) -> &'static str {
    if service == Service::Openstack && method == "POST" { "/v2" } else { "/" }
}

/// Path without the parts that are ids.
fn shape(path: &str) -> String {
    let parts = path.split('?').next().unwrap_or_default().split('/');
    let is_id = |part: &str| part.len() > 20 && part.contains(|letter: char| letter.is_ascii_digit());
    parts.map(|part| if is_id(part) { "…" } else { part }).collect::<Vec<_>>().join("/")
}

impl Stage {
    /// How many calls the services have had, for [`Stage::changes_since`].
    pub(crate) fn calls(&self) -> usize {
        self.services.calls().len()
    }

    /// The changes at a service since so many calls.
    pub(crate) fn changes_since(&self, calls: usize, service: Service) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        for call in self.services.calls().into_iter().skip(calls) {
            let is_change = call.service == service && call.method != "GET";
            if is_change && call.path.starts_with(prefix(service, &call.method)) {
                let same = changes.iter().filter(|change| change.method == call.method).count();
                let (method, path) = (call.method, shape(&call.path));
                changes.push(Change { service, method, path, number: u32::try_from(same).unwrap() });
            }
        }
        changes
    }

    /// How many calls were held.
    pub(crate) fn held(&self) -> usize {
        self.services.held() + self.gate.held()
    }

    /// Waits until one more call is held than there were, and ends the process there. What is done `meanwhile` is done again and again;
    /// `context` is what a failure is told with.
    pub(crate) async fn kill_when_held(
        &mut self,
        held: usize,
        context: &str,
        mut meanwhile: impl AsyncFnMut(&Self),
    ) {
        let begin = Instant::now();
        while self.held() == held {
            assert!(begin.elapsed() < PATIENCE, "no call is held: {context}\n{}", self.engine.log());
            meanwhile(self).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.cut_power().await;
    }

    /// Has something done, and ends the process while a change that follows from it is under way.
    pub(crate) async fn kill_at<T>(
        &mut self,
        (change, moment): (&Change, Moment),
        act: impl AsyncFnOnce(&Self) -> T,
    ) -> T {
        let held = self.held();
        self.services.fail(change.held(moment));
        let done = act(self).await;
        self.kill_when_held(held, &format!("{moment:?} {change}"), async |_| ()).await;
        done
    }
}
