//! Loops over collections: the iterations of a foreach state.
//!
//! By the specification an iteration works on a copy of the data of the state, which ends with it. As on SonataFlow, it works on the data of the
//! state itself, so it sees what an earlier one wrote with `toStateData`.

use std::sync::Arc;

use rondo_expression::{Expression, MergeRules, Val};
use rondo_program::{BatchSize, Failure, FailureKind, Instruction, Loop};

use crate::{
    FrameId,
    ending::beginning,
    fork::saturating_u32,
    frame::{Role, Wait},
    turn::{Machine, Step},
};

impl Machine<'_> {
    /// Starts a loop with its first iteration. Without elements the frame continues at once.
    pub(crate) fn start_loop(&mut self, id: FrameId, each: &Loop) -> Result<Step, Failure> {
        let items = match self.evaluate(id, &each.input, self.snapshot.data_of(id))? {
            items @ Val::Array(_) => items,
            other if self.program.merge == MergeRules::Specification => {
                return Err(Failure::new(
                    FailureKind::Expression,
                    format!(
                        "inputCollection `{}` gives `{}`, which is no list",
                        each.input.source(),
                        beginning(&other.to_json())
                    ),
                ));
            }
            // As on SonataFlow, a missing collection is a collection of one null, and a single value is a collection of this value.
            other => Val::array([other]),
        };
        let length = items.elements().len();
        if length == 0 {
            // By the specification a loop without elements still has an output, an empty list (spec-0.8, rule 98); on SonataFlow it has none.
            if let (Some(output), MergeRules::Specification) = (&each.output, self.program.merge) {
                self.add_results(id, output, Vec::new())?;
            }
            return Ok(Step::Next);
        }
        let batch = match &each.batch {
            BatchSize::All | BatchSize::OneThread => saturating_u32(length),
            BatchSize::One => 1,
            BatchSize::Of(size) => self.evaluate_count(id, size, "batchSize")?.max(1),
        };
        self.count_retained(&items);
        if let Some(before) = self.snapshot.stored_loops.get_mut(&id) {
            before.has_ended = true;
        }
        self.set_wait(id, Wait::Loop { items, next: 0, running: 0, batch, results: Vec::new() });
        self.start_iteration(id, each);
        Ok(Step::Jumped)
    }

    /// Starts the next iteration of a loop when a frame waits that is an iteration. Iterations start one by one, because an iteration that never
    /// waits ends at once and leaves no frame; so a loop over many elements has few frames.
    pub(crate) fn continue_loop(&mut self, id: FrameId) {
        let Some(frame) = self.snapshot.frame(id) else { return };
        if matches!(frame.role, Role::Iteration(_))
            && !matches!(frame.wait, Wait::Ready | Wait::Failed)
            && let Some(parent) = frame.parent
            && let Some(each) = self.current_loop(parent)
        {
            self.start_iteration(parent, &each);
        }
    }

    /// The loop at which a frame is.
    fn current_loop(&self, id: FrameId) -> Option<Arc<Loop>> {
        match self.program.instruction(self.snapshot.frame(id)?.pc)? {
            Instruction::ForEach(each) => Some(Arc::clone(each)),
            _ => None,
        }
    }

    /// Starts the next iteration of a loop, unless it must wait for the iteration before it or for the rest of the batch before it. A batch
    /// starts at a multiple of the batch size.
    fn start_iteration(&mut self, id: FrameId, each: &Loop) {
        if matches!(each.batch, BatchSize::OneThread) && self.is_last_iteration_waiting(id) {
            return;
        }
        let mut next_element = None;
        self.edit_frame(id, |frame| {
            if let Wait::Loop { items, next, running, batch, .. } = &mut frame.wait
                && (!next.is_multiple_of(*batch) || *running == 0)
                && let Some(item) = items.elements().get(*next as usize)
            {
                next_element = Some((*next, item.clone()));
                *next += 1;
                *running += 1;
            }
        });
        let Some((index, item)) = next_element else { return };
        self.count_retained(&item);
        let iteration = self.snapshot.push_frame(Some(id), Role::Iteration(index), each.body);
        let variable = (Arc::clone(&each.parameter), item);
        self.edit_frame(iteration, |frame| frame.variables.push(variable));
        self.ready.push_back(iteration);
    }

    /// Whether the iteration that started last waits for a call or a child instance.
    fn is_last_iteration_waiting(&self, id: FrameId) -> bool {
        let Some(Wait::Loop { next, items, .. }) = self.snapshot.frame(id).map(|frame| &frame.wait) else {
            return false;
        };
        if *next == 0 || *next as usize >= items.elements().len() {
            return false;
        }
        let last = Role::Iteration(*next - 1);
        // Its frame is near the end of the list, so the search begins there.
        let mut frames = self.snapshot.frames.iter().rev();
        frames
            .find(|frame| frame.parent == Some(id) && frame.role == last)
            .is_some_and(|frame| frame.wait.is_external())
    }

    /// Gives an element its own data before something is merged into them, if the definition asks for that. A copy at the first change is
    /// enough: while a loop runs, nothing else changes the data of its state.
    pub(crate) fn isolate_element(&mut self, id: FrameId) {
        let Some(frame) = self.snapshot.frame(id) else { return };
        let (Role::Iteration(_), None, Some(parent)) = (frame.role, &frame.data, frame.parent) else {
            return;
        };
        if self.current_loop(parent).is_some_and(|each| each.is_isolated) {
            let data = self.snapshot.data_of(id).clone();
            self.count_retained(&data);
            self.edit_frame(id, |frame| frame.data = Some(data));
        }
    }

    /// Writes the results that a loop has so far to its output path: those of elements that have ended, and of the others those of the last action
    /// that has one. A frame that waits for no loop has none.
    pub(crate) fn collect_results_so_far(&mut self, id: FrameId) {
        let Some(output) = self.current_loop(id).and_then(|each| each.output.clone()) else { return };
        let elements = self.snapshot.frames.iter().filter(|frame| frame.parent == Some(id));
        let in_flight = elements.filter_map(|frame| match (frame.role, &frame.previous) {
            (Role::Iteration(index), Some(result)) if !result.is_null() => Some((index, result.clone())),
            _ => None,
        });
        let in_flight: Vec<_> = in_flight.collect();
        self.edit_frame(id, |frame| {
            if let Wait::Loop { results, .. } = &mut frame.wait {
                results.extend(in_flight);
            }
        });
        // The instance is about to end, and goes on without the results if they cannot be written.
        let _ = self.collect_results(id, &output);
    }

    /// Completes an iteration with its result. Starts the next iteration, or completes the loop and continues its frame.
    pub(crate) fn complete_iteration(&mut self, parent: FrameId, index: u32, result: Option<Val>) {
        let Some(each) = self.current_loop(parent) else { return };
        let result = result.filter(|result| each.output.is_some() && !result.is_null());
        let mut is_completed = false;
        if let Some(result) = &result {
            self.count_retained(result);
        }
        self.edit_frame(parent, |frame| {
            if let Wait::Loop { items, next, running, results, .. } = &mut frame.wait {
                *running = running.saturating_sub(1);
                results.extend(result.map(|result| (index, result)));
                is_completed = *running == 0 && *next as usize >= items.elements().len();
            }
        });
        if !is_completed {
            self.start_iteration(parent, &each);
            return;
        }
        if let Some(output) = &each.output
            && let Err(failure) = self.collect_results(parent, output)
        {
            self.raise(parent, failure);
            return;
        }
        self.advance(parent);
    }

    /// Writes the results of a loop to its output path, in the order of the elements.
    fn collect_results(&mut self, id: FrameId, output: &Expression) -> Result<(), Failure> {
        let Some(Wait::Loop { results, .. }) = self.snapshot.frame(id).map(|frame| &frame.wait) else {
            return Ok(());
        };
        let mut results = results.clone();
        results.sort_by_key(|(index, _)| *index);
        self.add_results(id, output, results.into_iter().map(|(_, result)| result).collect())
    }

    /// Writes results to the path of `outputCollection`. By the specification they are appended to the list at this path, with duplicates
    /// (spec-0.8, rule 97); on SonataFlow they replace it.
    fn add_results(&mut self, id: FrameId, output: &Expression, results: Vec<Val>) -> Result<(), Failure> {
        let before = match self.program.merge {
            MergeRules::SonataFlow => Val::Null,
            MergeRules::Specification => self.evaluate(id, output, self.snapshot.data_of(id))?,
        };
        let all = Val::array(before.elements().iter().cloned().chain(results));
        self.merge_at_path(id, output, all, MergeRules::SonataFlow)
    }
}
