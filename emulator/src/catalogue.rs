//! What exists in the emulated cloud: regions, their images, and the rows that the API has for them.
//!
//! As JSON (`--catalogue FILE`, `PUT /_emulator/catalogue`), by region and image id:
//!
//! ```json
//! {
//!   "cn-north-1": {
//!     "img-web":     { "excludes": ["g.n4.large", "m.n2.18xlarge"] },
//!     "img-gpu":     { "source": "thirdparty", "includes": ["p.c1p40.large"] },
//!     "img-free":    {},
//!     "img-mine":    { "source": "private", "excludes": ["g.n4.large"] },
//!     "img-strange": { "rows": [{ "imageId": "img-strange", "imageInstanceTypeConstraint": null }] }
//!   }
//! }
//! ```
//!
//! `source` is `public` (the default), `thirdparty` or `private`. `excludes` and `includes` each make one row;
//! `rows` are sent as they stand, however malformed. An image may have several rows, or none.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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

    /// The same image from elsewhere.
    pub fn from_source(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// Its rows as JSON texts, made once: a load test should measure its client, not this.
    fn written(&self, id: &str) -> Vec<String> {
        if self.source == Source::Private {
            return Vec::new();
        }
        let row = |kind: &str, types: &Option<Vec<String>>| {
            types.as_ref().map(|types| row(id, &json!({"constraintsType": kind, "instanceTypes": types})))
        };
        let made = [row("excludes", &self.excludes), row("includes", &self.includes)];
        made.iter().flatten().chain(&self.rows).map(Value::to_string).collect()
    }
}

/// Regions and their images. [`Catalogue::default`] is the built-in one that `--help` lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    from = "BTreeMap<String, BTreeMap<String, Image>>",
    into = "BTreeMap<String, BTreeMap<String, Image>>"
)]
pub struct Catalogue {
    regions: BTreeMap<String, BTreeMap<String, Stocked>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Stocked {
    image: Image,
    written: Vec<String>,
}

impl Catalogue {
    /// A world without regions.
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
        let written = image.written(id);
        self.regions.entry(region.to_owned()).or_default().insert(id.to_owned(), Stocked { image, written });
    }

    /// Takes an image out of a region.
    pub fn remove(&mut self, region: &str, id: &str) {
        self.regions.get_mut(region).and_then(|images| images.remove(id));
    }

    /// Every row of a region in the order of ids, with the id it is for; `None` when there is no such region.
    pub(crate) fn rows(&self, region: &str) -> Option<Vec<(&str, &str)>> {
        let images = self.regions.get(region)?;
        Some(images.iter().flat_map(|(id, image)| image.written.iter().map(|row| (&**id, &**row))).collect())
    }

    /// A row without a constraint for each public and third-party image of a region.
    pub(crate) fn bare_rows(&self, region: &str) -> Vec<(&str, String)> {
        let images = self.regions.get(region).into_iter().flatten();
        let images = images.filter(|(_, stocked)| stocked.image.source != Source::Private);
        images.map(|(id, _)| (&**id, json!({"imageId": id}).to_string())).collect()
    }

    /// The rows of the images in `ids`. Unknown and private ones have none, each image is answered once, and the
    /// order is the catalogue's: the API promises no other.
    pub(crate) fn rows_of<'a>(&'a self, region: &str, ids: &[String]) -> Option<Vec<(&'a str, &'a str)>> {
        let images = self.regions.get(region)?;
        let mut found: Vec<_> = ids.iter().filter_map(|id| images.get_key_value(id)).collect();
        found.sort_by_key(|(id, _)| *id);
        found.dedup_by_key(|(id, _)| *id);
        let rows = found.into_iter();
        Some(rows.flat_map(|(id, image)| image.written.iter().map(|row| (&**id, &**row))).collect())
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        let mut catalogue = Self::empty();
        let twice = json!({"constraintsType": "excludes", "instanceTypes": ["g.n4.large"]});
        let sometimes = json!({"constraintsType": "sometimes", "instanceTypes": ["g.n4.large"]});
        let null_list = json!({"constraintsType": "excludes", "instanceTypes": null});
        let gpu = ["p.c1p40.large", "p.c1p40g.large"];
        for (id, image) in [
            ("img-ubuntu2204", Image::excludes(&["m.n2.18xlarge", "p.c1p40g.large", "g.n4.large"])),
            ("img-gpu", Image::includes(&gpu).from_source(Source::ThirdParty)),
            ("img-includes-none", Image::includes(&[])),
            ("img-excludes-none", Image::excludes(&[])),
            ("img-sometimes", Image::rows([row("img-sometimes", &sometimes)])),
            ("img-null", Image::rows([row("img-null", &Value::Null)])),
            ("img-nulllist", Image::rows([row("img-nulllist", &null_list)])),
            ("img-twice", Image::rows([row("img-twice", &twice), row("img-twice", &twice)])),
            ("img-free", Image::default()),
            ("img-private", Image::excludes(&["g.n4.large"]).from_source(Source::Private)),
        ] {
            catalogue.insert("cn-north-1", id, image);
        }

        catalogue.insert("cn-east-2", "img-ubuntu2204", Image::excludes(&["s.i3f.metal"]));
        catalogue.insert("cn-east-2", "img-east", Image::includes(&["g.n3.large", "g.n3.xlarge"]));
        catalogue.insert_region("cn-south-1");

        // Answers that a client must refuse, each by its own id.
        let other = json!({"constraintsType": "excludes", "instanceTypes": ["s.i3f.metal"]});
        for (id, rows) in [
            ("img-quarrel", vec![row("img-quarrel", &twice), row("img-quarrel", &other)]),
            ("img-noid", vec![json!({"imageInstanceTypeConstraint": twice})]),
            ("img-notype", vec![row("img-notype", &json!({"constraintsType": null, "instanceTypes": []}))]),
            (
                "img-emptytype",
                vec![row("img-emptytype", &json!({"constraintsType": "", "instanceTypes": []}))],
            ),
            (
                "img-includes-null",
                vec![row(
                    "img-includes-null",
                    &json!({"constraintsType": "includes", "instanceTypes": null}),
                )],
            ),
        ] {
            catalogue.insert("cn-odd-1", id, Image::rows(rows));
        }
        catalogue
    }
}

impl From<BTreeMap<String, BTreeMap<String, Image>>> for Catalogue {
    fn from(regions: BTreeMap<String, BTreeMap<String, Image>>) -> Self {
        let mut catalogue = Self::empty();
        for (region, images) in regions {
            catalogue.insert_region(&region);
            for (id, image) in images {
                catalogue.insert(&region, &id, image);
            }
        }
        catalogue
    }
}

impl From<Catalogue> for BTreeMap<String, BTreeMap<String, Image>> {
    fn from(catalogue: Catalogue) -> Self {
        let regions = catalogue.regions.into_iter();
        let images = |images: BTreeMap<String, Stocked>| images.into_iter().map(|(id, it)| (id, it.image));
        regions.map(|(region, stock)| (region, images(stock).collect())).collect()
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
    fn a_catalogue_survives_being_written_down() {
        let catalogue = Catalogue::default();
        let text = serde_json::to_string(&catalogue).unwrap();
        assert_eq!(Catalogue::from_json(&text).unwrap(), catalogue);
    }

    #[test]
    fn a_misspelt_rule_is_not_taken_for_a_free_image() {
        let error = Catalogue::from_json(r#"{"cn-north-1": {"img-a": {"exclude": []}}}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `exclude`"), "{error}");
    }

    #[test]
    fn private_and_unknown_images_have_no_rows() {
        let ids = ["img-private", "img-nowhere", "img-free", "img-gpu", "img-gpu"].map(str::to_owned);
        let catalogue = Catalogue::default();
        let rows = catalogue.rows_of("cn-north-1", &ids).unwrap();
        assert_eq!(rows.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ["img-gpu"]);
        assert!(catalogue.rows("cn-north-1").unwrap().iter().all(|(id, _)| *id != "img-private"));
        assert!(catalogue.rows("cn-nowhere-9").is_none());
    }

    #[test]
    fn a_generated_world_is_as_large_as_asked() {
        let catalogue = Catalogue::generated(3, 4);
        let rows = catalogue.rows("cn-north-1").unwrap();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0].1.matches("xlarge").count(), 4);
    }
}
