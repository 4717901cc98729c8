use super::*;
use async_graphql::parser::parse_query;
use serde_json::json;

fn told(question: &str, variables: serde_json::Value) -> Result<(), String> {
    let document = parse_query(question).unwrap();
    check(&document, &Variables::from_json(variables)).map_err(|error| error.message)
}

/// `f0` spreads `f1` as often as told, and so on; the last one has a field.
fn chain(length: usize, times: usize) -> String {
    let fragments = (0..length).map(|number| {
        let spread = format!("...f{} ", number + 1);
        format!("fragment f{number} on ProcessInstance {{ {} }}\n", spread.repeat(times))
    });
    let last = format!("fragment f{length} on ProcessInstance {{ id }}");
    format!("{{ ProcessInstances {{ ...f0 }} }}\n{}{last}", fragments.collect::<String>())
}

const FULL: &str = "query IntrospectionQuery { __schema { queryType { name } mutationType { name } subscriptionType { name }
    types { ...FullType } directives { name description locations args { ...InputValue } } } }
    fragment FullType on __Type { kind name description
      fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
      inputFields { ...InputValue } interfaces { ...TypeRef }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
    fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
    fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType {
      kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

#[test]
fn the_lists_of_our_schema_are_not_longer_than_counted() {
    use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
    let document = async_graphql::parser::parse_schema(include_str!("../data-index.graphql")).unwrap();
    let length = |name: &str| LISTS.iter().find(|(list, _)| *list == name).unwrap().1;
    // Besides ours there are the five plain scalars and the eight types of introspection.
    assert!(document.definitions.len() as u64 + 13 <= length("types"), "{}", document.definitions.len());
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        match definition.node.kind {
            TypeKind::Object(object) => {
                assert!(object.fields.len() as u64 <= length("fields"));
                assert!(
                    object.fields.iter().all(|field| field.node.arguments.len() as u64 <= length("args"))
                );
            }
            TypeKind::InputObject(object) => assert!(object.fields.len() as u64 <= length("inputFields")),
            TypeKind::Enum(values) => assert!(values.values.len() as u64 <= length("enumValues")),
            _ => {}
        }
    }
}

#[test]
fn what_expands_without_measure_is_refused_before_it_is_walked() {
    let fields = |count: usize| format!("{{ ProcessInstances {{ {} }} }}", "id ".repeat(count));
    let roots = |count: usize| (0..count).map(|n| format!("a{n}: CountJobs ")).collect::<String>();
    let large = json!({"v": vec![1; 100_000]});
    for (question, variables, problem) in [
        (chain(30, 2), json!({}), Some("more than 2000 fields")),
        (chain(100, 1), json!({}), Some("more than 64 deep, fragments included")),
        (chain(20, 1), json!({}), None),
        (FULL.into(), json!({}), None),
        (
            format!("{{ __type(name: \"A\") {{ {} name {} }} }}", "inputFields { type { ".repeat(5), "} } ".repeat(5)),
            json!({}),
            Some("too deep"),
        ),
        ("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }".into(), json!({}), Some("spreads itself")),
        // Fragments that nobody spreads are walked by the validation all the same.
        (chain(30, 2).replace("{ ...f0 }", "{ id }"), json!({}), Some("more than 2000 fields")),
        (fields(1900), json!({}), None),
        (fields(2000), json!({}), Some("more than 2000 fields")),
        (format!("{{ CountJobs({}) }}", "a:1 ".repeat(2000)), json!({}), Some("more than 2000 fields")),
        (format!("{{ {} }}", roots(20)), json!({}), None),
        (format!("{{ {} }}", roots(21)), json!({}), Some("more than 20 lists")),
        (format!("{{ ...a ... {{ {} }} }} fragment a on Query {{ b: CountJobs }}", roots(20)), json!({}), Some("more than 20 lists")),
        ((0..201).map(|n| format!("query q{n} {{ CountJobs }}")).collect(), json!({}), Some("201 operations")),
        ("query($v: JSON) { CountJobs(where: [$v]) }".into(), large.clone(), None),
        ("query($v: JSON) { CountJobs(where: [$v, $v]) }".into(), large.clone(), Some("too large")),
        ("query($v: JSON) { a: CountJobs(where: $v) ...f } fragment f on Query { b: CountJobs(where: $v) }".into(), large, Some("too large")),
        (
            format!("query($v: JSON = [{}]) {{ CountJobs(where: [{}]) }}", "1,".repeat(1000), "$v,".repeat(300)),
            json!({}),
            Some("too large"),
        ),
    ] {
        let told = told(&question, variables);
        let start: String = question.chars().take(80).collect();
        match problem {
            None => assert_eq!(told, Ok(()), "{start}"),
            Some(problem) => assert!(told.as_ref().is_err_and(|error| error.contains(problem)), "{start}: {told:?}"),
        }
    }
}
