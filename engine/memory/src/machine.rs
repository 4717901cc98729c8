//! How much memory the process may have: the limit of its container, else the memory of the machine.

use std::{fs, path::Path};

/// Of a machine with much memory. A process that takes more has most often met something hostile, and who wants more can say so.
const MOST: u64 = 512 * 1024 * 1024;

/// Of a machine that does not say how much it has.
const UNKNOWN: u64 = 1024 * 1024 * 1024;

/// The budget where none is configured: half of what the process may have, and at most 512 MiB. The other half is for the program, its
/// definitions, the database's cache, and what computing takes.
pub fn default_budget() -> u64 {
    let root = Path::new("/");
    (limit(root).unwrap_or(UNKNOWN) / 2).min(MOST)
}

/// Bytes that the process may have, as the files below `root` say.
fn limit(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let of_groups = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, group) = (parts.next()?, parts.next()?.trim_start_matches('/'));
        match controllers {
            "" => tightest(&root.join("sys/fs/cgroup"), group, "memory.max"),
            _ if controllers.split(',').any(|controller| controller == "memory") => {
                tightest(&root.join("sys/fs/cgroup/memory"), group, "memory.limit_in_bytes")
            }
            _ => None,
        }
    });
    of_groups.chain(of_machine(root)).min()
}

/// The least limit of a group and those around it. In a container the group's path is that of the host, and its own limit stands at the top.
fn tightest(mount: &Path, group: &str, file: &str) -> Option<u64> {
    let own = mount.join(group);
    let groups = own.ancestors().take_while(|group| group.starts_with(mount));
    groups.filter_map(|group| fs::read_to_string(group.join(file)).ok()?.trim().parse().ok()).min()
}

fn of_machine(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().trim_end_matches("kB").trim_end().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_limit_of_the_groups_and_the_machine_holds() {
        let machine = ("proc/meminfo", "MemTotal:       8000000 kB\nMemFree: 1 kB\n");
        let second = ("proc/self/cgroup", "0::/pods/one\n");
        let first = ("proc/self/cgroup", "12:cpu,memory:/docker/abc\n1:name=systemd:/x\n");
        for (files, expected) in [
            (vec![], None),
            (vec![machine], Some(8_192_000_000)),
            (vec![machine, second, ("sys/fs/cgroup/pods/one/memory.max", "536870912\n")], Some(536_870_912)),
            (vec![machine, second, ("sys/fs/cgroup/pods/one/memory.max", "max\n")], Some(8_192_000_000)),
            (
                vec![
                    machine,
                    second,
                    ("sys/fs/cgroup/pods/one/memory.max", "max\n"),
                    ("sys/fs/cgroup/pods/memory.max", "1000\n"),
                ],
                Some(1000),
            ),
            (vec![second, ("sys/fs/cgroup/memory.max", "4096\n")], Some(4096)),
            (vec![first, ("sys/fs/cgroup/memory/memory.limit_in_bytes", "2048\n")], Some(2048)),
            (
                vec![
                    machine,
                    first,
                    ("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "9223372036854771712"),
                ],
                Some(8_192_000_000),
            ),
        ] {
            let root = tempfile::tempdir().unwrap();
            for (path, text) in &files {
                let path = root.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            assert_eq!(limit(root.path()), expected, "{files:?}");
        }
    }
}
