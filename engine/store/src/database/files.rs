//! Files beside the database, which only their owner can read.

use std::{
    ffi::OsString,
    fs::{self, OpenOptions, Permissions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Bits of a file's mode that let others than the owner do something.
const OTHERS: u32 = 0o077;

/// Options that open a file to read and write it, and make one that only its owner can read when there is none: whatever lies beside
/// the database says something about the data of workflows.
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.mode(0o600);
    options
}

/// Takes the permissions of others away from a file that another build, or another program, made. A copy, an unpacked archive or an older
/// version can have left it readable for everybody. Where that is not allowed the file is used all the same, and the log says so.
pub fn keep_private(path: &Path) {
    match tighten(path) {
        Ok(false) => {}
        Ok(true) => tracing::warn!(
            file = %path.display(),
            "others could read or write this file, which holds data of workflows; now only its owner can"
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(
            file = %path.display(),
            %error,
            "others can read or write this file, which holds data of workflows, and its permissions cannot be changed"
        ),
    }
}

/// Returns whether others had a permission.
fn tighten(path: &Path) -> io::Result<bool> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & OTHERS == 0 {
        return Ok(false);
    }
    fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS))?;
    Ok(true)
}

/// The path with something appended to the name of the file.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}
