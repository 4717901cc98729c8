//! Services that misbehave on the wire, and the result or error of the call. No call hangs or takes more than its limit.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::support::{call, properties, rest, result};

/// The behaviour of a service after it got a request.
#[derive(Clone)]
enum Does {
    /// Sends these bytes and closes the connection.
    Sends(Vec<u8>),
    /// Sends these bytes, and nothing more.
    Stops(Vec<u8>),
    /// Sends the first bytes, and then the others again and again, as fast as they are read or with a pause.
    Repeats(Vec<u8>, Vec<u8>, Duration),
    /// Ends the connection with a reset.
    Resets,
}

use Does::{Repeats, Resets, Sends, Stops};

const AT_ONCE: Duration = Duration::ZERO;
const SLOWLY: Duration = Duration::from_millis(20);

/// Starts a service with this behaviour, and returns its address.
async fn service(does: Does) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket, does.clone()));
        }
    });
    url
}

/// Serves one connection until the client closes it.
async fn serve(mut socket: TcpStream, does: Does) -> std::io::Result<()> {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        if socket.read_buf(&mut asked).await? == 0 {
            return Ok(());
        }
    }
    match does {
        Sends(bytes) => {
            socket.write_all(&bytes).await?;
            socket.shutdown().await
        }
        Stops(bytes) => {
            socket.write_all(&bytes).await?;
            while socket.read(&mut [0; 64]).await? > 0 {}
            Ok(())
        }
        Repeats(first, others, pause) => {
            socket.write_all(&first).await?;
            loop {
                socket.write_all(&others).await?;
                tokio::time::sleep(pause).await;
            }
        }
        Resets => {
            socket.set_zero_linger()?;
            Ok(())
        }
    }
}

/// An answer with these header lines, then the body.
fn answer(lines: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {}\r\n\r\n", lines.replace('\n', "\r\n")).into_bytes();
    bytes.extend_from_slice(body.as_ref());
    bytes
}

/// A JSON answer with its length.
fn json(body: impl AsRef<[u8]>) -> Does {
    let length = body.as_ref().len();
    Sends(answer(&format!("200 OK\ncontent-type: application/json\ncontent-length: {length}"), body))
}

/// The result, or the error without its place.
async fn outcome(does: Does) -> String {
    let url = service(does).await;
    let more = "kogito.sw.functions.f.timeout=400\nrondo.http.max-answer-bytes=1000000";
    let (binding, properties) = (rest(&format!("get:{url}/a"), true), properties("", more));
    let answer = call(&binding, &properties, Value::Null);
    let answer = tokio::time::timeout(Duration::from_secs(20), answer).await.expect("a call ends");
    match answer {
        Ok(answer) => format!("{} {}", answer.status.unwrap(), result(&answer)),
        Err(error) => {
            let mut text = error.kind.to_string().replace(&url, "");
            text.truncate(text.floor_char_boundary(140));
            text
        }
    }
}

async fn check(rows: Vec<(&str, Does, &str)>) {
    let mut wrong = Vec::new();
    for (name, does, expected) in rows {
        let outcome = outcome(does).await;
        if outcome != expected {
            wrong.push(format!("{name}: {outcome}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const JSON: &str = "200 OK\ncontent-type: application/json";

#[tokio::test]
async fn services_that_are_slow_or_silent_are_given_up() {
    let silent = "gave no answer within 400 ms";
    check(vec![
        ("hang", Stops(Vec::new()), silent),
        ("a body that does not come", Stops(answer(&format!("{JSON}\ncontent-length: 5"), "")), silent),
        (
            "a body that drips",
            Repeats(answer(&format!("{JSON}\ncontent-length: 100000"), ""), b" ".to_vec(), SLOWLY),
            silent,
        ),
        (
            "a head that drips",
            Repeats(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-a: b\r\n".to_vec(), Duration::from_millis(50)),
            silent,
        ),
        (
            "events without end",
            Repeats(answer("200 OK\ncontent-type: text/event-stream", ""), b"data: {}\n\n".to_vec(), SLOWLY),
            silent,
        ),
        (
            "early hints without end",
            Repeats(Vec::new(), answer("103 Early Hints\nlink: </a>", ""), AT_ONCE),
            silent,
        ),
    ])
    .await;
}

#[tokio::test]
async fn services_that_send_too_much_are_cut_off() {
    let mut deep =
        format!("answered 200 with something that is not JSON of at most 100 levels: {}", "[".repeat(140));
    deep.truncate(140);
    let too_large = "answered with more than 1000000 bytes, the limit that `rondo.http.max-answer-bytes` and a quarter of `rondo.limits.memory` set";
    let long_head = "broke off: message head is too large";
    let blanks = vec![b' '; 65_536];
    let mut chunk = b"10000\r\n".to_vec();
    chunk.extend_from_slice(&blanks);
    chunk.extend_from_slice(b"\r\n");
    let many =
        |count: usize| (0..count).map(|i| format!("\nx-h{i}: {}", "v".repeat(1000))).collect::<String>();
    check(vec![
        (
            "chunks without end",
            Repeats(answer(&format!("{JSON}\ntransfer-encoding: chunked"), ""), chunk, AT_ONCE),
            too_large,
        ),
        (
            "a length beyond the limit",
            Stops(answer(&format!("{JSON}\ncontent-length: 209715200"), "")),
            too_large,
        ),
        ("no length, no end", Repeats(answer(JSON, ""), blanks, AT_ONCE), too_large),
        ("compressed blanks", gzip_of_blanks(), too_large),
        (
            "an error without end",
            Repeats(answer("500 X\ncontent-type: text/plain", ""), vec![b'e'; 65_536], AT_ONCE),
            &error_of(500, 140),
        ),
        (
            "an error of great length",
            Repeats(answer("500 X\ncontent-length: 999999999", ""), vec![b'e'; 65_536], AT_ONCE),
            &error_of(500, 140),
        ),
        ("many headers", Sends(answer(&format!("{JSON}\ncontent-length: 2{}", many(90)), "{}")), "200 {}"),
        (
            "too many headers",
            Sends(answer(&format!("{JSON}\ncontent-length: 2{}", many(1000)), "{}")),
            long_head,
        ),
        (
            "a header without end",
            Repeats(b"HTTP/1.1 200 OK\r\nx-a: ".to_vec(), vec![b'v'; 65_536], AT_ONCE),
            long_head,
        ),
        ("deep", json([b"[".repeat(200_000), b"]".repeat(200_000)].concat()), &deep),
    ])
    .await;
}

fn error_of(status: u16, length: usize) -> String {
    let mut text = format!("answered {status} Internal Server Error: {}", "e".repeat(length));
    text.truncate(length);
    text
}

/// Two million blanks in some two thousand bytes.
fn gzip_of_blanks() -> Does {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b' '; 2_000_000]).unwrap();
    let body = encoder.finish().unwrap();
    assert!(body.len() < 10_000);
    Sends(answer(&format!("{JSON}\ncontent-encoding: gzip\ncontent-length: {}", body.len()), body))
}

#[tokio::test]
async fn broken_messages_are_named() {
    check(vec![
        ("closed at once", Sends(Vec::new()), "broke off: connection closed before message completed"),
        ("reset", Resets, "broke off: Connection reset by peer"),
        (
            "half a body",
            Sends(answer(&format!("{JSON}\ncontent-length: 100"), "{\"a\":1")),
            "broke off: end of file before message length reached",
        ),
        (
            "no HTTP",
            Sends(b"\x05\xff\x00 nothing\r\n\r\n".to_vec()),
            "broke off: invalid HTTP version parsed",
        ),
        (
            "bad chunk",
            Sends(answer(&format!("{JSON}\ntransfer-encoding: chunked"), "ZZ\r\n{}\r\n0\r\n\r\n")),
            "broke off: Invalid chunk size line: missing size digit",
        ),
        (
            "huge chunk",
            Sends(answer(&format!("{JSON}\ntransfer-encoding: chunked"), "ffffffffffffffff\r\n{}")),
            "broke off: end of file before message length reached",
        ),
        (
            "two lengths",
            Sends(answer(&format!("{JSON}\ncontent-length: 2\ncontent-length: 7"), "{\"a\":1}")),
            "broke off: invalid content-length parsed",
        ),
        (
            "a length below zero",
            Sends(answer(&format!("{JSON}\ncontent-length: -1"), "{}")),
            "broke off: invalid content-length parsed",
        ),
        (
            "no gzip",
            Sends(answer(&format!("{JSON}\ncontent-encoding: gzip\ncontent-length: 2"), "{}")),
            "broke off: Invalid gzip header",
        ),
        (
            "another protocol",
            Sends(answer("101 Switching Protocols\nupgrade: websocket\nconnection: upgrade", "")),
            "answered 101 Switching Protocols",
        ),
        ("not modified", Sends(answer("304 Not Modified", "")), "answered 304 Not Modified"),
        ("an odd status", Sends(answer("999 Odd\ncontent-length: 0", "")), "answered 999 "),
    ])
    .await;
}

#[tokio::test]
async fn answers_that_can_be_understood_are() {
    check(vec![
        (
            "HTTP 1.0",
            Sends(b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{\"a\":1}".to_vec()),
            r#"200 {"a":1}"#,
        ),
        ("no length", Sends(answer(JSON, "{\"a\":1}")), r#"200 {"a":1}"#),
        ("no content type", Sends(answer("200 OK\ncontent-length: 7", "{\"a\":1}")), r#"200 {"a":1}"#),
        (
            "another coding that is none",
            Sends(answer(&format!("{JSON}\ncontent-encoding: br\ncontent-length: 2"), "{}")),
            "200 {}",
        ),
        (
            "early hints",
            Sends(
                [
                    answer("103 Early Hints\nlink: </a>", ""),
                    answer(&format!("{JSON}\ncontent-length: 2"), "{}"),
                ]
                .concat(),
            ),
            "200 {}",
        ),
        ("no content", Sends(answer("204 No Content", "")), "204 null"),
        ("no content, but a body", Sends(answer("204 No Content\ncontent-length: 5", "hello")), "204 null"),
        ("nothing", json(""), "200 null"),
        (
            "a second answer that nobody asked for",
            Sends(
                [
                    answer(&format!("{JSON}\ncontent-length: 7"), "{\"a\":1}"),
                    answer(&format!("{JSON}\ncontent-length: 14"), "{\"smuggled\":1}"),
                ]
                .concat(),
            ),
            r#"200 {"a":1}"#,
        ),
        ("a name twice", json(r#"{"a":1,"a":2}"#), r#"200 {"a":2}"#),
        ("UTF-16 with its mark", json(b"\xff\xfe{\0}\0"), "200 {}"),
        (
            "ISO-8859-1",
            Sends(answer(
                "200 OK\ncontent-type: application/json; charset=iso-8859-1\ncontent-length: 5",
                b"[\"\xe9\"]",
            )),
            "200 [\"\u{e9}\"]",
        ),
        ("a NUL", json(r#"{"a":"\u0000"}"#), r#"200 {"a":"\u0000"}"#),
        (
            "90 levels",
            json([b"[".repeat(90), b"]".repeat(90)].concat()),
            &format!("200 {}{}", "[".repeat(90), "]".repeat(90)),
        ),
    ])
    .await;
}

#[tokio::test]
async fn answers_that_are_no_json_say_so() {
    let no_json = |shown: &str| format!("answered 200 with something that is not JSON: {shown}");
    let rows: Vec<(&str, Does, String)> = vec![
        (
            "HTML",
            Sends(answer("200 OK\ncontent-type: text/html\ncontent-length: 6", "<html>")),
            no_json("<html>"),
        ),
        (
            "XML",
            Sends(answer("200 OK\ncontent-type: application/xml\ncontent-length: 4", "<a/>")),
            no_json("<a/>"),
        ),
        ("no UTF-8", json(b"{\"a\":\"\xff\xfe\"}"), no_json("{\"a\":\"\u{fffd}\u{fffd}\"}")),
        (
            "an encoding that nobody knows",
            Sends(answer("200 OK\ncontent-type: application/json; charset=ebcdic-x\ncontent-length: 2", "{}")),
            "answered 200 with something that is not text in an encoding that is known (it says `charset=ebcdic-x`): {}".to_owned(),
        ),
        (
            "half a character",
            Sends(answer("200 OK\ncontent-type: application/json; charset=utf-16le\ncontent-length: 4", b"\"\0\0\xd8")),
            "answered 200 with something that is not text in UTF-16LE: \"\u{fffd}".to_owned(),
        ),
        ("a bare NUL", json(b"{\"a\":\"\x00\"}"), no_json("{\"a\":\"\0\"}")),
        ("half a surrogate", json(r#"{"a":"\ud800"}"#), no_json(r#"{"a":"\ud800"}"#)),
        ("a number beyond all", json(r#"{"a":1e400}"#), no_json(r#"{"a":1e400}"#)),
        ("NaN", json(r#"{"a":NaN}"#), no_json(r#"{"a":NaN}"#)),
        ("something behind it", json(r#"{"a":1}garbage"#), no_json(r#"{"a":1}garbage"#)),
    ];
    check(rows.iter().map(|(name, does, expected)| (*name, does.clone(), expected.as_str())).collect()).await;
}

#[tokio::test]
async fn redirects_that_lead_elsewhere_are_not_followed() {
    let to = |status: &str, place: &str| {
        Sends(answer(&format!("{status}\nlocation: {place}\ncontent-length: 0"), ""))
    };
    check(vec![
        (
            "a circle",
            to("302 Found", "/a"),
            "answered 302 Found: it redirects to `/a`, which is not followed: 5 redirects led here already",
        ),
        (
            "a circle that keeps the method",
            to("307 T", "/a"),
            "answered 307 Temporary Redirect: it redirects to `/a`, which is not followed: 5 redirects led here already",
        ),
        (
            "a link-local address",
            to("302 Found", "http://169.254.169.254/latest"),
            "answered 302 Found: it redirects to `http://169.254.169.254/latest`, which is not followed: a call stays at its service, and this is another",
        ),
        (
            "a file",
            to("302 Found", "file:///etc/passwd"),
            "answered 302 Found: it redirects to `file:///etc/passwd`, which is not followed: this is no address of HTTP",
        ),
        (
            "another scheme",
            to("302 Found", "https://127.0.0.1/"),
            "answered 302 Found: it redirects to `https://127.0.0.1/`, which is not followed: a call stays at its service, and this is https instead of h",
        ),
        (
            "credentials",
            to("302 Found", "http://user:hunter2@127.0.0.1:1/?token=abcdef"),
            "answered 302 Found: it redirects to `http://127.0.0.1:1/?token=***`, which is not followed: a call stays at its service, and this is another",
        ),
        (
            "a choice",
            to("300 Multiple Choices", "/b"),
            "answered 300 Multiple Choices: it redirects to `/b`, which is not followed: the status asks for a choice of the caller",
        ),
        (
            "nowhere",
            Sends(answer("301 Moved Permanently\ncontent-length: 4", "gone")),
            "answered 301 Moved Permanently: it redirects, and does not say where to: gone",
        ),
    ])
    .await;
}
