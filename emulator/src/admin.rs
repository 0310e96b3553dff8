//! The emulator's own paths, under `/_emulator/`: what happened, and what shall go wrong.
//!
//! They are not signed, not counted, and no fault touches them.

use http::Method;
use http::request::Parts;
use serde::Serialize;

use crate::catalogue::Catalogue;
use crate::faults::Faults;
use crate::gateway::Gateway;
use crate::journal::{Call, Counters};
use crate::reply::Reply;
use crate::scenario::Scenario;

/// The answer, if the path is one of the emulator's own.
pub(crate) fn answer(gateway: &Gateway, parts: &Parts, body: &[u8]) -> Option<Reply> {
    let path = parts.uri.path().strip_prefix("/_emulator/")?;
    Some(match (&parts.method, path) {
        (&Method::GET, "calls") => calls(gateway),
        (&Method::POST, "reset") => {
            gateway.journal.reset();
            Reply::empty(204)
        }
        (&Method::GET, "scenario") => json(gateway.state().faults.scenario()),
        (&Method::PUT, "scenario") => replace(body, |scenario: Scenario| {
            gateway.state().faults = Faults::new(scenario);
        }),
        (&Method::GET, "catalogue") => json(&gateway.state().catalogue),
        (&Method::PUT, "catalogue") => replace(body, |catalogue: Catalogue| {
            gateway.state().catalogue = catalogue;
        }),
        _ => {
            Reply::text(404, "here are: GET calls, POST reset, GET and PUT scenario, GET and PUT catalogue\n")
        }
    })
}

fn calls(gateway: &Gateway) -> Reply {
    #[derive(Serialize)]
    struct Report {
        counters: Counters,
        calls: Vec<Call>,
    }
    json(&Report { counters: gateway.journal.counters(), calls: gateway.journal.calls() })
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
