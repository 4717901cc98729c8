//! The lines of the protocol: what clients send.

/// The largest message, as the server says in its INFO.
pub(super) const MAX_PAYLOAD: usize = 1 << 20;

/// The longest line of control: NATS' default.
pub(super) const MAX_LINE: usize = 4096;

/// A line of a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Connect {
        is_verbose: bool,
        wants_no_responders: bool,
    },
    Ping,
    Pong,
    /// A message follows: of its `size` bytes the first `header` ones are headers.
    Publish {
        subject: String,
        reply: Option<String>,
        header: usize,
        size: usize,
    },
    Subscribe {
        pattern: String,
        queue: Option<String>,
        id: String,
    },
    /// Ends a subscription, at once or when it has had `after` messages.
    Unsubscribe {
        id: String,
        after: Option<u64>,
    },
}

impl Operation {
    /// Reads a line without its end. The error is the text of an `-ERR`.
    pub(super) fn parse(line: &str) -> Result<Self, &'static str> {
        let (name, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let arguments: Vec<&str> = rest.split_whitespace().collect();
        let parsed = match (name.to_ascii_uppercase().as_str(), arguments.as_slice()) {
            ("PING", []) => Some(Self::Ping),
            ("PONG", []) => Some(Self::Pong),
            ("CONNECT", _) => {
                let options: serde_json::Value = serde_json::from_str(rest).map_err(|_| PARSE)?;
                let flag = |name: &str| options[name].as_bool().unwrap_or(false);
                Some(Self::Connect {
                    is_verbose: flag("verbose"),
                    wants_no_responders: flag("no_responders"),
                })
            }
            ("PUB", [subject, size]) => publish(subject, None, "0", size),
            ("PUB", [subject, reply, size]) => publish(subject, Some(reply), "0", size),
            ("HPUB", [subject, header, size]) => publish(subject, None, header, size),
            ("HPUB", [subject, reply, header, size]) => publish(subject, Some(reply), header, size),
            ("SUB", [pattern, id]) => Some(subscribe(pattern, None, id)),
            ("SUB", [pattern, queue, id]) => Some(subscribe(pattern, Some(queue), id)),
            ("UNSUB", [id]) => Some(Self::Unsubscribe { id: (*id).to_owned(), after: None }),
            ("UNSUB", [id, after]) => {
                let after = after.parse().ok();
                after.map(|after| Self::Unsubscribe { id: (*id).to_owned(), after: Some(after) })
            }
            _ => None,
        };
        match parsed {
            Some(Self::Publish { size, .. }) if size > MAX_PAYLOAD => Err("Maximum Payload Violation"),
            Some(Self::Publish { header, size, .. }) if header > size => Err(PARSE),
            Some(operation) => Ok(operation),
            None => Err(PARSE),
        }
    }
}

/// NATS' error about a line that it does not know.
const PARSE: &str = "Unknown Protocol Operation";

fn publish(subject: &str, reply: Option<&str>, header: &str, size: &str) -> Option<Operation> {
    Some(Operation::Publish {
        subject: subject.to_owned(),
        reply: reply.map(str::to_owned),
        header: header.parse().ok()?,
        size: size.parse().ok()?,
    })
}

fn subscribe(pattern: &str, queue: Option<&str>, id: &str) -> Operation {
    Operation::Subscribe { pattern: pattern.to_owned(), queue: queue.map(str::to_owned), id: id.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_clients_are_understood() {
        let check = |line: &str, expected| assert_eq!(Operation::parse(line), Ok(expected), "{line}");
        check("PING", Operation::Ping);
        check("ping", Operation::Ping);
        let connect = Operation::Connect { is_verbose: false, wants_no_responders: true };
        check(r#"CONNECT {"verbose":false,"no_responders":true}"#, connect);
        let publish = |subject: &str, reply: Option<&str>, header, size| Operation::Publish {
            subject: subject.to_owned(),
            reply: reply.map(str::to_owned),
            header,
            size,
        };
        check("PUB a.b 5", publish("a.b", None, 0, 5));
        check("PUB a.b  in.1\t5", publish("a.b", Some("in.1"), 0, 5));
        check("HPUB a 12 17", publish("a", None, 12, 17));
        check("UNSUB 1 2", Operation::Unsubscribe { id: "1".to_owned(), after: Some(2) });
        check("SUB a.> workers 9", subscribe("a.>", Some("workers"), "9"));
    }

    #[test]
    fn other_lines_are_refused() {
        for line in [
            "",
            "PUB",
            "PUB a",
            "PUB a b",
            "PUB a -1",
            "HPUB a 9 5",
            "CONNECT",
            "CONNECT {",
            "SUB a",
            "UNSUB",
            "GET / HTTP/1.1",
        ] {
            assert_eq!(Operation::parse(line), Err(PARSE), "{line}");
        }
        assert_eq!(Operation::parse("PUB a 1048577"), Err("Maximum Payload Violation"));
    }
}
