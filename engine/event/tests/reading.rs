//! Events in HTTP requests: the three forms, and what is no event.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::read;
use rondo_event::{Binding, CloudEvent, MAX_BATCH, Origin, Room, read_http, read_message, read_plain};
use rondo_expression::{ReadLimits, Val};

const JSON: (&str, &str) = ("content-type", "application/json");
const STRUCTURED: (&str, &str) = ("Content-Type", "application/cloudevents+json; charset=utf-8");
const BINARY: [(&str, &str); 4] =
    [("ce-specversion", "1.0"), ("CE-Id", "1"), ("ce-source", "/s"), ("ce-type", "t")];

fn one(headers: &[(&str, &str)], body: &str) -> CloudEvent {
    let mut received = read(headers, body).unwrap();
    assert!(received.broken.is_empty() && received.events.len() == 1, "{received:?}");
    received.events.remove(0)
}

/// The status and the message of a request that brings no event.
fn refusal(headers: &[(&str, &str)], body: &str) -> String {
    let error = read(headers, body).unwrap_err();
    format!("{} {error}", error.status())
}

fn binary(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    BINARY.iter().chain(more).copied().collect()
}

#[test]
fn a_request_with_headers_is_an_event() {
    let more = [
        JSON,
        ("ce-time", "2026-04-01T12:30:00.123+02:00"),
        ("ce-subject", "a%20b%E2%82%AC%25"),
        ("ce-dataschema", "http://s"),
        ("ce-KogitoProcRefId", "\"x \\\"y\\\"\""),
        ("x-other", "1"),
    ];
    let event = one(&binary(&more), r#"{"a": 1}"#);
    let mut expected = CloudEvent::new("1", "/s", "t");
    expected.time = Some("2026-04-01T12:30:00.123+02:00".to_owned());
    expected.subject = Some("a b€%".to_owned());
    expected.dataschema = Some("http://s".to_owned());
    expected.datacontenttype = Some("application/json".to_owned());
    expected.set_extension("kogitoprocrefid", "x \"y\"").unwrap();
    expected.data = Some(Val::object([("a", Val::Int(1))]));
    assert_eq!(event, expected);
}

#[test]
fn data_are_read_by_their_content_type() {
    let text = |text: &str| Some(Val::text(text));
    for (content_type, body, expected) in [
        (Some("application/json"), &b"[1]"[..], Some(Val::array([Val::Int(1)]))),
        (Some("application/vnd.x+json; charset=\"utf-8\""), b"null", Some(Val::Null)),
        (Some("application/json"), b"\xef\xbb\xbf1", Some(Val::Int(1))),
        (Some("application/json"), b"", None),
        (Some("text/plain"), b"[1]", text("[1]")),
        (Some("text/plain;charset=iso-8859-1"), b"\xe4", text("ä")),
        (Some("application/json;charset=utf-16le"), b"1\x002\x00", Some(Val::Int(12))),
        (Some("application/xml"), b"<a/>", text("<a/>")),
        (Some("application/octet-stream"), b"\xff\xfe", text("//4=")),
        (None, b"{}", Some(Val::object::<&str>([]))),
        (None, b"{", text("{")),
        (None, b"\xff", text("/w==")),
    ] {
        let content_type = content_type.map(|value| ("content-type", value));
        let headers = BINARY.into_iter().chain(content_type);
        let headers = headers.map(|(name, value)| (name, value.as_bytes()));
        let mut grant = |_| true;
        let received = read_http(headers, body, &mut Room::new(ReadLimits::default(), &mut grant)).unwrap();
        assert_eq!(received.events[0].data, expected, "{content_type:?} {body:?}");
    }
}

#[test]
fn an_object_is_an_event() {
    let body = r#"{"specversion": 1.0, "id": 42, "source": "", "type": "t", "time": null, "Number": 7, "flag": true,
        "none": null, "data": {"a": [1]}}"#;
    let mut expected = CloudEvent::new("42", "", "t");
    expected.set_extension("number", "7").unwrap();
    expected.set_extension("flag", "true").unwrap();
    expected.data = Some(Val::from_json(br#"{"a":[1]}"#).unwrap());
    for headers in [&[STRUCTURED][..], &[JSON], &[]] {
        assert_eq!(one(headers, body), expected, "{headers:?}");
    }
}

#[test]
fn data_in_base64_are_what_their_media_type_says() {
    for (media_type, base64, expected) in [
        (r#""application/json""#, "eyJhIjoxfQ==", Val::object([("a", Val::Int(1))])),
        (r#""text/plain""#, "aGk=", Val::text("hi")),
        (r#""image/png""#, "/w==", Val::text("/w==")),
        ("null", "MQ==", Val::Int(1)),
    ] {
        let body = format!(
            r#"{{"specversion":"1.0","id":"1","type":"t","datacontenttype":{media_type},"data_base64":"{base64}"}}"#
        );
        assert_eq!(one(&[STRUCTURED], &body).data, Some(expected));
    }
}

#[test]
fn data_may_be_as_deep_as_any_data() {
    let deep = |levels: usize| {
        let data = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        read(&[STRUCTURED], &format!(r#"{{"specversion":"1.0","id":"1","type":"t","data":{data}}}"#))
    };
    assert!(deep(Val::DEEPEST).is_ok());
    let error = deep(Val::DEEPEST + 1).unwrap_err();
    assert_eq!(
        (error.status(), error.to_string().as_str()),
        (400, "its data cannot be read as JSON: it is nested more than 100 levels deep")
    );
    assert!(deep(1_000_000).is_err());
}

#[test]
fn of_a_batch_the_good_ones_are_kept() {
    let batch = ("content-type", "application/cloudevents-batch+json");
    let good = |id: u32| format!(r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t"}}"#);
    let body = format!(r#"[{},{{"id":"x"}},7,{}]"#, good(1), good(2));
    let received = read(&[batch], &body).unwrap();
    let ids: Vec<_> = received.events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids, ["1", "2"]);
    let broken: Vec<_> = received.broken.iter().map(|(index, error)| format!("{index}: {error}")).collect();
    assert_eq!(broken.len(), 2);
    assert!(
        broken[0].starts_with("1: it is no CloudEvent: `specversion` and `type` are missing"),
        "{broken:?}"
    );
    assert_eq!(broken[1], "2: its body is not a JSON object");

    assert!(read(&[batch], "[]").unwrap().events.is_empty());
    assert_eq!(refusal(&[batch], "{}"), "400 its body is not a JSON array of events");
    assert!(refusal(&[batch], "[{]").starts_with("400 its body cannot be read as JSON"));
    let many = format!("[{}]", vec!["1"; MAX_BATCH + 1].join(","));
    assert_eq!(refusal(&[batch], &many), "413 the batch has more than 10000 events");
}

#[test]
fn what_is_missing_is_named() {
    let missing = |what: &str| {
        format!(
            "400 it is no CloudEvent: {what} missing; an event has `specversion`, `id`, `source` and `type`, as headers `ce-specversion` and so on, or as members of a JSON object"
        )
    };
    let all = missing("`specversion`, `id` and `type` are");
    for (headers, body, expected) in [
        (&[][..], "", &all),
        (&[JSON], "not json", &all),
        (&[JSON], "[1]", &all),
        (&[JSON], r#"{"a":1}"#, &all),
        (&[JSON], r#"{"id":"1","type":"t"}"#, &missing("`specversion` is")),
        (&[("content-type", "text/plain")], "hello", &all),
        (&[STRUCTURED], r#"{"specversion":"1.0","id":""}"#, &missing("`id` and `type` are")),
        (&[("ce-type", "t")], "", &missing("`specversion` and `id` are")),
    ] {
        assert_eq!(&refusal(headers, body), expected, "{headers:?} {body}");
    }
}

#[test]
fn hostile_headers_are_refused() {
    let long = "x".repeat(5000);
    let escaped = "%41".repeat(4097);
    let many: Vec<String> = (0..65).map(|number| format!("ce-x{number}")).collect();
    let many: Vec<(&str, &str)> =
        BINARY.into_iter().chain(many.iter().map(|name| (name.as_str(), "1"))).collect();
    assert_eq!(refusal(&many, ""), "413 it has more than 64 extension attributes");
    let with = |header| BINARY.into_iter().chain([header]).collect::<Vec<_>>();
    for (header, expected) in [
        (
            ("ce-a_b", "1"),
            "400 an attribute is called `a_b`; a name has lower-case letters and digits only, and is not `data`",
        ),
        (
            ("ce-data", "1"),
            "400 an attribute is called `data`; a name has lower-case letters and digits only, and is not `data`",
        ),
        (
            ("ce-", "1"),
            "400 an attribute is called ``; a name has lower-case letters and digits only, and is not `data`",
        ),
        (("ce-x", "a%00b"), "400 the attribute `x` has control characters or is not UTF-8"),
        (("ce-x", "a%FFb"), "400 the attribute `x` has control characters or is not UTF-8"),
        (("ce-x", "a%0d%0ab"), "400 the attribute `x` has control characters or is not UTF-8"),
        (("ce-x", &long), "413 the attribute `x` has more than 4096 bytes"),
        (("ce-x", &escaped), "413 the attribute `x` has more than 4096 bytes"),
        (("CE-ID", "2"), "400 the attribute `id` is given twice"),
        (
            ("ce-time", "yesterday"),
            "400 its `time` is `yesterday`, which is no moment such as `2026-04-01T12:30:00Z`",
        ),
        (
            ("content-type", "text/plain;charset=klingon"),
            "415 its content type names the character set `klingon`, which is not known; send UTF-8",
        ),
    ] {
        assert_eq!(refusal(&with(header), "x"), expected);
    }
    let two = [BINARY[0], BINARY[1], BINARY[3], JSON, JSON];
    assert_eq!(refusal(&two, "1"), "400 the attribute `content-type` is given twice");
    let version = [("ce-specversion", "0.3"), BINARY[1], BINARY[2], BINARY[3]];
    assert_eq!(refusal(&version, ""), "400 its `specversion` is `0.3`; only `1.0` is read");
    assert!(refusal(&binary(&[JSON]), "{").starts_with("400 its data cannot be read as JSON: EOF"));
    for format in
        ["application/cloudevents+avro", "application/cloudevents", "Application/CloudEvents-Batch+xml"]
    {
        let refused = refusal(&[("content-type", format)], "x");
        assert!(refused.starts_with(&format!("415 its content type is `{format}`")), "{refused}");
    }
}

#[test]
fn hostile_members_are_refused() {
    let with = |member: &str| format!(r#"{{"specversion":"1.0","id":"1","type":"t",{member}}}"#);
    let long = format!(r#""x":"{}""#, "x".repeat(5000));
    let longer = format!(r#""x":"{}""#, "x".repeat(50_000));
    let name = format!(r#""{}":1"#, "x".repeat(5000));
    for (member, expected) in [
        (r#""x":{}"#, "400 the attribute `x` is an object; it must be text, a number, `true` or `false`"),
        (r#""id2":[1]"#, "400 the attribute `id2` is an array; it must be text, a number, `true` or `false`"),
        (r#""ID":"2""#, "400 the attribute `id` is given twice"),
        (r#""data":1,"data":2"#, "400 the attribute `data` is given twice"),
        (r#""data":1,"data_base64":"MQ==""#, "400 its `data_base64` stands beside `data`"),
        (r#""data_base64":"*""#, "400 its `data_base64` is not base64"),
        (r#""data_base64":1"#, "400 its `data_base64` is not a text"),
        (
            r#""a b":1"#,
            "400 an attribute is called `a b`; a name has lower-case letters and digits only, and is not `data`",
        ),
        (r#""x":"\u0000""#, "400 the attribute `x` has control characters or is not UTF-8"),
        (r#""x":"\ud800""#, "400 the attribute `x` has control characters or is not UTF-8"),
        (&long, "413 the attribute `x` has more than 4096 bytes"),
        (&longer, "413 the attribute `x` has more than 4096 bytes"),
    ] {
        assert_eq!(refusal(&[STRUCTURED], &with(member)), expected);
    }
    assert!(refusal(&[STRUCTURED], &with(&name)).starts_with("413 the attribute `xxx"));
    for count in [65, 100_000] {
        let many: Vec<String> = (0..count).map(|number| format!(r#""x{number}":1"#)).collect();
        assert_eq!(
            refusal(&[STRUCTURED], &with(&many.join(","))),
            "413 it has more than 64 extension attributes"
        );
    }
    let sixty_four: Vec<String> = (0..64).map(|number| format!(r#""x{number}":1"#)).collect();
    assert_eq!(one(&[STRUCTURED], &with(&sixty_four.join(","))).extensions().count(), 64);
}

#[test]
fn memory_is_asked_for_before_it_is_taken() {
    let body = format!(r#"{{"specversion":"1.0","id":"1","type":"t","data":["{}"]}}"#, "x".repeat(100_000));
    let headers = || [("content-type", &b"application/cloudevents+json"[..])];
    let mut granted = 0;
    let mut grant = |more| {
        granted += more;
        true
    };
    let received =
        read_http(headers(), body.as_bytes(), &mut Room::new(ReadLimits::default(), &mut grant)).unwrap();
    assert!(received.events[0].memory() <= granted + 1000, "{} of {granted}", received.events[0].memory());
    let mut refuse = |more| more < 10_000;
    let error = read_http(headers(), body.as_bytes(), &mut Room::new(ReadLimits::default(), &mut refuse))
        .unwrap_err();
    assert_eq!(
        (error.status(), error.to_string().as_str()),
        (503, "there is no memory for it now; send it again later")
    );
}

#[test]
fn a_message_without_attributes_is_the_data_of_an_event() {
    let origin = Origin { event_type: "orders", source: "/kafka/orders", position: "3/42" };
    let read = |headers: &[(&str, &str)], body: &str| {
        let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
        let mut grant = |_| true;
        let mut room = Room::new(ReadLimits::default(), &mut grant);
        read_message(Binding::Kafka, headers, body.as_bytes(), origin, &mut room)
    };
    let mut expected = CloudEvent::new("3/42", "/kafka/orders", "orders");
    expected.datacontenttype = Some("application/json".to_owned());
    expected.data = Some(Val::object([("a", Val::Int(1))]));
    assert_eq!(read(&[("trace", "x")], r#"{"a":1}"#).unwrap(), expected);
    // A structured event without a header that says so is what SonataFlow sends.
    let event = read(&[], r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#).unwrap();
    assert_eq!(event, CloudEvent::new("1", "/s", "t"));
    let headers = [("ce_specversion", "1.0"), ("ce_id", "a%20b"), ("ce_source", "/s"), ("ce_type", "ü")];
    assert_eq!(read(&headers, "").unwrap(), CloudEvent::new("a%20b", "/s", "ü"));
    assert_eq!(read(&[], "").unwrap_err().to_string(), "it has no body");
    assert!(read(&[], "hello").unwrap_err().to_string().starts_with("its data cannot be read as JSON"));
    assert_eq!(read(&[("content-type", "text/plain")], "hello").unwrap().data, Some(Val::text("hello")));

    let mut grant = |_| true;
    let mut room = Room::new(ReadLimits::default(), &mut grant);
    let plain = read_plain(None, br#"{"specversion":"1.0","id":"1","type":"t"}"#, origin, &mut room).unwrap();
    assert_eq!((plain.event_type.as_str(), plain.data.unwrap().members().len()), ("orders", 3));
}
