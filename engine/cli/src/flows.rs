//! The flows in the binary.
//!
//! Owns: the files that `demo` runs and `init` writes. Promises: they are the files of the repository's `workflows/`, unchanged.

use std::{fs, io, path::Path};

/// A file: its path below the folder of workflows, and its text.
pub(crate) type File = (&'static str, &'static str);

macro_rules! files {
    ($folder:literal: $($path:literal,)*) => {
        &[$(($path, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $folder, "/", $path)))),*]
    };
}

/// The folder `workflows/`: the flows that the demo serves together.
pub(crate) const SHIPPED: &[File] = files! { "../../workflows":
    "application.properties",
    "create-ocp-namespace/README.md",
    "create-ocp-namespace/application.properties",
    "create-ocp-namespace/create-ocp-namespace.sw.yaml",
    "create-ocp-namespace/schemas/create-ocp-namespace-input.json",
    "create-ocp-namespace/schemas/create-ocp-namespace-output.json",
    "create-ocp-namespace/specs/backstage-notifications.yaml",
    "create-ocp-namespace/specs/backstage-scaffolder.yaml",
    "create-ocp-namespace/specs/gitlab.yaml",
    "request-vm/README.md",
    "request-vm/application.properties",
    "request-vm/request-vm.sw.yaml",
    "request-vm/schemas/request-vm-input.json",
    "request-vm/schemas/request-vm-output.json",
    "request-vm/specs/backstage-notifications.yaml",
    "request-vm/specs/gitlab.yaml",
    "request-vm/specs/kubevirt.yaml",
};

/// A flow of a few lines that needs no service.
const STARTER: &[File] = files! { "flows":
    "greeting/greeting.sw.yaml",
};

/// Names of the flows that can be written out alone; the first is the default.
pub(crate) const NAMES: [&str; 3] = ["greeting", "create-ocp-namespace", "request-vm"];

/// The files of one flow, by their paths below its own folder.
pub(crate) fn of(name: &str) -> Vec<File> {
    let below = |path: &'static str| path.strip_prefix(name)?.strip_prefix('/');
    STARTER.iter().chain(SHIPPED).filter_map(|(path, text)| Some((below(path)?, *text))).collect()
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
    use std::{collections::BTreeSet, path::PathBuf};

    use super::*;

    /// Paths of all files below a folder, with `/` between the parts.
    fn found(folder: &Path, below: &str, files: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder.join(below)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let path = if below.is_empty() { name } else { format!("{below}/{name}") };
            if folder.join(&path).is_dir() {
                found(folder, &path, files);
            } else {
                files.insert(path);
            }
        }
    }

    #[test]
    fn all_flows_of_the_repository_are_in_the_binary() {
        let mut expected = BTreeSet::new();
        found(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../workflows"), "", &mut expected);
        let shipped: BTreeSet<_> = SHIPPED.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(shipped, expected);
    }

    #[test]
    fn every_flow_can_be_written_out_alone() {
        let folders = STARTER.iter().chain(SHIPPED).filter_map(|(path, _)| path.split_once('/'));
        let folders: BTreeSet<_> = folders.map(|(folder, _)| folder).collect();
        assert_eq!(folders, BTreeSet::from(NAMES));
        for name in NAMES {
            assert!(of(name).iter().any(|(path, _)| *path == format!("{name}.sw.yaml")), "{name}");
        }
    }
}
