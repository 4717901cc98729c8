//! Events: as requests over HTTP and messages of brokers bring them, and as the database has them.
//!
//! An input is the headers, one a line as `name: value`; an event as the database has it; and the body.

use std::path::Path;

use rondo_event::{
    Binding, CloudEvent, MAX_ATTRIBUTE_BYTES, MAX_EXTENSIONS, Mode, Origin, Room, read_http, read_message,
    read_plain,
};
use rondo_expression::{ReadLimits, Val};

use crate::{Target, joined, parts};

/// Events.
pub const TARGET: Target = Target { name: "cloudevents", play, seeds: begin };

fn play(input: &[u8]) {
    let [head, stored, body] = parts(input);
    let headers: Vec<(&str, &[u8])> = head
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let at = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = line.split_at(at);
            Some((std::str::from_utf8(name).ok()?, value.get(1..)?.trim_ascii()))
        })
        .collect();
    let mut granted = 0_usize;
    let mut grant = |more| {
        granted = granted.saturating_add(more);
        true
    };
    let read = read_http(headers.iter().copied(), body, &mut Room::new(ReadLimits::default(), &mut grant));
    match read {
        Ok(received) => {
            let memory = memory_of(&received.events);
            assert!(memory <= granted, "{memory} bytes of memory, granted were {granted}");
            received.events.iter().for_each(is_sound);
            for (_, error) in &received.broken {
                assert!(error.to_string().len() < 1000 && error.status() >= 400, "{error}");
            }
        }
        Err(error) => assert!(error.to_string().len() < 1000 && error.status() >= 400, "{error}"),
    }
    from_brokers(&headers, body);
    if let Ok(event) = CloudEvent::decode(stored) {
        comes_back(&event);
    }
    // Little room never makes an event that takes more.
    let mut left = 2000_usize;
    let mut grant = |more: usize| {
        let is_granted = more <= left;
        left -= more.min(left);
        is_granted
    };
    let read = read_http(headers.iter().copied(), body, &mut Room::new(ReadLimits::default(), &mut grant));
    if let Ok(received) = read {
        let memory = memory_of(&received.events);
        assert!(memory <= 2000, "{memory} bytes of memory");
    }
}

/// Bytes of memory that the data of events take.
fn memory_of(events: &[CloudEvent]) -> usize {
    events.iter().filter_map(|event| event.data.as_ref()).map(Val::memory).sum()
}

fn from_brokers(headers: &[(&str, &[u8])], body: &[u8]) {
    let origin = Origin { event_type: "channel", source: "/kafka/topic", position: "0/1" };
    for binding in [Binding::Kafka, Binding::Nats] {
        let mut grant = |_| true;
        let mut room = Room::new(ReadLimits::default(), &mut grant);
        if let Ok(event) = read_message(binding, headers.iter().copied(), body, origin, &mut room) {
            is_sound(&event);
        }
    }
    let mut grant = |_| true;
    let mut room = Room::new(ReadLimits::default(), &mut grant);
    if let Ok(event) = read_plain(None, body, origin, &mut room) {
        assert!(event.event_type == "channel" && event.data.is_some());
        is_sound(&event);
    }
}

/// What holds for every event that was read.
fn is_sound(event: &CloudEvent) {
    assert!(!event.id.is_empty() && !event.event_type.is_empty(), "{event:?}");
    assert!(event.extensions().count() <= MAX_EXTENSIONS, "{event:?}");
    for (name, value) in event.attributes() {
        let is_name = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        assert!(is_name && value.len() <= MAX_ATTRIBUTE_BYTES, "{name}: {value}");
        assert!(!value.chars().any(char::is_control), "{name}: {value}");
    }
    comes_back(event);
    let message = event.to_message(Binding::Http, Mode::Structured);
    let headers = message.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let mut grant = |_| true;
    let again = read_http(headers, &message.body, &mut Room::new(ReadLimits::default(), &mut grant));
    assert!(
        again.as_ref().is_ok_and(|again| again.events == [event.clone()]),
        "{event:?} comes back as {again:?}"
    );
    for binding in [Binding::Http, Binding::Kafka, Binding::Nats] {
        let message = event.to_message(binding, Mode::Binary);
        let headers = message.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let origin = Origin { event_type: "other", source: "other", position: "other" };
        let mut grant = |_| true;
        let mut room = Room::new(ReadLimits::default(), &mut grant);
        // Data of an unknown character set cannot come back, but the attributes do.
        if let Ok(again) = read_message(binding, headers, &message.body, origin, &mut room) {
            let attributes = |event: &CloudEvent| -> Vec<(String, String)> {
                let all = event.attributes().filter(|(name, _)| *name != "datacontenttype");
                all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
            };
            assert_eq!(attributes(&again), attributes(event), "{binding:?}");
        }
    }
}

fn comes_back(event: &CloudEvent) {
    let again = CloudEvent::decode(&event.encode());
    assert!(again.as_ref().is_ok_and(|again| again == event), "{event:?} comes back as {again:?}");
}

fn begin(_: &Path) -> Vec<Vec<u8>> {
    let stored = br#"{"id":"1","source":"/s","type":"t","subject":"u","time":"2026-04-01T12:30:00Z","content":"application/json","schema":"http://s","ext":{"a":"1"},"data":{"b":[1.0,null]}}"#;
    let stored = [&[1][..], stored].concat();
    let event = r#"{"specversion":"1.0","id":"42","source":"","type":"approval","kogitoprocrefid":"7","n":1,"f":true,"x":null,"data":{"ok":[1,"ü"]}}"#;
    let binary = "ce-specversion: 1.0\nce-id: a%20b\nce-source: /s\nce-type: t\n";
    let kafka = "ce_specversion: 1.0\nce_id: 1\nce_source: /s\nce_type: t\n";
    let structured = "content-type: application/cloudevents+json";
    let base64 =
        r#"{"specversion":"1.0","id":"1","type":"t","datacontenttype":"text/plain","data_base64":"aGk="}"#;
    let texts: [(String, String); 14] = [
        (structured.to_owned(), event.to_owned()),
        (structured.to_owned(), base64.to_owned()),
        (String::new(), event.to_owned()),
        ("Content-Type: application/json; charset=utf-8".to_owned(), event.to_owned()),
        ("content-type: application/cloudevents-batch+json".to_owned(), format!("[{event},1,{base64},{{}}]")),
        ("content-type: application/cloudevents+avro".to_owned(), "x".to_owned()),
        (format!("{binary}content-type: application/json"), r#"{"a":1}"#.to_owned()),
        (format!("{binary}content-type: text/plain; charset=iso-8859-1"), "hello".to_owned()),
        (format!("{binary}content-type: application/octet-stream"), "\u{0}".to_owned()),
        (format!("{binary}ce-subject: \"a \\\" b\"\nce-time: 2026-04-01T12:30:00+02:00"), String::new()),
        (format!("{binary}ce-id: 2\nce-x-y: 1"), String::new()),
        (format!("{kafka}ce_partitionkey: ü"), "[1]".to_owned()),
        (String::new(), r#"{"a":1}"#.to_owned()),
        ("content-type: application/json".to_owned(), r#"{"specversion":"0.3","id":1,"type":{}}"#.to_owned()),
    ];
    texts.iter().map(|(head, body)| joined(&[head.as_bytes(), &stored, body.as_bytes()])).collect()
}
