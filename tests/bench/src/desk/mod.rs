//! The provisioning desk under load: many requests of many tenants at once, and long lists.
//!
//! Promises: each round has a database of its own, the flows of this repository, and the provider that is only imitated.

mod client;
mod fairness;
mod lists;
mod tenants;

use std::{fs, path::Path};

use crate::{Options, Result, process::Server};

/// The flows of this repository.
const FLOWS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../workflows");

/// What the imitated provider needs of them.
const FILES: [&str; 7] = [
    "application.properties",
    "provision-simulation/application.properties",
    "provision-simulation/provision-simulation.sw.yaml",
    "provision-simulation/remove-simulation.sw.yaml",
    "provision-simulation/deprovision-simulation.sw.yaml",
    "specs/desk.yaml",
    "specs/calls.yaml",
];

/// What is measured of the desk.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub(crate) enum Part {
    /// Requests of many tenants at once.
    Tenants,
    /// Long lists.
    Lists,
}

pub(crate) async fn run(options: &Options, part: Option<Part>) -> Result<()> {
    match part {
        Some(Part::Tenants) => tenants::run(options).await,
        Some(Part::Lists) => lists::run(options).await,
        None => {
            tenants::run(options).await?;
            lists::run(options).await
        }
    }
}

/// An engine with a desk in a folder. Without groups, as many requests of a tenant run at once as there are.
async fn serve(options: &Options, folder: &Path, has_groups: bool) -> Result<Server> {
    let workflows = folder.join("workflows");
    for name in FILES {
        let (from, to) = (Path::new(FLOWS).join(name), workflows.join(name));
        fs::create_dir_all(to.parent().ok_or("a file is in a folder")?)?;
        let text = fs::read_to_string(from)?;
        let is_kept = |line: &&str| has_groups || !line.starts_with("rondo.concurrency.");
        let lines: Vec<&str> = text.lines().filter(is_kept).collect();
        fs::write(to, lines.join("\n"))?;
    }
    let environment = [("DESK_ENABLED", "true".to_owned())];
    Server::engine(&options.engine, &workflows, &folder.join("rondo.db"), &environment).await
}
