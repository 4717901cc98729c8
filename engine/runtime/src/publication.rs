//! Events that an instance publishes: made for the outbox, which is written with the turn. Knows neither the engine nor the database.

use rondo_event::{Channels, CloudEvent};
use rondo_machine::{Millis, PublishRequest};
use rondo_store::OutgoingEvent;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{active_instance::ActiveInstance, encryption::Encryption, formats::FormatError};

/// The row of the outbox for an event of an instance. Its content is encrypted, for the data may hold secrets.
pub(crate) fn outgoing(
    instance: &ActiveInstance,
    request: &PublishRequest,
    channels: &Channels,
    encryption: &Encryption,
    now: Millis,
) -> Result<OutgoingEvent, FormatError> {
    let event = event_of(instance, request, now);
    let channel = channels.outgoing_for(&event.event_type).to_owned();
    let content = encryption.encrypt(instance.row.id, &event.encode())?;
    Ok(OutgoingEvent { instance: instance.row.id, channel, content, at: now })
}

/// The event with the attributes that say where it comes from (Kogito's `CloudEventExtensionConstants`).
fn event_of(instance: &ActiveInstance, request: &PublishRequest, now: Millis) -> CloudEvent {
    let row = &instance.row;
    let id = event_id(row.id, request.number).to_string();
    let source =
        request.source.as_deref().map_or_else(|| format!("/process/{}", row.workflow), str::to_owned);
    let mut event = CloudEvent::new(id, source, &*request.event_type);
    event.time = jiff::Timestamp::from_millisecond(now).ok().map(|time| time.to_string());
    event.datacontenttype = Some("application/json".to_owned());
    event.data = Some(request.data.clone());
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
    let declared = request.attributes.iter().map(|(name, value)| (&**name, value.to_string()));
    for (name, value) in own.chain(declared) {
        if name == "subject" {
            event.subject = Some(value);
        } else if let Err(error) = event.set_extension(name, value) {
            tracing::warn!(instance_id = %row.id, event = %request.event, %error, "an attribute cannot be sent");
        }
    }
    event
}

/// The id of an event: derived from the instance's, so that a turn that is computed again publishes the same event.
fn event_id(instance: Uuid, number: u64) -> Uuid {
    let digest = Sha256::new()
        .chain_update(b"event")
        .chain_update(instance.as_bytes())
        .chain_update(number.to_be_bytes())
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
