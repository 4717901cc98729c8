//! Loads instances from the database into memory.

use std::{sync::Arc, time::Duration};

use rondo_definition::Project;
use rondo_function::Specs;
use rondo_memory::Share;
use rondo_store::{Instance, State};
use uuid::Uuid;

use crate::{
    active_instance::ActiveInstance,
    catalog::{self, Deployed},
    executor::Executor,
    formats::request::RequestContext,
    refusal::Refusal,
    row,
};

/// Bytes of memory that values take for each byte of their JSON text, for common data of workflows.
const VALUES_OF_A_TEXT: usize = 4;

/// How long a load waits for memory before its client is refused.
const PATIENCE: Duration = Duration::from_secs(10);

impl Executor {
    /// Loads an instance; `None` if there is none of this id, or it has ended and has no call in flight. The log names a damaged instance
    /// once.
    pub(crate) async fn load(
        &self,
        id: Uuid,
        has_client: bool,
    ) -> Result<Option<Box<ActiveInstance>>, Refusal> {
        let loaded = self.read_instance(id, has_client).await;
        if let Err(Refusal::Damaged { instance, problem }) = &loaded {
            self.store.note_damaged(*instance, problem);
        }
        loaded
    }

    async fn read_instance(
        &self,
        id: Uuid,
        has_client: bool,
    ) -> Result<Option<Box<ActiveInstance>>, Refusal> {
        let _place = self.reads.enter(0).await;
        let Some(row) = self.store.instance(id).await.map_err(Refusal::of_read)? else { return Ok(None) };
        if matches!(row.state, State::Completed | State::Aborted) && !row.busy {
            return Ok(None);
        }
        let memory = self.memory_for(&row, has_client).await?;
        let deployed = self.revision(&row).await?;
        let parts = self.store.parts(id).await.map_err(Refusal::of_read)?;
        let _mark = self.crash_loop.mark(id);
        let (snapshot, data) = row::snapshot_of(&row, &parts, &deployed.program)?;
        let request = self.request(&row);
        Ok(Some(ActiveInstance::restored(row, deployed, snapshot, data, request, memory, &self.limits)))
    }

    /// Takes the share of memory for an instance that is read. With a client this fails after [`PATIENCE`]; work of the engine itself waits
    /// until there is room.
    async fn memory_for(&self, row: &Instance, has_client: bool) -> Result<Share, Refusal> {
        let text = row.data.len() + row.input.as_ref().map_or(0, String::len) + row.frames.len();
        // An instance larger than the budget must be able to go on too, so it needs half of the budget at most.
        let bytes = (text.saturating_mul(VALUES_OF_A_TEXT) as u64).min(self.memory.total() / 2);
        loop {
            match self.memory.take(bytes, PATIENCE).await {
                Ok(share) => return Ok(share),
                Err(no_room) if has_client || self.is_stopping() => return Err(no_room.into()),
                Err(no_room) => {
                    tracing::warn!(instance_id = %row.id, %no_room, "an instance waits for memory before it is loaded");
                }
            }
        }
    }

    /// The stored parts of the start request. If they cannot be decrypted, the instance goes on without them, because most need none; they
    /// stay in the row, so an engine with the right key can read them again.
    fn request(&self, row: &Instance) -> RequestContext {
        RequestContext::decrypt(row.id, row.sealed.as_deref(), &self.encryption).unwrap_or_else(|error| {
            tracing::error!(
                instance_id = %row.id,
                %error,
                "the headers of the start request cannot be decrypted; calls are made without them"
            );
            RequestContext::default()
        })
    }

    /// The revision that an instance is pinned to: from the served workflows, else from the cache, else from the database.
    async fn revision(&self, row: &Instance) -> Result<Arc<Deployed>, Refusal> {
        if let Some(deployed) = self.catalog().revision(&row.revision) {
            return Ok(deployed);
        }
        if let Some(deployed) = self.revisions.find(&row.revision) {
            return Ok(deployed);
        }
        let revision =
            self.store.revision(&row.revision).await.map_err(Refusal::store)?.ok_or_else(|| {
                let (revision, workflow) = (&row.revision, &row.workflow);
                let problem = format!("revision {revision} of workflow `{workflow}` is not stored");
                Refusal::damaged(row.id, problem)
            })?;
        // The stored files go with the present properties: addresses and credentials come from the project whose folder has the workflow's
        // path now.
        let project = self.catalog().project_of(&revision.path);
        let resources = project.resources.clone().with_bundle(revision.bundle);
        let stored = Arc::new(Project { resources, ..Project::clone(&project) });
        let (document, problems) = stored.parse(&revision.path, &revision.source);
        let document = document.ok_or_else(|| {
            let problem = problems.first().map(ToString::to_string).unwrap_or_default();
            let revision = &row.revision;
            Refusal::damaged(row.id, format!("revision {revision} cannot be read any more: {problem}"))
        })?;
        let (mut deployed, _) = catalog::deploy(document, &self.secrets, &Specs::new(None));
        deployed.revision.clone_from(&row.revision);
        // The functions are bound, so the stored files are dropped.
        deployed.project = project;
        Ok(self.revisions.keep(deployed))
    }
}
