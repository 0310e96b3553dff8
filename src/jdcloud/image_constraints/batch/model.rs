//! The contract of batching as one property: whatever the gateway does and however reads overlap, every read gets what
//! it would have got alone.
//!
//! `PROPTEST_CASES` sets the number of cases.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::jdcloud::test_api::{Instead, Received, TestApi, read, returned, rows};
use crate::jdcloud::{Answer, Argument, Error, Failure, ImageSelection, RawResponse};

/// What an image is to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Image {
    /// It has a constraint.
    Constrained,
    /// It is returned without a constraint.
    Unrestricted,
    /// It is not returned.
    Absent,
    /// A request for it is refused.
    Bad,
    /// Its row has no meaning.
    Malformed,
    /// Its row has its id in capitals, which makes the response invalid.
    OtherCase,
}

/// An image that only the listing names, and no read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ghost {
    /// It is not returned.
    Gone,
    /// A request for it is refused.
    Refused(u16),
}

/// A limit that the gateway does not tell.
#[derive(Debug, Clone, Copy)]
enum SilentLimit {
    /// It considers the first ids, in the order of their numbers.
    FirstIds(usize),
    /// It considers the last ids, in the order of their numbers.
    LastIds(usize),
    /// It considers the first ids, in the order of the query.
    FirstInQuery(usize),
    /// It considers the smallest ids, or the greatest ones.
    Sorted(usize, bool),
    /// It returns the first rows, in the order of the request.
    FirstRows(usize),
    /// It returns the first rows, in the order of its catalogue, which is sorted or not.
    Catalogue(usize, bool),
}

#[derive(Debug, Clone, Copy)]
enum Listing {
    Complete,
    /// Every other row is missing.
    Partial,
    /// The instance types are missing.
    Summary,
    Slow,
    Hangs,
    Refused(u16),
}

#[derive(Debug, Clone)]
struct Gateway {
    images: Vec<Image>,
    ghosts: Vec<Ghost>,
    bad_code: u16,
    names_bad_ids: bool,
    limit: Option<(usize, u16)>,
    silent_limit: Option<SilentLimit>,
    /// The request that the silent limit begins with: the first one, or one that most often follows the first check.
    limit_begins: usize,
    /// The requests that fail, and with which status.
    outage: (Range<usize>, u16),
    listing: Listing,
    /// The latencies of its answers, in turns.
    latencies_ms: Vec<u64>,
}

#[derive(Debug, Clone)]
struct Read {
    ids: Vec<usize>,
    starts_ms: u64,
    leaves_after_ms: Option<u64>,
}

#[derive(Debug, Clone)]
struct Case {
    gateway: Gateway,
    reads: Vec<Read>,
    batch_size: u32,
    max_retries: u32,
    max_concurrent_requests: u32,
    read_ahead: bool,
    /// The region is listed before the reads.
    is_listed: bool,
    /// When Terraform stops the provider.
    stops_ms: Option<u64>,
}

const IMAGES: usize = 60;

fn id(number: usize) -> String {
    format!("img-{number:05}")
}

impl Gateway {
    /// The gateway's answer to a request, `None` for one that never ends.
    fn answer(&self, number: usize, ids: &[String]) -> Option<Instead> {
        let refuse = |code, message: String| Some(Instead::Refuse(code, "X", message));
        if self.outage.0.contains(&number) {
            return refuse(self.outage.1, "later".to_owned());
        }
        let all = || (0..IMAGES + self.ghosts.len()).collect::<Vec<_>>();
        let mut asked: Vec<usize> = ids.iter().map(|id| id["img-".len()..].parse().unwrap()).collect();
        if asked.is_empty() {
            return Some(Instead::Respond(match self.listing {
                Listing::Hangs => return Some(Instead::Hang),
                Listing::Refused(code) => return refuse(code, "ids missing".to_owned()),
                Listing::Complete | Listing::Slow => self.rows(&all(), r#"["x.{n}"]"#),
                Listing::Partial => {
                    self.rows(&all().into_iter().step_by(2).collect::<Vec<_>>(), r#"["x.{n}"]"#)
                }
                Listing::Summary => self.rows(&all(), "null"),
            }));
        }
        let refused = asked.iter().find_map(|n| match self.ghosts.get(n.checked_sub(IMAGES)?)? {
            Ghost::Gone => None,
            Ghost::Refused(code) => Some(*code),
        });
        if let Some((limit, code)) = self.limit
            && asked.len() > limit
        {
            return refuse(code, "too many".to_owned());
        }
        let bad: Vec<String> =
            asked.iter().filter(|n| self.images.get(**n) == Some(&Image::Bad)).map(|n| id(*n)).collect();
        if let Some(code) = refused {
            return refuse(code, "ghost".to_owned());
        }
        if !bad.is_empty() {
            let named = if self.names_bad_ids { bad.join(" ") } else { "invalid".to_owned() };
            return refuse(self.bad_code, named);
        }
        if number >= self.limit_begins {
            asked = self.limited(asked);
        }
        asked.retain(|n| *n < IMAGES);
        Some(Instead::Respond(self.rows(&asked, r#"["x.{n}"]"#)))
    }

    /// What a silent limit leaves of the images asked for.
    fn limited(&self, mut asked: Vec<usize>) -> Vec<usize> {
        let has_row = |n: &usize| !matches!(self.images.get(*n), None | Some(Image::Absent | Image::Bad));
        match self.silent_limit {
            None => asked,
            Some(SilentLimit::FirstIds(limit)) => asked.into_iter().take(limit).collect(),
            Some(SilentLimit::LastIds(limit)) => asked.into_iter().rev().take(limit).collect(),
            Some(SilentLimit::Sorted(limit, from_end)) => {
                asked.sort_unstable();
                if from_end {
                    asked.reverse();
                }
                asked.truncate(limit);
                asked
            }
            Some(SilentLimit::FirstInQuery(limit)) => {
                let mut numbers: Vec<usize> = (1..=asked.len()).collect();
                numbers.sort_by_key(ToString::to_string);
                numbers.into_iter().take(limit).map(|number| asked[number - 1]).collect()
            }
            Some(SilentLimit::FirstRows(limit)) => asked.into_iter().filter(has_row).take(limit).collect(),
            Some(SilentLimit::Catalogue(limit, is_sorted)) => {
                asked.sort_unstable_by_key(|n| if is_sorted { *n } else { n * 37 % 101 });
                asked.dedup();
                asked.into_iter().filter(has_row).take(limit).collect()
            }
        }
    }

    /// The rows of `images`, with these instance types.
    fn rows(&self, images: &[usize], types: &str) -> RawResponse {
        let excludes = |n: &usize| {
            let types = types.replace("{n}", &n.to_string());
            format!(r#"{{"constraintsType":"excludes","instanceTypes":{types}}}"#)
        };
        let rows_of: Vec<(String, String)> = images
            .iter()
            .filter_map(|n| {
                let constraint = match self.images.get(*n) {
                    Some(Image::OtherCase) => return Some((id(*n).to_uppercase(), excludes(n))),
                    Some(Image::Constrained) | None => excludes(n),
                    Some(Image::Unrestricted) => "null".to_owned(),
                    Some(Image::Malformed) => r#"{"constraintsType":"excludes","types":[]}"#.to_owned(),
                    Some(Image::Absent | Image::Bad) => return None,
                };
                Some((id(*n), constraint))
            })
            .collect();
        rows(rows_of.iter().map(|(id, constraint)| (id.as_str(), constraint.as_str())))
    }

    /// What a read of `ids` gets alone: an error if one of them is bad or malformed, the outage's error where that may outlast its
    /// retries, or what the catalogue says.
    fn is_right(
        &self,
        ids: &BTreeSet<usize>,
        answer: &Result<Answer, Error>,
        outlasts_retries: bool,
    ) -> bool {
        let of = |image| ids.iter().filter(|n| self.images[**n] == image).copied().collect::<Vec<_>>();
        let returned_ids = |images: &[Image]| -> Vec<String> {
            ids.iter().filter(|n| images.contains(&self.images[**n])).map(|n| id(*n)).collect()
        };
        match answer {
            Err(Error::Call(error)) if matches!(error.failure, Failure::MalformedRow { .. }) => {
                !of(Image::Malformed).is_empty()
            }
            Err(Error::Call(error)) if matches!(error.failure, Failure::OtherRow { .. }) => {
                !of(Image::OtherCase).is_empty()
            }
            Err(Error::Call(error)) => {
                let code = error.context.code;
                !of(Image::Bad).is_empty() && code == Some(self.bad_code)
                    || outlasts_retries && code == Some(self.outage.1)
            }
            Err(_) => false,
            Ok(answer) => {
                of(Image::Bad).is_empty()
                    && of(Image::Malformed).is_empty()
                    && of(Image::OtherCase).is_empty()
                    && returned(answer) == returned_ids(&[Image::Constrained, Image::Unrestricted])
                    && answer.missing.iter().map(ToString::to_string).collect::<Vec<_>>()
                        == returned_ids(&[Image::Absent])
                    && answer.images.iter().all(|image| {
                        let number: usize = image.id["img-".len()..].parse().unwrap();
                        let types: Vec<String> =
                            image.rule.instance_types().iter().map(ToString::to_string).collect();
                        let expected = match self.images[number] {
                            Image::Constrained => vec![format!("x.{number}")],
                            _ => vec![],
                        };
                        types == expected
                    })
            }
        }
    }
}

fn silent_limit() -> impl Strategy<Value = SilentLimit> {
    prop_oneof![
        (1..16_usize).prop_map(SilentLimit::FirstIds),
        (1..16_usize).prop_map(SilentLimit::LastIds),
        (1..16_usize, any::<bool>()).prop_map(|(limit, from_end)| SilentLimit::Sorted(limit, from_end)),
        (1..16_usize).prop_map(SilentLimit::FirstInQuery),
        (1..16_usize).prop_map(SilentLimit::FirstRows),
        (1..16_usize, any::<bool>()).prop_map(|(limit, is_sorted)| SilentLimit::Catalogue(limit, is_sorted)),
    ]
}

fn gateway() -> impl Strategy<Value = Gateway> {
    let image = prop_oneof![
        12 => Just(Image::Constrained),
        4 => Just(Image::Unrestricted),
        12 => Just(Image::Absent),
        1 => Just(Image::Bad),
        1 => Just(Image::Malformed),
        1 => Just(Image::OtherCase),
    ];
    let ghost =
        prop_oneof![Just(Ghost::Gone), select(vec![302, 400, 403, 404, 500, 502]).prop_map(Ghost::Refused)];
    let listing = prop_oneof![
        3 => Just(Listing::Complete),
        1 => Just(Listing::Partial),
        1 => Just(Listing::Summary),
        1 => Just(Listing::Slow),
        1 => Just(Listing::Hangs),
        1 => select(vec![400, 403, 500, 429]).prop_map(Listing::Refused),
    ];
    let outage_begins = prop_oneof![2 => Just(0), 1 => 1..25_usize];
    (
        (vec(image, IMAGES), prop_oneof![2 => Just(vec![]), 1 => vec(ghost, 1..5)]),
        select(vec![302, 400, 404, 500, 502]),
        any::<bool>(),
        option::of((1..12_usize, select(vec![400, 413, 414]))),
        option::weighted(0.5, silent_limit()),
        prop_oneof![2 => Just(0), 1 => 1..25_usize],
        option::weighted(0.35, (outage_begins, 1..9_usize, select(vec![500, 502, 503, 429]))),
        listing,
        prop_oneof![1 => vec(0..200_u64, 1), 1 => vec(0..200_u64, 2..8)],
    )
        .prop_map(
            |(
                (images, ghosts),
                bad_code,
                names_bad_ids,
                limit,
                silent_limit,
                limit_begins,
                outage,
                listing,
                latencies_ms,
            )| Gateway {
                images,
                ghosts,
                bad_code,
                names_bad_ids,
                limit,
                silent_limit,
                limit_begins,
                outage: outage.map_or((0..0, 500), |(begins, count, code)| (begins..begins + count, code)),
                listing,
                latencies_ms,
            },
        )
}

fn case() -> impl Strategy<Value = Case> {
    let read = (
        prop_oneof![2 => vec(0..IMAGES, 1..3), 1 => vec(0..5_usize, 1..3), 1 => vec(0..IMAGES, 1..40)],
        0..500_u64,
        option::weighted(0.1, 0..300_u64),
    )
        .prop_map(|(ids, starts_ms, leaves_after_ms)| Read { ids, starts_ms, leaves_after_ms });
    (
        gateway(),
        prop_oneof![4 => vec(read.clone(), 1..5), 5 => vec(read.clone(), 1..40), 1 => vec(read, 100..300)],
        prop_oneof![1..20_u32, 20..40_u32],
        1..6_u32,
        1..9_u32,
        any::<bool>(),
        option::weighted(0.1, 0..500_u64),
    )
        .prop_map(
            |(mut gateway, reads, batch_size, max_retries, max_concurrent_requests, read_ahead, stops_ms)| {
                let names_controls = read_ahead
                    && (gateway.outage.0.is_empty() || gateway.outage.0.start > 0)
                    && matches!(gateway.listing, Listing::Complete | Listing::Partial);
                if gateway.outage.0.start > 0 {
                    // An id that causes server errors uses up the retries that the others need in the outage.
                    gateway.bad_code = gateway.bad_code.min(404);
                    gateway.ghosts.retain(|ghost| !matches!(ghost, Ghost::Refused(500..)));
                }
                match gateway.silent_limit {
                    // Later responses are checked by controls at the ends of the request, where there is room.
                    Some(SilentLimit::Catalogue(..) | SilentLimit::Sorted(..)) => {
                        gateway.limit_begins = 0;
                    }
                    _ if !names_controls || batch_size < 20 => gateway.limit_begins = 0,
                    _ => {}
                }
                if gateway.limit_begins > 0 {
                    // Nor is there room after a refusal.
                    gateway.limit = None;
                    gateway.ghosts.clear();
                    let bad = gateway.images.iter_mut().filter(|image| **image == Image::Bad);
                    bad.for_each(|image| *image = Image::Unrestricted);
                }
                match gateway.silent_limit {
                    // A request whose ids that are considered have no row cannot be told from a complete one.
                    Some(
                        SilentLimit::FirstIds(limit)
                        | SilentLimit::LastIds(limit)
                        | SilentLimit::FirstInQuery(limit),
                    ) if !names_controls => {
                        let absent = gateway.images.iter_mut().filter(|image| **image == Image::Absent);
                        absent.skip(limit - 1).for_each(|image| *image = Image::Constrained);
                    }
                    // Only the first response is checked for ids that sort beyond all controls, so these are known before.
                    Some(SilentLimit::Sorted(..))
                        if !names_controls || !matches!(gateway.listing, Listing::Complete) =>
                    {
                        gateway.silent_limit = None;
                    }
                    Some(SilentLimit::Sorted(..)) => {
                        // A limit that is told leaves less room for controls.
                        gateway.limit = None;
                        gateway.ghosts.clear();
                        // It would sort before all others.
                        gateway
                            .images
                            .iter_mut()
                            .filter(|image| **image == Image::OtherCase)
                            .for_each(|image| *image = Image::Absent);
                        gateway.images[0] = Image::Constrained;
                        gateway.images[IMAGES - 1] = Image::Constrained;
                    }
                    _ => {}
                }
                // The outage may be that of a later listing.
                let is_listed = gateway.limit_begins > 0
                    || gateway.outage.0.start > 0
                    || matches!(gateway.silent_limit, Some(SilentLimit::Sorted(..)));
                Case {
                    gateway,
                    reads,
                    batch_size,
                    max_retries,
                    max_concurrent_requests,
                    read_ahead,
                    is_listed,
                    stops_ms,
                }
            },
        )
}

/// Runs the reads of `case`. Describes the first one whose outcome is not what it would have got alone.
async fn run(case: &Case) -> Result<(), String> {
    let gateway = case.gateway.clone();
    let script = move |number, call: &Received| gateway.answer(number, &call.ids);
    let (latencies, listing) = (case.gateway.latencies_ms.clone(), case.gateway.listing);
    let turn = AtomicUsize::new(0);
    let latency = move |call: &Received| {
        let is_slow = call.ids.is_empty() && matches!(listing, Listing::Slow);
        let latency = latencies[turn.fetch_add(1, Ordering::Relaxed) % latencies.len()];
        Duration::from_millis(if is_slow { 20_000 } else { latency })
    };
    let (client, api) = TestApi::new(&[]).latency_of(latency).script(script).client(|settings| {
        settings.batch_size = Argument::Known(case.batch_size);
        settings.max_retries = Argument::Known(case.max_retries);
        settings.max_concurrent_requests = Argument::Known(case.max_concurrent_requests);
        settings.read_ahead = Argument::Known(case.read_ahead);
        settings.read_timeout = Argument::Known(Duration::from_secs(3600));
    });
    if case.is_listed {
        // Fails where a row is malformed.
        let _ = client.image_constraints(None, ImageSelection::All).await;
    }
    let mut reads = JoinSet::new();
    for (number, Read { ids, starts_ms, leaves_after_ms }) in case.reads.iter().cloned().enumerate() {
        let (client, api) = (Arc::clone(&client), api.clone());
        reads.spawn(async move {
            sleep(Duration::from_millis(starts_ms)).await;
            let names: Vec<String> = ids.iter().map(|n| id(*n)).collect();
            let patience = leaves_after_ms.map_or(Duration::from_secs(7200), Duration::from_millis);
            // The read may join a request in progress, whose current attempt may already be one of those that fail.
            let earlier = api.calls() - api.under_way().min(1);
            let answer = timeout(patience, read(&client, &names)).await;
            (number, ids.into_iter().collect::<BTreeSet<_>>(), earlier, answer)
        });
    }
    if let Some(stops_ms) = case.stops_ms {
        sleep(Duration::from_millis(stops_ms)).await;
        client.stop();
    }
    while let Some(finished) = reads.join_next().await {
        let (number, ids, earlier, answer) = finished.map_err(|error| error.to_string())?;
        let Ok(answer) = answer else { continue };
        if case.stops_ms.is_some() && matches!(answer, Err(Error::Cancelled)) {
            continue;
        }
        let Range { start, end } = case.gateway.outage.0;
        let outlasts_retries = end > earlier.max(start) + case.max_retries as usize;
        if !case.gateway.is_right(&ids, &answer, outlasts_retries) {
            let requests: Vec<String> = api.received().iter().map(|call| call.ids.join(" ")).collect();
            let requests = requests.join("\n").replace("img-", "");
            return Err(format!("read {number} of {ids:?} got {answer:?}; the requests were:\n{requests}"));
        }
    }
    sleep(Duration::from_secs(3600)).await;
    if api.under_way() > 0 {
        return Err(format!("{} requests were left behind", api.under_way()));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn every_read_gets_what_it_would_have_got_alone(case in case()) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let outcome = runtime.block_on(run(&case));
        prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    }
}
