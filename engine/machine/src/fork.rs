//! Forks: branches that run in parallel.
//!
//! A branch works on a copy of the data. When the fork completes, the changes of its branches are merged into the data.

use rondo_expression::Val;
use rondo_program::{Branch, Completion, Failure};

use crate::{
    FrameId, branch_merge,
    frame::{Role, Wait},
    turn::{Machine, Step},
};

impl Machine<'_> {
    /// Starts the branches of a fork. Without branches the frame continues at once.
    pub(crate) fn start_branches(
        &mut self,
        id: FrameId,
        branches: &[Branch],
        completion: &Completion,
    ) -> Result<Step, Failure> {
        let all = saturating_u32(branches.len());
        let required = match completion {
            Completion::All => all,
            Completion::Count(number) => saturating_u32(*number).clamp(1, all.max(1)),
            Completion::Computed(expression) => {
                self.evaluate_count(id, expression, "numCompleted")?.clamp(1, all.max(1))
            }
        };
        if branches.is_empty() {
            return Ok(Step::Next);
        }
        self.set_wait(id, Wait::Branches { required, ended: Vec::new() });
        let data = self.snapshot.data_of(id).clone();
        for (index, Branch { start }) in (0..).zip(branches) {
            let branch = self.snapshot.push_frame(Some(id), Role::Branch(index), *start);
            let data = data.clone();
            self.count_retained(&data);
            self.edit_frame(branch, |frame| frame.data = Some(data));
            self.ready.push_back(branch);
        }
        Ok(Step::Jumped)
    }

    /// Completes a branch with its data. If it was the last one that the fork requires, drops the others, merges the changes of the completed
    /// branches and continues the parent.
    pub(crate) fn complete_branch(&mut self, parent: FrameId, index: u32, after: Val) {
        let mut completed = None;
        self.edit_frame(parent, |frame| {
            if let Wait::Branches { required, ended } = &mut frame.wait {
                ended.push((index, after));
                if saturating_u32(ended.len()) >= *required {
                    completed = Some(std::mem::take(ended));
                }
            }
        });
        let Some(mut ended) = completed else { return };
        self.drop_frames(Some(parent));
        ended.sort_by_key(|(index, _)| *index);
        let before = self.snapshot.data_of(parent).clone();
        let data = ended.iter().fold(before.clone(), |data, (_, after)| {
            branch_merge::apply_changes(data, &before, after, self.program.merge)
        });
        match self.check_size(&data) {
            Ok(()) => {
                self.snapshot.set_data_of(parent, data);
                self.advance(parent);
            }
            Err(failure) => self.raise(parent, failure),
        }
    }
}

/// A length as the `u32` that snapshots store. Values are limited in size, so lengths fit.
pub(crate) fn saturating_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
