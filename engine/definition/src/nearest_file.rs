//! Finds the file that a missing one probably is.
//!
//! Promises: only folders in which the missing file was looked for, and folders beside those with a similar name, are read; a folder with
//! very many files costs no more than one with [`MOST_FILES`]. Never: reads the content of a file.

use std::{fs, path::Path};

use percent_encoding::percent_decode_str;

use crate::did_you_mean;

/// Files of a folder that are compared. Folders of specifications have a few dozen.
const MOST_FILES: usize = 1000;

/// The path of an existing file below `root` that has the name of a missing one but for case, `%20` and the like, or a similar name.
/// `looked_for` are the paths below `root` at which the missing file was looked for.
pub(crate) fn nearest_file(root: &Path, looked_for: &[String]) -> Option<String> {
    let split = |path: &String| {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        (folder.to_owned(), percent_decode_str(name).decode_utf8_lossy().into_owned())
    };
    let places: Vec<_> = looked_for.iter().map(split).collect();
    let join = |folder: &str, name: &str| {
        if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
    };
    let best_of = |folder: &str, name: &str| {
        let names = entries(root, folder, false);
        let same = names.iter().find(|other| other.to_lowercase() == name.to_lowercase());
        // Another kind of file is only meant by the same name. Names are compared without extensions, which would make all of them similar.
        let (wanted, kind) = parts(name);
        let other_kind = || names.iter().find(|other| parts(other).0.to_lowercase() == wanted.to_lowercase());
        let similar = || {
            let alike = || names.iter().filter(|other| parts(other).1 == kind);
            let near = did_you_mean(wanted, alike().map(|other| parts(other).0))?;
            alike().find(|other| parts(other).0 == near)
        };
        same.or_else(other_kind).or_else(similar).map(|found| join(folder, found))
    };
    places.iter().find_map(|(folder, name)| best_of(folder, name)).or_else(|| {
        // `spec/a.yaml` for `specs/a.yaml`: the folder is misspelt.
        places.iter().find_map(|(folder, name)| {
            let (above, last) = folder.rsplit_once('/').unwrap_or(("", folder));
            let folders = entries(root, above, true);
            let last = percent_decode_str(last).decode_utf8_lossy();
            let similar = did_you_mean(&last, folders.iter().map(String::as_str))?;
            best_of(&join(above, similar), name)
        })
    })
}

/// A name without its extension, and what kind of file the extension says. JSON and YAML are one kind.
fn parts(name: &str) -> (&str, &str) {
    match name.rsplit_once('.').unwrap_or((name, "")) {
        (stem, "json" | "yaml" | "yml") => (stem, "json"),
        parts => parts,
    }
}

/// The names of the files, or of the folders, in a folder below `root`, sorted.
fn entries(root: &Path, folder: &str, wants_folders: bool) -> Vec<String> {
    let Ok(found) = fs::read_dir(root.join(folder)) else { return Vec::new() };
    let found = found.take(MOST_FILES).filter_map(|entry| {
        let entry = entry.ok()?;
        let is_folder = entry.file_type().ok()?.is_dir();
        (is_folder == wants_folders).then(|| entry.file_name().into_string().ok())?
    });
    let mut names: Vec<_> = found.collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_a_name_that_is_nearly_the_same() {
        let root = tempfile::tempdir().unwrap();
        for file in ["specs/Pet Store.yaml", "specs/orders.yml", "schemas/in.json", "other.json"] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        for (looked_for, expected) in [
            ("specs/pet%20store.yaml", Some("specs/Pet Store.yaml")),
            ("specs/orders.yaml", Some("specs/orders.yml")),
            ("Specs/orders.yml", Some("specs/orders.yml")),
            ("schema/in.json", Some("schemas/in.json")),
            ("others.json", Some("other.json")),
            ("specs/order.json", Some("specs/orders.yml")),
            ("specs/billing.json", None),
            ("specs/a.yml", None),
            ("nowhere/at/all.json", None),
        ] {
            let looked_for = [looked_for.to_owned()];
            assert_eq!(nearest_file(root.path(), &looked_for).as_deref(), expected, "{looked_for:?}");
        }
    }
}
