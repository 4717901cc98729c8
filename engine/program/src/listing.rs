//! The printed form of a program, one instruction a line.
//!
//! Two things depend on it. The golden listings in the tests of the lowering show each change of the lowering. A digest of the listing, the
//! *fingerprint*, is stored with each revision; a build that gets another fingerprint for a stored document knows that it lowers the document
//! to another program.

use std::fmt::{self, Display, Formatter, Write as _};

use rondo_expression::Expression;
use sha2::{Digest, Sha256};

use crate::{
    Arguments, BatchSize, Completion, Correlation, Duration, ErrorMatch, Event, EventTimeout, Instruction,
    Jitter, Loop, OnParentEnd, Pc, Program, RetryPolicy, Scope, ScopeKind, Successor, TextMatch, TimeLimit,
};

impl Program {
    /// A digest of the listing: 32 hexadecimal digits. It changes whenever the program does.
    pub fn fingerprint(&self) -> String {
        let mut digest = DigestWriter(Sha256::new());
        // Writing into a digest cannot fail.
        let _ = write!(digest, "{self}");
        digest.0.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Digests a text piece by piece, so the listing of a large workflow is never in memory as a whole.
struct DigestWriter(Sha256);

impl fmt::Write for DigestWriter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

impl Display for Program {
    /// The listing: each line begins with the label of an instruction; a jump names the label of its target.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "workflow {} {}", self.id, self.version)?;
        writeln!(f, "start {}", Label(self, self.start))?;
        writeln!(f, "abort {}", Label(self, self.on_abort))?;
        if self.on_timeout != self.on_abort {
            writeln!(f, "overtime {}", Label(self, self.on_timeout))?;
        }
        if let Some(timeout) = self.timeout {
            writeln!(f, "timeout {}", LimitText(timeout))?;
        }
        if !self.constants.members().is_empty() {
            writeln!(f, "constants {}", self.constants.to_json())?;
        }
        if self.merge != rondo_expression::MergeRules::default() {
            writeln!(f, "merge {:?}", self.merge)?;
        }
        if self.keep_active {
            writeln!(f, "keep active")?;
        }
        if self.uses_previous_result {
            writeln!(f, "keep previous results")?;
        }
        for event in &self.events {
            writeln!(f, "event {}", EventLine(event))?;
        }
        if let Some(start) = &self.start_by_event {
            let how = if start.exclusive { "one of" } else { "all of" };
            write!(f, "started by {how} {}", start.events.join(" "))?;
            start.within.map_or(Ok(()), |within| write!(f, " within {within:?}"))?;
            writeln!(f)?;
        }
        if let Some(window) = &self.start_window {
            writeln!(f, "started {window}")?;
        }
        if let Some(schedule) = &self.schedule {
            writeln!(f, "started by {schedule}")?;
        }
        for (pc, instruction) in (0..).zip(self.code.instructions()) {
            writeln!(f, "{}: {}", Label(self, pc), InstructionLine(self, instruction))?;
            if let Instruction::Enter(id) = instruction
                && let Some(scope) = self.scope(*id)
            {
                write!(f, "{}", ScopeDetails(self, scope))?;
            }
        }
        Ok(())
    }
}

struct Label<'a>(&'a Program, Pc);

impl Display for Label<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code.label(self.1))
    }
}

/// An expression on one line.
struct OneLine<'a>(&'a Expression);

impl Display for OneLine<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "${{ {} }}", self.0.source().replace('\\', "\\\\").replace('\n', "\\n"))
    }
}

struct InstructionLine<'a>(&'a Program, &'a Instruction);

impl Display for InstructionLine<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let label = |pc: &Pc| Label(self.0, *pc);
        match self.1 {
            Instruction::Enter(id) => match self.0.scope(*id) {
                Some(scope) => write!(f, "enter {}", ScopeTitle(&scope.kind)),
                None => f.write_str("enter nothing"),
            },
            Instruction::Leave => f.write_str("leave"),
            Instruction::FilterData(expression) => write!(f, "data = {}", OneLine(expression)),
            Instruction::SelectData(expression) => write!(f, "data = {} unless null", OneLine(expression)),
            Instruction::Inject(value) => write!(f, "merge {}", value.to_json()),
            Instruction::Switch { arms, default } => {
                f.write_str("switch")?;
                for (condition, to) in arms {
                    write!(f, ", {} -> {}", OneLine(condition), label(to))?;
                }
                match default {
                    Some(to) => write!(f, ", else -> {}", label(to)),
                    None => Ok(()),
                }
            }
            Instruction::Jump(to) => write!(f, "-> {}", label(to)),
            Instruction::Sleep(duration) => write!(f, "sleep {}", DurationText(duration)),
            Instruction::SkipUnless { condition, to } => {
                write!(f, "unless {} -> {}", OneLine(condition), label(to))
            }
            Instruction::Focus(expression) => write!(f, "focus = {}", OneLine(expression)),
            Instruction::Evaluate(expression) => write!(f, "result = {} of focus", OneLine(expression)),
            Instruction::Log { level, message } => write!(f, "log {level:?} {}", message.source().to_json()),
            Instruction::Call { function, arguments, config_key, is_async } => {
                f.write_str(if *is_async { "call without waiting " } else { "call " })?;
                f.write_str(function)?;
                if let Arguments::Template(template) = arguments {
                    write!(f, " {}", template.source().to_json())?;
                }
                config_key.as_ref().map_or(Ok(()), |key| write!(f, " configured by {}", OneLine(key)))
            }
            Instruction::Subflow { workflow, version, detached } => {
                write!(f, "subflow {workflow}")?;
                version.as_ref().map_or(Ok(()), |version| write!(f, " {version}"))?;
                match detached {
                    None => Ok(()),
                    Some(OnParentEnd::Terminate) => f.write_str(" without waiting, ends with this instance"),
                    Some(OnParentEnd::Continue) => f.write_str(" without waiting, outlives this instance"),
                }
            }
            Instruction::FilterResult(expression) => write!(f, "result = {} of result", OneLine(expression)),
            Instruction::Merge(None) => f.write_str("merge result"),
            Instruction::Merge(Some(path)) => write!(f, "merge result at {}", OneLine(path)),
            Instruction::Fork { branches, completion } => {
                f.write_str("fork")?;
                for branch in branches {
                    write!(f, " {},", label(&branch.start))?;
                }
                match completion {
                    Completion::All => f.write_str(" all"),
                    Completion::Count(count) => write!(f, " at least {count}"),
                    Completion::Computed(expression) => write!(f, " at least {}", OneLine(expression)),
                }
            }
            Instruction::ForEach(each) => write!(f, "{}", ForEachLine(self.0, each)),
            Instruction::EndFrame => f.write_str("end of frame"),
            Instruction::Await { filters, exclusive, timeout } => {
                f.write_str(if *exclusive { "await one of" } else { "await all of" })?;
                for filter in filters {
                    write!(f, " {} -> {},", filter.events.join(" "), label(&filter.then))?;
                }
                match timeout {
                    Some(EventTimeout { after, then: Some(then), is_handled_first }) => {
                        write!(f, " after {} -> {}", DurationText(after), label(then))?;
                        f.write_str(if *is_handled_first { "" } else { ", which is no error" })
                    }
                    Some(EventTimeout { after, then: None, .. }) => {
                        write!(f, " after {} fail", DurationText(after))
                    }
                    None => Ok(()),
                }
            }
            Instruction::TakeEvent(event) => write!(f, "result = event {event}"),
            Instruction::Publish { event, data, attributes } => {
                write!(f, "publish {event}")?;
                data.as_ref().map_or(Ok(()), |data| write!(f, " {}", data.source().to_json()))?;
                for (name, value) in attributes {
                    write!(f, ", {name} {}", value.source().to_json())?;
                }
                Ok(())
            }
            Instruction::Compensate => f.write_str("compensate"),
            Instruction::Abort => f.write_str("abort"),
            Instruction::End { terminate, error_message, successor } => {
                f.write_str(if *terminate { "end all" } else { "end" })?;
                let message = error_message.as_ref().map(|message| message.source().to_json());
                message.map_or(Ok(()), |message| write!(f, " with error {message}"))?;
                successor.as_ref().map_or(Ok(()), |successor| write!(f, ", {}", SuccessorText(successor)))
            }
        }
    }
}

struct SuccessorText<'a>(&'a Successor);

impl Display for SuccessorText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Successor { workflow, version, data, limit } = self.0;
        write!(f, "continue as {workflow}")?;
        version.as_ref().map_or(Ok(()), |version| write!(f, " {version}"))?;
        data.as_ref().map_or(Ok(()), |data| write!(f, " {}", data.source().to_json()))?;
        limit.map_or(Ok(()), |limit| write!(f, " within {}", LimitText(limit)))
    }
}

struct LimitText(TimeLimit);

impl Display for LimitText {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.after)?;
        f.write_str(if self.0.interrupt { ", interrupting" } else { "" })
    }
}

struct EventLine<'a>(&'a Event);

impl Display for EventLine<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Event { name, event_type, source, data_only, correlation } = self.0;
        write!(f, "{name}: type {event_type}")?;
        source.as_ref().map_or(Ok(()), |source| write!(f, " of {source}"))?;
        if !data_only {
            f.write_str(", as a whole")?;
        }
        for Correlation { attribute, value } in correlation {
            write!(f, ", by {attribute}")?;
            value.as_ref().map_or(Ok(()), |value| write!(f, " = {}", value.source().to_json()))?;
        }
        Ok(())
    }
}

struct ScopeTitle<'a>(&'a ScopeKind);

impl Display for ScopeTitle<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            ScopeKind::State { name, kind } => write!(f, "{} state {name}", kind.as_str()),
            ScopeKind::Action { name, target, kind } => {
                write!(f, "{} action {name}", kind.as_str())?;
                if name == target { Ok(()) } else { write!(f, " of {target}") }
            }
            ScopeKind::Branch { name } => write!(f, "branch {name}"),
        }
    }
}

/// The properties of a scope, indented, a line each.
struct ScopeDetails<'a>(&'a Program, &'a Scope);

impl Display for ScopeDetails<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Scope { handlers, retry, timeout, single, compensation, .. } = self.1;
        if let Some(timeout) = timeout {
            writeln!(f, "  timeout {timeout:?}")?;
        }
        if let Some(single) = single {
            writeln!(f, "  timeout {single:?} without retries")?;
        }
        if let Some(RetryPolicy {
            delay,
            max_delay,
            increment,
            multiplier,
            max_attempts,
            jitter,
            only,
            except,
        }) = retry.as_deref()
        {
            write!(f, "  retry after {delay:?} * {multiplier} + {increment:?}")?;
            max_delay.map_or(Ok(()), |most| write!(f, ", at most {most:?}"))?;
            max_attempts.map_or(Ok(()), |most| write!(f, ", {most} times"))?;
            match jitter {
                Some(Jitter::Fraction(fraction)) => write!(f, ", jitter {fraction}")?,
                Some(Jitter::Span(span)) => write!(f, ", jitter {span:?}")?,
                None => {}
            }
            only.as_ref().map_or(Ok(()), |errors| write!(f, ", only{}", ErrorList(errors)))?;
            if !except.is_empty() {
                write!(f, ", except{}", ErrorList(except))?;
            }
            writeln!(f)?;
        }
        for handler in handlers {
            writeln!(f, "  on{} -> {}", ErrorList(&handler.errors), Label(self.0, handler.then))?;
        }
        match compensation {
            Some(pc) => writeln!(f, "  compensated by {}", Label(self.0, *pc)),
            None => Ok(()),
        }
    }
}

struct ErrorList<'a>(&'a [ErrorMatch]);

impl Display for ErrorList<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for ErrorMatch { name, code, class, cause, superclass, statuses, text } in self.0 {
            write!(f, " {name}={code}")?;
            let sets = [("class", class), ("cause", cause), ("superclass", superclass)];
            for (relation, set) in sets.into_iter().filter(|(_, set)| !set.is_empty()) {
                write!(f, " ({relation} of {set:?})")?;
            }
            if let Some(statuses) = statuses {
                write!(f, " (status {} to {})", statuses.start(), statuses.end())?;
            }
            match text {
                TextMatch::No => {}
                TextMatch::Whole => f.write_str(" (or the text)")?,
                TextMatch::Pattern => f.write_str(" (or a pattern in the text)")?,
            }
        }
        Ok(())
    }
}

struct DurationText<'a>(&'a Duration);

impl Display for DurationText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Duration::Fixed(span) => write!(f, "{span:?}"),
            Duration::Computed(expression) => write!(f, "{}", OneLine(expression)),
        }
    }
}

struct ForEachLine<'a>(&'a Program, &'a Loop);

impl Display for ForEachLine<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Loop { input, output, is_isolated, parameter, body, batch } = self.1;
        write!(f, "for each ${parameter} of {} -> {}", OneLine(input), Label(self.0, *body))?;
        match batch {
            BatchSize::All => f.write_str(", side by side")?,
            BatchSize::One => f.write_str(", one by one")?,
            BatchSize::OneThread => f.write_str(", as in one thread")?,
            BatchSize::Of(size) => write!(f, ", in batches of {}", OneLine(size))?,
        }
        f.write_str(if *is_isolated { ", on copies of the data" } else { "" })?;
        output.as_ref().map_or(Ok(()), |output| write!(f, ", results at {}", OneLine(output)))
    }
}
