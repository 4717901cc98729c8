//! Decides whether an instance may start subflows, by the count of its tree in memory, else in the database.

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
    /// Reserves room for `wanted` subflows that an instance wants to start. `after` is its snapshot after the turn, with these subflows.
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
            // The root waited for no subflow before this turn, so all earlier ones have ended or are about to. The count starts anew, so that
            // a loop may start subflows for years.
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

    /// Counts in the database the subflows below a root that have not ended. So after a restart the ended ones do not count any more.
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

    /// Reads the ancestry of an instance from the database; `None` if an ancestor cannot be read.
    async fn read_ancestry(&self, instance: &ActiveInstance) -> Option<Arc<Ancestry>> {
        let mut ids = vec![instance.row.id];
        let mut next = instance.row.parent;
        while let Some(id) = next {
            ids.push(id);
            next = match self.store.instance(id).await {
                Ok(above) => above?.parent,
                Err(error) => {
                    tracing::error!(instance_id = %id, %error, "an ancestor of a subflow cannot be read");
                    return None;
                }
            };
        }
        ids.into_iter().rev().fold(None, |above, id| Some(Ancestry::new(id, above)))
    }
}
