//! Runs the examples of the pages through the check of a folder.
//!
//! A fenced block whose first line is ```` ```yaml causes ```` is the file `flow.sw.yaml` of a folder that has exactly this problem; one
//! with `mended` instead is that file without the problem. `properties` stands for `application.properties`, `json` for
//! `flow.sw.json`, `sh` for lines `NAME=value` of environment variables. A third word is the name of another file, and with `with` in
//! the place of `causes` the file is in both folders. A page without any flow gets one that has no problem, but for the page about
//! folders without flows.

use std::{collections::BTreeSet, fs, path::Path};

use rondo_definition::{Code, Diagnostic, codes};

/// Problems that no text in a page can cause: a folder that does not exist, a file in another encoding.
const NO_TEXT_FILE: [Code; 2] = [codes::UNREADABLE, codes::NOT_UTF8];

/// A flow without problems, for examples that are about something else than flows.
const FLOW: &str = "id: a\nspecVersion: '0.8'\nstates:\n- {name: A, type: inject, data: {}, end: true}\n";

/// A fenced block: the words behind the fence, and the lines.
fn blocks(page: &str) -> Vec<(Vec<&str>, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(words) = line.strip_prefix("```") else { continue };
        let text = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        blocks.push((words.split_whitespace().collect(), text));
    }
    blocks
}

/// The problems of a page's example, `causes` or `mended`; `None` if the page has no such example.
fn check(page: &str, which: &str) -> Option<Vec<Diagnostic>> {
    let folder = tempfile::tempdir().unwrap();
    if !page.contains("states:") && !page.contains("\"states\"") {
        fs::write(folder.path().join("flow.sw.yaml"), FLOW).unwrap();
    }
    let mut environment = Vec::new();
    let blocks = blocks(page);
    let is_part = |words: &[&str]| words.get(1).is_some_and(|word| *word == which || *word == "with");
    if !blocks.iter().any(|(words, _)| words.get(1) == Some(&which)) {
        return None;
    }
    for (words, text) in blocks.iter().filter(|(words, _)| is_part(words)) {
        let name = match (words.get(2), words[0]) {
            (Some(name), _) => *name,
            (None, "yaml") => "flow.sw.yaml",
            (None, "json") => "flow.sw.json",
            (None, "properties") => "application.properties",
            (None, "sh") => {
                let variables = text.lines().filter_map(|line| line.split_once('='));
                environment.extend(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
                continue;
            }
            (None, other) => panic!("a block of `{other}` has no name"),
        };
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).unwrap();
        fs::write(path, text).unwrap();
    }
    Some(rondo_runtime::load_folder(folder.path(), environment.into_iter().collect()).diagnostics)
}

#[test]
fn examples_of_pages_cause_what_they_are_about_and_are_mended() {
    let mut failed = Vec::new();
    for code in codes::ALL {
        let shown =
            |found: &[Diagnostic]| found.iter().map(|found| format!("\n    {found}")).collect::<String>();
        let (causes, mended) = (check(code.page, "causes"), check(code.page, "mended"));
        if !NO_TEXT_FILE.contains(code) && (causes.is_none() || mended.is_none()) {
            failed.push(format!("{code}: an example needs two blocks, `causes` and `mended`"));
        }
        if let Some(found) = causes {
            let caused: BTreeSet<_> = found.iter().map(|found| found.code).collect();
            if caused != BTreeSet::from([*code]) {
                failed.push(format!("{code}: the example causes{}", shown(&found)));
            }
        }
        if let Some(found) = mended
            && found.iter().any(|found| found.code == *code || found.is_error())
        {
            failed.push(format!("{code}: the mended example causes{}", shown(&found)));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn an_example_that_is_wrong_would_be_found() {
    let page = "```yaml causes\nid: x\n```\n```yaml mended\nid: y\nspecVersion: '0.8'\nstates:\n- {name: A, type: inject, data: {}, end: true}\n```\n";
    assert!(
        check(page, "causes").is_some_and(|found| found.iter().any(|found| found.code == codes::MISSING))
    );
    assert!(check(page, "mended").is_some_and(|found| found.is_empty()));
    assert!(check("```yaml\nid: x\n```\n", "causes").is_none());
}
