//! The faults to inject, as data: one [`Scenario`], whose fields can be combined.
//!
//! A scenario comes from the library, from flags (each field is one, see [`FIELDS`]), or as JSON through
//! `PUT /_emulator/scenario`. `faults.rs` applies it.

mod fields;
mod forms;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::operation::Operation;

pub use fields::{FIELDS, Field};
pub use forms::{
    Answer, AnswerTo, FailBody, MalformedRow, Paging, RawAnswer, RetryAfter, ShareForm, SilentIds,
    ThrottleForm, UnknownRegion, WithoutIds,
};

/// The faults to inject. [`Scenario::default`] has none.
///
/// Faults apply to requests with a valid signature; others get a 401. Every field is described in
/// [`FIELDS`], which `--help` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "FIELDS describes them, once for --help and for this page")]
pub struct Scenario {
    pub latency_ms: u64,
    pub jitter_ms: u64,
    pub clock_skew_s: i64,
    pub seed: u64,

    pub throttle_per_minute: Option<u32>,
    pub throttle_window_ms: u64,
    pub throttle_form: ThrottleForm,
    pub retry_after: RetryAfter,
    pub retry_after_s: Option<u64>,

    pub fail_first: u64,
    #[serde(deserialize_with = "http_status")]
    pub fail_status: u16,
    pub fail_error: Option<String>,
    pub fail_body: FailBody,
    #[serde(deserialize_with = "share")]
    pub fail_share: f64,
    pub fail_share_form: ShareForm,
    pub reset_first: u64,
    pub hang_first: u64,

    pub poisoned_ids: Vec<String>,
    #[serde(deserialize_with = "http_status")]
    pub poisoned_status: u16,
    pub poisoned_anonymous: bool,
    pub max_ids: Option<usize>,
    #[serde(deserialize_with = "http_status")]
    pub max_ids_status: u16,
    pub silent_max_ids: Option<usize>,
    pub silent_ids: SilentIds,
    pub silent_max_rows: Option<usize>,
    pub max_url_bytes: usize,
    pub without_ids: WithoutIds,
    pub without_ids_latency_ms: u64,
    pub unknown_region: UnknownRegion,

    pub paging: Paging,
    pub stock_changes: bool,

    pub answer: Answer,
    pub raw_answer: Option<RawAnswer>,
    pub answer_to: AnswerTo,
    pub rename_fields: Vec<String>,
    pub malformed_row: Option<MalformedRow>,
    pub extra_fields: bool,
    pub huge_body_mb: Option<u32>,
    pub cut_json: bool,
    pub cut_body: bool,
    pub stall_after_bytes: Option<usize>,
    pub body_bytes_per_second: Option<u32>,
    pub only_first: Option<u64>,
    #[serde(deserialize_with = "operations")]
    pub only_operations: Vec<String>,

    pub no_gzip: bool,
    pub close_connections: bool,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            latency_ms: 0,
            jitter_ms: 0,
            clock_skew_s: 0,
            seed: 1,
            throttle_per_minute: None,
            throttle_window_ms: 60_000,
            throttle_form: ThrottleForm::RateLimit,
            retry_after: RetryAfter::None,
            retry_after_s: None,
            fail_first: 0,
            fail_status: 500,
            fail_error: None,
            fail_body: FailBody::Envelope,
            fail_share: 0.0,
            fail_share_form: ShareForm::Status,
            reset_first: 0,
            hang_first: 0,
            poisoned_ids: Vec::new(),
            poisoned_status: 400,
            poisoned_anonymous: false,
            max_ids: None,
            max_ids_status: 400,
            silent_max_ids: None,
            silent_ids: SilentIds::First,
            silent_max_rows: None,
            // The gateway's documentation: 8k.
            max_url_bytes: 8192,
            without_ids: WithoutIds::Everything,
            without_ids_latency_ms: 0,
            unknown_region: UnknownRegion::NotFound,
            paging: Paging::Normal,
            stock_changes: false,
            answer: Answer::Normal,
            raw_answer: None,
            answer_to: AnswerTo::ThisCall,
            rename_fields: Vec::new(),
            malformed_row: None,
            extra_fields: false,
            huge_body_mb: None,
            cut_json: false,
            cut_body: false,
            stall_after_bytes: None,
            body_bytes_per_second: None,
            only_first: None,
            only_operations: Vec::new(),
            no_gzip: false,
            close_connections: false,
        }
    }
}

impl Scenario {
    /// Sets the field `name` (underscores or hyphens) from text: a flag is `""`, a list is separated by commas.
    ///
    /// # Errors
    ///
    /// No such field, or what the field takes instead.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
        let name = name.replace('-', "_");
        let field = FIELDS.iter().find(|field| field.name == name);
        let field = field.ok_or_else(|| format!("a scenario has no field '{name}'"))?;
        let value = match field.takes {
            "" => Value::Bool(true),
            "ID,.." | "OLD=NEW,.." | "OPERATION,.." => text.split(',').map(Value::from).collect(),
            "JSON" => {
                serde_json::from_str(text).map_err(|error| format!("this is not valid JSON: {error}"))?
            }
            _ => {
                serde_json::from_str(text).ok().filter(Value::is_number).unwrap_or_else(|| Value::from(text))
            }
        };
        let mut fields = self.to_map();
        fields.insert(name, value);
        *self = serde_json::from_value(Value::Object(fields)).map_err(|error| refusal(text, &error))?;
        Ok(())
    }

    fn to_map(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        }
    }
}

/// Says what a field takes, without Rust type names.
fn refusal(text: &str, error: &serde_json::Error) -> String {
    let error = error.to_string();
    let takes = error.rsplit_once("expected ").map_or("", |(_, takes)| takes.trim_start_matches("one of "));
    let takes = match takes {
        "u16" | "u32" | "u64" | "usize" => "a whole number, not negative".to_owned(),
        "i64" => "a whole number".to_owned(),
        "f64" => "a number".to_owned(),
        other => other.replace('`', ""),
    };
    format!("'{text}' does not fit here: it takes {takes}")
}

fn http_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let status = u16::deserialize(deserializer)?;
    let wrong =
        || D::Error::invalid_value(Unexpected::Unsigned(status.into()), &"an HTTP status, 200 to 599");
    (200..600).contains(&status).then_some(status).ok_or_else(wrong)
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(deserializer)?;
    let wrong = || D::Error::invalid_value(Unexpected::Float(share), &"a share, 0 to 1");
    (0.0..=1.0).contains(&share).then_some(share).ok_or_else(wrong)
}

fn operations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    match names.iter().find(|name| !Operation::NAMES.contains(&name.as_str())) {
        Some(name) => {
            let expected = Operation::NAMES.join(", ");
            Err(D::Error::invalid_value(Unexpected::Str(name), &&*expected))
        }
        None => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, FIELDS, RawAnswer, Scenario};

    #[test]
    fn every_fault_is_a_flag_and_described() {
        let mut described: Vec<_> = FIELDS.iter().map(|field| field.name.to_owned()).collect();
        described.sort();
        assert_eq!(Scenario::default().to_map().keys().cloned().collect::<Vec<_>>(), described);
    }

    #[test]
    fn a_field_is_set_from_text() {
        let mut scenario = Scenario::default();
        for (name, text) in [
            ("latency-ms", "20"),
            ("fail_error", "UNKNOWN"),
            ("fail-share", "0.5"),
            ("poisoned-ids", "img-a,img-b"),
            ("answer", "empty-object"),
            ("cut-json", ""),
            ("max-ids", "7"),
            ("clock-skew-s", "-90"),
            ("rename-fields", "result=data,imageId=id"),
            ("raw-answer", r#"{"status": 204}"#),
        ] {
            scenario.set(name, text).unwrap();
        }
        let expected = Scenario {
            latency_ms: 20,
            fail_error: Some("UNKNOWN".to_owned()),
            fail_share: 0.5,
            poisoned_ids: vec!["img-a".to_owned(), "img-b".to_owned()],
            answer: Answer::EmptyObject,
            cut_json: true,
            max_ids: Some(7),
            clock_skew_s: -90,
            rename_fields: vec!["result=data".to_owned(), "imageId=id".to_owned()],
            raw_answer: Some(RawAnswer::new(204, "")),
            ..Scenario::default()
        };
        assert_eq!(scenario, expected);
    }

    #[test]
    fn a_wrong_value_is_refused_with_what_is_right() {
        let refused = |name, text| Scenario::default().set(name, text).unwrap_err();
        assert!(
            refused("latency_ms", "soon")
                .contains("'soon' does not fit here: it takes a whole number, not negative")
        );
        assert!(refused("fail-status", "99").contains("it takes an HTTP status, 200 to 599"));
        assert!(refused("fail-share", "1.5").contains("it takes a share, 0 to 1"));
        assert!(refused("fail-share", "half").contains("it takes a number"));
        assert!(refused("answer", "perhaps").contains("it takes normal, html, empty-object"));
        assert!(refused("fail_share_form", "perhaps").contains("it takes status or reset"));
        assert!(refused("raw-answer", "{").contains("not valid JSON"));
        assert!(refused("raw-answer", r#"{"code": 1}"#).contains("it takes status, headers, body"));
        assert!(refused("only-operations", "describeImage,listImages").contains("takes describeImageCon"));
        assert!(refused("latency", "1").contains("no field 'latency'"));
    }
}
