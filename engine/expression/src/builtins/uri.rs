//! `uriparse`: a URI and its parts, as Java's `URI` takes them apart.

use std::{
    borrow::Cow,
    net::{Ipv4Addr, Ipv6Addr},
};

use indexmap::IndexMap;
use jaq_core::{Error, ValR};
use percent_encoding::percent_decode_str;

use crate::{budget, value::Val};

/// Characters that a part may have beside letters, digits and all that is not ASCII.
const IN_PATH: &str = "-_.!~*'():@&=+$,;/%";
const IN_AUTHORITY: &str = "-_.!~*'():@&=+$,;%[]";
const ANYWHERE: &str = "-_.!~*'():@&=+$,;/?%[]";

/// An authority that names a server.
#[derive(Default)]
struct Server<'a> {
    user: Option<&'a str>,
    host: Option<&'a str>,
    port: Option<i32>,
}

/// `uriparse`: the parts, each as written (`raw_…`) and decoded.
pub(super) fn parse(value: &Val) -> ValR<Val> {
    let Some(text) = value.as_str() else {
        let kind = value.type_name().to_uppercase();
        return Err(Error::str(format!("uriparse is not applicable to {kind}; expected one of [STRING]")));
    };
    let (rest, fragment) = cut(text, '#');
    check(text, fragment, ANYWHERE, "fragment")?;
    let (scheme, rest) = scheme(text, rest)?;
    let is_opaque = scheme.is_some() && !rest.starts_with('/');
    if is_opaque {
        check(text, Some(rest), ANYWHERE, "opaque part")?;
    }
    let (rest, query) = if is_opaque { ("", None) } else { cut(rest, '?') };
    check(text, query, ANYWHERE, "query")?;
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    if rest == "//" && query.is_none() && fragment.is_none() {
        return Err(Error::str(format!("Expected authority at index {}: {text}", text.len())));
    }
    check(text, Some(path), IN_PATH, "path")?;
    let authority = Some(authority).filter(|authority| !authority.is_empty());
    check(text, authority, IN_AUTHORITY, "authority")?;
    let server = authority.map(|authority| server(text, authority)).transpose()?.unwrap_or_default();
    let path = Some(path).filter(|_| !is_opaque);
    let as_written = |part: Option<&str>| part.map_or(Val::Null, Val::text);
    let as_meant = |part: Option<&str>| part.map_or(Val::Null, |part| Val::text(decoded(part)));
    Ok(Val::object([
        ("scheme", as_written(scheme)),
        ("user_info", as_meant(server.user)),
        ("raw_user_info", as_written(server.user)),
        ("host", as_written(server.host)),
        ("port", Val::Int(server.port.map_or(-1, i64::from))),
        ("authority", as_meant(authority)),
        ("raw_authority", as_written(authority)),
        ("path", as_meant(path)),
        ("raw_path", as_written(path)),
        ("query", as_meant(query)),
        ("raw_query", as_written(query)),
        ("query_obj", parameters(query.unwrap_or_default())),
        ("fragment", as_meant(fragment)),
        ("raw_fragment", as_written(fragment)),
    ]))
}

fn cut(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, behind)| (before, Some(behind)))
}

fn scheme<'a>(text: &str, rest: &'a str) -> Result<(Option<&'a str>, &'a str), Error<Val>> {
    let Some((scheme, behind)) = rest.split_once(':').filter(|(before, _)| !before.contains(['/', '?']))
    else {
        return Ok((None, rest));
    };
    if scheme.is_empty() {
        return Err(Error::str(format!("Expected scheme name at index 0: {text}")));
    }
    let is_good = |(index, letter): (usize, char)| {
        letter.is_ascii_alphabetic() || index > 0 && (letter.is_ascii_digit() || "+-.".contains(letter))
    };
    if let Some((index, _)) = scheme.char_indices().find(|place| !is_good(*place)) {
        return Err(Error::str(format!("Illegal character in scheme name at index {index}: {text}")));
    }
    if behind.is_empty() {
        return Err(Error::str(format!(
            "Expected scheme-specific part at index {}: {text}",
            scheme.len() + 1
        )));
    }
    Ok((Some(scheme), behind))
}

/// Checks that a part has only allowed characters, and two hexadecimal digits behind each `%`.
fn check(text: &str, part: Option<&str>, allowed: &str, name: &str) -> Result<(), Error<Val>> {
    let Some(part) = part.filter(|part| !part.is_empty()) else { return Ok(()) };
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    for (index, letter) in part.char_indices() {
        let is_other = !letter.is_ascii() && !letter.is_control() && !letter.is_whitespace();
        if !(letter.is_ascii_alphanumeric() || is_other || allowed.contains(letter)) {
            let place = start + index;
            return Err(Error::str(format!("Illegal character in {name} at index {place}: {text}")));
        }
        let digits = part.as_bytes().get(index + 1..index + 3).unwrap_or_default();
        if letter == '%' && !(digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit)) {
            return Err(Error::str(format!("Malformed escape pair at index {}: {text}", start + index)));
        }
    }
    Ok(())
}

/// User, host and port of an authority. An authority that is no server, as the bucket in `s3://bucket_x`, has none of them.
fn server<'a>(text: &str, authority: &'a str) -> Result<Server<'a>, Error<Val>> {
    let (user, place) = match authority.split_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    let (host, port) = match place.strip_prefix('[') {
        Some(inner) => {
            let Some((address, _)) = inner.split_once(']') else {
                return Err(Error::str(format!("Expected closing bracket for IPv6 address: {text}")));
            };
            let (number, _) = cut(address, '%');
            if number.parse::<Ipv6Addr>().is_err() {
                return Err(Error::str(format!("Malformed IPv6 address: {text}")));
            }
            place.split_at(address.len() + 2)
        }
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    let port = match port.strip_prefix(':') {
        None | Some("") => Some(None),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok().map(Some),
        Some(_) => None,
    };
    Ok(match port {
        Some(port) if place.starts_with('[') || is_host(host) => Server { user, host: Some(host), port },
        _ => Server::default(),
    })
}

fn is_host(host: &str) -> bool {
    if host.parse::<Ipv4Addr>().is_ok() {
        return true;
    }
    let labels = || host.strip_suffix('.').unwrap_or(host).split('.');
    let is_label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    labels().all(is_label)
        && labels()
            .next_back()
            .is_some_and(|last| last.starts_with(|first: char| first.is_ascii_alphabetic()))
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// The parameters of a query. A name that occurs more than once has an array.
fn parameters(query: &str) -> Val {
    let mut found: IndexMap<String, Vec<Val>> = IndexMap::new();
    for pair in query.split('&') {
        budget::step();
        if let Some((name, value)) = pair.split_once('=').filter(|(_, value)| !value.contains('=')) {
            let meant = |part: &str| decoded(&part.replace('+', " ")).into_owned();
            found.entry(meant(name)).or_default().push(Val::text(meant(value)));
        }
    }
    Val::object(found.into_iter().map(|(name, mut values)| match values.len() {
        1 => (name, values.remove(0)),
        _ => (name, Val::array(values)),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_taken_apart_as_java_does() {
        for (text, parts) in [
            (
                "http://u:p%40@h.example:8080/p/a%20b?q=1&r=a+b&q=2&x&y=z=#frag%20x",
                r#"["http","u:p@","h.example",8080,"u:p@@h.example:8080","/p/a b","q=1&r=a+b&q=2&x&y=z=",{"q":["1","2"],"r":"a b"},"frag x"]"#,
            ),
            ("mailto:a@b.c", r#"["mailto",null,null,-1,null,null,null,{},null]"#),
            ("/rel?=b&a=", r#"[null,null,null,-1,null,"/rel","=b&a=",{"":"b","a":""},null]"#),
            ("", r#"[null,null,null,-1,null,"",null,{},null]"#),
            ("?#", r#"[null,null,null,-1,null,"","",{},""]"#),
            ("http:///p", r#"["http",null,null,-1,null,"/p",null,{},null]"#),
            ("//h:/%ff", "[null,null,\"h\",-1,\"h:\",\"/\u{fffd}\",null,{},null]"),
            ("s3://bucket_x/k", r#"["s3",null,null,-1,"bucket_x","/k",null,{},null]"#),
            ("http://999.1.1.1/", r#"["http",null,null,-1,"999.1.1.1","/",null,{},null]"#),
            ("http://1.2.3.4/", r#"["http",null,"1.2.3.4",-1,"1.2.3.4","/",null,{},null]"#),
            ("http://[::1]:80/?[x]", r#"["http",null,"[::1]",80,"[::1]:80","/","[x]",{},null]"#),
            ("http://ä.de/ü", r#"["http",null,null,-1,"ä.de","/ü",null,{},null]"#),
        ] {
            let parsed = parse(&Val::text(text)).map_err(|error| error.to_string()).unwrap();
            let members = parsed.members().into_iter();
            let meant = Val::array(
                members.filter(|(name, _)| !name.starts_with("raw_")).map(|(_, part)| part.clone()),
            );
            assert_eq!(meant.to_json(), parts, "{text}");
        }
        for text in [
            "::bad",
            "1a:b",
            "http:",
            "http://",
            "a b",
            "a%zz",
            "a%2",
            "a^b",
            "a#b#c",
            "http://h/[x]",
            "http://[zz]/",
            "http://[::1/",
        ] {
            assert!(parse(&Val::text(text)).is_err(), "{text}");
        }
    }
}
