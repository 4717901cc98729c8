//! What is kept with an instance beside its snapshot: the revision it is pinned to, and its sealed headers.

use std::sync::{Arc, PoisonError};

use rondo_expression::Val;
use rondo_function::Specs;
use rondo_store::Instance;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Refusal,
    catalog::{self, Deployed},
    engine::{Inner, stored},
    registry::Delivery,
    secrets,
};

/// What is sealed with an instance.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    #[serde(rename = "h", default, borrow)]
    headers: std::borrow::Cow<'a, [(String, String)]>,
    #[serde(rename = "v", default)]
    variables: Vec<(Arc<str>, Val)>,
}

impl Inner {
    /// Seals headers and variables; `None` when there is nothing to keep.
    pub(crate) fn seal(
        &self,
        id: Uuid,
        headers: &[(String, String)],
        variables: &[(Arc<str>, Val)],
    ) -> Option<Vec<u8>> {
        if headers.is_empty() && variables.is_empty() {
            return None;
        }
        let text =
            serde_json::to_vec(&Kept { headers: headers.into(), variables: variables.to_vec() }).ok()?;
        self.sealer.seal(id, &text)
    }

    /// Opens what was sealed. With another key than the one it was sealed with the headers are gone, which is said.
    pub(crate) fn unseal(&self, row: &Instance) -> (Vec<(String, String)>, Arc<[(Arc<str>, Val)]>) {
        let Some(sealed) = &row.sealed else { return (Vec::new(), Arc::from([])) };
        let opened = self.sealer.open_sealed(row.id, sealed);
        let kept = opened.as_deref().and_then(|text| serde_json::from_slice::<Kept<'_>>(text).ok());
        if let Some(kept) = kept {
            (kept.headers.into_owned(), kept.variables.into())
        } else {
            tracing::error!(
                instance_id = %row.id,
                "the headers of the start request cannot be opened with this key; calls go on without them"
            );
            (Vec::new(), Arc::from([]))
        }
    }

    /// The revision that an instance is pinned to: a served one, else as it was stored.
    pub(crate) async fn revision(&self, row: &Instance) -> Result<Arc<Deployed>, Refusal> {
        if let Some(deployed) = self.catalog().revision(&row.revision) {
            return Ok(deployed);
        }
        if let Some(deployed) = self.older(&row.revision) {
            return Ok(deployed);
        }
        let revision = self.store.revision(&row.revision).await.map_err(stored)?.ok_or_else(|| {
            Refusal::Store(format!("revision {} of workflow `{}` is not stored", row.revision, row.workflow))
        })?;
        let resources = rondo_definition::Resources::of_bundle(revision.bundle);
        let options = rondo_definition::Options { resources: Some(&resources), ..Default::default() };
        let (document, problems) = rondo_definition::parse_with(&revision.path, &revision.source, options);
        let document = document.ok_or_else(|| {
            let problem = problems.first().map(ToString::to_string).unwrap_or_default();
            Refusal::Store(format!("revision {} cannot be read any more: {problem}", row.revision))
        })?;
        let secrets = secrets::secrets(&self.properties, &self.secrets);
        let (mut deployed, _) =
            catalog::deploy(document, &resources, &self.properties, &secrets, &Specs::new(None));
        deployed.revision.clone_from(&row.revision);
        let deployed = Arc::new(deployed);
        self.keep_older(&deployed);
        Ok(deployed)
    }

    fn older(&self, revision: &str) -> Option<Arc<Deployed>> {
        self.older.lock().unwrap_or_else(PoisonError::into_inner).get(revision).cloned()
    }

    fn keep_older(&self, deployed: &Arc<Deployed>) {
        let mut older = self.older.lock().unwrap_or_else(PoisonError::into_inner);
        older.insert(deployed.revision.clone(), Arc::clone(deployed));
    }

    /// Has an instance look into its mailbox.
    pub(crate) fn deliver_mailbox(self: &Arc<Self>, id: Uuid, family: Option<Uuid>) {
        self.deliver(id, Delivery::signal(crate::registry::Signal::Mail).of_family(family));
    }
}
