//! Log lines on standard error in the form that hosts understand (hclog's JSON).
//!
//! Hosts are strict about this form: a level, message or timestamp that is not a string crashes them, and a timestamp
//! without exactly six fractional digits makes them show the raw line. So every value is a string, and lines stay
//! shorter than the host's buffer.

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::log_writer::LogWriter;

/// The longest value of a line. Hosts read lines of up to 64 KiB.
const MAX_VALUE: usize = 8 << 10;

const TIMESTAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

/// How long the end of the process waits for its last lines to be read.
const LAST_LINES: Duration = Duration::from_millis(100);

/// Starts logging at the level that Terraform's variables ask for: `TF_LOG_PROVIDER_<NAME>`, `TF_LOG_PROVIDER` or
/// `TF_LOG`, the first that is set. Only events of crates whose name begins with `crate_name` are logged. Keep the
/// guard until the process ends.
#[must_use]
pub fn init(crate_name: &'static str, provider: &str, lookup: impl Fn(&str) -> Option<OsString>) -> LogGuard {
    let level = level(provider, lookup);
    if level == LevelFilter::OFF {
        return LogGuard(None);
    }
    // If the thread cannot be started there are no logs, and the provider works without them.
    let writer = LogWriter::start(std::io::stderr(), |lines| dropped(lines, OffsetDateTime::now_utc())).ok();
    if let Some(writer) = writer.clone() {
        let subscriber = tracing_subscriber::registry().with(Hclog { level, crate_name, writer });
        // Fails only where a subscriber is set already, and then that one logs.
        let _ = tracing::subscriber::set_global_default(subscriber);
    }
    LogGuard(writer)
}

/// Waits a moment, when it is dropped, for the last lines to be written.
pub struct LogGuard(Option<LogWriter>);

impl Drop for LogGuard {
    fn drop(&mut self) {
        if let Some(writer) = &self.0 {
            writer.flush(LAST_LINES);
        }
    }
}

fn level(provider: &str, lookup: impl Fn(&str) -> Option<OsString>) -> LevelFilter {
    let own = format!("TF_LOG_PROVIDER_{}", provider.to_uppercase());
    let requested = [own.as_str(), "TF_LOG_PROVIDER", "TF_LOG"]
        .into_iter()
        .filter_map(lookup)
        .find(|value| !value.is_empty());
    let Some(requested) = requested else { return LevelFilter::OFF };
    match requested.to_string_lossy().to_ascii_uppercase().as_str() {
        "DEBUG" => LevelFilter::DEBUG,
        "INFO" => LevelFilter::INFO,
        "WARN" => LevelFilter::WARN,
        "ERROR" => LevelFilter::ERROR,
        "OFF" => LevelFilter::OFF,
        // Terraform does the same with JSON and with unknown words.
        _ => LevelFilter::TRACE,
    }
}

struct Hclog {
    level: LevelFilter,
    crate_name: &'static str,
    writer: LogWriter,
}

impl<S: Subscriber> Layer<S> for Hclog {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= self.level && metadata.target().starts_with(self.crate_name)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.writer.write(&line(event, OffsetDateTime::now_utc()));
    }
}

fn line(event: &Event<'_>, now: OffsetDateTime) -> String {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let level = match *event.metadata().level() {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    };
    entry(fields.0, level, event.metadata().target(), now)
}

/// The line that stands where others were dropped.
fn dropped(lines: u64, now: OffsetDateTime) -> String {
    let message = format!("{lines} log lines were dropped here: standard error was not read fast enough");
    let fields = Map::from_iter([("@message".to_owned(), Value::String(message))]);
    entry(fields, "warn", module_path!(), now)
}

fn entry(mut fields: Map<String, Value>, level: &str, module: &str, now: OffsetDateTime) -> String {
    let mut set = |key: &str, value: String| fields.insert(key.to_owned(), Value::String(value));
    set("@level", level.to_owned());
    set("@module", module.to_owned());
    set("@timestamp", now.format(TIMESTAMP).unwrap_or_default());
    let mut line = Value::Object(fields).to_string();
    line.push('\n');
    line
}

/// The fields of an event as strings, its message included.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let name = if field.name() == "message" { "@message" } else { field.name() };
        let value = match value.char_indices().nth(MAX_VALUE) {
            Some((end, _)) => format!("{}… ({} bytes)", &value[..end], value.len()),
            None => value.to_owned(),
        };
        self.0.insert(name.to_owned(), Value::String(value));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    struct Capture(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for Capture {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let when = time::macros::datetime!(2026-01-02 03:04:05.6 UTC);
            self.0.lock().unwrap().push(line(event, when));
        }
    }

    #[test]
    fn every_value_of_a_line_is_a_string() {
        let lines = Arc::default();
        let subscriber = tracing_subscriber::registry().with(Capture(Arc::clone(&lines)));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "provider", count = 3, text = "a\n\"b\" 中", ok = true, none = Option::<i32>::None, "hello {}", 1);
            tracing::warn!(target: "provider", level = 5);
            tracing::error!(target: "provider", long = "x".repeat(100_000), "end");
        });
        let lines = lines.lock().unwrap();
        assert_eq!(
            lines[0],
            concat!(
                r#"{"@level":"info","@message":"hello 1","@module":"provider","@timestamp":"2026-01-02T03:04:05.600000Z","#,
                r#""count":"3","ok":"true","text":"a\n\"b\" 中"}"#,
                "\n"
            )
        );
        assert!(lines[1].contains(r#""@level":"warn""#));
        assert!(lines[2].len() < 64 << 10);
        for line in lines.iter() {
            let entry: Map<String, Value> = serde_json::from_str(line).unwrap();
            assert!(entry.values().all(Value::is_string));
            assert_eq!(line.matches('\n').count(), 1);
        }
    }

    #[test]
    fn the_level_comes_from_terraforms_variables() {
        let cases: [(&[(&str, &str)], LevelFilter); 9] = [
            (&[], LevelFilter::OFF),
            (&[("TF_LOG", "")], LevelFilter::OFF),
            (&[("TF_LOG", "debug")], LevelFilter::DEBUG),
            (&[("TF_LOG", "JSON")], LevelFilter::TRACE),
            (&[("TF_LOG", "1")], LevelFilter::TRACE),
            (&[("TF_LOG", "TRACE"), ("TF_LOG_PROVIDER", "WARN")], LevelFilter::WARN),
            (&[("TF_LOG_PROVIDER", "INFO"), ("TF_LOG_PROVIDER_JDCLOUD", "ERROR")], LevelFilter::ERROR),
            (&[("TF_LOG_PROVIDER", "OFF")], LevelFilter::OFF),
            (&[("TF_LOG_CORE", "TRACE")], LevelFilter::OFF),
        ];
        for (variables, expected) in cases {
            let lookup =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
            assert_eq!(level("jdcloud", lookup), expected, "{variables:?}");
        }
    }
}
