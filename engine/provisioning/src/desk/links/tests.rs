//! Links from the question to the decision, and who gets which mail.

use rondo_definition::{Environment, Properties};
use serde_json::{Value, json};

use super::super::{Desk, tests::resting_desk};
use crate::{
    desk::LinkProblem,
    model::{ApprovalState, Content, Decision, Occasion, Person, Verdict, Via},
    tables,
};

const PROPERTIES: &str = "
rondo.desk.mail.url=http://127.0.0.1:9
rondo.desk.users.kim.token=t-kim
rondo.desk.users.rita.roles=reviewer
rondo.desk.users.rita.email=rita@people.example
";

async fn desk() -> Desk {
    let (properties, found) = Properties::parse("application.properties", PROPERTIES, Environment::default());
    assert!(found.is_empty(), "{found:?}");
    resting_desk(&properties).await
}

/// Asks, and answers the id of the approval.
async fn ask(desk: &Desk, more: Value) -> String {
    let mut asked = json!({"subject": "instance:1", "title": "Open it", "requester": "jane", "approvers": ["jane", "kim", "role:reviewer"]});
    asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let own = Person::desk();
    let made = desk.change(&own, move |work| work.ask_people(serde_json::from_value(asked.clone()).unwrap()));
    made.await.unwrap().id
}

/// The mails that wait: to whom, and what of; and the tokens of the questions among them, by the name of who gets them.
async fn mails(desk: &Desk) -> (Vec<String>, std::collections::BTreeMap<String, String>) {
    let key = desk.link_key().await.unwrap();
    let read =
        desk.read(|connection| Ok(tables::mails::due(connection, jiff::Timestamp::MAX, 100)?)).await.unwrap();
    let mut tokens = std::collections::BTreeMap::new();
    let mut shown: Vec<String> = Vec::new();
    for (_, mail) in read {
        let name = mail.to.trim_start_matches("user:default/").to_owned();
        let what = match mail.content {
            Content::Question { link, occasion, .. } => {
                tokens.insert(name.clone(), key.token(link));
                match occasion {
                    Occasion::Asked => "asked",
                    Occasion::Reminded => "reminded",
                    Occasion::Escalated => "escalated",
                }
            }
            Content::Outcome { .. } => "outcome",
            Content::Notice { .. } => "notice",
        };
        shown.push(format!("{name} {what}"));
    }
    shown.sort();
    (shown, tokens)
}

fn verdict(decision: Decision) -> Verdict {
    Verdict { decision, via: Via::Link, reason: None, changes: None, force: false }
}

async fn state(desk: &Desk, id: &str) -> ApprovalState {
    let id = id.to_owned();
    desk.read(move |connection| Ok(tables::approvals::get(connection, &id)?.unwrap().state)).await.unwrap()
}

#[tokio::test]
async fn a_link_decides_once_and_looking_at_it_decides_nothing() {
    let desk = desk().await;
    let id = ask(&desk, json!({"needed": 2})).await;
    let (asked, tokens) = mails(&desk).await;
    assert_eq!(asked, ["kim asked", "rita asked"], "not who asks under four eyes");
    for _ in 0..2 {
        assert_eq!(desk.look_at_link(&tokens["kim"]).await.unwrap().approval.id, id);
    }
    assert_eq!(state(&desk, &id).await, ApprovalState::Pending);
    let refused = desk.decide_by_link(&tokens["kim"], verdict(Decision::Rejected)).await.unwrap_err();
    assert!(matches!(refused, LinkProblem::Refused(Some(_), refusal) if refusal.code == "REASON_REQUIRED"));
    let first = desk.decide_by_link(&tokens["kim"], verdict(Decision::Approved)).await.unwrap();
    assert_eq!((first.approval.state, first.person.as_str()), (ApprovalState::Pending, "user:default/kim"));
    let again = desk.decide_by_link(&tokens["kim"], verdict(Decision::Approved)).await.unwrap_err();
    assert!(matches!(again, LinkProblem::Used(_, person) if person == "user:default/kim"));
    desk.decide_by_link(&tokens["rita"], verdict(Decision::Approved)).await.unwrap();
    assert_eq!(state(&desk, &id).await, ApprovalState::Approved);
    assert!(matches!(desk.look_at_link(&tokens["kim"]).await, Err(LinkProblem::Used(..))));
    let (told, _) = mails(&desk).await;
    assert_eq!(told, ["jane outcome", "kim asked", "kim outcome", "rita asked"]);
}

#[tokio::test]
async fn a_link_ends_with_its_question_and_with_the_turn_of_its_person() {
    let desk = desk().await;
    let id = ask(&desk, json!({"deadline": "PT1H", "onDeadline": "escalate", "escalateTo": ["role:reviewer"], "approvers": ["kim"]})).await;
    let own = Person::desk();
    let overdue = id.clone();
    let passed = desk.change(&own, move |work| {
        // Two hours later.
        let mut approval = work.approval(&overdue)?;
        let later = jiff::SignedDuration::from_hours(2);
        approval.created_at -= later;
        approval.deadline_at = approval.deadline_at.map(|at| at - later);
        tables::approvals::put(work.connection, &approval)?;
        work.approval_overdue(&overdue)
    });
    passed.await.unwrap();
    assert_eq!(state(&desk, &id).await, ApprovalState::Pending);
    let (asked, tokens) = mails(&desk).await;
    assert_eq!(asked, ["kim asked", "rita escalated"]);
    let refused = desk.decide_by_link(&tokens["kim"], verdict(Decision::Approved)).await.unwrap_err();
    assert!(matches!(refused, LinkProblem::NotAsked(_)), "{refused:?}");
    desk.decide_by_link(&tokens["rita"], verdict(Decision::Approved)).await.unwrap();

    let id = ask(&desk, json!({})).await;
    let (_, tokens) = mails(&desk).await;
    let withdrawn = id.clone();
    desk.change(&own, move |work| work.withdraw(&withdrawn)).await.unwrap();
    let refused = desk.decide_by_link(&tokens["rita"], verdict(Decision::Approved)).await.unwrap_err();
    assert!(matches!(refused, LinkProblem::Ended(approval) if approval.id == id));
    for made_up in ["", "links", "AAAA"] {
        assert!(matches!(desk.look_at_link(made_up).await, Err(LinkProblem::Unknown)), "{made_up}");
    }
}

#[tokio::test]
async fn a_question_without_mails_has_no_links() {
    let desk = desk().await;
    let id = ask(&desk, json!({"mail": false})).await;
    let own = Person::desk();
    desk.change(&own, move |work| work.withdraw(&id)).await.unwrap();
    assert_eq!(mails(&desk).await.0, Vec::<String>::new());
}

#[tokio::test]
async fn a_person_without_a_token_cannot_call() {
    let desk = desk().await;
    let settings = &desk.0.settings;
    assert!(
        settings.caller(None).is_none()
            && settings.caller(Some("")).is_none()
            && settings.caller(Some("t-rita")).is_none()
    );
    assert_eq!(settings.caller(Some("t-kim")).unwrap().reference, "user:default/kim");
    assert_eq!(
        settings.people(&["role:reviewer".to_owned(), "rita".to_owned(), "everyone".to_owned()]),
        ["user:default/rita"]
    );
    let address = |name: &str| settings.address(name);
    assert_eq!([address("user:default/rita"), address("user:default/kim")], ["rita@people.example", "kim"]);
}
