use std::{path::Path, sync::Arc};

use super::{ALL, Kind, check, check_project, find_setting, without_secrets};
use crate::{Environment, Properties, PropertiesFile};

/// The diagnostics of a properties file, each on one line with its help.
fn check_file(text: &str, variables: &[(&str, &str)]) -> String {
    let env: Environment =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (properties, mut found) = Properties::parse("application.properties", text, env);
    found.extend(check(&properties, Path::new("/nowhere")));
    found.sort();
    let lines = found.iter().map(|diagnostic| match &diagnostic.help {
        Some(help) => format!("{diagnostic} ({help})"),
        None => diagnostic.to_string(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn all_problems_are_reported_at_their_places() {
    let file = "\
rondo.http.timeout=abc
  rondo.limits.steps : 0
rondo.clock.speed=4294967296
rondo.http.max-body-bytes = -1
rondo.http.allow-link-local=maybe
rondo.compat=both
rondo.resources.mirror=gone
rondo.tls.ca-file=/nowhere/ca.pem
rondo.auth.tokn=x
rondo.something-else=1
rondo.http.max-answer-bytes=${UNSET}
quarkus.rest-client.a_yaml.url=host:8080
quarkus.rest-client.\"b.c\".url=http://
quarkus.rest-client.a_yaml.read-timeout=1s
quarkus.tls.trust-all=perhaps
kogito.sw.operationIdStrategy=NAME
kogito.sw.functions.f.port=70000
open=${never closed
";
    insta::assert_snapshot!(check_file(file, &[("KOGITO_PROCESS_INSTANCES_LIMIT", "many")]), @r#"
    application.properties:1:20: error[RON0503]: the value of the property `rondo.http.timeout` is not a whole number of milliseconds above 0
    application.properties:2:24: error[RON0503]: the value of the property `rondo.limits.steps` is not a whole number above 0
    application.properties:3:19: error[RON0503]: the value of the property `rondo.clock.speed` is not a whole number above 0
    application.properties:4:29: error[RON0503]: the value of the property `rondo.http.max-body-bytes` is not a whole number above 0
    application.properties:5:29: error[RON0503]: the value of the property `rondo.http.allow-link-local` is not `true` or `false`
    application.properties:6:14: error[RON0503]: the value of the property `rondo.compat` is not one of `sonataflow`, `spec`
    application.properties:7:24: error[RON0507]: `rondo.resources.mirror`: there is no folder `gone` below that of the workflows
    application.properties:8:19: error[RON0507]: `rondo.tls.ca-file`: the file `/nowhere/ca.pem` cannot be read: No such file or directory (os error 2)
    application.properties:9:1: error[RON0505]: there is no property `rondo.auth.tokn` (did you mean `rondo.auth.token`?)
    application.properties:10:1: error[RON0505]: there is no property `rondo.something-else` (there are `rondo.auth.token`, `rondo.clock.speed`, `rondo.compat`, `rondo.concurrency.<group>.key`, `rondo.concurrency.<group>.limit`, `rondo.concurrency.<group>.workflows`, `rondo.desk.enabled`, `rondo.desk.events.<consumer>`, `rondo.desk.github.url`, `rondo.desk.mail.domain`, `rondo.desk.mail.from`, `rondo.desk.mail.token`, `rondo.desk.mail.url`, `rondo.desk.tickets.gitlab.hook-token`, `rondo.desk.tickets.gitlab.poll-interval`, `rondo.desk.tickets.gitlab.project`, `rondo.desk.tickets.gitlab.token`, `rondo.desk.tickets.gitlab.url`, `rondo.desk.token`, `rondo.desk.users.<name>.email`, `rondo.desk.users.<name>.groups`, `rondo.desk.users.<name>.roles`, `rondo.desk.users.<name>.token`, `rondo.desk.users.<name>.tokens.<service>`, `rondo.desk.webhooks.allow-http`, `rondo.desk.webhooks.allow-loopback`, `rondo.events.keep`, `rondo.events.max-kept`, `rondo.events.max-kept-bytes`, `rondo.events.max-outbox`, `rondo.events.remember`, `rondo.events.send-timeout`, `rondo.functions.<name>.replacement`, `rondo.graphql.max-answer-bytes`, `rondo.graphql.timeout`, `rondo.http.allow-link-local`, `rondo.http.allowed-hosts`, `rondo.http.body-timeout`, `rondo.http.head-timeout`, `rondo.http.idle-timeout`, `rondo.http.max-answer-bytes`, `rondo.http.max-body-bytes`, `rondo.http.max-calls`, `rondo.http.max-connections`, `rondo.http.min-rate`, `rondo.http.multi-segment-paths`, `rondo.http.queue-timeout`, `rondo.http.timeout`, `rondo.http.write-timeout`, `rondo.limits.memory`, `rondo.limits.steps`, `rondo.limits.subflows`, `rondo.python.command`, `rondo.python.enabled`, `rondo.python.max-output-bytes`, `rondo.python.memory`, `rondo.python.processes`, `rondo.python.timeout`, `rondo.resources.mirror`, `rondo.tls.ca-file`, `rondo.uri.alias`)
    application.properties:11:29: error[RON0503]: the property `rondo.http.max-answer-bytes` refers to `${UNSET}`, which is neither a property nor an environment variable
    application.properties:12:32: warning[RON0506]: the value of the property `quarkus.rest-client.a_yaml.url` is not an http or https address such as `https://host.example/path`
    application.properties:13:31: warning[RON0506]: the value of the property `quarkus.rest-client."b.c".url` is not an http or https address such as `https://host.example/path`
    application.properties:14:41: error[RON0503]: the value of the property `quarkus.rest-client.a_yaml.read-timeout` is not a whole number of milliseconds
    application.properties:15:23: warning[RON0506]: the value of the property `quarkus.tls.trust-all` is not `true` or `false`
    application.properties:16:31: warning[RON0506]: the value of the property `kogito.sw.operationIdStrategy` is not one of `FILE_NAME`, `FULL_URI`, `SPEC_TITLE`, `FUNCTION_NAME`
    application.properties:17:28: error[RON0503]: the value of the property `kogito.sw.functions.f.port` is not a whole number from 1 to 65535
    application.properties:18:6: warning[RON0504]: the value of the property `open` has a `${` without closing brace (write `${NAME}`, or `$${` for the characters themselves)
    environment variable KOGITO_PROCESS_INSTANCES_LIMIT: error[RON0503]: the value of the property `kogito.process.instances.limit` is not a whole number
    "#);
}

/// What the engine reads when it loads the folder is an error; another property fails when it is read. A circle is one problem.
#[test]
fn properties_that_refer_to_themselves_are_reported_by_what_reads_them() {
    let file = "X=${X:/d}\nkogito.service.url=${base}\nbase=${kogito.service.url}\nset=${set}\n\
                a=${b}\nb=${c:x}\nc=${a}\nleads=${a}${X}\n";
    insta::assert_snapshot!(check_file(file, &[("SET", "v")]), @r"
    application.properties:1:3: warning[RON0513]: the property `X` refers to itself by `${X}`, so it has no value, and what reads it fails (only the environment variable `X` gives it a value; a default after `:` does not)
    application.properties:2:20: error[RON0502]: the property `kogito.service.url` refers to itself by `${kogito.service.url}`
    application.properties:5:3: warning[RON0513]: the property `a` refers to itself by `${a}`, so it has no value, and what reads it fails (only the environment variable `A` gives it a value; a default after `:` does not)
    ");
}

/// A project is told of its own lines, and that the engine does not ask it for what is engine-wide.
#[test]
fn the_properties_of_a_project_are_checked_without_those_of_the_root() {
    let (of_root, _) = PropertiesFile::parse("application.properties", "rondo.http.timeout=x\nopen=${a\n");
    let text = "\
rondo.http.timeout=1000
%prod.rondo.limits.steps=x
%dev.rondo.limits.memory=1
rondo.tls.ca-fil=x
rondo.compat=both
rondo.resources.mirror=gone
kogito.service.url=http://me
quarkus.tls.trust-all=true
quarkus.rest-client.a.read-timeout=1s
loop=${loop}
";
    let (own, _) = PropertiesFile::parse("order/application.properties", text);
    let root = Properties::layered("application.properties", vec![Arc::new(of_root)], Environment::new());
    let project = root.with_files_over("order/application.properties", vec![Arc::new(own)]);
    let mut found = check_project(&project, Path::new("/nowhere"), "order");
    found.sort();
    let lines: Vec<_> =
        found.iter().map(|found| found.to_string().replace("order/application.properties", "…")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    …:1:1: warning[RON0514]: the property `rondo.http.timeout` has no effect here: it is about the whole engine
    …:2:1: warning[RON0514]: the property `rondo.limits.steps` has no effect here: it is about the whole engine
    …:4:1: error[RON0505]: there is no property `rondo.tls.ca-fil`
    …:5:14: error[RON0503]: the value of the property `rondo.compat` is not one of `sonataflow`, `spec`
    …:6:24: error[RON0507]: `rondo.resources.mirror`: there is no folder `gone` below that of the workflows
    …:7:1: warning[RON0514]: the property `kogito.service.url` has no effect here: it is about the whole engine
    …:8:1: warning[RON0514]: the property `quarkus.tls.trust-all` has no effect here: it is about the whole engine
    …:9:36: error[RON0503]: the value of the property `quarkus.rest-client.a.read-timeout` is not a whole number of milliseconds
    …:10:6: warning[RON0513]: the property `loop` refers to itself by `${loop}`, so it has no value, and what reads it fails
    ");
    assert_eq!(project.get("rondo.http.timeout").as_deref(), Some("x"), "the root's counts");
}

#[test]
fn a_list_of_tokens_without_a_token_is_refused() {
    for (text, variables) in [
        ("rondo.auth.token=", &[][..]),
        ("rondo.auth.token= , ", &[]),
        ("rondo.auth.token=${TOKEN:}", &[]),
        ("", &[("RONDO_AUTH_TOKEN", "")]),
    ] {
        let found = check_file(text, variables);
        assert!(found.contains("`rondo.auth.token` is not a token"), "{text} {variables:?}: {found}");
        let place =
            if variables.is_empty() { "application.properties:1:" } else { "RONDO_AUTH_TOKEN: error" };
        assert!(found.contains(place), "{found}");
    }
}

#[test]
fn unknown_variables_are_reported() {
    for (name, expected) in [
        ("RONDO_AUTH_TOKENS", "did you mean `RONDO_AUTH_TOKEN`?"),
        ("RONDO_TOKN", "did you mean `RONDO_TOKEN`?"),
        ("Rondo_Auth_Token", "did you mean `RONDO_AUTH_TOKEN`?"),
        ("rondo.http.time-out", "did you mean `RONDO_HTTP_TIMEOUT`?"),
        (
            "RONDO_SOMETHING_ELSE_ALTOGETHER",
            "there are `RONDO_AUTH_TOKEN`, `RONDO_CLOCK_SPEED`, `RONDO_COMPAT`",
        ),
        ("RONDO_AUTH_TOKEN", ""),
        ("rondo_auth_token", ""),
        ("rondo.auth.token", ""),
        ("RONDO_STORE", ""),
        ("RONDO_SECRET_KEY", ""),
        ("RONDO_SERVICE_HOST", ""),
        ("RONDO_PORT_8080_TCP_ADDR", ""),
        ("RONDO_MINE", ""),
        ("RONDO_OURS", ""),
        ("QUARKUS_ANYTHING", ""),
        ("RONDOS", ""),
    ] {
        let found = check_file("mine=${RONDO_MINE}/${RONDO_OURS:x}\n", &[(name, "x")]);
        // A variable that a workflow may read as secret is only a warning.
        let level = if expected.starts_with("there are") { "warning[RON0509]" } else { "error[RON0508]" };
        let message = format!("environment variable {name}: {level}: no property is called so");
        assert_eq!(found.starts_with(&message), !expected.is_empty(), "{name}: {found}");
        assert!(found.contains(expected), "{name}: {found}");
    }
}

#[test]
fn lines_are_shown_without_secrets() {
    let text = "rondo.http.timeout=1\n%prod.rondo.auth.token = one,two\nrondo.auth.tokn=one\na=1\n\
                quarkus.openapi-generator.\"x\".auth.y.bearer-token=abc${\nkogito.sw.functions.f.password:";
    insta::assert_snapshot!(without_secrets(text), @r#"
    rondo.http.timeout=1
    %prod.rondo.auth.token = ***
    rondo.auth.tokn=***
    a=***
    quarkus.openapi-generator."x".auth.y.bearer-token=***
    kogito.sw.functions.f.password:
    "#);
}

#[test]
fn a_secret_is_not_shown_however_its_entry_is_written() {
    for (text, shown) in [
        (
            "rondo.auth.token=one\\\n  two\\\nthree\nrondo.compat=1\\\n2",
            "rondo.auth.token=***\n***\n***\nrondo.compat=1\\\n2",
        ),
        ("rondo.auth.token=\\\r\n  two\r\n", "rondo.auth.token=***\r\n***\r\n"),
        ("rondo.au\\\nth.token=two\n\n", "rondo.au\\\n***\n\n"),
        ("r\\u006fndo.auth\\.token two", "r\\u006fndo.auth\\.token ***"),
        (
            "rondo.compat=1\rrondo.auth.token=two\rrondo.compat=2",
            "rondo.compat=1\rrondo.auth.token=***\rrondo.compat=2",
        ),
        (
            "# rondo.auth.token=\\\nrondo.compat=2\\\\\nrondo.compat=3",
            "# rondo.auth.token=\\\nrondo.compat=2\\\\\nrondo.compat=3",
        ),
        ("rondo.\"auth.token=two", "rondo.\"auth.token=***"),
        ("\"rondo.auth\".token=two", "\"rondo.auth\".token=***"),
    ] {
        assert_eq!(without_secrets(text), shown);
        assert_eq!(without_secrets(shown), shown);
    }
}

#[test]
fn a_valid_file_has_no_diagnostics() {
    let file = "\
rondo.auth.token=a,b
rondo.http.timeout= 5000
rondo.compat=Spec
rondo.uri.alias=http://far/=local/,
rondo.http.allowed-hosts=a.example.com, *.example.org, [::1],*
quarkus.rest-client.a_yaml.url=${HOST:http://localhost:8080}/api
quarkus.rest-client.unused_yaml.url=${UNSET}
quarkus.rest-client.a_yaml.connect-timeout=0
quarkus.rest-client.a_yaml.scope=whatever
quarkus.openapi-generator.a_yaml.auth.x.token-propagation=true
kogito.codegen.ignoreHiddenFiles=no
empty=
my.own=$${literal}
";
    assert_eq!(check_file(file, &[]), "");
}

#[test]
fn a_host_is_a_name_without_port_or_path() {
    for host in ["a.example.com:8080", "http://a.example.com", "a.example.com/x", "a.*.com", "a b", "*x"] {
        let found = check_file(&format!("rondo.http.allowed-hosts={host}\n"), &[]);
        assert!(found.contains("a list of host names without ports"), "{host}: {found}");
    }
}

#[test]
fn a_key_belongs_to_the_setting_whose_holes_it_fills() {
    for (key, name) in [
        ("rondo.http.timeout", Some("rondo.http.timeout")),
        ("quarkus.rest-client.\"a.b\".url", Some("quarkus.rest-client.<key>.url")),
        ("quarkus.rest-client.url", None),
        ("quarkus.rest-client..url", None),
        ("a_yaml/mp-rest/url", Some("<key>/mp-rest/url")),
        (
            "quarkus.openapi-generator.a.b.auth.x.api-key",
            Some("quarkus.openapi-generator.<key>.auth.<scheme>.api-key"),
        ),
        ("quarkus.openapi-generator.a.auth.api-key", None),
    ] {
        assert_eq!(find_setting(key).map(|setting| setting.name), name, "{key}");
    }
}

#[test]
fn defaults_have_the_kind_of_their_setting() {
    for setting in ALL {
        if matches!(setting.kind, Kind::Count { .. } | Kind::Flag | Kind::Millis | Kind::Choice(_))
            && !setting.default.is_empty()
        {
            assert!(setting.kind.allows(setting.default, setting.is_own()), "{}", setting.name);
        }
    }
}
