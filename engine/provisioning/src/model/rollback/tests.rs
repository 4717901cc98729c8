//! Who is told of a cancellation, and what may be recorded then.

use serde_json::json;

use super::*;
use crate::model::{Recorded, RecordedStatus, Step};

const NOW: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

fn act() -> Act<'static> {
    Act { by: "user:default/jane", why: None, now: NOW }
}

/// A request whose flow is at the step `activate`.
fn activating(instance: Option<&str>) -> Request {
    let asked = json!({"pool": "acme", "requester": "user:default/jane", "type": "vps", "provider": "openstack", "name": "shop", "resources": {}});
    let mut request = Request::new("r1".to_owned(), serde_json::from_value(asked).unwrap(), NOW);
    request.begin(Ok(State::Queued), act(), &mut Effects::default());
    request.cluster = Some("os-eu".to_owned());
    for (step, status) in [
        (Step::Allocate, StepStatus::Running),
        (Step::Allocate, StepStatus::Completed),
        (Step::Configure, StepStatus::Running),
        (Step::Configure, StepStatus::Completed),
        (Step::Activate, StepStatus::Running),
    ] {
        request.report_step(step, status, None, None, act()).unwrap();
    }
    request.instance_id = instance.map(str::to_owned);
    request
}

fn recorded(name: &str, status: RecordedStatus) -> Recorded {
    Recorded {
        kind: "volume".to_owned(),
        name: name.to_owned(),
        status,
        provider_id: None,
        attributes: serde_json::Map::new(),
    }
}

fn view(_: &Request) -> Value {
    json!({})
}

/// Whom the one event of a change is for: an instance, or the flow that a business key starts.
fn told(effects: &Effects) -> (&str, Option<&str>, Option<&str>) {
    let [told] = effects.told.as_slice() else { panic!("{:?}", effects.told) };
    (&told.event_type, told.instance.as_deref(), told.business_key.as_deref())
}

#[test]
fn a_cancellation_is_for_the_instance_at_work_and_starts_no_other() {
    let effects = activating(Some("i1")).cancel(act(), view).unwrap();
    assert_eq!(told(&effects), ("desk.deprovision.openstack", Some("i1"), None));
    let effects = activating(None).cancel(act(), view).unwrap();
    assert_eq!(told(&effects), ("desk.deprovision.openstack", None, Some("r1")));
}

#[test]
fn nothing_new_is_made_in_a_rollback_but_what_is_there_is_noted() {
    let mut request = activating(Some("i1"));
    request.cancel(act(), view).unwrap();
    assert_eq!(
        request.record(recorded("new", RecordedStatus::Creating), act()).unwrap_err().code,
        "CANCELLED"
    );
    request.record(recorded("known", RecordedStatus::Created), act()).unwrap();
    assert_eq!(request.recorded.len(), 1);
}

#[test]
fn a_rollback_that_nobody_is_heard_of_is_begun_by_another_flow() {
    let mut request = activating(Some("i1"));
    assert!(request.resume_rollback(act(), view).is_err(), "it is not rolled back");
    request.cancel(act(), view).unwrap();
    let effects = request.resume_rollback(act(), view).unwrap();
    assert_eq!(told(&effects), ("desk.deprovision.openstack", None, Some("r1")));
    assert_eq!(request.state, State::RollingBack);
}
