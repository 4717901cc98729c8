//! History, visits and waits of one instance.

use std::collections::HashMap;

use rondo_store::{Columns, Condition, Field, Filter, Instance, Query, State, StoreError};
use uuid::Uuid;

use crate::{
    engine::Engine,
    formats::{error, history},
    refusal::Refusal,
    row,
    views::{
        self, ErrorSummary, FailureView, HistoryEvent, HistoryLine, InstanceDetails, InstanceView, PlaceView,
        UnknownEvent, VisitView, WaitView,
    },
};

impl Engine {
    /// The history of an instance, in order. A line that cannot be read is a [`HistoryEvent::Unknown`].
    pub async fn history(&self, id: Uuid) -> Result<Vec<HistoryLine>, Refusal> {
        let rows = self.executor.store.history(id).await.map_err(Refusal::store)?;
        let mut lines = Vec::new();
        for row in rows {
            let events = history::decode(&row.facts).unwrap_or_else(|error| {
                tracing::error!(instance_id = %id, turn = row.turn, %error, "a row of history cannot be read");
                vec![HistoryEvent::Unknown(UnknownEvent {
                    kind: "unknown".to_owned(),
                    message: error.to_string(),
                })]
            });
            lines.extend(events.into_iter().map(|event| HistoryLine { at: row.at, event }));
        }
        Ok(lines)
    }

    /// The visits of an instance to states and actions, in the order in which they were entered.
    pub async fn visits(&self, id: Uuid) -> Result<Vec<VisitView>, Refusal> {
        Ok(views::visits(&self.history(id).await?))
    }

    /// The calls, events and timers that an instance waits for.
    pub async fn waits(&self, id: Uuid) -> Result<Vec<WaitView>, Refusal> {
        let history = self.history(id).await?;
        self.waits_since(id, &history).await
    }

    /// Row, waits, history and data of an instance; `None` if there is none of this id.
    pub async fn details(&self, id: Uuid) -> Result<Option<InstanceDetails>, Refusal> {
        let Some(row) = self.shown_row(id).await? else { return Ok(None) };
        let history = self.history(id).await?;
        let InstanceView { id, workflow, mut state, data, mut failure, .. } = row::view_of(&row);
        let place = self.place_of(&row).await?;
        let waits = match self.waits_since(id, &history).await {
            // A damaged instance cannot go on, so it is shown at an error that names the damage.
            Err(Refusal::Damaged { problem, .. }) => {
                (state, failure) = (State::Error, Some(FailureView::of_damage(problem)));
                Vec::new()
            }
            waits => waits?,
        };
        Ok(Some(InstanceDetails {
            id,
            workflow,
            version: row.version,
            state,
            started_at: row.started_at,
            ended_at: row.ended_at,
            business_key: row.business_key,
            failure,
            place,
            waits,
            history,
            data,
        }))
    }

    /// The place of its concurrency group that an instance waits for. Costs a read only for an instance in state PENDING.
    pub async fn place_of(&self, row: &Instance) -> Result<Option<PlaceView>, Refusal> {
        Ok(self.places_of(std::slice::from_ref(row)).await?.remove(&row.id))
    }

    /// The places that those of some instances wait for which wait for one. Costs a read only if some are in state PENDING.
    pub async fn places_of(&self, rows: &[Instance]) -> Result<HashMap<Uuid, PlaceView>, Refusal> {
        let waiting: Vec<Uuid> =
            rows.iter().filter(|row| row.state == State::Pending).map(|row| row.id).collect();
        if waiting.is_empty() {
            return Ok(HashMap::new());
        }
        let waiting = self.executor.store.waiting_for_place(waiting).await.map_err(Refusal::of_read)?;
        Ok(waiting.into_iter().map(|waiting| (waiting.instance, PlaceView::from(waiting))).collect())
    }

    /// The row of an instance. Of a damaged one, the columns that can be read.
    pub(crate) async fn shown_row(&self, id: Uuid) -> Result<Option<Instance>, Refusal> {
        let store = &self.executor.store;
        match store.instance(id).await {
            Err(StoreError::Damaged { .. }) => {
                let is_it = Condition::Equal(id.to_string().into());
                let filter = Filter::Compare { field: Field::Id, condition: is_it };
                let query = Query { filter, columns: Columns::ALL, ..Query::default() };
                Ok(store.query(query).await.map_err(Refusal::of_read)?.pop())
            }
            row => row.map_err(Refusal::of_read),
        }
    }

    /// The error of an instance, from its row; `None` without one. If the column cannot be read, the message says so.
    pub fn error_of(&self, row: &Instance) -> Option<ErrorSummary> {
        let text = row.error.as_deref()?;
        Some(error::decode(text).unwrap_or_else(|error| {
            tracing::error!(instance_id = %row.id, %error, "the error of the instance cannot be read");
            ErrorSummary { message: error.to_string(), ..ErrorSummary::default() }
        }))
    }

    async fn waits_since(&self, id: Uuid, history: &[HistoryLine]) -> Result<Vec<WaitView>, Refusal> {
        let instance = self.executor.load(id, true).await?;
        Ok(instance.map_or_else(Vec::new, |instance| {
            let waits = rondo_machine::wait_statuses(&instance.deployed.program, &instance.snapshot);
            views::waits(waits, history)
        }))
    }
}
