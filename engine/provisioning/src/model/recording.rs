//! What was made for a request, as its flow records it before and after each call.
//!
//! Promises: the order of the first records is the order of creation; what is known is never forgotten by a repeated report.

use super::{Recorded, RecordedStatus, Request, State, request::Act};
use crate::refusal::Refusal;

impl Request {
    /// Records something that is about to be made, or was made. What is known by its kind and name keeps its place in the order.
    pub(crate) fn record(&mut self, new: Recorded, act: Act<'_>) -> Result<(), Refusal> {
        if !matches!(
            self.state,
            State::Allocating
                | State::Configuring
                | State::Activating
                | State::Verifying
                | State::Completed
                | State::Suspended
                | State::RollingBack
        ) {
            return Err(self.illegal("recording a resource"));
        }
        // What is there may still be noted then, but nothing new is made.
        if self.state == State::RollingBack && new.status == RecordedStatus::Creating {
            return Err(Refusal::cancelled());
        }
        self.changed_at = act.now;
        let known = self.recorded.iter_mut().find(|known| known.kind == new.kind && known.name == new.name);
        let Some(known) = known else {
            self.recorded.push(new);
            return Ok(());
        };
        // A repeated note that it is about to be made says less than what is known.
        if new.status == RecordedStatus::Created || known.status == RecordedStatus::Creating {
            known.status = new.status;
            known.provider_id = new.provider_id.or_else(|| known.provider_id.take());
            known.attributes.extend(new.attributes);
        }
        Ok(())
    }

    /// Forgets something that is not there any more. Answers whether quota or capacity have become free by it.
    pub(crate) fn forget(&mut self, kind: &str, name: &str, act: Act<'_>) -> bool {
        let held = self.holds();
        self.recorded.retain(|known| known.kind != kind || known.name != name);
        self.changed_at = act.now;
        held && !self.holds()
    }
}
