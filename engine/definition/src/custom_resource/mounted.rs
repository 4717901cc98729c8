//! Files that a workflow has besides those of the folder: the keys of `ConfigMap`s, each at a path.
//!
//! Promises: such a file is called `manifest.yaml#path`, which no file of the folder is called, because a URI ends before its `#`. A definition is
//! stored with them under these names, and finds them again by the path in the name.

use std::{collections::BTreeMap, sync::Arc};

/// A file with its content.
#[derive(Debug, Clone)]
struct MountedFile {
    /// The file that holds it: the one of the `ConfigMap`.
    holder: Arc<str>,
    bytes: Arc<[u8]>,
}

/// The mounted files of a workflow. Their paths are relative to the folder in which the file of the workflow lies.
#[derive(Debug, Clone, Default)]
pub(crate) struct MountedFiles {
    by_path: BTreeMap<String, MountedFile>,
    /// Files by their last part, for those that a definition looks for at another path.
    by_file_name: BTreeMap<String, MountedFile>,
}

impl MountedFiles {
    /// Adds a file of a `ConfigMap` that stands in the file `holder`.
    pub(crate) fn mount(&mut self, path: &str, holder: &str, bytes: Arc<[u8]>) {
        self.by_path.insert(path.to_owned(), MountedFile { holder: holder.into(), bytes });
    }

    /// Adds a file that is found by its last part, unless there is one.
    pub(crate) fn offer(&mut self, file_name: &str, holder: &str, bytes: Arc<[u8]>) {
        let file = || MountedFile { holder: holder.into(), bytes };
        self.by_file_name.entry(file_name.to_owned()).or_insert_with(file);
    }

    /// The files of a stored definition that were mounted.
    pub(crate) fn of_bundle<'b>(files: impl Iterator<Item = (&'b String, &'b Vec<u8>)>) -> Self {
        let mut mounted = Self::default();
        for (name, bytes) in files {
            if let Some((holder, path)) = split_name(name) {
                mounted.mount(path, holder, Arc::from(bytes.as_slice()));
            }
        }
        mounted
    }

    /// The name and the content of the file at a path.
    pub(crate) fn at(&self, path: &str) -> Option<(String, Vec<u8>)> {
        self.by_path.get(path).map(|file| file.named(path))
    }

    /// The name and the content of the file with the same last part as a path. It is called as if it were at this path.
    pub(crate) fn elsewhere(&self, path: &str) -> Option<(String, Vec<u8>)> {
        let file_name = path.rsplit('/').next()?;
        self.by_file_name.get(file_name).map(|file| file.named(path))
    }

    /// The content of the file of a name.
    pub(crate) fn by_name(&self, name: &str) -> Option<Vec<u8>> {
        let (_, path) = split_name(name)?;
        self.at(path).or_else(|| self.elsewhere(path)).map(|(_, bytes)| bytes)
    }

    /// All mounted files, by path.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.by_path.iter().map(|(path, file)| (path.as_str(), &*file.bytes))
    }
}

impl MountedFile {
    fn named(&self, path: &str) -> (String, Vec<u8>) {
        (format!("{}#{path}", self.holder), self.bytes.to_vec())
    }
}

/// The holder and the path in the name of a mounted file; `None` for other files and for URLs.
pub(crate) fn split_name(name: &str) -> Option<(&str, &str)> {
    if name.starts_with("http://") || name.starts_with("https://") {
        return None;
    }
    name.split_once('#')
}
