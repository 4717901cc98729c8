//! Switching a service off and on again.

use serde_json::Value;

use super::{Effects, EventKind, Request, State, moves::Reported, request::Act};

/// How power of a service was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub(crate) enum Power {
    /// It is off.
    Stopped,
    /// It is on.
    Started,
    /// It could not be changed.
    Failed,
}

impl Request {
    /// A flow reports that power was changed.
    pub(crate) fn report_power(&mut self, power: Power, act: Act<'_>) -> Reported {
        let mut effects = Effects::default();
        match (self.state, power) {
            (State::Completed, Power::Stopped) => {
                self.power_asked = None;
                self.go(State::Suspended, act, &mut effects);
                self.emit(EventKind::Suspended, None, act, &mut effects);
            }
            (State::Suspended, Power::Started) => {
                self.power_asked = None;
                self.go(State::Completed, act, &mut effects);
                self.emit(EventKind::Reactivated, None, act, &mut effects);
            }
            (State::Completed, Power::Started) | (State::Suspended, Power::Stopped) => {}
            (State::Completed | State::Suspended, Power::Failed) => self.power_asked = None,
            _ => return Err(self.illegal("a change of power")),
        }
        Ok(effects)
    }

    /// Switches off.
    pub(crate) fn suspend(&mut self, act: Act<'_>, view: impl FnOnce(&Self) -> Value) -> Reported {
        self.ask_power(State::Completed, "suspend", act, view)
    }

    /// Switches on again.
    pub(crate) fn reactivate(&mut self, act: Act<'_>, view: impl FnOnce(&Self) -> Value) -> Reported {
        self.ask_power(State::Suspended, "reactivate", act, view)
    }

    fn ask_power(
        &mut self,
        from: State,
        action: &str,
        act: Act<'_>,
        view: impl FnOnce(&Self) -> Value,
    ) -> Reported {
        if self.state != from {
            return Err(self.illegal(&format!("`{action}`")));
        }
        let mut effects = Effects::default();
        // Its flow is at it.
        if self.power_asked.as_deref() != Some(action) {
            self.power_asked = Some(action.to_owned());
            self.changed_at = act.now;
            self.tell_flow(action, view, &mut effects);
        }
        Ok(effects)
    }
}
