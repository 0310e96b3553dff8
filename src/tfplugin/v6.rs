//! Protocol 6: Terraform 0.15 and later, and OpenTofu.

use std::sync::Arc;

use super::proto::v6::{
    configure_provider, get_metadata, get_provider_schema, get_resource_identity_schemas, stop_provider,
    validate_data_resource_config, validate_provider_config,
};
use super::{schema, shared};
use crate::framework::{Host, Provider, Server};
use crate::grpc::{self, Request, Response, immediate};

pub(super) async fn answer<P: Provider>(server: Arc<Server<P>>, rpc: &str, request: Request) -> Response {
    match rpc {
        "GetProviderSchema" => {
            immediate(request, move |_: get_provider_schema::Request| get_provider_schema::Response {
                provider: Some(schema::to_v6(&server.provider_schema())),
                data_source_schemas: shared::data_sources(&server, |source| schema::to_v6(&source.schema())),
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
        "ValidateProviderConfig" => {
            immediate(request, move |request: validate_provider_config::Request| {
                let diagnostics = server.validate_provider(&shared::encoded(request.config));
                validate_provider_config::Response { diagnostics: shared::diagnostics(diagnostics) }
            })
            .await
        }
        "ConfigureProvider" => {
            immediate(request, move |request: configure_provider::Request| {
                let host = Host { terraform_version: request.terraform_version };
                let diagnostics = server.configure(&shared::encoded(request.config), &host);
                configure_provider::Response { diagnostics: shared::diagnostics(diagnostics) }
            })
            .await
        }
        "ValidateDataResourceConfig" => {
            immediate(request, move |request: validate_data_resource_config::Request| {
                let diagnostics =
                    server.validate_data_source(&request.type_name, &shared::encoded(request.config));
                validate_data_resource_config::Response { diagnostics: shared::diagnostics(diagnostics) }
            })
            .await
        }
        "ReadDataSource" => shared::read_data_source(server, request).await,
        "GetFunctions" => shared::get_functions(server, request).await,
        "CallFunction" => shared::call_function(server, request).await,
        "StopProvider" => {
            immediate(request, move |_: stop_provider::Request| {
                server.stop();
                stop_provider::Response::default()
            })
            .await
        }
        _ => grpc::unimplemented(),
    }
}
