//! The promises of batching, on an API in memory and tokio's paused clock: how many calls, and never another
//! answer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::jdcloud::test_api::{Instead, Received, TestApi, failed, ids, read, response, returned, rows};
use crate::jdcloud::{Answer, Argument, Client, Error, Failure, ImageSelection, Notice, Settings};

fn refuse(code: u16, message: &str) -> Option<Instead> {
    Some(Instead::Refuse(code, "X", message.to_owned()))
}

/// A response with a row for each of `ids`.
fn rows_of<'a>(ids: impl IntoIterator<Item = &'a String>) -> Option<Instead> {
    Some(Instead::Respond(rows(ids.into_iter().map(|id| (id.as_str(), EXCLUDES_T)))))
}

/// Reads `ids` one by one, `parallel` at a time, as Terraform does for `for_each`. Gives the ids whose read
/// failed.
async fn read_each(client: &Arc<Client>, ids: &[String], region: &str, parallel: usize) -> Vec<String> {
    let reads = stream::iter(ids).map(|id| async move {
        let wanted = ImageSelection::Named(BTreeSet::from([id.as_str().into()]));
        (id, client.image_constraints(Some(region), wanted).await)
    });
    let answers: Vec<_> = reads.buffer_unordered(parallel).collect().await;
    assert_eq!(answers.len(), ids.len());
    let mut failed = Vec::new();
    for (id, answer) in answers {
        match answer {
            Err(_) => failed.push(id.clone()),
            Ok(answer) if answer.missing.is_empty() => {
                assert_eq!(returned(&answer), [id]);
                assert_eq!(&*answer.images[0].rule.instance_types()[0], format!("x.{id}"));
            }
            Ok(answer) => assert_eq!((answer.missing, answer.images), (vec![id.as_str().into()], vec![])),
        }
    }
    failed
}

#[tokio::test(start_paused = true)]
async fn two_hundred_reads_of_constrained_images_cost_four_calls_at_most() {
    let ids = ids(200);
    for parallel in [1, 10, 50, 200] {
        let (client, api) = TestApi::new(&ids).client(|_| {});
        assert!(read_each(&client, &ids, "cn-north-1", parallel).await.is_empty());
        assert!(api.calls() <= 4, "{parallel} at a time: {} calls", api.calls());
    }
}

#[tokio::test(start_paused = true)]
async fn two_regions_share_nothing_but_the_connection() {
    let ids = ids(200);
    let (client, api) = TestApi::new(&ids).client(|_| {});
    let (north, east) =
        tokio::join!(read_each(&client, &ids, "cn-north-1", 5), read_each(&client, &ids, "cn-east-2", 5));
    assert!(north.is_empty() && east.is_empty());
    for region in ["cn-north-1", "cn-east-2"] {
        assert!(api.calls_in(region) <= 4, "{region}: {} calls", api.calls_in(region));
    }
}

#[tokio::test(start_paused = true)]
async fn images_without_constraints_cost_one_call_a_round_one_listing_and_one_check() {
    let ids = ids(400);
    for (constrained, extra) in [(&[][..], 1), (&ids[200..], 2)] {
        for parallel in [1, 10, 50] {
            let (client, api) = TestApi::new(constrained).client(|_| {});
            assert!(read_each(&client, &ids[..200], "cn-north-1", parallel).await.is_empty());
            let most = 200_usize.div_ceil(parallel) + extra;
            assert!(api.calls() <= most, "{parallel} at a time: {} calls", api.calls());
        }
    }
}

/// One check is as large as a request can be, so that larger responses later need none.
#[tokio::test(start_paused = true)]
async fn responses_that_become_larger_cost_one_check() {
    let ids = ids(300);
    let (client, api) = TestApi::new(&ids[200..]).client(|_| {});
    for size in [10, 20, 40, 80] {
        assert!(read_each(&client, &ids[size..2 * size], "cn-north-1", size).await.is_empty());
    }
    let sizes: Vec<_> = api.received().iter().map(|call| call.ids.len()).collect();
    // Three listed images stand in each request, and once four.
    assert_eq!(sizes, [0, 13, 14, 23, 43, 83]);
}

/// A measurement that exceeds a limit says nothing about smaller requests.
#[tokio::test(start_paused = true)]
async fn a_measurement_that_exceeds_a_limit_makes_no_request_smaller() {
    let ids = ids(400);
    for is_silent in [true, false] {
        let constrained = ids[200..].to_vec();
        let script = move |_, call: &Received| match call.ids.len() {
            ..=20 => None,
            _ if is_silent => {
                let returned = call.ids.iter().take(20).filter(|id| constrained.contains(id));
                Some(Instead::Respond(rows(returned.map(|id| (id.as_str(), "{}")).collect::<Vec<_>>())))
            }
            _ => refuse(400, "too many ids"),
        };
        let (client, api) = TestApi::new(&ids[200..]).script(script).client(|_| {});
        assert!(read_each(&client, &ids[..200], "cn-north-1", 10).await.is_empty());
        assert!(api.calls() <= 20 + 2, "{} calls", api.calls());
        assert_eq!(read(&client, &ids[..1]).await.unwrap().notices, []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_is_refused_or_hangs_costs_one_call() {
    let ids = ids(200);
    for instead in [
        || refuse(400, "ids missing"),
        || refuse(500, "INTERNAL"),
        || refuse(429, ""),
        || Some(Instead::Hang),
    ] {
        let script = move |_, call: &_| -> Option<Instead> {
            let call: &Received = call;
            if call.ids.is_empty() { instead() } else { None }
        };
        let (client, api) = TestApi::new(&ids).script(script).client(|_| {});
        let started = Instant::now();
        assert!(read_each(&client, &ids, "cn-north-1", 10).await.is_empty());
        assert_eq!(api.received().iter().filter(|call| call.ids.is_empty()).count(), 1);
        assert_eq!(api.calls(), 21);
        assert!(started.elapsed() < Duration::from_secs(5) + 21 * Duration::from_millis(60));
    }
}

#[tokio::test(start_paused = true)]
async fn the_third_small_call_is_preceded_by_a_listing_unless_that_is_turned_off() {
    let ids = ids(300);
    // Two blocks, even with more ids than a batch, never cause one.
    let (client, api) = TestApi::new(&ids).client(|_| {});
    read(&client, &ids[..150]).await.unwrap();
    read(&client, &ids[150..]).await.unwrap();
    assert_eq!(api.received().iter().filter(|call| call.ids.is_empty()).count(), 0);
    let (client, api) = TestApi::new(&ids).client(|settings| settings.read_ahead = Argument::Known(false));
    read_each(&client, &ids[..50], "cn-north-1", 5).await;
    assert_eq!(api.calls(), 10);
}

#[tokio::test(start_paused = true)]
async fn long_lists_become_full_calls_and_lose_nothing() {
    for (count, batch) in [(10_000, 100), (10_001, 350), (99, 100), (7, 1)] {
        let ids = ids(count);
        let known: Vec<_> = ids.iter().step_by(2).cloned().collect();
        let (client, api) =
            TestApi::new(&known).client(|settings| settings.batch_size = Argument::Known(batch));
        let answer = read(&client, &ids).await.unwrap();
        assert_eq!(returned(&answer), known);
        assert_eq!(answer.missing.len(), count - known.len());
        // Three of the ids are controls, where there is room.
        let (full, beside_controls) = (batch as usize, if batch < 20 { 1 } else { batch as usize - 3 });
        // The missing ids of the eight requests that began before any control was known are asked for again, and those of a response
        // with as many rows as no other one.
        let needed = count.div_ceil(full)..=count.div_ceil(beside_controls) + 8 + 3;
        assert!(needed.contains(&api.calls()), "{} calls for {count} ids", api.calls());
        assert!(api.received().iter().all(|call| call.url_length <= 8192));
        assert!(api.most_under_way() <= 8);
    }
}

#[tokio::test(start_paused = true)]
async fn long_ids_are_cut_into_calls_by_the_urls_length() {
    let ids: Vec<String> = (0..100).map(|n| format!("镜像{n:0>300}")).collect();
    let (client, api) = TestApi::new(&ids).client(|_| {});
    assert_eq!(read(&client, &ids).await.unwrap().images.len(), 100);
    assert!(api.received().iter().all(|call| call.url_length <= 8192));
    assert_eq!(api.calls(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_ids_in_one_read_work() {
    let ids = ids(100_000);
    let (client, api) = TestApi::new(&ids).client(|_| {});
    assert_eq!(read(&client, &ids).await.unwrap().images.len(), 100_000);
    assert_eq!(api.calls(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_short_read_does_not_queue_behind_a_long_one() {
    let ids = ids(10_000);
    let (client, api) = TestApi::new(&ids).client(|_| {});
    let long = {
        let (client, ids) = (Arc::clone(&client), ids.clone());
        tokio::spawn(async move { read(&client, &ids).await })
    };
    sleep(Duration::from_millis(10)).await;
    let started = Instant::now();
    read(&client, &["other".to_owned()]).await.unwrap();
    assert!(started.elapsed() < Duration::from_millis(200), "{:?}", started.elapsed());
    assert_eq!(long.await.unwrap().unwrap().images.len(), 10_000);
    assert_eq!(api.calls(), 101);
}

#[tokio::test(start_paused = true)]
async fn answers_and_missing_ids_are_cached_and_errors_are_not() {
    let known = ids(1);
    let (client, api) = TestApi::new(&known)
        .script(|n, call| {
            if n == 0 {
                refuse(403, "no")
            } else {
                assert_ne!(call.ids.len(), 0);
                None
            }
        })
        .client(|_| {});
    let both = ["img-00000".to_owned(), "private".to_owned()];
    assert_eq!(failed(read(&client, &both).await).failure, Failure::PermissionDenied);
    for _ in 0..3 {
        let answer = read(&client, &both).await.unwrap();
        assert_eq!((returned(&answer), answer.missing.len()), (vec!["img-00000"], 1));
    }
    // One is refused, one answered, and one checks that the response was complete.
    assert_eq!(api.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn reads_of_the_same_id_share_one_call() {
    let ids = ids(3);
    let (client, api) = TestApi::new(&ids).client(|_| {});
    let first = read(&client, &ids[..2]);
    let later = async {
        sleep(Duration::from_millis(20)).await;
        read(&client, &ids[1..2]).await
    };
    let (first, later) = tokio::join!(first, later);
    assert_eq!((returned(&first.unwrap()).len(), returned(&later.unwrap()).len()), (2, 1));
    assert_eq!(api.calls(), 1);

    // The error of a call says so: its ids are not those of the block that shows it.
    let (client, _) = TestApi::new(&ids).script(|_, _| refuse(403, "no")).client(|_| {});
    let (one, other) = tokio::join!(read(&client, &ids[..2]), read(&client, &ids[2..]));
    assert!(failed(one).context.is_shared && failed(other).context.is_shared);
    assert!(!failed(read(&client, &ids[..1]).await).context.is_shared);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_read_neither_ends_the_call_of_others_nor_keeps_its_own() {
    let ids = ids(2);
    let (client, api) = TestApi::new(&ids).latency(|| Duration::from_secs(1)).client(|_| {});
    let leaving = timeout(Duration::from_millis(500), read(&client, &ids[..1]));
    let (left, stayed) = tokio::join!(leaving, read(&client, &ids));
    assert!(left.is_err());
    assert_eq!(stayed.unwrap().images.len(), 2);
    assert_eq!(api.calls(), 1);

    let other = ["other".to_owned()];
    assert!(timeout(Duration::from_millis(500), read(&client, &other)).await.is_err());
    tokio::task::yield_now().await;
    assert_eq!((api.calls(), api.under_way()), (2, 0), "the call of nobody has ended");
    // Even before it was sent.
    assert!(timeout(Duration::from_millis(1), read(&client, &["third".to_owned()])).await.is_err());
    sleep(Duration::from_secs(1)).await;
    assert_eq!(api.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_times_out_does_not_end_the_call_of_a_later_one() {
    let ids = ids(1);
    let (client, api) =
        TestApi::new(&ids).script(|n, _| (n < 2).then_some(Instead::Hang)).client(|settings| {
            settings.request_timeout = Argument::Known(Duration::from_secs(20));
            settings.read_timeout = Argument::Known(Duration::from_secs(30));
        });
    let later = async {
        sleep(Duration::from_secs(15)).await;
        read(&client, &ids).await
    };
    let (first, later) = tokio::join!(read(&client, &ids), later);
    let error = failed(first);
    let Failure::ReadTimeout { last: Some(last), .. } = error.failure else { panic!("{error}") };
    assert!(matches!(*last, Failure::AttemptTimeout { .. }));
    assert_eq!((returned(&later.unwrap()), api.calls()), (vec!["img-00000"], 3));
}

#[tokio::test(start_paused = true)]
async fn stop_ends_everything_at_once_and_later_reads_work() {
    let ids = ids(1000);
    let (client, api) = TestApi::new(&ids).script(|n, _| (n < 20).then_some(Instead::Hang)).client(|_| {});
    let mut reads = JoinSet::new();
    for part in ids.chunks(100) {
        let (client, part) = (Arc::clone(&client), part.to_vec());
        reads.spawn(async move { read(&client, &part).await });
    }
    let whole = Arc::clone(&client);
    reads.spawn(async move { whole.image_constraints(None, ImageSelection::All).await });
    sleep(Duration::from_secs(1)).await;
    let stopped = Instant::now();
    client.stop();
    while let Some(read) = reads.join_next().await {
        assert!(matches!(read.unwrap(), Err(Error::Cancelled)));
    }
    tokio::task::yield_now().await;
    assert_eq!((stopped.elapsed(), api.under_way()), (Duration::ZERO, 0));
    for _ in 0..20 {
        // The script's last hanging calls.
        if api.calls() < 20 {
            let _ = timeout(Duration::from_secs(1), read(&client, &ids[..1])).await;
        }
    }
    assert_eq!(read(&client, &ids).await.unwrap().images.len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn one_bad_id_among_two_hundred_fails_its_own_read_only() {
    let ids = ids(200);
    for (code, parallel) in [(400, 10), (404, 10), (422, 10), (500, 10), (404, 50), (400, 200)] {
        let bad = ids[137].clone();
        let script = {
            let bad = bad.clone();
            move |_, call: &Received| {
                if call.ids.contains(&bad) { refuse(code, "bad id") } else { None }
            }
        };
        let (client, api) =
            TestApi::new(&[]).script(script).client(|settings| settings.read_ahead = Argument::Known(false));
        assert_eq!(read_each(&client, &ids, "cn-north-1", parallel).await, [bad], "{code}");
        assert!(api.calls() <= 200_usize.div_ceil(parallel) + 60, "{code}: {} calls", api.calls());
        // Nor does it make calls smaller for good.
        let more: Vec<String> = (0..100).map(|n| format!("more-{n}")).collect();
        let before = api.calls();
        read(&client, &more).await.unwrap();
        assert_eq!(api.calls(), before + 1, "{code}");
    }
}

/// A firewall may block one unusual id with a page of its own.
#[tokio::test(start_paused = true)]
async fn a_response_that_is_invalid_for_one_id_fails_its_own_read_only() {
    let ids = ids(200);
    let page = || response(200, &[("content-type", "text/html")], "<html>blocked</html>");
    let redirect = || response(302, &[("location", "https://proxy.example/blocked")], "");
    let empty = || response(200, &[], "{}");
    let without_code = || response(200, &[], r#"{"requestId":"r","error":{"message":"invalid image id"}}"#);
    for invalid in [page as fn() -> _, redirect, empty, without_code] {
        for bad in [Some(ids[137].clone()), None] {
            let script = {
                let bad = bad.clone();
                move |_, call: &Received| {
                    let is_invalid = bad.as_ref().is_none_or(|bad| call.ids.contains(bad));
                    is_invalid.then(|| Instead::Respond(invalid()))
                }
            };
            let (client, api) = TestApi::new(&ids)
                .script(script)
                .client(|settings| settings.read_ahead = Argument::Known(false));
            let failed = read_each(&client, &ids, "cn-north-1", 10).await;
            if let Some(bad) = bad {
                assert_eq!(failed, [bad], "{:?}", invalid());
                assert!(api.calls() <= 20 + 20, "{:?}: {} calls", invalid(), api.calls());
            } else {
                assert_eq!(failed.len(), ids.len());
                assert!(api.calls() <= 2 * ids.len(), "{:?}: {} calls", invalid(), api.calls());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_apis_own_limit_is_found_once() {
    let ids = ids(10_000);
    for code in [400, 413, 414] {
        let script = move |_, call: &Received| {
            if call.ids.len() > 50 { refuse(code, "too many") } else { None }
        };
        for concurrent in [8, 100] {
            let (client, api) = TestApi::new(&ids)
                .script(script)
                .client(|settings| settings.max_concurrent_requests = Argument::Known(concurrent));
            let answer = read(&client, &ids).await.unwrap();
            assert_eq!(answer.images.len(), 10_000);
            assert_eq!(answer.notices, [Notice::SmallerBatches { from: 100, to: 50 }]);
            let refused = api.received().iter().filter(|call| call.ids.len() > 50).count();
            assert!(refused <= concurrent as usize, "{refused} calls were refused");
            assert_eq!(api.calls(), 200 + refused);
            assert_eq!(read(&client, &["other".to_owned()]).await.unwrap().notices, []);
        }
    }
}

/// Finding out whether an id or the number of ids is to blame ends with the first id that is refused alone.
#[tokio::test(start_paused = true)]
async fn an_api_that_refuses_everything_is_asked_down_to_one_id() {
    let ids = ids(100);
    for (code, calls) in [(400, 8), (413, 8), (414, 8), (404, 1), (500, 6), (401, 2), (403, 1)] {
        let (client, api) = TestApi::new(&[]).script(move |_, _| refuse(code, "no")).client(|_| {});
        let error = failed(read(&client, &ids).await);
        assert_eq!((error.context.code, api.calls()), (Some(code), calls), "one read");

        let (client, api) = TestApi::new(&[])
            .script(move |_, _| refuse(code, "no"))
            .client(|settings| settings.max_retries = Argument::Known(0));
        assert_eq!(read_each(&client, &ids[..10], "cn-north-1", 10).await.len(), 10);
        // The listing ahead of them as well. A 401 is tried with both versions of the signature.
        let most = match code {
            401 => 3,
            403 => 2,
            _ => 1 + 2 * 10,
        };
        assert!(api.calls() <= most, "{code}: {} calls for ten reads", api.calls());
    }

    // Once one id is refused alone, the others are not asked for one after the other.
    let (client, api) = TestApi::new(&[]).script(|_, _| refuse(400, "no")).client(|_| {});
    let started = Instant::now();
    assert_eq!(read_each(&client, &ids[..50], "cn-north-1", 50).await.len(), 50);
    assert!(api.calls() >= 99 && started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

/// How many calls it takes to find out how many ids a gateway takes, and that no id is lost over it.
#[tokio::test(start_paused = true)]
async fn a_limit_of_any_size_is_found_with_few_calls() {
    for limit in [1, 4, 7, 33] {
        for code in [400, 413, 414] {
            let script = move |_, call: &Received| {
                if call.ids.len() > limit { refuse(code, "too many") } else { None }
            };
            let ids = ids(300);
            let (client, api) = TestApi::new(&ids).script(script).client(|_| {});
            assert_eq!(read(&client, &ids).await.unwrap().images.len(), 300);
            let refused = api.received().iter().filter(|call| call.ids.len() > limit).count();
            assert!(refused <= 3 * 8, "limit {limit} under {code}: {refused} calls were refused");
            assert!(api.calls() <= refused + 2 * 300_usize.div_ceil(limit), "{} calls", api.calls());

            let (client, api) = TestApi::new(&ids).script(script).client(|settings| {
                settings.read_ahead = Argument::Known(false);
            });
            assert!(read_each(&client, &ids[..30], "cn-north-1", 30).await.is_empty(), "limit {limit}");
            assert!(api.calls() <= 2 * 30, "limit {limit} under {code}: {} calls for 30 reads", api.calls());
        }
    }
}

/// A gateway that answers only the first few ids of a call must not make the others look unconstrained.
#[tokio::test(start_paused = true)]
async fn a_silent_limit_is_found_and_every_missing_id_is_asked_for_again() {
    let ids = ids(300);
    for limit in [1, 3, 5, 33] {
        let script = || {
            let ids = ids.clone();
            move |_, call: &Received| first_ids(limit, &ids, call)
        };
        let (client, api) = TestApi::new(&[]).script(script()).client(|_| {});
        let answer = read(&client, &ids).await.unwrap();
        assert_eq!((answer.images.len(), answer.missing.len()), (300, 0), "limit {limit}");
        assert_eq!(answer.notices, [Notice::IncompleteResponses { limit, earlier: false }]);
        let needed = 300_usize.div_ceil(limit);
        assert!(api.calls() <= needed + 12, "limit {limit}: {} calls, {needed} needed", api.calls());

        let (client, _) = TestApi::new(&[]).script(script()).client(|settings| {
            settings.read_ahead = Argument::Known(false);
        });
        let mut reads = JoinSet::new();
        for id in ids[..30].iter().cloned() {
            let client = Arc::clone(&client);
            reads.spawn(async move { read(&client, &[id]).await });
        }
        for answer in reads.join_all().await {
            assert_eq!(answer.unwrap().images.len(), 1, "limit {limit}");
        }
    }
}

/// A passing failure teaches nothing that costs calls later.
#[tokio::test(start_paused = true)]
async fn an_outage_at_the_start_does_not_make_calls_smaller() {
    let ids = ids(1000);
    let script = |n, _: &_| if n < 6 { refuse(500, "INTERNAL") } else { None };
    let (client, api) = TestApi::new(&ids).script(script).client(|_| {});
    let answer = read(&client, &ids).await.unwrap();
    assert_eq!((answer.images.len(), answer.notices.len()), (1000, 0));
    assert_eq!(api.calls(), 10 + 6);
}

#[tokio::test(start_paused = true)]
async fn one_spurious_refusal_in_ten_calls_fails_no_read() {
    let ids = ids(4000);
    let script = |n, _: &_| if n % 10 == 3 { refuse(400, "spurious") } else { None };
    let (client, api) = TestApi::new(&ids).script(script).client(|_| {});
    let mut reads = JoinSet::new();
    for part in ids.chunks(100) {
        let (client, part) = (Arc::clone(&client), part.to_vec());
        reads.spawn(async move { read(&client, &part).await });
    }
    for answer in reads.join_all().await {
        assert_eq!(answer.unwrap().images.len(), 100);
    }
    assert!(api.calls() <= 4 * 40, "{} calls", api.calls());
}

/// The neighbours of an id that always ends in a failure of the server wait for the retries of their shared call, and not
/// again for those of each half.
#[tokio::test(start_paused = true)]
async fn the_neighbours_of_a_bad_id_wait_for_one_round_of_retries() {
    let ids = ids(10);
    for code in [500, 502, 504, 520] {
        let bad = ids[6].clone();
        let script = move |_, call: &Received| {
            if call.ids.contains(&bad) { refuse(code, "INTERNAL") } else { None }
        };
        let (client, api) = TestApi::new(&ids).script(script).client(|settings| {
            settings.read_ahead = Argument::Known(false);
        });
        assert_eq!(read_each(&client, &ids, "cn-north-1", 10).await, [ids[6].clone()], "{code}");
        // The call and its five retries, then two halves in each of at most four rounds.
        assert!(api.calls() <= 6 + 8, "{code}: {} calls", api.calls());
    }
}

/// A listing of the region that hangs must not use up the time of the reads that wait for it.
#[tokio::test(start_paused = true)]
async fn a_listing_takes_a_quarter_of_the_most_impatient_reads_time() {
    let ids = ids(40);
    let script = |_, call: &Received| call.ids.is_empty().then_some(Instead::Hang);
    let (client, api) = TestApi::new(&ids).script(script).client(|settings| {
        settings.read_timeout = Argument::Known(Duration::from_secs(2));
    });
    assert!(read_each(&client, &ids, "cn-north-1", 4).await.is_empty());
    assert_eq!(api.received().iter().filter(|call| call.ids.is_empty()).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_listed_row_without_a_constraint_settles_nothing() {
    let ids = ids(30);
    let script = |_, call: &Received| {
        let unrestricted: Vec<_> = (0..30).map(|n| format!("img-{n:05}")).collect();
        let listed = unrestricted.iter().map(|id| (id.as_str(), "null"));
        call.ids.is_empty().then(|| Instead::Respond(rows(listed)))
    };
    let (client, _) = TestApi::new(&ids).script(script).client(|_| {});
    // `read_each` holds every read to its own constraint.
    assert!(read_each(&client, &ids, "cn-north-1", 2).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn reads_without_ids_share_a_call_and_fill_the_cache() {
    let ids = ids(20);
    let (client, api) = TestApi::new(&ids).client(|_| {});
    let all = || client.image_constraints(None, ImageSelection::All);
    let (one, other) = tokio::join!(all(), all());
    assert_eq!((returned(&one.unwrap()), api.calls()), (ids.iter().map(String::as_str).collect(), 1));
    assert_eq!(other.unwrap().images.len(), 20);
    assert!(read_each(&client, &ids, "cn-north-1", 1).await.is_empty());
    assert_eq!(api.calls(), 1);
    // What it lacks says nothing.
    assert_eq!(read(&client, &["private".to_owned()]).await.unwrap().missing.len(), 1);
    assert_eq!(api.calls(), 2);
    // Nor is the call itself remembered.
    assert!(all().await.is_ok());
    assert_eq!(api.calls(), 3);
}

/// Reads of images without constraints share a call a round, also when a busy Terraform starts them one by one, which
/// takes the first rounds apart: otherwise each round is as small as the group that happened to come first.
#[tokio::test(start_paused = true)]
async fn rounds_of_reads_that_terraform_starts_slowly_are_batched() {
    let mut busiest = Vec::new();
    for (parallelism, milliseconds_a_start, most_calls) in
        [(10, 0, 21), (50, 0, 5), (10, 4, 21), (50, 4, 5), (10, 9, 27), (50, 9, 12)]
    {
        let (client, api) = TestApi::new(&[]).latency(|| Duration::from_millis(50)).client(|_| {});
        let terraform = Arc::new(tokio::sync::Mutex::new(()));
        let ids = ids(200);
        let mut reads = JoinSet::new();
        for own in ids.chunks(200 / parallelism) {
            let (client, terraform, own) = (Arc::clone(&client), Arc::clone(&terraform), own.to_vec());
            reads.spawn(async move {
                for id in own {
                    let working = terraform.lock().await;
                    sleep(Duration::from_millis(milliseconds_a_start)).await;
                    drop(working);
                    read(&client, &[id]).await.unwrap();
                }
            });
        }
        reads.join_all().await;
        busiest.push((parallelism, milliseconds_a_start, api.calls(), most_calls));
    }
    assert!(busiest.iter().all(|(_, _, calls, most)| calls <= most), "{busiest:?}");
}

/// A plan with one data block does not wait for other reads, however many ids the block has.
#[tokio::test(start_paused = true)]
async fn a_single_read_waits_five_milliseconds_to_be_batched() {
    for count in [1, 4, 60] {
        let ids = ids(count);
        let (client, _) = TestApi::new(&ids).latency(|| Duration::from_millis(50)).client(|_| {});
        let started = tokio::time::Instant::now();
        read(&client, &ids).await.unwrap();
        assert!(started.elapsed() <= Duration::from_millis(58), "{count} ids took {:?}", started.elapsed());
    }
}

/// When the last of many small reads was answered a while ago, none follow it.
#[tokio::test(start_paused = true)]
async fn a_single_read_after_many_waits_five_milliseconds_to_be_batched() {
    let ids = ids(40);
    let (client, _) = TestApi::new(&[]).client(|_| {});
    assert!(read_each(&client, &ids[1..], "cn-north-1", 10).await.is_empty());
    sleep(Duration::from_secs(1)).await;
    let started = Instant::now();
    read(&client, &ids[..1]).await.unwrap();
    assert!(started.elapsed() <= Duration::from_millis(58), "it took {:?}", started.elapsed());
}

/// A read whose neighbour left keeps its answer, though the neighbour's bad id is still in their call.
#[tokio::test(start_paused = true)]
async fn the_bad_id_of_a_cancelled_read_fails_no_other_read() {
    for code in [400, 404, 500] {
        let script = move |_, call: &Received| {
            if call.ids.iter().any(|id| id == "bad") { refuse(code, "image bad not found") } else { None }
        };
        let (client, api) = TestApi::new(&["good".to_owned()])
            .latency(|| Duration::from_millis(100))
            .script(script)
            .client(|settings| settings.max_retries = Argument::Known(0));
        let (one, two) = (["bad".to_owned()], ["good".to_owned(), "other".to_owned()]);
        let (left, stayed) =
            tokio::join!(timeout(Duration::from_millis(50), read(&client, &one)), read(&client, &two),);
        assert!(left.is_err());
        assert_eq!(returned(&stayed.unwrap()), ["good"], "{code}");
        // One call with the bad id, one without, and one that checks what was missing from it.
        assert_eq!(api.calls(), 3, "{code}");
        read(&client, &ids(90)).await.unwrap();
        assert!(api.received().iter().any(|call| call.ids.len() >= 90), "{code}: requests became smaller");
    }
}

/// A batch that its read has left takes no ids for another request, which would become larger than `batch_size`.
#[tokio::test(start_paused = true)]
async fn a_batch_that_was_left_makes_no_other_request_too_large() {
    let (client, api) = TestApi::new(&[]).client(|settings| settings.batch_size = Argument::Known(2));
    let ids = ids(3);
    assert!(timeout(Duration::from_millis(1), read(&client, &ids[..1])).await.is_err());
    assert_eq!(read(&client, &ids).await.unwrap().missing.len(), 3);
    assert!(api.received().iter().all(|call| call.ids.len() <= 2), "{:?}", api.received());
}

/// Reads of one id each also find out that larger requests work again.
#[tokio::test(start_paused = true)]
async fn small_reads_forget_a_size_that_a_passing_failure_taught() {
    let ids = ids(600);
    let script = |n, call: &Received| {
        if n < 9 && call.ids.len() > 1 { refuse(400, "spurious") } else { None }
    };
    let (client, api) = TestApi::new(&ids).script(script).client(|settings| {
        settings.read_ahead = Argument::Known(false);
    });
    assert!(read_each(&client, &ids[..400], "cn-north-1", 10).await.is_empty());
    let before = api.calls();
    assert!(read_each(&client, &ids[400..], "cn-north-1", 10).await.is_empty());
    assert!(api.calls() - before <= 25, "{} calls for 200 reads", api.calls() - before);
}

/// A check asks for fewer ids than the request that it checks, so its refusal says nothing about their number.
#[tokio::test(start_paused = true)]
async fn a_refused_check_does_not_make_requests_smaller() {
    let ids = ids(200);
    let script = |n, _: &_| if n == 1 { refuse(400, "spurious") } else { None };
    let (client, api) = TestApi::new(&ids[..98]).script(script).client(|_| {});
    let answer = read(&client, &ids[..100]).await.unwrap();
    assert_eq!((answer.missing.len(), answer.notices), (2, vec![]));
    let before = api.calls();
    read(&client, &ids[100..]).await.unwrap();
    // A listing, since the controls are forgotten, and a check. All controls sort before the missing ids.
    assert!(api.calls() - before <= 5, "{} calls for 100 ids", api.calls() - before);
}

/// A read that joined a request after its first failure would have fewer attempts than alone.
#[tokio::test(start_paused = true)]
async fn a_read_joins_no_request_that_has_failed() {
    // The later read begins with this request, and this one is the last that fails.
    for (reads, code, begins, last) in [(1, 503, 1, 1), (2, 500, 2, 2), (0, 503, 1, 1)] {
        let (ids, begin) = (ids(2), Arc::new(Notify::new()));
        let latency = {
            let (begin, requests) = (Arc::clone(&begin), AtomicUsize::new(0));
            move || {
                if requests.fetch_add(1, Ordering::Relaxed) == begins {
                    begin.notify_one();
                }
                Duration::from_millis(50)
            }
        };
        let script = move |n, _: &_| if n <= last { refuse(code, "later") } else { None };
        let (client, _) = TestApi::new(&ids).latency(latency).script(script).client(|settings| {
            settings.max_retries = Argument::Known(1);
        });
        let one = |id: usize| {
            let named = ImageSelection::Named(BTreeSet::from([ids[id].as_str().into()]));
            client.image_constraints(None, if reads == 0 { ImageSelection::All } else { named })
        };
        let earlier =
            async { tokio::join!(one(0), async { if reads == 2 { one(1).await.ok() } else { None } }) };
        let later = async {
            begin.notified().await;
            one(0).await
        };
        let (_, later) = tokio::join!(earlier, later);
        assert!(later.is_ok(), "{reads} reads, {code}: {later:?}");
    }
}

/// Missing ids that were believed while there was nothing to check them with are asked for again later.
#[tokio::test(start_paused = true)]
async fn absences_are_withdrawn_when_the_first_image_is_returned() {
    let ids = ids(30);
    let script = |_, call: &Received| {
        // Ids from 3 on have a row; the first three ids of a request are considered.
        let considered = call.ids.iter().take(3).filter(|id| id.as_str() >= "img-00003");
        Some(Instead::Respond(rows(considered.map(|id| (id.as_str(), "null")))))
    };
    let (client, _) = TestApi::new(&[]).script(script).client(|settings| {
        settings.read_ahead = Argument::Known(false);
    });
    assert_eq!(read(&client, &ids[..10]).await.unwrap().missing.len(), 10);
    assert_eq!(returned(&read(&client, &ids[10..]).await.unwrap()), ids[10..]);
    assert_eq!(returned(&read(&client, &ids[..10]).await.unwrap()), ids[3..10]);
}

/// Missing ids of a request without room for controls are asked for again once a later request has found the limit.
#[tokio::test(start_paused = true)]
async fn absences_are_withdrawn_when_a_silent_limit_is_found() {
    let ids = ids(30);
    let (absent, hidden, listed) = (&ids[..14], &ids[14..20], &ids[20..]);
    let has_limit = Arc::new(AtomicBool::new(false));
    let script = {
        let (constrained, has_limit) = (ids[14..].to_vec(), Arc::clone(&has_limit));
        move |_, call: &Received| {
            first_ids(if has_limit.load(Ordering::Relaxed) { 4 } else { 10 }, &constrained, call)
        }
    };
    let (client, _) = TestApi::new(listed).script(script).client(|settings| {
        settings.batch_size = Argument::Known(10);
    });
    client.image_constraints(None, ImageSelection::All).await.unwrap();
    assert_eq!(read(&client, &absent[..6]).await.unwrap().missing.len(), 6);
    has_limit.store(true, Ordering::Relaxed);
    let full = [&absent[6..10], hidden].concat();
    assert_eq!(read(&client, &full).await.unwrap().missing.len(), 10);
    assert_eq!(read(&client, &absent[10..]).await.unwrap().missing.len(), 4);
    assert_eq!(returned(&read(&client, &full).await.unwrap()), hidden);
}

/// A retry that comes too late for one read is made for another one that has more time.
#[tokio::test(start_paused = true)]
async fn a_request_is_retried_for_the_read_with_the_latest_deadline() {
    let id = ids(1);
    let seconds = Duration::from_secs;
    let script = |n, _: &_| (n == 0).then(|| Instead::Respond(response(503, &[("retry-after", "12")], "")));
    let requests = AtomicUsize::new(0);
    let latency = move || seconds(if requests.fetch_add(1, Ordering::Relaxed) == 0 { 9 } else { 0 });
    let (client, api) = TestApi::new(&id).latency(latency).script(script).client(|settings| {
        settings.read_timeout = Argument::Known(seconds(20));
    });
    let later = async {
        sleep(seconds(8)).await;
        read(&client, &id).await
    };
    let (earlier, later) = tokio::join!(read(&client, &id), later);
    assert!(matches!(failed(earlier).failure, Failure::ReadTimeout { .. }));
    assert_eq!((returned(&later.unwrap()), api.calls()), (vec![id[0].as_str()], 2));
}

/// One control cannot be the first by its number, the last, and the last in the query, which is sorted as text.
#[tokio::test(start_paused = true)]
async fn a_single_control_finds_a_silent_limit_in_any_order() {
    let ids = ids(13);
    for order in ["by number", "as text", "from the end"] {
        // The numbers of the nine ids that are considered; in the second request none of them has a row.
        let considered = move |count: usize| {
            let mut numbers: Vec<usize> = (1..=count).collect();
            match order {
                "as text" => numbers.sort_by_key(ToString::to_string),
                "from the end" => numbers.reverse(),
                _ => {}
            }
            numbers.truncate(9);
            numbers
        };
        let absent: Vec<String> = considered(12).iter().map(|number| ids[*number].clone()).collect();
        let script = {
            let absent = absent.clone();
            move |_, call: &Received| {
                let seen = considered(call.ids.len()).into_iter().map(|number| call.ids[number - 1].as_str());
                let with_row = seen.filter(|id| absent.iter().all(|absent| absent != id));
                Some(Instead::Respond(rows(with_row.map(|id| (id, "null")))))
            }
        };
        let (client, _) = TestApi::new(&[]).script(script).client(|settings| {
            settings.batch_size = Argument::Known(12);
            settings.read_ahead = Argument::Known(false);
        });
        assert_eq!(returned(&read(&client, &ids[..1]).await.unwrap()), ["img-00000"]);
        let answer = read(&client, &ids[1..]).await.unwrap();
        assert_eq!((returned(&answer).len(), answer.missing.len()), (3, 9), "{order}");
    }
}

/// A listing that was dropped with the reads that waited for it is sent again for later ones.
#[tokio::test(start_paused = true)]
async fn a_cancelled_listing_is_not_the_last() {
    let ids = ids(20);
    let (client, api) = TestApi::new(&ids).client(|_| {});
    let cancelled = read_each(&client, &ids[..10], "cn-north-1", 10);
    assert!(timeout(Duration::from_millis(30), cancelled).await.is_err());
    assert!(read_each(&client, &ids, "cn-north-1", 10).await.is_empty());
    assert_eq!(api.received().iter().map(|call| call.ids.len()).collect::<Vec<_>>(), [0, 0]);
}

/// A listing ahead of other reads is not retried for them, but it is for a read of the whole region that shares it.
#[tokio::test(start_paused = true)]
async fn a_listing_is_retried_for_a_read_of_the_whole_region_only() {
    let ids = ids(10);
    for (reads_all, listings) in [(false, 1), (true, 2)] {
        let script = |n, _: &_| if n == 0 { refuse(503, "later") } else { None };
        let latency = || Duration::from_millis(50);
        let (client, api) = TestApi::new(&ids).latency(latency).script(script).client(|_| {});
        let all = async {
            sleep(Duration::from_millis(30)).await;
            if reads_all {
                let all = client.image_constraints(None, ImageSelection::All).await;
                assert_eq!(all.unwrap().images.len(), 10);
            }
        };
        let (failed, ()) = tokio::join!(read_each(&client, &ids, "cn-north-1", 10), all);
        assert!(failed.is_empty());
        let is_listing = |call: &&Received| call.ids.is_empty();
        assert_eq!(api.received().iter().filter(is_listing).count(), listings);
    }
}

/// A listing for the check of another read's response may take long, and a small read does not need it.
#[tokio::test(start_paused = true)]
async fn a_small_read_does_not_wait_for_a_listing_for_a_check() {
    let ids = ids(10);
    let script = |_, call: &Received| call.ids.is_empty().then_some(Instead::Hang);
    let (client, _) = TestApi::new(&ids[9..]).script(script).client(|_| {});
    let started = Instant::now();
    let missing = read(&client, &ids[..9]);
    let small = async {
        sleep(Duration::from_secs(1)).await;
        (read(&client, &ids[9..]).await, started.elapsed())
    };
    let (missing, (small, took)) = tokio::join!(missing, small);
    assert_eq!((missing.unwrap().missing.len(), returned(&small.unwrap()).len()), (9, 1));
    assert!(started.elapsed() > Duration::from_secs(5) && took < Duration::from_secs(2), "{took:?}");
}

/// An id that was returned before, in a malformed row, is known to be left out when it is missing.
#[tokio::test(start_paused = true)]
async fn a_missing_id_that_was_returned_before_shows_a_silent_limit() {
    let ids = ids(5);
    let script = {
        let malformed = ids[4].clone();
        move |_, call: &Received| {
            let first = call.ids.iter().min()?.as_str();
            let constraint = if first == malformed { "{}" } else { "null" };
            Some(Instead::Respond(rows([(first, constraint)])))
        }
    };
    let (client, _) = TestApi::new(&[]).script(script).client(|settings| {
        settings.batch_size = Argument::Known(3);
        settings.read_ahead = Argument::Known(false);
    });
    for malformed in [&ids[4..], &[ids[2].clone(), ids[4].clone()]] {
        let error = failed(read(&client, malformed).await);
        assert!(matches!(error.failure, Failure::MalformedRow { .. }), "{malformed:?}: {error:?}");
    }
}

const EXCLUDES_T: &str = r#"{"constraintsType":"excludes","instanceTypes":["t"]}"#;

/// A read in a task of its own; gives how long it took, too.
fn spawn(client: &Arc<Client>, ids: &[&str]) -> tokio::task::JoinHandle<(Duration, Result<Answer, Error>)> {
    let (client, ids) = (Arc::clone(client), ids.iter().map(ToString::to_string).collect::<Vec<_>>());
    tokio::spawn(async move {
        let started = Instant::now();
        let answer = read(&client, &ids).await;
        (started.elapsed(), answer)
    })
}

/// A listing that leaves out the types must not make an image unrestricted.
#[tokio::test(start_paused = true)]
async fn a_listed_constraint_without_types_settles_nothing() {
    for listed in
        [r#"{"constraintsType":"excludes"}"#, r#"{"constraintsType":"excludes","instanceTypes":[]}"#]
    {
        let ids = ids(10);
        let script = {
            let ids = ids.clone();
            move |_, call: &Received| {
                let all = || Instead::Respond(rows(ids.iter().map(|id| (id.as_str(), listed))));
                call.ids.is_empty().then(all)
            }
        };
        let (client, _) = TestApi::new(&ids).script(script).client(|_| {});
        // Compares the types.
        assert!(read_each(&client, &ids, "cn-north-1", 10).await.is_empty());
    }
}

/// A gateway that ignores case, and a row of another form: the response is invalid, but only for one of its ids.
#[tokio::test(start_paused = true)]
async fn a_row_that_makes_a_response_invalid_fails_its_own_read_only() {
    let other_case = |_, call: &Received| {
        let ids: Vec<_> = call.ids.iter().map(|id| id.to_lowercase()).collect();
        rows_of(&ids)
    };
    let other_form = |_, call: &Received| {
        let form = |id: &str| if id == "IMG-A" { r#"{"instanceTypes":"all"}"# } else { EXCLUDES_T };
        Some(Instead::Respond(rows(call.ids.iter().map(|id| (id.as_str(), form(id))))))
    };
    for api in [TestApi::new(&[]).script(other_case), TestApi::new(&[]).script(other_form)] {
        let (client, _) = api.client(|_| {});
        let (one, two) = (spawn(&client, &["IMG-A"]), spawn(&client, &["img-b"]));
        let (one, two) = (one.await.unwrap().1, two.await.unwrap().1);
        assert!(one.is_err(), "{one:?}");
        assert_eq!(returned(&two.unwrap()), ["img-b"]);
    }
}

/// A listing names an image that is refused, or not returned, when a check asks for it.
#[tokio::test(start_paused = true)]
async fn a_control_that_no_read_asked_for_fails_no_read() {
    // The status for a request with the image, and for one of it alone.
    for (among_others, alone) in [
        (None, None),
        (None, Some(404)),
        (Some(400), Some(400)),
        (Some(403), Some(403)),
        (Some(404), Some(404)),
        (Some(500), Some(500)),
    ] {
        let script = move |_, call: &Received| {
            if call.ids.is_empty() {
                return Some(Instead::Respond(rows([("z-ghost", EXCLUDES_T)])));
            }
            let refused = if call.ids == ["z-ghost"] { alone } else { among_others };
            let refused = refused.filter(|_| call.ids.iter().any(|id| id == "z-ghost"));
            let row = call.ids.iter().filter(|id| *id == "x").map(|id| (id.as_str(), EXCLUDES_T));
            Some(refused.map_or_else(
                || Instead::Respond(rows(row)),
                |code| Instead::Refuse(code, "X", "z-ghost".to_owned()),
            ))
        };
        let (client, api) = TestApi::new(&[]).script(script).client(|_| {});
        client.image_constraints(None, ImageSelection::All).await.unwrap();
        for more in ["", "0", "1"] {
            let mut ids: Vec<String> = ids(10).iter().map(|id| format!("{id}{more}")).collect();
            let answer = read(&client, &ids).await.unwrap();
            assert_eq!((answer.missing.len(), answer.notices), (10, vec![]), "{among_others:?} {alone:?}");
            ids.push("x".to_owned());
            let answer = read(&client, &ids).await.unwrap();
            assert_eq!((returned(&answer), answer.missing.len()), (vec!["x"], 10));
        }
        // The missing ids are asked for one by one without a control that can be used, and once more beside `x`, which sorts
        // beyond them. The check by itself is retried after HTTP 500, and the control sent alone; a request beside the control is
        // sent without it.
        assert!(api.calls() <= 32, "{among_others:?} {alone:?}: {} calls", api.calls());
        read(&client, &ids(90)[10..]).await.unwrap();
        let largest = api.received().iter().map(|call| call.ids.len()).max();
        // HTTP 400 may be due to the number of ids.
        assert!(
            largest >= Some(80) || among_others == Some(400),
            "{among_others:?}: requests became smaller"
        );
    }
}

/// Without a control that can be used, an id is believed to be missing only when it was asked for alone.
#[tokio::test(start_paused = true)]
async fn a_refused_control_does_not_hide_a_silent_limit() {
    let script = |_, call: &Received| match call.ids.first().map(String::as_str) {
        None => Some(Instead::Respond(rows([("ghost", EXCLUDES_T)]))),
        _ if call.ids.iter().any(|id| id == "ghost") => refuse(404, "ghost"),
        // Only the first id is considered.
        Some("img-00000") => Some(Instead::Respond(rows([]))),
        Some(first) => Some(Instead::Respond(rows([(first, EXCLUDES_T)]))),
    };
    for count in [3, 60] {
        let (client, _) = TestApi::new(&[]).script(script).client(|_| {});
        let answer = read(&client, &ids(count)).await.unwrap();
        assert_eq!((returned(&answer).len(), answer.missing.len()), (count - 1, 1));
    }
}

/// Nor is a later response believed when all listed images have turned out to be refused or gone, as if none had been known.
#[tokio::test(start_paused = true)]
async fn listed_images_that_are_gone_do_not_hide_a_silent_limit() {
    let ids = ids(20);
    for is_refused in [true, false] {
        let constrained = [ids[15].clone()];
        let script = move |_, call: &Received| {
            if call.ids.is_empty() {
                return Some(Instead::Respond(rows([("ghost-a", EXCLUDES_T), ("ghost-z", EXCLUDES_T)])));
            }
            if is_refused && call.ids.iter().any(|id| id.starts_with("ghost")) {
                return refuse(404, "ghost");
            }
            first_ids(3, &constrained, call)
        };
        let (client, _) = TestApi::new(&[]).script(script).client(|_| {});
        client.image_constraints(None, ImageSelection::All).await.unwrap();
        assert_eq!(read(&client, &ids[..10]).await.unwrap().missing.len(), 10);
        assert_eq!(returned(&read(&client, &ids[10..]).await.unwrap()), ["img-00015"], "{is_refused}");
    }
}

/// Requests for more than 20 ids hang. Only the check that spares later ones is that large.
#[tokio::test(start_paused = true)]
async fn a_check_that_is_not_needed_takes_a_share_of_the_time_only() {
    let ids = ids(400);
    let script = |_, call: &Received| (call.ids.len() > 20).then_some(Instead::Hang);
    let (client, _) = TestApi::new(&ids[200..]).script(script).client(|settings| {
        settings.read_timeout = Argument::Known(Duration::from_secs(15));
    });
    for round in ids[..30].chunks(10) {
        assert!(read_each(&client, round, "cn-north-1", 10).await.is_empty());
    }
}

/// No read fails or waits for long because another one's request hangs.
#[tokio::test(start_paused = true)]
async fn a_read_does_not_wait_for_the_checks_and_halves_of_another() {
    let row = |id: &String| id.ends_with("row");
    let check_hangs = move |n, call: &Received| {
        if n > 0 && call.ids.iter().any(|id| id == "a-missing") {
            return Some(Instead::Hang);
        }
        rows_of(call.ids.iter().filter(|id| row(id)))
    };
    let limits = |settings: &mut Settings| {
        settings.read_ahead = Argument::Known(false);
        settings.read_timeout = Argument::Known(Duration::from_secs(60));
    };
    let (client, _) = TestApi::new(&[]).script(check_hangs).client(limits);
    let _one = spawn(&client, &["a-row", "a-missing"]);
    let (took, answer) = spawn(&client, &["same-request-row"]).await.unwrap();
    assert!(answer.is_ok() && took < Duration::from_secs(1), "{took:?} {answer:?}");
    sleep(Duration::from_secs(1)).await;
    let two = spawn(&client, &["b-row", "b-missing"]);
    sleep(Duration::from_secs(14)).await;
    let _joined = spawn(&client, &["a-missing"]);
    let (took, answer) = two.await.unwrap();
    assert!(answer.is_ok() && took < Duration::from_secs(6), "{took:?} {answer:?}");

    let half_hangs = |_, call: &Received| {
        if call.ids.iter().any(|id| id == "d") {
            return refuse(400, "d");
        }
        call.ids.iter().any(|id| id == "a").then_some(Instead::Hang)
    };
    let (client, _) = TestApi::new(&[]).script(half_hangs).client(limits);
    let reads = ["a", "b", "c", "d"].map(|id| spawn(&client, &[id]));
    let [_, _, other_half, refused] = reads;
    let (took, answer) = other_half.await.unwrap();
    assert!(answer.is_ok() && took < Duration::from_secs(6), "{took:?} {answer:?}");
    assert!(refused.await.unwrap().1.is_err());
    let (took, answer) = spawn(&client, &["d"]).await.unwrap();
    assert!(answer.is_err() && took < Duration::from_secs(1), "{took:?} {answer:?}");

    let second_half_hangs = |_, call: &Received| match call.ids.first()?.as_str() {
        "a" if call.ids.len() == 4 => refuse(400, "too many"),
        "a" => Some(Instead::Respond(rows([("a", EXCLUDES_T)]))),
        "b" => Some(Instead::Respond(rows([]))),
        _ => Some(Instead::Hang),
    };
    let (client, _) = TestApi::new(&[]).script(second_half_hangs).client(limits);
    for read in ["a", "b", "c", "d"].map(|id| spawn(&client, &[id])).into_iter().take(2) {
        let (took, answer) = read.await.unwrap();
        assert!(answer.is_ok() && took < Duration::from_secs(1), "{took:?} {answer:?}");
    }
}

/// Neither an unknown id nor a failing server says that a request had too many ids.
#[tokio::test(start_paused = true)]
async fn a_passing_404_or_500_does_not_make_requests_smaller() {
    let ids = ids(120);
    for code in [404, 500] {
        let script = move |n, _: &_| if n == 0 { refuse(code, "passing") } else { None };
        let (client, api) = TestApi::new(&ids).script(script).client(|settings| {
            settings.read_ahead = Argument::Known(false);
            settings.max_retries = Argument::Known(0);
        });
        assert!(read_each(&client, &ids[..10], "cn-north-1", 10).await.is_empty(), "{code}");
        let before = api.calls();
        let answer = read(&client, &ids[20..]).await.unwrap();
        assert_eq!((answer.notices, api.calls() - before), (vec![], 1), "{code}");
    }
}

/// A check whose ids were settled while it waited would ask for the whole region.
#[tokio::test(start_paused = true)]
async fn a_check_of_no_ids_is_not_sent() {
    let fails = AtomicBool::new(true);
    let script = move |_, call: &Received| {
        if call.ids == ["r", "x"] && fails.swap(false, Ordering::Relaxed) {
            return refuse(503, "later");
        }
        Some(Instead::Respond(rows(call.ids.iter().filter(|id| *id == "r").map(|id| (id.as_str(), "{}")))))
    };
    let latency = |call: &Received| Duration::from_millis(if call.ids == ["a"] { 3_000 } else { 50 });
    let (client, api) = TestApi::new(&[]).latency_of(latency).script(script).client(|settings| {
        settings.read_ahead = Argument::Known(false);
    });
    let mut reads = vec![spawn(&client, &["a"]), spawn(&client, &["r"])];
    sleep(Duration::from_secs(1)).await;
    reads.extend([spawn(&client, &["r"]), spawn(&client, &["x"])]);
    sleep(Duration::from_millis(60)).await;
    reads.push(spawn(&client, &["x"]));
    for read in reads {
        read.await.unwrap().1.ok();
    }
    assert_eq!(read(&client, &["m", "n"].map(str::to_owned)).await.unwrap().notices, []);
    assert!(api.received().iter().all(|call| !call.ids.is_empty()), "{:?}", api.received());
}

/// A gateway that considers the first or the last ids in their own order, which is found where known ids sort beyond the missing
/// ones.
#[tokio::test(start_paused = true)]
async fn a_silent_limit_in_the_order_of_the_ids_is_found() {
    let ids = ids(100);
    for is_reversed in [false, true] {
        let script = move |_, call: &Received| {
            let mut considered = call.ids.clone();
            considered.sort();
            if is_reversed {
                considered.reverse();
            }
            considered.truncate(5);
            let with_row = considered.iter().filter(|id| !id.starts_with("img-0005"));
            rows_of(with_row)
        };
        let (client, _) = TestApi::new(&[]).script(script).client(|settings| {
            settings.read_ahead = Argument::Known(false);
        });
        for known in [99, 98, 1, 0] {
            read(&client, &ids[known..=known]).await.unwrap();
        }
        let (first, last) = if is_reversed { (60, 40) } else { (40, 60) };
        let asked = [&ids[first..first + 2], &ids[50..53], &ids[last..last + 5]].concat();
        let answer = read(&client, &asked).await.unwrap();
        assert_eq!((returned(&answer).len(), answer.missing.len()), (7, 3), "{is_reversed}");
        assert!(matches!(
            answer.notices[..],
            [] | [Notice::IncompleteResponses { limit: 4..=5, earlier: false }]
        ));
    }
}

/// A gateway that returns two rows, those of its oldest images, which are the only known ones and hide all others in a
/// check.
#[tokio::test(start_paused = true)]
async fn rows_hidden_behind_those_of_the_controls_are_found() {
    let script = |_, call: &Received| {
        let oldest = ["b", "y", "c", "d"].into_iter().filter(|id| call.ids.iter().any(|asked| asked == id));
        Some(Instead::Respond(rows(oldest.take(2).map(|id| (id, EXCLUDES_T)))))
    };
    let (client, _) = TestApi::new(&[]).script(script).client(|settings| {
        settings.read_ahead = Argument::Known(false);
    });
    let ids: Vec<String> = ('b'..='y').map(String::from).collect();
    let answer = read(&client, &ids).await.unwrap();
    assert_eq!(returned(&answer), ["b", "c", "d", "y"]);
}

/// An outage that begins with the check of a response is not retried for each id again.
#[tokio::test(start_paused = true)]
async fn a_check_that_fails_has_used_up_the_retries() {
    let script = |n, _: &_| match n {
        0 => Some(Instead::Respond(rows([("known", EXCLUDES_T)]))),
        1 => Some(Instead::Respond(rows([]))),
        _ => refuse(500, "INTERNAL"),
    };
    let (client, api) = TestApi::new(&[]).script(script).client(|_| {});
    client.image_constraints(None, ImageSelection::All).await.unwrap();
    assert!(read(&client, &ids(10)).await.is_err());
    // A large check, the small one with five retries, and ten ids.
    assert!(api.calls() <= 2 + 1 + 6 + 10, "{} calls", api.calls());
}

/// The check of a half is retried, although the half itself has used up the retries.
#[tokio::test(start_paused = true)]
async fn the_check_of_a_half_is_retried() {
    let known = ["a", "n", "z"].map(str::to_owned);
    let script = {
        let (known, checks) = (known.clone(), AtomicUsize::new(0));
        move |n, call: &Received| {
            let is_check = call.ids.iter().any(|id| known.contains(id));
            // The request of all ids and its retry fail, and the first attempt of the check; and an id that is asked for alone.
            let fails = match call.ids.len() {
                0 => false,
                1 => true,
                _ if is_check => checks.fetch_add(1, Ordering::Relaxed) < 3,
                _ => n <= 2,
            };
            if fails { refuse(500, "INTERNAL") } else { None }
        }
    };
    let (client, _) = TestApi::new(&known).script(script).client(|settings| {
        settings.max_retries = Argument::Known(1);
    });
    client.image_constraints(None, ImageSelection::All).await.unwrap();
    assert!(read_each(&client, &ids(8), "cn-north-1", 8).await.is_empty());
}

/// What a gateway that considers only the first `limit` ids returns of `constrained`.
fn first_ids(limit: usize, constrained: &[String], call: &Received) -> Option<Instead> {
    let considered = call.ids.iter().take(limit).filter(|id| constrained.contains(id));
    if call.ids.is_empty() { None } else { rows_of(considered) }
}

/// Few images have a row, so that the rows of a response say little about the limit of its ids.
#[tokio::test(start_paused = true)]
async fn a_silent_limit_is_found_where_few_images_have_a_constraint() {
    let ids = ids(500);
    let constrained = [&ids[..3], &ids[300..]].concat();
    let script = {
        let constrained = constrained.clone();
        move |_, call: &Received| first_ids(33, &constrained, call)
    };
    let (client, api) = TestApi::new(&constrained).script(script).client(|_| {});
    let answer = read(&client, &ids[..300]).await.unwrap();
    assert_eq!((returned(&answer).len(), answer.missing.len()), (3, 297));
    assert_eq!(answer.notices, [Notice::IncompleteResponses { limit: 33, earlier: false }]);
    assert!(api.calls() <= 3 + 10 + 10, "{} calls", api.calls());
}

/// A check may exceed a limit that the API reports. That says nothing about its controls.
#[tokio::test(start_paused = true)]
async fn a_check_beyond_a_reported_limit_keeps_its_controls() {
    let ids = ids(401);
    for code in [400, 413, 414] {
        let script = move |_, call: &Received| {
            if call.ids.len() > 4 { refuse(code, "too many") } else { None }
        };
        let (client, api) = TestApi::new(&ids[400..]).script(script).client(|_| {});
        client.image_constraints(None, ImageSelection::All).await.unwrap();
        assert!(read_each(&client, &ids[..400], "cn-north-1", 50).await.is_empty());
        assert!(api.calls() <= 200, "{code}: {} calls", api.calls());
    }
}

/// Where the API allows few ids, a check has room for two ids and two controls. Otherwise each id of a plan would cost a request.
#[tokio::test(start_paused = true)]
async fn a_small_limit_leaves_room_for_controls() {
    let ids = ids(320);
    let constrained: Vec<_> = ids.iter().step_by(32).cloned().collect();
    let script = |_, call: &Received| if call.ids.len() > 4 { refuse(413, "too many") } else { None };
    let (client, api) = TestApi::new(&constrained).script(script).client(|settings| {
        settings.batch_size = Argument::Known(32);
    });
    for block in ids.chunks(32) {
        read(&client, block).await.unwrap();
    }
    assert!(api.calls() <= 140, "{} calls", api.calls());
}

/// A refusal of a check that passes costs neither a request for each id nor a warning.
#[tokio::test(start_paused = true)]
async fn a_passing_refusal_of_a_check_costs_few_calls() {
    let ids = ids(500);
    let half: Vec<_> = ids.iter().step_by(2).cloned().collect();
    for (at, code) in [(2, 400), (2, 404), (2, 500), (3, 400)] {
        let script = move |n, _: &_| if n == at { refuse(code, "passing") } else { None };
        let (client, api) = TestApi::new(&half).script(script).client(|settings| {
            settings.max_retries = Argument::Known(0);
        });
        client.image_constraints(None, ImageSelection::All).await.unwrap();
        for hundred in ids[..400].chunks(100) {
            let answer = read(&client, hundred).await.unwrap();
            assert_eq!((returned(&answer).len(), answer.notices), (50, vec![]), "{code} at {at}");
        }
        assert!(api.calls() <= 1 + 4 + 4, "{code} at {at}: {} calls", api.calls());
    }
}

/// An empty response among others shows no limit.
#[tokio::test(start_paused = true)]
async fn one_incomplete_response_does_not_make_requests_smaller() {
    let ids = ids(350);
    let script = |n, _: &_| (n == 1).then(|| Instead::Respond(rows([])));
    let (client, api) = TestApi::new(&ids).script(script).client(|_| {});
    for (wanted, calls) in [(&ids[..60], 1), (&ids[100..170], 1 + 4 + 70), (&ids[170..], 2)] {
        let before = api.calls();
        let answer = read(&client, wanted).await.unwrap();
        assert_eq!((returned(&answer).len(), answer.notices), (wanted.len(), vec![]));
        assert!(api.calls() - before <= calls, "{} calls for {}", api.calls() - before, wanted.len());
    }
}

/// A listing may name only images that are not returned by name: the ids are asked for one by one then.
#[tokio::test(start_paused = true)]
async fn controls_that_are_all_gone_cost_a_call_for_each_id() {
    let ids = ids(1000);
    let listed: Vec<String> = (0..300).map(|n| format!("ghost-{n}")).collect();
    let script = move |_, call: &Received| {
        let listed = call.ids.is_empty().then(|| listed.iter().map(|id| (id.as_str(), EXCLUDES_T)));
        Some(Instead::Respond(rows(listed.into_iter().flatten().collect::<Vec<_>>())))
    };
    let (client, api) = TestApi::new(&[]).script(script).client(|_| {});
    let answer = read(&client, &ids).await.unwrap();
    assert_eq!((answer.missing.len(), answer.notices), (1000, vec![]));
    assert!(api.calls() <= 1000 + 40, "{} calls", api.calls());
}

/// The refusal may be due to the controls, or to their number, until an id is refused without them.
#[tokio::test(start_paused = true)]
async fn a_bad_id_beside_controls_does_not_make_requests_smaller() {
    let ids = ids(40);
    let script = |_, call: &Received| {
        if call.ids.iter().any(|id| id == "img-00000") { refuse(400, "invalid") } else { None }
    };
    let (client, api) = TestApi::new(&ids[30..]).script(script).client(|_| {});
    client.image_constraints(None, ImageSelection::All).await.unwrap();
    assert_eq!(read_each(&client, &ids[..5], "cn-north-1", 5).await, ids[..1]);
    let earlier = api.calls();
    read(&client, &ids[5..30]).await.unwrap();
    // With the check of the first missing ids in so large a request.
    assert_eq!(api.calls(), earlier + 2);
}

/// One of the images that the region lists is deleted during the plan. That is no limit of the API.
#[tokio::test(start_paused = true)]
async fn a_control_that_is_gone_makes_no_request_smaller() {
    let ids = ids(100);
    let (constrained, listed) = (ids[80..99].to_vec(), ids[80..].to_vec());
    let script = move |_, call: &Received| {
        if call.ids.is_empty() { None } else { first_ids(100, &constrained, call) }
    };
    let (client, api) = TestApi::new(&listed).script(script).client(|_| {});
    client.image_constraints(None, ImageSelection::All).await.unwrap();
    for ids in ids[..80].chunks(40) {
        let answer = read(&client, ids).await.unwrap();
        assert_eq!((answer.missing.len(), answer.notices), (40, vec![]));
    }
    assert!(api.calls() <= 8, "{} calls", api.calls());
}

/// One of several servers is empty, and answers twice in turn. All controls come back from another one, so there is no limit.
#[tokio::test(start_paused = true)]
async fn controls_that_are_lost_by_chance_cost_no_single_requests() {
    let ids = ids(30);
    let script = |n, _: &_| (n == 1 || n == 2).then(|| Instead::Respond(rows([])));
    let (client, api) = TestApi::new(&ids[10..]).script(script).client(|_| {});
    client.image_constraints(None, ImageSelection::All).await.unwrap();
    assert_eq!(read(&client, &ids[..9]).await.unwrap().missing.len(), 9);
    // The listing, two empty responses, the controls alone, and the ids again.
    assert_eq!(api.calls(), 5);
}

/// On a gateway that does not ignore case, an id whose other spelling has a row is missing.
#[tokio::test(start_paused = true)]
async fn an_id_is_not_asked_for_beside_its_other_spelling() {
    let constrained = ids(10);
    let (client, _) = TestApi::new(&constrained).client(|_| {});
    client.image_constraints(None, ImageSelection::All).await.unwrap();
    let other: Vec<_> = constrained.iter().map(|id| id.to_uppercase()).collect();
    assert_eq!(read(&client, &other).await.unwrap().missing.len(), 10);
}

/// Ten reads at a time fit into a limit that the controls beside them exceed.
#[tokio::test(start_paused = true)]
async fn a_limit_that_only_controls_exceed_costs_one_call_a_round() {
    let ids = ids(300);
    let script = |_, call: &Received| if call.ids.len() > 12 { refuse(400, "too many") } else { None };
    let (client, api) = TestApi::new(&ids[200..]).script(script).client(|_| {});
    assert!(read_each(&client, &ids[..200], "cn-north-1", 10).await.is_empty());
    // A listing, the refusal, and a check in two requests.
    assert!(api.calls() <= 20 + 4, "{} calls", api.calls());
}

/// A refusal of no more ids than were asked for before does not blame their number.
#[tokio::test(start_paused = true)]
async fn a_size_that_succeeded_is_not_made_smaller() {
    let ids = ids(400);
    let script = |n, _: &_| if n == 1 { refuse(400, "passing") } else { None };
    let (client, api) = TestApi::new(&ids).script(script).client(|_| {});
    for (hundred, calls) in ids.chunks(100).zip([1, 4, 5, 6]) {
        assert_eq!(read(&client, hundred).await.unwrap().notices, []);
        assert_eq!(api.calls(), calls);
    }
}

/// A gateway that ignores case has one row for two spellings of an id. The wrong one must not count as unrestricted.
#[tokio::test(start_paused = true)]
async fn an_id_in_other_case_beside_the_right_one_is_an_error() {
    let ids = ids(12);
    let script = {
        let ids = ids.clone();
        move |_, call: &Received| {
            let is_asked = |id: &&String| call.ids.iter().any(|asked| asked.eq_ignore_ascii_case(id));
            let asked = ids.iter().filter(is_asked).map(|id| (id.as_str(), EXCLUDES_T));
            Some(Instead::Respond(rows(asked.collect::<Vec<_>>())))
        }
    };
    let (client, _) = TestApi::new(&[]).script(script).client(|_| {});
    // As many controls as make the first check a large one, which has the right spelling among them.
    read(&client, &ids[..10]).await.unwrap();
    let [right, wrong, other] = ["img-00011", "IMG-00011", "Img-00011"].map(|id| spawn(&client, &[id]));
    assert_eq!(returned(&right.await.unwrap().1.unwrap()), ["img-00011"]);
    for wrong in [wrong, other] {
        assert!(matches!(failed(wrong.await.unwrap().1).failure, Failure::OtherRow { .. }));
    }
}

/// Nor must a control in other case explain the row of a missing id.
#[tokio::test(start_paused = true)]
async fn a_control_in_other_case_hides_no_silent_limit() {
    // Only the first two ids are considered.
    let script = |_, call: &Received| {
        let row_of =
            |id: &str| ["IMG-B", "img-z", "img-0"].into_iter().find(|row| row.eq_ignore_ascii_case(id));
        let named = call.ids.iter().take(2).filter_map(|id| row_of(id));
        let returned: Vec<_> = if call.ids.is_empty() { vec!["IMG-B", "img-z"] } else { named.collect() };
        Some(Instead::Respond(rows(returned.into_iter().map(|id| (id, EXCLUDES_T)))))
    };
    let (client, _) = TestApi::new(&[]).script(script).client(|settings| {
        settings.batch_size = Argument::Known(3);
    });
    client.image_constraints(None, ImageSelection::All).await.unwrap();
    let error = failed(read(&client, &["img-0", "img-a", "img-b"].map(str::to_owned)).await);
    assert!(matches!(error.failure, Failure::OtherRow { .. }), "{error:?}");
}

/// Nor must two spellings of one image look like a limit: every later request would be smaller, and the user warned.
#[tokio::test(start_paused = true)]
async fn two_spellings_of_an_image_are_no_silent_limit() {
    let known = ids(10);
    let script = {
        let known = known.clone();
        move |_, call: &Received| {
            let is_asked = |row: &str| call.ids.iter().any(|id| id.eq_ignore_ascii_case(row));
            let all = known.iter().map(String::as_str).chain(["IMG-00010", "IMG-00011"]);
            let returned: Vec<_> = all.filter(|row| call.ids.is_empty() || is_asked(row)).collect();
            Some(Instead::Respond(rows(returned.into_iter().map(|id| (id, EXCLUDES_T)))))
        }
    };
    let (client, _) = TestApi::new(&[]).script(script).client(|_| {});
    client.image_constraints(None, ImageSelection::All).await.unwrap();
    for id in ["img-00010", "img-00011"] {
        read(&client, &[id.to_owned()]).await.unwrap_err();
    }
    let absent: Vec<String> = (0..10).map(|n| format!("img-absent-{n}")).collect();
    let answer = read(&client, &absent).await.unwrap();
    assert_eq!((answer.missing.len(), answer.notices), (10, vec![]));
}

/// An id that its only read has left before the request was sent is in no request.
#[tokio::test(start_paused = true)]
async fn a_read_does_not_wait_for_a_request_that_does_not_ask_for_its_id() {
    let ids = ids(2);
    let (a, b) = (ids[..1].to_vec(), ids[1..].to_vec());
    let hangs = b[0].clone();
    let script = move |_, call: &Received| call.ids.contains(&hangs).then_some(Instead::Hang);
    let (client, _) = TestApi::new(&ids).script(script).client(|settings| {
        settings.read_timeout = Argument::Known(Duration::from_secs(15));
    });
    let leaves = timeout(Duration::from_millis(2), read(&client, &a));
    let stays = read(&client, &b);
    let late = async {
        sleep(Duration::from_secs(1)).await;
        read(&client, &a).await
    };
    let (_, _, late) = tokio::join!(leaves, stays, late);
    assert!(late.is_ok(), "{late:?}");
}

/// A response without an id that is known to have a row is incomplete, also where nothing else is known.
#[tokio::test(start_paused = true)]
async fn an_id_that_had_a_malformed_row_is_not_missing() {
    let ids = ids(2);
    let script = move |n, call: &Received| match call.ids.len() {
        1 if n == 0 => Some(Instead::Respond(rows([(call.ids[0].as_str(), r#"{"instanceTypes":[]}"#)]))),
        1 => None,
        _ => Some(Instead::Respond(rows([]))),
    };
    let (client, _) = TestApi::new(&ids).script(script).client(|settings| {
        settings.read_ahead = Argument::Known(false);
    });
    assert!(read(&client, &ids[..1]).await.is_err());
    let answer = read(&client, &ids).await.unwrap();
    assert!(answer.missing.is_empty());
}

/// An answer that is withdrawn is asked for again, also while the request that gave it goes on for another read.
#[tokio::test(start_paused = true)]
async fn a_withdrawn_answer_is_asked_for_again_at_once() {
    let known = ids(2);
    let (absent, bad) = ("img-0".to_owned(), "img-bbbbb".to_owned());
    let (bad_id, known_ids) = (bad.clone(), known.clone());
    let script = move |_, call: &Received| {
        if call.ids.contains(&bad_id) {
            return if call.ids.len() > 1 { refuse(400, "no") } else { Some(Instead::Hang) };
        }
        // A silent limit of one id.
        let returned = call.ids.iter().take(1).filter(|id| known_ids.contains(id));
        Some(Instead::Respond(rows(returned.map(|id| (id.as_str(), "null")).collect::<Vec<_>>())))
    };
    let latency =
        |call: &Received| Duration::from_millis(if call.ids[0].starts_with("img-0000") { 6_000 } else { 50 });
    let (client, api) = TestApi::new(&[]).script(script).latency_of(latency).client(|settings| {
        settings.read_ahead = Argument::Known(false);
        settings.batch_size = Argument::Known(2);
    });
    let other = read(&client, std::slice::from_ref(&bad));
    let mut wanted = known.clone();
    wanted.push(absent.clone());
    let ours = async {
        sleep(Duration::from_millis(1)).await;
        let started = Instant::now();
        (read(&client, &wanted).await, started.elapsed())
    };
    let (_, (ours, took)) = tokio::join!(other, ours);
    let asked: Vec<_> = api.received().iter().map(|call| call.ids.join(" ")).collect();
    assert!(ours.is_ok() && took < Duration::from_secs(60), "{took:?} {asked:?} {:?}", ours.err());
}

/// Two servers of which one has an old catalogue: what the other one returned must not get lost.
#[tokio::test(start_paused = true)]
async fn a_row_that_a_check_has_returned_is_kept() {
    let ids = ids(100);
    let constrained = ids[50..].to_vec();
    let script = move |n: usize, call: &Received| {
        let current = if n == 1 { &constrained[..] } else { &constrained[5..] };
        first_ids(100, current, call).or_else(|| rows_of(current))
    };
    let (client, _) = TestApi::new(&[]).script(script).client(|_| {});
    let answer = read(&client, &ids).await.unwrap();
    assert_eq!(
        (returned(&answer).len(), answer.missing.len()),
        (50, 50),
        "five images could pass every rule"
    );
}

/// An image that JD Cloud publishes during the plan is no limit of the gateway.
#[tokio::test(start_paused = true)]
async fn an_image_that_appears_does_not_make_requests_smaller() {
    let ids = ids(1000);
    let constrained = [0, 40, 99, 70].map(|n: usize| ids[n].clone());
    let all = constrained.to_vec();
    let script = move |n: usize, call: &Received| {
        let current = if n == 0 { &constrained[..3] } else { &constrained[..] };
        first_ids(100, current, call)
    };
    let (client, api) = TestApi::new(&all).script(script).client(|settings| {
        settings.max_concurrent_requests = Argument::Known(1);
    });
    let answer = read(&client, &ids).await.unwrap();
    assert_eq!((returned(&answer).len(), answer.missing.len(), answer.notices), (4, 996, vec![]));
    assert!(api.calls() <= 20, "{} calls", api.calls());
}

/// A response without rows can be that of another server that has none.
#[tokio::test(start_paused = true)]
async fn an_empty_response_among_full_ones_is_not_believed() {
    let ids = ids(300);
    let glitch = |_, call: &Received| {
        (call.ids.len() > 50 && call.ids[50] == "img-00250").then(|| Instead::Respond(rows([])))
    };
    let (client, _) = TestApi::new(&ids).script(glitch).client(|settings| {
        settings.read_ahead = Argument::Known(false);
    });
    let answer = read(&client, &ids).await.unwrap();
    assert_eq!((returned(&answer).len(), answer.missing.len()), (300, 0));
}

/// One of several servers is empty. What the others have shown says nothing about it.
#[tokio::test(start_paused = true)]
async fn an_empty_response_to_a_request_without_controls_is_not_believed() {
    let ids = ids(300);
    let constrained: Vec<_> = ids.iter().step_by(2).cloned().collect();
    let is_glitch = |call: &Received| call.ids.len() == 100 && call.ids[0] == "img-00100";
    let script = move |_, call: &Received| is_glitch(call).then(|| Instead::Respond(rows([])));
    let latency = move |call: &Received| Duration::from_millis(if is_glitch(call) { 500 } else { 50 });
    let (client, _) = TestApi::new(&constrained).script(script).latency_of(latency).client(|settings| {
        settings.read_ahead = Argument::Known(false);
    });
    let answer = read(&client, &ids).await.unwrap();
    assert_eq!((answer.images.len(), answer.missing.len()), (150, 150), "fifty images could pass every rule");
}

/// What is believed to be missing while no image is known is asked for again once one is, for reads that have not ended.
#[tokio::test(start_paused = true)]
async fn missing_ids_of_a_long_read_are_checked_when_the_first_image_is_returned() {
    let ids = ids(300);
    let script = |_, call: &Received| {
        (call.ids.len() > 97 && call.ids[0] != "img-00000").then(|| Instead::Respond(rows([])))
    };
    let latency = |call: &Received| Duration::from_millis(if call.ids[0] == "img-00000" { 500 } else { 50 });
    let (client, _) = TestApi::new(&ids).script(script).latency_of(latency).client(|settings| {
        settings.read_ahead = Argument::Known(false);
    });
    let answer = read(&client, &ids).await.unwrap();
    assert_eq!(
        (answer.images.len(), answer.missing.len()),
        (300, 0),
        "two hundred images could pass every rule"
    );
}

/// The gateway is replaced during the plan: what it did before says nothing about it.
#[tokio::test(start_paused = true)]
async fn a_silent_limit_that_begins_during_a_plan_is_found() {
    let ids = ids(1000);
    // So that the requests before it lack ids, or lack none.
    for always_constrained in [0, 300] {
        for (size, parallel) in [(20, 1), (20, 10), (500, 1)] {
            let is_constrained =
                |(n, id): (usize, &String)| (n % 2 == 0 || n < always_constrained).then(|| id.clone());
            let constrained: Vec<_> = ids.iter().enumerate().filter_map(is_constrained).collect();
            let script = {
                let constrained = constrained.clone();
                move |n: usize, call: &Received| if n < 6 { None } else { first_ids(10, &constrained, call) }
            };
            let (client, _) = TestApi::new(&constrained).script(script).client(|settings| {
                settings.read_ahead = Argument::Known(false);
            });
            let reads = stream::iter(ids.chunks(size)).map(|ids| read(&client, ids));
            let answers: Vec<_> = reads.buffer_unordered(parallel).collect().await;
            let found: usize = answers.into_iter().map(|answer| answer.unwrap().images.len()).sum();
            assert_eq!(
                found,
                constrained.len(),
                "{always_constrained}, reads of {size}, {parallel} at a time"
            );
        }
    }
}

/// A query is sorted as text, so `ids.9` is the last of twenty.
#[tokio::test(start_paused = true)]
async fn a_silent_limit_in_query_order_that_begins_during_a_plan_is_found() {
    let ids = ids(400);
    let constrained: Vec<_> = ids.iter().step_by(2).cloned().collect();
    let script = {
        let constrained = constrained.clone();
        move |n: usize, call: &Received| {
            let mut numbered: Vec<_> = call.ids.iter().enumerate().collect();
            numbered.sort_by_key(|(number, _)| (number + 1).to_string());
            let ids = numbered.into_iter().map(|(_, id)| id.clone()).collect();
            if n < 3 { None } else { first_ids(5, &constrained, &Received { ids, ..call.clone() }) }
        }
    };
    let (client, _) = TestApi::new(&constrained).script(script).client(|settings| {
        settings.read_ahead = Argument::Known(false);
    });
    for ids in ids.chunks(8) {
        assert_eq!(returned(&read(&client, ids).await.unwrap()).len(), 4);
    }
}

/// A server that returns nothing once, or for more than a few ids, says nothing about the number of ids that others consider.
#[tokio::test(start_paused = true)]
async fn empty_responses_make_requests_neither_tiny_nor_incomplete() {
    let ids = ids(200);
    for (share, most_ids, empty, calls) in [(200, 100, 2..3, 25), (2, 100, 2..3, 30), (2, 5, 1..10_000, 464)]
    {
        let constrained: Vec<_> = ids.iter().step_by(share).cloned().collect();
        let script = move |n: usize, call: &Received| {
            let is_empty = empty.contains(&n) && (most_ids == 100 || call.ids.len() > most_ids);
            is_empty.then(|| Instead::Respond(rows([])))
        };
        let (client, api) = TestApi::new(&constrained).script(script).client(|settings| {
            settings.read_ahead = Argument::Known(false);
        });
        let mut found = 0;
        for ids in ids.chunks(20) {
            let answer = read(&client, ids).await.unwrap();
            found += answer.images.len();
            assert_eq!(answer.notices, []);
        }
        assert_eq!(found, constrained.len());
        assert!(api.calls() <= calls, "{} calls of {calls}", api.calls());
    }
}

/// What earlier reads of the plan got cannot be corrected any more.
#[tokio::test(start_paused = true)]
async fn a_limit_that_earlier_reads_have_exceeded_is_told_as_such() {
    let ids = ids(100);
    let constrained = ids[5..].to_vec();
    let script = {
        let constrained = constrained.clone();
        move |n: usize, call: &Received| match n {
            0 => Some(Instead::Respond(rows([]))),
            _ => first_ids(3, &constrained, call),
        }
    };
    let (client, _) = TestApi::new(&constrained).script(script).client(|settings| {
        settings.read_ahead = Argument::Known(false);
    });
    // No image is known to have a constraint, so that nothing can be checked.
    assert_eq!(read(&client, &ids[10..20]).await.unwrap().missing.len(), 10);
    let answer = read(&client, &ids[20..]).await.unwrap();
    assert_eq!((returned(&answer).len(), answer.missing.len()), (80, 0));
    assert_eq!(answer.notices, [Notice::IncompleteResponses { limit: 3, earlier: true }]);
}

/// Checks can't measure a server that is busy or denies it. Missing ids are believed no sooner for that.
#[tokio::test(start_paused = true)]
async fn a_measurement_that_fails_proves_nothing() {
    let ids = ids(40);
    // What is busy keeps its controls; images that the user may not read are no controls any more.
    for (code, calls) in [(503, 2), (403, 8)] {
        let (constrained, listed) = ([&ids[..3], &ids[30..]].concat(), ids[..3].to_vec());
        let [has_changed, fails] = [false, true].map(|on| Arc::new(AtomicBool::new(on)));
        let script = {
            let (has_changed, fails) = (Arc::clone(&has_changed), Arc::clone(&fails));
            move |_, call: &Received| {
                let is_measurement = call.ids.iter().all(|id| listed.contains(id));
                if call.ids.is_empty() {
                    rows_of(&listed)
                } else if !has_changed.load(Ordering::Relaxed) {
                    None
                } else if is_measurement && fails.load(Ordering::Relaxed) {
                    Some(Instead::Refuse(code, "X", String::new()))
                } else {
                    (call.ids.len() > 5).then(|| Instead::Respond(rows([])))
                }
            }
        };
        let (client, api) = TestApi::new(&constrained).script(script).client(|_| {});
        client.image_constraints(None, ImageSelection::All).await.unwrap();
        assert_eq!(read(&client, &ids[3..13]).await.unwrap().missing.len(), 10);
        has_changed.store(true, Ordering::Relaxed);
        assert_eq!(read(&client, &ids[13..23]).await.unwrap().missing.len(), 10);
        has_changed.store(false, Ordering::Relaxed);
        let earlier = api.calls();
        assert_eq!(read(&client, &ids[23..30]).await.unwrap().missing.len(), 7);
        assert!(api.calls() <= earlier + calls, "{code}: {} calls", api.calls() - earlier);
        has_changed.store(true, Ordering::Relaxed);
        fails.store(false, Ordering::Relaxed);
        let found = read(&client, &ids[30..]).await.unwrap();
        assert_eq!(returned(&found), ids[30..], "{code}: ten images could pass every rule");
    }
}

/// A server that has just failed may have begun to leave out ids, while the halves of the failed request carry no controls.
#[tokio::test(start_paused = true)]
async fn after_a_failure_no_response_without_controls_is_believed() {
    let ids = ids(40);
    let page = || response(200, &[("content-type", "text/html")], "<html>maintenance</html>");
    let error = || response(500, &[], "");
    for failure in [page as fn() -> _, error] {
        let (listed, constrained) = (ids[..3].to_vec(), [&ids[..3], &ids[30..]].concat());
        let is_failing = Arc::new(AtomicBool::new(false));
        let script = {
            let (is_failing, constrained) = (Arc::clone(&is_failing), constrained.clone());
            move |_, call: &Received| {
                if call.ids.is_empty() {
                    rows_of(&listed)
                } else if !is_failing.load(Ordering::Relaxed) {
                    None
                } else if call.ids.len() >= 10 {
                    Some(Instead::Respond(failure()))
                } else {
                    first_ids(2, &constrained, call)
                }
            }
        };
        let (client, _) = TestApi::new(&constrained).script(script).client(|_| {});
        client.image_constraints(None, ImageSelection::All).await.unwrap();
        assert_eq!(read(&client, &ids[3..23]).await.unwrap().missing.len(), 20);
        is_failing.store(true, Ordering::Relaxed);
        let reads: Vec<_> = ids[30..].iter().map(|id| spawn(&client, &[id])).collect();
        for (read, id) in reads.into_iter().zip(&ids[30..]) {
            assert_eq!(returned(&read.await.unwrap().1.unwrap()), [id.as_str()], "{:?}", failure());
        }
    }
}

/// A small complete response after a failure does not show that larger ones are complete.
#[tokio::test(start_paused = true)]
async fn after_a_failure_each_size_is_proven_again() {
    let ids = ids(40);
    let constrained = [&ids[..3], &ids[30..]].concat();
    let step = Arc::new(AtomicUsize::new(0));
    let script = {
        let (step, listed, constrained) = (Arc::clone(&step), ids[..3].to_vec(), constrained.clone());
        move |_, call: &Received| match step.load(Ordering::Relaxed) {
            _ if call.ids.is_empty() => rows_of(&listed),
            1 => Some(Instead::Respond(response(500, &[], ""))),
            // Refused beside controls, it is sent again without them.
            2 if call.ids.len() > 10 => refuse(400, ""),
            2 => first_ids(2, &constrained, call),
            _ => None,
        }
    };
    let (client, _) = TestApi::new(&constrained).script(script).client(|_| {});
    client.image_constraints(None, ImageSelection::All).await.unwrap();
    assert_eq!(read(&client, &ids[3..23]).await.unwrap().missing.len(), 20);
    step.store(1, Ordering::Relaxed);
    read(&client, &ids[23..25]).await.unwrap_err();
    step.store(0, Ordering::Relaxed);
    assert_eq!(read(&client, &ids[25..27]).await.unwrap().missing.len(), 2);
    step.store(2, Ordering::Relaxed);
    assert_eq!(returned(&read(&client, &ids[30..]).await.unwrap()), ids[30..]);
}

/// Nor does a complete response to another request show it for the one that failed, which is sent again without controls.
#[tokio::test(start_paused = true)]
async fn a_request_that_failed_is_checked_whatever_others_show() {
    let ids = ids(40);
    let constrained = [&ids[..3], &ids[30..]].concat();
    let (is_sent_again, is_limited) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let script = {
        let (is_limited, ids, constrained) = (Arc::clone(&is_limited), ids.clone(), constrained.clone());
        move |_, call: &Received| {
            if call.ids.is_empty() {
                rows_of(&ids[..3])
            } else if call.ids == ids[30..] || is_limited.load(Ordering::Relaxed) {
                first_ids(2, &constrained, call)
            } else if call.ids.contains(&ids[30]) {
                Some(Instead::Respond(response(500, &[], "")))
            } else {
                None
            }
        }
    };
    let latency = {
        let (is_sent_again, ids) = (Arc::clone(&is_sent_again), ids[30..].to_vec());
        move |call: &Received| {
            let is_again = call.ids == ids;
            is_sent_again.fetch_or(is_again, Ordering::Relaxed);
            Duration::from_millis(if is_again { 20_000 } else { 50 })
        }
    };
    let (client, _) = TestApi::new(&constrained).latency_of(latency).script(script).client(|_| {});
    client.image_constraints(None, ImageSelection::All).await.unwrap();
    let failed: Vec<&str> = ids[30..].iter().map(String::as_str).collect();
    let failed = spawn(&client, &failed);
    while !is_sent_again.load(Ordering::Relaxed) {
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(read(&client, &ids[3..23]).await.unwrap().missing.len(), 20);
    is_limited.store(true, Ordering::Relaxed);
    assert_eq!(returned(&failed.await.unwrap().1.unwrap()), ids[30..]);
}

/// Servers that fail for large requests get smaller checks, which succeed: fewer requests than ids, and the known images are kept.
#[tokio::test(start_paused = true)]
async fn a_check_after_a_failure_is_no_larger_than_what_succeeded() {
    let absent: Vec<String> = (0..100).map(|n| format!("absent-{n:03}")).collect();
    for (most, calls) in [(9, 80), (14, 60), (30, 30)] {
        let script = move |_, call: &Received| if call.ids.len() > most { refuse(504, "") } else { None };
        let (client, api) = TestApi::new(&ids(10)).script(script).client(|_| {});
        client.image_constraints(None, ImageSelection::All).await.unwrap();
        for _ in 0..2 {
            let earlier = api.calls();
            assert!(read_each(&client, &absent, "cn-north-1", 100).await.is_empty());
            assert!(api.calls() <= earlier + calls, "{most}: {} calls", api.calls() - earlier);
        }
    }
}

/// A listing settles an id of two reads, while their request for it and another id is under way.
#[tokio::test(start_paused = true)]
async fn a_refusal_fails_no_read_whose_id_is_settled_meanwhile() {
    for code in [403, 404, 503] {
        let script = move |_, call: &Received| {
            if call.ids.is_empty() {
                return Some(Instead::Respond(rows([("a", EXCLUDES_T)])));
            }
            if call.ids.iter().any(|id| id == "b") { refuse(code, "") } else { None }
        };
        let latency = |call: &Received| Duration::from_millis(if call.ids.is_empty() { 50 } else { 1000 });
        let known = ["a", "c"].map(str::to_owned);
        let (client, _) = TestApi::new(&known).latency_of(latency).script(script).client(|settings| {
            settings.max_retries = Argument::Known(0);
        });
        let refused = spawn(&client, &["a", "b"]);
        sleep(Duration::from_millis(20)).await;
        let neighbour = spawn(&client, &["a", "c"]);
        sleep(Duration::from_millis(80)).await;
        client.image_constraints(None, ImageSelection::All).await.unwrap();
        assert_eq!(returned(&neighbour.await.unwrap().1.unwrap()), ["a", "c"], "{code}");
        assert_eq!(failed(refused.await.unwrap().1).context.code, Some(code));
    }
}

/// The listing of another data block has the answer, while a request by name waits for its retry.
#[tokio::test(start_paused = true)]
async fn a_listing_answers_reads_whose_request_is_retried() {
    let busy = |_, call: &Received| {
        (!call.ids.is_empty()).then(|| Instead::Respond(response(503, &[("retry-after", "60")], "")))
    };
    let (client, _) = TestApi::new(&ids(3)).script(busy).client(|_| {});
    let named = spawn(&client, &["img-00001"]);
    sleep(Duration::from_secs(1)).await;
    client.image_constraints(None, ImageSelection::All).await.unwrap();
    let (waited, answer) = named.await.unwrap();
    assert_eq!(returned(&answer.unwrap()), ["img-00001"]);
    assert!(waited < Duration::from_secs(2), "{waited:?}");
}

/// The row of a listed image has another image's ID. No read has asked for it.
#[tokio::test(start_paused = true)]
async fn a_control_with_another_image_s_row_fails_no_read() {
    let script = |_, call: &Received| {
        let is_asked_for = call.ids.is_empty() || call.ids.iter().any(|id| id == "alias");
        let id = if call.ids.is_empty() { "alias" } else { "image" };
        Some(Instead::Respond(rows(is_asked_for.then_some((id, EXCLUDES_T)))))
    };
    let (client, _) = TestApi::new(&[]).script(script).client(|_| {});
    client.image_constraints(None, ImageSelection::All).await.unwrap();
    assert_eq!(read(&client, &ids(10)).await.unwrap().missing.len(), 10);
}

/// The read of the bad ID leaves before its half is sent, which then would have shown that the number was not to blame.
#[tokio::test(start_paused = true)]
async fn a_bad_id_whose_read_has_left_makes_no_request_smaller() {
    let script = |_, call: &Received| {
        if call.ids.iter().any(|id| id == "bad") { refuse(400, "a bad id") } else { None }
    };
    let (client, api) =
        TestApi::new(&ids(50)).script(script).latency(|| Duration::from_secs(1)).client(|_| {});
    let wanted = spawn(&client, &["img-00000", "img-00001"]);
    let bad = spawn(&client, &["bad", "bad too"]);
    sleep(Duration::from_millis(1500)).await;
    bad.abort();
    assert_eq!(wanted.await.unwrap().1.unwrap().notices, []);
    assert_eq!(api.calls(), 2, "the other half is not sent");
    assert_eq!(read(&client, &ids(50)).await.unwrap().images.len(), 50);
    assert_eq!(api.calls(), 3, "requests have become smaller");
}
