//! The data sources of the provider. A new data source is a file here and a line in [`all`].

mod arguments;
mod image_constraints;
mod images;
mod instance_types;

use crate::framework::DataSource;
use crate::jdcloud::Client;

pub(super) fn all() -> Vec<Box<dyn DataSource<Client>>> {
    vec![
        Box::new(image_constraints::ImageConstraints),
        Box::new(images::Images),
        Box::new(instance_types::InstanceTypes),
    ]
}
