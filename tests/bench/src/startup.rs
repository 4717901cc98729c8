//! Cold start and idle memory: with an empty folder, and with 90 workflow files.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{Options, Result, process::Server};

/// Workflow files of a large installation: as many as all published Orchestrator flows together.
const FILES: usize = 90;

/// After so long nothing of the start is going on any more.
const SETTLED: Duration = Duration::from_secs(2);

pub(crate) async fn run(options: &Options) -> Result<()> {
    println!("cold start, and memory {} s later", SETTLED.as_secs());
    println!("{:>8} {:>10} {:>10} {:>12} {:>10}", "files", "ready ms", "goal", "memory MiB", "goal");
    for (files, goal_time, goal_memory) in [(0, 50, 30), (FILES, 300, 60)] {
        let folder = tempfile::tempdir()?;
        let workflows = folder.path().join("workflows");
        fs::create_dir(&workflows)?;
        fill(&workflows, files)?;
        let mut ready = Vec::new();
        let mut memory = Vec::new();
        for round in 0..options.rounds {
            let store = folder.path().join(format!("{round}.db"));
            let engine = Server::engine(&options.engine, &workflows, &store, &environment()).await?;
            ready.push(engine.ready_after.as_secs_f64() * 1000.0);
            tokio::time::sleep(SETTLED).await;
            memory.push(engine.memory()?);
            engine.stop()?;
        }
        println!(
            "{files:>8} {:>10.0} {goal_time:>10} {:>12.1} {goal_memory:>10}",
            median(&mut ready),
            median(&mut memory)
        );
    }
    println!();
    Ok(())
}

/// Copies of the flows of this repository, each in a folder of its own, until there are so many workflow files.
fn fill(folder: &Path, files: usize) -> Result<()> {
    let flows = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../workflows");
    let names = ["create-ocp-namespace", "request-vm"];
    fs::copy(flows.join("application.properties"), folder.join("application.properties"))?;
    for (number, name) in (0..files).zip(names.into_iter().cycle()) {
        let target = folder.join(format!("{name}-{number}"));
        copy(&flows.join(name), &target)?;
        let file = target.join(format!("{name}.sw.yaml"));
        let text = fs::read_to_string(&file)?;
        fs::write(&file, text.replacen(&format!("id: {name}\n"), &format!("id: {name}-{number}\n"), 1))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else if entry.file_name() != "application.properties" {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Credentials that the flows want to have.
fn environment() -> Vec<(&'static str, String)> {
    ["GITLAB_TOKEN", "BACKSTAGE_TOKEN", "KUBERNETES_TOKEN"].map(|name| (name, "token".to_owned())).into()
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
