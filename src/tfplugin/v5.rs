//! Protocol 5: Terraform 0.12 to 0.14, and any later host that asks for it.

use std::sync::Arc;

use super::proto::v5::{
    configure, get_metadata, get_provider_schema, prepare_provider_config, stop, validate_data_source_config,
};
use super::proto::v6::get_resource_identity_schemas;
use super::{schema, shared};
use crate::framework::{Host, Provider, Server};
use crate::grpc::{self, Request, Response, immediate};

pub(super) async fn answer<P: Provider>(server: Arc<Server<P>>, rpc: &str, request: Request) -> Response {
    match rpc {
        "GetSchema" => {
            immediate(request, move |_: get_provider_schema::Request| get_provider_schema::Response {
                provider: Some(schema::to_v5(&server.provider_schema())),
                data_source_schemas: shared::data_sources(&server, |source| schema::to_v5(&source.schema())),
                functions: shared::functions(&server),
                server_capabilities: Some(shared::capabilities()),
                ..Default::default()
            })
            .await
        }
        "GetMetadata" => {
            immediate(request, move |_: get_metadata::Request| get_metadata::Response {
                data_sources: shared::data_source_names(&server)
                    .map(|type_name| get_metadata::DataSourceMetadata { type_name })
                    .collect(),
                functions: shared::function_names(&server)
                    .map(|name| get_metadata::FunctionMetadata { name })
                    .collect(),
                server_capabilities: Some(shared::capabilities()),
                ..Default::default()
            })
            .await
        }
        "GetResourceIdentitySchemas" => {
            immediate(request, |_: get_resource_identity_schemas::Request| {
                get_resource_identity_schemas::Response::default()
            })
            .await
        }
        "PrepareProviderConfig" => {
            immediate(request, move |request: prepare_provider_config::Request| {
                let diagnostics = server.validate_provider(&shared::encoded(request.config.clone()));
                prepare_provider_config::Response {
                    // Nothing is prepared: hosts only accept the configuration that they sent.
                    prepared_config: request.config,
                    diagnostics: shared::diagnostics(diagnostics),
                }
            })
            .await
        }
        "Configure" => {
            immediate(request, move |request: configure::Request| {
                let host = Host { terraform_version: request.terraform_version };
                let diagnostics = server.configure(&shared::encoded(request.config), &host);
                configure::Response { diagnostics: shared::diagnostics(diagnostics) }
            })
            .await
        }
        "ValidateDataSourceConfig" => {
            immediate(request, move |request: validate_data_source_config::Request| {
                let diagnostics =
                    server.validate_data_source(&request.type_name, &shared::encoded(request.config));
                validate_data_source_config::Response { diagnostics: shared::diagnostics(diagnostics) }
            })
            .await
        }
        "ReadDataSource" => shared::read_data_source(server, request).await,
        "GetFunctions" => shared::get_functions(server, request).await,
        "CallFunction" => shared::call_function(server, request).await,
        "Stop" => {
            immediate(request, move |_: stop::Request| {
                server.stop();
                stop::Response::default()
            })
            .await
        }
        _ => grpc::unimplemented(),
    }
}
