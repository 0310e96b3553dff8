//! The operations of the VM API that the emulator has, and their paths.

use crate::percent::{Plus, decode};

/// An operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// `describeImageConstraintsBatch`
    ImageConstraints,
    /// `describeImages`
    Images,
    /// `describeImage`, for the image with this id.
    Image(String),
    /// `describeInstanceTypes`
    InstanceTypes,
}

impl Operation {
    /// The names that [`name`](Self::name) gives.
    pub(crate) const NAMES: [&str; 4] =
        ["describeImageConstraintsBatch", "describeImages", "describeImage", "describeInstanceTypes"];

    /// The region and the operation of a path, as it came over the wire.
    pub(crate) fn at(path: &str) -> Option<(&str, Self)> {
        let (region, resource) = path.strip_prefix("/v1/regions/")?.split_once('/')?;
        let operation = match resource {
            "imageConstraints" => Self::ImageConstraints,
            "images" => Self::Images,
            "instanceTypes" => Self::InstanceTypes,
            _ => {
                let id = resource.strip_prefix("images/")?;
                let id = (!id.is_empty() && !id.contains('/')).then(|| decode(id, Plus::Literal))?;
                Self::Image(String::from_utf8(id).ok()?)
            }
        };
        (!region.is_empty()).then_some((region, operation))
    }

    /// Its name in JD Cloud's documentation.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::ImageConstraints => "describeImageConstraintsBatch",
            Self::Images => "describeImages",
            Self::Image(_) => "describeImage",
            Self::InstanceTypes => "describeInstanceTypes",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Operation;

    #[test]
    fn a_path_names_a_region_and_an_operation_or_nothing() {
        for (path, expected) in [
            ("/v1/regions/cn-north-1/imageConstraints", Some(Operation::ImageConstraints)),
            ("/v1/regions/cn-north-1/images", Some(Operation::Images)),
            ("/v1/regions/cn-north-1/images/img-%E9%95%9C", Some(Operation::Image("img-镜".to_owned()))),
            ("/v1/regions/cn-north-1/instanceTypes", Some(Operation::InstanceTypes)),
            ("/v1/regions/cn-north-1/images/", None),
            ("/v1/regions/cn-north-1/images/a/b", None),
            ("/v1/regions/cn-north-1/images/%FF", None),
            ("/v1/regions//images", None),
            ("/v1/regions/cn-north-1/instances", None),
            ("/v2/regions/cn-north-1/images", None),
        ] {
            let found = Operation::at(path);
            assert_eq!(found.as_ref().map(|(_, operation)| operation), expected.as_ref(), "{path}");
            assert!(found.is_none_or(|(region, _)| region == "cn-north-1"));
            assert!(expected.is_none_or(|operation| Operation::NAMES.contains(&operation.name())));
        }
    }
}
