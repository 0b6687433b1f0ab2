//! What becomes of an id that was pulled: decided here, for the run and for the dry run.

use crate::batch::options::BatchItem;
use crate::client::client::Client;
use crate::client::options::DeleteOptions;
use crate::journal::seen_ids::{IdState, SeenIds};
use crate::outcome::lost::Lost;
use crate::outcome::outcome::Outcome;

/// What becomes of an id, with what was known of it before.
pub(crate) enum Admission {
    /// It was pulled before.
    Duplicate(IdState),
    /// The token is known to be dead.
    Dead(IdState),
    /// It cannot be sent.
    Refused(Box<Outcome>),
    /// It is that of the token in use, which goes last. In another spelling it may be another token: then it must go
    /// while the one in use still works.
    OwnToken { other_spelling: bool, lost_before: Lost },
    /// It is sent.
    Send { lost_before: Lost },
}

impl Admission {
    /// Notes that the id was pulled, and decides. An id that a journal left open is one whose answer was lost.
    pub(crate) fn of(
        item: &BatchItem,
        seen_ids: &mut SeenIds,
        client: &Client,
        options: &DeleteOptions,
    ) -> Admission {
        if options.burn
            && let Err(refused) = client.check_burnable(&item.id, item.value.as_ref())
        {
            return Admission::Refused(refused);
        }
        let known = match item.value.as_ref().filter(|_| options.burn) {
            Some(value) => seen_ids.meet_value(&item.id, value),
            None => seen_ids.meet(&item.id),
        };
        if known.is_met() {
            return Admission::Duplicate(known);
        }
        if known.is_dead() || (item.known_dead && !options.burn) {
            return Admission::Dead(known);
        }
        let lost_before = match (item.after_lost_answer || known.is_open(), known.is_in_doubt()) {
            (true, _) => Lost::Before,
            (false, true) => Lost::InDoubt,
            (false, false) => Lost::No,
        };
        if item.not_text {
            return Admission::Refused(Box::new(client.not_text(&item.id)));
        }
        if options.burn {
            return Admission::Send { lost_before };
        }
        if let Err(refused) = client.check(&item.id, options, lost_before.may_be_deleted()) {
            return Admission::Refused(refused);
        }
        if !client.is_own_token(&item.id) {
            return Admission::Send { lost_before };
        }
        let other_spelling = client.own_token_id() != Some(item.id.as_str());
        Admission::OwnToken { other_spelling, lost_before }
    }
}
