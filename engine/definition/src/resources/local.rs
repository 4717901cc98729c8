//! Finds a file of the served folder by its URI in a document.
//!
//! Owns: the order of the places, and which problem is told. Promises: a file that is nowhere is not there, also when one of the places would be
//! outside of the folder; outside is only what is there, or what the URI itself leads to.

use std::path::Path;

use super::{Resource, ResourceError, Resources, below, folder_of, normalize, places};
use crate::{Source, custom_resource::split_name, nearest_file::nearest_file};

impl Resources {
    /// Reads the file with a URI in the file `base`, which was read for the document `owner`. Looks for it beside `base`, beside the document,
    /// then at the places of the project and of the root. A file that is mounted goes before one on the disk.
    pub(super) fn read_local(
        &self,
        owner: &Source,
        base: &str,
        uri: &str,
    ) -> Result<Resource, ResourceError> {
        let home = folder_of(owner.path());
        let candidates = self.candidates(home, owner, base, uri)?;
        match self.at_its_path(home, &candidates) {
            Err(error @ ResourceError::NotFound(..)) => {
                self.mounted_elsewhere(home, &candidates).ok_or(error)
            }
            read => read,
        }
    }

    /// The file with the `ConfigMap` from which the file with a URI in the document is read, if that has the file at another path.
    pub(crate) fn holder_elsewhere(&self, owner: &Source, uri: &str) -> Option<String> {
        let home = folder_of(owner.path());
        let candidates = self.candidates(home, owner, owner.path(), &self.resolve_alias(uri)).ok()?;
        if self.at_its_path(home, &candidates).is_ok() {
            return None;
        }
        let elsewhere = self.mounted_elsewhere(home, &candidates)?;
        split_name(&elsewhere.name).map(|(holder, _)| holder.to_owned())
    }

    /// The places for a file, the nearest first.
    fn candidates(
        &self,
        home: &str,
        owner: &Source,
        base: &str,
        uri: &str,
    ) -> Result<Vec<Candidate>, ResourceError> {
        let (path, is_relative) = local_path(uri)?;
        // A mounted file is at its path below the folder of the workflow.
        let mounted_base = split_name(base).map(|(_, path)| below(home, path));
        let beside = [folder_of(mounted_base.as_deref().unwrap_or(base)), home];
        let stored = self.bundle.as_ref().map(|_| places::of_stored(owner.path()));
        let places = stored.as_ref().unwrap_or(&self.places).iter().map(String::as_str);
        let mut candidates = Vec::new();
        for folder in beside.into_iter().filter(|_| is_relative).chain(places) {
            let candidate = Candidate::new(&below(folder, path));
            if !candidates.contains(&candidate) {
                candidates.push(candidate);
            }
        }
        Ok(candidates)
    }

    /// The mounted file that only has the same last part in its path, as if it were at the first of the places.
    fn mounted_elsewhere(&self, home: &str, candidates: &[Candidate]) -> Option<Resource> {
        let path = candidates.iter().find_map(|candidate| candidate.below(home))?;
        let (name, bytes) = self.mounted.elsewhere(path)?;
        Some(Resource { bytes, name })
    }

    /// The file at one of the places, mounted or on the disk.
    fn at_its_path(&self, home: &str, candidates: &[Candidate]) -> Result<Resource, ResourceError> {
        let (mut looked_for, mut outside) = (Vec::new(), None);
        for (index, candidate) in candidates.iter().enumerate() {
            let path = match candidate {
                Candidate::Inside(path) => path,
                Candidate::Outside(path) => {
                    // The first place is the one that the URI says.
                    if index == 0 || self.is_there(path) {
                        outside = outside.or_else(|| Some(ResourceError::Outside(path.clone())));
                    }
                    continue;
                }
            };
            if let Some((name, bytes)) = candidate.below(home).and_then(|path| self.mounted.at(path)) {
                return Ok(Resource { bytes, name });
            }
            match self.read_below_root(path) {
                Ok(Some(bytes)) => return Ok(Resource { bytes, name: path.clone() }),
                Ok(None) => looked_for.push(path.clone()),
                Err(error @ ResourceError::LinkOutside(_)) => outside = outside.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        Err(outside.unwrap_or_else(|| {
            let nearest = self.root.as_ref().and_then(|root| nearest_file(root, &looked_for));
            ResourceError::NotFound(looked_for.iter().map(|path| format!("`{path}`")).collect(), nearest)
        }))
    }

    /// The content of a mounted file, by its name.
    pub(crate) fn mounted_file(&self, name: &str) -> Option<Vec<u8>> {
        self.mounted.by_name(name)
    }

    /// Whether there is a file at a path that leads out of the folder.
    fn is_there(&self, path: &str) -> bool {
        self.root.as_ref().is_some_and(|root| self.bundle.is_none() && root.join(Path::new(path)).is_file())
    }
}

/// A place for a file.
#[derive(Debug, PartialEq)]
enum Candidate {
    /// A path below the served folder, without `.` and `..`.
    Inside(String),
    /// A path that leads out of it: `..`, then the rest.
    Outside(String),
}

impl Candidate {
    fn new(path: &str) -> Self {
        match normalize(path) {
            Some(path) => Self::Inside(path),
            None => Self::Outside(shortened(path)),
        }
    }

    /// The path below a folder; `None` if it is not below it.
    fn below(&self, folder: &str) -> Option<&str> {
        let Self::Inside(path) = self else { return None };
        if folder.is_empty() { Some(path) } else { path.strip_prefix(folder)?.strip_prefix('/') }
    }
}

/// A path with `..` only at its beginning.
fn shortened(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match part {
            ".." if parts.last().is_some_and(|last| *last != "..") => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The path in a URI, and whether it is relative to the file that names it.
fn local_path(uri: &str) -> Result<(&str, bool), ResourceError> {
    let (path, is_relative) = match uri.split_once(':') {
        Some(("classpath", path)) => (path, false),
        Some(("file", path)) => (path.strip_prefix("//").unwrap_or(path), true),
        // Another scheme, or the drive letter of a Windows path.
        Some((scheme, _)) if !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            return Err(ResourceError::Invalid(uri.to_owned()));
        }
        _ => (uri, true),
    };
    let is_relative = is_relative && !path.starts_with('/');
    let path = path.trim_start_matches('/');
    if path.is_empty() {
        return Err(ResourceError::Invalid(uri.to_owned()));
    }
    Ok((path, is_relative))
}
