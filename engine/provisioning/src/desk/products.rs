//! Private cloud products: their plates, their data, the one request that may change each, and the callbacks of provisioners.
//!
//! Promises: a callback and the event that tells the flow of it are one transaction.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Clock, Fault, Work};
use crate::{
    model::{
        Callback, CallbackStatus, EventKind, Happened, LIFE_OF_A_TEMPORARY_PRODUCT, Product, ProductLock,
        ProductStatus, Told, is_plate, plate,
    },
    refusal::Refusal,
    tables,
};

/// Plates that are tried at most. One in six million is taken at first, so several in a row mean that nearly all are.
const MOST_TRIES: u32 = 256;

/// A product as it is written.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewProduct {
    status: ProductStatus,
    #[serde(default)]
    archived_at: Option<Timestamp>,
    data: Map<String, Value>,
}

/// A product as it is shown.
pub(crate) fn product_view(
    plate: &str,
    product: &Product,
    lock: Option<&ProductLock>,
    clock: Clock,
    now: Timestamp,
) -> Value {
    let mut view = json!({
        "licencePlate": plate,
        "status": product.status,
        "data": product.data,
        "createdAt": product.created_at.to_string(),
        "changedAt": product.changed_at.to_string(),
    });
    if let Some(at) = product.archived_at {
        view["archivedAt"] = at.to_string().into();
    }
    if product.is_temporary() {
        let until = clock.after(product.created_at, LIFE_OF_A_TEMPORARY_PRODUCT);
        view["expiresAt"] = until.to_string().into();
        view["expired"] = (until <= now).into();
    }
    if let Some(lock) = lock {
        view["activeRequest"] =
            json!({"request": lock.request, "since": lock.since.to_string(), "remaining": lock.remaining()});
    }
    view
}

impl Work<'_, '_> {
    /// The product of a plate.
    fn product(&self, plate: &str) -> Result<Product, Fault> {
        let product = tables::products::get(self.connection, plate)?;
        Ok(product.ok_or_else(|| Refusal::not_found("product", plate))?)
    }

    /// The product of a plate as it is shown.
    pub(crate) fn show_product(&self, plate: &str) -> Result<Value, Fault> {
        let lock = tables::products::lock(self.connection, plate)?;
        Ok(product_view(plate, &self.product(plate)?, lock.as_ref(), self.clock(), self.now))
    }

    /// Reserves a plate; the same one again for the same request.
    pub(crate) fn reserve_plate(&mut self, request: Option<&str>) -> Result<String, Fault> {
        if let Some(request) = request
            && let Some(known) = tables::products::plate_of(self.connection, request)?
        {
            return Ok(known);
        }
        for _ in 0..MOST_TRIES {
            // The last bytes of an id are random.
            let [.., high, middle, low] = *Uuid::new_v4().as_bytes();
            let plate = plate(u32::from_be_bytes([0, high, middle, low]));
            if tables::products::reserve(self.connection, &plate, request)? {
                return Ok(plate);
            }
        }
        Err(Refusal::unavailable("no licence plate is free").into())
    }

    /// Writes a product, and announces what was done with it.
    pub(crate) fn put_product(&mut self, plate: &str, new: &NewProduct) -> Result<(), Fault> {
        if !is_plate(plate) {
            let fault =
                "a licence plate is six hexadecimal digits, of which the first is a letter, such as `a1b2c3`";
            return Err(Refusal::invalid_at("/licencePlate", fault).into());
        }
        let before = tables::products::get(self.connection, plate)?;
        let mut data = new.data.clone();
        data.insert("licencePlate".to_owned(), plate.into());
        let archived_at = match new.status {
            ProductStatus::Active => None,
            ProductStatus::Inactive => new
                .archived_at
                .or_else(|| before.as_ref().and_then(|before| before.archived_at))
                .or(Some(self.now)),
        };
        let mut product = Product {
            status: new.status,
            data,
            created_at: before.as_ref().map_or(self.now, |before| before.created_at),
            changed_at: self.now,
            archived_at,
            events: before.as_ref().map_or(0, |before| before.events),
        };
        let action = product.change_since(before.as_ref());
        if let (Some(action), Some(ministry)) = (action, product.text("ministry").map(str::to_owned)) {
            product.events += 1;
            let event = Happened {
                id: format!("{plate}-{}", product.events),
                kind: EventKind::ProductChanged,
                sequence: product.events,
                data: json!({"action": action, "product": {"id": plate, "licencePlate": plate}}),
                at: self.now,
            };
            self.announce(plate, &ministry, &event)?;
        }
        Ok(tables::products::put(self.connection, plate, &product)?)
    }

    /// Makes a request the active one of a product. `awaits` are the clusters whose callbacks it waits for from now on. Answers the product
    /// as it is under the lock.
    pub(crate) fn lock_product(
        &mut self,
        plate: &str,
        request: &str,
        awaits: Option<&[String]>,
    ) -> Result<Value, Fault> {
        if !tables::products::is_known(self.connection, plate)? {
            return Err(Refusal::not_found("product", plate).into());
        }
        let product = tables::products::get(self.connection, plate)?;
        let mut lock = match tables::products::lock(self.connection, plate)? {
            Some(lock) if lock.request != request => {
                return Err(Refusal::active_request(plate, &lock.request, &lock.since.to_string()).into());
            }
            Some(lock) => lock,
            None if product.as_ref().is_some_and(|product| product.status == ProductStatus::Inactive) => {
                return Err(Refusal::not_supported(format!("the product {plate} is archived")).into());
            }
            None => ProductLock::new(request.to_owned(), self.now),
        };
        if let Some(clusters) = awaits {
            lock.wait_for(clusters);
        }
        tables::products::put_lock(self.connection, plate, &lock)?;
        let mut view = json!({"licencePlate": plate, "request": lock.request, "since": lock.since.to_string(), "remaining": lock.remaining()});
        if let Some(product) = product {
            view["product"] = product_view(plate, &product, None, self.clock(), self.now);
        }
        Ok(view)
    }

    /// A request is the active one of a product no more. Another request's lock stays.
    pub(crate) fn unlock_product(&mut self, plate: &str, request: &str) -> Result<(), Fault> {
        match tables::products::lock(self.connection, plate)? {
            Some(lock) if lock.request == request => {
                Ok(tables::products::delete_lock(self.connection, plate)?)
            }
            _ => Ok(()),
        }
    }

    /// A provisioner calls back. Tells the flow that waits, and answers what the provisioner is told.
    pub(crate) fn hear_provisioner(&mut self, plate: &str, callback: &Callback) -> Result<Value, Fault> {
        let lock = tables::products::lock(self.connection, plate)?;
        let mut lock = lock.ok_or_else(|| Refusal::no_request_waits(plate))?;
        let is_news = lock.take(callback).ok_or_else(|| Refusal::no_request_waits(plate))?;
        let remaining = lock.remaining();
        if is_news {
            tables::products::put_lock(self.connection, plate, &lock)?;
            self.tell(Told {
                event_type: "desk.product.provisioned".to_owned(),
                instance: Some(lock.request.clone()),
                business_key: None,
                data: json!({
                    "licencePlate": plate,
                    "cluster": callback.cluster(),
                    "status": callback.status,
                    "message": callback.message,
                    "remaining": remaining,
                }),
            })?;
        }
        let message = match callback.status {
            CallbackStatus::Failed => format!("Noted that provisioning {plate} has failed."),
            CallbackStatus::Succeeded if remaining.is_empty() => {
                format!("Successfully marked {plate} as provisioned.")
            }
            CallbackStatus::Succeeded => format!("Successfully marked {plate} as partially-provisioned."),
        };
        Ok(json!({"success": true, "message": message}))
    }

    /// Asks the flow that waits for callbacks to send its message to the provisioner again.
    pub(crate) fn ask_to_resend(&mut self, plate: &str) -> Result<Value, Fault> {
        let lock = tables::products::lock(self.connection, plate)?;
        let Some(lock) = lock.filter(|lock| !lock.remaining().is_empty()) else {
            return Err(Refusal::no_request_waits(plate).into());
        };
        let remaining = lock.remaining();
        self.tell(Told {
            event_type: "desk.product.resend".to_owned(),
            instance: Some(lock.request.clone()),
            business_key: None,
            data: json!({"licencePlate": plate, "by": self.person.reference}),
        })?;
        Ok(json!({"licencePlate": plate, "request": lock.request, "remaining": remaining}))
    }
}
