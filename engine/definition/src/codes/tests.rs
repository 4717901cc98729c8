use std::{collections::BTreeSet, fs, path::Path};

use super::{ALL, Code};

#[test]
fn every_number_is_given_once() {
    let numbers: Vec<_> = ALL.iter().map(|code| code.number).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let titles: BTreeSet<_> = ALL.iter().map(|code| code.title).collect();
    assert_eq!(titles.len(), ALL.len(), "two codes have the same title");
}

#[test]
fn every_page_has_a_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/diagnostics");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // The folder may contain an index of the pages.
    let pages: BTreeSet<_> = files.filter(|name| name != "README.md").collect();
    let codes: BTreeSet<_> = ALL.iter().map(|code| format!("{}.md", code.number)).collect();
    assert_eq!(pages, codes);
}

#[test]
fn every_page_has_title_level_and_sections() {
    for code in ALL {
        let page = code.page;
        let head = format!("# {}: {}\n\nLevel: {}\n\n## Meaning\n\n", code.number, code.title, code.level);
        assert!(page.starts_with(&head), "{code}: the page begins otherwise than\n{head}");
        let sections: Vec<_> = page.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(sections, ["## Meaning", "## Example", "## Mended"], "{code}");
        let texts: Vec<_> =
            page.split("\n## ").skip(1).filter_map(|section| section.split_once('\n')).collect();
        assert!(texts.iter().all(|(_, text)| !text.trim().is_empty()), "{code} has an empty section");
    }
}

#[test]
fn a_code_is_found_as_people_write_it() {
    let found = |text| Code::find(text).map(|code| code.number).map_err(|near| near.map(|code| code.number));
    for (text, expected) in [
        ("RON0110", Ok("RON0110")),
        (" ron0110 ", Ok("RON0110")),
        ("0110", Ok("RON0110")),
        ("110", Ok("RON0110")),
        ("RON1", Ok("RON0001")),
        ("RON0109", Err(Some("RON0009"))),
        ("RONO110", Err(Some("RON0110"))),
        ("something", Err(None)),
        ("", Err(Some("RON0001"))),
    ] {
        assert_eq!(found(text), expected, "{text}");
    }
}
