//! The list of instructions, each with its label.
//!
//! Promises: each label names one instruction; finding an instruction by its label takes a binary search.

use std::{collections::HashSet, sync::Arc};

use crate::{Instruction, Pc};

/// Instructions with their labels.
#[derive(Debug, Default)]
pub struct Code {
    instructions: Box<[Instruction]>,
    /// All labels in one text: a text of its own for each label would take more memory than the label.
    labels: Box<str>,
    /// Where each label ends in the text.
    ends: Box<[u32]>,
    /// The instructions in the order of their labels.
    by_label: Box<[Pc]>,
}

/// Builds a [`Code`]. Instructions whose targets are not known yet are reserved and patched later.
#[derive(Debug, Default)]
pub struct CodeBuilder {
    instructions: Vec<Instruction>,
    labels: Vec<Arc<str>>,
    used_labels: HashSet<Arc<str>>,
    /// The paths of the constructs that were entered: a second construct with the same path gets a number.
    used_paths: HashSet<String>,
    /// Names of the constructs around the next instruction, joined by `/`.
    path: String,
    /// The instructions that the first format of snapshots counted.
    format1_instructions: Vec<Pc>,
    is_padded: bool,
}

/// The path around a construct, as its length in bytes. [`CodeBuilder::exit_construct`] takes the builder back to it.
#[derive(Debug, Clone, Copy)]
pub struct OuterPath(usize);

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
        let index = pc as usize;
        let begin = index.checked_sub(1).map_or(Some(0), end_of);
        begin.zip(end_of(index)).and_then(|(begin, end)| self.labels.get(begin..end)).unwrap_or_default()
    }

    /// The position of the instruction with this label.
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
    /// A builder that puts an instruction without effect before each other instruction. For tests: it stands for a build whose lowering
    /// produces other instructions for the same document.
    pub fn padded() -> Self {
        Self { is_padded: true, ..Self::default() }
    }

    /// Appends an instruction and returns its position. `step` names it within the construct. A second instruction with the same name gets
    /// a number, as in `call #2`.
    pub fn push(&mut self, step: &str, instruction: Instruction) -> Pc {
        let pc = self.push_unnumbered(step, instruction);
        self.format1_instructions.push(pc);
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
            let next = self.next_pc().saturating_add(1);
            self.append(&format!("{label} (padding)"), Instruction::Jump(next));
        }
        self.append(&label, instruction)
    }

    fn append(&mut self, label: &str, instruction: Instruction) -> Pc {
        let pc = self.next_pc();
        let label = self.unused_label(label);
        self.used_labels.insert(Arc::clone(&label));
        self.labels.push(label);
        self.instructions.push(instruction);
        pc
    }

    /// Appends a placeholder for an instruction whose targets are not known yet; [`patch`](Self::patch) replaces it.
    pub fn reserve(&mut self, step: &str) -> Pc {
        self.push(step, Instruction::Abort)
    }

    /// Replaces the instruction at `pc`, which keeps its label.
    pub fn patch(&mut self, pc: Pc, instruction: Instruction) {
        if let Some(slot) = self.instructions.get_mut(pc as usize) {
            *slot = instruction;
        }
    }

    /// The position of the next instruction. The size of a definition is limited, so the count fits.
    pub fn next_pc(&self) -> Pc {
        Pc::try_from(self.instructions.len()).unwrap_or(Pc::MAX)
    }

    /// The label of the instruction at `pc`; empty if there is none yet.
    pub fn label(&self, pc: Pc) -> Arc<str> {
        self.labels.get(pc as usize).cloned().unwrap_or_else(|| Arc::from(""))
    }

    /// Enters a construct: labels begin with its name until [`exit_construct`](Self::exit_construct). A second construct with the same name
    /// gets a number.
    pub fn enter_construct(&mut self, name: &str) -> OuterPath {
        let outer = OuterPath(self.path.len());
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}/{name}", self.path) };
        let path =
            with_free_number(&path, |path| self.used_labels.contains(path) || self.used_paths.contains(path));
        self.used_paths.insert(path.clone());
        self.path = path;
        outer
    }

    /// Leaves the construct that was entered with this result.
    pub fn exit_construct(&mut self, outer: OuterPath) {
        self.path.truncate(outer.0);
    }

    /// The code, and the positions of the instructions that the first format of snapshots counted.
    pub fn finish(self) -> (Code, Vec<Pc>) {
        let Self { instructions, labels, format1_instructions, .. } = self;
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
        (code, format1_instructions)
    }

    fn unused_label(&self, label: &str) -> Arc<str> {
        with_free_number(label, |label| self.used_labels.contains(label)).into()
    }
}

/// The name itself if it is free, else the name with the first free number: `call #2`.
fn with_free_number(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
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
            let outside = code.enter_construct(name);
            code.push("", Instruction::Leave);
            let inside = code.enter_construct("call");
            code.push("call", Instruction::Leave);
            code.push("call", Instruction::Leave);
            code.exit_construct(inside);
            code.push("leave", Instruction::Leave);
            code.exit_construct(outside);
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
