//! Protocol 6: Terraform 0.15 and later, and OpenTofu.

use std::sync::Arc;

use tonic::{Request, Response, Status, async_trait};

use super::proto::v6::provider_server::{Provider as ProviderService, ProviderServer};
use super::proto::v6::{
    call_function, configure_provider, get_functions, get_metadata, get_provider_schema,
    get_resource_identity_schemas, read_data_source, stop_provider, validate_data_resource_config,
    validate_provider_config,
};
use super::{MAX_MESSAGE, schema, shared};
use crate::framework::{ClientCapabilities, Host, Provider, Server};

/// The protocol 6 service of one connection.
pub struct V6<P: Provider>(Server<P>);

impl<P: Provider> V6<P> {
    /// The gRPC service for a new connection.
    pub fn service(provider: Arc<P>) -> ProviderServer<Self> {
        ProviderServer::new(Self(Server::new(provider)))
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE)
    }
}

#[async_trait]
impl<P: Provider> ProviderService for V6<P> {
    async fn get_provider_schema(
        &self,
        _: Request<get_provider_schema::Request>,
    ) -> Result<Response<get_provider_schema::Response>, Status> {
        Ok(Response::new(get_provider_schema::Response {
            provider: Some(schema::to_v6(&self.0.provider_schema())),
            data_source_schemas: shared::data_sources(&self.0, |source| schema::to_v6(&source.schema())),
            functions: shared::functions(&self.0),
            server_capabilities: Some(shared::capabilities()),
            ..Default::default()
        }))
    }

    async fn get_metadata(
        &self,
        _: Request<get_metadata::Request>,
    ) -> Result<Response<get_metadata::Response>, Status> {
        Ok(Response::new(get_metadata::Response {
            data_sources: shared::data_source_names(&self.0)
                .map(|type_name| get_metadata::DataSourceMetadata { type_name })
                .collect(),
            functions: shared::function_names(&self.0)
                .map(|name| get_metadata::FunctionMetadata { name })
                .collect(),
            server_capabilities: Some(shared::capabilities()),
            ..Default::default()
        }))
    }

    async fn get_resource_identity_schemas(
        &self,
        _: Request<get_resource_identity_schemas::Request>,
    ) -> Result<Response<get_resource_identity_schemas::Response>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn validate_provider_config(
        &self,
        request: Request<validate_provider_config::Request>,
    ) -> Result<Response<validate_provider_config::Response>, Status> {
        let diagnostics = self.0.validate_provider(&shared::encoded(request.into_inner().config));
        Ok(Response::new(validate_provider_config::Response {
            diagnostics: shared::diagnostics(diagnostics),
        }))
    }

    async fn configure_provider(
        &self,
        request: Request<configure_provider::Request>,
    ) -> Result<Response<configure_provider::Response>, Status> {
        let configure_provider::Request { terraform_version, config, .. } = request.into_inner();
        let diagnostics = self.0.configure(&shared::encoded(config), &Host { terraform_version });
        Ok(Response::new(configure_provider::Response { diagnostics: shared::diagnostics(diagnostics) }))
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<validate_data_resource_config::Request>,
    ) -> Result<Response<validate_data_resource_config::Response>, Status> {
        let validate_data_resource_config::Request { type_name, config } = request.into_inner();
        let diagnostics = self.0.validate_data_source(&type_name, &shared::encoded(config));
        Ok(Response::new(validate_data_resource_config::Response {
            diagnostics: shared::diagnostics(diagnostics),
        }))
    }

    async fn read_data_source(
        &self,
        request: Request<read_data_source::Request>,
    ) -> Result<Response<read_data_source::Response>, Status> {
        let read_data_source::Request { type_name, config, client_capabilities, .. } = request.into_inner();
        let capabilities = ClientCapabilities {
            deferral_allowed: client_capabilities.is_some_and(|accepted| accepted.deferral_allowed),
        };
        let (state, deferred, diagnostics) =
            shared::read_data_source(&self.0, &type_name, config, capabilities).await;
        Ok(Response::new(read_data_source::Response { state, diagnostics, deferred }))
    }

    async fn get_functions(
        &self,
        _: Request<get_functions::Request>,
    ) -> Result<Response<get_functions::Response>, Status> {
        Ok(shared::get_functions(&self.0))
    }

    async fn call_function(
        &self,
        request: Request<call_function::Request>,
    ) -> Result<Response<call_function::Response>, Status> {
        Ok(shared::call_function(&self.0, request))
    }

    async fn stop_provider(
        &self,
        _: Request<stop_provider::Request>,
    ) -> Result<Response<stop_provider::Response>, Status> {
        self.0.stop();
        Ok(Response::new(Default::default()))
    }
}
