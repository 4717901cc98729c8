//! Workflow documents: loading, reading, checking, lowering, and the first steps of an instance.
//!
//! An input is the text of a document: JSON if it begins with `{`, else YAML, by the rules of the specification if it begins with `# spec`.

use std::path::Path;

use rondo_definition::{Compat, Diagnostic, Options, Source, parse_with};
use rondo_expression::Val;
use rondo_lowering::lower;
use rondo_program::{Pc, Program};

use crate::{Target, instances, seeds};

/// Documents.
pub const TARGET: Target = Target { name: "documents", play, seeds: begin };

fn play(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let path = if text.trim_start().starts_with('{') { "a.sw.json" } else { "a.sw.yaml" };
    let compat = if text.starts_with("# spec") { Compat::Spec } else { Compat::SonataFlow };
    let (document, diagnostics) = parse_with(path, text, Options { compat, resources: None });
    assert!(diagnostics.is_sorted(), "diagnostics are not sorted: {diagnostics:#?}");
    let is_refused = diagnostics.iter().any(Diagnostic::is_error);
    assert!(document.is_some() || is_refused, "neither a document nor an error");
    let Some(document) = document else {
        return diagnostics.iter().for_each(|diagnostic| shown(diagnostic, &Source::unread(path, text)));
    };
    diagnostics.iter().for_each(|diagnostic| shown(diagnostic, &document.source));
    let _ = document.revision();
    let (lowered, problems) = lower(&document);
    problems.iter().for_each(|diagnostic| shown(diagnostic, &document.source));
    let _ = lowered.program.to_string();
    if is_refused || problems.iter().any(Diagnostic::is_error) {
        return;
    }
    labels_are_positions(&lowered.program);
    let data = Val::object([("n", Val::Int(1)), ("l", Val::array([Val::Int(1), Val::text("x")]))]);
    instances::course(&lowered.program, data);
}

/// A diagnostic is shown at a place that the text has.
fn shown(diagnostic: &Diagnostic, source: &Source) {
    let _ = (diagnostic.to_string(), diagnostic.render(Some(source)));
    let Some(position) = diagnostic.position else { return };
    let line = source.line_text(position.line);
    let Some(line) = line else { panic!("there is no line {position}: {diagnostic}") };
    let columns = line.chars().count() + 1;
    assert!((1..=columns).contains(&position.column), "there is no column {position}: {diagnostic}");
}

/// What is stored of a position leads back to it.
fn labels_are_positions(program: &Program) {
    for pc in 0..program.code.len() {
        let Ok(pc) = Pc::try_from(pc) else { continue };
        let label = program.code.label(pc);
        assert_eq!(program.code.find(label), Some(pc), "`{label}` stands at two places:\n{program}");
    }
}

fn begin(repository: &Path) -> Vec<Vec<u8>> {
    let mut all = seeds::files(repository, &[".sw.yaml", ".sw.yml", ".sw.json"]);
    for folder in ["engine/lowering", "engine/definition", "engine/machine/tests", "engine/runtime/tests"] {
        let documents = seeds::literals(&repository.join(folder));
        all.extend(documents.into_iter().filter(|text| text.contains("states")).map(String::into_bytes));
    }
    all.sort();
    all.dedup();
    all
}
