//! The `rondo` binary: the command line.
//!
//! `serve` runs the engine, `check` reports the problems of a folder, `explain` prints the page of a diagnostic code, `init` writes a
//! flow, `import` writes custom resources out as folders, `doctor` looks for damage in a database, `start`, `ps`, `show`, `events`,
//! `schedules` and `emit` are clients of a running engine over REST and GraphQL, `demo` runs the main job with simulated services.

mod check;
mod client;
mod demo;
mod desk;
mod doctor;
mod emit;
mod events;
mod explain;
mod flows;
mod folder;
mod import;
mod init;
mod instances;
mod log_writer;
mod logging;
mod memory;
mod moments;
mod output;
mod schedules;
mod serve;
mod show;
mod signals;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs CNCF Serverless Workflows, durably.
#[derive(Debug, Parser)]
#[command(name = "rondo", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a folder of workflows.
    Serve(serve::Serve),
    /// Check a folder of workflows: all problems at once, with file, line and column.
    Check(check::Check),
    /// Write a flow into a new folder.
    Init(init::Init),
    /// Write custom resources out as project folders.
    Import(import::Import),
    /// Explain a diagnostic code, or list all codes.
    Explain(explain::Explain),
    /// Start an instance of a workflow on a running engine.
    Start(instances::Start),
    /// List instances.
    Ps(instances::Ps),
    /// Show one instance: why it waits, since when, and what happened so far.
    Show(show::Show),
    /// Show the events that are kept, that nobody wanted, and that wait to be sent.
    Events(events::Events),
    /// Show the schedules of the workflows that are served, with their next moments.
    Schedules(schedules::Schedules),
    /// Send an event to a running engine.
    Emit(emit::Emit),
    /// Look for damage in a database that no engine uses, and write what can be read into a new one.
    Doctor(doctor::Doctor),
    /// Run two namespace requests from beginning to end, with simulated services.
    Demo(demo::Demo),
}

fn main() -> ExitCode {
    // The TLS backend of the process. An error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // jq evaluations recurse; `rondo_expression::Budget` bounds the depth for this size.
        .thread_stack_size(8 * 1024 * 1024)
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&format!("the runtime cannot be started: {error}")),
    };
    signals::survive_size_limit(&runtime);
    let outcome = match cli.command {
        Command::Check(check) => check.run(),
        Command::Init(init) => init.run(),
        Command::Explain(explain) => explain.run(),
        Command::Import(import) => import.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Serve(serve) => runtime.block_on(serve.run()),
        Command::Start(start) => runtime.block_on(start.run()),
        Command::Ps(ps) => runtime.block_on(ps.run()),
        Command::Show(show) => runtime.block_on(show.run()),
        Command::Events(events) => runtime.block_on(events.run()),
        Command::Schedules(schedules) => runtime.block_on(schedules.run()),
        Command::Emit(emit) => runtime.block_on(emit.run()),
        Command::Demo(demo) => runtime.block_on(demo.run()),
    };
    logging::flush();
    match outcome {
        Ok(code) => code,
        Err(message) => output::fail(&message),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use rondo_definition::settings::PROGRAM_VARIABLES;

    use super::*;

    #[test]
    fn every_variable_of_an_option_is_known_to_the_check_of_variables() {
        let cli = Cli::command();
        let options = cli.get_subcommands().flat_map(clap::Command::get_arguments);
        let read: Vec<_> = options.filter_map(|option| option.get_env()?.to_str()).collect();
        assert!(read.contains(&"RONDO_STORE"), "{read:?}");
        for name in read {
            assert!(PROGRAM_VARIABLES.contains(&name), "{name}");
        }
    }
}
