//! What was written is read as the same event, in every form.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::{collection, option, prelude::*};
use rondo_event::{Binding, CloudEvent, Message, Mode, Origin, Room, read_http, read_message};
use rondo_expression::{ReadLimits, Val};

fn attribute() -> impl Strategy<Value = String> {
    // No control characters, no code points without character.
    "[ -~\u{a1}-\u{2ff}😀\"%\\\\]{1,30}"
}

fn data() -> impl Strategy<Value = Val> {
    let leaf = prop_oneof![
        Just(Val::Null),
        any::<bool>().prop_map(Val::Bool),
        any::<i64>().prop_map(Val::Int),
        (-1e300..1e300_f64).prop_map(Val::Float),
        ".{0,20}".prop_map(Val::text),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..5).prop_map(Val::array),
            collection::vec((".{0,8}", inner), 0..5).prop_map(Val::object),
        ]
    })
}

fn event() -> impl Strategy<Value = CloudEvent> {
    let names = "[a-z0-9]{1,12}".prop_filter("a defined attribute", |name| {
        !["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data"]
            .contains(&name.as_str())
    });
    let content = prop_oneof![
        (Just("application/json"), option::of(data())),
        (Just("application/x+json; charset=utf-8"), option::of(data())),
        (Just("text/plain"), option::of(".{1,40}".prop_map(Val::text))),
        (Just("application/xml"), option::of(".{1,40}".prop_map(Val::text))),
    ];
    (
        (attribute(), attribute(), attribute()),
        (
            option::of(attribute()),
            option::of(attribute()),
            option::of(Just("2026-04-01T12:30:00Z".to_owned())),
        ),
        collection::btree_map(names, attribute(), 0..8),
        content,
    )
        .prop_map(
            |((id, source, event_type), (subject, dataschema, time), extensions, (content_type, data))| {
                let mut event = CloudEvent::new(id, source, event_type);
                event.subject = subject;
                event.dataschema = dataschema;
                event.time = time;
                event.datacontenttype = Some(content_type.to_owned());
                event.data = data;
                for (name, value) in extensions {
                    event.set_extension(&name, value).unwrap();
                }
                event
            },
        )
}

fn read(binding: Binding, message: &Message) -> CloudEvent {
    let headers = message.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let mut grant = |_| true;
    let mut room = Room::new(ReadLimits::default(), &mut grant);
    if binding == Binding::Http {
        let received = read_http(headers, &message.body, &mut room).unwrap();
        assert!(received.events.len() == 1 && received.broken.is_empty());
        return received.events.into_iter().next().unwrap();
    }
    let origin = Origin { event_type: "other", source: "other", position: "other" };
    read_message(binding, headers, &message.body, origin, &mut room).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn an_event_comes_back_from_every_form(event in event()) {
        for binding in [Binding::Http, Binding::Kafka, Binding::Nats] {
            for mode in [Mode::Binary, Mode::Structured] {
                let message = event.to_message(binding, mode);
                for (name, value) in &message.headers {
                    let is_ascii = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
                    prop_assert!(binding == Binding::Kafka || is_ascii, "{}: {}", name, value);
                }
                prop_assert_eq!(&read(binding, &message), &event, "{:?} {:?}", binding, mode);
            }
        }
        prop_assert_eq!(&CloudEvent::decode(&event.encode()).unwrap(), &event);
        prop_assert_eq!(Val::from_json(event.to_json().as_bytes()).unwrap(), event.to_value());
    }

    #[test]
    fn damaged_bytes_of_the_database_are_no_event_or_another(event in event(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = event.encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = CloudEvent::decode(&bytes);
        bytes.truncate(at);
        prop_assert!(CloudEvent::decode(&bytes).is_err());
    }
}

#[test]
fn the_database_keeps_the_difference_between_null_and_nothing() {
    for data in [None, Some(Val::Null)] {
        let mut event = CloudEvent::new("1", "", "t");
        event.data = data;
        assert_eq!(CloudEvent::decode(&event.encode()).unwrap(), event);
        assert_eq!(read(Binding::Http, &event.to_message(Binding::Http, Mode::Structured)), event);
    }
}

#[test]
fn the_first_format_is_read_for_ever() {
    let stored = b"\x01{\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"subject\":\"u\",\"time\":\"2026-04-01T12:30:00Z\",\"content\":\"application/json\",\"schema\":\"http://s\",\"ext\":{\"a\":\"1\"},\"data\":{\"b\":[1.0,null]}}";
    let event = CloudEvent::decode(stored).unwrap();
    assert_eq!(
        event.to_json(),
        r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"u","time":"2026-04-01T12:30:00Z","datacontenttype":"application/json","dataschema":"http://s","a":"1","data":{"b":[1.0,null]}}"#
    );
    assert_eq!(event.encode(), stored);
    assert_eq!(CloudEvent::decode(b"").unwrap_err().to_string(), "a stored event is empty");
    assert_eq!(
        CloudEvent::decode(b"\x02{}").unwrap_err().to_string(),
        "a stored event has format 2, which this version does not know"
    );
}

#[test]
fn plain_messages_hold_the_data_only() {
    let mut event = CloudEvent::new("1", "/s", "t");
    event.data = Some(Val::object([("a", Val::text("ü"))]));
    let message = event.to_message(Binding::Kafka, Mode::Plain);
    assert_eq!(message.headers, [("content-type".to_owned(), "application/json".to_owned())]);
    assert_eq!(message.body, r#"{"a":"ü"}"#.as_bytes());
}

#[test]
fn extensions_have_valid_names_of_their_own() {
    let mut event = CloudEvent::new("1", "", "t");
    event.set_extension("orderId", "7").unwrap();
    assert_eq!(event.attribute("orderid"), Some("7"));
    for name in ["id", "Type", "data", "a-b", "", "ü"] {
        assert!(event.set_extension(name, "x").is_err(), "{name}");
    }
    assert!(event.set_extension("x", "a\nb").is_err());
    for number in 1..64 {
        event.set_extension(&format!("x{number}"), "").unwrap();
    }
    assert!(event.set_extension("onemore", "").is_err());
    event.set_extension("orderid", "8").unwrap();
}
