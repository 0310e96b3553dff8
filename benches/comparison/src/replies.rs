//! What the floor replies: the very bytes of the provider.

use std::fs;
use std::path::Path;

use jdcloud_emulator::Emulator;
use prost::Message;

use crate::client::Identity;
use crate::host::{Plugin, ids, question, runtime, schema};

/// Writes into `directory` what the provider says to its host, the schema and one read of `images`.
pub(crate) fn record(provider: &Path, directory: &Path, emulator: &Emulator, images: usize) {
    fs::create_dir_all(directory).unwrap();
    let identity = Identity::new();
    let plugin = Plugin::start(provider, directory, &identity);
    runtime().block_on(async {
        let client = plugin.connect(&identity).await;
        client.configure_for(&emulator.url(), &[]).await;
        let reply = client.read(question(&ids(images))).await.unwrap();
        assert!(reply.state.is_some(), "{:?}", reply.diagnostics);
        fs::write(directory.join("GetProviderSchema"), schema(&client).await.encode_to_vec()).unwrap();
        fs::write(directory.join("ReadDataSource"), reply.encode_to_vec()).unwrap();
    });
}
