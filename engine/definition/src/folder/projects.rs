//! Makes the projects of a folder: their properties files, layered, and their resources.
//!
//! Owns: the places of properties files, in the order of Quarkus. Promises: each file is read and parsed once; its problems are reported
//! once. Never: decides which folders are projects.

use std::{path::Path, sync::Arc};

use super::read_text;
use crate::{
    Diagnostic, Environment, Fetch, Project, Properties, PropertiesFile, Resources, properties::Profiles,
    resources::below, settings,
};

/// The places of properties files below the folder of a project, the nearest first.
const PLACES: [&str; 4] = [
    "config/application.properties",
    "application.properties",
    "src/main/resources/application.properties",
    "src/main/resources/META-INF/microprofile-config.properties",
];

/// Reads the properties of the served folder, under the environment.
pub(super) fn read_root(root: &Path, env: Environment, diagnostics: &mut Vec<Diagnostic>) -> Properties {
    let files = read_files(root, "", &[], &env, diagnostics);
    Properties::layered(&place(&files, ""), files, env)
}

/// Makes the root project.
pub(super) fn root_project(
    root: &Path,
    properties: Properties,
    fetch: Option<Arc<dyn Fetch>>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Project {
    // The check reports invalid properties; the defaults replace them here.
    diagnostics.extend(settings::check(&properties, root));
    let resources = Resources::new(root, &properties, fetch.clone());
    let resources = resources.or_else(|_| Resources::new(root, &Properties::default(), fetch));
    let resources = resources.unwrap_or_default();
    Project::new("", properties, resources)
}

/// Reads the project of a folder below the served one.
pub(super) fn read_project(
    root: &Path,
    folder: &str,
    of_root: &Project,
    env: &Environment,
) -> (Project, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let inherited: Vec<_> = of_root.properties.files().cloned().collect();
    let files = read_files(root, folder, &inherited, env, &mut diagnostics);
    let properties = of_root.properties.with_files_over(&place(&files, folder), files);
    diagnostics.extend(settings::check_project(&properties, root, folder));
    let resources = of_root.resources.for_project(folder, &properties);
    let resources = resources.or_else(|_| of_root.resources.for_project(folder, &Properties::default()));
    let resources = resources.unwrap_or_default();
    (Project::new(folder, properties, resources), diagnostics)
}

/// The properties files of a project that exist, the nearest first. The file of a profile goes before the one that it stands beside, and
/// counts only where there is one, as on Quarkus.
fn read_files(
    root: &Path,
    folder: &str,
    inherited: &[Arc<PropertiesFile>],
    env: &Environment,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Arc<PropertiesFile>> {
    let mut read = |path: &str| {
        let text = read_text(root, path).unwrap_or_else(|problem| {
            diagnostics.push(*problem);
            None
        })?;
        let (file, problems) = PropertiesFile::parse(path, &text);
        diagnostics.extend(problems);
        Some(Arc::new(file))
    };
    let plain: Vec<_> = PLACES.iter().filter_map(|place| read(&below(folder, place))).collect();
    let profiles = Profiles::of(env, plain.iter().chain(inherited).map(|file| &**file));
    let mut files = Vec::new();
    for file in plain {
        let beside = file.name().strip_suffix(".properties").unwrap_or_default().to_owned();
        // A name of a profile that is a path leads elsewhere.
        let names = profiles.strongest_first().filter(|name| !name.contains(['/', '\\']));
        files.extend(names.filter_map(|profile| read(&format!("{beside}-{profile}.properties"))));
        files.push(file);
    }
    files
}

/// The file that a person would add a property to: the first there is, else the usual one.
fn place(files: &[Arc<PropertiesFile>], folder: &str) -> String {
    let usual = || below(folder, "application.properties");
    let names = files.iter().map(|file| file.name().to_string());
    names
        .into_iter()
        .find(|name| PLACES.iter().any(|place| *name == below(folder, place)))
        .unwrap_or_else(usual)
}
