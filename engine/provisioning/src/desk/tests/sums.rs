//! Quota and capacity are what live requests sum to, whatever is reported, decided and broken off, in any order, and wherever the power is cut.

use std::{collections::BTreeMap, fs};

use proptest::prelude::*;
use rondo_definition::Properties;
use rondo_store::rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::desk_on;
use crate::{
    desk::{Desk, Fault, RequestAction, StepReport, Work},
    model::{
        Approval, ApprovalState, Cluster, Decision, NewRequest, Person, Pool, Power, Recorded,
        RecordedStatus, Request, Resources, Rule, State, Step, StepStatus, Verdict, Via,
    },
    refusal::Refusal,
    tables::{self, requests::Listed},
};

/// Something that is done with the desk. Numbers choose among what there is.
#[derive(Debug, Clone)]
enum Deed {
    Create { pool: usize, cpu: u32, region: usize, on: Option<usize> },
    Report { request: usize, step: usize, status: usize, attempt: Option<u32> },
    RollBack(usize, usize),
    SetPower(usize, usize),
    Record(usize, usize, bool),
    Forget(usize, usize),
    Act(usize, usize),
    Decide(usize, bool),
    Health(usize, usize),
    Overdue(usize),
}

const POOLS: [&str; 2] = ["acme", "free"];
const REGIONS: [Option<&str>; 3] = [None, Some("eu"), Some("us")];
const KINDS: [&str; 2] = ["server", "port"];

fn deed() -> impl Strategy<Value = Deed> {
    let any = || 0..8_usize;
    prop_oneof![
        4 => (any(), 1..9_u32, any(), proptest::option::of(any())).prop_map(|(pool, cpu, region, on)| Deed::Create { pool, cpu, region, on }),
        10 => (any(), any(), any(), proptest::option::of(1..3_u32)).prop_map(|(request, step, status, attempt)| Deed::Report { request, step, status, attempt }),
        3 => (any(), any()).prop_map(|(request, status)| Deed::RollBack(request, status)),
        1 => (any(), any()).prop_map(|(request, power)| Deed::SetPower(request, power)),
        3 => (any(), any(), prop::bool::ANY).prop_map(|(request, kind, is_made)| Deed::Record(request, kind, is_made)),
        3 => (any(), any()).prop_map(|(request, kind)| Deed::Forget(request, kind)),
        3 => (any(), any()).prop_map(|(request, action)| Deed::Act(request, action)),
        2 => (any(), prop::bool::ANY).prop_map(|(approval, yes)| Deed::Decide(approval, yes)),
        1 => (any(), any()).prop_map(|(cluster, health)| Deed::Health(cluster, health)),
        1 => any().prop_map(Deed::Overdue),
    ]
}

fn from_json<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn prepare(work: &mut Work<'_, '_>) -> Result<(), Fault> {
    let grants =
        json!([{"to": "everyone", "actions": ["create"]}, {"to": "user:default/kim", "actions": ["modify"]}]);
    let quota = json!({"instances": 4, "cpu": 16});
    tables::pools::put(
        work.connection,
        "acme",
        &from_json::<Pool>(json!({"kind": "tenant", "quota": quota, "grants": grants})),
    )?;
    tables::pools::put(
        work.connection,
        "free",
        &from_json::<Pool>(json!({"kind": "tenant", "grants": grants})),
    )?;
    for (name, region, cpu) in [("one", "eu", 10), ("two", "us", 6)] {
        let cluster = json!({"name": name, "type": "simulation", "region": region, "capacity": {"cpu": cpu, "slots": 3}});
        tables::clusters::put(work.connection, &from_json::<Cluster>(cluster), None)?;
    }
    let rule: Rule = from_json(json!({"name": "large", "priority": 1, "minCpu": 6, "approvers": ["kim"]}));
    Ok(tables::rules::put(work.connection, "large", &rule)?)
}

fn requests(connection: &Connection) -> Vec<Request> {
    let all = Listed { limit: 1000, ..Listed::default() };
    tables::requests::list(connection, &all).unwrap().into_iter().map(|(_, request)| request).collect()
}

fn carry_out(work: &mut Work<'_, '_>, deed: &Deed) -> Result<(), Fault> {
    let all = requests(work.connection);
    let nth = |number: usize| all.get(number % all.len().max(1)).map(|request| request.id.clone());
    let chosen = |number: usize| nth(number).ok_or_else(|| Fault::from(Refusal::not_found("request", "any")));
    match deed {
        Deed::Create { pool, cpu, region, on } => {
            let on: Vec<String> = on.and_then(nth).into_iter().collect();
            let asked: NewRequest = from_json(json!({
                "pool": POOLS[pool % 2], "requester": "jane", "type": "vps", "provider": "simulation", "name": "shop",
                "resources": {"instances": 1, "cpu": cpu}, "region": REGIONS[region % 3], "dependsOn": on,
            }));
            work.create(vec![asked]).map(drop)
        }
        Deed::Report { request, step, status, attempt } => {
            let status = [StepStatus::Running, StepStatus::Completed, StepStatus::Failed][status % 3];
            let report = StepReport {
                step: Step::ALL[step % 4],
                status,
                detail: None,
                error: None,
                instance: None,
                attempt: *attempt,
            };
            let (id, before) = chosen(*request).and_then(|id| Ok((id.clone(), work.request(&id)?)))?;
            let reported = work.report_step(&id, report);
            let is_over = attempt.is_some_and(|attempt| attempt != before.attempt);
            assert!(!is_over || reported.is_err(), "a report about another attempt than {}", before.attempt);
            reported.map(drop)
        }
        Deed::RollBack(request, status) => {
            let status = [StepStatus::Running, StepStatus::Completed, StepStatus::Failed][status % 3];
            work.report_rollback(&chosen(*request)?, status, None).map(drop)
        }
        Deed::SetPower(request, power) => {
            let power = [Power::Stopped, Power::Started, Power::Failed][power % 3];
            work.report_power(&chosen(*request)?, power).map(drop)
        }
        Deed::Record(request, kind, is_made) => {
            let status = if *is_made { RecordedStatus::Created } else { RecordedStatus::Creating };
            let recorded = Recorded {
                kind: KINDS[kind % 2].to_owned(),
                name: "rq".to_owned(),
                status,
                provider_id: None,
                attributes: serde_json::Map::new(),
            };
            work.record(&chosen(*request)?, recorded).map(drop)
        }
        Deed::Forget(request, kind) => work.forget(&chosen(*request)?, KINDS[kind % 2], "rq"),
        Deed::Act(request, action) => {
            use RequestAction::{Cancel, Deprovision, Reactivate, Retry, Suspend};
            let action = [Suspend, Reactivate, Deprovision, Retry, Cancel][action % 5];
            work.do_with(&chosen(*request)?, action, None, None).map(drop)
        }
        Deed::Decide(approval, yes) => {
            let open: Vec<Approval> = pending(work);
            let Some(approval) = open.get(approval % open.len().max(1)) else { return Ok(()) };
            let decision = if *yes { Decision::Approved } else { Decision::Rejected };
            let verdict = Verdict {
                decision,
                via: Via::Rest,
                reason: Some("so".to_owned()),
                changes: None,
                force: false,
            };
            work.decide(&approval.id, &Person::named("kim"), verdict).map(drop)
        }
        Deed::Health(cluster, health) => {
            let name = ["one", "two"][cluster % 2];
            let Some(mut cluster) = tables::clusters::get(work.connection, name)? else { return Ok(()) };
            cluster.health = from_json(json!(["online", "degraded", "offline"][health % 3]));
            tables::clusters::put(work.connection, &cluster, None)?;
            work.place_waiting()
        }
        Deed::Overdue(request) => work.overdue(&chosen(*request)?),
    }
}

fn pending(work: &Work<'_, '_>) -> Vec<Approval> {
    let ids = requests(work.connection).into_iter().filter_map(|request| request.approval_id);
    let all = ids.filter_map(|id| tables::approvals::get(work.connection, &id).unwrap());
    all.filter(|approval| approval.state == ApprovalState::Pending).collect()
}

/// What must hold after every deed.
fn check(connection: &Connection) {
    let requests = requests(connection);
    let mut sums: BTreeMap<(&str, String), Vec<&Resources>> = BTreeMap::new();
    for request in requests.iter().filter(|request| request.holds()) {
        let resources = &request.asked.resources;
        sums.entry(("pool", request.asked.pool.clone())).or_default().push(resources);
        if let Some(cluster) = &request.cluster {
            sums.entry(("cluster", cluster.clone())).or_default().push(resources);
        }
    }
    let sum = |kind: &'static str, name: &str| {
        let held = sums.get(&(kind, name.to_owned())).cloned().unwrap_or_default();
        held.iter().fold([0; 4], |sum, resources| {
            let each = resources.each().map(|(_, amount)| amount.thousandths());
            std::array::from_fn(|index| sum[index] + each[index])
        })
    };
    let told = |resources: Resources| resources.each().map(|(_, amount)| amount.thousandths());
    for pool in POOLS {
        assert_eq!(
            told(tables::usage::of_pool(connection, pool).unwrap()),
            sum("pool", pool),
            "used of {pool}"
        );
    }
    for (name, cpu) in [("one", 10_000), ("two", 6_000)] {
        assert_eq!(
            told(tables::usage::of_cluster(connection, name).unwrap()),
            sum("cluster", name),
            "used of {name}"
        );
        assert!(
            sum("cluster", name)[0] <= 3000 && sum("cluster", name)[1] <= cpu,
            "{name} has more than fits"
        );
    }
    assert!(
        sum("pool", "acme")[0] <= 4000 && sum("pool", "acme")[1] <= 16_000,
        "acme has more than its quota"
    );
    for request in &requests {
        let history = tables::requests::history(connection, &request.id).unwrap();
        for (transition, next) in history.iter().zip(history.iter().skip(1)) {
            assert_eq!(
                (Some(transition.to), transition.sequence + 1),
                (next.from, next.sequence),
                "the history has no gap"
            );
            // A new attempt may come to nothing at once: over the quota, or without any cluster.
            let is_new_attempt =
                next.to == State::Failed && matches!(transition.to, State::Failed | State::RolledBack);
            assert!(
                is_new_attempt || transition.to.next().contains(&next.to),
                "{:?} to {:?}",
                transition.to,
                next.to
            );
        }
        assert_eq!(history.last().map(|last| last.to), Some(request.state));
        let is_resting = matches!(request.state, State::RolledBack | State::Completed | State::Suspended);
        assert!(!is_resting || request.waits_for.is_none(), "what has come to rest waits for nothing");
        assert!(request.state != State::RolledBack || request.recorded.is_empty(), "nothing is left of it");
        let events = tables::events::behind(connection, 0, Some(&request.id), 1000).unwrap();
        let ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
        let expected: Vec<String> =
            (1..=ids.len()).map(|number| format!("{}-{number}", request.id)).collect();
        assert_eq!(ids, expected, "each event has its number");
    }
}

/// The desk of a database file, which can be taken away from it at any moment.
struct Site {
    desk: Desk,
    folder: TempDir,
}

impl Site {
    async fn on(folder: TempDir) -> Self {
        let url = format!("sqlite://{}", folder.path().join("desk.db").display());
        let desk = desk_on(&url, &Properties::default()).await;
        Self { desk, folder }
    }

    /// Goes on with what is on the disk at this moment, as after a power cut: the files are copied as they are, without closing the database.
    async fn cut_power(&mut self) {
        let folder = TempDir::new().unwrap();
        for file in fs::read_dir(self.folder.path()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
        *self = Self::on(folder).await;
    }
}

/// What becomes of the unit of work of a deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Luck {
    /// It is written.
    Good,
    /// It breaks off at its end.
    BreaksOff,
    /// It is written, and then the power is cut.
    PowerCut,
}

fn luck() -> impl Strategy<Value = Luck> {
    prop_oneof![8 => Just(Luck::Good), 1 => Just(Luck::BreaksOff), 1 => Just(Luck::PowerCut)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Quota and capacity are what the live requests sum to, never more than there is, and every history is a legal one, also where a
    /// change breaks off in the middle, and after a power cut.
    #[test]
    fn the_sums_hold_whatever_happens(deeds in prop::collection::vec((deed(), luck()), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let person = Person { roles: vec!["admin".to_owned()], ..Person::named("root") };
            let mut site = Site::on(TempDir::new().unwrap()).await;
            site.desk.change(&person, prepare).await.unwrap();
            for (deed, luck) in deeds {
                // A refusal is an answer like others; what it must not do is change anything.
                let _ = site.desk.change(&person, move |work| {
                    carry_out(work, &deed)?;
                    match luck {
                        Luck::BreaksOff => Err(Refusal::unavailable("the power is gone").into()),
                        Luck::Good | Luck::PowerCut => Ok(()),
                    }
                }).await;
                if luck == Luck::PowerCut {
                    let before = site.desk.read(|connection| Ok(requests(connection))).await.unwrap();
                    site.cut_power().await;
                    let after = site.desk.read(|connection| Ok(requests(connection))).await.unwrap();
                    assert_eq!(before, after, "a power cut changes nothing");
                }
                site.desk.read(|connection| { check(connection); Ok(()) }).await.unwrap();
            }
        });
    }
}
