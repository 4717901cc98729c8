//! The end of an instance whose time limit has passed and whose running actions may finish (spec-0.8, `interrupt`).
//!
//! Owns: what such an instance still does. Waits, sleeps and retries are given up when the limit passes; a call or a subflow that runs may
//! finish, and its result is merged. Nothing else starts, also no further entry of an event state: the payloads of its events are not merged.
//! When the last action has finished, the instance goes on as one that was interrupted: with the states of `runBefore`, compensation, and its
//! end. Never: waits for an action without a bound of its own; calls have one, and so do actions with a time limit.

use rondo_program::Instruction;

use crate::{
    FrameId, Status,
    frame::{Role, Wait},
    turn::Machine,
};

impl Machine<'_> {
    /// The time limit of the workflow has passed.
    pub(crate) fn time_out_workflow(&mut self) {
        let limit = self.snapshot.limit.or(self.program.timeout);
        if limit.is_some_and(|limit| limit.interrupt) {
            self.interrupt();
            return;
        }
        self.snapshot.is_over_time = true;
        let frames = self.snapshot.frames.iter().filter(|frame| !frame.is_detached());
        let given_up = frames.filter(|frame| {
            matches!(frame.wait, Wait::Sleep(_) | Wait::Retry { .. } | Wait::Events { .. } | Wait::Failed)
        });
        for id in given_up.map(|frame| frame.id).collect::<Vec<_>>() {
            self.put_at_rest(id);
        }
    }

    /// A frame does nothing any more, so nothing of it is limited in time.
    fn put_at_rest(&mut self, id: FrameId) {
        self.edit_frame(id, |frame| {
            for open in &mut frame.scopes {
                (open.deadline, open.single_deadline) = (None, None);
            }
            frame.wait = Wait::GivenUp;
        });
    }

    /// Whether a frame may run an instruction after the time limit of the workflow: only what an action does with its result.
    pub(crate) fn may_finish(&self, id: FrameId, instruction: &Instruction) -> bool {
        match instruction {
            Instruction::FilterResult(_) | Instruction::Merge(_) | Instruction::Leave => {
                self.open_action(id).is_some()
            }
            // Where the lowering puts jumps makes no difference.
            Instruction::Jump(_) => true,
            _ => false,
        }
    }

    /// A frame does nothing any more, and what it waits for is cancelled. What its branches and elements have reached so far counts.
    pub(crate) fn give_up(&mut self, id: FrameId) {
        self.keep_branch_changes(id);
        self.collect_results_so_far(id);
        self.cancel_waits(id);
        self.put_at_rest(id);
    }

    /// If no action runs any more that had begun before the time limit of the workflow: goes on to the end. Returns whether it does.
    pub(crate) fn end_overtime(&mut self) -> bool {
        let is_running = |wait: &Wait| matches!(wait, Wait::Ready | Wait::Call { .. } | Wait::Child { .. });
        let mut frames = self.snapshot.frames.iter().filter(|frame| !frame.is_detached());
        if !self.snapshot.is_over_time
            || self.snapshot.status != Status::Active
            || frames.any(|frame| is_running(&frame.wait))
        {
            return false;
        }
        self.interrupt();
        true
    }

    /// Drops all frames and starts one that runs the states of `runBefore`, compensates the completed states, and aborts the instance. It sees
    /// what branches and loops have reached so far.
    fn interrupt(&mut self) {
        let data = self.snapshot.visible_data(self.program.merge);
        if self.check_size(&data).is_ok() {
            self.snapshot.data = data;
        }
        for id in self.snapshot.frames.iter().map(|frame| frame.id).collect::<Vec<_>>() {
            self.collect_results_so_far(id);
        }
        self.drop_frames(None);
        self.snapshot.is_over_time = false;
        let root = self.snapshot.push_frame(None, Role::Root, self.program.on_timeout);
        self.ready.push_back(root);
    }
}
