//! Which instances are lost, and which are not as they were.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::{Connection, Row, types::ValueRef};
use serde::de::IgnoredAny;
use uuid::Uuid;

use super::{Fate, InstanceFindings, tables::each};
use crate::State;

/// What the rows and the indexes tell of the instances.
pub(super) struct Instances {
    /// Ids by the index.
    indexed: HashMap<i64, Uuid>,
    rows: BTreeMap<i64, RowFacts>,
    workflows: HashMap<i64, String>,
    /// The last turn in the history of each row.
    last_turns: HashMap<i64, u64>,
    /// Rows whose data, or input, stand in a table of their own.
    large: [BTreeSet<i64>; 2],
    /// The highest number of an instance that a row of any table names.
    highest: i64,
    /// Columns of the table of instances, by name.
    columns: HashMap<String, usize>,
}

/// What a row tells of its instance.
struct RowFacts {
    id: Option<Uuid>,
    revision: i64,
    state: Option<State>,
    turn: u64,
    problem: Option<String>,
    /// Whether data and input stand elsewhere.
    is_large: [bool; 2],
}

impl Instances {
    pub(super) fn new(source: &Connection) -> Self {
        let mut indexed = HashMap::new();
        for order in ["ASC", "DESC"] {
            let sql = format!("SELECT number, id FROM instance INDEXED BY instance_id ORDER BY id {order}");
            let is_whole = each(source, &sql, &mut |row| {
                if let (Ok(number), Ok(id)) = (row.get(0), row.get(1)) {
                    indexed.insert(number, id);
                }
                true
            });
            if is_whole {
                break;
            }
        }
        let names = source.prepare("SELECT * FROM instance").map_or_else(
            |_| Vec::new(),
            |statement| statement.column_names().into_iter().map(str::to_owned).collect(),
        );
        Self {
            indexed,
            rows: BTreeMap::new(),
            workflows: HashMap::new(),
            last_turns: HashMap::new(),
            large: Default::default(),
            highest: 0,
            columns: names.into_iter().zip(0..).collect(),
        }
    }

    /// Looks at a row of any table. Returns whether it belongs into the new database: what belongs to a lost instance would go to the next
    /// one that gets the number of its row.
    pub(super) fn observe(&mut self, table: &str, row: &Row<'_>, first: usize) -> bool {
        let number = |column: usize| row.get::<_, i64>(first + column).ok();
        let owner = match table {
            "history" | "part" => number(1),
            "large_data" | "large_input" | "event_wait" | "concurrency_member" => number(0),
            _ => None,
        };
        self.highest = self.highest.max(owner.unwrap_or_default());
        match table {
            "revision" => {
                if let (Some(revision), Ok(workflow)) = (number(0), row.get(first + 2)) {
                    self.workflows.insert(revision, workflow);
                }
                true
            }
            "instance" => self.observe_instance(row, first),
            "history" => {
                let (Some(instance), Ok(turn)) = (number(1), row.get::<_, u64>(first + 2)) else {
                    return false;
                };
                let last = self.last_turns.entry(instance).or_default();
                *last = turn.max(*last);
                self.rows.contains_key(&instance)
            }
            "event_wait" | "concurrency_member" => {
                number(0).is_some_and(|instance| self.rows.contains_key(&instance))
            }
            "part" => number(1).is_some_and(|instance| self.rows.contains_key(&instance)),
            "large_data" | "large_input" => number(0).is_some_and(|instance| {
                self.large[usize::from(table == "large_input")].insert(instance);
                self.rows.contains_key(&instance)
            }),
            _ => true,
        }
    }

    fn observe_instance(&mut self, row: &Row<'_>, first: usize) -> bool {
        let column = |name: &str| self.columns.get(name).and_then(|column| row.get_ref(first + column).ok());
        let number = |name: &str| column(name).and_then(|value| value.as_i64().ok());
        let text = |name: &str| column(name).and_then(|value| value.as_str().ok());
        let Some(place) = number("number") else { return false };
        let id = column("id").and_then(|id| Uuid::from_slice(id.as_blob().ok()?).ok());
        let state = number("state").and_then(State::from_number);
        let turn = number("turn").and_then(|turn| u64::try_from(turn).ok());
        let data = text("data");
        let is_json = |text: &str| text.is_empty() || serde_json::from_str::<IgnoredAny>(text).is_ok();
        let is_blob = |name: &str| matches!(column(name), Some(ValueRef::Blob(_)));
        let problem = match () {
            () if id.is_none() => Some("its id is not one"),
            () if state.is_none() => Some("its state is not one"),
            () if turn.is_none() => Some("its turn is not a number from 0"),
            () if !data.is_some_and(is_json) => Some("its data are not JSON"),
            () if !is_blob("frames") => Some("its frames are not bytes"),
            () => None,
        };
        let facts = RowFacts {
            id,
            revision: number("revision").unwrap_or_default(),
            state,
            turn: turn.unwrap_or_default(),
            problem: problem.map(str::to_owned),
            is_large: [data == Some(""), text("input") == Some("")],
        };
        match self.rows.get(&place) {
            // The same row from an older page.
            Some(known) if known.turn >= facts.turn => false,
            _ => {
                self.rows.insert(place, facts);
                true
            }
        }
    }

    /// How many instances are as they were stored, and what became of the others, by the numbers of their rows.
    pub(super) fn findings(mut self, source: &Connection) -> (u64, Vec<InstanceFindings>) {
        let rows = self.rows.keys().chain(self.indexed.keys());
        let mut highest = rows.copied().max().unwrap_or_default().max(self.highest);
        // What is left of a lost instance may be an entry for something that belonged to it.
        for sql in [
            "SELECT max(instance) FROM part INDEXED BY part_key",
            "SELECT max(instance) FROM history INDEXED BY history_turn",
        ] {
            each(source, sql, &mut |row| {
                highest = highest.max(row.get(0).unwrap_or_default());
                true
            });
        }
        // Instances are never removed, and their rows are numbered without gaps.
        let lost: Vec<i64> = (1..=highest).filter(|number| !self.rows.contains_key(number)).collect();
        let mut found: Vec<_> = lost.iter().map(|number| self.lost(source, *number)).collect();
        if !lost.is_empty() {
            self.name_workflows(source, &mut found);
        }
        let mut whole = 0;
        for (number, facts) in &self.rows {
            let last = self.last_turns.get(number).copied().unwrap_or_default();
            let misses = |which: usize| facts.is_large[which] && !self.large[which].contains(number);
            let fate = match () {
                () if facts.problem.is_some() => facts.problem.clone().map(Fate::Damaged),
                () if misses(0) => Some(Fate::Damaged("its data are missing".to_owned())),
                () if misses(1) => Some(Fate::Damaged("its input is missing".to_owned())),
                () if !self.workflows.contains_key(&facts.revision) => {
                    Some(Fate::Damaged("the definition that it runs is missing".to_owned()))
                }
                () if last > facts.turn => Some(Fate::SetBack { turn: facts.turn, of: last }),
                () => None,
            };
            let Some(fate) = fate else {
                whole += 1;
                continue;
            };
            found.push(InstanceFindings {
                row: *number,
                id: facts.id.or_else(|| self.indexed.get(number).copied()),
                workflow: self.workflows.get(&facts.revision).cloned(),
                state: facts.state,
                fate,
            });
        }
        found.sort_by_key(|found| found.row);
        (whole, found)
    }

    /// What is left of a lost instance: the first columns of a row whose rest is on a bad page, and the index of ids.
    fn lost(&self, source: &Connection, number: i64) -> InstanceFindings {
        let first =
            source.prepare_cached("SELECT id, revision, state FROM instance NOT INDEXED WHERE number = ?1");
        let first = first.and_then(|mut first| {
            first.query_row([number], |row| {
                Ok((row.get::<_, Uuid>(0).ok(), row.get::<_, i64>(1).ok(), row.get::<_, i64>(2).ok()))
            })
        });
        let (id, revision, state) = first.unwrap_or_default();
        InstanceFindings {
            row: number,
            id: self.indexed.get(&number).copied().or(id),
            workflow: revision.and_then(|revision| self.workflows.get(&revision).cloned()),
            state: state.and_then(State::from_number),
            fate: Fate::Lost,
        }
    }

    /// Workflows and states of lost instances by other indexes.
    fn name_workflows(&mut self, source: &Connection, lost: &mut [InstanceFindings]) {
        let mut revisions: HashMap<i64, i64> = HashMap::new();
        each(source, "SELECT number, revision FROM instance INDEXED BY instance_started", &mut |row| {
            if let (Ok(number), Ok(revision)) = (row.get(0), row.get(1)) {
                revisions.insert(number, revision);
            }
            true
        });
        let mut active = BTreeSet::new();
        for sql in [
            "SELECT number FROM instance INDEXED BY instance_due WHERE wake_at IS NOT NULL",
            "SELECT number FROM instance INDEXED BY instance_busy WHERE busy = 1",
        ] {
            each(source, sql, &mut |row| {
                active.extend(row.get::<_, i64>(0).ok());
                true
            });
        }
        for found in lost {
            let revision = revisions.get(&found.row);
            found.workflow = found.workflow.take().or_else(|| self.workflows.get(revision?).cloned());
            if found.state.is_none() && active.contains(&found.row) {
                found.state = Some(State::Active);
            }
        }
    }
}
