//! Renders a diagnostic for people: one line that editors can parse, the line of the file with the place marked, and the help.
//!
//! Promises: control characters of a file do not reach the terminal; user names and passwords of URLs are stars; of a long line only the part
//! around the mark is rendered.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::{Diagnostic, Position, Source, userinfo::with_starred_userinfo, visible};

/// The number of characters before and after the mark that are rendered. It limits the work for a file that is one long line. It is wider than a
/// terminal, so the renderer cuts the line itself and marks the cut with `...`.
const CONTEXT_CHARACTERS: usize = 400;

impl Diagnostic {
    /// The text of [`Display`](std::fmt::Display); with a source also the line of the file with the place marked; and the help.
    pub fn render(&self, source: Option<&Source>) -> String {
        let mut out = self.to_string();
        if let (Some(position), Some(source)) = (self.position, source) {
            let width = self.pointer.as_ref().and_then(|at| source.width(at, position));
            if let Some(snippet) = snippet(source, position, width.unwrap_or(1)) {
                out.push('\n');
                out.push_str(snippet.trim_end());
            }
        }
        if let Some(help) = &self.help {
            out.push_str("\n  help: ");
            out.push_str(&visible(help));
        }
        out
    }
}

/// The line at a position, with `width` characters marked.
fn snippet(source: &Source, position: Position, width: usize) -> Option<String> {
    let line = source.line_text(position.line)?;
    let (text, mark) = rendered_part(&with_starred_userinfo(line), position.column.saturating_sub(1), width);
    let marked = AnnotationKind::Primary.span(mark);
    let snippet = Snippet::source(text).line_start(position.line).annotation(marked);
    let report = [Group::with_level(Level::ERROR).element(snippet)];
    Some(Renderer::plain().render(&report))
}

/// The part of a line to render, with control characters escaped, and the bytes to mark in it.
fn rendered_part(line: &str, begin: usize, width: usize) -> (String, Range<usize>) {
    let first = begin.saturating_sub(CONTEXT_CHARACTERS);
    let mut text = String::new();
    let mut mark = None;
    let mut end = None;
    for (index, c) in line.chars().enumerate().skip(first).take(2 * CONTEXT_CHARACTERS) {
        if index == begin {
            mark = Some(text.len());
        }
        if index == begin + width {
            end = Some(text.len());
        }
        let c = if c == '\t' { ' ' } else { c };
        text.push_str(&visible(c.encode_utf8(&mut [0; 4])));
    }
    let mark = mark.unwrap_or(text.len());
    let end = end.unwrap_or(text.len()).max(mark);
    (text, mark..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Severity, codes, parse};

    fn rendered(text: &str) -> String {
        let (document, found) = parse("a.sw.yaml", text);
        let source =
            document.map_or_else(|| Source::unread("a.sw.yaml", text).into(), |document| document.source);
        found.iter().map(|found| found.render(Some(&source))).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_whole_value_or_name_is_marked() {
        let text = "id: a\nspecVersion: '0.8'\nstates:\n- name: Größe\n  type: inject\n  data: {}\n  \"stateFilter\": {}\n  \
                    transition: 'Bigger'\n- {name: B, type: inject, data: {}}\n- name: C\n  type: sleep\n  duration: PT1H\n";
        insta::assert_snapshot!(rendered(text), @r#"
        a.sw.yaml:7:3: error[RON0104]: state `Größe`: there is no property `stateFilter` here
          |
        7 |   "stateFilter": {}
          |   ^^^^^^^^^^^^^
          help: `stateDataFilter` has a similar name
        a.sw.yaml:8:15: error[RON0103]: There is no state for transition Bigger originated in Größe; it connects to nothing
          |
        8 |   transition: 'Bigger'
          |               ^^^^^^^^
        a.sw.yaml:9:3: error[RON0122]: state `B`: one of `transition` and `end` is required, otherwise it connects to nothing
          |
        9 | - {name: B, type: inject, data: {}}
          |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          help: `end: true` ends the workflow there
        a.sw.yaml:10:3: error[RON0122]: state `C`: one of `transition` and `end` is required, otherwise it connects to nothing
           |
        10 | - name: C
           |   ^^^^^^^
          help: `end: true` ends the workflow there
        "#);
    }

    #[test]
    fn of_a_long_line_the_part_around_the_mark_is_rendered() {
        let text = format!(
            "{{\"id\": \"a\", \"specVersion\": \"0.8\", \"annotations\": [\"{}\"], \"states\": [{{\"name\": \"A\", \
             \"type\": \"inject\", \"data\": {{}}, \"transition\": \"B\"}}], \"x\": \"{}\"}}",
            "x".repeat(3000),
            "y".repeat(3000)
        );
        insta::assert_snapshot!(rendered(&text), @r#"
        a.sw.yaml:1:3125: error[RON0103]: There is no state for transition B originated in A; it connects to nothing
          |
        1 | ...s": [{"name": "A", "type": "inject", "data": {}, "transition": "B"}], "x": "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy...
          |                                                                   ^^^
        "#);
    }

    #[test]
    fn control_characters_of_files_and_messages_are_escaped() {
        let source = Source::unread("a\nb.sw.yaml", "id: \u{1b}[31mx\ty z\r\n");
        let diagnostic = Diagnostic::file(
            Severity::Error,
            codes::SYNTAX,
            "a\nb.sw.yaml",
            "no \u{1b}]0;t\u{7}\nerror: forged",
        );
        let diagnostic = diagnostic.at_position(Position { line: 1, column: 13 }).help("write\r`x`");
        insta::assert_snapshot!(diagnostic.render(Some(&source)), @r"
        a\nb.sw.yaml:1:13: error[RON0002]: no \u{1b}]0;t\u{7}\nerror: forged
          |
        1 | id: \u{1b}[31mx y z
          |                  ^
          help: write\r`x`
        ");
    }

    #[test]
    fn a_place_after_the_end_of_a_line_is_marked_at_its_end() {
        assert_eq!(rendered_part("ab", 2, 1), ("ab".to_owned(), 2..2));
        assert_eq!(rendered_part("ab", 9, 4), ("ab".to_owned(), 2..2));
        assert_eq!(rendered_part("a\u{1b}b", 1, 1), ("a\\u{1b}b".to_owned(), 1..7));
        assert_eq!(rendered_part("äöü", 1, 2), ("äöü".to_owned(), 2..6));
    }
}
