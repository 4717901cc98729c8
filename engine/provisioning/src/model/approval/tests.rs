//! Who may decide, what counts, and what the deadline does.

use super::*;

fn approval(more: Value) -> Approval {
    let mut asked = json!({"subject": "instance:1", "title": "Open it", "requester": "jane", "approvers": ["jane", "kim", "role:reviewer"]});
    asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Approval {
        id: "1".to_owned(),
        asked: serde_json::from_value(asked).unwrap(),
        state: ApprovalState::Pending,
        votes: Vec::new(),
        created_at: Timestamp::UNIX_EPOCH,
        deadline_at: None,
        remind_at: Vec::new(),
        is_escalated: false,
        decided_at: None,
    }
}

fn person(name: &str, roles: &[&str]) -> Person {
    Person { roles: roles.iter().map(ToString::to_string).collect(), ..Person::named(name) }
}

fn verdict(decision: Decision, reason: Option<&str>) -> Verdict {
    Verdict { decision, via: Via::Rest, reason: reason.map(str::to_owned), changes: None, force: false }
}

/// Each decision in turn, and what becomes of it.
fn play(mut approval: Approval, votes: &[(Person, Verdict)]) -> (Vec<String>, ApprovalState) {
    let outcomes = votes.iter().map(|(person, verdict)| {
        match approval.decide(person, verdict.clone(), Timestamp::UNIX_EPOCH) {
            Ok(counted) => format!("{counted:?}"),
            Err(refusal) => refusal.code.to_owned(),
        }
    });
    let outcomes = outcomes.collect();
    (outcomes, approval.state)
}

#[test]
fn who_may_decide_and_what_counts() {
    use Decision::{Approved, Rejected};
    let kim = || person("kim", &[]);
    let sam = || person("sam", &["reviewer"]);
    for (asked, votes, outcomes, state) in [
        (
            json!({}),
            vec![
                (person("max", &[]), verdict(Approved, None)),
                (person("jane", &[]), verdict(Approved, None)),
                (kim(), verdict(Approved, None)),
            ],
            vec!["NOT_AN_APPROVER", "FOUR_EYES", "Decides"],
            ApprovalState::Approved,
        ),
        (
            json!({"fourEyes": false}),
            vec![(person("jane", &[]), verdict(Approved, None))],
            vec!["Decides"],
            ApprovalState::Approved,
        ),
        (
            json!({}),
            vec![
                (kim(), verdict(Rejected, Some(" "))),
                (kim(), verdict(Rejected, Some("no"))),
                (kim(), verdict(Rejected, None)),
                (kim(), verdict(Approved, None)),
                (sam(), verdict(Approved, None)),
            ],
            vec!["REASON_REQUIRED", "Decides", "Already", "ALREADY_DECIDED", "ALREADY_DECIDED"],
            ApprovalState::Rejected,
        ),
        (
            json!({"needed": 2, "reasonRequired": "always"}),
            vec![
                (kim(), verdict(Approved, None)),
                (kim(), verdict(Approved, Some("ok"))),
                (kim(), verdict(Approved, Some("ok"))),
                (sam(), verdict(Approved, Some("ok"))),
            ],
            vec!["REASON_REQUIRED", "Waits", "Already", "Decides"],
            ApprovalState::Approved,
        ),
        (
            json!({"needed": 2}),
            vec![(kim(), verdict(Approved, None)), (sam(), verdict(Rejected, Some("no")))],
            vec!["Waits", "Decides"],
            ApprovalState::Rejected,
        ),
        (
            json!({}),
            vec![(person("root", &["admin"]), verdict(Approved, None))],
            vec!["NOT_AN_APPROVER"],
            ApprovalState::Pending,
        ),
        (
            json!({}),
            vec![
                (person("root", &["admin"]), Verdict { force: true, ..verdict(Approved, None) }),
                (person("root", &["admin"]), Verdict { force: true, ..verdict(Approved, Some("urgent")) }),
            ],
            vec!["REASON_REQUIRED", "Decides"],
            ApprovalState::Approved,
        ),
    ] {
        assert_eq!(
            play(approval(asked.clone()), &votes),
            (outcomes.into_iter().map(str::to_owned).collect(), state),
            "{asked}"
        );
    }
}

#[test]
fn the_deadline_ends_it_or_asks_others_once_for_as_long() {
    let at = |seconds| Timestamp::from_second(seconds).unwrap();
    for (asked, ends, state) in [
        (json!({}), true, ApprovalState::Expired),
        (json!({"onDeadline": "approve"}), true, ApprovalState::Approved),
        (json!({"onDeadline": "escalate", "escalateTo": ["role:lead"]}), false, ApprovalState::Pending),
    ] {
        let mut approval = Approval { deadline_at: Some(at(60)), ..approval(asked.clone()) };
        assert_eq!(approval.reach_deadline(at(61)), ends, "{asked}");
        assert_eq!(approval.state, state, "{asked}");
        if !ends {
            assert_eq!(
                (&approval.asked.approvers[..], approval.deadline_at),
                (&["role:lead".to_owned()][..], Some(at(121)))
            );
            assert!(approval.reach_deadline(at(121)));
            assert_eq!(approval.state, ApprovalState::Expired);
        }
    }
}

#[test]
fn who_decided_is_told_only_where_somebody_has() {
    let asked = json!({"needed": 2, "onDeadline": "approve", "replyTo": "0198c0de"});
    let told = |approval: &Approval| {
        let data = approval.told().unwrap().data;
        [data["decision"].clone(), data["by"].clone(), data["via"].clone()]
    };
    let mut late = approval(asked.clone());
    late.decide(&person("kim", &[]), verdict(Decision::Approved, None), Timestamp::UNIX_EPOCH).unwrap();
    late.reach_deadline(Timestamp::from_second(60).unwrap());
    assert_eq!(told(&late), [json!("approved"), Value::Null, json!("deadline")]);
    let mut withdrawn = approval(asked.clone());
    assert!(withdrawn.withdraw(Timestamp::UNIX_EPOCH));
    assert_eq!(told(&withdrawn), [json!("withdrawn"), Value::Null, Value::Null]);
    let mut decided = approval(asked);
    for name in ["kim", "sam"] {
        decided
            .decide(&person(name, &["reviewer"]), verdict(Decision::Approved, None), Timestamp::UNIX_EPOCH)
            .unwrap();
    }
    assert_eq!(told(&decided), [json!("approved"), json!("user:default/sam"), json!("rest")]);
}

#[test]
fn a_ticket_decides_once_in_words_instead_of_a_name() {
    let mut asked = approval(json!({"needed": 2}));
    let by = "the ticket ops/requests#41";
    let mut say = |decision| asked.decide_by_ticket(by, decision, "label".to_owned(), Timestamp::UNIX_EPOCH);
    assert_eq!(say(Decision::Approved), Counted::Waits);
    assert_eq!(say(Decision::Approved), Counted::Already);
    assert_eq!(asked.votes.len(), 1);
    let mut closed = approval(json!({}));
    let counted =
        closed.decide_by_ticket(by, Decision::Rejected, "it was closed".to_owned(), Timestamp::UNIX_EPOCH);
    assert_eq!(
        (counted, closed.state, closed.deciding().unwrap().by.as_str()),
        (Counted::Decides, ApprovalState::Rejected, by)
    );
}
