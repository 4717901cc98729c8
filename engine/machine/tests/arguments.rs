//! The arguments of a call, compared with those that its action has in the document.

mod support;

use rondo_expression::Val;
use rondo_machine::{Effect, Input, Snapshot};
use serde_json::{Value, json};
use support::{NOW, context, program, settle};

/// The rules are those of SonataFlow 10.1.0, found by experiment.
#[test]
fn arguments_are_normalized_before_they_are_evaluated() {
    for (arguments, expected) in [
        (json!({"n": ".name", "text": " some text\n"}), json!({"n": "Ada", "text": "some text"})),
        (json!({"n": null, "deep": {"n": null}}), json!({"deep": {"n": null}})),
        (json!({"list": [1, null, [null]]}), json!({"list": [1, []]})),
        (json!({"made": "[null, 1]"}), json!({"made": [null, 1]})),
        (json!({"o": r#"{"n": "${ .name }"}"#}), json!({"o": {"n": "Ada"}})),
        (json!(r#"{"n": ".name"}"#), json!({"n": "Ada"})),
        (json!(".whole"), json!({"n": null})),
    ] {
        let document = json!({
            "id": "gives", "version": "1.0", "specVersion": "0.8", "start": "Ask",
            "functions": [{"name": "ask", "type": "custom", "operation": "rest:post:/things"}],
            "states": [{
                "name": "Ask", "type": "operation", "end": true,
                "actions": [{"functionRef": {"refName": "ask", "arguments": arguments}}]
            }]
        });
        let data = Val::from(json!({"name": "Ada", "whole": {"n": null}}));
        let program = program(&document.to_string());
        let turn = settle(&program, Snapshot::new(data), Input::Start { at: None }, &context(1000), NOW);
        let Some(Effect::Call(request)) = turn.effects.into_iter().next() else { panic!("no call") };
        assert_eq!(request.arguments.map(Value::from), Some(expected), "{arguments}");
    }
}
