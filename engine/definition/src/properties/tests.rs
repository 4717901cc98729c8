use proptest::prelude::*;

use super::{Environment, Properties};
use crate::{Severity, codes};

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

#[test]
fn a_property_that_refers_to_itself_is_reported_with_its_line() {
    let (_, diagnostics) =
        Properties::parse("application.properties", "a=${b}\nb=${a}\nc=${c:x}\n", env(&[]));
    let lines: Vec<_> = diagnostics.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    application.properties:1:1: error[RON0502]: the property `a` refers to itself by `${a}`
    application.properties:2:1: error[RON0502]: the property `b` refers to itself by `${b}`
    application.properties:3:1: error[RON0502]: the property `c` refers to itself by `${c}`
    ");
}

/// Each level refers to the next one twice, and the last one is empty, so nothing grows while billions of references are followed.
#[test]
fn values_that_refer_to_each_other_without_end_are_refused() {
    let by_value: String = (0..30).map(|level| format!("a{level}=${{a{0}}}${{a{0}}}\n", level + 1)).collect();
    let by_name: String =
        (0..30).map(|level| format!("a{level}=${{${{a{0}}}${{a{0}}}:}}\n", level + 1)).collect();
    for text in [by_value, by_name] {
        let (properties, diagnostics) =
            Properties::parse("application.properties", &format!("{text}a30=\n"), env(&[]));
        assert!(properties.resolve("a0").is_err());
        assert_eq!(properties.resolve("a29"), Ok(Some(String::new())));
        assert!(diagnostics.iter().all(|diagnostic| diagnostic.code == codes::PROPERTY_CYCLE));
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
