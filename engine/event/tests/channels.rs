//! Channels as users of SonataFlow write them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::channels;
use rondo_event::{Channels, CloudEvent, Mode, Sink};

/// The channels, each on one line.
fn shown(channels: &Channels) -> String {
    let incoming = channels.incoming().map(|channel| {
        let plain = if channel.as_cloud_events { "" } else { ", plain" };
        format!("in {} ({}{plain}): {}\n", channel.name, channel.event_type, channel.source)
    });
    let outgoing = channels
        .outgoing()
        .map(|channel| format!("out {} ({:?}): {}\n", channel.name, channel.mode, channel.sink));
    incoming.chain(outgoing).collect()
}

/// The channels of a file without problems.
fn read(file: &str, variables: &[(&str, &str)]) -> String {
    let (channels, problems) = channels(file, variables);
    assert_eq!(problems, "", "{file}");
    shown(&channels)
}

#[test]
fn without_properties_there_are_the_two_default_channels() {
    insta::assert_snapshot!(read("", &[]), @r"
    in kogito_incoming_stream (kogito_incoming_stream): POST /
    out kogito_outgoing_stream (Binary): POST http://localhost:9090
    ");
    insta::assert_snapshot!(read("", &[("K_SINK", "http://u:p@sink/x")]), @r"
    in kogito_incoming_stream (kogito_incoming_stream): POST /
    out kogito_outgoing_stream (Binary): POST http://sink/x
    ");
    let skipped = "org.kie.kogito.addons.quarkus.knative.eventing.skipDefaultIncomingStream=true";
    insta::assert_snapshot!(read(skipped, &[]), @"out kogito_outgoing_stream (Binary): POST http://localhost:9090");
}

#[test]
fn channels_over_http_are_read() {
    let file = "\
mp.messaging.incoming.kogito_incoming_stream.connector=quarkus-http
mp.messaging.incoming.kogito_incoming_stream.path=/in
mp.messaging.incoming.kogito_incoming_stream.method=put
mp.messaging.incoming.start.connector=quarkus-http
mp.messaging.incoming.wait.connector=quarkus-http
mp.messaging.incoming.wait.path=/wait/here
mp.messaging.outgoing.response_events.connector=quarkus-http
mp.messaging.outgoing.response_events.url=${K_SINK:${kogito.service.url}}
mp.messaging.outgoing.response_events.method=POST
mp.messaging.outgoing.kogito_outgoing_stream.url=${K_SINK:http://broker/default}
mp.messaging.outgoing.\"com.example.done\".url=http://sink/{orderId}?type={type}
mp.messaging.outgoing.com.example.dotted.connector=quarkus-http
mp.messaging.outgoing.com.example.dotted.url=http://dotted
mp.messaging.outgoing.off.connector=nothing
mp.messaging.outgoing.off.enabled=false
kogito.addon.messaging.outgoing.cloudEventMode.kogito_outgoing_stream=structured
kogito.service.url=http://localhost:8080
";
    insta::assert_snapshot!(read(file, &[]), @r"
    in kogito_incoming_stream (kogito_incoming_stream): PUT /in
    in start (start): POST /start
    in wait (wait): POST /wait/here
    out com.example.done (Binary): POST http://sink/{orderid}?type={type}
    out com.example.dotted (Binary): POST http://dotted
    out kogito_outgoing_stream (Structured): POST http://broker/default
    out response_events (Binary): POST http://localhost:8080
    ");
    let (channels, _) = channels(file, &[]);
    assert_eq!(channels.incoming_at("post", "/start").unwrap().name, "start");
    assert!(channels.incoming_at("GET", "/start").is_none() && channels.incoming_at("POST", "/x").is_none());
}

#[test]
fn the_default_channel_makes_way_for_one_with_its_path() {
    let file = "mp.messaging.incoming.all.connector=quarkus-http\nmp.messaging.incoming.all.path=/\n";
    insta::assert_snapshot!(read(file, &[]), @r"
    in all (all): POST /
    out kogito_outgoing_stream (Binary): POST http://localhost:9090
    ");
}

#[test]
#[cfg(feature = "kafka")]
fn channels_over_kafka_are_read() {
    let file = "\
kafka.bootstrap.servers=one:9092,two:9092
mp.messaging.incoming.orders.connector=smallrye-kafka
mp.messaging.incoming.orders.value.deserializer=org.apache.kafka.common.serialization.StringDeserializer
mp.messaging.incoming.orders.auto.offset.reset=earliest
mp.messaging.incoming.more.topics= a, b
mp.messaging.incoming.more.bootstrap.servers=three:9092
mp.messaging.incoming.more.group.id=g
mp.messaging.outgoing.done.connector=smallrye-kafka
mp.messaging.outgoing.done.topic=done-{kogitoprocid}
mp.messaging.outgoing.done.value.serializer=org.apache.kafka.common.serialization.StringSerializer
kogito.addon.messaging.outgoing.trigger.order.done=done
kogito.addon.messaging.incoming.trigger.newOrder=orders
quarkus.application.name=shop
";
    insta::assert_snapshot!(read(file, &[]), @r"
    in kogito_incoming_stream (kogito_incoming_stream): POST /
    in more (more): kafka topic a, b at three:9092
    in orders (newOrder): kafka topic orders at one:9092,two:9092
    out done (Structured): kafka topic done-{kogitoprocid} at one:9092,two:9092
    out kogito_outgoing_stream (Binary): POST http://localhost:9090
    ");
    let (channels, _) = channels(file, &[]);
    let groups = channels.incoming().filter_map(|channel| match &channel.source {
        rondo_event::Source::Kafka(source) => Some(source.group.as_str()),
        _ => None,
    });
    assert_eq!(groups.collect::<Vec<_>>(), ["g", "shop"]);
    for (event_type, channel) in [
        ("done", "done"),
        ("order.done", "done"),
        ("more", "kogito_outgoing_stream"),
        ("x", "kogito_outgoing_stream"),
    ] {
        assert_eq!(channels.outgoing_for(event_type), channel);
    }
}

#[test]
#[cfg(feature = "kafka")]
fn credentials_are_read_and_not_shown() {
    let file = "\
kafka.security.protocol=SASL_PLAINTEXT
kafka.sasl.mechanism=PLAIN
kafka.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"ada\" password=\"s\\\\\"3\";
mp.messaging.incoming.a.connector=smallrye-kafka
mp.messaging.outgoing.b.connector=rondo-nats
mp.messaging.outgoing.b.servers=nats://bob:s3cret@one,nats://two
mp.messaging.outgoing.b.password=s3cret
";
    let (channels, problems) = channels(file, &[]);
    assert_eq!(problems, "");
    let shown = format!("{}{channels:?}", shown(&channels));
    assert!(!shown.contains("ada") && !shown.contains("s3cret") && !shown.contains("s\\\"3"), "{shown}");
    assert!(shown.contains("nats://one,nats://two"), "{shown}");
}

#[test]
#[cfg(feature = "nats")]
fn channels_over_nats_are_read() {
    let file = "\
mp.messaging.incoming.orders.connector=rondo-nats
mp.messaging.incoming.orders.subject=orders.*.new
mp.messaging.incoming.orders.stream=ORDERS
mp.messaging.incoming.plain.connector=rondo-nats
mp.messaging.outgoing.done.connector=rondo-nats
mp.messaging.outgoing.done.subject=done.{subject}
mp.messaging.outgoing.done.servers=nats://other:4222
kogito.messaging.as-cloudevents=false
";
    insta::assert_snapshot!(read(file, &[("NATS_URL", "nats://u:p@hub:4222")]), @r"
    in kogito_incoming_stream (kogito_incoming_stream, plain): POST /
    in orders (orders, plain): nats subject orders.*.new at nats://hub:4222
    in plain (plain, plain): nats subject plain at nats://hub:4222
    out done (Plain): nats subject done.{subject} at nats://other:4222
    out kogito_outgoing_stream (Plain): POST http://localhost:9090
    ");
    let (channels, _) = channels(file, &[]);
    let rondo_event::Source::Nats(source) = &channels.incoming().nth(1).unwrap().source else {
        panic!("no NATS")
    };
    assert_eq!((source.stream.as_deref(), source.durable.as_str()), (Some("ORDERS"), "rondo-orders"));
}

#[test]
fn all_problems_are_reported_at_their_places() {
    let file = "\
mp.messaging.incoming.a.connector=smallrye-kafak
mp.messaging.incoming.b.connector=smallrye-amqp
mp.messaging.incoming.c.something=1
mp.messaging.incoming.d.connector=quarkus-http
mp.messaging.incoming.d.path=events
mp.messaging.incoming.e.path=/same
mp.messaging.incoming.f.path=/same
mp.messaging.incoming.f.pth=/same
mp.messaging.outgoing.g.connector=quarkus-http
mp.messaging.outgoing.h.url=host:80
mp.messaging.outgoing.i.url=http://host/{a b}
mp.messaging.outgoing.j.url=http://host/{a
mp.messaging.outgoing.k.url=http://host
mp.messaging.outgoing.k.method=GET
mp.messaging.outgoing.l.url=${UNSET}
kogito.addon.messaging.outgoing.trigger.t=nowhere
kogito.addon.messaging.outgoing.defaultName=gone
";
    let (channels, problems) = channels(file, &[("K_CE_OVERRIDES", "{")]);
    insta::assert_snapshot!(problems, @r#"
    application.properties:1:35: error[RON0510]: the channel `a` has the connector `smallrye-kafak`, which there is not (there are `quarkus-http`, `smallrye-kafka` and `rondo-nats`)
    application.properties:2:35: error[RON0510]: the channel `b` has the connector `smallrye-amqp`, which there is not (there are `quarkus-http`, `smallrye-kafka` and `rondo-nats`)
    application.properties:3:35: error[RON0510]: the channel `c` has no connector (set `mp.messaging.incoming.c.connector` to `quarkus-http`, `smallrye-kafka` or `rondo-nats`)
    application.properties:5:30: error[RON0510]: the path `events` is not a path such as `/events`
    application.properties:8:29: warning[RON0511]: `pth` of an incoming channel with the connector `quarkus-http` is not read (did you mean `path`?)
    application.properties:7:30: error[RON0510]: the channels `e` and `f` have the same path `/same` (give each channel a path of its own)
    application.properties:9:35: error[RON0510]: the channel `g` has no address (set `mp.messaging.outgoing.g.url`, or `K_SINK`)
    application.properties:10:29: warning[RON0512]: the address `host:80` of the channel `h` is no http or https address (the channel `h` cannot be used until it has a value)
    application.properties:11:29: error[RON0510]: the url of the channel `i` has the parameter `{a b}`, which is not the name of an attribute: letters and digits only
    application.properties:12:29: error[RON0510]: the url of the channel `j` has a `{` without `}`
    application.properties:14:32: error[RON0510]: the method `GET` is not one of `POST`, `PUT` and `PATCH`
    application.properties:15:29: warning[RON0512]: the property `mp.messaging.outgoing.l.url` refers to `${UNSET}`, which is neither a property nor an environment variable (the channel `l` cannot be used until it has a value)
    application.properties:17:45: warning[RON0511]: there is no outgoing channel `gone` (set `mp.messaging.outgoing.gone.connector`; until then these events go to `kogito_outgoing_stream`)
    application.properties:16:43: warning[RON0511]: there is no outgoing channel `nowhere` (set `mp.messaging.outgoing.nowhere.connector`; until then these events go to `kogito_outgoing_stream`)
    environment variable K_CE_OVERRIDES: warning[RON0511]: `K_CE_OVERRIDES` is not JSON: EOF while parsing an object at line 1 column 1 (write `{"extensions": {"name": "value"}}`)
    "#);
    for name in ["g", "h", "i", "j", "k", "l"] {
        let sink = &channels.outgoing_named(name).unwrap().sink;
        assert!(matches!(sink, Sink::Unusable(_)), "{name}: {sink}");
    }
    assert_eq!(channels.outgoing_for("t"), "kogito_outgoing_stream");
}

#[test]
#[cfg(all(feature = "kafka", feature = "nats"))]
fn what_brokers_cannot_do_is_reported() {
    let file = "\
mp.messaging.incoming.a.connector=smallrye-kafka
mp.messaging.incoming.a.security.protocol=SSL
mp.messaging.incoming.b.connector=smallrye-kafka
mp.messaging.incoming.b.security.protocol=SASL_PLAINTEXT
mp.messaging.incoming.b.sasl.mechanism=SCRAM-SHA-512
mp.messaging.incoming.c.connector=smallrye-kafka
mp.messaging.incoming.c.security.protocol=SASL_PLAINTEXT
mp.messaging.incoming.c.sasl.mechanism=PLAIN
mp.messaging.incoming.c.sasl.jaas.config=nothing
mp.messaging.incoming.c.ssl.truststore.location=/x
mp.messaging.incoming.d.connector=rondo-nats
mp.messaging.incoming.d.subject=a b
mp.messaging.incoming.f.connector=smallrye-kafka
mp.messaging.incoming.f.auto.offset.reset=first
mp.messaging.outgoing.e.connector=rondo-nats
mp.messaging.outgoing.e.subject=a.>
mp.messaging.incoming.g.connector=smallrye-kafka
mp.messaging.incoming.g.security.protocol=SASL_PLAINTEXT
mp.messaging.incoming.g.sasl.mechanism=PLAIN
mp.messaging.incoming.h.connector=smallrye-kafka
mp.messaging.incoming.h.security.protocol=TLS
mp.messaging.incoming.i.connector=rondo-nats
mp.messaging.incoming.i.tls=yes
mp.messaging.incoming.j.connector=rondo-nats
mp.messaging.incoming.j.certificate-file=/x.pem
";
    insta::assert_snapshot!(channels(file, &[]).1, @r#"
    application.properties:2:43: error[RON0510]: of the channel `a`, `security.protocol` is `SSL`, and connections to Kafka cannot be encrypted, whatever the format of the truststore (let a Kafka proxy beside the engine, such as kafka-proxy, do TLS and log in at the brokers, and connect to it with `security.protocol=PLAINTEXT`; stunnel will do where each broker has its address advertised as that of its tunnel. NATS and HTTP have TLS)
    application.properties:5:40: error[RON0510]: of the channel `b`, `sasl.mechanism` is `SCRAM-SHA-512`, and Kafka is told who the engine is by `PLAIN` only (let a Kafka proxy beside the engine, such as kafka-proxy, log in at the brokers, and connect to it with `security.protocol=PLAINTEXT`; or give the engine a listener of the brokers with the mechanism `PLAIN`)
    application.properties:9:42: error[RON0510]: the `sasl.jaas.config` of the channel `c` has no `username="…" password="…"`
    application.properties:12:33: error[RON0510]: the subject `a b` is not words separated by dots
    application.properties:13:35: error[RON0510]: the Kafka settings of the channel `f` cannot be used: Invalid value "first" for configuration property "auto.offset.reset"
    application.properties:18:43: error[RON0510]: the channel `g` has no user name and password for Kafka (set `kafka.sasl.jaas.config` to `org.apache.kafka.common.security.plain.PlainLoginModule required username="…" password="…";`)
    application.properties:21:43: error[RON0510]: of the channel `h`, `security.protocol` is `TLS`, which Kafka does not have (there are `PLAINTEXT` and `SASL_PLAINTEXT`)
    application.properties:23:29: error[RON0510]: `tls` of the channel `i` is `yes`, which is not `true` or `false`
    application.properties:25:42: error[RON0510]: the channel `j` has a `certificate-file` without `key-file` (a certificate and its key are two files in PEM)
    application.properties:16:33: error[RON0510]: nothing can be sent to the subject `a.>`, which has wildcards
    "#);
}

#[test]
fn the_mode_depends_on_channel_and_properties() {
    let mode = |file: &str| {
        let (channels, problems) = channels(file, &[]);
        assert_eq!(problems, "");
        channels.outgoing_named("kogito_outgoing_stream").unwrap().mode
    };
    let all = "kogito.addon.messaging.outgoing.cloudEventMode=structured\n";
    let one = "kogito.addon.messaging.outgoing.cloudEventMode.kogito_outgoing_stream=BINARY\n";
    assert_eq!(mode(""), Mode::Binary);
    assert_eq!(mode(all), Mode::Structured);
    assert_eq!(mode(&format!("{all}{one}")), Mode::Binary);
    assert_eq!(mode(&format!("{all}kogito.messaging.as-cloudevents=false")), Mode::Plain);
}

#[test]
fn parameters_of_an_address_are_attributes_of_the_event() {
    let file = "\
mp.messaging.outgoing.a.url=http://host/{subject}/x?{orderId}
";
    let (channels, _) = channels(file, &[]);
    let Sink::Http { url, .. } = &channels.outgoing_named("a").unwrap().sink else { panic!("no HTTP") };
    let mut event = CloudEvent::new("1", "", "t");
    let address = |event: &CloudEvent| url.url(event).map_err(|error| error.to_string());
    assert_eq!(
        address(&event).unwrap_err(),
        "its address has the parameter `{subject}`, and the event has no attribute `subject`"
    );
    event.subject = Some("a/b ü".to_owned());
    event.set_extension("orderid", "7&x").unwrap();
    assert_eq!(address(&event).unwrap(), "http://host/a%2Fb%20%C3%BC/x?7%26x");
    event.subject = Some("..".to_owned());
    assert_eq!(
        address(&event).unwrap_err(),
        "the value of the attribute `subject` cannot be part of the URL"
    );
    for (value, topic, subject) in [
        ("a-1_b", true, true),
        ("a.b", true, false),
        ("a b", false, false),
        ("ü", false, true),
        ("", false, false),
        ("*", false, false),
    ] {
        event.subject = Some(value.to_owned());
        let template = rondo_event::AddressTemplate::parse("x.{Subject}").unwrap();
        assert_eq!(template.topic(&event).is_ok(), topic, "{value}");
        assert_eq!(template.subject(&event).is_ok(), subject, "{value}");
    }
}
