use std::sync::Arc;

use proptest::prelude::*;

use super::{Environment, Properties, PropertiesFile, PropertyError};
use crate::{Position, Severity, codes};

fn env(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn properties(text: &str, variables: &[(&str, &str)]) -> Properties {
    let (properties, diagnostics) = Properties::parse("application.properties", text, env(variables));
    assert_eq!(diagnostics, []);
    properties
}

#[test]
fn values_are_found_by_the_rules_of_quarkus() {
    let file = r#"
jira_url = http://jira
quarkus.rest-client.gitlab_yaml.url=${GITLAB_URL:http://gitlab:8080/api}
quarkus.rest-client."a.b".url=quoted
quarkus.rest-client.\"c.d\".url=escaped
plain.key=plain
sink=${K_SINK:${kogito.service.url}}
kogito.service.url=http://me
empty=${NOTHING:}
twice=first
twice=second
%prod.level=prod
level=all
%dev.level=dev
%dev,prod.both=shared
unicode=\u00fc\
  \ joined
literal=$${not.a.reference} \\${nor.this}
open=${never closed
price=5 $ {x}
name.of=key
by.name=${plain.${name.of}}
"#;
    for (key, variables, expected) in [
        ("jira_url", &[][..], Some("http://jira")),
        ("jira_url", &[("JIRA_URL", "http://env")], Some("http://env")),
        ("app.url", &[("APP_URL", "http://app")], Some("http://app")),
        ("NAME", &[("NAME", "x")], Some("x")),
        ("quarkus.rest-client.gitlab_yaml.url", &[], Some("http://gitlab:8080/api")),
        ("quarkus.rest-client.gitlab_yaml.url", &[("GITLAB_URL", "http://g")], Some("http://g")),
        ("quarkus.rest-client.gitlab_yaml.url", &[("QUARKUS_REST_CLIENT_GITLAB_YAML_URL", "e")], Some("e")),
        ("quarkus.rest-client.a.b.url", &[], Some("quoted")),
        ("quarkus.rest-client.\"a.b\".url", &[], Some("quoted")),
        ("quarkus.rest-client.\"a.b\".url", &[("QUARKUS_REST_CLIENT__A_B__URL", "e")], Some("e")),
        ("quarkus.rest-client.\"c.d\".url", &[], Some("escaped")),
        ("\"plain\".key", &[], Some("plain")),
        ("sink", &[], Some("http://me")),
        ("sink", &[("K_SINK", "http://sink")], Some("http://sink")),
        ("empty", &[], Some("")),
        ("twice", &[], Some("second")),
        ("level", &[], Some("prod")),
        ("level", &[("QUARKUS_PROFILE", "dev")], Some("dev")),
        ("level", &[("QUARKUS_PROFILE", "test")], Some("all")),
        ("both", &[], Some("shared")),
        ("unicode", &[], Some("ü joined")),
        ("literal", &[], Some("${not.a.reference} ${nor.this}")),
        ("open", &[], Some("${never closed")),
        ("price", &[], Some("5 $ {x}")),
        ("by.name", &[], Some("plain")),
        ("absent", &[], None),
    ] {
        assert_eq!(properties(file, variables).get(key).as_deref(), expected, "{key} with {variables:?}");
    }
}

#[test]
fn a_reference_to_nothing_makes_the_property_absent_and_names_keys_only() {
    let properties = properties("token=s3cret-${MISSING}\n", &[]);
    assert_eq!(properties.get("token"), None);
    let error = properties.resolve("token").unwrap_err();
    insta::assert_snapshot!(error, @"the property `token` refers to `${MISSING}`, which is neither a property nor an environment variable");
    assert_eq!(format!("{properties:?}"), r#"{"token"}"#);
}

/// The default of such a reference does not count, for the name is that of a property that is there; only a variable goes before it.
#[test]
fn a_property_that_refers_to_itself_has_no_value_unless_a_variable_sets_it() {
    let file = "X=${X:/d}\na.b=${c.d:x}\nc.d=${a.b}\nfine=${Y:/d}\ndot.ted=${DOT_TED:/d}\n";
    for (key, variables, expected) in [
        ("X", &[][..], Err("the property `X` refers to itself by `${X}`")),
        ("X", &[("X", "/v")], Ok("/v")),
        ("X", &[("X", "${fine}/v")], Ok("/d/v")),
        ("a.b", &[], Err("the property `a.b` refers to itself by `${a.b}`")),
        ("a.b", &[("C_D", "v")], Ok("v")),
        ("fine", &[], Ok("/d")),
        ("dot.ted", &[], Ok("/d")),
        ("dot.ted", &[("DOT_TED", "/v")], Ok("/v")),
    ] {
        let found = properties(file, variables).resolve(key);
        let found = found.map(Option::unwrap_or_default).map_err(|error| error.to_string());
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{key} with {variables:?}");
    }
}

/// Each level refers to the next one twice, and the last one is empty, so nothing grows while billions of references are followed.
#[test]
fn values_that_refer_to_each_other_without_end_are_refused() {
    let by_value: String = (0..30).map(|level| format!("a{level}=${{a{0}}}${{a{0}}}\n", level + 1)).collect();
    let by_name: String =
        (0..30).map(|level| format!("a{level}=${{${{a{0}}}${{a{0}}}:}}\n", level + 1)).collect();
    for text in [by_value, by_name] {
        let properties = properties(&format!("{text}a30=\n"), &[]);
        assert!(matches!(properties.resolve("a0"), Err(PropertyError::Cycle { .. })));
        assert_eq!(properties.resolve("a29"), Ok(Some(String::new())));
    }
}

#[test]
fn an_invalid_escape_is_reported_with_its_line() {
    let (properties, diagnostics) = Properties::parse("application.properties", "a=1\nb=\\u12\n", env(&[]));
    assert_eq!(properties.get("a").as_deref(), Some("1"));
    insta::assert_snapshot!(diagnostics[0].render(None), @r"
    application.properties:2:1: error[RON0501]: the line is not `key = value` with valid escapes
      help: a `\u` needs four hexadecimal digits; write `\\` for a backslash
    ");
}

#[test]
fn keys_are_listed_with_their_place() {
    let properties = properties("b.x=1\n\na.x=1\na.y=2\n%prod.a.z=3\n%dev.a.w=4\n", &[]);
    assert_eq!(properties.keys_with_prefix("a.").collect::<Vec<_>>(), ["a.x", "a.y", "a.z"]);
    let (file, position) = properties.position("a.x").unwrap();
    assert_eq!((&*file, position.line), ("application.properties", 3));
    assert_eq!(properties.position("nothing"), None);
}

#[test]
fn a_diagnostic_is_at_the_value() {
    let text = "plain=1\n  spaced  :  1\n\tbare 1\n%prod.es\\=c\\:aped = 1\nnothing=\nempty\n";
    let properties = properties(text, &[("PLAIN_ENV", "1")]);
    for (key, expected) in [
        ("plain", "application.properties:1:7: error[RON0503]: m"),
        ("spaced", "application.properties:2:14: error[RON0503]: m"),
        ("bare", "application.properties:3:7: error[RON0503]: m"),
        ("es=c:aped", "application.properties:4:21: error[RON0503]: m"),
        ("nothing", "application.properties:5:9: error[RON0503]: m"),
        ("empty", "application.properties:6:6: error[RON0503]: m"),
        ("plain.env", "environment variable PLAIN_ENV: error[RON0503]: m"),
        ("absent", "application.properties: error[RON0503]: m"),
    ] {
        assert_eq!(
            properties.diagnostic_at(Severity::Error, codes::SETTING, key, "m").to_string(),
            expected,
            "{key}"
        );
    }
}

/// Files by name and text, the nearest first.
fn files(files: &[(&str, &str)]) -> Vec<Arc<PropertiesFile>> {
    let parse = |(name, text): &(&str, &str)| {
        let (file, problems) = PropertiesFile::parse(name, text);
        assert_eq!(problems, []);
        Arc::new(file)
    };
    files.iter().map(parse).collect()
}

/// The order of the sources of Quarkus: environment, the file of a profile, the file beside it; within a file a profile goes before none.
#[test]
fn the_nearest_source_wins() {
    let of_root = files(&[
        ("application-dev.properties", "own=root-dev\nroot=root-dev\n%dev.both=root-%dev\n"),
        (
            "application.properties",
            "own=root\nroot=root\nonly=root\n%dev.only=root-%dev\nurl=${host}/x\nhost=root\nrondo.http.timeout=1\nrondo.compat=spec\n\
             quarkus.rest-client.\"a.b\".url=root\nquarkus.rest-client.c.d.url=root\n",
        ),
    ]);
    let own = files(&[
        ("p/application-dev.properties", "dev=file\n"),
        (
            "p/application.properties",
            "own=own\n%dev.dev=own-%dev\n%prod.own=never\nboth=own\nhost=own\nrondo.http.timeout=2\nrondo.compat=sonataflow\n\
             quarkus.rest-client.a.b.url=own\nquarkus.rest-client.\"c.d\".url=own\n",
        ),
    ]);
    let variables =
        env(&[("QUARKUS_PROFILE", "dev"), ("SET", "env"), ("_DEV_SET", "env-dev"), ("ONCE", "env")]);
    let root = Properties::layered("application.properties", of_root, variables);
    let project = root.with_files_over("p/application.properties", own);
    for (key, in_root, in_project) in [
        ("own", Some("root-dev"), Some("own")),
        ("root", Some("root-dev"), Some("root-dev")),
        ("only", Some("root-%dev"), Some("root-%dev")),
        ("both", Some("root-%dev"), Some("own")),
        ("dev", None, Some("file")),
        ("url", Some("root/x"), Some("own/x")),
        ("set", Some("env-dev"), Some("env-dev")),
        ("once", Some("env"), Some("env")),
        ("rondo.http.timeout", Some("1"), Some("1")),
        ("rondo.compat", Some("spec"), Some("sonataflow")),
        ("quarkus.rest-client.a.b.url", Some("root"), Some("own")),
        ("quarkus.rest-client.\"a.b\".url", Some("root"), Some("own")),
        ("quarkus.rest-client.\"c.d\".url", Some("root"), Some("own")),
        ("quarkus.rest-client.c.d.url", Some("root"), Some("own")),
    ] {
        assert_eq!(root.get(key).as_deref(), in_root, "{key} of the root");
        assert_eq!(project.get(key).as_deref(), in_project, "{key} of the project");
    }
    let own_keys: Vec<_> = project.own_keys().collect();
    let expected = [
        "both",
        "dev",
        "host",
        "own",
        "quarkus.rest-client.\"c.d\".url",
        "quarkus.rest-client.a.b.url",
        "rondo.compat",
    ];
    assert_eq!(own_keys, expected);
    assert_eq!(project.keys_with_prefix("quarkus.").count(), 2);
    for (key, expected) in [
        ("own", "p/application.properties:1:5: error[RON0503]: m"),
        ("root", "application-dev.properties:2:6: error[RON0503]: m"),
        ("nothing", "p/application.properties: error[RON0503]: m"),
        ("set", "environment variable _DEV_SET: error[RON0503]: m"),
    ] {
        let found = project.diagnostic_at(Severity::Error, codes::SETTING, key, "m");
        assert_eq!(found.to_string(), expected, "{key}");
    }
}

#[test]
fn the_profile_is_that_of_the_environment_or_the_nearest_file() {
    let root = || files(&[("r", "quarkus.profile=test\nx=root\n%test.x=test\n")]);
    let project = |text: &str, variables: &[(&str, &str)]| {
        let root = Properties::layered("r", root(), env(variables));
        root.with_files_over("p", files(&[("p", text)])).get("x")
    };
    assert_eq!(project("", &[]).as_deref(), Some("test"));
    assert_eq!(project("quarkus.profile=dev", &[]).as_deref(), Some("root"));
    assert_eq!(project("quarkus.profile=dev\n%dev.x=dev\n%it.x=it\n", &[]).as_deref(), Some("dev"));
    let several = "%dev.x=dev\n%it.x=it\n";
    assert_eq!(project(several, &[("QUARKUS_PROFILE", "it, dev")]).as_deref(), Some("dev"));
    assert_eq!(project(several, &[("QUARKUS_PROFILE", "dev,it")]).as_deref(), Some("it"));
}

#[test]
fn a_file_within_another_has_the_places_of_that_one() {
    let start = Position { line: 11, column: 5 };
    let (file, problems) = PropertiesFile::parse_within("map.yaml", "a=1\n  b = \\u1\n", start);
    assert_eq!(
        problems[0].to_string(),
        "map.yaml:12:5: error[RON0501]: the line is not `key = value` with valid escapes"
    );
    let properties = Properties::layered("map.yaml", vec![Arc::new(file)], Environment::new());
    assert_eq!(properties.position("a"), Some(("map.yaml".into(), Position { line: 11, column: 5 })));
    let at_value = properties.diagnostic_at(Severity::Error, codes::SETTING, "a", "m");
    assert_eq!(at_value.position, Some(Position { line: 11, column: 7 }));
}

proptest! {
    #[test]
    fn any_text_is_a_file_of_properties_or_diagnostics(text in "([a-c%.]{1,3}=([a-c:.]|\\$\\{|\\}|\\\\)*\n)*|\\PC*") {
        let (properties, _) = Properties::parse("a.properties", &text, env(&[("A", "${b}")]));
        let keys: Vec<_> = properties.keys_with_prefix("").map(str::to_owned).collect();
        for key in keys {
            let _ = properties.resolve(&key);
        }
    }
}
