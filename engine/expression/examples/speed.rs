//! How long ordinary expressions take: the time of each is the least of several rounds, so that other processes do not count.
//!
//! `cargo run --release -p rondo-expression --example speed`
//!
//! With `once` each runs a few times without a clock, for a tool that counts instructions.

#![allow(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "prints times"
)]

use std::{env, hint::black_box, time::Instant};

use rondo_expression::{Budget, Language, Scope, Val, compile};
use serde_json::json;

/// Expressions as workflows have them, from the smallest to those over a thousand elements.
const EXPRESSIONS: [&str; 22] = [
    ".name",
    ".a.b.c",
    "{id: .id, name: .name, done: false}",
    ".count + 1",
    "\"Hello \\(.name), you are number \\(.id)\"",
    ".status == \"approved\" and .count > 3",
    "if .count > 10 then \"many\" else \"few\" end",
    "[.items[0:10][] | {name, price}]",
    ".items | map(.price) | add",
    ".items | map(select(.price > 500)) | length",
    ".items | sort_by(.price) | .[0:3]",
    ".items | group_by(.kind) | map({kind: .[0].kind, total: (map(.price) | add)})",
    ".items | map(.name) | join(\",\")",
    ".items | map({(.name): .price}) | add | keys | length",
    "reduce .items[] as $item (0; . + $item.price)",
    ".items | to_entries | map(.key) | length",
    ".items |= map(. + {seen: true})",
    "[.items[].name | test(\"9$\")] | map(select(.)) | length",
    "[.items[].name | ascii_upcase | split(\" \") | .[1]] | unique | length",
    "[range(1000)] | map(. * 2) | add",
    "[paths] | length",
    ". as $d | tojson | fromjson == $d",
];

fn main() {
    let items: Vec<_> = (0..1000_u64)
        .map(|index| json!({"name": format!("item {index}"), "price": index * 7919 % 1000, "kind": format!("kind {}", index % 3)}))
        .collect();
    let data = json!({"id": 17, "name": "Ada", "status": "approved", "count": 4, "a": {"b": {"c": 1}}, "items": items});
    let text = data.to_string();
    let data = Val::from(data);
    let budget = Budget::default();
    let mut product = 1.0_f64;
    for expression in EXPRESSIONS {
        let Ok(compiled) = compile(Language::Jq, expression) else { continue };
        let nanoseconds = least(|| drop(black_box(compiled.eval(&data, &Scope::bare(&budget)))));
        product *= nanoseconds.powf(1.0 / 24.0);
        println!("{nanoseconds:12.0} ns  {expression}");
    }
    for (what, nanoseconds) in [
        ("reading", least(|| drop(black_box(Val::from_json(text.as_bytes()))))),
        ("writing", least(|| drop(black_box(data.to_json())))),
    ] {
        product *= nanoseconds.powf(1.0 / 24.0);
        println!("{nanoseconds:12.0} ns  {what} {} bytes of JSON", text.len());
    }
    println!("{product:12.0} ns  geometric mean");
}

/// The least time of one call, of rounds of 20 ms.
fn least(mut call: impl FnMut()) -> f64 {
    if env::args().any(|argument| argument == "once") {
        (0..10).for_each(|_| call());
        return 1.0;
    }
    let began = Instant::now();
    call();
    let times = (20_000_000 / began.elapsed().as_nanos().max(1)).clamp(1, 100_000);
    let round = |call: &mut dyn FnMut()| {
        let began = Instant::now();
        (0..times).for_each(|_| call());
        began.elapsed().as_nanos() as f64 / times as f64
    };
    (0..12).map(|_| round(&mut call)).fold(f64::INFINITY, f64::min)
}
