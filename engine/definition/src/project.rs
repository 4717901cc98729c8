//! A project: a folder below the served one with configuration and files of its own.
//!
//! Owns: what a workflow gets from the project that it belongs to. Promises: names of files are relative to the served folder in every
//! project, so the path of a workflow says which project it belongs to. Never: reads a file.

use std::{fmt, sync::Arc};

use crate::{Compat, Diagnostic, Document, Options, Properties, Resources, parse_with};

/// What the workflows of a folder share: properties and resources. Cheap to clone behind its [`Arc`].
///
/// The served folder itself is the root project. The properties of another project are its own files over those of the root, and its
/// resources are its own first, then the root's.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// The folder, relative to the served one, with `/` between the parts; empty for the root project.
    pub folder: Arc<str>,
    /// Its configuration.
    pub properties: Properties,
    /// The files that its workflows name.
    pub resources: Resources,
    /// The rules that apply to its workflows where specification and `SonataFlow` disagree.
    pub compat: Compat,
}

impl Project {
    /// A project of a folder, which need not exist: a custom resource is a project without one. Workflow files belong to the project whose
    /// folder their path begins with.
    pub fn new(folder: &str, properties: Properties, resources: Resources) -> Self {
        // The check of the properties reports an invalid value; the default replaces it here.
        let compat = Compat::of(&properties).unwrap_or_default();
        Self { folder: folder.into(), properties, resources, compat }
    }

    /// Parses a document of the project as [`parse_with`] does.
    pub fn parse(self: &Arc<Self>, path: &str, text: &str) -> (Option<Document>, Vec<Diagnostic>) {
        let options = Options { compat: self.compat, resources: Some(&self.resources) };
        let (document, diagnostics) = parse_with(path, text, options);
        let document = document.map(|document| Document { project: Arc::clone(self), ..document });
        (document, diagnostics)
    }

    /// Whether it is the served folder itself.
    pub fn is_root(&self) -> bool {
        self.folder.is_empty()
    }

    /// Whether a file is in the folder, at any depth, or is the folder itself.
    pub fn contains(&self, path: &str) -> bool {
        let below = path.strip_prefix(&*self.folder);
        self.is_root() || below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    }

    /// The project that a file belongs to: the one whose folder is the nearest above it; `None` if there is not even the root.
    pub fn of_path<'p>(projects: &'p [Arc<Self>], path: &str) -> Option<&'p Arc<Self>> {
        let above = projects.iter().filter(|project| project.contains(path));
        above.max_by_key(|project| project.folder.len())
    }
}

/// For people: `the root project`, or the folder as ``project `order` ``.
impl fmt::Display for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.folder {
            "" => f.write_str("the root project"),
            folder => write!(f, "project `{folder}`"),
        }
    }
}
