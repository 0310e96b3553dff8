//! The fields of a scenario in words, in the order of the manual.

/// One field of a [`Scenario`](super::Scenario).
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its group in the manual.
    pub group: &'static str,
    /// As in JSON; the flag has hyphens for the underscores.
    pub name: &'static str,
    /// The placeholder of its value; empty for a switch.
    pub takes: &'static str,
    /// What it does.
    pub help: &'static str,
}

const fn field(group: &'static str, name: &'static str, takes: &'static str, help: &'static str) -> Field {
    Field { group, name, takes, help }
}

const TIME: &str = "Time";
const LIMITS: &str = "Rate limits";
const FAILURES: &str = "Failures";
const SIZES: &str = "Request limits";
const LISTS: &str = "Images and instance types";
const ANSWERS: &str = "Wrong answers";
const SCOPE: &str = "Which calls";
const CONNECTIONS: &str = "Connections";

/// Every field.
pub const FIELDS: &[Field] = &[
    field(TIME, "latency_ms", "MS", "wait before every answer"),
    field(TIME, "jitter_ms", "MS", "wait up to this much longer, at random"),
    field(
        TIME,
        "clock_skew_s",
        "SECONDS",
        "the server's clock is ahead (or behind, if negative): Date header and signature window",
    ),
    field(TIME, "seed", "N", "of jitter and fail_share (default 1)"),
    field(
        LIMITS,
        "throttle_per_minute",
        "N",
        "more calls than this in a window are throttled; 0 throttles all",
    ),
    field(
        LIMITS,
        "throttle_window_ms",
        "MS",
        "the length of that window, which starts with a call (default 60000)",
    ),
    field(
        LIMITS,
        "throttle_form",
        "FORM",
        "rate-limit (429 HTTP_RATE_LIMIT_EXCEEDED, default), quota (429 QUOTA_EXCEEDED), inside-ok (429 inside an HTTP 200), text (429 that is not JSON)",
    ),
    field(LIMITS, "retry_after", "FORM", "none (default), seconds or date: Retry-After on every 429 and 503"),
    field(LIMITS, "retry_after_s", "SECONDS", "its value; otherwise the rest of the window, or 1"),
    field(FAILURES, "fail_first", "N", "the first N calls fail"),
    field(FAILURES, "fail_status", "CODE", "with this HTTP status (default 500)"),
    field(FAILURES, "fail_error", "NAME", "with this error.status; otherwise the documented one"),
    field(FAILURES, "fail_body", "FORM", "envelope (default), html or empty"),
    field(FAILURES, "fail_share", "SHARE", "this share of the calls, 0 to 1, fails at random"),
    field(FAILURES, "fail_share_form", "FORM", "status (as fail_status, default) or reset"),
    field(FAILURES, "reset_first", "N", "the first N calls end in a connection reset"),
    field(FAILURES, "hang_first", "N", "the first N calls are never answered"),
    field(SIZES, "poisoned_ids", "ID,..", "a call for one of these fails"),
    field(SIZES, "poisoned_status", "CODE", "with this HTTP status (default 400)"),
    field(SIZES, "poisoned_anonymous", "", "with an error that does not name the id"),
    field(SIZES, "max_ids", "N", "a call for more ids fails"),
    field(SIZES, "max_ids_status", "CODE", "with this HTTP status (default 400)"),
    field(SIZES, "silent_max_ids", "N", "a call is answered for N of its ids only, without an error"),
    field(SIZES, "silent_ids", "FORM", "first (default), last or smallest: which of its ids"),
    field(SIZES, "silent_max_rows", "N", "an answer holds at most N rows, without an error"),
    field(SIZES, "max_url_bytes", "N", "a longer path with its query answers 414 (default 8192)"),
    field(
        SIZES,
        "without_ids",
        "FORM",
        "describeImageConstraintsBatch without ids: everything (default), refused (400), empty, subset (half of the rows), bare-rows (images without their constraints), rows-without-types (constraints without their instance types), hang (no answer)",
    ),
    field(SIZES, "without_ids_latency_ms", "MS", "wait this much longer before the answer to such a call"),
    field(
        SIZES,
        "unknown_region",
        "FORM",
        "a region that is not in the catalogue is not-found (404, default) or empty",
    ),
    field(
        LISTS,
        "paging",
        "FORM",
        "describeImages: normal (default), growing-total or shrinking-total (totalCount changes by one with each call), overlap (a page repeats the last image of the page before), empty-early (pages after the first are empty), first-page (whatever page is requested)",
    ),
    field(
        LISTS,
        "stock_changes",
        "",
        "every second call of describeInstanceTypes swaps in stock and sold out",
    ),
    field(
        ANSWERS,
        "answer",
        "FORM",
        "normal (default), html (200, a captive portal), empty-object ({}), no-request-id, result-null, result-absent, forbidden-ip (403 HTTP_FORBIDDEN), permission-denied (403 PERMISSION_DENIED), redirect (302)",
    ),
    field(
        ANSWERS,
        "raw_answer",
        "JSON",
        "send this instead: an object with status, headers and body, all optional; see RAW ANSWERS",
    ),
    field(
        ANSWERS,
        "answer_to",
        "FORM",
        "the good answer to this-call (default), to the same call without-query, or to the previous-call",
    ),
    field(ANSWERS, "rename_fields", "OLD=NEW,..", "rename JSON fields of good answers, at every depth"),
    field(
        ANSWERS,
        "malformed_row",
        "FORM",
        "the first row has no-image-id, an empty-type, a null-type, or is includes-null",
    ),
    field(ANSWERS, "extra_fields", "", "undocumented fields in every object"),
    field(
        ANSWERS,
        "huge_body_mb",
        "MB",
        "a good answer with this much padding; a decompression bomb for clients that accept gzip",
    ),
    field(ANSWERS, "cut_json", "", "half of the JSON, with a Content-Length that fits"),
    field(
        ANSWERS,
        "cut_body",
        "",
        "half of the body that Content-Length promises, then the connection closes",
    ),
    field(ANSWERS, "stall_after_bytes", "N", "the body stops after N bytes and the connection stays open"),
    field(ANSWERS, "body_bytes_per_second", "N", "a slow body"),
    field(ANSWERS, "only_first", "N", "wrong answers go to the first N calls only"),
    field(
        SCOPE,
        "only_operations",
        "OPERATION,..",
        "apply faults to calls of these operations, and count only those: describeImageConstraintsBatch, describeImages, describeImage, describeInstanceTypes",
    ),
    field(CONNECTIONS, "no_gzip", "", "never compress"),
    field(CONNECTIONS, "close_connections", "", "close the connection after each answer"),
];
