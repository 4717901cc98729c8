//! What may follow a state, for who tried something else.

use serde_json::{Value, json};

use super::{Request, State, Step, StepStatus};
use crate::refusal::Refusal;

impl Request {
    /// The refusal of something that may not follow the state, with what may.
    pub(super) fn illegal(&self, what: &str) -> Refusal {
        Refusal::illegal(self.state, what, self.legal())
    }

    /// What may follow, and how it is brought about.
    fn legal(&self) -> Vec<Value> {
        let way = |to: State, how: String| json!({"to": to.name(), "how": how});
        let step = |step: Step, status: &str| format!("PUT steps/{} {status}", step.name());
        let action = |to: State, name: &str| way(to, format!("POST actions/{name}"));
        match self.state {
            State::Queued if self.cluster.is_some() => {
                vec![way(State::Allocating, step(Step::Allocate, "Running")), action(State::Failed, "cancel")]
            }
            State::Queued => vec![action(State::Failed, "cancel")],
            State::PendingApproval => {
                vec![
                    way(State::Queued, "POST the decision of its approval".to_owned()),
                    action(State::Failed, "cancel"),
                ]
            }
            State::Allocating | State::Configuring | State::Activating | State::Verifying => {
                let Some(current) = self.state.step() else { return Vec::new() };
                let next = Step::ALL.into_iter().find(|next| next.before() == Some(current));
                let mut ways = match (self.step(current), next) {
                    (StepStatus::Completed, Some(next)) => vec![way(next.state(), step(next, "Running"))],
                    (_, None) => vec![way(State::Completed, step(current, "Completed"))],
                    _ => vec![way(self.state, step(current, "Completed"))],
                };
                ways.push(way(State::Failed, step(current, "Failed")));
                ways.push(action(State::RollingBack, "cancel"));
                ways
            }
            State::Completed => {
                vec![action(State::Suspended, "suspend"), action(State::RollingBack, "deprovision")]
            }
            State::Suspended => {
                vec![action(State::Completed, "reactivate"), action(State::RollingBack, "deprovision")]
            }
            State::Failed if !self.recorded.is_empty() => vec![action(State::RollingBack, "deprovision")],
            State::Failed | State::RolledBack => vec![action(State::Queued, "retry")],
            State::RollingBack => vec![
                way(State::RolledBack, "PUT rollback Completed".to_owned()),
                way(State::Failed, "PUT rollback Failed".to_owned()),
            ],
        }
    }
}
