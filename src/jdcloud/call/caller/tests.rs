//! Retries, deadlines and the clock correction, with an API in memory and tokio's paused clock.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::time::Instant;

use crate::jdcloud::test_api::{Instead, Received, TestApi, failed, ids, read, refusal, response, returned};
use crate::jdcloud::{Argument, Client, Failure, Notice, RawResponse, Settings, TransportError};

const SECOND: Duration = Duration::from_secs(1);

fn broken() -> TransportError {
    TransportError::Connect { host: "h".into(), reason: "refused".into() }
}

/// A client of an API that returns `instead` for the first `times` requests.
fn failing(
    times: usize,
    instead: impl Fn() -> Instead + Send + Sync + 'static,
    adjust: impl FnOnce(&mut Settings),
) -> (Arc<Client>, Arc<TestApi>) {
    let script = move |n, _: &_| (n < times).then(&instead);
    TestApi::new(&ids(1)).latency(|| Duration::ZERO).script(script).client(adjust)
}

#[tokio::test(start_paused = true)]
async fn transient_failures_are_retried_with_a_new_signature() {
    let instead: [fn() -> Instead; 7] = [
        || Instead::Refuse(500, "INTERNAL", String::new()),
        || Instead::Respond(response(502, &[], "<html>")),
        || Instead::Respond(response(503, &[], "")),
        || Instead::Respond(response(429, &[], "<html>")),
        || Instead::Respond(RawResponse { status: 200, ..refusal(429, "RATE_LIMIT", "role:ak") }),
        || Instead::Break(broken()),
        || Instead::Hang,
    ];
    for instead in instead {
        let (client, api) = failing(5, instead, |_| {});
        assert_eq!(returned(&read(&client, &ids(1)).await.unwrap()), ids(1));
        let received = api.received();
        assert_eq!(received.len(), 6);
        let nonces: HashSet<_> = received.iter().map(|request| &request.nonce).collect();
        assert_eq!(nonces.len(), 6, "a repeated nonce is refused");
    }
}

#[tokio::test(start_paused = true)]
async fn permanent_failures_are_not_retried() {
    let cases: [(fn() -> Instead, Failure); 7] = [
        (|| Instead::Refuse(429, "QUOTA_EXCEEDED", String::new()), Failure::QuotaExceeded),
        (|| Instead::Refuse(400, "X", String::new()), Failure::Refused),
        (|| Instead::Refuse(401, "X", "Invalid accessKey".to_owned()), Failure::UnknownAccessKey),
        (|| Instead::Refuse(403, "X", String::new()), Failure::PermissionDenied),
        (|| Instead::Refuse(403, "HTTP_FORBIDDEN", "api is disabled".to_owned()), Failure::Refused),
        (|| Instead::Refuse(404, "X", String::new()), Failure::NotFound),
        (|| Instead::Refuse(409, "X", String::new()), Failure::Refused),
    ];
    for (instead, failure) in cases {
        let (client, api) = failing(99, instead, |_| {});
        let error = failed(read(&client, &ids(1)).await);
        assert_eq!((&error.failure, error.context.attempts, api.calls()), (&failure, 1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_has_the_number_of_attempts_and_the_elapsed_time() {
    for max_retries in [0, 2] {
        let instead = || Instead::Refuse(503, "UNAVAILABLE", "later".to_owned());
        let (client, api) =
            failing(99, instead, |settings| settings.max_retries = Argument::Known(max_retries));
        let started = Instant::now();
        let error = failed(read(&client, &ids(1)).await);
        assert_eq!(error.failure, Failure::Server { retry_after: None });
        assert_eq!((error.context.attempts, api.calls()), (max_retries + 1, max_retries as usize + 1));
        assert!(started.elapsed() - error.context.elapsed < Duration::from_millis(10));
        assert_eq!(error.context.asked.count, Some(1));
        let shown = error.to_string();
        for part in [
            "503",
            "UNAVAILABLE",
            "later",
            "requestId r",
            "cn-north-1",
            "img-00000",
            "https://vm.jdcloud-api.com",
        ] {
            assert!(shown.contains(part), "{shown}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_waits_for_retry_after() {
    let date = |ahead: Duration| {
        (OffsetDateTime::now_utc() + ahead).format(&Rfc2822).unwrap().replace("+0000", "GMT")
    };
    let header = |name: &'static str, value: String| (name, &*String::leak(value));
    let hour = 3600 * SECOND;
    for (headers, at_least, at_most) in [
        (vec![header("retry-after", "7".to_owned())], 7 * SECOND, 8 * SECOND),
        (vec![header("retry-after", date(30 * SECOND))], 28 * SECOND, 31 * SECOND),
        // The server's clock is an hour ahead of ours.
        (
            vec![header("date", date(hour)), header("retry-after", date(hour + 30 * SECOND))],
            28 * SECOND,
            31 * SECOND,
        ),
        (vec![], 5 * SECOND, 10 * SECOND),
    ] {
        let sent = headers.clone();
        let (client, _) = failing(1, move || Instead::Respond(response(429, &sent, "{}")), |_| {});
        let started = Instant::now();
        read(&client, &ids(1)).await.unwrap();
        let took = started.elapsed();
        assert!(took >= at_least && took <= at_most, "{headers:?}: {took:?}");
    }
}

/// The limit is the account's: requests of other reads would only be refused as well, and use up their retries.
#[tokio::test(start_paused = true)]
async fn a_throttled_account_sends_nothing_until_retry_after() {
    let (client, api) = failing(
        1,
        || Instead::Respond(response(429, &[("retry-after", "10")], "{}")),
        |settings| {
            settings.max_retries = Argument::Known(0);
        },
    );
    let throttled = failed(read(&client, &ids(1)).await);
    assert_eq!(throttled.failure, Failure::Throttled { retry_after: Some(10 * SECOND) });
    let started = Instant::now();
    read(&client, &ids(1)).await.unwrap();
    assert!(started.elapsed() >= 9 * SECOND, "{:?}", started.elapsed());
    assert_eq!(api.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_beyond_the_deadline_is_an_error_at_once() {
    for after in ["1000", "18446744073709551615"] {
        let instead = move || Instead::Respond(response(503, &[("retry-after", after)], ""));
        let (client, api) = failing(99, instead, |_| {});
        let started = Instant::now();
        let error = failed(read(&client, &ids(1)).await);
        // The error has the reason, and comes at once and not after a timeout of five minutes.
        let retry_after = Some(Duration::from_secs(after.parse().unwrap()));
        assert_eq!(error.failure, Failure::Server { retry_after });
        let left = error.context.time_left.unwrap();
        assert!(left > 290 * SECOND && left <= 300 * SECOND, "{left:?}");
        assert_eq!((api.calls(), started.elapsed() < SECOND), (1, true));
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_and_reads_end_at_their_timeouts() {
    let timeouts = |settings: &mut Settings| {
        settings.request_timeout = Argument::Known(20 * SECOND);
        settings.read_timeout = Argument::Known(50 * SECOND);
        settings.max_retries = Argument::Known(50);
    };
    let (client, api) = failing(usize::MAX, || Instead::Hang, timeouts);
    let started = Instant::now();
    let error = failed(read(&client, &ids(1)).await);
    assert!(started.elapsed() <= 50 * SECOND);
    let attempt = Failure::AttemptTimeout { limit: 20 * SECOND };
    let whole = Failure::ReadTimeout { limit: 50 * SECOND, last: Some(Box::new(attempt.clone())) };
    assert!([attempt, whole].contains(&error.failure), "{error}");
    assert!(error.context.attempts >= 2 && error.context.elapsed > 20 * SECOND);
    tokio::task::yield_now().await;
    assert_eq!(api.under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_retry_budget_limits_requests_to_a_failing_api() {
    let ids = ids(1000);
    let instead = |_, _: &_| Some(Instead::Break(broken()));
    let (client, api) = TestApi::new(&[]).script(instead).client(|settings| {
        settings.batch_size = Argument::Known(1);
        settings.read_ahead = Argument::Known(false);
    });
    let reads = ids.iter().map(|id| read(&client, std::iter::once(id)));
    let failed = futures_util::future::join_all(reads).await;
    assert!(failed.iter().all(Result::is_err));
    assert_eq!(api.calls(), 1000 + 100, "one attempt of each read, and the retries of the budget");
}

/// An API whose clock is `ahead` of ours and that refuses requests whose time differs by more than five minutes.
fn skewed(ahead: time::Duration, adjust: impl FnOnce(&mut Settings)) -> (Arc<Client>, Arc<TestApi>) {
    let script = move |_, request: &crate::jdcloud::test_api::Received| {
        let now = OffsetDateTime::now_utc() + ahead;
        let minute = |t: OffsetDateTime| format!("{:02}{:02}", t.hour(), t.minute());
        let signed = &request.date[9..13];
        if (-5..=5).any(|minutes| minute(now + time::Duration::minutes(minutes)) == signed) {
            return None;
        }
        let date = now.format(&Rfc2822).unwrap().replace("+0000", "GMT");
        let mut refused = refusal(401, "ACCESS_ERROR", "expired");
        refused.headers.insert("date", date.parse().unwrap());
        Some(Instead::Respond(refused))
    };
    TestApi::new(&ids(3)).script(script).client(adjust)
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_corrected_with_one_notice() {
    for minutes in [-90, 10] {
        let ahead = time::Duration::minutes(minutes);
        let (client, api) = skewed(ahead, |settings| settings.max_retries = Argument::Known(0));
        let known = ids(3);
        let answer = read(&client, &known[..1]).await.unwrap();
        let [Notice::ClockCorrected { by }] = answer.notices[..] else { panic!("{:?}", answer.notices) };
        assert!((by - ahead).abs() < time::Duration::seconds(2), "{by}");
        assert_eq!(api.calls(), 2);
        let later = read(&client, &known[1..2]).await.unwrap();
        assert_eq!((later.notices, api.calls()), (vec![], 3), "the correction stays");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_cannot_be_corrected_is_an_error() {
    let plain = |settings: &mut Settings| {
        let endpoint = "http://vm.internal.cn-north-1.jdcloud-api.com";
        settings.vm_endpoint = Argument::Known(endpoint.to_owned());
    };
    let (client, api) = skewed(time::Duration::minutes(10), plain);
    let error = failed(read(&client, &ids(1)).await);
    assert!(
        matches!(error.failure, Failure::ClockSkew { by, .. } if by > time::Duration::minutes(9)),
        "{error}"
    );
    assert!(error.to_string().contains("10m slow") || error.to_string().contains("9m slow"), "{error}");
    assert_eq!(api.calls(), 1);

    let (client, api) = skewed(time::Duration::hours(30), |_| {});
    let error = failed(read(&client, &ids(1)).await);
    assert!(matches!(error.failure, Failure::ClockSkew { .. }), "{error}");
    assert_eq!(api.calls(), 1);
}

const MISMATCH: &str = "sign result is not same";
const V2: &str = "JDCLOUD2-HMAC-SHA256";
const V3: &str = "JDCLOUD3-HMAC-SHA256";

/// A client of an API that refuses the signatures for which `refuses` returns true.
fn refusing_signatures(
    refuses: impl Fn(usize, &str) -> bool + Send + Sync + 'static,
) -> (Arc<Client>, Arc<TestApi>) {
    let refusal = || Instead::Refuse(401, "ACCESS_ERROR", MISMATCH.to_owned());
    let script = move |n, received: &Received| refuses(n, &received.algorithm).then(refusal);
    TestApi::new(&ids(3)).script(script).client(|settings| settings.max_retries = Argument::Known(0))
}

fn algorithms(api: &TestApi) -> Vec<String> {
    api.received().into_iter().map(|received| received.algorithm).collect()
}

#[tokio::test(start_paused = true)]
async fn version_3_of_the_signature_is_used_once_version_2_was_refused() {
    let (client, api) = refusing_signatures(|_, algorithm| algorithm == V2);
    let first = read(&client, &ids(3)[..1]).await.unwrap();
    assert_eq!(first.notices, [Notice::SignatureVersion3], "the user is warned");
    let second = read(&client, &ids(3)[1..2]).await.unwrap();
    assert_eq!(second.notices, [], "once");
    assert_eq!(algorithms(&api), [V2, V3, V3], "the accepted version stays");
}

/// A call that was signed before another one found the accepted version would report a wrong secret key.
#[tokio::test(start_paused = true)]
async fn a_call_under_way_uses_the_version_that_another_one_finds() {
    let script = |_, received: &Received| {
        (received.algorithm == V2).then(|| Instead::Refuse(401, "ACCESS_ERROR", MISMATCH.to_owned()))
    };
    let second = Duration::from_secs(1);
    let (client, api) = TestApi::new(&ids(3)).script(script).latency(move || second).client(|_| {});
    let wanted = ids(3);
    let first = read(&client, &wanted[..1]);
    let second = async {
        tokio::time::sleep(second * 3 / 2).await;
        read(&client, &wanted[1..2]).await
    };
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_ok(), "{first:?}");
    assert!(second.is_ok(), "{second:?}");
    assert_eq!(algorithms(&api), [V2, V3, V2, V3]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_key_is_tried_with_version_3_once() {
    let (client, api) = refusing_signatures(|_, _| true);
    for _ in 0..2 {
        let error = failed(read(&client, &ids(1)).await);
        assert_eq!(error.failure, Failure::SignatureMismatch);
    }
    assert_eq!(algorithms(&api), [V2, V3, V2]);
}

#[tokio::test(start_paused = true)]
async fn an_accepted_version_of_the_signature_is_kept() {
    let (client, api) = refusing_signatures(|n, _| n > 0);
    read(&client, &ids(3)[..1]).await.unwrap();
    let error = failed(read(&client, &ids(3)[1..2]).await);
    assert_eq!(error.failure, Failure::SignatureMismatch);
    assert_eq!(algorithms(&api), [V2, V2]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_with_an_accepted_version_3_is_reported() {
    let script = |_, received: &Received| match received.algorithm.as_str() {
        V2 => Some(Instead::Refuse(401, "ACCESS_ERROR", MISMATCH.to_owned())),
        _ => Some(Instead::Refuse(403, "PERMISSION_DENIED", "no".to_owned())),
    };
    let (client, _) = TestApi::new(&ids(1)).script(script).client(|_| {});
    assert_eq!(failed(read(&client, &ids(1)).await).failure, Failure::PermissionDenied);
}

#[tokio::test(start_paused = true)]
async fn refused_access_keys_and_tokens_are_not_tried_with_version_3() {
    for (message, token, expected) in [
        ("Invalid accessKey", Argument::Absent, &[V2][..]),
        ("Invalid authentication credentials", Argument::Known("token".into()), &[V2]),
        // Without a token, the algorithm may be the cause.
        ("Invalid authentication credentials", Argument::Absent, &[V2, V3]),
    ] {
        let refusal = || Instead::Refuse(401, "ACCESS_ERROR", message.to_owned());
        let (client, api) = failing(9, refusal, |settings| settings.security_token = token);
        failed(read(&client, &ids(1)).await);
        assert_eq!(algorithms(&api), expected, "{message}");
    }
}

/// A firewall, a failure or a timeout does not show that the other version is accepted, and must not hide a wrong key.
#[tokio::test(start_paused = true)]
async fn a_refused_signature_is_reported_whatever_becomes_of_the_other_version() {
    let others: [fn() -> Instead; 4] = [
        || Instead::Refuse(400, "X", "blocked by security rules".to_owned()),
        || Instead::Respond(response(403, &[], "<html>blocked</html>")),
        || Instead::Refuse(500, "INTERNAL", String::new()),
        || Instead::Hang,
    ];
    for other in others {
        let script = move |_, received: &Received| {
            let mismatch = || Instead::Refuse(401, "ACCESS_ERROR", MISMATCH.to_owned());
            Some(if received.algorithm == V2 { mismatch() } else { other() })
        };
        let (client, api) = TestApi::new(&ids(1)).script(script).client(|_| {});
        assert_eq!(failed(read(&client, &ids(1)).await).failure, Failure::SignatureMismatch);
        assert_eq!(algorithms(&api), [V2, V3]);
    }
}

/// A connection of HTTP/2 on which nothing is answered any more would take the retries, too, and so would other kept
/// connections that the server has closed.
#[tokio::test(start_paused = true)]
async fn a_retry_after_a_timeout_or_a_break_uses_a_new_connection() {
    let outcomes: [fn() -> Instead; 2] = [
        || Instead::Hang,
        || Instead::Break(TransportError::Broken { host: "h".into(), reason: "reset".into() }),
    ];
    for outcome in outcomes {
        let (client, api) = failing(2, outcome, |_| {});
        read(&client, &ids(1)).await.unwrap();
        assert_eq!((api.calls(), api.resets()), (3, 2));
    }
}

/// A region that fails, or throttling, leaves the retries of other reads alone.
#[tokio::test(start_paused = true)]
async fn other_regions_and_throttling_do_not_use_up_the_budget() {
    let ids = ids(41);
    let turn = std::sync::atomic::AtomicUsize::new(0);
    let script = move |_, call: &Received| match call.region.as_str() {
        "cn-east-2" => Some(Instead::Break(broken())),
        // Every other call, so that each read needs one retry.
        _ => turn
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed)
            .is_multiple_of(2)
            .then(|| Instead::Refuse(429, "RATE_LIMIT", String::new())),
    };
    let (client, api) = TestApi::new(&ids).script(script).client(|settings| {
        settings.batch_size = Argument::Known(1);
        settings.max_concurrent_requests = Argument::Known(1);
        settings.read_ahead = Argument::Known(false);
        settings.read_timeout = Argument::Known(3600 * SECOND);
    });
    let one = |region, id: &String| {
        let wanted = crate::jdcloud::ImageSelection::Named([id.as_str().into()].into());
        let client = Arc::clone(&client);
        async move { client.image_constraints(Some(region), wanted).await }
    };
    for id in &ids[..40] {
        assert!(one("cn-east-2", id).await.is_err());
    }
    assert_eq!(api.calls_in("cn-east-2"), 40 + 100);
    // More retries than the budget has.
    for round in 0..3 {
        for id in &ids {
            let answer = one("cn-north-1", &format!("{id}{round}")).await;
            assert!(answer.is_ok(), "{answer:?}");
        }
    }
}

/// A server that allows a retry at once does not get all of them at once.
#[tokio::test(start_paused = true)]
async fn retries_after_zero_seconds_are_spread() {
    let instead = || Instead::Respond(response(503, &[("retry-after", "0")], ""));
    let (client, _) = failing(5, instead, |_| {});
    let started = Instant::now();
    read(&client, &ids(1)).await.unwrap();
    assert!(started.elapsed() > SECOND / 10, "{:?}", started.elapsed());
}

/// Over plain HTTP the clock cannot be corrected, but it is not why an unknown key is refused.
#[tokio::test(start_paused = true)]
async fn a_wrong_clock_does_not_hide_an_unknown_access_key() {
    let mut refused = refusal(401, "ACCESS_ERROR", "Invalid accessKey");
    let ahead = OffsetDateTime::now_utc() + time::Duration::minutes(2);
    let date = ahead.format(&Rfc2822).unwrap().replace("+0000", "GMT");
    refused.headers.insert("date", date.parse().unwrap());
    let (client, _) = failing(
        9,
        move || Instead::Respond(refused.clone()),
        |settings| {
            let endpoint = "http://vm.internal.cn-north-1.jdcloud-api.com";
            settings.vm_endpoint = Argument::Known(endpoint.to_owned());
        },
    );
    assert_eq!(failed(read(&client, &ids(1)).await).failure, Failure::UnknownAccessKey);
}

/// The body of an error explains it even if one field has another form.
#[tokio::test(start_paused = true)]
async fn a_code_of_another_form_does_not_hide_the_rest_of_an_error() {
    for (status, body, expected) in [
        (429, r#"{"error":{"code":"429","status":"QUOTA_EXCEEDED"}}"#, Failure::QuotaExceeded),
        (
            403,
            r#"{"error":{"code":4030001,"message":"Your IP address is not allowed"}}"#,
            Failure::ForbiddenAddress,
        ),
        (400, r#"{"error":{"code":-1,"message":"the reason"}}"#, Failure::Refused),
    ] {
        let (client, _) = failing(9, move || Instead::Respond(response(status, &[], body)), |_| {});
        let error = failed(read(&client, &ids(1)).await);
        assert_eq!(error.failure, expected, "{body}");
        assert!(error.context.status.is_some() || error.context.message.is_some(), "{body}");
    }
}
