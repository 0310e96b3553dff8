//! Records the provider's replies for the baseline.

use std::fs;
use std::path::Path;

use jdcloud_emulator::Emulator;
use prost::Message;

use crate::client::Identity;
use crate::host::{Plugin, data_block, runtime, schema};

/// Writes the provider's replies into `directory`: the schema and one read of `ids`.
pub(crate) fn record(provider: &Path, directory: &Path, emulator: &Emulator, ids: &[String]) {
    fs::create_dir_all(directory).unwrap();
    let identity = Identity::new();
    let plugin = Plugin::start(provider, directory, &identity);
    runtime().block_on(async {
        let client = plugin.connect(&identity).await;
        client.configure_for(&emulator.url(), &[]).await;
        let reply = client.read(data_block(ids)).await.unwrap();
        assert!(reply.state.is_some(), "{:?}", reply.diagnostics);
        fs::write(directory.join("GetProviderSchema"), schema(&client).await.encode_to_vec()).unwrap();
        fs::write(directory.join("ReadDataSource"), reply.encode_to_vec()).unwrap();
    });
}
