//! Channels of a folder of several projects.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::sync::Arc;

use common::properties;
use rondo_definition::{Project, PropertiesFile, Resources};
use rondo_event::{Channels, Sink};

/// Projects with these properties; the first is the root, the others are called by their folders.
fn projects(root: &str, others: &[(&str, &str)]) -> Vec<Arc<Project>> {
    let root = Project::new("", properties(root, &[]), Resources::default());
    let other = |(folder, text): &(&str, &str)| {
        let name = format!("{folder}/application.properties");
        let (file, _) = PropertiesFile::parse(&name, text);
        let properties = root.properties.with_files_over(&name, vec![Arc::new(file)]);
        Arc::new(Project::new(folder, properties, Resources::default()))
    };
    let others: Vec<_> = others.iter().map(other).collect();
    [Arc::new(root)].into_iter().chain(others).collect()
}

/// The channels, each on one line, and the problems.
fn shown(root: &str, others: &[(&str, &str)]) -> String {
    let (channels, problems) = Channels::of_projects(&projects(root, others));
    let incoming = channels.incoming().map(|channel| format!("in {}: {}", channel.name, channel.source));
    let outgoing = channels.outgoing().map(|channel| format!("out {}: {}", channel.name, channel.sink));
    let lines = incoming.chain(outgoing).chain(problems.iter().map(ToString::to_string));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn projects_that_say_nothing_of_channels_have_those_of_the_root() {
    insta::assert_snapshot!(shown("", &[("a", "x=1"), ("b", "")]), @r"
    in kogito_incoming_stream: POST /
    out kogito_outgoing_stream: POST http://localhost:9090
    ");
}

#[test]
fn what_two_projects_describe_alike_is_one_channel_and_what_they_describe_differently_one_of_each() {
    let alike = "mp.messaging.outgoing.done.url=http://sink/done\nmp.messaging.incoming.order.path=/order\n";
    let other = "mp.messaging.outgoing.done.url=http://other\nmp.messaging.incoming.order.path=/other\n";
    insta::assert_snapshot!(shown("", &[("a", alike), ("b", alike)]), @r"
    in kogito_incoming_stream: POST /
    in order: POST /order
    out done: POST http://sink/done
    out kogito_outgoing_stream: POST http://localhost:9090
    ");
    insta::assert_snapshot!(shown(alike, &[("a", alike)]), @r"
    in kogito_incoming_stream: POST /
    in order: POST /order
    out done: POST http://sink/done
    out kogito_outgoing_stream: POST http://localhost:9090
    ");
    insta::assert_snapshot!(shown("", &[("a", alike), ("b", other), ("c", alike)]), @r"
    in kogito_incoming_stream: POST /
    in order: POST /order
    in order@b: POST /other
    out done@a: POST http://sink/done
    out done@b: POST http://other
    out kogito_outgoing_stream: POST http://localhost:9090
    ");
}

/// The address that an event goes to from a workflow of each project.
fn addresses(projects: &[Arc<Project>], event_type: &str) -> Vec<String> {
    let (channels, problems) = Channels::of_projects(projects);
    assert!(problems.is_empty(), "{problems:?}");
    let address = |project: &Arc<Project>| match &channels
        .outgoing_named(channels.outgoing_of(project, event_type))
        .unwrap()
        .sink
    {
        Sink::Http { url, .. } => url.to_string(),
        other => panic!("{other}"),
    };
    projects.iter().map(address).collect()
}

#[test]
fn an_event_goes_out_by_the_channel_of_its_project() {
    let root = "mp.messaging.outgoing.done.url=http://top/done\n";
    let of_a = "mp.messaging.outgoing.done.url=http://a/done\nmp.messaging.outgoing.kogito_outgoing_stream.url=http://a/rest\n";
    let of_b = "mp.messaging.outgoing.mine.url=http://b/mine\nkogito.addon.messaging.outgoing.trigger.done=mine\n\
                kogito.addon.messaging.outgoing.defaultName=mine\n";
    let projects = projects(root, &[("a", of_a), ("b", of_b), ("c", of_a)]);
    assert_eq!(
        addresses(&projects, "done"),
        ["http://top/done", "http://a/done", "http://b/mine", "http://a/done"]
    );
    assert_eq!(
        addresses(&projects, "other"),
        ["http://localhost:9090", "http://a/rest", "http://b/mine", "http://a/rest"]
    );
    let (channels, _) = Channels::of_projects(&projects);
    assert_eq!(channels.outgoing_for("done"), "done", "the engine's own events go by the root's channels");
    let gone = Project::new("gone", projects[0].properties.clone(), Resources::default());
    assert_eq!(channels.outgoing_of(&gone, "done"), "done");
}

/// An event is kept under the name of its channel until it is sent, maybe by an engine that serves other projects.
#[test]
fn the_name_that_an_event_is_kept_under_does_not_depend_on_other_projects() {
    let of_a = ("a", "mp.messaging.outgoing.done.url=http://a\n");
    let of_b = ("b", "mp.messaging.outgoing.done.url=http://b\n");
    let like_a = ("b", "mp.messaging.outgoing.done.url=http://a\n");
    for others in [&[of_a][..], &[of_a, of_b], &[of_a, like_a]] {
        let projects = projects("", others);
        let (channels, _) = Channels::of_projects(&projects);
        let name = channels.outgoing_of(&projects[1], "done");
        assert_eq!(name, "done@a");
        let channel = channels.outgoing_named(name).unwrap();
        assert_eq!(channel.sink.to_string(), "POST http://a", "{others:?}");
    }
}

#[test]
fn incoming_channels_with_one_path_are_one_if_they_take_the_same() {
    let named = |name: &str, more: &str| format!("mp.messaging.incoming.{name}.path=/in\n{more}");
    let (one, two) = (named("one", ""), named("two", ""));
    insta::assert_snapshot!(shown("", &[("a", &one), ("b", &two)]), @r"
    in kogito_incoming_stream: POST /
    in one: POST /in
    out kogito_outgoing_stream: POST http://localhost:9090
    ");
    let plain = named("two", "kogito.messaging.as-cloudevents=false\n");
    insta::assert_snapshot!(shown("", &[("a", &one), ("b", &plain)]), @r"
    in kogito_incoming_stream: POST /
    in one: POST /in
    in two: unusable: the channel `two` of project `b` has the path of the channel `one`, and its messages are of another kind
    out kogito_outgoing_stream: POST http://localhost:9090
    out kogito_outgoing_stream@b: POST http://localhost:9090
    b/application.properties:1:32: error[RON0510]: the channel `two` of project `b` has the path of the channel `one`, and its messages are of another kind
    ");
    let at_root = "mp.messaging.incoming.three.path=/\nkogito.messaging.as-cloudevents=false\n";
    insta::assert_snapshot!(shown("", &[("a", at_root)]), @r"
    in three: POST /
    out kogito_outgoing_stream: POST http://localhost:9090
    out kogito_outgoing_stream@a: POST http://localhost:9090
    ");
}

#[test]
fn channels_of_the_engine_are_not_those_of_a_project() {
    let on = "org.kie.kogito.addons.knative.eventing.includeProcessEvents=true\n";
    let configured = "mp.messaging.outgoing.kogito-processinstances-events.url=http://index\n";
    insta::assert_snapshot!(shown("", &[("a", &format!("{on}{configured}"))]), @r"
    in kogito_incoming_stream: POST /
    out kogito_outgoing_stream: POST http://localhost:9090
    ");
}
