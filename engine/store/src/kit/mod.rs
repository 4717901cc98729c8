//! The promises of [`Store`], as functions that hold any store to them.
//!
//! Each takes an empty store and panics when a promise is broken. [`store_kit!`](crate::store_kit) makes a test of each. A promise that
//! is made in the docs of the trait is tested here, so that every database keeps the same ones.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a broken promise is a panic")]

mod commits;
mod concurrency;
mod event_rows;
mod events;
mod filters;
mod kept;
mod large;
mod oracle;
mod outbox;
mod parts;
mod reads;
mod revisions;
mod start_sets;
mod waits;

use std::sync::Arc;

use uuid::Uuid;

pub use commits::*;
pub use concurrency::*;
pub use events::*;
pub use filters::*;
pub use kept::*;
pub use large::*;
pub use oracle::passes;
pub use outbox::*;
pub use parts::*;
pub use reads::*;
pub use revisions::*;
pub use start_sets::*;
pub use waits::*;

use crate::{Commit, History, Instance, Revision, Store, Update, Write};

/// Makes a test of each promise. `$fresh` is an async function without arguments that gives a new, empty store as
/// `Arc<dyn Store>`, in a pair with whatever must live as long as the store.
#[macro_export]
macro_rules! store_kit {
    ($fresh:path) => {
        $crate::store_kit! {
            $fresh:
            a_row_is_read_as_it_was_written
            an_update_needs_the_turn_it_was_computed_from
            an_insert_needs_an_id_that_is_free
            a_refused_commit_writes_nothing
            commits_at_the_same_time_fail_each_by_itself
            a_commit_that_cannot_be_written_fails_alone
            what_is_fixed_by_the_insert_stays
            an_instance_needs_a_stored_revision
            parts_come_back_in_the_order_of_their_keys
            parts_are_removed_by_key_and_by_prefix
            parts_are_written_in_their_order
            parts_need_the_row_of_their_instance
            an_instance_that_ends_has_no_parts
            data_of_any_size_come_back
            a_column_that_an_update_keeps_stays
            large_data_are_listed_and_searched
            due_instances_come_in_pages
            busy_instances_come_in_pages
            history_is_in_the_order_of_turns
            children_are_found
            a_mailbox_is_read_in_pages
            a_message_is_there_until_it_is_consumed
            lists_are_sorted_and_cut
            columns_that_are_not_wanted_are_empty
            a_list_has_a_bound_in_bytes
            a_filter_passes_what_it_says
            a_revision_keeps_its_files
            a_workflow_that_is_not_served_is_unavailable
            a_changed_fingerprint_is_stored_and_answered
            an_event_finds_the_instances_that_it_correlates_with
            an_event_is_accepted_once
            an_instance_gets_an_event_once
            an_event_that_names_an_instance_goes_to_no_other
            an_event_with_a_business_key_goes_to_its_instances
            an_event_without_an_address_goes_to_all_that_wait_without_correlation
            a_wait_for_a_source_takes_no_other
            an_event_that_nobody_wants_is_not_stored
            an_event_whose_instance_cannot_start_is_refused
            waits_are_those_of_the_last_commit
            a_kept_event_goes_to_the_first_wait_that_it_matches
            each_wait_takes_one_kept_event_at_a_time
            a_returned_event_is_kept_for_its_instance
            a_full_store_refuses_events_that_it_would_keep
            bytes_of_events_are_bounded
            what_an_instance_that_ends_does_not_take_stays_in_its_mailbox
            an_event_of_an_instance_that_has_ended_goes_where_it_would_go_now
            events_are_forgotten_when_nobody_needs_them
            an_event_is_there_until_the_last_has_used_it
            kept_events_come_in_pages
            several_events_start_an_instance_together
            a_set_forgets_events_whose_time_is_over
            events_to_send_are_written_with_their_turn
            the_outbox_comes_in_batches
            each_channel_has_its_own_rows
            rows_that_failed_take_half_of_a_batch
            a_row_that_failed_keeps_its_place
            all_rows_behind_a_failed_one_go_out
            of_one_key_no_more_run_than_the_limit
            who_waits_longest_goes_first
            an_end_and_an_error_give_the_place_back
            going_on_from_an_error_needs_a_place
            a_compensation_waits_for_no_place
            limits_can_be_changed
            a_turn_computed_while_the_instance_waited_is_refused
            a_successor_has_the_place_of_the_one_that_it_continues
            an_instance_that_waits_for_a_place_keeps_its_events
            a_closed_store_says_so
        }
    };
    ($fresh:path: $($promise:ident)*) => {
        $(
            #[tokio::test]
            async fn $promise() {
                let (_lives, store) = $fresh().await;
                $crate::kit::$promise(&store).await;
                // One of the promises closes the store itself.
                let _ = store.close().await;
            }
        )*
    };
}

/// The digest of the revision that [`instance`] runs.
pub const REVISION: &str = "0f3c";

/// The revision that [`instance`] runs.
pub fn revision() -> Revision {
    Revision {
        digest: REVISION.to_owned(),
        workflow: "approval".to_owned(),
        version: "1.0".to_owned(),
        name: "Approval".to_owned(),
        source: "id: approval".to_owned(),
        path: "approval.sw.yaml".to_owned(),
        ..Revision::default()
    }
}

/// The instance of a small number: at turn 1, with data `{"n": number}`.
pub fn instance(number: u8) -> Instance {
    Instance {
        id: id(number),
        workflow: "approval".to_owned(),
        version: "1.0".to_owned(),
        name: "Approval".to_owned(),
        revision: REVISION.to_owned(),
        started_at: 1000 + i64::from(number),
        updated_at: 1000 + i64::from(number),
        turn: 1,
        data: format!(r#"{{"n":{number}}}"#),
        ..Instance::default()
    }
}

/// The id of a small number, in the order of numbers.
pub fn id(number: u8) -> Uuid {
    let mut bytes = *b"\x01\x9a\xb2\x0e\x2c\x00\x70\x00\x80\x00\x00\x00\x00\x00\x00\x00";
    bytes[15] = number;
    Uuid::from_bytes(bytes)
}

/// A commit that inserts rows.
pub fn inserting(rows: impl IntoIterator<Item = Instance>) -> Commit {
    Commit { writes: rows.into_iter().map(Write::Insert).collect(), ..Commit::default() }
}

/// A commit that brings a row from its turn to the next.
pub fn updating(row: Instance) -> Commit {
    let expected_turn = row.turn;
    let instance = Instance { turn: expected_turn + 1, ..row };
    Commit { writes: vec![Write::Update(Update::of_row(instance, expected_turn))], ..Commit::default() }
}

/// Inserts rows, after the revision that they run.
pub async fn insert(store: &Arc<dyn Store>, rows: impl IntoIterator<Item = Instance>) {
    store.put_revisions(vec![revision()]).await.unwrap();
    store.commit(inserting(rows)).await.unwrap();
}

fn line(number: u8, turn: u64, facts: &str) -> History {
    History { instance: id(number), turn, at: 2000, facts: facts.to_owned() }
}
