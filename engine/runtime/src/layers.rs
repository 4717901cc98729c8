//! Tests that each module uses only modules of its own layer and of those below, as the documentation of the crate says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The layer of each module, read from the comments `// Layer N.` in `lib.rs`.
fn layers() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(source().join("lib.rs")).unwrap();
    let mut layers = BTreeMap::new();
    let mut layer = None;
    for line in text.lines() {
        if let Some(number) = line.strip_prefix("// Layer ") {
            layer = Some(number.trim_end_matches('.').parse().unwrap());
        } else if line.starts_with("#[cfg(test)]") {
            break;
        } else if let Some(module) =
            line.strip_prefix("mod ").or_else(|| line.strip_prefix("pub mod ").filter(|_| layer.is_some()))
        {
            layers.insert(module.trim_end_matches(';').to_owned(), layer.unwrap());
        }
    }
    layers
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}

/// The modules that a text names after `crate::`, in a path or in the braces of a `use`.
fn named(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for place in text.split("crate::").skip(1) {
        let Some(group) = place.strip_prefix('{') else {
            names.insert(word(place));
            continue;
        };
        let (mut depth, mut begins) = (0, true);
        for (at, character) in group.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                _ if depth == 0 && begins && character.is_alphabetic() => {
                    names.insert(word(&group[at..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

/// The modules that each module uses outside of its tests.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files(&source()) {
        let path = file.strip_prefix(source()).unwrap();
        let module = path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if matches!(module.as_str(), "lib" | "layers") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        let mut used = named(text);
        used.remove(&module);
        uses.entry(module).or_default().append(&mut used);
    }
    uses
}

#[test]
fn modules_use_their_own_layer_and_those_below() {
    let layers = layers();
    for (module, used) in uses() {
        for other in used {
            let below = layers.get(&other);
            assert!(
                below.is_some(),
                "`{module}` uses `crate::{other}`, which names no module: name the module"
            );
            assert!(below <= layers.get(&module), "`{module}` uses `{other}`, which stands above it");
        }
    }
}

#[test]
fn there_is_no_circle_of_modules() {
    let mut left = uses();
    while let Some(free) = left
        .iter()
        .find(|(_, used)| used.iter().all(|other| !left.contains_key(other)))
        .map(|(module, _)| module.clone())
    {
        left.remove(&free);
    }
    assert!(left.is_empty(), "these use each other in a circle: {left:#?}");
}

#[test]
fn names_are_found_in_paths_and_braces() {
    let text = "use crate::{a::{b, c}, d,\n e::f}; fn g() { crate::h::i() }";
    assert_eq!(named(text).into_iter().collect::<Vec<_>>(), ["a", "d", "e", "h"]);
}
