//! Evaluates a program on the JSON of standard input; says what it gave, what it cost, and the most memory that the process took.
//!
//! `echo '{"a": 1}' | cargo run -p rondo-expression --example evaluate -- '.a + 1'`

#![allow(clippy::print_stdout, reason = "prints its result")]

use std::{env, fs, io, process::ExitCode, time::Instant};

use rondo_expression::{Budget, Language, Scope, Val, compile, steps_taken};

fn main() -> ExitCode {
    let program = env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let text = io::read_to_string(io::stdin()).unwrap_or_default();
    let data = if text.trim().is_empty() { Ok(Val::Null) } else { Val::from_json(text.as_bytes()) };
    let (expression, data) = match (compile(Language::Jq, &program), data) {
        (Ok(expression), Ok(data)) => (expression, data),
        (Err(error), _) => {
            println!("{error}");
            return ExitCode::FAILURE;
        }
        (_, Err(error)) => {
            println!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let budget = Budget::default();
    let began = Instant::now();
    let outcome = match expression.eval(&data, &Scope::bare(&budget)) {
        Ok(value) => value.to_json(),
        Err(error) => error.to_string(),
    };
    let took = began.elapsed();
    let shown: String = outcome.chars().take(300).collect();
    println!("{shown}\n{} steps, {} ms, {} KiB at most", steps_taken(), took.as_millis(), most_memory());
    ExitCode::SUCCESS
}

/// `VmHWM` in KiB; 0 where there is no `/proc`.
fn most_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
