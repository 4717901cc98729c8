//! `rondo explain`: pages of diagnostic codes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use rondo_tests::{folder, run};
use serde_json::Value;

#[test]
fn a_code_is_explained_by_its_page() {
    let page = std::fs::read_to_string(rondo_tests::root().join("docs/diagnostics/RON0110.md")).unwrap();
    for code in ["RON0110", "ron0110", "110"] {
        let (exit, out, err) = run(&["explain", code]);
        assert_eq!((exit, out.as_str(), err.as_str()), (0, page.as_str(), ""), "{code}");
    }
}

#[test]
fn all_codes_are_listed_with_their_titles() {
    let (exit, out, _) = run(&["explain"]);
    assert_eq!(exit, 0);
    let pages = std::fs::read_dir(rondo_tests::root().join("docs/diagnostics")).unwrap();
    let pages = pages.filter(|page| page.as_ref().unwrap().file_name() != "README.md").count();
    assert_eq!(out.lines().count(), pages + 1, "{out}");
    assert!(out.lines().any(|line| line == "RON0110  a function is not defined"), "{out}");
}

#[test]
fn a_code_that_does_not_exist_is_told_with_one_that_does() {
    for (code, said) in [
        (
            "RON0109",
            "error: there is no code `RON0109`\n  did you mean `RON0009`? `rondo explain` lists all codes\n",
        ),
        ("nothing", "error: there is no code `nothing`\n  `rondo explain` lists all codes\n"),
    ] {
        let (exit, out, err) = run(&["explain", code]);
        assert_eq!((exit, out.as_str(), err.as_str()), (1, "", said));
    }
}

#[test]
fn programs_get_codes_as_json() {
    let json = |arguments: &[&str]| -> Value { serde_json::from_str(&run(arguments).1).unwrap() };
    let one = json(&["explain", "RON0110", "--json"]);
    assert_eq!((&one["code"], &one["level"]), (&"RON0110".into(), &"error".into()));
    assert!(one["page"].as_str().unwrap().starts_with("# RON0110: a function is not defined\n"));
    let all = json(&["explain", "--json"]);
    assert!(
        all.as_array().unwrap().iter().any(|code| code["code"] == "RON0509" && code["level"] == "warning")
    );
}

/// What `check` prints in brackets is what `explain` takes.
#[test]
fn codes_of_a_check_are_explained() {
    let folder = folder(&[("a.sw.yaml", "id: a\nspecVersion: '0.8'\nstates: []\n")]);
    let (_, _, err) = run(&["check", folder.path().to_str().unwrap()]);
    let code = err.split(['[', ']']).nth(1).unwrap();
    let (exit, out, _) = run(&["explain", code]);
    assert!(exit == 0 && out.starts_with(&format!("# {code}: ")), "{err}{out}");
}
