//! Answers and the memory budget.

use std::sync::Arc;
use std::time::Duration;

use rondo_memory::MemoryBudget;
use serde_json::{Value, json};

use super::support::{Reply, Server, call_of, call_with, properties, rest, result};
use crate::Caller;
use crate::error::CallErrorKind;
use crate::mask::Secrets;

/// A list of `count` numbers, two bytes each.
fn numbers(count: usize) -> Reply {
    Reply::new(200, "application/json", format!("[1{}]", ",1".repeat(count - 1)))
}

/// All answers together would take ten times the memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_answers_than_there_is_memory_for_come_one_after_the_other() {
    let server = Server::start(vec![numbers(100_000)]).await;
    let memory = MemoryBudget::new(12 << 20);
    let properties = Arc::new(properties("", ""));
    let caller = Arc::new(Caller::new(&properties, Secrets::default(), &memory).unwrap());
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let (caller, properties, binding) =
            (Arc::clone(&caller), Arc::clone(&properties), rest(&format!("get:{}/a", server.url), true));
        calls.spawn(async move {
            let answer = call_with(&caller, &binding, &properties, json!({}), &[])
                .await
                .map_err(|error| error.to_string())?;
            assert!(answer.share.bytes() >= answer.result.memory() as u64);
            Ok::<_, String>(answer.result.elements().len())
        });
    }
    let lengths: Result<Vec<_>, _> = calls.join_all().await.into_iter().collect();
    assert_eq!(lengths, Ok(vec![100_000; 40]));
    assert_eq!(memory.used(), 0);
}

#[tokio::test]
async fn an_answer_waits_for_memory_that_others_hold() {
    let server = Server::start(vec![numbers(100)]).await;
    let memory = MemoryBudget::new(1 << 20);
    let properties = properties("", "");
    let caller = Caller::new(&properties, Secrets::default(), &memory).unwrap();
    let others = memory.try_take(memory.total()).unwrap();
    let binding = rest(&format!("post:{}/a", server.url), true);
    let call = call_with(&caller, &binding, &properties, json!({"a": 1}), &[]);
    let give_back = async {
        while caller.load().in_flight == 0 {
            tokio::task::yield_now().await;
        }
        assert!(server.seen().is_empty(), "nothing is sent before there is room for a call");
        drop(others);
    };
    let (answer, ()) = tokio::join!(call, give_back);
    assert_eq!(answer.unwrap().result.elements().len(), 100);
    assert_eq!(memory.used(), 0);
}

#[tokio::test]
async fn what_never_finds_room_is_an_error_at_once() {
    let server = Server::start(vec![numbers(250_000), numbers(100_000)]).await;
    let memory = MemoryBudget::new(1 << 20);
    let properties = properties("", "");
    let caller = Caller::new(&properties, Secrets::default(), &memory).unwrap();
    let binding = rest(&format!("get:{}/a", server.url), true);
    let mut kinds = Vec::new();
    for arguments in [
        json!({}),
        json!({}),
        json!({"QUERY_a": "x".repeat(700_000)}),
        json!({"QUERY_a": "x".repeat(70_000)}),
    ] {
        kinds.push(call_with(&caller, &binding, &properties, arguments, &[]).await.unwrap_err().kind);
    }
    assert_eq!(kinds[0], CallErrorKind::TooLarge { limit: 262_144 }, "a quarter of the memory");
    insta::assert_snapshot!(kinds[1], @"answered 200, but its values take more than 524288 bytes of memory");
    assert!(
        matches!(&kinds[2], CallErrorKind::NoRoom(refused) if refused.total == memory.total()),
        "{}",
        kinds[2]
    );
    assert!(kinds[3].to_string().ends_with("HTTP takes 60000"), "{}", kinds[3]);
    assert_eq!(memory.used(), 0);
}

/// An error's body is not parsed, and only its beginning is read.
#[tokio::test]
async fn an_error_takes_no_more_than_its_beginning() {
    let reply = Reply::new(500, "application/json", format!("[1{}]", ",1".repeat(3_000_000)));
    let server = Server::start(vec![reply]).await;
    let memory = MemoryBudget::new(2 << 20);
    let properties = properties("", "");
    let caller = Caller::new(&properties, Secrets::default(), &memory).unwrap();
    let binding = rest(&format!("get:{}/a", server.url), true);
    let error = call_with(&caller, &binding, &properties, json!({}), &[]).await.unwrap_err();
    let CallErrorKind::Status { status: 500, body, .. } = &error.kind else { panic!("{error}") };
    assert!(body.starts_with("[1,1,") && body.len() == 64 * 1024, "{}", body.len());
}

#[tokio::test]
async fn a_call_whose_turn_does_not_come_in_time_fails_and_nothing_was_sent() {
    let server = Server::start(vec![Reply::json(200, &Value::Null)]).await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let properties = properties("", "rondo.http.max-calls=1\nrondo.http.queue-timeout=20");
    let caller = Caller::new(&properties, Secrets::default(), &MemoryBudget::new(16 << 20)).unwrap();
    let hangs = rest(&format!("get:http://{}/a", silent.local_addr().unwrap()), true);
    let works = rest(&format!("get:{}/a", server.url), true);
    let mut hanging = Box::pin(call_with(&caller, &hangs, &properties, json!({}), &[]));
    let _ = tokio::time::timeout(Duration::from_millis(1), &mut hanging).await;
    assert_eq!((caller.load().in_flight, caller.load().waiting), (1, 0));
    let error = call_of("another", &caller, &works, &properties, json!({}), &[]).await.unwrap_err();
    assert!(matches!(error.kind, CallErrorKind::NoPlace(_)), "{error}");
    assert!(
        error.to_string().contains("for its turn") && error.to_string().contains("rondo.http.max-calls"),
        "{error}"
    );
    assert!(server.seen().is_empty());
    assert_eq!(caller.load().waiting, 0);
    drop(hanging);
    assert_eq!(result(&call_with(&caller, &works, &properties, json!({}), &[]).await.unwrap()), Value::Null);
}

#[tokio::test]
async fn many_calls_of_one_instance_leave_places_for_another() {
    let server = Server::start(vec![Reply::json(200, &Value::Null)]).await;
    // The system accepts connections for the listener, and nobody answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let properties = properties("", "rondo.http.max-calls=4\nrondo.http.timeout=20000");
    let caller = Caller::new(&properties, Secrets::default(), &MemoryBudget::new(16 << 20)).unwrap();
    let hangs = rest(&format!("get:http://{}/a", silent.local_addr().unwrap()), true);
    let works = rest(&format!("get:{}/a", server.url), true);
    let hanging = std::iter::repeat_with(|| call_with(&caller, &hangs, &properties, json!({}), &[])).take(20);
    let mut hanging: Vec<_> = hanging.map(Box::pin).collect();
    for call in &mut hanging {
        let _ = tokio::time::timeout(Duration::from_millis(1), call).await;
    }
    let load = caller.load();
    assert_eq!((load.in_flight, load.waiting, load.most), (2, 18, 4));
    let answer = call_of("another", &caller, &works, &properties, json!({}), &[]).await;
    drop(hanging);
    assert_eq!(result(&answer.unwrap()), Value::Null);
    assert_eq!(caller.load().in_flight, 0);
}
