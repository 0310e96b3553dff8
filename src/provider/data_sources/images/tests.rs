use proptest::prelude::*;

use super::*;

fn texts() -> impl Strategy<Value = Option<Arc<str>>> {
    proptest::option::of(
        proptest::sample::select(vec!["Ubuntu", "22.04", "x86_64", "ready", ""]).prop_map(Arc::from),
    )
}

fn images() -> impl Strategy<Value = Vec<Arc<Image>>> {
    let image = (
        "[a-c]{1,2}",
        [texts(), texts(), texts(), texts(), texts(), texts()],
        proptest::option::of(any::<bool>()),
    );
    let image =
        image.prop_map(|(id, [platform, os_version, name, architecture, status, create_time], offline)| {
            let id = Arc::from(id);
            Arc::new(Image {
                id,
                platform,
                os_version,
                name,
                architecture,
                status,
                create_time,
                offline,
                ..Image::default()
            })
        });
    proptest::collection::vec(image, 0..20)
}

proptest! {
    /// Each filter alone removes exactly the images without that property, and together they remove what each removes.
    #[test]
    fn an_image_passes_when_it_passes_every_filter(images in images(), offline: bool, mask in 0u8..16) {
        let wanted = |bit: u8, text: &'static str| (mask >> bit & 1 == 1).then_some(text);
        let filter = Filter {
            source: "public",
            platform: wanted(0, "Ubuntu"),
            os_version: wanted(1, "22.04"),
            name: wanted(2, "Ubuntu"),
            architecture: wanted(3, "x86_64"),
            status: "ready",
            offline,
        };
        for image in &images {
            let checks = [
                (filter.platform, &image.platform),
                (filter.os_version, &image.os_version),
                (filter.name, &image.name),
                (filter.architecture, &image.architecture),
                (Some("ready"), &image.status),
            ];
            let passes = checks.iter().all(|(wanted, found)| wanted.is_none() || *wanted == found.as_deref());
            prop_assert_eq!(filter.matches(image), passes && image.offline.unwrap_or(false) == offline);
        }
    }

    /// The order does not depend on the order of the response, so that `[0]` does not change by itself.
    #[test]
    fn the_order_does_not_depend_on_the_response(images in images(), seed: u64) {
        let (mut sorted, mut shuffled) = (images.clone(), images);
        sort(&mut sorted);
        if !shuffled.is_empty() {
            let by = seed as usize % shuffled.len();
            shuffled.rotate_left(by);
        }
        sort(&mut shuffled);
        let keys = |images: &[Arc<Image>]| -> Vec<_> {
            images.iter().map(|image| (image.create_time.clone(), image.id.clone())).collect()
        };
        prop_assert_eq!(keys(&sorted), keys(&shuffled));
        for pair in keys(&sorted).windows(2) {
            let ((newer, first), (older, second)) = (&pair[0], &pair[1]);
            prop_assert!(newer > older || newer == older && first <= second);
        }
    }
}

#[test]
fn columns_have_unique_names() {
    let Type::Object(attributes) = row_type() else { panic!("an object expected") };
    assert_eq!(attributes.len(), columns().len(), "two columns have one name");
}
