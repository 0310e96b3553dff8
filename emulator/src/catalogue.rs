//! The content of the emulated cloud: regions, their images with constraint rows, and their instance types.
//!
//! As JSON (`--catalogue FILE`, `PUT /_emulator/catalogue`), by region and image id:
//!
//! ```json
//! {
//!   "cn-north-1": {
//!     "img-web":     { "excludes": ["g.n4.large", "m.n2.18xlarge"], "details": { "platform": "Ubuntu" } },
//!     "img-gpu":     { "source": "thirdparty", "includes": ["p.c1p40.large"] },
//!     "img-free":    {},
//!     "img-mine":    { "source": "private", "excludes": ["g.n4.large"] },
//!     "img-strange": { "rows": [{ "imageId": "img-strange", "imageInstanceTypeConstraint": null }] },
//!     "instanceTypes": [{ "instanceType": "g.n4.large", "state": [{ "az": "cn-north-1a", "inStock": true }] }]
//!   }
//! }
//! ```
//!
//! `source` is `public` (the default), `thirdparty`, `private`, `shared` or `community`. `excludes` and `includes` each
//! make one row; `rows` are sent as they stand, however malformed. An image may have several rows, or none. `details`
//! are further fields of the image in `describeImages`. `instanceTypes` are sent as they stand, in this order.

mod builtin;
mod images;
mod instance_types;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Where an image comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// One of JD Cloud's own.
    #[default]
    Public,
    /// From the marketplace.
    ThirdParty,
    /// The account's own: the API has no rows for it, whatever the catalogue says.
    Private,
    /// Another account's private image, shared with this account. No rows, as for every private image.
    Shared,
    /// Published by another account. Its constraints are not documented; the emulator has no rows.
    Community,
}

impl Source {
    /// Whether the API has constraints for such images.
    fn is_constrained(self) -> bool {
        matches!(self, Self::Public | Self::ThirdParty)
    }
}

/// An image and the rows that the API has for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Where it comes from.
    #[serde(default)]
    pub source: Source,
    /// One row that excludes these instance types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excludes: Option<Vec<String>>,
    /// One row that includes only these instance types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub includes: Option<Vec<String>>,
    /// Further rows, sent as they stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Value>,
    /// Fields of the image in `describeImages`; they replace and extend those derived from the other members.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub details: Map<String, Value>,
}

impl Image {
    /// A public image that excludes `types`.
    pub fn excludes(types: &[&str]) -> Self {
        Self { excludes: Some(owned(types)), ..Self::default() }
    }

    /// A public image that includes only `types`.
    pub fn includes(types: &[&str]) -> Self {
        Self { includes: Some(owned(types)), ..Self::default() }
    }

    /// A public image with these rows.
    pub fn rows(rows: impl IntoIterator<Item = Value>) -> Self {
        Self { rows: rows.into_iter().collect(), ..Self::default() }
    }

    /// The same image with another source.
    pub fn from_source(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// The same image with these `details`, which must be an object.
    pub fn with_details(self, details: Value) -> Self {
        match details {
            Value::Object(details) => Self { details, ..self },
            _ => self,
        }
    }

    /// Its rows as JSON, serialized once, so that load tests measure the client.
    fn written(&self, id: &str) -> Vec<String> {
        if !self.source.is_constrained() {
            return Vec::new();
        }
        let row = |kind: &str, types: &Option<Vec<String>>| {
            types.as_ref().map(|types| row(id, &json!({"constraintsType": kind, "instanceTypes": types})))
        };
        let made = [row("excludes", &self.excludes), row("includes", &self.includes)];
        made.iter().flatten().chain(&self.rows).map(Value::to_string).collect()
    }

    /// The image as `describeImages` has it.
    fn described(&self, id: &str) -> Value {
        let mut fields = Map::new();
        for (name, value) in [
            ("imageId", json!(id)),
            ("name", json!(id)),
            ("imageSource", json!(self.source)),
            ("status", json!("ready")),
        ] {
            fields.insert(name.to_owned(), value);
        }
        // The API has this field for these two sources only.
        if self.source.is_constrained() {
            fields.insert("offline".to_owned(), json!(false));
        }
        fields.extend(self.details.clone());
        Value::Object(fields)
    }
}

/// Regions and their images. [`Catalogue::default`] is the built-in one that `--help` lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, RegionJson>", into = "BTreeMap<String, RegionJson>")]
pub struct Catalogue {
    /// Shared by clones until one of them changes a region.
    regions: BTreeMap<String, Arc<Region>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Region {
    images: BTreeMap<String, StoredImage>,
    instance_types: Vec<Value>,
}

#[derive(Clone, Debug, PartialEq)]
struct StoredImage {
    image: Image,
    rows: Vec<String>,
    described: Value,
}

/// A region in the JSON form.
#[derive(Clone, Default, Serialize, Deserialize)]
struct RegionJson {
    #[serde(default, rename = "instanceTypes", skip_serializing_if = "Vec::is_empty")]
    instance_types: Vec<Value>,
    #[serde(flatten)]
    images: BTreeMap<String, Image>,
}

impl Catalogue {
    /// A catalogue without regions.
    pub fn empty() -> Self {
        Self { regions: BTreeMap::new() }
    }

    /// `images` images in `cn-north-1`, `img-0000000001` and so on, each excluding `types` instance types.
    pub fn generated(images: usize, types: usize) -> Self {
        let mut catalogue = Self::empty();
        catalogue.insert_region("cn-north-1");
        for image in 1..=images {
            let excluded =
                (image..image + types).map(|size| format!("g.n{}.{size}xlarge", size % 9)).collect();
            let image_of = Image { excludes: Some(excluded), ..Image::default() };
            catalogue.insert("cn-north-1", &format!("img-{image:010}"), image_of);
        }
        catalogue
    }

    /// The two images of the example in the API's documentation, with their masked ids, in `cn-north-1`.
    pub fn documented() -> Self {
        builtin::documented()
    }

    /// Reads the form that the module describes.
    ///
    /// # Errors
    ///
    /// The text is not JSON, or not of that form.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Makes a region exist, without images at first.
    pub fn insert_region(&mut self, region: &str) {
        self.regions.entry(region.to_owned()).or_default();
    }

    /// Puts an image into a region, in place of the one that had the id.
    pub fn insert(&mut self, region: &str, id: &str, image: Image) {
        let stored = StoredImage { rows: image.written(id), described: image.described(id), image };
        self.region_mut(region).images.insert(id.to_owned(), stored);
    }

    /// Takes an image out of a region.
    pub fn remove(&mut self, region: &str, id: &str) {
        if self.has(region) {
            self.region_mut(region).images.remove(id);
        }
    }

    /// Adds an instance type to a region: the object that `describeInstanceTypes` sends, as it stands.
    pub fn insert_instance_type(&mut self, region: &str, instance_type: Value) {
        self.region_mut(region).instance_types.push(instance_type);
    }

    /// Whether the region exists.
    pub(crate) fn has(&self, region: &str) -> bool {
        self.regions.contains_key(region)
    }

    /// Every row of a region, ordered by image id.
    pub(crate) fn rows(&self, region: &str) -> impl Iterator<Item = &str> {
        self.stored(region).flat_map(|(_, image)| image.rows.iter().map(String::as_str))
    }

    /// A row with `fields` in the place of the constraint for each public and third-party image of a region.
    pub(crate) fn rows_with(&self, region: &str, fields: Value) -> impl Iterator<Item = String> {
        let constrained = self.stored(region).filter(|(_, stored)| stored.image.source.is_constrained());
        constrained.map(move |(id, _)| {
            let mut row = fields.clone();
            row["imageId"] = json!(id);
            row.to_string()
        })
    }

    /// The rows of the images in `ids`. Unknown and private ones have none, each image is answered once, and rows
    /// are ordered by image id: the API promises no order.
    pub(crate) fn rows_of(&self, region: &str, ids: &[String]) -> impl Iterator<Item = &str> {
        let images = self.regions.get(region).map(|region| &region.images);
        let mut found: Vec<_> =
            ids.iter().filter_map(|id| images.and_then(|images| images.get_key_value(id))).collect();
        found.sort_by_key(|(id, _)| *id);
        found.dedup_by_key(|(id, _)| *id);
        found.into_iter().flat_map(|(_, image)| image.rows.iter().map(String::as_str))
    }

    /// The images of a region as `describeImages` has them, in the order of ids.
    pub(crate) fn images(&self, region: &str) -> impl Iterator<Item = &Value> {
        self.stored(region).map(|(_, stored)| &stored.described)
    }

    /// The instance types of a region.
    pub(crate) fn instance_types(&self, region: &str) -> &[Value] {
        self.regions.get(region).map_or(&[], |region| &region.instance_types)
    }

    fn region_mut(&mut self, region: &str) -> &mut Region {
        Arc::make_mut(self.regions.entry(region.to_owned()).or_default())
    }

    fn stored(&self, region: &str) -> impl Iterator<Item = (&String, &StoredImage)> {
        self.regions.get(region).into_iter().flat_map(|region| &region.images)
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        // Built once, because tests start hundreds of emulators.
        static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
        CATALOGUE.get_or_init(builtin::catalogue).clone()
    }
}

impl From<BTreeMap<String, RegionJson>> for Catalogue {
    fn from(regions: BTreeMap<String, RegionJson>) -> Self {
        let mut catalogue = Self::empty();
        for (name, RegionJson { instance_types, images }) in regions {
            let region = Region { instance_types, ..Region::default() };
            catalogue.regions.insert(name.clone(), Arc::new(region));
            for (id, image) in images {
                catalogue.insert(&name, &id, image);
            }
        }
        catalogue
    }
}

impl From<Catalogue> for BTreeMap<String, RegionJson> {
    fn from(catalogue: Catalogue) -> Self {
        let images = |region: &Region| {
            region.images.iter().map(|(id, stored)| (id.clone(), stored.image.clone())).collect()
        };
        let json = |region: &Region| RegionJson {
            instance_types: region.instance_types.clone(),
            images: images(region),
        };
        catalogue.regions.iter().map(|(name, region)| (name.clone(), json(region))).collect()
    }
}

fn owned(types: &[&str]) -> Vec<String> {
    types.iter().map(|&name| name.to_owned()).collect()
}

fn row(id: &str, constraint: &Value) -> Value {
    json!({"imageId": id, "imageInstanceTypeConstraint": constraint})
}

#[cfg(test)]
mod tests {
    use super::Catalogue;

    #[test]
    fn a_catalogue_is_equal_after_a_round_trip_through_json() {
        let catalogue = Catalogue::default();
        let text = serde_json::to_string(&catalogue).unwrap();
        assert_eq!(Catalogue::from_json(&text).unwrap(), catalogue);
    }

    #[test]
    fn a_misspelt_rule_is_an_error() {
        let error = Catalogue::from_json(r#"{"cn-north-1": {"img-a": {"exclude": []}}}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `exclude`"), "{error}");
    }

    #[test]
    fn private_and_unknown_images_have_no_rows() {
        let ids = ["img-private", "img-nowhere", "img-free", "img-gpu", "img-gpu"].map(str::to_owned);
        let catalogue = Catalogue::default();
        let rows: Vec<_> = catalogue.rows_of("cn-north-1", &ids).collect();
        assert!(rows.len() == 1 && rows[0].contains("img-gpu"), "{rows:?}");
        assert!(catalogue.rows("cn-north-1").all(|row| !row.contains("img-private")));
        assert!(catalogue.has("cn-south-1") && !catalogue.has("cn-nowhere-9"));
    }

    #[test]
    fn a_generated_catalogue_is_as_large_as_asked() {
        let catalogue = Catalogue::generated(3, 4);
        let rows: Vec<_> = catalogue.rows("cn-north-1").collect();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0].matches("xlarge").count(), 4);
    }
}
