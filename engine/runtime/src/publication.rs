//! Makes the events that an instance publishes, as rows of the outbox that are committed with the turn.
//!
//! Never: uses the engine or the database.

use std::sync::Arc;

use rondo_event::{Channels, CloudEvent};
use rondo_machine::{CallRequest, Millis, PublishRequest};
use rondo_store::OutgoingEvent;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{active_instance::ActiveInstance, encryption::Encryption, formats::FormatError};

/// The row of the outbox for an event that an instance publishes. Its content is encrypted, because the data may hold secrets.
pub(crate) fn outgoing(
    instance: &ActiveInstance,
    request: &PublishRequest,
    channels: &Channels,
    encryption: &Encryption,
    now: Millis,
) -> Result<OutgoingEvent, FormatError> {
    seal(instance, &event_of(instance, request, now), channels, encryption, now)
}

/// The row of the outbox for a call of a function that sends a message (`asyncapi`); `None` for any other call, and for a message that cannot be
/// sent, whose call fails. The commit of the turn stores the message, so `make_call` only has to answer the call.
pub(crate) fn outgoing_of_call(
    instance: &ActiveInstance,
    call: &CallRequest,
    channels: &Channels,
    encryption: &Encryption,
    now: Millis,
) -> Result<Option<OutgoingEvent>, FormatError> {
    match message_of_call(instance, call, channels, now) {
        Some(Ok(event)) => seal(instance, &event, channels, encryption, now).map(Some),
        Some(Err(_)) | None => Ok(None),
    }
}

/// The event that carries the message of a call of a function that sends one; `None` for any other call.
///
/// # Errors
/// The message can never be sent: a parameter of the channel's address has no value, or one that cannot be part of the address.
pub(crate) fn message_of_call(
    instance: &ActiveInstance,
    call: &CallRequest,
    channels: &Channels,
    now: Millis,
) -> Option<Result<CloudEvent, String>> {
    let channel = instance.deployed.bindings.channel_of(&call.function).filter(|channel| channel.sends)?;
    let message = channel.message(call.arguments.clone().unwrap_or_else(|| call.data.clone()));
    let source = format!("/process/{}", instance.row.workflow);
    let id = event_id(b"call", instance.row.id, call.call);
    let mut event = CloudEvent::new(id.to_string(), source, channel.name.as_str());
    event.data = Some(message.payload);
    complete(&mut event, instance, &[], now);
    let unsendable = |problem: &dyn std::fmt::Display| {
        Err(format!(
            "function `{}`: the message for the channel `{}` cannot be sent: {problem}",
            call.function, channel.name
        ))
    };
    for (name, value) in message.parameters {
        if let Err(error) = event.set_extension(&name, value) {
            return Some(unsendable(&error));
        }
    }
    let outgoing = channels.outgoing_of(&instance.deployed.project, &event.event_type);
    Some(match channels.check_address(outgoing, &event) {
        Ok(()) => Ok(event),
        Err(error) => unsendable(&error),
    })
}

fn seal(
    instance: &ActiveInstance,
    event: &CloudEvent,
    channels: &Channels,
    encryption: &Encryption,
    now: Millis,
) -> Result<OutgoingEvent, FormatError> {
    let channel = channels.outgoing_of(&instance.deployed.project, &event.event_type).to_owned();
    let content = encryption.encrypt(instance.row.id, &event.encode())?;
    Ok(OutgoingEvent { instance: instance.row.id, channel, content, at: now })
}

fn event_of(instance: &ActiveInstance, request: &PublishRequest, now: Millis) -> CloudEvent {
    let row = &instance.row;
    let id = event_id(b"event", row.id, request.number).to_string();
    let source =
        request.source.as_deref().map_or_else(|| format!("/process/{}", row.workflow), str::to_owned);
    let mut event = CloudEvent::new(id, source, &*request.event_type);
    event.data = Some(request.data.clone());
    complete(&mut event, instance, &request.attributes, now);
    event
}

/// Adds the time, the type of the data, Kogito's attributes of the sending instance (`CloudEventExtensionConstants`), and the attributes that
/// the definition declares.
fn complete(
    event: &mut CloudEvent,
    instance: &ActiveInstance,
    declared: &[(Arc<str>, Arc<str>)],
    now: Millis,
) {
    let row = &instance.row;
    event.time = jiff::Timestamp::from_millisecond(now).ok().map(|time| time.to_string());
    event.datacontenttype = Some("application/json".to_owned());
    let own = [
        ("kogitoprocinstanceid", Some(row.id.to_string())),
        ("kogitoprocid", Some(row.workflow.clone())),
        ("kogitoprocversion", Some(row.version.clone())),
        ("kogitoprocist", Some("Active".to_owned())),
        ("kogitoproctype", Some("SW".to_owned())),
        ("kogitoparentprociid", row.parent.map(|parent| parent.to_string())),
        ("kogitorootprociid", row.root.map(|root| root.to_string())),
        ("kogitorootprocid", row.root_workflow.clone()),
        ("kogitoprocrefid", row.reference_id.clone()),
        ("kogitobusinesskey", row.business_key.clone()),
    ];
    let own = own.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let declared = declared.iter().map(|(name, value)| (&**name, value.to_string()));
    for (name, value) in own.chain(declared) {
        if name == "subject" {
            event.subject = Some(value);
        } else if let Err(error) = event.set_extension(name, value) {
            tracing::warn!(instance_id = %row.id, event_type = %event.event_type, %error, "an attribute cannot be sent");
        }
    }
}

/// The id of an event. It is derived from the instance and a number, so that a turn that is computed again publishes the same event.
fn event_id(kind: &[u8], instance: Uuid, number: u64) -> Uuid {
    let digest = Sha256::new()
        .chain_update(kind)
        .chain_update(instance.as_bytes())
        .chain_update(number.to_be_bytes())
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
