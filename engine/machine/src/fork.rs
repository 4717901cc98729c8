//! Branches, iterations and compensations: frames below frames.
//!
//! A branch has a copy of the data, and what it changed goes back when the fork is done. An iteration works on the data of
//! the state itself, as on SonataFlow, so that `toStateData` of one element is seen by the next. A compensation works on
//! the data that the one before left.

use rondo_expression::{Expression, MergeRules, Val};
use rondo_program::{BatchSize, Branch, Completion, Failure, Instruction, Loop};

use crate::{
    FrameId, branch_merge,
    snapshot::{Role, Wait},
    turn::{Machine, Step},
};

impl Machine<'_> {
    pub(crate) fn fork(
        &mut self,
        id: FrameId,
        branches: &[Branch],
        completion: &Completion,
    ) -> Result<Step, Failure> {
        let all = count(branches.len());
        let need = match completion {
            Completion::All => all,
            Completion::Count(number) => count(*number).clamp(1, all.max(1)),
            Completion::Computed(expression) => {
                self.number(id, expression, "numCompleted")?.clamp(1, all.max(1))
            }
        };
        if branches.is_empty() {
            return Ok(Step::Next);
        }
        self.wait(id, Wait::Branches { need, ended: Vec::new() });
        let data = self.snapshot.data_of(id).clone();
        for (index, Branch { start }) in (0..).zip(branches) {
            let branch = self.snapshot.push_frame(Some(id), Role::Branch(index), *start);
            let data = data.clone();
            self.hold(&data);
            self.with_frame(branch, |frame| frame.data = Some(data));
            self.ready.push_back(branch);
        }
        Ok(Step::Jumped)
    }

    pub(crate) fn for_each(&mut self, id: FrameId, each: &Loop) -> Result<Step, Failure> {
        let items = match self.evaluate(id, &each.input, self.snapshot.data_of(id))? {
            items @ Val::Array(_) => items,
            // SonataFlow goes one round without a value when the collection is missing, and takes one value as one element.
            other => Val::array([other]),
        };
        let length = items.elements().len();
        if length == 0 {
            // Only by the specification an output of nothing is an output (spec-0.8, rule 98).
            if let (Some(output), MergeRules::Specification) = (&each.output, self.program.merge) {
                self.add_results(id, output, Vec::new())?;
            }
            return Ok(Step::Next);
        }
        let batch = match &each.batch {
            BatchSize::All | BatchSize::OneThread => count(length),
            BatchSize::One => 1,
            BatchSize::Of(size) => self.number(id, size, "batchSize")?.max(1),
        };
        self.hold(&items);
        self.wait(id, Wait::Loop { items, next: 0, live: 0, batch, results: Vec::new() });
        self.start_iteration(id, each);
        Ok(Step::Jumped)
    }

    /// A frame has stopped. When it waits for an element of a loop, the next one of its batch begins. They begin one by one, because
    /// one that waits for nothing leaves no frame behind: a loop over many elements stays small.
    pub(crate) fn go_on_with_loop(&mut self, id: FrameId) {
        let Some(frame) = self.snapshot.frame(id) else { return };
        if matches!(frame.role, Role::Iteration(_))
            && !matches!(frame.wait, Wait::Ready | Wait::Failed)
            && let Some(parent) = frame.parent
            && let Some(each) = self.loop_of(parent)
        {
            self.start_iteration(parent, &each);
        }
    }

    fn loop_of(&self, id: FrameId) -> Option<std::sync::Arc<Loop>> {
        match self.program.instruction(self.snapshot.frame(id)?.pc)? {
            Instruction::ForEach(each) => Some(std::sync::Arc::clone(each)),
            _ => None,
        }
    }

    /// Starts the next iteration, unless it has to wait for the one before, or for those of the batch before. Batches begin at multiples
    /// of their size.
    fn start_iteration(&mut self, id: FrameId, each: &Loop) {
        if matches!(each.batch, BatchSize::OneThread) && self.last_is_outside(id) {
            return;
        }
        let mut begun = None;
        self.with_frame(id, |frame| {
            if let Wait::Loop { items, next, live, batch, .. } = &mut frame.wait
                && (!next.is_multiple_of(*batch) || *live == 0)
                && let Some(item) = items.elements().get(*next as usize)
            {
                begun = Some((*next, item.clone()));
                *next += 1;
                *live += 1;
            }
        });
        let Some((index, item)) = begun else { return };
        self.hold(&item);
        let iteration = self.snapshot.push_frame(Some(id), Role::Iteration(index), each.body);
        let variable = (std::sync::Arc::clone(&each.parameter), item);
        self.with_frame(iteration, |frame| frame.variables.push(variable));
        self.ready.push_back(iteration);
    }

    /// Whether the iteration that began last waits for something outside.
    fn last_is_outside(&self, id: FrameId) -> bool {
        let Some(Wait::Loop { next, items, .. }) = self.snapshot.frame(id).map(|frame| &frame.wait) else {
            return false;
        };
        if *next == 0 || *next as usize >= items.elements().len() {
            return false;
        }
        let last = Role::Iteration(*next - 1);
        // It stands near the end, unless it is over.
        let mut frames = self.snapshot.frames.iter().rev();
        frames
            .find(|frame| frame.parent == Some(id) && frame.role == last)
            .is_some_and(|frame| frame.wait.is_outside())
    }

    /// The frame's branch, iteration or compensation has ended: the frame goes away, and its parent hears of it.
    pub(crate) fn end_branch(&mut self, id: FrameId) {
        let Some(index) = self.snapshot.index_of(id) else { return };
        let frame = self.snapshot.frames.remove(index);
        let Some(parent) = frame.parent else { return };
        match frame.role {
            Role::Branch(index) => self.branch_ended(parent, index, frame.data.unwrap_or_default()),
            Role::Iteration(index) => self.iteration_ended(parent, index, frame.previous),
            Role::Compensation => self.next_compensation(parent),
            Role::Root => {}
        }
    }

    fn branch_ended(&mut self, parent: FrameId, index: u32, after: Val) {
        let mut done = None;
        self.with_frame(parent, |frame| {
            if let Wait::Branches { need, ended } = &mut frame.wait {
                ended.push((index, after));
                if count(ended.len()) >= *need {
                    done = Some(std::mem::take(ended));
                }
            }
        });
        let Some(mut ended) = done else { return };
        self.drop_frames(Some(parent));
        ended.sort_by_key(|(index, _)| *index);
        let before = self.snapshot.data_of(parent).clone();
        let data = ended.iter().fold(before.clone(), |data, (_, after)| {
            branch_merge::apply(data, &before, after, self.program.merge)
        });
        match self.check_size(&data) {
            Ok(()) => {
                self.snapshot.set_data_of(parent, data);
                self.go_on_behind(parent);
            }
            Err(failure) => self.raise(parent, failure),
        }
    }

    fn iteration_ended(&mut self, parent: FrameId, index: u32, result: Option<Val>) {
        let Some(each) = self.loop_of(parent) else { return };
        let result = result.filter(|result| each.output.is_some() && !result.is_null());
        let mut all_done = false;
        if let Some(result) = &result {
            self.hold(result);
        }
        self.with_frame(parent, |frame| {
            if let Wait::Loop { items, next, live, results, .. } = &mut frame.wait {
                *live = live.saturating_sub(1);
                results.extend(result.map(|result| (index, result)));
                all_done = *live == 0 && *next as usize >= items.elements().len();
            }
        });
        if !all_done {
            self.start_iteration(parent, &each);
            return;
        }
        if let Some(output) = &each.output
            && let Err(failure) = self.collect(parent, output)
        {
            self.raise(parent, failure);
            return;
        }
        self.go_on_behind(parent);
    }

    /// Puts the results of a loop, in the order of the elements, where the state wants them.
    fn collect(&mut self, id: FrameId, output: &Expression) -> Result<(), Failure> {
        let Some(Wait::Loop { results, .. }) = self.snapshot.frame(id).map(|frame| &frame.wait) else {
            return Ok(());
        };
        let mut results = results.clone();
        results.sort_by_key(|(index, _)| *index);
        self.add_results(id, output, results.into_iter().map(|(_, result)| result).collect())
    }

    /// Puts the results of a loop where `outputCollection` says. By the specification they come behind the elements that are there,
    /// also those that are equal to one (spec-0.8, rule 97); on SonataFlow they replace them.
    fn add_results(&mut self, id: FrameId, output: &Expression, results: Vec<Val>) -> Result<(), Failure> {
        let before = match self.program.merge {
            MergeRules::SonataFlow => Val::Null,
            MergeRules::Specification => self.evaluate(id, output, self.snapshot.data_of(id))?,
        };
        let all = Val::array(before.elements().iter().cloned().chain(results));
        self.assign(id, output, all, MergeRules::SonataFlow)
    }

    /// Compensates what completed, the last first.
    pub(crate) fn compensate(&mut self, id: FrameId) -> Step {
        if self.snapshot.completed.is_empty() {
            return Step::Next;
        }
        self.wait(id, Wait::Compensation);
        self.next_compensation(id);
        Step::Jumped
    }

    fn next_compensation(&mut self, id: FrameId) {
        let program = self.program;
        loop {
            let Some(scope) = self.snapshot.completed.pop() else {
                self.go_on_behind(id);
                return;
            };
            if let Some(pc) = program.scope(scope).and_then(|scope| scope.compensation) {
                let frame = self.snapshot.push_frame(Some(id), Role::Compensation, pc);
                self.ready.push_back(frame);
                return;
            }
        }
    }

    /// A number that a property gives.
    fn number(&self, id: FrameId, expression: &Expression, property: &str) -> Result<u32, Failure> {
        let value = self.evaluate(id, expression, self.snapshot.data_of(id))?;
        let number = value.as_i64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
        number.and_then(|number| u32::try_from(number).ok()).ok_or_else(|| {
            Failure::runtime(format!(
                "{property} `{}` gives `{}`, not a number",
                expression.source(),
                value.to_text()
            ))
        })
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
