//! `describeImages` and `describeImage`: which images a query selects, and which page of them.

use serde_json::Value;

use crate::error::ApiError;
use crate::query::Query;
use crate::scenario::Paging;

/// All parameters of `describeImages`.
const PARAMETERS: [&str; 14] = [
    "imageSource",
    "ids",
    "offline",
    "platform",
    "imageName",
    "rootDeviceType",
    "launchPermission",
    "status",
    "architecture",
    "bootMode",
    "instanceIds",
    "serviceCode",
    "pageNumber",
    "pageSize",
];
/// Parameters that are compared with the image's field of the same name.
const EXACT: [&str; 7] =
    ["platform", "rootDeviceType", "launchPermission", "status", "architecture", "bootMode", "serviceCode"];
const SOURCES: [&str; 5] = ["public", "thirdparty", "private", "shared", "community"];

/// The parsed query of `describeImages`.
pub(crate) struct Selection {
    pub(crate) ids: Vec<String>,
    source: Option<String>,
    offline: bool,
    name: Option<String>,
    instance_ids: Vec<String>,
    exact: Vec<(&'static str, String)>,
    page: usize,
    page_size: usize,
}

impl Selection {
    /// # Errors
    ///
    /// The documented 400 for a page size out of range, and a 400 in the same form for other malformed parameters.
    pub(crate) fn read(query: &Query) -> Result<Self, ApiError> {
        let invalid = |sentence: String| ApiError::invalid_argument(sentence);
        query.only(&PARAMETERS).map_err(invalid)?;
        let text = |name| query.value(name).map_err(invalid);
        let number = |name, default: usize| match text(name)? {
            None => Ok(default),
            Some(value) => value.parse().map_err(|_| invalid(format!("{name} is not a number"))),
        };
        let (page, page_size) = (number("pageNumber", 1)?, number("pageSize", 20)?);
        if !(10..=100).contains(&page_size) {
            return Err(ApiError::new(400, "OUT_OF_RANGE", "PageSize out of range"));
        }
        if page == 0 {
            return Err(ApiError::new(400, "OUT_OF_RANGE", "PageNumber out of range"));
        }
        let source = text("imageSource")?;
        if let Some(source) = source.as_deref().filter(|source| !SOURCES.contains(source)) {
            return Err(invalid(format!("Invalid imageSource '{source}'")));
        }
        // The SDK for Python writes `True`.
        let offline = match text("offline")?.map(|text| text.to_lowercase()).as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(invalid("offline is not a boolean".to_owned())),
        };
        let mut exact = Vec::new();
        for name in EXACT {
            exact.extend(text(name)?.map(|value| (name, value)));
        }
        let (ids, instance_ids) =
            (query.list("ids").map_err(invalid)?, query.list("instanceIds").map_err(invalid)?);
        Ok(Self { ids, source, offline, name: text("imageName")?, instance_ids, exact, page, page_size })
    }

    /// The documented 400 when neither ids nor an image source is given.
    pub(crate) fn refusal(&self) -> Option<ApiError> {
        let missing = self.source.is_none() && self.ids.is_empty();
        missing.then(|| ApiError::new(400, "FAILED_PRECONDITION", "Parameter ImageSource missing"))
    }

    fn selects(&self, image: &Value) -> bool {
        let text = |name: &str| image[name].as_str();
        let source = text("imageSource");
        let offline = image["offline"] == true;
        // `offline` applies to public and third-party images, and is ignored beside ids.
        let listed = !self.ids.is_empty()
            || offline == self.offline
            || !matches!(source, Some("public" | "thirdparty"));
        let among = |ids: &[String], id: Option<&str>| {
            ids.is_empty() || id.is_some_and(|id| ids.iter().any(|asked| asked == id))
        };
        listed
            && among(&self.ids, text("imageId"))
            && among(&self.instance_ids, text("instanceId"))
            && self.source.as_deref().is_none_or(|asked| source == Some(asked))
            && self.name.as_deref().is_none_or(|part| text("name").is_some_and(|name| name.contains(part)))
            && self.exact.iter().all(|(name, value)| text(name) == Some(value))
    }
}

/// The images of the requested page, and `totalCount`. `call` counts the calls of the operation from 1.
pub(crate) fn page<'a>(
    images: impl Iterator<Item = &'a Value>,
    selection: &Selection,
    paging: Paging,
    call: u64,
) -> (Vec<&'a Value>, u64) {
    let selected: Vec<_> = images.filter(|image| selection.selects(image)).collect();
    let number = if paging == Paging::FirstPage { 1 } else { selection.page };
    let overlap = if paging == Paging::Overlap { number - 1 } else { 0 };
    let start = (number - 1).saturating_mul(selection.page_size).saturating_sub(overlap);
    let size = if paging == Paging::EmptyEarly && number > 1 { 0 } else { selection.page_size };
    let total = selected.len() as u64;
    let total = match paging {
        Paging::GrowingTotal => total + call - 1,
        Paging::ShrinkingTotal => (total + 1).saturating_sub(call),
        _ => total,
    };
    (selected.into_iter().skip(start).take(size).collect(), total)
}
