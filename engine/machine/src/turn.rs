//! One turn of an instance: applies an input, then runs every frame until it waits.

use std::{collections::VecDeque, sync::Arc};

use rondo_expression::{Expression, Size};
use rondo_program::{Failure, Instruction, Pc, Program};

use crate::{
    CallNumber, ChildRequest, Context, Effect, Fact, FrameId, Input, LogLine, Millis, Snapshot, Status, Turn,
    Visit,
    frame::{Frame, Wait},
    retained_size::retained_size,
};

/// Runs one turn of an instance.
///
/// `now` is the time of the engine's clock, in milliseconds since 1970 (UTC). Timers that are due at this time fire, whatever the input is.
/// The turn stops when every frame waits, when the instance ends or stands at an error, or when [`Context::turn_steps`] are used up; in the
/// last case [`Snapshot::needs_turn`] is true and the caller runs another turn. An input that does not apply to the instance changes nothing:
/// see [`Turn::accepted`].
pub fn turn(program: &Program, snapshot: Snapshot, input: Input, context: &Context, now: Millis) -> Turn {
    let mut machine = Machine::new(program, snapshot, context, now);
    let accepted = machine.apply(input);
    if accepted {
        machine.fire_due_timers();
        machine.run_ready_frames();
        if machine.end_overtime() {
            machine.run_ready_frames();
        }
        machine.follow_jumps();
        machine.reset_steps_if_waiting();
    }
    Turn { snapshot: machine.snapshot, effects: machine.effects, facts: machine.facts, accepted }
}

/// Where a frame continues after an instruction.
pub(crate) enum Step {
    /// At the next instruction.
    Next,
    /// At another instruction, or later at the same one: the instruction has set the position and the wait of the frame itself.
    Jumped,
}

/// The state of a turn.
pub(crate) struct Machine<'a> {
    pub(crate) program: &'a Program,
    pub(crate) snapshot: Snapshot,
    pub(crate) context: &'a Context,
    pub(crate) now: Millis,
    pub(crate) effects: Vec<Effect>,
    pub(crate) facts: Vec<Fact>,
    /// Frames that can run, in the order in which they became ready.
    pub(crate) ready: VecDeque<FrameId>,
    /// An upper bound of the size of all values that frames retain; see `retained_size.rs`.
    pub(crate) retained: Size,
    /// Whether frames retain more than at the last check.
    pub(crate) retains_more: bool,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(program: &'a Program, snapshot: Snapshot, context: &'a Context, now: Millis) -> Self {
        let ready = snapshot.frames.iter().filter(|frame| frame.wait == Wait::Ready).map(|frame| frame.id);
        let ready = ready.collect();
        Self {
            program,
            retained: retained_size(&snapshot),
            snapshot,
            context,
            now,
            effects: Vec::new(),
            facts: Vec::new(),
            ready,
            retains_more: false,
        }
    }

    pub(crate) fn is_ready(&self, id: FrameId) -> bool {
        self.snapshot.frame(id).is_some_and(|frame| frame.wait == Wait::Ready)
    }

    /// Runs one instruction of a frame, and handles its failure.
    pub(crate) fn step(&mut self, id: FrameId) {
        let Some((pc, parent)) = self.snapshot.frame(id).map(|frame| (frame.pc, frame.parent)) else {
            return;
        };
        let program = self.program;
        let outcome = match program.instruction(pc) {
            Some(instruction) if self.snapshot.is_over_time && !self.may_finish(id, instruction) => {
                return self.give_up(id);
            }
            Some(instruction) => self.execute(id, instruction),
            None => Err(Failure::runtime(format!("there is no instruction {pc} in this definition"))),
        };
        match outcome {
            Err(failure) => self.raise(id, failure),
            Ok(step) => match self.check_retained() {
                Ok(()) if matches!(step, Step::Next) => self.jump_to(id, pc.saturating_add(1)),
                Ok(()) => {}
                Err(failure) => self.fail_over_limit(id, parent, failure),
            },
        }
    }

    fn execute(&mut self, id: FrameId, instruction: &'a Instruction) -> Result<Step, Failure> {
        match instruction {
            Instruction::Enter(scope) => self.enter_scope(id, *scope),
            Instruction::Leave => self.leave_scope(id),
            Instruction::FilterData(filter) => self.filter_data(id, filter)?,
            Instruction::SelectData(filter) => self.select_data(id, filter)?,
            Instruction::Inject(value) => self.inject_data(id, value)?,
            Instruction::Switch { arms, default } => {
                let target = self.choose_arm(id, arms, *default)?;
                self.jump_to(id, target);
                return Ok(Step::Jumped);
            }
            Instruction::Jump(target) => {
                self.jump_to(id, *target);
                return Ok(Step::Jumped);
            }
            Instruction::Sleep(duration) => {
                let until = self.end_of_duration(id, duration)?;
                self.set_wait(id, Wait::Sleep(until));
                return Ok(Step::Jumped);
            }
            Instruction::SkipUnless { condition, to } => {
                if !self.is_true(id, condition)? {
                    self.jump_to(id, *to);
                    return Ok(Step::Jumped);
                }
            }
            Instruction::Focus(expression) => {
                let focus = self.evaluate(id, expression, self.snapshot.data_of(id))?;
                self.set_focus(id, focus);
            }
            Instruction::Evaluate(expression) => {
                let result = self.evaluate(id, expression, self.focus(id))?;
                self.set_result(id, result);
                self.end_action_deadline(id);
            }
            Instruction::Log { level, message } => {
                let message = self.fill_template_strictly(id, message)?;
                let state = self.state_name(id);
                self.effects.push(Effect::Log(LogLine { level: *level, message: message.to_text(), state }));
            }
            Instruction::Call { is_async: true, .. } => {
                self.start_detached_call(id);
                self.clear_result(id);
            }
            Instruction::Call { .. } => {
                let call_in_doubt = self.snapshot.frame(id).and_then(|frame| frame.call_in_doubt);
                let call = call_in_doubt.unwrap_or_else(|| self.take_call_number());
                self.edit_frame(id, |frame| frame.result = None);
                self.set_wait(id, Wait::Call { call, attempt: 1 });
                match self.call_request(id) {
                    Ok(request) => self.effects.extend(request.map(Effect::Call)),
                    Err(failure) => {
                        // The frame waits for no call, so the retry policy, which is for calls, does not apply to the failure.
                        self.set_wait(id, Wait::Ready);
                        return Err(failure);
                    }
                }
                return Ok(Step::Jumped);
            }
            Instruction::Subflow { workflow, version, detached } => {
                let call = self.take_call_number();
                let wait = Wait::Child { call, attempt: 1 };
                self.start_child(id, call, workflow, version.as_ref(), detached.is_some());
                if detached.is_none() {
                    self.set_wait(id, wait);
                    return Ok(Step::Jumped);
                }
                self.push_detached(id, wait);
                self.clear_result(id);
            }
            Instruction::FilterResult(expression) => {
                let result =
                    self.snapshot.frame(id).and_then(|frame| frame.result.clone()).unwrap_or_default();
                let result = self.evaluate(id, expression, &result)?;
                self.set_result(id, result);
            }
            Instruction::Merge(path) => self.merge_result(id, path.as_ref())?,
            Instruction::Fork { branches, completion } => {
                return self.start_branches(id, branches, completion);
            }
            Instruction::ForEach(each) => return self.start_loop(id, each),
            Instruction::EndFrame => {
                self.end_frame(id);
                return Ok(Step::Jumped);
            }
            Instruction::Await { filters, timeout, .. } => {
                return self.await_events(id, filters, timeout.as_ref());
            }
            Instruction::TakeEvent(event) => self.use_event(id, event),
            Instruction::Publish { event, data, attributes } => {
                self.publish(id, event, data.as_ref(), attributes)?;
            }
            Instruction::Compensate => return Ok(self.start_compensations(id)),
            Instruction::Abort => {
                self.end_instance(Status::Aborted);
                return Ok(Step::Jumped);
            }
            Instruction::End { terminate, error_message, successor } => {
                self.end_path(id, *terminate, error_message.as_ref(), successor.as_deref())?;
                return Ok(Step::Jumped);
            }
        }
        Ok(Step::Next)
    }

    /// Starts a child instance with the focus of a frame as its input.
    pub(crate) fn start_child(
        &mut self,
        id: FrameId,
        call: CallNumber,
        workflow: &Arc<str>,
        version: Option<&Arc<str>>,
        is_detached: bool,
    ) {
        let mut variables = self.context.variables.to_vec();
        variables.extend(self.variables(id));
        self.effects.push(Effect::StartChild(ChildRequest {
            call,
            workflow: Arc::clone(workflow),
            version: version.map(Arc::clone),
            data: self.focus(id).clone(),
            variables,
            is_detached,
        }));
    }

    /// Fails a frame whose last instruction exceeded the limit of retained values. If the instruction ended the frame, its parent fails.
    fn fail_over_limit(&mut self, id: FrameId, parent: Option<FrameId>, failure: Failure) {
        let Some(id) = self.snapshot.frame(id).map(|frame| frame.id).or(parent) else { return };
        self.drop_frames(Some(id));
        self.raise(id, failure);
    }

    /// The target of the first arm whose condition is true, else the default.
    fn choose_arm(&self, id: FrameId, arms: &[(Expression, Pc)], default: Option<Pc>) -> Result<Pc, Failure> {
        for (condition, target) in arms {
            if self.is_true(id, condition)? {
                return Ok(*target);
            }
        }
        default.ok_or_else(|| {
            let state = self.state_name(id);
            Failure::runtime(format!(
                "state `{state}`: none of the conditions is true for this data, and there is no defaultCondition"
            ))
        })
    }

    pub(crate) fn jump_to(&mut self, id: FrameId, pc: Pc) {
        self.edit_frame(id, |frame| frame.pc = pc);
    }

    pub(crate) fn set_wait(&mut self, id: FrameId, wait: Wait) {
        self.edit_frame(id, |frame| frame.wait = wait);
    }

    /// Makes a frame that waited continue at the next instruction.
    pub(crate) fn advance(&mut self, id: FrameId) {
        self.edit_frame(id, |frame| frame.pc = frame.pc.saturating_add(1));
        self.wake(id);
    }

    /// Makes a frame that waited continue at its position.
    pub(crate) fn wake(&mut self, id: FrameId) {
        self.set_wait(id, Wait::Ready);
        self.ready.push_back(id);
    }

    pub(crate) fn edit_frame(&mut self, id: FrameId, edit: impl FnOnce(&mut Frame)) {
        if let Some(frame) = self.snapshot.frame_mut(id) {
            edit(frame);
        }
    }

    /// The next unused number of a call or child instance.
    pub(crate) fn take_call_number(&mut self) -> CallNumber {
        self.snapshot.next_call += 1;
        self.snapshot.next_call
    }

    /// The next unused number of a visit.
    pub(crate) fn take_visit(&mut self) -> Visit {
        self.snapshot.next_visit += 1;
        self.snapshot.next_visit
    }
}
