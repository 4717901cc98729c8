//! The mailbox of all people, newest mail first.
//!
//! Promises: the text of a mail is shown as text, whatever markup it has.

use maud::{DOCTYPE, Markup, html};

use super::page::{STYLE, age};
use crate::world::World;

/// The whole page.
pub(super) fn render(world: &World) -> Markup {
    let now = world.clock.now();
    let mails = world.mailbox.mails();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Mailbox" }
                meta http-equiv="refresh" content="5";
                style { (STYLE) }
            }
            body {
                header {
                    h1 { "Mailbox" }
                    p { "Mails that were sent to the simulated mail service" }
                }
                main {
                    section {
                        h2 { "Mails " small { (mails.len()) } }
                        @if mails.is_empty() {
                            p class="none" { "No mails yet." }
                        }
                        @for mail in mails.iter().rev() {
                            article {
                                h3 { (mail.subject) " " small { (age(mail.time, now)) } }
                                p { "to " (mail.to.join(", ")) }
                                pre { (mail.body) }
                            }
                        }
                    }
                }
            }
        }
    }
}
