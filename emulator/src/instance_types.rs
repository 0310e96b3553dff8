//! `describeInstanceTypes`: which instance types a query selects.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::query::Query;

const PARAMETERS: [&str; 3] = ["serviceName", "chargeMode", "filters"];

/// The parsed query of `describeInstanceTypes`.
#[derive(Default)]
pub(crate) struct Filters {
    /// The service `nc` (native containers), for which the catalogue has no types.
    containers: bool,
    names: Option<Vec<String>>,
    zones: Option<Vec<String>>,
    architecture: Option<String>,
}

impl Filters {
    /// # Errors
    ///
    /// 400 for anything but the documented parameters. How the API treats others is not documented.
    pub(crate) fn read(query: &Query) -> Result<Self, ApiError> {
        let invalid = |sentence: String| ApiError::invalid_argument(sentence);
        query.only(&PARAMETERS).map_err(invalid)?;
        let mut filters = Self::default();
        match query.value("serviceName").map_err(invalid)?.as_deref() {
            None | Some("vm") => {}
            Some("nc") => filters.containers = true,
            Some(other) => return Err(invalid(format!("Invalid serviceName '{other}'"))),
        }
        match query.value("chargeMode").map_err(invalid)?.as_deref() {
            None | Some("postpaid_by_spot") => {}
            Some(other) => return Err(invalid(format!("Invalid chargeMode '{other}'"))),
        }
        for (name, mut values) in query.filters().map_err(invalid)? {
            match (name.as_str(), values.len()) {
                ("instanceTypes", 1..) => filters.names = Some(values),
                ("az", 1..) => filters.zones = Some(values),
                ("architecture", 1) => filters.architecture = values.pop(),
                _ => return Err(invalid(format!("Invalid filter '{name}'"))),
            }
        }
        Ok(filters)
    }

    /// Whether all filters match. The `az` filter does not remove other zones from `state`; the API documents neither.
    pub(crate) fn select(&self, instance_type: &Value) -> bool {
        let text = |name: &str| instance_type[name].as_str();
        let among = |asked: &Option<Vec<String>>, values: &[&str]| {
            asked.as_ref().is_none_or(|asked| asked.iter().any(|asked| values.contains(&asked.as_str())))
        };
        let states = instance_type["state"].as_array().into_iter().flatten();
        let zones: Vec<_> = states.filter_map(|state| state["az"].as_str()).collect();
        !self.containers
            && among(&self.names, text("instanceType").as_slice())
            && among(&self.zones, &zones)
            && self.architecture.as_deref().is_none_or(|asked| text("architecture") == Some(asked))
    }
}

/// The same type with every zone in the other state: sold out where it was in stock, and the reverse.
pub(crate) fn with_stock_changed(instance_type: &Value) -> Value {
    let mut changed = instance_type.clone();
    let states = changed.get_mut("state").and_then(Value::as_array_mut).into_iter().flatten();
    for state in states {
        if let Some(in_stock) = state.get_mut("inStock") {
            *in_stock = json!(*in_stock != json!(true));
        }
    }
    changed
}
