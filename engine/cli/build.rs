//! Lists the files of the repository's `workflows/`, which become a part of the binary.
//!
//! Writes `shipped.rs`: an array of paths below that folder, in order, each with the text of its file. A new flow is shipped by being there.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

#[allow(clippy::print_stdout, reason = "cargo reads what a build script prints")]
fn main() -> io::Result<()> {
    let variable = |name: &str| {
        env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(format!("cargo sets no {name}")))
    };
    let folder = variable("CARGO_MANIFEST_DIR")?.join("../../workflows").canonicalize()?;
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    collect(&folder, &mut files)?;
    files.sort();
    let mut text = "[\n".to_owned();
    for file in files {
        let Ok(path) = file.strip_prefix(&folder) else { continue };
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        text.push_str(&format!(
            "    ({:?}, include_str!({:?})),\n",
            parts.join("/"),
            file.display().to_string()
        ));
    }
    text.push_str("]\n");
    fs::write(variable("OUT_DIR")?.join("shipped.rs"), text)
}

/// All files below a folder.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
