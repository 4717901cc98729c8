//! The flows in the binary.
//!
//! Owns: the files that `demo` runs and `init` writes. Promises: they are the files of the repository's `workflows/`, unchanged; a flow that is
//! written out alone has with it the shared documents and schemas that it names.

use std::{fs, io, path::Path};

/// A file: its path below the folder of workflows, and its text.
pub(crate) type File = (&'static str, &'static str);

/// The folder `workflows/`: the flows that the demo serves together. The build lists them.
pub(crate) const SHIPPED: &[File] = &include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// A flow of a few lines that needs no service.
const STARTER: &[File] = &[("greeting/greeting.sw.yaml", include_str!("../flows/greeting/greeting.sw.yaml"))];

/// The flow that is written out unless another one is named.
pub(crate) const DEFAULT: &str = "greeting";

/// Folders of `workflows/` that hold what several flows share.
const SHARED: [&str; 2] = ["specs", "schemas"];

/// Names of the flows that can be written out alone, in alphabetical order.
pub(crate) fn names() -> Vec<&'static str> {
    let folders = STARTER.iter().chain(SHIPPED).filter_map(|(path, _)| path.split_once('/'));
    let mut names: Vec<_> =
        folders.map(|(folder, _)| folder).filter(|folder| !SHARED.contains(folder)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The files of one flow, by their paths below its own folder, and the shared files that these name.
pub(crate) fn of(name: &str) -> Vec<File> {
    let below = |path: &'static str| path.strip_prefix(name)?.strip_prefix('/');
    let own = STARTER.iter().chain(SHIPPED).filter_map(|(path, text)| Some((below(path)?, *text)));
    let mut files: Vec<File> = own.collect();
    let shared = SHIPPED
        .iter()
        .filter(|(path, _)| SHARED.iter().any(|folder| path.starts_with(&format!("{folder}/"))));
    let mut shared: Vec<&File> = shared.collect();
    // A document names others in turn.
    loop {
        let is_named = |path: &str| files.iter().any(|(own, text)| *own != path && text.contains(path));
        let (named, others): (Vec<&File>, Vec<&File>) =
            shared.into_iter().partition(|(path, _)| is_named(path));
        if named.is_empty() {
            return files;
        }
        // A file of the flow's own goes before a shared one of the same path.
        let new = named.into_iter().filter(|(path, _)| !files.iter().any(|(own, _)| own == path)).copied();
        let new: Vec<File> = new.collect();
        files.extend(new);
        shared = others;
    }
}

/// Writes files below a folder that exists. The error names the file.
pub(crate) fn write(files: &[File], folder: &Path) -> Result<(), String> {
    for (path, text) in files {
        let path = folder.join(path);
        let written = |path: &Path| -> io::Result<()> {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, text)
        };
        written(&path).map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_the_repository_are_in_the_binary() {
        let paths: Vec<&str> = SHIPPED.iter().map(|(path, _)| *path).collect();
        assert!(paths.is_sorted() && paths.contains(&"application.properties"), "{paths:?}");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workflows");
        for (path, text) in SHIPPED {
            assert_eq!(fs::read_to_string(folder.join(path)).unwrap(), *text, "{path}");
        }
    }

    #[test]
    fn every_flow_can_be_written_out_alone() {
        let names = names();
        assert!(
            [DEFAULT, "create-ocp-namespace", "request-vm"].iter().all(|name| names.contains(name)),
            "{names:?}"
        );
        for name in names {
            let files = of(name);
            let has = |path: &str| files.iter().any(|(own, _)| *own == path);
            assert!(has(&format!("{name}.sw.yaml")), "{name}");
            for (path, text) in &files {
                let words = text.split(|c: char| c.is_whitespace() || "'\"#,{}[]()`".contains(c));
                let documents = words.filter(|word| {
                    Path::new(word).starts_with("specs")
                        && Path::new(word).extension().is_some_and(|ending| ending == "yaml")
                });
                for document in documents.filter(|_| path.ends_with(".sw.yaml")) {
                    assert!(has(document), "{name}: {path} names {document}");
                }
            }
        }
    }
}
