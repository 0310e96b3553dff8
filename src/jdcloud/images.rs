//! `describeImages`: the images of a region.
//!
//! Source: JD Cloud's page of that name and the official Go SDK. Every field is optional but `imageId`. Values that are not
//! documented are data.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::de::MapAccess;
use tokio::time::Instant;

use crate::jdcloud::call::caller::Operation;
use crate::jdcloud::call::error::Error;
use crate::jdcloud::client::Client;
use crate::jdcloud::listing::{FieldReader, FromFields, ListRequest, Listed, Row};

const OPERATION: Operation = Operation {
    name: "describeImages",
    service: "vm",
    collection: "images",
    asks_about: "image",
    lists: "images",
};

/// The documented values of `imageSource`.
pub const SOURCES: [&str; 5] = ["public", "thirdparty", "private", "shared", "community"];

/// Which images a read asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// These, whatever their source and state.
    Ids(BTreeSet<Arc<str>>),
    /// Those of one source and status.
    Source {
        /// `imageSource`.
        source: String,
        /// `status`.
        status: String,
        /// Delisted images in the place of those on offer.
        offline: bool,
    },
}

/// An image; what the API did not return is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the API's fields, by their names")]
pub struct Image {
    pub id: Arc<str>,
    pub name: Option<Arc<str>>,
    pub platform: Option<Arc<str>>,
    pub os_version: Option<Arc<str>>,
    pub os_type: Option<Arc<str>>,
    pub architecture: Option<Arc<str>>,
    pub source: Option<Arc<str>>,
    pub status: Option<Arc<str>>,
    pub offline: Option<bool>,
    pub create_time: Option<Arc<str>>,
    pub expired_time: Option<Arc<str>>,
    pub description: Option<Arc<str>>,
    pub system_disk_size_gb: Option<i64>,
    pub size_mb: Option<i64>,
    pub root_device_type: Option<Arc<str>>,
    pub boot_mode: Option<Arc<str>>,
    pub owner_pin: Option<Arc<str>>,
    pub launch_permission: Option<Arc<str>>,
}

impl Client {
    /// The images that `query` asks for in `region`, or in the configured one, within `read_timeout` from `started` on.
    ///
    /// Asking for no ids gives an empty answer without any call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn images(
        &self,
        region: Option<&str>,
        query: &Query,
        started: Instant,
    ) -> Result<Listed<Image>, Error> {
        self.list(region, query.requests(), started).await
    }
}

impl Query {
    fn requests(&self) -> Vec<ListRequest> {
        match self {
            Self::Ids(ids) => ListRequest::for_ids(ids, &[], "ids."),
            Self::Source { source, status, offline } => {
                let parameters = [("imageSource", &**source), ("status", status)];
                let parameters = parameters.into_iter().chain(offline.then_some(("offline", "true")));
                let parameters =
                    parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                vec![ListRequest { parameters, ..ListRequest::default() }]
            }
        }
    }
}

impl Row for Image {
    const OPERATION: &'static Operation = &OPERATION;
    const ID: &'static str = "imageId";
    const IS_PAGED: bool = true;

    fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// An image of another account must not pass for a public or third-party one. Sources that are not documented are data:
    /// older responses had other names for them.
    fn contradicts(&self, parameter: &str, value: &str) -> bool {
        let source = self.source.as_deref().filter(|source| SOURCES.contains(source));
        parameter == "imageSource"
            && ["public", "thirdparty"].contains(&value)
            && source.is_some_and(|source| source != value)
    }
}

impl FromFields for Image {
    fn from_fields<'de, A: MapAccess<'de>>(fields: &mut FieldReader<'_, A>) -> Result<Self, A::Error> {
        const FIELDS: [&str; 18] = [
            "imageId",
            "name",
            "platform",
            "osVersion",
            "osType",
            "architecture",
            "imageSource",
            "status",
            "offline",
            "createTime",
            "expiredTime",
            "desc",
            "systemDiskSizeGB",
            "sizeMB",
            "rootDeviceType",
            "bootMode",
            "ownerPin",
            "launchPermission",
        ];
        let mut image = Self::default();
        while let Some(field) = fields.next(&FIELDS)? {
            match field {
                "imageId" => image.id = fields.text()?.unwrap_or_default(),
                "name" => image.name = fields.text()?,
                "platform" => image.platform = fields.text()?,
                "osVersion" => image.os_version = fields.text()?,
                "osType" => image.os_type = fields.text()?,
                "architecture" => image.architecture = fields.text()?,
                "imageSource" => image.source = fields.text()?,
                "status" => image.status = fields.text()?,
                "offline" => image.offline = fields.flag()?,
                "createTime" => image.create_time = fields.text()?,
                "expiredTime" => image.expired_time = fields.text()?,
                "desc" => image.description = fields.text()?,
                "systemDiskSizeGB" => image.system_disk_size_gb = fields.number()?,
                "sizeMB" => image.size_mb = fields.number()?,
                "rootDeviceType" => image.root_device_type = fields.text()?,
                "bootMode" => image.boot_mode = fields.text()?,
                "ownerPin" => image.owner_pin = fields.text()?,
                _ => image.launch_permission = fields.text()?,
            }
        }
        Ok(image)
    }
}
