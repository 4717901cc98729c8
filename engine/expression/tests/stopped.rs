//! An evaluation is bounded by what it does, not by the clock on the wall.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use rondo_expression::{Budget, Language, Scope, Val, compile};

/// Evaluates one expression again and again, with a bound of 500 ms for each; one takes a few milliseconds.
#[test]
#[ignore = "is run by the test below, in a process of its own"]
#[allow(clippy::print_stdout, reason = "says that it has begun")]
fn evaluates_for_a_while() {
    let budget = Budget { processor_time: Duration::from_millis(500), ..Budget::default() };
    let expression = compile(Language::Jq, "[range(3000)] | map(. * 2) | add").unwrap();
    for round in 0..120 {
        assert_eq!(expression.eval(&Val::Null, &Scope::bare(&budget)), Ok(Val::Int(8_997_000)));
        if round == 10 {
            println!("has begun");
        }
    }
}

/// A container whose processor quota is used up is stopped like this.
#[test]
fn a_process_that_is_stopped_for_longer_than_the_bound_goes_on() {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "evaluates_for_a_while"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut lines = lines.skip_while(|line| !line.contains("has begun"));
    assert!(lines.next().is_some());
    let signal = |name: &str| {
        let sent = Command::new("kill").args([name, &process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    };
    signal("-STOP");
    std::thread::sleep(Duration::from_millis(800));
    signal("-CONT");
    assert!(process.wait().unwrap().success());
}
