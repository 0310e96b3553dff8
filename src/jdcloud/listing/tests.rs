//! Lists on an API in memory and tokio's paused clock: what a user would miss in a plan, or wait for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::ListRequest;
use crate::jdcloud::images::{Image, Query};
use crate::jdcloud::instance_types::{Gpu, InstanceType, LocalDisk, Zone};
use crate::jdcloud::test_api::{Instead, Received, TestApi, refusal, response};
use crate::jdcloud::{
    Argument, CallError, Client, Error, Failure, Listed, RawResponse, RowProblem, Settings, UntrustedText,
};

const LATENCY: Duration = Duration::from_millis(50);

/// The body of a page with these rows.
fn page(collection: &str, rows: &[String], total: Option<usize>) -> RawResponse {
    let total = total.map(|total| format!(r#","totalCount":{total}"#)).unwrap_or_default();
    let rows = rows.join(",");
    response(200, &[], &format!(r#"{{"requestId":"r","result":{{"{collection}":[{rows}]{total}}}}}"#))
}

fn image(number: usize) -> String {
    format!(r#"{{"imageId":"img-{number:05}","imageSource":"public","status":"ready"}}"#)
}

fn images(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(image).collect()
}

/// The page of `rows` that `received` asks for.
fn paged(rows: &[String], received: &Received, largest: usize, total: Option<usize>) -> RawResponse {
    let number = |name: &str| received.query[name].parse::<usize>().unwrap();
    let size = number("pageSize").min(largest);
    let page_rows: Vec<_> = rows.iter().skip((number("pageNumber") - 1) * size).take(size).cloned().collect();
    page("images", &page_rows, total)
}

/// A client of an API that answers the nth call as `answer` says.
fn answering(
    answer: impl Fn(usize, &Received) -> RawResponse + Send + Sync + 'static,
) -> (Arc<Client>, Arc<TestApi>) {
    let script = move |n, received: &Received| Some(Instead::Respond(answer(n, received)));
    TestApi::new(&[]).script(script).latency(|| LATENCY).client(|_| {})
}

fn public() -> Query {
    Query::Source { source: "public".into(), status: "ready".into(), offline: false }
}

fn named(ids: impl IntoIterator<Item = usize>) -> Query {
    Query::Ids(ids.into_iter().map(|number| format!("img-{number:05}").into()).collect())
}

async fn read(client: &Client, query: &Query) -> Result<Listed<Image>, Error> {
    client.images(None, query, Instant::now()).await
}

fn ids(listed: &Listed<Image>) -> BTreeSet<String> {
    listed.rows.iter().map(|image| image.id.to_string()).collect()
}

fn expected(numbers: impl IntoIterator<Item = usize>) -> BTreeSet<String> {
    numbers.into_iter().map(|number| format!("img-{number:05}")).collect()
}

fn failed<T: std::fmt::Debug>(result: Result<T, Error>) -> CallError {
    match result {
        Err(Error::Call(error)) => (*error).clone(),
        other => panic!("a failed call expected, {other:?} found"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_images_take_two_round_trips() {
    let rows = images(0..1000);
    let script =
        move |_, received: &Received| Some(Instead::Respond(paged(&rows, received, 100, Some(1000))));
    let adjust = |settings: &mut Settings| settings.max_concurrent_requests = Argument::Known(16);
    let (client, api) = TestApi::new(&[]).script(script).latency(|| LATENCY).client(adjust);
    let started = Instant::now();
    assert_eq!(ids(&read(&client, &public()).await.unwrap()), expected(0..1000));
    assert_eq!((api.calls(), started.elapsed()), (10, 2 * LATENCY));
    let received = api.received();
    assert!(received.iter().all(|received| received.query["pageSize"] == "100"));
    assert!(received.iter().all(|received| received.query["imageSource"] == "public"));
}

#[tokio::test(start_paused = true)]
async fn pages_respect_the_limit_of_concurrent_requests() {
    let rows = images(0..1000);
    let (client, api) = answering(move |_, received| paged(&rows, received, 100, Some(1000)));
    read(&client, &public()).await.unwrap();
    assert_eq!(api.most_under_way(), 8, "the default of max_concurrent_requests");
}

#[tokio::test(start_paused = true)]
async fn smaller_pages_than_asked_for_lose_nothing() {
    let rows = images(0..250);
    let (client, api) = answering(move |_, received| paged(&rows, received, 20, Some(250)));
    assert_eq!(ids(&read(&client, &public()).await.unwrap()), expected(0..250));
    assert_eq!(api.calls(), 13);
}

#[tokio::test(start_paused = true)]
async fn without_a_total_pages_are_read_until_one_has_nothing_new() {
    let rows = images(0..250);
    let (client, api) = answering(move |_, received| paged(&rows, received, 100, None));
    assert_eq!(ids(&read(&client, &public()).await.unwrap()), expected(0..250));
    assert_eq!(api.calls(), 4, "three pages, and one past the end");

    let rows = images(0..250);
    let (client, api) = answering(move |_, received| page("images", &rows[..received.ids.len()], None));
    assert_eq!(ids(&read(&client, &named(0..3)).await.unwrap()), expected(0..3));
    assert_eq!(api.calls(), 1, "all that were asked for are there");
}

/// The total may count the rows of a full page only, so the next one is requested. Beyond the end it may be refused.
#[tokio::test(start_paused = true)]
async fn a_refused_page_beyond_the_end_ends_the_list() {
    for code in [400, 404] {
        let rows = images(0..100);
        let (client, api) = answering(move |_, received| match &*received.query["pageNumber"] {
            "1" => paged(&rows, received, 100, Some(100)),
            _ => refusal(code, "OUT_OF_RANGE", "no such page"),
        });
        assert_eq!(ids(&read(&client, &public()).await.unwrap()), expected(0..100), "{code}");
        assert_eq!(api.calls(), 2);
    }
    // Where the total counts the rows of a page, a part would be taken for the whole.
    for total in [Some(100), None] {
        let rows = images(0..300);
        let (client, _) = answering(move |_, received| match &*received.query["pageNumber"] {
            "3" => refusal(400, "X", ""),
            _ => paged(&rows, received, 100, total),
        });
        failed(read(&client, &public()).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_changes_while_it_is_read_is_read_again() {
    // An image is added at the front after the first page: the second page would lack none, and the new one is lost.
    let (client, api) = answering(|n, received| {
        let rows = if n == 0 { images(1..251) } else { images(0..251) };
        paged(&rows, received, 100, Some(rows.len()))
    });
    assert_eq!(ids(&read(&client, &public()).await.unwrap()), expected(0..251));
    assert_eq!(api.calls(), 6);

    // One is removed: an image moves from the second page to the first, which was read before.
    let (client, api) = answering(|n, received| {
        let rows = if n == 0 { images(0..250) } else { images(1..250) };
        paged(&rows, received, 100, Some(rows.len()))
    });
    assert_eq!(ids(&read(&client, &public()).await.unwrap()), expected(1..250));
    assert_eq!(api.calls(), 6);
}

#[tokio::test(start_paused = true)]
async fn fewer_rows_than_the_list_has_are_an_error() {
    type Answer = fn(usize, &Received) -> RawResponse;
    let cases: [(&str, Answer, usize, u64); 4] = [
        (
            "pages after the first are empty",
            |_, received| match received.query["pageNumber"].as_str() {
                "1" => page("images", &images(0..100), Some(250)),
                _ => page("images", &[], Some(250)),
            },
            100,
            250,
        ),
        ("every page is the first", |_, _| page("images", &images(0..100), Some(250)), 100, 250),
        ("no rows at all", |_, _| page("images", &[], Some(250)), 0, 250),
        (
            "a total that only grows",
            |n, received| paged(&images(0..250), received, 100, Some(251 + n)),
            250,
            256,
        ),
    ];
    for (name, answer, rows, total) in cases {
        let (client, api) = answering(answer);
        let error = failed(read(&client, &public()).await);
        assert_eq!(error.failure, Failure::IncompleteList { rows, total }, "{name}");
        assert_eq!(api.calls() % 2, 0, "{name}: the list was read twice");
        assert_eq!(error.context.operation, "describeImages");
    }
}

#[tokio::test(start_paused = true)]
async fn a_total_that_keeps_shrinking_is_no_loss() {
    let (client, _) = answering(|n, received| paged(&images(0..250), received, 100, Some(250 - n)));
    assert_eq!(ids(&read(&client, &public()).await.unwrap()), expected(0..250));
}

#[tokio::test(start_paused = true)]
async fn rows_on_two_pages_are_one_row_or_a_contradiction() {
    let (client, _) = answering(|_, received| match received.query["pageNumber"].as_str() {
        "1" => page("images", &images(0..100), Some(150)),
        _ => page("images", &images(99..150), Some(150)),
    });
    let listed = read(&client, &public()).await.unwrap();
    assert_eq!((listed.rows.len(), ids(&listed)), (150, expected(0..150)));

    let (client, api) = answering(|_, received| match received.query["pageNumber"].as_str() {
        "1" => page("images", &images(0..100), Some(150)),
        _ => {
            let mut rows = images(100..150);
            rows.push(image(99).replace("ready", "deleting"));
            page("images", &rows, Some(150))
        }
    });
    let error = failed(read(&client, &public()).await);
    let id = Some(UntrustedText::from("img-00099"));
    assert_eq!(error.failure, Failure::MalformedRow { row: 151, id, problem: RowProblem::Contradiction });
    assert_eq!(api.calls(), 4, "the list was read twice");
}

#[tokio::test(start_paused = true)]
async fn a_total_beyond_belief_makes_no_calls() {
    let (client, api) = answering(|_, _| page("images", &images(0..100), Some(1_000_000_000)));
    assert!(matches!(failed(read(&client, &public()).await).failure, Failure::Unexpected { .. }));
    assert_eq!(api.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn many_ids_are_asked_for_in_few_calls() {
    let answer = |_, received: &Received| {
        let rows: Vec<_> = received.ids.iter().map(|id| format!(r#"{{"imageId":"{id}"}}"#)).collect();
        page("images", &rows, Some(rows.len()))
    };
    for (count, calls) in [(0, 0), (1, 1), (100, 1), (101, 2), (250, 3)] {
        let (client, api) = answering(answer);
        let listed = read(&client, &named(0..count)).await.unwrap();
        assert_eq!((ids(&listed), api.calls()), (expected(0..count), calls), "{count} ids");
        assert!(api.received().iter().all(|received| received.ids.len() <= 100));
    }
    // Long ids need more calls: a longer URL is refused.
    let (client, api) = answering(answer);
    let long = (0..100).map(|number| format!("{number:03}{}", "镜".repeat(80)).into()).collect();
    assert_eq!(read(&client, &Query::Ids(long)).await.unwrap().rows.len(), 100);
    let longest = api.received().iter().map(|received| received.url_length).max();
    assert!(longest < Some(8192), "{longest:?}");
}

#[tokio::test(start_paused = true)]
async fn a_row_that_was_not_asked_for_fails_the_read_after_a_fresh_connection() {
    let (client, api) = answering(|_, _| page("images", &images([7]), Some(1)));
    let error = failed(read(&client, &named(0..5)).await);
    let Failure::OtherRow { asked, got } = &error.failure else { panic!("{error}") };
    assert_eq!((asked.count, got.to_string().as_str()), (Some(5), "img-00007"));
    assert_eq!(api.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_look_alike_does_not_pass_for_a_public_image() {
    let row = |source: &str| image(1).replace("public", source);
    for source in ["community", "shared", "private", "thirdparty"] {
        let (client, _) = answering(move |_, _| page("images", &[row(source)], Some(1)));
        let error = failed(read(&client, &public()).await);
        assert!(matches!(error.failure, Failure::OtherRow { .. }), "{source}: {error}");
        assert!(error.to_string().contains("imageSource=public"), "{error}");
    }
    let (client, _) = answering(move |_, _| page("images", &[row("jcloud")], Some(1)));
    let listed = read(&client, &public()).await.unwrap();
    assert_eq!(listed.rows[0].source.as_deref(), Some("jcloud"), "an unknown value is data");
}

#[tokio::test(start_paused = true)]
async fn reads_of_one_request_share_one_listing_and_its_answer() {
    let (client, api) = answering(|_, received| paged(&images(0..150), received, 100, Some(150)));
    let query = public();
    let reads = (0..50).map(|_| read(&client, &query));
    for listed in futures_util::future::join_all(reads).await {
        assert_eq!(ids(&listed.unwrap()), expected(0..150));
    }
    assert_eq!(api.calls(), 2);
    read(&client, &query).await.unwrap();
    assert_eq!(api.calls(), 2, "the answer is remembered");
    let other = Query::Source { source: "private".into(), status: "ready".into(), offline: true };
    read(&client, &other).await.unwrap();
    assert_eq!(api.calls(), 4, "another query is another request");
    tokio::time::sleep(Duration::from_secs(31)).await;
    read(&client, &query).await.unwrap();
    assert_eq!(api.calls(), 6, "a later read of an apply does not get the list of an earlier one");
    client.images(Some("cn-east-2"), &query, Instant::now()).await.unwrap();
    assert_eq!(api.calls_in("cn-east-2"), 2, "another region is another request");
}

#[tokio::test(start_paused = true)]
async fn failures_are_not_remembered() {
    let (client, api) = answering(|n, received| match n {
        0 => response(400, &[], ""),
        _ => paged(&images(0..5), received, 100, Some(5)),
    });
    failed(read(&client, &public()).await);
    assert_eq!(ids(&read(&client, &public()).await.unwrap()), expected(0..5));
    assert_eq!(api.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_listing_ends_with_the_last_read_that_waits_for_it() {
    let (client, api) = answering(|_, received| paged(&images(0..5), received, 100, Some(5)));
    let reading = || {
        let client = Arc::clone(&client);
        tokio::spawn(async move { client.images(None, &public(), Instant::now()).await })
    };
    let (first, second) = (reading(), reading());
    tokio::time::sleep(LATENCY / 2).await;
    assert_eq!((api.calls(), api.under_way()), (1, 1));
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(api.under_way(), 1, "the second still waits");
    second.await.unwrap().unwrap();
    assert_eq!(api.calls(), 1);

    let elsewhere = Arc::clone(&client);
    let only =
        tokio::spawn(async move { elsewhere.images(Some("cn-east-2"), &public(), Instant::now()).await });
    tokio::time::sleep(LATENCY / 2).await;
    assert_eq!(api.under_way(), 1);
    only.abort();
    assert!(only.await.unwrap_err().is_cancelled());
    assert_eq!(api.under_way(), 0, "nobody waits");
    client.images(Some("cn-east-2"), &public(), Instant::now()).await.unwrap();
    assert_eq!(api.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn stop_ends_every_page_and_later_reads_work() {
    let (client, api) = answering(|_, received| paged(&images(0..1000), received, 100, Some(1000)));
    let reading = tokio::spawn({
        let client = Arc::clone(&client);
        async move { client.images(None, &public(), Instant::now()).await }
    });
    tokio::time::sleep(LATENCY + LATENCY / 2).await;
    assert_eq!(api.under_way(), 8);
    client.stop();
    assert!(matches!(reading.await.unwrap(), Err(Error::Cancelled)));
    assert_eq!(api.under_way(), 0);
    assert_eq!(ids(&read(&client, &public()).await.unwrap()), expected(0..1000));
}

#[tokio::test(start_paused = true)]
async fn read_timeout_covers_all_pages_and_what_came_before() {
    let script = |_, received: &Received| {
        let last = received.query["pageNumber"] == "3";
        Some(if last {
            Instead::Refuse(500, "INTERNAL", String::new())
        } else {
            Instead::Respond(paged(&images(0..250), received, 100, Some(250)))
        })
    };
    let adjust = |settings: &mut Settings| {
        settings.read_timeout = Argument::Known(Duration::from_secs(30));
        settings.max_retries = Argument::Known(1000);
    };
    let (client, _) = TestApi::new(&[]).script(script).client(adjust);
    let started = Instant::now();
    let error = failed(read(&client, &public()).await);
    assert!(started.elapsed() <= Duration::from_secs(30), "{:?}", started.elapsed());
    assert!(error.to_string().contains("JD Cloud failed"), "{error}");

    let adjust = |settings: &mut Settings| settings.read_timeout = Argument::Known(Duration::from_secs(30));
    let (client, _) = TestApi::new(&[]).script(|_, _| Some(Instead::Hang)).client(adjust);
    tokio::time::sleep(Duration::from_secs(100)).await;
    let started = Instant::now();
    let begun = started - Duration::from_secs(25);
    let error = failed(client.images(None, &public(), begun).await);
    assert!(matches!(error.failure, Failure::ReadTimeout { .. }), "{error}");
    assert_eq!(started.elapsed(), Duration::from_secs(5), "the time spent before counts");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_fails_is_retried_alone() {
    let (client, api) = answering(|n, received| match n {
        1 => response(503, &[], ""),
        _ => paged(&images(0..250), received, 100, Some(250)),
    });
    assert_eq!(ids(&read(&client, &public()).await.unwrap()), expected(0..250));
    assert_eq!(api.calls(), 4);
}

/// The answer to a read of all instance types.
async fn types(body: &'static str) -> Result<Listed<InstanceType>, Error> {
    let (client, _) = answering(move |_, _| response(200, &[], body));
    client.instance_types(None, None, Instant::now()).await
}

#[tokio::test(start_paused = true)]
async fn an_instance_type_is_what_the_api_says_and_nothing_more() {
    let body = r#"{"requestId":"r","result":{"totalCount":2,"instanceTypes":[
        {"instanceType":"p.n1.xlarge","family":"p.n","generation":1,"cpu":4,"memoryMB":16384,"architecture":"riscv",
         "nicLimit":2,"cloudDiskCountLimit":8,"cloudDiskTypes":["ssd.gp1"],"desc":"","new":{"a":[1]},
         "state":[{"az":"b","inStock":false,"availableCount":0},{"az":"a","inStock":true},{"az":"c"},{"az":"a","inStock":true}],
         "gpu":{"model":"P40","number":1},"localDisks":[{"diskType":"nvme","diskSizeGB":100}],
         "burstInfo":{"creditsEarnedPerHour":1.5}}],
        "specificInstanceTypes":[{"instanceType":"p.n1.xlarge"},{"instanceType":"x","state":null,"burstInfo":null}]}}"#;
    let mut listed = types(body).await.unwrap();
    listed.rows.sort_by(|a, b| a.name.cmp(&b.name));
    let zone = |az: &str, in_stock| Zone { az: az.into(), in_stock };
    let full = InstanceType {
        name: "p.n1.xlarge".into(),
        family: Some("p.n".into()),
        generation: Some(1),
        cpu: Some(4),
        memory_mb: Some(16384),
        architecture: Some("riscv".into()),
        nic_limit: Some(2),
        cloud_disk_count_limit: Some(8),
        cloud_disk_types: vec!["ssd.gp1".into()],
        zones: vec![zone("a", Some(true)), zone("b", Some(false)), zone("c", None)],
        gpu: Some(Gpu { model: Some("P40".into()), count: Some(1) }),
        local_disks: vec![LocalDisk { disk_type: Some("nvme".into()), disk_size_gb: Some(100) }],
        is_burstable: true,
        description: Some("".into()),
    };
    assert_eq!(["a", "b", "c", "d"].map(|az| full.is_in_stock(az)), [true, false, false, false]);
    let bare = InstanceType { name: "x".into(), ..InstanceType::default() };
    assert_eq!(listed.rows, [full, bare].map(Arc::new));
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_an_error_and_not_a_short_list() {
    use Failure::{IncompleteList, MalformedRow};
    let id = |id: &'static str| Some(UntrustedText::from(id));
    for (body, expected) in [
        (
            r#"{"requestId":"r","result":{"instanceTypes":[{"instanceType":"a"},{"family":"g.n"}]}}"#,
            MalformedRow { row: 2, id: None, problem: RowProblem::NoId { field: "instanceType" } },
        ),
        (
            r#"{"requestId":"r","result":{"instanceTypes":[{"instanceType":""}]}}"#,
            MalformedRow { row: 1, id: None, problem: RowProblem::NoId { field: "instanceType" } },
        ),
        (
            r#"{"requestId":"r","result":{"instanceTypes":[{"instanceType":"a","state":[{"inStock":true}]}]}}"#,
            MalformedRow { row: 1, id: id("a"), problem: RowProblem::NoId { field: "az" } },
        ),
        (
            r#"{"requestId":"r","result":{"instanceTypes":[{"instanceType":"a","state":[{"az":"z","inStock":true},{"az":"z","inStock":false}]}]}}"#,
            MalformedRow { row: 1, id: id("a"), problem: RowProblem::ZoneContradiction },
        ),
        (
            r#"{"requestId":"r","result":{"instanceTypes":[{"instanceType":"a"}],"totalCount":2}}"#,
            IncompleteList { rows: 1, total: 2 },
        ),
        (r#"{"requestId":"r","result":{"totalCount":2}}"#, IncompleteList { rows: 0, total: 2 }),
    ] {
        assert_eq!(failed(types(body).await).failure, expected, "{body}");
    }
    for body in [
        r#"{"requestId":"r","result":{"instance_types":[]}}"#,
        r#"{"requestId":"r","result":{"types":[],"specificInstanceTypes":[],"totalCount":150}}"#,
        r#"{"requestId":"r","result":{"instanceTypes":{}}}"#,
        r#"{"requestId":"r","result":{"instanceTypes":[5]}}"#,
        r#"{"requestId":"r","result":{"instanceTypes":[],"totalCount":-1}}"#,
        r#"{"requestId":"r","result":{"instanceTypes":[],"totalCount":"0"}}"#,
        r#"{"requestId":"r","result":{"instanceTypes":[{"instanceType":"a","cpu":"2"}]}}"#,
        r#"{"requestId":"r","result":{"instanceTypes":[{"instanceType":"a","cpu":2.5}]}}"#,
        r#"{"requestId":"r","result":{"instanceTypes":[{"instanceType":"a","cpu":2,"cpu":4}]}}"#,
        r#"{"requestId":"r","result":{"instanceTypes":[{"instanceType":"a","state":"all"}]}}"#,
        r#"{"code":500,"message":"oops"}"#,
    ] {
        let failure = failed(types(body).await).failure;
        let is_of_a_row = body.contains("[5") || body.contains("[{");
        match failure {
            Failure::UnreadableRow { row, .. } => assert!(is_of_a_row && row == 1, "{body}"),
            failure => {
                assert!(!is_of_a_row && matches!(failure, Failure::Unexpected { .. }), "{body}: {failure:?}");
            }
        }
    }
    for body in [
        r#"{"requestId":"r","result":{"instanceTypes":null,"totalCount":null}}"#,
        r#"{"requestId":"r","result":{}}"#,
        r#"{"requestId":"r"}"#,
        r#"{"requestId":"r","result":{"instanceTypes":[],"next":1}}"#,
    ] {
        assert_eq!(types(body).await.unwrap().rows, [], "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn names_are_a_filter_of_the_call() {
    let (client, api) = answering(|_, _| {
        page("instanceTypes", &["a b", "c"].map(|name| format!(r#"{{"instanceType":"{name}"}}"#)), Some(2))
    });
    let names = ["a b", "c"].map(Arc::from).into();
    client.instance_types(None, Some(&names), Instant::now()).await.unwrap();
    let query: Vec<_> = api.received()[0].query.clone().into_iter().collect();
    let expected =
        [("filters.1.name", "instanceTypes"), ("filters.1.values.1", "a b"), ("filters.1.values.2", "c")];
    assert_eq!(query, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(api.received()[0].collection, "instanceTypes");
}

/// Pages may be smaller than the first one, and what a page has not shown must not be missing.
#[tokio::test(start_paused = true)]
async fn without_a_total_the_first_page_does_not_say_how_many_pages_there_are() {
    let (client, _) = answering(|n, _| match n {
        0 => page("images", &images(0..100), None),
        _ => page("images", &images((99 + n)..(100 + n).min(1300)), None),
    });
    assert_eq!(ids(&read(&client, &public()).await.unwrap()).len(), 1300);
}

/// A hostile list, whose pages say how many rows there are and have more, or don't say and never end.
#[tokio::test(start_paused = true)]
async fn endless_pages_are_refused_before_they_fill_the_memory() {
    for total in [Some(90_000), None] {
        let (client, api) = answering(move |n, _| match n {
            0 => page("images", &images(0..1), total),
            _ => page("images", &images(10_000 * n..10_000 * (n + 1)), total),
        });
        assert!(matches!(failed(read(&client, &public()).await).failure, Failure::Unexpected { .. }));
        assert!(api.calls() < 20, "{} calls", api.calls());
    }
}

/// A hostile answer of many tiny rows.
#[tokio::test(start_paused = true)]
async fn an_endless_list_is_refused_before_it_fills_the_memory() {
    let row = r#"{"imageId":"a"},"#;
    let body: String = row.repeat((32 << 20) / row.len());
    let (client, _) = answering(move |_, _| {
        response(200, &[], &format!(r#"{{"requestId":"r","result":{{"images":[{body}{{"imageId":"b"}}]}}}}"#))
    });
    assert!(matches!(failed(read(&client, &public()).await).failure, Failure::Unexpected { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever sizes pages have and whichever rows overlap, a read has every row once or fails.
    #[test]
    fn a_list_is_whole_or_an_error(
        count in 0usize..400,
        largest in 1usize..150,
        overlap in 0usize..3,
        total in prop_oneof![3 => Just(Some(0i64)), 1 => Just(None), 1 => (-3i64..4).prop_map(Some)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let rows = images(0..count);
        let total = total.map(|more| usize::try_from(count as i64 + more).unwrap_or(0));
        let (client, _) = answering(move |_, received| {
            let number = |name: &str| received.query[name].parse::<usize>().unwrap();
            let size = number("pageSize").min(largest);
            let start = ((number("pageNumber") - 1) * size).saturating_sub(overlap * (number("pageNumber") - 1));
            let rows: Vec<_> = rows.iter().skip(start).take(size).cloned().collect();
            page("images", &rows, total)
        });
        match runtime.block_on(read(&client, &public())) {
            Ok(listed) => {
                let found = ids(&listed);
                prop_assert_eq!(found.len(), listed.rows.len(), "a row is there twice");
                prop_assert!(found.is_subset(&expected(0..count)));
                // Without a total, or with one that is too small, nobody can know.
                if total.is_some_and(|total| total >= count) {
                    prop_assert_eq!(found, expected(0..count));
                }
            }
            Err(error) => {
                let failure = failed::<()>(Err(error)).failure;
                prop_assert!(matches!(failure, Failure::IncompleteList { .. }), "{:?}", failure);
                prop_assert!(total.is_some_and(|total| total > count) || overlap > 0);
            }
        }
    }

    /// No id is lost or asked for twice, and no query is too long, however long the ids are.
    #[test]
    fn ids_are_divided_into_requests_without_loss(
        ids in proptest::collection::btree_set("[a-z镜 &%-]{1,256}".prop_map(Arc::from), 0..250),
    ) {
        let requests = ListRequest::for_ids(&ids, &[("filters.1.name", "n")], "filters.1.values.");
        let asked: Vec<Arc<str>> =
            requests.iter().flat_map(|request| request.ids.iter().flat_map(|ids| ids.iter())).cloned().collect();
        prop_assert_eq!(asked, ids.into_iter().collect::<Vec<_>>());
        for request in &requests {
            let ids = request.ids.as_ref().unwrap();
            prop_assert!(ids.len() <= 100);
            prop_assert!(request.query(Some(1)).len() < 8000 || ids.len() == 1);
        }
    }
}

/// An API that considers only some ids must not make the others look as if they did not exist.
#[tokio::test(start_paused = true)]
async fn ids_beyond_a_silent_limit_are_requested_again() {
    for limit in [50, 30, 1] {
        let (client, api) = answering(move |_, received| {
            let rows: Vec<String> = received.ids.iter().take(limit).map(|id| image(number(id))).collect();
            page("images", &rows, Some(rows.len()))
        });
        assert_eq!(ids(&read(&client, &named(0..100)).await.unwrap()), expected(0..100));
        assert_eq!(api.calls(), 100_usize.div_ceil(limit));
    }
    let (client, api) = answering(|_, received| {
        let exists = received.ids.iter().filter(|id| number(id) < 60);
        let rows: Vec<String> = exists.map(|id| image(number(id))).collect();
        page("images", &rows, Some(rows.len()))
    });
    assert_eq!(ids(&read(&client, &named(0..100)).await.unwrap()), expected(0..60));
    assert_eq!(api.calls(), 2, "ids that do not exist are requested once more");
    let (client, _) = answering(|n, received| match n {
        0 => page("images", &images(0..1), Some(1)),
        _ => refusal(404, "NOT_FOUND", &received.ids.join(" ")),
    });
    assert_eq!(ids(&read(&client, &named(0..2)).await.unwrap()), expected(0..1), "a refusal says the same");
}

/// The rows of the first `limit` ids that were asked for, of images below 1,000.
fn first_ids(limit: usize, received: &Received) -> RawResponse {
    let exist = received.ids.iter().take(limit).filter(|id| number(id) < 1000);
    let rows: Vec<String> = exist.map(|id| image(number(id))).collect();
    page("images", &rows, Some(rows.len()))
}

/// The ids of another read must not make an image look as if it did not exist, nor its refusals pass for an answer.
#[tokio::test(start_paused = true)]
async fn reads_that_share_a_lookup_do_not_hide_images_of_each_other() {
    let (client, _) = answering(|_, received| {
        let exist = received.ids.iter().take(20).filter(|id| number(id) == 50_000);
        let rows: Vec<String> = exist.map(|id| image(number(id))).collect();
        page("images", &rows, Some(rows.len()))
    });
    let (gone, hidden) = (named(0..30), named([50_000]));
    let (gone, hidden) = tokio::join!(read(&client, &gone), read(&client, &hidden));
    assert_eq!((ids(&gone.unwrap()), ids(&hidden.unwrap())), (expected([]), expected([50_000])));

    let (client, _) = answering(|_, received| {
        if received.ids.iter().take(2).any(|id| number(id) == 4) {
            return refusal(400, "INVALID_ARGUMENT", "Image 'img-00004' invalid");
        }
        first_ids(2, received)
    });
    let (one, two) = (named([2, 3]), named([1, 4]));
    let (one, two) = tokio::join!(read(&client, &one), read(&client, &two));
    assert_eq!(ids(&one.unwrap()), expected([2, 3]));
    assert_eq!(failed(two).context.code, Some(400));
}

/// The API may take fewer ids in a call than the provider sends, or refuse all for one that does not exist.
#[tokio::test(start_paused = true)]
async fn a_request_for_ids_that_is_refused_is_halved() {
    for code in [400, 413, 414] {
        let (client, api) = answering(move |_, received| match received.ids.len() {
            0..=20 => first_ids(100, received),
            _ => refusal(code, "X", "too many"),
        });
        let queries: Vec<Query> = (0..10).map(|n| named(15 * n..15 * n + 15)).collect();
        let lists = futures_util::future::join_all(queries.iter().map(|query| read(&client, query))).await;
        assert!(lists.iter().all(|listed| listed.as_ref().unwrap().rows.len() == 15), "{code}");
        let before = api.calls();
        assert_eq!(ids(&read(&client, &named(200..290)).await.unwrap()), expected(200..290));
        assert!(api.calls() - before <= 1 + 2 + 4 + 8, "{code}: {} calls", api.calls() - before);
    }
    let unknown = |_, received: &Received| match received.ids.iter().find(|id| number(id) >= 1000) {
        Some(id) => refusal(404, "NOT_FOUND", &format!("Image '{id}' not found")),
        None => first_ids(100, received),
    };
    let (client, _) = answering(unknown);
    assert_eq!(ids(&read(&client, &named([1, 2, 3, 1001, 1002])).await.unwrap()), expected(1..4));
    // A 404 that names no image may mean the region.
    let (client, api) = answering(|_, _| refusal(404, "NOT_FOUND", "no route and no API found"));
    assert_eq!(failed(read(&client, &named(0..64)).await).context.code, Some(404));
    assert_eq!(api.calls(), 7);
}

/// A description is a user's text, and a long one must not fail the list.
#[tokio::test(start_paused = true)]
async fn a_long_description_is_read() {
    let described = image(1).replace("ready", &format!(r#"ready","desc":"{}"#, "镜像".repeat(5_000)));
    let (client, _) = answering(move |_, _| page("images", std::slice::from_ref(&described), Some(1)));
    let listed = read(&client, &public()).await.unwrap();
    assert_eq!(listed.rows[0].description.as_deref().map(str::len), Some(30_000));
}

/// A total that counts the rows of its page must not cut the list.
#[tokio::test(start_paused = true)]
async fn a_total_that_counts_its_page_loses_nothing() {
    let (client, _) = answering(|_, received| {
        let first = (received.query["pageNumber"].parse::<usize>().unwrap() - 1) * 100;
        let rows = images(first.min(250)..(first + 100).min(250));
        page("images", &rows, Some(rows.len()))
    });
    assert_eq!(ids(&read(&client, &public()).await.unwrap()), expected(0..250));
}

/// The retries of a failing server are used up once, and not again by each of the reads that shared them.
#[tokio::test(start_paused = true)]
async fn a_failing_server_is_retried_once_for_reads_that_share_a_lookup() {
    let (client, api) = answering(|_, _| refusal(500, "INTERNAL", ""));
    let queries: Vec<Query> = (0..10).map(|number| named([number])).collect();
    let lists = futures_util::future::join_all(queries.iter().map(|query| read(&client, query))).await;
    assert!(lists.iter().all(Result::is_err));
    assert_eq!(api.calls(), 6 + 10);
}

/// A read that joined a lookup after its first failure would have fewer attempts than alone.
#[tokio::test(start_paused = true)]
async fn a_read_joins_no_lookup_that_has_failed() {
    let script = |n, received: &Received| {
        let unavailable = || response(503, &[("retry-after", "1")], "");
        Some(Instead::Respond(if n < 2 { unavailable() } else { first_ids(100, received) }))
    };
    let (client, api) = TestApi::new(&[]).script(script).latency(|| LATENCY).client(|settings| {
        settings.max_retries = Argument::Known(1);
    });
    let late = async {
        tokio::time::sleep(LATENCY + LATENCY / 2).await;
        read(&client, &named([1])).await
    };
    let query = named([1]);
    let (first, late) = tokio::join!(read(&client, &query), late);
    assert_eq!(ids(&late.unwrap()), expected([1]));
    assert_eq!((ids(&first.unwrap()), api.calls()), (expected([1]), 4));
}

/// A total that is too small is shown to be so by the rows, one that is too large by the ids.
#[tokio::test(start_paused = true)]
async fn a_wrong_total_neither_cuts_a_list_nor_makes_it_incomplete() {
    let (client, _) = answering(|_, received| paged(&images(0..400), received, 100, Some(150)));
    assert_eq!(ids(&read(&client, &public()).await.unwrap()), expected(0..400));
    let (client, api) = answering(|_, _| page("images", &images(0..3), Some(500)));
    assert_eq!(ids(&read(&client, &named(0..3)).await.unwrap()), expected(0..3));
    assert_eq!(api.calls(), 1);
    // Of the whole region.
    let (client, _) = answering(|_, received| {
        let exist = received.ids.iter().filter(|id| number(id) < 3);
        let rows: Vec<String> = exist.map(|id| image(number(id))).collect();
        page("images", &rows, Some(500))
    });
    assert_eq!(ids(&read(&client, &named(0..4)).await.unwrap()), expected(0..3));
    let (client, _) =
        answering(|_, _| page("instanceTypes", &[r#"{"instanceType":"a"}"#.to_owned()], Some(500)));
    let names = ["a"].map(Arc::from).into();
    assert_eq!(client.instance_types(None, Some(&names), Instant::now()).await.unwrap().rows.len(), 1);
}

/// The total counts the rows of both fields, and the second one may ignore the names.
#[tokio::test(start_paused = true)]
async fn rows_of_the_deprecated_field_are_counted_and_passed_over() {
    let body = r#"{"requestId":"r","result":{"totalCount":3,"instanceTypes":[{"instanceType":"a"},{"instanceType":"b"}],"specificInstanceTypes":[{"instanceType":"a"}]}}"#;
    let (client, _) = answering(move |_, _| response(200, &[], body));
    assert_eq!(client.instance_types(None, None, Instant::now()).await.unwrap().rows.len(), 2);
    // As many rows as the total says, one of which was not asked for.
    let names = ["b", "c"].map(Arc::from).into();
    let body = r#"{"requestId":"r","result":{"totalCount":2,"instanceTypes":[{"instanceType":"b"}],"specificInstanceTypes":[{"instanceType":"a"}]}}"#;
    let (client, _) = answering(move |n, _| match n {
        0 => response(200, &[], body),
        _ => page("instanceTypes", &[], Some(0)),
    });
    assert_eq!(client.instance_types(None, Some(&names), Instant::now()).await.unwrap().rows.len(), 1);
}

/// The order of disks says nothing, so a plan must not change with it.
#[tokio::test(start_paused = true)]
async fn disks_are_sorted() {
    let disks = |first: &str, second: &str| {
        format!(
            r#"{{"instanceType":"a","cloudDiskTypes":["{first}","{second}","{first}"],"localDisks":[{{"diskType":"{first}"}},{{"diskType":"{second}"}}]}}"#
        )
    };
    let mut types = Vec::new();
    for row in [disks("ssd", "hdd"), disks("hdd", "ssd")] {
        let (client, _) = answering(move |_, _| page("instanceTypes", std::slice::from_ref(&row), Some(1)));
        types.push(client.instance_types(None, None, Instant::now()).await.unwrap().rows.remove(0));
    }
    assert_eq!(types[0], types[1]);
    assert_eq!(types[0].cloud_disk_types, ["hdd".into(), "ssd".into()]);
}

fn number(id: &str) -> usize {
    id["img-".len()..].parse().unwrap()
}

/// `on_missing = "verify"` with `for_each` must not take a request for each image.
#[tokio::test(start_paused = true)]
async fn ids_that_are_looked_up_together_share_a_request() {
    let by_id = |_: usize, received: &Received| {
        let rows: Vec<String> = received.ids.iter().map(|id| image(number(id))).collect();
        page("images", &rows, Some(rows.len()))
    };
    let (client, api) = answering(by_id);
    let queries: Vec<Query> = (0..300).map(|number| named([number])).collect();
    for (round, queries) in queries.chunks(10).enumerate() {
        let lists = futures_util::future::join_all(queries.iter().map(|query| read(&client, query))).await;
        for (number, listed) in lists.into_iter().enumerate() {
            assert_eq!(ids(&listed.unwrap()), expected(round * 10 + number..=round * 10 + number));
        }
    }
    assert_eq!(api.calls(), 30, "one for each round of ten");
    // All at once are divided as the ids of one read are.
    let (client, api) = answering(by_id);
    let lists = futures_util::future::join_all(queries.iter().map(|query| read(&client, query))).await;
    assert!(lists.iter().all(|listed| listed.as_ref().unwrap().rows.len() == 1));
    assert_eq!(api.calls(), 3);
}

/// An id that the API refuses fails its own read, and a read that leaves takes no other with it.
#[tokio::test(start_paused = true)]
async fn reads_that_share_a_lookup_do_not_fail_for_each_other() {
    for code in [400, 404, 422, 500, 502] {
        let (client, _) = answering(move |_, received| {
            if received.ids.iter().any(|id| number(id) == 3) {
                return refusal(code, "X", "img-00003");
            }
            let rows: Vec<String> = received.ids.iter().map(|id| image(number(id))).collect();
            page("images", &rows, Some(rows.len()))
        });
        let queries: Vec<Query> = (0..10).map(|number| named([number])).collect();
        let lists = futures_util::future::join_all(queries.iter().map(|query| read(&client, query))).await;
        for (number, listed) in lists.into_iter().enumerate() {
            match listed {
                Err(_) => assert!(number == 3 && code != 404, "{code}: {number}"),
                // A 404 that names an image says that it does not exist.
                Ok(listed) => assert_eq!(listed.rows.is_empty(), number == 3, "{code}: {number}"),
            }
        }
    }
    let (client, api) = answering(|_, received| {
        let rows: Vec<String> = received.ids.iter().map(|id| image(number(id))).collect();
        page("images", &rows, Some(rows.len()))
    });
    let (leaving, staying) = (named([0]), named([1]));
    let leaves = tokio::time::timeout(Duration::from_millis(2), read(&client, &leaving));
    let (left, stayed) = tokio::join!(leaves, read(&client, &staying));
    assert!(left.is_err());
    assert_eq!((ids(&stayed.unwrap()), api.calls()), (expected([1]), 1));
}

/// An API that repeats its first page must not be asked for all the pages that its total implies.
#[tokio::test(start_paused = true)]
async fn a_page_without_a_new_row_ends_the_reading() {
    let (client, api) = answering(|_, _| page("images", &images(0..1), Some(50_000)));
    let error = failed(read(&client, &public()).await);
    assert_eq!(error.failure, Failure::IncompleteList { rows: 1, total: 50_000 });
    assert!(api.calls() <= 2 * (1 + 8), "{} calls", api.calls());
}

/// The refusal of a proxy must not pass for "this image does not exist".
#[tokio::test(start_paused = true)]
async fn a_404_of_a_server_in_between_says_nothing_of_an_image() {
    for body in ["<html>blocked</html>", ""] {
        let (client, _) = answering(move |n, _| match n {
            0 => page("images", &images(0..1), Some(1)),
            _ => response(404, &[], body),
        });
        let listed = read(&client, &named(0..2)).await;
        assert!(listed.is_err(), "{listed:?}");
    }
}

/// The number of a row in an error counts the rows that are passed over.
#[tokio::test(start_paused = true)]
async fn rows_that_are_passed_over_are_counted() {
    let names = ["b"].map(Arc::from).into();
    let body = r#"{"requestId":"r","result":{"instanceTypes":[],"specificInstanceTypes":[{"instanceType":"a"},{"instanceType":""}]}}"#;
    let (client, _) = answering(move |_, _| response(200, &[], body));
    let error = failed(client.instance_types(None, Some(&names), Instant::now()).await);
    assert!(matches!(error.failure, Failure::MalformedRow { row: 2, .. }), "{:?}", error.failure);
}
