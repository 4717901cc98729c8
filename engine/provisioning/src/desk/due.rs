//! What happens to a request although nobody asks: it waited for too long, its flow is silent, its time to run is over.

use std::time::Duration;

use jiff::Timestamp;

use super::{Fault, Work};
use crate::{
    model::{Failure, Request, State},
    tables,
};

/// How long a request waits for a place at a cluster.
const LONGEST_WAIT_FOR_A_PLACE: Duration = Duration::from_mins(30);

/// How long nothing may be heard of a step. Flows have a time limit of half an hour; this is for those that are gone.
const LONGEST_SILENCE: Duration = Duration::from_mins(35);

/// How long nothing may be forgotten in a rollback. Things take minutes to be gone; a second flow that looks at them meanwhile does no harm.
const LONGEST_SILENCE_OF_ROLLBACK: Duration = Duration::from_mins(10);

impl Work<'_, '_> {
    /// When there is something to do about a request although nobody asks.
    pub(crate) fn due_at(&self, request: &Request) -> Option<Timestamp> {
        let clock = self.clock();
        match request.state {
            State::Queued if request.cluster.is_none() => {
                let launch = request.asked.launch_at.filter(|at| *at > self.now);
                launch.or_else(|| Some(clock.after(request.waits_since?, LONGEST_WAIT_FOR_A_PLACE)))
            }
            // People take the time that they take.
            State::Activating if request.asked.provider == "manual" => None,
            State::RollingBack if request.asked.provider == "manual" => None,
            State::RollingBack => Some(clock.after(request.changed_at, LONGEST_SILENCE_OF_ROLLBACK)),
            State::Allocating | State::Configuring | State::Activating | State::Verifying => {
                Some(clock.after(request.changed_at, LONGEST_SILENCE))
            }
            State::Completed | State::Suspended => {
                let run_time = request.asked.max_run_time.as_deref()?;
                clock.deadline(request.completed_at?, run_time, "/maxRunTime").ok()
            }
            _ => None,
        }
    }

    /// Does what is due about a request.
    pub(crate) fn overdue(&mut self, id: &str) -> Result<(), Fault> {
        let mut request = self.request(id)?;
        if self.due_at(&request).is_none_or(|due| due > self.now) {
            // It was changed meanwhile.
            return Ok(tables::requests::update(self.connection, &request, self.due_at(&request))?);
        }
        let view = self.view(&request)?;
        let effects = match request.state {
            State::Queued if request.waits_since.is_none() => {
                return self.try_to_place(&mut request).and_then(|()| self.follow_up());
            }
            State::Queued => {
                let waits = request.waits_for.clone().unwrap_or_default();
                let failure = Failure::new(
                    "STUCK",
                    format!("no place in {} minutes: it {waits}", LONGEST_WAIT_FOR_A_PLACE.as_secs() / 60),
                );
                request.give_up(failure, self.own_act(None))?
            }
            State::Completed | State::Suspended => {
                request.deprovision(self.own_act(Some("its time to run is over")), |_| view)?
            }
            State::RollingBack => {
                request.resume_rollback(self.own_act(Some("nothing was heard of its flow")), |_| view)?
            }
            _ => request.end_stuck(self.own_act(Some("nothing was heard of its flow")), |_| view)?,
        };
        self.finish(&request, effects)
    }
}
