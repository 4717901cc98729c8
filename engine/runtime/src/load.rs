//! Takes instances up from the database.

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

/// Bytes of memory that values take for each byte of their text, as data of workflows commonly are.
const VALUES_OF_A_TEXT: usize = 4;

/// How long a client waits for memory.
const PATIENCE: Duration = Duration::from_secs(10);

impl Executor {
    /// Takes an instance up; `None` when it is not there, or has ended and has no call in flight. One that is damaged is named in the log, once.
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

    /// The share of memory for an instance that is read. A client waits for a while; what the engine itself has to do waits until there is
    /// room.
    async fn memory_for(&self, row: &Instance, has_client: bool) -> Result<Share, Refusal> {
        let text = row.data.len() + row.input.as_ref().map_or(0, String::len) + row.frames.len();
        // An instance that takes more than there is must be able to go on, alone.
        let bytes = (text.saturating_mul(VALUES_OF_A_TEXT) as u64).min(self.memory.total() / 2);
        loop {
            match self.memory.take(bytes, PATIENCE).await {
                Ok(share) => return Ok(share),
                Err(no_room) if has_client || self.is_stopping() => return Err(no_room.into()),
                Err(no_room) => {
                    tracing::warn!(instance_id = %row.id, %no_room, "an instance waits for memory to be taken up");
                }
            }
        }
    }

    /// What was kept of the start request. What cannot be read stays in the row, and the instance goes on without it: most have no use for
    /// it, and an engine with the right key reads it again.
    fn request(&self, row: &Instance) -> RequestContext {
        RequestContext::decrypt(row.id, row.sealed.as_deref(), &self.encryption).unwrap_or_else(|error| {
            tracing::error!(
                instance_id = %row.id,
                %error,
                "the headers of the start request cannot be opened; calls go on without them"
            );
            RequestContext::default()
        })
    }

    /// The revision that an instance is pinned to: a served one, else as it was stored.
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
        // Addresses and credentials are those of today, of the project that stands where the workflow stood.
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
        // The stored files are not needed any more.
        deployed.project = project;
        Ok(self.revisions.keep(deployed))
    }
}
