//! `describeInstanceTypes`: the instance types of a region, and in which zones they are in stock.
//!
//! Source: JD Cloud's page of that name and the official Go SDK. The operation has no pages. Of its filters only the names
//! are used: what a filter by zone does to `state` is not documented, and one answer for a whole region serves every read.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::de::MapAccess;
use tokio::time::Instant;

use crate::jdcloud::call::caller::Operation;
use crate::jdcloud::call::error::{Error, RowProblem};
use crate::jdcloud::client::Client;
use crate::jdcloud::listing::{FieldReader, FromFields, ListRequest, Listed, Row};

const OPERATION: Operation = Operation {
    name: "describeInstanceTypes",
    service: "vm",
    collection: "instanceTypes",
    asks_about: "instance type",
    lists: "instance types",
};

/// An instance type; what the API did not return is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the API's fields, by their names")]
pub struct InstanceType {
    pub name: Arc<str>,
    pub family: Option<Arc<str>>,
    pub generation: Option<i64>,
    pub cpu: Option<i64>,
    pub memory_mb: Option<i64>,
    pub architecture: Option<Arc<str>>,
    pub nic_limit: Option<i64>,
    pub cloud_disk_count_limit: Option<i64>,
    pub cloud_disk_types: Vec<Arc<str>>,
    /// `state`, sorted by zone.
    pub zones: Vec<Zone>,
    pub gpu: Option<Gpu>,
    pub local_disks: Vec<LocalDisk>,
    /// Whether there is a `burstInfo`.
    pub is_burstable: bool,
    pub description: Option<Arc<str>>,
}

/// What the API says of a type in a zone.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Zone {
    /// `az`.
    pub az: Arc<str>,
    /// `inStock`: whether it can be bought there.
    pub in_stock: Option<bool>,
}

/// The GPUs of a type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gpu {
    /// `model`.
    pub model: Option<Arc<str>>,
    /// `number`.
    pub count: Option<i64>,
}

/// A disk in the machine itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalDisk {
    /// `diskType`.
    pub disk_type: Option<Arc<str>>,
    /// `diskSizeGB`.
    pub disk_size_gb: Option<i64>,
}

impl InstanceType {
    /// Whether it is in stock in `az`; a zone without an entry counts as one where it is not.
    #[must_use]
    pub fn is_in_stock(&self, az: &str) -> bool {
        self.zones.iter().any(|zone| &*zone.az == az && zone.in_stock == Some(true))
    }
}

impl Client {
    /// The instance types of these names, or all, in `region` or in the configured one, within `read_timeout` from
    /// `started` on.
    ///
    /// Asking for no names gives an empty answer without any call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn instance_types(
        &self,
        region: Option<&str>,
        names: Option<&BTreeSet<Arc<str>>>,
        started: Instant,
    ) -> Result<Listed<InstanceType>, Error> {
        let requests = match names {
            None => vec![ListRequest::default()],
            Some(names) => {
                ListRequest::for_ids(names, &[("filters.1.name", "instanceTypes")], "filters.1.values.")
            }
        };
        self.list(region, requests, started).await
    }
}

impl Row for InstanceType {
    const OPERATION: &'static Operation = &OPERATION;
    const ID: &'static str = "instanceType";
    const IS_PAGED: bool = false;
    /// Deprecated; once the types for some users.
    const MORE: Option<&'static str> = Some("specificInstanceTypes");

    fn id(&self) -> &Arc<str> {
        &self.name
    }

    fn normalize(&mut self) -> Result<(), RowProblem> {
        self.zones.sort_unstable();
        self.zones.dedup();
        self.cloud_disk_types.sort_unstable();
        self.cloud_disk_types.dedup();
        self.local_disks.sort_unstable();
        if self.zones.iter().any(|zone| zone.az.is_empty()) {
            return Err(RowProblem::NoId { field: "az" });
        }
        match self.zones.windows(2).any(|pair| pair[0].az == pair[1].az) {
            true => Err(RowProblem::ZoneContradiction),
            false => Ok(()),
        }
    }
}

impl FromFields for InstanceType {
    fn from_fields<'de, A: MapAccess<'de>>(fields: &mut FieldReader<'_, A>) -> Result<Self, A::Error> {
        const FIELDS: [&str; 14] = [
            "instanceType",
            "family",
            "generation",
            "cpu",
            "memoryMB",
            "architecture",
            "nicLimit",
            "cloudDiskCountLimit",
            "cloudDiskTypes",
            "state",
            "gpu",
            "localDisks",
            "burstInfo",
            "desc",
        ];
        let mut found = Self::default();
        while let Some(field) = fields.next(&FIELDS)? {
            match field {
                "instanceType" => found.name = fields.text()?.unwrap_or_default(),
                "family" => found.family = fields.text()?,
                "generation" => found.generation = fields.number()?,
                "cpu" => found.cpu = fields.number()?,
                "memoryMB" => found.memory_mb = fields.number()?,
                "architecture" => found.architecture = fields.text()?,
                "nicLimit" => found.nic_limit = fields.number()?,
                "cloudDiskCountLimit" => found.cloud_disk_count_limit = fields.number()?,
                "cloudDiskTypes" => found.cloud_disk_types = fields.texts()?,
                "state" => found.zones = fields.objects()?,
                "gpu" => found.gpu = fields.object()?,
                "localDisks" => found.local_disks = fields.objects()?,
                "burstInfo" => found.is_burstable = fields.object::<BurstInfo>()?.is_some(),
                _ => found.description = fields.text()?,
            }
        }
        Ok(found)
    }
}

impl FromFields for Zone {
    fn from_fields<'de, A: MapAccess<'de>>(fields: &mut FieldReader<'_, A>) -> Result<Self, A::Error> {
        let mut zone = Self::default();
        while let Some(field) = fields.next(&["az", "inStock"])? {
            match field {
                "az" => zone.az = fields.text()?.unwrap_or_default(),
                _ => zone.in_stock = fields.flag()?,
            }
        }
        Ok(zone)
    }
}

impl FromFields for Gpu {
    fn from_fields<'de, A: MapAccess<'de>>(fields: &mut FieldReader<'_, A>) -> Result<Self, A::Error> {
        let mut gpu = Self::default();
        while let Some(field) = fields.next(&["model", "number"])? {
            match field {
                "model" => gpu.model = fields.text()?,
                _ => gpu.count = fields.number()?,
            }
        }
        Ok(gpu)
    }
}

impl FromFields for LocalDisk {
    fn from_fields<'de, A: MapAccess<'de>>(fields: &mut FieldReader<'_, A>) -> Result<Self, A::Error> {
        let mut disk = Self::default();
        while let Some(field) = fields.next(&["diskType", "diskSizeGB"])? {
            match field {
                "diskType" => disk.disk_type = fields.text()?,
                _ => disk.disk_size_gb = fields.number()?,
            }
        }
        Ok(disk)
    }
}

/// Its presence says everything.
struct BurstInfo;

impl FromFields for BurstInfo {
    fn from_fields<'de, A: MapAccess<'de>>(fields: &mut FieldReader<'_, A>) -> Result<Self, A::Error> {
        while fields.next(&[])?.is_some() {}
        Ok(Self)
    }
}
