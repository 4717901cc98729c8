//! A Python process that answers one request after another.
//!
//! Owns: the process and its pipes. Promises: it has no variable of the engine's environment but `PATH`; it ends, together with the processes
//! that it started, when the worker is dropped and when the engine ends. Never: reads more of an answer than the limit.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::PythonSettings;
use crate::error::CallErrorKind;

/// The program that a process runs.
const BOOTSTRAP: &str = include_str!("bootstrap.py");

/// Most bytes of an answer beside its result: the beginning of what the code prints, or of an error, with their escapes.
const BESIDE_RESULT: usize = 64 * 1024;

/// A Python process.
pub(super) struct Worker {
    child: Child,
    group: Option<Pid>,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts a process with the limits of the settings.
    pub(super) fn start(settings: &PythonSettings) -> Result<Self, CallErrorKind> {
        let failed = |problem: &dyn std::fmt::Display| {
            let command = &settings.command;
            CallErrorKind::NotConfigured(format!(
                "the Python process `{command}` cannot be started: {problem}; set `rondo.python.command`"
            ))
        };
        let mut command = Command::new(&settings.command);
        // Isolated mode: neither variables nor the engine's folder affect which modules are found, and no bytecode files are written beside them.
        command.args(["-I", "-B", "-X", "utf8", "-c", BOOTSTRAP]);
        command.args([settings.memory.to_string(), settings.max_output_bytes.to_string()]);
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| failed(&error))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or_else(|| failed(&"it has no pipes"))?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(Self { child, group, input, output: BufReader::new(output) })
    }

    /// Whether the process still runs.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a line to the process and reads its answer. After an error the process cannot be used again.
    pub(super) async fn ask(&mut self, line: &[u8], most: usize) -> Result<Vec<u8>, CallErrorKind> {
        let written = async {
            self.input.write_all(line).await?;
            self.input.flush().await
        };
        if written.await.is_err() {
            return Err(self.end().await);
        }
        let most = most.saturating_add(BESIDE_RESULT);
        let mut answer = Vec::new();
        loop {
            let piece = match self.output.fill_buf().await {
                Ok([]) | Err(_) => return Err(self.end().await),
                Ok(piece) => piece,
            };
            let end = piece.iter().position(|byte| *byte == b'\n');
            answer.extend_from_slice(piece.get(..end.unwrap_or(piece.len())).unwrap_or_default());
            let taken = end.map_or(piece.len(), |end| end + 1);
            self.output.consume(taken);
            if answer.len() > most {
                return Err(CallErrorKind::Interrupted(format!(
                    "the Python process answered with more than {most} bytes"
                )));
            }
            if end.is_some() {
                return Ok(answer);
            }
        }
    }

    /// The error for a process that has ended.
    async fn end(&mut self) -> CallErrorKind {
        let status = self.child.wait().await.map(|status| status.to_string());
        let status = status.unwrap_or_else(|error| error.to_string());
        CallErrorKind::Interrupted(format!("the Python process ended while it ran the code: {status}"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // Fails if the process has already ended.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
