//! Private cloud products, reserved licence plates, and the active request of each product.

use rondo_store::rusqlite::{Connection, OptionalExtension, params, types::ValueRef};

use super::{Found, json, text};
use crate::model::{Product, ProductLock};

/// A product of a list.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) plate: String,
    pub(crate) product: Product,
    /// Its active request.
    pub(crate) lock: Option<ProductLock>,
}

/// The product of a plate; `None` as well when the plate is only reserved.
pub(crate) fn get(connection: &Connection, plate: &str) -> Found<Option<Product>> {
    let mut select =
        connection.prepare_cached("SELECT body FROM desk_product WHERE plate = ?1 AND body IS NOT NULL")?;
    select.query_row([plate], |row| json(row, 0)).optional()
}

/// Products in the order of their plates, beginning with `from`, each with its active request.
pub(crate) fn list(connection: &Connection, from: &str, limit: u32) -> Found<Vec<Listed>> {
    let mut select = connection.prepare_cached(
        "SELECT plate, product.body, lock.body FROM desk_product AS product LEFT JOIN desk_product_lock AS lock USING (plate) \
         WHERE plate >= ?1 AND product.body IS NOT NULL ORDER BY plate LIMIT ?2",
    )?;
    let rows = select.query_map(params![from, limit], |row| {
        let is_locked = !matches!(row.get_ref(2)?, ValueRef::Null);
        let lock = if is_locked { Some(json(row, 2)?) } else { None };
        Ok(Listed { plate: row.get(0)?, product: json(row, 1)?, lock })
    })?;
    rows.collect()
}

/// Whether a plate was ever given.
pub(crate) fn is_known(connection: &Connection, plate: &str) -> Found<bool> {
    connection.prepare_cached("SELECT 1 FROM desk_product WHERE plate = ?1")?.exists([plate])
}

/// The plate that a request has reserved.
pub(crate) fn plate_of(connection: &Connection, request: &str) -> Found<Option<String>> {
    let mut select = connection.prepare_cached("SELECT plate FROM desk_product WHERE request = ?1")?;
    select.query_row([request], |row| row.get(0)).optional()
}

/// Reserves a plate. Answers whether it was free.
pub(crate) fn reserve(connection: &Connection, plate: &str, request: Option<&str>) -> Found<bool> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO desk_product (plate, request) VALUES (?1, ?2) ON CONFLICT (plate) DO NOTHING",
    )?;
    Ok(insert.execute(params![plate, request])? > 0)
}

/// Writes a product.
pub(crate) fn put(connection: &Connection, plate: &str, product: &Product) -> Found<()> {
    let mut insert = connection
        .prepare_cached("INSERT INTO desk_product (plate, body) VALUES (?1, ?2) ON CONFLICT (plate) DO UPDATE SET body = excluded.body")?;
    insert.execute(params![plate, text(product)?]).map(drop)
}

/// The active request of a product.
pub(crate) fn lock(connection: &Connection, plate: &str) -> Found<Option<ProductLock>> {
    let mut select = connection.prepare_cached("SELECT body FROM desk_product_lock WHERE plate = ?1")?;
    select.query_row([plate], |row| json(row, 0)).optional()
}

/// Writes the active request of a product.
pub(crate) fn put_lock(connection: &Connection, plate: &str, lock: &ProductLock) -> Found<()> {
    let mut insert = connection
        .prepare_cached("INSERT INTO desk_product_lock (plate, body) VALUES (?1, ?2) ON CONFLICT (plate) DO UPDATE SET body = excluded.body")?;
    insert.execute(params![plate, text(lock)?]).map(drop)
}

/// The product has no active request any more.
pub(crate) fn delete_lock(connection: &Connection, plate: &str) -> Found<()> {
    connection.prepare_cached("DELETE FROM desk_product_lock WHERE plate = ?1")?.execute([plate]).map(drop)
}
