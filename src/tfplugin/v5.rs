//! Protocol 5: Terraform 0.12 to 0.14, and later hosts that ask for it.

use std::sync::Arc;

use tonic::{Request, Response, Status, async_trait};

use super::proto::v5::provider_server::{Provider as ProviderService, ProviderServer};
use super::proto::v5::{
    configure, get_metadata, get_provider_schema, prepare_provider_config, read_data_source, stop,
    validate_data_source_config,
};
use super::proto::v6::{call_function, get_functions, get_resource_identity_schemas};
use super::{MAX_MESSAGE, schema, shared};
use crate::framework::{ClientCapabilities, Host, Provider, Server};

/// The protocol 5 service of one connection.
pub struct V5<P: Provider>(Server<P>);

impl<P: Provider> V5<P> {
    /// The gRPC service for a new connection.
    pub fn service(provider: Arc<P>) -> ProviderServer<Self> {
        ProviderServer::new(Self(Server::new(provider)))
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE)
    }
}

#[async_trait]
impl<P: Provider> ProviderService for V5<P> {
    async fn get_schema(
        &self,
        _: Request<get_provider_schema::Request>,
    ) -> Result<Response<get_provider_schema::Response>, Status> {
        Ok(Response::new(get_provider_schema::Response {
            provider: Some(schema::to_v5(&self.0.provider_schema())),
            data_source_schemas: shared::data_sources(&self.0, |source| schema::to_v5(&source.schema())),
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

    async fn prepare_provider_config(
        &self,
        request: Request<prepare_provider_config::Request>,
    ) -> Result<Response<prepare_provider_config::Response>, Status> {
        let config = request.into_inner().config;
        let diagnostics = self.0.validate_provider(&shared::encoded(config.clone()));
        Ok(Response::new(prepare_provider_config::Response {
            // Returned unchanged: hosts accept no other configuration.
            prepared_config: config,
            diagnostics: shared::diagnostics(diagnostics),
        }))
    }

    async fn configure(
        &self,
        request: Request<configure::Request>,
    ) -> Result<Response<configure::Response>, Status> {
        let configure::Request { terraform_version, config, .. } = request.into_inner();
        let diagnostics = self.0.configure(&shared::encoded(config), &Host { terraform_version });
        Ok(Response::new(configure::Response { diagnostics: shared::diagnostics(diagnostics) }))
    }

    async fn validate_data_source_config(
        &self,
        request: Request<validate_data_source_config::Request>,
    ) -> Result<Response<validate_data_source_config::Response>, Status> {
        let validate_data_source_config::Request { type_name, config } = request.into_inner();
        let diagnostics = self.0.validate_data_source(&type_name, &shared::encoded(config));
        Ok(Response::new(validate_data_source_config::Response {
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

    async fn stop(&self, _: Request<stop::Request>) -> Result<Response<stop::Response>, Status> {
        self.0.stop();
        Ok(Response::new(Default::default()))
    }
}
