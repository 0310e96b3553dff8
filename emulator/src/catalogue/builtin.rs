//! The built-in regions, and the catalogue of the API's documentation.

use serde_json::{Value, json};

use super::images::images;
use super::instance_types::instance_types;
use super::{Catalogue, Image, Source, row};

/// The regions that `--help` lists.
pub(super) fn catalogue() -> Catalogue {
    let mut catalogue = Catalogue::empty();
    let twice = json!({"constraintsType": "excludes", "instanceTypes": ["g.n4.large"]});
    let sometimes = json!({"constraintsType": "sometimes", "instanceTypes": ["g.n4.large"]});
    let null_list = json!({"constraintsType": "excludes", "instanceTypes": null});
    let gpu = ["p.c1p40.large", "p.c1p40g.large"];
    for (id, image) in [
        (
            "img-ubuntu2204",
            Image::excludes(&["m.n2.18xlarge", "p.c1p40g.large", "g.n4.large"]).with_details(details(
                "Ubuntu",
                "22.04",
                "2024-09-12 17:31:48",
            )),
        ),
        (
            "img-gpu",
            Image::includes(&gpu).from_source(Source::ThirdParty).with_details(details(
                "Ubuntu",
                "20.04",
                "2023-12-07 18:20:41",
            )),
        ),
        ("img-includes-none", Image::includes(&[])),
        ("img-excludes-none", Image::excludes(&[])),
        ("img-sometimes", Image::rows([row("img-sometimes", &sometimes)])),
        ("img-null", Image::rows([row("img-null", &Value::Null)])),
        ("img-nulllist", Image::rows([row("img-nulllist", &null_list)])),
        ("img-twice", Image::rows([row("img-twice", &twice), row("img-twice", &twice)])),
        (
            "img-free",
            Image::default().with_details(details("Other Linux", "Debian 12", "2024-04-25 15:33:19")),
        ),
        ("img-private", Image::excludes(&["g.n4.large"]).from_source(Source::Private)),
        ("img-shared", Image::default().from_source(Source::Shared)),
        ("img-community", Image::default().from_source(Source::Community)),
        (
            "img-pending",
            Image::default().from_source(Source::Private).with_details(json!({"status": "pending"})),
        ),
        ("img-delisted", Image::default().with_details(json!({"offline": true}))),
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
        ("img-emptytype", vec![row("img-emptytype", &json!({"constraintsType": "", "instanceTypes": []}))]),
        (
            "img-includes-null",
            vec![row("img-includes-null", &json!({"constraintsType": "includes", "instanceTypes": null}))],
        ),
    ] {
        catalogue.insert("cn-odd-1", id, Image::rows(rows));
    }

    for region in ["cn-north-1", "cn-east-1", "cn-east-2"] {
        for instance_type in instance_types(region) {
            catalogue.insert_instance_type(region, instance_type);
        }
    }
    let types = instance_types("cn-east-1");
    for (id, image) in images(&types) {
        catalogue.insert("cn-east-1", id, image);
    }
    catalogue
}

/// The example of describeImageConstraintsBatch's page, row by row.
pub(super) fn documented() -> Catalogue {
    let mut catalogue = Catalogue::empty();
    let first =
        ["s.i3f.metal", "m.n2.18xlarge", "p.c1p40m.large", "p.c1p40g.3large", "p.c1p40g.large", "g.n4.large"];
    let second = ["p.c1p40g.3large", "p.c1p40g.xlarge", "m.n4.2xlarge", "g.n4.8xlarge"];
    catalogue.insert("cn-north-1", "img-m5s0****29", Image::excludes(&first));
    catalogue.insert("cn-north-1", "img-m5s0****30", Image::excludes(&second));
    catalogue
}

fn details(platform: &str, version: &str, created: &str) -> Value {
    json!({
        "name": format!("{platform} {version} 64位"), "platform": platform, "osVersion": version,
        "osType": "linux", "architecture": "x86_64", "createTime": created, "systemDiskSizeGB": 40,
        "rootDeviceType": "cloudDisk",
    })
}
