//! The control API under `/_emulator/`: recorded calls, scenario and catalogue.
//!
//! Its requests are not signed and not counted, and no fault applies to them.

use http::Method;
use http::request::Parts;
use serde::Serialize;

use crate::catalogue::Catalogue;
use crate::faults::Faults;
use crate::journal::{Call, Counters};
use crate::reply::Reply;
use crate::scenario::Scenario;
use crate::state::Shared;

/// The response, if the path belongs to the control API.
pub(crate) fn answer(shared: &Shared, parts: &Parts, body: &[u8]) -> Option<Reply> {
    let path = parts.uri.path().strip_prefix("/_emulator/")?;
    Some(match (&parts.method, path) {
        (&Method::GET, "calls") => calls(shared),
        (&Method::POST, "reset") => {
            shared.journal.reset();
            Reply::empty(204)
        }
        (&Method::GET, "scenario") => json(shared.state().faults.scenario()),
        (&Method::PUT, "scenario") => replace(body, |scenario: Scenario| {
            shared.state().faults = Faults::new(scenario);
        }),
        (&Method::GET, "catalogue") => json(&shared.state().catalogue),
        (&Method::PUT, "catalogue") => replace(body, |catalogue: Catalogue| {
            shared.state().catalogue = catalogue;
        }),
        _ => Reply::text(
            404,
            "available: GET calls, POST reset, GET and PUT scenario, GET and PUT catalogue\n",
        ),
    })
}

fn calls(shared: &Shared) -> Reply {
    #[derive(Serialize)]
    struct Report {
        counters: Counters,
        calls: Vec<Call>,
    }
    json(&Report { counters: shared.journal.counters(), calls: shared.journal.calls() })
}

fn json(value: &impl Serialize) -> Reply {
    match serde_json::to_string_pretty(value) {
        Ok(text) => Reply::json(200, text + "\n"),
        Err(error) => Reply::text(500, format!("{error}\n")),
    }
}

fn replace<T: serde::de::DeserializeOwned>(body: &[u8], put: impl FnOnce(T)) -> Reply {
    match serde_json::from_slice(body) {
        Ok(value) => {
            put(value);
            Reply::empty(204)
        }
        Err(error) => Reply::text(400, format!("{error}\n")),
    }
}
