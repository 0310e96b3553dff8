//! What is the same in both protocols.

use std::collections::BTreeMap;

use bytes::Bytes;
use tonic::{Request, Response};

use super::proto::v6 as wire;
use crate::framework::{
    self, AttributePath, ClientCapabilities, DataSource, DeferredReason, Diagnostics, EncodedValue,
    FunctionError, Provider, ReadResponse, Server, Severity, Signature, Step,
};

pub(super) fn encoded(value: Option<wire::DynamicValue>) -> EncodedValue {
    value.map(|value| EncodedValue { msgpack: value.msgpack, json: value.json }).unwrap_or_default()
}

pub(super) fn diagnostics(diagnostics: Diagnostics) -> Vec<wire::Diagnostic> {
    diagnostics.into_iter().map(diagnostic).collect()
}

fn diagnostic(diagnostic: framework::Diagnostic) -> wire::Diagnostic {
    let framework::Diagnostic { severity, summary, detail, attribute } = diagnostic;
    let severity = match severity {
        Severity::Error => wire::diagnostic::Severity::Error,
        Severity::Warning => wire::diagnostic::Severity::Warning,
    };
    wire::Diagnostic { severity: severity.into(), summary, detail, attribute: attribute.map(path) }
}

fn path(path: AttributePath) -> wire::AttributePath {
    use wire::attribute_path::step::Selector;
    let steps = path.0.into_iter().map(|step| match step {
        Step::Attribute(name) => Selector::AttributeName(name),
        Step::Key(key) => Selector::ElementKeyString(key),
        Step::Index(index) => Selector::ElementKeyInt(index),
    });
    wire::AttributePath {
        steps: steps.map(|selector| wire::attribute_path::Step { selector: Some(selector) }).collect(),
    }
}

pub(super) fn capabilities() -> wire::ServerCapabilities {
    // The schema never changes within a version, so the host may reuse it instead of asking every process.
    wire::ServerCapabilities { get_provider_schema_optional: true, ..Default::default() }
}

pub(super) fn data_sources<P: Provider, S>(
    server: &Server<P>,
    schema: impl Fn(&dyn DataSource<P::Configured>) -> S,
) -> BTreeMap<String, S> {
    server.data_sources().iter().map(|source| (source.type_name().to_owned(), schema(&**source))).collect()
}

pub(super) fn data_source_names<P: Provider>(server: &Server<P>) -> impl Iterator<Item = String> {
    server.data_sources().into_iter().map(|source| source.type_name().to_owned())
}

pub(super) fn functions<P: Provider>(server: &Server<P>) -> BTreeMap<String, wire::Function> {
    server
        .functions()
        .iter()
        .map(|function| (function.name().to_owned(), signature(&function.signature())))
        .collect()
}

pub(super) fn function_names<P: Provider>(server: &Server<P>) -> impl Iterator<Item = String> {
    server.functions().into_iter().map(|function| function.name().to_owned())
}

fn signature(signature: &Signature) -> wire::Function {
    let parameters = signature.parameters.iter().map(|parameter| wire::function::Parameter {
        name: parameter.name.to_owned(),
        r#type: parameter.ty.to_json().into(),
        description: parameter.description.to_owned(),
        description_kind: wire::StringKind::Markdown.into(),
        ..Default::default()
    });
    wire::Function {
        parameters: parameters.collect(),
        r#return: Some(wire::function::Return { r#type: signature.result.to_json().into() }),
        summary: signature.summary.to_owned(),
        description: signature.description.to_owned(),
        description_kind: wire::StringKind::Markdown.into(),
        ..Default::default()
    }
}

pub(super) fn get_functions<P: Provider>(server: &Server<P>) -> Response<wire::get_functions::Response> {
    Response::new(wire::get_functions::Response { functions: functions(server), ..Default::default() })
}

pub(super) fn call_function<P: Provider>(
    server: &Server<P>,
    request: Request<wire::call_function::Request>,
) -> Response<wire::call_function::Response> {
    let wire::call_function::Request { name, arguments } = request.into_inner();
    let arguments: Vec<_> = arguments.into_iter().map(|value| encoded(Some(value))).collect();
    Response::new(match server.call_function(&name, &arguments) {
        Ok(result) => wire::call_function::Response { result: Some(dynamic_value(result)), error: None },
        Err(FunctionError { text, argument }) => {
            let function_argument = argument.and_then(|position| i64::try_from(position).ok());
            let error = wire::FunctionError { text, function_argument };
            wire::call_function::Response { result: None, error: Some(error) }
        }
    })
}

/// The parts of the response to a read. The messages around them are not shared, because the requests of the protocols
/// differ in the client's capabilities.
pub(super) async fn read_data_source<P: Provider>(
    server: &Server<P>,
    type_name: &str,
    config: Option<wire::DynamicValue>,
    capabilities: ClientCapabilities,
) -> (Option<wire::DynamicValue>, Option<wire::Deferred>, Vec<wire::Diagnostic>) {
    let ReadResponse { state, deferred, diagnostics: messages } =
        server.read_data_source(type_name, &encoded(config), capabilities).await;
    (state.map(dynamic_value), deferred.map(deferral), diagnostics(messages))
}

fn deferral(reason: DeferredReason) -> wire::Deferred {
    use wire::deferred::Reason;
    let reason = match reason {
        // Used for data sources too: the protocol has no reason of its own for them.
        DeferredReason::ConfigUnknown => Reason::ResourceConfigUnknown,
        DeferredReason::ProviderConfigUnknown => Reason::ProviderConfigUnknown,
    };
    wire::Deferred { reason: reason.into() }
}

fn dynamic_value(msgpack: Vec<u8>) -> wire::DynamicValue {
    wire::DynamicValue { msgpack: msgpack.into(), json: Bytes::new() }
}
