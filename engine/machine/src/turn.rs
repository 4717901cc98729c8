//! One turn of an instance: an input is applied, then every frame runs until it waits.

use std::{collections::VecDeque, sync::Arc};

use rondo_expression::{Expression, Nulls, Scope, Val};
use rondo_program::{Arguments, Duration, Instruction, Pc, Program, Template};

use crate::{
    CallRequest, ChildRequest, Context, Effect, Fact, Failure, FrameId, Input, LogLine, Millis, Snapshot,
    Status, Turn, Visit,
    context::WorkflowVariable,
    snapshot::{Open, Role, Wait},
};

/// Moves an instance on.
///
/// `now` is the engine's clock. Everything that is due by then happens, whatever the input is.
pub fn turn(program: &Program, snapshot: Snapshot, input: Input, context: &Context, now: Millis) -> Turn {
    let mut machine = Machine::new(program, snapshot, context, now);
    let accepted = machine.apply(input);
    if accepted {
        machine.due();
        machine.run();
    }
    Turn { snapshot: machine.snapshot, effects: machine.effects, facts: machine.facts, accepted }
}

/// What an instruction made of its frame.
pub(crate) enum Step {
    /// It goes on with the next instruction.
    Next,
    /// It goes on elsewhere, or at the same place later.
    Moved,
}

pub(crate) struct Machine<'a> {
    pub(crate) program: &'a Program,
    pub(crate) snapshot: Snapshot,
    pub(crate) context: &'a Context,
    pub(crate) now: Millis,
    pub(crate) effects: Vec<Effect>,
    pub(crate) facts: Vec<Fact>,
    /// Frames that can go on, in the order in which they became ready.
    pub(crate) ready: VecDeque<FrameId>,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(program: &'a Program, snapshot: Snapshot, context: &'a Context, now: Millis) -> Self {
        let ready = snapshot.frames.iter().filter(|frame| frame.wait == Wait::Ready).map(|frame| frame.id);
        let ready = ready.collect();
        Self { program, snapshot, context, now, effects: Vec::new(), facts: Vec::new(), ready }
    }

    /// Applies the input; says whether it meant anything.
    fn apply(&mut self, input: Input) -> bool {
        let active = self.snapshot.status == Status::Active;
        let failed = self.snapshot.status == Status::Error;
        match input {
            Input::Start { at } if self.snapshot.next_frame == 0 && active => self.start(at.as_deref()),
            Input::Answered { call, result, response } if active || failed => {
                let Some(id) = self.waiting_for(call) else { return false };
                if response.is_some() {
                    self.snapshot.response = response;
                }
                self.result(id, result);
            }
            Input::CallFailed { call, failure } if active || failed => {
                let Some(id) = self.waiting_for(call) else { return false };
                self.call_failed(id, failure);
            }
            Input::ChildEnded { call, outcome } if active || failed => {
                let Some(id) = self.waiting_for(call) else { return false };
                match outcome {
                    Ok(data) => self.result(id, Some(data)),
                    Err(failure) => self.child_failed(id, failure),
                }
            }
            Input::Tick => return active,
            Input::Abort if active || failed => self.abort(),
            Input::Retrigger if failed => self.retrigger(),
            Input::Skip if failed => return self.skip(),
            Input::Replace(data) if active || failed => {
                self.snapshot.data = data;
                self.facts.push(Fact::Changed);
            }
            Input::Patch(data) if active || failed => {
                let before = std::mem::take(&mut self.snapshot.data);
                self.snapshot.data = rondo_expression::merge(before, data, self.snapshot.nulls);
                self.facts.push(Fact::Changed);
            }
            _ => return false,
        }
        true
    }

    fn start(&mut self, at: Option<&str>) {
        let named = at.and_then(|name| self.program.states.iter().find(|state| &*state.name == name));
        let pc = named.map_or(self.program.start, |state| state.entry);
        self.snapshot.deadline = self.program.timeout.map(|limit| self.after(limit));
        let root = self.snapshot.push_frame(None, Role::Root, pc);
        self.ready.push_back(root);
        self.facts.push(Fact::Started);
    }

    /// Ends all that is under way and compensates what completed.
    fn abort(&mut self) {
        self.drop_frames();
        self.snapshot.status = Status::Active;
        self.snapshot.failed = None;
        self.snapshot.deadline = None;
        let root = self.snapshot.push_frame(None, Role::Root, self.program.abort);
        self.ready.push_back(root);
    }

    /// Runs every frame until it waits. What an error leaves standing is not run: nothing else runs then.
    fn run(&mut self) {
        let mut steps = 0;
        while self.snapshot.status == Status::Active {
            let Some(id) = self.ready.pop_front() else { break };
            while self.is_ready(id) && self.snapshot.status == Status::Active {
                steps += 1;
                if steps > self.context.max_steps {
                    self.raise(id, Failure::runtime(self.circles()));
                    return;
                }
                self.step(id);
            }
        }
    }

    fn circles(&self) -> String {
        format!(
            "ran {} instructions without waiting for anything: does a transition lead back without end? \
             A sleep in the circle lets others work, or raise rondo.limits.steps",
            self.context.max_steps
        )
    }

    fn is_ready(&self, id: FrameId) -> bool {
        self.snapshot.frame(id).is_some_and(|frame| frame.wait == Wait::Ready)
    }

    /// Runs one instruction of a frame.
    fn step(&mut self, id: FrameId) {
        let Some(pc) = self.snapshot.frame(id).map(|frame| frame.pc) else { return };
        let program = self.program;
        let outcome = match program.instruction(pc) {
            Some(instruction) => self.execute(id, pc, instruction),
            None => Err(Failure::runtime(format!("there is no instruction {pc} in this definition"))),
        };
        match outcome {
            Ok(Step::Next) => self.go_to(id, pc + 1),
            Ok(Step::Moved) => {}
            Err(failure) => self.raise(id, failure),
        }
    }

    fn execute(&mut self, id: FrameId, pc: Pc, instruction: &'a Instruction) -> Result<Step, Failure> {
        match instruction {
            Instruction::EnterState(state) => self.enter_state(id, *state),
            Instruction::LeaveState => self.leave_state(id),
            Instruction::Filter(expression) => {
                let data = self.evaluate(id, expression, self.snapshot.data_of(id))?;
                self.snapshot.set_data_of(id, data);
                if !expression.is_path() {
                    self.snapshot.nulls = Nulls::Kept;
                }
            }
            Instruction::Inject(value) => {
                let data = self.snapshot.take_data_of(id);
                let data = rondo_expression::merge(data, value.clone(), self.snapshot.nulls);
                self.snapshot.set_data_of(id, data);
            }
            Instruction::Switch { arms, default } => {
                let target = self.choose(id, arms, *default)?;
                self.go_to(id, target);
                return Ok(Step::Moved);
            }
            Instruction::Jump(target) => {
                self.go_to(id, *target);
                return Ok(Step::Moved);
            }
            Instruction::Sleep(duration) => {
                let until = self.moment(id, duration)?;
                self.go_to(id, pc + 1);
                self.wait(id, Wait::Sleep(until));
                return Ok(Step::Moved);
            }
            Instruction::EnterAction { action, condition, skip } => {
                if let Some(condition) = condition
                    && !self.is_true(id, condition)?
                {
                    self.go_to(id, *skip);
                    return Ok(Step::Moved);
                }
                self.enter_action(id, *action, pc);
            }
            Instruction::Focus(expression) => {
                let focus = self.evaluate(id, expression, self.snapshot.data_of(id))?;
                self.with_frame(id, |frame| {
                    frame.result = Some(focus.clone());
                    frame.focus = Some(focus);
                });
            }
            Instruction::Evaluate(expression) => {
                let result = self.evaluate(id, expression, self.focus(id))?;
                self.with_frame(id, |frame| frame.result = Some(result));
            }
            Instruction::Log { level, message } => {
                let message = self.fill_strictly(id, message)?;
                let state = self.state_name(id);
                self.effects.push(Effect::Log(LogLine { level: *level, message: message.to_text(), state }));
            }
            Instruction::Call { .. } => {
                let call = self.next_call();
                self.with_frame(id, |frame| frame.result = None);
                self.wait(id, Wait::Call { n: call, a: 1 });
                let request = self.call_request(id)?;
                self.effects.extend(request.map(Effect::Call));
                return Ok(Step::Moved);
            }
            Instruction::Child { workflow, version } => {
                let call = self.next_call();
                let data = self.focus(id).clone();
                let mut variables = self.context.variables.to_vec();
                variables.extend(self.variables(id));
                self.wait(id, Wait::Child { n: call });
                let (workflow, version) = (Arc::clone(workflow), version.clone());
                self.effects.push(Effect::StartChild(ChildRequest {
                    call,
                    workflow,
                    version,
                    data,
                    variables,
                }));
                return Ok(Step::Moved);
            }
            Instruction::Results(expression) => {
                let result =
                    self.snapshot.frame(id).and_then(|frame| frame.result.clone()).unwrap_or_default();
                let result = self.evaluate(id, expression, &result)?;
                self.with_frame(id, |frame| frame.result = Some(result));
            }
            Instruction::Merge(path) => self.merge(id, path.as_ref())?,
            Instruction::LeaveAction => self.leave_action(id),
            Instruction::Fork { branches, completion } => return self.fork(id, branches, completion),
            Instruction::ForEach(each) => return self.for_each(id, each),
            Instruction::EndBranch => {
                self.end_branch(id);
                return Ok(Step::Moved);
            }
            Instruction::Await { timeout, .. } => {
                let until = match timeout {
                    Some((duration, _)) => Some(self.moment(id, duration)?),
                    None => None,
                };
                self.wait(id, Wait::Events { until, got: Vec::new() });
                return Ok(Step::Moved);
            }
            Instruction::Compensate => return Ok(self.compensate(id)),
            Instruction::Abort => {
                self.finish(Status::Aborted);
                return Ok(Step::Moved);
            }
            Instruction::End { terminate, error_message } => {
                self.end(id, *terminate, error_message.as_ref())?;
                return Ok(Step::Moved);
            }
        }
        Ok(Step::Next)
    }

    fn choose(&self, id: FrameId, arms: &[(Expression, Pc)], default: Option<Pc>) -> Result<Pc, Failure> {
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

    /// Merges the result of an action into the data.
    fn merge(&mut self, id: FrameId, path: Option<&Expression>) -> Result<(), Failure> {
        let Some(result) = self.snapshot.frame(id).and_then(|frame| frame.result.clone()) else {
            return Ok(());
        };
        let data = self.snapshot.take_data_of(id);
        let merged = match path {
            None => Ok(rondo_expression::merge(data, result, self.snapshot.nulls)),
            Some(path) => {
                // `assign` takes the data, and a failure must leave it as it was.
                let scope = self.scope(id);
                rondo_expression::assign(data.clone(), path, result, self.snapshot.nulls, &scope.as_scope())
                    .map_err(|error| (data, Failure::expression(&error)))
            }
        };
        match merged {
            Ok(data) => {
                self.snapshot.set_data_of(id, data);
                Ok(())
            }
            Err((data, failure)) => {
                self.snapshot.set_data_of(id, data);
                Err(failure)
            }
        }
    }

    /// A path ends.
    fn end(&mut self, id: FrameId, terminate: bool, error_message: Option<&Template>) -> Result<(), Failure> {
        if let Some(template) = error_message {
            let message = self.fill_strictly(id, template)?;
            if !message.is_null() && message.as_str() != Some("") {
                return Err(Failure::declared(message.to_text()));
            }
        }
        let last = self.snapshot.frames.iter().all(|frame| frame.id == id);
        let completes = terminate || (last && !self.program.keep_active);
        if completes && let Some(output) = &self.context.output {
            output.check(self.snapshot.data_of(id)).map_err(Failure::validation)?;
        }
        self.leave_state(id);
        self.snapshot.frames.retain(|frame| frame.id != id);
        if completes {
            self.finish(Status::Completed);
        }
        Ok(())
    }

    /// The instance ends.
    pub(crate) fn finish(&mut self, status: Status) {
        self.drop_frames();
        self.snapshot.status = status;
        self.snapshot.deadline = None;
        self.snapshot.failed = None;
        self.snapshot.response = None;
        self.snapshot.completed.clear();
        self.facts.push(if status == Status::Aborted { Fact::Aborted } else { Fact::Completed });
    }

    /// Drops all frames; what they stood in is left unfinished.
    fn drop_frames(&mut self) {
        for visit in self.snapshot.open_visits() {
            self.facts.push(Fact::Dropped { v: visit });
        }
        let children: Vec<_> = self.snapshot.children().collect();
        self.effects.extend(children.into_iter().map(Effect::CancelChild));
        self.snapshot.frames.clear();
        self.ready.clear();
    }

    /// The request that the call instruction at which a frame stands amounts to. It is derived from the snapshot
    /// alone, so that after a crash the same request can be derived again.
    pub(crate) fn call_request(&self, id: FrameId) -> Result<Option<CallRequest>, Failure> {
        let Some(frame) = self.snapshot.frame(id) else { return Ok(None) };
        let (Wait::Call { n, a }, Some(Instruction::Call { function, arguments, config_key })) =
            (&frame.wait, self.program.instruction(frame.pc))
        else {
            return Ok(None);
        };
        let config_key = match config_key {
            Some(expression) => Some(self.evaluate(id, expression, self.focus(id))?.to_text()),
            None => None,
        };
        let arguments = match arguments {
            Arguments::None => None,
            Arguments::Template(template) => Some(self.fill(id, template)),
        };
        let action = frame.action.and_then(|open| self.program.action(open.id));
        Ok(Some(CallRequest {
            call: *n,
            attempt: *a,
            function: Arc::clone(function),
            arguments,
            data: self.focus(id).clone(),
            config_key,
            state: self.state_name(id),
            action: action.map_or_else(|| Arc::clone(function), |action| Arc::clone(&action.name)),
        }))
    }

    /// The moment at which a duration that begins now is over.
    fn moment(&self, id: FrameId, duration: &Duration) -> Result<Millis, Failure> {
        match duration {
            Duration::Fixed(span) => Ok(self.after(*span)),
            Duration::Computed(expression) => {
                let value = self.evaluate(id, expression, self.snapshot.data_of(id))?;
                let text = value.to_text();
                let span = rondo_program::parse_duration(&text).map_err(|error| {
                    Failure::runtime(format!(
                        "`{}` gives `{text}`, which is no duration: {error}",
                        expression.source()
                    ))
                })?;
                Ok(self.after(span))
            }
        }
    }

    pub(crate) fn after(&self, span: std::time::Duration) -> Millis {
        let span = span.as_millis() / u128::from(self.context.speed.max(1));
        self.now.saturating_add(Millis::try_from(span).unwrap_or(Millis::MAX))
    }

    pub(crate) fn evaluate(&self, id: FrameId, expression: &Expression, data: &Val) -> Result<Val, Failure> {
        let scope = self.scope(id);
        let seen = with_parameters(data, &scope.variables, |name| expression.reads(name));
        expression
            .eval(seen.as_ref().unwrap_or(data), &scope.as_scope())
            .map_err(|error| Failure::expression(&error))
    }

    fn is_true(&self, id: FrameId, condition: &Expression) -> Result<bool, Failure> {
        let scope = self.scope(id);
        let data = self.snapshot.data_of(id);
        let seen = with_parameters(data, &scope.variables, |name| condition.reads(name));
        condition
            .eval_bool(seen.as_ref().unwrap_or(data), &scope.as_scope())
            .map_err(|error| Failure::expression(&error))
    }

    /// Fills a template in; what cannot be evaluated stays as it is written.
    fn fill(&self, id: FrameId, template: &Template) -> Val {
        let scope = self.scope(id);
        let data = self.focus(id);
        let seen = with_parameters(data, &scope.variables, |name| template.reads(name));
        template.eval(seen.as_ref().unwrap_or(data), &scope.as_scope())
    }

    /// Fills a template in; an expression in it that fails is an error, a text that is none stays as it is.
    fn fill_strictly(&self, id: FrameId, template: &Template) -> Result<Val, Failure> {
        let scope = self.scope(id);
        let data = self.focus(id);
        let seen = with_parameters(data, &scope.variables, |name| template.reads(name));
        template
            .eval_strict(seen.as_ref().unwrap_or(data), &scope.as_scope())
            .map_err(|error| Failure::expression(&error))
    }

    /// What the current action sees.
    fn focus(&self, id: FrameId) -> &Val {
        let focus = self.snapshot.frame(id).and_then(|frame| frame.focus.as_ref());
        focus.unwrap_or_else(|| self.snapshot.data_of(id))
    }

    /// Variables of a frame and of those above it, the innermost last.
    fn variables(&self, id: FrameId) -> Vec<(Arc<str>, Val)> {
        let mut frames = Vec::new();
        let mut next = Some(id);
        while let Some(frame) = next.and_then(|id| self.snapshot.frame(id)) {
            frames.push(frame);
            next = frame.parent;
        }
        frames.iter().rev().flat_map(|frame| frame.variables.iter().cloned()).collect()
    }

    /// What expressions of a frame may look at beside the data.
    pub(crate) fn scope(&self, id: FrameId) -> Surroundings<'a> {
        let mut variables = self.context.variables.to_vec();
        variables.extend(self.variables(id));
        let previous = self.snapshot.frame(id).and_then(|frame| frame.previous.clone());
        let response = self.snapshot.response.clone();
        let workflow =
            WorkflowVariable::new(self.program, self.context, &self.snapshot.input, previous, response);
        Surroundings {
            workflow: Val::Lookup(Arc::new(workflow)),
            variables,
            program: self.program,
            context: self.context,
            now: self.now,
        }
    }

    pub(crate) fn state_name(&self, id: FrameId) -> Arc<str> {
        self.open_state(id)
            .and_then(|open| self.program.state(open.id))
            .map_or_else(|| Arc::from(""), |state| Arc::clone(&state.name))
    }

    /// The state that a frame is in: its own, or that of the frame it was forked from.
    pub(crate) fn open_state(&self, id: FrameId) -> Option<Open<rondo_program::StateId>> {
        let mut frame = self.snapshot.frame(id)?;
        loop {
            match (frame.state, frame.parent) {
                (Some(open), _) => return Some(open),
                (None, Some(parent)) => frame = self.snapshot.frame(parent)?,
                (None, None) => return None,
            }
        }
    }

    fn enter_state(&mut self, id: FrameId, state: rondo_program::StateId) {
        let visit = self.next_visit();
        let Some(info) = self.program.state(state) else { return };
        let deadline = info.timeout.map(|limit| self.after(limit));
        self.facts.push(Fact::Entered { v: visit, state: Arc::clone(&info.name), kind: info.kind.into() });
        self.with_frame(id, |frame| {
            frame.focus = None;
            frame.result = None;
            frame.state = Some(Open { id: state, visit, deadline });
        });
    }

    /// Closes the state that is open on a frame; it completed.
    fn leave_state(&mut self, id: FrameId) {
        let Some(open) = self.snapshot.frame_mut(id).and_then(|frame| frame.state.take()) else { return };
        self.facts.push(Fact::Left { v: open.visit });
        if self.program.state(open.id).is_some_and(|info| info.compensation.is_some())
            && !self.snapshot.completed.contains(&open.id)
        {
            self.snapshot.completed.push(open.id);
        }
    }

    fn enter_action(&mut self, id: FrameId, action: rondo_program::ActionId, pc: Pc) {
        let visit = self.next_visit();
        let within = self.open_state(id).map_or(visit, |open| open.visit);
        let Some(info) = self.program.action(action) else { return };
        let deadline = info.timeout.map(|limit| self.after(limit));
        self.facts.push(Fact::Action {
            v: visit,
            target: Arc::clone(&info.target),
            name: (info.name != info.target).then(|| Arc::clone(&info.name)),
            kind: self.program.action_kind(pc).into(),
            within,
        });
        self.with_frame(id, |frame| {
            frame.focus = None;
            frame.result = None;
            frame.action = Some(Open { id: action, visit, deadline });
        });
    }

    fn leave_action(&mut self, id: FrameId) {
        let keeps = self.program.uses_previous;
        let mut visit = None;
        self.with_frame(id, |frame| {
            visit = frame.action.take().map(|open| open.visit);
            let result = frame.result.take();
            if keeps || matches!(frame.role, Role::Iteration(_)) {
                frame.previous = result.or(frame.previous.take());
            }
            frame.focus = None;
        });
        self.facts.extend(visit.map(|v| Fact::Left { v }));
    }

    /// An answer came for a frame: it goes on behind the call.
    fn result(&mut self, id: FrameId, result: Option<Val>) {
        self.with_frame(id, |frame| {
            if result.is_some() {
                frame.result = result;
            }
            frame.wait = Wait::Ready;
            frame.pc += 1;
            if let Some(open) = &mut frame.action {
                open.deadline = None;
            }
        });
        self.ready.push_back(id);
    }

    fn waiting_for(&self, call: crate::CallNumber) -> Option<FrameId> {
        let waits = |wait: &Wait| matches!(wait, Wait::Call { n, .. } | Wait::Child { n } if *n == call);
        self.snapshot.frames.iter().find(|frame| waits(&frame.wait)).map(|frame| frame.id)
    }

    pub(crate) fn go_to(&mut self, id: FrameId, pc: Pc) {
        self.with_frame(id, |frame| frame.pc = pc);
    }

    pub(crate) fn wait(&mut self, id: FrameId, wait: Wait) {
        self.with_frame(id, |frame| frame.wait = wait);
    }

    /// Lets a frame that waited go on.
    pub(crate) fn wake(&mut self, id: FrameId) {
        self.wait(id, Wait::Ready);
        self.ready.push_back(id);
    }

    pub(crate) fn with_frame(&mut self, id: FrameId, change: impl FnOnce(&mut crate::snapshot::Frame)) {
        if let Some(frame) = self.snapshot.frame_mut(id) {
            change(frame);
        }
    }

    fn next_call(&mut self) -> crate::CallNumber {
        self.snapshot.next_call += 1;
        self.snapshot.next_call
    }

    fn next_visit(&mut self) -> Visit {
        self.snapshot.next_visit += 1;
        self.snapshot.next_visit
    }
}

/// The data with the iteration parameters as members, where an expression reads one that the data does not have.
///
/// The specification puts the element at `.PARAM`, SonataFlow at `$PARAM` only; published flows use both. The data
/// itself stays as it is, and so does whatever is handed on whole.
fn with_parameters(data: &Val, variables: &[(Arc<str>, Val)], reads: impl Fn(&str) -> bool) -> Option<Val> {
    let mut seen = None;
    for (name, value) in variables {
        if data.is_object() && data.get(name).is_none() && reads(name) {
            seen.get_or_insert_with(|| data.clone()).insert(name, value.clone());
        }
    }
    seen
}

/// Owner of what a [`Scope`] borrows.
pub(crate) struct Surroundings<'a> {
    workflow: Val,
    variables: Vec<(Arc<str>, Val)>,
    program: &'a Program,
    context: &'a Context,
    now: Millis,
}

impl Surroundings<'_> {
    pub(crate) fn as_scope(&self) -> Scope<'_> {
        Scope {
            workflow: &self.workflow,
            secrets: &self.context.secrets,
            constants: &self.program.constants,
            variables: &self.variables,
            budget: &self.context.budget,
            now: self.now,
        }
    }
}
