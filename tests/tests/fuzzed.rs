//! Inputs that once broke a promise, and the seeds of the fuzz targets, are read as promised.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, panic, path::Path};

use rondo_fuzz::{TARGETS, repository};

/// Plays inputs and names the first one that fails.
fn play(target: &rondo_fuzz::Target, name: &str, input: &[u8]) {
    let outcome = panic::catch_unwind(|| (target.play)(input));
    assert!(outcome.is_ok(), "the target `{}` fails with `{name}`", target.name);
}

#[test]
fn inputs_that_once_failed_do_not_fail_again() {
    let regressions = repository().join("tests/fuzz/regressions");
    for folder in fs::read_dir(&regressions).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let target = TARGETS.iter().find(|target| target.name == name);
        let target = target.unwrap_or_else(|| panic!("no target is called `{name}`"));
        for file in fs::read_dir(&folder).unwrap() {
            let file = file.unwrap().path();
            play(target, &file.display().to_string(), &fs::read(&file).unwrap());
        }
    }
}

#[test]
fn each_target_has_seeds_that_it_reads() {
    for target in &TARGETS {
        let seeds = (target.seeds)(&repository());
        assert!(seeds.len() > 10, "`{}` has {} seeds", target.name, seeds.len());
        for (number, seed) in seeds.iter().enumerate() {
            play(target, &format!("seed {number}: {}", String::from_utf8_lossy(seed)), seed);
        }
    }
}

#[test]
fn every_target_has_a_program_and_a_dictionary() {
    let script = fs::read_to_string(repository().join("tests/fuzz/run")).unwrap();
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert!(script.contains(&format!("known=({})", names.join(" "))), "`run` does not know {names:?}");
    for name in names {
        for file in [format!("targets/{name}.rs"), format!("dictionaries/{name}")] {
            let file = Path::new("tests/fuzz").join(file);
            assert!(repository().join(&file).is_file(), "{} is not there", file.display());
        }
    }
}
