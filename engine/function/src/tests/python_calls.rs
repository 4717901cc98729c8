//! Functions that are Python code, run by a real `python3`.

use std::sync::Arc;

use rondo_definition::Properties;
use rondo_expression::Val;
use rondo_program::PythonFunction;
use serde_json::{Value, json};

use super::binding::Folder;
use super::support::{binding, call, caller, client_message, properties, result, val};
use crate::binding::{Binding, Target};
use crate::{Answer, BeforeLargeAnswer, CallError, Caller, ProcessHeaders, Request, Secrets};

fn service(module: &str, function: &str) -> Arc<Binding> {
    let (module, function) = (module.to_owned(), function.to_owned());
    binding(Target::Python(PythonFunction::Service { module, function }))
}

/// Runs a script after another one that left this state.
async fn script(
    caller: &Caller,
    properties: &Properties,
    arguments: Value,
    python: Option<&Val>,
) -> Result<Answer, CallError> {
    let request = Request {
        arguments: Some(val(arguments)),
        state_data: &Val::Null,
        headers: &[],
        process: ProcessHeaders::default(),
        idempotency_key: "i-1/7",
        config_key: None,
        properties,
        state: "S",
        action: "a",
        attempt: 1,
        python,
        before_large_answer: BeforeLargeAnswer::default(),
    };
    caller.call(&binding(Target::Python(PythonFunction::Script)), request).await
}

/// The values of `$WORKFLOW.python`.
fn values(answer: &Answer) -> Value {
    let values = answer.python.as_ref().and_then(|python| python.get("values"));
    serde_json::to_value(values.unwrap()).unwrap()
}

#[tokio::test]
async fn functions_of_modules_take_arguments_as_python_does() {
    let properties = properties("", "");
    for (module, function, arguments, expected) in [
        ("math", "factorial", json!(5), json!(120)),
        ("math", "fmod", json!([5, 3]), json!(2.0)),
        ("math", "isclose", json!({"a": 5, "b": 3, "abs_tol": 2.1}), json!(true)),
        ("os.path", "basename", json!("/a/b"), json!("b")),
        (
            "fractions",
            "Fraction",
            json!([1, 2]),
            json!({"denominator": 2, "imag": 0, "numerator": 1, "real": {"denominator": 2}}),
        ),
    ] {
        let answer = call(&service(module, function), &properties, arguments).await.unwrap();
        let got = result(&answer);
        if function == "Fraction" {
            assert_eq!(
                (&got["numerator"], &got["denominator"]),
                (&json!(1), &json!(2)),
                "an object is its data"
            );
        } else {
            assert_eq!(got, expected, "{function}");
        }
    }
}

#[tokio::test]
async fn a_script_goes_on_with_what_the_last_one_left() {
    let properties = properties("", "");
    let caller = caller(&properties, Secrets::default());
    let first = "import datetime\nday = datetime.date(2026, 1, 2)\nx *= 2\n_hidden = 1\n\
        class Pet:\n  def __init__(self, name):\n    self.name = name\npet = Pet('Rex')\ndef bark(): return pet.name + '!'";
    let first = script(&caller, &properties, json!({"script": first, "x": 4}), None).await.unwrap();
    assert_eq!(result(&first), Value::Null);
    assert_eq!(
        values(&first),
        json!({"day": {"day": 2, "month": 1, "year": 2026}, "pet": {"name": "Rex"}, "x": 8})
    );
    // Another process, as after a restart.
    let another = super::support::caller(&properties, Secrets::default());
    let python = first.python.clone();
    let second = json!({"script": "next = day + datetime.timedelta(days=1)\nsound = bark()\ndel day, pet"});
    let second = script(&another, &properties, second, python.as_ref()).await.unwrap();
    assert_eq!(
        values(&second),
        json!({"next": {"day": 3, "month": 1, "year": 2026}, "sound": "Rex!", "x": 8})
    );
}

#[tokio::test]
async fn code_that_fails_says_where_and_costs_only_its_own_call() {
    let properties = properties(
        "",
        "rondo.python.timeout=2000\nrondo.python.max-output-bytes=1024\nrondo.python.processes=1",
    );
    let caller = caller(&properties, Secrets::default());
    for (code, expected) in [
        ("x = 1\nraise ValueError('no x')", "no x (line 2 of the script)"),
        ("x = (", "'(' was never closed (<script>, line 1) (line 1 of the script)"),
        ("q", "name 'q' is not defined (line 1 of the script)"),
        ("x = 'a' * (1 << 40)", "the code needs more memory than it may have"),
        ("raise SystemExit", " (line 1 of the script)"),
        ("x = 'a' * 1500", " bytes and may take 1024, as `rondo.python.max-output-bytes` says"),
        ("x = float('nan')", "the number nan has no form in JSON"),
        ("while True: pass", "java.util.concurrent.TimeoutException - gave no answer within 2000 ms"),
        (
            "import os\nos.kill(os.getpid(), 9)",
            "java.io.IOException - the Python process ended while it ran the code: signal: 9 (SIGKILL)",
        ),
    ] {
        let error = script(&caller, &properties, json!({"script": code}), None).await.unwrap_err();
        let message = client_message(&error);
        assert!(message.ends_with(expected), "{code}: {message}");
        let after = script(&caller, &properties, json!({"script": "y = 1"}), None).await.unwrap();
        assert_eq!(values(&after), json!({"y": 1}), "{code}");
    }
    let error = script(&caller, &properties, json!({"x": 1}), None).await.unwrap_err();
    assert_eq!(client_message(&error), "missing parameter script");
    let error = script(&caller, &properties, json!({"script": "{}['a']"}), None).await.unwrap_err();
    assert_eq!(error.into_failure().code.as_deref(), Some("KeyError"));
}

#[tokio::test]
async fn code_sees_no_variable_and_no_secret_of_the_engine() {
    let properties =
        properties("", "org.sonataflow.python.searchpath=/a, /b\norg.sonataflow.python.searchpath[0]=/c");
    let caller = caller(&properties, Secrets::default());
    let code = "import os, sys\nnames = sorted(os.environ)\npath = sys.path[-3:]\nprint('secret')";
    let answer = script(&caller, &properties, json!({"script": code}), None).await.unwrap();
    let values = values(&answer);
    // Python itself, or a launcher script, sets some variables; `HOME` would come from the engine.
    let names = values["names"].as_array().unwrap();
    assert!(names.contains(&json!("PATH")) && !names.contains(&json!("HOME")), "{names:?}");
    assert_eq!(values["path"], json!(["/a", "/b", "/c"]));
    let code = json!({"script": "raise ValueError(password)", "password": "hush-hush"});
    let error = script(&caller, &properties, code, None).await.unwrap_err();
    assert_eq!(client_message(&error), "*** (line 1 of the script)");
    let code = json!({"script": "size = len(password)", "password": "hush-hush"});
    let answer = script(&caller, &properties, code, None).await.unwrap();
    assert_eq!(super::python_calls::values(&answer), json!({"size": 9}));
    let python = answer.python.unwrap();
    assert!(!python.to_json().contains("hush"), "a secret argument is not stored: {}", python.to_json());
    let error = script(&caller, &properties, json!({"script": "password"}), Some(&python)).await.unwrap_err();
    insta::assert_snapshot!(client_message(&error), @"name 'password' is not defined: an earlier script left it, but a secret cannot be stored (line 1 of the script)");
}

#[tokio::test]
async fn a_command_that_is_not_there_is_named() {
    let properties = properties("", "rondo.python.command=/nowhere/python3");
    let error = call(&service("math", "fmod"), &properties, json!([1, 2])).await.unwrap_err();
    insta::assert_snapshot!(client_message(&error), @"the Python process `/nowhere/python3` cannot be started: No such file or directory (os error 2); set `rondo.python.command`");
}

/// Two projects may have modules of one name. A process keeps the first one that it imports, so each search path has processes of its own, within
/// the limit of processes.
#[tokio::test]
async fn modules_of_one_name_on_different_paths_are_not_mixed_up() {
    let module = |name: &str| format!("def name():\n    return '{name}'\n");
    let folder = Folder::new(&[("one/own.py", &module("one")), ("two/own.py", &module("two"))]);
    let of_path = |name: &str| {
        let path = folder.path().join(name);
        let path = path.display();
        properties("", &format!("rondo.python.processes=1\norg.sonataflow.python.searchpath={path}"))
    };
    let (one, two) = (of_path("one"), of_path("two"));
    let caller = caller(&one, Secrets::default());
    let mut processes = Vec::new();
    for (properties, expected) in [(&one, "one"), (&one, "one"), (&two, "two"), (&one, "one")] {
        let code = json!({"script": "import os\nfrom own import name\nfound, process = name(), os.getpid()"});
        let answer = script(&caller, properties, code, None).await.unwrap();
        assert_eq!(values(&answer)["found"], expected);
        processes.push(values(&answer)["process"].as_i64().unwrap());
    }
    assert_eq!(processes[0], processes[1], "a process serves calls of its path");
    assert_ne!(processes[0], processes[3], "it made room for that of another path");
}
