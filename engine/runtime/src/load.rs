//! Instances on their way into memory: new ones, and those that the database has.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use rondo_expression::Val;
use rondo_machine::{Context, Snapshot};
use rondo_store::{Instance, State};
use uuid::Uuid;

use crate::{
    Refusal,
    catalog::Deployed,
    delta,
    engine::{Inner, stored},
    living::{self, Living},
};

impl Inner {
    /// An instance that is not in the database yet.
    pub(crate) fn new_living(
        &self,
        id: Uuid,
        deployed: Arc<Deployed>,
        data: Val,
        headers: Arc<Vec<(String, String)>>,
        variables: Arc<[(Arc<str>, Val)]>,
    ) -> Box<Living> {
        let now = self.clock.now();
        let row = Instance {
            id,
            workflow: deployed.program.id.to_string(),
            version: deployed.program.version.to_string(),
            name: deployed.program.name.to_string(),
            revision: deployed.revision.clone(),
            started_at: now,
            updated_at: now,
            ..Instance::default()
        };
        let context = living::context(&deployed, &self.limits, id, &headers, variables);
        let snapshot = Snapshot::new(data);
        Box::new(Living {
            row,
            stored: false,
            deployed,
            snapshot,
            context,
            headers,
            waiters: Vec::new(),
            is_idle: false,
            is_unproven: false,
            idle_calls: Vec::new(),
            children: HashMap::new(),
            unsettled: HashSet::new(),
            line: None,
        })
    }

    /// Takes an instance up from the database; `None` when it is not there or has ended.
    pub(crate) async fn load(&self, id: Uuid) -> Result<Option<Box<Living>>, Refusal> {
        let Some(row) = self.store.instance(id).await.map_err(stored)? else { return Ok(None) };
        if matches!(row.state, State::Completed | State::Aborted) {
            return Ok(None);
        }
        let deployed = self.revision(&row).await?;
        let parts = self.store.parts(id).await.map_err(stored)?;
        let _mark = self.at_work.mark(id);
        let data: Val = serde_json::from_str(&row.data).map_err(|error| Refusal::Store(error.to_string()))?;
        let input = delta::decode(row.input.as_deref(), &data);
        let snapshot = Snapshot::decode(&deployed.program, &row.frames, &parts, data, input)
            .map_err(|error| Refusal::Store(error.to_string()))?;
        let idle_calls = snapshot.calls().collect();
        let (headers, variables) = self.unseal(&row);
        let context: Context = living::context(&deployed, &self.limits, id, &headers, variables);
        Ok(Some(Box::new(Living {
            row: Instance { data: String::new(), frames: Vec::new(), input: None, ..row },
            stored: true,
            deployed,
            snapshot,
            context,
            headers: Arc::new(headers),
            waiters: Vec::new(),
            is_idle: true,
            is_unproven: true,
            idle_calls,
            children: HashMap::new(),
            unsettled: HashSet::new(),
            line: None,
        })))
    }
}
