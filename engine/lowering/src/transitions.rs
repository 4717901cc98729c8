//! Lowers the exits of states: output filter, transition or end, and error handlers.

use rondo_definition::{
    Compat,
    model::{ContinueAs, Next, State},
};
use rondo_expression::Expression;
use rondo_program::{Handler, Instruction, Pc, ScopeId, Successor, Template};

use super::{Lowering, shared, states::state_property, time_limit};

impl<'a> Lowering<'a> {
    /// Lowers one of several exits of a state, except those of error handlers: the output filter, then the transition or end. Returns the
    /// position of its first instruction.
    pub(super) fn lower_exit(&mut self, name: &str, state: &'a State, next: &'a Next) -> Pc {
        let begin = self.code.next_pc();
        let outer = self.code.enter_construct(name);
        self.push_output_filter(state);
        self.lower_next(state, next);
        self.code.exit_construct(outer);
        begin
    }

    pub(super) fn push_output_filter(&mut self, state: &State) {
        let output = self
            .context
            .compile_optional(state.filter.output.as_ref(), &state_property(state, "stateDataFilter.output"));
        if let Some(output) = output {
            let filter = self.state_filter(output);
            self.code.push("output", filter);
        }
    }

    /// A state data filter. By the specification, one that selects nothing does not filter.
    pub(super) fn state_filter(&self, filter: Expression) -> Instruction {
        match self.context.document.compat {
            Compat::SonataFlow => Instruction::FilterData(filter),
            Compat::Spec => Instruction::SelectData(filter),
        }
    }

    /// Lowers a transition or an end. The scope of the state is open at this point, and the lowered instructions leave it.
    pub(super) fn lower_next(&mut self, state: &'a State, next: &'a Next) {
        match next {
            Next::Transition(transition) => {
                self.code.push("leave", Instruction::Leave);
                if transition.compensate {
                    self.code.push("compensate", Instruction::Compensate);
                }
                self.lower_produced_events(state, &transition.produce_events);
                let jump = self.code.reserve("transition");
                self.jumps.push((jump, &transition.next_state.value));
            }
            Next::End(_) if self.is_compensating => {
                self.code.push("leave", Instruction::Leave);
                self.code.push("end", Instruction::EndFrame);
            }
            Next::End(end) if self.run_before.contains(state.name.as_str()) => {
                self.code.push("leave", Instruction::Leave);
                if end.compensate || self.compensates_at_abort() {
                    self.code.push("compensate", Instruction::Compensate);
                }
                self.lower_produced_events(state, &end.produce_events);
                self.code.push("abort", Instruction::Abort);
            }
            Next::End(end) => {
                if end.compensate {
                    self.code.push("leave", Instruction::Leave);
                    self.code.push("compensate", Instruction::Compensate);
                }
                self.lower_produced_events(state, &end.produce_events);
                let error_message = self.error_message(state);
                let successor =
                    end.continue_as.as_ref().map(|then| Box::new(self.lower_successor(state, then)));
                let terminate = end.terminate || successor.is_some();
                self.code.push("end", Instruction::End { terminate, error_message, successor });
            }
        }
    }

    /// Whether an instance that is aborted compensates, as on SonataFlow. By the specification only a transition or an end does (spec-0.8, rule
    /// 138).
    pub(super) fn compensates_at_abort(&self) -> bool {
        self.context.document.compat == Compat::SonataFlow
    }

    /// Lowers `continueAs`. Its workflow is looked for when the instance ends: the check of the folder has reported an unknown one.
    fn lower_successor(&mut self, state: &State, continue_as: &ContinueAs) -> Successor {
        let ContinueAs { workflow_id, version, data, workflow_exec, .. } = continue_as;
        let place = state_property(state, "continueAs: data");
        Successor {
            workflow: shared(workflow_id),
            version: version.as_deref().map(shared),
            data: data.as_ref().map(|data| self.context.compile_template(&data.value, &data.at, &place)),
            limit: workflow_exec.as_ref().and_then(time_limit),
        }
    }

    /// The template of `metadata.errorMessage` of an end state (SonataFlow).
    fn error_message(&mut self, state: &State) -> Option<Template> {
        let text = state.metadata.get("errorMessage")?;
        let at = state.at.key("metadata").key("errorMessage");
        Some(self.context.compile_template(text, &at, &state_property(state, "errorMessage")))
    }

    pub(super) fn lower_handlers(&mut self, state: &'a State, id: ScopeId) {
        for (number, on_error) in (1..).zip(&state.on_errors) {
            let errors = self.error_matches(&on_error.errors);
            let then = self.code.next_pc();
            let outer = self.code.enter_construct(&format!("onErrors {number}"));
            self.lower_next(state, &on_error.next);
            self.code.exit_construct(outer);
            self.edit_scope(id, |scope| scope.handlers.push(Handler { errors, then }));
        }
    }
}
