use proptest::prelude::*;

use super::*;
use crate::jdcloud::instance_types::Zone;

fn types() -> impl Strategy<Value = Vec<Arc<InstanceType>>> {
    let zones = proptest::collection::btree_map("[a-c]", proptest::option::of(any::<bool>()), 0..4);
    let small = || proptest::option::of(0i64..4);
    let one = ("[a-c]{1,2}", proptest::option::of("[fg]"), small(), small(), small(), zones);
    let one = one.prop_map(|(name, family, cpu, memory_mb, generation, zones)| {
        let zones = zones.into_iter().map(|(az, in_stock)| Zone { az: az.into(), in_stock }).collect();
        let family = family.map(Arc::from);
        Arc::new(InstanceType {
            name: name.into(),
            family,
            cpu,
            memory_mb,
            generation,
            zones,
            ..InstanceType::default()
        })
    });
    proptest::collection::vec(one, 0..20)
}

fn a_type(zones: &[(&str, Option<bool>)]) -> InstanceType {
    let zones = zones.iter().map(|(az, in_stock)| Zone { az: (*az).into(), in_stock: *in_stock }).collect();
    InstanceType { name: "g.n3.large".into(), zones, ..InstanceType::default() }
}

/// A type of another architecture, family or name would pass, and no image would start on it.
#[test]
fn a_type_with_another_text_or_without_it_does_not_match() {
    let set = |text: &str| Some(BTreeSet::from([text.into()]));
    let one = InstanceType {
        name: "g.n3.large".into(),
        family: Some("g.n".into()),
        architecture: Some("arm64".into()),
        ..InstanceType::default()
    };
    for (filter, expected) in [
        (Filter { names: set("g.n3.large"), ..Filter::default() }, true),
        (Filter { names: set("g.n4.large"), ..Filter::default() }, false),
        (Filter { families: set("g.n"), ..Filter::default() }, true),
        (Filter { families: set("c.n"), ..Filter::default() }, false),
        (Filter { architecture: Some("arm64"), ..Filter::default() }, true),
        (Filter { architecture: Some("x86_64"), ..Filter::default() }, false),
    ] {
        assert_eq!(filter.matches(&one), expected, "{filter:?}");
        if filter.names.is_none() {
            assert!(!filter.matches(&a_type(&[])), "{filter:?}, and the type has no such property");
        }
    }
}

#[test]
fn stock_is_compared_in_each_zone_or_in_any() {
    let one = a_type(&[("a", Some(true)), ("b", Some(false)), ("c", None)]);
    let matches = |in_stock, zones: Option<&[&'static str]>| {
        let zones = zones.map(|zones| zones.iter().map(|&zone| zone.into()).collect());
        Filter { in_stock, zones, ..Filter::default() }.matches(&one)
    };
    for (in_stock, zones, expected) in [
        (None, None, true),
        (Some(true), None, true),
        (Some(false), None, false),
        (None, Some(&["a", "b", "c"][..]), true),
        (None, Some(&["a", "d"]), false),
        (Some(true), Some(&["a"]), true),
        (Some(true), Some(&["a", "b"]), false),
        (Some(true), Some(&["c"]), false),
        (Some(true), Some(&["d"]), false),
        (Some(false), Some(&["a"]), false),
        (Some(false), Some(&["a", "b"]), true),
        (Some(false), Some(&["c"]), true),
        (Some(false), Some(&["d"]), true),
    ] {
        assert_eq!(matches(in_stock, zones), expected, "in_stock = {in_stock:?}, zones = {zones:?}");
    }
    let nowhere = Filter { in_stock: Some(true), ..Filter::default() };
    assert!(!nowhere.matches(&a_type(&[])), "a type without a zone can't be bought");
}

proptest! {
    /// An absent filter keeps all types; a minimum keeps those that reach it; `false` keeps those that `true` removes.
    #[test]
    fn filters_divide_the_types(types in types(), least in 0i64..4, zones in proptest::option::of(proptest::collection::btree_set(proptest::sample::select(["a", "b", "c", "d"].map(Str::from).to_vec()), 1..3))) {
        let kept = |filter: &Filter<'_>| types.iter().filter(|one| filter.matches(one)).count();
        prop_assert_eq!(kept(&Filter::default()), types.len());
        let stocked = |in_stock| kept(&Filter { in_stock: Some(in_stock), zones: zones.clone(), ..Filter::default() });
        prop_assert_eq!(stocked(true) + stocked(false), types.len());
        let filter = Filter { min_cpu: Some(least), min_memory_mb: Some(least), ..Filter::default() };
        for one in &types {
            let enough = one.cpu.is_some_and(|cpu| cpu >= least) && one.memory_mb.is_some_and(|memory| memory >= least);
            prop_assert_eq!(filter.matches(one), enough);
        }
    }

    /// The order does not depend on the order of the response, so that `[0]` does not change by itself.
    #[test]
    fn the_order_does_not_depend_on_the_response(types in types(), seed: u64) {
        let (mut sorted, mut rotated) = (types.clone(), types);
        sort(&mut sorted);
        if !rotated.is_empty() {
            let by = seed as usize % rotated.len();
            rotated.rotate_left(by);
        }
        sort(&mut rotated);
        let keys = |types: &[Arc<InstanceType>]| -> Vec<_> {
            types.iter().map(|one| (one.cpu, one.memory_mb, one.generation, one.name.clone())).collect()
        };
        prop_assert_eq!(keys(&sorted), keys(&rotated));
        for pair in sorted.windows(2) {
            let cpus = (pair[0].cpu.unwrap_or(i64::MAX), pair[1].cpu.unwrap_or(i64::MAX));
            prop_assert!(cpus.0 <= cpus.1);
            if (pair[0].cpu, pair[0].memory_mb) == (pair[1].cpu, pair[1].memory_mb) {
                prop_assert!(pair[0].generation >= pair[1].generation, "the newer one is first");
            }
        }
    }
}

#[test]
fn columns_have_unique_names() {
    let Type::Object(attributes) = row_type() else { panic!("an object expected") };
    assert_eq!(attributes.len(), columns().len(), "two columns have one name");
}
