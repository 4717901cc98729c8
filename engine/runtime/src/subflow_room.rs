//! Whether an instance may start subflows, by the count of its tree in memory, else by the database.

use std::sync::Arc;

use rondo_machine::Snapshot;
use rondo_store::{Condition, Field, Filter};
use uuid::Uuid;

use crate::{
    active_instance::ActiveInstance,
    executor::Executor,
    instance_tree::{Ancestry, Room},
};

impl Executor {
    /// Counts the subflows that an instance wants to start. `after` is its snapshot with the new ones, of which there are `wanted`.
    pub(crate) async fn room_for(
        &self,
        instance: &mut ActiveInstance,
        after: &Snapshot,
        wanted: usize,
    ) -> Room {
        let root = instance.root();
        if wanted == 0 {
            return Room::For { granted: 0, most: 0 };
        }
        if instance.row.parent.is_none() && after.children().count() <= wanted {
            // It waited for none, so nothing stands below it that is not about to end: a loop may start subflows for years.
            self.trees.begin_anew(root);
        } else if !self.trees.is_counted(root) {
            let count = self.count_below(root).await;
            self.trees.set_if_new(root, count);
        }
        if self.trees.is_anything_ending() {
            if instance.ancestry.is_none() {
                instance.ancestry = self.read_ancestry(instance).await;
            }
            if instance.ancestry.as_ref().is_some_and(|ancestry| self.trees.is_ending(ancestry)) {
                return Room::Ending;
            }
        }
        self.trees.reserve(root, u32::try_from(wanted).unwrap_or(u32::MAX))
    }

    /// How many below a root have not ended, as the database says. Those that have ended are forgotten with a restart.
    async fn count_below(&self, root: Uuid) -> u32 {
        let compare = |field, condition| Filter::Compare { field, condition };
        let filter = Filter::And(vec![
            compare(Field::Root, Condition::Equal(root.to_string().into())),
            compare(Field::EndedAt, Condition::IsNull(true)),
        ]);
        match self.store.count(filter).await {
            Ok(count) => u32::try_from(count).unwrap_or(u32::MAX),
            Err(error) => {
                tracing::error!(instance_id = %root, %error, "the subflows of an instance cannot be counted");
                0
            }
        }
    }

    /// The ancestry of an instance that came from the database; `None` when an instance above it cannot be read.
    async fn read_ancestry(&self, instance: &ActiveInstance) -> Option<Arc<Ancestry>> {
        let mut ids = vec![instance.row.id];
        let mut next = instance.row.parent;
        while let Some(id) = next {
            ids.push(id);
            next = match self.store.instance(id).await {
                Ok(above) => above?.parent,
                Err(error) => {
                    tracing::error!(instance_id = %id, %error, "an instance above a subflow cannot be read");
                    return None;
                }
            };
        }
        ids.into_iter().rev().fold(None, |above, id| Some(Ancestry::new(id, above)))
    }
}
