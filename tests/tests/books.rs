//! Pages of `docs/` that follow from the code or from other pages are fresh.
//!
//! `UPDATE_BOOKS=1 cargo test -p rondo-tests --test books` writes them anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fmt::Write, fs, path::Path};

use rondo_definition::settings::{self, Kind, Setting};
use rondo_tests::root;

/// Compares a page with what it must be, or writes it.
fn check(page: &str, expected: &str) {
    let path = root().join("docs").join(page);
    if std::env::var_os("UPDATE_BOOKS").is_some() {
        fs::write(&path, expected).unwrap();
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let line = found.lines().zip(expected.lines()).position(|(found, expected)| found != expected);
    let line = line.unwrap_or_else(|| found.lines().count().min(expected.lines().count()));
    assert!(
        found == expected,
        "docs/{page} is not fresh from line {} on: run `UPDATE_BOOKS=1 cargo test -p rondo-tests --test books`",
        line + 1
    );
}

/// The folder of flows is served and copied alone, so it has the document of the desk too.
#[test]
fn the_flows_have_the_document_of_the_desk() {
    let own = fs::read_to_string(root().join("specs/desk.yaml")).unwrap();
    check("../workflows/specs/desk.yaml", &own);
}

/// The example of a provider in `docs/platform.md` is the one that a case plays.
#[test]
fn the_provider_of_the_page_is_the_one_that_is_played() {
    let page = fs::read_to_string(root().join("docs/platform.md")).unwrap();
    let folder = root().join("tests/cases/platform-a-provider-of-ones-own/provision-acme");
    let mut files = 0;
    for block in page.split("\n```").skip(1).step_by(2) {
        let (head, text) = block.split_once('\n').unwrap();
        let Some((_, file)) = head.split_once(' ') else { continue };
        assert_eq!(text.trim_end(), fs::read_to_string(folder.join(file)).unwrap().trim_end(), "{file}");
        files += 1;
    }
    assert_eq!(files, 5);
}

const PROPERTIES: &str = "\
# Properties

**A property stands in `application.properties`** of the folder (at its top, or in `src/main/resources`), **or is an environment variable**: the name in capitals, with `_` for
every other character than letters and digits. `RONDO_AUTH_TOKEN` is `rondo.auth.token`. The environment counts more than the file.

* `${NAME}` in a value stands for another property or an environment variable, `${NAME:default}` has a default, `$${` stands for the characters themselves.
* `%dev.NAME` is a property of the profile `dev`; `QUARKUS_PROFILE` chooses the profile, `prod` if there is none.
* `<…>` in a name stands for a name of yours. `<key>` is the file name of an OpenAPI document, with `_` for every other character than letters and digits: `gitlab_yaml` for
  `specs/gitlab.yaml`. `<scheme>` is the name of a security scheme in that document.
* `rondo check` reports wrong values with file, line and column. The engine does not start with a wrong value of a property of its own, or with one that begins with `rondo.` and is not in this list.
* Any other property, and any environment variable, can be read in expressions as `$SECRET[\"name\"]`.

";

fn row(setting: &Setting) -> String {
    let value = match setting.kind {
        Kind::Text => "text".to_owned(),
        Kind::Secret => "text; never shown".to_owned(),
        Kind::Tokens => "texts, separated by commas; never shown".to_owned(),
        Kind::Flag => "true or false".to_owned(),
        Kind::Count { least, most } if most >= u64::from(u32::MAX) => {
            format!("a whole number from {least}")
        }
        Kind::Count { least, most } => format!("a whole number from {least} to {most}"),
        Kind::Millis => "milliseconds".to_owned(),
        Kind::Url => "an http or https address".to_owned(),
        Kind::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Kind::Folder => "a folder".to_owned(),
        Kind::Files => "files, separated by commas".to_owned(),
        Kind::Aliases => "`PREFIX=TARGET`, separated by commas".to_owned(),
        Kind::Hosts => "host names, separated by commas".to_owned(),
    };
    format!("| `{}` | {value} | {} | {} |\n", setting.name, setting.default, setting.meaning)
}

fn table(title: &str, settings: &[&&Setting]) -> String {
    let mut text = format!("## {title}\n\n| name | value | default | meaning |\n| --- | --- | --- | --- |\n");
    text.extend(settings.iter().map(|setting| row(setting)));
    text
}

#[test]
fn the_page_of_properties_is_fresh() {
    let (own, others): (Vec<_>, Vec<_>) = settings::ALL.iter().partition(|setting| setting.is_own());
    let own = table("Rondo's own", &own);
    let others = table("SonataFlow's and Quarkus's", &others);
    check("properties.md", &format!("{PROPERTIES}{own}\n{others}"));
}

const DIAGNOSTICS: &str = "\
# Diagnostics

**Each fault that `rondo check` reports has a code; `rondo explain CODE` prints its page.** A page says what the code means, shows an example that causes it, and the example mended.

| code | |
| --- | --- |
";

/// Code and title of every page: its first line is `# CODE: title`.
fn titles(folder: &Path) -> Vec<(String, String)> {
    let pages = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut titles: Vec<_> = pages
        .filter(|path| path.file_name().is_some_and(|name| name != "README.md"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let title = text.lines().next().and_then(|line| line.strip_prefix("# ")?.split_once(": "));
            let (code, title) = title.unwrap_or_else(|| panic!("{} has no title", path.display()));
            (code.to_owned(), title.to_owned())
        })
        .collect();
    titles.sort();
    titles
}

#[test]
fn the_list_of_diagnostics_is_fresh() {
    let mut text = DIAGNOSTICS.to_owned();
    for (code, title) in titles(&root().join("docs/diagnostics")) {
        let _ = writeln!(text, "| [{code}]({code}.md) | {title} |");
    }
    check("diagnostics/README.md", &text);
}

/// The links of a page to files: what stands in `](…)`, without the part behind `#`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| {
        let target = rest.split(')').next()?.split('#').next()?;
        (!target.is_empty() && !target.contains("://")).then_some(target)
    })
}

#[test]
fn links_of_the_books_lead_somewhere() {
    let docs = root().join("docs");
    let mut pages =
        vec![root().join("README.md"), root().join("ARCHITECTURE.md"), root().join("CHANGELOG.md")];
    for folder in [docs.clone(), docs.join("diagnostics")] {
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(files.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    }
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for target in links(&text) {
            let path = page.parent().unwrap().join(target);
            assert!(path.exists(), "{} links to {target}, which is not there", page.display());
        }
    }
}
