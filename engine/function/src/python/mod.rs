//! Functions that run Python code.
//!
//! Owns: the requests to a Python process and the meaning of its answers. Promises: code sees its arguments, its search path and `PATH`, and
//! nothing else of the engine; a call that exceeds a limit, or ends the process, does not affect other calls. Source:
//! `apache/incubator-kie-kogito-runtimes`, `PythonScriptWorkItemHandler` and `PythonServiceWorkItemHandler`.

mod pool;
mod worker;

use std::time::Duration;

use rondo_definition::{Properties, settings};
use rondo_expression::{ReadLimits, Val};
use rondo_memory::Share;
use rondo_program::PythonFunction;

use crate::answer::Answer;
use crate::caller::Request;
use crate::error::CallErrorKind;
use crate::mask::Mask;
use crate::secret_names::is_secret_member;
use crate::settings::lookup;
use crate::setup::{SetupError, read_setting};

pub(crate) use pool::Pool;

/// The property with the folders of modules: a list with commas, or several properties with an index in brackets.
const SEARCH_PATH: &str = "org.sonataflow.python.searchpath";

/// The settings for running Python code.
#[derive(Debug, Clone)]
pub(crate) struct PythonSettings {
    /// The program that runs it.
    pub(crate) command: String,
    /// Most bytes of memory of one process.
    pub(crate) memory: u64,
    /// Most processes at once.
    pub(crate) processes: usize,
    /// Most bytes of an answer.
    pub(crate) max_output_bytes: usize,
    /// How long a call may take.
    pub(crate) timeout: Duration,
}

impl PythonSettings {
    pub(crate) fn read(properties: &Properties) -> Result<Self, SetupError> {
        let (command, processes) = (&settings::PYTHON_COMMAND, &settings::PYTHON_PROCESSES);
        let (output, timeout) = (&settings::PYTHON_MAX_OUTPUT_BYTES, &settings::PYTHON_TIMEOUT);
        let text = read_setting(command, command.text(properties))?;
        Ok(Self {
            command: text.filter(|text| !text.is_empty()).unwrap_or_else(|| command.default.to_owned()),
            memory: read_setting(&settings::PYTHON_MEMORY, settings::PYTHON_MEMORY.count(properties))?,
            processes: read_setting(processes, processes.count(properties))?,
            max_output_bytes: read_setting(output, output.count(properties))?,
            timeout: read_setting(timeout, timeout.duration(properties))?,
        })
    }
}

/// Writes the request to a process as one line of JSON. The error names the argument at fault.
fn request_line(
    target: &PythonFunction,
    request: &Request<'_>,
    path: &[String],
    mask: &Mask,
) -> Result<String, String> {
    let arguments = request.arguments.as_ref();
    let path = Val::array(path.iter().map(|folder| Val::text(folder.as_str())));
    let mut line = match target {
        PythonFunction::Script => {
            let given = arguments.filter(|arguments| arguments.is_object());
            let script = given.and_then(|given| given.get("script")).filter(|script| !script.is_null());
            let script = script.ok_or("missing parameter script")?.to_text();
            let mut variables = given.cloned().unwrap_or_default();
            variables.remove("script");
            let state = request.python.and_then(|python| python.get("state")).cloned().unwrap_or_default();
            // The variables are stored with the instance, but secrets must not be stored.
            let is_secret = |name: &str, value: &Val| {
                let text = value.to_text();
                is_secret_member(name) || mask.apply(&text) != text
            };
            let secrets = variables.members().into_iter().filter(|(name, value)| is_secret(name, value));
            let secrets = Val::array(secrets.map(|(name, _)| Val::text(name)));
            Val::object([
                ("secrets", secrets),
                ("script", Val::text(script)),
                ("variables", variables),
                ("state", state),
                ("path", path),
            ])
        }
        PythonFunction::Service { module, function } => Val::object([
            ("module", Val::text(module)),
            ("function", Val::text(function)),
            ("has_arguments", Val::Bool(arguments.is_some())),
            ("arguments", arguments.cloned().unwrap_or_default()),
            ("path", path),
        ]),
    }
    .to_json();
    line.push('\n');
    Ok(line)
}

/// The folders of modules that the properties name.
fn search_path(properties: &Properties) -> Vec<String> {
    let indexed = format!("{SEARCH_PATH}[");
    let keys = properties.keys_with_prefix(&indexed).filter_map(|key| lookup(properties, key));
    let listed = lookup(properties, SEARCH_PATH).unwrap_or_default();
    let listed = listed.split(',').map(str::trim).filter(|path| !path.is_empty()).map(str::to_owned);
    listed.chain(keys.map(|path| path.trim().to_owned())).collect()
}

/// Runs code in a process of the pool.
pub(crate) async fn call(
    pool: &Pool,
    target: &PythonFunction,
    request: &Request<'_>,
    timeout: Option<Duration>,
    mut share: Share,
    mask: &Mask,
) -> Result<Answer, CallErrorKind> {
    let path = search_path(request.properties);
    let line = request_line(target, request, &path, mask).map_err(CallErrorKind::InvalidArgument)?;
    share.grow(pool.settings().max_output_bytes as u64).map_err(CallErrorKind::NoRoom)?;
    let line = pool.ask(line, path, timeout).await?;
    let mut grant = |more: usize| share.grow(more as u64).is_ok();
    let limits = ReadLimits { skips_null_elements: false, ..ReadLimits::default() };
    let mut answer = Val::read_json(&line, limits, &mut grant)
        .map_err(|error| CallErrorKind::Interrupted(format!("the Python process answered: {error}")))?;
    drop(line);
    if let Some(printed) = answer.get("printed").and_then(Val::as_str) {
        let text = mask.apply(printed.trim_end());
        tracing::info!(instance_id = request.process.instance_id, state = request.state, "{text}");
    }
    if let Some(error) = answer.get("error") {
        return Err(to_call_error(error, mask));
    }
    let result = answer.remove("result").unwrap_or_default();
    answer.remove("printed");
    let python = matches!(target, PythonFunction::Script).then_some(answer);
    let memory = result.memory() + python.as_ref().map_or(0, Val::memory);
    share.shrink_to(memory as u64);
    Ok(Answer { result, status: None, status_message: String::new(), headers: Vec::new(), python, share })
}

/// The error of a call whose code failed.
fn to_call_error(error: &Val, mask: &Mask) -> CallErrorKind {
    let message = error.get("message").map(Val::to_text).unwrap_or_default();
    let message = match error.get("line").and_then(Val::as_i64) {
        Some(line) => format!("{message} (line {line} of the script)"),
        None => message,
    };
    let code = error.get("type").and_then(Val::as_str).map(str::to_owned);
    CallErrorKind::Refused { code, message: mask.apply(&message) }
}
