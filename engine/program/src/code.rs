//! The list of instructions, each with its label.
//!
//! Promises: a label stands at one instruction only; finding an instruction by its label takes a binary search.

use std::{collections::HashSet, sync::Arc};

use crate::{Instruction, Pc};

/// Instructions with their labels.
#[derive(Debug, Default)]
pub struct Code {
    instructions: Box<[Instruction]>,
    /// All labels in one text, because a text for each would take more memory than the labels.
    labels: Box<str>,
    /// Where each label ends in the text.
    ends: Box<[u32]>,
    /// The instructions in the order of their labels.
    by_label: Box<[Pc]>,
}

/// Instructions while they are written down, some of them still to be filled in.
#[derive(Debug, Default)]
pub struct CodeBuilder {
    instructions: Vec<Instruction>,
    labels: Vec<Arc<str>>,
    used: HashSet<Arc<str>>,
    /// The paths of the constructs that were entered, so that no two have the same.
    paths: HashSet<String>,
    /// Names of the constructs around the next instruction, joined by `/`.
    path: String,
    legacy: Vec<Pc>,
    is_padded: bool,
}

/// How far the path reached before a construct was entered.
#[derive(Debug, Clone, Copy)]
pub struct Outside(usize);

impl Code {
    /// The instruction at `pc`.
    pub fn instruction(&self, pc: Pc) -> Option<&Instruction> {
        self.instructions.get(pc as usize)
    }

    /// All instructions in order.
    pub fn instructions(&self) -> impl Iterator<Item = &Instruction> {
        self.instructions.iter()
    }

    /// The label of the instruction at `pc`; empty for a counter that is not of this program.
    pub fn label(&self, pc: Pc) -> &str {
        let end_of = |index: usize| self.ends.get(index).map(|end| *end as usize);
        let place = pc as usize;
        let begin = place.checked_sub(1).map_or(Some(0), end_of);
        begin.zip(end_of(place)).and_then(|(begin, end)| self.labels.get(begin..end)).unwrap_or_default()
    }

    /// Where the instruction with this label stands.
    pub fn find(&self, label: &str) -> Option<Pc> {
        let found = self.by_label.binary_search_by(|pc| self.label(*pc).cmp(label)).ok()?;
        self.by_label.get(found).copied()
    }

    /// How many instructions there are.
    pub fn len(&self) -> usize {
        self.instructions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.instructions.is_empty()
    }
}

impl CodeBuilder {
    /// Puts an instruction that does nothing before each other one: what another build's lowering may amount to, for tests.
    pub fn padded() -> Self {
        Self { is_padded: true, ..Self::default() }
    }

    /// Appends an instruction and says where it stands. `step` names it within the construct; in a construct that has several of one
    /// name, the later ones are numbered.
    pub fn push(&mut self, step: &str, instruction: Instruction) -> Pc {
        let pc = self.push_unnumbered(step, instruction);
        self.legacy.push(pc);
        pc
    }

    /// Appends an instruction that the first format of snapshots did not count.
    pub fn push_unnumbered(&mut self, step: &str, instruction: Instruction) -> Pc {
        let label = match (self.path.is_empty(), step.is_empty()) {
            (true, _) => step.to_owned(),
            (_, true) => self.path.clone(),
            _ => format!("{}/{step}", self.path),
        };
        if self.is_padded {
            let next = self.here().saturating_add(1);
            self.append(&format!("{label} (padding)"), Instruction::Jump(next));
        }
        self.append(&label, instruction)
    }

    fn append(&mut self, label: &str, instruction: Instruction) -> Pc {
        let pc = self.here();
        let label = self.unused(label);
        self.used.insert(Arc::clone(&label));
        self.labels.push(label);
        self.instructions.push(instruction);
        pc
    }

    /// Keeps a place for an instruction whose targets are not known yet.
    pub fn reserve(&mut self, step: &str) -> Pc {
        self.push(step, Instruction::Abort)
    }

    /// Fills a place in.
    pub fn patch(&mut self, pc: Pc, instruction: Instruction) {
        if let Some(slot) = self.instructions.get_mut(pc as usize) {
            *slot = instruction;
        }
    }

    /// Where the next instruction will stand. A definition is limited in size, so the count fits.
    pub fn here(&self) -> Pc {
        Pc::try_from(self.instructions.len()).unwrap_or(Pc::MAX)
    }

    /// The label of an instruction.
    pub fn label(&self, pc: Pc) -> Arc<str> {
        self.labels.get(pc as usize).cloned().unwrap_or_else(|| Arc::from(""))
    }

    /// Enters a construct: labels begin with its name until [`CodeBuilder::exit`]. A second one of the same name is numbered.
    pub fn enter(&mut self, name: &str) -> Outside {
        let outside = Outside(self.path.len());
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}/{name}", self.path) };
        let path = numbered(&path, |path| self.used.contains(path) || self.paths.contains(path));
        self.paths.insert(path.clone());
        self.path = path;
        outside
    }

    /// Leaves a construct.
    pub fn exit(&mut self, outside: Outside) {
        self.path.truncate(outside.0);
    }

    /// The code, and where the instructions that the first format of snapshots counted stand in it.
    pub fn finish(self) -> (Code, Vec<Pc>) {
        let Self { instructions, labels, legacy, .. } = self;
        let mut text = String::new();
        let ends = labels.iter().map(|label| {
            text.push_str(label);
            u32::try_from(text.len()).unwrap_or(u32::MAX)
        });
        let ends = ends.collect();
        let mut by_label: Vec<Pc> = (0..Pc::try_from(labels.len()).unwrap_or(Pc::MAX)).collect();
        by_label.sort_by(|one, other| labels.get(*one as usize).cmp(&labels.get(*other as usize)));
        let code =
            Code { instructions: instructions.into(), labels: text.into(), ends, by_label: by_label.into() };
        (code, legacy)
    }

    fn unused(&self, label: &str) -> Arc<str> {
        numbered(label, |label| self.used.contains(label)).into()
    }
}

/// The name, with a number behind it if it is taken.
fn numbered(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let numbers = (2_u32..).map(|number| format!("{name} #{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbers);
    names.find(|name| !is_taken(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_name_the_place_and_are_unique() {
        let mut code = CodeBuilder::default();
        for name in ["Ask", "Ask"] {
            let outside = code.enter(name);
            code.push("", Instruction::Leave);
            let inside = code.enter("call");
            code.push("call", Instruction::Leave);
            code.push("call", Instruction::Leave);
            code.exit(inside);
            code.push("leave", Instruction::Leave);
            code.exit(outside);
        }
        code.push("(end)", Instruction::Abort);
        let (code, _) = code.finish();
        let labels: Vec<_> = (0..9).map(|pc| code.label(pc).to_string()).collect();
        assert_eq!(
            labels,
            [
                "Ask",
                "Ask/call/call",
                "Ask/call/call #2",
                "Ask/leave",
                "Ask #2",
                "Ask #2/call/call",
                "Ask #2/call/call #2",
                "Ask #2/leave",
                "(end)",
            ]
        );
        for (pc, label) in (0..).zip(&labels) {
            assert_eq!(code.find(label), Some(pc));
        }
        assert_eq!(code.find("Ask/call"), None);
    }
}
